internal import LogModel
internal import Platform

// Docker's json-file. Every record is one line, `{"log":"…","stream":"…","attrs":{…},"time":"…"}`,
// with fixed key order, so the common shape is compared a word at a time at known distances from
// the end of the message; whatever differs takes the general path. The message is unescaped
// straight into the batch's arena: it is the only copy that is made of it.
//
// A record whose message has no final newline is part of a longer line. All parts of one line carry
// the time of the first, and no two lines of a stream share a time, so equal times join and
// different times part. (A test for 16,384 bytes would be wrong: a replaced byte makes a chunk
// longer.)

/// Where things lie in one record.
private struct DockerFields {
  var time: Int64
  var stderr: Bool
  /// The escaped message, without its quotes.
  var message: Range<Int>
}

extension FrameDecoder {
  // `{"log":"`
  private static var logKey: UInt64 { 0x223A_2267_6F6C_227B }
  // `,"stream`
  private static var streamKey: UInt64 { 0x6D61_6572_7473_222C }
  // `":"stdou`
  private static var stdoutHead: UInt64 { 0x756F_6474_7322_3A22 }
  // `":"stder`
  private static var stderrHead: UInt64 { 0x7265_6474_7322_3A22 }
  // `t","time` and `r","time`
  private static var stdoutTime: UInt64 { 0x656D_6974_222C_2274 }
  private static var stderrTime: UInt64 { 0x656D_6974_222C_2272 }
  // `t","attr` and `r","attr`
  private static var stdoutAttributes: UInt64 { 0x7274_7461_222C_2274 }
  private static var stderrAttributes: UInt64 { 0x7274_7461_222C_2272 }
  // `,"time":`
  private static var timeKey: UInt64 { 0x3A22_656D_6974_222C }

  /// Decodes one record, `range` being the line without its newline.
  mutating func dockerRecord(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    let start = batch.bytes.count
    guard let fields = dockerFast(bytes, range, into: &batch.bytes)
    else {
      dockerSlow(bytes, range, at: offset, into: &batch)
      return
    }
    dockerLine(fields, bytes, at: offset, from: start, into: &batch)
  }

  /// Takes the message that `fields` describes, decoded in the arena from `start` on.
  @inline(__always)
  private mutating func dockerLine(
    _ fields: DockerFields,
    _ bytes: Span<UInt8>,
    at offset: Int64,
    from start: Int,
    into batch: inout EventBatch
  ) {
    lastTime = fields.time
    if offset < committedBoth, offset < (fields.stderr ? committedErr : committedOut) {
      batch.bytes.removeLast(batch.bytes.count - start)
      return
    }
    let end = batch.bytes.count
    let isWhole = end > start && batch.bytes[end - 1] == 0x0A
    let length = end - 1 - start
    if isWhole, !(fields.stderr ? err.isOpen : out.isOpen), !isTTY, length <= eventBytesMax {
      // The newline that ended the message is the one that follows it in the arena.
      batch.records.append(
        EventRecord(
          timestamp: fields.time,
          offset: UInt32(start),
          length: UInt32(length),
          flags: fields.stderr ? .stderr : []
        )
      )
      return
    }
    joinDocker(fields, bytes, at: offset, from: start, isWhole: isWhole, into: &batch)
  }

  /// The common shape; nil, with the arena as it was, for anything else.
  private mutating func dockerFast(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    into arena: inout [UInt8]
  ) -> DockerFields? {
    let end = range.upperBound
    guard range.count >= 57, Bytes.word(bytes, at: range.lowerBound) == Self.logKey,
      bytes[end - 1] == 0x7D, bytes[end - 2] == 0x22
    else { return nil }
    let start = arena.count
    let first = range.lowerBound + 8
    guard let quote = JSONString.unescape(bytes, from: first, to: end, into: &arena)
    else { return nil }
    if quote + 28 + 20 + 2 <= end, Bytes.word(bytes, at: quote + 1) == Self.streamKey {
      let middle = Bytes.word(bytes, at: quote + 9)
      let last = Bytes.word(bytes, at: quote + 17)
      let stderr = middle == Self.stderrHead
      if stderr || middle == Self.stdoutHead {
        if last == (stderr ? Self.stderrTime : Self.stdoutTime), bytes[quote + 25] == 0x22,
          bytes[quote + 26] == 0x3A, bytes[quote + 27] == 0x22,
          let time = times.parse(bytes, (quote + 28)..<(end - 2))
        {
          return DockerFields(time: time, stderr: stderr, message: first..<quote)
        }
        if last == (stderr ? Self.stderrAttributes : Self.stdoutAttributes),
          let time = timeAtEnd(bytes, after: quote + 25, end: end)
        {
          return DockerFields(time: time, stderr: stderr, message: first..<quote)
        }
      }
    }
    arena.removeLast(arena.count - start)
    return nil
  }

  /// The time behind `attrs`, found from the end of the record: `…},"time":"…"}`.
  private mutating func timeAtEnd(_ bytes: Span<UInt8>, after: Int, end: Int) -> Int64? {
    guard let quote = Bytes.lastIndex(of: 0x22, in: bytes, before: end - 2), quote - 9 > after,
      end - quote <= 40, Bytes.word(bytes, at: quote - 8) == Self.timeKey,
      bytes[quote - 9] == 0x7D
    else { return nil }
    return times.parse(bytes, (quote + 1)..<(end - 2))
  }

  /// Any other record: NULs in front, other key order, unknown keys, or not a record at all.
  private mutating func dockerSlow(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    var first = range.lowerBound
    while first < range.upperBound, bytes[first] == 0 { first += 1 }
    if first > range.lowerBound {
      // The hole that an external truncation leaves: dockerd goes on writing at its old offset.
      if first == range.upperBound { return }
      dockerRecord(bytes, first..<range.upperBound, at: offset, into: &batch)
      return
    }
    let start = batch.bytes.count
    if let fields = dockerGeneral(bytes, range),
      fields.message.isEmpty
        || JSONString.unescape(
          bytes,
          from: fields.message.lowerBound,
          to: range.upperBound,
          into: &batch.bytes
        ) != nil
    {
      dockerLine(fields, bytes, at: offset, from: start, into: &batch)
      return
    }
    malformed(bytes, range, at: offset, into: &batch)
  }

  private mutating func dockerGeneral(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>
  ) -> DockerFields? {
    var time: Int64?
    var stderr = false
    var message = range.lowerBound..<range.lowerBound
    var isValid = true
    var cache = times
    let parsed = JSONScan.members(bytes, range) { key, value in
      let isString = value.count >= 2 && bytes[value.lowerBound] == 0x22
      let inner = isString ? (value.lowerBound + 1)..<(value.upperBound - 1) : value
      if JSONScan.equals(bytes, key, "log") {
        message = inner
        isValid = isValid && isString
      } else if JSONScan.equals(bytes, key, "stream") {
        stderr = JSONScan.equals(bytes, inner, "stderr")
        isValid = isValid && isString
      } else if JSONScan.equals(bytes, key, "time") {
        time = isString ? cache.parse(bytes, inner) : nil
      }
    }
    times = cache
    guard parsed, isValid, let time else { return nil }
    return DockerFields(time: time, stderr: stderr, message: message)
  }

  mutating func dockerTime(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    var first = range.lowerBound
    while first < range.upperBound, bytes[first] == 0 { first += 1 }
    return dockerGeneral(bytes, first..<range.upperBound)?.time
  }

  // MARK: parts of lines

  /// Adds a record to the line of its stream, or begins or ends one.
  private mutating func joinDocker(
    _ fields: DockerFields,
    _ bytes: Span<UInt8>,
    at offset: Int64,
    from start: Int,
    isWhole: Bool,
    into batch: inout EventBatch
  ) {
    var chunk = Array(batch.bytes[start...])
    batch.bytes.removeLast(chunk.count)
    var partial = take(stderr: fields.stderr)
    if partial.isOpen && partial.time != fields.time {
      partial.flags.insert(.unterminated)
      counts.unterminated += 1
      emit(partial, stderr: fields.stderr, into: &batch)
      partial = Partial()
    }
    // A record without a message is an empty part.
    if !partial.isOpen && chunk.isEmpty { return }
    if !partial.isOpen {
      partial.isOpen = true
      partial.time = fields.time
      partial.ordinal = ordinal
      partial.offset = offset
    }
    if isWhole {
      chunk.removeLast()
      if isTTY, chunk.last == 0x0D { chunk.removeLast() }
    }
    repair(&partial, &chunk, fields, bytes)
    // Once cut, at the border of a character, a line takes nothing more: the bytes that would still
    // fit belong elsewhere.
    let isCut = partial.total > UInt64(partial.bytes.count)
    partial.total += UInt64(chunk.count)
    let room = isCut ? 0 : eventBytesMax - partial.bytes.count
    if chunk.count > room {
      let keep = Self.boundary(chunk.span, from: 0, atMost: max(room, 0))
      chunk.removeLast(chunk.count - keep)
    }
    partial.bytes.append(contentsOf: chunk)
    if isWhole {
      emit(partial, stderr: fields.stderr, into: &batch)
    } else {
      put(partial, stderr: fields.stderr)
    }
  }

  /// Puts one U+FFFD where a character was cut in two by a chunk's border, each half of which
  /// Docker has replaced byte by byte.
  ///
  /// The character itself is lost.
  private func repair(
    _ partial: inout Partial,
    _ chunk: inout [UInt8],
    _ fields: DockerFields,
    _ bytes: Span<UInt8>
  ) {
    let message = fields.message
    let trailing = partial.trailingReplacements
    if trailing > 0, partial.total == UInt64(partial.bytes.count) {
      let leading = JSONString.replacements(
        bytes,
        from: message.lowerBound,
        to: message.upperBound
      )
      if leading > 0, trailing + leading <= 4, partial.bytes.count >= trailing * 3 {
        partial.bytes.removeLast((trailing - 1) * 3)
        partial.total = UInt64(partial.bytes.count)
        chunk.removeFirst(leading * 3)
        partial.flags.insert(.repaired)
      }
    }
    let ending = JSONString.replacements(
      bytes,
      from: message.lowerBound,
      endingAt: message.upperBound
    )
    partial.trailingReplacements = ending <= 3 ? ending : 0
  }
}
