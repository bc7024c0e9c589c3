import Foundation
import LogModel
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Forward

/// A store with events, a forwarder over it, and what an endpoint made of them.
private final class Scene {
  let directory = TemporaryDirectory("forward")
  let store: Store
  let metrics = Metrics()
  private(set) var forwarder: Forwarder?
  private var stop: StopSignal?
  private var thread: OSThread?

  init() throws {
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    options.commitIntervalNanoseconds = 5_000_000
    store = try Store.open(options, clock: SystemClock(), metrics: metrics)
  }

  static func group(_ name: String) -> LogGroup { LogGroup(sanitizing: "/docker/test/\(name)") }

  func add(_ count: Int, from first: Int = 0, to group: String = "a", stream: String = "s") throws {
    var batch = EventBatch(group: Self.group(group), stream: LogStream(sanitizing: stream))
    for number in first..<(first + count) {
      batch.append(
        timestamp: Timestamp(nanoseconds: SystemClock().now()),
        message: Array("event \(number) of \(group) \u{1}\"é".utf8).span
      )
    }
    let ticket = store.submit(batch)
    #expect(store.waitCommitted(try #require(ticket), timeoutNanoseconds: 5_000_000_000))
  }

  func destination(
    _ stub: FirehoseStub,
    kind: Destination.Kind = .httpEndpoint,
    retry: Int = 0,
    gzip: Bool = true
  ) -> Destination {
    Destination(
      kind: kind,
      endpointURL: stub.url,
      gzip: gzip,
      retryDurationSeconds: retry,
      flushSeconds: 0,
      allowsPlaintext: true
    )
  }

  func start(_ destinations: @escaping @Sendable (LogGroup) -> [Destination]) throws {
    var options = ForwardOptions(deadLetters: directory.file("dead-letters"))
    options.responseTimeoutMilliseconds = 400
    options.drainNanoseconds = 3_000_000_000
    let forwarder = Forwarder(
      store: store,
      options: options,
      clock: SystemClock(),
      metrics: metrics,
      destinations: destinations,
      notify: { _ in }
    )
    let stop = try StopSignal()
    thread = try OSThread(name: "forward") { forwarder.run(until: stop) }
    self.forwarder = forwarder
    self.stop = stop
  }

  func end() {
    stop?.raise()
    thread?.join()
    thread = nil
  }

  func wait(_ seconds: Double = 8, until condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
      if try condition() { return true }
      usleep(5_000)
    }
    return false
  }

  func cursor(_ destination: String = "http-endpoint") throws -> UInt64 {
    try StoreReader(dataDirectory: directory.path).lanes()
      .first { $0.destination == destination }?.cursor ?? 0
  }

  /// The events in dead-letter files, and their lines as objects.
  func deadLetters() throws -> (events: [String], lines: [[String: Any]]) {
    var events: [String] = []
    var lines: [[String: Any]] = []
    let root = directory.file("dead-letters")
    for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
      guard let data = FileManager.default.contents(atPath: root + "/" + name), !data.isEmpty else {
        continue
      }
      for line in data.split(separator: 0x0A) {
        let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] ?? [:]
        lines.append(object)
        let raw = Data(base64Encoded: object["rawData"] as? String ?? "") ?? Data()
        events += Wire.messages(record: Array(raw))
      }
    }
    return (events, lines)
  }

  deinit { end() }
}

/// Reads what went over the wire with other code than wrote it.
private enum Wire {
  static func gunzip(_ bytes: [UInt8]) -> [UInt8] {
    GzipInflater().inflate(bytes.span, limit: 1 << 28) ?? []
  }

  static func body(_ request: FirehoseStub.Request) -> [String: Any] {
    let text =
      request.headers["content-encoding"] == "gzip" ? gunzip(request.body) : request.body
    return (try? JSONSerialization.jsonObject(with: Data(text)) as? [String: Any]) ?? [:]
  }

  static func records(_ request: FirehoseStub.Request) -> [[UInt8]] {
    (body(request)["records"] as? [[String: String]] ?? []).map {
      Array(Data(base64Encoded: $0["data"] ?? "") ?? Data())
    }
  }

  static func document(_ record: [UInt8]) -> [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(gunzip(record))) as? [String: Any]) ?? [:]
  }

  static func messages(record: [UInt8]) -> [String] {
    (document(record)["logEvents"] as? [[String: Any]] ?? []).compactMap {
      $0["message"] as? String
    }
  }

  static func messages(_ request: FirehoseStub.Request) -> [String] {
    records(request).flatMap { messages(record: $0) }
  }
}

private func expected(_ count: Int, of group: String = "a") -> [String] {
  (0..<count).map { "event \($0) of \(group) \u{1}\"é" }
}

@Suite(.serialized) struct ForwarderTests {
  @Test("every event arrives once and in order, in a request that keeps every rule")
  func delivers() throws {
    let scene = try Scene()
    let stub = FirehoseStub { _, _ in .confirm }
    defer { stub.stop() }
    try scene.add(500)
    let destination = scene.destination(stub)
    try scene.start { _ in [destination] }
    #expect(scene.wait { stub.requests.flatMap(Wire.messages).count == 500 })
    try scene.add(300, from: 500, stream: "t")
    #expect(scene.wait { stub.requests.flatMap(Wire.messages).count == 800 })
    #expect(stub.requests.flatMap(Wire.messages) == expected(800))
    #expect(try scene.wait { try scene.cursor() == 800 })
    let request = try #require(stub.requests.first)
    #expect(request.path == "/ingest?x=1")
    #expect(request.headers["expect"] == nil)
    let body = Wire.body(request)
    #expect(body["requestId"] as? String == request.requestID)
    let document = Wire.document(try #require(Wire.records(request).first))
    #expect(
      Set(document.keys) == [
        "messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "logEvents",
      ]
    )
    let ids = stub.requests.flatMap(Wire.records).flatMap {
      (Wire.document($0)["logEvents"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
    #expect(Set(ids).count == 800 && ids.allSatisfy { $0.count == 56 })
    scene.end()
    #expect(scene.metrics.total("logagent_forward_events_total") == 800)
  }

  @Test(
    "a receiver that misbehaves and recovers gets byte-identical bodies under one request id",
    arguments: ["500", "reset", "hang", "lie", "201", "302"]
  )
  func retries(fault: String) throws {
    let scene = try Scene()
    let stub = FirehoseStub { _, number in
      guard number < 2 else { return .confirm }
      switch fault {
      case "500": return .status(500, body: "{\"requestId\":\"\",\"timestamp\":1}")
      case "reset": return .reset
      case "hang": return .hang
      case "lie": return .confirmAs("another")
      case "201": return .status(201)
      default: return .status(302, headers: ["Location": "http://127.0.0.2:1/"])
      }
    }
    defer { stub.stop() }
    try scene.add(50)
    let destination = scene.destination(stub, retry: 30)
    try scene.start { _ in [destination] }
    #expect(scene.wait(15) { stub.requests.count >= 3 })
    #expect(try scene.wait { try scene.cursor() == 50 })
    let sent = stub.requests.prefix(3)
    #expect(Set(sent.map(\.requestID)).count == 1)
    #expect(Set(sent.map(\.body)).count == 1)
    #expect(Wire.messages(try #require(sent.last)) == expected(50))
    #expect(try scene.deadLetters().events.isEmpty)
  }

  @Test(
    "what is given up is in the dead letters, complete, counted, and can be sent again as it is"
  )
  func givesUp() throws {
    let scene = try Scene()
    let stub = FirehoseStub { _, _ in .status(503, body: "{\"errorMessage\":\"no \\\"room\\\"\"}") }
    defer { stub.stop() }
    try scene.add(40)
    let destination = scene.destination(stub, retry: 0)
    try scene.start { _ in [destination] }
    #expect(try scene.wait { try scene.cursor() == 40 })
    let letters = try scene.deadLetters()
    #expect(letters.events == expected(40))
    let line = try #require(letters.lines.first)
    #expect(
      Set(line.keys) == [
        "attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp",
        "rawData", "subsequenceNumber", "dataId",
      ]
    )
    #expect(line["errorCode"] as? String == "HttpEndpoint.DestinationException")
    #expect((line["errorMessage"] as? String)?.contains("no \"room\"") == true)
    #expect(stub.requests.count == 1)
    #expect(scene.metrics.total("logagent_deadletter_events_total") == 40)
  }

  @Test("413 halves the request until it fits; a single event that never fits is a dead letter")
  func splits() throws {
    let scene = try Scene()
    let stub = FirehoseStub { request, _ in
      let messages = Wire.messages(request)
      return messages.count > 6 || messages.contains { $0.hasPrefix("event 11 ") }
        ? .status(413) : .confirm
    }
    defer { stub.stop() }
    try scene.add(30)
    let destination = scene.destination(stub)
    try scene.start { _ in [destination] }
    #expect(try scene.wait { try scene.cursor() == 30 })
    let delivered = stub.requests.filter { request in
      let messages = Wire.messages(request)
      return messages.count <= 6 && !messages.contains { $0.hasPrefix("event 11 ") }
    }.flatMap(Wire.messages)
    #expect(delivered == expected(30).filter { !$0.hasPrefix("event 11 ") })
    #expect(try scene.deadLetters().events == [expected(30)[11]])
  }

  @Test("a dead endpoint delays no other, and keeps its events")
  func isolation() throws {
    let scene = try Scene()
    let dead = FirehoseStub { _, _ in .hang }
    let good = FirehoseStub { _, _ in .confirm }
    defer {
      dead.stop()
      good.stop()
    }
    try scene.add(20, to: "a")
    try scene.add(20, to: "b")
    let toDead = scene.destination(dead, retry: 7_200)
    let toGood = scene.destination(good)
    try scene.start { $0 == Scene.group("a") ? [toDead] : [toGood] }
    #expect(scene.wait { good.requests.flatMap(Wire.messages).count == 20 })
    for turn in 1..<5 {
      let started = Date()
      try scene.add(20, from: turn * 20, to: "b")
      #expect(scene.wait { good.requests.flatMap(Wire.messages).count == 20 + turn * 20 })
      #expect(Date().timeIntervalSince(started) < 1)
    }
    #expect(good.requests.flatMap(Wire.messages) == expected(100, of: "b"))
    #expect(dead.requests.allSatisfy { Wire.messages($0) == expected(20) })
  }

  @Test("a request that was prepared before a crash is sent again to the byte")
  func resumes() throws {
    let scene = try Scene()
    let first = FirehoseStub { _, _ in .status(500) }
    try scene.add(25)
    let destination = scene.destination(first, retry: 7_200)
    try scene.start { _ in [destination] }
    #expect(scene.wait { !first.requests.isEmpty })
    // The cursor never moves: as after a kill between the answer and its commit.
    scene.end()
    first.stop()
    let second = FirehoseStub { _, _ in .confirm }
    defer { second.stop() }
    let again = scene.destination(second)
    try scene.start { _ in [again] }
    #expect(try scene.wait { try scene.cursor() == 25 })
    let before = try #require(first.requests.first)
    let after = try #require(second.requests.first)
    #expect(before.requestID == after.requestID)
    #expect(before.body == after.body)
  }

  @Test("a stop cuts the back-off short for one last attempt")
  func drains() throws {
    let scene = try Scene()
    let isOpen = Mutex(false)
    let stub = FirehoseStub { _, _ in isOpen.withLock { $0 } ? .confirm : .status(500) }
    defer { stub.stop() }
    try scene.add(10)
    let destination = scene.destination(stub, retry: 7_200)
    try scene.start { _ in [destination] }
    // After the third failure the next attempt is four seconds away.
    #expect(scene.wait(12) { stub.requests.count >= 3 })
    usleep(100_000)
    isOpen.withLock { $0 = true }
    let started = Date()
    scene.end()
    #expect(Date().timeIntervalSince(started) < 2)
    #expect(try scene.wait(2) { try scene.cursor() == 10 })
  }

  @Test("a paused destination keeps its cursor; a new key is used for the same request")
  func pausesAndRotates() throws {
    let scene = try Scene()
    let stub = FirehoseStub { request, _ in
      request.headers["x-amz-firehose-access-key"] == "new" ? .confirm : .status(401)
    }
    defer { stub.stop() }
    try scene.add(10)
    var destination = scene.destination(stub, retry: 7_200)
    destination.pausedReason = "no secret"
    let paused = destination
    try scene.start { _ in [paused] }
    #expect(scene.wait { scene.forwarder?.status.first?.pausedReason == "no secret" })
    #expect(stub.requests.isEmpty)
    destination.pausedReason = nil
    destination.accessKey = Credential("old")
    let old = destination
    scene.forwarder?.replace { _ in [old] }
    #expect(scene.wait { !stub.requests.isEmpty })
    destination.accessKey = Credential("new")
    let rotated = destination
    scene.forwarder?.replace { _ in [rotated] }
    #expect(try scene.wait { try scene.cursor() == 10 })
    #expect(Set(stub.requests.map(\.requestID)).count == 1)
    #expect(Set(stub.requests.map(\.body)).count == 1)
  }
}
