internal import LogModel
internal import Platform

/// A batch on its way from an import to the owner of the store, as a file.
///
/// It goes on from one position of its source to the next. The owner takes it only while the source
/// stands at the first: so a batch that is met again, after a crash of either side, adds nothing.
struct HandedBatch: ~Copyable {
  private static let magic: UInt32 = 0x3148_414C  // "LAH1"

  /// Where the source must stand; empty: it was never read.
  let before: [UInt8]
  let batch: EventBatch

  init(before: [UInt8], batch: consuming EventBatch) {
    self.before = before
    self.batch = batch
  }

  consuming func takeBatch() -> EventBatch { batch }

  /// The file's content; nil when the batch is none that the owner would take.
  static func encode(_ batch: borrowing EventBatch, before: [UInt8]) -> [UInt8]? {
    guard let checkpoint = batch.checkpoint, !checkpoint.position.isEmpty,
      batch.records.count <= CaptureLimits.handedEventsMax
    else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(batch.bytes.count + batch.records.count * 10 + 8_192)
    bytes.append(littleEndian: magic)
    bytes.append(counted: batch.group.name)
    bytes.append(varint: UInt64(batch.streams.count))
    for stream in batch.streams { bytes.append(counted: stream.name) }
    bytes.append(counted: checkpoint.source)
    bytes.append(counted: before)
    bytes.append(counted: checkpoint.position)
    bytes.append(varint: UInt64(batch.records.count))
    var previous: Int64 = 0
    for record in batch.records {
      bytes.append(signedVarint: record.timestamp &- previous)
      previous = record.timestamp
      bytes.append(varint: UInt64(record.length))
      bytes.append(varint: UInt64(record.stream))
      bytes.append(record.flags.rawValue)
    }
    bytes.append(varint: UInt64(batch.originalLengths.count))
    for entry in batch.originalLengths {
      bytes.append(varint: UInt64(entry.record))
      bytes.append(varint: entry.bytes)
    }
    bytes.append(varint: UInt64(batch.bytes.count))
    bytes.append(copying: batch.bytes.span)
    bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    return bytes.count <= CaptureLimits.handedBytesMax ? bytes : nil
  }

  /// Nil when the bytes are not a whole batch, or anything in them contradicts itself.
  init?(decoding bytes: Span<UInt8>) {
    guard bytes.count > 8, bytes.count <= CaptureLimits.handedBytesMax else { return nil }
    let end = bytes.count - 4
    var trailer = ByteReader(from: end, to: bytes.count)
    guard
      trailer.integer(UInt32.self, in: bytes) == CRC32C.checksum(bytes.extracting(0..<end))
    else { return nil }
    var reader = ByteReader(to: end)
    guard reader.integer(UInt32.self, in: bytes) == Self.magic,
      let group = reader.text(in: bytes, atMost: Limits.nameBytesMax).flatMap({ LogGroup($0) }),
      let streams = Self.streams(&reader, bytes),
      let source = reader.text(in: bytes, atMost: CaptureLimits.sourceNameBytesMax),
      source.hasPrefix(LogImporter.sourcePrefix),
      let before = Self.position(&reader, bytes), let after = Self.position(&reader, bytes),
      !after.isEmpty
    else { return nil }
    var batch = EventBatch(
      group: group,
      stream: streams[0],
      checkpoint: SourceCheckpoint(source: source, position: after)
    )
    batch.streams = streams
    guard Self.readRecords(&reader, bytes, into: &batch) else { return nil }
    self.before = before
    self.batch = batch
  }

  private static func streams(_ reader: inout ByteReader, _ bytes: Span<UInt8>) -> [LogStream]? {
    guard let count = reader.varint(in: bytes), count >= 1, count <= 65_535 else { return nil }
    var streams: [LogStream] = []
    for _ in 0..<count {
      guard let name = reader.text(in: bytes, atMost: Limits.nameBytesMax) else { return nil }
      streams.append(LogStream(sanitizing: name))
    }
    return streams
  }

  private static func position(_ reader: inout ByteReader, _ bytes: Span<UInt8>) -> [UInt8]? {
    guard let range = reader.counted(in: bytes, atMost: CaptureLimits.positionBytesMax) else {
      return nil
    }
    return range.map { bytes[$0] }
  }

  /// Records, lengths before cuts, and messages; false when they do not fit each other.
  private static func readRecords(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    into batch: inout EventBatch
  ) -> Bool {
    guard let count = reader.varint(in: bytes), count <= UInt64(CaptureLimits.handedEventsMax)
    else { return false }
    var time: Int64 = 0
    var offset = 0
    for _ in 0..<count {
      guard let delta = reader.signedVarint(in: bytes), let length = reader.varint(in: bytes),
        // Every message has its bytes, and a newline, in what is still to come.
        length < UInt64(max(0, reader.remaining - offset)),
        let stream = reader.varint(in: bytes), stream < UInt64(batch.streams.count),
        let flags = reader.integer(UInt8.self, in: bytes),
        EventFlags.known.isSuperset(of: EventFlags(rawValue: flags))
      else { return false }
      time &+= delta
      batch.records.append(
        EventRecord(
          timestamp: time,
          offset: UInt32(offset),
          length: UInt32(length),
          stream: UInt16(stream),
          flags: EventFlags(rawValue: flags)
        )
      )
      offset += Int(length) + 1
    }
    guard readOriginalLengths(&reader, bytes, into: &batch),
      let size = reader.varint(in: bytes), size == UInt64(offset), let text = reader.take(offset),
      reader.remaining == 0
    else { return false }
    batch.bytes.append(copying: bytes.extracting(text))
    return batch.records.allSatisfy { batch.bytes[$0.range.upperBound] == 0x0A }
  }

  /// One entry for each event that was cut, in their order, longer than what is left of it.
  private static func readOriginalLengths(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    into batch: inout EventBatch
  ) -> Bool {
    guard let count = reader.varint(in: bytes), count <= UInt64(batch.records.count) else {
      return false
    }
    var next: UInt64 = 0
    for _ in 0..<count {
      guard let index = reader.varint(in: bytes), index >= next,
        index < UInt64(batch.records.count), let length = reader.varint(in: bytes),
        batch.records[Int(index)].flags.contains(.truncated),
        length > UInt64(batch.records[Int(index)].length)
      else { return false }
      batch.originalLengths.append((UInt32(index), length))
      next = index + 1
    }
    return true
  }
}
