internal import LogModel
internal import Platform
internal import Query
internal import Store

/// Runs a search and gives its matches with their surroundings, where those were asked for.
///
/// With a bounded answer the bound counts matches, and only those that it chose are matches; with
/// an unbounded one, and while following, every event that the query wants is. Used by one thread.
final class ContextLines {
  private let isUnbounded: Bool
  private let context: EventContext?
  private let choice: MatchChoice

  init(_ query: LogQuery, reader: StoreReader, sides: (before: Int, after: Int)?) {
    let choice = MatchChoice(query)
    self.choice = choice
    isUnbounded = query.selection == .all
    context = sides.map { sides in
      EventContext(
        query,
        reader: reader,
        before: sides.before,
        after: sides.after,
        isMatch: { choice.contains($0) }
      )
    }
  }

  func run(
    _ plan: LogSearch,
    isReversed: Bool,
    _ body: (EventContext.Item) -> Bool
  ) throws(StoreError) -> QueryStatistics {
    if let context {
      return isUnbounded ? try stream(plan, context, body) : try bounded(plan, context, body)
    }
    if !isReversed { return plan.run { body(EventContext.Item.alone($0)) } }
    var events: [MatchedEvent] = []
    let statistics = plan.run { event in
      events.append(event)
      return true
    }
    for event in events.reversed() where !body(EventContext.Item.alone(event)) { break }
    return statistics
  }

  private func bounded(
    _ plan: LogSearch,
    _ context: EventContext,
    _ body: (EventContext.Item) -> Bool
  ) throws(StoreError) -> QueryStatistics {
    var matches: [MatchedEvent] = []
    let statistics = plan.run { event in
      matches.append(event)
      return true
    }
    choice.choose(matches)
    var goesOn = true
    for match in matches where goesOn {
      try context.expand(match) { if goesOn { goesOn = body($0) } }
    }
    return statistics
  }

  private func stream(
    _ plan: LogSearch,
    _ context: EventContext,
    _ body: (EventContext.Item) -> Bool
  ) throws(StoreError) -> QueryStatistics {
    choice.isOpen = true
    var failure: StoreError?
    let statistics = plan.run { event in
      var goesOn = true
      do throws(StoreError) {
        try context.expand(event) { if goesOn { goesOn = body($0) } }
      } catch {
        failure = error
        return false
      }
      return goesOn
    }
    if let failure { throw failure }
    return statistics
  }

  /// Gives what a follower finds, and what has come behind earlier matches.
  ///
  /// How far every group has been read by then, or nil when there was nothing new.
  func follow(
    _ follow: LogFollow,
    now: Timestamp,
    _ body: (EventContext.Item) -> Void
  ) throws(StoreError) -> [UInt32: UInt64]? {
    guard let context else {
      let isNews = try follow.poll(now: now) { body(EventContext.Item.alone($0)) }
      return isNews ? follow.next : nil
    }
    choice.follow()
    var matches: [MatchedEvent] = []
    guard try follow.poll(now: now, { matches.append($0) }) else { return nil }
    try context.resume(now: now, body)
    for match in matches { try context.expand(match, body) }
    return follow.next
  }
}

/// Which events around a match are matches themselves.
///
/// Used by one thread.
private final class MatchChoice {
  private struct Position: Hashable {
    let group: UInt32
    let sequence: UInt64

    init(_ event: MatchedEvent) {
      group = event.group.id
      sequence = event.sequence
    }
  }

  private var test: EventTest
  private var query: LogQuery
  private var chosen: Set<Position> = []
  /// Every event that the query wants is a match.
  var isOpen = false

  init(_ query: LogQuery) {
    self.query = query
    test = EventTest(query)
  }

  func choose(_ matches: [MatchedEvent]) { chosen = Set(matches.map { Position($0) }) }

  /// From now on the time range does not count, as it does not for a follower.
  func follow() {
    guard !isOpen || query.from != .distantPast else { return }
    isOpen = true
    query.from = .distantPast
    query.through = .distantFuture
    test = EventTest(query)
  }

  func contains(_ event: MatchedEvent) -> Bool {
    isOpen ? test.passes(event) : chosen.contains(Position(event))
  }
}

/// Prints an answer: events, and separators where they are not neighbours.
final class LogsPrinter {
  private let writer: EventWriter
  private let output: OutputBuffer
  private let lines: ContextLines

  init(_ writer: EventWriter, output: OutputBuffer, lines: ContextLines) {
    self.writer = writer
    self.output = output
    self.lines = lines
  }

  /// `begins` is called before the first event.
  func run(
    _ plan: LogSearch,
    isReversed: Bool,
    begins: () -> Void
  ) throws(StoreError) -> QueryStatistics {
    var hasBegun = false
    return try lines.run(plan, isReversed: isReversed) { item in
      if !hasBegun { begins() }
      hasBegun = true
      write(item)
      return !output.isClosed
    }
  }

  func follow(_ follow: LogFollow, now: Timestamp) throws(StoreError) -> [UInt32: UInt64]? {
    try lines.follow(follow, now: now) { write($0) }
  }

  func finish() { writer.finish() }

  private func write(_ item: EventContext.Item) {
    if !item.isNeighbour { writer.writeSeparator() }
    writer.write(item.event, isContext: item.isContext)
  }
}

/// The object of `stacktape logs --raw`: `{"logGroup":…,"events":[…]}`.
final class RawPrinter {
  private let output: OutputBuffer
  private let isTerminal: Bool
  private var isFirst = true

  init(_ group: LogGroup, output: OutputBuffer, isTerminal: Bool) {
    self.output = output
    self.isTerminal = isTerminal
    output.append { bytes in
      bytes.append(utf8: "{\"logGroup\":")
      JSONWriter.appendString(group.name, to: &bytes)
      bytes.append(utf8: ",\"events\":[")
    }
  }

  func write(_ event: MatchedEvent, isContext: Bool) {
    output.append { output in
      if !isFirst { output.append(0x2C) }
      var bytes: [UInt8] = []
      EventJSON.appendCore(event, to: &bytes)
      if isContext { bytes.append(utf8: ",\"context\":true") }
      bytes.append(0x7D)
      if isTerminal {
        TerminalText.appendJSON(bytes.span, to: &output)
      } else {
        output.append(copying: bytes.span)
      }
    }
    isFirst = false
  }

  func finish() { output.append("]}\n") }
}
