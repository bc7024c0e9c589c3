import LogModel
import Platform
import TestSupport
import Testing

@testable import Store

/// Flipped bits: what was written comes back, or its damage is reported; nothing else ever.
@Suite struct StoreDamageTests {
  private static let names = ["/docker/damage/one", "/docker/damage/two"]

  /// Events of two groups, sealed and in the tail, numbered within their group.
  private static func fill(_ directory: TemporaryDirectory, lines: Int) throws {
    var options = StoreOptions(dataDirectory: directory.path)
    options.blockRawBytes = 1_024
    options.floodBytes = 512
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    for (index, name) in names.enumerated() {
      var next = 0
      for count in [lines, lines, 3] {
        let texts = (next..<(next + count)).map { Self.text($0, name) }
        next += count
        try Fixture.commit(
          Fixture.batch(
            texts,
            at: start + Int64(next - count) * 1_000_000,
            group: LogGroup(sanitizing: name),
            stream: "stream-\(index)",
            checkpoint: SourceCheckpoint(
              source: "docker:\(index)",
              position: [UInt8(next & 0xff), UInt8(next >> 8)]
            )
          ),
          to: store
        )
      }
    }
    store.close()
  }

  private static let start: Int64 = 1_800_000_000_000_000_000

  private static func text(_ number: Int, _ group: String) -> String {
    "event \(number) of \(group)"
  }

  /// Every block of both groups, as the catalog has them now.
  private static func blocks(_ path: String, _ what: Comment) throws -> [(Int, BlockReference)] {
    let reader = try StoreReader(dataDirectory: path)
    var found: [(Int, BlockReference)] = []
    for info in try reader.groups() {
      let blocks = try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture)
      if let index = names.firstIndex(of: info.group.name) {
        found += blocks.map { (index, $0) }
      } else {
        #expect(blocks.isEmpty, what)
      }
    }
    return found
  }

  /// Reads blocks and returns how many events each group gave; records an issue for any event that
  /// was not written just so.
  private static func read(
    _ found: [(Int, BlockReference)],
    _ what: Comment
  ) -> (counts: [Int], damaged: Int) {
    var counts = [0, 0]
    var damaged = 0
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    for (index, block) in found {
      do throws(StoreError) {
        try blocks.messages(of: block, into: &bytes)
        let columns = try blocks.columns(of: block)
        for (position, record) in columns.records.enumerated() {
          let number = Int(block.firstSequence) + position
          let isRight =
            String(decoding: bytes[record.range], as: UTF8.self) == text(number, names[index])
            && record.timestamp == start + Int64(number) * 1_000_000
            && columns.streams[Int(record.stream)].name == "stream-\(index)"
          if !isRight { Issue.record("a foreign event at \(number): \(what)") }
        }
        counts[index] += columns.records.count
      } catch {
        damaged += 1
      }
    }
    return (counts, damaged)
  }

  private static func read(_ path: String, _ what: Comment) throws -> (counts: [Int], damaged: Int)
  {
    read(try blocks(path, what), what)
  }

  private static func flip(_ path: String, _ offset: Int, _ bit: Int) throws {
    let file = try Descriptor(open: path, 2)
    var bytes: [UInt8] = []
    try file.read(into: &bytes, atMost: 1, at: Int64(offset))
    bytes[0] ^= 1 << UInt8(bit)
    try file.write(bytes.span, at: Int64(offset))
  }

  @Test("every byte of a segment, flipped: each event is right or its block is reported")
  func segment() throws {
    let directory = TemporaryDirectory()
    try Self.fill(directory, lines: 25)
    let path = directory.file("segments/000001/0000000001.log.zst")
    let size = Int(try FileSystem.status(of: path).size)
    // The descriptors stay the same: what changes is what they show.
    let blocks = try Self.blocks(directory.path, "whole")
    let whole = Self.read(blocks, "whole")
    #expect(whole.counts == [53, 53] && whole.damaged == 0)
    var reported = 0
    for offset in 0..<size {
      try Self.flip(path, offset, offset % 8)
      let seen = Self.read(blocks, "byte \(offset)")
      #expect(seen.counts[1] == 53, "byte \(offset)")
      // A damaged block is one block, and every event that is missing is in it.
      #expect(seen.damaged == (seen.counts[0] < 53 ? 1 : 0), "byte \(offset)")
      reported += seen.damaged
      try Self.flip(path, offset, offset % 8)
    }
    #expect(reported > size / 2)
  }

  @Test("a segment cut off anywhere is read up to there, and the rest is reported")
  func truncated() throws {
    let directory = TemporaryDirectory()
    try Self.fill(directory, lines: 25)
    let path = directory.file("segments/000001/0000000001.log.zst")
    let bytes = try FileSystem.read(path, atMost: 1 << 20)
    for length in stride(from: bytes.count - 1, through: 0, by: -37) {
      directory.write("segments/000001/0000000001.log.zst", Array(bytes.prefix(length)))
      let seen = try Self.read(directory.path, "length \(length)")
      #expect(seen.counts[1] == 53 && seen.counts[0] < 53 && seen.damaged > 0, "\(length)")
    }
  }

  @Test("a segment's file that is gone or cannot be read is reported, and the rest is read")
  func unreadable() throws {
    let directory = TemporaryDirectory()
    try Self.fill(directory, lines: 25)
    let path = directory.file("segments/000001/0000000001.log.zst")
    try FileSystem.remove(path)
    let gone = try Self.read(directory.path, "gone")
    #expect(gone.counts == [3, 53] && gone.damaged == 2)
    // Reading a directory fails as a bad sector does: with an error of the system.
    try FileSystem.makeDirectory(path)
    let broken = try Self.read(directory.path, "broken")
    #expect(broken.counts == [3, 53] && broken.damaged == 2)
  }

  @Test("flipped bits in segments: a rebuilt catalog holds nothing but what was written")
  func rebuiltFromDamage() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<25 {
      let directory = TemporaryDirectory()
      try Self.fill(directory, lines: 25)
      let path = directory.file("segments/000001/0000000001.log.zst")
      let size = Int(try FileSystem.status(of: path).size)
      let offset = Int.random(in: 0..<size, using: &random)
      try Self.flip(path, offset, Int.random(in: 0..<8, using: &random))
      for suffix in ["", "-wal", "-shm"] {
        try FileSystem.remove(directory.file("catalog.sqlite" + suffix))
      }
      let store = try Fixture.open(directory)
      store.close()
      let seen = try Self.read(directory.path, "byte \(offset)")
      #expect(seen.counts[1] == 50 && seen.counts[0] <= 50, "byte \(offset)")
      let isAside = FileSystem.exists(path + ".bad")
      #expect(FileSystem.exists(path) || isAside, "byte \(offset)")
    }
  }

  @Test("a column by another name is found at the start, not when it is used")
  func renamedColumn() throws {
    let directory = TemporaryDirectory()
    try Self.fill(directory, lines: 25)
    let catalog = try Connection(path: directory.file("catalog.sqlite"), .readWrite)
    try catalog.execute("ALTER TABLE groups RENAME COLUMN retention_seconds TO retention_secon")
    let metrics = Metrics()
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    let store = try Store.open(options, clock: SystemClock(), metrics: metrics)
    store.close()
    #expect(metrics.total("logagent_storage_rebuilds_total") == 1)
    #expect(try Self.read(directory.path, "rebuilt").damaged == 0)
  }

  @Test("60 flipped bits in the catalog: readers see right events or an error, starts repair it")
  func catalog() throws {
    let original = TemporaryDirectory()
    try Self.fill(original, lines: 25)
    let size = Int(try FileSystem.status(of: original.file("catalog.sqlite")).size)
    var random = SystemRandomNumberGenerator()
    var rebuilt = 0
    for _ in 0..<60 {
      let directory = TemporaryDirectory()
      try Shell.run("cp -a \(original.path)/. \(directory.path)/")
      let offset = Int.random(in: 0..<size, using: &random)
      let bit = Int.random(in: 0..<8, using: &random)
      let what: Comment = "byte \(offset) bit \(bit)"
      try Self.flip(directory.file("catalog.sqlite"), offset, bit)
      // An error of the catalog is an answer too.
      _ = try? Self.read(directory.path, what)
      let metrics = Metrics()
      var options = StoreOptions(dataDirectory: directory.path)
      options.ballastBytes = 0
      let store = try Store.open(options, clock: SystemClock(), metrics: metrics)
      let positions = (0..<2).map { index -> Int in
        let position = store.position(of: "docker:\(index)") ?? [0, 0]
        return Int(position[0]) | Int(position[1]) << 8
      }
      store.close()
      if metrics.total("logagent_storage_rebuilds_total") > 0 { rebuilt += 1 }
      // What is stored is exactly what the positions say: nothing is lost, nothing is read twice.
      let seen = try Self.read(directory.path, what)
      #expect(seen.damaged == 0 && seen.counts == positions, what)
      #expect(positions.allSatisfy { $0 >= 50 }, what)
    }
    #expect(rebuilt > 0)
  }
}
