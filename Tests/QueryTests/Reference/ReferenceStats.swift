import Foundation

@testable import Query

/// `stats`: all rows of a group are kept, and every aggregate goes over them anew.
struct ReferenceStats {
  var evaluator: ReferenceEvaluator

  func run(_ stats: InsightsStats, _ rows: [ReferenceRow]) -> [ReferenceRow] {
    var groups: [(keys: [ReferenceValue], rows: [ReferenceRow])] = []
    var places: [[String?]: Int] = [:]
    for row in rows {
      let keys = stats.keys.map { key($0.expression, row, stats.offset) }
      let texts = keys.map { $0.isComposite ? nil : $0.printed }
      if let place = places[texts] {
        groups[place].rows.append(row)
      } else {
        places[texts] = groups.count
        groups.append((keys, [row]))
      }
    }
    return groups.map { group in
      var result = ReferenceRow()
      for (key, value) in zip(stats.keys, group.keys) { result.defined[key.name] = value }
      for item in stats.items {
        result.defined[item.name] = value(item.expression, group.rows, result)
      }
      return result
    }
  }

  private func key(
    _ expression: InsightsExpression,
    _ row: ReferenceRow,
    _ offset: InsightsPeriod?
  ) -> ReferenceValue {
    guard let offset, case .call(.bin, let arguments, _) = expression,
      let shift = ReferenceEvaluator.milliseconds(.period(offset)),
      let length = ReferenceEvaluator.milliseconds(arguments[arguments.count - 1])
    else { return evaluator.value(expression, row) }
    let time =
      arguments.count == 1
      ? row.value(of: .timestamp) : evaluator.value(arguments[0], row)
    guard let number = time.number else { return .null }
    return .time(((number - shift) / length).rounded(.down) * length + shift)
  }

  /// An expression over aggregates: each is computed first and stands as a number in its place.
  private func value(
    _ expression: InsightsExpression,
    _ rows: [ReferenceRow],
    _ group: ReferenceRow
  ) -> ReferenceValue {
    var row = group
    var count = 0
    let replaced = replace(expression, rows, &row, &count)
    return evaluator.value(replaced, row)
  }

  private func replace(
    _ expression: InsightsExpression,
    _ rows: [ReferenceRow],
    _ row: inout ReferenceRow,
    _ count: inout Int
  ) -> InsightsExpression {
    switch expression {
    case .aggregate(let function, let arguments, _):
      let name = "aggregate \(count)"
      count += 1
      row.defined[name] = aggregate(function, arguments, rows)
      return .field(InsightsField(name))
    case .arithmetic(let sign, let left, let right):
      let left = replace(left, rows, &row, &count)
      return .arithmetic(sign, left, replace(right, rows, &row, &count))
    case .compare(let sign, let left, let right):
      let left = replace(left, rows, &row, &count)
      return .compare(sign, left, replace(right, rows, &row, &count))
    case .call(let function, let arguments, let range):
      return .call(function, arguments.map { replace($0, rows, &row, &count) }, range)
    case .negate(let operand): return .negate(replace(operand, rows, &row, &count))
    default: return expression
    }
  }

  private func aggregate(
    _ function: InsightsAggregate,
    _ arguments: [InsightsExpression],
    _ rows: [ReferenceRow]
  ) -> ReferenceValue {
    if function == .count, arguments.isEmpty { return .number(Double(rows.count)) }
    let values = rows.map { evaluator.value(arguments[0], $0) }
    let present = values.filter { !$0.isNull && !$0.isComposite }
    let numbers = present.compactMap(\.number)
    let sum = numbers.reduce(0, +)
    switch function {
    case .count: return .number(Double(values.count { !$0.isNull }))
    case .countDistinct: return .number(Double(Set(present.compactMap(\.printed)).count))
    case .sum: return numbers.isEmpty ? .null : .number(sum)
    case .avg: return numbers.isEmpty ? .null : .number(sum / Double(numbers.count))
    case .min: return extreme(present, .orderedAscending)
    case .max: return extreme(present, .orderedDescending)
    case .sortsFirst:
      return present.min { ReferenceValue.sortOrder($0, $1) == .orderedAscending } ?? .null
    case .sortsLast:
      return present.max { ReferenceValue.sortOrder($0, $1) == .orderedAscending } ?? .null
    case .earliest, .latest:
      let timed = zip(rows, values).filter { !$0.1.isUnordered }.sorted {
        guard let left = $0.0.event, let right = $1.0.event else { return false }
        return (left.nanoseconds, left.order) < (right.nanoseconds, right.order)
      }
      return (function == .earliest ? timed.first : timed.last)?.1.moment ?? .null
    case .pct, .median, .stddev: return spread(function, arguments, numbers.sorted())
    }
  }

  private func extreme(_ values: [ReferenceValue], _ wanted: ComparisonResult) -> ReferenceValue {
    // Numbers, where there are any.
    let numbers = values.compactMap(\.number)
    if !numbers.isEmpty {
      return (wanted == .orderedAscending ? numbers.min() : numbers.max()).map { .number($0) }
        ?? .null
    }
    var best: ReferenceValue?
    for value in values {
      if let found = best, ReferenceValue.compare(value, found) != wanted { continue }
      best = value
    }
    return best?.moment ?? .null
  }

  private func spread(
    _ function: InsightsAggregate,
    _ arguments: [InsightsExpression],
    _ sorted: [Double]
  ) -> ReferenceValue {
    guard !sorted.isEmpty else { return .null }
    if function == .stddev {
      let mean = sorted.reduce(0, +) / Double(sorted.count)
      let squares = sorted.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
      return .number((squares / Double(sorted.count)).squareRoot())
    }
    var percent = 50.0
    if function == .pct, case .number(let digits) = arguments[1] { percent = Double(digits) ?? 0 }
    // Linear between the two nearest ranks.
    let rank = percent / 100 * Double(sorted.count - 1)
    let below = Int(rank)
    let above = min(below + 1, sorted.count - 1)
    return .number(sorted[below] + (sorted[above] - sorted[below]) * (rank - Double(below)))
  }
}

extension ReferenceValue {
  /// Times leave aggregates as milliseconds.
  fileprivate var moment: ReferenceValue {
    if case .time(let value) = self { .number(value) } else { self }
  }
}
