#pragma once
#include <sqlite3.h>

// The variadic configuration calls and the destructor macro, which Swift cannot express.

/// SQLITE_TRANSIENT: SQLite copies the bound bytes before the call returns.
sqlite3_destructor_type csqlite_transient(void);

/// sqlite3_db_config with the (int, int *) argument pair that the boolean options take.
int csqlite_db_config(sqlite3 *db, int option, int value);

/// SQLITE_FCNTL_PERSIST_WAL on the main database: -wal and -shm stay when the last connection
/// closes.
int csqlite_persist_wal(sqlite3 *db);
