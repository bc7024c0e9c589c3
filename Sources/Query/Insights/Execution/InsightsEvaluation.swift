package import LogModel
internal import Platform

/// Runs a Logs Insights query over events that are handed in one by one, without a store.
///
/// Rows are given out as they come where the query allows it; what it must gather is bounded. A
/// query with queries inside keeps the events until all are there. One thread.
package final class InsightsEvaluation {
  /// An event as it comes.
  package struct Event {
    package var timestamp: Timestamp?
    package var stream: String?
    package var group: String?

    package init(timestamp: Timestamp? = nil, stream: String? = nil, group: String? = nil) {
      self.timestamp = timestamp
      self.stream = stream
      self.group = group
    }
  }

  private let query: InsightsQuery
  private let inner: InnerQueries
  private var environment: InsightsEnvironment
  private var main: CompiledQuery
  private var events: [KeptEvent] = []
  private var eventBytes = 0
  private var groups: [String: GroupFacts] = [:]
  private var sequence: UInt64 = 0
  private var given = 0
  private var statistics = QueryStatistics()
  /// Gets rows as they come, where `isStreaming`.
  private let emit: ([InsightsValue]) -> Void

  private struct KeptEvent {
    let facts: EventFacts
    let groupName: String?
    let message: [UInt8]
  }

  /// Without times rows come in the order of the events, and `isNewestFirst` is false.
  package init(
    _ program: InsightsProgram,
    text: String,
    now: Timestamp,
    isNewestFirst: Bool,
    emit: @escaping ([InsightsValue]) -> Void = { _ in }
  ) throws(QueryFailure) {
    query = program.query
    inner = InnerQueries(program.query)
    environment = InsightsEnvironment(now: now.nanoseconds, text: text)
    environment.isNewestFirst = isNewestFirst
    self.emit = emit
    if inner.comparesWindows {
      throw .tooLarge(
        "`diff` compares two windows of time, which only stored events have",
        hint: "use `logagent logs --query`"
      )
    }
    main = try QueryCompiler.compile(query, environment)
  }

  package var columns: [String] { main.columns }

  /// Rows go to `emit` as they come; the table has none of them.
  package var isStreaming: Bool { main.isStreaming && inner.isEmpty }

  /// Takes an event; false when no more are needed.
  package func add(_ message: Span<UInt8>, _ event: Event) throws(QueryFailure) -> Bool {
    var facts = EventFacts()
    facts.timestamp = event.timestamp?.nanoseconds
    facts.stream = event.stream.map { Array($0.utf8) }
    facts.group = event.group.map(group)
    facts.sequence = sequence
    sequence += 1
    guard inner.isEmpty else {
      var bytes: [UInt8] = []
      bytes.append(copying: message)
      events.append(KeptEvent(facts: facts, groupName: event.group, message: bytes))
      eventBytes += bytes.count + 128
      guard eventBytes <= QueryLimits.rowBytesMax else {
        throw .tooLarge(
          "a query with a query inside takes at most \(QueryLimits.rowBytesMax / 1_048_576) MB of "
            + "events here",
          hint: "filter them first, or import them and use `logagent logs --query`"
        )
      }
      return true
    }
    guard includes(event.group, query) else { return true }
    try feed(facts, message, main)
    if isStreaming { return emitKept() }
    return !main.segments[0].sink.isFull
  }

  /// The answer, without what was emitted.
  package func finish() throws(QueryFailure) -> InsightsTable {
    if !inner.isEmpty { try runInner() }
    var table = try main.outcome()
    if isStreaming { table.rows = [] }
    table.statistics = statistics
    return table
  }

  private func group(_ name: String) -> GroupFacts {
    if let known = groups[name] { return known }
    let new = GroupFacts(id: UInt32(groups.count + 1), name: name, resource: nil, container: nil)
    groups[name] = new
    return new
  }

  private func includes(_ group: String?, _ query: InsightsQuery) -> Bool {
    guard case .source(let source)? = query.commands.first else { return true }
    return group.map { source.includes($0) } ?? false
  }

  private func feed(
    _ facts: EventFacts,
    _ message: Span<UInt8>,
    _ compiled: CompiledQuery
  ) throws(QueryFailure) {
    statistics.scannedEvents += 1
    statistics.scannedBytes += message.count
    let segment = compiled.segments[0]
    let row = segment.row
    row.begin(facts)
    try segment.feed(row, message)
  }

  /// Gives out the rows that the last event made; false when there are enough.
  private func emitKept() -> Bool {
    guard let sink = main.segments[0].sink as? OrderSink else { return true }
    for row in main.table(sink.takeAll()) {
      emit(row)
      given += 1
      if given >= sink.limit { return false }
    }
    return true
  }

  // MARK: queries inside

  private func runInner() throws(QueryFailure) {
    for set in inner.sets {
      var values = ValueSet()
      for row in try table(of: set).rows { row.first.map { values.insert($0) } }
      environment.sets.append(values)
    }
    if let join = inner.join { environment.joined = try JoinTable(try table(of: join)) }
    main = try QueryCompiler.compile(query, environment)
    try replay(query, main)
  }

  private func table(of query: InsightsQuery) throws(QueryFailure) -> InsightsTable {
    let compiled = try QueryCompiler.compile(query, environment)
    try replay(query, compiled)
    return try compiled.outcome()
  }

  /// A query without `SOURCE` reads the events that name no group; all, when every one names one.
  private func replay(
    _ query: InsightsQuery,
    _ compiled: CompiledQuery
  ) throws(QueryFailure) {
    var hasSource = false
    if case .source? = query.commands.first { hasSource = true }
    let hasDefault = events.contains { $0.groupName == nil }
    for event in events {
      if hasSource {
        guard includes(event.groupName, query) else { continue }
      } else if hasDefault, event.groupName != nil {
        continue
      }
      try feed(event.facts, event.message.span, compiled)
    }
  }
}
