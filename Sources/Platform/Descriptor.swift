internal import Glibc
internal import CLinux

/// An owned file descriptor: closed exactly once, when the value goes away.
///
/// Reads and writes are complete or throw; EINTR never reaches the caller. Used by one thread at a
/// time; positional reads through `borrowing` are safe from any thread.
package struct Descriptor: ~Copyable, Sendable {
  package private(set) var raw: Int32
  package let path: String

  package init(adopting raw: Int32, path: String) {
    self.raw = raw
    self.path = path
  }

  deinit {
    if raw >= 0 { _ = Glibc.close(raw) }
  }

  /// Opens `path`; O_CLOEXEC is always added.
  package init(
    open path: String,
    _ flags: Int32,
    mode: UInt32 = 0o640,
    in directory: Int32 = AT_FDCWD
  ) throws(SyscallError) {
    // Safety: the string lives through the call as a NUL-terminated copy.
    let fd = unsafe clinux_openat(directory, path, flags | O_CLOEXEC, mode)
    guard fd >= 0 else { throw .last("open", path: path) }
    self.init(adopting: fd, path: path)
  }

  /// Creates a file that must not be there yet, for writing.
  package init(create path: String, mode: UInt32 = 0o640) throws(SyscallError) {
    try self.init(open: path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
  }

  /// Gives the number away: the caller closes it from now on.
  package consuming func release() -> Int32 {
    let fd = raw
    raw = -1
    return fd
  }

  /// Closes and reports what close(2) said, which on some file systems is a late write error.
  package consuming func close() throws(SyscallError) {
    let fd = raw
    let name = path
    raw = -1
    guard Glibc.close(fd) == 0 || errno == EINTR else { throw .last("close", path: name) }
  }

  package borrowing func status() throws(SyscallError) -> FileStatus {
    var buffer = stat()
    // Safety: fstat fills the struct that it is given.
    guard unsafe fstat(raw, &buffer) == 0 else { throw .last("fstat", path: path) }
    return FileStatus(buffer)
  }

  /// When the file was created, in nanoseconds since the epoch; nil where nobody knows.
  package borrowing func birth() -> Int64? {
    let time = clinux_birth(raw)
    return time < 0 ? nil : time
  }

  /// Appends at most `count` bytes read at the file's own position; 0 means end of file.
  ///
  /// Returns nil when a non-blocking descriptor has nothing to give.
  package borrowing func read(
    into bytes: inout [UInt8],
    atMost count: Int
  ) throws(SyscallError) -> Int? {
    let descriptor = raw
    var outcome = 0
    var code: Int32 = 0
    bytes.append(addingCapacity: count) { output in
      // Safety: at most `count` bytes are written into that much spare capacity.
      unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
        let start = unsafe buffer.baseAddress.map { unsafe $0 + initialized }
        repeat {
          outcome = unsafe Glibc.read(descriptor, start, count)
        } while outcome < 0
          && errno == EINTR
        if outcome > 0 { initialized += outcome } else if outcome < 0 { code = errno }
      }
    }
    if outcome >= 0 { return outcome }
    if code == EAGAIN || code == EWOULDBLOCK { return nil }
    throw SyscallError("read", code: code, path: path)
  }

  /// Appends at most `count` bytes found at `offset`; fewer only at the end of the file.
  @discardableResult
  package borrowing func read(
    into bytes: inout [UInt8],
    atMost count: Int,
    at offset: Int64
  ) throws(SyscallError) -> Int {
    let descriptor = raw
    var total = 0
    var code: Int32 = 0
    bytes.append(addingCapacity: count) { output in
      // Safety: at most `count` bytes are written into that much spare capacity.
      unsafe output.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        while total < count {
          let got = unsafe pread(
            descriptor,
            base + initialized,
            count - total,
            off_t(offset) + off_t(total)
          )
          if got < 0 {
            if errno == EINTR { continue }
            code = errno
            return
          }
          if got == 0 { return }
          total += got
          initialized += got
        }
      }
    }
    guard code == 0 else { throw SyscallError("pread", code: code, path: path) }
    return total
  }

  /// Writes all of `bytes` at the file's own position.
  package borrowing func write(_ bytes: Span<UInt8>) throws(SyscallError) {
    let descriptor = raw
    // Safety: the pointer is used only while the span is borrowed.
    let code = unsafe bytes.withUnsafeBufferPointer { buffer -> Int32 in
      var done = 0
      while done < buffer.count {
        guard let base = buffer.baseAddress else { break }
        let wrote = unsafe Glibc.write(descriptor, base + done, buffer.count - done)
        if wrote < 0 {
          if errno == EINTR { continue }
          return errno
        }
        done += wrote
      }
      return 0
    }
    guard code == 0 else { throw SyscallError("write", code: code, path: path) }
  }

  /// Writes all of `bytes` at `offset`; short writes are continued.
  package borrowing func write(_ bytes: Span<UInt8>, at offset: Int64) throws(SyscallError) {
    let descriptor = raw
    // Safety: the pointer is used only while the span is borrowed.
    let code = unsafe bytes.withUnsafeBufferPointer { buffer -> Int32 in
      var done = 0
      while done < buffer.count {
        guard let base = buffer.baseAddress else { break }
        let wrote = unsafe pwrite(
          descriptor,
          base + done,
          buffer.count - done,
          off_t(offset) + off_t(done)
        )
        if wrote < 0 {
          if errno == EINTR { continue }
          return errno
        }
        done += wrote
      }
      return 0
    }
    guard code == 0 else { throw SyscallError("pwrite", code: code, path: path) }
  }

  /// Makes the file's bytes and length durable.
  ///
  /// After a failure the file must not be written again: a second call reports success over lost
  /// pages (seen on ext4 with a full disk below it).
  package borrowing func syncData() throws(SyscallError) {
    while fdatasync(raw) != 0 {
      if errno == EINTR { continue }
      throw .last("fdatasync", path: path)
    }
  }

  package borrowing func sync() throws(SyscallError) {
    while fsync(raw) != 0 {
      if errno == EINTR { continue }
      throw .last("fsync", path: path)
    }
  }

  package borrowing func truncate(to length: Int64) throws(SyscallError) {
    while ftruncate(raw, off_t(length)) != 0 {
      if errno == EINTR { continue }
      throw .last("ftruncate", path: path)
    }
  }

  /// Moves the file's own position.
  package borrowing func seek(to offset: Int64) throws(SyscallError) {
    guard lseek(raw, off_t(offset), SEEK_SET) >= 0 else { throw .last("lseek", path: path) }
  }

  /// Takes the whole-file lock without waiting; false when another process holds it.
  package borrowing func tryLock() throws(SyscallError) -> Bool {
    while clinux_flock(raw, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      if errno == EWOULDBLOCK { return false }
      throw .last("flock", path: path)
    }
    return true
  }

  package borrowing func changeOwner(_ user: UInt32, _ group: UInt32) throws(SyscallError) {
    guard clinux_change_owner(raw, user, group) == 0 else { throw .last("fchown", path: path) }
  }

  package borrowing func setNonblocking(_ on: Bool) throws(SyscallError) {
    guard clinux_set_nonblocking(raw, on ? 1 : 0) == 0 else { throw .last("fcntl", path: path) }
  }
}

/// What fstat(2) says that the agent uses.
package struct FileStatus: Sendable, Equatable {
  package let device: UInt64
  package let inode: UInt64
  package let size: Int64
  package let links: UInt64
  package let mode: UInt32
  package let owner: UInt32
  package let ownerGroup: UInt32
  /// Nanoseconds since the epoch.
  package let modified: Int64

  init(_ buffer: stat) {
    device = UInt64(buffer.st_dev)
    inode = UInt64(buffer.st_ino)
    size = Int64(buffer.st_size)
    links = UInt64(buffer.st_nlink)
    mode = buffer.st_mode
    owner = buffer.st_uid
    ownerGroup = buffer.st_gid
    modified = Int64(buffer.st_mtim.tv_sec) * 1_000_000_000 + Int64(buffer.st_mtim.tv_nsec)
  }

  package var isRegularFile: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
  package var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
  package var isSymbolicLink: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFLNK) }

  package func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}
