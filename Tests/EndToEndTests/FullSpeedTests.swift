import Foundation
import TestSupport
import Testing

/// Containers that write as fast as the engine takes it, with rotation at 5 MB and three files.
extension DockerTests {
  /// `make e2e` asks for the whole amounts, of the release binary.
  static let isFull = ProcessInfo.processInfo.environment["LOGAGENT_E2E_FULL"] != nil

  /// How many lines each of three containers writes.
  static let lineCount = isFull ? 1_000_000 : 150_000

  static let rotation = "--log-opt max-size=5m --log-opt max-file=3"

  @Test("every line of three rotating containers is stored once and in order while the agent lives")
  func fullSpeed() throws {
    let engine = EngineScope.engine
    let agent = Agent(engine)
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let began = Date()
    let names = (1...3).map { "flood\($0)" }
    for name in names {
      try engine.run(name, options: Self.rotation, DockerEngine.numberedLines(Self.lineCount))
    }
    try engine.docker("wait \(names.joined(separator: " "))")
    let written = Date().timeIntervalSince(began)
    let groups = names.map { "/docker/default/\($0)" }
    let isComplete = wait(seconds: 240) {
      groups.allSatisfy { store.count($0) >= UInt64(Self.lineCount) }
    }
    let stored = Date().timeIntervalSince(began)
    #expect(isComplete, "\(groups.map(store.count)) events after \(stored) s\n\(agent.log)")
    for group in groups {
      let lines = try NumberedLines(store, group)
      #expect(lines.count == Self.lineCount)
      #expect(lines.last == Self.lineCount)
      #expect(lines.holes.isEmpty, "\(group)")
      #expect(lines.disorder.isEmpty, "\(group)")
      #expect(lines.gapRecords == 0 && lines.strange.isEmpty, "\(group)")
    }
    #expect(agent.metric("logagent_source_gaps_total") == 0)
    #expect(agent.stop().status == 0)
    let rate = Int(3 * Double(Self.lineCount) / stored)
    print("e2e full speed: \(rate) lines/s, written in \(written) s, stored after \(stored) s")
    try engine.docker("rm -f \(names.joined(separator: " "))")
  }
}
