import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import Forward

/// Delivery when the catalog had to be rebuilt, and when blocks cannot be read.
@Suite(.serialized) struct RebuiltCatalogTests {
  private typealias Rig = ForwardRig

  private func removeCatalog(_ directory: TemporaryDirectory) throws {
    for suffix in ["", "-wal", "-shm"] {
      try FileSystem.remove(directory.file("data/catalog.sqlite" + suffix))
    }
  }

  /// Enough for a block at once: nothing of it is in the tail.
  private func flood(_ first: Int) -> [String] {
    (first..<(first + 8_000)).map { "line \($0) with some more text, to make a block at once" }
  }

  @Test("nothing that was delivered is sent again after the catalog was rebuilt")
  func cursor() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let directory = TemporaryDirectory()
    var rig: ForwardRig? = try Rig(directory)
    try rig?.write(flood(0))
    try rig?.start { _ in [Rig.destination(stub)] }
    try rig?.wait { rig?.events("delivered") == 8_000 }
    try rig?.wait { try rig?.lanes().first?.cursor == 8_000 }
    rig?.stop()
    rig = nil
    try removeCatalog(directory)
    let again = try Rig(directory)
    #expect(try again.lanes().first?.cursor == 8_000)
    let before = stub.requests.count
    try again.start { _ in [Rig.destination(stub)] }
    try again.write(flood(8_000))
    try again.wait { again.events("delivered") == 8_000 }
    #expect(stub.requests.dropFirst(before).flatMap(\.messages) == flood(8_000))
  }

  @Test("a request that was under way is sent again to the byte, under its id, after a rebuild")
  func pending() throws {
    let stub = ScriptedReceiver { $0.number == 0 ? .hang : .ok }
    defer { stub.stop() }
    let directory = TemporaryDirectory()
    var rig: ForwardRig? = try Rig(directory)
    try rig?.write(flood(0))
    try rig?.start(drainSeconds: 0.05) { _ in [Rig.destination(stub, gzip: true, retrySeconds: 300)]
    }
    try rig?.wait { stub.requests.count == 1 }
    rig?.stop()
    rig = nil
    try removeCatalog(directory)
    let again = try Rig(directory)
    try again.start { _ in [Rig.destination(stub, gzip: true)] }
    try again.wait { again.events("delivered") == 8_000 }
    #expect(stub.requests[1].requestID == stub.requests[0].requestID)
    #expect(stub.requests[1].body == stub.requests[0].body)
    #expect(stub.requests.count == 2)
  }

  @Test("events that were evicted before they were sent are told as gaps and counted")
  func evicted() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let rig = try Rig()
    let start = SystemClock().now() - 3 * 86_400_000_000_000
    try rig.write(flood(0), at: start)
    try rig.write(flood(8_000))
    try rig.apply([.retire(segments: [1], reason: .diskUsage)])
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { try rig.lanes().first?.cursor == 16_000 }
    let messages = stub.takenMessages
    #expect(messages.count == 8_001)
    #expect(messages.first?.hasPrefix("gap: 8000 events were deleted") == true)
    #expect(Array(messages.dropFirst()) == flood(8_000))
    #expect(rig.events("expired") == 7_999)
  }

  @Test("a request whose events are evicted while it waits gets a new id, never another body")
  func evictedWhileWaiting() throws {
    let stub = ScriptedReceiver { $0.number == 0 ? .status(500) : .ok }
    defer { stub.stop() }
    let clock = ManualClock(now: SystemClock().now())
    let rig = try Rig(clock: clock)
    let start = SystemClock().now() - 3 * 86_400_000_000_000
    try rig.write(flood(0), at: start)
    try rig.write(["after"])
    try rig.start { _ in [Rig.destination(stub, retrySeconds: 300)] }
    try rig.wait { rig.forwarder?.status.first?.attempts == 1 }
    try rig.apply([.retire(segments: [1], reason: .diskUsage)])
    clock.advance(seconds: 5)
    try rig.wait { try rig.lanes().first?.cursor == 8_001 }
    #expect(Set(stub.requests.map(\.requestID)).count == stub.requests.count)
    #expect(stub.requests.dropFirst().flatMap(\.messages).last == "after")
  }

  @Test("a block that cannot be read holds the lane for a while, then is counted as damaged")
  func unreadable() throws {
    let stub = ScriptedReceiver()
    defer { stub.stop() }
    let clock = ManualClock(now: SystemClock().now())
    let rig = try Rig(clock: clock)
    try rig.write(flood(0))
    try rig.write(["after"])
    // Reading a directory fails as a bad sector does: with an error of the system.
    let path = rig.directory.file("data/segments/000001/0000000001.log.zst")
    try FileSystem.remove(path)
    try FileSystem.makeDirectory(path)
    try rig.start { _ in [Rig.destination(stub)] }
    try rig.wait { rig.forwarder?.status.first?.lastError?.contains("cannot be read") == true }
    #expect(stub.requests.isEmpty)
    try rig.wait(20) {
      clock.advance(seconds: 2)
      return try rig.lanes().first?.cursor == 8_001
    }
    #expect(stub.takenMessages == ["after"])
    #expect(rig.events("damaged") == 8_000)
  }
}
