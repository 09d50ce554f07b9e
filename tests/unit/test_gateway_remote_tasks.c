// test_gateway_remote_tasks.c: tasks at a server over HTTP, when their key may not have them any
// more.
#include "far_server.h"

#define MADE                                                                                       \
    {                                                                                              \
        "\"tools/call\"", NULL, 200, NULL,                                                         \
            RESULT("{\"task\":{\"taskId\":\"t\",\"status\":\"working\"}}"), WHOLE, 0               \
    }
#define CANCELLED                                                                                  \
    {                                                                                              \
        "\"tasks/cancel\"", "\"taskId\":\"t\"", 200, NULL, RESULT("{}"), WHOLE, 0                  \
    }
#define MAKE                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"far__t\","     \
    "\"task\":{}}}"

static void make_tasks(void)
{
    char session[ROOM_ID];
    open_session(0, "2025-11-25", session);
    await(post(0, session, MAKE), "taskId");
}

static void await_cancel(void)
{
    for (int i = 0; i < 500 && times(backend.seen.text, "tasks/cancel") == 0; i++)
        rig_pause(10);
    assert_int_equal(times(backend.seen.text, "POST:tasks/cancel"), 1);
}

static void cancels_tasks_of_keys_that_are_gone(void **state)
{
    (void)state;
    struct rule rules[] = {DISCOVERED, LISTED(TOOL("t", ""), 0), MADE, CANCELLED, END};
    serve(rules, "modern", ALLOWED);
    make_tasks();
    set_enabled(0, false);
    await_cancel();
}

// Nobody looked while it was disabled; and it rests, while another key has the new servers read.
static void cancels_tasks_of_keys_disabled_meanwhile(void **state)
{
    (void)state;
    char other[ROOM_ID], session[ROOM_ID];
    struct rule rules[] = {DISCOVERED, LISTED(TOOL("t", ""), 0), MADE, CANCELLED, END};
    serve(rules, "modern", ALLOWED);
    open_session(1, "2025-11-25", other);
    open_session(0, "2025-11-25", session);
    await(post(0, session, MAKE), "taskId");
    await(ask(&(struct asking){.method = "DELETE", .session = session}), NULL);
    rig_pause(700);
    assert_int_equal(times(backend.seen.text, "tasks/cancel"), 0);
    set_enabled(0, false);
    set_enabled(0, true);
    add_record(VIEW("{\"server_name\":\"new\",\"config\":{\"command\":\"true\"}}"));
    await_cancel();
}

static void cancels_tasks_of_legacy_sessions(void **state)
{
    (void)state;
    struct rule rules[] = {OPENED("\"elicitation\":{},\"roots\":{}", "first"),
                           INITIALIZED,
                           LISTED(TOOL("t", ""), 0),
                           MADE,
                           CANCELLED,
                           END};
    serve(rules, "legacy", ALLOWED);
    make_tasks();
    set_enabled(0, false);
    await_cancel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cancels_tasks_of_keys_that_are_gone),
        TEST(cancels_tasks_of_keys_disabled_meanwhile),
        TEST(cancels_tasks_of_legacy_sessions),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
