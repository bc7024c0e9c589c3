import LogModel
import Platform
import TestSupport
import Testing

@testable import Forward

/// When a lane sends, with a clock that stands still but for what a test lets pass.
@Suite(.serialized) struct BacklogTests {
  private typealias Rig = ForwardRig

  /// Many small commits, more than one request of them, each a block of its own.
  private func fill(_ rig: Rig, commits: Int) throws -> [String] {
    let lines = (0..<commits).map {
      String(decoding: DeliveryFixture.noise(15_000, seed: UInt64($0)), as: UTF8.self)
    }
    for line in lines { try rig.write([line]) }
    return lines
  }

  @Test("a backlog of tiny blocks goes at once, request after request")
  func backlogDrains() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    // Ten minutes later than the events, and no time passes.
    let clock = ManualClock(now: SystemClock().now() + 600_000_000_000)
    let rig = try Rig(clock: clock)
    let lines = try fill(rig, commits: 125)
    try rig.start { _ in [Rig.destination(stub, flushSeconds: 60)] }
    try rig.wait { rig.events("delivered") == 125 }
    #expect(stub.takenMessages == lines)
    #expect(stub.requests.count == 2)
  }

  @Test("what is new waits for its time, and no longer")
  func newEventsWait() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let clock = ManualClock(now: SystemClock().now())
    let rig = try Rig(clock: clock)
    try rig.start(drainSeconds: 0.1) { _ in [Rig.destination(stub, flushSeconds: 60)] }
    try rig.write(Rig.lines(0..<3))
    try rig.wait { rig.forwarder?.status.first?.queuedEvents == 3 }
    // Less than a minute for the slowest of machines, which the events' age counts in.
    clock.advance(seconds: 30)
    for _ in 0..<5 { try rig.apply([.retention([])]) }
    #expect(stub.requests.isEmpty)
    clock.advance(seconds: 31)
    try rig.wait { rig.events("delivered") == 3 }
    #expect(stub.requests.count == 1)
  }

  @Test("status says since when the first event that is not sent has waited")
  func oldestUnsent() throws {
    let stub = ScriptedReceiver { request in request.number == 0 ? .ok : .status(500) }
    defer { stub.stop() }
    let clock = ManualClock(now: SystemClock().now())
    let rig = try Rig(clock: clock)
    try rig.start(drainSeconds: 0.1) { _ in [Rig.destination(stub, retrySeconds: 7_200)] }
    // Old events by their own time: what counts is how long they have waited here.
    try rig.write(Rig.lines(0..<3), at: 1_700_000_000_000_000_000)
    try rig.wait { rig.events("delivered") == 3 }
    try rig.wait { rig.forwarder?.status.first?.queuedEvents == 0 }
    #expect(rig.forwarder?.status.first?.oldestUnsent == nil)
    let before = SystemClock().now()
    try rig.write(Rig.lines(3..<5), at: 1_700_000_000_000_000_000)
    let after = SystemClock().now()
    try rig.write(Rig.lines(5..<9), at: 1_700_000_000_000_000_000)
    try rig.wait { rig.forwarder?.status.first?.lastError != nil }
    try rig.wait { rig.forwarder?.status.first?.oldestUnsent != nil }
    let oldest = try #require(rig.forwarder?.status.first?.oldestUnsent)
    #expect((before / 1_000_000...after / 1_000_000).contains(oldest.milliseconds))
  }
}
