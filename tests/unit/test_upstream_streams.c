// test_upstream_streams.c: a legacy server's own stream, which is opened again when it was cut or
// refused for the moment.
#include "http_world.h"

enum { LARGE = 200000, EVENT_SIZE = 4096 };

#define FINE                                                                                       \
    {                                                                                              \
        "\"fine\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0                                        \
    }
#define HALF_AN_EVENT                                                                              \
    "id: e1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/first\"}\n\nid: e2\ndata: "

// `text` with `x` behind it, up to its size.
static void fill(char *into, size_t size, const char *text)
{
    size_t used = strlen(text);
    assert_true(used < size);
    memset(into, 'x', size - 1);
    memcpy(into, text, used);
    into[size - 1] = '\0';
}

// A link that is ready, whose session then wants a stream.
static void begin(struct world *world, struct rule *rules)
{
    serve(world, rules);
    rig_expect(&world->rig, world->upstream, &legacy_asker, "{\"name\":\"fine\"}", "legacy:{}");
    upstreams_session_streams(world->rig.all, legacy_asker.session, true);
}

// However long the pauses are that the gateway makes.
static void await_later(struct world *world, const char *event)
{
    struct rig *rig = &world->rig;
    for (int i = 0; i < 500 && !strstr(rig->events.text, event); i++) {
        rig_pause(rig, 20);
        upstreams_tick(rig->all, loop_clock() + 31 * TIME_SECOND);
    }
    rig_await(rig, &rig->events, event);
}

// The second half of an event, larger than one may be from now on.
static char large[2 * EVENT_SIZE];

static void begin_with_large_events(struct world *world, struct rule *rules)
{
    fill(large, sizeof(large), HALF_AN_EVENT);
    world->rig.settings.event = EVENT_SIZE;
    begin(world, rules);
}

// It is not asked for again from the last event on: that would bring the large one once more.
static void an_event_that_is_too_large(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {LEGACY,
                           {"GET ", "Last-Event-ID", 200, NULL, large, STREAM_STAYS, 0},
                           {"GET ", NULL, 200, NULL, large, STREAM_STAYS, 2},
                           {"GET ", NULL, 200, NULL, EVENT(NOTE("last")), STREAM_STAYS, 0},
                           FINE,
                           END};
    begin_with_large_events(world, rules);
    await_later(world, "notice:notifications/last");
    assert_string_equal(world->rig.events.text, "notice:notifications/first "
                                                "notice:notifications/first "
                                                "notice:notifications/last");
}

// The event that gave way comes when there is room again, as the server can still tell it.
static void an_event_that_gives_way(void **state)
{
    struct world *world = *state;
    static char halved[LARGE], begun[LARGE];
    struct rule rules[] = {
        LEGACY,
        {"GET ", "Last-Event-ID: e1", 200, NULL, EVENT(NOTE("last")), STREAM_STAYS, 0},
        {"GET ", NULL, 200, NULL, halved, STREAM_STAYS, 0},
        {"\"begun\"", NULL, 200, NULL, begun, STREAM_STAYS, 0},
        FINE,
        END};
    struct ration *unread = &world->rig.unread;
    struct asker other_asker = legacy_asker;
    struct call other;
    fill(halved, sizeof(halved), HALF_AN_EVENT);
    fill(begun, sizeof(begun), "data: {");
    unread->most = unread->share = world->rig.settings.event; // room for one
    begin(world, rules);
    while (unread->now == 0)
        rig_pause(&world->rig, 10);
    other_asker.session = 8;
    other_asker.key = 2;
    ask(&world->rig, &other, world->upstream, &other_asker, "{\"name\":\"begun\"}");
    while (!ration_holds(unread, 2))
        rig_pause(&world->rig, 10);
    await_later(world, "notice:notifications/last");
    upcall_cancel(&other.upcall, (struct view){NULL, 0});
    assert_int_equal(unread->now, 0);
}

// A server that has started anew knows neither the stream nor what it said there.
static void an_event_that_is_forgotten(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY,
        {"GET ", "Last-Event-ID: e1", 400, NULL, NULL, WHOLE, 1},
        {"GET ", NULL, 200, NULL, "id: e1\n" EVENT(NOTE("first")), STREAM_ENDS, 1},
        {"GET ", NULL, 200, NULL, EVENT(NOTE("last")), STREAM_STAYS, 0},
        FINE,
        END};
    begin(world, rules);
    await_later(world, "notice:notifications/last");
    assert_int_equal(world->backend.used[OWN_RULES], 1);
}

static void a_refusal_of_the_moment(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {LEGACY,
                           {"GET ", NULL, 503, NULL, "<html>", WHOLE, 2},
                           {"GET ", NULL, 429, NULL, NULL, WHOLE, 1},
                           {"GET ", NULL, 200, NULL, NULL, HANG_UP, 1},
                           {"GET ", NULL, 200, NULL, EVENT(NOTE("last")), STREAM_STAYS, 0},
                           FINE,
                           END};
    begin(world, rules);
    await_later(world, "notice:notifications/last");
    assert_int_equal(world->backend.used[OWN_RULES + 3], 1);
    assert_null(strstr(world->rig.log.text, "lost"));
}

// Nobody wants it any more, so it is not tried again.
static void a_refusal_that_nobody_minds(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {LEGACY, {"GET ", NULL, 503, NULL, NULL, WHOLE, 0}, FINE, END};
    begin(world, rules);
    rig_await(&world->rig, &world->backend.seen, "GET:");
    rig_pause(&world->rig, 20);
    upstreams_session_streams(world->rig.all, legacy_asker.session, false);
    unsigned asked = world->backend.used[OWN_RULES];
    for (int i = 0; i < 5; i++) {
        upstreams_tick(world->rig.all, loop_clock() + 31 * TIME_SECOND);
        rig_pause(&world->rig, 20);
    }
    assert_int_equal(world->backend.used[OWN_RULES], asked);
}

// The server's last word, but for the session that it was asked in.
static void a_session_without_a_stream(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {
        LEGACY,
        {"GET ", NULL, 404, NULL, NULL, WHOLE, 1},
        {"GET ", NULL, 200, NULL, EVENT(NOTE("resources/updated")), STREAM_STAYS, 0},
        {"\"gone\"", NULL, 404, NULL, NULL, WHOLE, 1},
        {"\"gone\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
        FINE,
        END};
    begin(world, rules);
    rig_await(&world->rig, &world->backend.seen, "GET:");
    for (int i = 0; i < 5; i++) {
        rig_pause(&world->rig, 20);
        upstreams_tick(world->rig.all, loop_clock() + 31 * TIME_SECOND);
    }
    assert_int_equal(world->backend.used[OWN_RULES + 1], 0);
    rig_expect(&world->rig, world->upstream, &legacy_asker, "{\"name\":\"gone\"}", "legacy:{}");
    rig_await(&world->rig, &world->rig.events, "notice:notifications/resources/updated");
}

// What a server says where nobody listens, in its answer to a notification, makes no second stream.
static void an_answer_to_a_notification(void **state)
{
    struct world *world = *state;
    struct rule rules[] = {{"notifications/roots", NULL, 200, NULL, large, STREAM_ENDS, 0},
                           LEGACY,
                           {"GET ", NULL, 200, NULL, EVENT(NOTE("first")), STREAM_STAYS, 0},
                           FINE,
                           END};
    begin_with_large_events(world, rules);
    await_later(world, "notice:notifications/first");
    upstreams_session_notify(world->rig.all, legacy_asker.session,
                             VIEW(NOTE("roots/list_changed")));
    rig_await(&world->rig, &world->backend.seen, "POST:notifications/roots");
    for (int i = 0; i < 5; i++) {
        rig_pause(&world->rig, 20);
        upstreams_tick(world->rig.all, loop_clock() + 31 * TIME_SECOND);
    }
    assert_int_equal(world->backend.used[OWN_RULES + 1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_that_is_too_large),  TEST(an_event_that_gives_way),
        TEST(an_event_that_is_forgotten),  TEST(a_refusal_of_the_moment),
        TEST(a_refusal_that_nobody_minds), TEST(a_session_without_a_stream),
        TEST(an_answer_to_a_notification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
