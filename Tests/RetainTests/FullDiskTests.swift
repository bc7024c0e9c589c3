import Glibc
import LogModel
import Platform
import Retain
import Store
import Synchronization
import TestSupport
import Testing

/// A disk that is really full: nothing committed is harmed, queries work, and work goes on by
/// itself once there is room.
@Suite(.serialized, .enabled(if: SmallDisk.isPossible, "needs root"))
struct FullDiskTests {
  private static let group = LogGroup(sanitizing: "/docker/default/full")

  private func options(_ disk: SmallDisk) -> StoreOptions {
    var options = StoreOptions(dataDirectory: disk.mount + "/data")
    options.segmentBytes = 1_000_000
    options.commitIntervalNanoseconds = 5_000_000
    options.ballastBytes = 524_288
    return options
  }

  /// Numbered lines that hardly compress.
  private func batch(_ numbers: Range<Int>) -> EventBatch {
    var batch = EventBatch(group: Self.group, stream: LogStream(sanitizing: "s"))
    var state = UInt64(numbers.lowerBound + 1)
    for number in numbers {
      var text = Array("\(number) ".utf8)
      for _ in 0..<200 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text.append(UInt8(0x21 + (state >> 33) % 90))
      }
      batch.append(timestamp: Timestamp(nanoseconds: SystemClock().now()), message: text.span)
    }
    return batch
  }

  private struct Closed: Error {}

  private func submit(_ numbers: Range<Int>, to store: Store) throws -> UInt64 {
    guard let ticket = store.submit(batch(numbers)) else { throw Closed() }
    return ticket
  }

  /// The numbers that are stored, in order, and the events that gaps speak of.
  private func stored(_ disk: SmallDisk) throws -> (numbers: [Int], evicted: Int) {
    let reader = try StoreReader(dataDirectory: disk.mount + "/data")
    guard let info = try reader.groups().first else { return ([], 0) }
    var blocks = BlockReader()
    var bytes: [UInt8] = []
    var numbers: [Int] = []
    var evicted = 0
    for block in try reader.blocks(of: info.id, from: .distantPast, through: .distantFuture) {
      try blocks.messages(of: block, into: &bytes)
      for record in try blocks.columns(of: block).records {
        let words = String(decoding: bytes[record.range], as: UTF8.self).split(separator: " ")
        if record.flags.contains(.gap) {
          evicted += Int(words[1]) ?? -1
        } else {
          numbers.append(Int(words[0]) ?? -1)
        }
      }
    }
    return (numbers, evicted)
  }

  /// Whether the numbers are exactly these; the difference of long lists takes for ever to print.
  private func check(_ numbers: [Int], are wanted: Range<Int>, _ what: Comment) {
    let place = zip(numbers, wanted).enumerated().first { $0.element.0 != $0.element.1 }
    #expect(place == nil, "\(what.rawValue): at \(place?.offset ?? 0) is \(place?.element.0 ?? 0)")
    #expect(numbers.count == wanted.count, what)
  }

  private func isDegraded(_ store: Store) -> Bool {
    if case .degraded = store.state { true } else { false }
  }

  @Test(
    "filled by our own logs: queries work, retention deletes in spite of it, everything goes on",
    arguments: SmallDisk.Kind.allCases
  )
  func fillsItself(kind: SmallDisk.Kind) throws {
    let disk = try SmallDisk(kind, megabytes: 32)
    defer { disk.remove() }
    let metrics = Metrics()
    let store = try Store.open(options(disk), clock: SystemClock(), metrics: metrics)
    defer { store.close(graceNanoseconds: 0) }
    var next = 0
    var last: UInt64 = 0
    // Until nothing more is taken; what is waiting then is the queue's.
    while !isDegraded(store), next < 400_000 {
      // Never so much that `submit` would wait.
      if store.backlogBytes > 2_000_000 {
        usleep(1_000)
        continue
      }
      last = try submit(next..<(next + 2_000), to: store)
      next += 2_000
    }
    #expect(isDegraded(store))
    let during = try stored(disk)
    #expect(!during.numbers.isEmpty)
    check(during.numbers, are: 0..<during.numbers.count, "while full")
    let sweeper = RetentionSweeper(
      store: store,
      options: RetainOptions(period: { _ in 90 }, maxDiskBytes: .max, minFreeBytes: 8_000_000),
      clock: SystemClock(),
      metrics: metrics
    )
    var judge: RetentionClock?
    let options = RetainOptions(period: { _ in 90 }, maxDiskBytes: .max, minFreeBytes: 8_000_000)
    // A sweep waits for its own commit, which waits for the space that the sweep makes.
    #expect(
      try wait(seconds: 60) {
        try sweeper.sweep(options, &judge)
        return store.committed >= last
      }
    )
    #expect(wait(seconds: 5) { store.state == .ok })
    let after = try stored(disk)
    #expect(after.evicted > 0 && after.evicted + after.numbers.count == next)
    check(after.numbers, are: (next - after.numbers.count)..<next, "after")
  }

  @Test(
    "filled by somebody else: sources wait, and go on without a restart when there is room",
    arguments: SmallDisk.Kind.allCases
  )
  func filledByOthers(kind: SmallDisk.Kind) throws {
    let disk = try SmallDisk(kind, megabytes: 32)
    defer { disk.remove() }
    let store = try Store.open(options(disk), clock: SystemClock(), metrics: Metrics())
    defer { store.close(graceNanoseconds: 0) }
    let first = try submit(0..<4_000, to: store)
    #expect(store.waitCommitted(first, timeoutNanoseconds: 10_000_000_000))
    disk.fill()
    var next = 4_000
    var last = first
    while !isDegraded(store), next < 100_000 {
      if store.backlogBytes > 2_000_000 {
        usleep(1_000)
        continue
      }
      last = try submit(next..<(next + 2_000), to: store)
      next += 2_000
      usleep(20_000)
    }
    #expect(isDegraded(store))
    let during = try stored(disk).numbers
    #expect(during.count >= 4_000)
    check(during, are: 0..<during.count, "while full")
    try disk.drain()
    #expect(store.waitCommitted(last, timeoutNanoseconds: 20_000_000_000))
    #expect(wait(seconds: 5) { store.state == .ok })
    check(try stored(disk).numbers, are: 0..<next, "stored")
  }

  // Not on ext4: SQLite's shared memory can end the process there, as docs/operations.md says.
  @Test(
    "no byte free at the start: it says so, readers work, and it opens when there is room",
    arguments: [SmallDisk.Kind.tmpfs]
  )
  func fullAtStart(kind: SmallDisk.Kind) throws {
    let disk = try SmallDisk(kind, megabytes: 32)
    defer { disk.remove() }
    do {
      let store = try Store.open(options(disk), clock: SystemClock(), metrics: Metrics())
      let ticket = try submit(0..<8_000, to: store)
      #expect(store.waitCommitted(ticket, timeoutNanoseconds: 10_000_000_000))
      store.close()
    }
    // The reserve too: nothing at all is left.
    try Shell.run("truncate -s 0 \(disk.mount)/data/ballast")
    disk.fill()
    check(try stored(disk).numbers, are: 0..<8_000, "stored")
    var asked = 0
    let store = try Store.open(options(disk), clock: SystemClock(), metrics: Metrics()) { _ in
      asked += 1
      if asked == 3 { try? disk.drain() }
      return asked < 10
    }
    defer { store.close(graceNanoseconds: 0) }
    let ticket = try submit(8_000..<12_000, to: store)
    if asked == 0 {
      // It came up without needing space; then the commit has to wait for it.
      #expect(wait(seconds: 5) { isDegraded(store) })
      check(try stored(disk).numbers, are: 0..<8_000, "stored")
      try disk.drain()
    }
    #expect(store.waitCommitted(ticket, timeoutNanoseconds: 20_000_000_000))
    check(try stored(disk).numbers, are: 0..<12_000, "stored")
  }
}
