import Foundation
import LogModel
import Testing

@testable import Query

/// Answers of the vectors and of small queries, over events in memory.
@Suite("Insights answers")
struct InsightsAnswerTests {
  struct Event {
    var time: Int64? = 1_717_236_000_000
    var message: String
    var stream: String? = "s1"
    var group: String?
  }

  static func rows(
    _ query: String,
    _ events: [Event],
    now: Int64 = 1_717_300_000_000,
    isNewestFirst: Bool = true
  ) throws -> [[String: String]] {
    let program = try InsightsProgram.compile(query)
    var emitted: [[InsightsValue]] = []
    let evaluation = try InsightsEvaluation(
      program,
      text: query,
      now: Timestamp(milliseconds: now),
      isNewestFirst: isNewestFirst,
      emit: { emitted.append($0) }
    )
    for event in events {
      let goesOn = try evaluation.add(
        Array(event.message.utf8).span,
        InsightsEvaluation.Event(
          timestamp: event.time.map { Timestamp(milliseconds: $0) },
          stream: event.stream,
          group: event.group
        )
      )
      if !goesOn { break }
    }
    let table = try evaluation.finish()
    return (emitted + table.rows).map { row in
      var fields: [String: String] = [:]
      for (name, value) in zip(table.columns, row) {
        if let text = value.resultText { fields[name] = String(decoding: text, as: UTF8.self) }
      }
      return fields
    }
  }

  @Test("every vector that is not refused gives its rows", arguments: InsightsVector.all)
  func vector(_ vector: InsightsVector) throws {
    guard var expected = vector.results else {
      #expect(throws: QueryDiagnostic.self) { try InsightsProgram.compile(vector.query) }
      return
    }
    let events = (vector.events ?? []).map {
      Event(time: $0.timestamp, message: $0.message, stream: $0.logStream, group: $0.logGroup)
    }
    var rows = try Self.rows(vector.query, events, now: vector.now ?? 1_717_300_000_000)
    if vector.compare == "subset" {
      try #require(rows.count >= expected.count)
      rows = zip(rows, expected).map { row, wanted in row.filter { wanted[$0.key] != nil } }
    }
    if vector.ordered != true {
      func key(_ row: [String: String]) -> String {
        row.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\u{1}")
      }
      rows.sort { key($0) < key($1) }
      expected.sort { key($0) < key($1) }
    }
    #expect(rows == expected)
  }
}
