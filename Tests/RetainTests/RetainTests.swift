import LogModel
import Platform
import Retain
import Store
import Testing
import TestSupport

private let day: Int64 = 86_400_000_000_000
private let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

private func segment(_ id: UInt64, group: UInt32, ageDays: Double, bytes: Int64) -> SegmentInfo {
  let time = now.adding(nanoseconds: -Int64(ageDays * Double(day)))
  return SegmentInfo(
    id: id,
    group: group,
    storedBytes: bytes,
    events: 10,
    minTimestamp: time,
    maxTimestamp: time,
    maxAgeBase: time,
    isSealed: true
  )
}

@Suite struct RetentionPolicyTests {
  @Test("a segment goes when its youngest event is older than the group's days, not before")
  func age() {
    let policy = RetentionPolicy(periods: [1: 7, 2: 90], maxDiskBytes: .max, minFreeBytes: 0)
    let plan = policy.plan(
      RetentionPolicy.Situation(
        segments: [
          segment(1, group: 1, ageDays: 7.01, bytes: 5),
          segment(2, group: 1, ageDays: 6.99, bytes: 5),
          segment(3, group: 2, ageDays: 89, bytes: 5),
          segment(4, group: 3, ageDays: 4_000, bytes: 5),
        ],
        tails: [(group: UInt32(1), maxAgeBase: now.adding(nanoseconds: -8 * day))],
        otherBytes: 0,
        freeBytes: 1,
        now: now
      )
    )
    #expect(plan.deletions.map(\.segment.id) == [1])
    #expect(plan.deletions.allSatisfy { $0.reason == .age })
    #expect(plan.tails.map(\.group) == [1])
  }

  @Test("twelve hours are no day, and what is kept for ever never goes by age")
  func periods() {
    let policy = RetentionPolicy(
      periods: [1: RetentionPeriod(seconds: 43_200), 2: .forever],
      maxDiskBytes: .max,
      minFreeBytes: 0
    )
    let plan = policy.plan(
      RetentionPolicy.Situation(
        segments: [
          segment(1, group: 1, ageDays: 0.51, bytes: 5),
          segment(2, group: 1, ageDays: 0.49, bytes: 5),
          segment(3, group: 2, ageDays: 50_000, bytes: 5),
        ],
        tails: [],
        otherBytes: 0,
        freeBytes: 1,
        now: now
      )
    )
    #expect(plan.deletions.map(\.segment.id) == [1])
  }

  @Test("a noisy group pays for the cap; a quiet group's recent logs stay")
  func fairness() {
    let policy = RetentionPolicy(periods: [:], maxDiskBytes: 1_000, minFreeBytes: 0)
    var segments = (0..<50).map {
      segment(UInt64($0), group: 1, ageDays: Double(50 - $0) / 50, bytes: 64)
    }
    segments += (100..<103).map { segment(UInt64($0), group: 2, ageDays: 60, bytes: 20) }
    let plan = policy.plan(
      .init(segments: segments, tails: [], otherBytes: 10, freeBytes: 1 << 40, now: now)
    )
    #expect(plan.deletions.allSatisfy { $0.segment.group == 1 && $0.reason == .diskUsage })
    let left = 3_270 - plan.deletions.reduce(0) { $0 + $1.segment.storedBytes }
    #expect(left <= 1_000 && left > 1_000 - 64)
    #expect(plan.deletions.map(\.segment.id) == plan.deletions.map(\.segment.id).sorted())
  }

  @Test("the free-space floor deletes only as much as is missing")
  func freeSpace() {
    let policy = RetentionPolicy(periods: [:], maxDiskBytes: .max, minFreeBytes: 100)
    let segments = (0..<5).map { segment(UInt64($0), group: 1, ageDays: 1, bytes: 30) }
    let plan = policy.plan(
      .init(segments: segments, tails: [], otherBytes: 0, freeBytes: 50, now: now)
    )
    #expect(plan.deletions.map(\.segment.id) == [0, 1])
    #expect(plan.deletions.allSatisfy { $0.reason == .freeSpace })
  }
}

@Suite struct RetentionClockTests {
  @Test("a wall clock that jumps ten years ahead deletes nothing until it was steady for a day")
  func jump() {
    let hour: Int64 = 3_600_000_000_000
    var clock = RetentionClock(persisted: now, wall: now.nanoseconds, monotonic: 0)
    #expect(clock.now(wall: now.nanoseconds + hour, monotonic: hour) != nil)
    let jumped = now.nanoseconds + 3_650 * day
    #expect(clock.now(wall: jumped, monotonic: 2 * hour) == nil)
    #expect(clock.now(wall: jumped + 23 * hour, monotonic: 25 * hour) == nil)
    #expect(
      clock.now(wall: jumped + 25 * hour, monotonic: 27 * hour)?.nanoseconds == jumped + 25 * hour
    )
  }

  @Test("a clock that goes back is followed: older means fewer deletions")
  func back() {
    var clock = RetentionClock(persisted: now, wall: now.nanoseconds, monotonic: 0)
    _ = clock.now(wall: now.nanoseconds, monotonic: 0)
    let back = now.nanoseconds - 2 * day
    #expect(clock.now(wall: back, monotonic: 1)?.nanoseconds == back)
  }
}

@Suite struct RetentionSweeperTests {
  @Test("one sweep frees the files of expired events and records the days for readers")
  func sweep() throws {
    let directory = TemporaryDirectory()
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    let clock = SystemClock()
    let metrics = Metrics()
    let store = try Store.open(options, clock: clock, metrics: metrics)
    defer { store.close() }
    let group = LogGroup(sanitizing: "/docker/default/old")
    for (age, count) in [(10, 20_000), (2, 20_000), (9, 3)] as [(Int64, Int)] {
      var batch = EventBatch(group: group, stream: LogStream(sanitizing: "s"))
      for index in 0..<count {
        batch.append(
          timestamp: Timestamp(nanoseconds: clock.now() - age * day + Int64(index)),
          message: Array("event \(index) of \(age) days ago".utf8).span
        )
      }
      let ticket = store.submit(batch)
      #expect(store.waitCommitted(try #require(ticket), timeoutNanoseconds: 5_000_000_000))
    }
    let reader = try StoreReader(dataDirectory: directory.path)
    #expect(try reader.segments().count == 2)
    let sweeper = RetentionSweeper(
      store: store,
      options: RetainOptions(period: { _ in 7 }, maxDiskBytes: .max, minFreeBytes: 0),
      clock: clock,
      metrics: metrics
    )
    var judge: RetentionClock?
    try sweeper.sweep(
      RetainOptions(period: { _ in 7 }, maxDiskBytes: .max, minFreeBytes: 0),
      &judge
    )
    #expect(try reader.segments().count == 1)
    #expect(try reader.oldestTail().isEmpty)
    #expect(try reader.groups().first?.retention == 7)
    #expect(
      try Shell.run("ls \(directory.path)/segments/*/*.zst").split(separator: "\n").count == 1
    )
  }
}

/// Sweeps over real stores: the clock that jumps, and the neighbour that is noisy.
@Suite struct RetentionSweepTests {
  private static func commit(
    _ name: String,
    _ count: Int,
    at time: Int64,
    to store: Store
  ) throws {
    var batch = EventBatch(
      group: LogGroup(sanitizing: name),
      stream: LogStream(sanitizing: "s")
    )
    var state: UInt64 = 1
    for index in 0..<count {
      var text = Array("\(name) \(index) ".utf8)
      for _ in 0..<100 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text.append(UInt8(0x21 + (state >> 33) % 90))
      }
      batch.append(
        timestamp: Timestamp(nanoseconds: time + Int64(index)),
        message: text.span
      )
    }
    let ticket = store.submit(batch)
    #expect(store.waitCommitted(try #require(ticket), timeoutNanoseconds: 5_000_000_000))
  }

  private static func open(_ directory: TemporaryDirectory, _ clock: any Clock) throws -> Store {
    var options = StoreOptions(dataDirectory: directory.path)
    options.ballastBytes = 0
    options.segmentBytes = 300_000
    options.commitIntervalNanoseconds = 0
    return try Store.open(options, clock: clock, metrics: Metrics())
  }

  @Test("a wall clock that jumps ten years deletes nothing, whatever was just started or stored")
  func clockJump() throws {
    let directory = TemporaryDirectory()
    let clock = ManualClock()
    let store = try Self.open(directory, clock)
    defer { store.close() }
    try Self.commit("/docker/default/a", 4_000, at: clock.now(), to: store)
    let options = RetainOptions(period: { _ in 7 }, maxDiskBytes: .max, minFreeBytes: 0)
    let sweeper = RetentionSweeper(
      store: store,
      options: options,
      clock: clock,
      metrics: Metrics()
    )
    var judge: RetentionClock?
    try sweeper.sweep(options, &judge)
    let reader = try StoreReader(dataDirectory: directory.path)
    let before = try reader.segments().count
    #expect(before > 0)
    clock.step(seconds: 3_650 * 86_400)
    // A commit of the new time, and a start at it, change nothing.
    try Self.commit("/docker/default/a", 1, at: clock.now(), to: store)
    try sweeper.sweep(options, &judge)
    #expect(!sweeper.status.isClockTrusted)
    // What a start at the jumped time would make of it.
    var restarted: RetentionClock?
    try sweeper.sweep(options, &restarted)
    #expect(!sweeper.status.isClockTrusted)
    clock.advance(seconds: 3_600)
    try sweeper.sweep(options, &judge)
    #expect(try reader.segments().count == before)
    // After a day that went by as days do, the clock is believed.
    for _ in 0..<26 {
      clock.advance(seconds: 3_600)
      try sweeper.sweep(options, &judge)
    }
    #expect(sweeper.status.isClockTrusted)
    #expect(try reader.segments().count < before)
  }

  @Test("the cap is paid by the noisy group alone, down to the bound, and its gap says how much")
  func fairness() throws {
    let directory = TemporaryDirectory()
    let clock = SystemClock()
    let store = try Self.open(directory, clock)
    defer { store.close() }
    // The quiet one is the older: by age alone it would go first.
    try Self.commit("/docker/default/quiet", 4_000, at: clock.now() - day, to: store)
    for _ in 0..<8 { try Self.commit("/docker/default/noisy", 8_000, at: clock.now(), to: store) }
    let reader = try StoreReader(dataDirectory: directory.path)
    let quiet = try #require(try reader.groups().first { $0.group.name.hasSuffix("quiet") }).id
    let used = try reader.segments().reduce(Int64(0)) { $0 + $1.storedBytes }
    let options = RetainOptions(period: { _ in 90 }, maxDiskBytes: used / 2, minFreeBytes: 0)
    var judge: RetentionClock?
    let sweeper = RetentionSweeper(
      store: store,
      options: options,
      clock: clock,
      metrics: Metrics()
    )
    let quietBefore = try reader.segments().filter { $0.group == quiet }
    try sweeper.sweep(options, &judge)
    let left = try reader.segments()
    #expect(left.filter { $0.group == quiet } == quietBefore)
    #expect(left.reduce(Int64(0)) { $0 + $1.storedBytes } <= used / 2)
    #expect(try reader.oldestTail().map(\.group).contains(quiet) == false)
    #expect(try reader.oldestTail().contains { $0.group != quiet })
  }
}
