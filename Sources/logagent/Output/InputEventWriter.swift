internal import ArgumentParser
internal import LogModel
internal import Platform

/// How `filter` prints events: as `logs` does, as far as a line says so much.
enum InputEventFormat: String, CaseIterable, ExpressibleByArgument {
  /// Made safe for a terminal.
  case tty
  /// The time, where it is known, and the message, byte for byte.
  case plain
  /// One object a line, with what is known.
  case jsonl
  /// Messages alone, byte for byte.
  case raw
}

/// Prints events of an input.
///
/// Used by one thread.
final class InputEventWriter {
  private let output: OutputBuffer
  private let format: InputEventFormat
  private let isTerminal: Bool
  /// Stacktape's shape: objects with a group and its events.
  private let isAgent: Bool
  private var group: String??

  init(
    _ format: InputEventFormat,
    output: OutputBuffer,
    isTerminal: Bool,
    isAgent: Bool
  ) {
    self.format = format
    self.output = output
    self.isTerminal = isTerminal
    self.isAgent = isAgent
  }

  func write(_ event: borrowing InputEvent) {
    if isAgent { return writeMember(event) }
    let isGuarded = isTerminal || format == .tty
    output.append { bytes in
      switch format {
      case .jsonl: Self.appendObject(event, to: &bytes)
      case .raw:
        if isTerminal {
          TerminalText.append(event.message.span, to: &bytes)
        } else {
          bytes.append(copying: event.message.span)
        }
      case .tty, .plain:
        if let time = event.timestamp {
          Calendar.appendRFC3339(Timestamp(milliseconds: time), decimals: 3, to: &bytes)
          bytes.append(0x20)
        }
        if isGuarded {
          TerminalText.append(event.message.span, to: &bytes)
        } else {
          bytes.append(copying: event.message.span)
        }
      }
      bytes.append(0x0A)
    }
  }

  /// Closes the last object; without any event there is one that holds none.
  func finish() {
    guard isAgent else { return }
    if group == nil { open(nil) }
    output.append("]}\n")
  }

  /// A new object begins where the group changes: nothing is held back.
  private func writeMember(_ event: borrowing InputEvent) {
    let name = event.logGroup
    if group == .some(name) {
      output.append(",")
    } else {
      if group != nil { output.append("]}\n") }
      open(name)
    }
    output.append { Self.appendObject(event, withGroup: false, to: &$0) }
  }

  private func open(_ name: String?) {
    group = .some(name)
    output.append { bytes in
      bytes.append(0x7B)
      if let name {
        bytes.append(utf8: "\"logGroup\":")
        JSONWriter.appendString(name, to: &bytes)
        bytes.append(0x2C)
      }
      bytes.append(utf8: "\"events\":[")
    }
  }

  /// `{"timestamp":…,"message":…,"logStream":…,"logGroup":…}`, each key only where it is known.
  private static func appendObject(
    _ event: borrowing InputEvent,
    withGroup: Bool = true,
    to bytes: inout [UInt8]
  ) {
    bytes.append(0x7B)
    if let time = event.timestamp {
      bytes.append(utf8: "\"timestamp\":")
      JSONWriter.appendInteger(time, to: &bytes)
      bytes.append(0x2C)
    }
    bytes.append(utf8: "\"message\":")
    JSONWriter.appendString(event.message.span, to: &bytes)
    if let name = event.logStream {
      bytes.append(utf8: ",\"logStream\":")
      JSONWriter.appendString(name, to: &bytes)
    }
    if withGroup, let name = event.logGroup {
      bytes.append(utf8: ",\"logGroup\":")
      JSONWriter.appendString(name, to: &bytes)
    }
    bytes.append(0x7D)
  }
}
