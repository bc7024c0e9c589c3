/// An expression of the query language.
///
/// At most `InsightsLimits.depthMax` levels high: recursion over it is safe.
package indirect enum InsightsExpression: Sendable, Equatable {
  /// Digits with at most one point, as written: `007`, `1.50`.
  case number(String)
  case string(String)
  case boolean(Bool)
  /// `5m`; only as an argument of a function of time.
  case period(InsightsPeriod)
  case field(InsightsField)
  case call(InsightsFunction, [InsightsExpression], TextRange)
  /// `count(*)` and `count()` both have no arguments.
  case aggregate(InsightsAggregate, [InsightsExpression], TextRange)
  case not(InsightsExpression)
  case negate(InsightsExpression)
  /// Two or more.
  case and([InsightsExpression])
  /// Two or more.
  case or([InsightsExpression])
  case compare(InsightsComparison, InsightsExpression, InsightsExpression)
  case arithmetic(InsightsArithmetic, InsightsExpression, InsightsExpression)
  /// `like`, `not like` and `=~`.
  case like(InsightsExpression, InsightsTextPattern, isNegated: Bool)
  case inList(InsightsExpression, [InsightsExpression], isNegated: Bool)
  /// The query gives one column.
  case inQuery(InsightsExpression, InsightsQuery, isNegated: Bool)
  /// `.name` or `[0]` after a call: a part of a map or list.
  ///
  /// Parts after a field belong to the field: `a[0].b` is the field `a.0.b`.
  case member(InsightsExpression, String)
}

/// A field, by the parts of its name: `` items.0.`user.id` `` has three.
package struct InsightsField: Sendable, Equatable {
  /// At least one; parts may contain dots when they were written in backticks.
  package var parts: [String]
  package var range: TextRange

  package init(parts: [String], range: TextRange = TextRange()) {
    self.parts = parts
    self.range = range
  }

  /// A field whose name is this text as a whole.
  package init(_ name: String) {
    self.init(parts: [name])
  }

  /// The parts joined by dots.
  package var name: String { parts.joined(separator: ".") }

  package static let message = InsightsField("@message")
  package static let timestamp = InsightsField("@timestamp")
}

/// `= != < <= > >=`.
package enum InsightsComparison: String, Sendable, CaseIterable {
  case equal = "="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
}

/// `+ - * / % ^`.
package enum InsightsArithmetic: String, Sendable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case remainder = "%"
  case power = "^"
}

/// What `like` looks for.
package enum InsightsTextPattern: Sendable, Equatable {
  /// Occurs anywhere, case-sensitive.
  case substring(String)
  /// Matches anywhere.
  case regex(InsightsRegex)
}

/// A regular expression between slashes, with `\/` already read as `/`.
package struct InsightsRegex: Sendable, Equatable {
  package var pattern: String
  package var range: TextRange

  package init(_ pattern: String, range: TextRange = TextRange()) {
    self.pattern = pattern
    self.range = range
  }
}

/// A number of units of time.
package struct InsightsPeriod: Sendable, Equatable {
  /// Units from month on follow the calendar, in UTC.
  package enum Unit: String, Sendable, CaseIterable {
    case millisecond = "ms"
    case second = "s"
    case minute = "m"
    case hour = "h"
    case day = "d"
    case week = "w"
    case month = "mo"
    case quarter = "q"
    case year = "y"
  }

  /// From 1 to `InsightsLimits.periodMax`.
  package var count: Int
  package var unit: Unit

  package init(_ count: Int, _ unit: Unit) {
    self.count = count
    self.unit = unit
  }
}

/// A place in a text, in Unicode scalars from 0.
///
/// All are equal, so that what was parsed compares by meaning.
package struct TextRange: Sendable, Equatable {
  package var lower: Int
  package var upper: Int

  package init(_ lower: Int = 0, _ upper: Int = 0) {
    self.lower = lower
    self.upper = upper
  }

  package static func == (_: TextRange, _: TextRange) -> Bool { true }
}
