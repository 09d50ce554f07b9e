// test_upstream_stdio.c: links over the pipes of children that behave well, badly and not at all.
#include "upstream_rig.h"

#define HELLO                                                                                      \
    "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"                       \
    "\"serverInfo\":{\"name\":\"fake\"}}"
#define LEGACY "\"initialize\"", HELLO
#define DISCOVERED "r:{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}}}"
#define MODERN "server/discover", DISCOVERED
#define NOT_FOUND "e:{\"code\":-32601,\"message\":\"Method not found\"}"

static void speaks_legacy(void **state)
{
    struct server server;
    struct upstream *upstream =
        child_server(*state, &server,
                     (const char *[]){LEGACY, "one", "r:{\"n\":1}", "two",
                                      "e:{\"code\":1,\"message\":\"m\"}", NULL});
    assert_null(upstream_facts(upstream, MCP_LEGACY));
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{\"n\":1}");
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"two\"}",
               "legacy:{\"code\":1,\"message\":\"m\"}");
    const struct upstream_facts *facts = upstream_facts(upstream, MCP_LEGACY);
    assert_non_null(facts);
    assert_int_equal(facts->era, MCP_LEGACY);
    assert_true(view_is(facts->capabilities, "{\"tools\":{}}"));
    assert_true(view_is(facts->server_info, "{\"name\":\"fake\"}"));
    assert_string_equal(((struct rig *)*state)->log.text, "started ready");
}

// One child serves both when it speaks one era only.
static void modern_client_of_a_legacy_server(void **state)
{
    struct server server;
    struct upstream *upstream =
        child_server(*state, &server,
                     (const char *[]){LEGACY, "server/discover", NOT_FOUND, "one", "r:{}", NULL});
    rig_expect(*state, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(((struct rig *)*state)->log.text, "started ready");
}

// The child that was started to ask for the other era is not kept.
static void legacy_client_first(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "server/discover", NOT_FOUND, "one", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(rig, &rig->log, "started ready started exited");
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started ready started exited");
}

// A server of both has a link of either.
static void a_server_of_both_eras(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server, (const char *[]){LEGACY, MODERN, "\"one\"", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "modern:{}");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started ready started ready");
    assert_string_equal(rig->events.text, "");
}

// A legacy server must not take a request for one of the other era.
static void no_modern_meta_on_a_legacy_link(void **state)
{
#define V "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""
#define C "\"io.modelcontextprotocol/clientCapabilities\":{}"
#define GETS(text, n) "tools/call\",\"params\":" text "}", "r:" #n
    struct server server;
    struct upstream *upstream =
        child_server(*state, &server,
                     (const char *[]){LEGACY, "server/discover", NOT_FOUND,
                                      GETS("{\"_meta\":{ }}", 1), GETS("{\"_meta\":{\"a\":1}}", 2),
                                      GETS("{\"_meta\":{\"a\":1 , \"progressToken\":6}}", 3),
                                      GETS("{\"_meta\":{\"progressToken\":7, \"a\":1}}", 4), NULL});
    rig_expect(*state, upstream, &modern_asker, "{\"_meta\":{" V ", " C " }}", "legacy:1");
    rig_expect(*state, upstream, &modern_asker, "{\"_meta\":{" V " ,\"a\":1}}", "legacy:2");
    rig_expect(*state, upstream, &modern_asker, "{\"_meta\":{\"a\":1," V "," C "}}", "legacy:2");
    rig_expect(*state, upstream, &modern_asker,
               "{\"_meta\":{\"a\":1 , \"progressToken\":\"t\", " C "," V "}}", "legacy:3");
    rig_expect(*state, upstream, &modern_asker,
               "{\"_meta\":{" C ",\"progressToken\":\"t\", " V ", \"a\":1}}", "legacy:4");
}

static void legacy_client_of_a_modern_server(void **state)
{
    struct server server;
    struct upstream *upstream = child_server(
        *state, &server,
        (const char *[]){MODERN, "\"initialize\"", NOT_FOUND, "\"two\"", "r:{\"bare\":true}",
                         "clientCapabilities\":{\"roots\":{}}", "r:{\"meta\":true}", NULL});
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{\"meta\":true}");
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"one\",\"_meta\":{\"x\":1}}",
               "modern:{\"meta\":true}");
    rig_expect(*state, upstream, &modern_asker, "{\"name\":\"two\"," MODERN_META "}",
               "modern:{\"bare\":true}");
    assert_string_equal(((struct rig *)*state)->log.text, "started ready");
}

static void silence_to_the_probe(void **state)
{
    struct server server;
    struct upstream *upstream =
        child_server(*state, &server, (const char *[]){LEGACY, "one", "r:{}", NULL});
    rig_expect(*state, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
}

// A child that is slow was asked in both eras when it answers: the next one is asked in one,
// however slow it is.
static void late_answer_to_the_probe(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"server/discover", "s:1900", MODERN, "\"initialize\"", "x:9",
                                      "\"one\"", "r:{}", NULL});
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "modern:{}");
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "modern:{}");
    assert_ptr_equal(strstr(rig->log.text, "started restarted started"), rig->log.text);
    assert_null(strstr(rig->log.text, "failed"));
}

static void speaks_nothing_we_know(void **state)
{
    struct server server;
    struct upstream *upstream =
        child_server(*state, &server,
                     (const char *[]){"server/discover", NOT_FOUND, "\"initialize\"",
                                      "r:{\"protocolVersion\":\"1999-01-01\"}", NULL});
    rig_expect(*state, upstream, &legacy_asker, "{}", "failed:garbled");
    rig_expect(*state, upstream, &legacy_asker, "{}", "failed:unreachable"); // it backs off
}

static void era_of_the_config(void **state)
{
    struct server server;
    struct upstream *upstream = child_server(
        *state, &server, (const char *[]){LEGACY, "server/discover", "x:9", "one", "r:{}", NULL});
    server.spec.protocol = PROTOCOL_LEGACY;
    rig_expect(*state, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(((struct rig *)*state)->log.text, "started ready");
}

// Ids and tokens of two clients that are the same do not meet.
static void tokens_are_ours(void **state)
{
    struct server server;
    struct call one, two;
    struct asker other = legacy_asker;
    other.session = 8;
    const char *params = "{\"name\":\"one\",\"_meta\":{\"progressToken\":\"t\"}}";
#define PROGRESS                                                                                   \
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"                     \
    "{\"progressToken\":@TOKEN@,\"progress\":1}}"
    struct upstream *upstream =
        child_server(*state, &server,
                     (const char *[]){LEGACY, "one", PROGRESS, "one", "r:{\"t\":@TOKEN@}", NULL});
    ask(*state, &one, upstream, &legacy_asker, params);
    ask(*state, &two, upstream, &other, params);
    rig_await(*state, &two.tells, "}");
    assert_string_equal(one.tells.text, "notice:notifications/progress legacy:{\"t\":2}");
    assert_string_equal(two.tells.text, "notice:notifications/progress legacy:{\"t\":3}");
}

static void wrong_and_double_answers(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "one", "l:{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}", "one",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}", "one", "r:{\"n\":1}",
                         "one", "r:{\"n\":2}", "two", "r:{\"n\":3}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{\"n\":1}");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":3}");
    assert_string_equal(rig->log.text, "started ready unexpected unexpected unexpected");
}

static void banners_and_garbage(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"", "l:Welcome to the server!", "", "l:", LEGACY, "one",
                                      "l:{\"broken", "one", "l:[1,2]", "one", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started garbage ready");
}

static void half_a_line_then_death(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){LEGACY, "one", "p:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"res",
                                      "one", "x:1", "two", "r:{}", NULL});
    struct call waiting;
    ask(rig, &waiting, upstream, &legacy_asker, "{\"name\":\"none\"}");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "failed:died");
    assert_string_equal(waiting.tells.text, "failed:died");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "failed:unreachable");
    rig_pause(rig, 60);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{}");
    // Whoever left it out of a list is told.
    assert_non_null(strstr(rig->events.text, "changed:notifications/tools/list_changed"));
}

static void a_command_that_is_none(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(rig, &server, (const char *[]){NULL});
    server.spec.command = "/nowhere/at/all";
    struct call call;
    ask(rig, &call, upstream, &modern_asker, "{}");
    rig_await(rig, &call.tells, "failed:");
}

static void a_line_without_an_end(void **state)
{
    struct rig *rig = *state;
    struct server server;
    rig->settings.event = 100000;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "one", "b:200000", "one", "s:5000", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "failed:large");
}

static void cancelling(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call call, next;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){
            LEGACY, "\"one\"", PROGRESS,
            "notifications/cancelled\",\"params\":{\"requestId\":2,\"reason\":\"enough\"}",
            "l:{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", "\"two\"", "r:{}", NULL});
    ask(rig, &call, upstream, &legacy_asker, "{\"name\":\"one\",\"_meta\":{\"progressToken\":1}}");
    call.cancels = true;
    rig_await(rig, &call.tells, "notice:");
    ask(rig, &next, upstream, &legacy_asker, "{\"name\":\"two\"}");
    rig_await(rig, &next.tells, "legacy:{}");
    assert_string_equal(call.tells.text, "notice:notifications/progress");
    assert_non_null(strstr(rig->log.text, "unexpected")); // the late answer
    ask(rig, &call, upstream, &legacy_asker, "{}");
    upcall_cancel(&call.upcall, (struct view){0});
    upcall_cancel(&call.upcall, (struct view){0});
}

static void timeouts(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"one\"", PROGRESS, "cancelled",
                         "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}",
                         NULL});
    server.spec.first_byte_timeout = 30000;
    server.spec.idle_timeout = 30000;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "failed:timeout");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\",\"_meta\":{\"progressToken\":1}}",
               "notice:notifications/progress failed:timeout");
    rig_await(rig, &rig->events, "changed:");
    server.spec.first_byte_timeout = 0;
    server.spec.total_timeout = 30000;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "failed:timeout");
}

static void a_handshake_without_an_end(void **state)
{
    struct rig *rig = *state;
    struct server server;
    rig->settings.handshake_timeout = 40000;
    struct upstream *upstream = child_server(rig, &server, (const char *[]){NULL});
    rig_expect(rig, upstream, &legacy_asker, "{}", "failed:timeout");
}

#define ASKS "l:{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}"

static void questions_on_a_shared_link(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call one, two;
    struct asker other = legacy_asker;
    other.session = 8;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"one\"", ASKS, "{\"roots\":[]}",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"fine\":1}}", "-32603",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"refused\":1}}", "\"two\"",
                         ASKS, "initialized", ASKS, NULL});
    ask(rig, &one, upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &one.tells, "question:roots/list");
    ask(rig, &two, upstream, &other, "{\"name\":\"two\"}");
    rig_await(rig, &two.tells, "legacy:{\"refused\":1}");
    upstreams_answer(rig->all, &one.question, VIEW("{\"roots\":[]}"), (struct view){0});
    rig_await(rig, &one.tells, "legacy:{\"fine\":1}");
    upstreams_answer(rig->all, &(struct question){.link = 99}, VIEW("{}"), (struct view){0});
    assert_string_equal(rig->events.text, "");
}

static void questions_on_a_link_of_a_session(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"one\"", "r:{}", "\"one\"", ASKS, "\"of\":\"session\"",
                         "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\"}",
                         NULL});
    server.spec.isolation = ISOLATION_SESSION;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(rig, &rig->events, "question:roots/list notice:notifications/resources/updated");
    upstreams_session_over(rig->all, legacy_asker.session);
    rig_await(rig, &rig->log, "exited");
}

static void pings_and_strange_requests(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"one\"", "l:{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}",
                         "\"id\":5,\"result\":{}",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"no/such\"}",
                         "\"id\":6,\"error\":{\"code\":-32601",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
}

static void messages_find_the_only_asker(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call one, two;
    struct asker other = legacy_asker;
    other.session = 8;
#define SAYS                                                                                       \
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\"}}"
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"one\"", SAYS, "\"two\"", SAYS, "\"two\"", "r:{}", "\"two\"",
                         "l:{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}", NULL});
    ask(rig, &one, upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &one.tells, "notice:");
    ask(rig, &two, upstream, &other, "{\"name\":\"two\"}");
    rig_await(rig, &one.tells, "legacy:");
    assert_string_equal(one.tells.text, "notice:notifications/message legacy:{}");
    assert_string_equal(two.tells.text, "legacy:{}");
}

static void a_held_call_does_not_hold_others(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call held;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){LEGACY, "\"one\"", PROGRESS, "\"one\"", PROGRESS, "\"one\"",
                                      "r:{\"n\":1}", "\"two\"", "r:{\"n\":2}", NULL});
    ask(rig, &held, upstream, &legacy_asker, "{\"name\":\"one\",\"_meta\":{\"progressToken\":1}}");
    upcall_hold(held.upcall, true);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":2}");
    assert_string_equal(held.tells.text, "");
    upcall_hold(held.upcall, false);
    assert_string_equal(held.tells.text, "");
    rig_await(rig, &held.tells, "legacy:");
    assert_string_equal(held.tells.text, "notice:notifications/progress "
                                         "notice:notifications/progress legacy:{\"n\":1}");
}

// As long as somebody else waits for the child: see test_upstream_floods.c.
static void a_held_call_has_a_limit(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call held, other;
    rig->settings.event = 150;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", PROGRESS, "\"one\"", PROGRESS, NULL});
    ask(rig, &held, upstream, &legacy_asker, "{\"name\":\"one\",\"_meta\":{\"progressToken\":1}}");
    upcall_hold(held.upcall, true);
    ask(rig, &other, upstream, &legacy_asker, "{\"name\":\"two\"}");
    rig_await(rig, &held.tells, "failed:large");
}

static void isolation(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct asker other = legacy_asker;
    other.session = 8;
    const char *const words[] = {LEGACY, "\"one\"", "r:{}", NULL};
    struct upstream *upstream = child_server(rig, &server, words);
    server.spec.isolation = ISOLATION_USER;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &other, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started ready");
    other.user = 9;
    rig_expect(rig, upstream, &other, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started ready started ready");
    // A config that no longer has it.
    struct call call;
    ask(rig, &call, upstream, &other, "{\"name\":\"none\"}");
    upstreams_retain(rig->all, 2, &(struct server_specs){0});
    upstreams_retain(rig->all, 1, &(struct server_specs){0});
    assert_string_equal(call.tells.text, "");
    rig_await(rig, &call.tells, "failed:died");
    rig_await(rig, &rig->log, "exited exited");
}

static void idle_children_end(void **state)
{
    struct rig *rig = *state;
    struct server server;
    rig->settings.idle_child = 100000;
    struct upstream *upstream =
        child_server(rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(rig, &rig->log, "exited");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
}

// What is under way fails, nothing is started any more, and the child has its time.
static void ends_in_order(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call call, late;
    struct upstream *upstream =
        child_server(rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", NULL});
    assert_true(upstreams_ended(rig->all));
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_false(upstreams_ended(rig->all));
    ask(rig, &call, upstream, &legacy_asker, "{\"name\":\"none\"}");
    upstreams_end(rig->all);
    assert_string_equal(call.tells.text, "");
    assert_false(upstreams_ended(rig->all));
    ask(rig, &late, upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &call.tells, "failed:died");
    rig_await(rig, &late.tells, "failed:died");
    upstreams_end(rig->all);
    rig_await(rig, &rig->log, "exited");
    assert_true(upstreams_ended(rig->all));
    assert_string_equal(rig->log.text, "started ready exited");
}

static void learned(void *context, bool known)
{
    tell(context, known ? "known" : "unknown", (struct view){"", 0});
}

static void learning(void **state)
{
    struct rig *rig = *state;
    struct server server, bad;
    struct tells tells = {0};
    struct upstream *upstream = child_server(rig, &server, (const char *[]){MODERN, NULL});
    struct upstream_wait *dropped = upstream_learn(upstream, &modern_asker, learned, &tells);
    struct upstream_wait *wait = upstream_learn(upstream, &modern_asker, learned, &tells);
    assert_non_null(wait);
    upstream_wait_cancel(&dropped);
    rig_await(rig, &tells, "known");
    assert_null(upstream_learn(upstream, &modern_asker, learned, &tells));
    assert_string_equal(tells.text, "known known");
    upstream = child_server(rig, &bad, (const char *[]){"", "x:1", NULL});
    assert_non_null(upstream_learn(upstream, &modern_asker, learned, &tells));
    rig_await(rig, &tells, "unknown");
}

static void watching(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){
            MODERN, "subscriptions/listen",
            "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\","
            "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}",
            "cancelled",
            "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}", "\"one\"",
            "r:{}", NULL});
    upstream_watch(upstream, MCP_MODERN, 1);
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "modern:{}");
    rig_await(rig, &rig->events, "changed:notifications/tools/list_changed");
    upstream_watch(upstream, MCP_MODERN, -1);
    rig_await(rig, &rig->events, "changed:notifications/prompts/list_changed");
}

static void ends_with_calls_in_flight(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call sent, waiting;
    const char *const words[] = {LEGACY, "\"one\"", SAYS, NULL};
    struct upstream *upstream = child_server(rig, &server, words);
    ask(rig, &sent, upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &sent.tells, "notice:");
    server.spec.isolation = ISOLATION_USER;
    ask(rig, &waiting, upstream, &legacy_asker, "{\"name\":\"one\"}");
    upstreams_free(&rig->all);
    assert_string_equal(sent.tells.text, "notice:notifications/message failed:died");
    assert_string_equal(waiting.tells.text, "failed:died");
    struct upstreams_order order = {.loop = rig->loop,
                                    .settings = &rig->settings,
                                    .http = rig->http,
                                    .events = &rig_events,
                                    .context = rig};
    rig->all = upstreams_new(&order);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(speaks_legacy),
        TEST(modern_client_of_a_legacy_server),
        TEST(legacy_client_first),
        TEST(a_server_of_both_eras),
        TEST(no_modern_meta_on_a_legacy_link),
        TEST(legacy_client_of_a_modern_server),
        TEST(silence_to_the_probe),
        TEST(late_answer_to_the_probe),
        TEST(speaks_nothing_we_know),
        TEST(era_of_the_config),
        TEST(tokens_are_ours),
        TEST(wrong_and_double_answers),
        TEST(banners_and_garbage),
        TEST(half_a_line_then_death),
        TEST(a_command_that_is_none),
        TEST(a_line_without_an_end),
        TEST(cancelling),
        TEST(timeouts),
        TEST(a_handshake_without_an_end),
        TEST(questions_on_a_shared_link),
        TEST(questions_on_a_link_of_a_session),
        TEST(pings_and_strange_requests),
        TEST(messages_find_the_only_asker),
        TEST(a_held_call_does_not_hold_others),
        TEST(a_held_call_has_a_limit),
        TEST(isolation),
        TEST(idle_children_end),
        TEST(ends_in_order),
        TEST(learning),
        TEST(watching),
        TEST(ends_with_calls_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
