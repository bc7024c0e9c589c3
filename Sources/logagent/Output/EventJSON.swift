internal import LogModel
internal import Platform
internal import Query
internal import Store

/// Events as JSON objects: Stacktape's keys first, ours behind them.
enum EventJSON {
  /// The keys of `stacktape logs --outputFormat jsonl`, and more behind them; no newline.
  static func append(_ event: MatchedEvent, isContext: Bool = false, to bytes: inout [UInt8]) {
    appendCore(event, to: &bytes)
    bytes.append(utf8: ",\"logGroup\":")
    JSONWriter.appendString(event.group.group.name, to: &bytes)
    bytes.append(utf8: ",\"id\":\"")
    event.id.append(to: &bytes)
    bytes.append(utf8: "\",\"stream\":\"")
    bytes.append(utf8: event.flags.contains(.stderr) ? "stderr\"" : "stdout\"")
    appendFlags(event, to: &bytes)
    if isContext { bytes.append(utf8: ",\"context\":true") }
    bytes.append(0x7D)
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

  /// What is known of an event besides, each key only where it is so.
  static func appendFlags(_ event: MatchedEvent, to bytes: inout [UInt8]) {
    if let original = event.originalBytes {
      bytes.append(utf8: ",\"truncated\":true,\"originalBytes\":\(original)")
    }
    if event.flags.contains(.gap) { bytes.append(utf8: ",\"gap\":true") }
    if event.flags.contains(.malformed) { bytes.append(utf8: ",\"malformed\":true") }
    if event.flags.contains(.unterminated) { bytes.append(utf8: ",\"unterminated\":true") }
  }
}
