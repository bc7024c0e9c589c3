internal import LogModel
internal import Platform

/// Log text made safe for a terminal: no byte of it can move the cursor, set a title, fill the clipboard
/// or turn the reading direction.
///
/// Every control but tab is shown as what it is (`\x1b`), as are DEL, the C1 controls in either form,
/// bidirectional overrides and line separators; bytes that are not UTF-8 become `\xNN`.
enum TerminalText {
  static func append(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte >= 0x20 && byte < 0x7F || byte == 0x09 {
        bytes.append(byte)
        at += 1
        continue
      }
      let length = byte < 0x80 ? 0 : JSONWriter.sequenceLength(text, at)
      guard length > 0 else {
        appendEscape(byte, to: &bytes)
        at += 1
        continue
      }
      let scalar = decode(text, at, length)
      if isHarmful(scalar) {
        bytes.append(utf8: "\\u{\(String(scalar, radix: 16))}")
      } else {
        bytes.append(copying: text.extracting(at..<(at + length)))
      }
      at += length
    }
  }

  static func string(_ text: String) -> String {
    var bytes: [UInt8] = []
    append(Array(text.utf8).span, to: &bytes)
    return String(repairing: bytes.span)
  }

  private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case 0x0A: bytes.append(contentsOf: [0x0A])
    case 0x0D: bytes.append(utf8: "\\r")
    default:
      let digits = String(byte, radix: 16)
      bytes.append(utf8: byte < 16 ? "\\x0\(digits)" : "\\x\(digits)")
    }
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
