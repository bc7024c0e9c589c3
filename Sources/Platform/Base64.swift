/// Standard base64 with padding (RFC 4648 §4).
package enum Base64 {
  private static let alphabet: [UInt8] = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  /// Pairs of digits for 12 bits: one table look-up for every byte and a half.
  private static let pairs: [UInt16] = (0..<4_096).map {
    UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8
  }

  package static func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
    let whole = bytes.count / 3
    text.append(addingCapacity: (bytes.count + 2) / 3 * 4) { output in
      var at = 0
      let pairs = pairs
      for _ in 0..<whole {
        let word = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
        let high = pairs[word >> 12]
        let low = pairs[word & 4_095]
        output.append(UInt8(truncatingIfNeeded: high))
        output.append(UInt8(truncatingIfNeeded: high >> 8))
        output.append(UInt8(truncatingIfNeeded: low))
        output.append(UInt8(truncatingIfNeeded: low >> 8))
        at += 3
      }
      let rest = bytes.count - at
      guard rest > 0 else { return }
      let word = Int(bytes[at]) << 16 | (rest == 2 ? Int(bytes[at + 1]) << 8 : 0)
      output.append(alphabet[word >> 18])
      output.append(alphabet[(word >> 12) & 63])
      output.append(rest == 2 ? alphabet[(word >> 6) & 63] : 0x3D)
      output.append(0x3D)
    }
  }
  /// Appends what the digits at `range` stand for; false, with nothing appended, when they are not
  /// strictly base64: padded, and nothing else among them.
  package static func decode(
    _ digits: Span<UInt8>,
    _ range: Range<Int>,
    into bytes: inout [UInt8]
  ) -> Bool {
    guard range.count % 4 == 0 else { return false }
    let start = bytes.count
    bytes.reserveCapacity(start + range.count / 4 * 3)
    var at = range.lowerBound
    while at < range.upperBound {
      var padding = 0
      if at + 4 == range.upperBound {
        if digits[at + 3] == 0x3D { padding += 1 }
        if padding == 1, digits[at + 2] == 0x3D { padding += 1 }
      }
      var word: UInt32 = 0
      for index in at..<(at + 4 - padding) {
        guard let value = value(digits[index]) else {
          bytes.removeLast(bytes.count - start)
          return false
        }
        word = word << 6 | value
      }
      word <<= UInt32(6 * padding)
      bytes.append(UInt8(truncatingIfNeeded: word >> 16))
      if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: word >> 8)) }
      if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: word)) }
      at += 4
    }
    return true
  }

  private static func value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5A: UInt32(digit - 0x41)
    case 0x61...0x7A: UInt32(digit - 0x61 + 26)
    case 0x30...0x39: UInt32(digit - 0x30 + 52)
    case 0x2B: 62
    case 0x2F: 63
    default: nil
    }
  }
}
