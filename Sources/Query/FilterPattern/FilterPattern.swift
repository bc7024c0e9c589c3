/// A CloudWatch filter pattern, as it was typed.
///
/// The kind follows from the first character: `{` JSON, `[` space-delimited, `%` regex, else terms.
package enum FilterPattern: Sendable, Equatable {
  /// Absent or blank: every event matches.
  case all
  case terms(TermPattern)
}

/// A pattern of terms: substrings that must, may or must not occur.
package struct TermPattern: Sendable, Equatable {
  /// All of these occur.
  package var required: [[UInt8]] = []
  /// None of these occurs.
  package var excluded: [[UInt8]] = []
  /// At least one of these occurs; empty unless every term of the pattern is optional.
  package var anyOf: [[UInt8]] = []
  /// Optional terms that AWS ignores because other terms stand beside them; worth a warning.
  package var ignored: [String] = []
}
