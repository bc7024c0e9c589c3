import Foundation
import LogModel
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Collect

/// A collector on a thread of its own; ends with the value.
final class RunningCollector {
  let collector: Collector
  let sink: FakeSink
  let stop: StopSignal
  let metrics = Metrics()
  let box: NoticeBox
  private let thread: OSThread

  init(
    _ options: CollectorOptions,
    sink: FakeSink = FakeSink(),
    placement: @escaping Collector.Resolver = RunningCollector.byName
  ) throws {
    self.sink = sink
    stop = try StopSignal()
    let box = NoticeBox()
    self.box = box
    let collector = try Collector(
      options: options,
      sink: sink,
      metrics: metrics,
      notify: { box.add($0) },
      placement: placement
    )
    self.collector = collector
    let stop = stop
    thread = try OSThread(name: "collect") { collector.run(until: stop) }
  }

  static let byName: Collector.Resolver = { metadata in
    .collect(
      group: LogGroup(sanitizing: "/docker/" + metadata.name),
      stream: LogStream(sanitizing: metadata.shortID)
    )
  }

  func end() {
    stop.raise()
    thread.join()
  }

  deinit { end() }

  func texts(_ group: String) -> [String] {
    sink.events.filter { $0.group == "/docker/" + group }.map(\.text)
  }
}

final class NoticeBox: Sendable {
  let notices = Mutex<[CollectNotice]>([])
  func add(_ notice: CollectNotice) { notices.withLock { $0.append(notice) } }
}

@Suite struct CollectorTests {
  let directory = TemporaryDirectory("collector")
  var root: String { directory.file("docker") }

  func options(socket: String? = nil) -> CollectorOptions {
    CollectorOptions(dockerRoot: root, dockerSocket: socket)
  }

  func sequence(_ range: Range<Int>) -> [String] { range.map { "seq=\($0)" } }

  @Test func `containers that exist and that appear are collected under their names`() throws {
    let docker = FakeDocker(root)
    let old = docker.create(1, name: "old")
    old.lines(100)
    old.rotate()
    old.lines(10)
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("old").count == 110 })
    let new = docker.create(2, name: "new")
    new.lines(5)
    #expect(eventually { running.texts("new").count == 5 })
    old.lines(5)
    new.lines(5)
    #expect(eventually { running.texts("new").count == 10 && running.texts("old").count == 115 })
    #expect(running.texts("old") == sequence(0..<115))
    #expect(running.sink.events.first?.stream == String(FakeDocker.id(1).prefix(12)))
    #expect(
      eventually { running.metrics.value("logagent_containers", [("state", "collected")]) == 2 }
    )
  }

  @Test func `a root that appears late is found`() throws {
    let docker = FakeDocker(root, create: false)
    let running = try RunningCollector(options())
    usleep(100_000)
    docker.makeRoot()
    docker.create(1, name: "late").lines(3)
    #expect(eventually(15) { running.texts("late").count == 3 })
  }

  @Test func `the output of containers that are removed at once is caught`() throws {
    let docker = FakeDocker(root)
    let running = try RunningCollector(options())
    #expect(eventually { running.collector.status.isDockerRootReadable })
    // Real ones live 285 ms or longer.
    var living: [(writer: DockerWriter, end: Date)] = []
    for number in 1...60 {
      let writer = docker.create(number, name: "rm\(number)")
      usleep(3_000)
      writer.lines(1)
      writer.part("last words", time: 900)
      living.append((writer, Date().addingTimeInterval(0.285)))
      while let first = living.first, Date() > first.end { living.removeFirst().writer.remove() }
    }
    for (writer, end) in living {
      Thread.sleep(until: end)
      writer.remove()
    }
    #expect(eventually { running.sink.events.count == 120 }, "\(running.sink.events.count) of 120")
    #expect(eventually { running.sink.state.withLock { $0.forgotten.count } == 60 })
    #expect(eventually { running.collector.status.containers.isEmpty })
  }

  @Test func `a container that came and went while the collector was busy is told and counted`()
    throws
  {
    let docker = FakeDocker(root)
    let running = try RunningCollector(options()) { metadata in
      if metadata.name == "slow" { usleep(500_000) }
      return RunningCollector.byName(metadata)
    }
    #expect(eventually { running.collector.status.isDockerRootReadable })
    docker.create(1, name: "slow").lines(1)
    usleep(200_000)
    let writer = docker.create(2, name: "quick")
    writer.lines(1)
    writer.remove()
    #expect(eventually { running.metrics.value("logagent_containers_missed_total") == 1 })
    #expect(eventually { running.texts("slow").count == 1 })
    running.end()
    #expect(
      running.box.notices.withLock { notices in
        notices.contains {
          $0.text.hasPrefix("container \(FakeDocker.id(2).prefix(12)) was removed before")
        }
      }
    )
  }

  @Test func `a restarted collector goes on where the sink was`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    writer.lines(50)
    let sink = FakeSink()
    let first = try RunningCollector(options(), sink: sink)
    #expect(eventually { sink.events.count == 50 })
    first.end()
    writer.lines(10)
    writer.rotate()
    writer.lines(10)
    let second = try RunningCollector(options(), sink: sink)
    #expect(eventually { sink.events.count == 70 })
    #expect(second.texts("c") == sequence(0..<70))
  }

  @Test func `a dangling line is flushed within a second of the container's exit`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    let running = try RunningCollector(options())
    writer.part("prompt", time: 1)
    usleep(600_000)
    #expect(running.sink.events.isEmpty)
    docker.configure(FakeDocker.id(1), name: "c", running: false)
    #expect(eventually(1.5) { running.texts("c") == ["prompt"] })
    #expect(running.sink.events.first?.flags == .unterminated)
  }

  @Test func `a line is not ended because a created container is not known to have started`() throws
  {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    docker.configure(
      FakeDocker.id(1),
      name: "c",
      running: false,
      finishedAt: "0001-01-01T00:00:00Z"
    )
    let running = try RunningCollector(options())
    usleep(400_000)
    writer.part("one ", time: 1)
    usleep(800_000)
    writer.part("line\\n", time: 1)
    #expect(eventually { running.texts("c") == ["one line"] }, "\(running.texts("c"))")
  }

  @Test func `a line of a stopped container that writes again is not ended`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c", running: false)
    let running = try RunningCollector(options())
    usleep(500_000)
    for number in 0..<8 {
      writer.part("part \(number) ", time: 1)
      usleep(60_000)
    }
    writer.part("end\\n", time: 1)
    let line = (0..<8).map { "part \($0) " }.joined() + "end"
    #expect(eventually { running.texts("c") == [line] }, "\(running.texts("c"))")
  }

  @Test func `a renamed container's later events carry the new name`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "before")
    writer.lines(3)
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("before").count == 3 })
    docker.configure(FakeDocker.id(1), name: "after", labels: ["name": "shadow"])
    #expect(eventually { running.collector.status.containers.first?.name == "after" })
    writer.lines(3)
    #expect(eventually { running.texts("after").count == 3 })
    #expect(running.texts("before") == sequence(0..<3))
    #expect(running.texts("after") == sequence(3..<6))
  }

  @Test func `reload moves only what changed, and disabling stops collection`() throws {
    let docker = FakeDocker(root)
    let one = docker.create(1, name: "one")
    let two = docker.create(2, name: "two")
    one.lines(3)
    two.lines(3)
    let running = try RunningCollector(options())
    #expect(eventually { running.sink.events.count == 6 })
    running.collector.reload { metadata in
      if metadata.name == "one" { return .disabled }
      return .collect(
        group: LogGroup(sanitizing: "/docker/moved"),
        stream: LogStream(sanitizing: "s")
      )
    }
    #expect(eventually { running.collector.status.containers.first?.state == .disabled })
    one.lines(3)
    two.lines(3)
    #expect(eventually { running.texts("moved").count == 3 })
    usleep(400_000)
    #expect(running.texts("one").count == 3)
    running.collector.reload(placement: RunningCollector.byName)
    #expect(eventually { running.texts("one").count == 6 })
    #expect(running.texts("one") == sequence(0..<6))
    #expect(running.texts("moved") == sequence(3..<6))
  }

  @Test(arguments: [(-10.0, true), (10.0, false)])
  func `a single rotated file that is younger than its writer's start begins with a gap`(
    startedSecondsAgo: Double,
    hasGap: Bool
  ) throws {
    let docker = FakeDocker(root)
    let started = Timestamp(
      nanoseconds: SystemClock().now() + Int64(startedSecondsAgo * 1_000_000_000)
    )
    docker.create(
      1,
      name: "single",
      options: ["max-size": "64k", "max-file": "1"],
      startedAt: Calendar.formatRFC3339(started, decimals: 9)
    ).lines(2)
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("single").count >= 2 })
    running.end()
    #expect(running.sink.events.count { $0.flags.contains(.gap) } == (hasGap ? 1 : 0))
    #expect(running.sink.events.first?.flags.contains(.gap) == hasGap)
  }

  @Test func `a driver without a file is reported once, and non-blocking mode is warned of`() throws
  {
    let docker = FakeDocker(root)
    docker.create(1, name: "remote", driver: "none")
    docker.create(2, name: "lossy", mode: "non-blocking").lines(2)
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("lossy").count == 2 })
    #expect(eventually { running.collector.status.unsupported.map(\.name) == ["remote"] })
    docker.configure(FakeDocker.id(1), name: "remote", running: false)
    usleep(300_000)
    let texts = running.box.notices.withLock { $0.map(\.text) }
    #expect(texts.filter { $0.contains("remote") && $0.contains("none") }.count == 1)
    #expect(texts.filter { $0.contains("lossy") && $0.contains("non-blocking") }.count == 1)
  }

  @Test func `what is not a log file of a container is ignored`() throws {
    let docker = FakeDocker(root)
    try FileManager.default.createDirectory(
      atPath: root + "/containers/not-an-id",
      withIntermediateDirectories: true
    )
    directory.write("docker/containers/not-an-id/not-an-id-json.log", "x\n")
    let writer = docker.create(1, name: "fifo")
    mkfifo(writer.base, 0o600)
    let other = docker.create(2, name: "good")
    other.lines(2)
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("good").count == 2 })
    #expect(running.sink.events.count == 2)
  }

  @Test func `terminal output loses its CR`() throws {
    let docker = FakeDocker(root)
    docker.create(1, name: "tty", tty: true).raw(dockerRecord("hello\\r\\n", time: dockerTime(1)))
    let running = try RunningCollector(options())
    #expect(eventually { running.texts("tty") == ["hello"] })
  }

  @Test func `the API's state, late arrival and reconnections are seen, and die flushes`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    let path = directory.file("engine.sock")
    let running = try RunningCollector(options(socket: path))
    #expect(eventually { running.collector.status.dockerAPI.hasPrefix("unavailable") })
    let engine = FakeEngine(path)
    let id = FakeDocker.id(1)
    engine.setList(
      "[{\"Id\":\"\(id)\",\"Names\":[\"/c\",\"/x/c\"],"
        + "\"Image\":\"i\",\"Labels\":{},\"State\":\"running\"}]"
    )
    #expect(eventually { running.collector.status.dockerAPI == "connected" })
    writer.part("prompt", time: 1)
    usleep(200_000)
    #expect(running.sink.events.isEmpty)
    docker.configure(id, name: "c", running: false)
    engine.emit("die", id)
    #expect(eventually(1.5) { running.texts("c") == ["prompt"] })
    engine.dropSubscribers()
    #expect(eventually { running.metrics.total("logagent_source_reconnects_total") >= 2 })
    #expect(eventually { engine.subscribers == 1 })
    #expect(eventually { running.collector.status.dockerAPI == "connected" })
  }

  @Test func `written to handed over takes less than 700 ms, also from an idle source`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    let running = try RunningCollector(options())
    writer.lines(1)
    #expect(eventually { running.sink.events.count == 1 })
    var slowest = 0.0
    for count in 2...8 {
      usleep(700_000)
      let start = Date()
      writer.lines(1)
      #expect(eventually { running.sink.events.count == count })
      slowest = max(slowest, Date().timeIntervalSince(start))
    }
    #expect(slowest < 0.7, "slowest: \(slowest)")
  }

  @Test func `a closing sink ends the loop`() throws {
    let docker = FakeDocker(root)
    let writer = docker.create(1, name: "c")
    let running = try RunningCollector(options())
    writer.lines(1)
    #expect(eventually { running.sink.events.count == 1 })
    running.sink.close()
    writer.lines(1)
    usleep(300_000)
    running.end()
    #expect(running.sink.events.count == 1)
  }
}

@Suite struct DockerAPITests {
  @Test func `a response is the same however it is cut`() throws {
    let text =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "5\r\nhello\r\nc;x=y\r\n, wide\nworld\r\n0\r\nT: 1\r\n\r\n"
    let all = bytes(text)
    for size in 1...all.count {
      var response = HTTPResponse()
      var body: [UInt8] = []
      for start in stride(from: 0, to: all.count, by: size) {
        let piece = Array(all[start..<min(start + size, all.count)])
        try response.feed(piece.span, into: &body)
      }
      #expect(response.isComplete && response.status == 200)
      #expect(body == bytes("hello, wide\nworld"))
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "nonsense\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
    "HTTP/1.1 200 OK\r\n" + String(repeating: "X-Y: z\r\n", count: 10_000),
    String(repeating: "a", count: 20_000),
  ])
  func `a damaged response is refused`(text: String) {
    var response = HTTPResponse()
    var body: [UInt8] = []
    let all = bytes(text + "\r\n\r\n")
    #expect(throws: HTTPResponse.Failure.self) { try response.feed(all.span, into: &body) }
  }

  @Test func `events and lists are read, labels do not shadow names`() throws {
    let id = FakeDocker.id(7)
    let event =
      "{\"status\":\"die\",\"id\":\"\(id)\",\"Type\":\"container\","
      + "\"Action\":\"die\",\"Actor\":{\"ID\":\"\(id)\",\"Attributes\":{\"name\":\"x\"}}}"
    #expect(DockerAPI.update(bytes(event)) == .died(id))
    #expect(DockerAPI.update(bytes("{}")) == nil)
    #expect(DockerAPI.update(bytes("{\"Action\":\"die\",\"Actor\":{\"ID\":\"../../etc\"}}")) == nil)
    let list =
      "{\"Id\":\"\(id)\",\"Names\":[\"/web/db\",\"/db\"],"
      + "\"Labels\":{\"name\":\"other\"},\"State\":\"exited\"}"
    let facts = ContainerFacts(listed: try #require(JSONValue(parsing: bytes(list))))
    #expect(facts?.metadata.name == "db")
    #expect(facts?.isRunning == false)
  }
}
