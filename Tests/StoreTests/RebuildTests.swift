import LogModel
import Platform
import TestSupport
import Testing

@testable import Store

/// A catalog that is lost in any way comes back from the segments, and nothing is deleted for it.
@Suite struct RebuildTests {
  private static func removeCatalog(_ directory: TemporaryDirectory) throws {
    for suffix in ["", "-wal", "-shm"] {
      try FileSystem.remove(directory.file("catalog.sqlite" + suffix))
    }
  }

  /// Blocks only: three floods, each with the position that it reaches.
  private static func fill(_ directory: TemporaryDirectory, codec: Codec = .zstd) throws -> [String]
  {
    let store = try Fixture.open(directory, codec: codec)
    var all: [String] = []
    for turn in 0..<3 {
      let lines = (0..<60_000).map { "turn \(turn) line \($0) and some words to fill it up" }
      all += lines
      try Fixture.commit(
        Fixture.batch(
          lines,
          checkpoint: SourceCheckpoint(source: "docker:1", position: [UInt8(turn + 1)])
        ),
        to: store
      )
    }
    store.close()
    return all
  }

  @Test(
    "the read position is that of the last event in a block: nothing is read twice",
    arguments: Codec.allCases
  )
  func positions(codec: Codec) throws {
    let directory = TemporaryDirectory()
    let lines = try Self.fill(directory, codec: codec)
    try Self.removeCatalog(directory)
    let store = try Fixture.open(directory, codec: codec)
    defer { store.close() }
    #expect(store.position(of: "docker:1") == [3])
    #expect(try Fixture.messages(directory) == lines)
    #expect(store.notices.contains { $0.contains("rebuilt from") })
  }

  @Test("a catalog with retention in days is read as it is, and made a newer one in place")
  func daysBecomeSeconds() throws {
    let directory = TemporaryDirectory()
    var store = try Fixture.open(directory)
    try Fixture.commit(Fixture.batch(["one", "two"]), to: store)
    store.close()
    do {
      let connection = try Connection(path: directory.file("catalog.sqlite"), .readWrite)
      try connection.execute(
        """
        ALTER TABLE groups RENAME COLUMN retention_seconds TO retention_days;
        UPDATE groups SET retention_days=30; PRAGMA user_version=2;
        """
      )
    }
    #expect(try StoreReader(dataDirectory: directory.path).groups().map(\.retention) == [30])
    #expect(try Fixture.messages(directory) == ["one", "two"])
    store = try Fixture.open(directory)
    let twelveHours = RetentionPeriod(seconds: 43_200)
    let group = try #require(try StoreReader(dataDirectory: directory.path).groups().first?.group)
    #expect(try StoreReader(dataDirectory: directory.path).groups().map(\.retention) == [30])
    let ticket = try #require(store.apply([.retention([(group: group, period: twelveHours)])]))
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    #expect(!store.notices.contains { $0.contains("rebuilt") })
    store.close()
    let reader = try StoreReader(dataDirectory: directory.path)
    #expect(try reader.groups().map(\.retention) == [twelveHours])
    #expect(try Fixture.messages(directory) == ["one", "two"])
  }

  @Test("of a source whose blocks are in several open segments the furthest position counts")
  func furthestPosition() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    let day: Int64 = 86_400_000_000_000
    let start = SystemClock().now() / day * day - 3 * day
    // The first day's segment gets the last block.
    for (turn, age) in [0, 1, 0].enumerated() {
      try Fixture.commit(
        Fixture.batch(
          (0..<20_000).map { "turn \(turn) line \($0)" },
          at: start + Int64(age) * day,
          checkpoint: SourceCheckpoint(source: "docker:1", position: [UInt8(turn)])
        ),
        to: store
      )
    }
    store.close()
    try Self.removeCatalog(directory)
    let again = try Fixture.open(directory)
    #expect(again.position(of: "docker:1") == [2])
    again.close()
  }

  @Test("a sealed segment's footer is no damage", arguments: Codec.allCases)
  func footers(codec: Codec) throws {
    let directory = TemporaryDirectory()
    var options = StoreOptions(dataDirectory: directory.path)
    options.codec = codec
    options.segmentBytes = 50_000
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    for turn in 0..<4 {
      try Fixture.commit(
        Fixture.batch((0..<20_000).map { "turn \(turn) line \($0) \($0 * 7_919)" }),
        to: store
      )
    }
    store.close()
    try Self.removeCatalog(directory)
    let metrics = Metrics()
    let again = try Store.open(options, clock: SystemClock(), metrics: metrics)
    again.close()
    #expect(metrics.total("logagent_storage_rebuilds_total") == 1)
    #expect(metrics.total("logagent_storage_corruptions_total") == 0)
    #expect(try Fixture.messages(directory).count == 80_000)
  }

  @Test(
    "a start that died while rebuilding, an empty or a foreign catalog: no segment is deleted",
    arguments: ["empty", "no tables", "half rebuilt", "garbage"]
  )
  func nothingIsDeleted(state: String) throws {
    let directory = TemporaryDirectory()
    let lines = try Self.fill(directory)
    try Self.removeCatalog(directory)
    let path = directory.file("catalog.sqlite")
    switch state {
    case "empty": directory.write("catalog.sqlite", "")
    case "no tables":
      let connection = try Connection(path: path, .readWrite)
      try connection.execute("CREATE TABLE other(x); PRAGMA journal_mode=WAL;")
    case "half rebuilt":
      let catalog = try Catalog(path: path + ".rebuild", isNew: true)
      try catalog.begin()
    default: directory.write("catalog.sqlite", [UInt8](repeating: 0x5A, count: 20_000))
    }
    let store = try Fixture.open(directory)
    #expect(store.position(of: "docker:1") == [3])
    store.close()
    #expect(try Fixture.messages(directory) == lines)
  }

  @Test("blocks that are in two files, after a failed fdatasync, are adopted once")
  func twice() throws {
    let directory = TemporaryDirectory()
    let lines = try Self.fill(directory)
    let folder = directory.file("segments/000001")
    let name = try #require(try FileSystem.list(folder).first)
    // The same blocks under the next number, as another file's header would have it.
    var bytes = try FileSystem.read(folder + "/" + name, atMost: 1 << 26)
    let scan = try #require(
      try SegmentScan.scan(
        StoreRecovery.File(path: folder + "/" + name, group: 1, id: 1, codec: .zstd)
      )
    )
    var header = scan.header
    header.segment = 2
    var frame: [UInt8] = []
    MetadataFrame.append(header.encoded().span, kind: .segment, codec: .zstd, to: &frame)
    bytes.replaceSubrange(0..<frame.count, with: frame)
    directory.write("segments/000001/0000000002.log.zst", bytes)
    try Self.removeCatalog(directory)
    let store = try Fixture.open(directory)
    store.close()
    #expect(try Fixture.messages(directory) == lines)
  }

  @Test("a segment of another store is not adopted, and not deleted")
  func foreign() throws {
    let directory = TemporaryDirectory()
    let lines = try Self.fill(directory)
    let other = TemporaryDirectory()
    let store = try Fixture.open(other)
    try Fixture.commit(Fixture.batch(["skipped"]), to: store)
    for turn in 0..<2 {
      let time = 1_700_000_000_000_000_000 + Int64(turn) * 86_400_000_000_000
      try Fixture.commit(Fixture.batch((0..<20_000).map { "foreign \($0)" }, at: time), to: store)
    }
    store.close()
    try Shell.run(
      "cp \(other.path)/segments/000001/0000000002.log.zst \(directory.path)/segments/000001/"
    )
    try Self.removeCatalog(directory)
    let again = try Fixture.open(directory)
    again.close()
    #expect(try Fixture.messages(directory) == lines)
    #expect(FileSystem.exists(directory.file("segments/000001/0000000002.log.zst.bad")))
  }

  @Test("what was evicted is still a gap in the rebuilt catalog")
  func evicted() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    let day: Int64 = 86_400_000_000_000
    let start = SystemClock().now() / day * day - 3 * day
    for turn in 0..<2 {
      let lines = (0..<20_000).map { "line \($0)" }
      try Fixture.commit(Fixture.batch(lines, at: start + Int64(turn) * day), to: store)
    }
    let ticket = try #require(store.apply([.retire(segments: [1], reason: .diskUsage)]))
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    store.close()
    try Self.removeCatalog(directory)
    let again = try Fixture.open(directory)
    again.close()
    let gaps = try EvictionTests.events(directory).filter(\.isGap)
    #expect(gaps.count == 1 && gaps[0].text.contains("20000 events"))
  }

  @Test("a file whose deletion was cut short goes at the next start; an unknown one is kept aside")
  func orphans() throws {
    let directory = TemporaryDirectory()
    let lines = try Self.fill(directory)
    let segment = directory.file("segments/000001/0000000001.log.zst")
    let copy = directory.file("copy")
    try Shell.run("cp \(segment) \(copy)")
    let store = try Fixture.open(directory)
    let ticket = try #require(store.apply([.retire(segments: [1], reason: .age)]))
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    try Fixture.commit(Fixture.batch(lines), to: store)
    store.close()
    // Its deletion is committed and forgotten: nobody knows this file.
    try Shell.run("cp \(copy) \(segment)")
    let again = try Fixture.open(directory)
    again.close()
    #expect(FileSystem.exists(segment + ".orphan") && !FileSystem.exists(segment))
    // Retired, and the process died before the file was removed.
    try Shell.run("cp \(copy) \(segment)")
    let connection = try Connection(path: directory.file("catalog.sqlite"), .readWrite)
    try connection.execute("INSERT INTO retired VALUES(1, 1, 1)")
    let last = try Fixture.open(directory)
    last.close()
    #expect(!FileSystem.exists(segment))
    #expect(try Fixture.messages(directory) == lines)
  }

  @Test("a catalog that is deleted while it is open is noticed: the store fails instead of lying")
  func deletedWhileOpen() throws {
    let directory = TemporaryDirectory()
    let clock = ManualClock()
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    options.commitIntervalNanoseconds = 0
    let store = try Store.open(options, clock: clock, metrics: Metrics())
    defer { store.close() }
    try Fixture.commit(Fixture.batch(["before"]), to: store)
    try Self.removeCatalog(directory)
    clock.advance(seconds: 6)
    let ticket = store.submit(Fixture.batch(["after"]))
    #expect(wait(seconds: 5) { if case .failed = store.state { true } else { false } })
    #expect(store.committed < (ticket ?? 0))
  }
}
