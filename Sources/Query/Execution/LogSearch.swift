internal import LogModel
internal import Platform
package import Store
internal import Synchronization

/// Runs a query over a store: picks blocks, searches them on all cores, gives events in order.
package final class LogSearch: Sendable {
  private let query: LogQuery
  private let matcher: MessageMatcher
  private let work: [WorkItem]
  private let isCancelled: @Sendable () -> Bool
  private let workers: Int
  private let orderBytesMax: Int
  private let progress: (@Sendable (SearchProgress) -> Void)?
  private let done = Mutex(SearchProgress())

  struct WorkItem: Sendable {
    let block: BlockReference
    let group: GroupInfo
  }

  /// Takes one snapshot of the catalog; nothing that is committed later is seen.
  ///
  /// `orderBytesMax` bounds what an ordered answer holds back while blocks overlap in time.
  package init(
    _ query: LogQuery,
    reader: StoreReader,
    workers: Int,
    orderBytesMax: Int = OrderedEvents.bytesMax,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: (@Sendable (SearchProgress) -> Void)? = nil
  ) throws(StoreError) {
    self.query = query
    matcher = MessageMatcher(query.pattern)
    self.isCancelled = isCancelled
    self.progress = progress
    self.workers = max(1, workers)
    self.orderBytesMax = orderBytesMax
    var found: [WorkItem] = []
    try reader.snapshot { () throws(StoreError) in
      for group in query.groups {
        let first = query.after[group.id] ?? 0
        for block in try reader.blocks(of: group.id, from: query.from, through: query.through)
        where block.endSequence > first {
          found.append(WorkItem(block: block, group: group))
        }
      }
    }
    work = found
  }

  /// Calls `body` with the matches, oldest first, until it returns false.
  package func run(_ body: (MatchedEvent) -> Bool) -> QueryStatistics {
    switch query.selection {
    case .newest(let count): newest(count, body)
    case .oldest(let count): stream(limit: count, body)
    case .all: stream(limit: nil, body)
    }
  }

  /// The number of matches; the fastest form of a search.
  package func count() -> QueryStatistics {
    let total = Mutex(QueryStatistics())
    forEachWorker { next in
      var scan = BlockScan(query, matcher)
      while let index = next() {
        _ = scan.count(work[index].block, group: work[index].group)
        report(work[index].block)
        if scan.statistics.failure != nil { break }
      }
      let statistics = scan.statistics
      total.withLock { $0.add(statistics) }
    }
    return total.withLock { $0 }
  }

  // MARK: newest

  private func newest(_ count: Int, _ body: (MatchedEvent) -> Bool) -> QueryStatistics {
    let order = work.indices.sorted { work[$0].block.maxTimestamp > work[$1].block.maxTimestamp }
    let top = Mutex(NewestEvents(limit: count))
    let total = Mutex(QueryStatistics())
    forEachWorker { next in
      var scan = BlockScan(query, matcher)
      while let position = next() {
        let item = work[order[position]]
        let floor = top.withLock { $0.floor }
        // Blocks come newest first: nothing further on can be newer than what is already kept.
        if let floor, item.block.maxTimestamp < floor { break }
        let matches = scan.matches(
          of: item.block,
          group: item.group,
          from: query.after[item.group.id] ?? 0,
          selection: query.selection
        )
        report(item.block)
        if scan.statistics.failure != nil { break }
        top.withLock { $0.add(matches) }
      }
      let statistics = scan.statistics
      total.withLock { $0.add(statistics) }
    }
    for event in top.withLock({ $0.sorted() }) { if !body(event) { break } }
    return total.withLock { $0 }
  }

  // MARK: in order, without keeping everything

  /// Gives matches in order while blocks are read; at most `limit`.
  ///
  /// Where so many blocks overlap in time that what waits for its turn would exceed the memory
  /// bound, the later half is dropped and read again in another pass.
  private func stream(limit: Int?, _ body: (MatchedEvent) -> Bool) -> QueryStatistics {
    let order = work.indices.sorted { work[$0].block.minTimestamp < work[$1].block.minTimestamp }
    var scan = BlockScan(query, matcher)
    var queue = OrderedEvents(bytesMax: orderBytesMax)
    var given = 0
    var goesOn = true
    func give(before time: Timestamp?) {
      for event in queue.take(before: time) where goesOn {
        if let limit, given >= limit {
          goesOn = false
        } else {
          given += 1
          goesOn = body(event)
        }
      }
    }
    repeat {
      for position in order where goesOn {
        let item = work[position]
        if isCancelled() { goesOn = false }
        guard goesOn, queue.wants(item.block) else { continue }
        give(before: item.block.minTimestamp)
        guard goesOn else { break }
        // The oldest of a block may all have been given in an earlier pass.
        let selection = queue.isFirstPass ? query.selection : .all
        queue.add(
          scan.matches(
            of: item.block,
            group: item.group,
            from: query.after[item.group.id] ?? 0,
            selection: selection
          )
        )
        report(item.block)
        if scan.statistics.failure != nil { goesOn = false }
      }
      if goesOn { give(before: nil) }
    } while goesOn && queue.startNextPass()
    var statistics = scan.statistics
    if !queue.isFirstPass { statistics.matchedEvents = given }
    return statistics
  }

  // MARK: workers

  private func report(_ block: BlockReference) {
    guard let progress else { return }
    let now = done.withLock { done in
      done.blocks += 1
      done.allBlocks = work.count
      done.bytes += block.rawBytes
      return done
    }
    progress(now)
  }

  /// Runs `body` on every worker; `next` hands out the positions of the work, each once, in order.
  private func forEachWorker(_ body: @Sendable (() -> Int?) -> Void) {
    let position = Atomic<Int>(0)
    let total = work.count
    let next: @Sendable () -> Int? = { [isCancelled] in
      if isCancelled() { return nil }
      let index = position.wrappingAdd(1, ordering: .relaxed).oldValue
      return index < total ? index : nil
    }
    // Two blocks are done before a thread has started.
    guard workers > 1, total > 2 else {
      body(next)
      return
    }
    WorkerThreads.run(count: min(workers, total)) { body(next) }
  }
}

/// How far a search is.
package struct SearchProgress: Sendable {
  package var blocks = 0
  package var allBlocks = 0
  /// Raw bytes of the blocks that are done with, read or skipped.
  package var bytes = 0
}

/// The newest events so far, at most `limit`.
struct NewestEvents: Sendable {
  private let limit: Int
  private var events: [MatchedEvent] = []
  /// Older than this is not wanted; nil while there is room.
  private(set) var floor: Timestamp?

  init(limit: Int) { self.limit = limit }

  mutating func add(_ matches: [MatchedEvent]) {
    events += matches
    // Sorting only when twice the limit has gathered keeps it linear on the whole.
    if events.count >= 2 * limit || (floor == nil && events.count >= limit) { trim() }
  }

  mutating func sorted() -> [MatchedEvent] {
    trim()
    return events
  }

  private mutating func trim() {
    events.sort(by: MatchedEvent.precedes)
    if events.count > limit { events.removeFirst(events.count - limit) }
    if events.count == limit { floor = events.first?.timestamp }
  }
}
