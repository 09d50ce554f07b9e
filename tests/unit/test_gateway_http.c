// A server over HTTP behind the gateway: its answer's form is the client's, and so is polling.
#include "gateway_rig.h"
#include "http_rules.h"

static struct backend backend;

static void serve(const char *protocol, struct rule *rules)
{
    const struct server_change nothing = {0};
    const struct json_value *value;
    char text[300];
    unsigned port = backend_init(&backend, rig.loop, rules);
    (void)snprintf(text, sizeof text,
                   "{\"server_name\":\"web\",\"config\":{\"protocol\":\"%s\",\"url\":"
                   "\"http://127.0.0.1:%u/mcp\",\"allow_private_addresses\":true}}",
                   protocol, port);
    WORKS(json_parse(view_of(text), &arena, &value, &err));
    begin();
    WORKS(server_add(store, &tools, value, &nothing, &err));
    commit();
}

static int tear_down(void **state)
{
    backend_done(&backend);
    return rig_tear_down(state);
}

static struct door *call(const char *session, const char *name)
{
    return post(0, session,
                "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":"
                "\"web__%s\"}}",
                name);
}

static struct door *come_back(const char *session, const char *last_event_id)
{
    return ask(
        &(struct asking){.method = "GET", .session = session, .last_event_id = last_event_id});
}

#define DONE "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"result\":{}}\n"

static void answers_as_the_server_does(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {LEGACY,
                           {"\"json\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0},
                           {"\"whole\"", NULL, 200, NULL, EVENT(RESULT("{}")), STREAM_ENDS, 0},
                           {"\"begun\"", NULL, 200, NULL, ":\n\n", STREAM_STAYS, 0},
                           END};
    serve("legacy", rules);
    open_session(0, "2025-11-25", session);
    struct door *door = call(session, "json");
    await(door, NULL);
    assert_false(door->events);
    assert_string_equal(door->said, DONE);
    door = call(session, "whole"); // nothing is left that could be taken up again
    await(door, NULL);
    assert_true(door->events);
    assert_string_equal(door->said, DONE);
    door = call(session, "begun"); // before anything is said
    await(door, "id: 1-0\n\n");
    open_session(0, "2025-06-18", session);
    door = call(session, "begun");
    while (!door->events)
        rig_pause(TURN);
    assert_string_equal(door->said, ""); // it would read JSON in a first event
    // An error of a legacy server could not have its status any more.
    door = post_modern(0, "tools/call", "web__whole", "\"name\":\"web__whole\",");
    await(door, NULL);
    assert_false(door->events);
}

#define POLLED "retry: 20\nid: e1\ndata: \n\n"
#define ANSWER(text) "id: e2\n" EVENT("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{" text "}}")

static void polls_where_the_server_has_it_polled(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {LEGACY,
                           {"\"one\"", NULL, 200, NULL, POLLED, STREAM_ENDS, 0},
                           {"GET ", "Last-Event-ID: e1", 200, NULL, ANSWER(""), STREAM_ENDS, 0},
                           END};
    serve("legacy", rules);
    open_session(0, "2025-11-25", session);
    struct door *door = call(session, "one");
    await(door, NULL);
    assert_string_equal(door->said, "id: 1-0\n\n");
    assert_true(door->paused && door->retry == 20);
    door = come_back(session, "1-0");
    await(door, NULL);
    assert_string_equal(door->said, "id: 1-0\n\nid: 1-1\n" DONE);
    door = come_back(session, "1-1"); // it has had all
    assert_int_equal(door->status, 405);
    open_session(0, "2025-06-18", session); // this one cannot
    door = call(session, "one");
    await(door, NULL);
    assert_false(door->paused);
    assert_string_equal(door->said, "id: 1-1\n" DONE);
}

// What is larger than what a channel keeps waits at the server until the client is back.
static void nothing_is_lost_meanwhile(void **state)
{
    enum { MUCH = CHANNEL_BYTES + 50000 };
    (void)state;
    char session[ROOM_ID];
    char *much = malloc(MUCH + 200);
    assert_non_null(much);
    int size = snprintf(much, 200, "id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"");
    memset(much + size, 'x', MUCH);
    memcpy(much + size + MUCH, "\"}\n\n", 5);
    struct rule rules[] = {LEGACY,
                           {"\"one\"", NULL, 200, NULL, POLLED, STREAM_ENDS, 0},
                           {"GET ", "Last-Event-ID: e1", 200, NULL, much, STREAM_ENDS, 0},
                           END};
    serve("legacy", rules);
    open_session(0, "2025-11-25", session);
    await(call(session, "one"), NULL);
    rig_pause(300);
    assert_non_null(strstr(backend.seen.text, "GET:"));
    struct door *door = come_back(session, "1-0");
    await(door, NULL);
    assert_non_null(
        strstr(door->said, "id: 1-1\n{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"result\":\"xx"));
    free(much);
}

// The client's stream is closed as often as the server's.
static void polls_again(void **state)
{
    enum { TIMES = 7 };
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {LEGACY,
                           {"\"one\"", NULL, 200, NULL, POLLED, STREAM_ENDS, 0},
                           {"GET ", NULL, 200, NULL, ":\n\n", STREAM_ENDS, TIMES},
                           {"GET ", "Last-Event-ID: e1", 200, NULL, ANSWER(""), STREAM_ENDS, 0},
                           END};
    serve("legacy", rules);
    open_session(0, "2025-11-25", session);
    await(call(session, "one"), NULL);
    for (int i = 0; i < TIMES; i++) {
        struct door *door = come_back(session, "1-0");
        await(door, NULL);
        assert_true(door->paused);
        assert_string_equal(door->said, "id: 1-0\n\n");
    }
    await(come_back(session, "1-0"), DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_as_the_server_does),
        TEST(polls_where_the_server_has_it_polled),
        TEST(nothing_is_lost_meanwhile),
        TEST(polls_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
