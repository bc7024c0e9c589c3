internal import LogModel
internal import Platform
internal import Store
internal import Synchronization

/// Feeds the events of blocks to a query's first segment.
///
/// One per worker; keeps buffers and contexts.
struct InsightsScan: ~Copyable {
  private var reader = BlockReader()
  private var messages: [UInt8] = []
  private let segment: QuerySegment
  private let query: LogQuery
  private let facts: [UInt32: GroupFacts]
  private var filter: LiteralFilter
  private let isCancelled: @Sendable () -> Bool
  var statistics = QueryStatistics()

  init(
    _ segment: QuerySegment,
    _ query: LogQuery,
    _ facts: [UInt32: GroupFacts],
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.segment = segment
    self.isCancelled = isCancelled
    self.query = query
    self.facts = facts
    filter = LiteralFilter(segment.literals)
  }

  /// Scans blocks until there are no more, or until no more are needed.
  mutating func run(
    _ work: [LogSearch.WorkItem],
    _ next: () -> Int?,
    _ shared: borrowing Mutex<SharedScan>
  ) throws(QueryFailure) {
    while let index = next() {
      let item = work[index]
      let (floor, isOver) = shared.withLock { ($0.floor, $0.isDone || $0.failure != nil) }
      if isOver { return }
      if let floor, isBeyond(floor, item.block) { return }
      do throws(StoreError) {
        try scan(item)
      } catch {
        statistics.damagedBlocks += 1
      }
      if let failure { throw failure }
      let sink = segment.sink
      if sink.isFull { shared.withLock { $0.isDone = true } }
      guard segment.eventOrder != .none else { continue }
      // The place of any worker's last row is one that all of them have enough rows before.
      guard let own = sink.floor.map({ Timestamp(nanoseconds: $0.timestamp) }) else { continue }
      let isNewestFirst = segment.eventOrder == .newestFirst
      shared.withLock { shared in
        guard let known = shared.floor else { return shared.floor = own }
        shared.floor = isNewestFirst ? max(known, own) : min(known, own)
      }
    }
  }

  /// Blocks come in the order of events: nothing further on can be wanted.
  private func isBeyond(_ floor: Timestamp, _ block: BlockReference) -> Bool {
    switch segment.eventOrder {
    case .newestFirst: block.maxTimestamp < floor
    case .oldestFirst: block.minTimestamp > floor
    case .none: false
    }
  }

  private var failure: QueryFailure?

  private mutating func scan(_ item: LogSearch.WorkItem) throws(StoreError) {
    let block = item.block
    statistics.blocks += 1
    if let counting = segment.counting, try count(item, counting) { return }
    guard try reader.mayContain(filter.probes, in: block) else {
      statistics.prunedBlocks += 1
      return
    }
    try reader.messages(of: block, into: &messages)
    statistics.scannedBytes += messages.count
    statistics.scannedEvents += block.eventCount
    // A copy of the reference: a span of one field and a change of another would overlap.
    let messages = messages
    guard filter.begin(messages.span) else { return }
    let columns = try reader.columns(of: block)
    feed(item, columns)
  }

  private mutating func feed(_ item: LogSearch.WorkItem, _ columns: BlockColumns) {
    let limits = EventLimits(query, item.group, item.block, columns)
    let streams = columns.streams.map { Array($0.name.utf8) }
    let messages = messages
    let row = segment.row
    var facts = EventFacts()
    facts.group = self.facts[item.group.id]
    var stream = -1
    var matched = 0
    var cause: QueryFailure?
    let segment = segment
    let isCancelled = isCancelled
    filter.forEachCandidate(in: messages.span, columns.records) { index in
      guard limits.allow(index, columns) else { return true }
      let record = columns.records[index]
      if Int(record.stream) != stream {
        stream = Int(record.stream)
        facts.stream = streams[stream]
      }
      facts.timestamp = record.timestamp
      facts.ingestion = columns.ingestion(of: index).nanoseconds
      facts.isStderr = record.flags.contains(.stderr)
      facts.sequence = item.block.firstSequence + UInt64(index)
      row.begin(facts)
      matched += 1
      do throws(QueryFailure) {
        try segment.feed(row, messages.span.extracting(record.range))
      } catch {
        cause = error
        return false
      }
      // A block of slow expressions may take long.
      if matched & 0xFF == 0, isCancelled() { return false }
      return !segment.sink.isFull
    }
    statistics.matchedEvents += matched
    failure = cause
  }

  /// Counts a block's events by period from its bounds or times alone; false when that will not do.
  private mutating func count(
    _ item: LogSearch.WorkItem,
    _ counting: CountedPeriods
  ) throws(StoreError) -> Bool {
    let block = item.block
    guard EventLimits.isOpen(query, item.group, block), let sink = segment.sink as? StatsSink else {
      return false
    }
    do throws(QueryFailure) {
      guard let edges = counting.edges else {
        try sink.add(time: nil, count: block.eventCount)
        statistics.matchedEvents += block.eventCount
        return true
      }
      if let first = edges.floor(block.minTimestamp.nanoseconds),
        first == edges.floor(block.maxTimestamp.nanoseconds)
      {
        try sink.add(time: .timestamp(first), count: block.eventCount)
        statistics.matchedEvents += block.eventCount
        return true
      }
    } catch {
      failure = error
      return true
    }
    let times = try reader.timestamps(of: block)
    statistics.scannedEvents += times.count
    statistics.matchedEvents += times.count
    do throws(QueryFailure) {
      try count(times, counting.edges, sink)
    } catch {
      failure = error
    }
    return true
  }

  /// Times mostly come in order, so runs of one period are counted at once.
  private func count(
    _ times: [Int64],
    _ edges: PeriodEdges?,
    _ sink: StatsSink
  ) throws(QueryFailure) {
    guard let edges else { return }
    var at = 0
    while at < times.count {
      guard let floor = edges.floor(times[at]) else {
        try sink.add(time: .null, count: 1)
        at += 1
        continue
      }
      let end = edges.next(after: floor) ?? .max
      var next = at + 1
      while next < times.count, times[next] >= floor, times[next] < end { next += 1 }
      try sink.add(time: .timestamp(floor), count: next - at)
      at = next
    }
  }
}
