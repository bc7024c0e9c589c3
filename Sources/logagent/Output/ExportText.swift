internal import LogModel
internal import Platform
internal import Query
internal import Store

/// Exported events as JSON lines: everything that is stored of an event but where and when that
/// was, so that the same events give the same bytes from any store.
enum ExportJSON {
  /// One object and a newline.
  static func append(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    EventJSON.appendCore(event, to: &bytes)
    bytes.append(utf8: ",\"logGroup\":")
    JSONWriter.appendString(event.group.group.name, to: &bytes)
    bytes.append(utf8: ",\"stream\":\"")
    bytes.append(utf8: event.flags.contains(.stderr) ? "stderr\"" : "stdout\"")
    let rest = event.timestamp.nanoseconds - event.timestamp.milliseconds * 1_000_000
    if rest != 0 { bytes.append(utf8: ",\"nanoseconds\":\(rest)") }
    EventJSON.appendFlags(event, to: &bytes)
    if event.flags.contains(.repaired) { bytes.append(utf8: ",\"repaired\":true") }
    if !isUTF8(event.message.span) {
      bytes.append(utf8: ",\"messageBase64\":\"")
      Base64.append(event.message.span, to: &bytes)
      bytes.append(0x22)
    }
    bytes.append(utf8: "}\n")
  }

  private static func isUTF8(_ text: Span<UInt8>) -> Bool {
    var at = 0
    while at < text.count {
      if text[at] < 0x80 {
        at += 1
        continue
      }
      let length = JSONWriter.sequenceLength(text, at)
      if length == 0 { return false }
      at += length
    }
    return true
  }
}

/// Exported events as RFC 4180, messages byte for byte.
enum ExportCSV {
  static let heading = "timestamp,logGroup,logStream,stream,flags,originalBytes,message"

  static func appendHeading(to bytes: inout [UInt8]) { bytes.append(utf8: heading + "\n") }

  static func append(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    Calendar.appendRFC3339(event.timestamp, decimals: 9, to: &bytes)
    bytes.append(0x2C)
    bytes.append(utf8: event.group.group.name)
    bytes.append(0x2C)
    CSVWriter.append(Array(event.stream.name.utf8).span, to: &bytes)
    bytes.append(utf8: event.flags.contains(.stderr) ? ",stderr," : ",stdout,")
    var flags: [String] = []
    if event.flags.contains(.gap) { flags.append("gap") }
    if event.flags.contains(.truncated) { flags.append("truncated") }
    if event.flags.contains(.malformed) { flags.append("malformed") }
    if event.flags.contains(.unterminated) { flags.append("unterminated") }
    if event.flags.contains(.repaired) { flags.append("repaired") }
    bytes.append(utf8: flags.joined(separator: " "))
    bytes.append(0x2C)
    if let original = event.originalBytes { bytes.append(utf8: "\(original)") }
    bytes.append(0x2C)
    CSVWriter.append(event.message.span, to: &bytes)
    bytes.append(0x0A)
  }
}
