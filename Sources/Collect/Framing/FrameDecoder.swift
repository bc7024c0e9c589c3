internal import LogModel
internal import Platform

/// The shapes of records that a source can have.
package enum FrameFormat: UInt8, Sendable {
  /// Docker's json-file: `{"log":"…\n","stream":"stdout","time":"…"}`.
  case dockerJSON = 1
  /// `time stream tags text`, as containerd, Podman and our spool write it.
  case cri = 2
  /// Plain text, one event a line.
  case lines = 3
  /// `{"timestamp": ms, "message": "…", "logStream": "…"}`.
  case jsonLines = 4
  /// What `export -o csv` writes: a record ends at a newline outside of quotes.
  case csv = 5
}

/// A line that has begun and not ended: what `P` records and records without a newline have given.
struct Partial {
  var isOpen = false
  /// What is kept, at most the longest event.
  var bytes: [UInt8] = []
  /// The length that the line has had so far, kept or not.
  var total: UInt64 = 0
  var time: Int64 = 0
  /// Where its first record lies: the file by its number in this source, and the offset in it.
  var ordinal = 0
  var offset: Int64 = 0
  /// `\ufffd` escapes at the end of the last chunk.
  var trailingReplacements = 0
  var flags: EventFlags = []
}

/// What a decoder has met, for metrics; taken and reset once a batch.
struct DecodeCounts: Equatable {
  var malformed = 0
  var truncated = 0
  var repaired = 0
  var unterminated = 0
}

/// Turns the bytes of one source into events: records to lines, partial lines joined per stream.
///
/// Keeps the two lines that may be open, and nothing else of the source. Used by one thread.
struct FrameDecoder {
  let format: FrameFormat
  let eventBytesMax: Int
  /// A terminal's output: lines end in CR LF, of which the CR goes too.
  var isTTY = false
  /// Records tagged `gap` are gap records: true for spool files, which only our own shim writes.
  var trustsGapTag = false
  /// The time of records that have none.
  var fallbackTime: Int64 = 0
  /// The number of the file that is being decoded.
  var ordinal = 0
  /// The time of the last record.
  var lastTime: Int64?
  var counts = DecodeCounts()
  var out = Partial()
  var err = Partial()
  var times = TimeCache()
  /// Records of a stream before these offsets of the current file were committed in an earlier
  /// life.
  private(set) var committedOut: Int64 = .min
  private(set) var committedErr: Int64 = .min
  private(set) var committedBoth: Int64 = .min

  init(format: FrameFormat, eventBytesMax: Int = Limits.eventBytesMax) {
    self.format = format
    self.eventBytesMax = eventBytesMax
  }

  /// Records before these offsets are read only to be skipped; `.min` when there is nothing to
  /// skip.
  mutating func skipCommitted(out: Int64, err: Int64) {
    committedOut = out
    committedErr = err
    committedBoth = max(out, err)
  }

  /// Decodes whole records from `start` on until the batch is full; returns the index after the
  /// last newline that was used.
  ///
  /// `base` is the file offset of `bytes[0]`.
  mutating func decode(
    _ bytes: Span<UInt8>,
    from start: Int,
    base: Int64,
    into batch: inout EventBatch
  ) -> Int {
    switch format {
    case .dockerJSON:
      var at = start
      while at < bytes.count, batch.bytes.count < Limits.batchBytes,
        batch.records.count < Limits.batchEvents,
        let end = Bytes.firstIndex(of: 0x0A, in: bytes, from: at)
      {
        dockerRecord(bytes, at..<end, at: base + Int64(at), into: &batch)
        at = end + 1
      }
      return at
    case .cri, .lines, .jsonLines:
      var at = start
      while at < bytes.count, batch.bytes.count < Limits.batchBytes,
        batch.records.count < Limits.batchEvents,
        let end = Bytes.firstIndex(of: 0x0A, in: bytes, from: at)
      {
        switch format {
        case .cri: criRecord(bytes, at..<end, at: base + Int64(at), into: &batch)
        case .jsonLines: jsonLine(bytes, at..<end, at: base + Int64(at), into: &batch)
        default: textLine(bytes, at..<end, at: base + Int64(at), into: &batch)
        }
        at = end + 1
      }
      return at
    case .csv:
      var at = start
      while at < bytes.count, batch.bytes.count < Limits.batchBytes,
        batch.records.count < Limits.batchEvents,
        let end = Self.csvRecordEnd(bytes, from: at)
      {
        csvRecord(bytes, at..<end, at: base + Int64(at), into: &batch)
        at = end + 1
      }
      return at
    }
  }

  /// The time of the first record in `range`, without decoding it; nil when it has none.
  mutating func peekTime(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    switch format {
    case .dockerJSON: dockerTime(bytes, range)
    case .cri: criTime(bytes, range)
    case .lines, .jsonLines, .csv: nil
    }
  }

  /// Whether a line is open in either stream.
  var hasPartial: Bool { out.isOpen || err.isOpen }

  /// Ends the open lines, whose writer will not go on: after its exit, or at the end of its file.
  mutating func flushPartials(into batch: inout EventBatch) {
    let stdoutFirst = (out.ordinal, out.offset) <= (err.ordinal, err.offset)
    for stderr in stdoutFirst ? [false, true] : [true, false] {
      flush(stderr: stderr, into: &batch)
    }
  }

  /// Ends the open line of one stream, if there is one.
  mutating func flush(stderr: Bool, into batch: inout EventBatch) {
    var partial = take(stderr: stderr)
    guard partial.isOpen else { return }
    partial.flags.insert(.unterminated)
    counts.unterminated += 1
    emit(partial, stderr: stderr, into: &batch)
  }

  // MARK: events

  /// The line of a stream, leaving none behind.
  mutating func take(stderr: Bool) -> Partial {
    var partial = Partial()
    if stderr { swap(&partial, &err) } else { swap(&partial, &out) }
    return partial
  }

  mutating func put(_ partial: consuming Partial, stderr: Bool) {
    if stderr { err = partial } else { out = partial }
  }

  /// Makes an event of a line that was put together.
  mutating func emit(_ partial: consuming Partial, stderr: Bool, into batch: inout EventBatch) {
    let start = batch.bytes.count
    batch.bytes.append(copying: partial.bytes.span)
    var flags = partial.flags
    if stderr { flags.insert(.stderr) }
    if flags.contains(.repaired) { counts.repaired += 1 }
    finish(
      time: partial.time,
      from: start,
      length: partial.total,
      flags: flags,
      into: &batch
    )
  }

  /// Ends the event whose message is the arena from `start` on; `length` is what it had before a
  /// cut.
  mutating func finish(
    time: Int64,
    from start: Int,
    length: UInt64,
    flags: EventFlags,
    into batch: inout EventBatch
  ) {
    var flags = flags
    if batch.bytes.count - start > eventBytesMax {
      let keep = Self.boundary(batch.bytes.span, from: start, atMost: eventBytesMax)
      batch.bytes.removeLast(batch.bytes.count - start - keep)
    }
    if UInt64(batch.bytes.count - start) < length {
      flags.insert(.truncated)
      counts.truncated += 1
      batch.originalLengths.append((record: UInt32(batch.records.count), bytes: length))
    }
    batch.finish(timestamp: Timestamp(nanoseconds: time), from: start, flags: flags)
  }

  /// A record that cannot be decoded becomes an event of its own, as it stands.
  mutating func malformed(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if offset < committedOut { return }
    counts.malformed += 1
    let start = batch.bytes.count
    let kept = range.lowerBound..<(range.lowerBound + min(range.count, eventBytesMax))
    batch.bytes.append(copying: bytes.extracting(kept))
    finish(
      time: lastTime ?? fallbackTime,
      from: start,
      length: UInt64(range.count),
      flags: .malformed,
      into: &batch
    )
  }

  /// A record longer than `CaptureLimits.recordBytesMax`, of which only `prefix` was kept.
  mutating func oversized(
    prefix: Span<UInt8>,
    length: UInt64,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if offset < committedOut { return }
    let start = batch.bytes.count
    batch.bytes.append(copying: prefix)
    var flags: EventFlags = []
    if format != .lines {
      flags.insert(.malformed)
      counts.malformed += 1
    }
    finish(
      time: lastTime ?? fallbackTime,
      from: start,
      length: length,
      flags: flags,
      into: &batch
    )
  }

  /// The longest prefix of at most `limit` bytes that does not cut a UTF-8 character in two.
  static func boundary(_ bytes: Span<UInt8>, from start: Int, atMost limit: Int) -> Int {
    var keep = limit
    while keep > 0, limit - keep < 3, start + keep < bytes.count,
      bytes[start + keep] & 0xC0 == 0x80
    {
      keep -= 1
    }
    if start + keep < bytes.count, bytes[start + keep] & 0xC0 == 0x80 { return limit }
    return keep
  }
}
