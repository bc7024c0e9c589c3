import Foundation
import LogModel
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Forward

/// A forwarder, a store and receivers that behave in every way.
@Suite(.serialized) struct ForwardDeliveryTests {
  private typealias Rig = ForwardRig

  @Test("events arrive once, in order, under the protocol's rules", arguments: [true, false])
  func delivers(gzip: Bool) throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    try rig.start { _ in [Rig.destination(stub, key: "secret", gzip: gzip)] }
    for turn in 0..<5 { try rig.write(Rig.lines(turn * 1_000..<(turn + 1) * 1_000)) }
    try rig.wait { rig.events("delivered") == 5_000 }
    #expect(stub.takenMessages == Rig.lines(0..<5_000))
    let ids = stub.requests.flatMap { $0.envelope?.events.map(\.id) ?? [] }
    #expect(Set(ids).count == 5_000)
    #expect(ids == ids.sorted())
    #expect(Set(stub.requests.map(\.requestID)).count == stub.requests.count)
    for request in stub.requests {
      #expect(request.target == "/in/v1?source=test")
      let envelope = try #require(request.envelope)
      #expect(envelope.requestID == request.requestID)
      #expect(abs(envelope.timestamp - SystemClock().now() / 1_000_000) < 60_000)
      #expect(request.all("X-Amz-Firehose-Protocol-Version") == ["1.0"])
      #expect(request.all("X-Amz-Firehose-Source-Arn").count == 1)
      #expect(request.all("Content-Type") == ["application/json"])
      #expect(request.all("Content-Length") == [String(request.body.count)])
      #expect(request.all("Content-Encoding") == (gzip ? ["gzip"] : []))
      #expect(request.all("Expect") == [])
      #expect(request.all("X-Amz-Firehose-Access-Key") == ["secret"])
      #expect(request.all("X-Amz-Firehose-Common-Attributes") == [])
    }
    rig.stop()
    try rig.wait { try rig.lanes().first?.cursor == 5_000 }
    #expect(try rig.lanes().first?.pending == nil)
    #expect(DeadLetterFiles.all(rig.deadLetters).isEmpty)
  }

  @Test("a large body without gzip is sent without Expect, by requests of about 1 MiB of text")
  func largeBody() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    let lines = (0..<40).map {
      String(decoding: DeliveryFixture.noise(100_000, seed: UInt64($0)), as: UTF8.self)
    }
    try rig.write(lines)
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { rig.events("delivered") == 40 }
    #expect(stub.takenMessages == lines)
    #expect(stub.requests.contains { $0.body.count > 1_048_576 })
    #expect(stub.requests.allSatisfy { $0.all("Expect").isEmpty && $0.messages.count <= 11 })
  }

  @Test("no events, no request")
  func nothing() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.apply([.retention([(group: Rig.group, period: .days(30))])])
    usleep(100_000)
    rig.stop()
    #expect(stub.requests.isEmpty)
  }

  /// Ways to refuse, each with the error code that the dead letter must carry.
  static let refusals: [(String, ScriptedReceiver.Answer, String)] = [
    ("500", .status(500), "HttpEndpoint.DestinationException"),
    ("400", .status(400, ["Content-Type: text/plain"], "no"), "HttpEndpoint.DestinationException"),
    ("202", .status(202), "HttpEndpoint.DestinationException"),
    ("302", .status(302, ["Location: /elsewhere"]), "HttpEndpoint.DestinationException"),
    ("empty 200", .status(200), "HttpEndpoint.InvalidResponseFromDestination"),
    (
      "a lie", .json("{\"requestId\":\"11111111-2222-4333-8444-555555555555\",\"timestamp\":1}"),
      "HttpEndpoint.InvalidResponseFromDestination"
    ),
    ("reset", .reset, "HttpEndpoint.ConnectionReset"),
    ("hang", .hang, "HttpEndpoint.RequestTimeout"),
    (
      "2 MiB",
      .response(
        status: 200,
        headers: ["Content-Type: application/json"],
        body: [UInt8](repeating: 0x20, count: 2_097_152)
      ), "HttpEndpoint.ResponseTooLarge"
    ),
  ]

  @Test(
    "what an endpoint refuses is in dead letters, counted, and nothing is lost",
    arguments: refusals
  )
  func refused(name: String, answer: ScriptedReceiver.Answer, code: String) throws {
    let stub = ScriptedReceiver { _ in answer }
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<50))
    try rig.start(timeoutMilliseconds: 300) { _ in [Rig.destination(stub)] }
    try rig.wait { rig.events("dead_letter") == 50 }
    rig.stop()
    let letters = try DeadLetterFiles.lines(rig.deadLetters)
    #expect(letters.flatMap { $0.events.map(\.message) } == Rig.lines(0..<50))
    #expect(letters.allSatisfy { $0.code == code && $0.attempts == 1 })
    #expect(stub.requests.allSatisfy { $0.target == "/in/v1?source=test" })
    #expect(rig.events("delivered") == 0)
    #expect(rig.metrics.total("logagent_deadletter_events_total") == 50)
    try rig.wait { try rig.lanes().first?.cursor == 50 }
    #expect(rig.notices.allSatisfy { !$0.contains("line ") })
  }

  @Test("attempts are byte-identical under one request id, and a later success settles once")
  func identical() throws {
    let stub = ScriptedReceiver { request in
      switch request.number {
      // First, for libcurl itself sends again what a kept connection did not take.
      case 0: .reset
      case 1: .status(500)
      case 2: .json("{\"requestId\":null,\"timestamp\":1}")
      case 3: .status(429, ["Retry-After: 1"])
      default: .ok
      }
    }
    defer { stub.stop() }
    let clock = ManualClock()
    let rig = try Rig(clock: clock)
    try rig.write(Rig.lines(0..<2_000))
    try rig.start { _ in [Rig.destination(stub, gzip: true, retrySeconds: 300)] }
    for attempt in 1...4 {
      try rig.wait { stub.requests.count == attempt }
      try rig.wait { rig.forwarder?.status.first?.attempts == attempt }
      #expect(rig.forwarder?.status.first?.nextAttemptSeconds != nil)
      clock.advance(seconds: 30)
    }
    try rig.wait { rig.events("delivered") == 2_000 }
    #expect(stub.requests.count == 5)
    #expect(Set(stub.requests.map(\.requestID)).count == 1)
    #expect(Set(stub.requests.map(\.body)).count == 1)
    #expect(stub.requests[4].messages == Rig.lines(0..<2_000))
    #expect(rig.notices.count == 2)
    rig.stop()
    #expect(DeadLetterFiles.all(rig.deadLetters).isEmpty)
  }

  @Test("instant failures over 60 s make 6 attempts with doubling gaps, then a dead letter")
  func schedule() throws {
    let stub = ScriptedReceiver { _ in .status(503) }
    defer { stub.stop() }
    let clock = ManualClock()
    let rig = try Rig(clock: clock)
    try rig.write(Rig.lines(0..<3))
    try rig.start { _ in [Rig.destination(stub, retrySeconds: 60)] }
    for (index, nominal) in [1.0, 2, 4, 8, 16].enumerated() {
      try rig.wait { rig.forwarder?.status.first?.attempts == index + 1 }
      let next = try #require(rig.forwarder?.status.first?.nextAttemptSeconds)
      #expect((0.849 * nominal...1.151 * nominal).contains(next))
      clock.advance(seconds: next * 0.98)
      for _ in 0..<5 { try rig.apply([.retention([])]) }
      #expect(stub.requests.count == index + 1)
      clock.advance(seconds: next * 0.02 + 0.001)
    }
    try rig.wait { rig.events("dead_letter") == 3 }
    rig.stop()
    #expect(stub.requests.count == 6)
    #expect(try DeadLetterFiles.lines(rig.deadLetters).map(\.attempts) == [6])
  }

  @Test("a 413 splits until it fits, in order, and a single event that never fits is a dead letter")
  func splits() throws {
    let stub = ScriptedReceiver { request in
      let messages = request.messages
      return messages.count > 40 || messages.contains("line 77") ? .status(413) : .ok
    }
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<300))
    try rig.start { _ in [Rig.destination(stub, retrySeconds: 300)] }
    try rig.wait { rig.events("delivered") + rig.events("dead_letter") == 300 }
    rig.stop()
    let good = stub.requests.filter { $0.messages.count <= 40 && !$0.messages.contains("line 77") }
    #expect(good.flatMap(\.messages) == Rig.lines(0..<300).filter { $0 != "line 77" })
    #expect(Set(stub.requests.map(\.requestID)).count == stub.requests.count)
    #expect(
      try DeadLetterFiles.lines(rig.deadLetters).flatMap { $0.events.map(\.message) } == ["line 77"]
    )
    #expect(rig.metrics.total("logagent_forward_splits_total") > 0)
  }

  @Test("an endpoint that hangs delays no other, whatever its number of lanes")
  func isolation() throws {
    let dead = ScriptedReceiver { _ in .hang }
    let alive = ScriptedReceiver()
    defer {
      dead.stop()
      alive.stop()
    }
    let rig = try Rig()
    let groups = (0..<40).map { LogGroup(sanitizing: "/stp/dead/\($0)") }
    for group in groups { try rig.write(["x"], group: group) }
    try rig.start(timeoutMilliseconds: 60_000, drainSeconds: 0.1) { group in
      group == Rig.group
        ? [Rig.destination(alive)] : [Rig.destination(dead, .datadog, retrySeconds: 300)]
    }
    // Two of Datadog's requests, at three times 4 MiB each, are all that 32 MiB of memory admit
    // beside another endpoint's: the others wait for them.
    try rig.wait { dead.requests.count == 2 }
    let start = SystemClock().monotonic()
    try rig.write(Rig.lines(0..<100))
    try rig.wait(2) { rig.events("delivered") == 100 }
    #expect(SystemClock().monotonic() - start < 1_000_000_000)
    #expect(alive.takenMessages == Rig.lines(0..<100))
    rig.stop()
  }

  @Test("lanes that back off hold no place: forty of them and the endpoint's other groups go on")
  func backingOffHoldsNothing() throws {
    let stub = ScriptedReceiver { request in
      request.envelope?.records.first?.group.contains("dead") == true ? .status(500) : .ok
    }
    defer { stub.stop() }
    let clock = ManualClock()
    let rig = try Rig(clock: clock)
    for index in 0..<40 { try rig.write(["x"], group: LogGroup(sanitizing: "/stp/dead/\(index)")) }
    try rig.start(drainSeconds: 0.1) { _ in [Rig.destination(stub, retrySeconds: 7_200)] }
    try rig.wait { stub.requests.count == 40 }
    try rig.write(Rig.lines(0..<100))
    try rig.wait { rig.events("delivered") == 100 }
    #expect(
      stub.requests.filter { !$0.messages.contains("x") }.flatMap(\.messages) == Rig.lines(0..<100)
    )
  }

  @Test("one group's two destinations have cursors of their own")
  func twoDestinations() throws {
    let bad = ScriptedReceiver { _ in .status(500) }
    let good = ScriptedReceiver()
    defer {
      bad.stop()
      good.stop()
    }
    let clock = ManualClock()
    let rig = try Rig(clock: clock)
    try rig.start(drainSeconds: 0.1) { _ in
      [Rig.destination(bad, .datadog, retrySeconds: 300), Rig.destination(good, .highlight)]
    }
    try rig.write(Rig.lines(0..<10))
    try rig.wait { rig.events("delivered") == 10 }
    try rig.write(Rig.lines(10..<20))
    try rig.wait { rig.events("delivered") == 20 }
    rig.stop()
    let lanes = try rig.lanes()
    #expect(lanes.first { $0.destination == "highlight" }?.cursor == 20)
    let waiting = try #require(lanes.first { $0.destination == "datadog" })
    #expect(waiting.cursor == 0)
    #expect(waiting.pending?.requestID == bad.requests.first?.requestID)
    #expect(good.takenMessages == Rig.lines(0..<20))
  }

  @Test("a server that closes idle connections is no failure")
  func closedConnections() throws {
    let stub = ScriptedReceiver { _ in .okThenClose }
    defer { stub.stop() }
    let rig = try Rig()
    try rig.start { _ in [Rig.destination(stub)] }
    for turn in 0..<5 {
      try rig.write(["line \(turn)"])
      try rig.wait { rig.events("delivered") == Double(turn + 1) }
    }
    #expect(stub.takenMessages == Rig.lines(0..<5))
    #expect(rig.notices.isEmpty)
    #expect(Set(stub.requests.map(\.connection)).count == 5)
  }

  @Test("a refused connection is noticed at once")
  func refusedConnection() throws {
    let stub = ScriptedReceiver()
    stub.stop()
    usleep(50_000)
    let rig = try Rig()
    try rig.write(["x"])
    let start = SystemClock().monotonic()
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { rig.events("dead_letter") == 1 }
    #expect(SystemClock().monotonic() - start < 600_000_000)
    #expect(
      try DeadLetterFiles.lines(rig.deadLetters).map(\.code) == ["HttpEndpoint.ConnectionFailed"]
    )
  }
}
