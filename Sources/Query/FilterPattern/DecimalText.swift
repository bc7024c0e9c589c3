/// A decimal number where it stands, for exact comparison whatever its length.
///
/// Ids of 20 digits and more differ in their last digit, where doubles are equal.
struct DecimalText: Sendable {
  private var isNegative = false
  /// From the first to the last digit that is not 0, with the point if it lies between; empty for
  /// zero.
  private var digits = 0..<0
  /// The number is 0.d₁d₂d₃… × 10^exponent with the digits above.
  private var exponent = 0

  /// Larger exponents all count as this one.
  private static let exponentMax = 1_000_000_000

  /// Nil when the bytes are not one number: digits, with a sign, a fraction and an exponent.
  init?(_ bytes: Span<UInt8>) {
    var at = 0
    let end = bytes.count
    if at < end, bytes[at] == 0x2D || bytes[at] == 0x2B {
      isNegative = bytes[at] == 0x2D
      at += 1
    }
    var count = 0
    var whole = -1
    var first = (place: -1, number: 0)
    var last = 0
    let start = at
    while at < end {
      let byte = bytes[at]
      if byte == 0x2E, whole < 0, count > 0 {
        whole = count
      } else if byte &- 0x30 < 10 {
        if byte != 0x30 {
          if first.place < 0 { first = (at, count) }
          last = at
        }
        count += 1
      } else {
        break
      }
      at += 1
    }
    guard count > 0, at > start, bytes[at - 1] != 0x2E else { return nil }
    var power = 0
    if at < end {
      guard bytes[at] | 0x20 == 0x65, let value = Self.power(bytes, at + 1) else { return nil }
      power = value
    }
    guard first.place >= 0 else {
      // There is one zero.
      isNegative = false
      return
    }
    digits = first.place..<(last + 1)
    exponent = (whole < 0 ? count : whole) - first.number + power
  }

  /// What is behind the `e`.
  private static func power(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
    var at = start
    var isNegative = false
    if at < bytes.count, bytes[at] == 0x2D || bytes[at] == 0x2B {
      isNegative = bytes[at] == 0x2D
      at += 1
    }
    guard at < bytes.count else { return nil }
    var value = 0
    while at < bytes.count {
      guard bytes[at] &- 0x30 < 10 else { return nil }
      value = min(value * 10 + Int(bytes[at] - 0x30), exponentMax)
      at += 1
    }
    return isNegative ? -value : value
  }

  /// Below 0 when the left number is smaller, 0 when they are equal, above 0 when it is larger.
  static func compare(
    _ left: DecimalText,
    _ leftBytes: Span<UInt8>,
    _ right: DecimalText,
    _ rightBytes: Span<UInt8>
  ) -> Int {
    if left.sign != right.sign { return left.sign - right.sign }
    let magnitude =
      left.exponent != right.exponent
      ? (left.exponent < right.exponent ? -1 : 1)
      : compareDigits(left.digits, leftBytes, right.digits, rightBytes)
    return left.isNegative ? -magnitude : magnitude
  }

  private var sign: Int { digits.isEmpty ? 0 : isNegative ? -1 : 1 }

  private static func compareDigits(
    _ left: Range<Int>,
    _ leftBytes: Span<UInt8>,
    _ right: Range<Int>,
    _ rightBytes: Span<UInt8>
  ) -> Int {
    var one = left.lowerBound
    var other = right.lowerBound
    while one < left.upperBound, other < right.upperBound {
      if leftBytes[one] == 0x2E { one += 1 }
      if rightBytes[other] == 0x2E { other += 1 }
      if leftBytes[one] != rightBytes[other] {
        return leftBytes[one] < rightBytes[other] ? -1 : 1
      }
      one += 1
      other += 1
    }
    // Neither ends in a zero: what has digits left is larger.
    return (one < left.upperBound ? 1 : 0) - (other < right.upperBound ? 1 : 0)
  }
}
