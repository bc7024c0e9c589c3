internal import Glibc
internal import Platform

/// A file that is imported, plain, gzipped or packed by zstd, read by offset in its text.
///
/// Used by one thread.
package final class ImportFile {
  let path: String
  /// Bytes on disk, for progress.
  let storedBytes: Int64
  let modified: Int64
  private let descriptor: Descriptor
  private let gzip: GzipCodec?
  private let zstd: ZstdCodec?

  /// Whether the text is longer than the file.
  var isPacked: Bool { gzip != nil || zstd != nil }

  package init(_ path: String) throws(CollectError) {
    self.path = path
    do throws(SyscallError) {
      descriptor = try Descriptor(open: path, O_RDONLY | O_NONBLOCK)
      let status = try descriptor.status()
      guard status.isRegularFile else {
        throw SyscallError("open", code: EINVAL, path: path)
      }
      storedBytes = status.size
      modified = status.modified
    } catch {
      throw .system(error)
    }
    if path.hasSuffix(".zst") {
      do throws(ZstdCodec.Failure) {
        zstd = try ZstdCodec()
      } catch {
        throw .invalid(path: path, reason: "out of memory")
      }
    } else {
      zstd = nil
    }
    if path.hasSuffix(".gz") {
      do throws(GzipCodec.Failure) {
        gzip = try GzipCodec()
      } catch {
        throw .invalid(path: path, reason: "out of memory")
      }
    } else {
      gzip = nil
    }
  }

  /// Appends at most `count` bytes of text from `offset` on; returns how many, 0 at the end.
  package func read(
    into bytes: inout [UInt8],
    atMost count: Int,
    at offset: Int64
  ) throws(CollectError) -> Int {
    let before = bytes.count
    if let gzip {
      gzip.read(descriptor, into: &bytes, atMost: count, at: offset)
      if bytes.count == before, gzip.isDamaged {
        throw .invalid(path: path, reason: "not a whole gzip file")
      }
    } else if let zstd {
      zstd.read(descriptor, into: &bytes, atMost: count, at: offset)
      if bytes.count == before, zstd.isDamaged {
        throw .invalid(path: path, reason: "not a whole zstd file")
      }
    } else {
      do throws(SyscallError) {
        try descriptor.read(into: &bytes, atMost: count, at: offset)
      } catch {
        throw .system(error)
      }
    }
    return bytes.count - before
  }
}
