import LogModel
import Platform
import TestSupport
import Testing

@testable import Store

/// Batches, and what a store gives back of them.
enum Fixture {
  static let group = LogGroup(sanitizing: "/stp/shop-prod/ecs/api/service-container/process-logs")

  static func batch(
    _ messages: [String],
    at start: Int64 = 1_800_000_000_000_000_000,
    group: LogGroup = group,
    stream: String = "ecs/service-container/0123456789ab",
    checkpoint: SourceCheckpoint? = nil
  ) -> EventBatch {
    var batch = EventBatch(
      group: group,
      stream: LogStream(sanitizing: stream),
      checkpoint: checkpoint
    )
    for (index, message) in messages.enumerated() {
      batch.append(
        timestamp: Timestamp(nanoseconds: start + Int64(index) * 1_000_000),
        message: Array(message.utf8).span,
        flags: index % 3 == 2 ? .stderr : []
      )
    }
    return batch
  }

  static func open(_ directory: TemporaryDirectory, codec: Codec = .zstd) throws -> Store {
    var options = StoreOptions(dataDirectory: directory.path)
    options.codec = codec
    options.ballastBytes = 0
    return try Store.open(options, clock: SystemClock(), metrics: Metrics())
  }

  struct NotCommitted: Error {}

  /// Submits a batch and waits until it is durable.
  static func commit(_ batch: consuming EventBatch, to store: Store) throws {
    guard let ticket = store.submit(batch),
      store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
    else { throw NotCommitted() }
  }

  /// All messages of a group in order of sequence.
  static func messages(_ directory: TemporaryDirectory, _ group: LogGroup = group) throws
    -> [String]
  {
    let reader = try StoreReader(dataDirectory: directory.path)
    guard let info = try reader.groups().first(where: { $0.group == group }) else { return [] }
    var blocks = BlockReader()
    var found: [String] = []
    var bytes: [UInt8] = []
    var next: UInt64? = nil
    for block in try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture) {
      if let next { #expect(block.firstSequence == next) }
      next = block.endSequence
      try blocks.messages(of: block, into: &bytes)
      let columns = try blocks.columns(of: block)
      #expect(columns.records.count == block.eventCount)
      for record in columns.records {
        found.append(String(decoding: bytes[record.range], as: UTF8.self))
      }
    }
    return found
  }
}

@Suite struct StoreTests {
  @Test(
    "what was committed is read back in order, by trickle and by flood",
    arguments: Codec.allCases
  )
  func roundTrip(codec: Codec) throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory, codec: codec)
    var expected: [String] = []
    for turn in 0..<20 {
      let large = turn % 7 == 3
      let lines = (0..<(large ? 20_000 : 3)).map {
        "turn \(turn) line \($0) id=\(turn * 7919 + $0)"
      }
      expected += lines
      try Fixture.commit(Fixture.batch(lines), to: store)
    }
    #expect(try Fixture.messages(directory) == expected)
    store.close()
    #expect(try Fixture.messages(directory) == expected)
    let again = try Fixture.open(directory, codec: codec)
    try Fixture.commit(Fixture.batch(["after restart"]), to: again)
    #expect(try Fixture.messages(directory) == expected + ["after restart"])
    again.close()
  }

  @Test("a second owner is refused and told who the first is")
  func lock() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    defer { store.close() }
    #expect {
      _ = try Fixture.open(directory)
    } throws: { error in
      "\(error)".contains("pid ")
    }
  }

  @Test("a read position is visible exactly when its events are, and survives a restart")
  func positions() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    try Fixture.commit(
      Fixture.batch(["a"], checkpoint: SourceCheckpoint(source: "docker:1", position: [1, 2, 3])),
      to: store
    )
    #expect(store.position(of: "docker:1") == [1, 2, 3])
    store.close()
    let again = try Fixture.open(directory)
    #expect(again.position(of: "docker:1") == [1, 2, 3])
    try Fixture.commit(
      Fixture.batch([], checkpoint: SourceCheckpoint(source: "docker:1", position: [])),
      to: again
    )
    #expect(again.position(of: "docker:1") == nil)
    again.close()
  }

  @Test("a lost catalog is rebuilt from the segments, with the read positions of their blocks")
  func rebuild() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    let lines = (0..<30_000).map { "line \($0)" }
    try Fixture.commit(
      Fixture.batch(lines, checkpoint: SourceCheckpoint(source: "docker:1", position: [9])),
      to: store
    )
    store.close()
    for suffix in ["", "-wal", "-shm"] {
      try FileSystem.remove(directory.file("catalog.sqlite" + suffix))
    }
    let again = try Fixture.open(directory)
    #expect(again.position(of: "docker:1") == [9])
    #expect(try Fixture.messages(directory) == lines)
    again.close()
  }

  @Test("zstdcat and zcat of a segment print its messages", arguments: Codec.allCases)
  func readableWithoutUs(codec: Codec) throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory, codec: codec)
    let lines = (0..<30_000).map { "readable line \($0)" }
    try Fixture.commit(Fixture.batch(lines), to: store)
    store.close()
    let tool = codec == .zstd ? "zstdcat" : "zcat"
    let output = try Shell.run("\(tool) \(directory.path)/segments/*/*.log.\(codec.fileExtension)")
    #expect(output == lines.map { $0 + "\n" }.joined())
  }

  @Test("a flipped bit in a block is reported, and the other blocks are read")
  func damage() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    for turn in 0..<3 {
      let lines = (0..<20_000).map { "turn \(turn) line \($0)" }
      try Fixture.commit(Fixture.batch(lines), to: store)
    }
    store.close()
    let reader = try StoreReader(dataDirectory: directory.path)
    let info = try #require(try reader.groups().first)
    let found = try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture)
    #expect(found.count == 3)
    let path = try Shell.run("ls \(directory.path)/segments/*/*.zst").split(separator: "\n")[0]
    let size = try FileSystem.status(of: String(path)).size
    try Shell.run("printf '\\377' | dd of=\(path) bs=1 seek=\(size / 2) conv=notrunc 2>/dev/null")
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    var damaged = 0
    for block in found {
      do {
        try blocks.messages(of: block, into: &bytes)
        _ = try blocks.columns(of: block)
        _ = try blocks.mayContain([NeedleProbe(literal: Array(" needle ".utf8).span)], in: block)
      } catch {
        damaged += 1
      }
    }
    #expect(damaged == 1)
  }

  @Test("the token filter lets every substring through that is there, and few that are not")
  func filter() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    let lines = (0..<20_000).map {
      "req=\(Entropy.uuid()) user_\($0) status=\(200 + $0 % 7) took \($0)ms"
    }
    try Fixture.commit(Fixture.batch(lines), to: store)
    store.close()
    let reader = try StoreReader(dataDirectory: directory.path)
    let info = try #require(try reader.groups().first)
    let block = try #require(
      try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture).first
    )
    var blocks = BlockReader()
    for line in lines.prefix(200) {
      let bytes = Array(line.utf8)
      for start in stride(from: 0, to: bytes.count, by: 3) {
        for length in [1, 4, 9, 17, 40] where start + length <= bytes.count {
          let probe = NeedleProbe(literal: Array(bytes[start..<(start + length)]).span)
          #expect(try blocks.mayContain([probe], in: block))
        }
      }
    }
    var passed = 0
    for _ in 0..<1_000 {
      let probe = NeedleProbe(literal: Array("req=\(Entropy.uuid()) ".utf8).span)
      if try blocks.mayContain([probe], in: block) { passed += 1 }
    }
    #expect(passed < 20)
  }

  @Test("segments roll over by day and size, and retiring one deletes its rows and file")
  func retire() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    let day: Int64 = 86_400_000_000_000
    let start = SystemClock().now() - 5 * day
    for turn in 0..<4 {
      let lines = (0..<20_000).map { "day \(turn) line \($0)" }
      try Fixture.commit(Fixture.batch(lines, at: start + Int64(turn) * day), to: store)
    }
    let reader = try StoreReader(dataDirectory: directory.path)
    let segments = try reader.segments()
    #expect(segments.count == 4)
    let ticket = try #require(
      store.apply([.retire(segments: segments.prefix(2).map(\.id), reason: .age)])
    )
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    #expect(try reader.segments().count == 2)
    #expect(
      try Shell.run("ls \(directory.path)/segments/*/*.zst").split(separator: "\n").count == 2
    )
    let first = try Fixture.messages(directory).first
    #expect(first == "day 2 line 0")
    store.close()
  }
}
