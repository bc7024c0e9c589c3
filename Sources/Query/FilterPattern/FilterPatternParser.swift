/// Parses CloudWatch's filter patterns, whole.
///
/// Accepts and refuses what CloudWatch does; a refusal says where and what to write instead.
package enum FilterPatternParser {
  /// CloudWatch's limit.
  package static let charactersMax = 1_024
  /// Regular expressions in one JSON or space-delimited pattern.
  static let regexesMax = 2
  /// Selectors with a wildcard in one JSON pattern.
  static let wildcardSelectorsMax = 3
  /// Nesting of parentheses: far more than 1,024 characters have use for.
  static let nestingMax = 64

  package static func parse(_ text: String) throws(QueryDiagnostic) -> FilterPattern {
    var cursor = PatternCursor(text)
    let count = cursor.scalars.count
    guard count <= charactersMax else {
      throw cursor.failure(
        "a filter pattern has at most 1024 characters, this one has \(count)",
        at: charactersMax
      )
    }
    cursor.skipBlanks()
    let pattern: FilterPattern
    switch cursor.peek() {
    case nil: return .all
    case "{": pattern = .json(try JSONPatternParser.parse(&cursor))
    case "[": pattern = .delimited(try DelimitedPatternParser.parse(&cursor))
    case "%":
      pattern = .regex(try FilterRegexParser.parse(&cursor))
      cursor.skipBlanks()
      guard cursor.isAtEnd else {
        throw cursor.failure(
          "a regex stands alone: it cannot be combined with terms",
          at: cursor.at,
          hint: "leave out what follows, or use terms alone"
        )
      }
    default: return try TermsParser.parse(&cursor)
    }
    cursor.skipBlanks()
    guard cursor.isAtEnd else {
      throw cursor.failure(
        "text behind the end of the pattern",
        at: cursor.at..<cursor.scalars.count,
        hint: "leave it out: a JSON or space-delimited pattern cannot be combined with terms"
      )
    }
    return pattern
  }
}

/// The terms form: `ERROR "not found" -DEBUG`, `?A ?B`.
struct TermsParser {
  private enum Kind {
    case required, excluded, optional
  }

  static func parse(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> FilterPattern {
    var pattern = TermPattern()
    var optional: [(term: [UInt8], shown: String)] = []
    var others = 0
    while !cursor.isAtEnd {
      let start = cursor.at
      let kind = prefix(&cursor)
      let word = try operand(&cursor, after: start)
      let isBlank = word.allSatisfy { $0 == " " || $0 == "\t" }
      // A blank phrase is in every event, also in one without a blank.
      let term = isBlank ? [] : Array(word.utf8)
      switch kind {
      case .optional: optional.append((term, cursor.string(start..<cursor.at)))
      case .excluded:
        others += 1
        pattern.excluded.append(term)
      case .required:
        others += 1
        if !isBlank { pattern.required.append(term) }
      }
      cursor.skipBlanks()
    }
    if others > 0 {
      pattern.ignored = optional.map(\.shown)
    } else if !optional.contains(where: { $0.term.isEmpty }) {
      pattern.anyOf = optional.map(\.term)
    }
    return pattern == TermPattern() ? .all : .terms(pattern)
  }

  private static func prefix(_ cursor: inout PatternCursor) -> Kind {
    if cursor.take("?") { return .optional }
    guard cursor.take("-") else { return .required }
    // A blank behind the minus is for quoted terms only.
    let afterMinus = cursor.at
    cursor.skipBlanks()
    if cursor.peek() != "\"" { cursor.at = afterMinus }
    return .excluded
  }

  private static func operand(
    _ cursor: inout PatternCursor,
    after start: Int
  ) throws(QueryDiagnostic) -> String {
    guard let first = cursor.peek(), !PatternCursor.isBlank(first) else {
      let sign = cursor.scalars[start]
      throw cursor.failure(
        "`\(sign)` stands alone",
        at: start,
        hint: "write the term right behind it, or quote it: \"\(sign)\""
      )
    }
    guard first == "\"" else { return try word(&cursor) }
    let phrase = try cursor.phrase()
    guard let next = cursor.peek(), !PatternCursor.isBlank(next) else { return phrase }
    throw cursor.failure(
      "text right behind a closing quote",
      at: cursor.at,
      hint: "put a blank between two terms, and \\\" for a quote inside a phrase"
    )
  }

  private static func word(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> String {
    let start = cursor.at
    var end = start
    while end < cursor.scalars.count, !PatternCursor.isBlank(cursor.scalars[end]) { end += 1 }
    for index in start..<end where !PatternCursor.isWord(cursor.scalars[index]) {
      let scalar = cursor.scalars[index]
      let quoted = PatternCursor.quoted(cursor.string(start..<end))
      throw cursor.failure(
        "`\(scalar)` needs quotes",
        at: index,
        hint: scalar == "%"
          ? "write \(quoted) for the text; a regex stands alone, without terms"
          : "write \(quoted)"
      )
    }
    cursor.at = end
    return cursor.string(start..<end)
  }
}
