package import LogModel
package import Store

/// What goes and why: a pure decision over what is stored, the time, and the bounds.
package struct RetentionPolicy: Sendable {
  /// How long a group's events are kept, counted from min(event time, ingestion time).
  package var periods: [UInt32: RetentionPeriod]
  package var maxDiskBytes: Int64
  package var minFreeBytes: Int64

  package init(periods: [UInt32: RetentionPeriod], maxDiskBytes: Int64, minFreeBytes: Int64) {
    self.periods = periods
    self.maxDiskBytes = maxDiskBytes
    self.minFreeBytes = minFreeBytes
  }

  /// What is stored, as one snapshot of the catalog and the file system has it.
  package struct Situation: Sendable {
    package var segments: [SegmentInfo]
    package var tails: [(group: UInt32, maxAgeBase: Timestamp)]
    /// Bytes beside the segments that count against the cap: the catalog.
    package var otherBytes: Int64
    package var freeBytes: Int64
    /// The time to judge by, or nil while the clock is not to be trusted.
    package var now: Timestamp?

    package init(
      segments: [SegmentInfo],
      tails: [(group: UInt32, maxAgeBase: Timestamp)],
      otherBytes: Int64,
      freeBytes: Int64,
      now: Timestamp?
    ) {
      self.segments = segments
      self.tails = tails
      self.otherBytes = otherBytes
      self.freeBytes = freeBytes
      self.now = now
    }
  }

  /// One segment that goes.
  package struct Deletion: Sendable, Equatable {
    package let segment: SegmentInfo
    package let reason: RetireReason
  }

  /// Everything that goes.
  package struct Plan: Sendable {
    package var deletions: [Deletion] = []
    /// Groups whose tail rows older than the time go.
    package var tails: [(group: UInt32, before: Timestamp)] = []
  }

  /// The events of a group that are older than this are expired.
  ///
  /// Nil: nothing expires.
  package func cutoff(group: UInt32, now: Timestamp) -> Timestamp? {
    periods[group]?.cutoff(at: now)
  }

  /// By age first; then, while a bound on space is broken, the oldest segment of whichever group
  /// holds the most.
  ///
  /// So a noisy group pays for itself down to the size of the next, and a quiet group's logs are
  /// touched only when all groups are equally small.
  package func plan(_ situation: Situation) -> Plan {
    var plan = Plan()
    var kept: [SegmentInfo] = []
    for segment in situation.segments {
      if let now = situation.now, let cutoff = cutoff(group: segment.group, now: now),
        segment.maxAgeBase < cutoff, segment.events > 0
      {
        plan.deletions.append(Deletion(segment: segment, reason: .age))
      } else {
        kept.append(segment)
      }
    }
    for tail in situation.tails {
      if let now = situation.now, let cutoff = cutoff(group: tail.group, now: now),
        tail.maxAgeBase < cutoff
      {
        plan.tails.append((tail.group, cutoff))
      }
    }
    free(kept, situation, into: &plan)
    return plan
  }

  private func free(_ kept: [SegmentInfo], _ situation: Situation, into plan: inout Plan) {
    var used = situation.otherBytes + kept.reduce(0) { $0 + $1.storedBytes }
    let freed = plan.deletions.reduce(Int64(0)) { $0 + $1.segment.storedBytes }
    var available = situation.freeBytes + freed
    var byGroup = Dictionary(grouping: kept.filter { $0.events > 0 }, by: \.group)
      .mapValues { $0.sorted { ($0.maxAgeBase, $0.id) < ($1.maxAgeBase, $1.id) }[...] }
    var sizes = byGroup.mapValues { $0.reduce(Int64(0)) { $0 + $1.storedBytes } }
    while used > maxDiskBytes || available < minFreeBytes {
      guard let largest = sizes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key,
        let oldest = byGroup[largest]?.popFirst()
      else { return }
      plan.deletions.append(
        Deletion(segment: oldest, reason: used > maxDiskBytes ? .diskUsage : .freeSpace)
      )
      used -= oldest.storedBytes
      available += oldest.storedBytes
      sizes[largest, default: 0] -= oldest.storedBytes
      if byGroup[largest]?.isEmpty ?? true { sizes[largest] = nil }
    }
  }
}
