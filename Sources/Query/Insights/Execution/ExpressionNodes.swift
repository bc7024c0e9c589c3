internal import LogModel
internal import Platform

final class NotNode: ValueNode {
  private let operand: ValueNode
  init(_ operand: ValueNode) { self.operand = operand }
  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(!operand.isTrue(row, message))
  }
  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    !operand.isTrue(row, message)
  }
}

/// `and`, and with `stopsAt: true` `or`.
final class JunctionNode: ValueNode {
  private let parts: [ValueNode]
  private let stopsAt: Bool

  init(_ parts: [ValueNode], stopsAt: Bool) {
    self.parts = parts
    self.stopsAt = stopsAt
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    for part in parts where part.isTrue(row, message) == stopsAt { return stopsAt }
    return !stopsAt
  }
}

final class CompareNode: ValueNode {
  private let comparison: InsightsComparison
  private let left: ValueNode
  private let right: ValueNode

  init(_ comparison: InsightsComparison, _ left: ValueNode, _ right: ValueNode) {
    self.comparison = comparison
    self.left = left
    self.right = right
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let left = left.evaluate(row, message)
    if left.isNull { return false }
    return ValueComparison.order(left, right.evaluate(row, message), message)?
      .satisfies(comparison) ?? false
  }
}

/// A comparison with a constant, which was looked at beforehand.
final class ConstantCompareNode: ValueNode {
  private let comparison: InsightsComparison
  private let value: ValueNode
  private let constant: InsightsValue
  private let number: DecimalNumber.Value?
  private let text: [UInt8]
  private let isBoolean: Bool

  init(_ comparison: InsightsComparison, _ value: ValueNode, _ constant: InsightsValue) {
    self.comparison = comparison
    self.value = value
    self.constant = constant
    let none: [UInt8] = []
    number = constant.number(none.span)
    let text = constant.printed(none.span)
    self.text = text
    if case .boolean = constant {
      isBoolean = true
    } else {
      isBoolean = InsightsValue.boolean(text.span) != nil
    }
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let value = value.evaluate(row, message)
    guard case .slice(let slice) = value, !isBoolean else {
      return ValueComparison.order(value, constant, message)?.satisfies(comparison) ?? false
    }
    let bytes = message.extracting(slice.range)
    if let number {
      if let other = DecimalNumber.parse(bytes) {
        return ValueComparison.order(other, number).satisfies(comparison)
      }
    }
    let text = text
    switch comparison {
    case .equal: return Bytes.equal(bytes, text.span)
    case .notEqual: return !Bytes.equal(bytes, text.span)
    default: return ValueComparison.textOrder(bytes, text.span).satisfies(comparison)
    }
  }
}

final class NegateNode: ValueNode {
  private let operand: ValueNode
  init(_ operand: ValueNode) { self.operand = operand }
  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    switch operand.evaluate(row, message).number(message) {
    case .integer(let value)? where value != .min: .integer(-value)
    case let number?: InsightsValue(calculated: -number.real)
    case nil: .null
    }
  }
}

final class ArithmeticNode: ValueNode {
  private let sign: InsightsArithmetic
  private let left: ValueNode
  private let right: ValueNode

  init(_ sign: InsightsArithmetic, _ left: ValueNode, _ right: ValueNode) {
    self.sign = sign
    self.left = left
    self.right = right
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    guard let left = left.evaluate(row, message).number(message),
      let right = right.evaluate(row, message).number(message)
    else { return .null }
    if case .integer(let a) = left, case .integer(let b) = right,
      let whole = Self.whole(sign, a, b)
    {
      return .integer(whole)
    }
    let a = left.real
    let b = right.real
    let result: Double =
      switch sign {
      case .add: a + b
      case .subtract: a - b
      case .multiply: a * b
      case .divide: b == 0 ? .nan : a / b
      case .remainder: b == 0 ? .nan : a.truncatingRemainder(dividingBy: b)
      case .power: Mathematics.power(a, b)
      }
    return InsightsValue(calculated: result)
  }

  /// Exact where the result is whole and fits; division is real.
  private static func whole(_ sign: InsightsArithmetic, _ a: Int64, _ b: Int64) -> Int64? {
    let (value, overflow): (Int64, Bool)
    switch sign {
    case .add: (value, overflow) = a.addingReportingOverflow(b)
    case .subtract: (value, overflow) = a.subtractingReportingOverflow(b)
    case .multiply: (value, overflow) = a.multipliedReportingOverflow(by: b)
    case .remainder: (value, overflow) = a.remainderReportingOverflow(dividingBy: b)
    case .divide:
      let (quotient, remainder) = (
        a.dividedReportingOverflow(by: b), a.remainderReportingOverflow(dividingBy: b)
      )
      guard !remainder.overflow, remainder.partialValue == 0 else { return nil }
      (value, overflow) = quotient
    case .power: return nil
    }
    return overflow ? nil : value
  }
}

/// `like "text"`.
final class SubstringNode: ValueNode {
  private let value: ValueNode
  private let needle: [UInt8]
  private let isNegated: Bool

  init(_ value: ValueNode, _ needle: String, isNegated: Bool) {
    self.value = value
    self.needle = Array(needle.utf8)
    self.isNegated = isNegated
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let needle = needle
    let found = value.evaluate(row, message).withText(message) {
      Bytes.firstIndex(of: needle.span, in: $0) != nil
    }
    return found.map { $0 != isNegated } ?? false
  }
}

/// `like /regex/`.
final class RegexNode: ValueNode {
  private let value: ValueNode
  private let search: PatternSearch
  private let isNegated: Bool

  init(_ value: ValueNode, _ pattern: BytePattern, isNegated: Bool) {
    self.value = value
    search = PatternSearch(pattern)
    self.isNegated = isNegated
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let found = value.evaluate(row, message).withText(message) { text -> Bool? in
      do throws(PatternFailure) {
        return try search.firstMatch(in: text) != nil
      } catch {
        row.failure = error
        return nil
      }
    }
    return (found ?? nil).map { $0 != isNegated } ?? false
  }
}

/// Values for `in`, of which numbers and their texts are one.
struct ValueSet: Sendable {
  private var numbers: Set<Double> = []
  private var texts: Set<[UInt8]> = []
  private(set) var count = 0

  mutating func insert(_ value: InsightsValue) {
    let none: [UInt8] = []
    if value.isNull || value.isStructure { return }
    count += 1
    if let number = value.number(none.span) { numbers.insert(number.real) }
    texts.insert(value.printed(none.span))
  }

  func contains(_ value: InsightsValue, _ message: Span<UInt8>) -> Bool {
    if let number = value.number(message) {
      if numbers.contains(number.real) { return true }
      if case .boolean(let flag) = value {
        return texts.contains(Array((flag ? "true" : "false").utf8))
      }
      return false
    }
    if value.isNull || value.isStructure { return false }
    return texts.contains(value.printed(message))
  }
}

/// `in [..]` with constants, and `in (query)`.
final class MembershipNode: ValueNode {
  private let value: ValueNode
  private let set: ValueSet
  private let isNegated: Bool

  init(_ value: ValueNode, _ set: ValueSet, isNegated: Bool) {
    self.value = value
    self.set = set
    self.isNegated = isNegated
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let value = value.evaluate(row, message)
    if value.isNull || value.isStructure { return false }
    return set.contains(value, message) != isNegated
  }
}

/// `in [..]` with expressions.
final class ListNode: ValueNode {
  private let value: ValueNode
  private let list: [ValueNode]
  private let isNegated: Bool

  init(_ value: ValueNode, _ list: [ValueNode], isNegated: Bool) {
    self.value = value
    self.list = list
    self.isNegated = isNegated
  }

  override func evaluate(_ row: InsightsRow, _ message: Span<UInt8>) -> InsightsValue {
    .boolean(isTrue(row, message))
  }

  override func isTrue(_ row: InsightsRow, _ message: Span<UInt8>) -> Bool {
    let value = value.evaluate(row, message)
    if value.isNull || value.isStructure { return false }
    let isMember = list.contains {
      ValueComparison.order(value, $0.evaluate(row, message), message) == .equal
    }
    return isMember != isNegated
  }
}
