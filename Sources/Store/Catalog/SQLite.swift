internal import CSQLite
internal import Platform

/// One SQLite connection, as safe as SQLite can be made: defensive, no mmap, bounded, no
/// double-quoted strings.
///
/// One thread at a time. In the whole system at most one is writable for a data directory: SQLite
/// before 3.51.3 can corrupt a WAL that two connections checkpoint.
@safe
final class Connection {
  private let handle: OpaquePointer

  enum Access {
    case readOnly
    case readWrite
  }

  init(path: String, _ access: Access) throws(StoreError) {
    var opened: OpaquePointer?
    let flags =
      access == .readOnly
      ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    // Safety: the handle is closed in deinit, or here when opening failed.
    let code = unsafe sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let handle = unsafe opened else {
      let message = unsafe String(cString: sqlite3_errstr(code))
      unsafe sqlite3_close_v2(opened)
      throw .catalog(code: code, message: "\(message): \(path)")
    }
    unsafe self.handle = handle
    unsafe sqlite3_extended_result_codes(handle, 1)
    for (option, value) in [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
      (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    ] as [(Int32, Int32)] {
      unsafe csqlite_db_config(handle, option, value)
    }
    unsafe sqlite3_busy_timeout(handle, 5_000)
    unsafe csqlite_persist_wal(handle)
  }

  deinit { unsafe sqlite3_close_v2(handle) }

  /// Runs statements that return nothing.
  func execute(_ sql: String) throws(StoreError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  func prepare(_ sql: String) throws(StoreError) -> Statement {
    var prepared: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(
      handle,
      sql,
      -1,
      UInt32(SQLITE_PREPARE_PERSISTENT),
      &prepared,
      nil
    )
    guard code == SQLITE_OK, let statement = unsafe prepared else { throw error(code) }
    return unsafe Statement(statement, connection: self)
  }

  /// The first column of the first row.
  func integer(_ sql: String) throws(StoreError) -> Int64? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.integer(0) : nil
  }

  func text(_ sql: String) throws(StoreError) -> String? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.text(0) : nil
  }

  var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// Rows changed by the last statement.
  var changes: Int { Int(unsafe sqlite3_changes(handle)) }

  /// Moves WAL frames into the database; returns how many frames the WAL holds.
  @discardableResult
  func checkpoint(truncate: Bool) throws(StoreError) -> Int {
    var frames: Int32 = 0
    var moved: Int32 = 0
    let mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
    let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, &frames, &moved)
    // BUSY: a reader still needs the frames. The next call takes them.
    guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw error(code) }
    return Int(frames)
  }

  fileprivate func error(_ code: Int32) -> StoreError {
    let message = unsafe String(cString: sqlite3_errmsg(handle))
    return .catalog(code: unsafe sqlite3_extended_errcode(handle), message: message)
  }
}

/// A prepared statement.
///
/// Bind, step, read, reset; one thread at a time.
@safe
final class Statement {
  private let handle: OpaquePointer
  private let connection: Connection

  fileprivate init(_ handle: OpaquePointer, connection: Connection) {
    unsafe self.handle = handle
    self.connection = connection
  }

  deinit { unsafe sqlite3_finalize(handle) }

  enum Value {
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    case null
  }

  /// Binds all parameters, in order.
  func bind(_ values: Value...) throws(StoreError) {
    unsafe sqlite3_reset(handle)
    try bindAll(values)
  }

  /// True when there is a row.
  func step() throws(StoreError) -> Bool {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let failure = connection.error(code)
      unsafe sqlite3_reset(handle)
      throw failure
    }
  }

  /// Ends a read early, so that its snapshot is given back.
  func reset() { unsafe sqlite3_reset(handle) }

  /// Binds, runs to the end and resets.
  func run(_ values: Value...) throws(StoreError) { try run(values) }

  func run(_ values: [Value]) throws(StoreError) {
    unsafe sqlite3_reset(handle)
    try bindAll(values)
    while try step() {}
    unsafe sqlite3_reset(handle)
  }

  /// The same, with the checksum of the values behind them.
  func runChecked(_ values: Value...) throws(StoreError) {
    try run(values + [.integer(CatalogCheck.checksum(values))])
  }

  /// What a column holds; a number that is no integer was never written by us.
  func value(_ column: Int32) -> Value {
    switch unsafe sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: .integer(integer(column))
    case SQLITE_TEXT: .text(text(column))
    case SQLITE_BLOB: .blob(blob(column))
    default: .null
    }
  }

  private func bindAll(_ values: [Value]) throws(StoreError) {
    for (index, value) in values.enumerated() { try bindOne(value, Int32(index + 1)) }
  }

  private func bindOne(_ value: Value, _ position: Int32) throws(StoreError) {
    let code: Int32
    // Safety: TRANSIENT makes SQLite copy what the pointers show before the call returns.
    switch value {
    case .integer(let number): code = unsafe sqlite3_bind_int64(handle, position, number)
    case .text(let text):
      code = unsafe sqlite3_bind_text(handle, position, text, -1, csqlite_transient())
    case .blob(let bytes):
      code = unsafe sqlite3_bind_blob64(
        handle,
        position,
        bytes.isEmpty ? [0] : bytes,
        UInt64(bytes.count),
        csqlite_transient()
      )
    case .null: code = unsafe sqlite3_bind_null(handle, position)
    }
    guard code == SQLITE_OK else { throw connection.error(code) }
  }

  func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

  func text(_ column: Int32) -> String {
    guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
    return unsafe String(cString: bytes)
  }

  func blob(_ column: Int32) -> [UInt8] {
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    guard count > 0, let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }
}
