// db.h: one way to speak SQL, whatever database stands behind it.
//
// The driver today is SQLite (sqlite.c); the model writes portable SQL with `?` for every value.
// SQL text is always a constant of the program; values only ever travel as bound parameters.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/view.h"

struct db;
struct stmt;

// A value to bind. Views must stay valid until the statement has been freed.
struct value {
    enum { VALUE_NULL, VALUE_INT, VALUE_TEXT, VALUE_BLOB } type;
    int64_t integer;
    struct view bytes;
};

static inline struct value v_int(int64_t integer)
{
    return (struct value){.type = VALUE_INT, .integer = integer};
}

// A time or another number that 0 leaves out: NULL.
static inline struct value v_time(int64_t time)
{
    return (struct value){.type = time ? VALUE_INT : VALUE_NULL, .integer = time};
}

// What LIMIT takes: 0 is without limit.
static inline struct value v_limit(int64_t limit)
{
    return v_int(limit ? limit : -1);
}

// Text; the view {NULL, 0} is NULL.
static inline struct value v_view(struct view text)
{
    return (struct value){.type = text.data ? VALUE_TEXT : VALUE_NULL, .bytes = text};
}

static inline struct value v_text(const char *text)
{
    return v_view(view_of(text));
}

static inline struct value v_blob(const void *data, size_t size)
{
    return (struct value){.type = data ? VALUE_BLOB : VALUE_NULL, .bytes = view_bytes(data, size)};
}

struct values {
    const struct value *list;
    size_t count;
};

// BIND(v_text(email), v_int(time)): the values for the `?` of a statement, in order.
#define BIND(...)                                                                                  \
    ((struct values){(const struct value[]){__VA_ARGS__},                                          \
                     sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)})
#define BIND_NOTHING ((struct values){NULL, 0})

// Opens an existing database file for reading and writing; with `create`, makes it (0600 by the
// caller's umask). Foreign keys are enforced, commits are durable (synchronous=FULL), and whoever
// finds it locked waits up to LIMIT_BUSY_MS. Free with db_close.
MUST_CHECK bool db_open(const char *path, bool create, struct db **ret_db, struct err *err);
void db_close(struct db **db);

// From so many milliseconds on nobody of this process waits any more: it is about to end. The first
// call counts. From any thread.
void db_hurry(int milliseconds);

// Runs one statement to its end and forgets its rows.
MUST_CHECK bool db_run(struct db *db, const char *sql, struct values values, struct err *err);

// Runs several statements without values: migrations and settings.
MUST_CHECK bool db_script(struct db *db, const char *sql, struct err *err);

// Rows that the last insert, update or delete touched.
int64_t db_changes(const struct db *db);

// The key that the last insert gave its row.
int64_t db_last_id(const struct db *db);

// Prepares a statement with its values bound. Free with stmt_free.
MUST_CHECK bool db_query(struct db *db, const char *sql, struct values values,
                         struct stmt **ret_stmt, struct err *err);
void stmt_free(struct stmt **stmt);

enum step { STEP_ROW, STEP_END, STEP_FAILED };
MUST_CHECK enum step stmt_step(struct stmt *stmt, struct err *err);

// Columns of the present row, from 0, all of them in memory: reading cannot fail. Views hold until
// the next step. NULL reads as 0 or {NULL, 0}, and so do texts and blobs of another type.
int64_t stmt_int(struct stmt *stmt, int column);
bool stmt_is_time(struct stmt *stmt, int column); // NULL, or a whole number but 0
struct view stmt_text(struct stmt *stmt, int column);
struct view stmt_blob(struct stmt *stmt, int column);

// Transactions. A change waits for its turn at the beginning and cannot fail later for being late;
// it is refused, ERR_IO `store_replaced`, when the log or its index are not in place any more.
MUST_CHECK bool db_begin_read(struct db *db, struct err *err);
MUST_CHECK bool db_begin_change(struct db *db, struct err *err);
MUST_CHECK bool db_commit(struct db *db, struct err *err); // durable once this is true
void db_rollback(struct db *db);

// A point inside a change to return to.
MUST_CHECK bool db_mark(struct db *db, struct err *err);
MUST_CHECK bool db_rollback_to_mark(struct db *db, struct err *err);

// A copy of one database over another, page by page, as one transaction of the other.
//
// Begin waits for its turn and then keeps other writers of `to` away; readers go on. Until
// db_copy_finish is true `to` is as it was, even after a crash. `from` must be the caller's own, or
// in a read transaction. Neither may be used for anything else in between.
struct db_copy;
MUST_CHECK bool db_copy_begin(struct db *from, struct db *to, struct db_copy **ret_copy,
                              struct err *err);
MUST_CHECK bool db_copy_finish(struct db_copy *copy, struct progress *progress, struct err *err);
void db_copy_free(struct db_copy **copy);

// Which state the database is in, for comparing only. It is another one after every commit of
// whatever connection and process, from before that commit returns; it may also change without one.
//
// An answer of the database is as good as new while the version is the one that was read *before*
// the question was asked (outside of transactions: inside one, questions are about its beginning).
// Reading it makes no system call and takes nanoseconds. The first call must be made by the thread
// that uses the connection; when db_version_is_shared then says so, any thread may call it from
// then on, until db_close. Where the version cannot be had, each call gives another one. {0} is the
// version of no state.
//
// All of this is so while db_is_in_place: who has another index in shared memory than the others
// (SQLite's `-shm`, which somebody took away) sees nothing of what they do.
struct db_version {
    uint32_t words[4];
};
struct db_version db_version(struct db *db);
bool db_version_is_shared(const struct db *db);

static inline bool db_version_equal(struct db_version a, struct db_version b)
{
    return ((a.words[0] ^ b.words[0]) | (a.words[1] ^ b.words[1]) | (a.words[2] ^ b.words[2]) |
            (a.words[3] ^ b.words[3])) == 0;
}

// Whether the file under the path that was opened is still the one that is open: not removed, and
// not replaced; and, once the version has been read, so are its log and the log's index (`-wal`,
// `-shm`), and neither was cut. Four system calls as a rule; any thread may ask where it may ask
// for the version.
//
// Cutting the index is noticed only before anything else looks into it: the system ends (SIGBUS) a
// process that reads what is no longer in the file, SQLite itself included.
//
// When only those two were replaced or cut, a connection that is opened anew is no better while
// another one of this process has the same file open: SQLite lets them share the index. All have to
// be closed first.
bool db_is_in_place(const struct db *db);

// Forgets what was read of the files, so that the next answer comes from what is in them now, and
// looks whether they begin as a database and its log do: else ERR_INTEGRITY `store_corrupt`.
//
// Needed by who keeps a connection for long: what no commit has changed SQLite answers from pages
// it has read before, also when somebody has written over the files since. Outside of transactions.
MUST_CHECK bool db_reread(struct db *db, struct err *err);

// Moves the log into the database and cuts it off, when nobody is reading it just now.
void db_empty_log(struct db *db);

// The whole file checked page by page and reference by reference; each finding is told to
// `finding`. A disk that fails or memory that is short is an error and no finding.
MUST_CHECK bool db_check(struct db *db, void (*finding)(void *context, struct view text),
                         void *context, struct err *err);
