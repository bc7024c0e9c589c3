#include "CSQLite.h"

sqlite3_destructor_type csqlite_transient(void) { return SQLITE_TRANSIENT; }

int csqlite_db_config(sqlite3 *db, int option, int value) {
  int out = 0;
  return sqlite3_db_config(db, option, value, &out);
}

int csqlite_persist_wal(sqlite3 *db) {
  int on = 1;
  return sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
}
