import Foundation
import LogModel
import Platform
import Store
import TestSupport
import Testing

@testable import Query

/// Searches with random filter patterns over random stores, against the naive evaluator: with the
/// Insights queries of `DifferentialTests` this is `make differential`.
///
/// A fifth of LOGAGENT_DIFFERENTIAL_QUERIES, for each of some stores; 400 when it is not set.
@Suite("Filter patterns over stores, against a naive evaluator")
struct FilterStoreTests {
  private static let searches =
    (ProcessInfo.processInfo.environment["LOGAGENT_DIFFERENTIAL_QUERIES"].flatMap(Int.init)
      ?? 2_000) / 5
  private static let searchesOfStore = 100

  @Test(arguments: 0..<max(1, searches / searchesOfStore))
  func `a search finds what the naive evaluator finds, in order`(seed: Int) throws {
    var random = FilterRandom(seed: UInt64(seed) &* 104_729 &+ 3)
    let rig = try FilterStore(&random)
    var found = 0
    for _ in 0..<Self.searchesOfStore {
      let text = random.pattern()
      // Silence is right: what is refused is tested elsewhere.
      guard let pattern = try? FilterPatternParser.parse(text) else { continue }
      let query = rig.query(pattern, &random)
      guard let expected = rig.expected(query) else { continue }
      let search = try LogSearch(query, reader: rig.reader, workers: 1 + random.below(3))
      var given: [MatchedEvent] = []
      let statistics = search.run { event in
        given.append(event)
        return true
      }
      #expect(statistics.failure == nil)
      let isSame =
        given.count == expected.count
        && zip(given, expected).allSatisfy { $0.message == $1.message && $0.timestamp == $1.time }
      #expect(isSame, "seed \(seed): \(text), \(query.selection): \(given) for \(expected)")
      if query.selection == .all {
        let count = try LogSearch(query, reader: rig.reader, workers: 2).count()
        #expect(count.matchedEvents == expected.count, "seed \(seed): \(text)")
      }
      found += expected.count
      if !isSame { return }
    }
    #expect(found > 50)
  }
}

/// A store of small blocks in two groups, and its events beside it.
private final class FilterStore {
  struct Event {
    var time: Timestamp
    var message: [UInt8]
    var stream: LogStream
    var isStderr: Bool
    /// Of events at one time the first group's come first, then those stored earlier.
    var order: (group: Int, sequence: Int)
  }

  struct NotCommitted: Error {}

  private static let start: Int64 = 1_800_000_000_000_000_000
  private static let groups = ["/docker/api", "/docker/web"].map { LogGroup(sanitizing: $0) }
  private static let streams = ["a", "b/1"].map { LogStream(sanitizing: $0) }
  let reader: StoreReader
  private let groups: [GroupInfo]
  private let directory = TemporaryDirectory("filter-store")
  private let store: Store
  private let events: [Event]

  init(_ random: inout FilterRandom) throws {
    var options = StoreOptions(dataDirectory: directory.path)
    options.blockRawBytes = 256 << random.below(4)
    options.floodBytes = 256
    options.segmentBytes = 16_384
    options.tailRowsMax = 8
    options.commitIntervalNanoseconds = 1_000_000
    options.ballastBytes = 0
    store = try Store.open(options, clock: StandingClock(time: Self.start), metrics: Metrics())
    var events: [Event] = []
    for group in 0..<Self.groups.count {
      for _ in 0..<(2 + random.below(6)) {
        var batch = EventBatch(group: Self.groups[group], stream: Self.streams[0])
        for _ in 0...random.below(24) {
          events.append(Self.event(order: (group, events.count), in: &batch, &random))
        }
        guard let ticket = store.submit(batch),
          store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
        else { throw NotCommitted() }
      }
    }
    self.events = events
    reader = try StoreReader(dataDirectory: directory.path)
    groups = try reader.groups()
  }

  deinit { store.close() }

  private static func event(
    order: (group: Int, sequence: Int),
    in batch: inout EventBatch,
    _ random: inout FilterRandom
  ) -> Event {
    // Few times, so that many are equal.
    let event = Event(
      time: Timestamp(nanoseconds: start - Int64(random.below(90)) * 1_000_000_000),
      message: random.message(),
      stream: random.pick(streams),
      isStderr: random.below(3) == 0,
      order: order
    )
    let stream = batch.index(of: event.stream)
    batch.append(
      timestamp: event.time,
      message: event.message.span,
      stream: stream,
      flags: event.isStderr ? .stderr : []
    )
    return event
  }

  func query(_ pattern: FilterPattern, _ random: inout FilterRandom) -> LogQuery {
    let from = Self.start - Int64(random.below(100)) * 1_000_000_000
    var query = LogQuery(
      groups: random.below(4) == 0 ? [random.pick(groups)] : groups,
      from: random.below(2) == 0 ? .distantPast : Timestamp(nanoseconds: from),
      through: random.below(2) == 0
        ? .distantFuture
        : Timestamp(nanoseconds: from + Int64(random.below(60)) * 1_000_000_000),
      now: Timestamp(nanoseconds: Self.start)
    )
    query.pattern = pattern
    query.selection = random.pick([
      .all, .newest(1 + random.below(20)), .oldest(1 + random.below(20)),
    ])
    if random.below(4) == 0 { query.onlyStderr = random.below(2) == 0 }
    if random.below(4) == 0 { query.stream = { $0.hasPrefix("b") } }
    return query
  }

  /// Nil where the naive evaluator gives up.
  func expected(_ query: LogQuery) -> [Event]? {
    let names = Set(query.groups.map(\.group.name))
    var found: [Event] = []
    for event in events {
      guard names.contains(Self.groups[event.order.group].name),
        (query.from...query.through).contains(event.time),
        query.onlyStderr.map({ $0 == event.isStderr }) ?? true,
        query.stream?(event.stream.name) ?? true
      else { continue }
      guard let isMatch = NaiveFilter.matches(query.pattern, event.message) else { return nil }
      if isMatch { found.append(event) }
    }
    found.sort {
      ($0.time, $0.order.group, $0.order.sequence) < ($1.time, $1.order.group, $1.order.sequence)
    }
    switch query.selection {
    case .all: return found
    case .newest(let count): return Array(found.suffix(count))
    case .oldest(let count): return Array(found.prefix(count))
    }
  }
}

/// Wall time stands still, so that all events are stored at one time.
private struct StandingClock: Clock {
  let time: Int64
  func now() -> Int64 { time }
  func monotonic() -> Int64 { SystemClock().monotonic() }
}
