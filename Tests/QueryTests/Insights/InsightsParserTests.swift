import Testing

@testable import Query

/// The form of queries.
@Suite("Insights parser")
struct InsightsParserTests {
  private func query(_ text: String) throws -> InsightsQuery { try InsightsParser.parse(text) }

  private func condition(_ text: String) throws -> InsightsExpression {
    guard case .filter(let condition) = try query("filter " + text).commands[0] else {
      throw QueryDiagnostic("not a filter", in: text, at: 0..<0)
    }
    return condition
  }

  /// The one expression of `fields`.
  private func expression(_ text: String) throws -> InsightsExpression {
    guard case .fields(let items) = try query("fields " + text).commands[0], items.count == 1 else {
      throw QueryDiagnostic("not one column", in: text, at: 0..<0)
    }
    return items[0].expression
  }

  private func field(_ parts: String...) -> InsightsExpression {
    .field(InsightsField(parts: parts))
  }

  @Test("what is printed parses to the same query", arguments: InsightsVector.all)
  func vectorsPrint(_ vector: InsightsVector) throws {
    guard let query = try? InsightsParser.parse(vector.query) else {
      #expect(vector.error == true)
      return
    }
    let text = InsightsPrinter.text(of: query)
    #expect(try InsightsParser.parse(text) == query, "\(text)")
    #expect(InsightsPrinter.text(of: try InsightsParser.parse(text)) == text)
  }

  @Test("vectors that are refused are refused, all others are accepted")
  func vectorsCompile() {
    for vector in InsightsVector.all {
      do {
        _ = try InsightsProgram.compile(vector.query)
        #expect(vector.error != true, "\(vector.query)")
      } catch {
        #expect(vector.error == true, "\(error)")
      }
    }
  }

  @Test("printed forms")
  func printed() throws {
    for (text, expected) in [
      ("FIELDS  @timestamp,@message", "fields @timestamp, @message"),
      ("fields abs(f3-f4)", "fields abs(f3-f4)"),
      ("fields abs( f3-f4 ) AS d", "fields abs(f3 - f4) as d"),
      ("where a == 1 AND NOT b =~ /x\\/y/", "filter a = 1 and not b like /x\\/y/"),
      ("filter !(a = 1 or b = 2) and c", "filter not (a = 1 or b = 2) and c"),
      ("order by a, b DESC, c asc", "sort a, b desc, c"),
      ("head 5", "limit 5"),
      ("limit any 7", "limit any 7"),
      ("parse '*-*' as a, b.c", "parse @message \"*-*\" as a, `b.c`"),
      ("parse /(?<a>x)/", "parse @message /(?<a>x)/"),
      ("parse f /(x)(y)/ as a, b multi", "parse f /(x)(y)/ as a, b multi"),
      ("parse logfmt as m", "parse @message logfmt as m"),
      ("parse logfmt logfmt as m", "parse `logfmt` logfmt as m"),
      ("parse csv csv as a,b", "parse `csv` csv as a, b"),
      ("dedup a, `b c`", "dedup a, `b c`"),
      ("stats COUNT() as n by bin(5 # five\n", ""),
      (
        "stats Count(*) as n by BIN(5min) as t offset 1hr",
        "stats count(*) as n by bin(5m) as t offset 1h"
      ),
      ("unnest jsonParse(@message).a[0] into x", "unnest jsonParse(@message).a.0 into x"),
      ("SOURCE 'a', \"b\" | fields x", "SOURCE \"a\", \"b\" | fields x"),
      ("source logGroups(namePrefix: ['a','b'])", "SOURCE logGroups(namePrefix: [\"a\", \"b\"])"),
      (
        "join type=left left=a right=b where b.k=a.k (SOURCE 'g')",
        "join type=left left=a right=b where a.k = b.k (SOURCE \"g\")"
      ),
      ("fillmissing with 0 for a, -1 for b", "fillmissing with 0 for a, -1 for b"),
      ("filldown a, b* *", "filldown a b* *"),
      ("filter a not in ['x',\"y\"]", "filter a not in [\"x\", \"y\"]"),
      ("filter a in (source 'g' | fields b)", "filter a in (SOURCE \"g\" | fields b)"),
      ("pattern @message|diff", "pattern @message | diff"),
      ("unmask @message", "fields unmask(@message)"),
      ("fields -(-2) ^ -(a) as x", "fields -(-2) ^ -a as x"),
    ] where !expected.isEmpty {
      #expect(InsightsPrinter.text(of: try query(text)) == expected)
    }
  }

  @Test("operators bind as documented")
  func precedence() throws {
    for (text, expected) in [
      ("a or b and c", "a or (b and c)"), ("not a and b", "(not a) and b"),
      ("not a = b", "not (a = b)"), ("1 + 2 * 3 ^ 4 ^ 5", "1 + (2 * (3 ^ (4 ^ 5)))"),
      ("1 - 2 - 3", "(1 - 2) - 3"), ("8 / 4 / 2", "(8 / 4) / 2"), ("-2 ^ 2", "(-2) ^ 2"),
      ("a + 1 > b * 2", "(a + 1) > (b * 2)"), ("a % 2 = 0", "(a % 2) = 0"),
      ("a = 1 or b = 2 or c = 3", "(a = 1) or (b = 2) or (c = 3)"),
      ("a like /x/ and b in [1]", "(a like /x/) and (b in [1])"),
    ] {
      #expect(try condition(text) == condition(expected), "\(text)")
    }
    #expect(try condition("1 - 2 - 3") != condition("1 - (2 - 3)"))
  }

  @Test("keywords are names where a name is expected")
  func keywords() throws {
    _ = try query("fields count, limit, type, as as by, by, like as in | sort by, stats desc")
    _ = try query("stats sum(by) by by | sort by by")
    #expect(try expression("count") == field("count"))
    #expect(try expression("`not`") == field("not"))
    #expect(try expression("TRUE") == .boolean(true))
    #expect(try expression("`true`") == field("true"))
  }

  @Test("fields have parts")
  func fields() throws {
    #expect(try expression("items.0.id") == field("items", "0", "id"))
    #expect(try expression("items[0].id") == field("items", "0", "id"))
    #expect(try expression("map.`user.id`") == field("map", "user.id"))
    #expect(try expression("`detail.eventName`") == field("detail.eventName"))
    #expect(try expression("@@id") == field("@@id"))
    #expect(try expression("größe") == field("größe"))
    #expect(
      try expression("event-name")
        == .arithmetic(.subtract, field("event"), field("name"))
    )
  }

  @Test("a slash begins a regular expression after like, =~ and in parse, and divides elsewhere")
  func slashes() throws {
    #expect(try expression("a/b/c") == expression("(a / b) / c"))
    #expect(
      try condition(#"a like /\/api\/v\d+\\/"#)
        == .like(field("a"), .regex(InsightsRegex(#"/api/v\d+\\"#)), isNegated: false)
    )
    #expect(
      try condition("a like //") == .like(field("a"), .regex(InsightsRegex("")), isNegated: false)
    )
    #expect(try condition("a =~ /a|b # c/") != condition("a =~ /a/"))
  }

  @Test("escapes in texts")
  func escapes() throws {
    #expect(try expression(#""a\"b\\c\n\r\t\d""#) == .string("a\"b\\c\n\r\t\\d"))
    #expect(try expression(#"'it\'s "x"'"#) == .string("it's \"x\""))
    #expect(try expression("'a|b # c'") == .string("a|b # c"))
  }

  @Test("units of time by any name")
  func units() throws {
    for (text, unit) in [
      ("1ms", InsightsPeriod.Unit.millisecond), ("1msecs", .millisecond), ("1s", .second),
      ("1Seconds", .second), ("1min", .minute), ("1hrs", .hour), ("1d", .day), ("1weeks", .week),
      ("1mo", .month), ("1mons", .month), ("1qtr", .quarter), ("1years", .year),
    ] {
      let call = try expression("bin(\(text))")
      #expect(call == .call(.bin, [.period(InsightsPeriod(1, unit))], TextRange()), "\(text)")
    }
  }

  @Test("columns without alias keep their text")
  func names() throws {
    guard
      case .fields(let items) = try query(
        "fields abs( a-b ), `detail-type`, x.`y z`, count as c, a[0] # end\n"
      ).commands[0]
    else {
      Issue.record("not fields")
      return
    }
    #expect(items.map(\.name) == ["abs( a-b )", "detail-type", "x.y z", "c", "a[0]"])
  }
}
