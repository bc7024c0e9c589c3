internal import Platform

/// The catalog's tables, and how an older catalog becomes a newer one.
enum CatalogSchema {
  /// "LGAG": what file(1) and we recognise the database by.
  static let applicationID: Int64 = 0x4C47_4147
  static let version: Int64 = 3
  /// The oldest version that becomes this one by itself.
  static let oldestVersion: Int64 = 2

  private static let tables = """
    CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE groups(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next_sequence INTEGER NOT NULL,
      checksum INTEGER NOT NULL, retention_seconds INTEGER);
    CREATE TABLE segments(
      id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, codec INTEGER NOT NULL,
      day INTEGER NOT NULL, length INTEGER NOT NULL, sealed INTEGER NOT NULL,
      events INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,
      min_timestamp INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
      max_age_base INTEGER NOT NULL, max_ingestion INTEGER NOT NULL, checksum INTEGER NOT NULL);
    CREATE INDEX segments_by_group ON segments(group_id);
    CREATE TABLE blocks(
      group_id INTEGER NOT NULL, first_sequence INTEGER NOT NULL, event_count INTEGER NOT NULL,
      segment_id INTEGER NOT NULL, offset INTEGER NOT NULL, metadata_bytes INTEGER NOT NULL,
      payload_bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,
      min_timestamp INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
      min_ingestion INTEGER NOT NULL, max_ingestion INTEGER NOT NULL, checksum INTEGER NOT NULL,
      PRIMARY KEY(group_id, first_sequence)) WITHOUT ROWID;
    CREATE INDEX blocks_by_time ON blocks(group_id, max_timestamp);
    CREATE INDEX blocks_by_segment ON blocks(segment_id);
    CREATE TABLE tail(
      group_id INTEGER NOT NULL, first_sequence INTEGER NOT NULL, event_count INTEGER NOT NULL,
      raw_bytes INTEGER NOT NULL, min_timestamp INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
      min_ingestion INTEGER NOT NULL, max_ingestion INTEGER NOT NULL,
      max_age_base INTEGER NOT NULL, image BLOB NOT NULL,
      PRIMARY KEY(group_id, first_sequence));
    CREATE TABLE evicted(
      group_id INTEGER NOT NULL, stream TEXT NOT NULL, sequence INTEGER NOT NULL,
      events INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      time INTEGER NOT NULL, reason TEXT NOT NULL,
      PRIMARY KEY(group_id, stream)) WITHOUT ROWID;
    CREATE TABLE retired(
      segment_id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, codec INTEGER NOT NULL);
    CREATE TABLE streams(
      group_id INTEGER NOT NULL, name TEXT NOT NULL, events INTEGER NOT NULL,
      first INTEGER NOT NULL, last INTEGER NOT NULL, last_ingestion INTEGER NOT NULL,
      PRIMARY KEY(group_id, name)) WITHOUT ROWID;
    CREATE TABLE sources(
      name TEXT PRIMARY KEY, group_id INTEGER NOT NULL, position BLOB NOT NULL,
      last_sequence INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX sources_by_group ON sources(group_id, last_sequence);
    CREATE TABLE lanes(
      group_id INTEGER NOT NULL, destination TEXT NOT NULL, cursor INTEGER NOT NULL,
      request_id TEXT, request_end INTEGER, request_time INTEGER, request_checksum INTEGER,
      checksum INTEGER NOT NULL,
      PRIMARY KEY(group_id, destination)) WITHOUT ROWID;
    """

  /// Where a catalog of a version has how long groups are kept, in seconds; nil for a version that
  /// cannot be read.
  static func retentionColumn(version: Int64) -> String? {
    switch version {
    case self.version: "retention_seconds"
    case 2: "retention_days*86400"
    default: nil
    }
  }

  /// Makes the tables of a new catalog, or makes an existing one one of this version.
  ///
  /// Refuses a newer one untouched. One that is empty, or of a development version that was never
  /// released, is as good as lost: it has to be rebuilt.
  static func prepare(
    _ connection: Connection,
    path: String,
    isNew: Bool
  ) throws(StoreError) {
    let found = try connection.integer("PRAGMA user_version") ?? 0
    guard found <= version else {
      throw .unsupported(path: path, reason: "catalog version \(found) needs a newer logagent")
    }
    guard isNew || (oldestVersion...version).contains(found) else {
      throw .corrupt(path: path, offset: 0, reason: "catalog version \(found)")
    }
    try connection.execute("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;")
    try connection.execute("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;")
    try connection.execute("PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA cache_size=-4096;")
    try connection.execute("PRAGMA journal_size_limit=67108864;")
    if !isNew {
      if found == 2 { try useSeconds(connection) }
      return
    }
    guard try connection.integer("SELECT count(*) FROM sqlite_schema") == 0 else {
      throw .notAStore(path: path)
    }
    try connection.execute("BEGIN IMMEDIATE")
    try connection.execute(tables)
    let store = Entropy.hex(Entropy.word()) + Entropy.hex(Entropy.word())
    try connection.execute("INSERT INTO meta VALUES('store', '\(store)')")
    try connection.execute("PRAGMA application_id=\(applicationID); PRAGMA user_version=\(version)")
    try connection.execute("COMMIT")
  }

  /// The tables without a row, in memory: what those of a file are compared with.
  static func empty() throws(StoreError) -> Connection {
    let connection = try Connection(path: ":memory:", .readWrite)
    try connection.execute(tables)
    return connection
  }

  /// Version 2 kept retention in whole days.
  private static func useSeconds(_ connection: Connection) throws(StoreError) {
    try connection.execute("BEGIN IMMEDIATE")
    try connection.execute("ALTER TABLE groups RENAME COLUMN retention_days TO retention_seconds")
    try connection.execute("UPDATE groups SET retention_seconds=retention_seconds*86400")
    try connection.execute("PRAGMA user_version=3; COMMIT")
  }
}
