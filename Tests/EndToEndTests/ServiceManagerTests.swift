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

  @Test("a user of its own with one capability collects what only root may read")
  func ownUser() throws {
    let containers = directory.file("docker/containers")
    let id = String(repeating: "a", count: 64)
    let folder = "\(containers)/\(id)"
    // Owners and modes as Docker gives them.
    try Shell.run(
      """
      mkdir -p \(folder) && chmod 710 \(directory.file("docker")) \(containers) \(folder)
      cd \(folder)
      printf '%s\\n' '{"ID":"\(id)","Name":"/web","State":{"Running":true}}' > config.v2.json
      printf '%s\\n' '{"LogConfig":{"Type":"json-file","Config":{}}}' > hostconfig.json
      printf '%s\\n' \
        '{"log":"for the agent\\n","stream":"stdout","time":"2026-11-25T10:00:00.1Z"}' \
        > \(id)-json.log
      chmod 640 *
      """
    )
    let agent = Agent(socket: directory.file("none"), root: directory.file("docker"))
    try Shell.run("chmod 755 \(agent.directory.path) && chmod 644 \(agent.configPath)")
    try Shell.run("mkdir -m 750 \(agent.dataDirectory)")
    try Shell.run("chown 65534:65534 \(agent.dataDirectory)")
    let capability = "-all,+dac_read_search"
    agent.prefix = [
      "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
      "--inh-caps=\(capability)", "--ambient-caps=\(capability)", "--bounding-set=\(capability)",
      "--no-new-privs",
    ]
    try agent.start()
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(wait(seconds: 10) { store.count("/docker/default/web") == 1 }, "\(agent.log)")
    #expect(try store.events("/docker/default/web").map(\.text) == ["for the agent"])
    // What root runs and imports is collected and can be removed by that user.
    try agent.command("exec --resource job -- echo from root")
    let file = directory.write("lines", "one\ntwo\n")
    try agent.command("import --quiet --format lines --resource old \(file)")
    #expect(wait(seconds: 10) { store.count("/exec/job") == 1 })
    #expect(store.count("/import/old") == 2)
    for folder in ["spool", "imports"] {
      let path = agent.dataDirectory + "/" + folder
      #expect(
        wait(seconds: 10) { (try? FileManager.default.contentsOfDirectory(atPath: path)) == [] }
      )
    }
    #expect(agent.stop().status == 0)
    #expect(!agent.log.contains("Permission denied"), "\(agent.log)")
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
