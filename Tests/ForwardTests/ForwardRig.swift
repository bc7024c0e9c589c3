import Foundation
import LogModel
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Forward

/// A store in a temporary directory and a forwarder on a thread of its own.
final class ForwardRig {
  static let group = LogGroup(sanitizing: "/stp/shop-prod/ecs/api/web/process-logs")

  let directory: TemporaryDirectory
  let store: Store
  let metrics = Metrics()
  let clock: any Clock
  let deadLetters: String
  private(set) var forwarder: Forwarder?
  private var thread: OSThread?
  private var stopSignal: StopSignal?
  private let notes = Notes()

  final class Notes: Sendable {
    let lines = Mutex<[String]>([])
  }

  /// What the operator was told.
  var notices: [String] { notes.lines.withLock { $0 } }

  init(
    _ directory: TemporaryDirectory = TemporaryDirectory(),
    clock: any Clock = SystemClock()
  ) throws {
    self.directory = directory
    self.clock = clock
    var options = StoreOptions(dataDirectory: directory.file("data"))
    options.ballastBytes = 0
    options.commitIntervalNanoseconds = 5_000_000
    store = try Store.open(options, clock: SystemClock(), metrics: Metrics())
    deadLetters = directory.file("dead")
  }

  deinit {
    stop()
    store.close()
  }

  struct NotCommitted: Error {}

  /// Commits lines; event times are now unless given.
  func write(
    _ lines: [String],
    group: LogGroup = ForwardRig.group,
    stream: String = "ecs/web/1",
    at time: Int64? = nil
  ) throws {
    var batch = EventBatch(group: group, stream: LogStream(sanitizing: stream))
    for line in lines {
      batch.append(
        timestamp: Timestamp(nanoseconds: time ?? SystemClock().now()),
        message: Array(line.utf8).span
      )
    }
    guard let ticket = store.submit(batch),
      store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
    else { throw NotCommitted() }
  }

  func apply(_ changes: [StoreChange]) throws {
    guard let ticket = store.apply(changes),
      store.waitCommitted(ticket, timeoutNanoseconds: 5_000_000_000)
    else { throw NotCommitted() }
  }

  func start(
    timeoutMilliseconds: Int = 5_000,
    drainSeconds: Double = 3,
    authorities: String? = nil,
    _ destinations: @escaping @Sendable (LogGroup) -> [Destination]
  ) throws {
    var options = ForwardOptions(deadLetters: deadLetters)
    options.responseTimeoutMilliseconds = timeoutMilliseconds
    options.drainNanoseconds = Int64(drainSeconds * 1_000_000_000)
    options.seed = 1
    options.authorities = authorities
    let notes = notes
    let forwarder = Forwarder(
      store: store,
      options: options,
      clock: clock,
      metrics: metrics,
      destinations: destinations,
      notify: { line in notes.lines.withLock { $0.append(line) } }
    )
    let stop = try StopSignal()
    thread = try OSThread(name: "forward") { forwarder.run(until: stop) }
    self.forwarder = forwarder
    stopSignal = stop
  }

  func stop() {
    stopSignal?.raise()
    thread?.join()
    thread = nil
    stopSignal = nil
  }

  func lanes() throws -> [LaneState] {
    try StoreReader(dataDirectory: store.layout.root).lanes()
  }

  func groupID(_ group: LogGroup = ForwardRig.group) throws -> UInt32 {
    let found = try StoreReader(dataDirectory: store.layout.root).groups().first {
      $0.group == group
    }
    return try #require(found).id
  }

  func events(_ result: String) -> Double {
    metrics.snapshot().reduce(0) { sum, entry in
      entry.0.name == "logagent_forward_events_total" && entry.0.labels.contains("\"\(result)\"")
        ? sum + entry.1 : sum
    }
  }

  /// Waits until something holds; a rung store wakes a forwarder that sleeps by a manual clock.
  func wait(
    _ seconds: Double = 8,
    _ what: Comment = "",
    location: SourceLocation = #_sourceLocation,
    until holds: () throws -> Bool
  ) throws {
    let end = SystemClock().monotonic() + Int64(seconds * 1_000_000_000)
    while try !holds() {
      if SystemClock().monotonic() > end {
        Issue.record(
          "did not happen in \(seconds) s: \(what); \(notices)",
          sourceLocation: location
        )
        throw NotCommitted()
      }
      if clock is ManualClock { _ = store.apply([.retention([])]) }
      usleep(5_000)
    }
  }

  static func lines(_ range: Range<Int>) -> [String] { range.map { "line \($0)" } }

  static func destination(
    _ stub: ScriptedReceiver,
    _ kind: Destination.Kind = .httpEndpoint,
    key: String? = nil,
    gzip: Bool = false,
    retrySeconds: Int = 0,
    flushSeconds: Int = 0,
    paused: String? = nil
  ) -> Destination {
    Destination(
      kind: kind,
      endpointURL: stub.url,
      accessKey: key.map { Credential($0) },
      gzip: gzip,
      retryDurationSeconds: retrySeconds,
      flushSeconds: flushSeconds,
      allowsPlaintext: true,
      pausedReason: paused
    )
  }
}

extension ScriptedReceiver {
  /// Messages of the requests that were answered well, in order.
  var takenMessages: [String] { requests.flatMap(\.messages) }
}
