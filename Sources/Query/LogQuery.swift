package import LogModel
package import Store

/// What is asked of the store: which groups, which time, which messages, how many.
package struct LogQuery: Sendable {
  /// Which of the matches are wanted.
  package enum Selection: Sendable, Equatable {
    /// The newest events, given oldest first.
    case newest(Int)
    case oldest(Int)
    case all
  }

  package var groups: [GroupInfo]
  /// Both ends are included.
  package var from: Timestamp
  package var through: Timestamp
  package var pattern = FilterPattern.all
  package var selection = Selection.newest(100)
  /// Only this one of the two standard streams.
  package var onlyStderr: Bool?
  /// Only log streams whose name passes.
  package var stream: (@Sendable (String) -> Bool)?
  /// What a message must be besides matching the pattern.
  package var conditions = MessageConditions()
  /// The first sequence that is wanted of a group, by its number; all of groups that are not here.
  package var after: [UInt32: UInt64] = [:]
  /// The time by which events count as expired.
  package var now: Timestamp

  package init(groups: [GroupInfo], from: Timestamp, through: Timestamp, now: Timestamp) {
    self.groups = groups
    self.from = from
    self.through = through
    self.now = now
  }
}

/// An event that matched, complete with its message.
package struct MatchedEvent: Sendable {
  package var timestamp: Timestamp
  package var ingestion: Timestamp
  package var group: GroupInfo
  package var sequence: UInt64
  package var stream: LogStream
  package var flags: EventFlags
  package var message: [UInt8]
  /// The length that a truncated event had.
  package var originalBytes: UInt64?

  package var id: EventID {
    EventID(event: timestamp, ingestion: ingestion, group: group.id, sequence: sequence)
  }

  /// Order of results: event time, then ingestion.
  package static func precedes(_ left: MatchedEvent, _ right: MatchedEvent) -> Bool {
    (left.timestamp, left.ingestion, left.group.id, left.sequence)
      < (right.timestamp, right.ingestion, right.group.id, right.sequence)
  }
}

/// What answering took.
package struct QueryStatistics: Sendable, Equatable {
  package var blocks = 0
  /// Blocks that index or filter showed to be without a match.
  package var prunedBlocks = 0
  package var damagedBlocks = 0
  /// Raw bytes of messages that were searched.
  package var scannedBytes = 0
  package var scannedEvents = 0
  package var matchedEvents = 0
  /// Why a regular expression was given up; then the answer is not complete.
  package var failure: PatternFailure?

  package init() {}

  package mutating func add(_ other: QueryStatistics) {
    blocks += other.blocks
    prunedBlocks += other.prunedBlocks
    damagedBlocks += other.damagedBlocks
    scannedBytes += other.scannedBytes
    scannedEvents += other.scannedEvents
    matchedEvents += other.matchedEvents
    failure = failure ?? other.failure
  }
}
