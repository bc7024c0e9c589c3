import Foundation
import LogModel
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Collect

@Suite("Imports") struct ImportTests {
  let directory = TemporaryDirectory("import")
  var imports: String { directory.file("imports") }

  func write(_ name: String, _ lines: Range<Int>, final: String = "\n") throws -> String {
    let path = directory.file(name)
    let text = lines.map { "2026-11-23T10:00:06Z line \($0)" }.joined(separator: "\n") + final
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @discardableResult
  func read(
    _ files: [String],
    into sink: any EventSink,
    format: FrameFormat = .lines,
    stop: @escaping () -> Bool = { false }
  ) throws -> ImportSummary {
    var importer = LogImporter(
      sink: sink,
      group: LogGroup(sanitizing: "/import"),
      format: format,
      clock: SystemClock(),
      stop: stop,
      progress: { _ in }
    )
    for file in files { try importer.read(file, stream: LogStream(sanitizing: "s")) }
    return importer.summary
  }

  func handover(_ sink: FakeSink, isOwned: @escaping @Sendable () -> Bool = { true }) throws
    -> ImportHandover
  {
    try FileSystem.makeDirectory(imports)
    return try ImportHandover(
      importsDirectory: imports,
      clock: SystemClock(),
      isOwned: isOwned,
      stored: { sink.position(of: $0) }
    )
  }

  func expected(_ range: Range<Int>) -> [String] {
    range.map { "2026-11-23T10:00:06Z line \($0)" }
  }

  // MARK: into the store

  @Test func `an import that is repeated, renamed or grown adds only what is new`() throws {
    let sink = FakeSink()
    let first = try write("a.log", 0..<1_000)
    #expect(try read([first], into: sink).events == 1_000)
    let again = try read([first], into: sink)
    #expect(again.events == 0)
    #expect(again.unchangedFiles == 1)
    let renamed = try write("b.log.1", 0..<1_200)
    #expect(try read([renamed], into: sink).events == 200)
    #expect(sink.texts == expected(0..<1_200))
  }

  @Test func `a file with the same first line and another rest is another file`() throws {
    let sink = FakeSink()
    try read([try write("a", 0..<10)], into: sink)
    let other = directory.file("b")
    try "2026-11-23T10:00:06Z line 0\nother\n".write(
      toFile: other,
      atomically: true,
      encoding: .utf8
    )
    #expect(try read([other], into: sink).events == 2)
    #expect(try read([other], into: sink).events == 0)
  }

  @Test func `a last line without its newline counts, and a gzip file reads as its text`() throws {
    let sink = FakeSink()
    let file = try write("plain", 0..<3, final: "")
    try read([file], into: sink)
    #expect(sink.texts == expected(0..<3))
    try Shell.run("gzip -k \(file)")
    #expect(try read([file + ".gz"], into: sink).events == 0)
  }

  @Test(arguments: [1, 2, 3]) func `an import that dies goes on where it was committed`(
    batches: Int
  ) throws {
    // Above two MiB of text a batch is handed over.
    let file = try write("long", 0..<200_000)
    let sink = FakeSink(commitsAtOnce: false)
    var count = 0
    try read([file], into: sink) {
      count += 1
      return count >= batches
    }
    sink.commit(batches - 1)
    sink.crash()
    try read([file], into: sink)
    sink.commit()
    #expect(sink.texts == expected(0..<200_000))
  }

  // MARK: through the owner of the store

  @Test func `batches that are handed over come back as they were`() throws {
    let sink = FakeSink()
    let handover = try handover(sink)
    let text = """
      {"timestamp":1795428006000,"message":"a\\nb","logStream":"one"}
      {"timestamp":5,"message":"","logStream":"two"}
      not json

      """
    let file = directory.file("jsonl")
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try read([file], into: handover, format: .jsonLines)
    let running = try RunningCollector(CollectorOptions(importsDirectory: imports), sink: sink)
    #expect(handover.waitCollected())
    running.end()
    let direct = FakeSink()
    try read([file], into: direct, format: .jsonLines)
    #expect(sink.events == direct.events)
    #expect(sink.events.map(\.stream) == ["one", "two", "s"])
    #expect(handover.isComplete)
  }

  @Test func `an import waits while its batches are not taken, and ends when the owner does`()
    throws
  {
    let owned = Mutex(true)
    let sink = FakeSink()
    let handover = try handover(sink) { owned.withLock { $0 } }
    let file = try write("large", 0..<800_000)
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.5)
      owned.withLock { $0 = false }
    }
    #expect(throws: CollectError.self) { try read([file], into: handover) }
    #expect(handover.obstacle == .neverTaken)
    let names = try FileSystem.list(imports)
    let waiting = try ImportInbox(imports: imports, id: try #require(names.first)).waiting()
    #expect(waiting.count == CaptureLimits.handedFilesMax)
    // The next owner takes what is there; the import itself, repeated, adds the rest.
    let running = try RunningCollector(CollectorOptions(importsDirectory: imports), sink: sink)
    #expect(eventually { handover.committed >= UInt64(CaptureLimits.handedFilesMax) })
    running.end()
    try read([file], into: sink)
    #expect(sink.texts == expected(0..<800_000))
  }

  @Test func `imports of the same file at once, and batches met twice, count once`() throws {
    let sink = FakeSink()
    let file = try write("same", 0..<200_000)
    let first = try handover(sink)
    let second = try handover(sink)
    try read([file], into: first)
    try read([file], into: second)
    // As after a crash between the commit and the removal: the same batch under another number.
    let inbox = ImportInbox(imports: imports, id: try #require(FileSystem.list(imports).first))
    try FileManager.default.copyItem(atPath: inbox.batch(1), toPath: inbox.batch(90))
    let running = try RunningCollector(CollectorOptions(importsDirectory: imports), sink: sink)
    #expect(first.waitCollected())
    #expect(second.waitCollected())
    running.end()
    #expect(sink.texts == expected(0..<200_000))
    #expect(first.isComplete)
    #expect(second.isComplete)
  }

  @Test func `every cut and every changed byte of a batch is noticed`() throws {
    let encoded = HandedBatch.encode(sample(), before: [1, 2, 3])
    let whole = try #require(encoded)
    #expect(isBatch(whole))
    for count in 0..<whole.count {
      #expect(!isBatch(Array(whole.prefix(count))), "cut at \(count)")
    }
    for index in whole.indices {
      var changed = whole
      changed[index] ^= 0x20
      #expect(!isBatch(changed), "byte \(index)")
    }
  }

  @Test func `a batch that names the source of a container is refused`() throws {
    var batch = sample()
    batch.checkpoint = SourceCheckpoint(source: "docker:0123", position: [1])
    let foreign = HandedBatch.encode(batch, before: [])
    let bytes = try #require(foreign)
    #expect(!isBatch(bytes))
    // One that leads nowhere could be taken again and again.
    batch.checkpoint = SourceCheckpoint(source: "import:0123#0", position: [])
    let endless = HandedBatch.encode(batch, before: [])
    #expect(endless == nil)
  }

  @Test func `what is no file, or too large, is removed and told without being opened`() throws {
    let sink = FakeSink()
    let inbox = ImportInbox(imports: imports, id: Entropy.uuid())
    try FileSystem.makeDirectory(inbox.directory)
    try Shell.run("mkfifo \(inbox.batch(1)) && ln -s /etc/passwd \(inbox.batch(2))")
    try Shell.run("truncate -s \(CaptureLimits.handedBytesMax + 1) \(inbox.batch(3))")
    let running = try RunningCollector(CollectorOptions(importsDirectory: imports), sink: sink)
    #expect(eventually { (try? FileSystem.list(imports)) == [] })
    running.end()
    #expect(sink.events.isEmpty)
    let told = running.box.notices.withLock { notices in
      notices.count { $0.text.contains("is damaged and was removed") }
    }
    #expect(told == 3)
  }

  private func isBatch(_ bytes: [UInt8]) -> Bool {
    switch HandedBatch(decoding: bytes.span) {
    case .some: true
    case .none: false
    }
  }

  private func sample() -> EventBatch {
    var batch = EventBatch(
      group: LogGroup(sanitizing: "/import/a"),
      stream: LogStream(sanitizing: "s"),
      checkpoint: SourceCheckpoint(source: "import:0123#0", position: [9])
    )
    for (text, time) in [("one", 5), ("", -5)] as [(String, Int64)] {
      let message = Array(text.utf8)
      batch.append(timestamp: Timestamp(nanoseconds: time), message: message.span)
    }
    return batch
  }
}
