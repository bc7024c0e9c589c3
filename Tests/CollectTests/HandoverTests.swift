import Foundation
import LogModel
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Collect

/// What can go wrong between an import and the process that owns the store.
@Suite("Imports that are handed over") struct HandoverTests {
  let directory = TemporaryDirectory("handover")
  var imports: String { directory.file("imports") }

  /// A handover that was given one batch of `text`.
  func given(
    _ text: String = "one\ntwo\n",
    sink: FakeSink,
    isOwned: @escaping @Sendable () -> Bool = { true },
    patience: Int64 = 1_000_000_000,
    isInterrupted: @escaping @Sendable () -> Bool = { false }
  ) throws -> ImportHandover {
    let handover = try ImportHandover(
      importsDirectory: imports,
      clock: SystemClock(),
      ownerPatience: patience,
      isOwned: isOwned,
      stored: { sink.position(of: $0) },
      isInterrupted: isInterrupted
    )
    try read(directory.write("input", text), into: handover)
    return handover
  }

  func read(_ file: String, into sink: any EventSink) throws {
    var importer = LogImporter(
      sink: sink,
      group: LogGroup(sanitizing: "/import"),
      format: .lines,
      clock: SystemClock(),
      stop: { false },
      progress: { _ in }
    )
    try importer.read(file, stream: LogStream(sanitizing: "s"))
  }

  var inbox: ImportInbox {
    get throws { ImportInbox(imports: imports, id: try #require(FileSystem.list(imports).first)) }
  }

  func collector(_ sink: FakeSink) throws -> RunningCollector {
    try RunningCollector(CollectorOptions(importsDirectory: imports), sink: sink)
  }

  func mode(_ path: String) throws -> UInt32 { try FileSystem.status(of: path).mode & 0o777 }

  /// What stands where a batch should.
  enum Damage: String, CaseIterable {
    case flipped, truncated, empty, foreign, otherVersion, appended, tooLarge, link
  }

  func damage(_ path: String, _ damage: Damage) throws {
    var bytes = try FileSystem.read(path, atMost: 1 << 20)
    switch damage {
    case .flipped: bytes[bytes.count / 2] ^= 1
    case .truncated: bytes.removeLast(3)
    case .empty: bytes = []
    case .foreign: bytes = Array("not a batch, but a letter to the editor\n".utf8)
    case .otherVersion:
      bytes.removeLast(4)
      bytes[3] = 0x32
      bytes.append(littleEndian: CRC32C.checksum(bytes.span))
    case .appended: bytes.append(0)
    case .tooLarge:
      // A hole: nothing is read of it.
      return try #require(truncate(path, off_t(CaptureLimits.handedBytesMax) + 1) == 0)
    case .link:
      try FileSystem.remove(path)
      return try FileManager.default.createSymbolicLink(
        atPath: path,
        withDestinationPath: directory.file("input")
      )
    }
    try FileSystem.replace(path, with: bytes.span)
  }

  @Test(arguments: Damage.allCases)
  func `what is not a whole batch is removed, told and counted, and costs no other batch`(
    kind: Damage
  ) throws {
    let sink = FakeSink()
    let broken = try given(sink: sink)
    try damage(inbox.batch(1), kind)
    let running = try collector(sink)
    #expect(broken.waitCollected())
    #expect(!broken.isComplete)
    #expect(sink.events.isEmpty)
    #expect(
      running.box.notices.withLock { notices in
        notices.contains { $0.severity == .error && $0.text.contains("is damaged and was removed") }
      }
    )
    #expect(running.metrics.value("logagent_import_errors_total", [("kind", "batch")]) == 1)
    try broken.withdraw()
    // The same import again.
    let again = try given(sink: sink)
    #expect(again.waitCollected())
    #expect(again.isComplete)
    running.end()
    #expect(sink.texts == ["one", "two"])
    #expect(FileSystem.exists(directory.file("input")))
  }

  @Test func `a batch with everything in it comes back from its file as it was`() throws {
    var batch = EventBatch(
      group: LogGroup(sanitizing: "/g"),
      stream: LogStream(sanitizing: "first"),
      checkpoint: SourceCheckpoint(source: "import:1", position: [1, 2, 3])
    )
    let second = batch.index(of: LogStream(sanitizing: "sécond"))
    let times: [Int64] = [.max, .min, 0, 1_795_428_006_000_000_000]
    for (index, time) in times.enumerated() {
      batch.append(
        timestamp: Timestamp(nanoseconds: time),
        message: Array("m\(index)\n\u{0}".utf8).span,
        stream: UInt16(index % 2) * second,
        flags: index == 2 ? [.truncated, .stderr] : .gap
      )
    }
    batch.originalLengths = [(2, 1 << 40)]
    let encoded = HandedBatch.encode(batch, before: [9])
    let bytes = try #require(encoded)
    guard let handed = HandedBatch(decoding: bytes.span) else {
      Issue.record("the batch is not taken")
      return
    }
    let before = handed.before
    #expect(before == [9])
    let read = handed.takeBatch()
    let isSame =
      read.group == batch.group && read.streams == batch.streams && read.records == batch.records
      && read.bytes == batch.bytes && read.checkpoint == batch.checkpoint
    #expect(isSame)
    let cuts = read.originalLengths.map { "\($0.record):\($0.bytes)" }
    #expect(cuts == ["2:\(1 << 40)"])
    let again = HandedBatch.encode(read, before: [9])
    #expect(again == bytes)
  }

  @Test func `only the owner of the data directory, and root, may write where batches lie`() throws
  {
    let sink = FakeSink()
    let handover = try given(sink: sink)
    #expect(try mode(imports) == 0o700)
    #expect(try mode(inbox.directory) == 0o700)
    #expect(try mode(inbox.batch(1)) == 0o600)
    let inbox = try inbox
    chmod(inbox.directory, 0o722)
    let running = try collector(sink)
    #expect(
      eventually {
        running.metrics.value("logagent_import_errors_total", [("kind", "inbox")]) == 1
      }
    )
    #expect(sink.events.isEmpty)
    #expect(try inbox.waiting() == [1])
    running.end()
    chmod(inbox.directory, 0o700)
    try handover.withdraw()
    // The folder of all of them.
    chmod(imports, 0o770)
    #expect(throws: SyscallError("open", code: EPERM, path: imports)) { try given(sink: sink) }
  }

  @Test func `foreign files beside the batches are told and never removed`() throws {
    let sink = FakeSink()
    try FileSystem.makeDirectory(imports, mode: 0o700)
    directory.write("imports/notes.txt", "x")
    directory.write("imports/a-folder/+1.batch", "x")
    directory.write("imports/a-folder/1.batch", "x")
    let running = try collector(sink)
    #expect(
      eventually {
        running.box.notices.withLock { notices in
          notices.contains { $0.text.contains("notes.txt is not an import's") }
            && notices.contains { $0.text.contains("a-folder: Directory not empty") }
        }
      }
    )
    running.end()
    #expect(try FileSystem.list(imports) == ["a-folder", "notes.txt"])
    #expect(try FileSystem.list(imports + "/a-folder") == ["+1.batch", "1.batch"])
  }

  @Test func `an import goes on with the next owner, which takes nothing twice`() throws {
    let lines = (0..<600_000).map { "2026-11-23T10:00:06Z line \($0)" }
    let file = directory.write("large", lines.joined(separator: "\n") + "\n")
    let owned = Mutex(true)
    let sink = FakeSink(commitsAtOnce: false)
    let handover = try given(sink: sink, isOwned: { owned.withLock { $0 } }, patience: .max)
    let first = try collector(sink)
    let importing = try OSThread(name: "import") {
      do { try read(file, into: handover) } catch { Issue.record(error) }
    }
    #expect(eventually { sink.pendingCount >= 4 })
    // Killed: two batches were committed, whose files may still be there.
    sink.commit(2)
    #expect(eventually { handover.committed >= 1 })
    sink.close()
    first.end()
    sink.crash()
    owned.withLock { $0 = false }
    usleep(1_200_000)
    owned.withLock { $0 = true }
    sink.state.withLock {
      $0.isClosing = false
      $0.commitsAtOnce = true
    }
    let second = try collector(sink)
    importing.join()
    #expect(handover.waitCollected())
    #expect(handover.isComplete)
    second.end()
    #expect(sink.texts == ["one", "two"] + lines)
  }

  @Test func `an import whose owner does not come back gives up and takes its batches back`() throws
  {
    let owned = Mutex(true)
    let sink = FakeSink()
    let handover = try given(sink: sink, isOwned: { owned.withLock { $0 } }, patience: 0)
    let running = try collector(sink)
    #expect(handover.waitCollected())
    running.end()
    owned.withLock { $0 = false }
    try read(directory.write("more", "three\n"), into: handover)
    #expect(!handover.waitCollected())
    #expect(handover.obstacle == .ownerGone)
    try handover.withdraw()
    #expect(try FileSystem.list(imports) == [])
    #expect(sink.texts == ["one", "two"])
  }

  @Test func `an interrupted import takes back what was not taken`() throws {
    let sink = FakeSink()
    let handover = try given(sink: sink, isInterrupted: { true })
    #expect(!handover.waitCollected())
    #expect(handover.obstacle == .interrupted)
    try handover.withdraw()
    try handover.withdraw()
    #expect(try FileSystem.list(imports) == [])
  }

  @Test func `bytes that wait are bounded, and a batch beyond the bound is not handed over`() throws
  {
    let sink = FakeSink()
    let handover = try given(sink: sink, isInterrupted: { true })
    func submit(_ count: Int, _ position: UInt8) -> UInt64? {
      var batch = EventBatch(
        group: LogGroup(sanitizing: "/g"),
        stream: LogStream(sanitizing: "s"),
        checkpoint: SourceCheckpoint(source: "import:large", position: [position])
      )
      batch.append(
        timestamp: Timestamp(nanoseconds: 0),
        message: [UInt8](repeating: 1, count: count).span
      )
      return handover.submit(batch)
    }
    #expect(submit(30_000_000, 1) == 2)
    #expect(submit(30_000_000, 2) == 3)
    #expect(submit(30_000_000, 3) == nil)
    #expect(handover.obstacle == .interrupted)
    #expect(submit(CaptureLimits.handedBytesMax, 3) == nil)
    #expect(handover.obstacle == .tooLarge)
  }

  @Test func `what a killed import leaves is removed: its inbox, and one in the making later`()
    throws
  {
    let sink = FakeSink()
    var handover: ImportHandover? = try given(sink: sink)
    let running = try collector(sink)
    #expect(handover?.waitCollected() == true)
    #expect(try FileSystem.list(imports).count == 1)
    handover = nil
    #expect(eventually { (try? FileSystem.list(imports)) == [] })
    #expect(eventually { running.metrics.value("logagent_imports_in_progress") == 0 })
    running.end()

    try FileSystem.makeDirectory(imports + "/.0a-1b", mode: 0o700)
    directory.write("imports/.0a-1b/lock", "")
    let sources = ImportSources(
      root: imports,
      hub: WatchHub { _ in },
      context: CollectContext(
        sink: sink,
        metrics: Metrics(),
        clock: SystemClock(),
        eventBytesMax: 1_024,
        notify: { _ in }
      )
    )
    sources.rescan(at: 0)
    sources.rescan(at: CaptureLimits.inboxDraftNanoseconds - 1)
    #expect(try FileSystem.list(imports) == [".0a-1b"])
    sources.rescan(at: CaptureLimits.inboxDraftNanoseconds)
    #expect(try FileSystem.list(imports) == [])
  }
}
