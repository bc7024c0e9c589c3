internal import CLinux
internal import Glibc

/// Files that nobody else may read.
package enum PrivateFile {
  /// Replaces `path` in one step by a file of mode 0600: a new temporary file beside it (never one
  /// that was there), fsync, rename, fsync of the directory.
  ///
  /// With an owner, and when this process may, the file becomes that owner's. What need not outlive
  /// a power cut is not synced.
  package static func replace(
    _ path: String,
    with bytes: Span<UInt8>,
    owner: (user: UInt32, group: UInt32)? = nil,
    isDurable: Bool = true
  ) throws(SyscallError) {
    let directory = FileSystem.parent(of: path)
    let temporary = "\(directory)/.\(FileSystem.lastComponent(of: path)).tmp"
    try FileSystem.remove(temporary)
    let file = try Descriptor(
      open: temporary,
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: 0o600
    )
    if let owner { try file.changeOwner(owner.user, owner.group) }
    try file.write(bytes)
    if isDurable { try file.sync() }
    try file.close()
    try FileSystem.rename(temporary, to: path)
    if isDurable { try FileSystem.syncDirectory(directory) }
  }

  /// The bytes and the status of one and the same file, refused above `limit` bytes.
  ///
  /// With `followsLinks` false a symbolic link is an error (ELOOP); nothing but a regular file is
  /// read, and a pipe does not make it wait.
  package static func read(
    _ path: String,
    atMost limit: Int,
    followsLinks: Bool,
    accepting isAccepted: (FileStatus) -> Bool
  ) throws(SyscallError) -> (status: FileStatus, bytes: [UInt8]?) {
    let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followsLinks ? 0 : O_NOFOLLOW)
    let file = try Descriptor(open: path, flags)
    let status = try file.status()
    guard status.isRegularFile, isAccepted(status) else { return (status, nil) }
    var bytes: [UInt8] = []
    while let got = try file.read(into: &bytes, atMost: 65_536), got > 0 {
      if bytes.count > limit { throw SyscallError("read", code: EFBIG, path: path) }
    }
    return (status, bytes)
  }
}

/// One line from the terminal, typed without being seen.
package enum HiddenInput {
  /// Asks on the process's terminal; nil when it was interrupted or ended.
  package static func line(prompt: String, atMost limit: Int) throws(SyscallError) -> [UInt8]? {
    let terminal = try Descriptor(open: "/dev/tty", O_RDWR)
    InterruptSignal.install()
    let code = clinux_set_echo(terminal.raw, 0)
    guard code == 0 else { throw SyscallError("tcsetattr", code: code, path: terminal.path) }
    defer { _ = clinux_set_echo(terminal.raw, 1) }
    try terminal.write(Array(prompt.utf8).span)
    var bytes: [UInt8] = []
    while bytes.last != 0x0A {
      // The wait ends when a signal comes, which a blocking read would not.
      let ready = Poller.wait(readable: [terminal.raw], nanoseconds: 3_600_000_000_000)
      if InterruptSignal.isRaised || ready.isEmpty { return nil }
      guard let got = try terminal.read(into: &bytes, atMost: 4_096), got > 0 else { return nil }
      if bytes.count > limit {
        throw SyscallError("read", code: EFBIG, path: terminal.path)
      }
    }
    try terminal.write(Array("\n".utf8).span)
    return bytes
  }
}
