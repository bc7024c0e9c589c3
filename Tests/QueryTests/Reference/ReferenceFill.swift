import Foundation

@testable import Query

/// `filldown` and `fillmissing`.
struct ReferenceFill {
  var evaluator: ReferenceEvaluator

  static func down(
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
    // A name without `*` may be that of a field which is not shown.
    let hidden = globs.filter { !$0.contains("*") && !columns.contains($0) }
    var last: [String: ReferenceValue] = [:]
    return rows.map { row in
      var next = row
      for name in names + hidden {
        let value = row.value(of: InsightsField(parts: name.split(separator: ".").map(String.init)))
        if value.isNull { next.defined[name] = last[name] ?? .null } else { last[name] = value }
      }
      return next
    }
  }

  /// Every bin from the first to the last, for every combination of the other keys.
  func missing(
    _ rows: [ReferenceRow],
    _ stats: InsightsStats,
    _ fills: [InsightsFill]
  ) -> [ReferenceRow] {
    guard let bin = stats.keys.firstIndex(where: { Self.period($0.expression) != nil }),
      let period = Self.period(stats.keys[bin].expression),
      let length = ReferenceEvaluator.milliseconds(.period(period))
    else { return rows }
    let time = stats.keys[bin].name
    let others = stats.keys.map(\.name).filter { $0 != time }
    func moment(_ row: ReferenceRow) -> Double? {
      if case .time(let value)? = row.defined[time] { value } else { nil }
    }
    let moments = rows.compactMap(moment)
    guard let first = moments.min(), let last = moments.max() else { return rows }
    var result = rows
    var seen: Set<[String?]> = []
    for row in rows where moment(row) != nil {
      let key = others.map { row.defined[$0]?.printed }
      guard seen.insert(key).inserted else { continue }
      let taken = rows.filter { other in others.map { other.defined[$0]?.printed } == key }
        .compactMap(moment)
      for time in stride(from: first, through: last, by: length) where !taken.contains(time) {
        var added = ReferenceRow()
        for name in others { added.defined[name] = row.defined[name] }
        added.defined[stats.keys[bin].name] = .time(time)
        for fill in fills {
          added.defined[fill.field.name] = evaluator.value(fill.value, ReferenceRow())
        }
        result.append(added)
      }
    }
    return result
  }

  private static func period(_ expression: InsightsExpression) -> InsightsPeriod? {
    guard case .call(_, let arguments, _) = expression, case .period(let period)? = arguments.last
    else { return nil }
    return period
  }
}
