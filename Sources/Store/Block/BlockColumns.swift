package import LogModel
internal import Platform

/// A block's events without their messages: decoded and checked, so that every range lies inside
/// the messages and every stream index is in the table.
package struct BlockColumns: Sendable {
  package let records: [EventRecord]
  package let streams: [LogStream]
  package let originalLengths: [(record: UInt32, bytes: UInt64)]
  /// Runs of equal ingestion time: the index after the run, and the time.
  let ingestionEnds: [(end: Int, time: Int64)]

  /// When the event was ingested.
  ///
  /// Logarithmic in the number of commits that filled the block.
  package func ingestion(of index: Int) -> Timestamp {
    var low = 0
    var high = ingestionEnds.count - 1
    while low < high {
      let middle = (low + high) / 2
      if ingestionEnds[middle].end > index { high = middle } else { low = middle + 1 }
    }
    return Timestamp(nanoseconds: ingestionEnds[low].time)
  }

  /// The length that a truncated event had.
  package func originalLength(of index: Int) -> UInt64? {
    originalLengths.first { Int($0.record) == index }?.bytes
  }
}

/// The two metadata columns that are packed apart: time alone, and everything else.
enum ColumnCoding {
  static func encodeTimestamps(_ records: [EventRecord], into bytes: inout [UInt8]) {
    var previous: Int64 = 0
    for record in records {
      bytes.append(signedVarint: record.timestamp &- previous)
      previous = record.timestamp
    }
  }

  static func encodeColumns(_ events: PendingEvents, into bytes: inout [UInt8]) {
    bytes.append(varint: UInt64(events.streams.count))
    for stream in events.streams { bytes.append(counted: stream.name) }
    bytes.append(varint: UInt64(events.ingestion.count))
    var previous: Int64 = 0
    for run in events.ingestion {
      bytes.append(varint: UInt64(run.count))
      bytes.append(signedVarint: run.time &- previous)
      previous = run.time
    }
    appendRuns(events.records, into: &bytes) { UInt64($0.stream) }
    appendRuns(events.records, into: &bytes) { UInt64($0.flags.rawValue) }
    bytes.append(varint: UInt64(events.originalLengths.count))
    for entry in events.originalLengths {
      bytes.append(varint: UInt64(entry.record))
      bytes.append(varint: entry.bytes)
    }
    for record in events.records { bytes.append(varint: UInt64(record.length)) }
  }

  @inline(__always)
  private static func appendRuns(
    _ records: [EventRecord],
    into bytes: inout [UInt8],
    _ value: (EventRecord) -> UInt64
  ) {
    var index = 0
    while index < records.count {
      let current = value(records[index])
      var end = index + 1
      while end < records.count && value(records[end]) == current { end += 1 }
      bytes.append(varint: UInt64(end - index))
      bytes.append(varint: current)
      index = end
    }
  }

  /// Nil when the bytes do not hold exactly `count` times.
  static func decodeTimestamps(_ bytes: Span<UInt8>, count: Int) -> [Int64]? {
    var reader = ByteReader(to: bytes.count)
    var times: [Int64] = []
    times.reserveCapacity(count)
    var previous: Int64 = 0
    for _ in 0..<count {
      guard let delta = reader.signedVarint(in: bytes) else { return nil }
      previous = previous &+ delta
      times.append(previous)
    }
    return reader.remaining == 0 ? times : nil
  }

  /// Nil when anything in the columns contradicts the header or itself.
  static func decodeColumns(
    _ bytes: Span<UInt8>,
    times: [Int64],
    rawBytes: Int
  ) -> BlockColumns? {
    let count = times.count
    var reader = ByteReader(to: bytes.count)
    guard let streams = decodeStreams(&reader, bytes),
      let ingestion = decodeIngestion(&reader, bytes, count: count)
    else { return nil }
    var records: [EventRecord] = []
    records.reserveCapacity(count)
    for time in times { records.append(EventRecord(timestamp: time, offset: 0, length: 0)) }
    guard
      decodeRuns(
        &reader,
        bytes,
        count: count,
        limit: UInt64(streams.count),
        { index, value in
          records[index].stream = UInt16(value)
        }
      ),
      decodeRuns(
        &reader,
        bytes,
        count: count,
        limit: 256,
        { index, value in
          records[index].flags = EventFlags(rawValue: UInt8(value))
        }
      ),
      let lengths = decodeOriginalLengths(&reader, bytes, count: count)
    else { return nil }
    var offset = 0
    for index in 0..<count {
      guard let length = reader.varint(in: bytes), length < UInt64(rawBytes - offset) else {
        return nil
      }
      records[index].offset = UInt32(offset)
      records[index].length = UInt32(length)
      offset += Int(length) + 1
    }
    guard offset == rawBytes, reader.remaining == 0 else { return nil }
    return BlockColumns(
      records: records,
      streams: streams,
      originalLengths: lengths,
      ingestionEnds: ingestion
    )
  }

  private static func decodeStreams(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>
  ) -> [LogStream]? {
    guard let count = reader.varint(in: bytes), count >= 1, count <= 65_535 else { return nil }
    var streams: [LogStream] = []
    for _ in 0..<count {
      guard let name = reader.text(in: bytes, atMost: Limits.nameBytesMax) else { return nil }
      streams.append(LogStream(sanitizing: name))
    }
    return streams
  }

  private static func decodeIngestion(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    count: Int
  ) -> [(end: Int, time: Int64)]? {
    guard let runs = reader.varint(in: bytes), runs >= 1, runs <= UInt64(count) else { return nil }
    var ends: [(end: Int, time: Int64)] = []
    var end = 0
    var time: Int64 = 0
    for _ in 0..<runs {
      guard let length = reader.varint(in: bytes), length >= 1, length <= UInt64(count - end),
        let delta = reader.signedVarint(in: bytes)
      else { return nil }
      end += Int(length)
      time = time &+ delta
      ends.append((end, time))
    }
    return end == count ? ends : nil
  }

  @inline(__always)
  private static func decodeRuns(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    count: Int,
    limit: UInt64,
    _ set: (Int, UInt64) -> Void
  ) -> Bool {
    var index = 0
    while index < count {
      guard let length = reader.varint(in: bytes), length >= 1, length <= UInt64(count - index),
        let value = reader.varint(in: bytes), value < limit
      else { return false }
      if value != 0 { for at in index..<(index + Int(length)) { set(at, value) } }
      index += Int(length)
    }
    return true
  }

  private static func decodeOriginalLengths(
    _ reader: inout ByteReader,
    _ bytes: Span<UInt8>,
    count: Int
  ) -> [(record: UInt32, bytes: UInt64)]? {
    guard let entries = reader.varint(in: bytes), entries <= UInt64(count) else { return nil }
    var lengths: [(record: UInt32, bytes: UInt64)] = []
    for _ in 0..<entries {
      guard let record = reader.varint(in: bytes), record < UInt64(count),
        let length = reader.varint(in: bytes)
      else { return nil }
      lengths.append((UInt32(record), length))
    }
    return lengths
  }
}
