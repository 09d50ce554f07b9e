// test_db_version.c: no commit goes unseen, by whomever it was made and whatever became of the log.
#include "temp_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

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

static int64_t last(struct db *with)
{
    struct stmt *stmt = NULL;
    WORKS(db_query(with, "SELECT max(n) FROM t", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    int64_t number = stmt_int(stmt, 0);
    stmt_free(&stmt);
    return number;
}

static bool insert(struct db *with)
{
    return db_run(with, "INSERT INTO t(x) VALUES(randomblob(3000))", BIND_NOTHING, &err);
}

static bool same(struct db *with, struct db_version version)
{
    return db_version_equal(db_version(with), version);
}

// The log is moved into the database many times on the way.
static void sees_each_commit_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct db_version mine = db_version(db), other = db_version(second);
        assert_true(same(db, mine) && same(second, other));
        assert_true(db_version_equal(mine, other));
        WORKS(insert(i % 2 ? db : second));
        assert_false(same(db, mine));
        assert_false(same(second, other));
    }
    assert_true(db_version_is_shared(db) && db_version_is_shared(second));
    assert_int_equal(last(second), 1000);
}

static void stays_while_nothing_is_committed(void **state)
{
    (void)state;
    WORKS(insert(db));
    struct db_version version = db_version(second);
    assert_int_equal(last(second), 1);
    WORKS(db_begin_change(db, &err));
    WORKS(insert(db));
    assert_true(same(second, version));
    db_rollback(db);
    assert_true(same(second, version));
    WORKS(db_begin_change(db, &err));
    WORKS(insert(db));
    WORKS(db_commit(db, &err));
    assert_false(same(second, version));
}

static void sees_commits_around_checkpoints(void **state)
{
    (void)state;
    static const char *const checkpoints[] = {
        "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(FULL)",
        "PRAGMA wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)"};
    for (size_t i = 0; i < 100; i++) {
        struct db_version before = db_version(second);
        WORKS(insert(db));
        WORKS(db_script(db, checkpoints[i % COUNT_OF(checkpoints)], &err));
        assert_false(same(second, before));
        struct db_version after = db_version(second);
        WORKS(insert(db));
        assert_false(same(second, after) || same(second, before));
    }
    assert_int_equal(last(second), 200);
}

// In a child: a commit for each byte, answered when it has returned.
static int commit_on_demand(int demand, int answer)
{
    char byte;
    struct db *mine = open_database();
    while (read(demand, &byte, 1) == 1)
        if (!insert(mine) || write(answer, &byte, 1) != 1)
            return 1;
    db_close(&mine);
    return 0;
}

static void sees_other_processes(void **state)
{
    (void)state;
    int demand[2], answer[2], status;
    char byte = 0;
    db_close(&db);
    db_close(&second);
    assert_int_equal(pipe(demand), 0);
    assert_int_equal(pipe(answer), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(demand[1]);
        _exit(commit_on_demand(demand[0], answer[1]));
    }
    db = open_database();
    for (int i = 1; i <= 1000; i++) {
        struct db_version before = db_version(db);
        assert_int_equal(write(demand[1], &byte, 1), 1);
        assert_int_equal(read(answer[0], &byte, 1), 1);
        assert_false(same(db, before));
        if (i % 100 == 0)
            assert_int_equal(last(db), i);
    }
    (void)close(demand[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(demand[0]);
    (void)close(answer[0]);
    (void)close(answer[1]);
}

// An answer is never kept under the version of a later state: another thread watches the version of
// this connection, while a process writes.
struct watch {
    struct db *db;
    atomic_uint changes;
    atomic_bool over;
};

static void *watch(void *context)
{
    struct watch *watch = (struct watch *)context;
    struct db_version seen = db_version(watch->db);
    while (!watch->over) {
        struct db_version now = db_version(watch->db);
        watch->changes += !db_version_equal(seen, now);
        seen = now;
    }
    return NULL;
}

static void can_be_watched_by_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    struct watch watched = {.db = second};
    (void)db_version(second);
    assert_true(db_version_is_shared(second));
    assert_int_equal(pthread_create(&thread, NULL, watch, &watched), 0);
    for (int i = 0; i < 200 || (watched.changes == 0 && i < 100000); i++)
        WORKS(insert(db)); // on a busy machine the thread may come late
    watched.over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(watched.changes >= 1);
}

static void stamps_answers_truthfully(void **state)
{
    (void)state;
    enum { COMMITS = 400 };
    int status;
    db_close(&db);
    db_close(&second);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct db *mine = open_database();
        for (int i = 0; i < COMMITS; i++)
            if (!insert(mine))
                _exit(1);
        _exit(0);
    }
    db = open_database();
    struct db_version stamp = db_version(db);
    int64_t answer = last(db);
    for (int round = 0; answer < COMMITS && round < 1000000; round++) {
        struct db_version now = db_version(db);
        int64_t present = round % 8 == 0 ? last(db) : -1;
        // The version had not moved when it was read, so nothing that was committed before is
        // missing; what came between version and question may be there already.
        if (db_version_equal(now, stamp) && present >= 0 && same(db, now))
            assert_int_equal(present, answer);
        if (!db_version_equal(now, stamp)) {
            stamp = now;
            answer = last(db);
        }
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(last(db), COMMITS);
}

static void works_without_a_log(void **state)
{
    (void)state;
    db_close(&db);
    WORKS(db_script(second, "PRAGMA journal_mode=DELETE", &err));
    db = open_database();
    for (int i = 0; i < 20; i++) {
        struct db_version mine = db_version(db), other = db_version(second);
        assert_true(same(db, mine) && same(second, other));
        WORKS(insert(i % 2 ? db : second));
        assert_false(same(db, mine));
        assert_false(same(second, other));
    }
    assert_false(db_version_is_shared(db));
    assert_int_not_equal(access(path_of("test.db-shm"), F_OK), 0);
}

static void knows_whether_its_file_is_in_place(void **state)
{
    (void)state;
    char aside[200], other[200];
    (void)snprintf(aside, sizeof aside, "%s/aside", home);
    (void)snprintf(other, sizeof other, "%s/other", home);
    assert_true(db_is_in_place(db));
    WORKS(insert(second));
    assert_true(db_is_in_place(db));
    assert_int_equal(rename(path_of("test.db"), aside), 0);
    assert_false(db_is_in_place(db));
    assert_int_equal(rename(aside, path_of("test.db")), 0);
    assert_true(db_is_in_place(db));
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(link(path_of("test.db"), aside), 0);
    assert_int_equal(rename(other, path_of("test.db")), 0);
    assert_false(db_is_in_place(db));
    assert_int_equal(rename(aside, path_of("test.db")), 0);
    assert_true(db_is_in_place(db));
    assert_int_equal(unlink(path_of("test.db")), 0);
    assert_false(db_is_in_place(db));
}

// Taken away, or replaced by another file; a connection that shares the index knows it, too.
static void check_companion(const char *name)
{
    char aside[200], own[200];
    struct db *third = NULL;
    (void)snprintf(own, sizeof own, "%s", path_of(name));
    (void)snprintf(aside, sizeof aside, "%s/aside", home);
    (void)db_version(db);
    assert_true(db_is_in_place(db));
    assert_int_equal(rename(own, aside), 0);
    assert_false(db_is_in_place(db));
    REFUSED(db_begin_change(db, &err), ERR_IO, "store_replaced");
    REFUSED(db_begin_change(second, &err), ERR_IO, "store_replaced");
    FILE *file = fopen(own, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_false(db_is_in_place(db));
    if (db_open(path_of("test.db"), false, &third, &err)) { // what the index names may be missing
        (void)db_version(third);
        assert_false(db_is_in_place(third));
        db_close(&third);
    }
    assert_int_equal(rename(aside, own), 0);
    assert_true(db_is_in_place(db));
    WORKS(db_begin_change(db, &err));
    db_rollback(db);
}

static void knows_whether_its_log_is_in_place(void **state)
{
    (void)state;
    WORKS(insert(db));
    check_companion("test.db-wal");
    check_companion("test.db-shm");
    assert_int_equal(unlink(path_of("test.db-shm")), 0);
    assert_false(db_is_in_place(db));
    db_close(&db);
    db_close(&second);
    db = open_database();
    (void)db_version(db);
    assert_true(db_is_in_place(db));
    assert_int_equal(last(db), 1);
    WORKS(insert(db));
    db_empty_log(db); // is no replacement
    assert_true(db_is_in_place(db));
    WORKS(insert(db));
}

// Cut where it stands, and put back as it was.
static void check_cut(const char *name, off_t size)
{
    struct stat status;
    char own[200], aside[200], command[700];
    (void)snprintf(own, sizeof own, "%s", path_of(name));
    (void)snprintf(aside, sizeof aside, "%s/aside", home);
    assert_int_equal(stat(own, &status), 0);
    assert_true(status.st_size > size);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", own, aside);
    assert_int_equal(system(command), 0);
    assert_int_equal(truncate(own, size), 0);
    assert_false(db_is_in_place(db));
    (void)snprintf(command, sizeof command, "cat '%s' >'%s'", aside, own);
    assert_int_equal(system(command), 0);
    assert_true(db_is_in_place(db));
    assert_int_equal(last(db), 2);
}

static void knows_whether_its_log_was_cut(void **state)
{
    (void)state;
    struct stat status;
    WORKS(insert(db));
    WORKS(insert(db));
    (void)db_version(db);
    assert_true(db_is_in_place(db));
    assert_int_equal(stat(path_of("test.db-wal"), &status), 0);
    check_cut("test.db-wal", 0);
    check_cut("test.db-wal", status.st_size - 1);
    check_cut("test.db-shm", 0);
    check_cut("test.db-shm", 136); // the header is all there
    assert_int_equal(truncate(path_of("test.db-wal"), 0), 0);
    REFUSED(db_begin_change(db, &err), ERR_IO, "store_replaced");
}

// {0} is what no state has, also where nothing has been committed since the index was made.
static void gives_no_empty_version(void **state)
{
    (void)state;
    WORKS(insert(db));
    db_empty_log(db);
    db_close(&db);
    db_close(&second);
    db = open_database();
    assert_int_equal(last(db), 1);
    assert_false(same(db, (struct db_version){0}));
    assert_true(db_version_is_shared(db));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sees_each_commit_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stays_while_nothing_is_committed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sees_commits_around_checkpoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sees_other_processes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(can_be_watched_by_another_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stamps_answers_truthfully, set_up, tear_down),
        cmocka_unit_test_setup_teardown(works_without_a_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_whether_its_file_is_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_whether_its_log_is_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_whether_its_log_was_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_no_empty_version, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
