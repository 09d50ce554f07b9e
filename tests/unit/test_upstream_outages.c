// test_upstream_outages.c: servers over HTTP that were down or are just starting: who is served
// again, and when. Nobody waits here until a back-off is over: it lasts an hour.
#include "http_world.h"
#include "upstream/link.h"

static void outages_last(struct world *world)
{
    world->rig.settings.restart_first = world->rig.settings.restart_most = 3600 * TIME_SECOND;
}

// Nothing listens at its address any more; again it does.
static unsigned goes_down(struct world *world)
{
    unsigned port = listener_port(world->backend.listener);
    listener_free(&world->backend.listener);
    backend_hang_up(&world->backend);
    rig_pause(&world->rig, 20); // what is freed is closed in the next turn
    return port;
}

static void comes_up(struct world *world, unsigned port)
{
    struct err why;
    char where[32];
    snprintf(where, sizeof(where), "127.0.0.1:%u", port);
    struct listener_order order = {
        .where = where, .accepted = backend_accepted, .context = &world->backend};
    assert_true(listener_new(world->rig.loop, &order, &world->backend.listener, &why));
}

static void back_off_is_over(struct world *world, enum mcp_era era)
{
    struct upstream *upstream = world->upstream;
    for (struct node *at = upstream->links.next; at != &upstream->links; at = at->next) {
        struct link *link = OUTER(at, struct link, node);
        if (link->era == era)
            link->not_before = 0;
    }
}

static void expect(struct world *world, const struct asker *asker, const char *expected)
{
    rig_expect(&world->rig, world->upstream, asker, ONE, expected);
}

static const struct asker another_session = {.session = 8, .user = 1, .key = 1, .level = -1};

#define SPEAKS_LEGACY                                                                              \
    {"\"initialize\"", NULL, 200, SESSION, RESULT(HELLO), WHOLE, 0}, ONE_ANSWERS,                  \
    {                                                                                              \
        "POST ", NULL, 202, NULL, NULL, WHOLE, 0                                                   \
    }

// --- after an outage -----------------------------------------------------------------------------
// Whoever finds that it is up finds it for all.
static void one_link_is_ready(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {SAYS_MODERN, SPEAKS_LEGACY, END};
    outages_last(world);
    serve(world, rules);
    unsigned port = goes_down(world);
    expect(world, &legacy_asker, "failed:unreachable");
    expect(world, &another_session, "failed:unreachable");
    expect(world, &modern_asker, "failed:unreachable");
    comes_up(world, port);
    expect(world, &legacy_asker, "failed:unreachable"); // nobody knows yet
    assert_int_equal(world->backend.seen.size, 0);
    back_off_is_over(world, MCP_MODERN);
    expect(world, &modern_asker, "modern:{}");
    expect(world, &legacy_asker, "legacy:{}");
    expect(world, &another_session, "legacy:{}");
}

static void one_link_answers(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {SAYS_MODERN, SPEAKS_LEGACY, END};
    outages_last(world);
    serve(world, rules);
    expect(world, &modern_asker, "modern:{}");
    unsigned port = goes_down(world);
    expect(world, &legacy_asker, "failed:unreachable");
    comes_up(world, port);
    expect(world, &modern_asker, "modern:{}");
    expect(world, &legacy_asker, "legacy:{}");
}

// A link that fails by itself is let off once; then the other era's serves.
static void one_link_never_answers(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        SAYS_MODERN, {"\"initialize\"", NULL, 200, NULL, NULL, NO_ANSWER, 0}, ONE_ANSWERS, END};
    outages_last(world);
    serve(world, rules);
    world->rig.settings.handshake_timeout = 100000;
    expect(world, &legacy_asker, "failed:timeout");
    world->rig.settings.handshake_timeout = 8 * TIME_SECOND;
    expect(world, &modern_asker, "modern:{}");
    world->rig.settings.handshake_timeout = 100000;
    expect(world, &legacy_asker, "failed:timeout");
    for (int i = 0; i < 3; i++) {
        expect(world, &modern_asker, "modern:{}");
        expect(world, &legacy_asker, "modern:{}");
    }
    assert_int_equal(asked(world, "POST:initialize"), 2);
}

// Credentials that it refuses are no outage.
static void one_link_is_refused(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        SAYS_MODERN, {"\"initialize\"", NULL, 401, NULL, NULL, WHOLE, 0}, ONE_ANSWERS, END};
    outages_last(world);
    serve(world, rules);
    expect(world, &legacy_asker, "failed:unauthorized");
    for (int i = 0; i < 3; i++) {
        expect(world, &modern_asker, "modern:{}");
        expect(world, &legacy_asker, "modern:{}");
    }
    assert_int_equal(asked(world, "POST:initialize"), 1);
}

// --- at the start --------------------------------------------------------------------------------
// One era's link has found nobody there; the other's is told that this is a server of the first.
static void modern_only_was_not_there(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {MODERN, ONE_ANSWERS, END};
    outages_last(world);
    serve(world, rules);
    unsigned port = goes_down(world);
    expect(world, &modern_asker, "failed:unreachable");
    comes_up(world, port);
    expect(world, &legacy_asker, "modern:{}");
}

static void legacy_only_was_not_there(void **state)
{
    struct world *world = *state;
    struct asker same_key = modern_asker; // whose link will serve the modern one
    same_key.era = MCP_LEGACY;
    struct rule rules[] = {
        {"server/discover", NULL, 404, NULL, NULL, WHOLE, 0}, SPEAKS_LEGACY, END};
    outages_last(world);
    serve(world, rules);
    unsigned port = goes_down(world);
    expect(world, &same_key, "failed:unreachable");
    comes_up(world, port);
    expect(world, &modern_asker, "legacy:{}");
}

// What it says before it is ready is no word about an era: that is asked for once more when the
// other one is refused.
static void modern_only_starts(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        {"server/discover", NULL, 503, NULL, ERROR(-32000), WHOLE, 1}, MODERN, ONE_ANSWERS, END};
    outages_last(world);
    serve(world, rules);
    expect(world, &modern_asker, "modern:{}");
    expect(world, &legacy_asker, "modern:{}");
    assert_int_equal(asked(world, "POST:server/discover"), 2);
    assert_int_equal(asked(world, "POST:initialize"), 1);
    assert_null(strstr(world->rig.log.text, "failed"));
}

static void legacy_only_starts(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"\"initialize\"", NULL, 502, NULL, NULL, WHOLE, 1},
                           {"server/discover", NULL, 404, NULL, NULL, WHOLE, 0},
                           SPEAKS_LEGACY,
                           END};
    outages_last(world);
    serve(world, rules);
    expect(world, &legacy_asker, "legacy:{}");
    assert_int_equal(asked(world, "POST:initialize"), 2);
    assert_int_equal(asked(world, "POST:server/discover"), 1);
}

// One that hangs up on initialize may still speak the modern era.
static void modern_only_hangs_up(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        SAYS_MODERN, {"\"initialize\"", NULL, 0, NULL, NULL, HANG_UP, 0}, ONE_ANSWERS, END};
    outages_last(world);
    serve(world, rules);
    expect(world, &legacy_asker, "modern:{}");
    assert_int_equal(upstream_verdict(world->upstream, MCP_LEGACY), VERDICT_UNKNOWN);
}

// Nothing is said of eras when neither handshake had an answer, and each was tried once.
static void out_of_order(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"POST ", NULL, 503, NULL, ERROR(-32000), WHOLE, 0}, END};
    struct call call;
    outages_last(world);
    serve(world, rules);
    ask(&world->rig, &call, world->upstream, &legacy_asker, ONE);
    rig_await(&world->rig, &call.tells, "failed:unreachable");
    assert_string_equal(call.sentence, "the server is out of order");
    assert_int_equal(asked(world, "POST:initialize"), 1);
    assert_int_equal(asked(world, "POST:server/discover"), 1);
}

// Nor when one was refused and the other had none.
static void out_of_order_in_one_era(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"server/discover", NULL, 503, NULL, NULL, WHOLE, 0}, MODERN, END};
    struct call call;
    outages_last(world);
    serve(world, rules);
    ask(&world->rig, &call, world->upstream, &modern_asker, ONE);
    rig_await(&world->rig, &call.tells, "failed:unreachable");
    assert_string_equal(call.sentence, "the server is out of order");
    assert_int_equal(asked(world, "POST:initialize"), 1);
    assert_int_equal(asked(world, "POST:server/discover"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_link_is_ready),   TEST(one_link_answers),          TEST(one_link_never_answers),
        TEST(one_link_is_refused), TEST(modern_only_was_not_there), TEST(legacy_only_was_not_there),
        TEST(modern_only_starts),  TEST(legacy_only_starts),        TEST(modern_only_hangs_up),
        TEST(out_of_order),        TEST(out_of_order_in_one_era),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
