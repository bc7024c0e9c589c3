internal import Platform

/// Bytes as JSON strings: always valid UTF-8, always one line.
package enum JSONWriter {
  /// Appends a quoted string.
  ///
  /// What is not UTF-8 becomes U+FFFD, one for each byte that fits nowhere; control characters are
  /// escaped. Runs of plain ASCII are copied whole.
  package static func appendString(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(0x22)
    var at = 0
    while at < text.count {
      let start = at
      at = Bytes.plainJSONEnd(text, from: at)
      if at > start { bytes.append(copying: text.extracting(start..<at)) }
      guard at < text.count else { break }
      let byte = text[at]
      if byte >= 0x80 {
        let length = sequenceLength(text, at)
        if length == 0 {
          bytes.append(contentsOf: [0xEF, 0xBF, 0xBD])
          at += 1
        } else {
          bytes.append(copying: text.extracting(at..<(at + length)))
          at += length
        }
        continue
      }
      appendEscape(byte, to: &bytes)
      at += 1
    }
    bytes.append(0x22)
  }

  package static func appendString(_ text: String, to bytes: inout [UInt8]) {
    appendString(Array(text.utf8).span, to: &bytes)
  }

  package static func appendInteger(_ value: Int64, to bytes: inout [UInt8]) {
    if value == 0 {
      bytes.append(0x30)
      return
    }
    var digits: [20 of UInt8] = .init(repeating: 0)
    var rest = value.magnitude
    var count = 0
    while rest > 0 {
      digits[count] = UInt8(48 + rest % 10)
      rest /= 10
      count += 1
    }
    if value < 0 { bytes.append(0x2D) }
    while count > 0 {
      count -= 1
      bytes.append(digits[count])
    }
  }

  private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(0x5C)
    switch byte {
    case 0x22, 0x5C: bytes.append(byte)
    case 0x0A: bytes.append(0x6E)
    case 0x0D: bytes.append(0x72)
    case 0x09: bytes.append(0x74)
    default:
      bytes.append(contentsOf: [0x75, 0x30, 0x30, digit(byte >> 4), digit(byte & 15)])
    }
  }

  private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

  /// Bytes of the well-formed UTF-8 sequence at `at`, or 0 (Unicode table 3-7: no surrogates, no
  /// overlong).
  package static func sequenceLength(_ text: Span<UInt8>, _ at: Int) -> Int {
    let first = text[at]
    if first < 0x80 { return 1 }
    func isTail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
      at + offset < text.count && range.contains(text[at + offset])
    }
    switch first {
    case 0xC2...0xDF: return isTail(1) ? 2 : 0
    case 0xE0: return isTail(1, 0xA0...0xBF) && isTail(2) ? 3 : 0
    case 0xED: return isTail(1, 0x80...0x9F) && isTail(2) ? 3 : 0
    case 0xE1...0xEF: return isTail(1) && isTail(2) ? 3 : 0
    case 0xF0: return isTail(1, 0x90...0xBF) && isTail(2) && isTail(3) ? 4 : 0
    case 0xF1...0xF3: return isTail(1) && isTail(2) && isTail(3) ? 4 : 0
    case 0xF4: return isTail(1, 0x80...0x8F) && isTail(2) && isTail(3) ? 4 : 0
    default: return 0
    }
  }
}
