internal import LogModel
internal import Platform

/// What the writer reads back from its own catalog: at start, for sealing, and for deletions.
extension Catalog {
  struct SegmentRow {
    var id: UInt64
    var group: UInt32
    var codec: Codec
    var day: Int64
    var length: Int64
    var isSealed: Bool
    var totals: SegmentWriter.Totals
  }

  /// The committed tail rows of a group, in order.
  func tail(of group: UInt32) throws(StoreError) -> [BlockReference] {
    let statement = try connection.prepare(
      """
      SELECT first_sequence, event_count, raw_bytes, min_timestamp, max_timestamp, min_ingestion,
        max_ingestion, image FROM tail WHERE group_id=? ORDER BY first_sequence
      """
    )
    try statement.bind(.integer(Int64(group)))
    var rows: [BlockReference] = []
    while try statement.step() {
      rows.append(
        BlockReference(
          group: group,
          firstSequence: UInt64(bitPattern: statement.integer(0)),
          eventCount: Int(statement.integer(1)),
          rawBytes: Int(statement.integer(2)),
          minTimestamp: Timestamp(nanoseconds: statement.integer(3)),
          maxTimestamp: Timestamp(nanoseconds: statement.integer(4)),
          minIngestion: Timestamp(nanoseconds: statement.integer(5)),
          maxIngestion: Timestamp(nanoseconds: statement.integer(6)),
          place: .tail(statement.blob(7))
        )
      )
    }
    return rows
  }

  func tailSummary(of group: UInt32) throws(StoreError) -> GroupState.Tail {
    let statement = try connection.prepare(
      """
      SELECT count(*), coalesce(sum(raw_bytes), 0), coalesce(min(first_sequence), 0),
        coalesce(max(max_age_base), 0), coalesce(min(min_ingestion), 0)
      FROM tail WHERE group_id=?
      """
    )
    try statement.bind(.integer(Int64(group)))
    guard try statement.step() else { return GroupState.Tail() }
    return GroupState.Tail(
      rows: Int(statement.integer(0)),
      rawBytes: Int(statement.integer(1)),
      firstSequence: UInt64(bitPattern: statement.integer(2)),
      day: PendingEvents.day(of: statement.integer(3)),
      since: statement.integer(4)
    )
  }

  func segments() throws(StoreError) -> [SegmentRow] {
    let statement = try connection.prepare(
      """
      SELECT id, group_id, codec, day, length, sealed, events, raw_bytes, min_timestamp,
        max_timestamp, max_age_base, max_ingestion FROM segments
      """
    )
    var rows: [SegmentRow] = []
    while try statement.step() {
      guard let codec = Codec(rawValue: UInt8(truncatingIfNeeded: statement.integer(2))) else {
        continue
      }
      rows.append(
        SegmentRow(
          id: UInt64(bitPattern: statement.integer(0)),
          group: UInt32(truncatingIfNeeded: statement.integer(1)),
          codec: codec,
          day: statement.integer(3),
          length: statement.integer(4),
          isSealed: statement.integer(5) != 0,
          totals: SegmentWriter.Totals(
            events: UInt64(bitPattern: statement.integer(6)),
            rawBytes: UInt64(bitPattern: statement.integer(7)),
            minTimestamp: statement.integer(8),
            maxTimestamp: statement.integer(9),
            maxAgeBase: statement.integer(10),
            maxIngestion: statement.integer(11)
          )
        )
      )
    }
    return rows
  }

  func segment(_ id: UInt64) throws(StoreError) -> (group: UInt32, codec: Codec, length: Int64)? {
    let statement = try connection.prepare(
      "SELECT group_id, codec, length FROM segments WHERE id=?"
    )
    try statement.bind(.integer(Int64(bitPattern: id)))
    guard try statement.step(),
      let codec = Codec(rawValue: UInt8(truncatingIfNeeded: statement.integer(1)))
    else { return nil }
    return (UInt32(truncatingIfNeeded: statement.integer(0)), codec, statement.integer(2))
  }

  func footers(segment: UInt64) throws(StoreError) -> [SegmentFooter.Entry] {
    let statement = try connection.prepare(
      """
      SELECT offset, first_sequence, event_count, min_timestamp, max_timestamp FROM blocks
      WHERE segment_id=? ORDER BY offset
      """
    )
    try statement.bind(.integer(Int64(bitPattern: segment)))
    var entries: [SegmentFooter.Entry] = []
    while try statement.step() {
      entries.append(
        SegmentFooter.Entry(
          offset: statement.integer(0),
          firstSequence: UInt64(bitPattern: statement.integer(1)),
          eventCount: UInt32(truncatingIfNeeded: statement.integer(2)),
          minTimestamp: statement.integer(3),
          maxTimestamp: statement.integer(4)
        )
      )
    }
    return entries
  }

  /// All groups; the next sequence is never lower than what blocks and tail prove to be used.
  func groups() throws(StoreError) -> [GroupState] {
    let statement = try connection.prepare(
      """
      SELECT id, name, max(next_sequence,
        coalesce(
          (SELECT max(first_sequence + event_count) FROM blocks WHERE group_id=groups.id), 0),
        coalesce((SELECT max(first_sequence + event_count) FROM tail WHERE group_id=groups.id), 0))
      FROM groups
      """
    )
    var states: [GroupState] = []
    while try statement.step() {
      states.append(
        GroupState(
          id: UInt32(truncatingIfNeeded: statement.integer(0)),
          group: LogGroup(sanitizing: statement.text(1)),
          nextSequence: UInt64(bitPattern: statement.integer(2)),
          isNew: false
        )
      )
    }
    return states
  }
}
