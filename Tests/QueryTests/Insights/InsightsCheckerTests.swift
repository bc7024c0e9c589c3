import Testing

@testable import Query

/// What queries mean: names, order of commands, warnings.
@Suite("Insights checker")
struct InsightsCheckerTests {
  private func resolved(_ text: String) throws -> String {
    InsightsPrinter.text(of: try InsightsProgram.compile(text).query)
  }

  private func warnings(_ text: String) throws -> [String] {
    try InsightsProgram.compile(text).warnings.map(\.message)
  }

  @Test("later commands name a column of stats by its text")
  func columnsByText() throws {
    for (text, expected) in [
      ("stats count(*) by a | sort count(*) desc", "stats count(*) by a | sort `count(*)` desc"),
      ("stats COUNT( * ) by a | sort count(*)", "stats COUNT( * ) by a | sort `COUNT( * )`"),
      (
        "stats sum(x)/count(*) as r, max(x) by a | filter max(x) / 2 > r",
        "stats sum(x) / count(*) as r, max(x) by a | filter `max(x)` / 2 > r"
      ),
      (
        "stats count(*) by bin(5m) | sort bin(5m)",
        "stats count(*) by bin(5m) | sort `bin(5m)`"
      ),
    ] {
      let text = try resolved(text)
      #expect(text == expected)
    }
    // The resolved column of an aggregate over a column is not printed where its text names it.
    guard
      case .stats(let stats) = try InsightsProgram.compile(
        "stats count(*) by a | stats max(count(*)), count(*)"
      ).query.commands[1]
    else {
      Issue.record("not stats")
      return
    }
    let count = InsightsExpression.field(InsightsField("count(*)"))
    #expect(stats.items[0].expression == .aggregate(.max, [count], TextRange()))
    #expect(stats.items[1].expression == .aggregate(.count, [], TextRange()))
  }

  @Test("columns of stats use those before them, keys and aliases")
  func statsNames() throws {
    _ = try resolved(
      "stats avg(a) as x, max(a) as y, y - x as spread, y - x / 2 by k | sort spread"
    )
    _ = try resolved("stats sum(a) / k as r by k")
    _ = try resolved("stats count(*) + strlen(k) by strlen(k)")
    _ = try resolved("stats sum(a) as a, max(a) as m")
    _ = try resolved("stats latest(m) as m by k | fields m.x.y, k | display m.x")
    _ = try resolved("stats count(*) as n by k | fields n * 2 as d | filter d > 2 | sort d")
    _ = try resolved("stats count(*) as n by jsonParse(@message).a | filter n > 1")
    _ = try resolved("stats max(@timestamp) as @timestamp by k | stats count(*) by bin(5m)")
    _ = try resolved("stats count(*) by bin(5m) as @t | stats count(*) by dateceil(@t, 10m)")
  }

  @Test("periods are cut to their caps, with a warning")
  func caps() throws {
    #expect(try resolved("stats count(*) as n by bin(300s) as t").contains("bin(60s) as t"))
    for text in ["bin(300s)", "bin(90m)", "bin(25h)", "bin(1001ms)"] {
      #expect(try warnings("stats count(*) by \(text)").count == 1, "\(text)")
    }
    for text in ["bin(60s)", "bin(60m)", "bin(24h)", "bin(1000ms)", "bin(400d)", "bin(5w)"] {
      #expect(try warnings("stats count(*) by \(text)") == [], "\(text)")
    }
  }

  @Test("what is allowed, but hardly meant, is warned about")
  func warned() throws {
    for text in [
      "fields event-name", "filter @message like '%error%'",
      "filter @timestamp > '2024-01-01'", "filter @timestamp > now()",
    ] {
      let found = try warnings(text)
      #expect(found.count == 1, "\(text): \(found)")
    }
    for text in [
      "fields a - b", "filter @message like '50% off'", "filter @timestamp > 1700000000000",
      "filter toMillis(@timestamp) >= now() * 1000 - 7200000",
    ] {
      #expect(try warnings(text) == [], "\(text)")
    }
  }

  @Test("every function takes as many arguments as its table says")
  func arity() {
    func compiles(_ name: String, _ count: Int, aggregate: Bool) -> Bool {
      var arguments = Array(repeating: "a", count: count)
      if ["bin", "datefloor", "dateceil"].contains(name), count > 0 { arguments[count - 1] = "5m" }
      if name == "pct", count > 0 { arguments[count - 1] = "95" }
      let call = "\(name)(\(arguments.joined(separator: ", ")))"
      let text = aggregate ? "stats \(call) as x" : "fields \(call) as x"
      return (try? InsightsProgram.compile(text)) != nil
    }
    for function in InsightsFunction.allCases {
      let allowed = function.arguments
      for count in 0...22 {
        let isAllowed =
          compiles(function.rawValue.uppercased(), count, aggregate: false)
          || compiles(function.rawValue, count, aggregate: false)
        #expect(isAllowed == allowed.contains(count), "\(function) \(count)")
      }
    }
    for aggregate in InsightsAggregate.allCases {
      for count in 0...4 {
        #expect(
          compiles(aggregate.rawValue, count, aggregate: true)
            == aggregate.arguments.contains(count),
          "\(aggregate) \(count)"
        )
      }
    }
  }
}
