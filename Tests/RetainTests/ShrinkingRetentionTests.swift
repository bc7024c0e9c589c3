import LogModel
import Platform
import Retain
import Store
import TestSupport
import Testing

private let day: Int64 = 86_400_000_000_000
private let now = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

/// Fewer days wait for their grace.
@Suite struct ShrinkingRetentionTests {
  private static let group = LogGroup(sanitizing: "/docker/api")
  private static let hour: Int64 = 3_600_000_000_000

  private func decide(
    _ recorded: RetentionPeriod?,
    _ wanted: RetentionPeriod,
    _ waiting: ShrinkingRetention? = nil,
    isConfirmed: Bool = false,
    at now: Timestamp? = now
  ) -> (period: RetentionPeriod, waiting: ShrinkingRetention?) {
    ShrinkingRetention.decide(
      Self.group,
      recorded: recorded,
      wanted: wanted,
      waiting: waiting,
      isConfirmed: isConfirmed,
      graceNanoseconds: 24 * Self.hour,
      now: now
    )
  }

  private func waits(_ from: RetentionPeriod, _ to: RetentionPeriod, hours: Int64)
    -> ShrinkingRetention
  {
    ShrinkingRetention(
      group: Self.group,
      from: from,
      to: to,
      since: now.adding(nanoseconds: -hours * Self.hour)
    )
  }

  private let halfDay = RetentionPeriod(seconds: 43_200)

  @Test("a part of a day is less than a day, and for ever is more than any number of days")
  func periods() {
    #expect(decide(1, halfDay).waiting?.to == halfDay)
    #expect(decide(halfDay, 1) == (1, nil))
    #expect(decide(36_500, .forever) == (.forever, nil))
    #expect(decide(.forever, 36_500).period == .forever)
  }

  @Test("more days hold at once, also in place of fewer that wait")
  func grows() {
    #expect(decide(nil, 30) == (30, nil))
    #expect(decide(30, 90) == (90, nil))
    #expect(decide(30, 30, waits(30, 7, hours: 3)) == (30, nil))
  }

  @Test("fewer days wait for the grace from when they were first asked for")
  func shrinks() {
    #expect(decide(90, 14) == (90, waits(90, 14, hours: 0)))
    #expect(decide(90, 14, waits(90, 14, hours: 23)) == (90, waits(90, 14, hours: 23)))
    #expect(decide(90, 14, waits(90, 14, hours: 24)) == (14, nil))
    #expect(decide(90, 14, waits(90, 14, hours: 1), isConfirmed: true) == (14, nil))
  }

  @Test("even fewer days begin the grace again, a few more do not")
  func changes() {
    #expect(decide(90, 1, waits(90, 14, hours: 23)) == (90, waits(90, 1, hours: 0)))
    #expect(decide(90, 30, waits(90, 14, hours: 23)) == (90, waits(90, 30, hours: 23)))
  }

  @Test("no grace begins or ends while the clock is not trusted, and none grows when it goes back")
  func clock() {
    #expect(decide(90, 14, at: nil) == (90, nil))
    let old = waits(90, 14, hours: 1_000)
    #expect(decide(90, 14, old, at: nil) == (90, old))
    #expect(decide(90, 14, waits(90, 14, hours: -50)) == (90, waits(90, 14, hours: 0)))
  }

  @Test("a catalog that was rebuilt still knows what waits")
  func rebuilt() {
    #expect(decide(nil, 14, waits(90, 14, hours: 3)) == (90, waits(90, 14, hours: 3)))
  }

  @Test("the file gives back what was written, and damaged lines are left out")
  func file() throws {
    let directory = TemporaryDirectory()
    let path = directory.file("retention-waiting")
    #expect(ShrinkingFile.read(path).isEmpty)
    let all = [Self.group: waits(90, 14, hours: 3)]
    try ShrinkingFile.write(all, to: path)
    #expect(ShrinkingFile.read(path) == all)
    directory.write("retention-waiting", "x 1 2 /a\n5 90 14 /docker/b\n\u{0}\n1 2\n")
    #expect(ShrinkingFile.read(path).keys.map(\.name) == ["/docker/b"])
    let half = [
      Self.group: ShrinkingRetention(group: Self.group, from: .forever, to: halfDay, since: now)
    ]
    try ShrinkingFile.write(half, to: path)
    #expect(ShrinkingFile.read(path) == half)
    try ShrinkingFile.write([:], to: path)
    #expect(ShrinkingFile.read(path).isEmpty)
  }

  @Test("fewer days delete and hide nothing until the grace ends or is ended, over restarts")
  func sweeps() throws {
    let directory = TemporaryDirectory()
    let clock = SystemClock()
    func open() throws -> Store {
      var options = StoreOptions(dataDirectory: directory.path)
      options.ballastBytes = 0
      return try Store.open(options, clock: clock, metrics: Metrics())
    }
    func sweep(_ store: Store, days: RetentionPeriod, grace: Int64 = 24 * Self.hour) throws
      -> RetainStatus
    {
      let options = RetainOptions(
        period: { _ in days },
        maxDiskBytes: .max,
        minFreeBytes: 0,
        shrinkGraceNanoseconds: grace
      )
      let sweeper = RetentionSweeper(
        store: store,
        options: options,
        clock: clock,
        metrics: Metrics()
      )
      var judge: RetentionClock?
      try sweeper.sweep(options, &judge)
      return sweeper.status
    }
    var store = try open()
    var batch = EventBatch(group: Self.group, stream: LogStream(sanitizing: "s"))
    for index in 0..<20_000 {
      batch.append(
        timestamp: Timestamp(nanoseconds: clock.now() - 10 * day + Int64(index)),
        message: Array("event \(index) of ten days ago".utf8).span
      )
    }
    let ticket = store.submit(batch)
    #expect(store.waitCommitted(try #require(ticket), timeoutNanoseconds: 5_000_000_000))
    #expect(try sweep(store, days: 90).waiting.isEmpty)
    let status = try sweep(store, days: 7)
    #expect(status.waiting.map(\.change.to) == [7])
    store.close()
    store = try open()
    let reader = try StoreReader(dataDirectory: directory.path)
    let again = try sweep(store, days: 7)
    #expect(again.waiting.map(\.change) == status.waiting.map(\.change))
    #expect(try reader.segments().count == 1)
    #expect(try reader.groups().map(\.retention) == [90])
    let preview = RetentionPreview.make(
      groups: try reader.groups(),
      segments: try reader.segments(),
      waiting: ShrinkingFile.read(store.layout.shrinkingRetention),
      wanted: { _ in 7 },
      graceNanoseconds: 24 * Self.hour,
      now: Timestamp(nanoseconds: clock.now())
    )
    #expect(preview.map(\.segments) == [1] && preview.first?.events == 20_000)
    #expect(preview.first?.due == status.waiting.first?.due)
    // A request for other days than are configured now ends nothing.
    try RetentionRequest.write([Self.group: 3], to: store.layout.retentionRequest)
    #expect(try sweep(store, days: 7).waiting.count == 1)
    #expect(RetentionRequest.read(store.layout.retentionRequest) == nil)
    try RetentionRequest.write([Self.group: 7], to: store.layout.retentionRequest)
    #expect(try sweep(store, days: 7).waiting.isEmpty)
    #expect(RetentionRequest.read(store.layout.retentionRequest) == nil)
    #expect(ShrinkingFile.read(store.layout.shrinkingRetention).isEmpty)
    #expect(try reader.groups().map(\.retention) == [7])
    #expect(try reader.segments().isEmpty)
    store.close()
  }
}
