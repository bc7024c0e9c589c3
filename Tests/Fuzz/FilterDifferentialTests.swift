import Testing

@testable import Query

@Suite("Filter patterns against a naive evaluator")
struct FilterDifferentialTests {
  @Test(arguments: 0..<8)
  func `random patterns say of random messages what the naive evaluator says`(seed: Int) {
    var random = FilterRandom(seed: UInt64(seed) &* 7_919 &+ 1)
    var matched = 0
    var accepted = 0
    for _ in 0..<400 {
      let messages = (0..<24).map { _ in random.message() }
      guard let count = FilterCheck.check(random.pattern(), messages) else { continue }
      accepted += 1
      if count > 0 { matched += 1 }
    }
    #expect(accepted > 300)
    #expect(matched > 100)
  }

  @Test func `patterns that were damaged are refused or mean one thing`() {
    var random = FilterRandom(seed: 99)
    for _ in 0..<3_000 {
      var pattern = Array(random.pattern().unicodeScalars)
      for _ in 0...random.below(2) where !pattern.isEmpty {
        let place = random.below(pattern.count)
        switch random.below(3) {
        case 0: pattern.remove(at: place)
        case 1:
          pattern.insert(random.pick(Array("\"%[]{}()$.*?-&|=!<>, \\é".unicodeScalars)), at: place)
        default: pattern.swapAt(place, random.below(pattern.count))
        }
      }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: pattern)
      FilterCheck.check(String(view), [random.message(), random.message()])
    }
  }
}

/// Patterns and messages from a seed, of so few words that they meet.
struct FilterRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  private let words = ["ERROR", "a", "ab", "404", "x/y", "é", "5", "1e1", "10", "true", "", "b\"c"]
  private let names = ["a", "b", "a b", "é"]

  mutating func pattern() -> String {
    switch below(4) {
    case 0: terms()
    case 1: "%\(regex())%"
    case 2: "{ \(condition(depth: 0)) }"
    default: "[\((0...below(3)).map { _ in slot() }.joined(separator: ", "))]"
    }
  }

  private mutating func terms() -> String {
    let signs = pick([["", "", "-"], ["?"], ["", "?", "-"]])
    return (0...below(2)).map { _ in pick(signs) + quoted(pick(words)) }.joined(separator: " ")
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
  }

  private mutating func regex() -> String {
    (0...below(3)).map { _ in
      pick(["a", "b", "4", ".", "[ab]", "[^a]", "\\d", "\\x22", "ERR", "\\s", "\\W"])
        + pick(["", "", "", "*", "+", "?", "{2}", "{,1}"]) + pick(["", "", "", "", "|", "$", "^"])
    }.joined()
  }

  private mutating func condition(depth: Int) -> String {
    if depth < 3, below(3) == 0 {
      let sign = pick([" && ", " || "])
      return "(" + condition(depth: depth + 1) + sign + condition(depth: depth + 1) + ")"
    }
    return selector() + " "
      + pick([comparison(), comparison(), comparison(), "IS NULL", "IS TRUE", "NOT EXISTS"])
  }

  private mutating func selector() -> String {
    var text = "$"
    for step in 0...below(2) {
      let name = ".['\(pick(names))']"
      text += step == 0 ? pick([name, name, name, ".*"]) : pick([name, "[0]", "[1]", "[*]", ".*"])
    }
    return text
  }

  private mutating func comparison() -> String {
    switch below(5) {
    case 0:
      pick(["=", "!=", "<", ">", "<=", ">="]) + " " + pick(["5", "10", "1e1", "-0", "404.0"])
    case 1: pick(["=", "!="]) + " %\(regex())%"
    case 2: pick(["=", "!="]) + " " + pick(["true", "ab", "*a", "4*", "*", "*b*", "x/y", "é"])
    default: pick(["=", "!="]) + " " + quoted(pick(["", "*"]) + pick(words) + pick(["", "*"]))
    }
  }

  private mutating func slot() -> String {
    switch below(5) {
    case 0: "..."
    case 1: pick(["", "w"])
    case 2: "w \(comparison()) || w \(comparison())"
    case 3: "w \(comparison()) && w \(comparison())"
    default: "w \(comparison())"
    }
  }

  mutating func message() -> [UInt8] {
    switch below(5) {
    case 0, 1: return Array(json(depth: 0).utf8)
    case 2:
      return Array(json(depth: 0).utf8) + [UInt8(truncatingIfNeeded: next())]
    default:
      let parts = (0...below(5)).map { _ in
        pick(["", "[", "\"", ""]) + pick(words) + pick(["", "]", "\"", ""])
      }
      var bytes = Array(parts.joined(separator: pick([" ", "\t", "\n", "  "])).utf8)
      if below(8) == 0 { bytes.append(0xFF) }
      return bytes
    }
  }

  private mutating func json(depth: Int) -> String {
    switch below(depth == 0 ? 4 : depth > 2 ? 7 : 9) {
    case 0...3 where depth == 0, 7:
      let members = (0...below(4)).map { _ in
        jsonString(pick(names)) + pick([":", " : "]) + json(depth: depth + 1)
      }
      return "{" + members.joined(separator: pick([",", ", "])) + "}"
    case 8:
      return "[" + (0...below(2)).map { _ in json(depth: depth + 1) }.joined(separator: ",") + "]"
    case 4: return pick(["null", "true", "false"])
    case 5, 6:
      return pick(["5", "10", "1e1", "0.1E2", "404", "-0.0", "404.00", "12345678901234567890"])
    default: return jsonString(pick(words))
    }
  }

  /// A JSON string, some of its characters escaped for no reason.
  private mutating func jsonString(_ text: String) -> String {
    "\""
      + text.unicodeScalars.map { scalar -> String in
        if scalar == "\"" { return pick(["\\\"", "\\u0022"]) }
        if scalar == "/" { return pick(["/", "\\/"]) }
        guard below(6) == 0 else { return String(scalar) }
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined() + "\""
  }
}
