internal import LogModel
internal import Platform
package import Store
internal import Synchronization

/// Runs a Logs Insights query over a store: picks blocks, scans them on all cores, aggregates.
///
/// Everything, with the queries inside of the query, is read from one snapshot of the catalog.
package final class InsightsSearch: Sendable {
  private let program: InsightsProgram
  private let text: String
  private let query: LogQuery
  private let available: [GroupInfo]
  private let blocks: [UInt32: [BlockReference]]
  private let facts: [UInt32: GroupFacts]
  private let workers: Int
  private let isCancelled: @Sendable () -> Bool

  /// Names of what a group belongs to.
  package typealias Owner = (resource: String?, container: String?)

  /// Takes the snapshot.
  ///
  /// `query` says which groups, time and streams are asked for; nothing else in it counts.
  /// `available` are the groups that `SOURCE` may name.
  package init(
    _ program: InsightsProgram,
    text: String,
    query: LogQuery,
    available: [GroupInfo],
    reader: StoreReader,
    workers: Int,
    owner: (GroupInfo) -> Owner = { _ in (nil, nil) },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(StoreError) {
    self.program = program
    self.text = text
    self.query = query
    self.available = available
    self.workers = max(1, workers)
    self.isCancelled = isCancelled
    let inner = InnerQueries(program.query)
    var wanted = Self.groups(of: program.query, query.groups, available)
    for query in inner.sets + [inner.join].compactMap({ $0 }) {
      wanted += Self.groups(of: query, self.query.groups, available)
    }
    var from = query.from
    if inner.comparesWindows { from = Self.before(query).from }
    var blocks: [UInt32: [BlockReference]] = [:]
    var facts: [UInt32: GroupFacts] = [:]
    try reader.snapshot { () throws(StoreError) in
      for group in wanted where blocks[group.id] == nil {
        blocks[group.id] = try reader.blocks(of: group.id, from: from, through: query.through)
        let owner = owner(group)
        facts[group.id] = GroupFacts(
          id: group.id,
          name: group.group.name,
          resource: owner.resource,
          container: owner.container
        )
      }
    }
    self.blocks = blocks
    self.facts = facts
  }

  /// The groups that a query reads: those of its `SOURCE`, else the given ones.
  private static func groups(
    of query: InsightsQuery,
    _ given: [GroupInfo],
    _ available: [GroupInfo]
  ) -> [GroupInfo] {
    guard case .source(let source)? = query.commands.first else { return given }
    return available.filter { source.includes($0.group.name) }
  }

  /// The window of the same length before the query's.
  private static func before(_ query: LogQuery) -> LogQuery {
    var before = query
    let (length, overflow) = query.through.nanoseconds
      .subtractingReportingOverflow(query.from.nanoseconds)
    before.through = query.from.adding(nanoseconds: -1)
    before.from = overflow ? .distantPast : query.from.adding(nanoseconds: -length)
    return before
  }

  /// The answer.
  ///
  /// After a cancellation it is what had been found until then.
  package func run() throws(QueryFailure) -> InsightsTable {
    var environment = InsightsEnvironment(
      now: query.now.nanoseconds,
      from: query.from == .distantPast ? nil : query.from.nanoseconds,
      through: min(query.through, query.now).nanoseconds,
      text: text
    )
    let inner = InnerQueries(program.query)
    var statistics = QueryStatistics()
    for set in inner.sets {
      let table = try run(set, query, environment)
      statistics.add(table.statistics)
      var values = ValueSet()
      for row in table.rows { row.first.map { values.insert($0) } }
      environment.sets.append(values)
    }
    if let join = inner.join {
      let table = try run(join, query, environment)
      statistics.add(table.statistics)
      environment.joined = try JoinTable(table)
    }
    if inner.comparesWindows {
      guard query.from != .distantPast else {
        throw .tooLarge("`diff` needs a time range with a start", hint: "give --startTime")
      }
      let window = InsightsQuery(program.query.commands.prefix { $0 != .diff })
      let table = try run(window, Self.before(query), environment)
      statistics.add(table.statistics)
      environment.previousPatterns = PatternSink.counts(table)
    }
    var table = try run(program.query, query, environment)
    table.statistics.add(statistics)
    return table
  }

  private func run(
    _ part: InsightsQuery,
    _ limits: LogQuery,
    _ environment: InsightsEnvironment
  ) throws(QueryFailure) -> InsightsTable {
    var environment = environment
    environment.rowBytesMax /= workers
    environment.groupBytesMax /= workers
    let main = try QueryCompiler.compile(part, environment)
    let work = work(part, limits, main.segments[0].eventOrder)
    let shared = Mutex(SharedScan())
    let compiled = environment
    forEachWorker(work.count) { next in
      do throws(QueryFailure) {
        let own = try QueryCompiler.compile(part, compiled)
        var scan = InsightsScan(own.segments[0], limits, facts, isCancelled: isCancelled)
        try scan.run(work, next, shared)
        let result = Handover(segment: own.segments[0], statistics: scan.statistics)
        shared.withLock { $0.finished.append(result) }
      } catch {
        let failure = error
        shared.withLock { $0.failure = $0.failure ?? failure }
      }
    }
    let outcome = shared.withLock { $0 }
    if let failure = outcome.failure { throw failure }
    var statistics = QueryStatistics()
    for result in outcome.finished {
      try main.segments[0].sink.merge(result.segment.sink)
      statistics.add(result.statistics)
    }
    var table = try main.outcome()
    table.statistics = statistics
    return table
  }

  private func work(
    _ part: InsightsQuery,
    _ limits: LogQuery,
    _ order: QuerySegment.EventOrder
  ) -> [LogSearch.WorkItem] {
    var work: [LogSearch.WorkItem] = []
    for group in Self.groups(of: part, limits.groups, available) {
      for block in blocks[group.id] ?? []
      where block.maxTimestamp >= limits.from && block.minTimestamp <= limits.through {
        work.append(LogSearch.WorkItem(block: block, group: group))
      }
    }
    switch order {
    case .newestFirst: work.sort { $0.block.maxTimestamp > $1.block.maxTimestamp }
    case .oldestFirst: work.sort { $0.block.minTimestamp < $1.block.minTimestamp }
    case .none: break
    }
    return work
  }

  /// Runs `body` on every worker; `next` hands out the positions of the work, each once, in order.
  private func forEachWorker(_ total: Int, _ body: @Sendable (() -> Int?) -> Void) {
    let position = Atomic<Int>(0)
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

extension InsightsSource {
  func includes(_ group: String) -> Bool {
    switch self {
    case .groups(let names): names.contains(group)
    case .prefixes(let prefixes): prefixes.isEmpty || prefixes.contains { group.hasPrefix($0) }
    }
  }
}

extension CompiledQuery {
  /// Takes what the first segment has gathered through all others.
  func outcome() throws(QueryFailure) -> InsightsTable {
    var rows = try segments[0].finish()
    for segment in segments.dropFirst() {
      try segment.feed(rows)
      rows = try segment.finish()
    }
    var table = InsightsTable(columns: columns, rows: self.table(rows))
    if segments.contains(where: { $0.sink.isCut }) {
      table.warnings.append(
        "only the first \(rows.count) rows: more take over "
          + "\(QueryLimits.rowBytesMax / 1_048_576) MB; ask for fewer columns or a smaller limit"
      )
    }
    return table
  }
}

extension PatternSink {
  /// The counts by pattern of an outcome.
  static func counts(_ table: InsightsTable) -> [[UInt8]: Int64] {
    var counts: [[UInt8]: Int64] = [:]
    guard let pattern = table.columns.firstIndex(of: "@pattern"),
      let count = table.columns.firstIndex(of: "@sampleCount")
    else { return counts }
    for row in table.rows {
      if case .text(let text) = row[pattern], case .integer(let value) = row[count] {
        counts[text, default: 0] += value
      }
    }
    return counts
  }
}

/// What workers of one scan know of each other.
struct SharedScan: Sendable {
  var finished: [Handover] = []
  var failure: QueryFailure?
  /// No block beyond this place in the order of events can change the outcome.
  var floor: Timestamp?
  var isDone = false
}

/// A worker's sink on its way to the thread that merges.
///
/// Used by one thread at a time: the worker gives it up under the lock of the shared scan and does
/// not touch it again; the other thread takes it after all workers have ended.
struct Handover: @unchecked Sendable {
  let segment: QuerySegment
  let statistics: QueryStatistics
}
