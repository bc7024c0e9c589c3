import Foundation
import LogModel
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Collect

@Suite struct SpoolTests {
  let directory = TemporaryDirectory("spool")
  var spool: String { directory.file("spool") }

  /// A run's directory, locked as `exec` does.
  func prepare(_ id: String, _ command: [String]) throws -> (run: SpoolRun, lock: Int32) {
    let run = SpoolRun(spool: spool, id: id)
    try FileManager.default.createDirectory(
      atPath: run.directory,
      withIntermediateDirectories: true
    )
    let lock = try Descriptor(open: run.lock, O_RDWR | O_CREAT)
    #expect(try lock.tryLock())
    let spec = SpoolSpec(
      group: LogGroup(sanitizing: "/run"),
      stream: LogStream(sanitizing: id),
      command: command
    )
    try FileSystem.replace(run.spec, with: spec.encoded().span, durable: false)
    return (run, lock.release())
  }

  /// Runs a command under a shim in this thread, to the end of its output.
  func supervise(_ id: String, _ command: [String], fileBytes: Int64 = 1 << 26) throws -> SpoolRun {
    let (run, lock) = try prepare(id, command)
    let shim = Shim(
      run: run,
      command: command,
      clock: SystemClock(),
      signals: try SignalDescriptor([SIGUSR2])
    )
    _ = shim.supervise(
      status: nil,
      lock: Descriptor(adopting: lock, path: ""),
      fileBytes: fileBytes
    )
    return run
  }

  func exit(_ run: SpoolRun) throws -> SpoolExit {
    try #require(SpoolExit(decoding: try FileSystem.read(run.exit, atMost: 4_096)))
  }

  func collected(_ sink: FakeSink, _ ids: String..., until count: Int? = nil) throws -> [SeenEvent]
  {
    let running = try RunningCollector(CollectorOptions(spoolDirectory: spool), sink: sink)
    let runs = ids.map { SpoolRun(spool: spool, id: $0) }
    #expect(eventually { runs.allSatisfy(\.isCollected) })
    #expect(eventually { sink.state.withLock { $0.forgotten.count } == ids.count })
    running.end()
    return sink.events
  }

  @Test func `a command's output is spooled, collected once and removed`() throws {
    let run = try supervise("a1", ["sh", "-c", "echo one; echo two >&2; printf 'no end'; exit 7"])
    #expect(try exit(run) == SpoolExit(code: 7))
    let events = try collected(FakeSink(), "a1")
    #expect(Set(events.map(\.text)) == ["one", "two", "no end"])
    #expect(events.first { $0.text == "two" }?.flags == .stderr)
    #expect(events.first { $0.text == "no end" }?.flags == .unterminated)
    #expect(events.allSatisfy { $0.group == "/run" && $0.stream == "a1" })
    #expect(abs(events[0].time - SystemClock().now()) < 60_000_000_000)
  }

  @Test(arguments: [
    (["sh", "-c", "kill -9 $$"], 137, 9, false), (["/nonexistent/command"], 127, 0, true),
    (["/etc/passwd"], 126, 0, true), (["true"], 0, 0, false),
  ])
  func `the exit code is the one a shell would give`(
    command: [String],
    code: Int,
    signal: Int,
    hasError: Bool
  ) throws {
    let outcome = try exit(try supervise("c", command))
    #expect(outcome.code == code)
    #expect(outcome.signal == signal)
    #expect(outcome.error.isEmpty != hasError)
  }

  @Test func `long lines, bytes of all kinds and many lines come back as they were`() throws {
    let script = """
      import sys
      w = sys.stdout.buffer.write
      for n in (0, 1, 16383, 16384, 16385, 40000): w(b'x' * n + b'\\n')
      w(bytes(b for b in range(256) if b != 10) + b'\\n')
      for i in range(20000): w(b'line %d\\n' % i)
      """
    let run = try supervise("long", ["python3", "-c", script], fileBytes: 100_000)
    let names = try FileSystem.list(run.directory)
    #expect(names.contains("out.log.3"))
    let events = try collected(FakeSink(), "long")
    #expect(events.prefix(6).map(\.message.count) == [0, 1, 16_383, 16_384, 16_385, 40_000])
    #expect(events[6].message == (0...255).map(UInt8.init).filter { $0 != 10 })
    #expect(events.dropFirst(7).map(\.text) == (0..<20_000).map { "line \($0)" })
    #expect(events.allSatisfy { $0.flags == [] })
  }

  @Test func `a grandchild that keeps the pipe does not delay the outcome, and is still collected`()
    throws
  {
    let (run, lock) = try prepare("g", [])
    let command = ["sh", "-c", "(sleep 3; echo late) & echo early"]
    let done = Mutex(false)
    Thread.detachNewThread {
      let signals = try? SignalDescriptor([SIGUSR2])
      if let signals {
        let shim = Shim(run: run, command: command, clock: SystemClock(), signals: signals)
        _ = shim.supervise(status: nil, lock: Descriptor(adopting: lock, path: ""))
      }
      done.withLock { $0 = true }
    }
    #expect(eventually { FileSystem.exists(run.exit) })
    #expect(!done.withLock { $0 })
    let events = try collected(FakeSink(), "g")
    #expect(events.map(\.text) == ["early", "late"])
  }

  @Test func `a prompt is visible before its line ends, and is one event with the rest`() throws {
    let (run, lock) = try prepare("p", [])
    Thread.detachNewThread {
      guard let signals = try? SignalDescriptor([SIGUSR2]) else { return }
      let command = ["sh", "-c", "printf 'name? '; sleep 0.5; echo ok"]
      let shim = Shim(run: run, command: command, clock: SystemClock(), signals: signals)
      _ = shim.supervise(status: nil, lock: Descriptor(adopting: lock, path: ""))
    }
    #expect(
      eventually(0.45) {
        String(decoding: FileManager.default.contents(atPath: run.output) ?? Data(), as: UTF8.self)
          .contains(" stdout P name? \n")
      }
    )
    #expect(try collected(FakeSink(), "p").map(\.text) == ["name? ok"])
  }

  @Test func `nothing is removed before it is committed, and a crash repeats nothing`() throws {
    _ = try supervise("k", ["sh", "-c", "seq 1 5000"], fileBytes: 20_000)
    let run = SpoolRun(spool: spool, id: "k")
    let sink = FakeSink(commitsAtOnce: false)
    var running = try RunningCollector(CollectorOptions(spoolDirectory: spool), sink: sink)
    #expect(eventually { sink.pendingCount > 0 })
    usleep(500_000)
    #expect(try FileSystem.list(run.directory).contains("out.log.1"))
    running.end()
    sink.crash()
    sink.state.withLock { $0.commitsAtOnce = true }
    running = try RunningCollector(CollectorOptions(spoolDirectory: spool), sink: sink)
    #expect(eventually { run.isCollected })
    #expect(eventually { sink.state.withLock { $0.forgotten } == ["spool:k"] })
    #expect(sink.texts == (1...5_000).map(String.init))
  }

  @Test func `a run whose shim was killed keeps its output, torn record included`() throws {
    let (run, lock) = try prepare("dead", [])
    directory.write(
      "spool/dead/out.log",
      "2026-11-23T10:00:00.000000000Z stdout F one\n"
        + "2026-11-23T10:00:00.000000000Z stdout P half\n2026-11-23T1"
    )
    close(lock)
    let events = try collected(FakeSink(), "dead")
    #expect(events.map(\.text).sorted() == ["2026-11-23T1", "half", "one"])
    #expect(run.isCollected)
  }

  @Test func `a half-made or foreign directory is left alone`() throws {
    directory.write("spool/.draft/spec.json", "{}")
    directory.write("spool/other/file", "x")
    directory.write("spool/bad/spec.json", "not json")
    let running = try RunningCollector(CollectorOptions(spoolDirectory: spool))
    #expect(
      eventually {
        running.box.notices.withLock { $0.contains { $0.text.contains("bad/spec.json") } }
      }
    )
    running.end()
    #expect(FileSystem.exists(spool + "/other/file"))
    #expect(FileSystem.exists(spool + "/.draft/spec.json"))
    #expect(FileSystem.exists(spool + "/bad/spec.json"))
  }

  @Test func `a spool that cannot be written drops output, counts it and says so later`() throws {
    let run = SpoolRun(spool: spool, id: "full")
    var writer = SpoolWriter(run: run)
    writer.take(bytes("lost 1\nlost 2\n").span, stderr: false, at: 1_795_428_000_000_000_000)
    #expect(writer.droppedBytes == 14)
    try FileManager.default.createDirectory(
      atPath: run.directory,
      withIntermediateDirectories: true
    )
    writer.take(bytes("kept\n").span, stderr: false, at: 1_795_428_001_000_000_000)
    let text = String(decoding: try FileSystem.read(run.output, atMost: 4_096), as: UTF8.self)
    #expect(
      text == """
        2026-11-23T10:00:01.000000000Z stdout F:gap gap: 14 bytes of output were dropped, \
        because the spool could not be written
        2026-11-23T10:00:01.000000000Z stdout F kept

        """
    )
  }

  @Test func `a full file system never leaves half a record`() throws {
    // RLIMIT_FSIZE would hit the whole test process; a device that is always full does the same.
    try FileManager.default.createDirectory(atPath: spool + "/x", withIntermediateDirectories: true)
    symlink("/dev/full", spool + "/x/out.log")
    var writer = SpoolWriter(run: SpoolRun(spool: spool, id: "x"))
    writer.take(bytes("lost\n").span, stderr: true, at: 0)
    #expect(writer.droppedBytes == 5)
  }

  @Test func `specification and outcome survive their encoding`() throws {
    let spec = SpoolSpec(
      group: LogGroup(sanitizing: "/a/b"),
      stream: LogStream(sanitizing: "batch/\"x\""),
      command: ["sh", "-c", "echo \"é\n\u{1}\""]
    )
    #expect(SpoolSpec(decoding: spec.encoded()) == spec)
    let exit = SpoolExit(code: 137, signal: 9, error: "a \"b\"", droppedBytes: 12)
    #expect(SpoolExit(decoding: exit.encoded()) == exit)
    #expect(SpoolSpec(decoding: bytes("{\"format\":\"cri\",\"group\":\"\"}")) == nil)
    for id in ["", ".x", "../x", "a/b", "A", String(repeating: "a", count: 65)] {
      #expect(!SpoolRun.isID(id))
    }
  }
}
