internal import Platform

/// Where an expression stands.
struct InsightsContext {
  enum Aggregates {
    /// Outside of `stats`.
    case forbidden
    /// In a column of `stats`.
    case allowed
    /// In the argument of an aggregate.
    case inside
  }

  /// The smallest known place around the expression.
  var place: TextRange
  var aggregates = Aggregates.forbidden
  var allowsQuery = false
  /// In a column of `stats`: keys and the columns before it.
  var group: InsightsScope?

  init(
    _ place: TextRange,
    aggregates: Aggregates = .forbidden,
    allowsQuery: Bool = false,
    group: InsightsScope? = nil
  ) {
    self.place = place
    self.aggregates = aggregates
    self.allowsQuery = allowsQuery
    self.group = group
  }
}

extension InsightsChecker {
  mutating func resolve(
    _ expression: InsightsExpression,
    _ context: InsightsContext
  ) throws(QueryDiagnostic) -> InsightsExpression {
    if let column = column(expression, context) { return .field(InsightsField(column)) }
    switch expression {
    case .number, .string, .boolean: return expression
    case .period:
      throw diagnostic(
        "a period such as 5m stands in bin(..), datefloor(..) and dateceil(..) only",
        context.place
      )
    case .field(let field):
      try checkVisible(field, context)
      return expression
    case .call(let function, let arguments, let range):
      return try call(function, arguments, range, context)
    case .aggregate(let function, let arguments, let range):
      return try aggregate(function, arguments, range, context)
    case .not(let operand): return .not(try resolve(operand, context))
    case .negate(let operand): return .negate(try resolve(operand, context))
    case .and(let parts): return .and(try resolve(parts, context))
    case .or(let parts): return .or(try resolve(parts, context))
    case .compare(let sign, let left, let right):
      warnAboutTime(left, right, context.place)
      return .compare(sign, try resolve(left, context), try resolve(right, context))
    case .arithmetic(let sign, let left, let right):
      if sign == .subtract { warnAboutMinus(left, right) }
      return .arithmetic(sign, try resolve(left, context), try resolve(right, context))
    case .like(let value, let pattern, let isNegated):
      warnAboutPercent(pattern, context.place)
      return .like(try resolve(value, context), pattern, isNegated: isNegated)
    case .inList(let value, let list, let isNegated):
      return .inList(
        try resolve(value, context),
        try resolve(list, context),
        isNegated: isNegated
      )
    case .inQuery(let value, let query, let isNegated):
      guard context.allowsQuery else {
        throw diagnostic("a query in a query stands in `filter` only", context.place)
      }
      try checkSingleColumn(query, context.place)
      let inner = try checkInner(query)
      return .inQuery(try resolve(value, context), inner, isNegated: isNegated)
    case .member(let value, let name): return .member(try resolve(value, context), name)
    }
  }

  private mutating func resolve(
    _ expressions: [InsightsExpression],
    _ context: InsightsContext
  ) throws(QueryDiagnostic) -> [InsightsExpression] {
    var resolved: [InsightsExpression] = []
    resolved.reserveCapacity(expressions.count)
    for expression in expressions { resolved.append(try resolve(expression, context)) }
    return resolved
  }

  // MARK: names

  /// The column that the expression repeats; an aggregate in `stats` is a new one.
  private func column(_ expression: InsightsExpression, _ context: InsightsContext) -> String? {
    guard context.aggregates == .allowed else { return scope.column(expression) }
    if case .aggregate = expression { return nil }
    return context.group?.column(expression)
  }

  private func checkVisible(
    _ field: InsightsField,
    _ context: InsightsContext
  ) throws(QueryDiagnostic) {
    guard context.aggregates == .allowed, let group = context.group else {
      return try checkVisible(field)
    }
    guard !group.has(field) else { return }
    throw diagnostic(
      "`\(field.name)` stands outside of an aggregate",
      field.range,
      hint: "write an aggregate such as max(\(field.name)), or add it to `by`"
    )
  }

  /// A field that no event has is null; one that `stats` took away is an error.
  func checkVisible(_ field: InsightsField) throws(QueryDiagnostic) {
    guard !scope.has(field), let names = scope.names else { return }
    let near = NearestName.find(field.name, among: names.sorted())
    throw diagnostic(
      "there is no column `\(field.name)` here",
      field.range,
      hint: near.map { "did you mean `\($0)`?" }
        ?? "after `stats` and `pattern` only their columns exist: \(Self.list(names))"
    )
  }

  private static func list(_ names: Set<String>) -> String {
    let shown = names.sorted().prefix(8).joined(separator: ", ")
    return names.count > 8 ? shown + ", .." : shown
  }

  // MARK: calls

  private mutating func call(
    _ function: InsightsFunction,
    _ arguments: [InsightsExpression],
    _ range: TextRange,
    _ context: InsightsContext
  ) throws(QueryDiagnostic) -> InsightsExpression {
    var inner = context
    inner.place = range
    inner.allowsQuery = false
    if function == .unmask { return try resolve(arguments[0], inner) }
    if function == .bin, arguments.count == 1 { try checkTime("bin", range, context) }
    var resolved: [InsightsExpression] = []
    for (index, argument) in arguments.enumerated() {
      guard function.isPeriod(argument: index, of: arguments.count) else {
        resolved.append(try resolve(argument, inner))
        continue
      }
      guard case .period(let period) = argument else {
        throw diagnostic(
          "`\(function.rawValue)` needs a period",
          range,
          hint: "a number and a unit without a blank, such as "
            + "\(function.rawValue)(\(index == 0 ? "" : "@timestamp, ")5m)"
        )
      }
      resolved.append(.period(capped(period, range)))
    }
    return .call(function, resolved, range)
  }

  private mutating func aggregate(
    _ function: InsightsAggregate,
    _ arguments: [InsightsExpression],
    _ range: TextRange,
    _ context: InsightsContext
  ) throws(QueryDiagnostic) -> InsightsExpression {
    let name = function.rawValue
    switch context.aggregates {
    case .allowed: break
    case .inside:
      throw diagnostic("`\(name)` cannot stand inside of another aggregate", range)
    case .forbidden:
      let written = InsightsExpression.aggregate(function, arguments, range)
      let alias = scope.aliases.first { $0.expression == written }?.name
      let other = function == .max ? "greatest" : function == .min ? "least" : nil
      throw diagnostic(
        "the aggregate `\(name)` stands in `stats` only",
        range,
        hint: alias.map { "use its name `\($0)`" }
          ?? other.map { "of several values of one row, `\($0)` is the \(name)" }
          ?? "write `stats \(InsightsPrinter.text(of: written))`"
      )
    }
    if function == .earliest || function == .latest { try checkTime(name, range, context) }
    if function == .pct {
      guard case .number(let digits) = arguments[1], let percent = Double(digits), percent <= 100
      else {
        throw diagnostic("`pct` needs a percentile from 0 to 100, such as pct(x, 95)", range)
      }
    }
    let inner = InsightsContext(range, aggregates: .inside)
    return .aggregate(function, try resolve(arguments, inner), range)
  }

  /// `@timestamp` must still be there.
  private func checkTime(
    _ function: String,
    _ range: TextRange,
    _ context: InsightsContext
  ) throws(QueryDiagnostic) {
    guard !scope.has(.timestamp) else { return }
    throw diagnostic(
      "`\(function)` needs @timestamp, which does not exist after `stats`",
      range,
      hint: "carry a time over: stats .. by bin(5m) as @t, then dateceil(@t, 10m)"
    )
  }

  private mutating func capped(_ period: InsightsPeriod, _ range: TextRange) -> InsightsPeriod {
    let cap: Int
    switch period.unit {
    case .millisecond: cap = 1_000
    case .second, .minute: cap = 60
    case .hour: cap = 24
    default: return period
    }
    guard period.count > cap else { return period }
    let unit = period.unit.rawValue
    let larger = period.inLargerUnit.map { "write \($0.count)\($0.unit.rawValue)" }
    warn(
      "\(period.count)\(unit) counts as \(cap)\(unit), as in CloudWatch",
      range,
      hint: larger ?? "write the period in a larger unit"
    )
    return InsightsPeriod(cap, period.unit)
  }

  // MARK: warnings

  private mutating func warnAboutMinus(_ left: InsightsExpression, _ right: InsightsExpression) {
    guard case .field(let left) = left, case .field(let right) = right,
      left.range.upper + 1 == right.range.lower
    else { return }
    let name = "\(left.name)-\(right.name)"
    warn(
      "`\(name)` subtracts `\(right.name)` from `\(left.name)`",
      TextRange(left.range.lower, right.range.upper),
      hint: "for a field of this name write `\(name)` in backticks, else blanks around the minus"
    )
  }

  private mutating func warnAboutPercent(_ pattern: InsightsTextPattern, _ place: TextRange) {
    guard case .substring(let text) = pattern, text.hasPrefix("%") || text.hasSuffix("%") else {
      return
    }
    warn(
      "`like` looks for the text with its `%`, which is not a wildcard here",
      place,
      hint: "leave it out: a text matches anywhere"
    )
  }

  private mutating func warnAboutTime(
    _ left: InsightsExpression,
    _ right: InsightsExpression,
    _ place: TextRange
  ) {
    let sides = [(left, right), (right, left)]
    for case (.field(let field), .string(let text)) in sides
    where ["@timestamp", "@ingestionTime"].contains(field.name) && Double(text) == nil {
      warn(
        "a time is never equal to, before or after a text",
        field.range,
        hint: "compare with milliseconds since 1970, or give the time outside of the query"
      )
    }
    for case (.field(let field), .call(.now, _, _)) in sides
    where field.name == "@timestamp" {
      warn(
        "now() is in seconds, @timestamp in milliseconds",
        place,
        hint: "write now() * 1000"
      )
    }
  }
}

extension InsightsPeriod {
  /// The same period in a unit of its own that is large enough, if there is one.
  fileprivate var inLargerUnit: InsightsPeriod? {
    let larger: [(unit: Unit, per: Int, cap: Int)]
    switch unit {
    case .millisecond:
      larger = [(.second, 1_000, 60), (.minute, 60_000, 60), (.hour, 3_600_000, 24)]
    case .second: larger = [(.minute, 60, 60), (.hour, 3_600, 24), (.day, 86_400, .max)]
    case .minute: larger = [(.hour, 60, 24), (.day, 1_440, .max)]
    case .hour: larger = [(.day, 24, .max)]
    default: return nil
    }
    return larger.first { count % $0.per == 0 && count / $0.per <= $0.cap }
      .map { InsightsPeriod(count / $0.per, $0.unit) }
  }
}
