// floor: the least a process can do for a command: open the same database with plain SQLite, run
// one query or one durable insert, write the same JSON with fputs.
//
//   floor [--defaults] DATABASE open|get|key|insert|insert-key|list|search|list-keys [ARGUMENTS]
//
// No key files, no cryptography, no rules, no audit, no escaping of strings: what those cost is the
// difference to the program. The log of the database is treated as the program treats it (it is
// left when the process ends and cut off when it has grown long); with --defaults as SQLite does
// when nobody asks for anything: moved into the database and deleted at the end of each process.
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_PAGES = 128 }; // as in src/db/sqlite.c

static sqlite3 *database;

static void fail(const char *what)
{
    (void)fprintf(stderr, "floor: %s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

// A log that has grown long is moved into the database and cut off, unless someone is reading it.
static int shorten_log(void *context, sqlite3 *handle, const char *name, int pages)
{
    (void)context;
    if (pages < LOG_PAGES)
        return SQLITE_OK;
    (void)sqlite3_busy_timeout(handle, 0);
    (void)sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return SQLITE_OK;
}

static void open_database(const char *path, bool defaults)
{
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
        fail(path);
    (void)sqlite3_busy_timeout(database, 30000);
    if (defaults)
        return;
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_wal_hook(database, shorten_log, NULL);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(database, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail(sql);
    return stmt;
}

static void bind_text(sqlite3_stmt *stmt, int position, const char *text)
{
    if (sqlite3_bind_text(stmt, position, text, -1, SQLITE_STATIC) != SQLITE_OK)
        fail("bind");
}

static bool next_row(sqlite3_stmt *stmt)
{
    int code = sqlite3_step(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fail("step");
    return code == SQLITE_ROW;
}

static void put(const char *text)
{
    (void)fputs_unlocked(text, stdout);
}

static const char *column(sqlite3_stmt *stmt, int number)
{
    return (const char *)sqlite3_column_text(stmt, number);
}

// `"name": "text"` behind `before`, which holds the blanks and the brackets.
static void put_member(const char *before, const char *name, const char *text)
{
    put(before);
    put("\"");
    put(name);
    put("\": \"");
    put(text);
    put("\"");
}

static void put_digits(char *text, int count, long value)
{
    for (; count > 0; value /= 10)
        text[--count] = (char)('0' + value % 10);
}

// Days since 1970 as a date, by the calendar whose years begin in March: gmtime_r would first read
// the file of the time zone.
static void put_date(char *text, long days)
{
    long era = (days + 719468) / 146097, day = (days + 719468) % 146097;
    long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    long month = (5 * day + 2) / 153;
    put_digits(text, 4, year + era * 400 + (month >= 10));
    put_digits(text + 5, 2, month < 10 ? month + 3 : month - 9);
    put_digits(text + 8, 2, day - (153 * month + 2) / 5 + 1);
}

// Microseconds since 1970 as text. The date is worked out when the day changes.
static const char *time_text(sqlite3_int64 time)
{
    static char text[] = "0000-00-00T00:00:00.000000";
    static long known_day = -1;
    long seconds = time / 1000000, day = seconds / 86400;
    if (day != known_day)
        put_date(text, day);
    known_day = day;
    put_digits(text + 11, 2, seconds % 86400 / 3600);
    put_digits(text + 14, 2, seconds % 3600 / 60);
    put_digits(text + 17, 2, seconds % 60);
    put_digits(text + 20, 6, time % 1000000);
    return text;
}

static sqlite3_int64 time_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void run_open(char **args)
{
    (void)args;
    (void)next_row(prepare("SELECT count(*) FROM sqlite_schema"));
}

// One row per user, project and key; the least statement that yields all of a user.
static void run_get(char **args)
{
    const char *separator = "\n    {\n      ";
    sqlite3_stmt *projects = prepare(
        "SELECT u.user_id, u.email, u.created_at, p.project_id, p.project_name, u.n FROM users u"
        " LEFT JOIN members m ON m.user = u.n LEFT JOIN projects p ON p.n = m.project"
        " WHERE u.email_key = ? ORDER BY m.project");
    sqlite3_stmt *keys = prepare("SELECT k.masked, p.project_id, p.project_name, k.created_at"
                                 " FROM api_keys k JOIN projects p ON p.n = k.project"
                                 " WHERE k.user = ? ORDER BY k.n");
    bind_text(projects, 1, args[0]);
    if (!next_row(projects))
        fail("user not found");
    put_member("{\n  ", "user_id", column(projects, 0));
    put_member(",\n  ", "email", column(projects, 1));
    put_member(",\n  ", "created_at", time_text(sqlite3_column_int64(projects, 2)));
    (void)sqlite3_bind_int64(keys, 1, sqlite3_column_int64(projects, 5));
    put(",\n  \"projects\": [");
    for (bool more = column(projects, 3) != NULL; more; more = next_row(projects)) {
        put_member(separator, "project_id", column(projects, 3));
        put_member(",\n      ", "project_name", column(projects, 4));
        put("\n    }");
        separator = ",\n    {\n      ";
    }
    put(separator[0] == ',' ? "\n  ],\n  \"api_keys\": [" : "],\n  \"api_keys\": [");
    for (separator = "\n    {\n      "; next_row(keys); separator = ",\n    {\n      ") {
        put_member(separator, "api_key", column(keys, 0));
        put_member(",\n      ", "project_id", column(keys, 1));
        put_member(",\n      ", "project_name", column(keys, 2));
        put_member(",\n      ", "created_at", time_text(sqlite3_column_int64(keys, 3)));
        put("\n    }");
    }
    put(separator[0] == ',' ? "\n  ]\n}\n" : "]\n}\n");
}

// Of a row that has disabled_at and expires_at in two columns from `first`.
static const char *status_text(sqlite3_stmt *stmt, int first, sqlite3_int64 now)
{
    if (sqlite3_column_int64(stmt, first))
        return "disabled";
    sqlite3_int64 expires_at = sqlite3_column_int64(stmt, first + 1);
    return expires_at && expires_at <= now ? "expired" : "active";
}

// ARGUMENTS: the digest in hexadecimal, the key as text.
static void run_key(char **args)
{
    unsigned char digest[32];
    sqlite3_stmt *stmt =
        prepare("SELECT u.user_id, u.email, p.project_id, p.project_name, k.created_at,"
                " k.disabled_at, k.expires_at FROM api_keys k JOIN users u ON u.n = k.user"
                " JOIN projects p ON p.n = k.project WHERE k.digest = ?");
    for (size_t i = 0; i < sizeof digest; i++) {
        char pair[3] = {args[0][2 * i], args[0][2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    (void)sqlite3_bind_blob(stmt, 1, digest, sizeof digest, SQLITE_STATIC);
    if (!next_row(stmt))
        fail("key not found");
    put_member("{\n  ", "api_key", args[1]);
    put_member(",\n  ", "user_id", column(stmt, 0));
    put_member(",\n  ", "email", column(stmt, 1));
    put_member(",\n  ", "project_id", column(stmt, 2));
    put_member(",\n  ", "project_name", column(stmt, 3));
    put_member(",\n  ", "created_at", time_text(sqlite3_column_int64(stmt, 4)));
    put_member(",\n  ", "status", status_text(stmt, 5, time_now()));
    put("\n}\n");
}

static void fill_random(void *bytes, size_t size)
{
    if (getentropy(bytes, size) != 0)
        fail("getentropy");
}

static void new_uuid(char ret_uuid[37])
{
    unsigned char b[16];
    fill_random(b, sizeof b);
    (void)snprintf(ret_uuid, 37,
                   "%02x%02x%02x%02x-%02x%02x-4%x%02x-a%x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                   b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9], b[10], b[11], b[12],
                   b[13], b[14], b[15]);
}

// ARGUMENTS: the address, in lower case.
static void run_insert(char **args)
{
    char user_id[37];
    sqlite3_stmt *stmt =
        prepare("INSERT INTO users(user_id, email, email_key, created_at) VALUES(?, ?, ?, ?)");
    new_uuid(user_id);
    bind_text(stmt, 1, user_id);
    bind_text(stmt, 2, args[0]);
    bind_text(stmt, 3, args[0]);
    (void)sqlite3_bind_int64(stmt, 4, time_now());
    (void)next_row(stmt);
    put("user_id: ");
    put(user_id);
    put("\n");
}

// ARGUMENTS: row numbers of user and project. The bytes have the sizes of real ones.
static void run_insert_key(char **args)
{
    unsigned char random[32 + 88 + 32];
    char key_id[37], masked[24] = "smg_";
    sqlite3_stmt *stmt = prepare("INSERT INTO api_keys(key_id, digest, sealed, masked, user,"
                                 " project, created_at, mac) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    new_uuid(key_id);
    fill_random(random, sizeof random);
    (void)snprintf(masked + 4, sizeof masked - 4, "%.4s%.4s%.4s%.4s...", key_id, key_id + 9,
                   key_id + 14, key_id + 19);
    bind_text(stmt, 1, key_id);
    (void)sqlite3_bind_blob(stmt, 2, random, 32, SQLITE_STATIC);
    (void)sqlite3_bind_blob(stmt, 3, random + 32, 88, SQLITE_STATIC);
    bind_text(stmt, 4, masked);
    (void)sqlite3_bind_int64(stmt, 5, strtoll(args[0], NULL, 10));
    (void)sqlite3_bind_int64(stmt, 6, strtoll(args[1], NULL, 10));
    (void)sqlite3_bind_int64(stmt, 7, time_now());
    (void)sqlite3_bind_blob(stmt, 8, random + 120, 32, SQLITE_STATIC);
    (void)next_row(stmt);
    put_member("{\n  ", "key_id", key_id);
    put("\n}\n");
}

// All members and all numbers of keys stand ready in the order of users, so that a user costs no
// search in a tree: faster than one statement with joins.
static void run_list(char **args)
{
    sqlite3_stmt *users = prepare("SELECT n, user_id, email, created_at FROM users ORDER BY n");
    sqlite3_stmt *members = prepare("SELECT m.user, p.project_id, p.project_name FROM members m"
                                    " CROSS JOIN projects p ON p.n = m.project"
                                    " ORDER BY m.user, m.project");
    sqlite3_stmt *keys = prepare("SELECT user, count(*) FROM api_keys GROUP BY user ORDER BY user");
    bool in_members = next_row(members), in_keys = next_row(keys), first = true;
    char tail[48];
    (void)args;
    for (; next_row(users); first = false) {
        sqlite3_int64 n = sqlite3_column_int64(users, 0);
        put_member(first ? "[\n  {\n    " : ",\n  {\n    ", "user_id", column(users, 1));
        put_member(",\n    ", "email", column(users, 2));
        put_member(",\n    ", "created_at", time_text(sqlite3_column_int64(users, 3)));
        put(",\n    \"projects\": [");
        const char *separator = "\n      {\n        ";
        for (; in_members && sqlite3_column_int64(members, 0) == n;
             in_members = next_row(members)) {
            put_member(separator, "project_id", column(members, 1));
            put_member(",\n        ", "project_name", column(members, 2));
            put("\n      }");
            separator = ",\n      {\n        ";
        }
        int count = in_keys && sqlite3_column_int64(keys, 0) == n ? sqlite3_column_int(keys, 1) : 0;
        in_keys = count > 0 ? next_row(keys) : in_keys;
        (void)snprintf(tail, sizeof tail, "],\n    \"api_keys\": %d\n  }", count);
        put(separator[0] == ',' ? "\n    " : "");
        put(tail);
    }
    put(first ? "[]\n" : "\n]\n");
}

// ARGUMENTS: the term.
static void run_search(char **args)
{
    const char *separator = "[\n  {\n    ";
    char counts[80];
    sqlite3_stmt *stmt =
        prepare("SELECT user_id, email, instr(email_key, ?1) > 0,"
                " (SELECT count(*) FROM members WHERE user = users.n),"
                " (SELECT count(*) FROM api_keys WHERE user = users.n) FROM users"
                " WHERE instr(email_key, ?1) > 0 OR n IN (SELECT m.user FROM projects p"
                " JOIN members m ON m.project = p.n WHERE instr(lower(p.project_name), ?1) > 0)"
                " ORDER BY n");
    bind_text(stmt, 1, args[0]);
    while (next_row(stmt)) {
        put_member(separator, "user_id", column(stmt, 0));
        put_member(",\n    ", "email", column(stmt, 1));
        put_member(",\n    ", "match_type", sqlite3_column_int(stmt, 2) ? "email" : "project_name");
        (void)snprintf(counts, sizeof counts, ",\n    \"projects\": %d,\n    \"api_keys\": %d\n  }",
                       sqlite3_column_int(stmt, 3), sqlite3_column_int(stmt, 4));
        put(counts);
        separator = ",\n  {\n    ";
    }
    put(separator[0] == ',' ? "\n]\n" : "[]\n");
}

static void run_list_keys(char **args)
{
    const char *separator = "[\n  {\n    ";
    sqlite3_int64 now = time_now();
    sqlite3_stmt *stmt = prepare(
        "SELECT k.masked, k.key_id, u.user_id, u.email, p.project_id, p.project_name, k.created_at,"
        " k.disabled_at, k.expires_at FROM api_keys k CROSS JOIN users u ON u.n = k.user"
        " CROSS JOIN projects p ON p.n = k.project ORDER BY k.n");
    (void)args;
    while (next_row(stmt)) {
        put_member(separator, "api_key", column(stmt, 0));
        put_member(",\n    ", "key_id", column(stmt, 1));
        put_member(",\n    ", "user_id", column(stmt, 2));
        put_member(",\n    ", "email", column(stmt, 3));
        put_member(",\n    ", "project_id", column(stmt, 4));
        put_member(",\n    ", "project_name", column(stmt, 5));
        put_member(",\n    ", "created_at", time_text(sqlite3_column_int64(stmt, 6)));
        put_member(",\n    ", "status", status_text(stmt, 7, now));
        put("\n  }");
        separator = ",\n  {\n    ";
    }
    put(separator[0] == ',' ? "\n]\n" : "[]\n");
}

static const struct {
    const char *name;
    int args;
    void (*run)(char **args);
} verbs[] = {
    {"open", 0, run_open},     {"get", 1, run_get},
    {"key", 2, run_key},       {"insert", 1, run_insert},
    {"list", 0, run_list},     {"insert-key", 2, run_insert_key},
    {"search", 1, run_search}, {"list-keys", 0, run_list_keys},
};

int main(int argc, char **argv)
{
    bool defaults = argc > 1 && strcmp(argv[1], "--defaults") == 0;
    char **args = argv + 1 + defaults;
    int count = argc - 1 - defaults;
    for (size_t i = 0; count >= 2 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(args[1], verbs[i].name) != 0 || count - 2 != verbs[i].args)
            continue;
        open_database(args[0], defaults);
        verbs[i].run(args + 2);
        // Statements are left to the end of the process; the database is closed as it must be.
        while (sqlite3_next_stmt(database, NULL))
            (void)sqlite3_finalize(sqlite3_next_stmt(database, NULL));
        (void)sqlite3_close(database);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    (void)fputs("usage: floor [--defaults] DATABASE VERB [ARGUMENTS]\n", stderr);
    return 2;
}
