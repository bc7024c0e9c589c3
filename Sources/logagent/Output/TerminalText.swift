internal import LogModel
internal import Platform

/// Log text made safe for a terminal: no byte of it can move the cursor, set a title, fill the
/// clipboard or turn the reading direction.
///
/// Every control but tab and newline is shown as what it is (`\x1b`), as are DEL, the C1 controls
/// in either form, bidirectional overrides and line separators; bytes that are not UTF-8 become
/// `\xNN`. A carriage return at the end of a line is left out. What follows a newline is indented,
/// so that no message can look like the next event.
enum TerminalText {
  /// Longest colour sequence that is let through.
  private static let colourBytesMax = 32

  /// Appends `text`; with `keepsColour` complete colour sequences stay, and are reset at the end of
  /// each line.
  static func append(_ text: Span<UInt8>, keepsColour: Bool = false, to bytes: inout [UInt8]) {
    var at = 0
    var isColoured = false
    func reset(_ bytes: inout [UInt8]) {
      if isColoured { bytes.append(utf8: Colour.reset) }
      isColoured = false
    }
    while at < text.count {
      let byte = text[at]
      if byte >= 0x20 && byte < 0x7F || byte == 0x09 {
        bytes.append(byte)
        at += 1
      } else if byte >= 0x80 {
        at += appendWide(text, at, to: &bytes)
      } else if byte == 0x0A {
        reset(&bytes)
        bytes.append(utf8: "\n  ")
        at += 1
      } else if byte == 0x0D {
        let isLineEnd = at + 1 == text.count || text[at + 1] == 0x0A
        if !isLineEnd { bytes.append(utf8: "\\r") }
        at += 1
      } else if byte == 0x1B, keepsColour, let length = colourLength(text, at) {
        bytes.append(copying: text.extracting(at..<(at + length)))
        isColoured = true
        at += length
      } else {
        appendHex(byte, to: &bytes)
        at += 1
      }
    }
    reset(&bytes)
  }

  static func string(_ text: String) -> String {
    var bytes: [UInt8] = []
    append(Array(text.utf8).span, to: &bytes)
    return String(repairing: bytes.span)
  }

  /// Text for one cell of a table: line breaks are shown, as `\n`, and tabs are blanks.
  static func line(_ text: Span<UInt8>) -> String {
    var bytes: [UInt8] = []
    var at = 0
    while at < text.count {
      let end = Bytes.firstIndex(of: 0x0A, in: text, from: at) ?? text.count
      append(text.extracting(at..<end), to: &bytes)
      if end < text.count { bytes.append(utf8: "\\n") }
      at = end + 1
    }
    for index in bytes.indices where bytes[index] == 0x09 { bytes[index] = 0x20 }
    return String(repairing: bytes.span)
  }

  /// Lines that may quote anything, such as an error's: every line is made safe, none is indented.
  static func lines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { string(String($0)) }.joined(separator: "\n")
  }

  /// JSON text on a terminal: what is valid inside of a string and yet acts on a terminal (DEL, C1
  /// controls, bidirectional overrides) is written as `\u` escapes, which mean the same.
  static func appendJSON(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    var at = 0
    while at < text.count {
      let byte = text[at]
      let length = byte < 0x80 ? 1 : max(1, JSONWriter.sequenceLength(text, at))
      let scalar = length > 1 ? decode(text, at, length) : UInt32(byte)
      if byte == 0x7F || length > 1 && isHarmful(scalar) {
        if scalar < 0x10000 {
          appendEscape(scalar, to: &bytes)
        } else {
          appendEscape(0xD7C0 + scalar >> 10, to: &bytes)
          appendEscape(0xDC00 + scalar & 0x3FF, to: &bytes)
        }
      } else {
        bytes.append(copying: text.extracting(at..<(at + length)))
      }
      at += length
    }
  }

  /// One UTF-16 unit as JSON's `\u` escape.
  private static func appendEscape(_ unit: UInt32, to bytes: inout [UInt8]) {
    let digits = String(unit, radix: 16)
    bytes.append(utf8: "\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }

  /// Bytes of the colour sequence that begins at `start`; nil when it is none or incomplete.
  private static func colourLength(_ text: Span<UInt8>, _ start: Int) -> Int? {
    guard start + 2 < text.count, text[start + 1] == 0x5B else { return nil }
    var at = start + 2
    while at < text.count, at - start < colourBytesMax {
      switch text[at] {
      case 0x30...0x39, 0x3A, 0x3B: at += 1
      case 0x6D: return at + 1 - start
      default: return nil
      }
    }
    return nil
  }

  /// Appends what begins at `at` and is not ASCII; returns how many bytes that was.
  private static func appendWide(_ text: Span<UInt8>, _ at: Int, to bytes: inout [UInt8]) -> Int {
    let length = JSONWriter.sequenceLength(text, at)
    guard length > 0 else {
      appendHex(text[at], to: &bytes)
      return 1
    }
    let scalar = decode(text, at, length)
    if isHarmful(scalar) {
      bytes.append(utf8: "\\u{\(String(scalar, radix: 16))}")
    } else {
      bytes.append(copying: text.extracting(at..<(at + length)))
    }
    return length
  }

  private static func appendHex(_ byte: UInt8, to bytes: inout [UInt8]) {
    let digits = String(byte, radix: 16)
    bytes.append(utf8: byte < 16 ? "\\x0\(digits)" : "\\x\(digits)")
  }

  private static func decode(_ text: Span<UInt8>, _ at: Int, _ length: Int) -> UInt32 {
    var scalar = UInt32(text[at]) & (0x7F >> UInt32(length))
    for offset in 1..<length { scalar = scalar << 6 | UInt32(text[at + offset] & 0x3F) }
    return scalar
  }

  private static func isHarmful(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80...0x9F, 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029,
      0xFEFF, 0xE0000...0xE007F, 0xE000...0xF8FF, 0xFFF9...0xFFFB, 0xF0000...0x10FFFF:
      true
    default: false
    }
  }
}
