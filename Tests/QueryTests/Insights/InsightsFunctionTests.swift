import Testing

@testable import Query

/// Functions and operators one by one.
@Suite("Insights functions")
struct InsightsFunctionTests {
  static let message =
    #"{"x":1,"s":"Aé日","n":-2.50,"e":1.28E8,"t":true,"l":[1,"a",null],"m":{"k":{"d":7}},"z":null}"#

  /// Expressions and what they give; nil for an absent field.
  static let cases: [(String, String?)] = [
    // Numbers.
    ("7/2", "3.5"), ("1/3", "0.3333"), ("1/0", nil), ("5 % 0", nil), ("2 ^ 3 ^ 2", "512"),
    ("-2 ^ 2", "4"), ("9007199254740993 + 1", "9007199254740994"), ("0.1 + 0.2", "0.3"),
    ("2/3 * 3", "2"), ("-0.00001", "0"), ("10 ^ 20", "100000000000000000000"),
    ("9223372036854775807 + 1", "9223372036854776000"), ("n", "-2.5"), ("e", "128000000"),
    ("round(2.5)", "3"), ("round(-2.5)", "-3"), ("round(1234.5678, -2)", "1200"),
    ("ceil(-1.5)", "-1"), ("floor(1.8)", "1"), ("abs(-3)", "3"), ("sqrt(-1)", nil),
    ("sqrt(16)", "4"), ("log(1)", "0"), ("log(0)", nil), ("histogram(17, 5)", "15"),
    ("toInt(\"12.9\")", "12"), ("toNumber(\"a\")", nil), ("toDouble(\"1e3\")", "1000"),
    ("greatest(missing, 0)", "0"), ("least(4, \"2\", 9)", "2"), ("greatest(missing)", nil),
    ("haversine(52.52, 13.405, 48.8566, 2.3522)", "877.4645"),
    // Texts.
    ("strlen(s)", "3"), ("toupper(s)", "AÉ日"), ("tolower(\"ÀB\")", "àb"),
    ("substr(s, 1)", "é日"), ("substr(s, 1, 1)", "é"), ("substr(s, 9)", ""),
    ("substr(\"abc\", -1)", nil), ("trim(\"  a \")", "a"), ("trim(\"xxaxx\", \"x\")", "a"),
    ("trim(\" xax \", \"x\")", " xax "), ("ltrim(\"éa\", \"é\")", "a"), ("rtrim(\"a  \")", "a"),
    ("concat(\"a\", 1, x)", "a11"), ("concat(\"a\", missing)", nil),
    ("replace(\"a.b.c\", \".\", \"-\")", "a-b-c"), ("replace(\"abc\", \"\", \"-\")", "abc"),
    ("strcontains(s, \"é\")", "1"), ("strcontains(\"ABC\", \"b\", true)", "1"),
    ("strcontains(missing, \"b\")", nil), ("startsWith(s, \"A\")", "1"),
    ("endsWith(s, \"A\")", "0"), ("isblank(\" \")", "1"), ("isempty(missing)", "1"),
    ("isempty(x)", "0"), ("split(\"a,b\", \",\")", #"["a","b"]"#),
    ("regexReplace(\"a1b22\", \"([0-9]+)\", \"<$1>\")", "a<1>b<22>"),
    ("regexReplace(\"ab\", \"x*\", \"-\")", "-a-b-"),
    ("urlencode(\"a b&c\")", "a%20b%26c"), ("urldecode(\"a%20b%zz\")", "a b%zz"),
    ("base64encode(\"hi\")", "aGk="), ("base64decode(\"aGk=\")", "hi"),
    ("base64decode(\"aGk\")", nil), ("hexToAscii(\"4869\")", "Hi"), ("hexToDec(\"ff\")", "255"),
    ("hexToDec(\"xyz\")", nil), ("decToHex(255)", "0xff"),
    ("md5(\"\")", "d41d8cd98f00b204e9800998ecf8427e"),
    (
      "sha256(\"\")", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ),
    // Anything.
    ("coalesce(missing, z, x)", "1"), ("ispresent(z)", "0"), ("isNumeric(n)", "1"),
    ("isNumeric(\" 1\")", "0"), ("if(t, \"y\", \"n\")", "y"), ("case(x = 2, \"b\")", nil),
    ("case(x = 2, \"b\", x = 1, \"a\", \"c\")", "a"), ("messageSize(s)", "6"),
    ("t", "1"), ("t = true", "1"), ("t = \"TRUE\"", "1"), ("t = 1", "1"),
    ("x = \"1.0\"", "1"), ("missing = 1", "0"), ("missing != 1", "0"), ("s > 5", "1"),
    ("not missing = 1", "1"), ("x in [\"1.00\"]", "1"), ("missing not in [1]", "0"),
    ("s like \"é\"", "1"), ("missing not like \"a\"", "0"), ("n like /^-2\\.50?$/", "1"),
    // JSON.
    ("jsonStringify(jsonParse(@message).m)", #"{"k":{"d":7}}"#), ("m", nil), ("m.k.d", "7"),
    ("l.1", "a"), ("l.2", nil), ("jsonArraySize(l)", "3"), ("jsonArraySize(\"[]\")", "0"),
    ("jsonArraySize(s)", nil), ("jsonArrayContains(l, \"a\")", "1"),
    ("jsonArrayContains(l, \"A\")", "0"), ("jsonParse(\"[1, 2]\")", "[1, 2]"),
    ("toupper(jsonParse(@message))", nil), ("jsonParse(@message).l[1]", "a"),
    // Addresses.
    ("isValidIp(\"1.2.3.4\")", "1"), ("isValidIpV4(\"1.2.3.04\")", "0"),
    ("isValidIpV4(\"256.1.1.1\")", "0"), ("isValidIpV6(\"::ffff:1.2.3.4\")", "1"),
    ("isValidIpV6(\"1::2::3\")", "0"), ("isValidIpV6(\"1:2:3:4:5:6:7\")", "0"),
    ("isIpv4InSubnet(\"10.1.2.3\", \"10.0.0.0/8\")", "1"),
    ("isIpv4InSubnet(\"11.1.2.3\", \"10.0.0.0/8\")", "0"),
    ("isIpv4InSubnet(\"1.2.3.4\", \"0.0.0.0/0\")", "1"),
    ("isIpv6InSubnet(\"2001:db8::1\", \"2001:db8::/33\")", "1"),
    ("isIpv6InSubnet(\"1.2.3.4\", \"::/0\")", "0"), ("ipv4ToNumber(\"10.0.0.1\")", "167772161"),
    ("isPublicIP(\"8.8.8.8\")", "1"), ("isReservedIP(\"127.0.0.1\")", "1"),
    ("isPrivateIP(\"fd00::1\")", "1"),
    // Time.
    ("toMillis(@timestamp)", "1717237830123"), ("datefloor(@timestamp, 1h)", at("10:00:00.000")),
    ("dateceil(@timestamp, 1h)", at("11:00:00.000")), ("bin(7m)", at("10:27:00.000")),
    ("datefloor(@timestamp, 1d)", at("00:00:00.000")),
    ("datefloor(@timestamp, 1w)", "2024-05-27 00:00:00.000"),
    ("datefloor(@timestamp, 1q)", "2024-04-01 00:00:00.000"),
    ("dateceil(@timestamp, 1y)", "2025-01-01 00:00:00.000"),
    ("dateceil(fromMillis(1717200000000), 1d)", at("00:00:00.000")),
    ("fromMillis(0)", "1970-01-01 00:00:00.000"), ("now()", "1717300000"),
    ("formatDate(@timestamp, \"EEE dd MMM yyyy h:mm a XXX\")", "Sat 01 Jun 2024 10:30 AM Z"),
    (
      "formatDate(@timestamp, \"yyyy-MM-dd'T'HH:mm:ssXXX\", \"+02:00\")",
      "2024-06-01T12:30:30+02:00"
    ),
    (
      "formatDate(@timestamp, \"yyyy-MM-dd HH:mm XXX\", \"Europe/Berlin\")",
      "2024-06-01 12:30 +02:00"
    ),
    (
      "parseDate(\"2024-06-01 06:00\", \"yyyy-MM-dd HH:mm\", \"America/New_York\")",
      at("10:00:00.000")
    ),
    (
      "parseDate(\"2024-01-15 06:00\", \"yyyy-MM-dd HH:mm\", \"America/New_York\")",
      "2024-01-15 11:00:00.000"
    ),
    ("strftime(@timestamp, \"%Y/%m/%d %H:%M:%S.%L\")", "2024/06/01 10:30:30.123"),
    ("parseDate(\"01/Jun/2024:10:30:30 +0200\", \"dd/MMM/yyyy:HH:mm:ss Z\")", at("08:30:30.000")),
    ("parseDate(\"2024-02-30\", \"yyyy-MM-dd\")", nil), ("parseDate(\"x\", \"yyyy\")", nil),
  ]

  private static func at(_ time: String) -> String { "2024-06-01 " + time }

  @Test("a function gives what its table says", arguments: cases)
  func function(_ expression: String, _ expected: String?) throws {
    let rows = try InsightsAnswerTests.rows(
      "fields \(expression) as r",
      [.init(time: 1_717_237_830_123, message: Self.message)]
    )
    #expect(rows == [expected.map { ["r": $0] } ?? [:]])
  }

  @Test("wrong regexes, formats and zones are refused at their place")
  func refused() {
    for query in [
      "fields regexReplace(a, \"(\", \"\") as r", "fields formatDate(@timestamp, \"QQQ\") as r",
      "fields formatDate(@timestamp, \"yyyy\", \"Mars/Base\") as r", "filter a like /(/",
    ] {
      #expect(throws: (any Error).self) { try InsightsAnswerTests.rows(query, []) }
    }
  }

  @Test("a regex that would take for ever ends in an error")
  func slow() {
    let event = InsightsAnswerTests.Event(message: String(repeating: "a", count: 40) + "!")
    #expect(throws: QueryFailure.self) {
      try InsightsAnswerTests.rows("filter @message like /^(a+)+$/", [event])
    }
  }
}

/// Aggregates beyond what the vectors say.
@Suite("Insights aggregates")
struct InsightsAggregateTests {
  private func value(_ expression: String, _ values: [String]) throws -> String? {
    let events = values.enumerated().map {
      InsightsAnswerTests.Event(
        time: 1_717_236_000_000 + Int64($0.offset),
        message: #"{"v":\#($0.element)}"#
      )
    }
    return try InsightsAnswerTests.rows("stats \(expression) as r", events).first?["r"]
  }

  @Test("numbers")
  func numbers() throws {
    #expect(try value("sum(v)", ["1", "2.5", #""3""#, #""x""#, "null"]) == "6.5")
    #expect(try value("sum(v)", [#""x""#]) == nil)
    #expect(try value("avg(v)", ["1", "2", "null"]) == "1.5")
    #expect(try value("stddev(v)", ["2", "4", "4", "4", "5", "5", "7", "9"]) == "2")
    #expect(try value("min(v)", [#""-""#, "3", "20"]) == "3")
    #expect(try value("max(v)", [#""b""#, #""a""#]) == "b")
    #expect(try value("pct(v, 90)", ["1", "2"]) == "1.9")
    #expect(try value("median(v)", ["1", "2", "10", "4"]) == "3")
    #expect(try value("sortsFirst(v)", ["10", #""b2""#, #""b10""#]) == "b2")
    #expect(try value("sortsLast(v)", ["10", #""b2""#, "9"]) == "10")
    #expect(try value("latest(v)", ["1", "2", "null"]) == "2")
    #expect(try value("count(v)", ["1", "null", #""""#]) == "2")
    #expect(try value("max(@timestamp)", ["1"]) == "1717236000000")
  }

  @Test("percentiles of many numbers are within half a percent, whoever gathered them")
  func sketch() {
    var whole = PercentileState()
    var parts = (0..<3).map { _ in PercentileState() }
    for index in 0..<30_000 {
      let value = Double(index * index) / 1_000 - 1_000
      _ = whole.add(value)
      _ = parts[index % 3].add(value)
    }
    _ = parts[2].merge(parts[0])
    _ = parts[2].merge(parts[1])
    for quantile in [0.0, 0.01, 0.5, 0.9, 0.99, 1] {
      let exact = Double(Int(quantile * 29_999) * Int(quantile * 29_999)) / 1_000 - 1_000
      let found = whole.value(at: quantile) ?? .nan
      #expect(abs(found - exact) <= 0.006 * abs(exact) + 1)
      #expect(parts[2].value(at: quantile) == found)
    }
  }

  @Test("distinct values are exact, and estimated when there are very many")
  func distinct() {
    var state = DistinctState()
    for index in 0..<16_000 { _ = state.add(UInt64(index) &* 0x9E37_79B9_7F4A_7C15) }
    #expect(state.count == 16_000)
    var random = SplitMix(seed: 5)
    for _ in 0..<200_000 { _ = state.add(random.next()) }
    #expect(abs(state.count - 216_000) < 7_000)
  }
}
