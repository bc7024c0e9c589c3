/// Checks what a query means, and resolves its names: aggregates only in `stats`, no fields that
/// are gone, commands in a possible order.
///
/// The first error ends it; warnings are gathered.
struct InsightsChecker {
  private let text: String
  private(set) var warnings: [QueryDiagnostic] = []
  var scope = InsightsScope()
  /// True inside of a query that stands in `in (..)` or `join`.
  private var isInner = false
  private var hasJoin = false
  private var statsCount = 0
  /// A `sort` or `limit` since the last `stats`.
  private var orderSinceStats: TextRange?

  init(_ text: String) {
    self.text = text
  }

  // MARK: diagnostics

  func diagnostic(_ message: String, _ range: TextRange, hint: String? = nil) -> QueryDiagnostic {
    QueryDiagnostic(message, in: text, at: range.lower..<max(range.lower, range.upper), hint: hint)
  }

  mutating func warn(_ message: String, _ range: TextRange, hint: String? = nil) {
    let warning = diagnostic(message, range, hint: hint)
    if !warnings.contains(warning) { warnings.append(warning) }
  }

  // MARK: queries

  mutating func check(_ query: InsightsQuery) throws(QueryDiagnostic) -> InsightsQuery {
    var commands: [InsightsCommand] = []
    for (index, command) in query.commands.enumerated() {
      let range = index < query.ranges.count ? query.ranges[index] : TextRange()
      try checkPlace(of: command, range, in: query, index)
      commands.append(try check(command, range))
    }
    return InsightsQuery(commands, ranges: query.ranges)
  }

  /// A query in a query: a scope of its own.
  mutating func checkInner(_ query: InsightsQuery) throws(QueryDiagnostic) -> InsightsQuery {
    var inner = InsightsChecker(text)
    inner.isInner = true
    let checked = try inner.check(query)
    for warning in inner.warnings where !warnings.contains(warning) { warnings.append(warning) }
    return checked
  }

  /// Rules about which command may follow which.
  private func checkPlace(
    of command: InsightsCommand,
    _ range: TextRange,
    in query: InsightsQuery,
    _ index: Int
  ) throws(QueryDiagnostic) {
    let previous = index > 0 ? query.commands[index - 1] : nil
    let hasDedup = query.commands[..<index].contains {
      if case .dedup = $0 { true } else { false }
    }
    switch command {
    case .limit: break
    case _ where hasDedup:
      throw diagnostic(
        "only `limit` may follow `dedup`",
        range,
        hint: "put this before `dedup`"
      )
    case .source where index > 0:
      throw diagnostic("`SOURCE` comes first in a query", range)
    case .diff:
      if case .pattern = previous { break }
      throw diagnostic(
        "`diff` follows `pattern` only",
        range,
        hint: "pattern @message | diff"
      )
    case .fillMissing:
      if case .stats(let stats) = previous, stats.keys.contains(where: { $0.expression.isBin }) {
        break
      }
      throw diagnostic(
        "`fillmissing` follows `stats .. by bin(..)` only",
        range,
        hint: "stats count(*) as n by bin(5m) | fillmissing with 0 for n"
      )
    default: break
    }
  }

  // MARK: commands

  private mutating func check(
    _ command: InsightsCommand,
    _ range: TextRange
  ) throws(QueryDiagnostic) -> InsightsCommand {
    switch command {
    case .fields(let items): return .fields(try columns(items))
    case .display(let items): return .display(try columns(items))
    case .filter(let condition):
      return .filter(try resolve(condition, InsightsContext(range, allowsQuery: true)))
    case .stats(let stats): return .stats(try check(stats, range))
    case .sort(let keys):
      orderSinceStats = range
      return .sort(try sortKeys(keys))
    case .limit:
      orderSinceStats = range
      return command
    case .parse(let parse): return .parse(try check(parse, range))
    case .dedup(let fields):
      for field in fields { try checkVisible(field) }
      return command
    case .pattern(let expression):
      let expression = try resolve(expression, InsightsContext(range))
      let names = InsightsColumns.pattern + InsightsColumns.patternDetails
      scope = InsightsScope(names: Set(names))
      return .pattern(expression)
    case .diff:
      InsightsColumns.diff.forEach { scope.add($0) }
      return command
    case .unnest(let list, let name):
      let list = try resolve(list, InsightsContext(range))
      scope.add(name)
      return .unnest(list, into: name)
    case .source, .fillDown: return command
    case .join(let join): return .join(try check(join, range))
    case .fillMissing(let fills): return .fillMissing(try check(fills, range))
    }
  }

  /// Names that a command defines are visible to those after it.
  private mutating func columns(
    _ items: [InsightsItem]
  ) throws(QueryDiagnostic) -> [InsightsItem] {
    var resolved: [InsightsItem] = []
    for var item in items {
      item.expression = try resolve(item.expression, InsightsContext(item.range))
      resolved.append(item)
    }
    for item in items where scope.names != nil { scope.add(item) }
    return resolved
  }

  private mutating func sortKeys(
    _ keys: [InsightsSortKey]
  ) throws(QueryDiagnostic) -> [InsightsSortKey] {
    var resolved: [InsightsSortKey] = []
    for var key in keys {
      key.expression = try resolve(key.expression, InsightsContext(key.range))
      resolved.append(key)
    }
    return resolved
  }

  private mutating func check(
    _ parse: InsightsParse,
    _ range: TextRange
  ) throws(QueryDiagnostic) -> InsightsParse {
    let source = try resolve(parse.source, InsightsContext(range))
    switch parse.form {
    case .glob(_, let names), .csv(let names): names.forEach { scope.add($0) }
    case .regex(_, let captures, _): captures.forEach { scope.add($0.name) }
    case .logfmt(let name): scope.add(name)
    }
    return InsightsParse(source, parse.form)
  }

  private mutating func check(
    _ join: InsightsJoin,
    _ range: TextRange
  ) throws(QueryDiagnostic) -> InsightsJoin {
    guard !isInner, !hasJoin else {
      throw diagnostic("a query has at most one `join`, and a query in a query none", range)
    }
    hasJoin = true
    try checkVisible(join.leftKey)
    var join = join
    join.query = try checkInner(join.query)
    scope = InsightsScope()
    return join
  }

  private mutating func check(
    _ fills: [InsightsFill],
    _ range: TextRange
  ) throws(QueryDiagnostic) -> [InsightsFill] {
    var resolved: [InsightsFill] = []
    for var fill in fills {
      fill.value = try resolve(fill.value, InsightsContext(range))
      try checkVisible(fill.field)
      resolved.append(fill)
    }
    return resolved
  }

  // MARK: stats

  private mutating func check(
    _ stats: InsightsStats,
    _ range: TextRange
  ) throws(QueryDiagnostic) -> InsightsStats {
    if statsCount > 0, let order = orderSinceStats {
      throw diagnostic(
        "`sort` and `limit` cannot stand between two `stats`",
        order,
        hint: "put them after the last `stats`"
      )
    }
    statsCount += 1
    guard statsCount <= InsightsLimits.statsMax else {
      throw diagnostic("a query has at most \(InsightsLimits.statsMax) `stats`", range)
    }
    orderSinceStats = nil
    var resolved = InsightsStats(items: [], keys: [], offset: stats.offset)
    var group = InsightsScope(names: [])
    for var key in stats.keys {
      group.add(key)
      key.expression = try resolve(key.expression, InsightsContext(key.range))
      resolved.keys.append(key)
    }
    var hasAggregate = false
    for var item in stats.items {
      let context = InsightsContext(item.range, aggregates: .allowed, group: group)
      let expression = item.expression
      item.expression = try resolve(expression, context)
      hasAggregate = hasAggregate || item.expression.containsAggregate
      resolved.items.append(item)
      item.expression = expression
      group.add(item)
    }
    guard hasAggregate, let first = stats.items.first else {
      throw diagnostic(
        "`stats` needs an aggregate such as count(*)",
        stats.items.first?.range ?? range,
        hint: "stats count(*) by \(stats.items.first?.text ?? "field")"
      )
    }
    if stats.offset != nil, !stats.keys.contains(where: { $0.expression.isBin }) {
      throw diagnostic("`offset` shifts bins, but there is no bin(..) after `by`", first.range)
    }
    scope = group
    return resolved
  }

  /// The one column that a query in `in (..)` gives is checked here.
  mutating func checkSingleColumn(
    _ query: InsightsQuery,
    _ range: TextRange
  ) throws(QueryDiagnostic) {
    var count = 0
    var hasDisplay = false
    for command in query.commands {
      switch command {
      case .fields(let items) where !hasDisplay: count += items.count
      case .display(let items):
        count = items.count
        hasDisplay = true
      case .stats(let stats): count = stats.items.count + stats.keys.count
      default: break
      }
    }
    guard count == 1 else {
      throw diagnostic(
        "the query after `in` must give one column, but gives \(count == 0 ? "none" : "\(count)")",
        range,
        hint: "end it with `| fields name`"
      )
    }
  }
}

extension InsightsExpression {
  /// True for a time cut to the beginning or end of a period.
  var isBin: Bool {
    switch self {
    case .call(.bin, _, _), .call(.datefloor, _, _), .call(.dateceil, _, _): true
    default: false
    }
  }

  var containsAggregate: Bool {
    if case .aggregate = self { return true }
    return children.contains { $0.containsAggregate }
  }

  /// The expressions directly inside, in the order in which they are written.
  package var children: [InsightsExpression] {
    switch self {
    case .number, .string, .boolean, .period, .field: []
    case .call(_, let arguments, _), .aggregate(_, let arguments, _): arguments
    case .not(let operand), .negate(let operand), .member(let operand, _): [operand]
    case .and(let parts), .or(let parts): parts
    case .compare(_, let left, let right), .arithmetic(_, let left, let right): [left, right]
    case .like(let value, _, _), .inQuery(let value, _, _): [value]
    case .inList(let value, let list, _): [value] + list
    }
  }
}
