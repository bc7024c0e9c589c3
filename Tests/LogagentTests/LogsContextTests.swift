import Foundation
import LogModel
import Query
import Store
import TestSupport
import Testing

@testable import logagent

@Suite("Events around matches")
struct LogsContextTests {
  private let fixture = LogsFixture()

  /// Two streams that write in turn: `a0 b0 a1 b1 …`, `hit` where told.
  private func fill(_ hits: Set<String> = ["a3", "a4", "b8"], commits: Int = 1) throws {
    var events: [LogsFixture.Event] = []
    for index in 0..<10 {
      for stream in ["a", "b"] {
        let name = "\(stream)\(index)"
        events.append(
          .init(
            Double(index) + (stream == "b" ? 0.5 : 0),
            hits.contains(name) ? "hit \(name)" : name,
            stream: stream
          )
        )
      }
    }
    let size = events.count / commits
    for start in stride(from: 0, to: events.count, by: size) {
      try fixture.add(LogsFixture.api, Array(events[start..<min(start + size, events.count)]))
    }
  }

  private func shown(_ arguments: String...) throws -> [String] {
    try fixture.run(["api", "-g", "hit", "-t", "none", "-o", "plain"] + arguments).lines
  }

  @Test("neighbours are those of the same stream, hunks are apart", arguments: [1, 4, 20])
  func hunks(_ commits: Int) throws {
    try fill(commits: commits)
    #expect(
      try shown("-C", "1") == ["a2", "hit a3", "hit a4", "a5", "--", "b7", "hit b8", "b9"]
    )
    #expect(try shown("-A", "2") == ["hit a3", "hit a4", "a5", "a6", "--", "hit b8", "b9"])
    #expect(try shown("-B", "2") == ["a1", "a2", "hit a3", "hit a4", "--", "b6", "b7", "hit b8"])
    #expect(
      try shown("-C", "1", "-n", "all") == [
        "a2", "hit a3", "hit a4", "a5", "--", "b7", "hit b8", "b9",
      ]
    )
  }

  @Test("surroundings that overlap or touch are one, those that do not have a separator")
  func joined() throws {
    try fill(["a1", "a4", "a8"])
    #expect(
      try shown("-C", "1", "--limit", "all") == [
        "a0", "hit a1", "a2", "a3", "hit a4", "a5", "--", "a7", "hit a8", "a9",
      ]
    )
    #expect(
      try shown("-C", "2", "--limit", "all") == [
        "a0", "hit a1", "a2", "a3", "hit a4", "a5", "a6", "a7", "hit a8", "a9",
      ]
    )
  }

  @Test("the limit counts matches; one that it left out may be seen as a neighbour")
  func limit() throws {
    try fill()
    #expect(try shown("-C", "1", "-n", "1") == ["b7", "hit b8", "b9"])
    #expect(
      try shown("-B", "1", "-n", "2") == ["hit a3", "hit a4", "--", "b7", "hit b8"]
    )
    let lines = try fixture.run(
      "api",
      "-g",
      "hit",
      "-o",
      "jsonl",
      "-B",
      "1",
      "-n",
      "2"
    ).lines
    #expect(lines.count == 4)
    #expect(lines[0].contains("hit a3") && lines[0].contains("\"context\":true"))
    #expect(lines[1].contains("hit a4") && !lines[1].contains("context"))
  }

  @Test("neighbours are shown whatever filter and time say, matches are told from them")
  func marks() throws {
    try fill()
    let lines = try fixture.run(
      "api",
      "-g",
      "hit",
      "-C",
      "1",
      "--log-stream",
      "b",
      "-o",
      "plain",
      "-t",
      "unix"
    ).lines
    #expect(lines.count == 3)
    #expect(lines[0].hasSuffix("- b7") && lines[1].hasSuffix(": hit b8"))
    let start = LogsFixture.begin / 1_000_000 + 8_500
    let narrow = try fixture.run(
      "api",
      "-g",
      "hit",
      "-C",
      "1",
      "--since",
      "\(start)",
      "--until",
      "\(start)",
      "-o",
      "raw"
    ).lines
    #expect(narrow == ["b7", "hit b8", "b9"])
  }

  @Test("no match is lost where events came late and out of order")
  func outOfOrder() throws {
    try fixture.add(
      LogsFixture.api,
      [.init(9, "hit late"), .init(10, "x"), .init(1, "hit early"), .init(2, "y")]
    )
    let hunks = ["hit early", "y", "--", "hit late", "x"]
    #expect(try shown("-A", "1") == hunks)
    #expect(try shown("-A", "1", "-n", "all") == hunks)
  }

  @Test("--raw tells neighbours by a key of their own")
  func raw() throws {
    try fill()
    let answer = try fixture.run("api", "-g", "hit", "-A", "1", "--raw", "-n", "1")
    let object = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    let events = try #require(object?["events"] as? [[String: Any]])
    #expect(events.compactMap { $0["message"] as? String } == ["hit b8", "b9"])
    #expect(events[0]["context"] == nil && events[1]["context"] as? Bool == true)
  }

  @Test("a follower sees what comes behind a match later, and nothing twice")
  func following() throws {
    try fixture.add(LogsFixture.api, [.init(0, "a"), .init(1, "hit b")])
    let reader = try StoreReader(dataDirectory: fixture.data)
    var query = LogQuery(
      groups: try reader.groups(),
      from: .distantPast,
      through: .distantFuture,
      now: Timestamp(nanoseconds: LogsFixture.begin)
    )
    query.pattern = try FilterPatternParser.parse("hit")
    let lines = ContextLines(query, reader: reader, sides: (before: 1, after: 2))
    var seen: [String] = []
    func take(_ item: EventContext.Item) {
      let text = String(decoding: item.event.message, as: UTF8.self)
      seen.append((item.isNeighbour ? "" : "--") + (item.isContext ? "-" : ":") + text)
    }
    _ = try lines.run(try LogSearch(query, reader: reader, workers: 1), isReversed: false) {
      take($0)
      return true
    }
    #expect(seen == ["---a", ":hit b"])
    let groups = try reader.groups()
    let follow = LogFollow(
      query,
      reader: reader,
      next: Dictionary(uniqueKeysWithValues: groups.map { ($0.id, $0.nextSequence) })
    ) { $0 }
    _ = try lines.follow(follow, now: query.now) { take($0) }
    seen = []
    try fixture.add(LogsFixture.api, [.init(2, "c")])
    _ = try lines.follow(follow, now: query.now) { take($0) }
    #expect(seen == ["-c"])
    try fixture.add(
      LogsFixture.api,
      [.init(3, "hit d"), .init(4, "e"), .init(5, "f"), .init(6, "g")]
    )
    _ = try lines.follow(follow, now: query.now) { take($0) }
    #expect(seen == ["-c", ":hit d", "-e", "-f"])
    try fixture.add(LogsFixture.api, [.init(7, "hit h")])
    _ = try lines.follow(follow, now: query.now) { take($0) }
    #expect(seen == ["-c", ":hit d", "-e", "-f", "-g", ":hit h"])
  }

  @Test("a count of neighbours that is none is refused", arguments: ["-1", "10001", "x"])
  func refused(_ count: String) throws {
    #expect {
      _ = try Logagent.parseAsRoot(["logs", "api", "-C", count])
    } throws: {
      Logagent.exitCode(for: $0).rawValue == 64
    }
  }
}
