internal import LogModel
internal import Platform

// Old logs without a runtime's frame: plain lines, and the JSON lines that `export` and CloudWatch
// exports give.

extension FrameDecoder {
  /// One event a line, kept as it is.
  ///
  /// Its time is the RFC 3339 time that it begins with; a line without one has the time of the line
  /// before it, the first ones that of the import.
  mutating func textLine(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if let time = timePrefix(bytes, range) { lastTime = time }
    if offset < committedOut { return }
    let start = batch.bytes.count
    let kept = range.lowerBound..<(range.lowerBound + min(range.count, eventBytesMax))
    batch.bytes.append(copying: bytes.extracting(kept))
    finish(
      time: lastTime ?? fallbackTime,
      from: start,
      length: UInt64(range.count),
      flags: [],
      into: &batch
    )
  }

  private mutating func timePrefix(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    guard range.count >= 20 else { return nil }
    var first = range.lowerBound
    if bytes[first] == 0x5B { first += 1 }
    guard bytes[first] >= 0x30, bytes[first] <= 0x39, bytes[first + 4] == 0x2D else { return nil }
    var end = first + 19
    let limit = min(range.upperBound, first + 40)
    while end < limit, bytes[end] != 0x20, bytes[end] != 0x5D, bytes[end] != 0x09 { end += 1 }
    return times.parse(bytes, first..<end)
  }

  /// `{"timestamp": milliseconds, "message": "…", "logStream": "…"}`; other keys are ignored.
  mutating func jsonLine(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if JSONScan.isBlank(bytes, range) { return }
    var milliseconds: Int64?
    var message: Range<Int>?
    var streamName: Range<Int>?
    let parsed = JSONScan.members(bytes, range) { key, value in
      let isString = value.count >= 2 && bytes[value.lowerBound] == 0x22
      if JSONScan.equals(bytes, key, "timestamp") {
        milliseconds = JSONScan.integer(bytes, value)
      } else if JSONScan.equals(bytes, key, "message"), isString {
        message = value
      } else if JSONScan.equals(bytes, key, "logStream"), isString {
        streamName = value
      }
    }
    let start = batch.bytes.count
    guard parsed, let milliseconds, let message,
      JSONString.unescape(
        bytes,
        from: message.lowerBound + 1,
        to: range.upperBound,
        into: &batch.bytes
      ) != nil
    else {
      malformed(bytes, range, at: offset, into: &batch)
      return
    }
    let time = Timestamp(milliseconds: milliseconds)
    lastTime = time.nanoseconds
    if offset < committedOut {
      batch.bytes.removeLast(batch.bytes.count - start)
      return
    }
    finish(
      time: time.nanoseconds,
      from: start,
      length: UInt64(batch.bytes.count - start),
      flags: [],
      into: &batch
    )
    guard let streamName, let name = JSONScan.text(bytes, streamName), !name.isEmpty,
      batch.streams.count < 65_000
    else { return }
    batch.records[batch.records.count - 1].stream = batch.index(of: LogStream(sanitizing: name))
  }
}
