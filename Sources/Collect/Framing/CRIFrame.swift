internal import LogModel
internal import Platform

// `<RFC 3339 time> <stdout|stderr> <tags> <text>`. `F` ends a line, `P` is part of one; parts join
// per stream whatever their times are, and the line has the time of its first part.

/// Where things lie in one record.
private struct CRIFields {
  var time: Int64
  var stderr: Bool
  var isWhole: Bool
  var isGap: Bool
  var text: Range<Int>
}

extension FrameDecoder {
  mutating func criRecord(
    _ bytes: Span<UInt8>,
    _ line: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    var range = line
    while let first = range.first, bytes[first] == 0 { range = (first + 1)..<range.upperBound }
    if range.isEmpty && !line.isEmpty { return }
    guard let fields = criFields(bytes, range) else {
      malformed(bytes, range, at: offset, into: &batch)
      return
    }
    lastTime = fields.time
    if offset < committedBoth, offset < (fields.stderr ? committedErr : committedOut) { return }
    let isOpen = fields.stderr ? err.isOpen : out.isOpen
    if fields.isWhole && !isOpen || fields.isGap {
      let start = batch.bytes.count
      let kept =
        fields.text.lowerBound..<(fields.text.lowerBound + min(fields.text.count, eventBytesMax))
      batch.bytes.append(copying: bytes.extracting(kept))
      var flags: EventFlags = fields.stderr ? .stderr : []
      if fields.isGap { flags.insert(.gap) }
      finish(
        time: fields.time,
        from: start,
        length: UInt64(fields.text.count),
        flags: flags,
        into: &batch
      )
      return
    }
    var partial = take(stderr: fields.stderr)
    if !partial.isOpen {
      partial.isOpen = true
      partial.time = fields.time
      partial.ordinal = ordinal
      partial.offset = offset
    }
    let room = max(eventBytesMax - partial.bytes.count, 0)
    let kept = fields.text.lowerBound..<(fields.text.lowerBound + min(fields.text.count, room))
    partial.bytes.append(copying: bytes.extracting(kept))
    partial.total += UInt64(fields.text.count)
    if fields.isWhole {
      emit(partial, stderr: fields.stderr, into: &batch)
    } else {
      put(partial, stderr: fields.stderr)
    }
  }

  mutating func criTime(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    criFields(bytes, range)?.time
  }

  private mutating func criFields(_ bytes: Span<UInt8>, _ range: Range<Int>) -> CRIFields? {
    let end = range.upperBound
    guard range.count >= 29,
      let space = Bytes.firstIndex(of: 0x20, in: bytes, from: range.lowerBound),
      space - range.lowerBound <= 40, space + 10 <= end, bytes[space + 7] == 0x20,
      bytes[space + 1] == 0x73, bytes[space + 2] == 0x74, bytes[space + 3] == 0x64,
      let time = times.parse(bytes, range.lowerBound..<space)
    else { return nil }
    let stderr = bytes[space + 4] == 0x65
    guard
      stderr
        ? bytes[space + 5] == 0x72 && bytes[space + 6] == 0x72
        : bytes[space + 4] == 0x6F && bytes[space + 5] == 0x75 && bytes[space + 6] == 0x74
    else { return nil }
    // Tags are a list with colons; the first says whether the line ends here.
    let tags = space + 8
    guard bytes[tags] == 0x46 || bytes[tags] == 0x50 else { return nil }
    var at = tags + 1
    var isGap = false
    if at < end, bytes[at] == 0x3A {
      let rest = at + 1
      while at < end, bytes[at] != 0x20 { at += 1 }
      isGap = trustsGapTag && JSONScan.equals(bytes, rest..<at, "gap")
    }
    guard at < end, bytes[at] == 0x20 else { return nil }
    return CRIFields(
      time: time,
      stderr: stderr,
      isWhole: bytes[tags] == 0x46,
      isGap: isGap,
      text: (at + 1)..<end
    )
  }
}
