internal import LogModel
internal import Platform

/// Deletions: whole segments, leading tail rows, and the record of what had to go.
extension Catalog {
  /// The blocks of a segment that can be read through `file`, or are lost with it.
  func blocks(
    segment: UInt64,
    in file: SegmentFile?,
    missing: StoreError
  ) throws(StoreError) -> [BlockReference] {
    let statement = try connection.prepare(
      """
      SELECT group_id, first_sequence, event_count, raw_bytes, min_timestamp, max_timestamp,
        min_ingestion, max_ingestion, offset, metadata_bytes, payload_bytes
      FROM blocks WHERE segment_id=? ORDER BY offset
      """
    )
    try statement.bind(.integer(Int64(bitPattern: segment)))
    var found: [BlockReference] = []
    while try statement.step() {
      let place =
        file.map {
          BlockReference.Place.segment(
            $0,
            offset: statement.integer(8),
            metadataBytes: Int(statement.integer(9)),
            payloadBytes: Int(statement.integer(10))
          )
        } ?? .lost(missing)
      found.append(
        BlockReference(
          group: UInt32(truncatingIfNeeded: statement.integer(0)),
          firstSequence: UInt64(bitPattern: statement.integer(1)),
          eventCount: Int(statement.integer(2)),
          rawBytes: Int(statement.integer(3)),
          minTimestamp: Timestamp(nanoseconds: statement.integer(4)),
          maxTimestamp: Timestamp(nanoseconds: statement.integer(5)),
          minIngestion: Timestamp(nanoseconds: statement.integer(6)),
          maxIngestion: Timestamp(nanoseconds: statement.integer(7)),
          place: place
        )
      )
    }
    return found
  }

  /// Deletes a segment's rows and leaves word that its file may go too.
  func removeSegment(_ id: UInt64, group: UInt32, codec: Codec) throws(StoreError) {
    let segment = Statement.Value.integer(Int64(bitPattern: id))
    try connection.prepare("DELETE FROM blocks WHERE segment_id=?").run(segment)
    try connection.prepare("DELETE FROM segments WHERE id=?").run(segment)
    try connection.prepare("INSERT OR REPLACE INTO retired VALUES(?, ?, ?)")
      .run(segment, .integer(Int64(group)), .integer(Int64(codec.rawValue)))
    try removeEmptyStreams(group: group)
  }

  /// The file of a retired segment is gone: nothing of it is left.
  func forgetRetired(_ ids: [UInt64]) throws(StoreError) {
    let statement = try connection.prepare("DELETE FROM retired WHERE segment_id=?")
    for id in ids { try statement.run(.integer(Int64(bitPattern: id))) }
  }

  /// Segments whose rows are deleted and whose files may still be there.
  func retired() throws(StoreError) -> Set<UInt64> {
    let statement = try connection.prepare("SELECT segment_id FROM retired")
    var found: Set<UInt64> = []
    while try statement.step() { found.insert(UInt64(bitPattern: statement.integer(0))) }
    return found
  }

  private func removeEmptyStreams(group: UInt32) throws(StoreError) {
    try connection.prepare(
      """
      DELETE FROM streams WHERE group_id=?1 AND last < coalesce(min(
        (SELECT coalesce(min(min_timestamp), 9223372036854775807) FROM segments WHERE group_id=?1),
        (SELECT coalesce(min(min_timestamp), 9223372036854775807) FROM tail WHERE group_id=?1)), 0)
        AND name NOT IN (SELECT stream FROM evicted WHERE group_id=?1)
      """
    ).run(.integer(Int64(group)))
  }

  /// Deletes the leading tail rows that are wholly older, and gaps that are; returns how many rows.
  ///
  /// Never leaves a hole.
  func removeTail(group: UInt32, ageBaseBefore limit: Int64) throws(StoreError) -> Int {
    try connection.prepare(
      """
      DELETE FROM tail WHERE group_id=?1 AND first_sequence < coalesce(
        (SELECT min(first_sequence) FROM tail WHERE group_id=?1 AND max_age_base>=?2),
        9223372036854775807)
      """
    ).run(.integer(Int64(group)), .integer(limit))
    let removed = connection.changes
    try connection.prepare("DELETE FROM evicted WHERE group_id=?1 AND min(last, time)<?2")
      .run(.integer(Int64(group)), .integer(limit))
    if connection.changes > 0 { try removeEmptyStreams(group: group) }
    return removed
  }

  /// Adds to what is known to be evicted; at most `EvictedStream.streamsMax` streams a group.
  func note(
    _ evicted: [EvictedStream],
    group: UInt32,
    at time: Int64,
    reason: String
  ) throws(StoreError) {
    var known = Set(try self.evicted(group: group).map(\.stream))
    let statement = try connection.prepare(
      """
      INSERT INTO evicted VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET
        sequence=max(sequence, ?3), events=events+?4, first=min(first, ?5), last=max(last, ?6),
        time=?7, reason=?8
      """
    )
    for part in evicted {
      let fits = known.contains(part.stream) || known.count < EvictedStream.streamsMax
      let stream = fits ? part.stream : EvictedStream.unknown
      known.insert(stream)
      try statement.run(
        .integer(Int64(group)),
        .text(stream.name),
        .integer(Int64(bitPattern: part.sequence)),
        .integer(part.events),
        .integer(part.first),
        .integer(part.last),
        .integer(time),
        .text(reason)
      )
    }
  }

  func evicted(group: UInt32) throws(StoreError) -> [EvictedStream] {
    let statement = try connection.prepare(
      "SELECT stream, sequence, events, first, last FROM evicted WHERE group_id=?"
    )
    try statement.bind(.integer(Int64(group)))
    var found: [EvictedStream] = []
    while try statement.step() {
      found.append(
        EvictedStream(
          stream: LogStream(sanitizing: statement.text(0)),
          sequence: UInt64(bitPattern: statement.integer(1)),
          events: statement.integer(2),
          first: statement.integer(3),
          last: statement.integer(4)
        )
      )
    }
    return found
  }
}
