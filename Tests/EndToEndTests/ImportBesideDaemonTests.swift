import Foundation
import TestSupport
import Testing

/// `logagent import` while `logagent run` owns the store, as processes that are killed.
@Suite("Import beside a daemon", .serialized)
struct ImportBesideDaemonTests {
  private static let lineCount = 300_000
  private static let group = "/import/numbers"

  private let directory = TemporaryDirectory("beside")
  private let agent = Agent()

  private func writeLines() throws -> String {
    let path = directory.file("lines.log")
    try Shell.run(
      """
      seq -f 'line %.0f GET /api/orders status=200 and some text of no interest' \
        1 \(Self.lineCount) > \(path)
      """
    )
    return path
  }

  private func importer(_ path: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Agent.binary)
    process.arguments = [
      "import", "--format", "lines", "--resource", Self.group, "--stream", "numbers",
      "--data-dir", agent.dataDirectory, path,
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(
      forWritingAtPath: directory.write("import.\(UUID().uuidString)", "")
    )
    try process.start()
    return process
  }

  private func stored() -> UInt64 {
    StoredEvents(dataDirectory: agent.dataDirectory).count(Self.group)
  }

  private func expectEveryLineOnce() throws {
    let numbers = try StoredEvents(dataDirectory: agent.dataDirectory).events(Self.group).map {
      Int($0.text.split(separator: " ")[1]) ?? -1
    }
    #expect(numbers.count == Self.lineCount)
    #expect(numbers == Array(1...Self.lineCount))
  }

  @Test("one that is killed and repeated leaves every line once, in order")
  func killedImporter() throws {
    let path = try writeLines()
    try agent.start()
    var kills = 0
    for round in 1...3 {
      let process = try importer(path)
      _ = wait(seconds: 20) {
        !process.isRunning || stored() > UInt64(round * Self.lineCount / 8)
      }
      if process.isRunning { kills += 1 }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(kills > 0, "every import was over before it could be killed")
    let last = try importer(path)
    last.waitUntilExit()
    #expect(last.terminationStatus == 0)
    try expectEveryLineOnce()
    // What the killed ones left goes, too.
    let imports = agent.dataDirectory + "/imports"
    #expect(
      wait(seconds: 10) { (try? FileManager.default.contentsOfDirectory(atPath: imports)) == [] }
    )
    #expect(agent.stop().status == 0)
  }

  @Test("a daemon that is killed and started again in between: the same")
  func killedDaemon() throws {
    let path = try writeLines()
    try agent.start()
    let process = try importer(path)
    #expect(wait(seconds: 20) { stored() > 0 || !process.isRunning })
    let wasRunning = process.isRunning
    agent.kill()
    try agent.start(waits: false)
    // Either of them may own the store now; the daemon tries no second time.
    process.waitUntilExit()
    #expect(wasRunning, "the import was over before the daemon could be killed")
    #expect(process.terminationStatus == 0 || process.terminationStatus == 75)
    let again = try importer(path)
    again.waitUntilExit()
    #expect(again.terminationStatus == 0)
    try expectEveryLineOnce()
    agent.kill()
  }
}
