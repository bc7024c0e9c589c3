/// The queries inside of a query: those of `in (..)` and of `join`.
struct InnerQueries {
  /// Of `in (..)`, in the order in which the compiler meets them.
  let sets: [InsightsQuery]
  let join: InsightsQuery?
  let comparesWindows: Bool

  init(_ query: InsightsQuery) {
    var sets: [InsightsQuery] = []
    var join: InsightsQuery?
    var comparesWindows = false
    for (index, command) in query.commands.enumerated() {
      switch command {
      case .filter(let condition): Self.gather(condition, into: &sets)
      case .join(let command):
        join = Self.right(command, used: query.commands[(index + 1)...])
      case .diff: comparesWindows = true
      default: break
      }
    }
    self.sets = sets
    self.join = join
    self.comparesWindows = comparesWindows
  }

  var isEmpty: Bool { sets.isEmpty && join == nil }

  private static func gather(_ expression: InsightsExpression, into sets: inout [InsightsQuery]) {
    if case .inQuery(_, let query, _) = expression { sets.append(query) }
    for child in expression.children { gather(child, into: &sets) }
  }

  /// The query of the right side, made to give the key and whatever later commands name.
  private static func right(
    _ join: InsightsJoin,
    used commands: ArraySlice<InsightsCommand>
  ) -> InsightsQuery {
    var names: [[String]] = []
    for command in commands {
      for field in command.fields where field.parts.count > 1 && field.parts[0] == join.right {
        let parts = Array(field.parts.dropFirst())
        if !names.contains(parts) { names.append(parts) }
      }
    }
    let key = InsightsItem(.field(join.rightKey), alias: "\0key", text: "\0key")
    let items = names.map { parts in
      let name = parts.joined(separator: ".")
      return InsightsItem(.field(InsightsField(parts: parts)), alias: name, text: name)
    }
    return InsightsQuery(
      join.query.commands + [.display([key] + items), .limit(InsightsLimits.rowsMax, isAny: false)]
    )
  }
}

extension InsightsCommand {
  /// All fields that the command names.
  var fields: [InsightsField] {
    switch self {
    case .fields(let items), .display(let items): items.flatMap { $0.expression.fields }
    case .filter(let expression), .pattern(let expression), .unnest(let expression, into: _):
      expression.fields
    case .stats(let stats): (stats.items + stats.keys).flatMap { $0.expression.fields }
    case .sort(let keys): keys.flatMap { $0.expression.fields }
    case .parse(let parse): parse.source.fields
    case .dedup(let fields): fields
    case .fillMissing(let fills): fills.map(\.field)
    case .fillDown(let globs):
      globs.map { InsightsField(parts: $0.split(separator: ".").map(String.init)) }
    case .limit, .diff, .source, .join: []
    }
  }
}

extension InsightsExpression {
  var fields: [InsightsField] {
    if case .field(let field) = self { return [field] }
    return children.flatMap(\.fields)
  }
}
