// test_model_audit.c: the chain of audit records, and every way to damage it.
#include "temp_store.h"

#include "model/audit.h"

// After set_up: store and twelve records.
enum { RECORDS = 12 };

static struct user alice;
static struct project team;

static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    struct user bob = new_user("bob@example.com");
    alice = new_user("alice@example.com");
    team = new_project("Team");
    join(&team, &alice);
    join(&team, &bob);
    struct api_key key = new_key(&alice, &team);
    struct config config;
    bool changed;
    begin();
    WORKS(api_key_set_enabled(store, &key, false, &err));
    WORKS(config_add(store, VIEW("prod"), &config, &err));
    WORKS(project_set_config(store, &team, &config, &changed, &err));
    WORKS(project_rename(store, &team, VIEW("Core \"Team\""), &err));
    WORKS(user_set_email(store, &bob, VIEW("robert@example.com"), &err));
    WORKS(api_key_delete(store, &key, &err));
    commit();
    return 0;
}

static struct audit_report verify(void)
{
    struct audit_report report = {.records = -1};
    WORKS(audit_verify(store, &report, &err));
    return report;
}

static void assert_intact(int64_t records)
{
    struct audit_report report = verify();
    if (report.reason)
        fail_msg("record %lld: %s", (long long)report.broken_at, report.reason);
    assert_int_equal(report.broken_at, 0);
    assert_int_equal(report.records, records);
}

static void assert_broken(int64_t seq, const char *what)
{
    struct audit_report report = verify();
    if (!report.reason)
        fail_msg("not noticed: %s", what);
    if (report.broken_at != seq)
        fail_msg("%s: reported at %lld, not %lld: %s", what, (long long)report.broken_at,
                 (long long)seq, report.reason);
}

// One more change, in a transaction of its own.
static void change(const char *email)
{
    (void)new_user(email);
}

static void grows_without_a_break(void **state)
{
    (void)state;
    assert_intact(RECORDS);
    struct audit_report before = verify();
    for (int i = 0; i < 50; i++) {
        char email[40];
        (void)snprintf(email, sizeof email, "user%d@example.com", i);
        change(email);
    }
    assert_intact(RECORDS + 50);
    struct audit_report after = verify();
    assert_memory_not_equal(before.head, after.head, VAULT_DIGEST);
    struct audit_report again = verify();
    assert_memory_equal(again.head, after.head, VAULT_DIGEST);
    store_free(&store);
    store = open_store();
    change("later@example.com");
    assert_intact(RECORDS + 51);
    // What was rolled back leaves no trace.
    begin();
    struct user user;
    WORKS(user_create(store, VIEW("nobody@example.com"), &user, &err));
    db_rollback(store->db);
    assert_intact(RECORDS + 51);
}

static void an_empty_chain_is_intact(void **state)
{
    (void)state;
    store_free(&store);
    assert_int_equal(remove_home(NULL), 0);
    assert_int_equal(make_store(NULL), 0);
    assert_intact(0);
    script("DELETE FROM audit_head");
    struct audit_report report = verify();
    assert_non_null(report.reason);
}

static void records_hold_what_happened(void **state)
{
    (void)state;
    struct stmt *stmt = NULL;
    struct audit_record record;
    WORKS(audit_query(store, &(struct audit_filter){0}, &stmt, &err));
    for (int64_t seq = 1; seq <= RECORDS; seq++) {
        assert_int_equal(audit_next(stmt, &record, &err), STEP_ROW);
        assert_int_equal(record.seq, seq);
        assert_int_equal(record.at, NOW);
        assert_true(view_is(record.actor, "uid:0") && view_is(record.command, "test run"));
        assert_true(view_is(record.outcome, "done"));
        if (seq == 1) {
            assert_true(view_is(record.action, "user.create"));
            assert_true(view_is(record.detail, "{\"email\":\"bob@example.com\"}"));
            assert_null(record.project_id.data);
        }
        if (seq == 10) {
            assert_true(view_is(record.action, "project.rename"));
            assert_true(view_is(record.project_id, team.project_id));
            assert_true(view_is(record.detail, "{\"project_name\":\"Core \\\"Team\\\"\","
                                               "\"previous_name\":\"Team\"}"));
        }
        if (seq == RECORDS) {
            assert_true(view_is(record.action, "api_key.delete"));
            assert_true(view_is(record.user_id, alice.user_id));
            assert_true(text_is_uuid(record.key_id) && !record.detail.data);
        }
    }
    assert_int_equal(audit_next(stmt, &record, &err), STEP_END);
    stmt_free(&stmt);
}

static int64_t count_found(const struct audit_filter *filter)
{
    struct stmt *stmt = NULL;
    struct audit_record record;
    int64_t found = 0;
    enum step step;
    WORKS(audit_query(store, filter, &stmt, &err));
    while ((step = audit_next(stmt, &record, &err)) == STEP_ROW)
        found++;
    assert_int_equal(step, STEP_END);
    stmt_free(&stmt);
    return found;
}

static void filters_records(void **state)
{
    (void)state;
    store->now = NOW + TIME_DAY;
    change("late@example.com");
#define FOUND(...) count_found(&(struct audit_filter){__VA_ARGS__})
    assert_int_equal(FOUND(0), RECORDS + 1);
    assert_int_equal(FOUND(.since = NOW), RECORDS + 1);
    assert_int_equal(FOUND(.since = NOW + 1), 1);
    assert_int_equal(FOUND(.since = NOW + TIME_DAY), 1);
    assert_int_equal(FOUND(.since = NOW + TIME_DAY + 1), 0);
    assert_int_equal(FOUND(.after = 10), 3);
    assert_int_equal(FOUND(.limit = 5), 5);
    assert_int_equal(FOUND(.after = 10, .limit = 2), 2);
    assert_int_equal(FOUND(.actor = VIEW("uid:0")), RECORDS + 1);
    assert_int_equal(FOUND(.actor = VIEW("uid:1")), 0);
    assert_int_equal(FOUND(.action = VIEW("user.create")), 3);
    assert_int_equal(FOUND(.action = VIEW("user")), 0);
    assert_int_equal(FOUND(.target = view_of(alice.user_id)), 5);
    assert_int_equal(FOUND(.target = view_of(team.project_id)), 8);
    assert_int_equal(FOUND(.target = VIEW("00000000-0000-4000-8000-000000000000")), 0);
    assert_int_equal(FOUND(.target = view_of(alice.user_id), .action = VIEW("project.add_user")),
                     1);
}

// One edit or more for each column; a new column must be put here.
static const struct {
    const char *column, *edit;
} edits[] = {
    {"seq", NULL}, // see below
    {"at", "at + 1"},
    {"at", "0"},
    {"actor", "'uid:1'"},
    {"actor", "''"},
    {"action", "'user.get'"},
    {"action", "'audit.chain_broken'"},
    {"command", "command || ' '"},
    {"outcome", "'refused'"},
    {"user_id", "CASE WHEN user_id IS NULL THEN '' END"},
    {"user_id", "'00000000-0000-4000-8000-000000000000'"},
    {"project_id", "CASE WHEN project_id IS NULL THEN '' END"},
    {"config_id", "CASE WHEN config_id IS NULL THEN '' END"},
    {"key_id", "CASE WHEN key_id IS NULL THEN '' END"},
    {"key_id", "'00000000-0000-4000-8000-000000000000'"},
    {"detail", "CASE WHEN detail IS NULL THEN '{}' END"},
    {"detail", "coalesce(detail, '') || ' '"},
    {"mac", "randomblob(32)"},
    {"mac", "zeroblob(32)"},
    {"mac", "x''"},
    {"mac", "mac || x'00'"},
    {"mac", "(SELECT mac FROM audit a WHERE a.seq = audit.seq % 12 + 1)"},
};

static void every_edit_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(number_of("SELECT count(*) FROM pragma_table_info('audit')"), 12);
    size_t columns = 0;
    for (size_t i = 0; i < COUNT_OF(edits); i++)
        columns += i == 0 || strcmp(edits[i].column, edits[i - 1].column) != 0;
    assert_int_equal(columns, 12);
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        for (int seq = 1; seq <= RECORDS && edits[i].edit; seq++) {
            begin();
            script("UPDATE audit SET %s = %s WHERE seq = %d", edits[i].column, edits[i].edit, seq);
            assert_broken(seq, edits[i].edit);
            db_rollback(store->db);
        }
    }
    assert_intact(RECORDS);
}

// What moves from one field to its neighbour leaves the text as a whole the same.
static void fields_are_kept_apart(void **state)
{
    (void)state;
    begin();
    script("UPDATE audit SET user_id = project_id, project_id = user_id WHERE seq = 4");
    assert_broken(4, "ids exchanged");
    db_rollback(store->db);
    begin();
    script("UPDATE audit SET actor = 'uid:0user', action = '.create' WHERE seq = 1");
    assert_broken(1, "text shifted");
    db_rollback(store->db);
    begin();
    script("UPDATE audit SET key_id = user_id, user_id = NULL WHERE seq = 6");
    assert_broken(6, "id moved");
    db_rollback(store->db);
}

static void removals_are_noticed(void **state)
{
    (void)state;
    for (int seq = 1; seq < RECORDS; seq++) {
        begin();
        script("DELETE FROM audit WHERE seq = %d", seq);
        assert_broken(seq + 1, "one removed");
        assert_string_equal(verify().reason, "records before it were removed");
        // Closing the gap does not help.
        script("UPDATE audit SET seq = -seq WHERE seq > %d", seq);
        script("UPDATE audit SET seq = -seq - 1 WHERE seq < 0");
        assert_broken(seq, "one removed, the others moved up");
        db_rollback(store->db);
    }
    begin();
    script("DELETE FROM audit WHERE seq BETWEEN 4 AND 9");
    assert_broken(10, "some removed");
    db_rollback(store->db);
}

static void a_cut_tail_is_noticed(void **state)
{
    (void)state;
    for (int kept = 1; kept < RECORDS; kept++) {
        begin();
        script("DELETE FROM audit WHERE seq > %d", kept);
        assert_broken(kept, "tail cut");
        assert_string_equal(verify().reason, "records after it were removed");
        db_rollback(store->db);
    }
    begin();
    script("DELETE FROM audit");
    assert_non_null(verify().reason);
    assert_int_equal(verify().records, 0);
    db_rollback(store->db);
}

static void insertions_are_noticed(void **state)
{
    (void)state;
    static const char columns[] =
        "at, actor, action, command, outcome, user_id, project_id, config_id, key_id, detail, mac";
    begin();
    script("INSERT INTO audit(seq, %s) SELECT 13, %s FROM audit WHERE seq = 12", columns, columns);
    assert_broken(13, "the last one twice");
    db_rollback(store->db);
    begin();
    script("INSERT INTO audit(seq, %s) SELECT 14, %s FROM audit WHERE seq = 12", columns, columns);
    assert_broken(14, "one after a gap");
    db_rollback(store->db);
    begin();
    script("UPDATE audit SET seq = -seq - 1 WHERE seq > 6");
    script("UPDATE audit SET seq = -seq WHERE seq < 0");
    assert_broken(8, "a gap made");
    script("INSERT INTO audit(seq, %s) SELECT 7, %s FROM audit WHERE seq = 6", columns, columns);
    assert_broken(7, "one put between");
    db_rollback(store->db);
    begin(); // two change places
    script("UPDATE audit SET seq = 99 WHERE seq = 5");
    script("UPDATE audit SET seq = 5 WHERE seq = 6");
    script("UPDATE audit SET seq = 6 WHERE seq = 99");
    assert_broken(5, "two exchanged");
    db_rollback(store->db);
    begin();
    script("UPDATE audit SET seq = 99 WHERE seq = 12");
    assert_broken(99, "the last one moved");
    db_rollback(store->db);
}

static void another_seal_is_noticed(void **state)
{
    (void)state;
    static const char *const tries[] = {
        "UPDATE audit_head SET seal = randomblob(32)",
        "UPDATE audit_head SET seal = zeroblob(32)",
        "UPDATE audit_head SET seal = x''",
        "UPDATE audit_head SET seal = seal || x'00'",
        "UPDATE audit_head SET seal = (SELECT mac FROM audit WHERE seq = 12)",
        "DELETE FROM audit_head",
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        begin();
        script("%s", tries[i]);
        assert_broken(RECORDS, tries[i]);
        db_rollback(store->db);
    }
    // The seal of an older end fits nothing but that end: then the head is an older one, too.
    struct audit_report older = verify();
    script("CREATE TEMP TABLE kept AS SELECT seal FROM audit_head");
    change("new@example.com");
    assert_intact(RECORDS + 1);
    begin();
    script("UPDATE audit_head SET seal = (SELECT seal FROM kept)");
    assert_broken(RECORDS + 1, "an older seal");
    script("DELETE FROM audit WHERE seq > 12");
    assert_intact(RECORDS);
    assert_memory_equal(verify().head, older.head, VAULT_DIGEST);
    db_rollback(store->db);
}

// A record of another history of the same store, genuine in itself, does not fit into this one.
static void histories_cannot_be_mixed(void **state)
{
    (void)state;
    script("CREATE TEMP TABLE a AS SELECT * FROM audit;"
           "CREATE TEMP TABLE h AS SELECT * FROM audit_head");
    change("first@example.com");
    change("second@example.com");
    script("CREATE TEMP TABLE other AS SELECT * FROM audit WHERE seq > 12");
    script("DELETE FROM audit; INSERT INTO audit SELECT * FROM a;"
           "DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM h");
    change("third@example.com");
    change("fourth@example.com");
    change("fifth@example.com");
    assert_intact(RECORDS + 3);
    begin();
    script("DELETE FROM audit WHERE seq = 13; INSERT INTO audit SELECT * FROM other WHERE seq=13");
    assert_broken(14, "the first one of another history"); // it follows 12 rightly
    db_rollback(store->db);
    begin();
    script("DELETE FROM audit WHERE seq = 14; INSERT INTO audit SELECT * FROM other WHERE seq=14");
    assert_broken(14, "a later one of another history");
    db_rollback(store->db);
    begin();
    script("DELETE FROM audit WHERE seq > 12; INSERT INTO audit SELECT * FROM other");
    assert_broken(14, "another history as a whole, with this one's seal");
    db_rollback(store->db);
}

// A change after the damage is made all the same; but first the damage is written down, and is
// reported ever after.
static void damage_is_never_papered_over(void **state)
{
    (void)state;
    script("DELETE FROM audit WHERE seq > 8");
    assert_broken(8, "tail cut");
    change("after@example.com");
    assert_int_equal(number_of("SELECT count(*) FROM users"), 3);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), 10);
    assert_int_equal(number_of("SELECT seq FROM audit WHERE action = 'audit.chain_broken'"), 9);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE seq = 9 AND outcome = 'integrity'"
                               " AND user_id IS NULL AND command = 'test run'"),
                     1);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE seq = 10 AND action ="
                               " 'user.create'"),
                     1);
    for (int i = 0; i < 5; i++) {
        char email[40];
        assert_broken(9, "the marker");
        (void)snprintf(email, sizeof email, "later%d@example.com", i);
        change(email);
    }
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE action = 'audit.chain_broken'"),
                     1);
    // The marker itself can neither be changed nor removed.
    begin();
    script("UPDATE audit SET action = 'user.create' WHERE seq = 9");
    assert_broken(9, "the marker changed");
    db_rollback(store->db);
    begin();
    script("DELETE FROM audit WHERE seq = 9");
    assert_broken(10, "the marker removed");
    db_rollback(store->db);
}

static void every_damage_to_the_end_is_marked(void **state)
{
    (void)state;
    static const char *const tries[] = {
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 12",
        "DELETE FROM audit_head",
        "DELETE FROM audit; DELETE FROM audit_head",
        "UPDATE audit_head SET seal = randomblob(32)",
        "UPDATE audit SET mac = randomblob(32) WHERE seq = 12",
        "UPDATE audit SET seq = 20 WHERE seq = 12",
        ("INSERT INTO audit SELECT 13, at, actor, action, command, outcome, user_id, project_id,"
         " config_id, key_id, detail, mac FROM audit WHERE seq = 12"),
    };
    script("CREATE TEMP TABLE a AS SELECT * FROM audit;"
           "CREATE TEMP TABLE h AS SELECT * FROM audit_head");
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        char email[40];
        script("%s", tries[i]);
        (void)snprintf(email, sizeof email, "user%zu@example.com", i);
        change(email);
        if (number_of("SELECT count(*) FROM audit WHERE action = 'audit.chain_broken'") != 1)
            fail_msg("not marked: %s", tries[i]);
        assert_non_null(verify().reason);
        script("DELETE FROM audit; INSERT INTO audit SELECT * FROM a; DELETE FROM audit_head;"
               "INSERT INTO audit_head SELECT * FROM h");
        assert_intact(RECORDS);
    }
}

// Without index.key nobody can make or check a chain.
static void chains_are_keyed(void **state)
{
    (void)state;
    script("UPDATE audit SET mac = zeroblob(32)");
    script("UPDATE audit_head SET seal = zeroblob(32)");
    assert_broken(1, "all macs set to zero");
    uint8_t key[32] = {1};
    FILE *file = fopen(path_of("index.key"), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(key, 1, sizeof key, file), sizeof key);
    assert_int_equal(fclose(file), 0);
    struct vault *vault = NULL;
    WORKS(vault_open(home, false, &vault, &err));
    struct vault *own = store->vault;
    store->vault = vault;
    assert_broken(1, "another index.key");
    store->vault = own;
    vault_free(&vault);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(grows_without_a_break),
        CASE(an_empty_chain_is_intact),
        CASE(records_hold_what_happened),
        CASE(filters_records),
        CASE(every_edit_is_noticed),
        CASE(fields_are_kept_apart),
        CASE(removals_are_noticed),
        CASE(a_cut_tail_is_noticed),
        CASE(insertions_are_noticed),
        CASE(another_seal_is_noticed),
        CASE(histories_cannot_be_mixed),
        CASE(damage_is_never_papered_over),
        CASE(every_damage_to_the_end_is_marked),
        CASE(chains_are_keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
