// test_upstream_exits.c: children that end instead of answering a handshake: in which era they are
// tried again, and when they are left in peace.
#include "upstream_rig.h"

#define HELLO                                                                                      \
    "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"                       \
    "\"serverInfo\":{\"name\":\"fake\"}}"
#define LEGACY "\"initialize\"", HELLO
#define DISCOVERED "r:{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}}}"
#define MODERN "server/discover", DISCOVERED
#define NOT_FOUND "e:{\"code\":-32601,\"message\":\"Method not found\"}"

static void exit_on_the_probe(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){"server/discover", "x:3", LEGACY, "one", "r:{}", NULL});
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(rig->log.text, "started exited started ready");
}

static void exit_on_initialize(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){"\"initialize\"", "x:3", MODERN, "one", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
    assert_string_equal(rig->log.text, "started exited started ready");
}

// A child that dies whatever it hears is started once more, and then rests.
static void exit_on_both(void **state)
{
    struct rig *rig = *state;
    struct server server;
    rig->settings.restart_first = rig->settings.restart_most = 3600 * TIME_SECOND;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){"\"initialize\"", "x:3", "server/discover", "x:3", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{}", "failed:died");
    rig_expect(rig, upstream, &legacy_asker, "{}", "failed:unreachable");
    assert_string_equal(rig->log.text, "started exited started exited failed");
}

// It was no refusal of initialize that the first child ended: the second one, which refuses the
// other era, hears it again.
static void exit_and_then_refusal(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"\"initialize\"", "x:3", "server/discover", NOT_FOUND, NULL});
    rig_expect(rig, upstream, &legacy_asker, "{}", "failed:died");
    assert_string_equal(rig->log.text, "started exited started exited failed");
}

// That another one lives says nothing of a child that died: it waits its time.
static void rests_beside_another(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct asker other = legacy_asker;
    other.session = 8;
    rig->settings.restart_first = rig->settings.restart_most = 3600 * TIME_SECOND;
    struct upstream *upstream =
        child_server(rig, &server, (const char *[]){LEGACY, "one", "r:{}", "die", "x:3", NULL});
    server.spec.isolation = ISOLATION_SESSION;
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"die\"}", "failed:died");
    rig_expect(rig, upstream, &other, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &other, "{\"name\":\"one\"}", "legacy:{}");
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "failed:unreachable");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exit_on_the_probe),     TEST(exit_on_initialize),   TEST(exit_on_both),
        TEST(exit_and_then_refusal), TEST(rests_beside_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
