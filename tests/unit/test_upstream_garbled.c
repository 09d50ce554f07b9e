// test_upstream_garbled.c: lines of children that are no messages, and whose calls fail for it.
#include "upstream_rig.h"

#define LEGACY                                                                                     \
    "\"initialize\"", "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"     \
                      "\"serverInfo\":{\"name\":\"fake\"}}"
#define RPC "\"jsonrpc\":\"2.0\""
#define TEN(text) text text text text text text text text text text
#define LONG TEN("a text that is longer than what is looked at, ")

// However a server orders its members, and whatever is wrong.
static void its_call_fails(void **state)
{
    static const char *const lines[] = {
        "l:{" RPC ",\"id\":@ID@,\"result\":{\"t\":\"\xff" LONG "\"}}",
        "l:{\"result\":{\"t\":\"" LONG "\",\"a\":1,\"a\":2}," RPC ",\"id\":@ID@}",
        "l:{\"result\":{\"t\":" TEN(TEN("[")) TEN(TEN("[")) ",\"id\":@ID@," RPC "}",
        "l:{" RPC ",\"error\":{\"code\":1,\"message\":\"\xff\"},\"id\":@ID@}\r",
        "l:{" RPC ",\"id\":@ID@,\"result\":{\"items\":[{\"t\":\"" LONG,
        "l:{" RPC ",\"id\":@ID@,\"res",
        "l:  { " RPC " , \"id\" :\t@ID@ , \"error\" : \"bad\" }  ",
        "l:{" RPC ",\"id\":@ID@}",
    };
    struct rig *rig = *state;
    struct server servers[COUNT_OF(lines)];
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct call other;
        struct upstream *upstream =
            child_server(rig, &servers[i],
                         (const char *[]){LEGACY, "\"bad\"", lines[i], "\"good\"", "r:{\"n\":1}",
                                          "\"good\"", "l:{" RPC ",\"id\":2,\"result\":{}}", NULL});
        ask(rig, &other, upstream, &legacy_asker, "{\"name\":\"other\"}");
        rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"bad\"}", "failed:garbled");
        rig_expect(rig, upstream, &legacy_asker, "{\"name\":\"good\"}", "legacy:{\"n\":1}");
        rig_await(rig, &other.tells, "legacy:{}"); // it has noticed nothing
        assert_string_equal(other.tells.text, "legacy:{}");
        assert_null(strstr(rig->log.text, "lost"));
        assert_null(strstr(rig->log.text, "garbage"));
        assert_non_null(strstr(rig->log.text, "garbled"));
    }
}

// What is no answer, and what is none to a call under way.
static void other_lines_fail_nothing(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){
            LEGACY,
            "one",
            "l:{\"level\":\"info\",\"id\":@ID@,\"msg\":\"\xff\"}",
            "one",
            "l:sent {" RPC ",\"id\":@ID@,\"result\":{}}",
            "one",
            "l:{" RPC ",\"id\":@ID@,\"method\":\"roots/list\",\"params\":{\"x\":\"\xff\"}}",
            "one",
            "l:{\"method\":\"roots/list\",\"params\":{\"x\":\"\xff\"}," RPC ",\"id\":@ID@}",
            "one",
            "l:{\"result\":{\"id\":@ID@,\"x\":\"\xff\"}," RPC ",\"id\":99}",
            "one",
            "l:{" RPC ",\"id\":99,\"result\":{\"x\":[{\"id\":@ID@}",
            "one",
            "l:{" RPC ",\"id\":@ID@.5,\"result\":{\"\xff\":1}}",
            "one",
            "l:{" RPC ",\"id\":-@ID@,\"result\":\"\xff\"}",
            "one",
            "l:{" RPC ",\"id\":\"@ID@\",\"result\":\"\xff\"}",
            "one",
            "l:{" RPC ",\"id\":@ID@",
            "one",
            "l:{" RPC ",\"id\"",
            "one",
            "l:{" RPC ",\"id\":\"\xff\"}",
            "one",
            "l:{" RPC ",\"id\":99999999999999999999,",
            "one",
            "l:{\xff",
            "one",
            "l:}",
            "one",
            "r:{\"n\":1}",
            NULL});
    struct call call;
    ask(rig, &call, upstream, &legacy_asker, "{\"name\":\"one\"}");
    rig_await(rig, &call.tells, "legacy:{\"n\":1}");
    assert_string_equal(call.tells.text, "legacy:{\"n\":1}");
    assert_string_equal(rig->log.text, "started ready garbage");
}

// A line end was forgotten: both answers are lost.
static void two_answers_in_a_line(void **state)
{
    struct rig *rig = *state;
    struct server server;
    struct call first, second;
    struct upstream *upstream = child_server(
        rig, &server,
        (const char *[]){LEGACY, "\"two\"",
                         "l:{" RPC ",\"id\":2,\"result\":{}}{\"result\":{}," RPC ",\"id\":@ID@}",
                         NULL});
    ask(rig, &first, upstream, &legacy_asker, "{\"name\":\"one\"}");
    ask(rig, &second, upstream, &legacy_asker, "{\"name\":\"two\"}");
    rig_await(rig, &first.tells, "failed:garbled");
    rig_await(rig, &second.tells, "failed:garbled");
}

// It has failed when the next line of the same bytes comes, but is not told yet. The other era is
// tried then.
static void a_garbled_handshake(void **state)
{
    struct server server;
    struct upstream *upstream = child_server(
        *state, &server,
        (const char *[]){"\"initialize\"",
                         "l:{" RPC ",\"id\":@ID@,\"result\":\"\xff\"}\n"
                         "{" RPC ",\"error\":{\"code\":1,\"message\":\"m\"}}",
                         "server/discover",
                         "r:{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}",
                         "\"one\"", "r:{\"n\":1}", NULL});
    rig_expect(*state, upstream, &legacy_asker, "{\"name\":\"one\"}", "modern:{\"n\":1}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_call_fails),
        TEST(other_lines_fail_nothing),
        TEST(two_answers_in_a_line),
        TEST(a_garbled_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
