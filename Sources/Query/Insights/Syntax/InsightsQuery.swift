/// A Logs Insights query: its commands in order, as they were written.
///
/// Plain values. Two queries are equal when they mean the same; blanks, comments, keyword case and
/// places in the text do not count.
package struct InsightsQuery: Sendable, Equatable {
  package var commands: [InsightsCommand]
  /// Where each command stands in the text; empty for a query that was not parsed.
  package var ranges: [TextRange]

  package init(_ commands: [InsightsCommand], ranges: [TextRange] = []) {
    self.commands = commands
    self.ranges = ranges
  }

  package static func == (left: InsightsQuery, right: InsightsQuery) -> Bool {
    left.commands == right.commands
  }
}

/// One step of a query.
package enum InsightsCommand: Sendable, Equatable {
  /// `fields`: adds columns to the output and defines new fields; all `fields` add up.
  case fields([InsightsItem])
  /// `display`: exactly these columns are output; the last one wins.
  case display([InsightsItem])
  /// `filter`, `where` and `filterIndex`: keeps the rows for which this is true.
  case filter(InsightsExpression)
  case stats(InsightsStats)
  /// `sort`, `order`.
  case sort([InsightsSortKey])
  /// `limit`, `limit any`, `head`. With `isAny` the first matches found will do.
  case limit(Int, isAny: Bool)
  case parse(InsightsParse)
  /// `dedup`: the first row of every combination of these fields.
  case dedup([InsightsField])
  /// `pattern`: clusters the texts of this expression.
  case pattern(InsightsExpression)
  /// `diff`: compares the patterns with those of the time window before; follows `pattern` only.
  case diff
  /// `unnest list into field`: one row for each element.
  case unnest(InsightsExpression, into: String)
  /// `SOURCE`: which log groups; comes first only.
  case source(InsightsSource)
  case join(InsightsJoin)
  /// `fillmissing`: rows for the empty bins, with these values.
  case fillMissing([InsightsFill])
  /// `filldown`: repeats the last value where one is missing. Names with `*`; all when empty.
  case fillDown([String])
}

/// An expression that becomes a column, with `as` or without.
package struct InsightsItem: Sendable, Equatable {
  package var expression: InsightsExpression
  package let alias: String?
  /// The expression exactly as it was written.
  package let text: String
  /// The column's name: the alias, or what was written, without the backticks around a field.
  package let name: String
  package let range: TextRange

  package init(
    _ expression: InsightsExpression,
    alias: String? = nil,
    text: String,
    range: TextRange = TextRange()
  ) {
    self.expression = expression
    self.alias = alias
    self.text = text
    self.range = range
    if let alias {
      name = alias
    } else if case .field = expression {
      name = String(text.unicodeScalars.filter { $0 != "`" })
    } else {
      name = text
    }
  }

  /// The text counts where it names the column.
  package static func == (left: InsightsItem, right: InsightsItem) -> Bool {
    left.expression == right.expression && left.alias == right.alias
      && (left.alias != nil || left.text == right.text)
  }
}

/// `stats items [by keys [offset period]]`.
package struct InsightsStats: Sendable, Equatable {
  /// At least one; each contains an aggregate, or names an item before it.
  package var items: [InsightsItem]
  package var keys: [InsightsItem]
  /// Shifts the edges of every `bin` among the keys.
  package var offset: InsightsPeriod?

  package init(items: [InsightsItem], keys: [InsightsItem], offset: InsightsPeriod? = nil) {
    self.items = items
    self.keys = keys
    self.offset = offset
  }
}

/// One expression of `sort` with its direction; ascending when none was written.
package struct InsightsSortKey: Sendable, Equatable {
  package var expression: InsightsExpression
  package var isDescending: Bool
  package var range: TextRange

  package init(
    _ expression: InsightsExpression,
    isDescending: Bool,
    range: TextRange = TextRange()
  ) {
    self.expression = expression
    self.isDescending = isDescending
    self.range = range
  }
}

/// `parse [source] form`.
package struct InsightsParse: Sendable, Equatable {
  /// `@message` when none was written.
  package var source: InsightsExpression
  package var form: InsightsParseForm

  package init(_ source: InsightsExpression, _ form: InsightsParseForm) {
    self.source = source
    self.form = form
  }
}

/// How `parse` takes a text apart.
package enum InsightsParseForm: Sendable, Equatable {
  /// Literals with `*` between them; as many names as `*`.
  case glob(String, names: [String])
  /// The first match, or with `isMulti` one row for every match.
  case regex(InsightsRegex, captures: [InsightsCapture], isMulti: Bool)
  /// `key=value` pairs, as one map.
  case logfmt(name: String)
  /// Comma-separated values, by position.
  case csv(names: [String])
}

/// A group of a regular expression and the field that it defines.
package struct InsightsCapture: Sendable, Equatable {
  /// The group's number; the first is 1.
  package var number: Int
  package var name: String

  package init(number: Int, name: String) {
    self.number = number
    self.name = name
  }
}

/// Which log groups a query or subquery reads.
package enum InsightsSource: Sendable, Equatable {
  /// `SOURCE 'a', 'b'`.
  case groups([String])
  /// `SOURCE logGroups(namePrefix: ['a'])`; every group when there is no prefix.
  case prefixes([String])
}

/// `join type=inner left=a right=b where a.k = b.k (query)`.
///
/// Fields are then `a.x` and `b.y`.
package struct InsightsJoin: Sendable, Equatable {
  /// Whether a row without partner stays.
  package enum Kind: String, Sendable, CaseIterable {
    case inner, left
  }

  package var kind: Kind
  /// Names of the two sides.
  package var left: String
  package var right: String
  /// Fields of the two sides, without the side's name before them.
  package var leftKey: InsightsField
  package var rightKey: InsightsField
  package var query: InsightsQuery

  package init(
    _ kind: Kind,
    left: String,
    right: String,
    leftKey: InsightsField,
    rightKey: InsightsField,
    query: InsightsQuery
  ) {
    self.kind = kind
    self.left = left
    self.right = right
    self.leftKey = leftKey
    self.rightKey = rightKey
    self.query = query
  }
}

/// `with value for field` of `fillmissing`.
package struct InsightsFill: Sendable, Equatable {
  package var value: InsightsExpression
  package var field: InsightsField

  package init(_ value: InsightsExpression, for field: InsightsField) {
    self.value = value
    self.field = field
  }
}
