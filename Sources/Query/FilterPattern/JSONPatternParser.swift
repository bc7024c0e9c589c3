/// Reads `{ $.a.b = "c" && ($.d IS NULL || $.e[*] > 5) }`.
struct JSONPatternParser {
  private var comparisons = ComparisonParser()
  private var wildcardSelectors = 0
  private var nesting = 0

  /// Takes the pattern whose opening brace is at the cursor's place.
  static func parse(_ cursor: inout PatternCursor) throws(QueryDiagnostic) -> JSONCondition {
    var parser = JSONPatternParser()
    let open = cursor.at
    cursor.at += 1
    let condition = try parser.disjunction(&cursor)
    guard cursor.take("}") else { throw parser.stray(cursor, open: open, closing: "}") }
    return condition
  }

  private mutating func disjunction(
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> JSONCondition {
    var parts = [try conjunction(&cursor)]
    while cursor.take("||") { parts.append(try conjunction(&cursor)) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func conjunction(
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> JSONCondition {
    var parts = [try primary(&cursor)]
    while cursor.take("&&") { parts.append(try primary(&cursor)) }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func primary(
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> JSONCondition {
    cursor.skipBlanks()
    let start = cursor.at
    guard cursor.take("(") else { return try test(&cursor) }
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= FilterPatternParser.nestingMax else {
      throw cursor.failure("parentheses nest too deep", at: start, hint: "leave some of them out")
    }
    let condition = try disjunction(&cursor)
    guard cursor.take(")") else { throw stray(cursor, open: start, closing: ")") }
    cursor.skipBlanks()
    return condition
  }

  private mutating func test(
    _ cursor: inout PatternCursor
  ) throws(QueryDiagnostic) -> JSONCondition {
    let start = cursor.at
    let selector = try selector(&cursor)
    let written = cursor.string(start..<cursor.at)
    if selector.wildcards > 0 {
      wildcardSelectors += 1
      guard wildcardSelectors <= FilterPatternParser.wildcardSelectorsMax else {
        throw cursor.failure(
          "a pattern has at most 3 selectors with a wildcard",
          at: start..<cursor.at,
          hint: "name the property or the element here"
        )
      }
    }
    cursor.skipBlanks()
    let test: JSONTest
    if let keyword = try keywords(&cursor, written) {
      test = keyword
    } else {
      test = .compare(try comparisons.comparison(&cursor, subject: written))
    }
    cursor.skipBlanks()
    return .test(selector, test)
  }

  /// `IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`; nil where no letter stands.
  private func keywords(
    _ cursor: inout PatternCursor,
    _ selector: String
  ) throws(QueryDiagnostic) -> JSONTest? {
    let start = cursor.at
    guard let first = word(&cursor) else { return nil }
    let firstEnd = cursor.at
    cursor.skipBlanks()
    let second = word(&cursor)
    switch (first, second) {
    case ("IS", "NULL"): return .isNull
    case ("IS", "TRUE"): return .isTrue
    case ("IS", "FALSE"): return .isFalse
    case ("NOT", "EXISTS"): return .notExists
    default: break
    }
    let end = second == nil ? firstEnd : cursor.at
    var hint: String
    switch (first.uppercased(), second?.uppercased()) {
    case ("IS", "NOT"): hint = "write `\(selector) != value`; a missing property is NOT EXISTS"
    case ("EXISTS", _): hint = "write `\(selector) = *`: it is there, with a string or a number"
    case ("IS", "NULL"), ("IS", "TRUE"), ("IS", "FALSE"), ("NOT", "EXISTS"):
      hint = "write it in capitals"
    case ("IS", _): hint = "IS NULL, IS TRUE or IS FALSE"
    case ("NOT", _): hint = "write NOT EXISTS, or !="
    default: hint = "one of = != < > <= >=, IS NULL, IS TRUE, IS FALSE, NOT EXISTS"
    }
    if first.uppercased() == "LIKE" { hint = "write = with wildcards, *text*, or a %regex%" }
    throw cursor.failure(
      "there is no operator `\(cursor.string(start..<end))`",
      at: start..<end,
      hint: hint
    )
  }

  private func word(_ cursor: inout PatternCursor) -> String? {
    let start = cursor.at
    while let next = cursor.peek(), PatternCursor.isWord(next), !PatternCursor.isDigit(next) {
      cursor.at += 1
    }
    return cursor.at > start ? cursor.string(start..<cursor.at) : nil
  }

  /// What is wrong where a bracket should close or a condition go on.
  private func stray(
    _ cursor: PatternCursor,
    open: Int,
    closing: String
  ) -> QueryDiagnostic {
    guard let next = cursor.peek() else {
      return cursor.failure(
        "this `\(cursor.scalars[open])` is not closed",
        at: open,
        hint: "add a \(closing) at the end"
      )
    }
    if next == "&" || next == "|" {
      return cursor.failure("a single `\(next)`", at: cursor.at, hint: "write \(next)\(next)")
    }
    if next == ")" {
      return cursor.failure("this parenthesis closes nothing", at: cursor.at, hint: "leave it out")
    }
    if next == "}" {
      return cursor.failure(
        "this parenthesis is not closed",
        at: open,
        hint: "add a ) before the closing brace"
      )
    }
    var rest = cursor
    let name = word(&rest)?.uppercased()
    let hint =
      switch name {
      case "AND": "write &&"
      case "OR": "write ||"
      default: "join conditions with && or ||, and put quotes around a value with blanks"
      }
    return cursor.failure("\(cursor.shown) does not go on from here", at: cursor.at, hint: hint)
  }
}
