package import LogModel
package import Store

/// What a change of `retentionDays` would delete: what `logagent retention plan` shows.
package struct RetentionPreview: Sendable, Equatable {
  package var group: LogGroup
  package var from: Int
  package var to: Int
  /// When it takes effect: nil for more days, and for fewer that no daemon has taken note of yet.
  package var due: Timestamp?
  /// Complete segments that go because of it, beyond those that expire anyway.
  package var segments = 0
  package var bytes: Int64 = 0
  package var events: UInt64 = 0

  /// Every group whose days differ from those that hold, by name.
  ///
  /// A pure look at one snapshot; `now` stands for the time when a change without a date would
  /// begin.
  package static func make(
    groups: [GroupInfo],
    segments: [SegmentInfo],
    waiting: [LogGroup: ShrinkingRetention],
    wanted: (LogGroup) -> Int,
    graceNanoseconds: Int64,
    now: Timestamp
  ) -> [RetentionPreview] {
    var previews: [RetentionPreview] = []
    for group in groups {
      guard let from = group.retentionDays ?? waiting[group.group]?.from else { continue }
      let to = wanted(group.group)
      guard to != from else { continue }
      var preview = RetentionPreview(group: group.group, from: from, to: to)
      guard to < from else {
        previews.append(preview)
        continue
      }
      let known = waiting[group.group].flatMap { $0.to <= to ? $0 : nil }
      preview.due = known?.due(graceNanoseconds: graceNanoseconds)
      let end = preview.due ?? now.adding(nanoseconds: graceNanoseconds)
      let policy = { (days: Int) in
        RetentionPolicy(days: [group.id: days], maxDiskBytes: .max, minFreeBytes: 0)
          .cutoff(group: group.id, now: end)
      }
      guard let old = policy(from), let new = policy(to) else { continue }
      for segment in segments
      where segment.group == group.id && segment.maxAgeBase >= old && segment.maxAgeBase < new {
        preview.segments += 1
        preview.bytes += segment.storedBytes
        preview.events += segment.events
      }
      previews.append(preview)
    }
    return previews
  }
}
