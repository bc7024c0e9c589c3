package import LogModel
internal import Platform
package import Store

/// Gives matches together with the events around them: those of the same log group and stream that
/// were stored in front of and behind them.
///
/// Neighbours are neighbours in the order in which a stream was stored, which is the order in which
/// it was written. They are read by their sequence, so that nothing but the blocks around a match
/// is looked at, and are shown whatever the query says, also from outside of its time range, unless
/// they have expired. Overlapping surroundings are joined, no event is given twice, and an event
/// that matches is always given as a match. One thread.
package final class EventContext {
  /// One event of the answer.
  package struct Item {
    package let event: MatchedEvent
    package let isContext: Bool
    /// Whether it stands right behind the event before it in the same stream.
    package let isNeighbour: Bool

    /// An event of an answer without surroundings.
    package static func alone(_ event: MatchedEvent) -> Item {
      Item(event: event, isContext: false, isNeighbour: true)
    }
  }

  private struct Key: Hashable {
    let group: UInt32
    let stream: LogStream
  }

  /// Blocks that are read on one side of a match, at most: a stream that writes rarely beside busy
  /// ones may have its neighbours further away, and then has none.
  private static let blocksMax = 64
  private static let cachedBlocks = 4

  private let reader: StoreReader
  private let before: Int
  private let after: Int
  private let isMatch: (MatchedEvent) -> Bool
  private var query: LogQuery
  private var blocks = BlockReader()
  private var cache: [ContextBlock] = []
  /// What was given of every stream.
  private var given: [Key: GivenSequences] = [:]
  private var last: (key: Key, sequence: UInt64)?
  /// Streams whose surroundings reach behind what is stored so far: the last event that was given,
  /// and how many are missing behind it.
  private var open: [Key: (position: UInt64, missing: Int, group: GroupInfo)] = [:]

  /// `isMatch` tells of an event around a match whether it is one itself.
  package init(
    _ query: LogQuery,
    reader: StoreReader,
    before: Int,
    after: Int,
    isMatch: @escaping (MatchedEvent) -> Bool
  ) {
    self.reader = reader
    self.before = before
    self.after = after
    self.isMatch = isMatch
    self.query = query
    self.query.from = .distantPast
    self.query.through = .distantFuture
    self.query.onlyStderr = nil
    self.query.stream = nil
  }

  /// Gives a match and what is around it, but for what was given already.
  package func expand(_ match: MatchedEvent, _ body: (Item) -> Void) throws(StoreError) {
    let key = Key(group: match.group.id, stream: match.stream)
    if given[key]?.contains(match.sequence) ?? false { return }
    // A gap record of a block that cannot be read has no surroundings.
    guard let home = try block(holding: match.sequence, of: match.group), home.columns != nil else {
      give(match, key, isContext: false, behind: nil, body)
      return
    }
    let back = try behind(match, key)
    var previous = back.touched
    for event in back.events.reversed() {
      give(event, key, isContext: true, behind: previous, body)
      previous = event.sequence
    }
    give(match, key, isContext: false, behind: previous, body)
    if after > 0 {
      try goOn(match.group, key, from: match.sequence, missing: after, body)
    }
  }

  /// Gives what has been stored meanwhile behind earlier matches.
  package func resume(now: Timestamp, _ body: (Item) -> Void) throws(StoreError) {
    query.now = now
    for (key, rest) in open.sorted(by: { $0.value.position < $1.value.position }) {
      open[key] = nil
      try goOn(rest.group, key, from: rest.position, missing: rest.missing, body)
    }
  }

  /// `previous` is the event that lies right in front of this one, where that was given.
  private func give(
    _ event: MatchedEvent,
    _ key: Key,
    isContext: Bool,
    behind previous: UInt64?,
    _ body: (Item) -> Void
  ) {
    let isNeighbour = last.map { $0.key == key && $0.sequence == previous } ?? false
    given[key, default: GivenSequences()].add(event.sequence, behind: previous)
    last = (key, event.sequence)
    body(Item(event: event, isContext: isContext, isNeighbour: isNeighbour))
  }

  /// Events of the stream in front of a match that were not given yet, newest first, and the one in
  /// front of them where that was given.
  private func behind(
    _ match: MatchedEvent,
    _ key: Key
  ) throws(StoreError) -> (events: [MatchedEvent], touched: UInt64?) {
    let known = given[key]
    var events: [MatchedEvent] = []
    var position = match.sequence
    for _ in 0..<Self.blocksMax {
      guard position > 0, let block = try block(holding: position - 1, of: match.group) else {
        break
      }
      for index in block.indices(of: key.stream, below: position).reversed() {
        let sequence = block.reference.firstSequence + UInt64(index)
        if known?.contains(sequence) ?? false { return (events, sequence) }
        if events.count == before { return (events, nil) }
        guard let event = block.event(index, match.group, query) else { return (events, nil) }
        events.append(event)
      }
      position = block.reference.firstSequence
    }
    return (events, nil)
  }

  /// Gives what follows an event of a stream until `missing` in a row were no match, or given
  /// before.
  private func goOn(
    _ group: GroupInfo,
    _ key: Key,
    from start: UInt64,
    missing: Int,
    _ body: (Item) -> Void
  ) throws(StoreError) {
    var missing = missing
    var previous = start
    var position = start + 1
    for _ in 0..<Self.blocksMax {
      guard let block = try block(from: position, of: group) else {
        // The end of what is stored: what comes later may belong to it.
        open[key] = (previous, missing, group)
        return
      }
      for index in block.indices(of: key.stream, from: position) {
        let sequence = block.reference.firstSequence + UInt64(index)
        if given[key]?.contains(sequence) ?? false { return }
        guard let event = block.event(index, group, query) else { continue }
        let matches = isMatch(event)
        if matches { missing = after } else { missing -= 1 }
        give(event, key, isContext: !matches, behind: previous, body)
        previous = sequence
        if missing == 0 { return }
      }
      position = block.reference.endSequence
    }
  }

  // MARK: blocks

  /// The block that holds a sequence; nil when it is gone or was never there.
  private func block(
    holding sequence: UInt64,
    of group: GroupInfo
  ) throws(StoreError) -> ContextBlock? {
    guard let found = try block(from: sequence, of: group),
      found.reference.firstSequence <= sequence
    else { return nil }
    return found
  }

  /// The block that holds a sequence or, where that is gone, the next one.
  private func block(
    from sequence: UInt64,
    of group: GroupInfo
  ) throws(StoreError) -> ContextBlock? {
    let known = cache.first { block in
      block.reference.group == group.id && block.reference.firstSequence <= sequence
        && block.reference.endSequence > sequence
    }
    if let known { return known }
    guard let reference = try reader.blocks(of: group.id, sequence: sequence, limit: 1).first else {
      return nil
    }
    let block = ContextBlock(reference, &blocks)
    // A tail grows in place under the same first sequence: what was read of it is out of date.
    cache.removeAll {
      $0.reference.group == group.id && $0.reference.firstSequence == reference.firstSequence
    }
    if cache.count == Self.cachedBlocks { cache.removeFirst() }
    cache.append(block)
    return block
  }
}

/// A block with its events at hand; without columns when it cannot be read.
private final class ContextBlock {
  let reference: BlockReference
  let columns: BlockColumns?
  private let messages: [UInt8]

  init(_ reference: BlockReference, _ reader: inout BlockReader) {
    self.reference = reference
    var bytes: [UInt8] = []
    // Silence is right: the search itself shows a damaged block as a gap, and counts it.
    columns = (try? reader.messages(of: reference, into: &bytes)).flatMap {
      // The same.
      try? reader.columns(of: reference)
    }
    messages = bytes
  }

  /// Indices of a stream's events below a sequence, or from one on, ascending.
  func indices(
    of stream: LogStream,
    below end: UInt64 = .max,
    from start: UInt64 = 0
  ) -> [Int] {
    guard let columns, let wanted = columns.streams.firstIndex(of: stream) else { return [] }
    let first = Int(clamping: start - min(start, reference.firstSequence))
    let last = min(columns.records.count, Int(clamping: end - reference.firstSequence))
    guard first < last else { return [] }
    return (first..<last).filter { Int(columns.records[$0].stream) == wanted }
  }

  /// Nil for an event that has expired.
  func event(_ index: Int, _ group: GroupInfo, _ query: LogQuery) -> MatchedEvent? {
    guard let columns,
      EventLimits(query, group, reference, columns).allow(index, columns)
    else { return nil }
    let bytes = messages
    return MatchedEvent(index, of: reference, group, columns, bytes.span)
  }
}

/// Sequences of one stream that were given, as ranges that end in an event of it.
private struct GivenSequences {
  private var ranges: [ClosedRange<UInt64>] = []

  func contains(_ sequence: UInt64) -> Bool { index(of: sequence) != nil }

  /// `previous`, if it is known, is the event of the stream right in front of this one.
  mutating func add(_ sequence: UInt64, behind previous: UInt64?) {
    if let previous, let at = index(of: previous) {
      ranges[at] = ranges[at].lowerBound...max(ranges[at].upperBound, sequence)
    } else {
      ranges.insert(sequence...sequence, at: firstIndex(above: sequence))
    }
  }

  /// The first range that begins above a sequence.
  private func firstIndex(above sequence: UInt64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound > sequence { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private func index(of sequence: UInt64) -> Int? {
    let at = firstIndex(above: sequence) - 1
    return at >= 0 && ranges[at].contains(sequence) ? at : nil
  }
}
