internal import Glibc

/// Reads files below a directory that names from elsewhere must not lead out of.
package enum ConfinedFile {
  /// Why a file is not read.
  package enum Refusal: Error, Equatable {
    /// Absolute, empty, or with `..` in it.
    case outside
    /// A part of the path is a symbolic link, which could lead anywhere.
    case symbolicLink
    case notAFile
    case tooLarge
    case failed(SyscallError)
  }

  /// The whole file at `path`, relative to `directory`.
  ///
  /// Every part is opened without following symbolic links, so that nothing can be exchanged
  /// between a check and the use.
  package static func read(
    _ path: String,
    below directory: String,
    atMost limit: Int
  ) throws(Refusal) -> [UInt8] {
    let parts = path.split(separator: "/").filter { $0 != "." }
    guard !path.hasPrefix("/"), let name = parts.last, !parts.contains(".."),
      !path.utf8.contains(0)
    else { throw .outside }
    var folder = try open(directory, O_RDONLY | O_DIRECTORY, in: AT_FDCWD)
    for part in parts.dropLast() {
      folder = try open(String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: folder.raw)
    }
    // A pipe would wait for its writer.
    let file = try open(String(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: folder.raw)
    do throws(SyscallError) {
      guard try file.status().isRegularFile else {
        throw SyscallError("read", code: EISDIR, path: path)
      }
      return try all(of: file, atMost: limit)
    } catch {
      switch error.code {
      case EISDIR: throw .notAFile
      case EFBIG: throw .tooLarge
      default: throw .failed(error)
      }
    }
  }

  private static func all(
    of file: borrowing Descriptor,
    atMost limit: Int
  ) throws(SyscallError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let got = try file.read(into: &bytes, atMost: 65_536), got > 0 {
      if bytes.count > limit { throw SyscallError("read", code: EFBIG, path: file.path) }
    }
    return bytes
  }

  private static func open(
    _ name: String,
    _ flags: Int32,
    in folder: Int32
  ) throws(Refusal) -> Descriptor {
    do throws(SyscallError) {
      return try Descriptor(open: name, flags, in: folder)
    } catch {
      // A link where a folder was wanted is ENOTDIR, with O_DIRECTORY and O_NOFOLLOW together.
      if error.code == ELOOP { throw .symbolicLink }
      if error.code == ENOTDIR, isLink(name, in: folder) { throw .symbolicLink }
      throw .failed(error)
    }
  }

  private static func isLink(_ name: String, in folder: Int32) -> Bool {
    var buffer = stat()
    // Safety: fstatat fills the struct that it is given.
    guard unsafe fstatat(folder, name, &buffer, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
    return buffer.st_mode & S_IFMT == S_IFLNK
  }
}
