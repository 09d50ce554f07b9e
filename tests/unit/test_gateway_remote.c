// test_gateway_remote.c: a whole gateway with a server over HTTP behind it, that answers by rules.
#include "far_server.h"

// --- arguments as headers ------------------------------------------------------------------------

static void leaves_out_what_cannot_be_called(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {
        DISCOVERED, LISTED(TOOL("bad", HEADER("a b")) "," TOOL("good", HEADER("A")), 0), END};
    serve(rules, "modern", ALLOWED);
    open_session(0, "2025-06-18", session);
    struct door *door = post(0, session, LIST);
    await(door, "good");
    assert_null(strstr(door->said, "bad"));
    door = post_modern(0, "tools/list", NULL, "");
    await(door, "good");
    assert_null(strstr(door->said, "bad"));
}

// The server's tools are others than the gateway knows: it looks again, once.
static void follows_changed_annotations(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {DISCOVERED,
                           LISTED(TOOL("t", ""), 1),
                           LISTED(TOOL("t", HEADER("A")), 0),
                           DONE("mcp-param-A: b"),
                           MISMATCH,
                           END};
    serve(rules, "modern", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, LIST), "far__t");
    rig_pause(1100);
    await(post(0, session, CALL), "done");
    assert_int_equal(times(backend.seen.text, "tools/call"), 2);
    await(post(0, session, CALL), "done");
    assert_int_equal(times(backend.seen.text, "tools/call"), 3);
    assert_int_equal(times(backend.seen.text, "tools/list"), 2);
}

static void does_not_repeat_what_would_be_the_same(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {DISCOVERED, LISTED(TOOL("t", HEADER("A")), 0), MISMATCH, END};
    serve(rules, "modern", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, CALL), "-32020"); // read a moment ago
    assert_int_equal(times(backend.seen.text, "tools/list"), 1);
    rig_pause(1100);
    await(post(0, session, CALL), "-32020");
    assert_int_equal(times(backend.seen.text, "tools/list"), 2);
    assert_int_equal(times(backend.seen.text, "tools/call"), 2);
}

// A client with headers of its own tries again itself, and has to get the new list for that.
static void reads_the_list_again_for_clients_with_headers(void **state)
{
    (void)state;
    struct rule rules[] = {DISCOVERED, LISTED(TOOL("t", ""), 1), LISTED(TOOL("t", HEADER("A")), 0),
                           MISMATCH, END};
    serve(rules, "modern", ALLOWED);
    await(post_modern(0, "tools/list", NULL, ""), "far__t");
    rig_pause(1100);
    await(
        post_modern(0, "tools/call", "far__t", "\"name\":\"far__t\",\"arguments\":{\"a\":\"b\"},"),
        "-32020");
    assert_int_equal(times(backend.seen.text, "tools/call"), 1);
    await(post_modern(0, "tools/list", NULL, ""), "x-mcp-header");
}

// --- what a legacy server is told ----------------------------------------------------------------

static struct door *call_with(const char *capabilities)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":"
                   "\"far__t\",\"_meta\":{\"" MCP_META "protocolVersion\":\"" MCP_MODERN_VERSION
                   "\",\"" MCP_META "clientCapabilities\":%s}}}",
                   capabilities);
    return ask(&(struct asking){
        .method = "POST", .body = body, .mcp_method = "tools/call", .mcp_name = "far__t"});
}

static void tells_a_legacy_server_what_its_client_declares(void **state)
{
    (void)state;
    struct rule rules[] = {OPENED("\"elicitation\":{}", "asks"),
                           OPENED("", "mute"),
                           OPENED("\"sampling\":{},\"roots\":{}", "more"),
                           INITIALIZED,
                           LISTED(TOOL("t", ""), 0),
                           CALLED("asks", "elicits"),
                           CALLED("mute", "says"),
                           CALLED("more", "samples"),
                           END};
    serve(rules, "legacy", ALLOWED);
    for (int i = 0; i < 2; i++) {
        await(call_with("{\"elicitation\":{}}"), "elicits");
        await(call_with("{}"), "says");
        await(call_with("{\"roots\":{\"listChanged\":true},\"x\":{},\"sampling\":{}}"), "samples");
    }
    assert_int_equal(times(backend.seen.text, "POST:initialize"), 3);
}

#define NO_SESSION                                                                                 \
    {                                                                                              \
        "\"tools/call\"", "Mcp-Session-Id: first", 404, NULL, NULL, WHOLE, 0                       \
    }
#define NO_RESOURCES                                                                               \
    {                                                                                              \
        "\"resources/", NULL, 200, NULL, RESULT("{\"resources\":[],\"resourceTemplates\":[]}"),    \
            WHOLE, 0                                                                               \
    }
#define SUBSCRIBED                                                                                 \
    {                                                                                              \
        "resources/subscribe", NULL, 200, NULL, RESULT("{}"), WHOLE, 0                             \
    }

#define SUBSCRIBE                                                                                  \
    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/subscribe\",\"params\":{\"uri\":"        \
    "\"x://1\"}}"

// A server that has forgotten its session has forgotten who wanted to hear of what.
static void renews_subscriptions_in_a_new_session(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {
        {"\"initialize\"", NULL, 200, "Mcp-Session-Id: first\r\n", SAID_HELLO, WHOLE, 1},
        {"\"initialize\"", NULL, 200, "Mcp-Session-Id: second\r\n", SAID_HELLO, WHOLE, 1},
        INITIALIZED,
        SUBSCRIBED,
        NO_RESOURCES,
        NO_SESSION,
        CALLED("second", "says"),
        END};
    serve(rules, "legacy", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, SUBSCRIBE), "result");
    rig_pause(1100);
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 1);
    await(post(0, session, CALL), "says");
    rig_pause(1500);
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 2);
}

#define MODERN_WITH(capabilities)                                                                  \
    {                                                                                              \
        "\"server/discover\"", NULL, 200, NULL,                                                    \
            RESULT("{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{},"       \
                   "\"resources\":{" capabilities "}}}"),                                          \
            WHOLE, 0                                                                               \
    }

// A modern server is asked in its own words: head and body.
static void subscribes_at_modern_servers(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {
        MODERN_WITH("\"subscribe\":true"),
        NO_RESOURCES,
        {"\"resourceSubscriptions\":[", "MCP-Protocol-Version: 2026-07-28", 200, NULL,
         EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/"
               "updated\",\"params\":{\"uri\":\"x://1\",\"_meta\":{\"io.modelcontextprotocol/"
               "subscriptionId\":@ID@}}}"),
         STREAM_STAYS, 0},
        END};
    serve(rules, "modern", ALLOWED);
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.method = "GET", .session = session});
    await(post(0, session, SUBSCRIBE), "result");
    await(stream, "notifications/resources/updated");
}

#define OPENED_FOR_ALL                                                                             \
    {                                                                                              \
        "\"initialize\"", NULL, 200, "Mcp-Session-Id: first\r\n", SAID_HELLO, WHOLE, 0             \
    }

// Some servers declare less than they have: they are asked.
static void subscribes_at_legacy_servers_whatever_they_declare(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {
        {"\"initialize\"", NULL, 200, "Mcp-Session-Id: first\r\n",
         RESULT("{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"resources\":{"
                "\"subscribe\":false,\"listChanged\":false}},\"serverInfo\":{}}"),
         WHOLE, 0},
        INITIALIZED,
        {"resources/subscribe", NULL, 200, NULL, RESULT("{\"_meta\":{\"its\":\"own\"}}"), WHOLE, 0},
        NO_RESOURCES,
        END};
    serve(rules, "legacy", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, SUBSCRIBE), "{\"its\":\"own\"}");
    await(post(0, session, SUBSCRIBE), "\"result\":{}");
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 1);
}

// What a legacy server says of it is what its client hears, and nothing is left of it.
static void subscribes_to_nothing_that_is_refused(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {OPENED_FOR_ALL,
                           INITIALIZED,
                           {"resources/subscribe", NULL, 200, NULL, ERROR(-32601), WHOLE, 1},
                           {"resources/subscribe", NULL, 503, NULL, NULL, WHOLE, 1},
                           SUBSCRIBED,
                           NO_RESOURCES,
                           END};
    serve(rules, "legacy", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, SUBSCRIBE), "-32601");
    await(post(0, session, SUBSCRIBE), "-32603");
    rig_pause(2500);
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 2);
    await(post(0, session, SUBSCRIBE), "result");
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 3);
}

// Of a server of both eras counts what it says in that of the client.
static void subscribes_whoever_came_last(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {OPENED_FOR_ALL, INITIALIZED,  MODERN_WITH(""),
                           SUBSCRIBED,     NO_RESOURCES, LISTED(TOOL("t", ""), 0),
                           DONE(NULL),     END};
    serve(rules, "auto", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, LIST), "far__t");
    await(post_modern(0, "tools/call", "far__t", "\"name\":\"far__t\","), "done");
    await(post(0, session, SUBSCRIBE), "\"result\":{}");
    assert_int_equal(times(backend.seen.text, "resources/subscribe"), 1);
}

static void subscribes_at_no_server_that_has_none(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {MODERN_WITH(""), NO_RESOURCES, END};
    serve(rules, "modern", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, SUBSCRIBE), "-32601");
}

// --- questions
// ------------------------------------------------------------------------------------

// In the last request to the server.
static bool was_said(const char *word)
{
    const struct view last = buf_view(&backend.last);
    return last.size > 0 && memmem(last.data, last.size, word, strlen(word));
}

// Of two calls of a key a question that comes by the link's own stream may be about either: none of
// them is ended by it.
static void asks_nobody_of_several(void **state)
{
    (void)state;
    struct rule rules[] = {
        OPENED_FOR_ALL,
        INITIALIZED,
        LISTED(TOOL("t", ""), 0),
        {"GET ", NULL, 503, NULL, NULL, WHOLE, 1},
        {"GET ", NULL, 200, NULL,
         EVENT("{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"elicitation/create\",\"params\":{"
               "\"message\":\"m\",\"requestedSchema\":{}}}"),
         STREAM_STAYS, 0},
        {"\"tools/call\"", NULL, 200, NULL, EVENT(NOTE("x")), STREAM_STAYS, 0},
        {"\"id\":77", NULL, 202, NULL, NULL, WHOLE, 0},
        END};
    serve(rules, "legacy", ALLOWED);
    struct door *one = call_with("{\"elicitation\":{}}");
    struct door *other = call_with("{\"elicitation\":{}}");
    for (int i = 0; i < 500 && !was_said("\"id\":77"); i++)
        rig_pause(10);
    assert_true(was_said("several calls"));
    assert_null(strstr(one->said, "input_required"));
    assert_null(strstr(other->said, "input_required"));
}

// --- servers of both eras ------------------------------------------------------------------------
#define WITH_STATE "\"name\":\"far__t\",\"requestState\":\"its own\",\"inputResponses\":{},"

// What a modern client brings is the server's own, whoever asked it last in which era.
static void passes_state_to_a_server_of_both_eras(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {DISCOVERED,
                           OPENED_FOR_ALL,
                           INITIALIZED,
                           LISTED(TOOL("t", ""), 0),
                           {"\"requestState\":\"its own\"", NULL, 200, NULL,
                            RESULT("{\"content\":[\"taken\"]}"), WHOLE, 0},
                           CALLED("first", "says"),
                           DONE(NULL),
                           END};
    serve(rules, "auto", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, LIST), "far__t");
    for (int i = 0; i < 2; i++) {
        await(post(0, session, CALL), "says");
        await(post_modern(0, "tools/call", "far__t", WITH_STATE), "taken");
    }
}

// A legacy server has given none: the call would begin anew.
static void passes_no_state_to_a_legacy_server(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {{"server/discover", NULL, 400, NULL, ERROR(-32601), WHOLE, 0},
                           OPENED_FOR_ALL,
                           INITIALIZED,
                           LISTED(TOOL("t", ""), 0),
                           CALLED("first", "says"),
                           END};
    serve(rules, "auto", ALLOWED);
    open_session(0, "2025-06-18", session);
    await(post(0, session, LIST), "far__t");
    await(post(0, session, CALL), "says");
    await(post_modern(0, "tools/call", "far__t", WITH_STATE), "requestState is not valid");
    await(post_modern(0, "tools/call", "far__t", "\"name\":\"far__t\","), "says");
    assert_int_equal(times(backend.seen.text, "POST:tools/call"), 2);
}

// What a legacy server does not find is its answer, and not that nothing is there to be asked.
static void passes_what_a_legacy_server_does_not_find(void **state)
{
    (void)state;
    struct rule rules[] = {OPENED_FOR_ALL,
                           INITIALIZED,
                           LISTED(TOOL("t", ""), 0),
                           {"\"tools/call\"", NULL, 200, NULL, ERROR(-32601), WHOLE, 0},
                           END};
    serve(rules, "legacy", ALLOWED);
    struct door *door = post_modern(0, "tools/call", "far__t", "\"name\":\"far__t\",");
    await(door, "-32601");
    assert_int_equal(door->status, 200);
}

// --- lists ---------------------------------------------------------------------------------------

// The server begins a list that never ends, and its room, which is the project's, is wanted for
// something else.
static struct door *list_without_room(void)
{
    const uint64_t owner = (uint64_t)-team.n;
    struct door *door = post_modern(0, "tools/list", NULL, "");
    for (int i = 0; i < 100 && !ration_holds(&rig.unread, owner); i++)
        rig_pause(20);
    assert_true(ration_holds(&rig.unread, owner));
    ration_take_back(&rig.unread, owner);
    await(door, "result");
    return door;
}

// What there is no room for just now is shown to the next who asks.
static void keeps_lists_that_there_is_no_room_for(void **state)
{
    (void)state;
    static char begun[200000];
    struct rule rules[] = {DISCOVERED,
                           {"\"tools/list\"", NULL, 200, NULL, begun, STREAM_STAYS, 1},
                           {"\"tools/list\"", NULL, 200, NULL,
                            RESULT("{\"tools\":[" TOOL("old", "") "],\"ttlMs\":0}"), WHOLE, 1},
                           {"\"tools/list\"", NULL, 200, NULL, begun, STREAM_STAYS, 1},
                           END};
    memset(begun, 'x', sizeof begun - 1);
    memcpy(begun, "data: {", 7);
    serve(rules, "modern", ALLOWED);
    assert_null(strstr(list_without_room()->said, "old"));
    await(post_modern(1, "tools/list", NULL, ""), "old");
    assert_non_null(strstr(list_without_room()->said, "old"));
}

// A key that lets answers wait until its share is full keeps nobody from a list that it was the
// first to ask for.
static void reads_lists_for_a_key_without_room(void **state)
{
    (void)state;
    static char text[400000];
    static struct rule rules[] = {
        DISCOVERED, {"\"tools/list\"", NULL, 200, NULL, text, WHOLE, 0}, END};
    const struct view start =
                          VIEW("{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"tools\":[{\"name\":"
                               "\"long\",\"description\":\""),
                      end = VIEW("\"}],\"ttlMs\":0}}");
    memset(text, 'x', sizeof text - 1);
    memcpy(text, start.data, start.size);
    memcpy(text + sizeof text - 1 - end.size, end.data, end.size);
    serve(rules, "modern", ALLOWED);
    struct holding hog = {.ration = &rig.unread, .owner = owner_of(0)};
    assert_true(holding_take(&hog, rig.unread.share));
    const struct door *first = post_modern(0, "tools/list", NULL, "");
    await(post_modern(1, "tools/list", NULL, ""), "long");
    await(first, "long");
    holding_end(&hog);
}

// --- policy --------------------------------------------------------------------------------------

// Whoever may change that is told how, also while the server rests.
static void tells_what_the_policy_refuses(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {END};
    rig.settings.restart_first = rig.settings.restart_most = 60 * TIME_SECOND;
    serve(rules, "auto", "");
    open_session(0, "2025-06-18", session);
    for (int i = 0; i < 2; i++) {
        struct door *door = post(0, session, CALL);
        await(door, "--allow-private-addresses");
        assert_non_null(strstr(door->said, "The server far may not be called"));
        assert_null(strstr(door->said, "127.0.0.1"));
    }
    await(post_modern(0, "tools/call", "far__t", "\"name\":\"far__t\","),
          "--allow-private-addresses");
    assert_int_equal(backend.seen.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(leaves_out_what_cannot_be_called),
        TEST(follows_changed_annotations),
        TEST(does_not_repeat_what_would_be_the_same),
        TEST(reads_the_list_again_for_clients_with_headers),
        TEST(tells_a_legacy_server_what_its_client_declares),
        TEST(renews_subscriptions_in_a_new_session),
        TEST(subscribes_at_modern_servers),
        TEST(subscribes_at_legacy_servers_whatever_they_declare),
        TEST(subscribes_to_nothing_that_is_refused),
        TEST(subscribes_whoever_came_last),
        TEST(subscribes_at_no_server_that_has_none),
        TEST(asks_nobody_of_several),
        TEST(passes_state_to_a_server_of_both_eras),
        TEST(passes_no_state_to_a_legacy_server),
        TEST(passes_what_a_legacy_server_does_not_find),
        TEST(keeps_lists_that_there_is_no_room_for),
        TEST(reads_lists_for_a_key_without_room),
        TEST(tells_what_the_policy_refuses),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
