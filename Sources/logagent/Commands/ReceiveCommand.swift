internal import ArgumentParser
internal import LogModel
internal import Platform
internal import Synchronization

struct ReceiveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "receive",
    abstract: "Receives what is forwarded: prints the events, and what is wrong with a request.",
    discussion: """
      A strict receiver for the Firehose HTTP protocol, to see what an endpoint would get. A \
      request \
      that breaks a rule is answered with 400 and named on standard error. Only on an address of \
      this \
      machine unless --listen says otherwise.

        logagent receive --listen 127.0.0.1:8080
      """
  )

  @Option(help: "Address and port; port 0 takes a free one.")
  var listen = "127.0.0.1:0"

  @Option(help: "plain: group, stream, time, message; jsonl: one object an event.")
  var output = ReceiveOutput.plain

  @Option(help: "Answer this status to every request.")
  var status: Int?

  @Option(help: "End after this many requests.")
  var count: Int?

  @Option(name: .customLong("access-key-file"), help: "The access key that requests must carry.")
  var accessKeyFile: String?

  func run() throws {
    guard let colon = listen.lastIndex(of: ":"),
      let port = Int(listen[listen.index(after: colon)...]),
      (0...65_535).contains(port)
    else {
      throw CommandFailure(
        "--listen takes ADDRESS:PORT, not `\(listen)`",
        status: CommandFailure.Status.usage
      )
    }
    let receiver = FirehoseReceiver(
      output: output,
      status: status,
      accessKey: try accessKey(),
      countMax: count
    )
    let server: FirehoseServer
    do {
      server = try FirehoseServer(
        host: String(listen[..<colon]),
        port: port,
        bodyBytesMax: FirehoseRequestCheck.bodyBytesMax
      ) { receiver.answer($0) }
    } catch {
      throw CommandFailure("cannot listen on \(listen): \(error)", status: CommandFailure.Status.io)
    }
    StandardError.write("listening on http://\(listen[..<colon]):\(server.port)\n")
    receiver.waitUntilDone()
    server.close()
  }

  private func accessKey() throws -> String? {
    guard let file = accessKeyFile else {
      return ProcessEnvironment.value(of: "LOGAGENT_RECEIVE_ACCESS_KEY")
    }
    do throws(SyscallError) {
      let bytes = try FileSystem.read(file, atMost: 8_192)
      return String(repairing: bytes.span).filter { !$0.isNewline }
    } catch {
      throw CommandFailure(error)
    }
  }
}

enum ReceiveOutput: String, ExpressibleByArgument, CaseIterable {
  case plain
  case jsonl
}

/// Checks, prints and answers.
///
/// Safe from any thread.
final class FirehoseReceiver: Sendable {
  private let output: ReceiveOutput
  private let status: Int?
  private let accessKey: String?
  private let countMax: Int?
  private let count = Mutex(0)
  private let clock = SystemClock()

  init(output: ReceiveOutput, status: Int?, accessKey: String?, countMax: Int?) {
    self.output = output
    self.status = status
    self.accessKey = accessKey
    self.countMax = countMax
  }

  func answer(_ request: FirehoseServer.Request) -> FirehoseServer.Answer {
    defer { count.withLock { $0 += 1 } }
    if request.isTooLarge { return confirm("", 413, "the body is larger than 64 MiB") }
    let check = FirehoseRequestCheck(
      method: request.method,
      headers: request.headers,
      body: request.body,
      accessKey: accessKey
    )
    for problem in check.problems {
      StandardError.write(
        "request \(TerminalText.string(check.requestID)): \(TerminalText.string(problem))\n"
      )
    }
    if let status, status != 200 { return confirm(check.requestID, status, "as asked for") }
    guard check.problems.isEmpty else {
      return confirm(check.requestID, 400, check.problems.joined(separator: "; "))
    }
    show(check)
    return confirm(check.requestID, 200, nil)
  }

  /// Polls: this is a tool for looking, and it ends at most a twentieth of a second late.
  func waitUntilDone() {
    while true {
      if let countMax, count.withLock({ $0 }) >= countMax {
        // The last answer is still on its way out.
        Poller.wait(readable: [], nanoseconds: 100_000_000)
        return
      }
      Poller.wait(readable: [], nanoseconds: 50_000_000)
    }
  }

  private func confirm(_ id: String, _ status: Int, _ error: String?) -> FirehoseServer.Answer {
    var body = "{\"requestId\":\(JSONText.quoted(id)),\"timestamp\":\(clock.now() / 1_000_000)"
    if let error { body += ",\"errorMessage\":\(JSONText.quoted(error))" }
    return FirehoseServer.Answer(status: status, body: body + "}")
  }

  private func show(_ check: FirehoseRequestCheck) {
    var text = ""
    for record in check.records {
      for event in record.events {
        switch output {
        case .plain:
          let time = Calendar.formatRFC3339(Timestamp(milliseconds: event.timestamp))
          text +=
            TerminalText.string(
              "\(record.logGroup) \(record.logStream) \(time) \(event.message)"
            ) + "\n"
        case .jsonl:
          text +=
            "{\"timestamp\":\(event.timestamp),\"message\":\(JSONText.quoted(event.message)),"
            + "\"logStream\":\(JSONText.quoted(record.logStream)),"
            + "\"logGroup\":\(JSONText.quoted(record.logGroup)),\"id\":\"\(event.id)\","
            + "\"requestId\":\(JSONText.quoted(check.requestID))}\n"
        }
      }
    }
    StandardError.writeData(text)
  }
}
