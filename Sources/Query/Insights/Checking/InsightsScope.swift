/// What the names of a query mean at one of its commands.
struct InsightsScope {
  /// The columns there are; nil while every field of the events can be named.
  var names: Set<String>?
  /// Columns without alias, which later commands name by repeating the expression.
  var expressions: [(expression: InsightsExpression, name: String)] = []
  /// Columns with alias, for advice only.
  var aliases: [(expression: InsightsExpression, name: String)] = []

  mutating func add(_ item: InsightsItem) {
    names?.insert(item.name)
    if let alias = item.alias {
      aliases.append((item.expression, alias))
    } else {
      expressions.append((item.expression, item.name))
    }
  }

  mutating func add(_ name: String) { names?.insert(name) }

  /// The column that this expression names.
  func column(_ expression: InsightsExpression) -> String? {
    if case .field = expression { return nil }
    return expressions.last { $0.expression == expression }?.name
  }

  /// True for a column, and for a part of one that is a map or list.
  func has(_ field: InsightsField) -> Bool {
    guard let names else { return true }
    return field.parts.indices.contains { index in
      names.contains(field.parts[...index].joined(separator: "."))
    }
  }
}
