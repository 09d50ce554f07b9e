// test_gateway.c: clients, keys and servers through a whole gateway, without a door: what ends
// while something else still needs it, and what may reach whom.
#include "gateway_fakes.h"

static size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

static void remove_servers(void)
{
    int64_t removed;
    begin();
    WORKS(server_remove_all(store, &tools, &removed, &err));
    commit();
}

// --- one thing at a time -----------------------------------------------------------------------
static void answers_both_eras(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, CALL("old__fast"));
    await(door, "done");
    door = post(0, session, CALL("new__fast"));
    await(door, "done");
    door = post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\",");
    await(door, "done");
    door = post_modern(0, "tools/list", NULL, "");
    await(door, "new__asks");
    assert_int_equal(times(door->said, "old__fast"), 1);
    assert_null(post(0, "nobodys", CALL("old__fast"))->exchange);
    open_session(1, "2025-06-18", session);
    assert_int_equal(post(0, session, CALL("old__fast"))->status, 404);
    assert_int_equal(ask(&(struct asking){.key = 0, .method = "GET", .session = session})->status,
                     404);
    assert_int_equal(
        ask(&(struct asking){.key = 0, .method = "DELETE", .session = session})->status, 404);
    await(post(1, session, CALL("old__fast")), "done");
}

// The client gives up a call whose server has asked something, and answers all the same.
static void forgets_the_questions_of_a_cancelled_call(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, CALL("new__asks"));
    await(door, "gw-2");
    (void)post(0, session,
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
               "{\"requestId\":\"c\"}}");
    assert_false(door->open);
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}");
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-2\",\"result\":{\"ok\":1}}");
    rig_pause(20);
}

static void gives_up_unanswered_questions(void **state)
{
    (void)state;
    char session[ROOM_ID];
    rig.settings.question_timeout = 100000;
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, CALL("new__asks"));
    await(door, "did not answer");
    rig_pause(1200);
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}");
}

static void brings_answers_to_a_modern_server(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, CALL("new__asks"));
    await(door, "gw-2");
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}");
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-2\",\"result\":{\"ok\":1}}");
    await(door, "thanks");
}

// Nothing of the call is under way at the server, which would end it.
static void gives_up_questions_of_a_server_that_is_gone(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, CALL("new__asks"));
    await(door, "gw-2");
    remove_servers();
    await(door, "changed meanwhile");
}

#define ON_RESOURCE(what)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":\"" what "\",\"method\":\"resources/" what                        \
    "\",\"params\":{\"uri\":\"x://1\"}}"

// The answer to an unsubscription comes when the subscription is gone.
static void unsubscribes(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    await(post(0, session, ON_RESOURCE("subscribe")), NULL);
    await(stream, "x://1");
    await(post(0, session, ON_RESOURCE("unsubscribe")), NULL);
    rig_pause(60);
    await(post(0, session, CALL("old__fast")), "done");
}

// Two clients who want the same of a modern server hear it once each per subscription.
static void tells_each_subscriber_its_own(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake("new", "modern", modern_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    struct door *first = ask(&(struct asking){.key = 0, .method = "GET", .session = one});
    struct door *second = ask(&(struct asking){.key = 1, .method = "GET", .session = two});
    await(post(0, one, ON_RESOURCE("subscribe")), NULL);
    await(first, "x://1");
    await(post(1, two, ON_RESOURCE("subscribe")), NULL);
    await(second, "x://1");
    rig_pause(20);
    assert_int_equal(times(first->said, "x://1"), 1);
    assert_int_equal(times(second->said, "x://1"), 1);
}

// A parked call belongs to its key.
static void resumes_parked_calls(void **state)
{
    (void)state;
    char handle[ROOM_ID];
    add_servers();
    struct door *door = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    await(door, "requestState");
    copy_member(door, "requestState\":\"", handle);
    struct door *stranger = retry(1, handle);
    rig_pause(30);
    assert_null(strstr(stranger->said, "thanks"));
    await(retry(0, handle), "thanks");
}

// A handle that does not work, or no more, is for no other server's eyes; a server's own state is.
static void refuses_its_own_states(void **state)
{
    (void)state;
    char handle[ROOM_ID], params[400];
    add_servers();
    struct door *door = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    await(door, "requestState");
    copy_member(door, "requestState\":\"", handle);
    (void)snprintf(params, sizeof params,
                   "\"name\":\"new__asks\",\"inputResponses\":{},\"requestState\":\"%s\",", handle);
    await(post_modern(0, "tools/call", "new__asks", params), "-32602");
    await(retry(0, handle), "thanks");
    await(post_modern(0, "tools/call", "new__asks", params), "-32602");
    await(retry(0, handle), "-32602");
    strstr(params, handle)[0] ^= 1; // nobody's
    await(post_modern(0, "tools/call", "new__asks", params), "thanks");
}

// A client that never comes back does not use up its key's calls: its oldest question is dropped.
static void parks_no_more_than_may_be_under_way(void **state)
{
    (void)state;
    char handles[3][ROOM_ID];
    rig.settings.calls_per_key = 2;
    add_servers();
    for (size_t i = 0; i < COUNT_OF(handles); i++) {
        struct door *door = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
        await(door, "requestState");
        copy_member(door, "requestState\":\"", handles[i]);
    }
    await(retry(0, handles[0]), "-32602");
    await(retry(0, handles[1]), "thanks");
    await(retry(0, handles[2]), "thanks");
}

// What one client's end interrupts is not empty for others.
static void keeps_a_list_whose_reader_has_gone(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    static const char list[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
    static const char *const words[] = {"\"initialize\"",
                                        "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES
                                        ",\"serverInfo\":{\"name\":\"old\",\"version\":\"1\"}}",
                                        "tools/list",
                                        "s:150",
                                        LISTS,
                                        NULL};
    add_fake_isolated("old", "legacy", "session", words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    await(post(1, two, list), "fast");
    await(post(0, one, CALL("old__news")), "content");
    struct door *first = post(0, one, list), *second = post(1, two, list);
    rig_pause(20);
    (void)ask(&(struct asking){.key = 0, .method = "DELETE", .session = one});
    await(second, "fast");
    assert_false(first->open);
}

// A connection that is gone is taken up by another, which hears at once that it was.
static void takes_up_streams(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-11-25", session);
    struct door *door = post(0, session, CALL("old__asks"));
    await(door, "id: 1-1");
    struct door *again = ask(
        &(struct asking){.key = 0, .method = "GET", .session = session, .last_event_id = "1-1"});
    assert_true(door->cut && again->events);
    (void)post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}");
    await(again, "thanks");
    struct door *late = ask(
        &(struct asking){.key = 0, .method = "GET", .session = session, .last_event_id = "1-1"});
    assert_non_null(strstr(late->said, "thanks"));
}

// A stream whose client takes nothing gets no more, and ends when it does.
static void bounds_streams(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    stream->queued = rig.settings.queue + 1;
    await(post(0, session, CALL("old__news")), NULL);
    await(stream, "list_changed");
    for (int i = 0; i < 10; i++) {
        await(post(0, session, CALL("old__news")), NULL);
        rig_pause(8);
    }
    assert_int_equal(times(stream->said, "list_changed"), 1);
    stream->queued = 0;
    exchange_drained(stream->exchange);
    assert_false(stream->open);
}

// A task is its key's; others do not see it.
static void keeps_tasks_apart(void **state)
{
    (void)state;
    char id[ROOM_ID], params[400];
    add_servers();
    struct asking asking = {.method = "POST",
                            .server = "old",
                            .mcp_method = "tools/call",
                            .mcp_name = "task",
                            .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
                                    "\"params\":{\"name\":\"task\",\"task\":{}," META "}}"};
    struct door *door = ask(&asking);
    await(door, "taskId");
    copy_member(door, "taskId\":\"", id);
    (void)snprintf(params, sizeof params,
                   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tasks/get\",\"params\":{\"taskId\":"
                   "\"%s\"," META "}}",
                   id);
    asking.mcp_method = "tasks/get";
    asking.mcp_name = id;
    asking.body = params;
    door = ask(&asking);
    await(door, "working");
    asking.key = 1;
    door = ask(&asking);
    await(door, NULL);
    assert_null(strstr(door->said, "working"));
    assert_non_null(strstr(door->said, "-32602"));
    // Nor is it anybody's when its process has gone: the next one counts from the start.
    await(post_modern(0, "tools/call", "old__dies", "\"name\":\"old__dies\","), NULL);
    rig_pause(100);
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    asking.key = 0;
    door = ask(&asking);
    await(door, "-32602");
}

// What is told again is told to who may see it now.
static void tells_again_by_the_present_config(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-11-25", session);
    const struct asking again = {.method = "GET", .session = session, .last_event_id = "1-0"};
    await(post(0, session, CALL("old__notes")), "result");
    assert_non_null(strstr(ask(&again)->said, "result"));
    add_fake("other", "legacy", legacy_words);
    assert_non_null(strstr(ask(&again)->said, "result"));
    remove_servers();
    const struct door *late = ask(&again);
    assert_null(strstr(late->said, "progress"));
    assert_null(strstr(late->said, "result"));
    assert_int_equal(late->status, 405);
}

// Nor is what a stream has said, though nobody has noticed yet that its connection is gone. What
// the client may have missed is told anew.
static void tells_no_stream_again_by_another_config(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-11-25", session);
    await(post(0, session, CALL("old__fast")), "done");
    const struct asking again = {.method = "GET", .session = session, .last_event_id = "1-0"};
    struct door *first = ask(&(struct asking){.method = "GET", .session = session});
    await(first, "id: 1-0");
    struct door *second = ask(&again);
    assert_false(first->open);
    await(second, "id: 1-0");
    add_fake("other", "legacy", legacy_words);
    await(second, "id: 1-3");
    struct door *third = ask(&again);
    assert_false(second->open);
    await(third, "list_changed");
    assert_null(strstr(third->said, "id: 1-"));
}

static void follows_a_changed_config(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-06-18", session);
    struct door *listen = post_modern(0, "subscriptions/listen", NULL,
                                      "\"notifications\":{\"toolsListChanged\":true},");
    struct door *call = post(0, session, CALL("old__never"));
    await(listen, "acknowledged");
    add_fake("new", "modern", modern_words);
    await(listen, NULL);
    await(post(0, session, CALL("new__fast")), "done");
    remove_servers();
    await(call, NULL);
    await(post(0, session, CALL("new__fast")), "Unknown");
}

#define CALL_MODERN(name)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"" name         \
    "\"," META "}}"

// What waits for a server is not disturbed by what becomes of others.
static void waits_on_when_others_change(void **state)
{
    (void)state;
    const char *words[2 + COUNT_OF(legacy_words)] = {"\"initialize\"", "s:300"};
    memcpy(words + 2, legacy_words, sizeof legacy_words);
    add_fake("late", "legacy", words);
    struct asking alone = {.method = "POST",
                           .server = "late",
                           .body = CALL_MODERN("fast"),
                           .mcp_method = "tools/call",
                           .mcp_name = "fast"};
    const struct door *call = ask(&alone);
    const struct door *list = post_modern(0, "tools/list", NULL, "");
    rig_pause(50);
    assert_true(call->open && list->open);
    add_fake("new", "modern", modern_words);
    await(post(1, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"),
          NULL); // asks the store
    assert_true(call->open && list->open);
    await(call, "done");
    await(list, "late__fast");
    await(list, "new__fast");

    // Not so when it is gone itself.
    add_fake("later", "legacy", words);
    alone.server = "later";
    call = ask(&alone);
    rig_pause(50);
    assert_true(call->open);
    remove_servers();
    await(call, "changed meanwhile");
}

// A session whose client is never told of it is nobody's: the opening failed, or the client has
// gone meanwhile.
static void ends_a_session_that_never_was(void **state)
{
    (void)state;
    const char *words[2 + COUNT_OF(legacy_words)] = {"\"initialize\"", "s:300"};
    memcpy(words + 2, legacy_words, sizeof legacy_words);
    const struct asking asking = {
        .method = "POST",
        .server = "old",
        .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{"
                "\"name\":\"t\",\"version\":\"1\"}}}"};
    add_fake("old", "legacy", words);
    struct door *door = ask(&asking);
    rig_pause(30);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 1);
    remove_servers();
    await(door, "changed meanwhile");
    assert_string_equal(door->session, "");
    rig_pause(1200); // until they are looked at
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
    add_fake("old", "legacy", words);
    leave_door(ask(&asking));
    door = ask(&asking);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 2);
    await(door, "protocolVersion");
    rig_pause(1200);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 1);
}

// A client hears of nothing but answers until it has initialized; pings and levels are too early to
// show that it has.
static void waits_for_initialized(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    await(post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), "result");
    await(post_modern(1, "tools/call", "old__news", "\"name\":\"old__news\","), "content");
    rig_pause(20);
    assert_null(strstr(stream->said, "list_changed"));
    assert_int_equal(
        post(0, session, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}")->status,
        202);
    await(stream, "list_changed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_both_eras),
        TEST(waits_for_initialized),
        TEST(forgets_the_questions_of_a_cancelled_call),
        TEST(gives_up_unanswered_questions),
        TEST(brings_answers_to_a_modern_server),
        TEST(gives_up_questions_of_a_server_that_is_gone),
        TEST(unsubscribes),
        TEST(tells_each_subscriber_its_own),
        TEST(resumes_parked_calls),
        TEST(refuses_its_own_states),
        TEST(parks_no_more_than_may_be_under_way),
        TEST(keeps_a_list_whose_reader_has_gone),
        TEST(takes_up_streams),
        TEST(bounds_streams),
        TEST(keeps_tasks_apart),
        TEST(tells_again_by_the_present_config),
        TEST(tells_no_stream_again_by_another_config),
        TEST(follows_a_changed_config),
        TEST(waits_on_when_others_change),
        TEST(ends_a_session_that_never_was),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
