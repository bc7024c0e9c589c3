import Foundation

@testable import Query

/// A row on its way through a query.
struct ReferenceRow {
  /// The event behind the row; none after `stats`.
  var event: ReferenceEvent?
  /// What commands defined.
  var defined: [String: ReferenceValue] = [:]
  var join: Join?

  /// The two sides' names, and the row of the right side, if there is one.
  struct Join {
    var left: String
    var right: String
    var partner: [ReferenceRow]
  }

  func value(of field: InsightsField) -> ReferenceValue {
    if let join, field.parts.count > 1, [join.left, join.right].contains(field.parts[0]) {
      let rest = InsightsField(parts: Array(field.parts.dropFirst()))
      if field.parts[0] == join.right { return join.partner.first?.value(of: rest) ?? .null }
      var row = self
      row.join = nil
      return row.value(of: rest)
    }
    for count in stride(from: field.parts.count, through: 1, by: -1) {
      let name = field.parts.prefix(count).joined(separator: ".")
      guard let value = defined[name] else { continue }
      return ReferenceFields.part(field.parts.dropFirst(count), of: value)
    }
    guard let event else { return .null }
    if let value = ReferenceFields.system(field.name, of: event) { return value }
    // Maps and lists are no fields: only what is in them.
    let found = structure(of: field, in: event)
    return found.isComposite ? .null : found
  }

  /// What stands in the message, maps and lists too, as `unnest` takes it.
  func structure(of field: InsightsField, in event: ReferenceEvent) -> ReferenceValue {
    ReferenceFields.part(field.parts[...], of: event.fields)
  }
}

/// Evaluates expressions over one row.
struct ReferenceEvaluator {
  /// The answer of a query in a query.
  var inner: (InsightsQuery) -> [[String: String]]
  /// Seconds since 1970.
  var now: Double

  func value(_ expression: InsightsExpression, _ row: ReferenceRow) -> ReferenceValue {
    switch expression {
    case .number(let digits): .text(digits)
    case .string(let text): .text(text)
    case .boolean(let value): .boolean(value)
    case .period: .null
    case .field(let field): row.value(of: field)
    case .call(let function, let arguments, _): call(function, arguments, row)
    case .aggregate: .null
    case .not(let operand): .boolean(!isTrue(operand, row))
    case .negate(let operand): value(operand, row).arithmeticNumber.map { .number(-$0) } ?? .null
    case .and(let parts): .boolean(parts.allSatisfy { isTrue($0, row) })
    case .or(let parts): .boolean(parts.contains { isTrue($0, row) })
    case .compare(let sign, let left, let right):
      .boolean(compare(sign, value(left, row), value(right, row)))
    case .arithmetic(let sign, let left, let right):
      arithmetic(sign, value(left, row), value(right, row))
    case .like(let operand, let pattern, let isNegated):
      .boolean(like(value(operand, row), pattern, isNegated))
    case .inList(let operand, let list, let isNegated):
      .boolean(isIn(value(operand, row), list.map { value($0, row) }, isNegated))
    case .inQuery(let operand, let query, let isNegated):
      .boolean(
        isIn(
          value(operand, row),
          inner(query).compactMap(\.values.first).map { .text($0) },
          isNegated
        )
      )
    case .member(let operand, let name):
      ReferenceFields.part([name], of: value(operand, row))
    }
  }

  func isTrue(_ expression: InsightsExpression, _ row: ReferenceRow) -> Bool {
    value(expression, row).isTrue
  }

  private func compare(
    _ sign: InsightsComparison,
    _ left: ReferenceValue,
    _ right: ReferenceValue
  ) -> Bool {
    guard let order = ReferenceValue.compare(left, right) else { return false }
    switch sign {
    case .equal: return order == .orderedSame
    case .notEqual: return order != .orderedSame
    case .less: return order == .orderedAscending
    case .lessOrEqual: return order != .orderedDescending
    case .greater: return order == .orderedDescending
    case .greaterOrEqual: return order != .orderedAscending
    }
  }

  private func isIn(
    _ value: ReferenceValue,
    _ list: [ReferenceValue],
    _ isNegated: Bool
  ) -> Bool {
    if value.isNull || value.isComposite { return false }
    return list.contains { ReferenceValue.compare(value, $0) == .orderedSame } != isNegated
  }

  private func like(
    _ value: ReferenceValue,
    _ pattern: InsightsTextPattern,
    _ isNegated: Bool
  ) -> Bool {
    guard let text = value.text else { return false }
    let isFound: Bool
    switch pattern {
    case .substring(let part):
      isFound = part.isEmpty || text.range(of: part, options: .literal) != nil
    case .regex(let regex):
      isFound = !ReferenceRegex.matches(regex.pattern, in: text).isEmpty
    }
    return isFound != isNegated
  }

  private func arithmetic(
    _ sign: InsightsArithmetic,
    _ left: ReferenceValue,
    _ right: ReferenceValue
  ) -> ReferenceValue {
    guard let left = left.arithmeticNumber, let right = right.arithmeticNumber else {
      return .null
    }
    let result =
      switch sign {
      case .add: left + right
      case .subtract: left - right
      case .multiply: left * right
      case .divide: right == 0 ? .nan : left / right
      case .remainder: right == 0 ? .nan : left.truncatingRemainder(dividingBy: right)
      case .power: pow(left, right)
      }
    return result.isFinite ? .number(result) : .null
  }

  // MARK: functions

  private func call(
    _ function: InsightsFunction,
    _ arguments: [InsightsExpression],
    _ row: ReferenceRow
  ) -> ReferenceValue {
    switch function {
    case .bin where arguments.count == 1:
      return floor(row.value(of: .timestamp), arguments[0])
    case .bin, .datefloor: return floor(value(arguments[0], row), arguments[1])
    case .dateceil:
      let time = value(arguments[0], row)
      guard let number = time.number, let start = floor(time, arguments[1]).number,
        let length = Self.milliseconds(arguments[1])
      else { return .null }
      return .time(start == number ? start : start + length)
    case .if:
      return value(arguments[isTrue(arguments[0], row) ? 1 : 2], row)
    case .case:
      for index in stride(from: 0, to: arguments.count - 1, by: 2)
      where isTrue(arguments[index], row) {
        return value(arguments[index + 1], row)
      }
      return arguments.count % 2 == 1 ? value(arguments[arguments.count - 1], row) : .null
    default: return call(function, arguments.map { value($0, row) })
    }
  }

  /// What is not used by random queries is not here: the vectors test it.
  private func call(_ function: InsightsFunction, _ arguments: [ReferenceValue]) -> ReferenceValue {
    let first = arguments.first ?? .null
    let number = first.arithmeticNumber
    let text = first.text
    switch function {
    case .isPresent: return .boolean(!first.isNull)
    case .coalesce: return arguments.first { !$0.isNull } ?? .null
    case .isNumeric: return .boolean(first.number != nil)
    case .isEmpty: return .boolean(first.isNull || text == "")
    case .isBlank: return .boolean(first.isNull || text?.allSatisfy(\.isWhitespace) == true)
    case .greatest: return extreme(arguments, .orderedDescending)
    case .least: return extreme(arguments, .orderedAscending)
    case .abs: return number.map { .number(Swift.abs($0)) } ?? .null
    case .floor: return number.map { .number($0.rounded(.down)) } ?? .null
    case .ceil: return number.map { .number($0.rounded(.up)) } ?? .null
    case .strlen: return text.map { .number(Double($0.unicodeScalars.count)) } ?? .null
    case .toupper: return text.map { .text($0.uppercased()) } ?? .null
    case .tolower: return text.map { .text($0.lowercased()) } ?? .null
    case .concat:
      let parts = arguments.compactMap(\.text)
      return parts.count == arguments.count ? .text(parts.joined()) : .null
    case .strcontains: return contains(arguments) { $0.range(of: $1, options: .literal) != nil }
    case .startsWith: return contains(arguments) { $0.hasPrefix($1) }
    case .endsWith: return contains(arguments) { $0.hasSuffix($1) }
    case .replace:
      guard let text, let old = arguments[1].text, let new = arguments[2].text else { return .null }
      return .text(old.isEmpty ? text : text.replacingOccurrences(of: old, with: new))
    case .toMillis: return number.map { .number($0) } ?? .null
    case .jsonParse:
      guard let text, let value = ReferenceJSON.whole(text), value.isComposite else { return .null }
      return value
    case .now: return .number(now)
    default: return .null
    }
  }

  private func extreme(
    _ values: [ReferenceValue],
    _ wanted: ComparisonResult
  ) -> ReferenceValue {
    var best = ReferenceValue.null
    for value in values where !value.isUnordered {
      if best.isNull || ReferenceValue.compare(value, best) == wanted { best = value }
    }
    return best
  }

  private func contains(
    _ arguments: [ReferenceValue],
    _ test: (String, String) -> Bool
  ) -> ReferenceValue {
    guard let text = arguments[0].text, let part = arguments[1].text else { return .null }
    return .boolean(part.isEmpty || test(text, part))
  }

  // MARK: time

  private func floor(_ time: ReferenceValue, _ period: InsightsExpression) -> ReferenceValue {
    guard let number = time.number, let length = Self.milliseconds(period) else { return .null }
    return .time((number / length).rounded(.down) * length)
  }

  /// Units up to days; the calendar's are not used by random queries.
  static func milliseconds(_ expression: InsightsExpression) -> Double? {
    guard case .period(let period) = expression else { return nil }
    let units: [InsightsPeriod.Unit: Double] = [
      .millisecond: 1, .second: 1e3, .minute: 6e4, .hour: 36e5, .day: 864e5,
    ]
    return units[period.unit].map { $0 * Double(period.count) }
  }
}

extension ReferenceValue {
  var isTrue: Bool {
    switch self {
    case .boolean(let value): value
    case .null, .map, .list: false
    default: number.map { $0 != 0 } ?? (text?.lowercased() == "true")
    }
  }

  /// As an operand: a time is its milliseconds.
  var arithmeticNumber: Double? { number }
}
