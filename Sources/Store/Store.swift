package import LogModel
package import Platform
internal import Synchronization

/// How the store is doing, for `status` and for the daemon's exit code.
package enum StoreState: Sendable, Equatable {
  case ok
  /// Commits fail and are retried; nothing is lost, sources wait.
  case degraded(String)
  /// Going on could lie: the daemon exits with 74 and is restarted.
  case failed(String)
}

/// The one owner of a data directory: takes batches and changes, and commits them in order.
///
/// Safe from any thread. One thread, "store", writes; `submit` waits while more than
/// `StoreOptions.queueBytes` are on their way.
package final class Store: EventSink {
  package let layout: Layout
  /// What recovery found that the operator should know, in words.
  package let notices: [String]
  private let queue: BoundedQueue<StoreCommand>
  private let shared: StoreShared
  private let thread: Mutex<OSThread?>
  private let lock: Mutex<StoreLock?>

  /// Locks the directory (creating it if need be), recovers, and starts the writer.
  ///
  /// Recovery cuts every segment back to its last commit and removes files that no row names.
  /// Throws `.locked` when another process owns the directory. While recovery fails for lack of
  /// space, `whileFull` is asked, and may wait, whether to try again; readers work meanwhile.
  package static func open(
    _ options: StoreOptions,
    clock: any Clock,
    metrics: Metrics,
    whileFull: (StoreError) -> Bool = { _ in false }
  ) throws(StoreError) -> Store {
    let layout = Layout(root: options.dataDirectory)
    try storing { () throws(SyscallError) in
      try FileSystem.makeDirectory(layout.root)
      try FileSystem.makeDirectory(layout.segments)
    }
    let lock = try StoreLock(layout: layout)
    while true {
      do throws(StoreError) {
        let writer = try StoreWriter(
          options: options,
          layout: layout,
          clock: clock,
          metrics: metrics
        )
        return try Store(layout: layout, lock: lock, options: options, writer: writer)
      } catch {
        guard error.isOutOfSpace else { throw error }
        // The reserve is there for this: recovery needs a few pages.
        Ballast.release(layout: layout)
        guard whileFull(error) else { throw error }
      }
    }
  }

  private init(
    layout: Layout,
    lock: StoreLock,
    options: StoreOptions,
    writer: sending StoreWriter
  ) throws(StoreError) {
    self.layout = layout
    notices = writer.notices
    self.lock = Mutex(lock)
    let queue = BoundedQueue<StoreCommand>(capacity: options.queueBytes)
    let shared = writer.shared
    self.queue = queue
    self.shared = shared
    let handOver = Mutex<StoreWriter?>(writer)
    let started = try storing { () throws(SyscallError) in
      try OSThread(name: "store") {
        let writer = handOver.withLock { slot -> StoreWriter? in
          defer { slot = nil }
          return slot
        }
        writer?.run(queue: queue)
      }
    }
    thread = Mutex(started)
  }

  /// The process that owns a data directory, as it called itself; nil when none does.
  package static func owner(of layout: Layout) -> String? { StoreLock.holder(layout: layout) }

  package func submit(_ batch: consuming EventBatch) -> UInt64? {
    let weight = batch.bytes.count + batch.records.count * MemoryLayout<EventRecord>.stride + 64
    return queue.push(.batch(batch), weight: weight)
  }

  package var committed: UInt64 { shared.committed.load(ordering: .acquiring) }

  package func position(of source: String) -> [UInt8]? {
    shared.positions.withLock { $0[source] }
  }

  /// Every committed position whose source name starts with `prefix`.
  package func positions(prefix: String) -> [String: [UInt8]] {
    shared.positions.withLock { all in all.filter { $0.key.hasPrefix(prefix) } }
  }

  /// Queues durable changes behind everything submitted so far and commits them at once (about 1
  /// ms).
  ///
  /// Deletions are not kept in that order: they must get through when commits fail for lack of
  /// space.
  package func apply(_ changes: [StoreChange]) -> UInt64? {
    var ordered: [StoreChange] = []
    for change in changes {
      switch change {
      case .retire, .expireTail: shared.deletions.withLock { $0.append(change) }
      case .lane, .removeLane, .retention, .clock: ordered.append(change)
      }
    }
    return queue.pushNow(.changes(ordered))
  }

  /// Waits until a ticket is durable; false when the time is up or the store ended before.
  package func waitCommitted(_ ticket: UInt64, timeoutNanoseconds: Int64) -> Bool {
    let clock = SystemClock()
    let deadline = clock.monotonic() + timeoutNanoseconds
    // Silence is right: without a descriptor to wait on, the present state is the answer.
    guard let signal = try? WakeSignal() else { return committed >= ticket }
    subscribe(signal)
    defer { unsubscribe(signal) }
    while committed < ticket {
      let left = deadline - clock.monotonic()
      if left <= 0 || shared.isEnded.load(ordering: .acquiring) { return committed >= ticket }
      Poller.wait(readable: [signal.descriptor], nanoseconds: min(left, 1_000_000_000))
      signal.clear()
    }
    return true
  }

  /// Rings the signal after every commit.
  package func subscribe(_ signal: WakeSignal) {
    shared.listeners.withLock { $0.append(signal) }
  }

  package func unsubscribe(_ signal: WakeSignal) {
    shared.listeners.withLock { $0.removeAll { $0 === signal } }
  }

  package var state: StoreState { shared.state.withLock { $0 } }

  /// Bytes that wait to be committed.
  package var backlogBytes: Int { queue.waitingWeight }

  /// Commits what was submitted, leaves the catalog checkpointed, and ends the thread.
  ///
  /// While commits fail it gives up after `graceNanoseconds`: what is not committed is still at its
  /// source.
  package func close(graceNanoseconds: Int64 = 5_000_000_000) {
    shared.closeDeadline.store(
      SystemClock().monotonic() + graceNanoseconds,
      ordering: .releasing
    )
    queue.close()
    let thread = thread.withLock { slot -> OSThread? in
      defer { slot = nil }
      return slot
    }
    thread?.join()
    lock.withLock { $0 = nil }
  }

  deinit { close(graceNanoseconds: 0) }
}

/// What travels to the store thread.
enum StoreCommand: ~Copyable, Sendable {
  case batch(EventBatch)
  case changes([StoreChange])
}

/// What the store thread shares with everybody else.
final class StoreShared: Sendable {
  let committed = Atomic<UInt64>(0)
  let isEnded = Atomic<Bool>(false)
  /// Monotonic time after which a closing store stops retrying.
  let closeDeadline = Atomic<Int64>(.max)
  let positions: Mutex<[String: [UInt8]]>
  let listeners = Mutex<[WakeSignal]>([])
  let deletions = Mutex<[StoreChange]>([])
  let state = Mutex<StoreState>(.ok)

  init(positions: [String: [UInt8]]) {
    self.positions = Mutex(positions)
  }
}
