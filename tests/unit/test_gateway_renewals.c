// test_gateway_renewals.c: what servers were told for clients is told again when they begin anew,
// and taken back when nobody wants it any more.
#include "gateway_fakes.h"

#include "gateway/subscriptions.h"

// A server that says on x://seen what it is told.
#define SEEN                                                                                       \
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"   \
    "\"x://seen\"}}"

static const char *const telling_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES
    ",\"serverInfo\":{\"name\":\"old\",\"version\":\"1\"}}",
    // clang-format off
    LISTS,
    "resources/subscribe", "r:{}",
    "resources/unsubscribe", "r:{}",
    "unsubscribe\",\"params\":{\"uri\":\"x://1\"", SEEN,
    "\"level\":\"debug\"", SEEN,
    "\"level\":\"debug\"", "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
                           "{\"level\":\"debug\",\"data\":\"talkative\"}}",
    "logging/setLevel", "r:{}",
    // clang-format on
    NULL};

#define SUBSCRIBE(uri)                                                                             \
    "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"resources/"                                    \
    "subscribe\",\"params\":{\"uri\":\"" uri "\"}}"
#define SET_LEVEL(level)                                                                           \
    "{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"logging/"                                      \
    "setLevel\",\"params\":{\"level\":\"" level "\"}}"

static struct door *open_stream(unsigned key, const char *session)
{
    return ask(&(struct asking){.key = key, .method = "GET", .session = session});
}

static void end_session(unsigned key, const char *session)
{
    (void)ask(&(struct asking){.key = key, .method = "DELETE", .session = session});
}

static void forget(struct door *door)
{
    door->size = 0;
    door->said[0] = '\0';
}

// What the last of those who share a child wanted is taken back when it goes, not before.
static void takes_back_subscriptions(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID], watching[ROOM_ID];
    add_fake("old", "legacy", telling_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    open_session(1, "2025-06-18", watching);
    struct door *seen = open_stream(1, watching);
    await(post(1, watching, SUBSCRIBE("x://seen")), "result");
    await(post(0, one, SUBSCRIBE("x://1")), "result");
    await(post(1, two, SUBSCRIBE("x://1")), "result");
    rig_pause(50);
    end_session(0, one);
    rig_pause(50);
    assert_null(strstr(seen->said, "x://seen"));
    end_session(1, two);
    await(seen, "x://seen");
}

static void takes_back_those_of_a_revoked_key(void **state)
{
    (void)state;
    char one[ROOM_ID], watching[ROOM_ID];
    add_fake("old", "legacy", telling_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", watching);
    struct door *seen = open_stream(1, watching);
    await(post(1, watching, SUBSCRIBE("x://seen")), "result");
    await(post(0, one, SUBSCRIBE("x://1")), "result");
    rig_pause(50);
    set_enabled(0, false);
    await(seen, "x://seen");
}

// Each hears of what it wanted in its own conversation, and not of what others are told in theirs.
static void keeps_conversations_apart(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake_isolated("own", "legacy", "session", legacy_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    struct door *first = open_stream(0, one), *second = open_stream(1, two);
    await(post(0, one, SUBSCRIBE("x://1")), "result");
    await(first, "x://1");
    forget(first);
    await(post(1, two, SUBSCRIBE("x://1")), "result");
    await(second, "x://1");
    rig_pause(30);
    assert_null(strstr(first->said, "x://1"));
}

// Whoever subscribed hears of it again after its server died, in all combinations of eras.
static void renews_subscriptions(void **state)
{
    (void)state;
    static const char *const calls[] = {CALL("old__dies"), CALL("new__dies")};
    char session[ROOM_ID];
    add_servers();
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        const char *server = i == 0 ? "old" : "new";
        const struct asking initialize = {
            .method = "POST",
            .server = server,
            .body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                    "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}"};
        struct door *door = ask(&initialize);
        await(door, NULL);
        memcpy(session, door->session, ROOM_ID);
        struct asking asking = {.method = "GET", .server = server, .session = session};
        struct door *stream = ask(&asking);
        asking.method = "POST";
        asking.body = SUBSCRIBE("x://1");
        await(ask(&asking), "result");
        await(stream, "x://1");
        const struct asking listening = {
            .method = "POST",
            .server = server,
            .mcp_method = "subscriptions/listen",
            .body = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"subscriptions/listen\",\"params\":{"
                    "\"notifications\":{\"resourceSubscriptions\":[\"x://1\"]}," META "}}"};
        struct door *listen = ask(&listening);
        await(listen, "resources/updated");
        open_session(0, "2025-06-18", session);
        forget(stream);
        forget(listen);
        await(post(0, session, "%s", calls[i]), NULL);
        await(stream, "x://1");
        await(listen, "x://1");
    }
}

// A child is told the level that lets through what any client of it wants, also when it is a new
// one.
static void renews_levels(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake("old", "legacy", telling_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    struct door *seen = open_stream(1, two);
    await(post(1, two, SUBSCRIBE("x://seen")), "result");
    await(post(0, one, SET_LEVEL("debug")), "result");
    await(seen, "x://seen");
    forget(seen);
    await(post(1, two, SET_LEVEL("error")), "result");
    await(seen, "x://seen");
    await(post(0, one, CALL("old__dies")), NULL);
    forget(seen);
    rig_pause(100);
    struct door *call = post(0, one, CALL("old__fast"));
    await(call, "done");
    assert_non_null(strstr(call->said, "talkative"));
    rig_pause(2500); // what was subscribed to has been again
    await(post(1, two, SET_LEVEL("error")), "result");
    await(seen, "x://seen");
    end_session(0, one);
    forget(seen);
    await(post(1, two, SET_LEVEL("error")), "result");
    rig_pause(50);
    assert_null(strstr(seen->said, "x://seen"));
}

static const char *const levelled_words[] = {
    "\"initialize\"", "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES "}",
    // clang-format off
    LISTS,
    "resources/subscribe", "r:{}",
    "\"level\":\"error\"", SEEN,
    "logging/setLevel", "r:{}",
    // clang-format on
    NULL};

// A child that was told a level for a session that is over is told what the others want, once.
static void takes_back_levels(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake("old", "legacy", levelled_words);
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    struct door *seen = open_stream(1, two);
    await(post(1, two, SUBSCRIBE("x://seen")), "result");
    await(post(0, one, SET_LEVEL("debug")), "result");
    await(post(1, two, SET_LEVEL("error")), "result");
    rig_pause(100);
    assert_null(strstr(seen->said, "x://seen")); // debug is what they want together
    end_session(0, one);
    await(seen, "x://seen");
    open_session(0, "2025-06-18", one);
    await(post(0, one, SET_LEVEL("critical")), "result");
    rig_pause(100);
    forget(seen);
    end_session(0, one);
    rig_pause(100);
    assert_null(strstr(seen->said, "x://seen"));
}

// A child that somebody wants to hear of is not idle.
static void keeps_what_is_listened_to(void **state)
{
    (void)state;
    char session[ROOM_ID];
    rig.settings.idle_child = 1500 * 1000;
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-06-18", session);
    struct door *stream = open_stream(0, session);
    await(post(0, session, SUBSCRIBE("x://1")), "result");
    await(stream, "x://1");
    forget(stream);
    rig_pause(3500);
    assert_null(strstr(stream->said, "x://1")); // it was not made again
}

// A listen says which of the resources it was asked for it minds, and does not look at the others:
// each costs a look at all that it has already.
static void minds_as_many_resources_as_it_says(void **state)
{
    (void)state;
    enum { ALL = 4 * SUBSCRIPTIONS_MOST };
    static const char *const words[] = {
        "server/discover",
        "r:{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"]," CAPABILITIES "}",
        NULL};
    struct buf body;
    add_fake("new", "modern", words);
    buf_init(&body, 1 << 20);
    buf_add(&body, VIEW("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\","
                        "\"params\":{\"notifications\":{\"resourceSubscriptions\":["));
    for (int i = 0; i < ALL; i++)
        buf_add_format(&body, "%s\"x://%d\"", i ? "," : "",
                       i < SUBSCRIPTIONS_MOST - 1 ? i
                       : i < ALL - 1              ? 0
                                                  : i);
    buf_add(&body, VIEW("]}," META "}}"));
    buf_add_char(&body, '\0');
    struct door *listen = ask(&(struct asking){
        .key = 0, .method = "POST", .body = body.data, .mcp_method = "subscriptions/listen"});
    await(listen, "acknowledged");
    assert_non_null(strstr(listen->said, "x://254\",\"x://0\"]}"));
    assert_in_range(rig.gateway->subscriptions_met, 1, SUBSCRIPTIONS_MOST * SUBSCRIPTIONS_MOST);
    buf_done(&body);
}

// However many subscriptions there are, the end of each looks at those of its bucket only: twice
// the even share is room for chance.
static void ends_many_at_once(void **state)
{
    (void)state;
    enum { SESSIONS = 6, ALL = SESSIONS * SUBSCRIPTIONS_MOST };
    const size_t share = 1 + ALL / SUBSCRIPTION_BUCKETS;
    add_fake("old", "legacy", telling_words);
    for (size_t i = 0; i < SESSIONS; i++) {
        char session[ROOM_ID];
        open_session(0, "2025-06-18", session);
        await(post(0, session, SUBSCRIBE("x://1")), "result");
        for (int j = 1; j < SUBSCRIPTIONS_MOST; j++)
            await(post(0, session,
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\","
                       "\"params\":{\"uri\":\"x://%zu/%d\"}}",
                       i, j),
                  "result");
    }
    uint64_t before = rig.gateway->subscriptions_met;
    set_enabled(0, false);
    rig_pause(200);
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
    assert_in_range(rig.gateway->subscriptions_met - before, 1, 2 * share * ALL);
}

enum { LONG = 4000 };

static struct door *subscribe_long(unsigned key, const char *session, int number)
{
    char body[LONG + 200];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{"
                   "\"uri\":\"x://%0*d\"}}",
                   LONG - 4, number);
    struct asking asking = {.key = key, .method = "POST", .session = session, .body = body};
    struct door *door = ask(&asking);
    await(door, NULL);
    return door;
}

static struct door *listen_to_long(unsigned key, int count)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_add(&body, VIEW("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\","
                        "\"params\":{\"notifications\":{\"resourceSubscriptions\":["));
    for (int i = 0; i < count; i++)
        buf_add_format(&body, "%s\"y://%0*d\"", i ? "," : "", LONG - 4, i);
    buf_add(&body, VIEW("]}," META "}}"));
    buf_add_char(&body, '\0');
    struct door *door = ask(&(struct asking){
        .key = key, .method = "POST", .body = body.data, .mcp_method = "subscriptions/listen"});
    await(door, "acknowledged");
    buf_done(&body);
    return door;
}

// A key keeps so many bytes of subscriptions, whatever it subscribes with; each end gives room to
// others.
static void bounds_the_uris_of_a_key(void **state)
{
    (void)state;
    enum { MORE = 6, MOST = SUBSCRIPTION_BYTES / (LONG + SUBSCRIPTION_RECORD) };
    char first[2][ROOM_ID], two[ROOM_ID], other[ROOM_ID];
    add_fake("old", "legacy", legacy_words);
    open_session(0, "2025-06-18", first[0]);
    open_session(0, "2025-06-18", first[1]);
    open_session(0, "2025-06-18", two);
    open_session(1, "2025-06-18", other);
    for (int i = 0; i < MOST - MORE; i++)
        assert_non_null(strstr(subscribe_long(0, first[i % 2], i)->said, "result"));
    for (int i = 0; i <= MORE; i++)
        assert_non_null(strstr(subscribe_long(0, two, i)->said,
                               i < MORE ? "result" : "Too many subscriptions"));
    assert_non_null(strstr(subscribe_long(1, other, 0)->said, "result"));
    struct door *listen = listen_to_long(0, 3);
    assert_non_null(strstr(listen->said, "\"resourceSubscriptions\":[]"));
    leave_door(listen);
    end_session(0, two);
    listen = listen_to_long(0, MORE + 1); // the last does not fit
    assert_non_null(strstr(listen->said, "5\"]"));
    assert_null(strstr(listen->said, "6\""));
    open_session(0, "2025-06-18", two);
    assert_non_null(strstr(subscribe_long(0, two, 0)->said, "Too many subscriptions"));
    leave_door(listen);
    assert_non_null(strstr(subscribe_long(0, two, 0)->said, "result"));
}

// Of a listen that waited for the facts of its servers nothing is kept but what it listens to.
static void keeps_nothing_of_what_a_listen_said(void **state)
{
    (void)state;
    enum { URIS = 6 }; // more than CALL_UNCOUNTED
    add_fake("old", "legacy", legacy_words);
    struct door *listen = listen_to_long(0, URIS);
    assert_non_null(strstr(listen->said, "5\"]"));
    assert_int_equal(rig.gateway->asked.now, 0);
    leave_door(listen);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(ends_many_at_once),
        TEST(minds_as_many_resources_as_it_says),
        TEST(bounds_the_uris_of_a_key),
        TEST(keeps_nothing_of_what_a_listen_said),
        TEST(takes_back_subscriptions),
        TEST(takes_back_those_of_a_revoked_key),
        TEST(keeps_conversations_apart),
        TEST(renews_subscriptions),
        TEST(renews_levels),
        TEST(takes_back_levels),
        TEST(keeps_what_is_listened_to),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
