internal import Glibc
internal import CLinux

/// Path operations of the agent: each makes its own change durable where that matters.
package enum FileSystem {
  package static func status(of path: String) throws(SyscallError) -> FileStatus {
    var buffer = stat()
    // Safety: stat fills the struct that it is given.
    guard unsafe stat(path, &buffer) == 0 else { throw .last("stat", path: path) }
    return FileStatus(buffer)
  }

  /// Nil when nothing is there.
  package static func statusIfPresent(of path: String) throws(SyscallError) -> FileStatus? {
    do throws(SyscallError) {
      return try status(of: path)
    } catch {
      if error.isNotFound { return nil }
      throw error
    }
  }

  /// Whether there is something, as far as this process may look.
  ///
  /// With its capabilities: access(2) looks without them, unless the user is root.
  package static func exists(_ path: String) -> Bool {
    var buffer = stat()
    // Safety: stat fills the struct that it is given.
    return unsafe stat(path, &buffer) == 0
  }

  /// The status of the entry itself, without following a symbolic link.
  package static func linkStatus(of path: String) throws(SyscallError) -> FileStatus {
    var buffer = stat()
    // Safety: lstat fills the struct that it is given.
    guard unsafe lstat(path, &buffer) == 0 else { throw .last("lstat", path: path) }
    return FileStatus(buffer)
  }

  /// Creates the directory and its missing parents.
  package static func makeDirectory(_ path: String, mode: UInt32 = 0o750) throws(SyscallError) {
    // Safety: mkdir only reads the path.
    if unsafe mkdir(path, mode_t(mode)) == 0 {
      try syncDirectory(parent(of: path))
      return
    }
    let code = errno
    if code == EEXIST { return }
    guard code == ENOENT, path.contains("/") else {
      throw SyscallError("mkdir", code: code, path: path)
    }
    try makeDirectory(parent(of: path), mode: mode)
    guard unsafe mkdir(path, mode_t(mode)) == 0 || errno == EEXIST else {
      throw .last("mkdir", path: path)
    }
    try syncDirectory(parent(of: path))
  }

  /// Lets the owner of `other`, and its group, remove what is in a directory: root and members of
  /// the group make directories for a service with a user of its own.
  package static func share(
    _ directory: String,
    withOwnerOf other: String
  ) throws(SyscallError) {
    var status = stat()
    // Safety: stat fills the struct that it is given; the others only read the path.
    guard unsafe stat(other, &status) == 0 else { throw .last("stat", path: other) }
    // Only root gives things away; anyone gives to a group of their own.
    let owner = geteuid() == 0 ? status.st_uid : uid_t.max
    if unsafe chown(directory, owner, status.st_gid) != 0, errno != EPERM {
      throw .last("chown", path: directory)
    }
    guard unsafe chmod(directory, 0o770) == 0 else { throw .last("chmod", path: directory) }
  }

  package static func removeDirectory(_ path: String) throws(SyscallError) {
    guard unsafe rmdir(path) == 0 else { throw .last("rmdir", path: path) }
  }

  /// Removes the name; a missing file is not an error.
  package static func remove(_ path: String) throws(SyscallError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .last("unlink", path: path) }
  }

  package static func rename(_ from: String, to: String) throws(SyscallError) {
    guard unsafe Glibc.rename(from, to) == 0 else { throw .last("rename", path: from) }
  }

  /// Makes creations, renames and removals in a directory durable.
  package static func syncDirectory(_ path: String) throws(SyscallError) {
    try Descriptor(open: path, O_RDONLY | O_DIRECTORY).sync()
  }

  /// Replaces `path` in one step: temporary file, fsync, rename, fsync of the directory.
  package static func replace(
    _ path: String,
    with bytes: Span<UInt8>,
    mode: UInt32 = 0o640,
    durable: Bool = true
  ) throws(SyscallError) {
    let temporary = path + ".tmp"
    let file = try Descriptor(
      open: temporary,
      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
      mode: mode
    )
    try file.write(bytes)
    if durable { try file.sync() }
    try file.close()
    try rename(temporary, to: path)
    if durable { try syncDirectory(parent(of: path)) }
  }

  /// Writes over a file that exists, in the room that it has: works on a full disk, where
  /// `replace` does not.
  ///
  /// Fills `bytes` up with blanks to the file's length, so that nothing old is left behind them.
  package static func overwrite(
    _ path: String,
    with bytes: inout [UInt8]
  ) throws(SyscallError) {
    let file = try Descriptor(open: path, O_WRONLY | O_NOFOLLOW)
    let size = try file.status().size
    while Int64(bytes.count) < size { bytes.append(0x20) }
    try file.write(bytes.span, at: 0)
  }

  /// The names in a directory, without "." and "..", sorted.
  package static func list(_ path: String) throws(SyscallError) -> [String] {
    // Safety: the DIR handle stays inside this function and is closed on every path out.
    guard let handle = unsafe opendir(path) else { throw .last("opendir", path: path) }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(handle) else {
        if errno != 0 { throw .last("readdir", path: path) }
        break
      }
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The whole file, refused above `limit` bytes.
  package static func read(_ path: String, atMost limit: Int) throws(SyscallError) -> [UInt8] {
    let file = try Descriptor(open: path, O_RDONLY)
    var bytes: [UInt8] = []
    while true {
      guard let got = try file.read(into: &bytes, atMost: 65_536), got > 0 else { return bytes }
      if bytes.count > limit { throw SyscallError("read", code: EFBIG, path: path) }
    }
  }

  /// Space on the file system that holds `path`.
  package static func space(at path: String) throws(SyscallError) -> FileSystemSpace {
    let directory = try Descriptor(open: path, O_RDONLY)
    var space = FileSystemSpace(freeBytes: 0, totalBytes: 0, freeInodes: 0, magic: 0)
    // Safety: the four fields are filled by the call.
    let outcome = unsafe clinux_file_system(
      directory.raw,
      &space.freeBytes,
      &space.totalBytes,
      &space.freeInodes,
      &space.magic
    )
    guard outcome == 0 else { throw .last("statfs", path: path) }
    return space
  }

  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  package static func lastComponent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path }
    return String(path[path.index(after: slash)...])
  }
}

/// Free and total space of a file system.
package struct FileSystemSpace: Sendable, Equatable {
  /// What an unprivileged process may still use.
  package var freeBytes: UInt64
  package var totalBytes: UInt64
  package var freeInodes: UInt64
  /// statfs(2)'s f_type.
  package var magic: UInt64
}
