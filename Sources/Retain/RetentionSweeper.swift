package import LogModel
package import Platform
package import Store
internal import Synchronization

/// How retention is set up.
package struct RetainOptions: Sendable {
  /// How long a group's events are kept.
  package var period: @Sendable (LogGroup) -> RetentionPeriod
  package var maxDiskBytes: Int64
  package var minFreeBytes: Int64
  /// How long a shorter period waits before it holds.
  package var shrinkGraceNanoseconds: Int64
  package var intervalNanoseconds: Int64

  package init(
    period: @escaping @Sendable (LogGroup) -> RetentionPeriod,
    maxDiskBytes: Int64,
    minFreeBytes: Int64,
    shrinkGraceNanoseconds: Int64 = 86_400_000_000_000,
    intervalNanoseconds: Int64 = 5_000_000_000
  ) {
    self.period = period
    self.maxDiskBytes = maxDiskBytes
    self.minFreeBytes = minFreeBytes
    self.shrinkGraceNanoseconds = shrinkGraceNanoseconds
    self.intervalNanoseconds = intervalNanoseconds
  }
}

/// What the last sweep found, for `status`.
package struct RetainStatus: Sendable {
  package var usedBytes: Int64 = 0
  package var freeBytes: Int64 = 0
  package var isClockTrusted = true
  package var lastError: String?
  /// Groups whose shorter period waits, and until when.
  package var waiting: [(change: ShrinkingRetention, due: Timestamp)] = []
}

/// The loop that looks at what is stored and deletes what policy says.
///
/// Thread "retain".
package final class RetentionSweeper: Sendable {
  private let store: Store
  private let clock: any Clock
  private let metrics: Metrics
  private let options: Mutex<RetainOptions>
  private let state = Mutex(RetainStatus())
  private static let keepNanoseconds: Int64 = 60_000_000_000
  private let keptClock = Mutex<Int64?>(nil)

  package init(store: Store, options: RetainOptions, clock: any Clock, metrics: Metrics) {
    self.store = store
    self.clock = clock
    self.metrics = metrics
    self.options = Mutex(options)
  }

  /// Takes effect with the next sweep.
  package func replace(_ options: RetainOptions) { self.options.withLock { $0 = options } }

  package var status: RetainStatus { state.withLock { $0 } }

  /// Sweeps at once and then at every interval, until the signal is raised.
  package func run(until stop: StopSignal) {
    var judge: RetentionClock?
    while !stop.isRaised {
      let options = options.withLock { $0 }
      do throws(StoreError) {
        try sweep(options, &judge)
        state.withLock { $0.lastError = nil }
      } catch {
        metrics.add("logagent_retention_errors_total")
        state.withLock { $0.lastError = error.description }
      }
      stop.wait(nanoseconds: options.intervalNanoseconds)
    }
  }

  /// One look and its consequences; returns after the deletions are durable, or after ten seconds.
  package func sweep(_ options: RetainOptions, _ judge: inout RetentionClock?) throws(StoreError) {
    let reader = try StoreReader(dataDirectory: store.layout.root)
    if judge == nil {
      let persisted = try reader.meta("clock").flatMap { Int64($0) }
      judge = RetentionClock(
        persisted: persisted.map { Timestamp(nanoseconds: $0) },
        wall: clock.now(),
        monotonic: clock.monotonic()
      )
    }
    let now = judge?.now(wall: clock.now(), monotonic: clock.monotonic())
    let decision = try decide(reader.groups(), options, now: now)
    let situation = try look(reader, now: now)
    let plan = RetentionPolicy(
      periods: decision.periods,
      maxDiskBytes: options.maxDiskBytes,
      minFreeBytes: options.minFreeBytes
    ).plan(situation)
    let used = situation.otherBytes + situation.segments.reduce(0) { $0 + $1.storedBytes }
    state.withLock {
      $0.usedBytes = used
      $0.freeBytes = situation.freeBytes
      $0.isClockTrusted = now != nil
      $0.waiting = decision.waiting.values.sorted { $0.group.name < $1.group.name }.map {
        ($0, $0.due(graceNanoseconds: options.shrinkGraceNanoseconds))
      }
    }
    metrics.set("logagent_storage_free_bytes", Double(situation.freeBytes))
    metrics.set("logagent_storage_limit_bytes", Double(options.maxDiskBytes))
    metrics.set("logagent_storage_used_bytes", Double(used))
    metrics.set("logagent_retention_waiting_groups", Double(decision.waiting.count))
    var changes: [StoreChange] = decision.changed.isEmpty ? [] : [.retention(decision.changed)]
    if let now, isWorthKeeping(now) { changes.append(.clock(now)) }
    if carryOut(plan, changes) { try settle(decision) }
    metrics.set(
      "logagent_retention_last_success_timestamp_seconds",
      Double(clock.now()) / 1_000_000_000
    )
  }

  /// Which period holds for every group, and what is new in that.
  private struct Decision {
    var periods: [UInt32: RetentionPeriod] = [:]
    var changed: [(group: LogGroup, period: RetentionPeriod)] = []
    var waiting: [LogGroup: ShrinkingRetention] = [:]
    var waitedBefore: [LogGroup: ShrinkingRetention] = [:]
    var isRequested = false
  }

  private func decide(
    _ groups: [GroupInfo],
    _ options: RetainOptions,
    now: Timestamp?
  ) throws(StoreError) -> Decision {
    var decision = Decision()
    decision.waitedBefore = ShrinkingFile.read(store.layout.shrinkingRetention)
    let request = RetentionRequest.read(store.layout.retentionRequest)
    decision.isRequested = request != nil
    for group in groups {
      let wanted = options.period(group.group)
      let (period, waiting) = ShrinkingRetention.decide(
        group.group,
        recorded: group.retention,
        wanted: wanted,
        waiting: decision.waitedBefore[group.group],
        isConfirmed: request?[group.group] == wanted,
        graceNanoseconds: options.shrinkGraceNanoseconds,
        now: now
      )
      decision.periods[group.id] = period
      decision.waiting[group.group] = waiting
      if group.retention != period { decision.changed.append((group.group, period)) }
    }
    return decision
  }

  private func look(
    _ reader: StoreReader,
    now: Timestamp?
  ) throws(StoreError) -> RetentionPolicy.Situation {
    try reader.snapshot { () throws(StoreError) in
      var other: Int64 = 0
      for suffix in ["", "-wal"] {
        // Silence is right: a file that cannot be looked at counts as nothing until the next sweep.
        other += (try? FileSystem.status(of: store.layout.catalog + suffix))?.size ?? 0
      }
      let free = (try? FileSystem.space(at: store.layout.root))?.freeBytes ?? .max
      return RetentionPolicy.Situation(
        segments: try reader.segments(),
        tails: try reader.oldestTail(),
        otherBytes: other,
        freeBytes: Int64(clamping: free),
        now: now
      )
    }
  }

  /// The time is kept once a minute; only a time that is believed ever is.
  private func isWorthKeeping(_ now: Timestamp) -> Bool {
    keptClock.withLock { kept in
      if let kept, abs(now.nanoseconds - kept) < Self.keepNanoseconds { return false }
      kept = now.nanoseconds
      return true
    }
  }

  /// What waits now, for the next start; after what no longer waits is durable.
  private func settle(_ decision: Decision) throws(StoreError) {
    do throws(SyscallError) {
      if decision.waiting != decision.waitedBefore {
        try ShrinkingFile.write(decision.waiting, to: store.layout.shrinkingRetention)
      }
      if decision.isRequested { try FileSystem.remove(store.layout.retentionRequest) }
    } catch {
      throw .io(error)
    }
  }

  /// True when everything is durable.
  private func carryOut(_ plan: RetentionPolicy.Plan, _ others: [StoreChange]) -> Bool {
    var changes = others
    for reason in RetireReason.allCases {
      let segments = plan.deletions.filter { $0.reason == reason }.map(\.segment.id)
      if !segments.isEmpty { changes.append(.retire(segments: segments, reason: reason)) }
    }
    for tail in plan.tails { changes.append(.expireTail(group: tail.group, before: tail.before)) }
    if changes.isEmpty { return true }
    guard let ticket = store.apply(changes) else { return false }
    return store.waitCommitted(ticket, timeoutNanoseconds: 10_000_000_000)
  }
}
