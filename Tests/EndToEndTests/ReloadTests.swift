import Foundation
import Synchronization
import TestSupport
import Testing

/// Reading the configuration again while everything runs: files that change, signals, both at once
/// with a load.
@Suite("Reload", .serialized)
struct ReloadTests {
  /// `make e2e` asks for the whole amount.
  static let isFull = ProcessInfo.processInfo.environment["LOGAGENT_E2E_FULL"] != nil

  private static func configuration(_ agent: Agent, _ more: String) -> String {
    let docker = "docker: { enabled: true, socket: \(agent.directory.file("none"))"
    return """
      dataDirectory: \(agent.dataDirectory)
      sources: { \(docker), root: \(agent.directory.file("docker")) } }
      forward: { flushSeconds: 1, allowInsecure: true }
      \(more)

      """
  }

  private static func forwarding(_ url: String, _ key: String) -> String {
    "logForwarding: { type: http-endpoint, "
      + "properties: { endpointUrl: '\(url)', accessKey: \(key) } }"
  }

  @Test("a file that is written, renamed over, or removed is noticed without a signal")
  func fileChange() throws {
    let agent = Agent()
    let valid = try String(contentsOfFile: agent.configPath, encoding: .utf8)
    try agent.start()
    agent.directory.write("logagent.yml", valid + "defaults: { retentionDays: 30 }\n")
    #expect(agent.waitForLog("defaults retentionDays 90 → 30", seconds: 10), "\(agent.log)")
    // As editors do it: the old one away, a new one in its place.
    let swap =
      "cd \(agent.directory.path) && mv logagent.yml logagent.yml~ && mv new.yml logagent.yml"
    agent.directory.write("new.yml", valid + "defaults: { retentionDays: 31 }\n")
    try Shell.run(swap)
    #expect(agent.waitForLog("defaults retentionDays 30 → 31", seconds: 10), "\(agent.log)")
    try Shell.run("rm \(agent.configPath)")
    #expect(agent.waitForLog("the old one stays", seconds: 10), "\(agent.log)")
    #expect(wait(seconds: 5) { agent.reports("logagent_config_last_reload_successful", 0) })
    agent.directory.write("logagent.yml", valid + "defaults: { retentionDays: 31 }\n")
    #expect(agent.waitForLog("nothing changed", seconds: 10), "\(agent.log)")
    #expect(wait(seconds: 5) { agent.reports("logagent_config_last_reload_successful", 1) })
    #expect(agent.stop().status == 0)
  }

  @Test("a stacktape.yml that changes is taken over; a wrong one leaves the old one in force")
  func stacktapeChange() throws {
    let stub = FirehoseStub { _, _ in .confirm }
    defer { stub.stop() }
    let agent = Agent()
    let forwarding = Self.forwarding(stub.url, "plain")
    func stacktape(_ name: String, _ logging: String) -> String {
      "resources: { \(name): { type: web-service, properties: { logging: { \(logging) } } } }\n"
    }
    let shop = agent.directory.write("shop.yml", stacktape("api", "retentionDays: 7"))
    let blog = agent.directory.write("blog.yml", stacktape("web", "retentionDays: 14"))
    agent.directory.write(
      "logagent.yml",
      Self.configuration(agent, "project: shop\nstage: prod\nstacktape: [shop.yml, blog.yml]")
    )
    try agent.start()
    agent.directory.write("shop.yml", stacktape("api", "retentionDays: 30"))
    #expect(agent.waitForLog("api retentionDays 7 → 30", seconds: 10), "\(agent.log)")
    // The second file, as editors do it: a new file takes the place of the old one.
    agent.directory.write("new.yml", stacktape("web", "retentionDays: 14, \(forwarding)"))
    rename(agent.directory.file("new.yml"), blog)
    #expect(agent.waitForLog("web forwards to http-endpoint", seconds: 10), "\(agent.log)")
    #expect(wait(seconds: 5) { agent.reports("logagent_config_last_reload_successful", 1) })
    // Both in one go are one change.
    agent.directory.write("shop.yml", stacktape("api", "retentionDays: 60"))
    agent.directory.write("blog.yml", stacktape("web", "retentionDays: 60, \(forwarding)"))
    #expect(
      agent.waitForLog("api retentionDays 30 → 60; shop-prod/web", seconds: 10),
      "\(agent.log)"
    )
    let known = agent.reloads
    agent.directory.write("shop.yml", stacktape("api", "retentionDays: 61"))
    #expect(agent.waitForLog("the old one stays", seconds: 10), "\(agent.log)")
    #expect(wait(seconds: 5) { agent.reports("logagent_config_last_reload_successful", 0) })
    #expect(agent.log.contains("shop.yml:1:80: error: `retentionDays` must be"), "\(agent.log)")
    usleep(1_500_000)
    #expect(agent.reloads == known + 1, "one line for one invalid file\n\(agent.log)")
    // What holds is still the old one: forwarding goes on.
    let place = "/stp/shop-prod/ecs/web/service-container/process-logs"
    // exec by itself would refuse the invalid file.
    let other = agent.directory.write("other.yml", "dataDirectory: \(agent.dataDirectory)\n")
    try Shell.run("\(Agent.binary) exec --config \(other) --resource \(place) -- echo still")
    #expect(wait(seconds: 10) { stub.requests.contains { Self.messages($0) == ["still"] } })
    try Shell.run("rm \(shop)")
    usleep(1_000_000)
    agent.directory.write("shop.yml", stacktape("api", "retentionDays: 90"))
    #expect(agent.waitForLog("api retentionDays 60 → 90", seconds: 10), "\(agent.log)")
    #expect(wait(seconds: 5) { agent.reports("logagent_config_last_reload_successful", 1) })
    #expect(agent.stop().status == 0)
  }

  @Test("what a container's label says of retention outlasts the container and a restart")
  func labelledRetention() throws {
    let agent = Agent()
    let root = agent.directory.file("docker")
    let container = FakeContainer(root, name: "kept", labels: ["logagent.retentionDays": "12h"])
    agent.directory.write(
      "logagent.yml",
      Self.configuration(agent, "retention: { shrinkGrace: 0s }")
    )
    try agent.start()
    let writer = LoadWriter(container)
    usleep(300_000)
    _ = writer.stop()
    let group = "/docker/default/kept"
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(wait(seconds: 20) { store.count(group) >= 20 }, "\(agent.log)")
    let isKept = { try agent.command("groups --json").contains("\"retentionDays\":\"12h\"") }
    #expect(try wait(seconds: 15) { try isKept() }, "\(agent.log)")
    #expect(agent.stop().status == 0)
    try Shell.run("rm -r \(root)/containers/*")
    #expect(try Shell.run(agent.quietly("retention plan")).contains("nothing waits"))
    try agent.start()
    usleep(7_000_000)
    #expect(try isKept(), "\(agent.log)")
    // A newer container of the same name without the label: the configuration holds again.
    _ = FakeContainer(root, name: "kept", digit: "d", created: "2031-01-01T00:00:00Z")
    #expect(
      try wait(seconds: 20) { try agent.command("groups --json").contains("\"retentionDays\":90") },
      "\(agent.log)"
    )
    #expect(agent.stop().status == 0)
  }

  @Test("a forwarding waits for its secret and begins with it; a changed one is used at once")
  func secretAppears() throws {
    let stub = FirehoseStub { _, _ in .confirm }
    defer { stub.stop() }
    let agent = Agent()
    let forwarding = Self.forwarding(stub.url, "$Secret('ingest.key')")
    let text = Self.configuration(agent, "resources: { api: { logging: { \(forwarding) } } }")
    agent.directory.write("logagent.yml", text)
    try agent.start()
    try agent.command("exec --quiet --resource api -- echo first")
    #expect(try wait(seconds: 10) { try agent.command("status").contains("paused: the secret") })
    #expect(stub.requests.isEmpty)
    let set = "secret set ingest --key key --config \(agent.configPath)"
    try Shell.run("printf 'tell-no-one-1' | \(Agent.binary) \(set) 2>/dev/null")
    #expect(wait(seconds: 10) { !stub.requests.isEmpty }, "\(agent.log)")
    #expect(stub.requests.first?.headers["x-amz-firehose-access-key"] == "tell-no-one-1")
    try Shell.run("printf 'tell-no-one-2' | \(Agent.binary) \(set) 2>/dev/null")
    #expect(agent.waitForLog("has another key", seconds: 10), "\(agent.log)")
    try agent.command("exec --quiet --resource api -- echo second")
    #expect(wait(seconds: 10) { stub.requests.count > 1 })
    #expect(stub.requests.last?.headers["x-amz-firehose-access-key"] == "tell-no-one-2")
    #expect(agent.stop().status == 0)
    try SecretTests.expectHidden("tell-no-one", agent)
  }

  @Test("a thousand reloads under load lose and double nothing, and leave nothing open")
  func underLoad() throws {
    let reloads = Self.isFull ? 1_000 : 80
    let stub = FirehoseStub { _, _ in .confirm }
    defer { stub.stop() }
    let agent = Agent()
    let container = FakeContainer(agent.directory.file("docker"), name: "loaded")
    let rule =
      "api: { match: { name: loaded }, logging: { \(Self.forwarding(stub.url, "plain")) } }"
    let versions = [
      Self.configuration(agent, "resources: { \(rule), other: { logging: { retentionDays: 5 } } }"),
      Self.configuration(agent, "resources: { \(rule), other: { logging: { retentionDays: 0 } } }"),
      Self.configuration(
        agent,
        "resources: { \(rule), another: { logging: { retentionDays: 7 } } }"
      ),
      "resources: { api: [\n",
    ]
    agent.directory.write("logagent.yml", versions[0])
    try agent.start()
    let writer = LoadWriter(container)
    #expect(wait(seconds: 20) { stub.requests.count > 2 && agent.metric("process_open_fds") > 0 })
    usleep(2_500_000)
    let before = agent.usage
    let began = Date()
    for number in 1...reloads {
      let text = versions[number % versions.count]
      if number % 3 == 0 {
        agent.directory.write("next.yml", text)
        rename(agent.directory.file("next.yml"), agent.configPath)
      } else {
        agent.directory.write("logagent.yml", text)
      }
      let known = agent.reloads
      agent.signal(SIGHUP)
      #expect(
        wait(seconds: 10) { agent.reloads > known },
        "no reload \(number)\n\(agent.latestLog.suffix(2_000))"
      )
    }
    let seconds = Date().timeIntervalSince(began)
    let written = writer.stop()
    agent.directory.write("logagent.yml", versions[0])
    let store = StoredEvents(dataDirectory: agent.dataDirectory)
    #expect(
      wait(seconds: 20) { store.count("/docker/api") >= UInt64(written) },
      "\(agent.log.suffix(2_000))"
    )
    #expect(try store.events("/docker/api").map(\.text) == (0..<written).map { "line \($0)" })
    let delivered = { stub.requests.flatMap(Self.messages) }
    #expect(wait(seconds: 20) { delivered().count >= written })
    #expect(delivered() == (0..<written).map { "line \($0)" })
    #expect(wait(seconds: 10) { agent.usage.descriptors <= before.descriptors + 2 })
    #expect(agent.usage.resident < before.resident + 24_000_000, "\(before) \(agent.usage)")
    #expect(agent.metric("logagent_source_gaps_total") == 0)
    print(
      "e2e reload: \(reloads) reloads in \(seconds) s with \(written) lines,",
      "before \(before), after \(agent.usage)"
    )
    #expect(agent.stop().status == 0)
  }

  /// The log messages in a delivered request.
  private static func messages(_ request: FirehoseStub.Request) -> [String] {
    struct Body: Decodable {
      struct Record: Decodable { var data: Data }
      var records: [Record]
    }
    struct Envelope: Decodable {
      struct Event: Decodable { var message: String }
      var logEvents: [Event]
    }
    let body = try? JSONDecoder().decode(Body.self, from: Data(request.body))
    return (body?.records ?? []).flatMap { record -> [String] in
      let folder = TemporaryDirectory("record")
      let path = folder.write("data.gz", Array(record.data))
      guard let text = try? Shell.run("gzip -dc \(path)"),
        let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(text.utf8))
      else { return ["unreadable record"] }
      return envelope.logEvents.map(\.message)
    }
  }
}

/// A container's json-file without an engine.
private final class FakeContainer: Sendable {
  let log: String

  init(
    _ root: String,
    name: String,
    labels: [String: String] = [:],
    digit: String = "c",
    created: String = "2030-01-01T00:00:00.123456789Z"
  ) {
    let id = String(repeating: digit, count: 64)
    let folder = "\(root)/containers/\(id)"
    log = "\(folder)/\(id)-json.log"
    let texts = labels.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
    let config =
      #"{"ID":"\#(id)","Name":"/\#(name)","Created":"\#(created)","State":{"Running":true},"#
      + #""Config":{"Labels":{\#(texts)}}}"#
    let host = #"{"LogConfig":{"Type":"json-file","Config":{}}}"#
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (file, text) in [
      ("config.v2.json", config), ("hostconfig.json", host), ("\(id)-json.log", ""),
    ] {
      precondition(
        FileManager.default.createFile(
          atPath: file.hasPrefix(id) ? log : "\(folder)/\(file)",
          contents: Data(text.utf8)
        )
      )
    }
  }
}

/// Writes numbered lines into a container's log until it is stopped: some hundred a second.
private final class LoadWriter: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let written = Mutex(0)
  private let finished = DispatchSemaphore(value: 0)

  init(_ container: FakeContainer) {
    Thread.detachNewThread { [self] in
      let file = FileHandle(forWritingAtPath: container.log)
      while !isStopped.load(ordering: .acquiring) {
        let start = written.withLock { $0 }
        let time = Date().ISO8601Format()
        let lines = (start..<(start + 20)).map {
          #"{"log":"line \#($0)\n","stream":"stdout","time":"\#(time)"}"# + "\n"
        }
        _ = try? file?.seekToEnd()
        file?.write(Data(lines.joined().utf8))
        written.withLock { $0 += 20 }
        usleep(20_000)
      }
      finished.signal()
    }
  }

  /// How many lines there are.
  func stop() -> Int {
    isStopped.store(true, ordering: .releasing)
    finished.wait()
    return written.withLock { $0 }
  }
}

extension Agent {
  /// How often the configuration was read again, well or not.
  fileprivate var reloads: Int {
    let log = latestLog
    return log.components(separatedBy: "configuration reloaded").count
      + log.components(separatedBy: "configuration is invalid").count
  }

  /// A command with both of its outputs.
  fileprivate func quietly(_ words: String) -> String {
    "LOGAGENT_CONFIG=\(configPath) \(Self.binary) \(words) 2>&1"
  }

  fileprivate var usage: (descriptors: Int, resident: Int) {
    (Int(metric("process_open_fds")), Int(metric("process_resident_memory_bytes")))
  }

  fileprivate func reports(_ name: String, _ value: Double) -> Bool { metric(name) == value }
}
