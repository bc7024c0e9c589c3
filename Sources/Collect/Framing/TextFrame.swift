internal import LogModel
internal import Platform

// Old logs without a runtime's frame: plain lines.

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
}
