import Foundation
import LogModel
import Query
import TestSupport
import Testing

@testable import logagent

@Suite("What logs looks for")
struct LogsMatchTests {
  private let fixture = LogsFixture()

  private func fill() throws {
    let words = [
      "INFO request 1 took 5ms", "ERROR payment failed user=u-1", "WARN slow query 812ms",
      "{\"level\":\"error\",\"msg\":\"card declined\",\"status\":402}", "debug: cache miss",
      "plain text", "error connecting to db",
    ]
    try fixture.add(
      LogsFixture.api,
      words.enumerated().map { index, word in
        .init(Double(index), word, flags: index % 2 == 1 ? .stderr : [])
      }
    )
  }

  private func count(_ arguments: String...) throws -> Int {
    Int(try fixture.run(["api", "--count"] + arguments).lines.first ?? "") ?? -1
  }

  @Test("regular expressions narrow the answer, all of them, and exclusions take away")
  func expressions() throws {
    try fill()
    #expect(try count("-g", "[0-9]+ms$") == 2)
    #expect(try count("--grep", "(?i)error") == 3)
    #expect(try count("--grep", "error", "-i") == 3)
    #expect(try count("-g", "error", "-i", "-g", "user=") == 1)
    #expect(try count("-e", "ms$") == 5)
    #expect(try count("-e", "ms$", "--exclude", "error", "-i") == 2)
    #expect(try count("-g", "-", "-g", "u-1") == 1)
    #expect(try count("-f", "ERROR", "-g", "^ERROR") == 1)
  }

  @Test("the limit counts what matches, not what is read")
  func limit() throws {
    try fixture.add(
      LogsFixture.api,
      (0..<500).map { .init(Double($0) / 100, $0 % 100 == 0 ? "hit \($0)" : "miss \($0)") }
    )
    #expect(
      try fixture.run("api", "-g", "^hit", "-n", "3", "-o", "raw").lines == [
        "hit 200", "hit 300", "hit 400",
      ]
    )
    #expect(
      try fixture.run("api", "-g", "^hit", "--head", "2", "-o", "raw").lines == [
        "hit 0", "hit 100",
      ]
    )
  }

  @Test(
    "a bad expression ends with 65 and a caret",
    arguments: [("-g", "a(b", 4), ("-e", "[z-a]", 4), ("--grep", "*x", 1)]
  )
  func badExpression(_ flag: String, _ text: String, _ column: Int) throws {
    try fill()
    let answer = try fixture.run("api", flag, text)
    #expect(answer.status == 65)
    #expect(answer.output.isEmpty)
    #expect(answer.message.contains("  \(text)\n"), "\(answer.message)")
    #expect(answer.message.contains("^"))
  }

  @Test("an expression that never ends is given up with 65")
  func endless() throws {
    try fixture.add(LogsFixture.api, [.init(0, String(repeating: "a", count: 5_000) + "b")])
    let answer = try fixture.run("api", "-g", "^(a+)+$")
    #expect(answer.status == 65)
    #expect(answer.message.contains("given up"))
    #expect(answer.help.contains("repeat"))
    let count = try fixture.run("api", "-g", "^(a+)+$", "--count")
    #expect(count.status == 65 && count.output.isEmpty)
  }

  @Test("levels are those of the messages, a plus takes the worse ones in")
  func levels() throws {
    try fill()
    #expect(try count("--level", "error") == 3)
    #expect(try count("--level", "error,warn") == 4)
    #expect(try count("--level", "warn+") == 4)
    #expect(try count("--level", "WARNING,debug") == 2)
    #expect(try count("--level", "trace+") == 6)
  }

  @Test("a log stream may be a pattern")
  func streams() throws {
    try fixture.add(
      LogsFixture.api,
      [
        .init(0, "a", stream: "ecs/web/1"), .init(1, "b", stream: "ecs/web/2"),
        .init(2, "c", stream: "other"),
      ]
    )
    #expect(try count("--log-stream", "ecs/*") == 2)
    #expect(try count("--log-stream", "other") == 1)
  }

  @Test("--stats tells what was read")
  func statistics() {
    var statistics = QueryStatistics()
    statistics.matchedEvents = 12
    statistics.scannedEvents = 5_000
    statistics.blocks = 41
    statistics.prunedBlocks = 39
    statistics.scannedBytes = 4_100_000
    #expect(
      statistics.text(nanoseconds: 9_400_000)
        == "12 matched of 5000 read · blocks 2 read, 39 pruned · 4.1 MB in 9 ms"
    )
  }
}
