// test_upgrade.c: stores that older versions of this program have made, opened by the present one.
#include "temp_store.h"

#include "base/file.h"
#include "db/migrate.h"
#include "model/audit.h"
#include "model/config.h"
#include "model/health.h"
#include "model/schema.h"
#include "model/server.h"

// The tables of version 1 that are as they were, parents first.
#define FIRST_TABLES(X)                                                                            \
    X(meta)                                                                                        \
    X(keyring)                                                                                     \
    X(configs) X(projects) X(users) X(members) X(retired_keys) X(audit) X(audit_head)

static struct config first_config;
static char first_key[LIMIT_API_KEY + 1], second_key[LIMIT_API_KEY + 1];

static void fill(void)
{
    struct user user = new_user("alice@example.com");
    struct project project = new_project("alpha");
    bool changed;
    join(&project, &user);
    (void)new_key(&user, &project);
    memcpy(first_key, clear_text, sizeof first_key);
    (void)new_key(&user, &project);
    memcpy(second_key, clear_text, sizeof second_key);
    begin();
    WORKS(config_add(store, VIEW("first"), &first_config, &err));
    WORKS(project_set_config(store, &project, &first_config, &changed, &err));
    commit();
}

// What `store` holds, put into a database that only the first migration has made.
static void write_first_version(const char *path)
{
    struct db *db = NULL;
    char attach[300];
    (void)snprintf(attach, sizeof attach, "ATTACH '%s' AS source", path_of("store.db"));
    WORKS(db_open(path, true, &db, &err));
    WORKS(db_migrate(db, true, schema_migrations, 1, NULL, &err));
    WORKS(db_script(db, attach, &err));
#define COPY(table)                                                                                \
    WORKS(db_script(db, "INSERT INTO " #table " SELECT * FROM source." #table, &err));
    FIRST_TABLES(COPY)
    WORKS(db_script(db,
                    "INSERT INTO api_keys SELECT n, key_id, digest, sealed, masked, user, project,"
                    " name, created_at, expires_at, disabled_at, rotated_from, rotated_to,"
                    " last_used_at, use_count, mac FROM source.api_keys",
                    &err));
    WORKS(db_script(db, "DETACH source; PRAGMA journal_mode=WAL", &err));
    db_close(&db);
}

// The store as it was goes to kept.db, one of version 1 with the same content takes its place.
static void go_back_to_first_version(void)
{
    char old[200], present[200], kept[200];
    (void)snprintf(old, sizeof old, "%s", path_of("old.db"));
    (void)snprintf(present, sizeof present, "%s", path_of("store.db"));
    (void)snprintf(kept, sizeof kept, "%s", path_of("kept.db"));
    write_first_version(old);
    db_empty_log(store->db);
    store_free(&store);
    (void)unlink(path_of("store.db-wal"));
    (void)unlink(path_of("store.db-shm"));
    assert_int_equal(rename(present, kept), 0);
    assert_int_equal(rename(old, present), 0);
    assert_int_not_equal(access(path_of("old.db-wal"), F_OK), 0);
}

static int64_t version_of(const char *name)
{
    struct db *db = NULL;
    struct stmt *stmt = NULL;
    WORKS(db_open(path_of(name), false, &db, &err));
    WORKS(db_query(db, "PRAGMA user_version", BIND_NOTHING, &stmt, &err));
    assert_int_equal(stmt_step(stmt, &err), STEP_ROW);
    int64_t version = stmt_int(stmt, 0);
    stmt_free(&stmt);
    db_close(&db);
    return version;
}

static void assert_nothing_lost(void)
{
    script("ATTACH '%s' AS kept", path_of("kept.db"));
#define COMPARE(table)                                                                             \
    assert_int_equal(0, number_of("SELECT count(*) FROM (SELECT * FROM kept." #table               \
                                  " EXCEPT SELECT * FROM main." #table ")"));                      \
    assert_int_equal(0, number_of("SELECT count(*) FROM (SELECT * FROM main." #table               \
                                  " EXCEPT SELECT * FROM kept." #table ")"));
    FIRST_TABLES(COMPARE)
    COMPARE(api_keys)
    script("DETACH kept");
}

static void assert_healthy(void)
{
    struct health health;
    WORKS(health_check(store, &health, &err));
    assert_int_equal(health.issues.size, 0);
    assert_int_equal(health.users, 1);
    assert_int_equal(health.api_keys, 2);
    health_done(&health);
}

static void assert_shows(const char *text)
{
    struct api_key key = find_key(text);
    struct clear_key *clear = clear_key_new();
    bool shown = false;
    begin();
    WORKS(api_key_reveal(store, &key, clear, &shown, &err));
    commit();
    assert_true(shown && view_is(clear_key_view(clear), text));
    clear_key_free(&clear);
}

static void migrates_a_store_of_version_1(void **state)
{
    (void)state;
    fill();
    go_back_to_first_version();
    assert_int_equal(version_of("store.db"), 1);
    store = open_store();
    assert_int_equal(number_of("PRAGMA user_version"), (int64_t)schema_migration_count);
    assert_nothing_lost();
    assert_healthy();
    assert_shows(first_key);
    assert_shows(second_key);
}

// What version 1 did not know works, and so does opening the store once more.
static void works_on_after_the_migration(void **state)
{
    (void)state;
    const struct server_change change = {.server_name = VIEW("one"), .command = VIEW("sh")};
    struct config config;
    fill();
    go_back_to_first_version();
    store = open_store();
    WORKS(config_select(store, VIEW("first"), (struct view){NULL, 0}, &config, &err));
    assert_string_equal(config.config_id, first_config.config_id);
    begin();
    WORKS(server_add(store, &config, NULL, &change, &err));
    commit();
    store_free(&store);
    store = open_store();
    assert_int_equal(number_of("SELECT count(*) FROM servers"), 1);
    assert_healthy();
}

// What the third version showed of a server, it masks as the present one does; what was changed by
// hand stays to be noticed.
static void masks_anew_what_version_3_showed(void **state)
{
    (void)state;
    static const char old[] = "UPDATE servers SET record = replace(record, '\"jwt\":\"****\"',"
                              " '\"jwt\":\"%s\"') WHERE server_name = '%s'";
    struct json_value jwt = {.type = JSON_TEXT, .text = VIEW("canary"), .key = VIEW("jwt")};
    struct json_value oauth = {.type = JSON_OBJECT, .first = &jwt, .count = 1};
    struct server_change change = {
        .server_name = VIEW("one"), .command = VIEW("sh"), .oauth = &oauth};
    fill();
    begin();
    WORKS(server_add(store, &first_config, NULL, &change, &err));
    change.server_name = VIEW("two");
    WORKS(server_add(store, &first_config, NULL, &change, &err));
    commit();
    script(old, "canary", "one");
    script("UPDATE servers SET record = replace(record, 'sh', 'bash') WHERE server_name = 'two'");
    script("DROP TABLE kept_of; ALTER TABLE api_keys DROP COLUMN enabled_at;"
           "PRAGMA user_version = 3");
    assert_int_equal(number_of("SELECT count(*) FROM servers WHERE record LIKE '%canary%'"), 1);
    store_free(&store);
    store = open_store();
    assert_int_equal(number_of("PRAGMA user_version"), (int64_t)schema_migration_count);
    assert_int_equal(number_of("SELECT count(*) FROM servers WHERE record LIKE '%canary%'"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM servers WHERE record LIKE '%bash%'"), 1);
    struct health health;
    WORKS(health_check(store, &health, &err));
    assert_non_null(strstr(health.issues.data, "MCP servers whose records"));
    assert_non_null(strstr(health.issues.data, "program: 1, the first"));
    health_done(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(migrates_a_store_of_version_1, make_store, remove_home),
        cmocka_unit_test_setup_teardown(works_on_after_the_migration, make_store, remove_home),
        cmocka_unit_test_setup_teardown(masks_anew_what_version_3_showed, make_store, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
