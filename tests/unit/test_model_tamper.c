// test_model_tamper.c: rows of API keys that were edited behind the program's back.
#include "temp_store.h"

#include "model/health.h"

static struct user alice, bob;
static struct project team, other;
static struct api_key key, second;

// Both users are in both projects, so that every combination is a membership.
static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    alice = new_user("alice@example.com");
    bob = new_user("bob@example.com");
    team = new_project("Team");
    other = new_project("Other");
    join(&team, &alice);
    join(&other, &alice);
    join(&team, &bob);
    join(&other, &bob);
    key = make_key(&(struct key_order){
        .user = &alice, .project = &team, .name = VIEW("laptop"), .expires_at = NOW + TIME_DAY});
    second = new_key(&bob, &other);
    return 0;
}

// The key in the row, whatever became of its names.
static struct api_key key_in_row(int64_t n)
{
    struct stmt *stmt = NULL;
    struct api_key found = {0};
    WORKS(api_key_query(store, (struct key_scope){.after = n - 1}, &stmt, &err));
    assert_int_equal(api_key_next(store, stmt, &found, &err), STEP_ROW);
    assert_int_equal(found.n, n);
    stmt_free(&stmt);
    return found;
}

static void refuse_changes(struct api_key *found)
{
    struct key_rotation rotation;
    struct clear_key *clear = clear_key_new();
    bool shown = true;
    assert_int_equal(found->status, KEY_TAMPERED);
    assert_non_null(clear);
    REFUSED(api_key_set_enabled(store, found, true, &err), ERR_INTEGRITY, "key_tampered");
    REFUSED(api_key_set_enabled(store, found, false, &err), ERR_INTEGRITY, "key_tampered");
    REFUSED(api_key_update(store, found, &err), ERR_INTEGRITY, "key_tampered");
    REFUSED(api_key_rotate(store, found, 0, clear, &rotation, &err), ERR_INTEGRITY, "key_tampered");
    REFUSED(api_key_rotate(store, found, TIME_DAY, clear, &rotation, &err), ERR_INTEGRITY,
            "key_tampered");
    assert_non_null(strstr(err.hint, "secure-mcp-gateway user delete-api-key --api-key"));
    WORKS(store_unlock(store, &err));
    WORKS(api_key_reveal(store, found, clear, &shown, &err));
    assert_true(!shown && clear->size == 0);
    clear_key_free(&clear);
}

static bool health_names(const char *text)
{
    struct health health;
    WORKS(health_check(store, &health, &err));
    buf_add_char(&health.issues, '\0');
    bool names = strstr(health.issues.data, text) != NULL;
    health_done(&health);
    return names;
}

// One edit for each column that the MAC covers. Those that it does not are named, too: a new column
// must be put into one of the two.
static const struct {
    const char *column, *edit; // NULL: may change
} edits[] = {
    {"n", NULL},
    {"key_id", "'00000000-0000-4000-8000-000000000000'"},
    {"digest", "randomblob(32)"},
    {"sealed", "randomblob(length(sealed))"},
    {"masked", "'smg_AAECAwQFBgcICQoL...'"},
    {"user", "(SELECT max(n) FROM users)"},
    {"project", "(SELECT max(n) FROM projects)"},
    {"name", "'desk'"},
    {"created_at", "created_at - 1"},
    {"expires_at", "expires_at + 1"},
    {"disabled_at", "1"},
    {"enabled_at", "1"},
    {"rotated_from", "'00000000-0000-4000-8000-000000000000'"},
    {"rotated_to", "'00000000-0000-4000-8000-000000000000'"},
    {"last_used_at", NULL},
    {"use_count", NULL},
    {"mac", "randomblob(32)"},
};

static void every_column_is_covered(void **state)
{
    (void)state;
    assert_int_equal(number_of("SELECT count(*) FROM pragma_table_info('api_keys')"),
                     COUNT_OF(edits));
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        int64_t known = 0;
        WORKS(store_number(store, "SELECT count(*) FROM pragma_table_info('api_keys') WHERE name=?",
                           BIND(v_text(edits[i].column)), &known, &err));
        assert_int_equal(known, 1);
        if (!edits[i].edit)
            continue;
        begin();
        script("UPDATE api_keys SET %s = %s WHERE n = %lld", edits[i].column, edits[i].edit,
               (long long)key.n);
        struct api_key found = key_in_row(key.n);
        if (found.status != KEY_TAMPERED)
            fail_msg("an edit of %s is not noticed", edits[i].column);
        assert_int_equal(key_in_row(second.n).status, KEY_ACTIVE);
        refuse_changes(&found);
        assert_true(health_names(found.key_id));
        db_rollback(store->db);
    }
    assert_int_equal(key_in_row(key.n).status, KEY_ACTIVE);
    assert_false(health_names("API key"));
}

// Other edits that somebody may try.
static void further_edits_are_noticed(void **state)
{
    (void)state;
    static const char *const tries[] = {
        "name = NULL",
        "name = name || ' '",
        "expires_at = NULL",
        "expires_at = 1",
        "expires_at = 9223372036854775807",
        "expires_at = -1",
        "disabled_at = -1",
        "rotated_to = key_id",
        "mac = zeroblob(32)",
        "mac = (SELECT mac FROM api_keys k WHERE k.n <> api_keys.n)",
        "digest = digest || x'', masked = 'x...'",
        "user = (SELECT max(n) FROM users), project = (SELECT max(n) FROM projects)",
        "disabled_at = expires_at, expires_at = NULL",
        "rotated_from = 'a', rotated_to = 'b'",
        "created_at = expires_at, expires_at = created_at",
        "key_id = upper(key_id)",
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        begin();
        script("UPDATE api_keys SET %s WHERE n = %lld", tries[i], (long long)key.n);
        if (key_in_row(key.n).status != KEY_TAMPERED)
            fail_msg("not noticed: %s", tries[i]);
        db_rollback(store->db);
    }
}

// What was disabled cannot be enabled by hand, not even with the MAC of another row.
static void a_disabled_key_stays_dead(void **state)
{
    (void)state;
    begin();
    WORKS(api_key_set_enabled(store, &key, false, &err));
    WORKS(api_key_set_enabled(store, &second, false, &err));
    commit();
    script("UPDATE api_keys SET disabled_at = NULL");
    assert_int_equal(key_in_row(key.n).status, KEY_TAMPERED);
    assert_int_equal(key_in_row(second.n).status, KEY_TAMPERED);
    script("UPDATE api_keys SET mac = (SELECT mac FROM api_keys k WHERE k.n <> api_keys.n)");
    assert_int_equal(key_in_row(key.n).status, KEY_TAMPERED);
    assert_int_equal(key_in_row(second.n).status, KEY_TAMPERED);
}

// A row whose user and project exchanged their parts with another row's.
static void rows_cannot_be_exchanged(void **state)
{
    (void)state;
    script("UPDATE api_keys SET user = CASE user WHEN %lld THEN %lld ELSE %lld END",
           (long long)alice.n, (long long)bob.n, (long long)alice.n);
    assert_int_equal(key_in_row(key.n).status, KEY_TAMPERED);
    assert_int_equal(key_in_row(second.n).status, KEY_TAMPERED);
    script("UPDATE api_keys SET user = CASE user WHEN %lld THEN %lld ELSE %lld END",
           (long long)alice.n, (long long)bob.n, (long long)alice.n);
    assert_int_equal(key_in_row(key.n).status, KEY_ACTIVE);
    // The same by giving the users each other's id.
    script("UPDATE users SET user_id = user_id || 'x'");
    script("UPDATE users SET user_id = CASE n WHEN %lld THEN '%s' ELSE '%s' END",
           (long long)alice.n, bob.user_id, alice.user_id);
    assert_int_equal(key_in_row(key.n).status, KEY_TAMPERED);
    assert_int_equal(key_in_row(second.n).status, KEY_TAMPERED);
}

// A row from nowhere: nobody can mint a key without index.key.
static void forged_rows_are_noticed(void **state)
{
    (void)state;
    script("INSERT INTO api_keys(key_id, digest, masked, user, project, created_at, mac) "
           "VALUES('00000000-0000-4000-8000-000000000000', randomblob(32), 'x...', %lld, %lld, 1, "
           "(SELECT mac FROM api_keys LIMIT 1))",
           (long long)alice.n, (long long)team.n);
    struct api_key forged = key_in_row(number_of("SELECT max(n) FROM api_keys"));
    refuse_changes(&forged);
}

static void tampered_keys_can_be_deleted(void **state)
{
    (void)state;
    struct user_removal removal;
    char text[KEY_TEXT + 1];
    memcpy(text, clear_text, sizeof text); // bob's
    script("UPDATE api_keys SET expires_at = 77");
    begin();
    struct api_key found = find_key(key.key_id);
    assert_int_equal(found.status, KEY_TAMPERED);
    WORKS(api_key_delete(store, &found, &err));
    WORKS(user_delete(store, &bob, true, &removal, &err));
    assert_int_equal(removal.deleted_api_keys, 1);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    REFUSED(api_key_select(store, view_of(text), &found, &err), ERR_NOT_FOUND, "api_key_deleted");
}

// The copy itself is bound to its row, whatever the MAC says.
static void refuse_to_reveal(const struct api_key *found)
{
    struct clear_key *clear = clear_key_new();
    bool shown;
    assert_non_null(clear);
    assert_int_equal(found->status, KEY_ACTIVE);
    WORKS(store_unlock(store, &err));
    int64_t records = number_of("SELECT count(*) FROM audit");
    REFUSED(api_key_reveal(store, found, clear, &shown, &err), ERR_INTEGRITY,
            "sealed_copy_damaged");
    assert_int_equal(clear->size, 0);
    assert_null(strstr(clear->text, "smg_"));
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records);
    clear_key_free(&clear);
}

// Else an administrator who may see one key could be shown another.
static void sealed_copies_cannot_be_moved(void **state)
{
    (void)state;
    static const char *const tries[] = {
        "sealed = (SELECT sealed FROM api_keys k WHERE k.n <> api_keys.n)",
        "sealed = randomblob(length(sealed))",
        "sealed = zeroblob(length(sealed))",
        "sealed = sealed || x'00'",
        "sealed = substr(sealed, 1, length(sealed) - 1)",
        "sealed = substr(sealed, 1, 40)",
        "sealed = substr(sealed, 1, 39)",
        "sealed = zeroblob(552)",
        "sealed = x''",
        "sealed = NULL",
    };
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        begin();
        script("UPDATE api_keys SET %s WHERE n = %lld", tries[i], (long long)key.n);
        struct api_key tampered = key_in_row(key.n);
        refuse_changes(&tampered);
        db_rollback(store->db);
    }
    struct api_key found = key_in_row(key.n), moved = found;
    const struct api_key from = key_in_row(second.n);
    memcpy(moved.sealed, from.sealed, sizeof moved.sealed);
    refuse_to_reveal(&moved);
    moved = found;
    memcpy(moved.project_id, from.project_id, sizeof moved.project_id);
    refuse_to_reveal(&moved);
    moved = found;
    memcpy(moved.user_id, from.user_id, sizeof moved.user_id);
    refuse_to_reveal(&moved);
    moved = found;
    memcpy(moved.key_id, from.key_id, sizeof moved.key_id);
    refuse_to_reveal(&moved);
    struct clear_key *clear = clear_key_new();
    bool shown;
    begin();
    WORKS(api_key_reveal(store, &found, clear, &shown, &err));
    commit();
    assert_true(shown);
    clear_key_free(&clear);
}

// A copy of the same key's data sealed by another store does not open here.
static void sealed_copies_belong_to_a_store(void **state)
{
    (void)state;
    script("DELETE FROM keyring");
    uint8_t wrapped[VAULT_WRAPPED];
    WORKS(vault_unlock(store->vault, &err));
    vault_wrap_new_data_key(store->vault, wrapped);
    WORKS(db_run(store->db, "INSERT INTO keyring(wrapped, master_id, created_at) VALUES(?, x'', 0)",
                 BIND(v_blob(wrapped, sizeof wrapped)), &err));
    store_free(&store);
    store = open_store();
    key = key_in_row(key.n);
    refuse_to_reveal(&key);
}

static void rotate_twice(const char *named)
{
    struct key_rotation rotation;
    struct clear_key *clear = clear_key_new();
    assert_non_null(clear);
    struct api_key old = find_key(named);
    WORKS(api_key_rotate(store, &old, TIME_DAY, clear, &rotation, &err));
    old = find_key(clear->text);
    WORKS(api_key_rotate(store, &old, 0, clear, &rotation, &err));
    clear_key_free(&clear);
}

// Whatever commands do to the keys, the sum over all of them stays right.
static void the_set_of_rows_is_kept_account_of(void **state)
{
    (void)state;
    int64_t deleted;
    assert_false(health_names("API key"));
    begin();
    rotate_twice(key.key_id);
    commit();
    assert_false(health_names("API key"));
    begin();
    struct api_key found = find_key(second.key_id);
    WORKS(api_key_set_enabled(store, &found, false, &err));
    found = find_key(second.key_id);
    WORKS(api_key_set_enabled(store, &found, true, &err));
    found = find_key(second.key_id);
    found.name[0] = 'x';
    WORKS(api_key_update(store, &found, &err));
    commit();
    assert_false(health_names("API key"));
    begin();
    rotate_twice(second.key_id);
    db_rollback(store->db);
    assert_false(health_names("API key"));
    begin();
    found = find_key(second.key_id);
    WORKS(api_key_delete(store, &found, &err));
    WORKS(api_key_delete_all(store, (struct key_scope){.user = alice.n}, &deleted, &err));
    commit();
    assert_int_equal(deleted, 2);
    assert_false(health_names("API key"));
}

// What was deleted or rotated away does not come back to life with its row.
static void a_row_put_back_stays_dead(void **state)
{
    (void)state;
    struct key_rotation rotation;
    struct clear_key *clear = clear_key_new();
    assert_non_null(clear);
    script("CREATE TEMP TABLE kept AS SELECT * FROM api_keys");
    begin();
    struct api_key found = find_key(key.key_id);
    WORKS(api_key_delete(store, &found, &err));
    found = find_key(clear_text);
    WORKS(api_key_rotate(store, &found, 0, clear, &rotation, &err));
    commit();
    script("INSERT INTO api_keys SELECT * FROM kept WHERE n = %lld", (long long)key.n);
    found = find_key(key.key_id);
    refuse_changes(&found);
    script("DELETE FROM api_keys; INSERT INTO api_keys SELECT * FROM kept");
    found = find_key(clear_text);
    refuse_changes(&found);
    clear_key_free(&clear);
}

// Rows whose own MACs are good, but which are not those that ought to be there.
static void older_and_missing_rows_are_noticed(void **state)
{
    (void)state;
    script("CREATE TEMP TABLE kept AS SELECT * FROM api_keys");
    begin();
    struct api_key found = find_key(key.key_id);
    WORKS(api_key_set_enabled(store, &found, false, &err));
    commit();
    assert_false(health_names("API keys: records were removed, changed, or older ones put back"));
    script("DELETE FROM api_keys; INSERT INTO api_keys SELECT * FROM kept");
    assert_int_equal(find_key(key.key_id).status, KEY_ACTIVE);
    assert_true(health_names("API keys: records were removed, changed, or older ones put back"));
    begin();
    script("DELETE FROM api_keys WHERE n = %lld", (long long)second.n);
    assert_true(health_names("API keys: records were removed, changed, or older ones put back"));
    db_rollback(store->db);
    begin(); // the sum cannot be set right without the seal
    script("UPDATE audit_head SET keys = zeroblob(32)");
    assert_true(health_names("audit: the chain is broken"));
    db_rollback(store->db);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_column_is_covered),
        CASE(further_edits_are_noticed),
        CASE(a_disabled_key_stays_dead),
        CASE(rows_cannot_be_exchanged),
        CASE(forged_rows_are_noticed),
        CASE(tampered_keys_can_be_deleted),
        CASE(sealed_copies_cannot_be_moved),
        CASE(sealed_copies_belong_to_a_store),
        CASE(the_set_of_rows_is_kept_account_of),
        CASE(a_row_put_back_stays_dead),
        CASE(older_and_missing_rows_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
