/// Bounds of a query's text and form.
package enum InsightsLimits {
  /// CloudWatch's limit for the text of a query, in characters.
  package static let charactersMax = 10_000
  /// Levels of an expression and of queries in queries: keeps recursion over them off the end of
  /// a thread's stack.
  package static let depthMax = 100
  /// Largest number before a unit of time; a thousand days in seconds.
  package static let periodMax = 100_000_000
  /// CloudWatch's largest `limit`.
  package static let rowsMax = 100_000
  /// Rows given when a query does not say `limit`.
  package static let rowsDefault = 10_000
  /// CloudWatch's limit for `namePrefix` of `SOURCE logGroups`.
  package static let sourcePrefixesMax = 5
  /// `stats` of one query, as in CloudWatch's standard class.
  package static let statsMax = 10
}
