import Foundation
import TestSupport
import Testing

/// `logagent import` beside a daemon that owns the store.
@Suite("An import beside a daemon", .serialized)
struct ImportBesideDaemonTests {
  private static let count = 200_000
  private static let group = "/e2e/imported"

  private let agent = Agent()
  private var store: StoredEvents { StoredEvents(dataDirectory: agent.dataDirectory) }
  private var imports: String { agent.dataDirectory + "/imports" }

  /// About 50 MB, some 25 batches; four times that for the release binary, which is faster.
  private func numberedLines() throws -> String {
    let path = agent.directory.file("numbered.log")
    let sentences = DockerTests.isFull ? 20 : 5
    let filler = String(
      repeating: "the quick brown fox jumps over the lazy dog ",
      count: sentences
    )
    try Shell.run("seq -s ' \(filler)\n' 1 \(Self.count) >\(path)")
    return path
  }

  private func start(_ file: String) throws -> RunningImport {
    try RunningImport(agent, ["--format", "lines", "--resource", Self.group, file])
  }

  private func expectComplete() throws {
    let lines = try NumberedLines(store, Self.group)
    #expect(lines.count == Self.count && lines.last == Self.count)
    #expect(lines.holes.isEmpty && lines.disorder.isEmpty && lines.gapRecords == 0)
    #expect(lines.strange.isEmpty)
    // Whatever a killed import left is gone as well.
    #expect(wait(seconds: 10) { (try? Shell.run("ls -A \(imports)")) == "" })
    #expect(agent.metric("logagent_import_errors_total") == 0)
  }

  @Test("an import that is killed in the middle and repeated counts every line once, in order")
  func importKilled() throws {
    let file = try numberedLines()
    try agent.start()
    var seen: UInt64 = 0
    for _ in 1...3 {
      let killed = try start(file)
      #expect(wait(seconds: 60) { store.count(Self.group) > seen }, "\(killed.errors)")
      killed.signal(SIGKILL)
      #expect(killed.waitUntilExit() == 128 + SIGKILL)
      seen = store.count(Self.group)
      #expect(seen < UInt64(Self.count))
    }
    let last = try start(file)
    #expect(last.waitUntilExit() == 0, "\(last.errors)")
    try expectComplete()
    let again = try start(file)
    #expect(again.waitUntilExit() == 0)
    #expect(again.errors.contains("1 files held nothing new"))
    try expectComplete()
    #expect(agent.stop().status == 0)
  }

  @Test("a daemon that is killed in the middle and started again is waited for")
  func daemonKilled() throws {
    let file = try numberedLines()
    try agent.start()
    let running = try start(file)
    #expect(wait(seconds: 60) { store.count(Self.group) > 0 }, "\(running.errors)")
    agent.kill()
    #expect(running.isRunning)
    usleep(1_500_000)
    #expect(running.isRunning)
    try agent.start()
    let status = running.waitUntilExit()
    #expect(status == 0 || status == 75 && running.errors.contains("run it again"))
    if status != 0 { #expect(try start(file).waitUntilExit() == 0) }
    try expectComplete()
    #expect(agent.stop().status == 0)
  }

  @Test("an interrupted import ends with 130, leaves nothing behind, and goes on when repeated")
  func interrupted() throws {
    let file = try numberedLines()
    try agent.start()
    let first = try start(file)
    #expect(wait(seconds: 60) { store.count(Self.group) > 0 }, "\(first.errors)")
    first.signal(SIGINT)
    #expect(first.waitUntilExit() == 130)
    #expect(first.errors.contains("interrupted; run it again"))
    #expect(try Shell.run("ls -A \(imports)") == "")
    let second = try start(file)
    #expect(second.waitUntilExit() == 0, "\(second.errors)")
    try expectComplete()
    #expect(agent.stop().status == 0)
  }

  @Test("without a daemon, an interrupted import goes on when it is repeated, then a daemon starts")
  func interruptedAlone() throws {
    let file = try numberedLines()
    let first = try start(file)
    #expect(wait(seconds: 60) { store.count(Self.group) > 0 }, "\(first.errors)")
    first.signal(SIGTERM)
    #expect(first.waitUntilExit() == 130)
    let second = try start(file)
    #expect(second.waitUntilExit() == 0, "\(second.errors)")
    try agent.start()
    try expectComplete()
    #expect(agent.stop().status == 0)
  }

  @Test("two imports of the same file at once count it once")
  func twice() throws {
    let file = try numberedLines()
    try agent.start()
    let both = [try start(file), try start(file)]
    for one in both { #expect(one.waitUntilExit() == 0, "\(one.errors)") }
    try expectComplete()
    #expect(agent.stop().status == 0)
  }
}

/// `logagent import` as a process, with what it says on standard error.
private final class RunningImport {
  private let process = Process()
  private let path: String

  init(_ agent: Agent, _ arguments: [String]) throws {
    path = agent.directory.write("import-\(UUID().uuidString)", "")
    process.executableURL = URL(fileURLWithPath: Agent.binary)
    process.arguments = ["import", "--config", agent.configPath] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(forWritingAtPath: path)
    try process.start()
  }

  var errors: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
  var isRunning: Bool { process.isRunning }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// The exit status; 128 and more for a signal.
  func waitUntilExit() -> Int32 {
    process.waitUntilExit()
    let status = process.terminationStatus
    return process.terminationReason == .exit ? status : 128 + status
  }
}

/// Root imports into the directory of a service with a user of its own.
@Suite("An import by root", .enabled(if: getuid() == 0, "needs root"))
struct ImportByRootTests {
  private static let user = 4_711

  private let agent = Agent()

  /// As the unit starts it: a user of its own who may read any file.
  private func startAsUser() throws -> Child {
    let capability = "+dac_read_search"
    let child = try Child(
      "/usr/bin/setpriv",
      [
        "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups",
        "--inh-caps=\(capability)", "--ambient-caps=\(capability)",
        "/bin/sh", "-c", "exec \(Agent.binary) run --config \(agent.configPath) 2>&1",
      ]
    )
    try #require(child.wait(for: "started", seconds: 20), "\(child.text)")
    return child
  }

  private func importAsRoot(_ name: String) throws {
    let file = agent.directory.write(name, "\(name)\n")
    try Shell.run("chmod 600 \(file)")
    try agent.command("import --format lines --resource /e2e/root \(file) 2>&1")
  }

  @Test("an import by root works beside the daemon and without it, and leaves nothing of root's")
  func byRoot() throws {
    try Shell.run("install -d -o \(Self.user) -g \(Self.user) -m 750 \(agent.dataDirectory)")
    let first = try startAsUser()
    try importAsRoot("beside")
    kill(first.process.processIdentifier, SIGTERM)
    #expect(first.waitUntilExit() == 0, "\(first.text)")
    try importAsRoot("without")
    let foreign = try Shell.run("find \(agent.dataDirectory) ! -user \(Self.user)")
    #expect(foreign == "")
    // What root's import wrote is no obstacle for the daemon.
    let second = try startAsUser()
    try importAsRoot("again")
    kill(second.process.processIdentifier, SIGTERM)
    #expect(second.waitUntilExit() == 0, "\(second.text)")
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(try store.events("/e2e/root").map(\.text) == ["beside", "without", "again"])
  }

  @Test("a stranger can neither import nor put a batch where the daemon would take it")
  func stranger() throws {
    try Shell.run("install -d -o \(Self.user) -g \(Self.user) -m 755 \(agent.dataDirectory)")
    let daemon = try startAsUser()
    let drop = "setpriv --reuid=4712 --regid=4712 --clear-groups"
    let file = agent.directory.write("stranger", "stranger\n")
    let config = "LOGAGENT_CONFIG=\(agent.configPath)"
    let attempt = try Shell.run(
      """
      \(config) \(drop) --inh-caps=+dac_read_search --ambient-caps=+dac_read_search \
        \(Agent.binary) import --format lines --resource /e2e/root \(file) 2>&1; echo "status $?"
      \(drop) mkdir \(agent.dataDirectory)/imports/0a 2>&1 || echo refused
      """
    )
    #expect(attempt.contains("status 77") && attempt.contains("refused"), "\(attempt)")
    kill(daemon.process.processIdentifier, SIGTERM)
    #expect(daemon.waitUntilExit() == 0, "\(daemon.text)")
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(try store.events("/e2e/root").isEmpty)
  }
}
