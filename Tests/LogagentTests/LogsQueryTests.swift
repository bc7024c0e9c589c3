import Foundation
import LogModel
import TestSupport
import Testing

@testable import logagent

@Suite("logs --query")
struct LogsQueryTests {
  private let fixture = LogsFixture()

  private func fill() throws {
    try fixture.add(
      LogsFixture.api,
      (0..<60).map { index in
        .init(
          Double(index),
          "{\"status\":\(index % 3 == 0 ? 500 : 200),\"ms\":\(index)}",
          flags: index % 2 == 0 ? .stderr : []
        )
      }
    )
    try fixture.add(LogsFixture.web, [.init(0, "plain")])
  }

  private func lines(_ query: String, _ more: String...) throws -> [String] {
    let answer = try fixture.run(["api", "-q", query] + more)
    #expect(answer.status == 0, "\(answer.message)")
    return answer.lines
  }

  @Test("counts come as an aligned table")
  func table() throws {
    try fill()
    #expect(
      try lines("stats count(*) as n, max(ms) by status | sort status") == [
        "status   n  max(ms)", "   200  40       59", "   500  20       57",
      ]
    )
  }

  @Test("--limit cuts what is printed, the query's own limit counts too")
  func limits() throws {
    try fill()
    #expect(try lines("fields ms | sort ms | limit 5", "-o", "raw") == ["0", "1", "2", "3", "4"])
    #expect(try lines("fields ms | sort ms | limit 5", "-o", "raw", "-n", "2") == ["0", "1"])
    #expect(try lines("fields ms | sort ms", "-o", "raw", "-n", "all").count == 60)
  }

  @Test("--agent and --raw print Stacktape's object", arguments: ["--agent", "--raw"])
  func agent(_ flag: String) throws {
    try fill()
    let text = try lines("stats count(*) as n", flag).joined()
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect(object?["logGroup"] as? String == LogsFixture.api)
    #expect(object?["query"] as? String == "stats count(*) as n")
    #expect((object?["results"] as? [[String: String]]) == [["n": "60"]])
  }

  @Test("several groups, streams and times narrow a query as they do a filter")
  func narrowed() throws {
    try fill()
    #expect(
      try fixture.run("*", "-q", "stats count(*) as n by @resource | sort @resource", "-o", "jsonl")
        .lines == [
          "{\"@resource\":\"api\",\"n\":\"60\"}", "{\"@resource\":\"web\",\"n\":\"1\"}",
        ]
    )
    #expect(try lines("stats count(*) as n", "--stream", "stderr", "-o", "raw") == ["30"])
    let start = LogsFixture.begin / 1_000_000
    #expect(
      try lines(
        "stats count(*) as n",
        "-S",
        "\(start + 10_000)",
        "-U",
        "\(start + 19_000)",
        "-o",
        "raw"
      ) == ["10"]
    )
  }

  @Test("a wrong query ends with 65, the text and a caret")
  func wrong() throws {
    try fill()
    let answer = try fixture.run("api", "-q", "stats cuont(*) by status")
    #expect(answer.status == 65)
    #expect(answer.message.contains("stats cuont(*) by status\n") && answer.message.contains("^"))
    #expect(answer.output.isEmpty)
  }

  @Test("no result is no error, unless that was asked for")
  func empty() throws {
    try fill()
    #expect(try lines("filter ms > 1000 | fields ms", "-o", "jsonl").isEmpty)
    let query = "filter ms > 1000 | fields ms"
    #expect(try fixture.run("api", "-q", query, "--exit-status").status == 1)
    #expect(try fixture.run("api", "-q", "fields ms", "--fail-if-match").status == 1)
  }
}
