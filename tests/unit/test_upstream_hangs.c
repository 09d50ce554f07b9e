// test_upstream_hangs.c: children that live and say nothing, and those that are only slow.
#include "upstream/link.h"
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

// A child that lives but has closed its input takes nothing any more: no call waits for its answer
// until its time is up.
static void a_child_that_is_deaf(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call calls[2];
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){LEGACY, "\"one\"", "r:{}", "\"close\"", "c:", "\"close\"",
                                      "s:60000", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    ask(rig, &calls[0], upstream, &legacy_asker, "{\"name\":\"close\"}");
    rig_pause(rig, 200);
    ask(rig, &calls[1], upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &calls[1].tells, "failed:died");
    rig_await(rig, &calls[0].tells, "failed:died");
    assert_non_null(strstr(rig->log.text, "lost"));
    rig_pause(rig, 400);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
}

// The same of one that has closed its output, from which no answer can come.
static void a_child_that_is_mute(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call call;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "\"one\"", "r:{}", "\"close\"", "o:", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    ask(rig, &call, upstream, &legacy_asker, "{\"name\":\"close\"}");
    rig_await(rig, &call.tells, "failed:died");
    rig_await(rig, &rig->log, "exited");
    rig_pause(rig, 400);
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
}

// One that closes its input when it hears server/discover may be a legacy one: the call that waits
// is told nothing, and the next child hears initialize.
static void a_child_that_is_deaf_to_discover(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"server/discover", "c:", "server/discover", "s:60000", LEGACY,
                                      "\"one\"", "r:{}", NULL});
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_null(strstr(rig->log.text, "failed"));
    rig_expect(rig, upstream, &modern_asker, "{\"name\":\"one\"}", "legacy:{}");
}

#define MODERN "server/discover", "r:{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}"

// Likewise one of the modern era that closes its output when it hears initialize.
static void a_child_that_is_mute_after_initialize(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){"\"initialize\"", "o:", MODERN, "\"one\"", "r:{}", NULL});
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
    assert_null(strstr(rig->log.text, "failed"));
    rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{}");
}

// While that one is being made ready, other calls of the first era wait for it and start no third.
static void a_call_while_the_other_era_is_tried(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call calls[2];
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"server/discover", "c:", "server/discover", "s:60000",
                                      "\"initialize\"", "s:300", LEGACY, "\"one\"", "r:{}", NULL});
    ask(rig, &calls[0], upstream, &modern_asker, "{\"name\":\"one\"}");
    rig_await(rig, &rig->log, "started started");
    ask(rig, &calls[1], upstream, &modern_asker, "{\"name\":\"one\"}");
    rig_await(rig, &calls[1].tells, "legacy:{}");
    rig_await(rig, &calls[0].tells, "legacy:{}");
    assert_null(strstr(rig->log.text, "started started started"));
}

static const struct link *only_link(const struct upstream *upstream)
{
    return OUTER(upstream->links.next, struct link, node);
}

// Neither era works, again and again.
static void a_child_that_is_deaf_to_both(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){"\"initialize\"", "o:", "server/discover", "o:", NULL});
    for (unsigned times = 1; times <= 3; times++) {
        rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"one\"}", "failed:died");
        assert_int_equal(only_link(upstream)->failures, times);
        rig_pause(rig, 100); // the pauses grow to 40 ms here
    }
}

// One that closes its input in the first era and only says nothing in the other one has failed
// once, and each time once more.
static void a_child_that_is_deaf_and_then_silent(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call call;
    struct upstream *upstream =
        child_server(rig, &server,
                     (const char *[]){"server/discover", "c:", "server/discover", "s:60000",
                                      "\"initialize\"", "s:60000", NULL});
    for (unsigned times = 1; times <= 2; times++) {
        ask(rig, &call, upstream, &modern_asker, "{\"name\":\"one\"}");
        for (int i = 0; i < 500 && only_link(upstream)->era == MCP_MODERN; i++)
            rig_pause(rig, 20);
        rig->settings.handshake_timeout = 200000;
        rig_await(rig, &call.tells, "failed:timeout");
        rig->settings.handshake_timeout = 8 * TIME_SECOND;
        assert_int_equal(only_link(upstream)->failures, times);
        rig_pause(rig, 100); // the pauses grow to 40 ms here
    }
}

// The next child cannot be started: that is what the call that waits is told.
static void a_deaf_child_without_an_heir(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call call;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){"server/discover", "c:", "server/discover", "s:60000", LEGACY, NULL});
    ask(rig, &call, upstream, &modern_asker, "{\"name\":\"one\"}");
    rig->settings.holder = NULL;
    rig_await(rig, &call.tells, "failed:unreachable");
    assert_string_equal(call.sentence, "the server could not be started");
    assert_string_equal(rig->log.text, "started failed"); // and no third one was tried
}

// What a program said before it ended is told, unless it had been ready; its secrets never are.
static void last_words(void **state)
{
    static const char script[] =
        "i=0; while [ $i -lt 9 ]; do i=$((i+1)); echo line $i >&2; done; echo '   at trace' >&2;"
        "echo \"Error: no $WHAT\" >&2; echo half-a-sec >&2; echo smg_%s >&2;"
        "printf %%0230d%%s 0 smg_0123456789012345 >&2; sleep 0.1; echo %s >&2; exit 1";
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "HOME=line 9",
                                              "WHAT=half-a-secret", NULL};
    static char text[sizeof(script) + 128];
    struct rig *rig = *state;
    struct server server;
    struct call call;
    snprintf(text, sizeof(text), script, "0123456789012345678901234567890123456789abcd",
             "678901234567890123456789abcd"); // the last key comes in two pieces, and is cut
    server_base(rig, &server);
    server.arguments[0] = "-c";
    server.arguments[1] = text;
    server.spec.command = "/bin/sh";
    server.spec.arguments = server.arguments;
    server.spec.environment = environment;
    server.spec.protocol = PROTOCOL_LEGACY;
    ask(rig, &call, upstream_get(rig->all, 1, &server.spec), &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &rig->log, "exited");
    assert_non_null(strstr(rig->log.text, "started said line 9 said (a line that has a "
                                          "value of its environment) said (a line that has a value "
                                          "of its environment) said smg_"));
    assert_null(strstr(rig->log.text, "half-a-sec"));
    assert_null(strstr(rig->log.text, "89abcd"));
    assert_non_null(strstr(rig->log.text, "0smg_0123456789012345"));
    assert_null(strstr(rig->log.text, "smg_01234567890123456"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_child_that_hangs),
                                       TEST(a_child_that_is_slow),
                                       TEST(a_child_that_is_deaf),
                                       TEST(a_child_that_is_mute),
                                       TEST(a_child_that_is_deaf_to_discover),
                                       TEST(a_child_that_is_mute_after_initialize),
                                       TEST(a_call_while_the_other_era_is_tried),
                                       TEST(a_deaf_child_without_an_heir),
                                       TEST(a_child_that_is_deaf_to_both),
                                       TEST(a_child_that_is_deaf_and_then_silent),
                                       TEST(last_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
