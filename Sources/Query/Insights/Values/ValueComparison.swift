internal import LogModel
internal import Platform

/// How two values stand to each other.
enum ValueOrder {
  case less, equal, greater

  @inline(__always)
  init<Value: Comparable>(_ left: Value, _ right: Value) {
    self = left < right ? .less : left == right ? .equal : .greater
  }

  func satisfies(_ comparison: InsightsComparison) -> Bool {
    switch comparison {
    case .equal: self == .equal
    case .notEqual: self != .equal
    case .less: self == .less
    case .lessOrEqual: self != .greater
    case .greater: self == .greater
    case .greaterOrEqual: self != .less
    }
  }
}

/// The comparisons of `filter`: numeric when both sides read as numbers, else by text.
enum ValueComparison {
  /// Nil where no comparison holds: with null, maps and lists, and between a time and a text.
  static func order(
    _ left: InsightsValue,
    _ right: InsightsValue,
    _ message: Span<UInt8>
  ) -> ValueOrder? {
    switch (left, right) {
    case (.null, _), (_, .null), (.json, _), (_, .json), (.jsonSlice, _), (_, .jsonSlice):
      return nil
    case (.timestamp(let left), .timestamp(let right)): return ValueOrder(left, right)
    case (.timestamp, _), (_, .timestamp):
      guard let a = left.number(message), let b = right.number(message) else { return nil }
      return order(a, b)
    case (.boolean(let flag), .text), (.boolean(let flag), .slice):
      if let other = right.withText(message, { InsightsValue.boolean($0) }) ?? nil {
        return ValueOrder(flag ? 1 : 0, other ? 1 : 0)
      }
    case (.text, .boolean(let flag)), (.slice, .boolean(let flag)):
      if let other = left.withText(message, { InsightsValue.boolean($0) }) ?? nil {
        return ValueOrder(other ? 1 : 0, flag ? 1 : 0)
      }
    default: break
    }
    // Text against text is the common case, and mostly it is no number.
    if let a = left.number(message), let b = right.number(message) { return order(a, b) }
    return left.withText(message) { a in
      right.withText(message) { b in textOrder(a, b) }
    } ?? nil
  }

  static func order(_ left: DecimalNumber.Value, _ right: DecimalNumber.Value) -> ValueOrder {
    if case .integer(let a) = left, case .integer(let b) = right { return ValueOrder(a, b) }
    return ValueOrder(left.real, right.real)
  }

  /// By bytes, which is by code points.
  static func textOrder(_ left: Span<UInt8>, _ right: Span<UInt8>) -> ValueOrder {
    let count = min(left.count, right.count)
    var at = 0
    while at < count, left[at] == right[at] { at += 1 }
    if at < count { return ValueOrder(left[at], right[at]) }
    return ValueOrder(left.count, right.count)
  }

  // MARK: sort

  /// The order of `sort` between two values that are not null: what is no number first, in natural
  /// order, then numbers.
  static func sortOrder(_ left: InsightsValue, _ right: InsightsValue) -> ValueOrder {
    let none: [UInt8] = []
    if case .timestamp(let a) = left, case .timestamp(let b) = right { return ValueOrder(a, b) }
    switch (left.number(none.span), right.number(none.span)) {
    case (let a?, let b?): return order(a, b)
    case (nil, .some): return .less
    case (.some, nil): return .greater
    case (nil, nil):
      let a = left.printed(none.span)
      let b = right.printed(none.span)
      return naturalOrder(a.span, b.span)
    }
  }

  /// Runs of digits and other text in turn: text by code points, digits by length, then value.
  static func naturalOrder(_ left: Span<UInt8>, _ right: Span<UInt8>) -> ValueOrder {
    var a = 0
    var b = 0
    while a < left.count, b < right.count {
      let endA = runEnd(left, a)
      let endB = runEnd(right, b)
      let areDigits = isDigit(left[a]) && isDigit(right[b])
      if areDigits, endA - a != endB - b { return ValueOrder(endA - a, endB - b) }
      let order = textOrder(left.extracting(a..<endA), right.extracting(b..<endB))
      if order != .equal { return order }
      a = endA
      b = endB
    }
    return ValueOrder(left.count - a, right.count - b)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  private static func runEnd(_ bytes: Span<UInt8>, _ start: Int) -> Int {
    let kind = isDigit(bytes[start])
    var at = start + 1
    while at < bytes.count, isDigit(bytes[at]) == kind { at += 1 }
    return at
  }
}
