import LogModel
import Platform
import Store
import TestSupport

@testable import Query

/// Wall time stands still, so that ages are known; the store's waiting needs time that goes on.
struct FixedClock: Clock {
  let time: Int64
  func now() -> Int64 { time }
  func monotonic() -> Int64 { SystemClock().monotonic() }
}

/// A store with events, and queries over it.
final class QueryFixture {
  static let start: Int64 = 1_800_000_000_000_000_000
  let directory = TemporaryDirectory("query")
  private(set) var store: Store?

  struct Event: Equatable {
    var time: Int64
    var message: [UInt8]
    var stream = "a"
    var isStderr = false
  }

  struct NotCommitted: Error {}

  /// Small blocks, so that a test has many.
  init(blockBytes: Int = 2_048, floodBytes: Int = 512) throws {
    var options = StoreOptions(dataDirectory: directory.path)
    options.blockRawBytes = blockBytes
    options.floodBytes = floodBytes
    options.segmentBytes = 16_384
    options.tailRowsMax = 8
    options.commitIntervalNanoseconds = 1_000_000
    options.ballastBytes = 0
    store = try Store.open(
      options,
      clock: FixedClock(time: Self.start),
      metrics: Metrics()
    )
  }

  func append(_ events: [Event], to group: String = "/docker/api") throws {
    var batch = EventBatch(
      group: LogGroup(sanitizing: group),
      stream: LogStream(sanitizing: events.first?.stream ?? "a")
    )
    for event in events {
      let stream = batch.index(of: LogStream(sanitizing: event.stream))
      batch.append(
        timestamp: Timestamp(nanoseconds: event.time),
        message: event.message.span,
        stream: stream,
        flags: event.isStderr ? .stderr : []
      )
    }
    guard let store, let ticket = store.submit(batch),
      store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
    else { throw NotCommitted() }
  }

  func retain(_ group: String, days: RetentionPeriod) throws {
    guard let store,
      let ticket = store.apply([.retention([(group: LogGroup(sanitizing: group), period: days)])]),
      store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
    else { throw NotCommitted() }
  }

  /// Ends the daemon's side: what follows reads a store that nobody owns.
  func close() {
    store?.close()
    store = nil
  }

  deinit { store?.close() }

  func reader() throws -> StoreReader { try StoreReader(dataDirectory: directory.path) }

  func query(_ pattern: String = "") throws -> LogQuery {
    var query = LogQuery(
      groups: try reader().groups(),
      from: .distantPast,
      through: .distantFuture,
      now: Timestamp(nanoseconds: Self.start)
    )
    query.pattern = try FilterPatternParser.parse(pattern)
    query.selection = .all
    return query
  }

  func search(_ query: LogQuery, workers: Int = 2) throws -> [MatchedEvent] {
    var found: [MatchedEvent] = []
    _ = try LogSearch(query, reader: try reader(), workers: workers).run {
      found.append($0)
      return true
    }
    return found
  }

  func count(_ query: LogQuery) throws -> Int {
    try LogSearch(query, reader: try reader(), workers: 2).count().matchedEvents
  }
}

extension MatchedEvent {
  var text: String { String(decoding: message, as: UTF8.self) }
}
