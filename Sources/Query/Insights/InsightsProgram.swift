/// A query that is ready to be run: parsed, checked, and with every name resolved.
package struct InsightsProgram: Sendable {
  /// What is to be done.
  ///
  /// Differs from what was written in three ways: an expression that is the name of a column of
  /// `stats` is a field of that name (`sort count(*)`), periods are cut to their caps (`bin(300s)`
  /// is `bin(60s)`, as in CloudWatch), and `unmask` is gone.
  package let query: InsightsQuery
  /// What is allowed, but probably not meant.
  package let warnings: [QueryDiagnostic]

  /// Reads and checks a query; costs time in proportion to its text.
  package static func compile(_ text: String) throws(QueryDiagnostic) -> InsightsProgram {
    let written = try InsightsParser.parse(text)
    var checker = InsightsChecker(text)
    let query = try checker.check(written)
    return InsightsProgram(query: query, warnings: checker.warnings)
  }
}

/// Names of the columns that commands make by themselves.
package enum InsightsColumns {
  package static let pattern = ["@pattern", "@sampleCount", "@ratio", "@severityLabel"]
  /// What `pattern` gives for machines, as JSON.
  package static let patternDetails = ["@tokens", "@visualization", "@logSamples"]
  /// What `diff` adds to those of `pattern`.
  package static let diff = ["@previousSampleCount", "@difference", "@differencePercent"]
}
