internal import LogModel
internal import Platform
internal import Synchronization

/// What the Engine API tells the collect thread.
enum DockerUpdate: Equatable {
  /// All containers that exist: after every (re)connection, for what was missed meanwhile.
  case listed([ContainerFacts])
  case started(String)
  /// The container's process ended; its output is on disk.
  case died(String)
  case destroyed(String)
  case connected
  /// Not reachable, and why. Collection goes on from the files.
  case unavailable(String)
}

/// Listens to the Engine API for names, labels and state.
///
/// Content never comes from here: a follower of the API's logs loses lines at rotation without a
/// word.
///
/// Runs on a thread of its own; the mailbox is safe from any thread.
final class DockerAPI: Sendable {
  private static let backoffMin: Int64 = 500_000_000
  private static let backoffMax: Int64 = 10_000_000_000
  private static let answerWait: Int64 = 30_000_000_000
  private static let bodyBytesMax = 67_108_864
  private static let mailboxMax = 10_000

  private let socketPath: String
  private let wake: WakeSignal
  private let metrics: Metrics
  private let mailbox = Mutex<[DockerUpdate]>([])

  init(socketPath: String, wake: WakeSignal, metrics: Metrics) {
    self.socketPath = socketPath
    self.wake = wake
    self.metrics = metrics
  }

  /// Takes what has arrived.
  func takeUpdates() -> [DockerUpdate] {
    mailbox.withLock { updates in
      defer { updates = [] }
      return updates
    }
  }

  /// Connects, lists, listens; again and again until stopped.
  func run(until stop: StopSignal) {
    var backoff = Self.backoffMin
    var lastReason = ""
    while !stop.isRaised {
      let started = SystemClock().monotonic()
      let reason = session(until: stop)
      metrics.set("logagent_source_up", 0, [("source", "docker-api")])
      if stop.isRaised { return }
      if reason != lastReason { post(.unavailable(reason)) }
      lastReason = reason
      // A session that lasted was not a failed attempt.
      if SystemClock().monotonic() - started > Self.backoffMax {
        backoff = Self.backoffMin
        lastReason = ""
      }
      stop.wait(nanoseconds: backoff)
      backoff = min(backoff * 2, Self.backoffMax)
      metrics.add("logagent_source_reconnects_total", 1, [("source", "docker-api")])
    }
  }

  /// One connection's life; returns why it ended.
  private func session(until stop: StopSignal) -> String {
    do throws(SyscallError) {
      // Events first, then the list: what happens in between is in one or the other.
      let filter = "%7B%22type%22%3A%5B%22container%22%5D%7D"
      let events = try LocalSocket(connectingTo: socketPath)
      try Self.request("/events?filters=\(filter)", on: events)
      guard
        let list = try Self.containers(
          "/containers/json?all=1",
          at: socketPath,
          waiting: Self.answerWait,
          until: stop
        )
      else {
        return "no valid answer to the container list"
      }
      post(.connected)
      metrics.set("logagent_source_up", 1, [("source", "docker-api")])
      post(.listed(list))
      return try listen(events, until: stop)
    } catch {
      return error.reason
    }
  }

  private static func request(
    _ target: String,
    on socket: borrowing LocalSocket
  ) throws(SyscallError) {
    let text = "GET \(target) HTTP/1.1\r\nHost: docker\r\nAccept: application/json\r\n\r\n"
    try socket.send(Array(text.utf8).span)
  }

  /// The Engine's answer to one question about containers; nil when it is not a valid one.
  static func containers(
    _ target: String,
    at socketPath: String,
    waiting nanoseconds: Int64,
    until stop: StopSignal
  ) throws(SyscallError) -> [ContainerFacts]? {
    let socket = try LocalSocket(connectingTo: socketPath)
    try request(target, on: socket)
    var response = HTTPResponse()
    var body: [UInt8] = []
    var bytes: [UInt8] = []
    while !response.isComplete, body.count < bodyBytesMax {
      bytes.removeAll(keepingCapacity: true)
      let got = try socket.receive(into: &bytes, atMost: 65_536, waiting: nanoseconds, stop: stop)
      guard let got, got > 0 else { break }
      guard feed(&response, bytes, into: &body) else { return nil }
    }
    guard response.status == 200, let value = JSONValue(parsing: body) else { return nil }
    return value.elements.compactMap { ContainerFacts(listed: $0) }
  }

  private static func feed(
    _ response: inout HTTPResponse,
    _ bytes: [UInt8],
    into body: inout [UInt8]
  ) -> Bool {
    do throws(HTTPResponse.Failure) {
      try response.feed(bytes.span, into: &body)
      return true
    } catch {
      return false
    }
  }

  private func listen(
    _ socket: borrowing LocalSocket,
    until stop: StopSignal
  ) throws(SyscallError) -> String {
    var response = HTTPResponse()
    var body: [UInt8] = []
    var bytes: [UInt8] = []
    while !stop.isRaised {
      bytes.removeAll(keepingCapacity: true)
      let got = try socket.receive(
        into: &bytes,
        atMost: 65_536,
        waiting: Self.answerWait,
        stop: stop
      )
      guard let got else { continue }
      if got == 0 { return "the event stream ended" }
      guard Self.feed(&response, bytes, into: &body), body.count < Self.bodyBytesMax else {
        return "the event stream is damaged"
      }
      if response.hasHead, response.status != 200 { return "events: status \(response.status)" }
      while let end = body.firstIndex(of: 0x0A) {
        let line = Array(body[..<end])
        body.removeFirst(end + 1)
        if let update = Self.update(line) { post(update) }
      }
      if response.isComplete { return "the event stream ended" }
    }
    return "stopped"
  }

  /// One event of the stream; nil for those that say nothing about output.
  static func update(_ line: [UInt8]) -> DockerUpdate? {
    guard let event = JSONValue(parsing: line), event["Type"]?.text ?? "container" == "container",
      let id = event["Actor"]?["ID"]?.text ?? event["id"]?.text, ContainerFacts.isID(id)
    else { return nil }
    switch event["Action"]?.text ?? event["status"]?.text ?? "" {
    case "start": return .started(id)
    case "die": return .died(id)
    case "destroy": return .destroyed(id)
    default: return nil
    }
  }

  private func post(_ update: DockerUpdate) {
    mailbox.withLock { updates in
      // A full mailbox means that nobody reads it; the directories tell the same, later.
      if updates.count < Self.mailboxMax { updates.append(update) }
    }
    wake.ring()
  }
}
