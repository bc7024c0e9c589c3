import ArgumentParser
import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import logagent

/// A store of its own, and `logagent logs` as a person types it.
struct LogsFixture {
  static let api = "/stp/shop-prod/ecs/api/service-container/process-logs"
  static let web = "/docker/shop/web"

  let directory = TemporaryDirectory("logs")
  var data: String { directory.file("data") }

  struct Event {
    var time: Int64
    var message: [UInt8]
    var stream = "s"
    var flags: EventFlags = []
    var originalBytes: UInt64?

    /// `seconds` are counted from `LogsFixture.begin`.
    init(_ seconds: Double, _ text: String, stream: String = "s", flags: EventFlags = []) {
      time = LogsFixture.begin + Int64(seconds * 1e9)
      message = Array(text.utf8)
      self.stream = stream
      self.flags = flags
    }
  }

  struct Answer {
    var output: String
    var status: Int32 = 0
    var message = ""
    var help = ""
    var lines: [String] { output.split(separator: "\n").map(String.init) }
  }

  /// Two minutes ago, on a whole second.
  static let begin = (SystemClock().now() / 1_000_000_000 - 120) * 1_000_000_000

  /// Adds events to a group in one commit.
  func add(
    _ group: String,
    _ events: [Event],
    to name: String = "data",
    floodBytes: Int? = nil
  ) throws {
    var options = StoreOptions(dataDirectory: directory.file(name))
    options.ballastBytes = 0
    if let floodBytes { options.floodBytes = floodBytes }
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    defer { store.close() }
    var batch = EventBatch(
      group: LogGroup(sanitizing: group),
      stream: LogStream(sanitizing: events.first?.stream ?? "s")
    )
    for event in events {
      if let original = event.originalBytes {
        batch.originalLengths.append((record: UInt32(batch.records.count), bytes: original))
      }
      batch.append(
        timestamp: Timestamp(nanoseconds: event.time),
        message: event.message.span,
        stream: batch.index(of: LogStream(sanitizing: event.stream)),
        flags: event.flags
      )
    }
    let submitted = store.submit(batch)
    let ticket = try #require(submitted)
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
  }

  /// Runs `logs` with arguments; `--data-dir` and `--quiet` are added.
  func run(_ arguments: [String], quiet: Bool = true) throws -> Answer {
    let path = directory.file("out-\(UUID().uuidString)")
    let file = try Descriptor(open: path, O_WRONLY | O_CREAT)
    let fixed = ["logs", "--data-dir", data] + (quiet ? ["--quiet"] : [])
    var answer = Answer(output: "")
    do {
      let parsed = try Logagent.parseAsRoot(fixed + arguments)
      let command = try #require(parsed as? LogsCommand)
      try LogsRun(command.options, follows: command.follow, output: OutputBuffer(file.raw)).run()
    } catch let failure as CommandFailure {
      answer.status = failure.status
      answer.message = failure.message
      answer.help = failure.help ?? ""
    } catch let code as ExitCode {
      answer.status = code.rawValue
    }
    answer.output = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: path)),
      as: UTF8.self
    )
    return answer
  }

  func run(_ arguments: String...) throws -> Answer { try run(arguments) }

  /// Runs any other command that says nothing on standard output.
  @discardableResult
  func command(_ arguments: String...) throws -> Answer {
    var answer = Answer(output: "")
    do {
      var command = try Logagent.parseAsRoot(arguments)
      try command.run()
    } catch let failure as CommandFailure {
      answer.status = failure.status
      answer.message = failure.message
    } catch let code as ExitCode {
      answer.status = code.rawValue
    }
    return answer
  }
}
