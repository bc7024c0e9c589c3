package import LogModel
package import Store

/// What a change of `retentionDays` would delete: what `logagent retention plan` shows.
package struct RetentionPreview: Sendable, Equatable {
  package var group: LogGroup
  package var from: RetentionPeriod
  package var to: RetentionPeriod
  /// When it takes effect: nil for a longer time, and for a shorter one that no daemon has taken
  /// note of yet.
  package var due: Timestamp?
  /// Complete segments that go because of it, beyond those that expire anyway.
  package var segments = 0
  package var bytes: Int64 = 0
  package var events: UInt64 = 0

  /// Every group whose period differs from the one that holds, by name.
  ///
  /// A pure look at one snapshot; `now` stands for the time when a change without a date would
  /// begin.
  package static func make(
    groups: [GroupInfo],
    segments: [SegmentInfo],
    waiting: [LogGroup: ShrinkingRetention],
    wanted: (LogGroup) -> RetentionPeriod,
    graceNanoseconds: Int64,
    now: Timestamp
  ) -> [RetentionPreview] {
    var previews: [RetentionPreview] = []
    for group in groups {
      guard let from = group.retention ?? waiting[group.group]?.from else { continue }
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
      let old = from.cutoff(at: end) ?? .distantPast
      guard let new = to.cutoff(at: end) else { continue }
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
