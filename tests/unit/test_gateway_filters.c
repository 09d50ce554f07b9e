// test_gateway_filters.c: which tools are allowed changes while a server is in use: the server goes
// on, and so does what is still allowed.
#include "gateway_fakes.h"

enum { ROOM_BODY = 400 };

// Ends when a call or a task is cancelled.
static const char *const words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES "}",
    LISTS,
    "\"asks\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"result\":{\"ok\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "notifications/cancelled",
    "x:7",
    "tasks/cancel",
    "x:7",
    NULL};

static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":\"gw-1\",\"result\":{\"ok\":1}}";
static const char second_answer[] = "{\"jsonrpc\":\"2.0\",\"id\":\"gw-2\",\"result\":{\"ok\":1}}";
static const char all[] = "{}", some[] = "{\"asks\":{},\"fast\":{}}", few[] = "{\"fast\":{}}";

static void update(struct server_change change, const char *allowed)
{
    struct stmt *stmt = NULL;
    struct server server;
    if (allowed)
        WORKS(json_parse(view_of(allowed), &arena, &change.tools, &err));
    begin();
    WORKS(server_select(store, &tools, VIEW("old"), &stmt, &server, &err));
    WORKS(server_update(store, &tools, &server, &change, &err));
    stmt_free(&stmt);
    commit();
}

static void allow(const char *allowed)
{
    update((struct server_change){0}, allowed);
}

static void await_end_of_server(void)
{
    for (int i = 0; i < 1000 && logged("\"exited\"") == 0; i++)
        rig_pause(10);
    assert_int_equal(logged("\"exited\""), 1);
}

static void keeps_a_server_whose_tools_are_filtered(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    open_session(0, "2025-11-25", session);
    struct door *stream = ask(&(struct asking){.method = "GET", .session = session});
    struct door *call = post(0, session, CALL("old__asks"));
    await(call, "elicitation/create");
    update((struct server_change){.description = VIEW("another")}, some);
    await(stream, "tools/list_changed");
    const struct door *list = post(0, session,
                                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                   "\"tools/list\"}");
    await(list, NULL);
    assert_non_null(strstr(list->said, "old__fast"));
    assert_null(strstr(list->said, "old__notes"));
    await(post(0, session, CALL("old__notes")), "Unknown tool: old__notes");
    rig_pause(300);
    assert_true(call->open);
    assert_int_equal(post(0, session, answer)->status, 202);
    await(call, "thanks");
    assert_int_equal(logged("\"started\""), 1);
    assert_int_equal(logged("\"exited\""), 0);
    // What it is started by makes it another one.
    const struct json_value *none;
    WORKS(json_parse(VIEW("[]"), &arena, &none, &err));
    call = post(0, session, CALL("old__asks"));
    update((struct server_change){.args = none}, NULL);
    await(call, "configuration has changed");
}

// Whoever listens learns what has changed before the listen ends.
static void tells_listens_before_they_end(void **state)
{
    (void)state;
    add_fake("old", "legacy", words);
    struct door *tools_only = post_modern(0, "subscriptions/listen", NULL,
                                          "\"notifications\":{\"toolsListChanged\":true},");
    struct door *nothing = post_modern(0, "subscriptions/listen", NULL, "\"notifications\":{},");
    await(tools_only, "acknowledged");
    await(nothing, "acknowledged");
    allow(some);
    await(tools_only, "\"resultType\":\"complete\"");
    await(nothing, "\"resultType\":\"complete\"");
    assert_true(strstr(tools_only->said, "notifications/tools/list_changed") <
                strstr(tools_only->said, "\"resultType\""));
    assert_non_null(strstr(tools_only->said, "notifications/tools/list_changed"));
    assert_null(strstr(tools_only->said, "prompts/list_changed"));
    assert_null(strstr(nothing->said, "list_changed"));
}

static void ends_calls_of_tools_that_are_not_allowed_any_more(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    open_session(0, "2025-11-25", session);
    allow("{\"never\":{},\"fast\":{}}");
    struct door *call = post(0, session, CALL("old__never"));
    await(post(0, session, CALL("old__fast")), "done");
    assert_true(call->open);
    allow(few);
    await(call, "Unknown tool: old__never");
    await_end_of_server();
    assert_int_equal(logged("\"name\":\"old__never\",\"outcome\":\"denied\",\"stage\":\"invoke\""),
                     1);
}

static void ends_parked_calls_of_such_tools(void **state)
{
    (void)state;
    char handles[2][ROOM_ID];
    struct door *door;
    add_fake("old", "legacy", words);
    for (int i = 0; i < 2; i++) {
        door = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
        await(door, "requestState");
        copy_member(door, "requestState\":\"", handles[i]);
    }
    allow(some);
    await(retry(0, handles[0]), "thanks");
    allow(few);
    await_end_of_server();
    allow(some);
    await(retry(0, handles[1]), "-32602");
}

// Ends when it is answered.
static const char *const touchy_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES "}",
    LISTS,
    "\"asks\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"hasty\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"hasty\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "\"result\":{\"ok\"",
    "x:7",
    NULL};

// What a server has asked for a call that was cut is not answered any more, unlike what it asked
// for one that it has answered itself.
static void drops_answers_for_calls_of_such_tools(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", touchy_words);
    open_session(0, "2025-11-25", session);
    struct door *call = post(0, session, CALL("old__asks"));
    await(call, "gw-1");
    allow("{\"hasty\":{},\"fast\":{}}");
    await(call, "Unknown tool: old__asks");
    assert_int_equal(post(0, session, answer)->status, 202);
    await(post(0, session, CALL("old__fast")), "done");
    assert_int_equal(logged("\"exited\""), 0);
    call = post(0, session, CALL("old__hasty"));
    await(call, "gw-2");
    await(call, "thanks");
    assert_int_equal(post(0, session, second_answer)->status, 202);
    await_end_of_server();
}

// What goes on is judged once by each access, however many sweeps there are.
static void judges_once_by_each_access(void **state)
{
    enum { PARKED = 20 };
    (void)state;
    add_fake("old", "legacy", words);
    for (int i = 0; i < PARKED; i++)
        await(post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\","), "requestState");
    rig_pause(300);
    uint64_t before = rig.gateway->judgements;
    rig_pause(1500);
    assert_int_equal(rig.gateway->judgements, before);
    allow(some);
    rig_pause(1500);
    assert_int_equal(rig.gateway->judgements, before + PARKED);
    allow(few);
    await_end_of_server();
    assert_int_equal(rig.gateway->parked.count, 0);
}

// A request that was let in before the change and begins only after the sweep.
static void judges_what_begins_late(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct principal *principal;
    add_fake("old", "legacy", words);
    open_session(0, "2025-11-25", session);
    await(post(0, session, CALL("old__fast")), "done");
    assert_int_equal(front_authenticate(rig.gateway, view_of(rig.keys[0]), &principal),
                     FRONT_GRANTED);
    allow(few);
    rig_pause(300);
    struct door *door = free_door();
    const struct front_request request = {
        .principal = principal, .session_id = view_of(session), .body = VIEW(CALL("old__never"))};
    door->exchange = front_post(rig.gateway, &request, &door_ops, door);
    assert_true(door->open);
    front_principal_unref(&principal);
    await(door, "Unknown tool: old__never");
}

static struct door *again(const char *session)
{
    return ask(&(struct asking){.method = "GET", .session = session, .last_event_id = "1-0"});
}

// What was kept of an answer is told again as long as nothing was changed.
static void tells_no_answer_of_such_tools_again(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    open_session(0, "2025-11-25", session);
    await(post(0, session, CALL("old__notes")), "result");
    assert_non_null(strstr(again(session)->said, "result"));
    allow(few);
    const struct door *late = again(session);
    assert_int_equal(late->status, 405);
    assert_null(strstr(late->said, "progress"));
}

// A call that goes on is its new record's, also when its client is away meanwhile.
static void keeps_the_answer_of_a_call_that_goes_on(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    open_session(0, "2025-11-25", session);
    struct door *call = post(0, session, CALL("old__asks"));
    await(call, "elicitation/create");
    leave_door(call);
    allow(some);
    rig_pause(300);
    assert_int_equal(post(0, session, answer)->status, 202);
    rig_pause(100);
    assert_non_null(strstr(again(session)->said, "thanks"));
    allow(few);
    assert_int_equal(again(session)->status, 405);
}

// A batch has answers before it is complete.
static void tells_no_batch_again_by_another_config(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    open_session(0, "2025-03-26", session);
    struct door *batch = post(0, session, "[" CALL("old__notes") "," CALL("old__asks") "]");
    await(batch, "result");
    await(batch, "elicitation/create");
    leave_door(batch);
    batch = again(session);
    assert_non_null(strstr(batch->said, "result"));
    leave_door(batch);
    allow(some);
    batch = again(session);
    assert_int_equal(batch->status, 405);
    assert_non_null(strstr(batch->said, "have changed"));
    rig_pause(300);
    allow(all);
    assert_int_equal(again(session)->status, 405); // what was answered in between is not known
}

// Nor is a complete one of two servers when the config is as it was, since it was not all the time.
static void tells_no_batch_again_of_a_config_in_between(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "legacy", words);
    add_fake("more", "legacy", words);
    open_session(0, "2025-03-26", session);
    struct door *batch = post(0, session, "[" CALL("more__notes") "," CALL("old__asks") "]");
    await(batch, "result");
    await(batch, "elicitation/create");
    leave_door(batch);
    allow(some);
    rig_pause(300);
    allow(all);
    rig_pause(300);
    assert_int_equal(post(0, session, answer)->status, 202);
    rig_pause(100);
    assert_int_equal(again(session)->status, 405);
}

// A call that is sent again right after the change, before any sweep, is its new record's as well.
static void keeps_the_answer_of_a_call_that_is_sent_again(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("old", "modern", modern_words);
    open_session(0, "2025-11-25", session);
    struct door *call = post(0, session, CALL("old__asks"));
    await(call, "gw-2");
    leave_door(call);
    assert_int_equal(post(0, session, answer)->status, 202);
    allow(some);
    assert_int_equal(post(0, session, second_answer)->status, 202);
    rig_pause(300);
    assert_non_null(strstr(again(session)->said, "thanks"));
}

// A task that the server's tool `name` makes for the first key; its id.
static void make_task(const char *name, char id[ROOM_ID])
{
    char body[ROOM_BODY];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
                   "\"%s\",\"task\":{}," META "}}",
                   name);
    struct door *door = ask(&(struct asking){.method = "POST",
                                             .server = "old",
                                             .mcp_method = "tools/call",
                                             .mcp_name = name,
                                             .body = body});
    await(door, "taskId");
    copy_member(door, "taskId\":\"", id);
}

static struct door *ask_about(const char *method, const char *id)
{
    char body[ROOM_BODY];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"%s\",\"params\":{\"taskId\":"
                   "\"%s\"," META "}}",
                   method, id);
    return ask(&(struct asking){
        .method = "POST", .server = "old", .mcp_method = method, .mcp_name = id, .body = body});
}

static void keeps_tasks_of_tools_that_are_still_allowed(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "legacy", words);
    make_task("task", id);
    update((struct server_change){.description = VIEW("another")}, "{\"task\":{},\"fast\":{}}");
    await(ask_about("tasks/get", id), "working");
    rig_pause(300);
    await(ask_about("tasks/get", id), "working");
    allow(all);
    await(ask_about("tasks/get", id), "working");
    assert_int_equal(logged("\"exited\""), 0);
}

static void cancels_tasks_of_tools_that_are_not_allowed_any_more(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "legacy", words);
    make_task("task", id);
    allow(few);
    await(ask_about("tasks/get", id), "Unknown task");
    await_end_of_server();
    allow(all);
    await(ask_about("tasks/get", id), "Unknown task");
}

static const char *const modern_task_words[] = {
    "server/discover",
    "r:{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"]," CAPABILITIES
    ",\"ttlMs\":0,\"cacheScope\":\"private\"}",
    LISTS,
    "\"tasks/cancel\",\"params\":{\"_meta\":{\"" MCP_META "protocolVersion\":",
    "x:7",
    NULL};

static void cancels_tasks_of_modern_servers(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "modern", modern_task_words);
    make_task("task", id);
    await(ask_about("tasks/get", id), "working");
    allow(few);
    await_end_of_server();
}

// Its tasks are over at once.
static const char *const quick_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES "}",
    "tools/list",
    "r:{\"tools\":[]}",
    "\"quick\"",
    "r:{\"task\":{\"taskId\":\"t\",\"status\":\"completed\"}}",
    "\"fast\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}",
    "tasks/cancel",
    "x:7",
    NULL};

static void cancels_no_task_that_is_over(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "legacy", quick_words);
    make_task("quick", id);
    allow(few);
    rig_pause(300);
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    await(ask_about("tasks/get", id), "Unknown task");
    assert_int_equal(logged("\"exited\""), 0);
}

static void cancels_tasks_of_keys_that_are_gone(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "legacy", words);
    make_task("task", id);
    set_enabled(0, false);
    await_end_of_server();
}

// A call about a task goes on with it, and ends with it.
static void judges_calls_about_tasks_by_their_tools(void **state)
{
    (void)state;
    char id[ROOM_ID];
    add_fake("old", "legacy", words);
    make_task("task", id);
    struct door *call = ask_about("tasks/update", id);
    allow("{\"task\":{},\"fast\":{}}");
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    rig_pause(300);
    assert_true(call->open);
    allow(few);
    await(call, "Unknown task");
    await_end_of_server();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(keeps_a_server_whose_tools_are_filtered),
        TEST(tells_listens_before_they_end),
        TEST(ends_calls_of_tools_that_are_not_allowed_any_more),
        TEST(ends_parked_calls_of_such_tools),
        TEST(drops_answers_for_calls_of_such_tools),
        TEST(judges_once_by_each_access),
        TEST(judges_what_begins_late),
        TEST(tells_no_answer_of_such_tools_again),
        TEST(keeps_the_answer_of_a_call_that_goes_on),
        TEST(tells_no_batch_again_by_another_config),
        TEST(tells_no_batch_again_of_a_config_in_between),
        TEST(keeps_the_answer_of_a_call_that_is_sent_again),
        TEST(keeps_tasks_of_tools_that_are_still_allowed),
        TEST(cancels_tasks_of_tools_that_are_not_allowed_any_more),
        TEST(cancels_tasks_of_modern_servers),
        TEST(cancels_no_task_that_is_over),
        TEST(cancels_tasks_of_keys_that_are_gone),
        TEST(judges_calls_about_tasks_by_their_tools),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
