/// Bounds of a running query, each with its reason.
package enum QueryLimits {
  /// Rows that wait for their place in the order, all workers together: with buffers and contexts a
  /// query stays within 128 MB.
  package static let rowBytesMax = 41_943_040
  /// Groups of `stats` and their aggregates, all workers together.
  package static let groupBytesMax = 41_943_040
  /// Distinct values that `count_distinct` counts exactly in one group; beyond it estimates, with a
  /// standard error of 0.8 %.
  package static let distinctExactMax = 16_384
  /// Numbers of which percentiles are exact in one group; beyond it they are off by at most 0.5 %.
  package static let percentileExactMax = 8_192
  /// Text that a function makes of one value.
  package static let textBytesMax = 4_194_304
  /// Templates that `pattern` counts apart before it clusters them.
  package static let templatesMax = 20_000
  /// Bytes of a message that `pattern` looks at.
  package static let templateBytesMax = 2_048
  /// Distinct keys on the right side of `join`: CloudWatch's limit.
  package static let joinKeysMax = 50_000
  /// Rows that `parse .. multi` and `unnest` make of one event.
  package static let partsMax = 10_000
  /// Columns of `parse .. csv`, and pairs of `logfmt`, that are looked at.
  package static let pairsMax = 1_000
}

/// Why a query could not be answered.
package enum QueryFailure: Error, Sendable, CustomStringConvertible {
  /// What is wrong with the query, and where.
  case query(QueryDiagnostic)
  /// A regular expression took too long.
  case pattern(PatternFailure)
  /// The answer would take more than it may; says what and how to ask for less.
  case tooLarge(String, hint: String)
  /// The store could not be read.
  case store(String)

  package var description: String {
    switch self {
    case .query(let diagnostic): diagnostic.description
    case .pattern(let failure): "\(failure.description)\nhelp: \(failure.hint)"
    case .tooLarge(let what, let hint): "\(what)\nhelp: \(hint)"
    case .store(let text): text
    }
  }
}
