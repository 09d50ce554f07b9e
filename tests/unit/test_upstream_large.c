// test_upstream_large.c: many bytes at a time for one child.
#include "upstream_rig.h"

#define HELLO                                                                                      \
    "r:{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"                       \
    "\"serverInfo\":{\"name\":\"fake\"}}"
#define LEGACY "\"initialize\"", HELLO

enum { MUCH = 6 };

static void ask_much(struct rig *rig, struct call calls[MUCH], struct upstream *upstream)
{
    static char big[4 << 20];
    memset(big, 'x', sizeof(big) - 1);
    memcpy(big, "{\"name\":\"", 9);
    memcpy(big + sizeof(big) - 3, "\"}", 2);
    for (size_t i = 0; i < MUCH; i++)
        ask(rig, &calls[i], upstream, &legacy_asker, big);
}

static void a_child_that_does_not_read(void **state)
{
    struct rig *rig = *state;
    struct server deaf, fine;
    static struct call calls[MUCH];
    rig->asked.share = 16 << 20;
    struct upstream *other =
        child_server(rig, &fine, (const char *[]){LEGACY, "\"one\"", "r:{}", NULL});
    struct upstream *upstream =
        child_server(rig, &deaf, (const char *[]){LEGACY, "initialized", "s:60000", NULL});
    rig_expect(rig, other, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    ask_much(rig, calls, upstream);
    rig_await(rig, &calls[MUCH - 1].tells, "failed:unreachable");
    rig_expect(rig, other, &legacy_asker, "{\"name\":\"one\"}", "legacy:{}");
    assert_string_equal(calls[0].tells.text, "");
    for (size_t i = 0; i < MUCH; i++)
        upcall_cancel(&calls[i].upcall, (struct view){0});
}

// What one key may have under way it may send to one child, however slowly that begins to read.
static void a_child_that_reads_late(void **state)
{
    struct rig *rig = *state;
    struct server server;
    static struct call calls[MUCH];
    struct upstream *upstream = child_server(
        rig, &server, (const char *[]){LEGACY, "initialized", "s:300", "\"xxx", "r:{}", NULL});
    ask_much(rig, calls, upstream);
    for (size_t i = 0; i < MUCH; i++)
        rig_await(rig, &calls[i].tells, "legacy:{}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_that_does_not_read),
        TEST(a_child_that_reads_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
