// test_model_users.c: users, projects, memberships and configs.
#include "temp_store.h"

#include "model/removal.h"
#include "model/user_listing.h"

static const struct view none = {NULL, 0};

static struct user find_user(const char *email)
{
    struct user user = {0};
    WORKS(user_select(store, view_of(email), none, &user, &err));
    return user;
}

static struct project find_project(const char *name)
{
    struct project project = {0};
    WORKS(project_select(store, view_of(name), none, &project, &err));
    return project;
}

static void addresses_are_unique_in_any_case(void **state)
{
    (void)state;
    struct user alice = new_user("Alice@Example.COM"), user = {.n = 77}, bob;
    assert_string_equal(alice.email, "Alice@Example.COM");
    assert_int_equal(alice.created_at, NOW);
    assert_true(text_is_uuid(view_of(alice.user_id)));
    begin();
    REFUSED(user_create(store, VIEW("Alice@Example.COM"), &user, &err), ERR_CONFLICT,
            "user_exists");
    REFUSED(user_create(store, VIEW("alice@example.com"), &user, &err), ERR_CONFLICT,
            "user_exists");
    REFUSED(user_create(store, VIEW("ALICE@EXAMPLE.com"), &user, &err), ERR_CONFLICT,
            "user_exists");
    assert_int_equal(user.n, 77);
    assert_non_null(strstr(err.message, "User with email already exists"));
    assert_string_equal(err.hint, "secure-mcp-gateway user get --email Alice@Example.COM");
    commit();
    assert_string_equal(find_user("aLICE@eXAMPLE.com").user_id, alice.user_id);
    assert_string_equal(find_user("aLICE@eXAMPLE.com").email, "Alice@Example.COM");

    bob = new_user("bob@example.com");
    begin();
    REFUSED(user_set_email(store, &bob, VIEW("ALICE@example.com"), &err), ERR_CONFLICT,
            "user_exists");
    WORKS(user_set_email(store, &alice, VIEW("alice@example.com"), &err)); // only the case
    WORKS(user_set_email(store, &bob, VIEW("Robert@example.com"), &err));
    commit();
    assert_string_equal(find_user("ALICE@example.com").email, "alice@example.com");
    assert_string_equal(find_user("robert@EXAMPLE.com").user_id, bob.user_id);
    REFUSED(user_select(store, VIEW("bob@example.com"), none, &user, &err), ERR_NOT_FOUND,
            "user_not_found");
}

static void selects_by_address_and_id(void **state)
{
    (void)state;
    struct user alice = new_user("alice@example.com"), bob = new_user("bob@example.com");
    struct user user = {.n = 77};
    char upper[UUID_TEXT];
    for (size_t i = 0; i < UUID_TEXT; i++)
        upper[i] = (char)(alice.user_id[i] >= 'a' ? alice.user_id[i] - 32 : alice.user_id[i]);
    WORKS(user_select(store, none, view_of(upper), &user, &err));
    assert_int_equal(user.n, alice.n);
    WORKS(user_select(store, view_of(alice.email), view_of(alice.user_id), &user, &err));
    assert_int_equal(user.n, alice.n);
    REFUSED(user_select(store, view_of(bob.email), view_of(alice.user_id), &user, &err), ERR_USAGE,
            "selectors_disagree");
    REFUSED(user_select(store, VIEW("eve@example.com"), view_of(alice.user_id), &user, &err),
            ERR_USAGE, "selectors_disagree");
    REFUSED(user_select(store, none, VIEW("00000000-0000-4000-8000-000000000000"), &user, &err),
            ERR_NOT_FOUND, "user_not_found");
    REFUSED(user_select(store, VIEW(""), none, &user, &err), ERR_NOT_FOUND, "user_not_found");
    REFUSED(user_select(store, VIEW("' OR 1=1 --"), none, &user, &err), ERR_NOT_FOUND,
            "user_not_found");
    REFUSED(user_select(store, VIEW("%@example.com"), none, &user, &err), ERR_NOT_FOUND,
            "user_not_found");
    char many[2000];
    memset(many, 'x', sizeof many);
    REFUSED(user_select(store, view_bytes(many, sizeof many), none, &user, &err), ERR_NOT_FOUND,
            "user_not_found");
    assert_int_equal(user.n, alice.n); // untouched by the failures
}

static void lists_users_page_by_page(void **state)
{
    (void)state;
    struct stmt *stmt = NULL;
    struct user users[5], user;
    for (int i = 0; i < 5; i++) {
        char email[40];
        (void)snprintf(email, sizeof email, "user%d@example.com", 5 - i);
        users[i] = new_user(email);
    }
    WORKS(user_query(store, PAGE_ALL, &stmt, &err));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(user_next(stmt, &user, &err), STEP_ROW);
        assert_string_equal(user.user_id, users[i].user_id);
    }
    assert_int_equal(user_next(stmt, &user, &err), STEP_END);
    stmt_free(&stmt);
    WORKS(user_query(store, (struct page){users[1].n, 2}, &stmt, &err));
    for (int i = 2; i < 4; i++) {
        assert_int_equal(user_next(stmt, &user, &err), STEP_ROW);
        assert_string_equal(user.user_id, users[i].user_id);
    }
    assert_int_equal(user_next(stmt, &user, &err), STEP_END);
    stmt_free(&stmt);
}

static void check_listed(struct user_listing *listing, const char *email, int64_t keys,
                         const char *const *projects)
{
    struct user user;
    struct view id, name;
    int64_t found = -1;
    assert_int_equal(user_listing_next(listing, &user, &found, &err), STEP_ROW);
    assert_string_equal(user.email, email);
    assert_int_equal(found, keys);
    for (; *projects; projects++) {
        assert_int_equal(user_listing_project(listing, &id, &name, &err), STEP_ROW);
        assert_true(view_is(name, *projects) && text_is_uuid(id));
    }
    assert_int_equal(user_listing_project(listing, &id, &name, &err), STEP_END);
}

static void lists_users_with_projects_and_keys(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL}, *const all[] = {"One", "Two", "Three", NULL};
    static const char *const second[] = {"Two", NULL};
    struct user_listing *listing = NULL;
    struct user users[4], user;
    struct project one = new_project("One"), two = new_project("Two");
    struct project three = new_project("Three");
    int64_t keys;
    for (int i = 0; i < 4; i++)
        users[i] = new_user((const char *[]){"a@b.co", "b@b.co", "c@b.co", "d@b.co"}[i]);
    join(&two, &users[1]);
    join(&three, &users[1]);
    join(&one, &users[1]);
    join(&two, &users[3]);
    (void)new_key(&users[1], &one);
    (void)new_key(&users[1], &two);
    (void)new_key(&users[1], &two);
    (void)new_key(&users[3], &two);
    WORKS(user_listing_open(store, PAGE_ALL, &listing, &err));
    check_listed(listing, "a@b.co", 0, nothing);
    check_listed(listing, "b@b.co", 3, all);
    check_listed(listing, "c@b.co", 0, nothing);
    check_listed(listing, "d@b.co", 1, second);
    assert_int_equal(user_listing_next(listing, &user, &keys, &err), STEP_END);
    user_listing_free(&listing);
    // Projects that nobody asked for are passed over.
    WORKS(user_listing_open(store, (struct page){users[0].n, 3}, &listing, &err));
    assert_int_equal(user_listing_next(listing, &user, &keys, &err), STEP_ROW);
    check_listed(listing, "c@b.co", 0, nothing);
    check_listed(listing, "d@b.co", 1, second);
    assert_int_equal(user_listing_next(listing, &user, &keys, &err), STEP_END);
    user_listing_free(&listing);
    user_listing_free(&listing);
}

static void expect_matches(const char *term, const char *const *expected)
{
    struct stmt *stmt = NULL;
    struct user_match match;
    WORKS(user_search(store, view_of(term), PAGE_ALL, &stmt, &err));
    for (; *expected; expected++) { // `@` in front: found by its project
        assert_int_equal(user_match_next(stmt, &match, &err), STEP_ROW);
        assert_int_equal(match.by_email, (*expected)[0] != '@');
        assert_string_equal(match.user.email, *expected + ((*expected)[0] == '@'));
    }
    assert_int_equal(user_match_next(stmt, &match, &err), STEP_END);
    stmt_free(&stmt);
}

static void searches_users(void **state)
{
    (void)state;
    struct user alice = new_user("Alice@example.com"), bob = new_user("bob_admin@example.com");
    struct project admins = new_project("Admin's 100% Team");
    (void)new_user("carol@other.org");
    join(&admins, &alice);
    join(&admins, &bob);
    expect_matches("ALICE", (const char *const[]){"Alice@example.com", NULL});
    expect_matches("admin",
                   (const char *const[]){"@Alice@example.com", "bob_admin@example.com", NULL});
    expect_matches("100%",
                   (const char *const[]){"@Alice@example.com", "@bob_admin@example.com", NULL});
    expect_matches("%",
                   (const char *const[]){"@Alice@example.com", "@bob_admin@example.com", NULL});
    expect_matches("_", (const char *const[]){"bob_admin@example.com", NULL});
    expect_matches("b*", (const char *const[]){NULL});
    expect_matches("' OR '1'='1", (const char *const[]){NULL});
    expect_matches("other.org", (const char *const[]){"carol@other.org", NULL});
}

static void names_of_projects_are_unique(void **state)
{
    (void)state;
    struct project team = new_project("Team"), lower = new_project("team"), project = {.n = 77};
    assert_true(team.n != lower.n);
    assert_string_equal(find_project("Team").project_id, team.project_id);
    begin();
    REFUSED(project_create(store, VIEW("Team"), &project, &err), ERR_CONFLICT, "project_exists");
    REFUSED(project_rename(store, &lower, VIEW("Team"), &err), ERR_CONFLICT, "project_exists");
    WORKS(project_rename(store, &lower, VIEW("team"), &err)); // its own name
    WORKS(project_rename(store, &lower, VIEW("Other Team"), &err));
    commit();
    assert_int_equal(project.n, 77);
    assert_string_equal(find_project("Other Team").project_id, lower.project_id);
    REFUSED(project_select(store, VIEW("team"), none, &project, &err), ERR_NOT_FOUND,
            "project_not_found");
    WORKS(project_select(store, none, view_of(team.project_id), &project, &err));
    assert_string_equal(project.project_name, "Team");
    REFUSED(project_select(store, VIEW("Team"), view_of(lower.project_id), &project, &err),
            ERR_USAGE, "selectors_disagree");
}

static void counts_members_and_keys(void **state)
{
    (void)state;
    struct project team = new_project("Team"), other = new_project("Other"), project;
    struct user alice = new_user("alice@example.com"), bob = new_user("bob@example.com");
    struct stmt *stmt = NULL;
    join(&team, &alice);
    join(&team, &bob);
    join(&other, &alice);
    (void)new_key(&alice, &team);
    (void)new_key(&bob, &team);
    (void)new_key(&alice, &other);
    project = find_project("Team");
    WORKS(project_count(store, &project, &err));
    assert_true(project.users == 2 && project.api_keys == 2 && project.config.n == 0);
    WORKS(project_query_user(store, &alice, PAGE_ALL, &stmt, &err));
    assert_int_equal(project_next(stmt, &project, &err), STEP_ROW);
    assert_string_equal(project.project_name, "Team");
    assert_int_equal(project.api_keys, 1); // hers alone
    assert_int_equal(project_next(stmt, &project, &err), STEP_ROW);
    assert_int_equal(project_next(stmt, &project, &err), STEP_END);
    stmt_free(&stmt);
    WORKS(project_query(store, VIEW("TEA"), PAGE_ALL, &stmt, &err));
    assert_int_equal(project_next(stmt, &project, &err), STEP_ROW);
    assert_int_equal(project_next(stmt, &project, &err), STEP_END);
    stmt_free(&stmt);
    WORKS(project_query(store, none, PAGE_ALL, &stmt, &err));
    assert_int_equal(project_next(stmt, &project, &err), STEP_ROW);
    assert_int_equal(project_next(stmt, &project, &err), STEP_ROW);
    assert_int_equal(project_next(stmt, &project, &err), STEP_END);
    stmt_free(&stmt);
}

// Joining twice and leaving twice is fine, and says so; leaving takes the keys for it along.
static void joins_and_leaves(void **state)
{
    (void)state;
    struct project team = new_project("Team"), other = new_project("Other");
    struct user alice = new_user("alice@example.com"), bob = new_user("bob@example.com");
    bool changed;
    int64_t deleted = -1, records;
    join(&team, &alice);
    join(&other, &alice);
    join(&team, &bob);
    for (int i = 0; i < 3; i++)
        (void)new_key(&alice, &team);
    (void)new_key(&alice, &other);
    (void)new_key(&bob, &team);
    begin();
    records = number_of("SELECT count(*) FROM audit");
    WORKS(project_add_user(store, &team, &alice, &changed, &err));
    assert_false(changed);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records);
    WORKS(project_remove_user(store, &team, &alice, &changed, &deleted, &err));
    assert_true(changed);
    assert_int_equal(deleted, 3);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records + 4);
    WORKS(project_remove_user(store, &team, &alice, &changed, &deleted, &err));
    assert_false(changed);
    assert_int_equal(deleted, 0);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), records + 4);
    WORKS(project_has_user(store, &team, &alice, &changed, &err));
    assert_false(changed);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 2);
    assert_int_equal(number_of("SELECT count(*) FROM retired_keys"), 3);
}

static void removes_all_members(void **state)
{
    (void)state;
    struct project team = new_project("Team"), other = new_project("Other");
    struct user alice = new_user("alice@example.com"), bob = new_user("bob@example.com");
    int64_t removed = -1, deleted = -1;
    join(&team, &alice);
    join(&team, &bob);
    join(&other, &bob);
    (void)new_key(&alice, &team);
    (void)new_key(&bob, &team);
    (void)new_key(&bob, &team);
    (void)new_key(&bob, &other);
    begin();
    WORKS(project_remove_all_users(store, &team, &removed, &deleted, &err));
    assert_int_equal(removed, 2);
    assert_int_equal(deleted, 3);
    WORKS(project_remove_all_users(store, &team, &removed, &deleted, &err));
    assert_true(removed == 0 && deleted == 0);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM members"), 1);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 1);
}

static void deletes_users_with_care(void **state)
{
    (void)state;
    struct project team = new_project("Team"), other = new_project("Other");
    struct user alice = new_user("alice@example.com");
    struct user_removal removal = {77, 77};
    join(&team, &alice);
    join(&other, &alice);
    struct api_key first = new_key(&alice, &team), second = new_key(&alice, &other);
    begin();
    REFUSED(user_delete(store, &alice, false, &removal, &err), ERR_PRECONDITION, "has_api_keys");
    assert_string_equal(err.message, "User has 2 active API keys");
    assert_string_equal(err.hint,
                        "secure-mcp-gateway user delete-all-api-keys --email alice@example.com\n"
                        "secure-mcp-gateway user delete --email alice@example.com --force");
    WORKS(api_key_set_enabled(store, &first, false, &err));
    REFUSED(user_delete(store, &alice, false, &removal, &err), ERR_PRECONDITION, "has_api_keys");
    assert_string_equal(err.message, "User has 1 active API keys");
    WORKS(api_key_set_enabled(store, &second, false, &err));
    REFUSED(user_delete(store, &alice, false, &removal, &err), ERR_PRECONDITION, "has_api_keys");
    assert_string_equal(err.message, "User has 2 disabled API keys");
    assert_int_equal(removal.deleted_api_keys, 77);
    WORKS(user_delete(store, &alice, true, &removal, &err));
    assert_true(removal.deleted_api_keys == 2 && removal.removed_from_projects == 2);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM users"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM members"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM retired_keys"), 2);
    assert_int_equal(number_of("SELECT count(*) FROM projects"), 2);
    // Memberships alone do not stop it, and the address is free again.
    alice = new_user("alice@example.com");
    join(&team, &alice);
    begin();
    WORKS(user_delete(store, &alice, false, &removal, &err));
    assert_true(removal.deleted_api_keys == 0 && removal.removed_from_projects == 1);
    commit();
}

static void removes_projects_with_care(void **state)
{
    (void)state;
    struct project team = new_project("Team");
    struct user alice = new_user("alice@example.com");
    int64_t deleted = 77;
    join(&team, &alice);
    struct api_key key = new_key(&alice, &team);
    begin();
    REFUSED(project_remove(store, &team, false, &deleted, &err), ERR_PRECONDITION, "has_api_keys");
    assert_string_equal(err.message, "Project has 1 active API keys");
    key.expires_at = NOW;
    WORKS(api_key_update(store, &key, &err));
    REFUSED(project_remove(store, &team, false, &deleted, &err), ERR_PRECONDITION, "has_api_keys");
    assert_string_equal(err.message, "Project has 1 expired API keys");
    assert_int_equal(deleted, 77);
    WORKS(project_remove(store, &team, true, &deleted, &err));
    assert_int_equal(deleted, 1);
    commit();
    assert_int_equal(number_of("SELECT count(*) FROM projects"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM members"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM users"), 1);
}

static void assigns_configs(void **state)
{
    (void)state;
    struct project team = new_project("Team");
    struct config config, other, found;
    bool changed = false;
    int64_t servers;
    begin();
    WORKS(config_add(store, VIEW("prod config"), &config, &err));
    WORKS(config_add(store, VIEW("other"), &other, &err));
    REFUSED(config_add(store, VIEW("other"), &found, &err), ERR_CONFLICT, "config_exists");
    WORKS(project_set_config(store, &team, NULL, &changed, &err));
    assert_false(changed);
    WORKS(project_set_config(store, &team, &config, &changed, &err));
    assert_true(changed);
    WORKS(project_set_config(store, &team, &config, &changed, &err));
    assert_false(changed);
    WORKS(config_select(store, VIEW("prod config"), view_of(config.config_id), &found, &err));
    assert_int_equal(found.projects, 1);
    REFUSED(config_remove(store, &found, &servers, &err), ERR_PRECONDITION, "config_in_use");
    assert_string_equal(find_project("Team").config.config_name, "prod config");
    WORKS(project_set_config(store, &team, &other, &changed, &err));
    assert_true(changed);
    WORKS(project_set_config(store, &team, NULL, &changed, &err));
    assert_true(changed);
    assert_int_equal(find_project("Team").config.n, 0);
    WORKS(config_select(store, none, view_of(config.config_id), &found, &err));
    WORKS(config_remove(store, &found, &servers, &err));
    REFUSED(config_select(store, VIEW("prod config"), none, &found, &err), ERR_NOT_FOUND,
            "config_not_found");
    REFUSED(config_select(store, VIEW("other"), view_of(config.config_id), &found, &err), ERR_USAGE,
            "selectors_disagree");
    commit();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_store, remove_home)

// A change whose record cannot be written gives nothing back.
static void gives_nothing_back_when_it_fails(void **state)
{
    (void)state;
    struct user user = new_user("alice@example.com"), keyless = new_user("carol@example.com");
    struct project project = new_project("P");
    struct config config = {0};
    struct user_removal removal = {.deleted_api_keys = 77};
    begin();
    WORKS(config_add(store, VIEW("c"), &config, &err));
    commit();
    join(&project, &user);
    struct api_key key = new_key(&user, &project), made = {.n = 77};
    const struct key_order order = {.user = &user, .project = &project};
    struct clear_key *clear = clear_key_new();
    script("ALTER TABLE audit RENAME TO away");
    begin();
    assert_false(user_set_email(store, &user, VIEW("bob@example.com"), &err));
    assert_false(project_rename(store, &project, VIEW("Q"), &err));
    assert_false(config_rename(store, &config, VIEW("d"), &err));
    assert_false(api_key_set_enabled(store, &key, false, &err));
    assert_false(api_key_generate(store, &order, clear, &made, &err));
    assert_false(user_delete(store, &keyless, true, &removal, &err));
    db_rollback(store->db);
    assert_string_equal(user.email, "alice@example.com");
    assert_string_equal(project.project_name, "P");
    assert_string_equal(config.config_name, "c");
    assert_true(key.disabled_at == 0 && key.status == KEY_ACTIVE);
    assert_int_equal(made.n, 77);
    assert_int_equal(removal.deleted_api_keys, 77);
    clear_key_free(&clear);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(addresses_are_unique_in_any_case),
        CASE(selects_by_address_and_id),
        CASE(lists_users_page_by_page),
        CASE(lists_users_with_projects_and_keys),
        CASE(searches_users),
        CASE(names_of_projects_are_unique),
        CASE(counts_members_and_keys),
        CASE(joins_and_leaves),
        CASE(removes_all_members),
        CASE(deletes_users_with_care),
        CASE(removes_projects_with_care),
        CASE(assigns_configs),
        CASE(gives_nothing_back_when_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
