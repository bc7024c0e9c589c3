internal import CLinux

/// Who this process is to the file system.
package enum ProcessIdentity {
  /// Lets root act as the owner of `directory` from now on, keeping the right to read any file.
  ///
  /// What is written below it then belongs to the service whose directory it is, and no link that
  /// the service puts there leads root anywhere. Nothing changes for other users, or when there is
  /// no such directory. Call it before there is a second thread.
  package static func actAsOwner(of directory: String) throws(SyscallError) {
    guard ProcessSecrecy.user == 0,
      let status = try FileSystem.statusIfPresent(of: directory), status.owner != 0
    else { return }
    let code = clinux_act_as(status.owner, status.ownerGroup)
    guard code == 0 else { throw SyscallError("seteuid", code: code, path: directory) }
  }
}
