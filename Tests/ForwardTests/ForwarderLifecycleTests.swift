import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import Forward

/// Restart, stop, reload and retention, as a lane lives through them.
@Suite(.serialized) struct ForwarderLifecycleTests {
  private typealias Rig = ForwardRig

  @Test("a request that was sent but not settled is sent again as it was, and then the rest")
  func resend() throws {
    let stub = ScriptedReceiver { $0.number == 0 ? .hang : .ok }
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<500))
    try rig.start(drainSeconds: 0.05) { _ in [Rig.destination(stub, gzip: true, retrySeconds: 300)]
    }
    try rig.wait { stub.requests.count == 1 }
    rig.stop()
    let pending = try #require(try rig.lanes().first?.pending)
    #expect(pending.requestID == stub.requests[0].requestID)
    try rig.write(Rig.lines(500..<600))
    try rig.start { _ in [Rig.destination(stub, gzip: true)] }
    try rig.wait { rig.events("delivered") == 600 }
    #expect(stub.requests.count == 3)
    #expect(stub.requests[1].requestID == stub.requests[0].requestID)
    #expect(stub.requests[1].body == stub.requests[0].body)
    #expect(stub.requests[2].messages == Rig.lines(500..<600))
  }

  @Test("a restart goes on at the cursor")
  func restart() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<10))
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { try rig.lanes().first?.cursor == 10 }
    rig.stop()
    try rig.write(Rig.lines(10..<20))
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { try rig.lanes().first?.cursor == 20 }
    #expect(stub.takenMessages == Rig.lines(0..<20))
  }

  @Test("a stop during back-off makes one last attempt at once and keeps the rest")
  func drain() throws {
    let stub = ScriptedReceiver { _ in .status(503) }
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<10))
    try rig.start { _ in
      var slow = Rig.destination(stub, retrySeconds: 7_200)
      slow.flushSeconds = 0
      return [slow]
    }
    try rig.wait { rig.forwarder?.status.first?.attempts == 1 }
    let start = SystemClock().monotonic()
    rig.stop()
    #expect(SystemClock().monotonic() - start < 1_500_000_000)
    #expect(stub.requests.count == 2)
    #expect(stub.requests[0].body == stub.requests[1].body)
    #expect(try rig.lanes().first?.cursor == 0)
    #expect(DeadLetterFiles.all(rig.deadLetters).isEmpty)
  }

  @Test("a paused destination sends nothing and keeps its cursor; resumed, it sends all")
  func paused() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    try rig.write(Rig.lines(0..<10))
    try rig.start { _ in [Rig.destination(stub, paused: "no secret")] }
    try rig.wait { rig.forwarder?.status.first?.pausedReason == "no secret" }
    usleep(100_000)
    #expect(stub.requests.isEmpty)
    rig.forwarder?.replace { _ in [Rig.destination(stub)] }
    try rig.wait { rig.events("delivered") == 10 }
    #expect(stub.takenMessages == Rig.lines(0..<10))
  }

  @Test("a key that rotates during retry is used at the next attempt, under the same request id")
  func rotation() throws {
    let stub = ScriptedReceiver { $0.accessKey == "new" ? .ok : .status(401) }
    defer { stub.stop() }
    let clock = ManualClock()
    let rig = try Rig(clock: clock)
    try rig.write(Rig.lines(0..<10))
    try rig.start { _ in [Rig.destination(stub, key: "old", retrySeconds: 300)] }
    try rig.wait { rig.forwarder?.status.first?.attempts == 1 }
    rig.forwarder?.replace { _ in [Rig.destination(stub, key: "new", retrySeconds: 300)] }
    clock.advance(seconds: 5)
    try rig.wait { rig.events("delivered") == 10 }
    #expect(stub.requests.last?.accessKey == "new")
    #expect(Set(stub.requests.map(\.requestID)).count == 1)
    #expect(Set(stub.requests.map(\.body)).count == 1)
  }

  @Test("expired events are not sent, and counted once")
  func expired() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    try rig.apply([.retention([(group: Rig.group, period: .days(1))])])
    try rig.write(["old"], at: SystemClock().now() - 2 * 86_400_000_000_000)
    try rig.write(["new"])
    try rig.apply([.retention([(group: Rig.group, period: .days(1))])])
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { rig.events("delivered") == 1 }
    #expect(stub.takenMessages == ["new"])
    #expect(rig.events("expired") == 1)
    try rig.wait { try rig.lanes().first?.cursor == 2 }
  }

  @Test("as long as a dead letter cannot be written the cursor stays")
  func deadLetterFails() throws {
    let stub = ScriptedReceiver { _ in .status(500) }
    defer { stub.stop() }
    let rig = try Rig()
    rig.directory.write("dead", "a file where the folder should be")
    try rig.write(Rig.lines(0..<5))
    try rig.start(drainSeconds: 0.5) { _ in [Rig.destination(stub)] }
    try rig.wait { rig.metrics.total("logagent_deadletter_errors_total") > 0 }
    rig.stop()
    #expect(try rig.lanes().first?.cursor == 0)
    #expect(rig.events("dead_letter") == 0)
  }
}
