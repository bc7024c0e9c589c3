@testable import Query

/// Events of many kinds from a seed: JSON, JSON behind a prefix, logfmt, Lambda's lines, text.
struct RandomEvents {
  var random: SplitMix

  static let groups = ["/docker/api", "/docker/web", "/stp/shop-prod/batch/report/process-logs"]
  static let streams = ["a", "b/1", "worker-7"]
  static let start: Int64 = 1_800_000_000_000_000_000

  /// Times within an hour, many of them equal.
  mutating func events(_ count: Int, groups: Int) -> [ReferenceEvent] {
    var sequences = [Int](repeating: 0, count: groups)
    return (0..<count).map { _ in
      let group = random.below(groups)
      sequences[group] += 1
      return ReferenceEvent(
        nanoseconds: Self.start - Int64(random.below(240)) * 15_000_000_000
          + Int64(random.below(3)) * 1_500_000,
        message: message(),
        stream: random.pick(Self.streams),
        group: Self.groups[group],
        isStderr: random.below(4) == 0,
        // All are written in one instant: then the group decides, then the order in it.
        order: group * 1_000_000 + sequences[group]
      )
    }
  }

  private mutating func message() -> String {
    switch random.below(22) {
    case 0..<10: json()
    case 10..<13: "2027-01-15T08:00:00Z \(random.pick(["INFO", "WARN"])) api: " + json()
    case 13..<15: logfmt()
    case 15..<17: lambda()
    case 17..<19: commaSeparated()
    default: plain()
    }
  }

  private mutating func json() -> String {
    var members: [String] = []
    if random.below(8) > 0 {
      members.append(#""level":"\#(random.pick(["info", "warn", "error", "ERROR"]))""#)
    }
    if random.below(6) > 0 {
      let status = random.pick(["200", "201", "404", "500", #""503""#, #""200""#, "null"])
      members.append(#""status":\#(status)"#)
    }
    if random.below(5) > 0 { members.append(#""latency":\#(number())"#) }
    if random.below(3) > 0 {
      members.append(#""user":{"id":\#(random.below(6)),"name":"\#(random.pick(Self.words))"}"#)
    }
    if random.below(4) == 0 { members.append(#""ok":\#(random.pick(["true", "false"]))"#) }
    if random.below(4) == 0 {
      let items = (0..<random.below(3)).map { _ in #"{"id":\#(random.below(4))}"# }
      members.append(#""items":[\#(items.joined(separator: ","))]"#)
    }
    if random.below(5) == 0 {
      let tags = (0..<random.below(4)).map { _ in random.pick([#""a""#, "7", "true", #""b c""#]) }
      members.append(#""tags":[\#(tags.joined(separator: ", "))]"#)
    }
    if random.below(3) == 0 {
      members.append(#""path":"/\#(random.pick(Self.words))/\#(random.below(3))""#)
    }
    if random.below(6) == 0 { members.append(#""detail-type":"a \"b\" \u0041\n""#) }
    if random.below(9) == 0 { members.append(#""a.b":"dotted""#) }
    return "{" + members.joined(separator: random.below(2) == 0 ? "," : ", ") + "}"
  }

  private mutating func number() -> String {
    switch random.below(6) {
    case 0: "0"
    case 1: "\(random.below(50)).5"
    case 2: "-\(random.below(20))"
    case 3: "\(random.below(100_000))"
    default: "\(random.below(100))"
    }
  }

  private mutating func logfmt() -> String {
    "level=\(random.pick(["info", "error"])) msg=\"\(random.pick(Self.words)) done\""
      + " duration=\(random.below(30)) user=\(random.pick(Self.words))"
  }

  private mutating func commaSeparated() -> String {
    let count = 1 + random.below(4)
    return (0..<count).map { _ in
      switch random.below(5) {
      case 0: #""\#(random.pick(Self.words)), ""\#(random.below(3))"" ""#
      case 1: "\(random.below(40))"
      case 2: ""
      default: random.pick(Self.words)
      }
    }.joined(separator: ",")
  }

  private mutating func lambda() -> String {
    let id = "r-\(random.below(9))"
    switch random.below(3) {
    case 0: return "START RequestId: \(id) Version: $LATEST"
    case 1: return "END RequestId: \(id)"
    default:
      let start = random.below(2) == 0 ? "Init Duration: \(random.below(200)).25 ms\t" : ""
      return "REPORT RequestId: \(id)\tDuration: \(random.below(500)).5 ms\tBilled Duration: "
        + "\(random.below(500)) ms\tMemory Size: 128 MB\tMax Memory Used: \(random.below(128)) MB\t"
        + start
    }
  }

  private mutating func plain() -> String {
    let count = 1 + random.below(6)
    let words = (0..<count).map { _ in random.pick(Self.words) }.joined(separator: " ")
    return random.below(5) == 0 ? words + "\n  at \(random.pick(Self.words)):\(count)" : words
  }

  static let words = [
    "error", "Exception", "timeout", "connected", "user=7", "GET", "größe", "日本", "a|b", "100%",
    "request", "x", "",
  ]
}
