import Testing

@testable import Query

/// The reference evaluator is itself held against the vectors.
@Suite("Reference evaluator")
struct ReferenceTests {
  /// What it does not have, because random queries do not use it.
  private static let absent = [
    "pattern", "fillmissing", "sqrt", "round", "rtrim", "ltrim", "regexReplace", "urlencode",
    "base64decode", "hexToDec", "decToHex", "md5", "sha256", "toNumber", "toInt", "toLong",
    "isValidIp", "InSubnet", "ipv4ToNumber", "isPrivateIP", "1mo", "fromMillis", "median",
    "jsonStringify",
  ]

  private static let vectors = InsightsVector.all.filter { vector in
    vector.error != true && !absent.contains { vector.query.contains($0) }
  }

  @Test("it answers the vectors as CloudWatch does", arguments: vectors)
  func vector(_ vector: InsightsVector) throws {
    let events = (vector.events ?? []).enumerated().map { order, event in
      ReferenceEvent(
        nanoseconds: event.timestamp * 1_000_000,
        message: event.message,
        stream: event.logStream ?? "s",
        group: event.logGroup ?? "g",
        order: order
      )
    }
    let program = try InsightsProgram.compile(vector.query)
    let now = Double(vector.now ?? 1_717_236_000_000) / 1_000
    let rows = ReferenceQuery(events: events, now: now, groups: ["g"]).run(program.query)
    #expect(vector.accepts(rows), "\(rows)")
  }

  @Test("most vectors are covered")
  func coverage() {
    #expect(Self.vectors.count > 110)
  }
}

extension InsightsVector {
  /// Whether these are the expected rows: in order if the vector is ordered.
  func accepts(_ rows: [[String: String]]) -> Bool {
    guard var rest = results, rest.count == rows.count else { return false }
    if ordered == true {
      return zip(rows, rest).allSatisfy { isSame($0, $1) }
    }
    for row in rows {
      guard let place = rest.firstIndex(where: { isSame(row, $0) }) else { return false }
      rest.remove(at: place)
    }
    return true
  }

  private func isSame(_ row: [String: String], _ expected: [String: String]) -> Bool {
    if compare == "subset" { return expected.allSatisfy { row[$0.key] == $0.value } }
    return row.filter { $0.key != "@ptr" } == expected
  }
}
