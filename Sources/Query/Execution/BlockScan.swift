internal import LogModel
internal import Platform
internal import Store

/// Searches one block at a time.
///
/// One per worker; keeps buffers and contexts.
struct BlockScan: ~Copyable {
  private var reader = BlockReader()
  private var messages: [UInt8] = []
  private let query: LogQuery
  private let matcher: MessageMatcher
  private let scan: MessageScan
  private let check: ConditionCheck?
  private let probes: [NeedleProbe]
  private let literals: [[UInt8]]
  var statistics = QueryStatistics()

  init(_ query: LogQuery, _ matcher: MessageMatcher) {
    self.query = query
    self.matcher = matcher
    scan = MessageScan(matcher)
    check = query.conditions.isEmpty ? nil : ConditionCheck(query.conditions)
    literals = query.conditions.literals
    probes = matcher.probes + literals.map { NeedleProbe(literal: $0.span) }
  }

  /// The matches of a block in order of sequence; a damaged block gives one gap event.
  ///
  /// `keep` bounds what is copied: the newest or oldest of the block's matches.
  mutating func matches(
    of block: BlockReference,
    group: GroupInfo,
    from sequence: UInt64 = 0,
    selection: LogQuery.Selection
  ) -> [MatchedEvent] {
    do throws(StoreError) {
      guard let columns = try load(block) else { return [] }
      return collect(block, group, columns, from: sequence, selection)
    } catch {
      statistics.damagedBlocks += 1
      return [Self.damage(block, group, error)]
    }
  }

  /// How many events match.
  mutating func count(_ block: BlockReference, group: GroupInfo) -> Int {
    do throws(StoreError) {
      guard let columns = try load(block) else { return 0 }
      var count = 0
      forEachHit(block, group, columns, from: query.after[group.id] ?? 0) { _ in count += 1 }
      statistics.matchedEvents += count
      return count
    } catch {
      statistics.damagedBlocks += 1
      return 0
    }
  }

  /// The block's columns with its messages in `messages`; nil when nothing in it can match.
  private mutating func load(_ block: BlockReference) throws(StoreError) -> BlockColumns? {
    statistics.blocks += 1
    guard statistics.failure == nil else { return nil }
    guard try reader.mayContain(probes, in: block) else {
      statistics.prunedBlocks += 1
      return nil
    }
    try reader.messages(of: block, into: &messages)
    statistics.scannedBytes += messages.count
    statistics.scannedEvents += block.eventCount
    guard matcher.matchesAll || matcher.mayMatch(messages.span) else { return nil }
    for literal in literals where Bytes.firstIndex(of: literal.span, in: messages.span) == nil {
      return nil
    }
    return try reader.columns(of: block)
  }

  private mutating func collect(
    _ block: BlockReference,
    _ group: GroupInfo,
    _ columns: BlockColumns,
    from sequence: UInt64,
    _ selection: LogQuery.Selection
  ) -> [MatchedEvent] {
    var hits: [Int] = []
    forEachHit(block, group, columns, from: sequence) { hits.append($0) }
    statistics.matchedEvents += hits.count
    switch selection {
    case .newest(let count) where hits.count > count:
      // Stable: of equal times the later ingested ones are newer.
      hits.sort { (columns.records[$0].timestamp, $0) > (columns.records[$1].timestamp, $1) }
      hits.removeLast(hits.count - count)
      hits.sort()
    case .oldest(let count) where hits.count > count:
      hits.sort { (columns.records[$0].timestamp, $0) < (columns.records[$1].timestamp, $1) }
      hits.removeLast(hits.count - count)
      hits.sort()
    default: break
    }
    let messages = messages
    return hits.map { MatchedEvent($0, of: block, group, columns, messages.span) }
  }

  /// Calls `body` with the index of every event from a sequence on that the query wants, ascending.
  ///
  /// A regular expression that must be given up ends it, and is noted.
  private mutating func forEachHit(
    _ block: BlockReference,
    _ group: GroupInfo,
    _ columns: BlockColumns,
    from sequence: UInt64,
    _ body: (Int) -> Void
  ) {
    let limits = EventLimits(query, group, block, columns)
    let first = sequence > block.firstSequence ? Int(sequence - block.firstSequence) : 0
    let messages = messages
    let check = check
    var failure: PatternFailure?
    do throws(PatternFailure) {
      try scan.forEachMatch(in: messages.span, columns.records) { index in
        guard index >= first, limits.allow(index, columns) else { return true }
        if let check {
          let record = columns.records[index]
          do throws(PatternFailure) {
            guard try check.passes(messages.span.extracting(record.range), record.flags) else {
              return true
            }
          } catch {
            failure = error
            return false
          }
        }
        body(index)
        return true
      }
    } catch {
      failure = error
    }
    if let failure { statistics.failure = failure }
  }

  private static func damage(
    _ block: BlockReference,
    _ group: GroupInfo,
    _ error: StoreError
  ) -> MatchedEvent {
    MatchedEvent(
      timestamp: block.minTimestamp,
      ingestion: block.minIngestion,
      group: group,
      sequence: block.firstSequence,
      stream: LogStream(sanitizing: "logagent"),
      flags: .gap,
      message: Array("gap: \(block.eventCount) events cannot be read: \(error)".utf8),
      originalBytes: nil
    )
  }
}

extension MatchedEvent {
  /// The event at `index` of a block, whose messages are `messages`.
  init(
    _ index: Int,
    of block: BlockReference,
    _ group: GroupInfo,
    _ columns: BlockColumns,
    _ messages: Span<UInt8>
  ) {
    let record = columns.records[index]
    var message: [UInt8] = []
    message.reserveCapacity(record.range.count)
    message.append(copying: messages.extracting(record.range))
    self.init(
      timestamp: Timestamp(nanoseconds: record.timestamp),
      ingestion: columns.ingestion(of: index),
      group: group,
      sequence: block.firstSequence + UInt64(index),
      stream: columns.streams[Int(record.stream)],
      flags: record.flags,
      message: message,
      originalBytes: record.flags.contains(.truncated) ? columns.originalLength(of: index) : nil
    )
  }
}

/// Time range, expiry and streams: what an event must satisfy besides its message.
struct EventLimits {
  private let from: Int64
  private let through: Int64
  private let cutoff: Int64
  private let onlyStderr: Bool?
  private let streams: [Bool]?
  private let isOpen: Bool

  init(_ query: LogQuery, _ group: GroupInfo, _ block: BlockReference, _ columns: BlockColumns) {
    from = query.from.nanoseconds
    through = query.through.nanoseconds
    cutoff = Self.cutoff(query, group)
    onlyStderr = query.onlyStderr
    streams = query.stream.map { wanted in columns.streams.map { wanted($0.name) } }
    isOpen = Self.isOpen(query, group, block)
  }

  /// Most blocks lie inside the limits as a whole.
  static func isOpen(_ query: LogQuery, _ group: GroupInfo, _ block: BlockReference) -> Bool {
    let cutoff = Timestamp(nanoseconds: cutoff(query, group))
    return block.minTimestamp >= max(query.from, cutoff) && block.maxTimestamp <= query.through
      && block.minIngestion >= cutoff && query.onlyStderr == nil && query.stream == nil
  }

  /// Events from before have expired.
  private static func cutoff(_ query: LogQuery, _ group: GroupInfo) -> Int64 {
    group.retention?.cutoff(at: query.now)?.nanoseconds ?? .min
  }

  @inline(__always)
  func allow(_ index: Int, _ columns: BlockColumns) -> Bool {
    if isOpen { return true }
    let record = columns.records[index]
    guard record.timestamp >= from, record.timestamp <= through, record.timestamp >= cutoff,
      cutoff == .min || columns.ingestion(of: index).nanoseconds >= cutoff
    else { return false }
    if let onlyStderr, record.flags.contains(.stderr) != onlyStderr { return false }
    return streams?[Int(record.stream)] ?? true
  }
}
