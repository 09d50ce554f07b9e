// test_upstream_eras.c: servers over HTTP that speak one era or both, and clients of both in turn.
#include "http_world.h"
#include "upstream/link.h"

// Calls, more than one in each of several sessions or of several keys.
static void many(struct world *world, const struct asker *from, const char *expected)
{
    for (int asker = 0; asker < 3; asker++) {
        struct asker each = *from;
        each.key += asker;
        each.session += each.session ? asker : 0;
        for (int call = 0; call < 4; call++) {
            struct call one;
            ask(&world->rig, &one, world->upstream, &each, ONE);
            rig_await(&world->rig, &one.tells, ":");
            assert_string_equal(one.tells.text, expected);
        }
    }
}

// As an hour later. All links that rest may start again.
static void verdicts_are_old(struct world *world)
{
    memset(world->upstream->verdict, 0, sizeof world->upstream->verdict);
    rig_pause(&world->rig, world->rig.settings.restart_most / 1000 + 50);
}

static void modern_only(struct world *world, struct rule refusal)
{
    struct rule rules[] = {refusal, SAYS_MODERN, ONE_ANSWERS, END};
    serve(world, rules);
    many(world, &modern_asker, "modern:{}");
    many(world, &legacy_asker, "modern:{}");
    many(world, &modern_asker, "modern:{}");
    assert_int_equal(upstream_era(world->upstream, MCP_LEGACY), MCP_MODERN);
    assert_int_equal(upstream_era(world->upstream, MCP_MODERN), MCP_MODERN);
    assert_int_equal(asked(world, "POST:initialize"), 1);
    verdicts_are_old(world);
    many(world, &legacy_asker, "modern:{}");
    assert_int_equal(asked(world, "POST:initialize"), 2);
    assert_int_equal(asked(world, "POST:server/discover"), 1);
    assert_null(strstr(world->rig.log.text, "failed"));
}

static void modern_only_that_names_its_versions(void **state)
{
    modern_only(*state, (struct rule){"\"initialize\"", NULL, 400, NULL, ERROR(-32022), WHOLE, 0});
}

static void modern_only_that_has_no_initialize(void **state)
{
    modern_only(*state, (struct rule){"\"initialize\"", NULL, 404, NULL, ERROR(-32601), WHOLE, 0});
}

static void modern_only_that_refuses_politely(void **state)
{
    modern_only(*state, (struct rule){"\"initialize\"", NULL, 200, NULL, ERROR(-32600), WHOLE, 0});
}

// That is no word about its era; while the one waits, the other serves.
static void modern_only_that_stumbles(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        {"\"initialize\"", NULL, 500, NULL, NULL, WHOLE, 0}, SAYS_MODERN, ONE_ANSWERS, END};
    serve(world, rules);
    many(world, &modern_asker, "modern:{}");
    many(world, &legacy_asker, "modern:{}");
    assert_int_equal(upstream_verdict(world->upstream, MCP_LEGACY), VERDICT_UNKNOWN);
}

static void modern_only_and_watched(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {MODERN, ONE_ANSWERS, {"POST ", NULL, 404, NULL, NULL, WHOLE, 0}, END};
    serve(world, rules);
    upstream_watch(world->upstream, MCP_MODERN, 1);
    many(world, &modern_asker, "modern:{}");
    many(world, &legacy_asker, "modern:{}");
    rig_pause(&world->rig, 500); // the links that rest are looked at
    assert_int_equal(asked(world, "POST:initialize"), 1);
    upstream_watch(world->upstream, MCP_MODERN, -1);
}

static void legacy_only(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {LEGACY, ONE_ANSWERS, END};
    serve(world, rules);
    many(world, &legacy_asker, "legacy:{}");
    many(world, &modern_asker, "legacy:{}");
    many(world, &legacy_asker, "legacy:{}");
    assert_int_equal(upstream_era(world->upstream, MCP_LEGACY), MCP_LEGACY);
    assert_int_equal(upstream_era(world->upstream, MCP_MODERN), MCP_LEGACY);
    assert_int_equal(asked(world, "POST:server/discover"), 1);
    assert_int_equal(asked(world, "POST:initialize"), 6); // three sessions, three keys
    verdicts_are_old(world);
    many(world, &modern_asker, "legacy:{}");
    assert_int_equal(asked(world, "POST:server/discover"), 2);
    assert_int_equal(asked(world, "POST:initialize"), 6);
    assert_null(strstr(world->rig.log.text, "failed"));
}

static void both(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {SAYS_MODERN,
                           {"\"initialize\"", NULL, 200, SESSION, RESULT(HELLO), WHOLE, 0},
                           ONE_ANSWERS,
                           {"POST ", NULL, 202, NULL, NULL, WHOLE, 0},
                           END};
    serve(world, rules);
    many(world, &modern_asker, "modern:{}");
    many(world, &legacy_asker, "legacy:{}");
    many(world, &modern_asker, "modern:{}");
    many(world, &legacy_asker, "legacy:{}");
    assert_int_equal(asked(world, "POST:server/discover"), 1);
    assert_int_equal(asked(world, "POST:initialize"), 3);
    assert_int_equal(upstream_era(world->upstream, MCP_LEGACY), MCP_LEGACY);
    assert_int_equal(upstream_era(world->upstream, MCP_MODERN), MCP_MODERN);
}

// --- servers that are replaced -------------------------------------------------------------------
// Another server takes its place while its links are READY, and refuses what it is asked on them.
static void replaced(struct world *world, struct rule *by, const struct asker *from)
{
    struct call one;
    world->backend.rules = by;
    memset(world->backend.used, 0, sizeof world->backend.used);
    ask(&world->rig, &one, world->upstream, from, ONE);
    rig_await(&world->rig, &one.tells, ":");
    rig_pause(&world->rig, 500); // the link is looked at
}

#define IS_MODERN                                                                                  \
    {"\"initialize\"", NULL, 400, NULL, ERROR(-32022), WHOLE, 0}, SAYS_MODERN,                     \
        {"Mcp-Method: tools/call", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},                       \
    {                                                                                              \
        "POST ", NULL, 400, NULL, ERROR(-32602), WHOLE, 0                                          \
    }

static void legacy_only_replaced_by_modern_only(void **state)
{
    struct world *world = *state;
    struct rule before[] = {LEGACY, ONE_ANSWERS, END}, after[] = {IS_MODERN, END};
    serve(world, before);
    many(world, &legacy_asker, "legacy:{}");
    many(world, &modern_asker, "legacy:{}");
    replaced(world, after, &legacy_asker);
    many(world, &legacy_asker, "modern:{}");
    many(world, &modern_asker, "modern:{}");
    assert_int_equal(asked(world, "POST:ping"), 1);
}

static void modern_only_replaced_by_legacy_only(void **state)
{
    struct world *world = *state;
    struct rule before[] = {SAYS_MODERN, ONE_ANSWERS, END};
    struct rule after[] = {LEGACY,
                           {"tools/call", "Mcp-Session-Id: abc", 200, NULL, RESULT("{}"), WHOLE, 0},
                           {"POST ", NULL, 400, NULL, NULL, WHOLE, 0},
                           END};
    serve(world, before);
    many(world, &modern_asker, "modern:{}");
    replaced(world, after, &modern_asker);
    many(world, &modern_asker, "legacy:{}");
    many(world, &legacy_asker, "legacy:{}");
}

// As the official SDKs' servers refuse: in JSON, but under no id of ours.
static void modern_only_replaced_by_one_that_says_so(void **state)
{
    struct world *world = *state;
    struct rule before[] = {SAYS_MODERN, ONE_ANSWERS, END};
    struct rule after[] = {LEGACY,
                           {"tools/call", "Mcp-Session-Id: abc", 200, NULL, RESULT("{}"), WHOLE, 0},
                           {"POST ", NULL, 400, NULL,
                            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":"
                            "\"Bad Request: Server not initialized\"},\"id\":null}",
                            WHOLE, 0},
                           END};
    serve(world, before);
    many(world, &modern_asker, "modern:{}");
    replaced(world, after, &modern_asker);
    many(world, &modern_asker, "legacy:{}");
}

// Refuses its calls, and has another answer to the question whether it is still the same.
static void stays(struct world *world, struct rule ping)
{
    struct rule rules[] = {
        LEGACY, {"\"one\"", NULL, 400, NULL, ERROR(-32602), WHOLE, 0}, ping, END};
    serve(world, rules);
    many(world, &legacy_asker, "legacy:{\"code\":-32602,\"message\":\"m\"}");
    rig_pause(&world->rig, 500);
    many(world, &legacy_asker, "legacy:{\"code\":-32602,\"message\":\"m\"}");
    assert_int_equal(asked(world, "POST:initialize"), 3);
    assert_int_equal(asked(world, "POST:ping"), 3);
}

static void has_no_time_for_a_ping(void **state)
{
    stays(*state, (struct rule){"\"ping\"", NULL, 429, NULL, NULL, WHOLE, 0});
}

static void knows_no_ping(void **state)
{
    stays(*state, (struct rule){"\"ping\"", NULL, 400, NULL, ERROR(-32601), WHOLE, 0});
}

// The same in the modern era, in words.
static void has_no_time_for_a_question(void **state)
{
    struct world *world = *state;
    struct rule says_once = SAYS_MODERN;
    says_once.times = 1;
    struct rule rules[] = {says_once,
                           {"server/discover", NULL, 429, NULL, ERROR(-32000), WHOLE, 0},
                           {"tools/call", NULL, 400, NULL, ERROR(-32602), WHOLE, 0},
                           END};
    serve(world, rules);
    many(world, &modern_asker, "modern:{\"code\":-32602,\"message\":\"m\"}");
    rig_pause(&world->rig, 500);
    many(world, &modern_asker, "modern:{\"code\":-32602,\"message\":\"m\"}");
    assert_int_equal(asked(world, "POST:server/discover"), 2);
}

// What is refused is the call, as the server's own answer to a question shows.
static void refuses_a_call_only(void **state)
{
    stays(*state, (struct rule){"\"ping\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(modern_only_that_names_its_versions),
        TEST(modern_only_that_has_no_initialize),
        TEST(modern_only_that_refuses_politely),
        TEST(modern_only_that_stumbles),
        TEST(modern_only_and_watched),
        TEST(legacy_only),
        TEST(both),
        TEST(legacy_only_replaced_by_modern_only),
        TEST(modern_only_replaced_by_legacy_only),
        TEST(modern_only_replaced_by_one_that_says_so),
        TEST(refuses_a_call_only),
        TEST(has_no_time_for_a_ping),
        TEST(has_no_time_for_a_question),
        TEST(knows_no_ping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
