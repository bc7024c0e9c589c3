import LogModel
import Testing

@testable import Query

@Suite("Filter patterns")
struct FilterPatternTests {
  private func matches(_ pattern: String, _ message: String) throws -> Bool {
    try matches(pattern, Array(message.utf8))
  }

  private func matches(_ pattern: String, _ message: [UInt8]) throws -> Bool {
    try MessageScan(FilterPatternParser.parse(pattern)).matches(message.span)
  }

  @Test("every documented example has CloudWatch's outcome", arguments: FilterVector.all)
  func vectors(_ vector: FilterVector) throws {
    if vector.error == true {
      #expect(throws: QueryDiagnostic.self) { try FilterPatternParser.parse(vector.pattern) }
    } else {
      #expect(try matches(vector.pattern, vector.message ?? "") == vector.match)
    }
  }

  @Test("there are 200 examples or more")
  func vectorCount() { #expect(FilterVector.all.count >= 200) }

  @Test("printed and parsed again every example is the same pattern", arguments: FilterVector.all)
  func printing(_ vector: FilterVector) throws {
    guard vector.error != true else { return }
    let pattern = try FilterPatternParser.parse(vector.pattern)
    let printed = pattern.description
    #expect(try FilterPatternParser.parse(printed) == pattern, "\(printed)")
    #expect(try FilterPatternParser.parse(printed).description == printed)
  }

  @Test(
    "patterns have one canonical form",
    arguments: [
      ("  ERROR   \"WARN\" - \"a b\" ", "ERROR WARN -\"a b\""), ("?A ?\"b c\"", "?A ?\"b c\""),
      ("?A ?\"b c\" X", "?A ?\"b c\" X"), ("?A \"\"", "?A \"\""), ("?A \"\" -\"\"", "?A -\"\""),
      ("\" \"", ""), ("?A ?\"\"", ""), ("% a[.]b{,3}%  ", "% a[.]b{,3}%"),
      ("{($.a=b)&&($.c=\"d\"||$.e IS  NULL)}", "{ $.a = b && ($.c = \"d\" || $.e IS NULL) }"),
      ("{$.a=1||$.b=2&&$.c=3}", "{ $.a = 1 || $.b = 2 && $.c = 3 }"),
      ("{(($.a.['x'].['y.z'][*]=*5*))}", "{ $.a.x.['y.z'][*] = *5* }"),
      ("{($.a=1&&$.b=2)&&$.c NOT EXISTS}", "{ ($.a = 1 && $.b = 2) && $.c NOT EXISTS }"),
      ("[a,b=1&&b!=2||B=%x%,...,]", "[a, b = 1 && b != 2 || b = %x%, ..., ]"), ("[ ]", "[]"),
      ("{ $.a = \"q\\\"uo\\\\te\" }", "{ $.a = \"q\\\"uo\\\\te\" }"),
    ]
  )
  func canonical(_ pattern: String, _ printed: String) throws {
    let parsed = try FilterPatternParser.parse(pattern)
    #expect(parsed.description == printed)
    #expect(try FilterPatternParser.parse(printed) == parsed)
  }

  @Test("optional terms beside others are dropped and named")
  func ignored() throws {
    let pattern = try FilterPatternParser.parse("?A ?\"b c\" REQUEST -DEBUG")
    guard case .terms(let terms) = pattern else {
      Issue.record("not terms")
      return
    }
    #expect(terms.ignored == ["?A", "?\"b c\""])
    #expect(terms.required == [Array("REQUEST".utf8)])
    #expect(terms.excluded == [Array("DEBUG".utf8)])
    #expect(terms.anyOf.isEmpty)
    #expect(pattern.warnings.count == 1)
    #expect(pattern.warnings.first?.contains("?A ?\"b c\"") == true)
    #expect(try FilterPatternParser.parse("?A ?B").warnings.isEmpty)
  }

  @Test("a newline in a message is an ordinary character")
  func newline() throws {
    #expect(try matches("first second", "first\nsecond"))
    #expect(try matches("\"t\ns\"", "first\nsecond"))
    #expect(try matches("%\\s%", "a\nb"))
    #expect(try !matches("%^b%", "a\nb"))
    #expect(try matches("[a, b = second]", "first\nsecond"))
  }

  @Test("bytes that are not UTF-8 do not keep a message from matching")
  func invalidBytes() throws {
    let message = [0xFF, 0x00, 0xC3] + Array("ERROR".utf8)
    #expect(try matches("ERROR", message))
    #expect(try matches("%^.*ERROR$%", message))
    let json = Array("{\"a\":\"".utf8) + [0xFF] + Array("x\",\"b\":2}".utf8)
    #expect(try matches("{ $.a = *x && $.b = 2 }", json))
  }

  @Test(
    "JSON values compare by kind, and as text across kinds",
    arguments: [
      ("{ $.a = 1000 }", "{\"a\":1e3}", true), ("{ $.a = 1e3 }", "{\"a\":1000.0}", true),
      ("{ $.a = 404 }", "{\"a\":\"404\"}", true), ("{ $.a = 404 }", "{\"a\":\"404.0\"}", false),
      ("{ $.a = \"404\" }", "{\"a\":404}", true), ("{ $.a = \"404\" }", "{\"a\":404.0}", false),
      ("{ $.a != 404 }", "{\"a\":404.0}", false), ("{ $.a > 5 }", "{\"a\":\"6\"}", false),
      ("{ $.a = 12345678901234567890123 }", "{\"a\":12345678901234567890124}", false),
      ("{ $.a < 12345678901234567890124 }", "{\"a\":12345678901234567890123}", true),
      ("{ $.a > 1e400 }", "{\"a\":1e401}", true), ("{ $.a = -0 }", "{\"a\":0.0e5}", true),
      ("{ $.a >= -1.5 }", "{\"a\":-1.50}", true), ("{ $.a < -1.5 }", "{\"a\":-1.6}", true),
      ("{ $.a = true }", "{\"a\":true}", true), ("{ $.a = \"true\" }", "{\"a\":true}", false),
      ("{ $.a != true }", "{\"a\":false}", false), ("{ $.a = * }", "{\"a\":false}", false),
      ("{ $.a = * }", "{\"a\":1}", true), ("{ $.a = \"\" }", "{\"a\":\"\"}", true),
      ("{ $.a != x }", "{\"a\":null}", false), ("{ $.a IS NULL }", "{}", false),
      ("{ $.a = 5* }", "{\"a\":503}", true), ("{ $.a = %^5..$% }", "{\"a\":503}", true),
      ("{ $.a = a*b }", "{\"a\":\"axb\"}", false), ("{ $.a = *a* }", "{\"a\":[\"a\"]}", false),
    ]
  )
  func jsonValues(_ pattern: String, _ message: String, _ expected: Bool) throws {
    #expect(try matches(pattern, message) == expected)
  }

  @Test(
    "JSON is read as it is written: escapes, repeats, nesting",
    arguments: [
      ("{ $.abc = x }", #"{"\u0061bc":"\u0078"}"#, true),
      ("{ $.a = \"\\\"\" }", #"{"a":"\""}"#, true),
      ("{ $.a = \"b/c\" }", #"{"a":"b\/c"}"#, true),
      ("{ $.a = \"\u{e9}\" }", #"{"a":"\u00e9"}"#, true),
      ("{ $.a = 1 }", #"{"a":1,"a":2}"#, false), ("{ $.a = 2 }", #"{"a":1,"a":2}"#, true),
      ("{ $.a.b = 1 }", #"{"a":{"b":1},"a":{}}"#, false),
      ("{ $.a NOT EXISTS }", #"{"a":1,"a":2}"#, false),
      ("{ $.*.b = 1 }", #"{"x":{"b":1},"y":{"b":2,"b":3}}"#, true),
      ("{ $.a[1][0] = 4 }", #"{"a":[[1],[4,5]]}"#, true),
      ("{ $.a[*].b = 2 }", #"{"a":[1,{"b":2}]}"#, true),
      ("{ $.a.* = 2 }", #"{"a":[1,2]}"#, true), ("{ $.a.* = 2 }", #"{"a":{"x":2}}"#, true),
      ("{ $.a[*] = 2 }", #"{"a":{"x":2}}"#, false), ("{ $.a NOT EXISTS }", "[1,2]", true),
      ("{ $.a NOT EXISTS }", "{\"b\":1} x", false), ("{ $.a = 1 }", " {\"a\" : 1 } ", true),
      ("{ $.a = 1 }", "{\"a\":1", false), ("{ $.a = 1 }", "{\"a\":1,}", false),
      ("{ $.a = 1 || $.a.b = 2 }", #"{"a":{"b":2}}"#, true),
      ("{ $.a != 1 }", "x {\"a\":2}", false),
      ("{ $.['a b'].['c.d'] = 1 }", #"{"a b":{"c.d":1}}"#, true),
    ]
  )
  func jsonText(_ pattern: String, _ message: String, _ expected: Bool) throws {
    #expect(try matches(pattern, message) == expected)
  }

  @Test(
    "fields are split at blanks, quotes and brackets",
    arguments: [
      ("[a, b, c]", "one two", false), ("[a]", "", false), ("[]", "", true), ("[...]", "", true),
      ("[a = \"one two\"]", "one two", true), ("[a = one]", "one two", false),
      ("[a, b = \"x y\"]", "one \"x y\"", true),
      ("[a, b = \"\\\"x y\\\" z\"]", "one \"x y\" z", true),
      ("[a = \"x y\", b]", "[x y] z", true), ("[a = \"[x\", b]", "[x y", true),
      ("[a, b = 2]", "1\t2.0", true), ("[a, b = \"2\"]", "1 2.0", false),
      ("[..., a = 9, b]", "1 2 9 x", true), ("[a = 1, ..., b = 2]", "1 2", true),
      ("[a = 1, ..., b = 2]", "1", false), ("[a, ...]", "x y z", true), ("[,,]", "a b", false),
      ("[,,]", "a b c d", true), ("[a > 5, b]", "x y", false), ("[a != x, b]", "y z", true),
      ("[a = 4* && a != 403 || a = 500, b]", "404 x", true),
      ("[a = 4* && a != 403 || a = 500, b]", "403 x", false),
      ("[a = 4* && a != 403 || a = 500, b]", "500 x", true), ("[a = %^x$%, b]", "x y", true),
    ]
  )
  func delimited(_ pattern: String, _ message: String, _ expected: Bool) throws {
    #expect(try matches(pattern, message) == expected)
  }

  @Test(
    "regexes mean what they say",
    arguments: [
      ("%a.c%", "a\u{e9}c", true), ("%^[^a]$%", "\u{1F600}", true), ("%a{,2}b%", "b", true),
      ("%^a{2, 3}$%", "aaaa", false), ("%^a{2, 3}$%", "aaa", true), ("%[.]%", "x", false),
      ("%[a^-]%", "^", true), ("%[-a]%", "-", true), ("%[\\w-]%", "-", true),
      ("%a#b%", "a#b", true),
      ("%[\\x41-\\x43]%", "B", true), ("%[[]%", "[", true), ("%%", "anything", true),
      ("%a$%", "a\n", false), ("%\\x25%", "5%", true), ("%a||b%", "x", true),
      ("%\\d%", "\u{664}", false),
    ]
  )
  func regexes(_ pattern: String, _ message: String, _ expected: Bool) throws {
    #expect(try matches(pattern, message) == expected)
  }

  @Test("a regex that backtracks for ever is an error, not a hang")
  func runaway() throws {
    let pattern = try FilterPatternParser.parse("%a*a*a*a*a*[bc]%")
    let message = [UInt8](repeating: 0x61, count: 20_000)
    #expect(throws: PatternFailure.self) { try MessageScan(pattern).matches(message.span) }
  }
}
