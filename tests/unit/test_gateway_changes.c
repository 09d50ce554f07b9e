// test_gateway_changes.c: what modern servers are asked so that legacy clients hear of changes, for
// whom, and who is told.
#include "gateway_fakes.h"

#define MODERN                                                                                     \
    "server/discover",                                                                             \
        "r:{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"]," CAPABILITIES      \
        ",\"ttlMs\":0,\"cacheScope\":\"private\"}",                                                \
        LISTS
#define TAGGED "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}"
#define TELLS(list)                                                                                \
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" list "/list_changed\",\"params\":"        \
    "{" TAGGED
#define UPDATED(uri)                                                                               \
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"   \
    "\"" uri "\"," TAGGED
#define LISTENS "\"toolsListChanged\":true"

// Tells of a change at once, and ends when it is not listened to any more.
static const char *const telling_words[] = {MODERN,      LISTENS, TELLS("tools"),
                                            "cancelled", "x:0",   NULL};

// Ends when it is listened to.
static const char *const touchy_words[] = {MODERN, LISTENS, "x:0", NULL};

static struct door *open_stream(unsigned key, const char *session, const char *server)
{
    return ask(&(struct asking){.key = key, .method = "GET", .session = session, .server = server});
}

#define INITIALIZED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define INITIALIZE                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"     \
    "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"

static void forget(struct door *door)
{
    door->size = 0;
    door->said[0] = '\0';
}

static void await_logged(const char *words)
{
    for (int i = 0; i < 1000 && logged(words) == 0; i++)
        rig_pause(10);
    assert_int_not_equal(logged(words), 0);
}

// All who watch have one listen between them, which ends with the last of them.
static void watches_modern_servers_for_legacy_sessions(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake("new", "modern", telling_words);
    open_session(0, "2025-11-25", one);
    struct door *first = open_stream(0, one, NULL);
    await(post(0, one, CALL("new__fast")), "done");
    await(first, "tools/list_changed");
    forget(first);
    open_session(1, "2025-06-18", two);
    struct door *second = open_stream(1, two, NULL);
    await(post(1, two, CALL("new__fast")), "done");
    leave_door(first);
    first = open_stream(0, one, NULL);
    struct door *again = open_stream(0, one, NULL); // in the place of the other
    assert_false(first->open);
    assert_null(strstr(second->said, "list_changed"));
    leave_door(second);
    await(post(0, one, CALL("new__fast")), "done");
    rig_pause(20);
    assert_null(strstr(again->said, "list_changed"));
    assert_int_equal(logged("\"lost\""), 0);
    (void)ask(&(struct asking){.key = 0, .method = "DELETE", .session = one});
    await_logged("\"lost\"");
}

// Not without a stream, not before the client has initialized, nor at another server's endpoint.
static void asks_nothing_for_nobody(void **state)
{
    (void)state;
    char streamless[ROOM_ID], early[ROOM_ID], elsewhere[ROOM_ID];
    add_fake("new", "modern", touchy_words);
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-11-25", streamless);
    open_session(0, "2025-11-25", early);
    struct door *door =
        ask(&(struct asking){.method = "POST", .server = "old", .body = INITIALIZE});
    await(door, "protocolVersion");
    memcpy(elsewhere, door->session, ROOM_ID);
    (void)open_stream(0, early, NULL);
    (void)open_stream(0, elsewhere, "old");
    await(ask(&(struct asking){
              .method = "POST", .server = "old", .session = elsewhere, .body = CALL("fast")}),
          "done");
    await(post(0, early, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), "result");
    await(post(0, streamless, CALL("new__fast")), "done");
    rig_pause(50);
    await(post(0, streamless, CALL("new__fast")), "done");
    assert_int_equal(logged("\"lost\""), 0);
    assert_int_equal(post(0, early, INITIALIZED)->status, 202);
    await_logged("\"lost\"");
}

// The servers of a config that changed under an open stream are watched, and those that stayed
// still are, by the same listen.
static void watches_what_a_config_has_now(void **state)
{
    (void)state;
    static const char *const more[] = {MODERN, LISTENS, TELLS("prompts"), NULL};
    char session[ROOM_ID];
    add_fake("new", "modern", telling_words);
    open_session(0, "2025-11-25", session);
    struct door *stream = open_stream(0, session, NULL);
    await(post(0, session, CALL("new__fast")), "done");
    await(stream, "tools/list_changed");
    add_fake("more", "modern", more);
    await(post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), "result");
    await(stream, "resources/list_changed"); // of the config
    forget(stream);
    await(post(0, session, CALL("more__fast")), "done");
    await(stream, "prompts/list_changed");
    assert_null(strstr(stream->said, "tools/list_changed"));
    assert_int_equal(logged("\"lost\""), 0);
    leave_door(stream);
    await_logged("\"lost\""); // by "new", which nobody listens to
}

static void say(struct principal *principal, const char *text)
{
    struct door *door = free_door();
    const struct front_request request = {
        .principal = principal, .stdio = true, .body = view_of(text)};
    door->exchange = front_post(rig.gateway, &request, &door_ops, door);
    if (door->open)
        await(door, NULL);
}

// So it is over stdio, where the stream is there before the session, and after it.
static void watches_for_a_client_over_stdio(void **state)
{
    (void)state;
    struct principal *principal;
    add_fake("new", "modern", telling_words);
    assert_int_equal(front_authenticate(rig.gateway, view_of(rig.keys[0]), &principal),
                     FRONT_GRANTED);
    struct door *stream = free_door();
    stream->exchange =
        front_get(rig.gateway, &(struct front_request){.principal = principal, .stdio = true},
                  &door_ops, stream);
    for (int i = 0; i < 2; i++) {
        forget(stream);
        say(principal, INITIALIZE);
        say(principal, INITIALIZED);
        say(principal, CALL("new__fast"));
        await(stream, "tools/list_changed");
    }
    assert_int_not_equal(logged("\"lost\""), 0); // when the first session was over
    leave_door(stream);
    front_principal_unref(&principal);
}

// A server that says on a subscription what it is not about is not passed on; what is below the
// resource is.
static void tells_of_what_was_subscribed_to(void **state)
{
    (void)state;
    static const char *const words[] = {MODERN,
                                        "resourceSubscriptions",
                                        UPDATED("x://2"),
                                        "resourceSubscriptions",
                                        UPDATED("x://10"),
                                        "resourceSubscriptions",
                                        UPDATED("x://1/part"),
                                        "resourceSubscriptions",
                                        UPDATED("x:\\/\\/1"),
                                        NULL};
    char session[ROOM_ID];
    add_fake("new", "modern", words);
    open_session(0, "2025-11-25", session);
    struct door *stream = open_stream(0, session, NULL);
    await(post(0, session,
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{"
               "\"uri\":\"x://1\"}}"),
          "result");
    await(stream, "x:\\/\\/1");
    assert_non_null(strstr(stream->said, "x://1/part"));
    assert_null(strstr(stream->said, "x://2"));
    assert_null(strstr(stream->said, "x://10"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(watches_modern_servers_for_legacy_sessions),
        TEST(asks_nothing_for_nobody),
        TEST(watches_what_a_config_has_now),
        TEST(watches_for_a_client_over_stdio),
        TEST(tells_of_what_was_subscribed_to),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
