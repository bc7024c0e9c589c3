@testable import Query

/// Queries from a seed that mean something for `RandomEvents`.
struct RandomQueries {
  var random: SplitMix

  /// How a result may be compared.
  enum Order {
    /// Row by row.
    case exact
    /// As a bag of rows.
    case none
    /// As many rows, each of them one of the unlimited query's.
    case any
  }

  struct Query {
    var text: String
    var order: Order
    /// Whether it compares with a time window before: then there must be one.
    var needsStart = false
  }

  mutating func query() -> Query {
    switch random.below(20) {
    case 0..<10: rows()
    case 10..<17: stats()
    case 17: patterns()
    default: joined()
    }
  }

  // MARK: rows

  private mutating func rows() -> Query {
    var commands: [String] = []
    var order = Order.exact
    for _ in 0..<random.below(3) { commands.append("filter " + condition(depth: 2)) }
    if random.below(3) == 0 { commands.append(parse()) }
    if random.below(6) == 0 { commands.append("filter ispresent(p1) or p2 > 3") }
    if random.below(3) > 0 {
      commands.append("fields @timestamp, @message, " + column("c1") + ", " + column("c2"))
      if random.below(3) == 0 { commands.append("filter " + condition(depth: 1)) }
    }
    if random.below(5) == 0 { commands += expansion() }
    if random.below(12) == 0 { commands.append("filter \(subquery())") }
    if random.below(2) == 0 { commands.append("sort " + sortKeys()) }
    if random.below(16) == 0 {
      commands.append("filldown" + random.pick(["", " level", " c*", " @message, level, *1"]))
    }
    switch random.below(8) {
    case 0: commands.append("dedup " + random.pick(["level", "status", "user.id, level"]))
    case 1: commands.append("display @timestamp, \(numberField()), \(textField()), " + column("d"))
    default: break
    }
    switch random.below(10) {
    case 0..<5: commands.append("limit \(1 + random.below(20))")
    case 5 where !commands.contains { $0.hasPrefix("sort") || $0.hasPrefix("dedup") }:
      commands.append("limit any \(1 + random.below(20))")
      order = .any
    default: break
    }
    if commands.isEmpty { commands.append("fields @message") }
    return Query(text: commands.joined(separator: " | "), order: order)
  }

  /// Maps and lists in the row, or several rows of one.
  private mutating func expansion() -> [String] {
    switch random.below(6) {
    case 0:
      let names = "lf.msg, lf.duration, lf.level, lf.user, lf.none"
      return ["parse @message logfmt as lf", "display @timestamp, @message, \(names)"]
    case 1: return ["parse @message csv as p1, p2, p3"]
    case 2: return ["unnest items into item", "display @timestamp, item.id, level"]
    case 3:
      let condition = random.pick(["tag = \"a\"", "ispresent(tag)", "tag > 3", "tag != 7"])
      return ["unnest tags into tag", "filter \(condition)", "display @timestamp, tag, user.name"]
    case 4:
      return [
        "fields jsonParse(@message) as js", "unnest js.items into item",
        "display @timestamp, item.id, js.level, js.user.name",
      ]
    default:
      let pattern = random.pick([
        #"/(?<p1>[a-z]+)=(?<p2>[^ ]+)/"#, #"/\"(?<p1>[a-z]+)\":(?<p2>\d+)/"#, "/(?<p1>[a-z]*)/",
        "/(?<p1>größe|[0-9])/",
      ])
      return ["parse @message \(pattern) multi", "fields @timestamp, p1"]
    }
  }

  private mutating func source() -> String {
    switch random.below(4) {
    case 0: "SOURCE '\(random.pick(RandomEvents.groups))'"
    case 1: "SOURCE '\(RandomEvents.groups[0])', '\(RandomEvents.groups[1])'"
    case 2: "SOURCE logGroups(namePrefix: ['/docker'])"
    default: "SOURCE logGroups()"
    }
  }

  /// A condition with a query in it.
  private mutating func subquery() -> String {
    let field = random.pick(["user.id", "level", "status", "path", "@logStream"])
    let inner =
      switch random.below(3) {
      case 0: "filter \(condition(depth: 1)) | fields \(field)"
      case 1: "stats count(*) as n by \(field) as k | filter n > \(random.below(8)) | display k"
      default: "filter \(condition(depth: 0)) | sort @timestamp desc | display \(field) | limit 4"
      }
    return "\(field) \(random.pick(["in", "in", "not in"])) (\(source()) | \(inner))"
  }

  // MARK: join

  private mutating func joined() -> Query {
    var commands: [String] = []
    if random.below(3) == 0 { commands.append("SOURCE '\(random.pick(RandomEvents.groups))'") }
    if random.below(2) == 0 { commands.append("filter " + condition(depth: 0)) }
    if random.below(3) == 0 { commands.append("fields latency * 2 as twice") }
    let (left, right) = random.pick([
      ("a.path", "b.path"), ("a.user.id", "b.latency"), ("a.@requestId", "b.@requestId"),
      ("b.latency", "a.latency"), ("a.user.id", "b.n"),
    ])
    let inner =
      switch random.below(3) {
      case _ where right == "b.n": "stats max(latency) as n, count(*) as c by level"
      case 0: "filter \(condition(depth: 1))"
      case 1: "fields coalesce(level, \"none\") as level, latency + 1 as more"
      default: "parse path \"/*/*\" as p1, p2"
      }
    let kind = random.pick(["", "type=inner ", "type=left "])
    commands.append("join \(kind)left=a right=b where \(left) = \(right) (\(source()) | \(inner))")
    let condition = random.pick([
      "b.latency > 3", "not ispresent(b.level)", "a.level = b.level", "a.user.id < b.user.id",
      "b.c > 1", "ispresent(a.twice)",
    ])
    if random.below(3) == 0 { commands.append("filter \(condition)") }
    let columns = "@timestamp, a.level, b.level, b.latency, a.user.id, a.twice, b.more, b.p1, b.c"
    switch random.below(4) {
    case 0:
      commands.append("stats count(*) as n, max(b.latency) as m by a.level, b.level")
      return Query(text: commands.joined(separator: " | "), order: .none)
    case 1:
      commands.append("limit \(1 + random.below(30)) | display \(columns)")
      return Query(text: commands.joined(separator: " | "), order: .any)
    case 2: commands.append("sort \(random.pick(["a.latency", "b.level desc", "@timestamp"]))")
    default: break
    }
    commands.append("display \(columns)")
    return Query(text: commands.joined(separator: " | "), order: .none)
  }

  // MARK: patterns

  private mutating func patterns() -> Query {
    var commands: [String] = []
    if random.below(2) == 0 { commands.append("filter " + condition(depth: 1)) }
    commands.append("pattern " + random.pick(["@message", "@message", "path", text(depth: 1)]))
    let isDiff = random.below(2) == 0
    if isDiff { commands.append("diff") }
    if random.below(4) == 0 { commands.append("filter @sampleCount > 1") }
    var query = Query(text: "", order: .none, needsStart: isDiff)
    if random.below(2) == 0 {
      commands.append("sort @sampleCount desc, @pattern | limit \(1 + random.below(9))")
      query.order = .exact
    }
    query.text = commands.joined(separator: " | ")
    return query
  }

  private mutating func sortKeys() -> String {
    let keys = (0...random.below(2)).map { _ in
      let key =
        random.below(3) == 0 ? "@timestamp" : random.below(2) == 0 ? numberField() : textField()
      return key + random.pick(["", " asc", " desc", " desc"])
    }
    return keys.joined(separator: ", ")
  }

  private mutating func column(_ name: String) -> String {
    switch random.below(4) {
    case 0: numberField()
    case 1: textField()
    case 2: number(depth: 2) + " as \(name)"
    default: text(depth: 1) + " as \(name)"
    }
  }

  private mutating func parse() -> String {
    switch random.below(6) {
    case 0: #"parse @message "user=* " as p1"#
    case 1: #"parse "* *" as p1, p2"#
    case 2: #"parse @message /(?<p1>[a-z]+) (?<p2>\d+)/"#
    case 3: #"parse path "/*/*" as p1, p2"#
    case 4: #"parse @message /(\d+)/ as p2"#
    default: #"parse @logStream "*/*" as p1, p2"#
    }
  }

  // MARK: stats

  private mutating func stats() -> Query {
    var commands: [String] = []
    for _ in 0..<random.below(2) { commands.append("filter " + condition(depth: 1)) }
    if random.below(4) == 0 { commands.append(parse()) }
    if random.below(4) == 0 { commands.append("fields \(number(depth: 1)) as f") }
    let keys = (0..<random.below(3)).map { index in key("k\(index)") }
    let items = (0...random.below(3)).map { index in aggregate() + " as s\(index)" }
    var text = "stats " + items.joined(separator: ", ")
    if !keys.isEmpty {
      text += " by " + keys.joined(separator: ", ")
      if keys.contains(where: { $0.hasPrefix("bin") }), random.below(6) == 0 {
        text += " offset 45s"
      }
    }
    commands.append(text)
    if keys.contains(where: { $0.hasPrefix("bin") }), random.below(3) == 0 {
      commands.append("fillmissing" + random.pick([" with 0 for s0", "", " with 1 + 1 for s0"]))
    }
    if random.below(3) == 0 { commands.append("filter s0 \(random.pick([">", "<=", "!="])) 2") }
    if random.below(4) == 0 { commands.append("fields s0 * 2 as double") }
    var names = keys.indices.map { "k\($0)" }
    if !keys.isEmpty, random.below(6) == 0 {
      commands.append("stats sum(s0) as total, count(*) as s0 by k0")
      names = ["k0"]
    }
    // With all keys the order is known: no two groups are equal in them.
    guard !names.isEmpty, random.below(2) == 0 else {
      return Query(text: commands.joined(separator: " | "), order: .none)
    }
    let first = random.below(2) == 0 ? "s0 desc, " : ""
    commands.append("sort " + first + names.joined(separator: ", "))
    if random.below(2) == 0 { commands.append("limit \(1 + random.below(5))") }
    return Query(text: commands.joined(separator: " | "), order: .exact)
  }

  private mutating func key(_ name: String) -> String {
    switch random.below(7) {
    case 0: "bin(\(random.pick(["5m", "1m", "30s", "1h"]))) as \(name)"
    case 1: "level as \(name)"
    case 2: "status as \(name)"
    case 3: "user.id as \(name)"
    case 4: "ispresent(latency) as \(name)"
    case 5: "@logStream as \(name)"
    default: "coalesce(level, @type, \"none\") as \(name)"
    }
  }

  private mutating func aggregate() -> String {
    switch random.below(14) {
    case 0, 1: "count(*)"
    case 2: "count(\(random.pick(["status", "user.name", "@type"])))"
    case 3: "sum(\(number(depth: 1)))"
    case 4: "avg(latency)"
    case 5: "min(\(numberField()))"
    case 6: "max(\(numberField()))"
    case 7: "pct(latency, \(random.pick(["50", "90", "99.9", "0", "100"])))"
    case 8: "count_distinct(\(random.pick(["user.id", "level", "@logStream"])))"
    case 9: "sum(\(condition(depth: 0)))"
    case 10: "earliest(\(textField()))"
    case 11: "latest(\(numberField()))"
    case 12: "sum(latency) / count(*) * 100"
    default: "max(latency) - min(latency)"
    }
  }

  // MARK: expressions

  private mutating func numberField() -> String {
    random.pick([
      "latency", "status", "user.id", "items.0.id", "missing", "@duration", "ok", "@maxMemoryUsed",
    ])
  }

  private mutating func textField() -> String {
    random.pick([
      "level", "user.name", "@message", "@logStream", "path", "`detail-type`", "a.b", "nope.x",
      "@type", "@requestId",
    ])
  }

  private mutating func number(depth: Int) -> String {
    guard depth > 0 else {
      return random.below(3) == 0 ? "\(random.below(10))" : numberField()
    }
    switch random.below(9) {
    case 0:
      let sign = random.pick(["+", "-", "*", "/", "%"])
      return "(\(number(depth: depth - 1)) \(sign) \(number(depth: depth - 1)))"
    case 1: return "abs(\(number(depth: depth - 1)))"
    case 2: return "greatest(\(number(depth: depth - 1)), \(random.below(50)))"
    case 3: return "least(\(number(depth: depth - 1)), \(number(depth: depth - 1)))"
    case 4: return "coalesce(\(numberField()), \(number(depth: depth - 1)))"
    case 5: return "strlen(\(text(depth: depth - 1)))"
    case 6: return "floor(\(number(depth: depth - 1)) / 3)"
    case 7: return "if(\(condition(depth: 0)), \(numberField()), \(random.below(5)))"
    default: return numberField()
    }
  }

  private mutating func text(depth: Int) -> String {
    guard depth > 0 else { return textField() }
    switch random.below(5) {
    case 0: return "concat(\(textField()), \"-\", \(textField()))"
    case 1: return "toupper(level)"
    case 2: return "replace(\(textField()), \"e\", \"\")"
    case 3: return "coalesce(\(textField()), \"none\")"
    default: return textField()
    }
  }

  private mutating func condition(depth: Int) -> String {
    if depth > 0 {
      switch random.below(6) {
      case 0: return "(\(condition(depth: depth - 1)) and \(condition(depth: depth - 1)))"
      case 1: return "(\(condition(depth: depth - 1)) or \(condition(depth: depth - 1)))"
      case 2: return "not \(condition(depth: depth - 1))"
      default: break
      }
    }
    switch random.below(14) {
    case 0, 1:
      let sign = random.pick(["=", "!=", "<", "<=", ">", ">="])
      return "\(number(depth: depth)) \(sign) \(random.below(60))"
    case 2: return "status \(random.pick(["=", "!="])) \(random.pick(["200", "\"200\"", "503"]))"
    case 3: return "level \(random.pick(["=", "!="])) \"\(random.pick(["error", "info", "x"]))\""
    case 4: return "ispresent(\(random.below(2) == 0 ? numberField() : textField()))"
    case 5, 6:
      let sign = random.pick(["like", "not like"])
      return "\(textField()) \(sign) \"\(random.pick(RandomEvents.words))\""
    case 7, 8:
      let expression = random.pick([
        "/err/", "/(?i)ERROR/", "/[0-9]+$/", "/^GET|timeout/", "/user=\\d/", "/größe|日/",
      ])
      return "@message \(random.pick(["like", "=~", "not like"])) \(expression)"
    case 9: return "status in [200, \"404\", 503]"
    case 10: return "level not in [\"error\", \"info\"]"
    case 11: return "strcontains(@message, \"\(random.pick(RandomEvents.words))\")"
    case 12: return "startsWith(\(textField()), \"e\")"
    default: return "@logStream = \"\(random.pick(RandomEvents.streams))\""
    }
  }
}
