import ArgumentParser
import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import logagent

/// `logagent logs` as a person types it, over a store of its own.
@Suite("logs over a store")
struct LogsRunTests {
  private static let api = "/stp/shop-prod/ecs/api/service-container/process-logs"
  private static let web = "/docker/shop/web"
  private let directory = TemporaryDirectory("logs")

  private struct Answer {
    var output: String
    var status: Int32
    var message = ""
  }

  /// Events one a second, the last one a minute ago.
  private func fill() throws {
    var options = StoreOptions(dataDirectory: directory.file("data"))
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    defer { store.close() }
    let now = SystemClock().now()
    for (name, count) in [(Self.api, 200), (Self.web, 5)] {
      var batch = EventBatch(
        group: LogGroup(sanitizing: name),
        stream: LogStream(sanitizing: "\(count)")
      )
      for index in 0..<count {
        batch.append(
          timestamp: Timestamp(
            nanoseconds: now - 60_000_000_000 - Int64(count - index) * 1_000_000_000
          ),
          message: Array("\(index % 10 == 0 ? "ERROR" : "INFO") event \(index)".utf8).span,
          flags: index % 2 == 0 ? .stderr : []
        )
      }
      let submitted = store.submit(batch)
      let ticket = try #require(submitted)
      #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    }
  }

  private func run(_ arguments: String...) throws -> Answer {
    let path = directory.file("out-\(UUID().uuidString)")
    let file = try Descriptor(open: path, O_WRONLY | O_CREAT)
    let parsed = try Logagent.parseAsRoot(
      ["logs", "--data-dir", directory.file("data"), "--quiet"] + arguments
    )
    let command = try #require(parsed as? LogsCommand)
    var answer = Answer(output: "", status: 0)
    do {
      try LogsRun(command.options, follows: command.follow, output: OutputBuffer(file.raw)).run()
    } catch let failure as CommandFailure {
      answer.status = failure.status
      answer.message = failure.message
    } catch let code as ExitCode {
      answer.status = code.rawValue
    }
    answer.output = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: path)),
      as: UTF8.self
    )
    return answer
  }

  private func messages(_ output: String) -> [String] {
    output.split(separator: "\n").map(String.init)
  }

  @Test("the newest 100 come oldest first, --limit and --head choose others")
  func selection() throws {
    try fill()
    let standard = messages(try run("api", "-o", "raw").output)
    #expect(standard.count == 100)
    #expect(standard.first == "ERROR event 100" && standard.last == "INFO event 199")
    #expect(
      messages(try run("api", "-o", "raw", "-n", "2").output) == [
        "INFO event 198", "INFO event 199",
      ]
    )
    #expect(
      messages(try run("api", "-o", "raw", "-n", "2", "--reverse").output)
        == ["INFO event 199", "INFO event 198"]
    )
    #expect(
      messages(try run("api", "-o", "raw", "--head", "2").output) == [
        "ERROR event 0", "INFO event 1",
      ]
    )
    #expect(messages(try run("api", "-o", "raw", "--limit", "all").output).count == 200)
    #expect(messages(try run("api", "-o", "raw", "--limit", "0").output).count == 200)
    #expect(try run("api", "--limit", "many").status == 65)
  }

  @Test("filters, streams and counts narrow the answer")
  func filters() throws {
    try fill()
    #expect(messages(try run("api", "-o", "raw", "-f", "ERROR").output).count == 20)
    #expect(messages(try run("api", "-o", "raw", "-f", "-INFO").output).count == 20)
    #expect(try run("api", "--count", "-f", "INFO", "--stream", "stdout").output == "100\n")
    #expect(try run("*", "--count").output == "205\n")
    #expect(try run("api", "web", "--count").output == "205\n")
    #expect(try run("-rn", "shop/web", "--count").output == "5\n")
    #expect(try run(Self.web, "--count").output == "5\n")
  }

  @Test("--raw is Stacktape's object")
  func raw() throws {
    try fill()
    let answer = try run("api", "--raw", "--limit", "3")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    )
    #expect(Set(object.keys) == ["logGroup", "events"])
    #expect(object["logGroup"] as? String == Self.api)
    let events = try #require(object["events"] as? [[String: Any]])
    #expect(events.compactMap { $0["message"] as? String }.last == "INFO event 199")
    #expect(events.allSatisfy { Set($0.keys) == ["timestamp", "message", "logStream"] })
  }

  @Test("several resources are merged by time and carry their names")
  func prefix() throws {
    try fill()
    let lines = messages(try run("api", "web", "--limit", "4").output)
    #expect(lines.count == 4)
    #expect(
      lines.contains { $0.contains("Z api ") } && lines.contains { $0.contains("Z shop/web ") }
    )
    #expect(lines == lines.sorted())
  }

  @Test("exit codes tell matches, usage, bad patterns and times, and what is not there")
  func statuses() throws {
    try fill()
    #expect(try run("api", "-f", "absent").status == 0)
    #expect(try run("api", "-f", "absent", "--exit-status").status == 1)
    #expect(try run("api", "-f", "ERROR", "--exit-status").status == 0)
    #expect(try run("api", "-f", "ERROR", "--fail-if-match").status == 1)
    #expect(try run("api", "-f", "absent", "--fail-if-match").status == 0)
    let pattern = try run("api", "-f", "a@b")
    #expect(pattern.status == 65 && pattern.message.contains("column 2"))
    #expect(try run("api", "--since", "soon").status == 65)
    #expect(try run("apo").status == 66)
    #expect(try run("x*").status == 66)
    #expect(try run().status == 64)
    let misread = try run("-f", "api")
    #expect(misread.status == 64 && misread.message.contains("--filter"))
    #expect(try run("api", "--data-dir", directory.file("nothing")).status == 66)
  }

  @Test("the range includes its ends to the millisecond, spans count back from --endTime")
  func range() throws {
    try fill()
    let all = try run("api", "-o", "jsonl", "--limit", "all").output.split(separator: "\n")
    let times = try all.map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["timestamp"] as? Int)
    }
    let count = { (arguments: [String]) in
      let answer = try run(
        "api",
        "--count",
        "--startTime",
        arguments[0],
        "--endTime",
        arguments[1]
      )
      return Int(answer.output.dropLast()) ?? -1
    }
    #expect(try count(["\(times[10])", "\(times[19])"]) == 10)
    #expect(try count(["\(times[10] + 1)", "\(times[19] - 1)"]) == 8)
    #expect(try count(["5s", "\(times[19])"]) == 6)
    #expect(try count(["\(times[19])", "\(times[19])"]) == 1)
    let empty = try run("api", "-S", "\(times[19])", "-U", "\(times[10])")
    #expect(empty.status == 65 && empty.message.contains("ends before it starts"))
  }

  @Test("numbers may stand right behind their letter, as grep takes them")
  func joinedNumbers() throws {
    try fill()
    let joined = try run("api", "-o", "raw", "-n50", "-g", "event", "-C1")
    #expect(joined.status == 0)
    #expect(
      try run("api", "-o", "raw", "-n", "50", "-g", "event", "-C", "1").output == joined.output
    )
  }

  @Test("a damaged block is shown as a gap and ends with 74")
  func damage() throws {
    var options = StoreOptions(dataDirectory: directory.file("data"))
    options.ballastBytes = 0
    options.floodBytes = 1_000
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    var batch = EventBatch(
      group: LogGroup(sanitizing: Self.api),
      stream: LogStream(sanitizing: "s")
    )
    let now = SystemClock().now()
    for index in 0..<1_000 {
      batch.append(
        timestamp: Timestamp(nanoseconds: now),
        message: Array("event \(index)".utf8).span
      )
    }
    let submitted = store.submit(batch)
    let ticket = try #require(submitted)
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    store.close()
    let root = directory.file("data") + "/segments"
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    let path = root + "/" + (try #require(names.first { $0.contains(".log") }))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count - 20] ^= 0x55
    try bytes.write(to: URL(fileURLWithPath: path))
    let answer = try run("api")
    #expect(answer.status == 74)
    #expect(answer.output.contains("── gap: 1000 events cannot be read"))
  }
}
