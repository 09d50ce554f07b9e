// test_model_keys.c: API keys: made for members, found, shown, rotated, disabled, ended by time.
#include "temp_store.h"

static struct user alice;
static struct project team;
static struct clear_key *clear;

// Alice is a member of the project Team.
static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    alice = new_user("alice@example.com");
    team = new_project("Team");
    join(&team, &alice);
    clear = clear_key_new();
    return clear ? 0 : -1;
}

static int tear_down(void **state)
{
    clear_key_free(&clear);
    return remove_home(state);
}

static struct api_key key_until(int64_t expires_at)
{
    return make_key(&(struct key_order){
        .user = &alice, .project = &team, .name = VIEW("laptop"), .expires_at = expires_at});
}

static enum key_status status_at(const char *named, int64_t now)
{
    store->now = now;
    enum key_status status = find_key(named).status;
    store->now = NOW;
    return status;
}

static struct key_rotation rotate(const char *named, int64_t grace)
{
    struct key_rotation rotation = {.old_expires_at = 77};
    begin();
    const struct api_key old = find_key(named);
    WORKS(api_key_rotate(store, &old, grace, clear, &rotation, &err));
    commit();
    return rotation;
}

static void refuse_to_find(const char *named, const char *code)
{
    struct api_key key = {.n = 77};
    REFUSED(api_key_select(store, view_of(named), &key, &err), ERR_NOT_FOUND, code);
    assert_int_equal(key.n, 77);
    if (strlen(named) == KEY_TEXT) {
        assert_null(strstr(err.message, named + 4));
        assert_null(strstr(err.hint, named + 4));
    }
}

static void makes_keys_for_members_only(void **state)
{
    (void)state;
    struct project other = new_project("Other Team");
    struct user bob = new_user("bob@example.com");
    struct api_key key = {.n = 77};
    const struct key_order orders[] = {{.user = &alice, .project = &other},
                                       {.user = &bob, .project = &team}};
    begin();
    REFUSED(api_key_generate(store, &orders[0], clear, &key, &err), ERR_PRECONDITION,
            "user_not_in_project");
    assert_non_null(strstr(err.message, "User not found in project"));
    assert_string_equal(err.hint, "secure-mcp-gateway project add-user --project-name 'Other Team' "
                                  "--email alice@example.com");
    REFUSED(api_key_generate(store, &orders[1], clear, &key, &err), ERR_PRECONDITION,
            "user_not_in_project");
    commit();
    assert_int_equal(key.n, 77);
    assert_int_equal(clear->size, 0);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
}

static void makes_keys(void **state)
{
    (void)state;
    struct api_key key = key_until(NOW + TIME_DAY), found;
    assert_int_equal(key_text_shape(view_of(clear_text)), KEY_SHAPE_OURS);
    assert_true(text_is_uuid(view_of(key.key_id)));
    found = find_key(clear_text);
    assert_int_equal(found.n, key.n);
    assert_string_equal(found.key_id, key.key_id);
    assert_string_equal(found.name, "laptop");
    assert_string_equal(found.email, "alice@example.com");
    assert_string_equal(found.user_id, alice.user_id);
    assert_string_equal(found.project_id, team.project_id);
    assert_string_equal(found.project_name, "Team");
    assert_memory_equal(found.masked, clear_text, 20);
    assert_string_equal(found.masked + 20, "...");
    assert_true(found.created_at == NOW && found.expires_at == NOW + TIME_DAY);
    assert_true(found.disabled_at == 0 && found.last_used_at == 0 && found.use_count == 0);
    assert_true(found.rotated_from[0] == '\0' && found.rotated_to[0] == '\0');
    assert_true(found.status == KEY_ACTIVE && found.has_sealed);
    assert_true(is_in_files(found.masked));
    assert_false(is_in_files(clear_text));
    assert_false(is_in_files(clear_text + 20));
}

static void shows_keys_and_writes_it_down(void **state)
{
    (void)state;
    bool shown = false;
    struct api_key key = key_until(0);
    int64_t records = number_of("SELECT count(*) FROM audit");
    store_free(&store); // another process
    store = open_store();
    begin();
    key = find_key(key.key_id);
    WORKS(store_unlock(store, &err));
    WORKS(api_key_reveal(store, &key, clear, &shown, &err));
    commit();
    assert_true(shown && view_is(clear_key_view(clear), clear_text));
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records + 1);
    assert_int_equal(number_of("SELECT count(*) FROM audit a JOIN api_keys k USING(key_id)"
                               " WHERE action = 'api_key.reveal'"),
                     1);
    assert_false(is_in_files(clear_text));
}

static void keeps_no_copy_of_keys_shown_once(void **state)
{
    (void)state;
    bool shown = true;
    struct api_key key =
        make_key(&(struct key_order){.user = &alice, .project = &team, .show_once = true});
    int64_t records = number_of("SELECT count(*) FROM audit");
    begin();
    key = find_key(clear_text);
    assert_false(key.has_sealed);
    assert_string_equal(key.name, "");
    WORKS(store_unlock(store, &err));
    clear->size = 77;
    WORKS(api_key_reveal(store, &key, clear, &shown, &err));
    commit();
    assert_true(!shown && clear->size == 77);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records);
    assert_int_equal(number_of("SELECT count(sealed) FROM api_keys"), 0);
    // Its successor is not kept either.
    struct key_rotation rotation = rotate(key.key_id, 0);
    assert_false(find_key(rotation.successor.key_id).has_sealed);
    assert_int_equal(number_of("SELECT count(sealed) FROM api_keys"), 0);
}

static void ends_by_time(void **state)
{
    (void)state;
    struct api_key key = key_until(NOW + TIME_DAY), forever = key_until(0);
    assert_int_equal(status_at(key.key_id, NOW), KEY_ACTIVE);
    assert_int_equal(status_at(key.key_id, NOW + TIME_DAY - 1), KEY_ACTIVE);
    assert_int_equal(status_at(key.key_id, NOW + TIME_DAY), KEY_EXPIRED);
    assert_int_equal(status_at(key.key_id, NOW + 36500 * TIME_DAY), KEY_EXPIRED);
    assert_int_equal(status_at(forever.key_id, NOW + 36500 * TIME_DAY), KEY_ACTIVE);
    begin();
    WORKS(api_key_set_enabled(store, &key, false, &err));
    commit();
    assert_int_equal(status_at(key.key_id, NOW), KEY_DISABLED);
    assert_int_equal(status_at(key.key_id, NOW + TIME_DAY), KEY_DISABLED); // the graver word
    assert_string_equal(key_status_text(KEY_ACTIVE), "active");
    assert_string_equal(key_status_text(KEY_DISABLED), "disabled");
    assert_string_equal(key_status_text(KEY_EXPIRED), "expired");
    assert_string_equal(key_status_text(KEY_TAMPERED), "tampered");
}

static void counts_by_status(void **state)
{
    (void)state;
    struct key_counts counts;
    struct user bob = new_user("bob@example.com");
    struct project other = new_project("Other");
    join(&team, &bob);
    join(&other, &alice);
    struct api_key key = key_until(NOW + TIME_DAY);
    (void)key_until(0);
    (void)key_until(NOW + 5);
    (void)new_key(&bob, &team);
    (void)new_key(&alice, &other);
    begin();
    WORKS(api_key_set_enabled(store, &key, false, &err));
    commit();
    WORKS(api_key_count(store, (struct key_scope){0}, &counts, &err));
    assert_true(counts.active == 4 && counts.disabled == 1 && counts.expired == 0);
    store->now = NOW + 2 * TIME_DAY; // a disabled key stays disabled
    WORKS(api_key_count(store, (struct key_scope){0}, &counts, &err));
    assert_true(counts.active == 3 && counts.disabled == 1 && counts.expired == 1);
    WORKS(api_key_count(store, (struct key_scope){.user = alice.n}, &counts, &err));
    assert_true(counts.active == 2 && counts.disabled == 1 && counts.expired == 1);
    WORKS(api_key_count(store, (struct key_scope){.project = team.n}, &counts, &err));
    assert_true(counts.active == 2 && counts.disabled == 1 && counts.expired == 1);
    WORKS(api_key_count(store, (struct key_scope){.user = alice.n, .project = other.n}, &counts,
                        &err));
    assert_true(counts.active == 1 && counts.disabled == 0 && counts.expired == 0);
    WORKS(
        api_key_count(store, (struct key_scope){.user = bob.n, .project = other.n}, &counts, &err));
    assert_true(counts.active == 0 && counts.disabled == 0 && counts.expired == 0);
}

static void disables_and_enables(void **state)
{
    (void)state;
    struct api_key key = key_until(0);
    int64_t records = number_of("SELECT count(*) FROM audit");
    begin();
    WORKS(api_key_set_enabled(store, &key, true, &err)); // it is
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records);
    WORKS(api_key_set_enabled(store, &key, false, &err));
    assert_true(key.status == KEY_DISABLED && key.disabled_at == NOW);
    store->now = NOW + TIME_SECOND;
    WORKS(api_key_set_enabled(store, &key, false, &err)); // the first time counts
    assert_int_equal(find_key(clear_text).disabled_at, NOW);
    assert_int_equal(find_key(clear_text).status, KEY_DISABLED);
    WORKS(api_key_set_enabled(store, &key, true, &err));
    assert_true(key.status == KEY_ACTIVE && key.disabled_at == 0);
    assert_int_equal(find_key(clear_text).status, KEY_ACTIVE);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records + 2);
    commit();
}

static void changes_name_and_expiry(void **state)
{
    (void)state;
    struct api_key key = key_until(NOW + TIME_DAY);
    begin();
    memcpy(key.name, "desk", 5);
    key.expires_at = 0;
    WORKS(api_key_update(store, &key, &err));
    key = find_key(clear_text);
    assert_string_equal(key.name, "desk");
    assert_int_equal(key.expires_at, 0);
    assert_int_equal(key.status, KEY_ACTIVE);
    key.name[0] = '\0';
    key.expires_at = NOW - 1;
    WORKS(api_key_update(store, &key, &err));
    key = find_key(clear_text);
    assert_string_equal(key.name, "");
    assert_int_equal(key.status, KEY_EXPIRED);
    commit();
}

static void rotates_at_once(void **state)
{
    (void)state;
    char old_text[KEY_TEXT + 1];
    struct api_key old = key_until(NOW + TIME_DAY), successor;
    memcpy(old_text, clear_text, sizeof old_text);
    script("UPDATE api_keys SET last_used_at = 5, use_count = 6");
    store->now = NOW + 60 * TIME_SECOND;
    begin();
    old = find_key(old_text);
    struct key_rotation rotation;
    WORKS(api_key_rotate(store, &old, 0, clear, &rotation, &err));
    commit();
    assert_int_equal(rotation.old_expires_at, 0);
    assert_true(rotation.successor.last_used_at == 0 && rotation.successor.use_count == 0);
    assert_string_not_equal(clear->text, old_text);
    successor = find_key(clear->text);
    assert_string_equal(successor.key_id, rotation.successor.key_id);
    assert_string_not_equal(successor.key_id, old.key_id);
    assert_string_equal(successor.name, "laptop");
    assert_int_equal(successor.expires_at, NOW + TIME_DAY);
    assert_int_equal(successor.created_at, NOW + 60 * TIME_SECOND);
    assert_string_equal(successor.rotated_from, old.key_id);
    assert_true(successor.rotated_to[0] == '\0' && successor.status == KEY_ACTIVE);
    assert_true(successor.user_n == alice.n && successor.project_n == team.n);
    assert_true(successor.last_used_at == 0 && successor.use_count == 0 && successor.has_sealed);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 1);
    // The old one is gone; whoever uses it still is told of its successor.
    refuse_to_find(old_text, "api_key_rotated");
    assert_non_null(strstr(err.message, successor.key_id));
    assert_non_null(strstr(err.hint, successor.key_id));
    refuse_to_find(old.key_id, "api_key_not_found");
    assert_false(is_in_files(clear->text));
}

static void rotation_inherits_the_status(void **state)
{
    (void)state;
    struct api_key expired = key_until(NOW), disabled = key_until(0);
    begin();
    store->now = NOW - TIME_DAY;
    WORKS(api_key_set_enabled(store, &disabled, false, &err));
    store->now = NOW;
    commit();
    struct key_rotation rotation = rotate(expired.key_id, 0);
    assert_int_equal(rotation.successor.status, KEY_EXPIRED);
    assert_int_equal(find_key(rotation.successor.key_id).status, KEY_EXPIRED);
    assert_int_equal(find_key(rotation.successor.key_id).expires_at, NOW);
    rotation = rotate(disabled.key_id, 0);
    assert_int_equal(rotation.successor.status, KEY_DISABLED);
    assert_int_equal(find_key(rotation.successor.key_id).status, KEY_DISABLED);
}

static void grace_keeps_the_old_key_for_a_while(void **state)
{
    (void)state;
    char old_text[KEY_TEXT + 1];
    struct api_key old = key_until(0);
    memcpy(old_text, clear_text, sizeof old_text);
    struct key_rotation rotation = rotate(old.key_id, 100);
    assert_int_equal(rotation.old_expires_at, NOW + 100);
    assert_int_equal(rotation.successor.expires_at, 0);
    old = find_key(old_text);
    assert_int_equal(old.status, KEY_ACTIVE);
    assert_string_equal(old.rotated_to, rotation.successor.key_id);
    assert_int_equal(status_at(old_text, NOW + 99), KEY_ACTIVE);
    assert_int_equal(status_at(old_text, NOW + 100), KEY_EXPIRED);
    assert_int_equal(status_at(clear->text, NOW + 100), KEY_ACTIVE);
    // Only once: a second rotation belongs to the successor.
    begin();
    REFUSED(api_key_rotate(store, &old, 0, clear, &rotation, &err), ERR_PRECONDITION,
            "key_already_rotated");
    REFUSED(api_key_rotate(store, &old, 100, clear, &rotation, &err), ERR_PRECONDITION,
            "key_already_rotated");
    assert_non_null(strstr(err.hint, old.rotated_to));
    commit();
    struct key_rotation next = rotate(old.rotated_to, 0);
    assert_string_equal(next.successor.rotated_from, old.rotated_to);
}

// The grace can only shorten a life.
static void grace_never_outlives_the_expiry(void **state)
{
    (void)state;
    static const int64_t graces[] = {1, 99, 100, 101, TIME_DAY, 36500 * TIME_DAY};
    for (size_t i = 0; i < COUNT_OF(graces); i++) {
        struct api_key old = key_until(NOW + 100);
        struct key_rotation rotation = rotate(old.key_id, graces[i]);
        int64_t end = NOW + (graces[i] < 100 ? graces[i] : 100);
        assert_int_equal(rotation.old_expires_at, end);
        assert_int_equal(find_key(old.key_id).expires_at, end);
        assert_int_equal(find_key(rotation.successor.key_id).expires_at, NOW + 100);
        assert_int_equal(status_at(old.key_id, end), KEY_EXPIRED);
    }
    struct api_key gone = key_until(NOW - 5); // expired before: no grace raises it
    assert_int_equal(rotate(gone.key_id, TIME_DAY).old_expires_at, NOW - 5);
    assert_int_equal(find_key(gone.key_id).status, KEY_EXPIRED);
}

static void deletes_keys(void **state)
{
    (void)state;
    struct api_key key = key_until(0);
    begin();
    WORKS(api_key_delete(store, &key, &err));
    commit();
    refuse_to_find(clear_text, "api_key_deleted");
    assert_non_null(strstr(err.message, key.key_id));
    refuse_to_find(key.key_id, "api_key_not_found");
    refuse_to_find(key.masked, "api_key_not_found");
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
}

static void deletes_all_of_a_scope(void **state)
{
    (void)state;
    struct user bob = new_user("bob@example.com");
    struct project other = new_project("Other");
    int64_t deleted = -1;
    join(&team, &bob);
    join(&other, &alice);
    for (int i = 0; i < 3; i++) {
        (void)key_until(0);
        (void)new_key(&bob, &team);
        (void)new_key(&alice, &other);
    }
    begin();
    WORKS(api_key_delete_all(store, (struct key_scope){.user = alice.n, .project = other.n},
                             &deleted, &err));
    assert_int_equal(deleted, 3);
    WORKS(api_key_delete_all(store, (struct key_scope){.user = alice.n}, &deleted, &err));
    assert_int_equal(deleted, 3);
    WORKS(api_key_delete_all(store, (struct key_scope){.user = alice.n}, &deleted, &err));
    assert_int_equal(deleted, 0);
    WORKS(api_key_delete_all(store, (struct key_scope){.project = team.n}, &deleted, &err));
    assert_int_equal(deleted, 3);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE action = 'api_key.delete'"), 9);
}

static void finds_keys_by_all_their_names(void **state)
{
    (void)state;
    struct api_key key = key_until(0), second;
    char upper[UUID_TEXT], text[KEY_TEXT + 1];
    for (size_t i = 0; i < UUID_TEXT; i++)
        upper[i] = (char)(key.key_id[i] >= 'a' ? key.key_id[i] - 32 : key.key_id[i]);
    assert_int_equal(find_key(clear_text).n, key.n);
    assert_int_equal(find_key(key.key_id).n, key.n);
    assert_int_equal(find_key(upper).n, key.n);
    assert_int_equal(find_key(key.masked).n, key.n);
    memcpy(text, clear_text, sizeof text);
    text[30] = text[30] == 'A' ? 'B' : 'A';
    refuse_to_find(text, "api_key_mistyped");
    refuse_to_find("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD", "api_key_not_found");
    refuse_to_find("00000000-0000-4000-8000-000000000000", "api_key_not_found");
    refuse_to_find("smg_...", "api_key_not_found");
    refuse_to_find("...", "api_key_not_found");
    refuse_to_find("%", "api_key_not_found");
    refuse_to_find("", "api_key_not_found");
    assert_memory_equal(text, clear_text, 20);
    text[20] = '\0'; // the masked form without its dots
    refuse_to_find(text, "api_key_not_found");
    // Two keys with one masked form (of an import, say) must be told apart by key_id.
    second = key_until(0);
    script("UPDATE api_keys SET masked = '%s'", key.masked);
    struct api_key found = {.n = 77};
    REFUSED(api_key_select(store, view_of(key.masked), &found, &err), ERR_PRECONDITION,
            "api_key_ambiguous");
    assert_int_equal(found.n, 77);
    assert_int_equal(find_key(second.key_id).n, second.n);
}

static void tells_full_keys_from_other_names(void **state)
{
    (void)state;
    assert_true(api_key_is_named_in_full(VIEW("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD")));
    assert_true(api_key_is_named_in_full(VIEW("hunter2")));
    assert_true(api_key_is_named_in_full(VIEW("")));
    assert_true(api_key_is_named_in_full(VIEW("..")));
    assert_false(api_key_is_named_in_full(VIEW("TJTWRRt226cfYBvqpLEJ...")));
    assert_false(api_key_is_named_in_full(VIEW("6469A670-1d64-4da5-b2b3-790de21ac726")));
}

static void lists_keys_in_order(void **state)
{
    (void)state;
    struct stmt *stmt = NULL;
    struct api_key keys[4], key;
    for (int i = 0; i < 4; i++)
        keys[i] = key_until(0);
    WORKS(api_key_query(store, (struct key_scope){.user = alice.n}, &stmt, &err));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(api_key_next(store, stmt, &key, &err), STEP_ROW);
        assert_string_equal(key.key_id, keys[i].key_id);
    }
    assert_int_equal(api_key_next(store, stmt, &key, &err), STEP_END);
    stmt_free(&stmt);
    WORKS(api_key_query(store, (struct key_scope){.project = team.n, .after = keys[2].n}, &stmt,
                        &err));
    assert_int_equal(api_key_next(store, stmt, &key, &err), STEP_ROW);
    assert_string_equal(key.key_id, keys[3].key_id);
    assert_int_equal(api_key_next(store, stmt, &key, &err), STEP_END);
    stmt_free(&stmt);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(makes_keys_for_members_only),
        CASE(makes_keys),
        CASE(shows_keys_and_writes_it_down),
        CASE(keeps_no_copy_of_keys_shown_once),
        CASE(ends_by_time),
        CASE(counts_by_status),
        CASE(disables_and_enables),
        CASE(changes_name_and_expiry),
        CASE(rotates_at_once),
        CASE(rotation_inherits_the_status),
        CASE(grace_keeps_the_old_key_for_a_while),
        CASE(grace_never_outlives_the_expiry),
        CASE(deletes_keys),
        CASE(deletes_all_of_a_scope),
        CASE(finds_keys_by_all_their_names),
        CASE(tells_full_keys_from_other_names),
        CASE(lists_keys_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
