import Foundation
import LogModel
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Collect

/// One life of an agent over one container's directory.
final class TailLife {
  let tail: FileTail
  let sink: FakeSink
  let clock: ManualClock
  let notices = Mutex<[String]>([])
  let metrics = Metrics()

  init(
    _ base: String,
    _ sink: FakeSink,
    clock: ManualClock,
    eventBytesMax: Int = Limits.eventBytesMax
  ) {
    self.sink = sink
    self.clock = clock
    let context = CollectContext(
      sink: sink,
      metrics: metrics,
      clock: clock,
      eventBytesMax: eventBytesMax,
      notify: { _ in }
    )
    tail = FileTail(
      source: "docker:test",
      chain: .docker(base: base),
      format: .dockerJSON,
      group: LogGroup(sanitizing: "g"),
      stream: LogStream(sanitizing: "s"),
      context: context
    )
  }

  /// Takes turns until nothing is left to read, and hands everything over.
  func drain() throws {
    for _ in 0..<10_000 {
      let outcome = try tail.turn()
      clock.advance(seconds: 0.2)
      if case .idle = outcome, !tail.hasBatch { return }
    }
    Issue.record("the tail does not come to rest")
  }
}

@Suite struct TailTests {
  let directory = TemporaryDirectory("tail")
  let sink = FakeSink()
  let clock = ManualClock()

  func writer(maxFiles: Int = 3, compress: Bool = false) -> DockerWriter {
    DockerWriter(directory.file("c"), name: "x-json.log", maxFiles: maxFiles, compress: compress)
  }

  func life(_ writer: DockerWriter) -> TailLife { TailLife(writer.base, sink, clock: clock) }

  func expectSequence(_ count: Int, from start: Int = 0) {
    #expect(sink.texts == (start..<count).map { "seq=\($0)" })
  }

  @Test func `all rotated files are read from the first byte, oldest first`() throws {
    let docker = writer()
    for _ in 0..<3 {
      docker.lines(100)
      docker.rotate()
    }
    docker.lines(5)
    // max-file=3: the first 100 lines were gone before the agent came.
    try life(docker).drain()
    expectSequence(305, from: 100)
  }

  @Test(arguments: [false, true])
  func `every line is read once while rotations come between the reads`(compress: Bool) throws {
    let docker = writer(compress: compress)
    let agent = life(docker)
    for _ in 0..<12 {
      docker.lines(50)
      try agent.drain()
      docker.lines(50)
      docker.rotate()
      docker.lines(20)
      docker.rotate()
      try agent.drain()
    }
    expectSequence(12 * 120)
    #expect(agent.metrics.total("logagent_source_gaps_total") == 0)
  }

  @Test func `with max-file 1 a renamed-over file that is held is still read to its end`() throws {
    let docker = writer(maxFiles: 1)
    let agent = life(docker)
    docker.lines(10)
    try agent.drain()
    for _ in 0..<20 {
      docker.lines(10)
      docker.rotate()
      try agent.drain()
    }
    expectSequence(210)
  }

  @Test(arguments: [false, true])
  func `a restart during two rotations loses and repeats nothing`(compress: Bool) throws {
    let docker = writer(compress: compress)
    docker.lines(100)
    try life(docker).drain()
    docker.lines(30)
    docker.rotate()
    docker.lines(30)
    docker.rotate()
    docker.lines(30)
    try life(docker).drain()
    expectSequence(190)
  }

  @Test func `a restart after five rotations gives one gap record with its times, then the rest`()
    throws
  {
    let docker = writer()
    docker.lines(100)
    try life(docker).drain()
    for _ in 0..<5 {
      docker.lines(10)
      docker.rotate()
    }
    docker.lines(3)
    let agent = life(docker)
    try agent.drain()
    let gaps = sink.events.filter { $0.flags.contains(.gap) }
    #expect(gaps.count == 1)
    let from = Calendar.formatRFC3339(Timestamp(nanoseconds: sink.events[99].time), decimals: 9)
    #expect(gaps.first?.text.contains("(\(from) to ") == true)
    #expect(
      sink.texts.filter { $0.hasPrefix("seq") }
        == (Array(0..<100) + Array(130..<153)).map { "seq=\($0)" }
    )
    #expect(agent.metrics.total("logagent_source_gaps_total") == 1)
    // The gap is committed with what follows it: it is not said again.
    docker.lines(1)
    try life(docker).drain()
    #expect(sink.events.filter { $0.flags.contains(.gap) }.count == 1)
    #expect(sink.texts.last == "seq=153")
  }

  @Test func `a gz next to its plain file is ignored`() throws {
    let docker = writer()
    docker.lines(10)
    docker.rotate()
    docker.lines(10)
    directory.write("c/x-json.log.1.gz", [0x1F, 0x8B, 8, 4])
    try life(docker).drain()
    expectSequence(20)
  }

  @Test func `a damaged gz gives what it holds, then a gap record`() throws {
    let docker = writer(compress: true)
    docker.lines(5_000)
    docker.rotate()
    docker.lines(1)
    var gz = [UInt8](FileManager.default.contents(atPath: docker.base + ".1.gz")!)
    gz.removeLast(gz.count / 2)
    directory.write("c/x-json.log.1.gz", gz)
    try life(docker).drain()
    #expect(sink.texts.first == "seq=0")
    #expect(sink.events.filter { $0.flags.contains(.gap) }.count == 1)
    #expect(sink.texts.last == "seq=5000")
  }

  @Test func `an outside truncation starts over, with a gap record`() throws {
    let docker = writer()
    docker.lines(100)
    let agent = life(docker)
    try agent.drain()
    docker.truncateOutside()
    docker.lines(5)
    try agent.drain()
    #expect(sink.texts.filter { $0.hasPrefix("seq") } == (0..<105).map { "seq=\($0)" })
    #expect(sink.events.filter { $0.flags.contains(.gap) }.count == 1)
    // Also after a restart.
    docker.lines(1)
    try life(docker).drain()
    #expect(sink.texts.last == "seq=105")
    #expect(sink.events.count == 107)
  }

  @Test func `a hole of zeros after an outside truncation is skipped`() throws {
    let docker = writer()
    docker.lines(50)
    docker.rotate()
    docker.lines(50)
    let agent = life(docker)
    try agent.drain()
    docker.truncateOutside()
    docker.lines(5)
    try agent.drain()
    #expect(sink.texts.filter { $0.hasPrefix("seq") } == (0..<105).map { "seq=\($0)" })
    #expect(sink.events.filter { $0.flags.contains(.malformed) }.isEmpty)
    docker.lines(2)
    try life(docker).drain()
    #expect(sink.texts.last == "seq=106")
    #expect(sink.texts.filter { $0.hasPrefix("seq") }.count == 107)
  }

  @Test(arguments: [false, true])
  func `a file that was cut and has regrown past the position is noticed`(restarts: Bool) throws {
    let docker = writer()
    docker.lines(10)
    var agent = life(docker)
    try agent.drain()
    docker.truncateOutside()
    docker.lines(100)
    if restarts { agent = life(docker) }
    try agent.drain()
    #expect(sink.texts.filter { $0.hasPrefix("seq") } == (0..<110).map { "seq=\($0)" })
    #expect(sink.events.filter { $0.flags.contains(.gap) }.count == 1)
  }

  @Test func `an inode that was used before is not mistaken for its old file`() throws {
    // tmpfs and ext4 hand out freed numbers again; a new agent holds no file that would prevent it.
    let docker = writer(maxFiles: 2)
    docker.lines(10)
    try life(docker).drain()
    for _ in 0..<6 {
      docker.rotate()
      docker.lines(10)
      try life(docker).drain()
    }
    expectSequence(70)
  }

  @Test func `two containers with the same first bytes have separate fingerprints`() throws {
    let banner =
      "{\"log\":\"" + String(repeating: "=", count: 100) + "\\n\",\"stream\":\"stdout\",\"time\":\""
    let one = directory.write("a", banner + "2026-11-23T10:00:06Z\"}\n")
    let two = directory.write("b", banner + "2026-11-23T10:00:07Z\"}\n")
    let first = try Segment(path: one, isCompressed: false).identify()
    let second = try Segment(path: two, isCompressed: false).identify()
    #expect(first != nil && second != nil && first != second)
  }

  @Test func `a compressed file has the identity of its plain one`() throws {
    let docker = writer(compress: true)
    docker.lines(10)
    let plain = try Segment(path: docker.base, isCompressed: false).identify()
    docker.rotate()
    #expect(try Segment(path: docker.base + ".1.gz", isCompressed: true).identify() == plain)
  }

  @Test func `half a record at the end waits for its rest`() throws {
    let docker = writer()
    let agent = life(docker)
    let record = dockerRecord("seq=0\\n", time: dockerTime(0))
    for byte in record.utf8 {
      #expect(sink.events.isEmpty)
      docker.raw([byte])
      try agent.drain()
    }
    expectSequence(1)
    #expect(sink.events.first?.flags == [])
  }

  @Test func `a line whose parts lie in two files is one event, also over a restart`() throws {
    for restarts in [false, true] {
      let sink = FakeSink()
      let docker = DockerWriter(directory.file("p\(restarts)"), name: "x-json.log")
      var agent = TailLife(docker.base, sink, clock: clock)
      docker.lines(3)
      docker.part("one-", time: 500)
      try agent.drain()
      docker.rotate()
      docker.part("two-", time: 500)
      docker.part("error\\n", stream: "stderr", time: 501)
      try agent.drain()
      if restarts { agent = TailLife(docker.base, sink, clock: clock) }
      docker.part("three\\n", time: 500)
      docker.lines(1)
      try agent.drain()
      #expect(sink.texts == ["seq=0", "seq=1", "seq=2", "error", "one-two-three", "seq=3"])
    }
  }

  @Test func `a 10 MB line over ten files is one event`() throws {
    let docker = writer(maxFiles: 20)
    let agent = life(docker)
    docker.lines(1)
    for file in 0..<10 {
      for _ in 0..<64 { docker.part(String(repeating: "z", count: 16_384), time: 900) }
      if file == 4 { try agent.drain() }
      docker.rotate()
    }
    docker.part("\\n", time: 900)
    docker.lines(1)
    try agent.drain()
    #expect(sink.events.map(\.message.count) == [5, 1_048_576, 5])
    #expect(sink.events[1].originalLength == 10_485_760)
    docker.lines(1)
    try life(docker).drain()
    #expect(sink.events.count == 4)
  }

  @Test func `a record longer than is held is cut in constant memory`() throws {
    let docker = writer()
    docker.lines(1)
    docker.raw("{\"log\":\"" + String(repeating: "q", count: 5_000_000))
    let agent = life(docker)
    try agent.drain()
    docker.raw(
      String(repeating: "q", count: 3_000_000)
        + "\",\"stream\":\"stdout\",\"time\":\"\(dockerTime(2))\"}\n"
    )
    docker.lines(1)
    try agent.drain()
    #expect(sink.events.map(\.message.count) == [5, 1_048_576, 5])
    #expect(sink.events[1].flags == [.malformed, .truncated])
    docker.lines(1)
    try life(docker).drain()
    #expect(sink.texts.last == "seq=2" && sink.events.count == 4)
  }

  @Test func `what was written before docker rm is read through the open file, then forgotten`()
    throws
  {
    let docker = writer()
    docker.lines(10)
    let agent = life(docker)
    _ = try agent.tail.turn()
    docker.lines(10)
    docker.part("no newline", time: 900)
    docker.remove()
    try agent.drain()
    clock.advance(seconds: 1)
    try agent.drain()
    #expect(sink.texts == (0..<20).map { "seq=\($0)" } + ["no newline"])
    #expect(sink.events.last?.flags == .unterminated)
    #expect(agent.tail.isFinished)
    #expect(sink.position(of: "docker:test") == nil)
    #expect(sink.state.withLock { $0.forgotten } == ["docker:test"])
  }

  @Test func `an open line is ended once when the writer is gone`() throws {
    let docker = writer()
    let agent = life(docker)
    docker.part("prompt> ", time: 1)
    try agent.drain()
    #expect(sink.events.isEmpty)
    agent.tail.writerGoneAt = clock.monotonic()
    clock.advance(seconds: 0.5)
    try agent.drain()
    #expect(sink.texts == ["prompt> "])
    agent.tail.writerGoneAt = nil
    docker.part("next run\\n", time: 2)
    try agent.drain()
    try life(docker).drain()
    #expect(sink.texts == ["prompt> ", "next run"])
  }

  @Test func `links, directories and FIFOs are refused without blocking`() throws {
    let target = directory.write("target", "secret\n")
    symlink(target, directory.file("link"))
    mkfifo(directory.file("fifo"), 0o600)
    for name in ["link", "fifo", "."] {
      #expect(throws: CollectError.self) {
        _ = try Segment(path: directory.file(name), isCompressed: false)
      }
    }
  }

  @Test func `held files beyond the disk budget are given up with a gap record`() throws {
    let docker = writer(maxFiles: 1)
    let agent = life(docker)
    docker.lines(2)
    _ = try agent.tail.turn()
    docker.lines(10)
    docker.rotate()
    docker.lines(10)
    try agent.tail.lookForRotation()
    docker.rotate()
    docker.rotate()
    #expect(agent.tail.heldDeletedBytes > 0)
    agent.tail.dropOldestHeld()
    docker.lines(1)
    try agent.drain()
    #expect(sink.events.filter { $0.text.contains("disk use") }.count == 1)
    #expect(sink.texts.last == "seq=22")
  }

  @Test func `an idle source reads nothing`() throws {
    let docker = writer()
    docker.lines(10)
    let agent = life(docker)
    try agent.drain()
    let batches = sink.state.withLock { $0.batches }
    for _ in 0..<100 { try agent.drain() }
    #expect(sink.state.withLock { $0.batches } == batches)
    #expect(agent.tail.lagBytes == 0)
  }

  @Test func `a position survives its encoding, and damage is noticed`() {
    let position = TailPosition(
      files: [1, .max, 3],
      head: 1 << 40,
      tail: 99,
      lastTime: -5,
      out: .init(file: 0, offset: 7),
      err: .init(file: 2, offset: 0)
    )
    let encoded = position.encoded()
    #expect(TailPosition(decoding: encoded.span) == position)
    for index in encoded.indices {
      var damaged = encoded
      damaged[index] ^= 0x41
      #expect(TailPosition(decoding: damaged.span) == nil)
      #expect(TailPosition(decoding: Array(encoded[..<index]).span) == nil)
    }
  }
}
