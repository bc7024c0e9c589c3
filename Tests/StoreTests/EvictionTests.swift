import LogModel
import Platform
import TestSupport
import Testing

@testable import Store

/// What a bound on space deletes shows as a gap where it was.
@Suite struct EvictionTests {
  private static let day: Int64 = 86_400_000_000_000

  struct Event: Equatable {
    var stream: String
    var time: Int64
    var isGap: Bool
    var text: String
  }

  /// Every event of a group in a range of time, in order of sequence.
  static func events(
    _ directory: TemporaryDirectory,
    from: Timestamp = .distantPast,
    through: Timestamp = .distantFuture
  ) throws -> [Event] {
    let reader = try StoreReader(dataDirectory: directory.path)
    let group = try #require(try reader.groups().first)
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    var found: [Event] = []
    for block in try reader.blocks(of: group.id, from: from, through: through) {
      try blocks.messages(of: block, into: &bytes)
      let columns = try blocks.columns(of: block)
      for record in columns.records {
        found.append(
          Event(
            stream: columns.streams[Int(record.stream)].name,
            time: record.timestamp,
            isGap: record.flags.contains(.gap),
            text: String(decoding: bytes[record.range], as: UTF8.self)
          )
        )
      }
    }
    return found
  }

  /// A store with one segment for each of three days; two streams on the first.
  private func fill(_ directory: TemporaryDirectory) throws -> (Store, start: Int64) {
    let store = try Fixture.open(directory)
    let start = SystemClock().now() / Self.day * Self.day - 5 * Self.day
    let lines = (0..<15_000).map { "line \($0) with some text behind it" }
    try Fixture.commit(Fixture.batch(lines, at: start, stream: "a"), to: store)
    try Fixture.commit(Fixture.batch(lines, at: start + 1_000_000_000, stream: "b"), to: store)
    for turn in 1..<3 {
      let time = start + Int64(turn) * Self.day
      try Fixture.commit(Fixture.batch(lines, at: time, stream: "a"), to: store)
    }
    return (store, start)
  }

  private func retire(_ store: Store, _ count: Int, _ reason: RetireReason) throws {
    let segments = try StoreReader(dataDirectory: store.layout.root).segments()
    let ids = segments.sorted { $0.minTimestamp < $1.minTimestamp }.prefix(count).map(\.id)
    let ticket = try #require(store.apply([.retire(segments: ids, reason: reason)]))
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
  }

  @Test("what the disk cap deletes is a gap record in each stream, with count and time range")
  func gaps() throws {
    let directory = TemporaryDirectory()
    let (store, start) = try fill(directory)
    try retire(store, 1, .diskUsage)
    let gaps = try Self.events(directory).filter(\.isGap)
    #expect(gaps.map(\.stream).sorted() == ["a", "b"])
    let first = try #require(gaps.first { $0.stream == "a" })
    #expect(first.time == start + 14_999 * 1_000_000)
    #expect(first.text.hasPrefix("gap: 15000 events were deleted to keep within"))
    #expect(first.text.contains("limits.maxDiskUsage"))
    #expect(
      first.text.contains(
        Calendar.formatRFC3339(Timestamp(nanoseconds: start), decimals: 3)
      )
    )
    #expect(try Self.events(directory).filter { !$0.isGap }.count == 30_000)
    store.close()
  }

  @Test("a second eviction adds to the gap; it survives a restart and stays one record a stream")
  func merged() throws {
    let directory = TemporaryDirectory()
    let (store, start) = try fill(directory)
    try retire(store, 1, .diskUsage)
    try retire(store, 1, .freeSpace)
    store.close()
    let again = try Fixture.open(directory)
    defer { again.close() }
    let gap = try #require(
      try Self.events(directory).filter { $0.isGap && $0.stream == "a" }.first
    )
    #expect(gap.text.contains("30000 events") && gap.text.contains("limits.minFreeDisk"))
    #expect(gap.time == start + Self.day + 14_999 * 1_000_000)
    #expect(try Self.events(directory).filter(\.isGap).count == 2)
  }

  @Test("a query for a part of what is gone sees the gap too")
  func inRange() throws {
    let directory = TemporaryDirectory()
    let (store, start) = try fill(directory)
    try retire(store, 1, .diskUsage)
    let from = Timestamp(nanoseconds: start + 2_000_000_000)
    let through = Timestamp(nanoseconds: start + 3_000_000_000)
    let seen = try Self.events(directory, from: from, through: through)
    #expect(seen.count == 2 && seen.allSatisfy(\.isGap))
    #expect(seen.allSatisfy { $0.time == through.nanoseconds })
    store.close()
  }

  @Test("expiry by age is no loss and leaves no gap; a gap goes when its events would have")
  func age() throws {
    let directory = TemporaryDirectory()
    let (store, start) = try fill(directory)
    try retire(store, 1, .age)
    #expect(try Self.events(directory).filter(\.isGap).isEmpty)
    try retire(store, 1, .diskUsage)
    #expect(try Self.events(directory).filter(\.isGap).count == 1)
    let reader = try StoreReader(dataDirectory: directory.path)
    let oldest = try #require(try reader.oldestTail().first)
    #expect(oldest.maxAgeBase.nanoseconds == start + Self.day + 14_999 * 1_000_000)
    let ticket = try #require(
      store.apply([
        .expireTail(
          group: oldest.group,
          before: Timestamp(nanoseconds: start + 2 * Self.day)
        )
      ])
    )
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000))
    #expect(try Self.events(directory).filter(\.isGap).isEmpty)
    store.close()
  }

  @Test("of more streams than have gaps of their own, the rest share one, and all are counted")
  func manyStreams() throws {
    let directory = TemporaryDirectory()
    let store = try Fixture.open(directory)
    var batch = EventBatch(group: Fixture.group, stream: LogStream(sanitizing: "s0"))
    let text = Array(repeating: UInt8(0x41), count: 400)
    for index in 0..<1_000 {
      let stream = batch.index(of: LogStream(sanitizing: "s\(index)"))
      batch.append(
        timestamp: Timestamp(nanoseconds: 1_800_000_000_000_000_000 + Int64(index)),
        message: text.span,
        stream: stream
      )
    }
    try Fixture.commit(batch, to: store)
    try retire(store, 1, .diskUsage)
    let gaps = try Self.events(directory).filter(\.isGap)
    #expect(gaps.count <= EvictedStream.streamsMax + 1)
    let counts = gaps.compactMap { Int($0.text.split(separator: " ")[1]) }
    #expect(counts.reduce(0, +) == 1_000)
    store.close()
  }
}
