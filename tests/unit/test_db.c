// test_db.c: statements and transactions: durable, isolated, in turn.
#include "temp_store.h"

#include <signal.h>
#include <sys/wait.h>

#include "db/migrate.h"

static struct db *db, *second;

static struct db *open_database(void)
{
    struct db *opened = NULL;
    WORKS(db_open(path_of("test.db"), true, &opened, &err));
    return opened;
}

static int set_up(void **state)
{
    if (make_home(state) != 0)
        return -1;
    db = open_database();
    WORKS(db_script(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(n INTEGER PRIMARY KEY, x)", &err));
    second = open_database();
    return 0;
}

static int tear_down(void **state)
{
    db_close(&db);
    db_close(&second);
    return remove_home(state);
}

static int64_t count(struct db *with)
{
    struct stmt *stmt = NULL;
    WORKS(db_query(with, "SELECT count(*) FROM t", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    int64_t rows = stmt_int(stmt, 0);
    stmt_free(&stmt);
    assert_null(stmt);
    return rows;
}

static void insert(struct db *with, int64_t x)
{
    WORKS(db_run(with, "INSERT INTO t(x) VALUES(?)", BIND(v_int(x)), &err));
}

static void binds_and_reads_values(void **state)
{
    (void)state;
    struct stmt *stmt = NULL;
    static const char bytes[] = {0, 1, (char)0xff, 0};
    WORKS(db_query(db, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, typeof(?3), typeof(?4), typeof(?5)",
                   BIND(v_int(INT64_MIN), v_int(INT64_MAX), v_text("a'b\"%\xc3\xbc"),
                        v_blob(bytes, sizeof bytes), v_view((struct view){NULL, 0}), v_time(0),
                        v_view(VIEW("a\0b"))),
                   &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    assert_int_equal(stmt_int(stmt, 0), INT64_MIN);
    assert_int_equal(stmt_int(stmt, 1), INT64_MAX);
    assert_true(view_is(stmt_text(stmt, 2), "a'b\"%\xc3\xbc"));
    assert_true(view_equal(stmt_blob(stmt, 3), view_bytes(bytes, sizeof bytes)));
    assert_null(stmt_text(stmt, 4).data);
    assert_null(stmt_blob(stmt, 4).data);
    assert_int_equal(stmt_int(stmt, 4), 0);
    assert_null(stmt_text(stmt, 5).data);
    assert_true(view_equal(stmt_text(stmt, 6), VIEW("a\0b")));
    assert_true(view_is(stmt_text(stmt, 7), "text") && view_is(stmt_text(stmt, 8), "blob"));
    assert_true(view_is(stmt_text(stmt, 9), "null"));
    assert_int_equal(stmt_step(stmt, &err), STEP_END);
    stmt_free(&stmt);
    stmt_free(&stmt);
}

static void tells_empty_from_none(void **state)
{
    (void)state;
    struct stmt *stmt = NULL;
    WORKS(db_query(db, "SELECT ?, ? IS NULL, ? IS NULL", BIND(v_text(""), v_text(""), v_text(NULL)),
                   &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    assert_non_null(stmt_text(stmt, 0).data);
    assert_int_equal(stmt_text(stmt, 0).size, 0);
    assert_int_equal(stmt_int(stmt, 1), 0);
    assert_int_equal(stmt_int(stmt, 2), 1);
    stmt_free(&stmt);
}

// A statement that is used again, also while it is under way, starts from its own beginning and
// remembers no values.
static void uses_statements_again(void **state)
{
    (void)state;
    static const char select[] = "SELECT x FROM t WHERE x >= ? ORDER BY x";
    struct stmt *outer = NULL, *inner = NULL;
    for (int64_t x = 1; x <= 3; x++)
        insert(db, x);
    assert_int_equal(db_last_id(db), 3);
    WORKS(db_query(db, select, BIND(v_int(1)), &outer, &err));
    for (int64_t x = 1; x <= 3; x++) {
        assert_int_equal(stmt_step(outer, &err), STEP_ROW);
        assert_int_equal(stmt_int(outer, 0), x);
        WORKS(db_query(db, select, BIND(v_int(x)), &inner, &err));
        assert_int_equal(stmt_step(inner, &err), STEP_ROW);
        assert_int_equal(stmt_int(inner, 0), x);
        stmt_free(&inner);
    }
    assert_int_equal(stmt_step(outer, &err), STEP_END);
    stmt_free(&outer);
    WORKS(db_query(db, select, BIND_NOTHING, &outer, &err)); // NULL: nothing is above it
    assert_int_equal(stmt_step(outer, &err), STEP_END);
    stmt_free(&outer);
    WORKS(db_run(db, "UPDATE t SET x = x + 10 WHERE x > ?", BIND(v_int(1)), &err));
    assert_int_equal(db_changes(db), 2);
}

static void commits_for_others_to_see(void **state)
{
    (void)state;
    WORKS(db_begin_change(db, &err));
    insert(db, 1);
    assert_int_equal(count(db), 1);
    assert_int_equal(count(second), 0);
    WORKS(db_commit(db, &err));
    assert_int_equal(count(second), 1);
    db_close(&db);
    db_close(&second);
    db = open_database();
    assert_int_equal(count(db), 1);
}

static void takes_changes_back(void **state)
{
    (void)state;
    insert(db, 1);
    WORKS(db_begin_change(db, &err));
    insert(db, 2);
    WORKS(db_script(db, "CREATE TABLE u(x); DELETE FROM t WHERE x = 1", &err));
    assert_int_equal(count(db), 1);
    db_rollback(db);
    db_rollback(db); // nothing is under way: nothing happens
    assert_int_equal(count(db), 1);
    assert_int_equal(count(second), 1);
    assert_false(db_run(db, "SELECT * FROM u", BIND_NOTHING, &err));
    WORKS(db_begin_change(db, &err));
    insert(db, 3);
    db_close(&db); // without a commit
    assert_int_equal(count(second), 1);
}

static void returns_to_its_mark(void **state)
{
    (void)state;
    WORKS(db_begin_change(db, &err));
    insert(db, 1);
    WORKS(db_mark(db, &err));
    insert(db, 2);
    WORKS(db_rollback_to_mark(db, &err));
    insert(db, 3);
    WORKS(db_rollback_to_mark(db, &err));
    insert(db, 4);
    WORKS(db_commit(db, &err));
    assert_int_equal(count(second), 2);
}

static void reads_one_state(void **state)
{
    (void)state;
    insert(db, 1);
    WORKS(db_begin_read(second, &err));
    assert_int_equal(count(second), 1);
    insert(db, 2); // a reader does not stop a writer
    assert_int_equal(count(second), 1);
    db_rollback(second);
    assert_int_equal(count(second), 2);
}

static void refuses_broken_rules(void **state)
{
    (void)state;
    WORKS(db_script(
        db, "CREATE TABLE u(n INTEGER PRIMARY KEY, t INTEGER REFERENCES t(n), x UNIQUE)", &err));
    insert(db, 1);
    WORKS(db_run(db, "INSERT INTO u(t, x) VALUES(1, 'a')", BIND_NOTHING, &err));
    REFUSED(db_run(db, "INSERT INTO u(t, x) VALUES(9, 'b')", BIND_NOTHING, &err), ERR_INTEGRITY,
            "store_constraint");
    REFUSED(db_run(db, "INSERT INTO u(t, x) VALUES(1, 'a')", BIND_NOTHING, &err), ERR_INTEGRITY,
            "store_constraint");
    REFUSED(db_run(db, "DELETE FROM t", BIND_NOTHING, &err), ERR_INTEGRITY, "store_constraint");
    assert_int_equal(count(db), 1);
    assert_false(db_run(db, "NO SQL AT ALL", BIND_NOTHING, &err));
    // "x" in double quotes is no text.
    assert_false(db_run(db, "INSERT INTO u(x) VALUES(\"b\")", BIND_NOTHING, &err));
}

enum { PAUSE = 300000 }; // microseconds

// In a child: holds the database from `ready` on until a moment after `release`.
static int hold(int ready, int release)
{
    char byte;
    struct db *mine = open_database();
    if (!db_begin_change(mine, &err) ||
        !db_run(mine, "INSERT INTO t(x) VALUES(7)", BIND_NOTHING, &err) ||
        write(ready, "r", 1) != 1 || read(release, &byte, 1) != 1)
        return 1;
    (void)usleep(PAUSE);
    bool done = db_commit(mine, &err);
    db_close(&mine);
    return done ? 0 : 2;
}

// Returns when the child holds the database. A connection must not be carried into it.
static pid_t start_holder(int *ret_release)
{
    int ready[2], release[2];
    char byte;
    db_close(&db);
    db_close(&second);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(hold(ready[1], release[0]));
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)close(release[0]);
    *ret_release = release[1];
    return child;
}

static void waits_for_its_turn(void **state)
{
    (void)state;
    int status, release;
    pid_t child = start_holder(&release);
    db = open_database();
    assert_int_equal(count(db), 0); // reading does not wait
    int64_t start = clock_now();
    assert_int_equal(write(release, "r", 1), 1);
    WORKS(db_begin_change(db, &err));
    assert_true(clock_now() - start >= PAUSE);
    assert_int_equal(count(db), 1);
    insert(db, 8);
    WORKS(db_commit(db, &err));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count(db), 2);
    (void)close(release);
}

// Many writers, each change a read and a write: none is lost, none fails.
static int write_many(int changes)
{
    struct db *mine = open_database();
    for (int i = 0; i < changes; i++) {
        if (!db_begin_change(mine, &err))
            return 1;
        insert(mine, count(mine) + 1);
        if (!db_commit(mine, &err))
            return 2;
    }
    db_close(&mine);
    return 0;
}

static void serves_many_writers(void **state)
{
    (void)state;
    enum { WRITERS = 6, CHANGES = 30 };
    pid_t children[WRITERS];
    int status;
    db_close(&db);
    db_close(&second);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(write_many(CHANGES));
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    db = open_database();
    assert_int_equal(count(db), WRITERS * CHANGES);
    struct stmt *stmt = NULL;
    WORKS(db_query(db, "SELECT count(DISTINCT x), max(x) FROM t", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    assert_int_equal(stmt_int(stmt, 0), WRITERS * CHANGES);
    assert_int_equal(stmt_int(stmt, 1), WRITERS * CHANGES);
    stmt_free(&stmt);
}

// A process killed in the middle of a change leaves nothing of it.
static void survives_a_killed_writer(void **state)
{
    (void)state;
    int status, release;
    pid_t child = start_holder(&release);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    db = open_database();
    WORKS(db_begin_change(db, &err));
    assert_int_equal(count(db), 0);
    insert(db, 1);
    WORKS(db_commit(db, &err));
    (void)close(release);
}

static void add_finding(void *context, struct view text)
{
    size_t *findings = (size_t *)context;
    assert_true(text.size > 0);
    (*findings)++;
}

static void checks_the_whole_file(void **state)
{
    (void)state;
    size_t findings = 0;
    WORKS(db_script(db, "CREATE TABLE u(t INTEGER REFERENCES t(n)); CREATE INDEX i ON t(x)", &err));
    insert(db, 1);
    WORKS(db_check(db, add_finding, &findings, &err));
    assert_int_equal(findings, 0);
    WORKS(db_script(db, "PRAGMA foreign_keys=OFF; INSERT INTO u VALUES(9), (8)", &err));
    WORKS(db_check(db, add_finding, &findings, &err));
    assert_int_equal(findings, 2);
}

static int64_t version_of(void)
{
    struct stmt *stmt = NULL;
    WORKS(db_query(db, "PRAGMA user_version", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    int64_t version = stmt_int(stmt, 0);
    stmt_free(&stmt);
    return version;
}

static void migrates_step_by_step(void **state)
{
    (void)state;
    static const char *const steps[] = {"CREATE TABLE a(x)", "ALTER TABLE a ADD COLUMN y",
                                        "INSERT INTO a VALUES(1, 2)"};
    static const char *const broken[] = {"CREATE TABLE a(x)", "ALTER TABLE a ADD COLUMN y",
                                         "INSERT INTO a VALUES(1, 2)",
                                         "INSERT INTO a VALUES(3, 4); NONSENSE"};
    WORKS(db_migrate(db, true, steps, 1, NULL, &err));
    assert_int_equal(version_of(), 1);
    WORKS(db_migrate(db, false, steps, 1, NULL, &err));
    WORKS(db_migrate(db, false, steps, 3, NULL, &err));
    assert_int_equal(version_of(), 3);
    WORKS(db_migrate(db, false, steps, 3, NULL, &err)); // each only once
    assert_false(db_migrate(db, false, broken, COUNT_OF(broken), NULL, &err));
    assert_int_equal(version_of(), 3);
    struct stmt *stmt = NULL;
    WORKS(db_query(db, "SELECT sum(x), count(*) FROM a", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    assert_int_equal(stmt_int(stmt, 0), 1);
    assert_int_equal(stmt_int(stmt, 1), 1);
    stmt_free(&stmt);
    REFUSED(db_migrate(db, false, steps, 2, NULL, &err), ERR_INTEGRITY, "store_from_future");
    REFUSED(db_migrate(db, true, steps, 2, NULL, &err), ERR_INTEGRITY, "store_from_future");
}

// Of the whole process, so the last test: whoever is about to end does not wait for others.
static void does_not_wait_when_it_ends(void **state)
{
    (void)state;
    struct db *other = open_database();
    WORKS(db_begin_change(other, &err));
    db_hurry(1300);
    db_hurry(60000); // the first counts
    assert_false(db_begin_change(db, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_non_null(strstr(err.message, "The store is busy: another command has held it for "));
    assert_null(strstr(err.message, " 1 seconds"));
    assert_null(strstr(err.message, "30"));  // it has not waited for so long
    assert_false(db_begin_change(db, &err)); // the time is over already: nor now
    assert_null(strstr(err.message, "30"));
    db_rollback(other);
    WORKS(db_begin_change(db, &err));
    db_rollback(db);
    db_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(binds_and_reads_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_empty_from_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uses_statements_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commits_for_others_to_see, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_changes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(returns_to_its_mark, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_one_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_broken_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_its_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(serves_many_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_a_killed_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_the_whole_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(migrates_step_by_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_wait_when_it_ends, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
