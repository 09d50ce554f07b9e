// test_upstream_http.c: links over streamable HTTP of both eras.
#include "http_world.h"

static void expect(struct world *world, const struct asker *asker, const char *params,
                   const char *expected)
{
    struct call call;
    ask(&world->rig, &call, world->upstream, asker, params);
    rig_await(&world->rig, &call.tells, expected);
    assert_string_equal(call.tells.text, expected);
}

#define EXPECT_IN_REQUEST(world, words)                                                            \
    assert_non_null(                                                                               \
        memmem((world)->backend.last.data, (world)->backend.last.size, words, sizeof(words) - 1))

static void speaks_legacy(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY, {"\"one\"", "Mcp-Session-Id: abc", 200, NULL, RESULT("{\"n\":1}"), WHOLE, 0}, END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{\"n\":1}");
    EXPECT_IN_REQUEST(world, "MCP-Protocol-Version: 2025-06-18\r\n");
    EXPECT_IN_REQUEST(world, "Accept: application/json, text/event-stream\r\n");
    EXPECT_IN_REQUEST(world, "\"params\":{\"name\":\"one\"}}");
    upstreams_session_over(world->rig.all, legacy_asker.session);
    rig_await(&world->rig, &world->backend.seen, "DELETE:");
    assert_string_equal(world->backend.seen.text,
                        "POST:initialize POST:notifications/initialized POST:tools/call DELETE:");
}

static void speaks_modern(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {MODERN,
                           {"Mcp-Name: one", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           {"Mcp-Name: two", NULL, 404, NULL, ERROR(-32601), WHOLE, 0},
                           END};
    serve(world, rules);
    expect(world, &modern_asker, "{\"name\":\"one\"," MODERN_META "}", "modern:{}");
    EXPECT_IN_REQUEST(world, "MCP-Protocol-Version: 2026-07-28\r\n");
    EXPECT_IN_REQUEST(world, "Mcp-Method: tools/call\r\n");
    expect(world, &modern_asker, "{\"name\":\"two\"," MODERN_META "}",
           "modern:{\"code\":-32601,\"message\":\"m\"}");
    assert_string_equal(
        world->backend.seen.text,
        "POST:server/discover POST:tools/call POST:tools/call POST:server/discover");
}

static void modern_client_of_a_legacy_server(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY, {"\"one\"", "Mcp-Session-Id: abc", 200, NULL, RESULT("{}"), WHOLE, 0}, END};
    serve(world, rules);
    expect(world, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    expect(world, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}"); // a session of its own
    assert_string_equal(world->backend.seen.text,
                        "POST:server/discover POST:initialize POST:notifications/initialized "
                        "POST:tools/call POST:tools/call POST:initialize "
                        "POST:notifications/initialized POST:tools/call");
    upstreams_key_over(world->rig.all, modern_asker.key);
    rig_await(&world->rig, &world->backend.seen, "DELETE:");
}

static void legacy_client_of_a_modern_server(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        MODERN,
        {"Mcp-Name: one", "clientCapabilities\":{\"roots\":{}}", 200, NULL, RESULT("{}"), WHOLE, 0},
        END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
    assert_string_equal(world->backend.seen.text,
                        "POST:initialize POST:server/discover POST:tools/call POST:tools/call");
    assert_string_equal(world->rig.events.text, "");
}

static void streams(void **state)
{
    struct world *world = *state;
    struct call call;
    struct rule rules[] = {
        LEGACY,
        {"\"one\"", NULL, 200, NULL,
         ": hello\n\nid: 1\ndata: \n\n" EVENT(NOTE("message"))
             EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                   "\"progressToken\":@ID@}}")
                 EVENT("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"elicitation/create\"}")
                     EVENT(NOTE("tools/list_changed")) EVENT(RESULT("{}")) EVENT(NOTE("message")),
         STREAM_STAYS, 0},
        {"\"id\":\"q\"", "\"result\":{\"a\":1}", 202, NULL, NULL, WHOLE, 0},
        END};
    serve(world, rules);
    ask(&world->rig, &call, world->upstream, &legacy_asker,
        "{\"name\":\"one\",\"_meta\":{\"progressToken\":\"x\"}}");
    rig_await(&world->rig, &call.tells, "legacy:");
    assert_string_equal(call.tells.text,
                        "notice:notifications/message notice:notifications/progress "
                        "question:elicitation/create legacy:{}");
    assert_string_equal(world->rig.events.text, "changed:notifications/tools/list_changed");
    upstreams_answer(world->rig.all, &call.question, VIEW("{\"a\":1}"), (struct view){0});
    rig_pause(&world->rig, 30);
    EXPECT_IN_REQUEST(world, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"a\":1}}");
}

// SEP-1699: the server closes the stream and is asked for the rest.
static void resumes(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY,
        {"\"one\"", NULL, 200, NULL, "retry: 20\nid: e1\ndata: \n\n", STREAM_ENDS, 0},
        {"GET ", "Last-Event-ID: e1", 200, NULL,
         "id: e2\n" EVENT("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}"), STREAM_ENDS, 0},
        {"\"two\"", NULL, 200, NULL, EVENT(NOTE("message")), STREAM_ENDS, 0},
        {"\"three\"", NULL, 200, NULL, "retry: 20\nid: e3\ndata: \n\nid: e4\ndata: {\"js",
         STREAM_ENDS, 0},
        {"GET ", "Last-Event-ID: e3", 200, NULL,
         EVENT("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}"), STREAM_ENDS, 0},
        END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    expect(world, &legacy_asker, "{\"name\":\"two\"}", "notice:notifications/message failed:died");
    expect(world, &legacy_asker, "{\"name\":\"three\"}", "legacy:{}"); // half an event is none
}

static void a_session_that_is_forgotten(void **state)
{
    struct world *world = *state;
    struct call one, two;
    struct rule rules[] = {LEGACY,
                           {"\"one\"", NULL, 404, NULL, NULL, WHOLE, 2},
                           {"\"one\"", NULL, 200, NULL, RESULT("{\"n\":@ID@}"), WHOLE, 0},
                           {"\"two\"", NULL, 404, NULL, NULL, WHOLE, 0},
                           END};
    serve(world, rules);
    ask(&world->rig, &one, world->upstream, &legacy_asker, "{\"name\":\"one\"}");
    ask(&world->rig, &two, world->upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(&world->rig, &one.tells, "legacy:{\"n\":2}");
    rig_await(&world->rig, &two.tells, "legacy:{\"n\":3}");
    expect(world, &legacy_asker, "{\"name\":\"two\"}", "failed:died");
    assert_non_null(strstr(world->backend.seen.text, "initialize"));
}

// A large request is kept to be sent again as long as nobody else needs the room.
static void a_session_that_is_forgotten_with_a_large_call(void **state)
{
    struct world *world = *state;
    static char params[50000];
    struct rule rules[] = {LEGACY,
                           {"\"small\"", NULL, 200, NULL, NULL, NO_ANSWER, 0},
                           {"\"one\"", NULL, 404, NULL, NULL, WHOLE, 1},
                           {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 1},
                           {"\"one\"", NULL, 404, NULL, NULL, WHOLE, 0},
                           END};
    struct ration *asked = &world->rig.asked;
    struct call small, large;
    (void)snprintf(params, sizeof params, "{\"name\":\"one\",\"x\":\"%*s\"}", 40000, "x");
    serve(world, rules);
    ask(&world->rig, &small, world->upstream, &legacy_asker, "{\"name\":\"small\"}");
    rig_await(&world->rig, &world->backend.seen, "tools/call"); // there is a session
    assert_int_equal(asked->now, 0);
    ask(&world->rig, &large, world->upstream, &legacy_asker, params);
    assert_in_range(asked->now, 40000, 41000);
    rig_await(&world->rig, &large.tells, "legacy:{}");
    assert_int_equal(asked->now, 0);
    ask(&world->rig, &large, world->upstream, &legacy_asker, params);
    ration_take_back(asked, (uint64_t)legacy_asker.key);
    rig_await(&world->rig, &large.tells, "failed:");
    assert_int_equal(world->backend.used[OWN_RULES + 3], 1);
    rig_pause(&world->rig, 50);
    assert_int_equal(world->backend.used[1], 3); // there is a new session all the same
    upcall_cancel(&small.upcall, (struct view){NULL, 0});
}

static void refusals(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY,
        {"\"one\"", NULL, 401, NULL, NULL, WHOLE, 0},
        {"\"two\"", NULL, 503, NULL, "<html>", WHOLE, 0},
        {"\"three\"", NULL, 400, NULL, ERROR(-32602), WHOLE, 0},
        {"\"four\"", NULL, 200, NULL, "<html>", WHOLE, 0},
        {"\"five\"", NULL, 200, NULL, NULL, HANG_UP, 0},
        {"\"six\"", NULL, 200, NULL, "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}", WHOLE, 0},
        {"\"seven\"", NULL, 200, NULL, EVENT("{nothing"), STREAM_STAYS, 0},
        {"\"eight\"", NULL, 200, NULL, NULL, NO_ANSWER, 0},
        END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "failed:unauthorized");
    expect(world, &legacy_asker, "{\"name\":\"two\"}", "failed:unreachable");
    expect(world, &legacy_asker, "{\"name\":\"three\"}",
           "legacy:{\"code\":-32602,\"message\":\"m\"}");
    expect(world, &legacy_asker, "{\"name\":\"four\"}", "failed:garbled");
    expect(world, &legacy_asker, "{\"name\":\"five\"}", "failed:died");
    expect(world, &legacy_asker, "{\"name\":\"six\"}", "failed:garbled");
    expect(world, &legacy_asker, "{\"name\":\"seven\"}", "failed:garbled");
    world->server.spec.total_timeout = 50000;
    expect(world, &legacy_asker, "{\"name\":\"eight\"}", "failed:timeout");
    rig_await(&world->rig, &world->backend.seen, "POST:notifications/cancelled");
}

// The answer is told before that the server is back, so nobody can cancel what is over.
static void a_server_that_is_back(void **state)
{
    struct world *world = *state;
    struct call call;
    struct rule rules[] = {LEGACY,
                           {"\"one\"", NULL, 503, NULL, NULL, WHOLE, 1},
                           {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "failed:unreachable");
    ask(&world->rig, &call, world->upstream, &legacy_asker, "{\"name\":\"one\"}");
    world->rig.cancels = &call.upcall;
    rig_await(&world->rig, &world->rig.events, "changed:");
    assert_string_equal(call.tells.text, "legacy:{}");
}

static void credentials_that_are_refused(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"POST ", NULL, 401, NULL, NULL, WHOLE, 0}, END};
    serve(world, rules);
    expect(world, &modern_asker, "{\"name\":\"one\"}", "failed:unauthorized");
    expect(world, &modern_asker, "{\"name\":\"one\"}", "failed:unreachable"); // backs off
    assert_null(strstr(world->backend.seen.text, "initialize"));
}

static void nobody_listens(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {END};
    serve(world, rules);
    listener_free(&world->backend.listener);
    rig_pause(&world->rig, 10);
    expect(world, &modern_asker, "{\"name\":\"one\"}", "failed:unreachable");
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "failed:unreachable");
}

static void neither_era(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"POST ", NULL, 404, NULL, NULL, WHOLE, 0}, END};
    serve(world, rules);
    expect(world, &modern_asker, "{\"name\":\"one\"}", "failed:garbled");
    expect(world, &modern_asker, "{\"name\":\"one\"}", "failed:unreachable");
    assert_string_equal(world->backend.seen.text, "POST:server/discover POST:initialize");
}

static void cancelling_closes_a_modern_stream(void **state)
{
    struct world *world = *state;
    struct call call;
    struct rule rules[] = {
        MODERN, {"\"one\"", NULL, 200, NULL, EVENT(NOTE("message")), STREAM_STAYS, 0}, END};
    serve(world, rules);
    ask(&world->rig, &call, world->upstream, &modern_asker, "{\"name\":\"one\"," MODERN_META "}");
    call.cancels = true;
    rig_await(&world->rig, &call.tells, "notice:");
    rig_await(&world->rig, &world->backend.seen, "closed");
    assert_string_equal(world->backend.seen.text, "POST:server/discover POST:tools/call closed");
}

static void sessions_have_streams(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY,
        {"GET ", NULL, 200, NULL, EVENT(NOTE("resources/updated")), STREAM_STAYS, 0},
        {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
        END};
    serve(world, rules);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    upstreams_session_streams(world->rig.all, legacy_asker.session, true);
    rig_await(&world->rig, &world->rig.events, "notice:notifications/resources/updated");
    upstreams_session_streams(world->rig.all, legacy_asker.session, false);
    rig_await(&world->rig, &world->backend.seen, "closed");
    upstreams_session_notify(world->rig.all, legacy_asker.session,
                             VIEW(NOTE("roots/list_changed")));
    rig_await(&world->rig, &world->backend.seen, "POST:notifications/roots/list_changed");
}

// A modern client that can be asked gets the questions that come on its session's stream.
static void who_can_be_asked_has_a_stream(void **state)
{
    struct world *world = *state;
    struct asker asker = modern_asker;
    struct rule rules[] = {LEGACY,
                           {"GET ", NULL, 200, NULL, NULL, STREAM_STAYS, 0},
                           {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           END};
    serve(world, rules);
    expect(world, &asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_int_equal(asked(world, "GET:"), 0);
    asker.can = MCP_CAN_ELICIT;
    expect(world, &asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(&world->rig, &world->backend.seen, "GET:");
}

#define LONG_EVENT                                                                                 \
    "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"x\":\""

// A stream that stops in the midst of a long event keeps its room, but that of its project only.
static void events_without_an_end_keep_their_projects_room(void **state)
{
    struct world *world = *state;
    static char halved[200000], whole[200000];
    struct rule rules[] = {LEGACY,
                           {"GET ", NULL, 200, NULL, halved, STREAM_STAYS, 1},
                           {"GET ", NULL, 200, NULL, whole, STREAM_STAYS, 0},
                           {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           END};
    static struct server other; // outlives the test, as its links do
    struct asker other_asker = legacy_asker;
    memset(halved, 'x', sizeof halved - 1);
    memset(whole, 'x', sizeof whole - 1);
    memcpy(halved, LONG_EVENT, sizeof LONG_EVENT - 1);
    memcpy(whole, LONG_EVENT, sizeof LONG_EVENT - 1);
    memcpy(whole + sizeof whole - 5, "\"}\n\n", 5);
    serve(world, rules);
    world->rig.unread.share = world->rig.settings.event;
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    upstreams_session_streams(world->rig.all, legacy_asker.session, true);
    rig_pause(&world->rig, 100);
    assert_int_equal(world->rig.unread.now, world->rig.settings.event);
    (void)http_server(&world->rig, &other, world->server.spec.url.port);
    world->upstream = upstream_get(world->rig.all, 2, &other.spec);
    other_asker.session = 8;
    expect(world, &other_asker, "{\"name\":\"one\"}", "legacy:{}");
    upstreams_session_streams(world->rig.all, other_asker.session, true);
    rig_await(&world->rig, &world->rig.events, "notice:notifications/");
}

// A key whose answers take all the room loses its largest call when another key needs some.
static void a_key_makes_room_for_others(void **state)
{
    struct world *world = *state;
    static char begun[200000];
    static const char start[] = "data: {\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"x\":\"";
    struct rule rules[] = {LEGACY, {"\"begun\"", NULL, 200, NULL, begun, STREAM_STAYS, 0}, END};
    struct ration *unread = &world->rig.unread;
    struct call greedy, other;
    struct asker other_asker = legacy_asker;
    memset(begun, 'x', sizeof begun - 1);
    memcpy(begun, start, sizeof start - 1);
    serve(world, rules);
    unread->most = unread->share = world->rig.settings.event; // room for one
    other_asker.session = 8;
    other_asker.key = 2;
    ask(&world->rig, &greedy, world->upstream, &legacy_asker, "{\"name\":\"begun\"}");
    while (!ration_holds(unread, 1))
        rig_pause(&world->rig, 10);
    ask(&world->rig, &other, world->upstream, &other_asker, "{\"name\":\"begun\"}");
    rig_await(&world->rig, &greedy.tells, "memory");
    assert_true(ration_holds(unread, 2) && !ration_holds(unread, 1));
    upcall_cancel(&other.upcall, (struct view){NULL, 0});
    assert_int_equal(unread->now, 0);
}

static void no_stream_is_no_error(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {LEGACY,
                           {"GET ", NULL, 405, NULL, NULL, WHOLE, 0},
                           {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           END};
    serve(world, rules);
    upstreams_session_streams(world->rig.all, legacy_asker.session, true);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_pause(&world->rig, 50);
    expect(world, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(world->backend.seen.text,
                        "POST:initialize POST:notifications/initialized GET: POST:tools/call "
                        "POST:tools/call");
}

static void watching(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        MODERN,
        {"subscriptions/listen", "\"toolsListChanged\":true", 200, NULL,
         EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
               "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}")
             EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\","
                   "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}"),
         STREAM_STAYS, 0},
        {"\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
        END};
    serve(world, rules);
    upstream_watch(world->upstream, MCP_MODERN, 1);
    expect(world, &modern_asker, "{\"name\":\"one\"," MODERN_META "}", "modern:{}");
    rig_await(&world->rig, &world->rig.events, "changed:notifications/prompts/list_changed");
    upstream_watch(world->upstream, MCP_MODERN, -1);
    rig_await(&world->rig, &world->backend.seen, "closed");
}

static void ends_in_the_middle(void **state)
{
    struct world *world = *state;
    struct call call;
    struct rule rules[] = {
        LEGACY, {"\"one\"", NULL, 200, NULL, EVENT(NOTE("message")), STREAM_STAYS, 0}, END};
    serve(world, rules);
    ask(&world->rig, &call, world->upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(&world->rig, &call.tells, "notice:");
    upstreams_retain(world->rig.all, 1, &(struct server_specs){0});
    rig_await(&world->rig, &call.tells, "failed:died");
    rig_await(&world->rig, &world->backend.seen, "DELETE:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(speaks_legacy),
        TEST(speaks_modern),
        TEST(modern_client_of_a_legacy_server),
        TEST(legacy_client_of_a_modern_server),
        TEST(streams),
        TEST(resumes),
        TEST(a_session_that_is_forgotten),
        TEST(a_session_that_is_forgotten_with_a_large_call),
        TEST(refusals),
        TEST(a_server_that_is_back),
        TEST(credentials_that_are_refused),
        TEST(nobody_listens),
        TEST(neither_era),
        TEST(cancelling_closes_a_modern_stream),
        TEST(sessions_have_streams),
        TEST(who_can_be_asked_has_a_stream),
        TEST(events_without_an_end_keep_their_projects_room),
        TEST(a_key_makes_room_for_others),
        TEST(no_stream_is_no_error),
        TEST(watching),
        TEST(ends_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
