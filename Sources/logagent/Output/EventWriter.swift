internal import LogModel
internal import Platform
internal import Query
internal import Store

/// How events look: everything that a `EventWriter` must be told.
struct EventStyle {
  var format: EventFormat
  var time: EventTime
  var usesColour = false
  var showsPrefix = false
  /// Whether what is printed reaches a terminal: then no byte of it may act on it.
  var isTerminal = false
  /// Columns in place of the message.
  var fields: [EventField] = []
  /// Gives the ranges of a message that stand out, ascending and apart.
  var highlights: (([UInt8]) -> [Range<Int>])?
  /// Matches and the events around them are told apart.
  var hasContext = false
}

/// Turns matched events into bytes on standard output.
///
/// Used by one thread.
final class EventWriter {
  private let style: EventStyle
  private let output: OutputBuffer
  private var time: EventTime
  private var prefixWidth = 0
  private var columns: ColumnWidths
  private var table: TableWriter?
  private var count = 0

  /// Columns of csv, logfmt and table where `--fields` names none.
  static let standardFields: [EventField.Kind] = [.timestamp, .log, .logStream, .stream, .message]

  init(_ style: EventStyle, output: OutputBuffer) {
    self.style = style
    self.output = output
    time = style.time
    columns = ColumnWidths(count: style.fields.count)
    if style.format == .table {
      table = TableWriter(
        style.fields.isEmpty
          ? ["TIME", "RESOURCE", "LEVEL", "MESSAGE"] : style.fields.map(\.name)
      )
    }
  }

  /// Prints one event; `isContext` for one that only stands beside a match.
  func write(_ event: MatchedEvent, isContext: Bool = false) {
    defer { count += 1 }
    switch style.format {
    case .tty: writeTerminal(event, isContext)
    case .plain: writePlain(event, isContext)
    case .jsonl: guarded(end: "\n") { self.appendObject(event, isContext, to: &$0) }
    case .json:
      output.append(count == 0 ? "[\n" : ",\n")
      guarded(end: "") { self.appendObject(event, isContext, to: &$0) }
    case .raw: guarded(end: "\n") { $0.append(copying: event.message.span) }
    case .csv: writeCSV(event)
    case .logfmt: writeLogfmt(event)
    case .table: writeRow(event)
    case .template(let template): writeTemplate(template, event)
    }
  }

  /// Stands between events that are not neighbours, as grep's `--`.
  func writeSeparator() {
    guard style.hasContext, count > 0 else { return }
    switch style.format {
    case .tty: output.append(paint("--", Colour.dim) + "\n")
    case .plain, .raw: output.append("--\n")
    default: return
    }
  }

  /// Closes what has an end.
  func finish() {
    if style.format == .json { output.append(count == 0 ? "[]\n" : "\n]\n") }
    if style.format == .csv, count == 0 { writeHeading() }
    if let rest = table?.finish() { output.append(rest) }
  }

  /// Appends text that may hold anything, made safe where it reaches a terminal.
  private func guarded(end: String, _ add: (inout [UInt8]) -> Void) {
    guard style.isTerminal else {
      output.append {
        add(&$0)
        $0.append(utf8: end)
      }
      return
    }
    var bytes: [UInt8] = []
    add(&bytes)
    let isJSON = style.format == .jsonl || style.format == .json
    output.append { output in
      if isJSON {
        TerminalText.appendJSON(bytes.span, to: &output)
      } else {
        TerminalText.append(bytes.span, to: &output)
      }
      output.append(utf8: end)
    }
  }

  // MARK: JSON

  private func appendObject(_ event: MatchedEvent, _ isContext: Bool, to bytes: inout [UInt8]) {
    guard !style.fields.isEmpty else {
      EventJSON.append(event, isContext: isContext, to: &bytes)
      return
    }
    var values = EventFields(event)
    bytes.append(0x7B)
    var isFirst = true
    for field in style.fields {
      let start = bytes.count
      if !isFirst { bytes.append(0x2C) }
      JSONWriter.appendString(field.name, to: &bytes)
      bytes.append(0x3A)
      if values.appendJSON(field, to: &bytes) {
        isFirst = false
      } else {
        bytes.removeLast(bytes.count - start)
      }
    }
    bytes.append(0x7D)
  }

  // MARK: columns

  private var listed: [EventField.Kind] { Self.standardFields }

  private func writeHeading() {
    let names =
      style.fields.isEmpty
      ? ["timestamp", "logGroup", "logStream", "stream", "message"] : style.fields.map(\.name)
    guarded(end: "\n") { bytes in
      for (index, name) in names.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        CSVWriter.append(Array(name.utf8).span, to: &bytes)
      }
    }
  }

  private func writeCSV(_ event: MatchedEvent) {
    if count == 0 { writeHeading() }
    let cells = cells(event)
    guarded(end: "\n") { bytes in
      for (index, cell) in cells.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        CSVWriter.append(cell.span, to: &bytes)
      }
    }
  }

  /// The values of the fields that were asked for, or of the standard ones; empty where none.
  private func cells(_ event: MatchedEvent) -> [[UInt8]] {
    var values = EventFields(event)
    let stamp = time.text(event.timestamp)
    guard style.fields.isEmpty else {
      return style.fields.map { field in values.text(field) { self.stamp($0, stamp, event) } ?? [] }
    }
    return [
      Array(stamp.utf8), Array(event.group.group.name.utf8), Array(event.stream.name.utf8),
      Array((event.flags.contains(.stderr) ? "stderr" : "stdout").utf8), event.message,
    ]
  }

  /// Times inside of columns: the event's own in the chosen style, others in RFC 3339.
  private func stamp(_ moment: Timestamp, _ own: String, _ event: MatchedEvent) -> String {
    moment == event.timestamp && !own.isEmpty ? own : time.iso(moment)
  }

  private func writeLogfmt(_ event: MatchedEvent) {
    let names =
      style.fields.isEmpty
      ? ["ts", "log_group", "log_stream", "stream", "msg"] : style.fields.map(\.name)
    let cells = cells(event)
    guarded(end: "\n") { bytes in
      var isFirst = true
      for (name, cell) in zip(names, cells) where !cell.isEmpty || name == "msg" {
        if !isFirst { bytes.append(0x20) }
        isFirst = false
        LogfmtWriter.appendKey(name, to: &bytes)
        bytes.append(0x3D)
        LogfmtWriter.appendValue(cell.span, to: &bytes)
      }
    }
  }

  private func writeRow(_ event: MatchedEvent) {
    var values = EventFields(event)
    let stamp = time.text(event.timestamp)
    let cells: [[UInt8]] =
      style.fields.isEmpty
      ? [
        Array(stamp.utf8), Array(EventFields.resource(event).utf8),
        Array((LogLevel.detect(event.message.span)?.name ?? "-").utf8), event.message,
      ]
      : style.fields.map { field in
        values.text(field) { self.stamp($0, stamp, event) } ?? Array("-".utf8)
      }
    let texts = cells.map { TerminalText.line($0.span) }
    if let done = table?.add(texts) { output.append(done) }
  }

  private func writeTemplate(_ template: EventTemplate, _ event: MatchedEvent) {
    var values = EventFields(event)
    let stamp = time.text(event.timestamp)
    guarded(end: "\n") { bytes in
      for piece in template.pieces {
        switch piece {
        case .text(let text): bytes.append(utf8: text)
        case .field(let field):
          let value = values.text(field) { self.stamp($0, stamp, event) } ?? []
          bytes.append(copying: value.span)
        }
      }
    }
  }

  // MARK: lines

  /// For grep and for files: bytes as they are, unless they would reach a terminal.
  private func writePlain(_ event: MatchedEvent, _ isContext: Bool) {
    let lead = lead(
      style.showsPrefix ? TerminalText.string(EventFields.resource(event)) : "",
      event,
      isContext
    )
    let fields = style.fields.isEmpty ? nil : columnText(event, separator: "\t")
    output.append { bytes in
      bytes.append(utf8: lead)
      if let fields {
        bytes.append(utf8: fields)
      } else if event.flags.contains(.gap) {
        Self.appendGap(event, to: &bytes)
      } else {
        if style.isTerminal {
          TerminalText.append(event.message.span, to: &bytes)
        } else {
          bytes.append(copying: event.message.span)
        }
        Self.appendMark(event, to: &bytes)
      }
      bytes.append(0x0A)
    }
  }

  /// Time and name in front of a plain line: `time name message`; grep's `:` and `-` tell matches
  /// from what stands around them.
  private func lead(_ name: String, _ event: MatchedEvent, _ isContext: Bool) -> String {
    let parts = [time.text(event.timestamp), name].filter { !$0.isEmpty }
    guard !parts.isEmpty else { return "" }
    return parts.joined(separator: " ") + mark(isContext) + " "
  }

  private func mark(_ isContext: Bool) -> String {
    style.hasContext ? (isContext ? "-" : ":") : ""
  }

  private func writeTerminal(_ event: MatchedEvent, _ isContext: Bool) {
    if let day = time.newDay(event.timestamp) {
      output.append(paint("── \(day) ──", Colour.dim) + "\n")
    }
    var lead = ""
    if style.showsPrefix {
      let name = TerminalText.string(EventFields.resource(event))
      prefixWidth = max(prefixWidth, name.count)
      let padding = String(repeating: " ", count: prefixWidth - name.count)
      lead = paint(name, Colour.of(name)) + padding + " "
    }
    let stamp = time.text(event.timestamp)
    if !stamp.isEmpty { lead += paint(stamp + mark(isContext), Colour.dim) + " " }
    let fields = style.fields.isEmpty ? nil : columnText(event, separator: "  ")
    output.append { bytes in
      bytes.append(utf8: lead)
      if let fields {
        bytes.append(utf8: fields)
      } else if event.flags.contains(.gap) {
        Self.appendGap(event, to: &bytes)
      } else {
        appendMessage(event, isContext, to: &bytes)
        Self.appendMark(event, to: &bytes)
      }
      bytes.append(0x0A)
    }
  }

  /// The message with its level word, and what the user looks for, in colour.
  private func appendMessage(_ event: MatchedEvent, _ isContext: Bool, to bytes: inout [UInt8]) {
    guard style.usesColour else {
      TerminalText.append(event.message.span, to: &bytes)
      return
    }
    if isContext { bytes.append(utf8: Colour.dim) }
    let isError = event.flags.contains(.stderr)
    if isError { bytes.append(utf8: Colour.red) }
    var painted = (style.highlights?(event.message) ?? []).map { ($0, Colour.highlight) }
    if let level = LogLevel.find(event.message.span),
      !painted.contains(where: { $0.0.overlaps(level.range) })
    {
      painted.append((level.range, Colour.of(level.level)))
      painted.sort { $0.0.lowerBound < $1.0.lowerBound }
    }
    var at = 0
    for (range, colour) in painted {
      let text = event.message.span
      TerminalText.append(text.extracting(at..<range.lowerBound), keepsColour: true, to: &bytes)
      bytes.append(utf8: colour)
      TerminalText.append(text.extracting(range), to: &bytes)
      bytes.append(utf8: Colour.reset)
      if isError { bytes.append(utf8: Colour.red) }
      at = range.upperBound
    }
    TerminalText.append(
      event.message.span.extracting(at..<event.message.count),
      keepsColour: true,
      to: &bytes
    )
    if isError || isContext { bytes.append(utf8: Colour.reset) }
  }

  private func columnText(_ event: MatchedEvent, separator: String) -> String {
    var values = EventFields(event)
    let texts = style.fields.map { field in
      let value = values.text(field) { time.iso($0) } ?? [0x2D]
      return TerminalText.line(value.span)
    }
    return separator == "\t" ? texts.joined(separator: separator) : columns.line(texts, separator)
  }

  private static func appendGap(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    bytes.append(utf8: "── ")
    TerminalText.append(event.message.span, to: &bytes)
    bytes.append(utf8: " ──")
  }

  private static func appendMark(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    if let original = event.originalBytes {
      bytes.append(utf8: " … [truncated: \(original) bytes]")
    }
  }

  private func paint(_ text: String, _ colour: String) -> String {
    style.usesColour ? colour + text + Colour.reset : text
  }
}
