/// Standard base64, strictly: padded, nothing else in it.
enum Base64Decoder {
  static func decode(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3)
    var at = 0
    while at < digits.count {
      let isLast = at + 4 == digits.count
      let padding = isLast ? digits[(at + 2)...].count(where: { $0 == 0x3D }) : 0
      var word: UInt32 = 0
      for index in at..<(at + 4) {
        if isLast && index >= at + 4 - padding {
          word <<= 6
          continue
        }
        guard let value = value(digits[index]) else { return nil }
        word = word << 6 | value
      }
      if padding == 1 && digits[at + 3] != 0x3D { return nil }
      bytes.append(UInt8(truncatingIfNeeded: word >> 16))
      if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: word >> 8)) }
      if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: word)) }
      at += 4
    }
    return bytes
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
