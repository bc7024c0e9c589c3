internal import LogModel
internal import Platform

/// Functions of numbers; null where an argument is none.
enum NumberFunctions {
  static func call(
    _ function: InsightsFunction,
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    var numbers: [DecimalNumber.Value] = []
    for value in values {
      guard let number = value.number(message) else { return .null }
      numbers.append(number)
    }
    switch function {
    case .haversine:
      return InsightsValue(
        calculated: Mathematics.haversineKilometres(
          numbers[0].real,
          numbers[1].real,
          numbers[2].real,
          numbers[3].real
        )
      )
    case .histogram:
      let width = numbers[1].real
      guard width > 0 else { return .null }
      return whole((numbers[0].real / width).rounded(.down) * width)
    case .round: return round(numbers)
    default: return single(function, numbers[0])
    }
  }

  private static func single(
    _ function: InsightsFunction,
    _ number: DecimalNumber.Value
  ) -> InsightsValue {
    let real = number.real
    switch function {
    case .abs:
      if case .integer(let value) = number, value != .min { return .integer(Swift.abs(value)) }
      return InsightsValue(calculated: real.magnitude)
    case .ceil: return whole(number, .up)
    case .floor: return whole(number, .down)
    case .toInt, .toLong: return whole(number, .towardZero)
    case .sqrt: return InsightsValue(calculated: real < 0 ? .nan : real.squareRoot())
    case .log: return InsightsValue(calculated: real <= 0 ? .nan : Mathematics.logarithm(real))
    case .toDouble: return InsightsValue(calculated: real)
    default: return InsightsValue(number)
    }
  }

  private static func whole(
    _ number: DecimalNumber.Value,
    _ rule: FloatingPointRoundingRule
  ) -> InsightsValue {
    switch number {
    case .integer(let value): .integer(value)
    case .real(let value): whole(value.rounded(rule))
    }
  }

  private static func whole(_ value: Double) -> InsightsValue {
    Int64(exactly: value).map { .integer($0) } ?? InsightsValue(calculated: value)
  }

  /// Half away from zero, to as many decimals as asked for.
  private static func round(_ numbers: [DecimalNumber.Value]) -> InsightsValue {
    guard numbers.count > 1, numbers[1].real != 0 else {
      return whole(numbers[0], .toNearestOrAwayFromZero)
    }
    let digits = numbers[1].real.rounded()
    guard digits.magnitude <= 15 else { return InsightsValue(numbers[0]) }
    let scale = Mathematics.power(10, digits.magnitude)
    let real = numbers[0].real
    let scaled = digits > 0 ? real * scale : real / scale
    let rounded = scaled.rounded(.toNearestOrAwayFromZero)
    return whole(digits > 0 ? rounded / scale : rounded * scale)
  }
}
