import Foundation
import TestSupport
import Testing

/// What the process tells a service manager.
@Suite("Under a service manager")
struct ServiceManagerTests {
  private let directory = TemporaryDirectory("notify")

  @Test("READY when it collects, a watchdog message at least every half interval, then STOPPING")
  func notifies() throws {
    let manager = try NotifySocket(path: directory.file("notify"))
    let agent = Agent()
    try agent.start(environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000000"])
    #expect(wait(seconds: 10) { manager.lines.contains("READY=1") }, "\(agent.log)")
    #expect(manager.lines.contains("STATUS=collecting"))
    #expect(wait(seconds: 10) { manager.lines.count { $0 == "WATCHDOG=1" } >= 6 })
    let beats = manager.messages.filter { $0.text.contains("WATCHDOG=1") }.map(\.time)
    let pauses = zip(beats, beats.dropFirst()).map { $1 - $0 }
    // The interval itself is when a manager kills.
    #expect(pauses.allSatisfy { $0 < 1 }, "\(pauses)")
    #expect(!manager.lines.contains("STOPPING=1"))
    #expect(agent.stop().status == 0)
    #expect(wait(seconds: 2) { manager.lines.last == "STOPPING=1" }, "\(manager.lines.suffix(3))")
    #expect(manager.lines.count { $0 == "READY=1" } == 1)
  }

  @Test("an abstract address, and a watchdog that is another process's")
  func abstractAddress() throws {
    let manager = try NotifySocket(path: "@logagent-test-\(UUID().uuidString)")
    let agent = Agent()
    try agent.start(
      environment: [
        "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1",
      ]
    )
    #expect(wait(seconds: 10) { manager.lines.contains("READY=1") }, "\(agent.log)")
    #expect(agent.stop().status == 0)
    #expect(wait(seconds: 2) { manager.lines.contains("STOPPING=1") })
    #expect(!manager.lines.contains("WATCHDOG=1"))
  }

  @Test("a manager that is gone, or an address that is none, stops nothing")
  func noManager() throws {
    for address in ["/nowhere/notify", "vsock:2:1", ""] {
      let agent = Agent()
      try agent.start(environment: ["NOTIFY_SOCKET": address, "WATCHDOG_USEC": "soon"])
      #expect(agent.stop().status == 0)
    }
  }
}
