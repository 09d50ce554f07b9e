// test_grant.c: what a key gives, from the moment of each change on.
#include "temp_store.h"

#include "model/audit.h"
#include "model/config.h"
#include "model/grant.h"
#include "model/health.h"

static struct user alice;
static struct project team;
static struct config tools;
static struct api_key key;
static char text[LIMIT_API_KEY + 1]; // of `key`
static struct grant grant;
static struct grant_refusal refusal;

// Alice is in the project Team, which uses the config tools.
static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    alice = new_user("alice@example.com");
    team = new_project("Team");
    join(&team, &alice);
    bool changed;
    begin();
    WORKS(config_add(store, VIEW("tools"), &tools, &err));
    WORKS(project_set_config(store, &team, &tools, &changed, &err));
    commit();
    key = new_key(&alice, &team);
    memcpy(text, clear_text, sizeof text);
    return 0;
}

static enum grant_answer ask(const char *api_key)
{
    uint8_t digest[VAULT_DIGEST];
    grant_digest(store, view_of(api_key), digest);
    grant = (struct grant){.key_n = 77};
    refusal = (struct grant_refusal){.reason = "none"};
    return grant_find(store, digest, &grant, &refusal, &err);
}

static void refused(const char *api_key, const char *reason)
{
    assert_int_equal(ask(api_key), GRANT_NO);
    assert_string_equal(refusal.reason, reason);
    assert_int_equal(grant.key_n, 77);
}

static void granted(const char *api_key, const struct api_key *to)
{
    assert_int_equal(ask(api_key), GRANT_YES);
    assert_string_equal(refusal.reason, "none");
    assert_int_equal(grant.key_n, to->n);
    assert_string_equal(grant.key_id, to->key_id);
    assert_int_equal(grant.user_n, alice.n);
    assert_string_equal(grant.user_id, alice.user_id);
    assert_int_equal(grant.project_n, team.n);
    assert_string_equal(grant.project_id, team.project_id);
}

static void gives_what_the_key_is_for(void **state)
{
    (void)state;
    granted(text, &key);
    assert_int_equal(grant.config_n, tools.n);
    assert_string_equal(grant.config_id, tools.config_id);
    assert_int_equal(grant.expires_at, 0);
    assert_true(store->now > NOW);
    refused("smg_nobody", "unknown");
    assert_true(refusal.key_id[0] == '\0' && refusal.successor[0] == '\0');
    refused("", "unknown");
}

// Unknown digests are answered by way of another key's row: below, between, above and without any.
static void knows_no_neighbours(void **state)
{
    (void)state;
    uint8_t digest[VAULT_DIGEST];
    const uint8_t ends[] = {0x00, 0xff};
    const struct api_key second = new_key(&alice, &team);
    granted(clear_text, &second);
    for (int i = 0; i < 50; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "smg_%d", i);
        refused(name, "unknown");
        assert_string_equal(refusal.key_id, "");
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        memset(digest, ends[i], sizeof digest);
        assert_int_equal(grant_find(store, digest, &grant, &refusal, &err), GRANT_NO);
        assert_string_equal(refusal.reason, "unknown");
    }
    // One bit off.
    grant_digest(store, view_of(text), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        digest[i] ^= 1;
        assert_int_equal(grant_find(store, digest, &grant, &refusal, &err), GRANT_NO);
        assert_string_equal(refusal.reason, "unknown");
        digest[i] ^= 1;
    }
    script("DELETE FROM api_keys");
    refused(text, "unknown");
}

static void set_enabled(bool enabled)
{
    struct api_key present = find_key(text);
    begin();
    WORKS(api_key_set_enabled(store, &present, enabled, &err));
    commit();
}

static void follows_disabling(void **state)
{
    (void)state;
    set_enabled(false);
    refused(text, "disabled");
    assert_string_equal(refusal.key_id, key.key_id);
    set_enabled(true);
    granted(text, &key);
}

static void expire_at(int64_t time)
{
    struct api_key present = find_key(text);
    present.expires_at = time;
    begin();
    WORKS(api_key_update(store, &present, &err));
    commit();
}

static void follows_time(void **state)
{
    (void)state;
    int64_t soon = clock_now() + TIME_DAY;
    expire_at(soon);
    granted(text, &key);
    assert_int_equal(grant.expires_at, soon);
    expire_at(clock_now() + 100000);
    granted(text, &key);
    (void)usleep(100000);
    refused(text, "expired");
    assert_string_equal(refusal.key_id, key.key_id);
    expire_at(1);
    refused(text, "expired");
    expire_at(0);
    granted(text, &key);
}

static void follows_deletion(void **state)
{
    (void)state;
    begin();
    WORKS(api_key_delete(store, &key, &err));
    commit();
    refused(text, "retired");
    assert_string_equal(refusal.key_id, key.key_id);
    assert_string_equal(refusal.successor, "");
}

static struct key_rotation rotate(int64_t grace)
{
    struct key_rotation rotation;
    struct clear_key *clear = clear_key_new();
    struct api_key present = find_key(text);
    assert_non_null(clear);
    store->now = clock_now();
    begin();
    WORKS(api_key_rotate(store, &present, grace, clear, &rotation, &err));
    commit();
    assert_true(text_copy(clear_text, sizeof clear_text, clear_key_view(clear)));
    clear_key_free(&clear);
    return rotation;
}

static void follows_rotation(void **state)
{
    (void)state;
    const struct key_rotation rotation = rotate(0);
    refused(text, "retired");
    assert_string_equal(refusal.key_id, key.key_id);
    assert_string_equal(refusal.successor, rotation.successor.key_id);
    granted(clear_text, &rotation.successor);
}

static void grants_until_the_grace_ends(void **state)
{
    (void)state;
    const struct key_rotation rotation = rotate(200000);
    granted(text, &key);
    assert_int_equal(grant.expires_at, rotation.old_expires_at);
    granted(clear_text, &rotation.successor);
    (void)usleep(200000);
    refused(text, "expired");
    assert_string_equal(refusal.successor, rotation.successor.key_id);
    granted(clear_text, &rotation.successor);
}

static void follows_its_user(void **state)
{
    (void)state;
    bool changed;
    int64_t deleted;
    begin();
    WORKS(project_remove_user(store, &team, &alice, &changed, &deleted, &err));
    commit();
    refused(text, "retired");
    join(&team, &alice);
    refused(text, "retired");
    const struct api_key second = new_key(&alice, &team);
    struct user_removal removal;
    granted(clear_text, &second);
    begin();
    WORKS(user_delete(store, &alice, true, &removal, &err));
    commit();
    refused(clear_text, "retired");
    assert_string_equal(refusal.key_id, second.key_id);
}

static void follows_the_config_of_the_project(void **state)
{
    (void)state;
    bool changed;
    begin();
    WORKS(project_set_config(store, &team, NULL, &changed, &err));
    commit();
    granted(text, &key);
    assert_int_equal(grant.config_n, 0);
    assert_string_equal(grant.config_id, "");
}

// Each edit by hand, in a store of its own, gives nothing.
static void trusts_no_edited_row(void **state)
{
    static const char *const edits[] = {
        "UPDATE api_keys SET user = 2",
        "UPDATE api_keys SET project = 2",
        "UPDATE api_keys SET expires_at = 9000000000000000",
        "UPDATE api_keys SET disabled_at = 0",
        "UPDATE api_keys SET key_id = 'x'",
        "UPDATE api_keys SET mac = randomblob(32)",
        "UPDATE api_keys SET rotated_to = key_id",
        "UPDATE users SET user_id = '00000000-0000-4000-8000-000000000000'",
        "DELETE FROM members",
        "DELETE FROM users WHERE n = 1",
        "DELETE FROM projects WHERE n = 1",
        "INSERT INTO retired_keys SELECT digest, key_id, NULL, 1 FROM api_keys",
    };
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        granted(text, &key);
        script("PRAGMA foreign_keys=OFF; %s", edits[i]);
        refused(text, "tampered");
        (void)remove_home(state);
        assert_int_equal(set_up(state), 0);
    }
    script("UPDATE api_keys SET digest = randomblob(32)");
    refused(text, "unknown");
}

static void a_disabled_key_cannot_be_enabled_by_hand(void **state)
{
    (void)state;
    set_enabled(false);
    script("UPDATE api_keys SET disabled_at = NULL");
    refused(text, "tampered");
}

static void fails_when_the_store_does(void **state)
{
    (void)state;
    script("UPDATE configs SET config_id = hex(randomblob(40))");
    assert_int_equal(ask(text), GRANT_FAILED);
    assert_int_equal(err.kind, ERR_INTEGRITY);
    script("PRAGMA foreign_keys=OFF; DROP TABLE api_keys");
    assert_int_equal(ask(text), GRANT_FAILED);
    assert_int_equal(grant.key_n, 77);
}

static void check_chain(void)
{
    struct audit_report report;
    struct health health;
    WORKS(audit_verify(store, &report, &err));
    assert_int_equal(report.broken_at, 0);
    WORKS(health_check(store, &health, &err));
    assert_int_equal(health.issues.size, 0);
    health_done(&health);
}

static struct key_use use_of(const struct api_key *used, int64_t uses, int64_t at)
{
    struct key_use use = {.key_n = used->n, .uses = uses, .at = at};
    memcpy(use.digest, used->digest, sizeof use.digest);
    return use;
}

static void records_uses(void **state)
{
    (void)state;
    const struct api_key second = new_key(&alice, &team);
    const struct api_key gone = {.n = 999}, before = {.n = second.n}; // whose number it was
    const struct key_use uses[] = {use_of(&key, 3, NOW + 50), use_of(&gone, 1, NOW),
                                   use_of(&second, 1, NOW + 7)};
    const struct key_use later[] = {use_of(&key, 2, NOW + 20), use_of(&before, 1, NOW + 9)};
    const int64_t records = number_of("SELECT count(*) FROM audit");
    WORKS(grant_record_uses(store, uses, 0, &err));
    WORKS(grant_record_uses(store, uses, COUNT_OF(uses), &err));
    assert_int_equal(find_key(text).use_count, 3);
    assert_int_equal(find_key(text).last_used_at, NOW + 50);
    // A time before does not take back a later one; a use of a key that is gone is not another's
    // who has its number now.
    WORKS(grant_record_uses(store, later, COUNT_OF(later), &err));
    assert_int_equal(find_key(text).use_count, 5);
    assert_int_equal(find_key(text).last_used_at, NOW + 50);
    assert_int_equal(find_key(second.key_id).use_count, 1);
    assert_int_equal(find_key(second.key_id).last_used_at, NOW + 7);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records);
    granted(text, &key);
    check_chain();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_what_the_key_is_for, set_up, remove_home),
        cmocka_unit_test_setup_teardown(knows_no_neighbours, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_disabling, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_time, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_deletion, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_rotation, set_up, remove_home),
        cmocka_unit_test_setup_teardown(grants_until_the_grace_ends, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_its_user, set_up, remove_home),
        cmocka_unit_test_setup_teardown(follows_the_config_of_the_project, set_up, remove_home),
        cmocka_unit_test_setup_teardown(trusts_no_edited_row, set_up, remove_home),
        cmocka_unit_test_setup_teardown(a_disabled_key_cannot_be_enabled_by_hand, set_up,
                                        remove_home),
        cmocka_unit_test_setup_teardown(fails_when_the_store_does, set_up, remove_home),
        cmocka_unit_test_setup_teardown(records_uses, set_up, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
