import Foundation
import Testing

/// One case of the query language: events, a query, and the rows that CloudWatch gives.
struct InsightsVector: Decodable, Sendable, CustomStringConvertible {
  struct Event: Decodable, Sendable {
    var timestamp: Int64
    var message: String
    var logStream: String?
    var logGroup: String?
  }

  var events: [Event]?
  var query: String
  /// Absent for a query that is refused.
  var results: [[String: String]]?
  var ordered: Bool?
  var error: Bool?
  /// `low`: the source is not sure.
  var confidence: String?
  /// `subset`: of the result's fields only those given are compared.
  var compare: String?
  /// Milliseconds since 1970.
  var now: Int64?
  var note: String?

  var description: String { query }

  static let all: [InsightsVector] = {
    do {
      let text = try String(contentsOf: TestFiles.vectors("insights.jsonl"), encoding: .utf8)
      return try text.split(separator: "\n").map { line in
        try JSONDecoder().decode(InsightsVector.self, from: Data(line.utf8))
      }
    } catch {
      Issue.record("cannot read the vectors: \(error)")
      return []
    }
  }()
}

/// Files beside the tests.
enum TestFiles {
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static func vectors(_ name: String) -> URL { tests.appending(path: "Vectors/\(name)") }
  static func golden(_ name: String) -> URL { tests.appending(path: "Golden/\(name)") }
}
