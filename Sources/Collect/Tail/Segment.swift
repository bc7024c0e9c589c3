internal import Glibc
internal import Platform

/// One open file of a chain.
///
/// Holding it open keeps its content readable through rename, compression and removal, and keeps
/// its inode number from being given to another file. Used by the collect thread.
final class Segment {
  private let file: Descriptor
  let device: UInt64
  let inode: UInt64
  private let gzip: GzipCodec?
  /// Its number among the files that this source has read.
  var ordinal = 0
  /// Hash of the whole first record; nil until there is one.
  private(set) var fingerprint: UInt64?
  /// The start of the first record that has not been decoded.
  var head: Int64 = 0
  /// Why records are missing before this file, when they are.
  var gapBefore: GapReason?

  var path: String { file.path }
  var isCompressed: Bool { gzip != nil }
  /// Compressed data that could not be inflated to its end.
  var isDamaged: Bool { gzip?.isDamaged ?? false }

  /// Opens a log file, refusing links and everything that is not a regular file; a FIFO does not
  /// block.
  init(path: String, isCompressed: Bool) throws(CollectError) {
    do throws(SyscallError) {
      file = try Descriptor(open: path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      let status = try file.status()
      guard status.isRegularFile else { throw SyscallError("open", code: EINVAL, path: path) }
      device = status.device
      inode = status.inode
    } catch {
      throw .system(error)
    }
    do throws(GzipCodec.Failure) {
      gzip = isCompressed ? try GzipCodec() : nil
    } catch {
      throw .invalid(path: path, reason: "zlib has no memory")
    }
  }

  func status() throws(CollectError) -> FileStatus {
    do throws(SyscallError) { return try file.status() } catch { throw .system(error) }
  }

  /// When the file was created; nil where the file system does not say, and for a compressed file,
  /// which is younger than its text.
  var birth: Int64? { isCompressed ? nil : file.birth() }

  func isSameFile(as status: FileStatus) -> Bool {
    device == status.device && inode == status.inode
  }

  func isSameFile(as other: Segment) -> Bool {
    device == other.device && inode == other.inode
  }

  /// Appends bytes of the log text at `offset`, at most `count`; fewer at the end of what is there.
  func read(into bytes: inout [UInt8], atMost count: Int, at offset: Int64) throws(CollectError) {
    if let gzip {
      gzip.read(file, into: &bytes, atMost: count, at: offset)
      return
    }
    do throws(SyscallError) {
      try file.read(into: &bytes, atMost: count, at: offset)
    } catch {
      throw .system(error)
    }
  }

  /// Works out the fingerprint when the first record is complete.
  ///
  /// Costs one small read as a rule.
  ///
  /// Zero bytes in front, the hole of an external truncation, are not part of it.
  @discardableResult
  func identify() throws(CollectError) -> UInt64? {
    if let fingerprint { return fingerprint }
    var hash = StableHash()
    var chunk: [UInt8] = []
    var offset: Int64 = 0
    var recordBytes = 0
    while recordBytes < CaptureLimits.recordBytesMax {
      chunk.removeAll(keepingCapacity: true)
      try read(into: &chunk, atMost: offset == 0 ? 4_096 : identifyChunkBytes, at: offset)
      if chunk.isEmpty { return nil }
      offset += Int64(chunk.count)
      var first = 0
      if recordBytes == 0 {
        while first < chunk.count, chunk[first] == 0 { first += 1 }
        if first == chunk.count { continue }
      }
      let end = Bytes.firstIndex(of: 0x0A, in: chunk.span, from: first)
      let stop = end.map { $0 + 1 } ?? chunk.count
      hash.update(chunk.span.extracting(first..<stop))
      recordBytes += stop - first
      if end != nil { break }
    }
    fingerprint = hash.value
    return fingerprint
  }

  /// The file was cut by someone: what it held before is gone, and with it its identity.
  func restart(ordinal: Int) {
    self.ordinal = ordinal
    fingerprint = nil
    head = 0
  }

  /// The bytes before `offset` by which a position is recognised.
  func tail(before offset: Int64) throws(CollectError) -> [UInt8] {
    let count = Int(min(offset, Int64(CaptureLimits.tailBytes)))
    var bytes: [UInt8] = []
    try read(into: &bytes, atMost: count, at: offset - Int64(count))
    return bytes
  }
}

private let identifyChunkBytes = 65_536

/// Why records were lost before they could be read.
package enum GapReason: String, Sendable {
  /// Log rotation removed files that had not been read.
  case rotation
  /// A source that was never read has as many files as its rotation keeps: older ones may be gone.
  case unseen
  /// A file was truncated by something other than its writer.
  case truncated
  /// A compressed file could not be inflated to its end.
  case damaged
  /// Held files used more disk than `Limits.heldDeletedBytesMax`.
  case budget

  var explanation: String {
    switch self {
    case .rotation: "log rotation removed files before they were known to be read to the end"
    case .unseen: "log rotation may have removed records before the log was first read"
    case .truncated: "the log file was truncated before all of it was read"
    case .damaged: "a compressed log file is damaged"
    case .budget: "deleted log files were given up to bound disk use"
    }
  }
}
