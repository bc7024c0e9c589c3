import Foundation
import TestSupport
import Testing

/// The agent's own life: restarts, reloads, an engine that comes late.
extension DockerTests {
  @Test("restarts of the agent in between leave neither duplicates nor holes")
  func restarts() throws {
    let engine = EngineScope.engine
    let agent = Agent(engine)
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let loop = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; usleep 10000; done"
    try engine.run("restarted", "sh -c '\(loop)'")
    for _ in 0..<4 {
      try agent.start()
      usleep(700_000)
      #expect(agent.stop().status == 0)
      usleep(200_000)
    }
    try agent.start()
    try engine.docker("wait restarted")
    let group = "/docker/default/restarted"
    let isComplete = wait(seconds: 20) { store.count(group) >= 400 }
    #expect(isComplete)
    // A container that starts again goes on in the same stream.
    try engine.docker("start restarted")
    try engine.docker("wait restarted")
    _ = wait(seconds: 20) { store.count(group) >= 800 }
    #expect(agent.stop().status == 0)
    let expected = (1...400).map(String.init)
    #expect(try store.events(group).map(\.text) == expected + expected)
    try engine.docker("rm -f restarted")
  }

  @Test("an engine that appears after the agent is collected from its first line")
  func lateEngine() throws {
    let late = DockerEngine()
    let agent = Agent(late)
    try agent.start()
    usleep(500_000)
    try late.start()
    defer { late.stop() }
    try late.run("late", "seq 1 1000")
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let isComplete = wait(seconds: 30) { store.count("/docker/default/late") >= 1_000 }
    #expect(isComplete, "\(agent.log)")
    #expect(try store.events("/docker/default/late").map(\.text) == (1...1_000).map(String.init))
    #expect(agent.stop().status == 0)
  }

  @Test("SIGTERM in a flood drains, ends with 0 within 10 s, and the next start goes on")
  func drains() throws {
    let engine = EngineScope.engine
    let agent = Agent(engine)
    try agent.start()
    let count = 300_000
    try engine.run("drained", DockerEngine.numberedLines(count))
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let group = "/docker/default/drained"
    #expect(wait(seconds: 20) { store.count(group) > 1_000 })
    let end = agent.stop()
    #expect(end.status == 0)
    #expect(end.seconds < 10)
    #expect(agent.log.contains("stopped, everything is committed"))
    try agent.start()
    #expect(wait(seconds: 60) { store.count(group) >= UInt64(count) })
    let lines = try NumberedLines(store, group)
    #expect(lines.count == count && lines.holes.isEmpty && lines.disorder.isEmpty)
    #expect(agent.stop().status == 0)
    try engine.docker("rm -f drained")
  }

  @Test("SIGHUP with an invalid file keeps the old configuration and says so")
  func invalidReload() throws {
    let engine = EngineScope.engine
    let agent = Agent(
      engine,
      more: "resources: { kept: { match: { name: 'hup*' }, type: web-service } }"
    )
    try agent.start()
    try engine.run("hup1", "echo before")
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    let valid = try String(contentsOfFile: agent.configPath, encoding: .utf8)
    func groups() throws -> String { try agent.command("groups --json 2>/dev/null || true") }
    #expect(try wait(seconds: 10) { try groups().contains("kept") })
    agent.directory.write("logagent.yml", valid + "retentionDayz: 1\n")
    agent.signal(SIGHUP)
    #expect(agent.waitForLog("the old one stays", seconds: 10), "\(agent.log)")
    #expect(agent.latestLog.contains("retentionDayz"))
    // Just then it must be possible to ask.
    let isTold = try wait(seconds: 10) {
      try agent.command("status 2>/dev/null").contains("the old one is in force")
    }
    #expect(isTold)
    agent.directory.write("logagent.yml", valid)
    try engine.run("hup2", "echo after")
    let isPlaced = try wait(seconds: 10) {
      try agent.command("logs kept -o raw --limit all --quiet").contains("after")
    }
    #expect(isPlaced, "\(agent.log)")
    #expect(store.count("/docker/default/hup2") == 0)
    agent.signal(SIGHUP)
    #expect(agent.waitForLog("configuration reloaded", seconds: 10))
    #expect(agent.stop().status == 0)
    try engine.docker("rm -f hup1 hup2")
  }

  @Test("a line that a container writes is in `logagent tail` within a second")
  func tailLatency() throws {
    let engine = EngineScope.engine
    let folder = TemporaryDirectory("fifo")
    let fifo = folder.file("lines")
    try Shell.run("mkfifo \(fifo)")
    let agent = Agent(engine)
    try agent.start()
    try engine.run(
      "told",
      options: "-v \(folder.path):/data",
      "sh -c 'while read -r line; do echo \"$line\"; done </data/lines'"
    )
    let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: fifo))
    try writer.write(contentsOf: Data("first\n".utf8))
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(wait(seconds: 10) { store.count("/docker/default/told") == 1 })
    let tail = try Child(
      Agent.binary,
      [
        "tail", "told", "-o", "raw", "--data-dir", agent.dataDirectory, "--config",
        agent.configPath,
      ]
    )
    #expect(tail.wait(for: "first", seconds: 10))
    var latencies: [Double] = []
    for number in 1...20 {
      usleep(UInt32.random(in: 0..<150_000))
      let began = Date()
      try writer.write(contentsOf: Data("line \(number).\n".utf8))
      #expect(tail.wait(for: "line \(number).", seconds: 10))
      latencies.append(Date().timeIntervalSince(began))
    }
    tail.kill()
    try writer.close()
    latencies.sort()
    print("e2e tail latency: median \(latencies[10]) s, maximum \(latencies[19]) s")
    #expect(latencies[19] < 1)
    #expect(agent.stop().status == 0)
    try engine.docker("rm -f told")
  }
}
