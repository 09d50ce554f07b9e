// test_upstream_floods.c: servers that say more than anyone asked for, faster than they listen.
#include "http_world.h"

enum {
    LINES = 20, // of the log, about one server in ten seconds
    POSTS = 16, // under way, of a link
    QUESTIONS = 400,
    PINGS = 9000,
    LINK_ANSWERS = 256 * 1024, // bytes of answers that wait for a child
};

#define FINE                                                                                       \
    {                                                                                              \
        "\"fine\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0                                        \
    }
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

static void serve_legacy(struct world *world, struct rule *rules)
{
    serve(world, rules);
    world->server.spec.protocol = PROTOCOL_LEGACY;
}

// Another server, of another project for all that matters here, is not kept from answering.
static void expect_others_go_on(struct world *world)
{
    static struct rule rules[] = {LEGACY, FINE, END};
    unsigned port = backend_init(&world->other, world->rig.loop, rules);
    struct upstream *upstream = http_server(&world->rig, &world->fine, port);
    world->fine.spec.protocol = PROTOCOL_LEGACY;
    rig_expect(&world->rig, upstream, &legacy_asker, "{\"name\":\"fine\"}", "legacy:{}");
}

static size_t connections(const struct backend *backend)
{
    size_t count = 0;
    for (const struct line *line = backend->lines; line; line = line->next)
        count++;
    return count;
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

static void repeat(char *into, size_t size, const char *text, size_t times)
{
    size_t used = strlen(into);
    for (size_t i = 0; i < times; i++)
        used += (size_t)snprintf(into + used, size - used, "%s", text);
    assert_true(used < size);
}

static void a_server_that_fills_the_log(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    static char flood[100 * 64] = "p:";
    repeat(flood, sizeof(flood), "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}\n", 100);
    struct upstream *upstream =
        child_server(rig, &world->server,
                     (const char *[]){"\"initialize\"", "r:" HELLO, "\"one\"", flood, "\"one\"",
                                      "r:{}", "\"two\"", flood, "\"two\"", "x:3", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_int_equal(occurrences(rig->log.text, "unexpected"), LINES);
    assert_null(strstr(rig->log.text, "suppressed"));
    upstreams_tick(rig->all, loop_clock() + 11 * TIME_SECOND);
    assert_non_null(strstr(rig->log.text, "suppressed:80"));
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_int_equal(occurrences(rig->log.text, "unexpected"), 2 * LINES);
    // What becomes of the child is told in any case.
    assert_int_equal(occurrences(rig->log.text, "exited"), 0);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "failed:");
    rig_await(rig, &rig->log, "exited");
    assert_int_equal(occurrences(rig->log.text, "unexpected"), 2 * LINES);
    rig_pause(rig, 300);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_int_equal(occurrences(rig->log.text, "started"), 2);
    assert_int_equal(occurrences(rig->log.text, "ready"), 2);
}

// A session's stream that asks QUESTIONS times at once; another server is not kept from answering.
static void be_asked_at_once(struct world *world, enum ending answers_end)
{
    static char flood[QUESTIONS * 64];
    static struct rule rules[] = {LEGACY,
                                  {"GET ", NULL, 200, NULL, flood, STREAM_STAYS, 0},
                                  {"\"id\":1,\"result\":{}", NULL, 202, NULL, NULL, WHOLE, 0},
                                  FINE,
                                  END};
    flood[0] = '\0';
    repeat(flood, sizeof(flood), "data: " PING "\n\n", QUESTIONS);
    rules[OWN_RULES + 1].ending = answers_end;
    serve_legacy(world, rules);
    rig_expect(&world->rig, world->upstream, &legacy_asker, "{\"name\":\"fine\"}", "legacy:{}");
    upstreams_session_streams(world->rig.all, legacy_asker.session, true);
    expect_others_go_on(world);
}

// Its answers go out a few at a time, over the same connections, and none is lost.
static void questions_of_a_stream_are_answered_in_time(void **state)
{
    struct world *world = *state;
    be_asked_at_once(world, WHOLE);
    for (int i = 0; i < 100 && world->backend.used[OWN_RULES + 1] < QUESTIONS; i++)
        rig_pause(&world->rig, 50);
    assert_int_equal(world->backend.used[OWN_RULES + 1], QUESTIONS);
    assert_true(connections(&world->backend) <= POSTS + 2);
}

// Nobody takes the answers: few are under way, the stream is held, and all else goes on.
static void nobody_takes_the_answers(void **state)
{
    struct world *world = *state;
    be_asked_at_once(world, NO_ANSWER);
    rig_pause(&world->rig, 100);
    assert_int_equal(world->backend.used[OWN_RULES + 1], POSTS);
    rig_expect(&world->rig, world->upstream, &legacy_asker, "{\"name\":\"fine\"}", "legacy:{}");
}

// What waits has a bound, beyond which the gateway's own answers are dropped; a client's word goes
// first.
static void refusals_are_dropped_before_answers(void **state)
{
    struct world *world = *state;
    static char batch[PINGS * 64];
    struct rule rules[] = {LEGACY,
                           {"\"id\":1,\"result\":{}", NULL, 202, NULL, NULL, NO_ANSWER, 0},
                           {"\"many\"", NULL, 200, NULL, batch, WHOLE, 0},
                           END};
    (void)snprintf(batch, sizeof(batch), "[");
    repeat(batch, sizeof(batch), PING ",", PINGS);
    repeat(batch, sizeof(batch), RESULT("{}") "]", 1);
    serve_legacy(world, rules);
    rig_expect(&world->rig, world->upstream, &legacy_asker, "{\"name\":\"many\"}", "legacy:{}");
    assert_int_equal(occurrences(world->rig.log.text, "lost"), 1);
    upstreams_session_notify(world->rig.all, legacy_asker.session,
                             VIEW("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}"));
    rig_pause(&world->rig, 50);
    assert_int_equal(world->backend.used[OWN_RULES], POSTS);
    assert_null(strstr(world->backend.seen.text, "notifications/x"));
    backend_hang_up(&world->backend);
    rig_await(&world->rig, &world->backend.seen, "notifications/x");
    assert_true(world->backend.used[OWN_RULES] <= POSTS * 2);
    upstreams_session_over(world->rig.all, legacy_asker.session);
    expect_others_go_on(world);
}

// Bytes that this process has read, whatever from.
static unsigned long long bytes_read(void)
{
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
    (void)fclose(file);
    return bytes;
}

// A child that asks without reading is not read either: of its 40 MB we take what its answers'
// bound allows, and a little in each tick. One that reads in the end gets on. One that does not is
// replaced, so that others' calls do not wait for it.
static void a_child_that_only_asks(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct call call;
    struct upstream *upstream = child_server(
        rig, &world->server,
        (const char *[]){"\"initialize\"", "r:" HELLO, "\"one\"", "f:1000000", "\"one\"", "r:{}",
                         "\"two\"", "f:12000", "\"two\"", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{}");
    unsigned long long before = bytes_read();
    ask(rig, &call, upstream, &legacy_asker, "{\"name\":\"one\"}");
    expect_others_go_on(world);
    rig_pause(rig, 1000);
    assert_in_range(bytes_read() - before, LINK_ANSWERS, 16 * LINK_ANSWERS);
    assert_string_equal(call.tells.text, "");
    assert_null(strstr(rig->log.text, "lost"));
    rig_await(rig, &call.tells, "failed:died");
    assert_non_null(strstr(rig->log.text, "lost"));
    rig_pause(rig, 200); // the back-off
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{}");
    rig_await(rig, &rig->log, "exited");
}

// --- clients that do not take what a child says for them -----------------------------------------
enum { PIECE = 50000, PIECES = 12 };

#define SLOW "{\"name\":\"slow\",\"_meta\":{\"progressToken\":1}}"

// A child that says `pieces` of progress, of so many bytes each, for the call `slow`, and then does
// `last`.
static struct upstream *talkative(struct world *world, size_t pieces, int size, const char *last)
{
    static char piece[PIECE + 1000];
    const char *words[WORDS] = {"\"initialize\"", ("r:" HELLO), "\"two\"", "r:{\"n\":2}"};
    size_t count = 4;
    (void)snprintf(piece, sizeof(piece),
                   "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                   "{\"progressToken\":@TOKEN@,\"progress\":1,\"message\":\"%*s\"}}",
                   size, "x");
    for (size_t i = 0; i < pieces; i++) {
        words[count++] = "\"slow\"";
        words[count++] = piece;
    }
    words[count++] = "\"slow\"";
    words[count++] = "r:{\"n\":1}";
    words[count++] = "\"slow\"";
    words[count++] = last;
    world->rig.settings.event = 5 * PIECE;
    return child_server(&world->rig, &world->server, words);
}

// Asks for it, and takes nothing for longer than the child needs to say more than is put aside.
static struct upstream *be_slow(struct world *world, struct call *call)
{
    struct rig *rig = &world->rig;
    struct upstream *upstream = talkative(world, PIECES, PIECE, "s:0");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":2}");
    ask(rig, call, upstream, &legacy_asker, SLOW);
    upcall_hold(call->upcall, true);
    rig_pause(rig, 400);
    assert_string_equal(call->tells.text, "");
    return upstream;
}

// A child is not read while the only client that calls it takes nothing, and nothing is lost; the
// silence is not the child's.
static void a_child_waits_for_its_only_client(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct call slow;
    rig->settings.idle_timeout = TIME_SECOND;
    (void)be_slow(world, &slow);
    rig_pause(rig, 1500);
    upcall_hold(slow.upcall, false);
    upstreams_tick(rig->all, loop_clock());
    rig_await(rig, &slow.tells, "legacy:{\"n\":1}");
    assert_int_equal(occurrences(slow.tells.text, "notice:"), PIECES);
    assert_int_equal(occurrences(rig->log.text, "started"), 1);
}

// As soon as somebody else calls, what is put aside has its bound.
static void a_child_waits_no_longer_when_others_call(void **state)
{
    struct world *world = *state;
    struct call slow;
    struct upstream *upstream = be_slow(world, &slow);
    rig_expect(&world->rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":2}");
    assert_string_equal(slow.tells.text, "failed:large");
}

// Nor when the call is over, for whatever reason.
static void a_child_waits_no_longer_than_the_call(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct call slow;
    struct upstream *upstream = be_slow(world, &slow);
    upcall_cancel(&slow.upcall, (struct view){0});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":2}");
    rig->settings.total_timeout = 2 * TIME_SECOND;
    ask(rig, &slow, upstream, &legacy_asker, SLOW);
    upcall_hold(slow.upcall, true);
    rig_await(rig, &slow.tells, "failed:timeout");
    rig->settings.total_timeout = 60 * TIME_SECOND;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"two\"}", "legacy:{\"n\":2}");
    ask(rig, &slow, upstream, &legacy_asker, SLOW);
    upcall_hold(slow.upcall, true);
    rig_pause(rig, 200);
    upstreams_end(rig->all);
    rig_await(rig, &slow.tells, "failed:died");
    rig_await(rig, &rig->log, "exited");
    assert_int_equal(occurrences(rig->log.text, "started"), 1);
}

// One that has said all and ended is no child that hangs: what is in its pipe is told first.
static void a_child_that_ended_is_heard_out(void **state)
{
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct call slow;
    struct upstream *upstream = talkative(world, 2, PIECE, "x:0");
    ask(rig, &slow, upstream, &legacy_asker, SLOW);
    upcall_hold(slow.upcall, true);
    rig_pause(rig, 300);
    const struct question question = {
        .link = upstream_conversation(upstream, &legacy_asker, MCP_LEGACY), .id = "1", 1};
    upstreams_answer(rig->all, &question, VIEW("{}"), (struct view){0}); // into a broken pipe
    rig_pause(rig, 1700);
    assert_string_equal(slow.tells.text, "");
    upcall_hold(slow.upcall, false);
    rig_await(rig, &slow.tells, "legacy:{\"n\":1}");
    rig_await(rig, &rig->log, "exited");
}

// Each notice that it takes is all it can take for now, and less than what a read brings.
static void a_client_that_takes_a_little_at_a_time(void **state)
{
    enum { LITTLE = 25 };
    struct world *world = *state;
    struct rig *rig = &world->rig;
    struct upstream *upstream = talkative(world, LITTLE, PIECE / 2, NULL);
    struct call slow;
    ask(rig, &slow, upstream, &legacy_asker, SLOW);
    slow.holds = true;
    upcall_hold(slow.upcall, true);
    while (slow.upcall && occurrences(slow.tells.text, "notice:") < LITTLE) {
        rig_pause(rig, 50);
        if (slow.upcall)
            upcall_hold(slow.upcall, false);
    }
    slow.holds = false;
    rig_pause(rig, 50);
    if (slow.upcall)
        upcall_hold(slow.upcall, false);
    rig_await(rig, &slow.tells, "{\"n\":1}");
    assert_int_equal(occurrences(slow.tells.text, "notice:"), LITTLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_that_fills_the_log),
        TEST(questions_of_a_stream_are_answered_in_time),
        TEST(nobody_takes_the_answers),
        TEST(refusals_are_dropped_before_answers),
        TEST(a_child_that_only_asks),
        TEST(a_child_waits_for_its_only_client),
        TEST(a_child_waits_no_longer_when_others_call),
        TEST(a_child_waits_no_longer_than_the_call),
        TEST(a_child_that_ended_is_heard_out),
        TEST(a_client_that_takes_a_little_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
