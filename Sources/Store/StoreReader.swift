package import LogModel
internal import Platform

/// Reads a store without owning it: any process, daemon running or not.
///
/// Never writes.
///
/// One SQLite connection, used by one thread at a time. Every call, or every `snapshot`, sees one
/// commit.
package final class StoreReader {
  private let connection: Connection
  private let layout: Layout
  private let selectGroups: Statement
  private let selectBlocksByTime: Statement
  private let selectTailByTime: Statement
  private let selectBlocksBySequence: Statement
  private let selectTailBySequence: Statement
  private let selectEvicted: Statement
  private var gaps = EvictionGaps()
  private var files: [UInt64: SegmentFile] = [:]
  private var depth = 0

  private static let blockFields =
    """
    first_sequence, event_count, raw_bytes, min_timestamp, max_timestamp, min_ingestion,
    max_ingestion
    """

  package init(dataDirectory: String) throws(StoreError) {
    layout = Layout(root: dataDirectory)
    let catalog: FileStatus?
    do throws(SyscallError) {
      catalog = try FileSystem.statusIfPresent(of: layout.catalog)
    } catch {
      throw .io(error)
    }
    if catalog == nil { throw .notAStore(path: layout.root) }
    connection = try Connection(path: layout.catalog, .readOnly)
    try connection.execute("PRAGMA query_only=1; PRAGMA mmap_size=0; PRAGMA cell_size_check=1;")
    let version = try connection.integer("PRAGMA user_version") ?? 0
    guard let retention = CatalogSchema.retentionColumn(version: version) else {
      throw .unsupported(path: layout.catalog, reason: "catalog of another version")
    }
    selectGroups = try connection.prepare(
      "SELECT id, name, next_sequence, \(retention), checksum FROM groups ORDER BY name"
    )
    let place = "segment_id, offset, metadata_bytes, payload_bytes"
    let fields = Self.blockFields
    selectBlocksByTime = try connection.prepare(
      """
      SELECT \(fields), \(place) FROM blocks
      WHERE group_id=? AND max_timestamp>=? AND min_timestamp<=? ORDER BY first_sequence
      """
    )
    selectTailByTime = try connection.prepare(
      """
      SELECT \(fields), image FROM tail
      WHERE group_id=? AND max_timestamp>=? AND min_timestamp<=? ORDER BY first_sequence
      """
    )
    selectBlocksBySequence = try connection.prepare(
      """
      SELECT \(fields), \(place) FROM blocks WHERE group_id=?1 AND first_sequence>=
        coalesce(
          (SELECT max(first_sequence) FROM blocks WHERE group_id=?1 AND first_sequence<=?2), 0)
      ORDER BY first_sequence LIMIT ?3
      """
    )
    selectEvicted = try connection.prepare(
      """
      SELECT stream, sequence, events, first, last, time, reason FROM evicted WHERE group_id=?
      ORDER BY sequence
      """
    )
    selectTailBySequence = try connection.prepare(
      """
      SELECT \(fields), image FROM tail WHERE group_id=?1 AND first_sequence>=
        coalesce((SELECT max(first_sequence) FROM tail WHERE group_id=?1 AND first_sequence<=?2), 0)
      ORDER BY first_sequence LIMIT ?3
      """
    )
  }

  /// Runs several calls on one snapshot.
  ///
  /// Keep it short: an open snapshot holds the WAL.
  package func snapshot<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
    if depth == 0 { try connection.execute("BEGIN") }
    depth += 1
    defer {
      depth -= 1
      // Silence is right: ending a read cannot lose anything.
      if depth == 0 { try? connection.execute("COMMIT") }
    }
    return try body()
  }

  /// Changes whenever something was committed; the cheapest way to wait for news.
  package func version() throws(StoreError) -> Int64 {
    try connection.integer("PRAGMA data_version") ?? 0
  }

  /// The store's identity.
  package func storeID() throws(StoreError) -> String {
    try connection.text("SELECT value FROM meta WHERE key='store'") ?? ""
  }

  /// A value that the writer keeps beside the data, such as `clock`.
  package func meta(_ key: String) throws(StoreError) -> String? {
    let statement = try connection.prepare("SELECT value FROM meta WHERE key=?")
    try statement.bind(.text(key))
    return try statement.step() ? statement.text(0) : nil
  }

  package func groups() throws(StoreError) -> [GroupInfo] {
    defer { selectGroups.reset() }
    try selectGroups.bind()
    var found: [GroupInfo] = []
    while try selectGroups.step() {
      guard CatalogCheck.isGroupRight(selectGroups, checksum: 4) else {
        throw .corrupt(
          path: layout.catalog,
          offset: 0,
          reason: "the row of a log group; the daemon repairs it when it starts"
        )
      }
      found.append(
        GroupInfo(
          id: UInt32(truncatingIfNeeded: selectGroups.integer(0)),
          group: LogGroup(sanitizing: selectGroups.text(1)),
          retention: selectGroups.isNull(3)
            ? nil : RetentionPeriod(seconds: selectGroups.integer(3)),
          nextSequence: UInt64(bitPattern: selectGroups.integer(2))
        )
      )
    }
    return found
  }

  package func usage() throws(StoreError) -> [GroupUsage] {
    try snapshot { () throws(StoreError) in
      let sums = try connection.prepare(
        """
        SELECT count(*), sum(events), sum(raw_bytes), sum(length), min(min_timestamp),
          max(max_timestamp) FROM segments WHERE group_id=? AND events>0
        """
      )
      let tails = try connection.prepare(
        """
        SELECT sum(event_count), sum(raw_bytes), sum(length(image)), min(min_timestamp),
          max(max_timestamp) FROM tail WHERE group_id=?
        """
      )
      var all: [GroupUsage] = []
      for group in try groups() {
        try sums.bind(.integer(Int64(group.id)))
        try tails.bind(.integer(Int64(group.id)))
        guard try sums.step(), try tails.step() else { continue }
        let oldest = [
          sums.isNull(4) ? nil : sums.integer(4), tails.isNull(3) ? nil : tails.integer(3),
        ]
        let newest = [
          sums.isNull(5) ? nil : sums.integer(5), tails.isNull(4) ? nil : tails.integer(4),
        ]
        all.append(
          GroupUsage(
            info: group,
            events: UInt64(sums.integer(1) + tails.integer(0)),
            rawBytes: UInt64(sums.integer(2) + tails.integer(1)),
            storedBytes: UInt64(sums.integer(3) + tails.integer(2)),
            segments: Int(sums.integer(0)),
            oldest: oldest.compactMap { $0 }.min().map { Timestamp(nanoseconds: $0) },
            newest: newest.compactMap { $0 }.max().map { Timestamp(nanoseconds: $0) }
          )
        )
        sums.reset()
        tails.reset()
      }
      return all
    }
  }

  package func streams(of group: UInt32) throws(StoreError) -> [StreamInfo] {
    let statement = try connection.prepare(
      "SELECT name, events, first, last, last_ingestion FROM streams WHERE group_id=? ORDER BY last"
    )
    try statement.bind(.integer(Int64(group)))
    var found: [StreamInfo] = []
    while try statement.step() {
      found.append(
        StreamInfo(
          name: LogStream(sanitizing: statement.text(0)),
          events: UInt64(bitPattern: statement.integer(1)),
          first: Timestamp(nanoseconds: statement.integer(2)),
          last: Timestamp(nanoseconds: statement.integer(3)),
          lastIngestion: Timestamp(nanoseconds: statement.integer(4))
        )
      )
    }
    return found
  }

  package func segments() throws(StoreError) -> [SegmentInfo] {
    let statement = try connection.prepare(
      """
      SELECT id, group_id, length, events, min_timestamp, max_timestamp, max_age_base, sealed
      FROM segments ORDER BY max_age_base, id
      """
    )
    var found: [SegmentInfo] = []
    while try statement.step() {
      found.append(
        SegmentInfo(
          id: UInt64(bitPattern: statement.integer(0)),
          group: UInt32(truncatingIfNeeded: statement.integer(1)),
          storedBytes: statement.integer(2),
          events: UInt64(bitPattern: statement.integer(3)),
          minTimestamp: Timestamp(nanoseconds: statement.integer(4)),
          maxTimestamp: Timestamp(nanoseconds: statement.integer(5)),
          maxAgeBase: Timestamp(nanoseconds: statement.integer(6)),
          isSealed: statement.integer(7) != 0
        )
      )
    }
    return found
  }

  /// The oldest expiry base among a group's tail rows and gaps, by group: what retention has to
  /// look at.
  package func oldestTail() throws(StoreError) -> [(group: UInt32, maxAgeBase: Timestamp)] {
    let statement = try connection.prepare(
      """
      SELECT group_id, min(age) FROM (SELECT group_id, max_age_base AS age FROM tail
        UNION ALL SELECT group_id, min(last, time) FROM evicted) GROUP BY group_id
      """
    )
    var found: [(group: UInt32, maxAgeBase: Timestamp)] = []
    while try statement.step() {
      found.append(
        (
          UInt32(truncatingIfNeeded: statement.integer(0)),
          Timestamp(nanoseconds: statement.integer(1))
        )
      )
    }
    return found
  }

  /// Blocks that may hold events with a time in `from...through`, in order of sequence.
  package func blocks(
    of group: UInt32,
    from: Timestamp,
    through: Timestamp
  ) throws(StoreError) -> [BlockReference] {
    try snapshot { () throws(StoreError) in
      let id = Int64(group)
      try selectBlocksByTime.bind(
        .integer(id),
        .integer(from.nanoseconds),
        .integer(through.nanoseconds)
      )
      try selectTailByTime.bind(
        .integer(id),
        .integer(from.nanoseconds),
        .integer(through.nanoseconds)
      )
      return try collect(
        group,
        selectBlocksByTime,
        selectTailByTime,
        try evicted(group) { $0.last >= from.nanoseconds && $0.first <= through.nanoseconds },
        through: through
      )
    }
  }

  /// Blocks that hold sequences from `sequence` on, in order, at most `limit`.
  package func blocks(
    of group: UInt32,
    sequence: UInt64,
    limit: Int
  ) throws(StoreError) -> [BlockReference] {
    try snapshot { () throws(StoreError) in
      for statement in [selectBlocksBySequence, selectTailBySequence] {
        try statement.bind(
          .integer(Int64(group)),
          .integer(Int64(clamping: sequence)),
          .integer(Int64(limit) + 1)
        )
      }
      let found = try collect(
        group,
        selectBlocksBySequence,
        selectTailBySequence,
        try evicted(group) { $0.sequence >= sequence },
        through: .distantFuture
      )
      return Array(found.lazy.filter { $0.endSequence > sequence }.prefix(limit))
    }
  }

  package func lanes() throws(StoreError) -> [LaneState] {
    let statement = try connection.prepare("SELECT * FROM lanes ORDER BY group_id, destination")
    var found: [LaneState] = []
    while try statement.step() { found.append(LaneState(row: statement, from: 0)) }
    return found
  }

  /// Committed read position of a source, for the progress of others.
  package func position(of source: String) throws(StoreError) -> [UInt8]? {
    let statement = try connection.prepare("SELECT position FROM sources WHERE name=?")
    try statement.bind(.text(source))
    return try statement.step() ? statement.blob(0) : nil
  }

  private typealias Evicted = (part: EvictedStream, time: Int64, reason: String)

  private func evicted(
    _ group: UInt32,
    where wanted: (EvictedStream) -> Bool
  ) throws(StoreError) -> [Evicted] {
    defer { selectEvicted.reset() }
    try selectEvicted.bind(.integer(Int64(group)))
    var found: [Evicted] = []
    while try selectEvicted.step() {
      let part = EvictedStream(
        stream: LogStream(sanitizing: selectEvicted.text(0)),
        sequence: UInt64(bitPattern: selectEvicted.integer(1)),
        events: selectEvicted.integer(2),
        first: selectEvicted.integer(3),
        last: selectEvicted.integer(4)
      )
      guard wanted(part) else { continue }
      found.append((part, selectEvicted.integer(5), selectEvicted.text(6)))
    }
    return found
  }

  private func collect(
    _ group: UInt32,
    _ sealed: Statement,
    _ tail: Statement,
    _ evicted: [Evicted],
    through: Timestamp
  ) throws(StoreError) -> [BlockReference] {
    defer {
      sealed.reset()
      tail.reset()
    }
    // Files of an earlier call are let go: a held one would keep its space after retention.
    let known = files
    files = [:]
    var found: [BlockReference] = []
    while try sealed.step() {
      let file = segmentPlace(
        UInt64(bitPattern: sealed.integer(7)),
        group: group,
        offset: sealed.integer(8),
        metadataBytes: Int(sealed.integer(9)),
        payloadBytes: Int(sealed.integer(10)),
        known: known
      )
      found.append(reference(group, sealed, file))
    }
    while try tail.step() { found.append(reference(group, tail, .tail(tail.blob(7)))) }
    // Gap records are made when they are read: what is stored is what they say.
    for entry in evicted {
      found.append(
        gaps.block(
          entry.part,
          group: group,
          at: entry.time,
          reason: entry.reason,
          through: through
        )
      )
    }
    found.sort { $0.firstSequence < $1.firstSequence }
    return found
  }

  private func reference(
    _ group: UInt32,
    _ row: Statement,
    _ place: BlockReference.Place
  ) -> BlockReference {
    BlockReference(
      group: group,
      firstSequence: UInt64(bitPattern: row.integer(0)),
      eventCount: Int(row.integer(1)),
      rawBytes: Int(row.integer(2)),
      minTimestamp: Timestamp(nanoseconds: row.integer(3)),
      maxTimestamp: Timestamp(nanoseconds: row.integer(4)),
      minIngestion: Timestamp(nanoseconds: row.integer(5)),
      maxIngestion: Timestamp(nanoseconds: row.integer(6)),
      place: place
    )
  }

  /// Opens the segment inside the snapshot, so that retention cannot take it away afterwards.
  private func segmentPlace(
    _ id: UInt64,
    group: UInt32,
    offset: Int64,
    metadataBytes: Int,
    payloadBytes: Int,
    known: [UInt64: SegmentFile]
  ) -> BlockReference.Place {
    guard offset >= 0, metadataBytes > 0, payloadBytes >= 0,
      payloadBytes <= 2 * Limits.blockRawBytesMax
    else {
      return .lost(.corrupt(path: layout.catalog, offset: 0, reason: "impossible block row"))
    }
    if let file = files[id] ?? known[id] {
      files[id] = file
      return .segment(
        file,
        offset: offset,
        metadataBytes: metadataBytes,
        payloadBytes: payloadBytes
      )
    }
    var failure = StoreError.closed
    for codec in Codec.allCases {
      do throws(StoreError) {
        let file = try SegmentFile(
          path: layout.segment(id, group: group, codec: codec),
          codec: codec
        )
        files[id] = file
        return .segment(
          file,
          offset: offset,
          metadataBytes: metadataBytes,
          payloadBytes: payloadBytes
        )
      } catch {
        if case .missing = error, codec != .zstd { continue }
        failure = error
      }
    }
    return .lost(failure)
  }
}
