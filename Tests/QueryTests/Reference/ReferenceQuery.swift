import Foundation

@testable import Query

/// Runs a query over events one by one, by the plainest means there are: every row a dictionary, no
/// block, no column, no order of evaluation but the written one.
struct ReferenceQuery {
  var events: [ReferenceEvent]
  var now: Double = 0
  /// The log groups of the query; nil is all.
  var groups: Set<String>?

  /// The rows as they leave the query.
  func run(_ query: InsightsQuery) -> [[String: String]] {
    var rows = selected(query).sorted {
      ($0.nanoseconds, $0.order) > ($1.nanoseconds, $1.order)
    }.map { ReferenceRow(event: $0) }
    var columns: [String]?
    var isDisplay = false
    var parsed: [String] = []
    var hasLimit = false
    let evaluator = ReferenceEvaluator(inner: { self.inner($0) }, now: now)
    for command in query.commands {
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
      case .fillDown(let globs): rows = fillDown(rows, globs, columns ?? defaults)
      case .source, .pattern, .diff, .join, .fillMissing: break
      }
    }
    if !hasLimit { rows = Array(rows.prefix(InsightsLimits.rowsDefault)) }
    let shown = (columns ?? defaults) + (isDisplay ? [] : parsed)
    return rows.map { output($0, shown) }
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

  private func inner(_ query: InsightsQuery) -> [[String: String]] { run(query) }

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

  private func fillDown(
    _ rows: [ReferenceRow],
    _ globs: [String],
    _ columns: [String]
  ) -> [ReferenceRow] {
    let names = columns.filter { name in
      globs.isEmpty
        || globs.contains { glob in
          let pattern =
            "^"
            + NSRegularExpression.escapedPattern(for: glob)
            .replacingOccurrences(of: "\\*", with: ".*") + "$"
          return name.range(of: pattern, options: .regularExpression) != nil
        }
    }
    var last: [String: ReferenceValue] = [:]
    return rows.map { row in
      var next = row
      for name in names {
        let value = row.value(of: InsightsField(parts: name.split(separator: ".").map(String.init)))
        if value.isNull { next.defined[name] = last[name] ?? .null } else { last[name] = value }
      }
      return next
    }
  }
}

extension InsightsParse {
  var names: [String] {
    switch form {
    case .glob(_, let names), .csv(let names): names
    case .regex(_, let captures, _): captures.map(\.name)
    case .logfmt(let name): [name]
    }
  }
}

/// `parse`, with Foundation's regular expressions.
struct ReferenceParse {
  var evaluator: ReferenceEvaluator

  func run(_ parse: InsightsParse, _ row: ReferenceRow) -> [ReferenceRow] {
    var empty = row
    for name in parse.names { empty.defined[name] = .null }
    guard let text = evaluator.value(parse.source, row).text else { return [empty] }
    switch parse.form {
    case .glob(let pattern, let names): return [glob(pattern, names, text, empty)]
    case .regex(let regex, let captures, let isMulti):
      let matches = self.matches(regex.pattern, text)
      if matches.isEmpty { return [empty] }
      return (isMulti ? matches : [matches[0]]).map { match in
        var next = empty
        for capture in captures {
          if let range = Range(match.range(at: capture.number), in: text) {
            next.defined[capture.name] = .text(String(text[range]))
          }
        }
        return next
      }
    case .logfmt(let name):
      empty.defined[name] = ReferenceFields.logfmt(text)
      return [empty]
    case .csv(let names):
      for (name, part) in zip(names, text.components(separatedBy: ",")) {
        empty.defined[name] = .text(part.trimmingCharacters(in: .whitespaces))
      }
      return [empty]
    }
  }

  private func matches(_ pattern: String, _ text: String) -> [NSTextCheckingResult] {
    guard let expression = try? NSRegularExpression(pattern: pattern) else { return [] }
    return expression.matches(in: text, range: NSRange(text.startIndex..., in: text))
  }

  /// The shortest run up to the next literal; a last `*` takes the rest.
  private func glob(
    _ pattern: String,
    _ names: [String],
    _ text: String,
    _ row: ReferenceRow
  ) -> ReferenceRow {
    let literals = pattern.components(separatedBy: "*")
    let expression =
      literals.map(NSRegularExpression.escapedPattern(for:)).joined(separator: "(.*?)")
      + (literals.last == "" ? "$" : "")
    guard
      let regex = try? NSRegularExpression(
        pattern: expression,
        options: .dotMatchesLineSeparators
      ),
      let match = regex.firstMatch(in: text, range: NSRange(text.startIndex..., in: text))
    else { return row }
    var next = row
    for (index, name) in names.enumerated() {
      if let range = Range(match.range(at: index + 1), in: text) {
        next.defined[name] = .text(String(text[range]))
      }
    }
    return next
  }
}
