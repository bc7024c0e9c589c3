import LogModel
import Testing

@testable import Query

@Suite("Refusals of filter patterns")
struct FilterRefusalTests {
  /// The diagnostic; nil when the pattern is accepted.
  private func refusal(_ pattern: String) -> QueryDiagnostic? {
    do throws(QueryDiagnostic) {
      _ = try FilterPatternParser.parse(pattern)
      return nil
    } catch {
      return error
    }
  }

  @Test("an address without quotes is refused with its column and the fix")
  func address() {
    #expect(
      refusal("ERROR user@example.com")?.description == """
        `@` needs quotes, at column 11
          ERROR user@example.com
                    ^
        help: write "user@example.com"
        """
    )
  }

  @Test("a quote that is not closed is refused where it opens")
  func openQuote() {
    #expect(
      refusal("ERROR \"not found")?.description == """
        this quote is not closed, at column 7
          ERROR "not found
                ^
        help: add a " at the end
        """
    )
  }

  /// A pattern, the marked columns counted from 1, words of the message and of the fix.
  struct Case: Sendable, CustomStringConvertible {
    let pattern: String
    let columns: ClosedRange<Int>
    let message: String
    let hint: String

    init(_ pattern: String, _ columns: ClosedRange<Int>, _ message: String, _ hint: String) {
      self.pattern = pattern
      self.columns = columns
      self.message = message
      self.hint = hint
    }

    init(_ pattern: String, _ column: Int, _ message: String, _ hint: String) {
      self.init(pattern, column...column, message, hint)
    }

    var description: String { pattern }
  }

  private static let terms: [Case] = [
    Case("ERROR -", 7, "stands alone", "\"-\""), Case("?", 1, "stands alone", "\"?\""),
    Case("ERROR ? WARN", 7, "stands alone", "\"?\""),
    Case("ERROR - WARN", 7, "stands alone", "\"-\""),
    Case("a \"b\"c", 6, "closing quote", "blank"),
    Case("caf\u{e9}", 4, "needs quotes", "\"caf\u{e9}\""),
    Case("a.b", 2, "needs quotes", "\"a.b\""), Case("foo*", 4, "needs quotes", "\"foo*\""),
    Case("--x", 2, "needs quotes", "\"-x\""), Case("ERROR %a%", 7, "needs quotes", "stands alone"),
    Case("e\u{301}x a-b", 1, "needs quotes", "\""),
  ]

  private static let regexes: [Case] = [
    Case("%a(b)%", 3, "`(`", "\\x28"), Case("%a\\)%", 3...4, "`)`", "\\x29"),
    Case("%a!%", 3, "`!`", "\\x21"), Case("%a<b%", 3, "`<`", "\\x3C"),
    Case("%caf\u{e9}%", 5, "ASCII", "."), Case("%abc", 1, "not closed", "%"),
    Case("%a\\", 1, "not closed", "%"), Case("%a\\%", 3, "at the end", "\\x25"),
    Case("%[a-%", 2, "not closed", "]"), Case("%[]%", 2...3, "at least one", "\\]"),
    Case("%a**%", 4, "repeated", "`*`"), Case("%a+?%", 4, "lazy", "`?`"),
    Case("%*a%", 2, "nothing", "\\*"), Case("%a|+%", 4, "nothing", "\\+"),
    Case("%a{3,1}%", 3...7, "larger", "{1,3}"), Case("%a{x%", 4, "count is missing", "{2}"),
    Case("%a{2%", 3, "not closed", "{2}"), Case("%a{70000}%", 4...8, "at most", ""),
    Case("%a}%", 3, "closes nothing", "\\}"), Case("%a]%", 3, "closes nothing", "\\]"),
    Case("%\\bword%", 2...3, "\\b", "\\d"), Case("%\\/x%", 2...3, "\\/", "no backslash"),
    Case("%\\xZZ%", 2...5, "hexadecimal", "\\x28"), Case("%\\xE9%", 2...5, "ASCII", "."),
    Case("%[z-a]%", 3...5, "backwards", "-"), Case("%[[:alpha:]]%", 3...4, "named classes", "[A-Z"),
    Case("%a% ERROR", 5, "stands alone", "terms"), Case("%a'b%", 3, "`'`", "\\x27"),
    Case("%\\", 1, "not closed", "%"),
  ]

  private static let json: [Case] = [
    Case("{ $.a IS NOT NULL }", 7...12, "IS NOT", "!="),
    Case("{ $.a EXISTS }", 7...12, "EXISTS", "= *"),
    Case("{ $.a is null }", 7...13, "is null", "capitals"),
    Case("{ $.a LIKE x }", 7...12, "LIKE", "%regex%"),
    Case("{ status = \"401\" }", 3...8, "`$.`", "$.status"),
    Case("{ $status = 1 }", 3...4, "`$.`", "$.name"),
    Case("{ $['a'] = 1 }", 3...4, "`$.`", "$.['name']"),
    Case("{ $.[0] = 1 }", 5, "no property", "$.name[0]"),
    Case("{ $. = 1 }", 4, "name is missing", "$.name"),
    Case("{ $.a = }", 9, "value is missing", "%regex%"),
    Case("{ $.a }", 7, "operator is missing", "!="), Case("{ $.a = 1", 1, "not closed", "}"),
    Case("{ ($.a = 1 }", 3, "not closed", ")"),
    Case("{ $.a = 1) }", 10, "closes nothing", "leave it out"),
    Case("{ $.a = 1 & $.b = 2 }", 11, "single `&`", "&&"),
    Case("{ $.a = 1 | $.b = 2 }", 11, "single `|`", "||"),
    Case("{ $.a = 1 AND $.b = 2 }", 11, "does not go on", "&&"),
    Case("{ $.a = 1 && }", 14, "missing", "$.name"),
    Case("{ }", 3, "condition is missing", "$.name"),
    Case("{", 2, "condition is missing", "$.name"),
    Case("{ $.a == 1 }", 7...8, "`==`", "write ="),
    Case("{ $.a > x }", 9, "numbers only", "without quotes"),
    Case("{ $.a < \"5\" }", 9...11, "numbers only", "without quotes"),
    Case("{ $.a >= %5% }", 10...12, "numbers only", "="),
    Case("{ $.a[*].b[*] = 1 }", 11...13, "one wildcard", "name"),
    Case("{ $.*.* = 1 }", 6...7, "one wildcard", "name"),
    Case(
      "{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
      45...50,
      "at most 3",
      "name the property"
    ),
    Case("{ $.a=%a% && $.b=%b% && $.c=%c% }", 29, "at most 2 regexes", "|"),
    Case("{ $.a[x] = 1 }", 6...7, "index is a number", "[0]"),
    Case("{ $.a['b'] = 1 }", 6...7, "index", ".['name']"),
    Case("{ $.a[0 = 1 }", 6, "not closed", "[0]"), Case("{ $.['a = 1 }", 5, "not closed", "']"),
    Case("{ $.a = 1 } x", 13, "behind the end", "terms"), Case("{ !$.a = 1 }", 3, "`!`", "!="),
    Case("{ $.a = 'x' && $.b = \"unclosed }", 22, "not closed", "\""),
    Case("{ $.a:b = 1 }", 6, "cannot stand in a name", ".['a:b']"),
    Case("{ $.a[99999999999] = 1 }", 7...17, "too large", ""),
    Case("{ $.a = not found }", 13, "does not go on", "quotes"),
    Case("{ $.a ~ x }", 7, "operator is missing", "!="),
    Case("{ $.a = %(x)% }", 10, "`(`", "\\x28"),
  ]

  private static let delimited: [Case] = [
    Case("[a, b", 1, "not closed", "]"), Case("[..., a, ...]", 10...12, "one `...`", "name"),
    Case("[a, s = 4* && bytes > 1000]", 15...19, "its own field, `s`", "`bytes`"),
    Case("[a=%a%, b=%b%, c=%c%]", 18, "at most 2 regexes", "|"),
    Case("[= 5]", 2, "name", "name before"),
    Case("[a-b]", 3, "field's name", "digits"), Case("[a b]", 4, "does not go on", "comma"),
    Case("[a = 1 && ]", 11, "name is missing", "a = 1"),
    Case("[a = 1 & a = 2]", 8, "single `&`", "&&"),
    Case("[(a = 1)]", 2, "parentheses", "tighter"), Case("[.., a]", 2, "three dots", "..."),
    Case("[a > x]", 6, "numbers only", "number"), Case("[a = ]", 6, "value is missing", "number"),
    Case("[a] b", 5, "behind the end", "terms"), Case("[a = \"x]", 6, "not closed", "\""),
    Case("[1a]", 2, "does not go on", "comma"), Case("[a = (x)]", 6, "value is missing", "text"),
  ]

  @Test(
    "every refusal marks its place and says what to write instead",
    arguments: terms + regexes + json + delimited
  )
  func places(_ wanted: Case) {
    guard let refusal = refusal(wanted.pattern) else {
      Issue.record("accepted")
      return
    }
    let range = refusal.range
    let columns = (range.lowerBound + 1)...max(range.lowerBound + 1, range.upperBound)
    #expect(columns == wanted.columns, "\(refusal)")
    #expect(refusal.message.contains(wanted.message), "\(refusal)")
    #expect(wanted.hint.isEmpty || (refusal.hint ?? "").contains(wanted.hint), "\(refusal)")
  }

  @Test("1,024 characters are accepted, 1,025 are not")
  func length() {
    #expect(refusal(String(repeating: "a", count: 1_024)) == nil)
    let refusal = refusal(String(repeating: "a", count: 1_025))
    #expect(refusal?.message.contains("1024") == true)
    #expect(refusal?.range == 1_024..<1_025)
  }

  @Test("parentheses that nest without end are refused, not followed")
  func nesting() {
    let open = String(repeating: "(", count: 300)
    #expect(refusal("{ \(open)$.a = 1 }")?.message.contains("too deep") == true)
  }
}
