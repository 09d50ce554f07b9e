// test_store.c: how a store comes into being and which files are refused as one.
#include "temp_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "file_replace.h"
#include "model/audit.h"
#include "vault/key_file.h"

enum { PROCESSES = 8 };

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void content_of(const char *name, struct buf *ret_content)
{
    buf_init(ret_content, 64 << 20);
    WORKS(file_read(path_of(name), ret_content, NULL, &err));
}

static void put_content(const char *name, struct view content)
{
    WORKS(file_replace(path_of(name), content, &err));
}

static void assert_same_content(const char *name, const struct buf *before)
{
    struct buf now;
    content_of(name, &now);
    assert_true(view_equal(buf_view(&now), buf_view(before)));
    buf_done(&now);
}

static void refuse_to_open(const struct store_config *config, enum err_kind kind, const char *code)
{
    struct store *opened = NULL;
    REFUSED(store_open(config, &opened, &err), kind, code);
    assert_null(opened);
}

static void refuse_home(enum err_kind kind, const char *code)
{
    refuse_to_open(&(struct store_config){.home = home}, kind, code);
}

static void makes_a_private_home(void **state)
{
    (void)state;
    static const char *const names[] = {"store.db", INDEX_KEY_FILE, MASTER_KEY_FILE};
    char deep[300];
    (void)snprintf(deep, sizeof deep, "%s/not/yet/there", home);
    const struct store_config config = {.home = deep};
    WORKS(store_open(&config, &store, &err));
    assert_string_equal(store->home, deep);
    assert_int_equal(mode_of(path_of("not")), 0700);
    assert_int_equal(mode_of(path_of("not/yet")), 0700);
    assert_int_equal(mode_of(deep), 0700);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "not/yet/there/%s", names[i]);
        assert_int_equal(mode_of(path_of(name)), 0600);
    }
    // Nothing else is left lying about but what SQLite keeps beside its database.
    char command[500];
    (void)snprintf(command, sizeof command,
                   "test \"$(ls -A %s | grep -vxE 'store.db(-wal|-shm)?' | tr '\\n' ' ')\" = "
                   "'index.key master.key '",
                   deep);
    assert_int_equal(system(command), 0);
    begin();
    script("INSERT INTO meta(name, value) VALUES('x', x'00')");
    commit();
    assert_int_equal(mode_of(path_of("not/yet/there/store.db-wal")), 0600);
    assert_int_equal(mode_of(path_of("not/yet/there/store.db-shm")), 0600);
}

static void keeps_its_data(void **state)
{
    (void)state;
    struct buf index, master;
    struct user user, found;
    store = open_store();
    assert_int_equal(number_of("SELECT count(*) FROM users"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM keyring"), 1);
    user = new_user("alice@example.com");
    content_of(INDEX_KEY_FILE, &index);
    content_of(MASTER_KEY_FILE, &master);
    store_free(&store);
    assert_null(store);
    store = open_store();
    WORKS(user_select(store, VIEW("alice@example.com"), (struct view){NULL, 0}, &found, &err));
    assert_string_equal(found.user_id, user.user_id);
    assert_int_equal(found.created_at, NOW);
    assert_int_equal(number_of("SELECT count(*) FROM keyring"), 1);
    assert_same_content(INDEX_KEY_FILE, &index);
    assert_same_content(MASTER_KEY_FILE, &master);
    buf_done(&index);
    buf_done(&master);
}

static void takes_another_place_for_the_database(void **state)
{
    (void)state;
    char url[300];
    (void)snprintf(url, sizeof url, "sqlite:%s/elsewhere.db", home);
    const struct store_config config = {.home = home, .url = url};
    WORKS(store_open(&config, &store, &err));
    assert_string_equal(store->path, url + strlen("sqlite:"));
    assert_int_equal(mode_of(path_of("elsewhere.db")), 0600);
    assert_int_equal(access(path_of("store.db"), F_OK), -1);
    store_free(&store);
    // Whoever forgets to say where it is gets no second one.
    refuse_home(ERR_INTEGRITY, "store_incomplete");
    assert_int_equal(access(path_of("store.db"), F_OK), -1);
}

static void serves_a_second_store(void **state)
{
    (void)state;
    char url[300];
    (void)snprintf(url, sizeof url, "sqlite:%s/elsewhere.db", home);
    store = open_store();
    store_free(&store);
    // The same key files, a data key of its own.
    WORKS(store_open(&(struct store_config){.home = home, .url = url}, &store, &err));
    assert_int_equal(mode_of(path_of("elsewhere.db")), 0600);
}

static void refuses_other_places(void **state)
{
    (void)state;
    static const char *const urls[] = {"sqlite:",     "sqlite",  "store.db",
                                       "/tmp/x.db",   "mysql:x", "postgresql://localhost/x",
                                       "postgres://", "SQLITE:x"};
    static char path[LIMIT_PATH + 10];
    for (size_t i = 0; i < COUNT_OF(urls); i++)
        refuse_to_open(&(struct store_config){.home = home, .url = urls[i]}, ERR_USAGE,
                       "store_unsupported");
    memset(path, 'x', sizeof path - 1);
    memcpy(path, "sqlite:/", 8);
    for (size_t size = sizeof path - 1; size > LIMIT_PATH - 9; size--) {
        path[size] = '\0';
        refuse_to_open(&(struct store_config){.home = home, .url = path}, ERR_USAGE,
                       "path_too_long");
        refuse_to_open(&(struct store_config){.home = path + 7}, ERR_USAGE, "path_too_long");
    }
    refuse_to_open(&(struct store_config){.home = "/dev/null/x"}, ERR_IO, "file_error");
    refuse_to_open(&(struct store_config){.home = "/dev/null"}, ERR_IO, "file_error");
}

static void makes_none_when_told_so(void **state)
{
    (void)state;
    char missing[300];
    (void)snprintf(missing, sizeof missing, "%s/missing", home);
    refuse_to_open(&(struct store_config){.home = missing, .must_exist = true}, ERR_NOT_FOUND,
                   "store_not_found");
    assert_int_equal(access(missing, F_OK), -1);
    refuse_to_open(&(struct store_config){.home = home, .must_exist = true}, ERR_NOT_FOUND,
                   "store_not_found");
    assert_int_equal(access(path_of(INDEX_KEY_FILE), F_OK), -1);
    store = open_store();
    store_free(&store);
    WORKS(store_open(&(struct store_config){.home = home, .must_exist = true}, &store, &err));
}

// In a child: opens the store and writes into it.
static int open_and_write(int number)
{
    char email[40];
    struct user user;
    (void)snprintf(email, sizeof email, "user%d@example.com", number);
    const struct store_config config = {.home = home};
    if (!store_open(&config, &store, &err))
        return 1;
    store->now = NOW;
    bool done = db_begin_change(store->db, &err) &&
                user_create(store, view_of(email), &user, &err) && store_unlock(store, &err) &&
                db_run(store->db, "INSERT INTO meta(name, value) SELECT ?, wrapped FROM keyring",
                       BIND(v_text(email)), &err) &&
                db_commit(store->db, &err);
    store_free(&store);
    return done ? 0 : 2;
}

// While the home is locked, all of them come to find that there is no store yet.
static void start_many(pid_t children[PROCESSES])
{
    int lock = open(home, O_RDONLY | O_DIRECTORY);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(open_and_write(i));
    }
    (void)usleep(100000);
    assert_int_equal(access(path_of("store.db"), F_OK), -1);
    assert_int_equal(flock(lock, LOCK_UN), 0);
    (void)close(lock);
}

static void makes_one_store_for_many(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        pid_t children[PROCESSES];
        int status;
        start_many(children);
        for (int i = 0; i < PROCESSES; i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        struct audit_report report;
        store = open_store();
        assert_int_equal(number_of("SELECT count(*) FROM users"), PROCESSES);
        assert_int_equal(number_of("SELECT count(*) FROM keyring"), 1);
        // All of them saw the same data key, and it is still there.
        assert_int_equal(number_of("SELECT count(*) FROM meta JOIN keyring ON value = wrapped"),
                         PROCESSES);
        WORKS(audit_verify(store, &report, &err));
        assert_null(report.reason);
        assert_int_equal(report.records, PROCESSES);
        assert_int_equal(access(path_of("store.db.new"), F_OK), -1);
        assert_int_equal(remove_home(NULL), 0);
        assert_int_equal(make_home(NULL), 0);
    }
}

// What a crash left of an unfinished store is no store.
static void starts_anew_after_a_crash(void **state)
{
    (void)state;
    put_content("store.db.new", VIEW("half a database"));
    put_content("store.db.new-journal", VIEW("a journal"));
    put_content("store.db.new-wal", VIEW("a log"));
    put_content(INDEX_KEY_FILE, VIEW("a key file that is kept as it is"));
    store = open_store();
    assert_int_equal(number_of("SELECT count(*) FROM meta"), 1);
    assert_int_equal(access(path_of("store.db.new"), F_OK), -1);
    assert_int_equal(access(path_of("store.db.new-journal"), F_OK), -1);
    assert_int_equal(access(path_of("store.db.new-wal"), F_OK), -1);
}

static void remove_database(void)
{
    assert_int_equal(unlink(path_of("store.db")), 0);
    (void)unlink(path_of("store.db-wal"));
    (void)unlink(path_of("store.db-shm"));
}

// A store whose database has gone is not begun anew beside its key files, be it one of them.
static void makes_none_beside_old_key_files(void **state)
{
    (void)state;
    static const char *const left[] = {MASTER_KEY_FILE, INDEX_KEY_FILE};
    store = open_store();
    store_free(&store);
    remove_database();
    refuse_home(ERR_INTEGRITY, "store_incomplete");
    for (size_t i = 0; i < COUNT_OF(left); i++)
        assert_non_null(strstr(err.message, path_of(left[i])));
    for (size_t i = 0; i < COUNT_OF(left); i++) {
        assert_int_equal(access(path_of("store.db"), F_OK), -1);
        assert_int_equal(access(path_of("store.db.new"), F_OK), -1);
        assert_int_equal(unlink(path_of(left[i])), 0);
        if (i == 0)
            refuse_home(ERR_INTEGRITY, "store_incomplete");
    }
    store = open_store();
}

static void make_database(const char *sql)
{
    struct db *db = NULL;
    WORKS(db_open(path_of("store.db"), true, &db, &err));
    WORKS(db_script(db, sql, &err));
    db_close(&db);
}

static void refuses_a_store_from_the_future(void **state)
{
    (void)state;
    struct buf before;
    store = open_store();
    script("PRAGMA user_version=99");
    script("PRAGMA wal_checkpoint(TRUNCATE)");
    store_free(&store);
    content_of("store.db", &before);
    refuse_home(ERR_INTEGRITY, "store_from_future");
    assert_non_null(strstr(err.message, "its format is 99, this program knows up to "));
    assert_same_content("store.db", &before);
    buf_done(&before);
    remove_database();
    make_database("PRAGMA application_id=0x534d4773; PRAGMA user_version=-1");
    refuse_home(ERR_INTEGRITY, "store_from_future");
}

static void refuses_other_programs_databases(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "PRAGMA application_id=1; CREATE TABLE t(a)", "PRAGMA user_version=1; CREATE TABLE t(a)",
        "PRAGMA application_id=1397573492; PRAGMA user_version=1", // one off
    };
    store = open_store(); // the key files
    store_free(&store);
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct buf before;
        remove_database();
        make_database(scripts[i]);
        content_of("store.db", &before);
        refuse_home(ERR_INTEGRITY, "store_foreign");
        assert_same_content("store.db", &before);
        buf_done(&before);
    }
}

static void refuses_damaged_files(void **state)
{
    (void)state;
    struct buf whole;
    store = open_store();
    script("PRAGMA wal_checkpoint(TRUNCATE)");
    store_free(&store);
    content_of("store.db", &whole);

    put_content("store.db", VIEW(""));
    refuse_home(ERR_INTEGRITY, "store_corrupt");
    put_content("store.db", VIEW("This is a text, not a database. It is long enough for a header, "
                                 "and for the rest of what would stand in front of one."));
    refuse_home(ERR_INTEGRITY, "store_corrupt");
    memset(whole.data + 200, 0xff, whole.size - 200);
    put_content("store.db", buf_view(&whole));
    refuse_home(ERR_INTEGRITY, "store_corrupt");
    buf_done(&whole);

    remove_database();
    assert_int_equal(mkdir(path_of("store.db"), 0700), 0);
    refuse_home(ERR_IO, "store_unwritable");
}

static void refuses_wrong_key_files(void **state)
{
    (void)state;
    struct buf index, master;
    store = open_store();
    store_free(&store);
    content_of(INDEX_KEY_FILE, &index);
    content_of(MASTER_KEY_FILE, &master);

    put_content(INDEX_KEY_FILE, buf_view(&master));
    refuse_home(ERR_INTEGRITY, "wrong_index_key");
    assert_int_equal(unlink(path_of(INDEX_KEY_FILE)), 0);
    refuse_home(ERR_INTEGRITY, "key_file_missing");
    assert_int_equal(access(path_of(INDEX_KEY_FILE), F_OK), -1); // no new one is made
    put_content(INDEX_KEY_FILE, buf_view(&index));
    assert_int_equal(chmod(path_of(INDEX_KEY_FILE), 0644), 0);
    refuse_home(ERR_INTEGRITY, "key_file_exposed");
    assert_int_equal(chmod(path_of(INDEX_KEY_FILE), 0600), 0);

    // Without master.key, or with another, a store opens: only showing is lost.
    put_content(MASTER_KEY_FILE, buf_view(&index));
    store = open_store();
    REFUSED(store_unlock(store, &err), ERR_INTEGRITY, "wrong_master_key");
    store_free(&store);
    assert_int_equal(unlink(path_of(MASTER_KEY_FILE)), 0);
    store = open_store();
    REFUSED(store_unlock(store, &err), ERR_INTEGRITY, "key_file_missing");
    put_content(MASTER_KEY_FILE, buf_view(&master));
    WORKS(store_unlock(store, &err));
    WORKS(store_unlock(store, &err));
    buf_done(&index);
    buf_done(&master);
}

static void misses_its_data_key(void **state)
{
    (void)state;
    store = open_store();
    script("DELETE FROM keyring");
    REFUSED(store_unlock(store, &err), ERR_INTEGRITY, "store_corrupt");
    script("DELETE FROM meta");
    store_free(&store);
    refuse_home(ERR_INTEGRITY, "wrong_index_key");
}

static void reads_numbers(void **state)
{
    (void)state;
    int64_t number = 77;
    store = open_store();
    assert_int_equal(number_of("SELECT 42, 43 UNION ALL SELECT 44, 45"), 42);
    assert_int_equal(number_of("SELECT 9223372036854775807"), INT64_MAX);
    assert_int_equal(number_of("SELECT n FROM users"), 0);
    assert_int_equal(number_of("SELECT NULL"), 0);
    WORKS(store_number(store, "SELECT ? + ?", BIND(v_int(40), v_int(2)), &number, &err));
    assert_int_equal(number, 42);
    assert_false(store_number(store, "SELECT nothing FROM nowhere", BIND_NOTHING, &number, &err));
    assert_int_equal(number, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_a_private_home, make_home, remove_home),
        cmocka_unit_test_setup_teardown(keeps_its_data, make_home, remove_home),
        cmocka_unit_test_setup_teardown(takes_another_place_for_the_database, make_home,
                                        remove_home),
        cmocka_unit_test_setup_teardown(serves_a_second_store, make_home, remove_home),
        cmocka_unit_test_setup_teardown(refuses_other_places, make_home, remove_home),
        cmocka_unit_test_setup_teardown(makes_none_when_told_so, make_home, remove_home),
        cmocka_unit_test_setup_teardown(makes_one_store_for_many, make_home, remove_home),
        cmocka_unit_test_setup_teardown(starts_anew_after_a_crash, make_home, remove_home),
        cmocka_unit_test_setup_teardown(makes_none_beside_old_key_files, make_home, remove_home),
        cmocka_unit_test_setup_teardown(refuses_a_store_from_the_future, make_home, remove_home),
        cmocka_unit_test_setup_teardown(refuses_other_programs_databases, make_home, remove_home),
        cmocka_unit_test_setup_teardown(refuses_damaged_files, make_home, remove_home),
        cmocka_unit_test_setup_teardown(refuses_wrong_key_files, make_home, remove_home),
        cmocka_unit_test_setup_teardown(misses_its_data_key, make_home, remove_home),
        cmocka_unit_test_setup_teardown(reads_numbers, make_home, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
