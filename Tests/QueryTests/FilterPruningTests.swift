import LogModel
import Testing

@testable import Query

@Suite("Filter patterns over stores")
struct FilterPruningTests {
  /// Messages of ids, in JSON as different writers write it, and as plain text.
  private static func message(_ number: Int, _ random: inout SplitMix) -> [UInt8] {
    let id = "req-\(number * 7_919)-abcdef\(number)"
    let hidden = id.unicodeScalars.map { scalar in
      let digits = String(scalar.value, radix: 16)
      return random.below(9) == 0 ? "\\u00\(digits)" : String(scalar)
    }.joined()
    let text =
      switch random.below(5) {
      case 0: "{\"id\":\"\(hidden)\",\"n\":\(number)}"
      case 1: "{\"id\":\"\\n\(id)\",\"path\":\"\\/api\\/\(number)\",\"n\":\(number).0}"
      case 2: "{\"id\":\"\(id)\",\"n\":\"\(number)\"}"
      case 3: "GET /api/\(number) \"\(id)\" [\(number)]"
      default: "plain \(id) \(number)\nsecond line"
      }
    return Array(text.utf8)
  }

  private static func patterns(_ number: Int) -> [String] {
    let id = "req-\(number * 7_919)-abcdef\(number)"
    return [
      "\"\(id)\"", "?\"\(id)\" ?\"/api/\(number)\"", "-\"\(id)\"", "%abcdef\(number)$%",
      "%\(id)|absent-literal%", "{ $.id = \"\(id)\" }", "{ $.id = \"*-abcdef\(number)\" }",
      "{ $.id = \"req-\(number * 7_919)*\" }", "{ $.id = %\(id)% && $.n = \(number) }",
      "{ $.path = \"/api/\(number)\" || $.id = \"\(id)\" }", "{ $.n = \"\(number)\" }",
      "{ $.absent_property_name NOT EXISTS && $.n = \(number) }", "{ $.absentname = \"\(id)\" }",
      "[..., a = \"\(id)\", b]", "[a, b = *\(number), ...]",
    ]
  }

  @Test("no block is skipped that holds a match, whatever hides it", arguments: [1, 2, 3])
  func pruning(_ seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let fixture = try QueryFixture()
    let messages = (0..<600).map { Self.message($0, &random) }
    for start in stride(from: 0, to: messages.count, by: 50) {
      try fixture.append(
        messages[start..<(start + 50)].enumerated().map { offset, message in
          .init(time: QueryFixture.start + Int64(start + offset), message: message)
        }
      )
    }
    var pruned = 0
    for _ in 0..<12 {
      for pattern in Self.patterns(random.below(640)) {
        let scan = MessageScan(try FilterPatternParser.parse(pattern))
        let expected = try messages.count { try scan.matches($0.span) }
        let query = try fixture.query(pattern)
        let found = try LogSearch(query, reader: try fixture.reader(), workers: 1).count()
        #expect(found.matchedEvents == expected, "\(pattern)")
        pruned += found.prunedBlocks
      }
    }
    #expect(pruned > 100)
  }
}
