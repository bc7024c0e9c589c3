package import LogModel

/// A log group as the catalog knows it.
package struct GroupInfo: Sendable, Equatable {
  package let id: UInt32
  package let group: LogGroup
  /// What the daemon last recorded; nil when it never did.
  package let retention: RetentionPeriod?
  /// One past the last committed event; events count from 0 in order of ingestion.
  package let nextSequence: UInt64
}

/// A group and what it takes.
package struct GroupUsage: Sendable {
  package let info: GroupInfo
  package let events: UInt64
  package let rawBytes: UInt64
  package let storedBytes: UInt64
  package let segments: Int
  package let oldest: Timestamp?
  package let newest: Timestamp?
}

/// A log stream as the catalog knows it.
package struct StreamInfo: Sendable, Equatable {
  package let name: LogStream
  package let events: UInt64
  package let first: Timestamp
  package let last: Timestamp
  package let lastIngestion: Timestamp
}

/// A segment as retention sees it.
package struct SegmentInfo: Sendable, Equatable {
  package let id: UInt64
  package let group: UInt32
  package let storedBytes: Int64
  package let events: UInt64
  package let minTimestamp: Timestamp
  package let maxTimestamp: Timestamp
  /// The latest min(event time, ingestion time): when this is past the limit, all events are.
  package let maxAgeBase: Timestamp
  package let isSealed: Bool

  package init(
    id: UInt64,
    group: UInt32,
    storedBytes: Int64,
    events: UInt64,
    minTimestamp: Timestamp,
    maxTimestamp: Timestamp,
    maxAgeBase: Timestamp,
    isSealed: Bool
  ) {
    self.id = id
    self.group = group
    self.storedBytes = storedBytes
    self.events = events
    self.minTimestamp = minTimestamp
    self.maxTimestamp = maxTimestamp
    self.maxAgeBase = maxAgeBase
    self.isSealed = isSealed
  }
}
