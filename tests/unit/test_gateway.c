// test_gateway.c: clients, keys and servers through a whole gateway, without a door: what ends
// while something else still needs it, what may reach whom, and then everything at random.
#include "gateway_rig.h"

// What both fakes can; the words of each follow.
#define LISTS                                                                                      \
    "tools/list",                                                                                  \
        "r:{\"tools\":[{\"name\":\"fast\"},{\"name\":\"never\"},{\"name\":\"asks\"},{\"name\":"    \
        "\"notes\"},{\"name\":\"dies\"},{\"name\":\"news\"},{\"name\":\"task\"}]}",                \
        "resources/list", "r:{\"resources\":[{\"uri\":\"x://1\",\"name\":\"x\"}]}",                \
        "templates/list", "r:{\"resourceTemplates\":[]}", "prompts/list", "r:{\"prompts\":[]}",    \
        "\"fast\"", "r:{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", "\"dies\"", "x:0",  \
        "\"news\"", "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}",     \
        "\"news\"", "r:{\"content\":[]}", "\"notes\"",                                             \
        "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"                 \
        "{\"progressToken\":@TOKEN@,\"progress\":1}}",                                             \
        "\"notes\"", "r:{\"content\":[]}", "\"task\"",                                             \
        "r:{\"task\":{\"taskId\":\"t-@ID@\",\"status\":\"working\"}}", "tasks/get",                \
        "r:{\"taskId\":\"t\",\"status\":\"working\"}", "tasks/list",                               \
        "r:{\"tasks\":[{\"taskId\":\"t-2\"},{\"taskId\":\"other\"}],\"nextCursor\":\"n\"}"

#define CAPABILITIES                                                                               \
    "\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true},"       \
    "\"logging\":{},\"tasks\":{}}"

static const char *const legacy_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES
    ",\"serverInfo\":{\"name\":\"old\",\"version\":\"1\"}}",
    LISTS,
    "\"asks\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"result\":{\"ok\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "\"error\":",
    "e:{\"code\":-1,\"message\":\"no answer\"}",
    "resources/subscribe",
    "r:{}",
    "resources/subscribe",
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"
    "\"x://1\"}}",
    "resources/unsubscribe",
    "s:20",
    "resources/unsubscribe",
    "r:{}",
    "logging/setLevel",
    "r:{}",
    NULL};

static const char *const modern_words[] = {
    "server/discover",
    "r:{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"]," CAPABILITIES
    ",\"ttlMs\":0,\"cacheScope\":\"private\"}",
    LISTS,
    "inputResponses",
    "r:{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "\"asks\"",
    "r:{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":"
    "\"elicitation/create\",\"params\":{}},\"b\":{\"method\":\"elicitation/create\",\"params\":{}}"
    "},\"requestState\":\"s\"}",
    "resourceSubscriptions",
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"
    "\"x://1\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}",
    NULL};

static void add_servers(void)
{
    add_fake("old", "legacy", legacy_words);
    add_fake("new", "modern", modern_words);
}

static void add_more_servers(void)
{
    add_servers();
    add_fake_isolated("own", "legacy", "session", legacy_words);
    add_fake_isolated("his", "auto", "user", modern_words);
}

#define CALL(name)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"" name     \
    "\",\"_meta\":{\"progressToken\":\"p\"}}}"

static size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
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

static void copy_member(const struct door *door, const char *name, char into[ROOM_ID])
{
    const char *at = strstr(door->said, name);
    assert_non_null(at);
    at += strlen(name);
    size_t size = strcspn(at, "\"");
    assert_true(size < ROOM_ID);
    memcpy(into, at, size);
    into[size] = '\0';
}

static struct door *retry(unsigned key, const char *handle)
{
    char params[400];
    (void)snprintf(params, sizeof params,
                   "\"name\":\"old__asks\",\"inputResponses\":{\"q1\":{\"ok\":1}},"
                   "\"requestState\":\"%s\",",
                   handle);
    return post_modern(key, "tools/call", "old__asks", params);
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

// A key that waits with nothing but a parked call loses it, too.
static void ends_parked_calls_of_a_revoked_key(void **state)
{
    (void)state;
    add_servers();
    await(post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\","), "requestState");
    assert_int_equal(gateway_counters(rig.gateway)->calls_now, 1);
    set_enabled(0, false);
    rig_pause(1000);
    assert_int_equal(gateway_counters(rig.gateway)->calls_now, 0);
}

static void cuts_streams_of_a_revoked_key(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    struct door *listen = post_modern(0, "subscriptions/listen", NULL,
                                      "\"notifications\":{\"toolsListChanged\":true},");
    struct door *call = post(0, session, CALL("old__never"));
    await(listen, "acknowledged");
    set_enabled(0, false);
    await(call, NULL);
    assert_false(stream->open || listen->open);
}

// Over stdio the door shuts the gateway down when its key is revoked, while it is being told so.
static void drain_when_cut(void *context)
{
    door_cut(context);
    gateway_drain(rig.gateway);
}

static void drains_when_it_is_cut(void **state)
{
    (void)state;
    struct front_ops ops = door_ops;
    ops.cut = drain_when_cut;
    rig.ops = &ops;
    add_servers();
    struct door *call = post_modern(0, "tools/call", "old__never", "\"name\":\"old__never\",");
    struct door *listen = post_modern(0, "subscriptions/listen", NULL,
                                      "\"notifications\":{\"toolsListChanged\":true},");
    await(listen, "acknowledged");
    (void)post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    set_enabled(0, false);
    await(call, NULL);
    assert_false(listen->open);
    rig.ops = NULL;
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

// Nobody keeps access that cannot be confirmed within the lease, and gets it back when it can.
static void fails_closed(void **state)
{
    (void)state;
    char session[ROOM_ID], away[sizeof home + 1];
    rig.settings.lease = 300000;
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    struct door *call = post(0, session, CALL("old__never"));
    (void)snprintf(away, sizeof away, "%s_", home);
    assert_int_equal(rename(home, away), 0);
    await(stream, NULL);
    assert_false(call->open);
    assert_null(post(0, session, CALL("old__fast")));
    const char *reason;
    assert_false(gateway_ready(rig.gateway, &reason));
    assert_int_equal(rename(away, home), 0);
    rig_pause(200);
    assert_int_equal(post(0, session, CALL("old__fast"))->status, 404);
    open_session(0, "2025-06-18", session);
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
    begin();
    int64_t removed;
    WORKS(server_remove_all(store, &tools, &removed, &err));
    commit();
    await(call, NULL);
    await(post(0, session, CALL("new__fast")), "Unknown");
}

static void takes_short_batches(void **state)
{
    (void)state;
    char session[ROOM_ID], body[4096];
    add_servers();
    open_session(0, "2025-03-26", session);
    struct door *door = post(
        0, session, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},7," CALL("old__fast") "]");
    await(door, "done");
    assert_int_equal(door->said[0], '[');
    body[0] = '[';
    for (size_t i = 0; i < 1000; i++)
        memcpy(body + 1 + 2 * i, i < 999 ? "7," : "7]", 3);
    assert_int_equal(post(0, session, "%s", body)->status, 413);
}

static uint64_t seed;

static unsigned any(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 11) % below;
}

static const char *any_of(const char *const *texts, size_t count)
{
    return texts[any((unsigned)count)];
}

static void act_initialize(unsigned key)
{
    static const char *const versions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
    (void)post(key, NULL,
               "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"initialize\",\"params\":{"
               "\"protocolVersion\":\"%s\",\"capabilities\":{\"elicitation\":{}}}}",
               any(4), any_of(versions, COUNT_OF(versions)));
}

// A session that was opened while the servers changed is nobody's.
static void ends_a_session_that_never_was(void **state)
{
    (void)state;
    static const char *const words[] = {"\"initialize\"", "s:2000", NULL};
    seed = 1;
    rig.settings.handshake_timeout = 300000;
    add_fake("old", "legacy", words);
    act_initialize(0);
    rig_pause(30);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 1);
    add_fake("new", "modern", modern_words);
    await(&rig.doors[0], NULL);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
}

// --- everything at random ----------------------------------------------------------------------
enum { SESSIONS = 4 };
static char sessions[SESSIONS][ROOM_ID], handles[SESSIONS][ROOM_ID];

static struct door *any_door(void)
{
    return &rig.doors[any(DOORS)];
}

// Sessions and handles out of what was said.
static void learn(void)
{
    for (size_t i = 0; i < DOORS; i++) {
        struct door *door = &rig.doors[i];
        if (door->session[0])
            memcpy(sessions[any(SESSIONS)], door->session, ROOM_ID);
        if (strstr(door->said, "requestState\":\""))
            copy_member(door, "requestState\":\"", handles[any(SESSIONS)]);
        door->session[0] = '\0';
    }
}

static const char *const names[] = {
    "own__fast", "own__never", "own__asks",  "own__dies", "his__fast",  "his__asks",
    "own__news", "old__fast",  "old__never", "old__asks", "old__notes", "old__news",
    "old__fast", "new__fast",  "new__never", "new__asks", "new__notes", "new__news",
    "nobody__x", "old__fast",  "old__dies",  "old__task", "new__task",
};

static void act_call(unsigned key)
{
    (void)post(key, sessions[any(SESSIONS)],
               "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":"
               "\"%s\",\"_meta\":{\"progressToken\":%u}}}",
               any(4), any_of(names, COUNT_OF(names)), any(4));
}

static void act_request(unsigned key)
{
    static const char *const requests[] = {
        "\"tools/list\"",
        "\"resources/list\"",
        "\"ping\"",
        "\"resources/subscribe\",\"params\":{\"uri\":\"x://1\"}",
        "\"resources/unsubscribe\",\"params\":{\"uri\":\"x://1\"}",
        "\"resources/read\",\"params\":{\"uri\":\"x://1\"}",
        "\"logging/setLevel\",\"params\":{\"level\":\"info\"}",
        "\"nonsense\"",
    };
    (void)post(key, sessions[any(SESSIONS)], "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":%s}",
               any(4), any_of(requests, COUNT_OF(requests)));
}

static void act_notify(unsigned key)
{
    static const char *const notes[] = {"initialized", "roots/list_changed"};
    if (any(3))
        (void)post(key, sessions[any(SESSIONS)],
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                   "{\"requestId\":%u}}",
                   any(4));
    else
        (void)post(key, sessions[any(SESSIONS)],
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\"}",
                   any_of(notes, COUNT_OF(notes)));
}

static void act_reply(unsigned key)
{
    static const char *const replies[] = {"\"result\":{\"ok\":1}",
                                          "\"error\":{\"code\":-1,\"message\":\"no\"}"};
    const char *session = sessions[any(SESSIONS)];
    for (unsigned i = 1; i < 8; i++)
        (void)post(key, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-%u\",%s}", i + any(3),
                   any_of(replies, COUNT_OF(replies)));
}

static void act_batch(unsigned key)
{
    (void)post(key, sessions[any(SESSIONS)],
               "[{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":"
               "\"%s\"}},{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
               "{\"requestId\":%u}},{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/list\"},7]",
               any(4), any_of(names, COUNT_OF(names)), any(4));
}

static void act_modern(unsigned key)
{
    static const char *const methods[] = {"tools/list", "server/discover", "resources/list"};
    char params[200];
    const char *name = any_of(names, COUNT_OF(names));
    (void)snprintf(params, sizeof params, "\"name\":\"%s\",", name);
    if (any(3))
        (void)post_modern(key, "tools/call", name, params);
    else
        (void)post_modern(key, any_of(methods, COUNT_OF(methods)), NULL, "");
}

// At the endpoint of one server.
static void act_alone(unsigned key)
{
    static const char *const servers[] = {"old", "new", "own", "none"};
    static const char *const bodies[][3] = {
        {"tools/call", "task", "\"name\":\"task\",\"task\":{},"},
        {"tools/call", "asks", "\"name\":\"asks\","},
        {"tasks/get", "t-2", "\"taskId\":\"t-2\","},
        {"tasks/list", NULL, ""},
        {"tools/list", NULL, ""},
    };
    char body[1000];
    const char *const *one = bodies[any(COUNT_OF(bodies))];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s" META "}}",
                   one[0], one[2]);
    (void)ask(&(struct asking){.key = key,
                               .method = "POST",
                               .server = any_of(servers, COUNT_OF(servers)),
                               .mcp_method = one[0],
                               .mcp_name = one[1],
                               .body = body});
}

static void act_listen(unsigned key)
{
    (void)post_modern(key, "subscriptions/listen", NULL,
                      "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":"
                      "[\"x://1\",\"x://2\"]},");
}

static void act_retry(unsigned key)
{
    (void)retry(key, handles[any(SESSIONS)]);
}

static void act_stream(unsigned key)
{
    char id[ROOM_ID];
    (void)snprintf(id, sizeof id, "%u-%u", 1 + any(6), any(4));
    (void)ask(&(struct asking){.key = key,
                               .method = "GET",
                               .session = sessions[any(SESSIONS)],
                               .last_event_id = any(2) ? id : NULL});
}

static void act_delete(unsigned key)
{
    if (any(3) == 0)
        (void)ask(
            &(struct asking){.key = key, .method = "DELETE", .session = sessions[any(SESSIONS)]});
}

static void act_leave(unsigned key)
{
    (void)key;
    leave_door(any_door());
}

static void act_clog(unsigned key)
{
    struct door *door = any_door();
    (void)key;
    door->queued = door->queued ? 0 : rig.settings.queue + 1;
    if (door->exchange && door->queued == 0)
        exchange_drained(door->exchange);
}

static void act_revoke(unsigned key)
{
    if (any(8) == 0) {
        set_enabled(key, false);
        if (any(2))
            rig_pause(any(150));
        set_enabled(key, true);
    }
}

static void act_change(unsigned key)
{
    int64_t removed;
    (void)key;
    if (any(10) != 0)
        return;
    begin();
    WORKS(server_remove_all(store, &tools, &removed, &err));
    commit();
    if (any(2))
        rig_pause(any(40));
    if (any(2))
        add_servers();
    else
        add_more_servers();
}

static void act_wait(unsigned key)
{
    (void)key;
    rig_pause(any(12));
}

static void (*const acts[])(unsigned key) = {
    act_alone,   act_initialize, act_call,   act_call,   act_call,   act_request,
    act_request, act_notify,     act_reply,  act_batch,  act_modern, act_modern,
    act_listen,  act_retry,      act_stream, act_delete, act_leave,  act_leave,
    act_clog,    act_revoke,     act_change, act_wait,   act_wait,   act_wait,
};

static void make_room(void)
{
    unsigned open = 0;
    for (size_t i = 0; i < DOORS; i++)
        open += rig.doors[i].open;
    while (open > DOORS - 12) {
        struct door *door = any_door();
        open -= door->open;
        leave_door(door);
    }
}

static void survives_anything(void **state)
{
    (void)state;
    const char *steps_text = getenv("SMG_STEPS"), *seed_text = getenv("SMG_SEED");
    long steps = steps_text ? strtol(steps_text, NULL, 10) : 800;
    seed = 88172645463325252u + (seed_text ? strtoull(seed_text, NULL, 10) : 0);
    rig.settings.question_timeout = 150000;
    rig.settings.idle_session = 2 * TIME_SECOND;
    rig.settings.total_timeout = 2 * TIME_SECOND;
    add_more_servers();
    for (long i = 0; i < steps; i++) {
        unsigned act = any(COUNT_OF(acts));
        acts[act](any(KEYS));
        learn();
        make_room();
    }
    if (any(2))
        gateway_drain(rig.gateway);
    for (size_t i = 0; i < DOORS; i++)
        leave_door(&rig.doors[i]);
    rig_pause(4500); // abandoned calls of legacy clients end by their time
    assert_int_equal(gateway_counters(rig.gateway)->calls_now, 0);
    assert_int_equal(gateway_counters(rig.gateway)->streams_now, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(answers_both_eras),
        TEST(forgets_the_questions_of_a_cancelled_call),
        TEST(gives_up_unanswered_questions),
        TEST(brings_answers_to_a_modern_server),
        TEST(unsubscribes),
        TEST(tells_each_subscriber_its_own),
        TEST(resumes_parked_calls),
        TEST(ends_parked_calls_of_a_revoked_key),
        TEST(cuts_streams_of_a_revoked_key),
        TEST(fails_closed),
        TEST(drains_when_it_is_cut),
        TEST(keeps_a_list_whose_reader_has_gone),
        TEST(takes_up_streams),
        TEST(bounds_streams),
        TEST(keeps_tasks_apart),
        TEST(follows_a_changed_config),
        TEST(takes_short_batches),
        TEST(ends_a_session_that_never_was),
        TEST(survives_anything),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
