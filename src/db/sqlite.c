// sqlite.c: the SQLite driver behind db.h; the only file that sees sqlite3.h.
//
// Mode of work: write-ahead log, synchronous=FULL. Closing does not checkpoint (that would cost
// every short command several milliseconds); instead any commit that finds the log longer than
// LOG_PAGES moves it into the database and cuts it off. Cutting is what bounds the log: what has
// been moved is remembered only as long as some process has the database open, and the next first
// one would read and move all of it again.
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "db/place.h"
#include "db/turn.h"
#include "db/wal_index.h"

enum { LOG_PAGES = 128, KEPT_STATEMENTS = 64 };

struct stmt {
    sqlite3_stmt *handle;
    struct db *db;
    const char *sql; // the constant it was prepared from
};

struct db {
    sqlite3 *handle;
    int64_t waited_ms; // by the busy handler, for the statement under way
    // Statements that were given back stay prepared, found by the address of their constant text.
    struct stmt *kept[KEPT_STATEMENTS];
    const uint32_t *wal_header; // in memory that all processes share; NULL: not mapped
    uint32_t unknown_versions;  // given out while there was nothing to read
    struct place place;         // of the database, under the path that was given
    struct place log, index;    // of what belongs to it, noted when wal_header is set
};

static bool no_access(struct db *db, struct err *err)
{
    int number = db->handle ? sqlite3_system_errno(db->handle) : 0;
    err_set(err, ERR_IO, "store_unwritable", "The store cannot be opened or written%s%s",
            number ? ": " : "", number ? strerror(number) : "");
    return err_hint(err, "check the owner and mode of the store's folder and files, and that the "
                         "file system is not read-only");
}

// The change was written but the disk did not promise to keep it: after a crash it may be there.
static bool sync_error(struct err *err)
{
    err_set(err, ERR_IO, "change_uncertain",
            "The disk failed while the change was being made durable; it may or may not have been "
            "made");
    return err_hint(err, "check the disk, then look at the present state before trying again");
}

static bool disk_error(struct db *db, int code, struct err *err)
{
    int number = db->handle ? sqlite3_system_errno(db->handle) : 0;
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return sync_error(err);
    if (!number && errno == EIO)
        number = EIO;
    err_set(err, ERR_IO, "disk_error", "The disk failed while the store was used: %s",
            number ? strerror(number) : sqlite3_errmsg(db->handle));
    return err_hint(err, "nothing was changed; check the disk and run the command again");
}

static bool is_access_error(struct db *db)
{
    int number = db->handle ? sqlite3_system_errno(db->handle) : 0;
    return number == EACCES || number == EPERM || number == EROFS;
}

// Turns SQLite's result code into the caller's error; always false.
static bool db_error(struct db *db, int code, struct err *err)
{
    const int waited = (int)(db->waited_ms / 1000);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        err_set(err, ERR_BUSY, "store_busy",
                "The store is busy: another command has held it for %d second%s", waited,
                waited == 1 ? "" : "s");
        return err_hint(err, "run the command again when the other one has finished");
    case SQLITE_FULL:
        err_set(err, ERR_IO, "disk_full", "The disk is full; nothing was changed");
        return err_hint(err, "make room on the disk and run the command again");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return no_access(db, err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        // SQLite takes a page that the disk does not give for a damaged one.
        if (errno == EIO)
            return disk_error(db, code, err);
        err_set(err, ERR_INTEGRITY, "store_corrupt", "The store's file is damaged: %s",
                db->handle ? sqlite3_errmsg(db->handle) : "not a database");
        return err_hint(err, "restore the store from a backup; the damaged file was not touched");
    case SQLITE_NOMEM:
        return err_memory(err);
    case SQLITE_CONSTRAINT:
        return err_set(err, ERR_INTEGRITY, "store_constraint",
                       "The store refused an inconsistent change: %s", sqlite3_errmsg(db->handle));
    default:
        return is_access_error(db) ? no_access(db, err) : disk_error(db, code, err);
    }
}

static int wait_for_turn(void *context, int attempt)
{
    struct db *db = (struct db *)context;
    return turn_wait(&db->waited_ms, attempt);
}

// After a commit. Waits for nobody: whoever reads the log just now leaves the work to the next
// commit. The change is durable already, so trouble here is none of the command's.
static int shorten_log(void *context, sqlite3 *handle, const char *name, int pages)
{
    if (pages < LOG_PAGES)
        return SQLITE_OK;
    (void)sqlite3_busy_handler(handle, NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_handler(handle, wait_for_turn, context);
    return SQLITE_OK;
}

// What must hold on every connection.
static bool configure(struct db *db, struct err *err)
{
    static const struct {
        int option, value;
    } settings[] = {
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
        // The schema has neither triggers nor views: one that is there was planted.
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (sqlite3_db_config(db->handle, settings[i].option, settings[i].value, NULL) != SQLITE_OK)
            return db_error(db, SQLITE_ERROR, err);
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_handler(db->handle, wait_for_turn, db);
    (void)sqlite3_wal_hook(db->handle, shorten_log, db);
    return db_script(db, "PRAGMA synchronous=FULL", err);
}

// Which file it is that was opened. Between the opening and this another may have been put under
// the name; SQLite knows the number of its own. The companions are where SQLite puts them, beside
// what a link leads to.
static bool identify(struct db *db, const char *path, struct err *err)
{
    const char *real = sqlite3_db_filename(db->handle, "main");
    int moved = 1;
    if (!place_init(&db->place, path, "", err) ||
        !place_init(&db->log, real ? real : path, "-wal", err) ||
        !place_init(&db->index, real ? real : path, "-shm", err))
        return false;
    int code = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (code == SQLITE_OK && !moved)
        place_note(&db->place);
    return true;
}

// Without its companions the database is not what others take for it: SQLite makes new ones for
// whoever opens it next, and neither side sees what the other commits. So it is when they were cut:
// what is looked up in the index is in memory as long as the file is.
static bool are_companions_in_place(const struct db *db)
{
    return !db->wal_header ||
           (place_holds(&db->index, WAL_INDEX_REGION) && place_holds(&db->log, 0) &&
            wal_index_fits(db->wal_header, &db->log));
}

bool db_is_in_place(const struct db *db)
{
    return place_holds(&db->place, 0) && are_companions_in_place(db);
}

// A file that is empty, or not there, begins as anything does. SQLite's own descriptors are asked:
// closing another one of the database would give up its locks.
static bool begins_as(struct db *db, int which, const uint8_t *expected, int size)
{
    sqlite3_file *file = NULL;
    uint8_t found[16];
    if (sqlite3_file_control(db->handle, "main", which, &file) != SQLITE_OK || !file ||
        !file->pMethods || file->pMethods->xRead(file, found, size, 0) != SQLITE_OK)
        return true; // what cannot be read is for the next question to say
    return memcmp(found, expected, (size_t)size) == 0;
}

bool db_reread(struct db *db, struct err *err)
{
    // SQLite's file format, sections 1.3 and 4.1; the last bit of the log's number is its
    // checksums' byte order, which is the machine's.
    static const uint8_t database[] = "SQLite format 3", log[] = {0x37, 0x7f, 0x06};
    (void)sqlite3_db_release_memory(db->handle);
    bool is_file_ours = begins_as(db, SQLITE_FCNTL_FILE_POINTER, database, sizeof database);
    if (is_file_ours && begins_as(db, SQLITE_FCNTL_JOURNAL_POINTER, log, sizeof log))
        return true;
    err_set(err, ERR_INTEGRITY, "store_corrupt", "The store's %s is damaged",
            is_file_ours ? "log" : "file");
    return err_hint(err, "restore the store from a backup");
}

bool db_open(const char *path, bool create, struct db **ret_db, struct err *err)
{
    struct db *db AUTO(db_close) = (struct db *)calloc(1, sizeof *db);
    if (!db)
        return err_memory(err);
    // Nobody asks how much memory SQLite has: counting it takes a lock for every piece.
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_EXRESCODE | (create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK)
        return db_error(db, code, err);
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return no_access(db, err);
    if (!configure(db, err) || !identify(db, path, err))
        return false;
    *ret_db = TAKE(db);
    return true;
}

static struct stmt **kept_place(struct db *db, const char *sql)
{
    return &db->kept[((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15 >> 58];
}

static void stmt_destroy(struct stmt *stmt)
{
    if (!stmt)
        return;
    (void)sqlite3_finalize(stmt->handle);
    free(stmt);
}

void db_close(struct db **db)
{
    if (*db) {
        for (size_t i = 0; i < KEPT_STATEMENTS; i++)
            stmt_destroy((*db)->kept[i]);
        (void)sqlite3_close_v2((*db)->handle);
        place_done(&(*db)->place);
        place_done(&(*db)->log);
        place_done(&(*db)->index);
        free(*db);
    }
    *db = NULL;
}

static int bind_one(sqlite3_stmt *handle, int position, const struct value *value)
{
    switch (value->type) {
    case VALUE_INT:
        return sqlite3_bind_int64(handle, position, value->integer);
    case VALUE_TEXT:
        return sqlite3_bind_text64(handle, position, value->bytes.data, value->bytes.size,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(handle, position, value->bytes.data, value->bytes.size,
                                   SQLITE_STATIC);
    case VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(handle, position);
}

static bool bind_all(struct stmt *stmt, struct values values, struct err *err)
{
    for (size_t i = 0; i < values.count; i++) {
        int code = bind_one(stmt->handle, (int)i + 1, &values.list[i]);
        if (code != SQLITE_OK)
            return db_error(stmt->db, code, err);
    }
    return true;
}

static bool prepare(struct db *db, const char *sql, struct stmt **ret_stmt, struct err *err)
{
    struct stmt **place = kept_place(db, sql);
    if (*place && (*place)->sql == sql) {
        *ret_stmt = TAKE(*place);
        return true;
    }
    struct stmt *stmt AUTO(stmt_free) = (struct stmt *)calloc(1, sizeof *stmt);
    if (!stmt)
        return err_memory(err);
    stmt->db = db;
    int code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt->handle, NULL);
    if (code != SQLITE_OK)
        return db_error(db, code, err);
    stmt->sql = sql;
    *ret_stmt = TAKE(stmt);
    return true;
}

bool db_query(struct db *db, const char *sql, struct values values, struct stmt **ret_stmt,
              struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!prepare(db, sql, &stmt, err) || !bind_all(stmt, values, err))
        return false;
    *ret_stmt = TAKE(stmt);
    return true;
}

void stmt_free(struct stmt **stmt)
{
    struct stmt *given = TAKE(*stmt);
    if (!given)
        return;
    struct stmt **place = given->sql ? kept_place(given->db, given->sql) : NULL;
    if (place && !*place) {
        (void)sqlite3_reset(given->handle);
        (void)sqlite3_clear_bindings(given->handle);
        *place = given;
    } else {
        stmt_destroy(given);
    }
}

// SQLite may need memory to hand out a column, and what it has none for looks like NULL. Asked for
// here, the columns of a row that the caller gets can be read without fail.
static bool is_row_readable(sqlite3_stmt *handle)
{
    bool readable = true;
    for (int i = sqlite3_data_count(handle) - 1; i >= 0 && readable; i--) {
        int type = sqlite3_column_type(handle, i);
        if (type == SQLITE_TEXT)
            readable = sqlite3_column_text(handle, i);
        else if (type == SQLITE_BLOB)
            readable = sqlite3_column_blob(handle, i) || sqlite3_column_bytes(handle, i) == 0;
    }
    return readable;
}

enum step stmt_step(struct stmt *stmt, struct err *err)
{
    int code = sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW && !is_row_readable(stmt->handle))
        code = SQLITE_NOMEM;
    if (code == SQLITE_ROW)
        return STEP_ROW;
    if (code == SQLITE_DONE)
        return STEP_END;
    (void)db_error(stmt->db, code, err);
    return STEP_FAILED;
}

int64_t stmt_int(struct stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

bool stmt_is_time(struct stmt *stmt, int column)
{
    int type = sqlite3_column_type(stmt->handle, column);
    return type == SQLITE_NULL ||
           (type == SQLITE_INTEGER && sqlite3_column_int64(stmt->handle, column) != 0);
}

// A value of another type reads as NULL: whoever changes a text into equal bytes is not to go
// unnoticed where texts are compared or authenticated.
struct view stmt_text(struct stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt->handle, column) != SQLITE_TEXT)
        return (struct view){NULL, 0};
    const char *text = (const char *)sqlite3_column_text(stmt->handle, column);
    return view_bytes(text, text ? (size_t)sqlite3_column_bytes(stmt->handle, column) : 0);
}

struct view stmt_blob(struct stmt *stmt, int column)
{
    if (sqlite3_column_type(stmt->handle, column) != SQLITE_BLOB)
        return (struct view){NULL, 0};
    const void *blob = sqlite3_column_blob(stmt->handle, column);
    return view_bytes(blob, blob ? (size_t)sqlite3_column_bytes(stmt->handle, column) : 0);
}

bool db_run(struct db *db, const char *sql, struct values values, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(db, sql, values, &stmt, err))
        return false;
    enum step step;
    do
        step = stmt_step(stmt, err);
    while (step == STEP_ROW);
    return step == STEP_END;
}

bool db_script(struct db *db, const char *sql, struct err *err)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? true : db_error(db, code, err);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

// The mapping is SQLite's own, asked for through its interface, and stays until the connection is
// closed. It must never be opened or closed here: closing any descriptor of a file gives up all the
// locks that this process has on it.
static void map_wal_header(struct db *db)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    sqlite3_file *file = NULL;
    void volatile *region = NULL;
    struct err ignored;
    // The question makes SQLite open the log; without one there is nothing to be mapped.
    if (!db_query(db, "PRAGMA journal_mode", BIND_NOTHING, &stmt, &ignored) ||
        stmt_step(stmt, &ignored) != STEP_ROW || !view_is(stmt_text(stmt, 0), "wal") ||
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->iVersion < 2 || !file->pMethods->xShmMap)
        return;
    if (file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region) != SQLITE_OK || !region)
        return;
    db->wal_header = (const uint32_t *)(uintptr_t)region;
    place_note(&db->index);
    if (wal_index_fits(db->wal_header, &db->log))
        place_note(&db->log);
}

bool db_begin_read(struct db *db, struct err *err)
{
    return db_script(db, "BEGIN", err);
}

// Who goes by an index that others do not see writes over what they committed.
bool db_begin_change(struct db *db, struct err *err)
{
    if (!db_script(db, "BEGIN IMMEDIATE", err))
        return false;
    if (!db->wal_header)
        map_wal_header(db);
    if (are_companions_in_place(db))
        return true;
    db_rollback(db);
    err_set(err, ERR_IO, "store_replaced",
            "The log of the store (-wal or -shm) was removed or replaced while the store was "
            "open; nothing was changed");
    return err_hint(err, "run the command again, and leave the store's files alone");
}

bool db_commit(struct db *db, struct err *err)
{
    if (db_script(db, "COMMIT", err))
        return true;
    db_rollback(db);
    return false;
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_mark(struct db *db, struct err *err)
{
    return db_script(db, "SAVEPOINT mark", err);
}

bool db_rollback_to_mark(struct db *db, struct err *err)
{
    return db_script(db, "ROLLBACK TO mark", err);
}

struct db_copy {
    sqlite3_backup *handle;
    struct db *to;
};

enum { PAGES_AT_A_TIME = 1024 };

bool db_copy_begin(struct db *from, struct db *to, struct db_copy **ret_copy, struct err *err)
{
    struct db_copy *copy AUTO(db_copy_free) = (struct db_copy *)calloc(1, sizeof *copy);
    if (!copy)
        return err_memory(err);
    copy->to = to;
    copy->handle = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (!copy->handle)
        return db_error(to, sqlite3_extended_errcode(to->handle), err);
    // No page yet, but the lock on `to`.
    int code = sqlite3_backup_step(copy->handle, 0);
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        (void)sqlite3_backup_finish(TAKE(copy->handle));
        return db_error(to, code, err);
    }
    *ret_copy = TAKE(copy);
    return true;
}

bool db_copy_finish(struct db_copy *copy, struct progress *progress, struct err *err)
{
    int code;
    do {
        code = sqlite3_backup_step(copy->handle, PAGES_AT_A_TIME);
        int total = sqlite3_backup_pagecount(copy->handle);
        progress_tell(progress, "copying", total - sqlite3_backup_remaining(copy->handle),
                      total > 0 ? total : 1);
    } while (code == SQLITE_OK);
    int ending = sqlite3_backup_finish(TAKE(copy->handle));
    if (code == SQLITE_DONE)
        code = ending;
    return code == SQLITE_OK ? true : db_error(copy->to, code, err);
}

void db_copy_free(struct db_copy **copy)
{
    if (*copy) {
        (void)sqlite3_backup_finish((*copy)->handle); // takes back what was not finished
        free(*copy);
    }
    *copy = NULL;
}

// By a question: what others did is in SQLite's count, what this connection did in its own.
static struct db_version ask_for_version(struct db *db)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct err ignored;
    if (db_query(db, "PRAGMA data_version", BIND_NOTHING, &stmt, &ignored) &&
        stmt_step(stmt, &ignored) == STEP_ROW)
        return (struct db_version){{(uint32_t)stmt_int(stmt, 0),
                                    (uint32_t)sqlite3_total_changes64(db->handle), 0,
                                    VERSION_MARK}};
    return (struct db_version){{0, 0, ++db->unknown_versions, VERSION_MARK | 1}};
}

struct db_version db_version(struct db *db)
{
    if (!db->wal_header)
        map_wal_header(db);
    return db->wal_header ? wal_index_version(db->wal_header) : ask_for_version(db);
}

bool db_version_is_shared(const struct db *db)
{
    return db->wal_header != NULL;
}

void db_empty_log(struct db *db)
{
    (void)shorten_log(db, db->handle, "main", LOG_PAGES);
}

static bool check_with(struct db *db, const char *pragma, const char *good,
                       void (*finding)(void *context, struct view text), void *context,
                       struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    enum step step;
    errno = 0;
    if (!db_query(db, pragma, BIND_NOTHING, &stmt, err))
        return false;
    while ((step = stmt_step(stmt, err)) == STEP_ROW) {
        if (view_is(stmt_text(stmt, 0), good))
            continue;
        // A page that could not be read, or for which there was no room, is told as a damaged one.
        if (errno == EIO)
            return disk_error(db, SQLITE_IOERR, err);
        if (errno == ENOMEM)
            return err_memory(err);
        finding(context, stmt_text(stmt, 0));
    }
    return step == STEP_END;
}

bool db_check(struct db *db, void (*finding)(void *context, struct view text), void *context,
              struct err *err)
{
    return check_with(db, "PRAGMA integrity_check(20)", "ok", finding, context, err) &&
           check_with(db,
                      "SELECT 'row without its parent in table ' || \"table\" FROM "
                      "pragma_foreign_key_check LIMIT 20",
                      "", finding, context, err) &&
           check_with(db,
                      "SELECT 'a ' || type || ' that does not belong there' FROM sqlite_schema"
                      " WHERE type IN ('trigger', 'view') LIMIT 20",
                      "", finding, context, err);
}
