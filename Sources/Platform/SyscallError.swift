internal import Glibc

/// A failed system call: which one, why, and on what.
///
/// Carries everything an operator needs to act on it; never carries file contents.
package struct SyscallError: Error, Equatable, CustomStringConvertible {
  package let call: String
  package let code: Int32
  package let path: String

  package init(_ call: String, code: Int32, path: String = "") {
    self.call = call
    self.code = code
    self.path = path
  }

  /// Captures `errno` as it stands now; call it before anything else can overwrite it.
  package static func last(_ call: String, path: String = "") -> SyscallError {
    SyscallError(call, code: errno, path: path)
  }

  /// The system's own words for the error, such as "No space left on device".
  package var reason: String {
    // Safety: strerror returns a NUL-terminated string that lives until the next call in this
    // thread.
    unsafe String(cString: strerror(code))
  }

  /// The file system has no room left: no blocks, no inodes, or the quota is used up.
  package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  package var isNotFound: Bool { code == ENOENT || code == ENOTDIR }

  /// Whoever read what was written has gone.
  package var isClosedPipe: Bool { code == EPIPE || code == ECONNRESET }

  /// The path is a symbolic link where none may be.
  package var isLink: Bool { code == ELOOP }

  package var isTooLarge: Bool { code == EFBIG }

  package var isPermission: Bool { code == EACCES || code == EPERM }

  package var description: String {
    path.isEmpty ? "\(call): \(reason)" : "\(call) \(path): \(reason)"
  }
}
