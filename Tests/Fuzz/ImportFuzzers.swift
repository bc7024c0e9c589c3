import LogModel
import Platform

@testable import Collect
@testable import Store

extension Fuzzer {
  /// Any bytes as a batch that an import left for the owner of the store: what is taken holds
  /// together, can be stored, and is written the same way; a batch with damage is not taken.
  static let handedBatch = Fuzzer("handed-batch") { bytes in
    var input = FuzzInput(bytes)
    guard input.byte() & 1 == 0 else { return checkDamage(&input) }
    let content = input.rest()
    check(content.span)
    // The checksum is no wall against an enemy: the same behind a right one.
    var sealed = content
    sealed.append(littleEndian: CRC32C.checksum(content.span))
    check(sealed.span)
  }

  private static func check(_ bytes: Span<UInt8>) {
    guard let handed = HandedBatch(decoding: bytes) else { return }
    let before = handed.before
    let batch = handed.takeBatch()
    require(batch.checkpoint?.source.hasPrefix("import:") ?? false, "another's position")
    var end = 0
    for record in batch.records {
      require(Int(record.offset) == end, "messages do not follow each other")
      end = record.range.upperBound + 1
      require(end <= batch.bytes.count, "a message outside of the batch")
      require(Int(record.stream) < batch.streams.count, "no such stream")
    }
    require(end == batch.bytes.count, "bytes that belong to no message")
    guard let encoded = HandedBatch.encode(batch, before: before),
      let again = HandedBatch(decoding: encoded.span)
    else { return require(false, "no round trip") }
    let same = again.takeBatch()
    require(same.records == batch.records && same.bytes == batch.bytes, "another batch")
    require(same.streams == batch.streams && same.checkpoint == batch.checkpoint, "other names")
    let count = batch.records.count
    if count == 0 { return }
    var encoder = BlockEncoder(codec: .gzip, store: 1)
    let block = encoder.encode(
      PendingEvents(batch, ingestion: Timestamp(nanoseconds: 1)),
      group: 1,
      firstSequence: 0,
      checkpoints: [],
      withFilter: true
    )
    require(Int(block.header.eventCount) == count, "another number of events")
  }

  /// A batch that the bytes describe, as an import writes it, and then with bits flipped.
  private static func checkDamage(_ input: inout FuzzInput) {
    var batch = EventBatch(
      group: LogGroup(sanitizing: "/g"),
      stream: LogStream(sanitizing: "s"),
      checkpoint: SourceCheckpoint(source: "import:1", position: [1])
    )
    for _ in 0..<(input.byte() % 8) {
      batch.append(
        timestamp: Timestamp(nanoseconds: Int64(input.short()) - 32_768),
        message: input.take(Int(input.byte() % 16)).span,
        stream: batch.index(of: LogStream(sanitizing: "s\(input.byte() % 3)")),
        flags: input.byte() & 1 == 0 ? [] : .stderr
      )
    }
    let before = input.take(Int(input.byte() % 8))
    guard var bytes = HandedBatch.encode(batch, before: before) else {
      return require(false, "a batch that cannot be written")
    }
    if let handed = HandedBatch(decoding: bytes.span) {
      require(handed.before == before, "another position")
      require(handed.takeBatch().records == batch.records, "other events")
    } else {
      require(false, "a batch that is not taken")
    }
    let whole = bytes
    // Up to three flipped bits are always seen by the checksum.
    for _ in 0..<3 where !input.isAtEnd {
      bytes[input.short() % bytes.count] ^= 1 << (input.byte() & 7)
    }
    if input.byte() & 1 == 1 { bytes.removeLast() }
    if bytes != whole { require(HandedBatch(decoding: bytes.span) == nil, "damage was taken") }
  }
}
