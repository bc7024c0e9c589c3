internal import LogModel
internal import Platform
internal import Query
internal import Store

/// How events are printed.
enum EventFormat: String, CaseIterable {
  /// For people at a terminal: local time, colours, prefixes.
  case tty
  /// For people and grep: RFC 3339 time and message.
  case plain
  /// One JSON object a line.
  case jsonl
  /// Messages alone, byte for byte.
  case raw
}

/// How the time of an event is written, where it stands in front of the message.
enum TimestampStyle: String, CaseIterable {
  /// Hours to milliseconds; the date when it changes.
  case short
  /// RFC 3339, UTC.
  case iso
  /// Milliseconds since the epoch.
  case unix
  case none
}

/// Turns matched events into bytes on standard output.
///
/// Used by one thread.
final class EventWriter {
  private let format: EventFormat
  private let output: OutputBuffer
  private let usesColour: Bool
  private let showsPrefix: Bool
  private let isUTC: Bool
  private let timestamps: TimestampStyle
  private let isTerminal: Bool
  private let prefix: (MatchedEvent) -> String
  private var lastDay = Int64.min
  private var prefixWidth = 0

  init(
    _ format: EventFormat,
    output: OutputBuffer,
    usesColour: Bool,
    showsPrefix: Bool,
    isUTC: Bool,
    timestamps: TimestampStyle? = nil,
    isTerminal: Bool = false,
    prefix: @escaping (MatchedEvent) -> String
  ) {
    self.format = format
    self.output = output
    self.usesColour = usesColour
    self.showsPrefix = showsPrefix
    self.isUTC = isUTC
    self.timestamps = timestamps ?? (format == .tty ? .short : .iso)
    self.isTerminal = isTerminal
    self.prefix = prefix
  }

  func write(_ event: MatchedEvent) {
    switch format {
    case .tty: writeTerminal(event)
    case .plain: writePlain(event)
    case .jsonl: output.append { Self.appendJSON(event, to: &$0) }
    case .raw:
      output.append { bytes in
        bytes.append(copying: event.message.span)
        bytes.append(0x0A)
      }
    }
  }

  /// The keys of `stacktape logs --outputFormat jsonl`, and more behind them.
  static func appendJSON(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    appendCore(event, to: &bytes)
    bytes.append(utf8: ",\"logGroup\":")
    JSONWriter.appendString(event.group.group.name, to: &bytes)
    bytes.append(utf8: ",\"id\":\"")
    event.id.append(to: &bytes)
    bytes.append(utf8: "\",\"stream\":\"")
    bytes.append(utf8: event.flags.contains(.stderr) ? "stderr\"" : "stdout\"")
    if let original = event.originalBytes {
      bytes.append(utf8: ",\"truncated\":true,\"originalBytes\":\(original)")
    }
    if event.flags.contains(.gap) { bytes.append(utf8: ",\"gap\":true") }
    if event.flags.contains(.malformed) { bytes.append(utf8: ",\"malformed\":true") }
    if event.flags.contains(.unterminated) { bytes.append(utf8: ",\"unterminated\":true") }
    bytes.append(utf8: "}\n")
  }

  /// `{"timestamp":…,"message":…,"logStream":…` without the closing brace.
  static func appendCore(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    bytes.append(utf8: "{\"timestamp\":")
    JSONWriter.appendInteger(event.timestamp.milliseconds, to: &bytes)
    bytes.append(utf8: ",\"message\":")
    JSONWriter.appendString(event.message.span, to: &bytes)
    bytes.append(utf8: ",\"logStream\":")
    JSONWriter.appendString(event.stream.name, to: &bytes)
  }

  /// For grep and for files: bytes as they are, unless they would reach a terminal.
  private func writePlain(_ event: MatchedEvent) {
    let lead = showsPrefix ? TerminalText.string(prefix(event)) + " " : ""
    output.append { bytes in
      appendTime(event.timestamp, to: &bytes)
      bytes.append(utf8: lead)
      if event.flags.contains(.gap) {
        Self.appendGap(event, to: &bytes)
      } else {
        if isTerminal {
          TerminalText.append(event.message.span, to: &bytes)
        } else {
          bytes.append(copying: event.message.span)
        }
        Self.appendMark(event, to: &bytes)
      }
      bytes.append(0x0A)
    }
  }

  private func writeTerminal(_ event: MatchedEvent) {
    if timestamps == .short { writeDay(event.timestamp) }
    var lead = ""
    if showsPrefix {
      let name = TerminalText.string(prefix(event))
      prefixWidth = max(prefixWidth, name.count)
      let padding = String(repeating: " ", count: prefixWidth - name.count)
      lead = paint(name, Colour.of(name)) + padding + " "
    }
    let isError = usesColour && event.flags.contains(.stderr)
    output.append { bytes in
      bytes.append(utf8: lead)
      if usesColour { bytes.append(utf8: Colour.dim) }
      appendTime(event.timestamp, to: &bytes)
      if usesColour { bytes.append(utf8: Colour.reset) }
      if event.flags.contains(.gap) {
        Self.appendGap(event, to: &bytes)
      } else {
        if isError { bytes.append(utf8: Colour.red) }
        TerminalText.append(event.message.span, keepsColour: usesColour, to: &bytes)
        if isError { bytes.append(utf8: Colour.reset) }
        Self.appendMark(event, to: &bytes)
      }
      bytes.append(0x0A)
    }
  }

  /// The time as it is at the place of the reader.
  private func local(_ time: Timestamp) -> Timestamp {
    if isUTC { return time }
    let second = time.nanoseconds / 1_000_000_000
    return time.adding(
      nanoseconds: LocalTime.offsetSeconds(atEpochSecond: second) * 1_000_000_000
    )
  }

  private func writeDay(_ time: Timestamp) {
    let local = local(time)
    let day = local.nanoseconds / 86_400_000_000_000
    guard day != lastDay else { return }
    lastDay = day
    let date = Calendar.formatRFC3339(local).prefix(10)
    output.append(paint("── \(date) ──", Colour.dim) + "\n")
  }

  /// The time and a blank, or nothing.
  private func appendTime(_ time: Timestamp, to bytes: inout [UInt8]) {
    switch timestamps {
    case .none: return
    case .iso: Calendar.appendRFC3339(time, decimals: 3, to: &bytes)
    case .unix: JSONWriter.appendInteger(time.milliseconds, to: &bytes)
    case .short:
      bytes.append(utf8: String(Calendar.formatRFC3339(local(time)).dropFirst(11).prefix(12)))
    }
    bytes.append(0x20)
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
    usesColour ? colour + text + Colour.reset : text
  }
}

/// SGR sequences that are readable on black and on white.
enum Colour {
  static let reset = "\u{1b}[0m"
  static let dim = "\u{1b}[2m"
  static let red = "\u{1b}[31m"
  private static let names = [
    "36", "33", "35", "32", "34", "31", "96", "95", "94", "92", "93", "91",
  ]

  /// The same name always has the same colour.
  static func of(_ name: String) -> String {
    var hash: UInt32 = 2_166_136_261
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return "\u{1b}[\(names[Int(hash % UInt32(names.count))])m"
  }

  /// `--color` before NO_COLOR before CLICOLOR_FORCE before what the terminal is.
  static func isWanted(_ choice: String, environment: (String) -> String?) -> Bool {
    switch choice {
    case "always": return true
    case "never": return false
    default:
      if let value = environment("NO_COLOR"), !value.isEmpty { return false }
      if let force = environment("CLICOLOR_FORCE") ?? environment("FORCE_COLOR"), force != "0" {
        return true
      }
      return Terminal.isTerminal(1) && environment("TERM") != "dumb"
    }
  }
}
