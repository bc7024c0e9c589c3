internal import LogModel
internal import Platform

/// What a start verifies of a catalog before it believes it.
///
/// SQLite's own check finds broken structure, not changed values: it missed 173 of 300 flipped
/// bits. So every row that a loss could come from has a checksum, segments must add up to their
/// blocks, and tail rows must say what their images say. Reads rows only, a few milliseconds for
/// 10,000 blocks.
enum CatalogCheck {
  private static let checkedTables: [(name: String, columns: String)] = [
    ("groups", "id, name, next_sequence"),
    (
      "segments",
      """
      id, group_id, codec, day, length, sealed, events, raw_bytes, min_timestamp, max_timestamp,
      max_age_base, max_ingestion
      """
    ),
    (
      "blocks",
      """
      group_id, first_sequence, event_count, segment_id, offset, metadata_bytes, payload_bytes,
      raw_bytes, min_timestamp, max_timestamp, min_ingestion, max_ingestion
      """
    ),
    ("sources", "name, group_id, position, last_sequence"),
    (
      "lanes",
      """
      group_id, destination, cursor, request_id, request_end, request_time, request_checksum
      """
    ),
  ]

  /// A group as a reader found it, so that no event is shown under another group's name.
  static func isGroupRight(_ row: Statement, checksum column: Int32) -> Bool {
    row.value(column).isInteger(checksum((0..<3).map { row.value($0) }))
  }

  /// Of a row's other columns, in order.
  static func checksum(_ values: [Statement.Value]) -> Int64 {
    var bytes: [UInt8] = []
    for value in values {
      switch value {
      case .integer(let number):
        bytes.append(1)
        bytes.append(littleEndian: number)
      case .text(let text):
        bytes.append(2)
        bytes.append(counted: text)
      case .blob(let content):
        bytes.append(3)
        bytes.append(counted: content)
      case .null: bytes.append(0)
      }
    }
    return Int64(CRC32C.checksum(bytes.span))
  }

  /// What is wrong; nil when nothing is.
  static func problem(in connection: Connection) throws(StoreError) -> String? {
    let answer = try connection.text("PRAGMA quick_check(1)") ?? "no answer"
    if answer != "ok" { return answer }
    if try columns(of: connection) != columns(of: CatalogSchema.empty()) {
      return "its tables are not those of version \(CatalogSchema.version)"
    }
    for table in checkedTables {
      if let found = try rows(of: table.name, table.columns, connection) { return found }
    }
    if let found = try segments(connection) { return found }
    return try tails(connection)
  }

  /// Every table with its columns: a name that changed is met only by the statement that uses it,
  /// which may be long after the start.
  private static func columns(of connection: Connection) throws(StoreError) -> String? {
    try connection.text(
      """
      SELECT group_concat(place) FROM (
        SELECT t.name || '.' || c.name AS place
        FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
        WHERE t.type='table' ORDER BY t.name, c.cid)
      """
    )
  }

  private static func rows(
    of table: String,
    _ columns: String,
    _ connection: Connection
  ) throws(StoreError) -> String? {
    let count = Int32(columns.split(separator: ",").count)
    let statement = try connection.prepare("SELECT \(columns), checksum FROM \(table)")
    var number = 0
    while try statement.step() {
      number += 1
      let values = (0..<count).map { statement.value($0) }
      guard statement.value(count).isInteger(checksum(values)) else {
        return "row \(number) of \(table) is damaged"
      }
    }
    return nil
  }

  private static func segments(_ connection: Connection) throws(StoreError) -> String? {
    let id = try connection.integer(
      """
      SELECT s.id FROM segments s LEFT JOIN (
        SELECT segment_id, min(group_id) AS low, max(group_id) AS high, sum(event_count) AS events,
          max(offset + metadata_bytes + payload_bytes) AS bytes
        FROM blocks GROUP BY segment_id) b ON b.segment_id = s.id
      WHERE coalesce(b.events, 0) <> s.events OR b.low <> s.group_id OR b.high <> s.group_id
        OR b.bytes > s.length OR s.group_id NOT IN (SELECT id FROM groups)
      UNION ALL
      SELECT segment_id FROM blocks WHERE segment_id NOT IN (SELECT id FROM segments) LIMIT 1
      """
    )
    return id.map { "segment \($0) and its blocks disagree" }
  }

  private static func tails(_ connection: Connection) throws(StoreError) -> String? {
    let statement = try connection.prepare(
      """
      SELECT group_id, first_sequence, event_count, raw_bytes, min_timestamp, max_timestamp,
        min_ingestion, max_ingestion, max_age_base, image FROM tail
      """
    )
    while try statement.step() {
      let image = statement.blob(9)
      guard case .success(let header) = BlockHeader.parse(image.span, at: 0),
        header.confirms(image.span)
      else {
        return "a tail row of group \(statement.integer(0)) is damaged"
      }
      let wanted: [Int64] = [
        Int64(header.group), Int64(header.firstSequence), Int64(header.eventCount),
        Int64(header.rawBytes), header.minTimestamp, header.maxTimestamp, header.minIngestion,
        header.maxIngestion, header.maxAgeBase,
      ]
      if (0..<9).map({ statement.integer(Int32($0)) }) != wanted {
        return "a tail row of group \(header.group) and its image disagree"
      }
    }
    return nil
  }
}

extension Statement.Value {
  func isInteger(_ number: Int64) -> Bool {
    if case .integer(let own) = self { own == number } else { false }
  }
}
