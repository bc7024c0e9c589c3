import Foundation
import TestSupport
import Testing

/// The daemon under all its load at once keeps within `limits.memory`.
@Suite(.serialized) struct MemoryTests {
  /// Json-files as Docker writes them, of containers that nothing else is known of.
  private func write(_ root: String, containers: Int, lines: Int) throws {
    for number in 0..<containers {
      let id = String(repeating: String(number, radix: 16), count: 64)
      let folder = "\(root)/containers/\(id)"
      try FileManager.default.createDirectory(
        atPath: folder,
        withIntermediateDirectories: true
      )
      var text = ""
      for line in 0..<lines {
        text += #"{"log":"container \#(number) line \#(line) request=\#(line &* 2_654_435_761)"#
        text += #" GET /index.html 200 12ms\n","stream":"stdout","#
        text += #""time":"2026-11-24T10:00:00.000000000Z"}"# + "\n"
      }
      try text.write(toFile: "\(folder)/\(id)-json.log", atomically: false, encoding: .utf8)
    }
  }

  /// The highest resident size that a process ever had, in bytes.
  private func peak(_ pid: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return (Int(line.split(separator: " ").dropLast().last ?? "") ?? 0) * 1_024
  }

  /// A query that has to look at every message.
  private func count(_ agent: Agent) throws -> Int {
    let text = try agent.command("logs '*' --since 1000d --filter request --count")
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1
  }

  @Test("reading, storing, forwarding and queries at once stay within 128 MiB of memory")
  func withinLimit() throws {
    let stub = FirehoseStub { _, number in
      // Slow now and then, so that requests pile up.
      if number % 8 == 7 { usleep(100_000) }
      return .confirm
    }
    defer { stub.stop() }
    let root = TemporaryDirectory("root")
    try write(root.path, containers: 8, lines: 60_000)
    let agent = Agent(
      socket: root.file("no.sock"),
      root: root.path,
      more: """
        defaults:
          logging:
            retentionDays: 36500
            logForwarding:
              type: http-endpoint
              properties: { endpointUrl: "\(stub.url)", gzipEncodingEnabled: true }
        forward: { flushSeconds: 1, allowInsecure: true }
        """
    )
    try agent.start()
    let pid = try #require(agent.processID)
    var highest = 0
    var queried = 0
    let isDone = try wait(seconds: 90) {
      highest = max(highest, try peak(pid))
      queried = try count(agent)
      return agent.metric("logagent_forward_events_total") >= 480_000
    }
    #expect(isDone, "\(agent.metric("logagent_forward_events_total")) of 480,000 events")
    #expect(queried > 0)
    #expect(try count(agent) == 480_000)
    highest = max(highest, try peak(pid))
    #expect(highest < 134_217_728, "\(highest) bytes")
    agent.stop()
  }
}
