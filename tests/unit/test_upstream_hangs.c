// test_upstream_hangs.c: children that live and say nothing, and those that are only slow.
#include "upstream_rig.h"

#define LEGACY                                                                                     \
    "\"initialize\"", "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"     \
                      "\"serverInfo\":{\"name\":\"fake\"}}"

static int setup(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

// Asks once and gets `expected`.
static void expect(struct rig *rig, struct upstream *upstream, const char *params,
                   const char *expected)
{
    struct call call;
    ask(rig, &call, upstream, &legacy_asker, params);
    rig_await(rig, &call.tells, expected);
    assert_null(call.upcall);
}

// Three calls without a byte, and a ping: the child is ended, by SIGTERM since it does not read,
// and another one takes its place after a pause. What was under way is told.
static void a_child_that_hangs(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call calls[4];
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", "\"never\"", "s:60000", NULL});
    expect(rig, upstream, "{\"name\":\"one\"}", "legacy:{}");
    rig->settings.handshake_timeout = 300000;
    server.spec.first_byte_timeout = 30000;
    for (size_t i = 0; i < 2; i++) {
        ask(rig, &calls[i], upstream, &legacy_asker, "{\"name\":\"never\"}");
        rig_await(rig, &calls[i].tells, "failed:timeout");
    }
    rig_pause(rig, 500);
    assert_null(strstr(rig->log.text, "lost")); // two are no reason
    ask(rig, &calls[2], upstream, &legacy_asker, "{\"name\":\"never\"}");
    rig_await(rig, &calls[2].tells, "failed:timeout");
    server.spec.first_byte_timeout = 0;
    rig->settings.restart_first = rig->settings.restart_most = 300000;
    ask(rig, &calls[3], upstream, &legacy_asker, "{\"name\":\"never\"}");
    rig_await(rig, &calls[3].tells, "failed:died");
    rig->settings.handshake_timeout = 8 * TIME_SECOND;
    assert_non_null(strstr(rig->log.text, "lost"));
    assert_null(strstr(rig->log.text, "exited")); // it is asked first
    expect(rig, upstream, "{\"name\":\"one\"}", "failed:unreachable");
    rig_pause(rig, 400);
    expect(rig, upstream, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(rig, &rig->log, "exited");
    expect(rig, upstream, "{\"name\":\"one\"}", "legacy:{}");
}

// Slow calls are no reason as long as it answers pings, or says anything else.
static void a_child_that_is_slow(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", "\"ping\"", "r:{}", NULL});
    expect(rig, upstream, "{\"name\":\"one\"}", "legacy:{}");
    rig->settings.handshake_timeout = 200000;
    server.spec.first_byte_timeout = 30000;
    for (int i = 0; i < 7; i++)
        expect(rig, upstream, "{\"name\":\"never\"}", "failed:timeout");
    rig_pause(rig, 500);
    server.spec.first_byte_timeout = 0;
    expect(rig, upstream, "{\"name\":\"one\"}", "legacy:{}");
    assert_null(strstr(rig->log.text, "lost"));
    assert_null(strstr(rig->log.text, "exited"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_child_that_hangs), TEST(a_child_that_is_slow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
