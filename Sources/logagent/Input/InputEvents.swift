internal import ArgumentParser
internal import LogModel
internal import Platform

/// What the lines of an input are.
enum InputFormat: String, CaseIterable, ExpressibleByArgument {
  /// Each line is a message.
  case lines
  /// Each line is an object with `message` and, where known, `timestamp`, `logStream`, `logGroup`.
  case jsonl
}

/// An event that came from a line; without what the line did not say.
struct InputEvent {
  var message: [UInt8] = []
  /// Milliseconds since the epoch.
  var timestamp: Int64?
  var logStream: String?
  var logGroup: String?
}

/// Lines as events; counts those that are none.
///
/// Holds one event at a time. Used by one thread.
final class InputEvents {
  private let lines: LineInput
  private let format: InputFormat
  private var event = InputEvent()
  private var text: [UInt8] = []
  /// Lines that are not what the format says, and the first of them with its fault.
  private(set) var badLines = 0
  private(set) var firstBad: (place: LinePlace, reason: String)?
  var cutLines: Int { lines.cutLines }

  init(_ paths: [String], format: InputFormat) {
    lines = LineInput(paths)
    self.format = format
  }

  /// Fails when one of the files cannot be opened, before any of them is read.
  func check() throws(CommandFailure) { try lines.check() }

  /// Calls `body` with every event until it returns false; `pause` before it waits for more.
  func forEach(
    pause: () -> Void,
    _ body: (borrowing InputEvent) throws(CommandFailure) -> Bool
  ) throws(CommandFailure) {
    try lines.forEachLine(pause: pause) { line, place throws(CommandFailure) in
      if format == .lines {
        event.message.removeAll(keepingCapacity: true)
        event.message.append(copying: line)
      } else if let reason = decode(line) {
        badLines += 1
        if firstBad == nil { firstBad = (place, reason) }
        return true
      }
      return try body(event)
    }
  }

  /// What was wrong with lines, for stderr; nil when nothing was.
  var complaint: String? {
    guard let firstBad else { return nil }
    let others = badLines == 1 ? "" : ", and \(badLines - 1) more"
    let path = firstBad.place.path == "-" ? "standard input" : firstBad.place.path
    return "\(path), line \(firstBad.place.line)\(others): \(firstBad.reason)"
  }

  /// Fills `event` from an object; the fault when it is none.
  private func decode(_ line: Span<UInt8>) -> String? {
    event = InputEvent(message: event.message)
    var cursor = JSONCursor(0..<line.count)
    guard cursor.enterObject(in: line) else { return "not a JSON object" }
    var hasMessage = false
    while let name = cursor.nextName(in: line) {
      JSONCursor.unescape(name, in: line, into: &text)
      let key = String(repairing: text.span)
      guard let value = cursor.take(in: line) else { return "not a JSON object" }
      let isText = value.kind == .string
      switch key {
      case "message":
        guard isText else { return "`message` is not a string" }
        JSONCursor.unescape(value, in: line, into: &event.message)
        hasMessage = true
      case "timestamp" where value.kind != .null:
        guard value.kind == .number,
          case .integer(let number)? = DecimalNumber.parse(line.extracting(value.range))
        else { return "`timestamp` is not a whole number of milliseconds" }
        event.timestamp = number
      case "logStream" where value.kind != .null, "logGroup" where value.kind != .null:
        guard isText else { return "`\(key)` is not a string" }
        JSONCursor.unescape(value, in: line, into: &text)
        let name = String(repairing: text.span)
        if key == "logStream" { event.logStream = name } else { event.logGroup = name }
      default: break
      }
    }
    guard cursor.isAtEnd(in: line) else { return "not a JSON object" }
    return hasMessage ? nil : "`message` is missing"
  }
}
