internal import LogModel
internal import Platform

/// How calculated numbers and times are printed: plain decimals, rounded to four places, UTC.
enum NumberText {
  static func append(_ value: Double, to bytes: inout [UInt8]) {
    let magnitude = value.magnitude
    // Beyond this, doubles have no fourth decimal.
    guard magnitude < 9e11 else { return appendLarge(value, to: &bytes) }
    let scaled = Int64((magnitude * 10_000).rounded())
    let whole = scaled / 10_000
    var fraction = scaled % 10_000
    if value < 0, scaled != 0 { bytes.append(0x2D) }
    JSONWriter.appendInteger(whole, to: &bytes)
    guard fraction != 0 else { return }
    bytes.append(0x2E)
    var divisor: Int64 = 1_000
    while fraction > 0 {
      bytes.append(UInt8(48 + fraction / divisor))
      fraction %= divisor
      divisor /= 10
    }
  }

  /// Without an exponent: the shortest digits that give the same number, then zeros.
  private static func appendLarge(_ value: Double, to bytes: inout [UInt8]) {
    var text = Array("\(value.magnitude)".utf8)
    var exponent = 0
    if let mark = text.firstIndex(of: 0x65) {
      exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)) ?? 0
      text.removeSubrange(mark...)
    }
    let point = text.firstIndex(of: 0x2E) ?? text.count
    var digits = text
    if point < digits.count { digits.remove(at: point) }
    let whole = point + exponent
    while digits.count > whole, digits.last == 0x30 { digits.removeLast() }
    if value < 0 { bytes.append(0x2D) }
    if digits.count <= whole {
      bytes += digits
      bytes.append(contentsOf: repeatElement(0x30, count: whole - digits.count))
    } else {
      bytes += digits.prefix(whole)
      bytes.append(0x2E)
      bytes += digits.dropFirst(whole).prefix(4)
    }
  }

  /// A number of a message in plain decimals, when it was not written so; nil when it was.
  ///
  /// `1e3` becomes `1000`, `1.50` becomes `1.5`.
  static func plain(_ text: Span<UInt8>) -> [UInt8]? {
    var hasPoint = false
    var hasExponent = false
    for index in 0..<text.count {
      if text[index] == 0x2E { hasPoint = true }
      if text[index] | 0x20 == 0x65 { hasExponent = true }
    }
    if hasExponent {
      guard let number = DecimalNumber.parse(text) else { return nil }
      var bytes: [UInt8] = []
      appendExactly(number.real, to: &bytes)
      return bytes
    }
    guard hasPoint, text[text.count - 1] == 0x30 else { return nil }
    var end = text.count
    while text[end - 1] == 0x30 { end -= 1 }
    if text[end - 1] == 0x2E { end -= 1 }
    var bytes: [UInt8] = []
    bytes.append(copying: text.extracting(0..<end))
    return bytes
  }

  /// All digits of a small number with an exponent; large ones as above.
  private static func appendExactly(_ value: Double, to bytes: inout [UInt8]) {
    if value == 0 {
      bytes.append(0x30)
      return
    }
    if value.magnitude >= 1e15 || value == value.rounded() {
      return appendLarge(value, to: &bytes)
    }
    var text = Array("\(value.magnitude)".utf8)
    if let mark = text.firstIndex(of: 0x65) {
      let exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)) ?? 0
      text.removeSubrange(mark...)
      text.removeAll { $0 == 0x2E }
      // Only small numbers come here: 1.5e-07 is 0. and six zeros.
      let zeros = [UInt8](repeating: 0x30, count: max(0, -exponent - 1))
      if text.count > 1, text.last == 0x30 { text.removeLast() }
      text = [0x30, 0x2E] + zeros + text
    }
    if value < 0 { bytes.append(0x2D) }
    bytes += text
  }

  /// `2024-06-01 10:00:00.000`.
  static func append(timestamp: Int64, to bytes: inout [UInt8]) {
    let start = bytes.count
    Calendar.appendRFC3339(Timestamp(nanoseconds: timestamp), decimals: 3, to: &bytes)
    bytes[start + 10] = 0x20
    bytes.removeLast()
  }
}
