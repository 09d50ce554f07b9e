// test_gateway_keys.c: what is kept for keys, and for whom: when there are many, when they rest,
// when the text or the number of one is another's now.
#include "gateway_fakes.h"

// What waits for a client's retry takes room of its key's, and others may need it.
static void counts_answers_of_parked_calls(void **state)
{
    (void)state;
    char handles[3][ROOM_ID];
    struct ration ration = {.most = 1 << 20, .share = 1 << 20};
    const uint64_t key = owner_of(0);
    rig.gateway->unread = &ration;
    add_fake("old", "legacy", hasty_words);
    park_hasty(handles[0]);
    const size_t each = ration.now;
    assert_true(each > 0 && ration_holds(&ration, key));
    park_hasty(handles[1]);
    assert_int_equal(ration.now, 2 * each);
    await(retry_hasty(handles[0]), "thanks");
    assert_int_equal(ration.now, each);
    ration_take_back(&ration, key);
    assert_int_equal(ration.now, 0);
    await(retry_hasty(handles[1]), "did not answer");
    ration.share = each - 1;
    park_hasty(handles[2]);
    assert_int_equal(ration.refused, 1);
    await(retry_hasty(handles[2]), "did not answer");
    ration_done(&ration);
    rig.gateway->unread = NULL;
}

// Nor does a batch that is not complete keep more than its key's share.
static void counts_answers_of_batches(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct ration ration = {.most = 1 << 20, .share = 1 << 20};
    static const char cancel[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":9}}";
    static const char batch[] =
        "[" CALL("old__fast") ",{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\","
                              "\"params\":{\"name\":\"old__never\"}}]";
    rig.gateway->unread = &ration;
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-03-26", session);
    for (int i = 0; i < 3; i++) {
        struct door *door = post(0, session, "%s", batch);
        rig_pause(100);
        assert_int_equal(ration.now > 0, i < 2);
        assert_true(door->open);
        if (i == 0) // others need the room
            ration_take_back(&ration, owner_of(0));
        (void)post(0, session, "%s", cancel);
        assert_false(door->open);
        assert_int_equal(door->status, i == 1 ? 200 : 503);
        assert_int_equal(ration.now, 0);
        ration.share = i == 1 ? 8 : ration.share;
    }
    assert_int_equal(ration.refused, 1);
    ration_done(&ration);
    rig.gateway->unread = NULL;
}

// What a server asks may be about a call of another user that is long over: nobody is asked, but
// where each session has its own.
static void asks_nobody_whose_server_others_use(void **state)
{
    (void)state;
    char one[ROOM_ID], other[ROOM_ID];
    add_servers();
    add_fake_isolated("own", "legacy", "session", legacy_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", other);
    await(post(1, other, CALL("old__fast")), "done"); // another key of the same user
    await(post(0, one, CALL("old__asks")), "elicitation/create");
    (void)post(0, one, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}");
    struct user bob = new_user("bob@example.com");
    join(&team, &bob);
    take_new_key(&bob, &team);
    open_session(1, "2025-06-18", other);
    await(post(1, other, CALL("old__fast")), "done");
    await(post(0, one, CALL("old__asks")), "no answer");
    struct door *handle = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    await(handle, "no answer");
    await(post(1, other, CALL("own__fast")), "done");
    await(post(0, one, CALL("own__asks")), "elicitation/create");
}

// Gives the text of a key to somebody else, in one commit: as when another store is put in the
// place of this one, or one is restored.
static void give_away(unsigned which, const struct project *project, const struct user *user)
{
    const struct api_key old = find_key(rig.keys[which]);
    struct api_key key = {.user_n = user->n, .project_n = project->n, .created_at = NOW};
    memcpy(key.user_id, user->user_id, sizeof key.user_id);
    memcpy(key.project_id, project->project_id, sizeof key.project_id);
    begin();
    WORKS(api_key_delete(store, &old, &err));
    WORKS(api_key_bring(store, &key, view_of(rig.keys[which]), true, &err));
    commit();
}

// What was the key's as the one ends before anything is let through as the other; its uses count
// for it all the same.
static void begins_anew_with_a_key_of_somebody_else(void **state)
{
    (void)state;
    char session[ROOM_ID];
    bool changed;
    const struct user bob = new_user("bob@example.com");
    struct project other = new_project("Other");
    struct project *const projects[] = {&other, &team, &team};
    const struct user *const users[] = {&alice, &bob, &alice};
    join(&other, &alice);
    join(&team, &bob);
    begin();
    WORKS(project_set_config(store, &other, &tools, &changed, &err));
    commit();
    add_servers();
    for (unsigned i = 0; i < COUNT_OF(users); i++) {
        open_session(0, "2025-06-18", session);
        struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
        give_away(0, projects[i], users[i]);
        if (i == 0) // by the request, else by the sweep
            assert_int_equal(post(0, session, CALL("old__fast"))->status, 404);
        await(stream, NULL);
        assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
    }
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    rig_pause(200); // until it is written down
    assert_int_equal(logged("another user or project"), COUNT_OF(users));
    rig_leave();
    assert_int_equal(find_key(rig.keys[0]).use_count, 8);
}

// Key 1 calls with a row of this number: the second time it is that of one that is gone.
static void call_with_number(int64_t number, int64_t *before)
{
    await(post_modern(1, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    if (*before != 0) {
        assert_int_equal(number, *before);
        rig_pause(200); // until it is written down
        assert_int_equal(logged("\"started\""), 2);
    }
    *before = number;
}

// A project that gets the number of one that is gone does not get its servers, which may remember
// what they were told.
static void begins_anew_with_a_number_of_another_project(void **state)
{
    (void)state;
    int64_t number = 0, deleted;
    bool changed;
    add_fake("old", "legacy", legacy_words);
    for (int i = 0; i < 2; i++) {
        struct project project = new_project("Passing");
        join(&project, &alice);
        begin();
        WORKS(project_set_config(store, &project, &tools, &changed, &err));
        commit();
        take_new_key(&alice, &project);
        call_with_number(project.n, &number);
        begin();
        WORKS(project_remove(store, &project, true, &deleted, &err));
        commit();
    }
}

// Nor does a user get the server of the one whose number he got.
static void begins_anew_with_a_number_of_another_user(void **state)
{
    (void)state;
    int64_t number = 0;
    struct user_removal removal;
    add_fake_isolated("old", "legacy", "user", legacy_words);
    for (int i = 0; i < 2; i++) {
        char email[32];
        (void)snprintf(email, sizeof email, "passing%d@example.com", i);
        struct user user = new_user(email);
        join(&team, &user);
        take_new_key(&user, &team);
        call_with_number(user.n, &number);
        begin();
        WORKS(user_delete(store, &user, true, &removal, &err));
        commit();
    }
}

// Nor does a key get the server of the one whose number it got.
static void begins_anew_with_a_number_of_another_key(void **state)
{
    (void)state;
    int64_t number = 0;
    add_fake_isolated("old", "legacy", "session", legacy_words);
    for (int i = 0; i < 2; i++) {
        struct api_key key = new_key(&alice, &team);
        memcpy(rig.keys[1], clear_text, sizeof rig.keys[1]);
        call_with_number(key.n, &number);
        begin();
        WORKS(api_key_delete(store, &key, &err));
        commit();
    }
}

#define TASK                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"                                            \
    "call\",\"params\":{\"name\":\"old__task\",\"task\":{}}}"

// Nothing is kept of keys that rest once their uses are recorded and the store has changed, so
// nothing of those that are gone; what is open keeps its key.
static void forgets_keys_that_rest(void **state)
{
    (void)state;
    char session[ROOM_ID];
    rig.settings.usage_period = 1;
    rig.gateway->next_usage = 0;
    add_servers();
    await(post_modern(0, "tools/list", NULL, ""), "old__");
    open_session(1, "2025-06-18", session);
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 1);
    await(post_modern(0, "tools/list", NULL, ""), "old__");
    await(post(1, session, CALL("old__fast")), "done");
    await(post(1, session, TASK), "taskId");
    set_enabled(1, false);
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 0);
    assert_int_equal(find_key(rig.keys[0]).use_count, 2);
    // Nor of their project, when its servers have rested, too; and all is as before.
    assert_int_equal(gateway_counters(rig.gateway)->projects_now, 1);
    rig.settings.idle_child = 1;
    rig_pause(1500);
    assert_int_equal(gateway_counters(rig.gateway)->projects_now, 0);
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
}

// Which tasks are whose is kept for a key that rests, but not for one that is gone.
static void forgets_tasks_of_keys_that_are_gone(void **state)
{
    (void)state;
    char session[ROOM_ID];
    rig.settings.usage_period = 1;
    rig.gateway->next_usage = 0;
    add_servers();
    open_session(1, "2025-06-18", session);
    await(post(1, session, TASK), "taskId");
    (void)ask(&(struct asking){.key = 1, .method = "DELETE", .session = session});
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 1);
    set_enabled(1, false);
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 0);
}

enum { MANY = 10010 };
static char all_keys[MANY][LIMIT_API_KEY + 1];

static void make_many_keys(int count)
{
    const struct key_order order = {.user = &alice, .project = &team, .name = VIEW("one")};
    begin();
    for (int i = 0; i < count; i++) {
        struct clear_key *clear = clear_key_new();
        struct api_key key;
        WORKS(api_key_generate(store, &order, clear, &key, &err));
        struct view text = clear_key_view(clear);
        assert_true(text_copy(all_keys[i], sizeof all_keys[i], text));
        clear_key_free(&clear);
    }
    commit();
}

static void run_till_sessions_end(void *context)
{
    (void)context;
    if (gateway_counters(rig.gateway)->sessions_now == 0 || loop_clock() > rig.until)
        loop_stop(rig.loop);
}

// However many keys have something open, all are asked for without waiting for the next tick.
static void sweeps_all_keys_at_once(void **state)
{
    (void)state;
    enum { OPEN = 5000 };
    make_many_keys(OPEN);
    for (int i = 0; i < OPEN; i++) {
        memcpy(rig.keys[1], all_keys[i], sizeof rig.keys[1]);
        (void)post(1, NULL,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                   "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}");
    }
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, OPEN);
    timer_free(&rig.timer);
    script("DELETE FROM api_keys");
    gateway_tick(rig.gateway, loop_clock());
    rig.until = loop_clock() + 10 * TIME_SECOND;
    WORKS(timer_new(rig.loop, TURN, run_till_sessions_end, NULL, &rig.timer, &err));
    loop_run(rig.loop);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
}

// However many keys were used, none is forgotten when the gateway ends.
static void records_the_uses_of_many_keys(void **state)
{
    (void)state;
    make_many_keys(MANY);
    for (int i = 0; i < MANY; i++) {
        memcpy(rig.keys[1], all_keys[i], sizeof rig.keys[1]);
        (void)post_modern(1, "nothing", NULL, "");
    }
    rig_leave();
    assert_int_equal(find_key(all_keys[0]).use_count, 1);
    assert_int_equal(find_key(all_keys[MANY - 1]).use_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(counts_answers_of_parked_calls),
        TEST(counts_answers_of_batches),
        TEST(asks_nobody_whose_server_others_use),
        TEST(begins_anew_with_a_key_of_somebody_else),
        TEST(begins_anew_with_a_number_of_another_project),
        TEST(begins_anew_with_a_number_of_another_user),
        TEST(begins_anew_with_a_number_of_another_key),
        TEST(forgets_keys_that_rest),
        TEST(forgets_tasks_of_keys_that_are_gone),
        TEST(sweeps_all_keys_at_once),
        TEST(records_the_uses_of_many_keys),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
