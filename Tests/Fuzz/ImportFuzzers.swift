import Platform

@testable import Collect

extension Fuzzer {
  /// Any bytes as a batch that an import left, also behind a right checksum; one that is read is
  /// written the same way, and every message of it lies inside of it.
  static let handedBatch = Fuzzer("handed-batch") { bytes in
    _ = HandedBatch(decoding: bytes.span)
    var sealed = bytes
    sealed.append(littleEndian: CRC32C.checksum(bytes.span))
    guard let handed = HandedBatch(decoding: sealed.span) else { return }
    let before = handed.before
    let batch = handed.takeBatch()
    for record in batch.records {
      require(record.range.upperBound < batch.bytes.count, "a message outside of its batch")
      require(Int(record.stream) < batch.streams.count, "no such stream")
    }
    let written = HandedBatch.encode(batch, before: before)
    guard let again = HandedBatch(decoding: written.span) else {
      require(false, "what was written is not read")
      return
    }
    require(HandedBatch.encode(again.takeBatch(), before: before) == written, "no round trip")
  }
}
