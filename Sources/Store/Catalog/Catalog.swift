internal import LogModel
internal import Platform

/// The one writable connection: what a commit writes, and what the writer asks.
///
/// Store thread only.
final class Catalog {
  let connection: Connection
  /// The store's identity: 32 hexadecimal digits.
  let store: String

  private let insertGroup: Statement
  private let updateGroup: Statement
  private let putSegment: Statement
  private let insertBlock: Statement
  private let insertTail: Statement
  private let deleteTail: Statement
  private let putStream: Statement
  private let putSource: Statement
  private let deleteSource: Statement
  private let putLane: Statement
  private let deleteLane: Statement
  private let putMeta: Statement

  /// Opens the catalog that is at `path`, or makes a new one there.
  init(path: String, isNew: Bool) throws(StoreError) {
    connection = try Connection(path: path, .readWrite)
    try CatalogSchema.prepare(connection, path: path, isNew: isNew)
    store = try connection.text("SELECT value FROM meta WHERE key='store'") ?? ""
    guard store.utf8.count == 32 else {
      throw .corrupt(path: path, offset: 0, reason: "no store id")
    }
    insertGroup = try connection.prepare(
      "INSERT INTO groups(id, name, next_sequence, checksum) VALUES(?, ?, ?, ?)"
    )
    updateGroup = try connection.prepare(
      "UPDATE groups SET name=?2, next_sequence=?3, checksum=?4 WHERE id=?1"
    )
    putSegment = try connection.prepare(
      """
      INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
      ON CONFLICT(id) DO UPDATE SET length=?5, sealed=?6, events=?7, raw_bytes=?8,
        min_timestamp=?9, max_timestamp=?10, max_age_base=?11, max_ingestion=?12, checksum=?13
      """
    )
    insertBlock = try connection.prepare(
      "INSERT INTO blocks VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    insertTail = try connection.prepare("INSERT INTO tail VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    deleteTail = try connection.prepare(
      "DELETE FROM tail WHERE group_id=? AND first_sequence>=? AND first_sequence<?"
    )
    putStream = try connection.prepare(
      """
      INSERT INTO streams VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
        events=events+?3, first=min(first, ?4), last=max(last, ?5), last_ingestion=?6
      """
    )
    putSource = try connection.prepare("INSERT OR REPLACE INTO sources VALUES(?, ?, ?, ?, ?)")
    deleteSource = try connection.prepare("DELETE FROM sources WHERE name=?")
    putLane = try connection.prepare("INSERT OR REPLACE INTO lanes VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
    deleteLane = try connection.prepare("DELETE FROM lanes WHERE group_id=? AND destination=?")
    putMeta = try connection.prepare("INSERT OR REPLACE INTO meta VALUES(?, ?)")
  }

  func begin() throws(StoreError) { try connection.execute("BEGIN IMMEDIATE") }

  func commit() throws(StoreError) { try connection.execute("COMMIT") }

  /// Ends a failed transaction; SQLite may have rolled it back by itself.
  func rollBack() {
    guard connection.isInTransaction else { return }
    // Silence is right: the error that led here is the one to report.
    try? connection.execute("ROLLBACK")
  }

  func addGroup(_ id: UInt32, _ group: LogGroup) throws(StoreError) {
    try insertGroup.runChecked(.integer(Int64(id)), .text(group.name), .integer(0))
  }

  func setNextSequence(
    _ sequence: UInt64,
    group: UInt32,
    _ name: LogGroup
  ) throws(StoreError) {
    try updateGroup.runChecked(
      .integer(Int64(group)),
      .text(name.name),
      .integer(Int64(sequence))
    )
  }

  func put(_ segment: SegmentWriter) throws(StoreError) {
    try putSegment.runChecked(
      .integer(Int64(segment.id)),
      .integer(Int64(segment.group)),
      .integer(Int64(segment.codec.rawValue)),
      .integer(segment.day),
      .integer(segment.length),
      .integer(segment.isSealed ? 1 : 0),
      .integer(Int64(segment.totals.events)),
      .integer(Int64(segment.totals.rawBytes)),
      .integer(segment.totals.minTimestamp),
      .integer(segment.totals.maxTimestamp),
      .integer(segment.totals.maxAgeBase),
      .integer(segment.totals.maxIngestion)
    )
  }

  func add(_ header: BlockHeader, segment: UInt64, offset: Int64, metadataBytes: Int)
    throws(StoreError)
  {
    try insertBlock.runChecked(
      .integer(Int64(header.group)),
      .integer(Int64(header.firstSequence)),
      .integer(Int64(header.eventCount)),
      .integer(Int64(segment)),
      .integer(offset),
      .integer(Int64(metadataBytes)),
      .integer(Int64(header.payloadBytes)),
      .integer(Int64(header.rawBytes)),
      .integer(header.minTimestamp),
      .integer(header.maxTimestamp),
      .integer(header.minIngestion),
      .integer(header.maxIngestion)
    )
  }

  func addTail(_ block: EncodedBlock) throws(StoreError) {
    let header = block.header
    try insertTail.run(
      .integer(Int64(header.group)),
      .integer(Int64(header.firstSequence)),
      .integer(Int64(header.eventCount)),
      .integer(Int64(header.rawBytes)),
      .integer(header.minTimestamp),
      .integer(header.maxTimestamp),
      .integer(header.minIngestion),
      .integer(header.maxIngestion),
      .integer(header.maxAgeBase),
      .blob(block.metadata + block.payload)
    )
  }

  func removeTail(group: UInt32, _ sequences: Range<UInt64>) throws(StoreError) {
    try deleteTail.run(
      .integer(Int64(group)),
      .integer(Int64(sequences.lowerBound)),
      .integer(Int64(sequences.upperBound))
    )
  }

  func note(_ use: StreamUse, group: UInt32, stream: String) throws(StoreError) {
    try putStream.run(
      .integer(Int64(group)),
      .text(stream),
      .integer(Int64(use.events)),
      .integer(use.first),
      .integer(use.last),
      .integer(use.ingestion)
    )
  }

  func put(_ checkpoint: SourceCheckpoint, group: UInt32, lastSequence: UInt64) throws(StoreError) {
    if checkpoint.position.isEmpty {
      try deleteSource.run(.text(checkpoint.source))
      return
    }
    try putSource.runChecked(
      .text(checkpoint.source),
      .integer(Int64(group)),
      .blob(checkpoint.position),
      .integer(Int64(lastSequence))
    )
  }

  func put(_ lane: LaneState) throws(StoreError) {
    let pending = lane.pending
    try putLane.runChecked(
      .integer(Int64(lane.group)),
      .text(lane.destination),
      .integer(Int64(lane.cursor)),
      pending.map { .text($0.requestID) } ?? .null,
      pending.map { .integer(Int64($0.endSequence)) } ?? .null,
      pending.map { .integer($0.timestampMilliseconds) } ?? .null,
      pending.map { .integer(Int64($0.checksum)) } ?? .null
    )
  }

  func removeLane(group: UInt32, destination: String) throws(StoreError) {
    try deleteLane.run(.integer(Int64(group)), .text(destination))
  }

  func setRetention(group: UInt32, _ period: RetentionPeriod) throws(StoreError) {
    try connection.prepare("UPDATE groups SET retention_seconds=? WHERE id=?")
      .run(.integer(period.seconds), .integer(Int64(group)))
  }

  static let nextSegmentKey = "next_segment"

  /// One past the highest number that a committed segment ever had: numbers are never used again,
  /// because a reader may still hold a deleted file under its number.
  func nextSegment() throws(StoreError) -> UInt64 {
    let text = try connection.text("SELECT value FROM meta WHERE key='\(Self.nextSegmentKey)'")
    return text.flatMap { UInt64($0) } ?? 1
  }

  func setMeta(_ key: String, _ value: String) throws(StoreError) {
    try putMeta.run(.text(key), .text(value))
  }

  /// All committed read positions.
  func sources() throws(StoreError) -> [String: [UInt8]] {
    let statement = try connection.prepare("SELECT name, position FROM sources")
    var positions: [String: [UInt8]] = [:]
    while try statement.step() { positions[statement.text(0)] = statement.blob(1) }
    return positions
  }

  /// Read positions of a group's sources that gave events from `sequence` on.
  func checkpoints(group: UInt32, from sequence: UInt64) throws(StoreError) -> [SourceCheckpoint] {
    let statement = try connection.prepare(
      "SELECT name, position FROM sources WHERE group_id=? AND last_sequence>=? LIMIT 1000"
    )
    try statement.bind(.integer(Int64(group)), .integer(Int64(sequence)))
    var found: [SourceCheckpoint] = []
    while try statement.step() {
      found.append(SourceCheckpoint(source: statement.text(0), position: statement.blob(1)))
    }
    return found
  }
}

/// What one commit adds to a stream's row.
struct StreamUse {
  var events = 0
  var first = Int64.max
  var last = Int64.min
  var ingestion: Int64 = 0
}
