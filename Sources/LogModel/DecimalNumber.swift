internal import Platform

/// Numbers from text: decimal, with optional sign, fraction and exponent; no blanks, no hex, no
/// `inf` or `nan`; the same in every locale.
package enum DecimalNumber {
  /// A number as exact as it comes: whole ones that fit stay integers.
  package enum Value: Sendable, Equatable {
    case integer(Int64)
    case real(Double)

    package var real: Double {
      switch self {
      case .integer(let value): Double(value)
      case .real(let value): value
      }
    }
  }

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// Nil when the bytes are not one number from end to end, or too large for a double.
  package static func parse(_ bytes: Span<UInt8>) -> Value? {
    var at = 0
    let end = bytes.count
    guard end > 0 else { return nil }
    let isNegative = bytes[0] == 0x2D
    if isNegative || bytes[0] == 0x2B { at = 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var significant = 0
    var fraction = 0
    var isReal = false
    while at < end {
      let digit = bytes[at] &- 0x30
      if digit < 10 {
        digits += 1
        if significant > 0 || digit > 0 { significant += 1 }
        if significant <= 19 { mantissa = mantissa &* 10 &+ UInt64(digit) }
        if isReal { fraction += 1 }
      } else if bytes[at] == 0x2E, !isReal {
        isReal = true
      } else {
        break
      }
      at += 1
    }
    guard digits > 0 else { return nil }
    var exponent = 0
    if at < end {
      guard bytes[at] | 0x20 == 0x65, let value = self.exponent(bytes, from: at + 1) else {
        return nil
      }
      exponent = value
      isReal = true
    }
    if significant <= 19 {
      if !isReal, mantissa <= UInt64(Int64.max) {
        return .integer(isNegative ? -Int64(mantissa) : Int64(mantissa))
      }
      let scale = exponent - fraction
      // Both factors are exact doubles, so one rounding gives the nearest.
      if mantissa <= 1 << 53, scale >= -22, scale <= 22 {
        let value =
          scale < 0 ? Double(mantissa) / powers[-scale] : Double(mantissa) * powers[scale]
        return .real(isNegative ? -value : value)
      }
    }
    // Rare: more digits than a double holds, or a far exponent.
    guard let value = Double(String(repairing: bytes)), value.isFinite else { return nil }
    return .real(value)
  }

  private static func exponent(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    var at = start
    let end = bytes.count
    guard at < end else { return nil }
    let isNegative = bytes[at] == 0x2D
    if isNegative || bytes[at] == 0x2B { at += 1 }
    guard at < end else { return nil }
    var value = 0
    while at < end {
      let digit = bytes[at] &- 0x30
      guard digit < 10 else { return nil }
      value = min(value * 10 + Int(digit), 100_000)
      at += 1
    }
    return isNegative ? -value : value
  }
}
