internal import LogModel
internal import Platform

// What `export` writes, and the JSON lines that `logs -o jsonl` and CloudWatch's exports give.

/// The parts of an exported event besides its message.
private struct ExportedEvent {
  var time: Int64
  var flags: EventFlags = []
  /// The length that a cut event had.
  var originalBytes: UInt64?
  var stream: String?
}

extension FrameDecoder {
  /// `{"timestamp": milliseconds, "message": "…", "logStream": "…"}` and the keys of `export`;
  /// others are ignored.
  mutating func jsonLine(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if JSONScan.isBlank(bytes, range) { return }
    var values = JSONEventValues()
    let parsed = JSONScan.members(bytes, range) { key, value in values.take(bytes, key, value) }
    let start = batch.bytes.count
    guard parsed, let event = values.event(bytes),
      values.appendMessage(bytes, to: &batch.bytes)
    else {
      batch.bytes.removeLast(batch.bytes.count - start)
      malformed(bytes, range, at: offset, into: &batch)
      return
    }
    finish(event, from: start, at: offset, into: &batch)
  }

  /// `timestamp,logGroup,logStream,stream,flags,originalBytes,message`; the heading is no event.
  mutating func csvRecord(
    _ bytes: Span<UInt8>,
    _ range: Range<Int>,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    if range.isEmpty || CSVFrame.isHeading(bytes.extracting(range)) { return }
    let start = batch.bytes.count
    guard let cells = CSVFrame.cells(bytes, range), cells.count == CSVFrame.columns,
      let event = CSVFrame.event(bytes, cells),
      CSVFrame.append(bytes, cells[6], to: &batch.bytes)
    else {
      batch.bytes.removeLast(batch.bytes.count - start)
      malformed(bytes, range, at: offset, into: &batch)
      return
    }
    finish(event, from: start, at: offset, into: &batch)
  }

  /// The newline that ends the record at `start`: the first one behind an even number of quotes.
  static func csvRecordEnd(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    var isQuoted = false
    var at = start
    while at < bytes.count {
      if isQuoted {
        guard let quote = Bytes.firstIndex(of: 0x22, in: bytes, from: at) else { return nil }
        isQuoted = false
        at = quote + 1
        continue
      }
      guard let newline = Bytes.firstIndex(of: 0x0A, in: bytes, from: at) else { return nil }
      guard let quote = Bytes.firstIndex(of: 0x22, in: bytes.extracting(..<newline), from: at)
      else { return newline }
      isQuoted = true
      at = quote + 1
    }
    return nil
  }

  private mutating func finish(
    _ event: ExportedEvent,
    from start: Int,
    at offset: Int64,
    into batch: inout EventBatch
  ) {
    lastTime = event.time
    if offset < committedOut {
      batch.bytes.removeLast(batch.bytes.count - start)
      return
    }
    finish(
      time: event.time,
      from: start,
      length: max(event.originalBytes ?? 0, UInt64(batch.bytes.count - start)),
      flags: event.flags,
      into: &batch
    )
    guard let stream = event.stream, !stream.isEmpty, batch.streams.count < 65_000 else { return }
    batch.records[batch.records.count - 1].stream = batch.index(
      of: LogStream(sanitizing: stream)
    )
  }
}

/// Where the values of an exported object lie.
private struct JSONEventValues {
  private var milliseconds: Int64?
  private var nanoseconds: Int64 = 0
  private var message: Range<Int>?
  private var encoded: Range<Int>?
  private var streamName: Range<Int>?
  private var originalBytes: Int64?
  private var flags: EventFlags = []
  private var isTruncated = false

  mutating func take(_ bytes: Span<UInt8>, _ key: Range<Int>, _ value: Range<Int>) {
    let isString = value.count >= 2 && bytes[value.lowerBound] == 0x22
    func isKey(_ name: StaticString) -> Bool { JSONScan.equals(bytes, key, name) }
    switch key.count {
    case 9 where isKey("timestamp"): milliseconds = JSONScan.integer(bytes, value)
    case 7 where isKey("message") && isString: message = value
    case 9 where isKey("logStream") && isString: streamName = value
    case 13 where isKey("messageBase64") && isString: encoded = value
    case 13 where isKey("originalBytes"): originalBytes = JSONScan.integer(bytes, value)
    case 11 where isKey("nanoseconds"): nanoseconds = JSONScan.integer(bytes, value) ?? 0
    case 6 where isKey("stream"):
      if JSONScan.equals(bytes, value, "\"stderr\"") { flags.insert(.stderr) }
    default:
      guard JSONScan.equals(bytes, value, "true") else { return }
      if isKey("gap") { flags.insert(.gap) }
      if isKey("malformed") { flags.insert(.malformed) }
      if isKey("unterminated") { flags.insert(.unterminated) }
      if isKey("repaired") { flags.insert(.repaired) }
      if isKey("truncated") { isTruncated = true }
    }
  }

  /// Nil without a time.
  func event(_ bytes: Span<UInt8>) -> ExportedEvent? {
    guard let milliseconds else { return nil }
    let time = Timestamp(milliseconds: milliseconds)
    let rest = (-999_999...999_999).contains(nanoseconds) ? nanoseconds : 0
    var event = ExportedEvent(time: time.adding(nanoseconds: rest).nanoseconds, flags: flags)
    if isTruncated { event.originalBytes = originalBytes.flatMap { UInt64(exactly: $0) } }
    event.stream = streamName.flatMap { JSONScan.text(bytes, $0) }
    return event
  }

  /// Appends the message, exactly where that is given; false when there is none.
  func appendMessage(_ bytes: Span<UInt8>, to output: inout [UInt8]) -> Bool {
    if let encoded {
      return Base64.decode(
        bytes,
        (encoded.lowerBound + 1)..<(encoded.upperBound - 1),
        into: &output
      )
    }
    guard let message else { return false }
    return JSONString.unescape(
      bytes,
      from: message.lowerBound + 1,
      to: message.upperBound,
      into: &output
    ) != nil
  }
}

/// Records of RFC 4180 as `export` writes them.
private enum CSVFrame {
  static let columns = 7

  static func isHeading(_ record: Span<UInt8>) -> Bool {
    Bytes.equal(record, "timestamp,logGroup,logStream,stream,flags,originalBytes,message")
  }

  /// The cells with their quotes; nil when a quote stands where none may.
  static func cells(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [Range<Int>]? {
    var cells: [Range<Int>] = []
    var at = range.lowerBound
    while cells.count <= columns {
      let start = at
      if at < range.upperBound, bytes[at] == 0x22 {
        at += 1
        while true {
          guard at < range.upperBound else { return nil }
          if bytes[at] == 0x22 {
            guard at + 1 < range.upperBound, bytes[at + 1] == 0x22 else { break }
            at += 1
          }
          at += 1
        }
        at += 1
      } else {
        while at < range.upperBound, bytes[at] != 0x2C {
          if bytes[at] == 0x22 { return nil }
          at += 1
        }
      }
      cells.append(start..<at)
      if at == range.upperBound { return cells }
      guard bytes[at] == 0x2C else { return nil }
      at += 1
    }
    return nil
  }

  /// Appends what a cell stands for.
  static func append(
    _ bytes: Span<UInt8>,
    _ cell: Range<Int>,
    to output: inout [UInt8]
  ) -> Bool {
    guard let first = cell.first, bytes[first] == 0x22 else {
      output.append(copying: bytes.extracting(cell))
      return true
    }
    var at = first + 1
    let end = cell.upperBound - 1
    while at < end {
      let quote = Bytes.firstIndex(of: 0x22, in: bytes.extracting(..<end), from: at) ?? end
      // Of two quotes one stays.
      let stop = min(quote + 1, end)
      output.append(copying: bytes.extracting(at..<stop))
      at = quote + 2
    }
    return true
  }

  /// Nil when the time is none.
  static func event(_ bytes: Span<UInt8>, _ cells: [Range<Int>]) -> ExportedEvent? {
    guard let time = Calendar.parseRFC3339(bytes, cells[0]) else { return nil }
    var event = ExportedEvent(time: time.nanoseconds)
    event.stream = text(bytes, cells[2])
    if text(bytes, cells[3]) == "stderr" { event.flags.insert(.stderr) }
    var isTruncated = false
    for word in text(bytes, cells[4]).split(separator: " ") {
      switch word {
      case "gap": event.flags.insert(.gap)
      case "malformed": event.flags.insert(.malformed)
      case "unterminated": event.flags.insert(.unterminated)
      case "repaired": event.flags.insert(.repaired)
      case "truncated": isTruncated = true
      default: return nil
      }
    }
    if isTruncated { event.originalBytes = UInt64(text(bytes, cells[5])) }
    return event
  }

  private static func text(_ bytes: Span<UInt8>, _ cell: Range<Int>) -> String {
    var text: [UInt8] = []
    _ = append(bytes, cell, to: &text)
    return String(repairing: text.span)
  }
}
