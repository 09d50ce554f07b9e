// test_upstream_hangs.c: children that live and say nothing, and those that are only slow.
#include "upstream_rig.h"

#define LEGACY                                                                                     \
    "\"initialize\"", "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"     \
                      "\"serverInfo\":{\"name\":\"fake\"}}"

// Three calls without a byte, and a ping: the child is ended, by SIGTERM since it does not read,
// and another one takes its place after a pause. What was under way is told.
static void a_child_that_hangs(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call calls[4];
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", "\"never\"", "s:60000", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
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
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "failed:unreachable");
    rig_pause(rig, 400);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_await(rig, &rig->log, "exited");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
}

// Slow calls are no reason as long as it answers pings, or says anything else.
static void a_child_that_is_slow(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", "\"ping\"", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig->settings.handshake_timeout = 200000;
    server.spec.first_byte_timeout = 30000;
    for (int i = 0; i < 7; i++)
        rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"never\"}", "failed:timeout");
    rig_pause(rig, 500);
    server.spec.first_byte_timeout = 0;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_null(strstr(rig->log.text, "lost"));
    assert_null(strstr(rig->log.text, "exited"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_child_that_hangs), TEST(a_child_that_is_slow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
