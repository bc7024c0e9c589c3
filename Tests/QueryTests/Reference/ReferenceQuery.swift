import Foundation

@testable import Query

/// Runs a query over events one by one, by the plainest means there are: every row a dictionary, no
/// block, no column, no order of evaluation but the written one.
struct ReferenceQuery {
  var events: [ReferenceEvent]
  var now: Double = 0
  /// The log groups of the query; nil is all.
  var groups: Set<String>?
  /// Those of the time window before, for `diff`.
  var before: [ReferenceEvent] = []
  private let answers = ReferenceAnswers()

  /// The rows as they leave the query.
  func run(_ query: InsightsQuery) -> [[String: String]] {
    let (rows, columns) = answer(query)
    return rows.map { output($0, columns) }
  }

  /// The rows, and the columns that are shown of them.
  func answer(_ query: InsightsQuery) -> (rows: [ReferenceRow], columns: [String]) {
    var rows = selected(query).sorted {
      ($0.nanoseconds, $0.order) > ($1.nanoseconds, $1.order)
    }.map { ReferenceRow(event: $0) }
    var lastStats: InsightsStats?
    var columns: [String]?
    var isDisplay = false
    var parsed: [String] = []
    var hasLimit = false
    let evaluator = ReferenceEvaluator(inner: { self.inner($0) }, now: now)
    for (index, command) in query.commands.enumerated() {
      switch command {
      case .fields(let items):
        rows = define(items, rows, evaluator)
        if !isDisplay { columns = (columns ?? []) + items.map(\.name) }
      case .display(let items):
        rows = define(items, rows, evaluator)
        columns = items.map(\.name)
        isDisplay = true
      case .filter(let condition): rows = rows.filter { evaluator.isTrue(condition, $0) }
      case .stats(let stats):
        rows = ReferenceStats(evaluator: evaluator).run(stats, rows)
        columns = stats.keys.map(\.name) + stats.items.map(\.name)
        isDisplay = false
        parsed = []
        lastStats = stats
      case .sort(let keys): rows = sort(rows, keys, evaluator)
      case .limit(let count, _):
        rows = Array(rows.prefix(count))
        hasLimit = true
      case .parse(let parse):
        rows = rows.flatMap { ReferenceParse(evaluator: evaluator).run(parse, $0) }
        parsed += parse.names
      case .dedup(let fields): rows = dedup(rows, fields)
      case .unnest(let list, let name):
        rows = unnest(rows, list, name, evaluator)
        parsed.append(name)
      case .fillDown(let globs):
        rows = ReferenceFill.down(rows, globs, (columns ?? defaults) + (isDisplay ? [] : parsed))
      case .fillMissing(let fills):
        guard let lastStats else { break }
        rows = ReferenceFill(evaluator: evaluator).missing(rows, lastStats, fills)
      case .pattern(let text):
        rows = ReferencePatterns.rows(rows.compactMap { evaluator.value(text, $0).text })
        columns = InsightsColumns.pattern
        isDisplay = false
        parsed = []
      case .diff:
        let earlier = ReferenceQuery(events: before, now: now, groups: groups)
        let commands = Array(query.commands.prefix(index))
        rows = ReferencePatterns.diff(rows, earlier.answer(InsightsQuery(commands)).rows)
        columns = InsightsColumns.pattern + InsightsColumns.diff
      case .join(let join): rows = self.join(rows, join)
      case .source: break
      }
    }
    if !hasLimit { rows = Array(rows.prefix(InsightsLimits.rowsDefault)) }
    return (rows, (columns ?? defaults) + (isDisplay ? [] : parsed))
  }

  private let defaults = ["@timestamp", "@message"]

  init(events: [ReferenceEvent], now: Double = 0, groups: Set<String>? = nil) {
    self.events = events
    self.now = now
    self.groups = groups
  }

  private func selected(_ query: InsightsQuery) -> [ReferenceEvent] {
    guard case .source(let source)? = query.commands.first else {
      return events.filter { groups?.contains($0.group) ?? true }
    }
    switch source {
    case .groups(let names): return events.filter { names.contains($0.group) }
    case .prefixes(let prefixes):
      return events.filter { event in
        prefixes.isEmpty || prefixes.contains { event.group.hasPrefix($0) }
      }
    }
  }

  private func inner(_ query: InsightsQuery) -> [[String: String]] {
    answers.answer(query) { run(query) }
  }

  /// Every row with every row of the other side whose key is equal.
  private func join(_ rows: [ReferenceRow], _ join: InsightsJoin) -> [ReferenceRow] {
    let others = answer(join.query).rows.prefix(InsightsLimits.rowsMax)
      .map { (row: $0, key: $0.value(of: join.rightKey)) }
    return rows.flatMap { row -> [ReferenceRow] in
      let key = row.value(of: join.leftKey)
      var partners: [ReferenceRow?] = others.filter { isOneKey(key, $0.key) }.map(\.row)
      if partners.isEmpty, join.kind == .left { partners = [nil] }
      return partners.map { partner in
        var next = row
        next.join = ReferenceRow.Join(
          left: join.left,
          right: join.right,
          partner: partner.map { [$0] } ?? []
        )
        return next
      }
    }
  }

  private func isOneKey(_ left: ReferenceValue, _ right: ReferenceValue) -> Bool {
    if left.isComposite || right.isComposite { return false }
    if let left = left.number, let right = right.number { return left == right }
    guard let left = left.printed, let right = right.printed else { return false }
    return left == right
  }

  private func output(_ row: ReferenceRow, _ columns: [String]) -> [String: String] {
    var result: [String: String] = [:]
    for column in columns {
      let field = InsightsField(parts: column.split(separator: ".").map(String.init))
      let value = row.defined[column] ?? row.value(of: field)
      if let text = value.printed { result[column] = text }
    }
    return result
  }

  /// All expressions of a command see the row as it was before it.
  private func define(
    _ items: [InsightsItem],
    _ rows: [ReferenceRow],
    _ evaluator: ReferenceEvaluator
  ) -> [ReferenceRow] {
    rows.map { row in
      var next = row
      for item in items {
        let isPlain = if case .field = item.expression { item.alias == nil } else { false }
        if isPlain { continue }
        next.defined[item.name] = evaluator.value(item.expression, row)
      }
      return next
    }
  }

  private func sort(
    _ rows: [ReferenceRow],
    _ keys: [InsightsSortKey],
    _ evaluator: ReferenceEvaluator
  ) -> [ReferenceRow] {
    let keyed = rows.enumerated().map { index, row in
      (index: index, row: row, keys: keys.map { evaluator.value($0.expression, row) })
    }
    return keyed.sorted { left, right in
      for (index, key) in keys.enumerated() {
        let (first, second) = (left.keys[index], right.keys[index])
        let (isFirstNull, isSecondNull) = (first.isUnordered, second.isUnordered)
        if isFirstNull != isSecondNull { return isSecondNull }
        if isFirstNull { continue }
        let order = ReferenceValue.sortOrder(first, second)
        if order == .orderedSame { continue }
        return (order == .orderedAscending) != key.isDescending
      }
      return left.index < right.index
    }.map(\.row)
  }

  private func dedup(_ rows: [ReferenceRow], _ fields: [InsightsField]) -> [ReferenceRow] {
    var seen: Set<[String]> = []
    return rows.filter { row in
      let values = fields.map { row.value(of: $0) }
      if values.contains(where: \.isNull) { return true }
      return seen.insert(values.map { $0.printed ?? "" }).inserted
    }
  }

  private func unnest(
    _ rows: [ReferenceRow],
    _ list: InsightsExpression,
    _ name: String,
    _ evaluator: ReferenceEvaluator
  ) -> [ReferenceRow] {
    rows.flatMap { row -> [ReferenceRow] in
      var value = evaluator.value(list, row)
      if value.isNull, case .field(let field) = list, let event = row.event {
        value = row.structure(of: field, in: event)
      }
      let elements = if case .list(let elements) = value { elements } else { [value] }
      return elements.map { element in
        var next = row
        next.defined[name] = element
        return next
      }
    }
  }
}

/// Answers of queries inside of a query, which are asked for by every row.
private final class ReferenceAnswers {
  private var known: [(query: InsightsQuery, rows: [[String: String]])] = []

  func answer(
    _ query: InsightsQuery,
    _ run: () -> [[String: String]]
  ) -> [[String: String]] {
    if let known = known.first(where: { $0.query == query }) { return known.rows }
    let rows = run()
    known.append((query, rows))
    return rows
  }
}
