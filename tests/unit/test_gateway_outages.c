// test_gateway_outages.c: lists of several servers of which one is out of order: who waits for it,
// what is shown meanwhile, and who hears that it is back.
#include <limits.h>

#include "gateway_fakes.h"
#include "http_rules.h"

static struct backend backend;

// The gateway lets go of its connections before the server's side and the loop do.
static int tear_down(void **state)
{
    rig_leave();
    if (backend.loop)
        backend_done(&backend);
    memset(&backend, 0, sizeof backend);
    return rig_tear_down(state);
}

#define LIST "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}"
#define INITIALIZED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define CHANGED "tools/list_changed"

// A session that hears of changes.
static struct door *open_hearing_session(unsigned key, char session[ROOM_ID])
{
    open_session(key, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = key, .method = "GET", .session = session});
    assert_int_equal(post(key, session, INITIALIZED)->status, 202);
    return stream;
}

static void forget(struct door *door)
{
    door->size = 0;
    door->said[0] = '\0';
}

// --- children ------------------------------------------------------------------------------------

// A child `name` begins with a shell script: $0 is a path of its own, the rest the server.
static void add_scripted(const char *name, const char *script)
{
    struct buf text;
    char command[300];
    (void)snprintf(command, sizeof command, "%s/tests/fake_mcp", getenv("BUILD_DIR"));
    buf_init(&text, 1 << 20);
    buf_add_format(&text,
                   "{\"server_name\":\"%s\",\"config\":{\"protocol\":\"legacy\",\"command\":"
                   "\"/bin/sh\",\"args\":[\"-c\",\"%s\",\"%s/%s\"",
                   name, script, home, name);
    for (size_t i = 0; i == 0 || legacy_words[i - 1]; i++) {
        buf_add_char(&text, ',');
        json_add_string(&text, view_of(i == 0 ? command : legacy_words[i - 1]));
    }
    buf_add(&text, VIEW("]}}"));
    add_record(buf_view(&text));
    buf_done(&text);
}

// Hangs at its start, until it may go on. And: at its second start; at the first one it fails.
#define HANGS ": > $0.hangs; until test -e $0.go; do sleep 0.02; done; exec \\\"$@\\\""
#define FAILS_AND_HANGS "test -e $0 || { : > $0; exit 1; }; " HANGS

static bool is_there(const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return access(path, F_OK) == 0;
}

static void await_file(const char *name)
{
    for (int i = 0; i < 1000 && !is_there(name); i++)
        rig_pause(10);
    assert_true(is_there(name));
}

static void make_file(const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
}

static void waits_for_a_first_start(void **state)
{
    (void)state;
    add_fake("fine", "legacy", legacy_words);
    add_scripted("slow", "sleep 0.3; exec \\\"$@\\\"");
    const struct door *door = post_modern(0, "tools/list", NULL, "");
    await(door, "slow__fast");
    assert_non_null(strstr(door->said, "fine__fast"));
}

// All begin at once, so what a list waits is the longest of their times and not the sum.
static void waits_for_first_starts_side_by_side(void **state)
{
    (void)state;
    add_scripted("one", HANGS);
    add_scripted("two", HANGS);
    const struct door *door = post_modern(0, "tools/list", NULL, "");
    await_file("one.hangs");
    await_file("two.hangs");
    assert_true(door->open);
    make_file("two.go");
    make_file("one.go");
    await(door, "one__fast");
    assert_non_null(strstr(door->said, "two__fast"));
}

// That a server failed, and hangs at its next start, which comes by itself where somebody listens,
// is nobody's concern but its own.
static void leaves_out_what_hangs_after_a_failure(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_fake("fine", "legacy", legacy_words);
    add_scripted("bad", FAILS_AND_HANGS);
    struct door *stream = open_hearing_session(0, session);
    await_file("bad.hangs");
    const struct door *door = post(0, session, LIST);
    await(door, "fine__fast");
    assert_null(strstr(door->said, "bad__fast"));
    await(post_modern(1, "server/discover", NULL, ""), "capabilities");
    assert_null(strstr(stream->said, CHANGED));
    make_file("bad.go");
    await(stream, CHANGED);
    await(post(0, session, LIST), "bad__fast");
}

// Where nobody listens it is tried when a list is asked for, which does not wait for that.
static void tries_again_behind_a_list(void **state)
{
    (void)state;
    add_fake("fine", "legacy", legacy_words);
    add_scripted("bad", FAILS_AND_HANGS);
    await(post_modern(0, "tools/list", NULL, ""), "fine__fast");
    assert_false(is_there("bad.hangs"));
    for (int i = 0; i < 200 && !is_there("bad.hangs"); i++) {
        const struct door *door = post_modern(0, "tools/list", NULL, "");
        await(door, "fine__fast");
        assert_null(strstr(door->said, "bad__fast"));
        rig_pause(50);
    }
    make_file("bad.go");
    await(post_modern(0, "tools/call", "bad__fast", "\"name\":\"bad__fast\","), "done");
    await(post_modern(0, "tools/list", NULL, ""), "bad__fast");
}

// By itself such a server is waited for: there is nothing else to show.
static void waits_for_the_only_server(void **state)
{
    (void)state;
    add_scripted("bad", FAILS_AND_HANGS);
    await(post_modern(0, "tools/list", NULL, ""), "result");
    await(post_modern(0, "tools/list", NULL, ""), "result");
    const struct asking asking = {.method = "POST",
                                  .mcp_method = "tools/list",
                                  .server = "bad",
                                  .body = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\","
                                          "\"params\":{" META "}}"};
    for (int i = 0; i < 200 && !is_there("bad.hangs"); i++) {
        (void)ask(&asking);
        rig_pause(50);
    }
    const struct door *door = ask(&asking);
    make_file("bad.go");
    await(door, "fast");
}

// One session's child has died: its list asks by no link, which is no reason to take from others,
// or from itself, what the server has.
static void keeps_a_list_while_one_link_rests(void **state)
{
    (void)state;
    char one[ROOM_ID], two[ROOM_ID];
    add_fake_isolated("own", "legacy", "session", legacy_words);
    rig.settings.restart_first = rig.settings.restart_most = 3600 * TIME_SECOND;
    open_session(0, "2025-06-18", one);
    open_session(1, "2025-06-18", two);
    await(post(0, one, LIST), "own__fast");
    await(post(0, one, CALL("own__dies")), "error");
    await(post(1, two, CALL("own__fast")), "done"); // the server is up, the list out of date
    await(post(0, one, LIST), "own__fast");
    await(post(1, two, LIST), "own__fast");
}

// --- servers over HTTP ---------------------------------------------------------------------------

static void serve(struct rule *rules)
{
    char text[512];
    unsigned port = backend_init(&backend, rig.loop, rules);
    (void)snprintf(text, sizeof text,
                   "{\"server_name\":\"far\",\"config\":{\"url\":\"http://127.0.0.1:%u/mcp\","
                   "\"protocol\":\"legacy\",\"allow_private_addresses\":true}}",
                   port);
    add_record(view_of(text));
    add_fake("fine", "legacy", legacy_words);
}

#define OPENED                                                                                     \
    {"\"initialize\"",                                                                             \
     NULL,                                                                                         \
     200,                                                                                          \
     SESSION,                                                                                      \
     RESULT("{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"                 \
            "\"serverInfo\":{}}"),                                                                 \
     WHOLE,                                                                                        \
     0},                                                                                           \
    {                                                                                              \
        "notifications/", NULL, 202, NULL, NULL, WHOLE, 0                                          \
    }
#define LISTED                                                                                     \
    {                                                                                              \
        "\"tools/list\"", NULL, 200, NULL, RESULT("{\"tools\":[{\"name\":\"t\"}]}"), WHOLE, 0      \
    }
#define DONE                                                                                       \
    {                                                                                              \
        "\"tools/call\"", NULL, 200, NULL, RESULT("{\"content\":[\"far\"]}"), WHOLE, 0             \
    }
#define SILENT(method, times)                                                                      \
    {                                                                                              \
        "\"" method "\"", NULL, 200, NULL, NULL, NO_ANSWER, times                                  \
    }

// A list that was not answered is missing until a call is, and then its clients hear of it.
static void tells_when_a_silent_server_is_back(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {OPENED, SILENT("tools/list", 1), LISTED, DONE, END};
    rig.settings.first_byte_timeout = 100000;
    serve(rules);
    struct door *stream = open_hearing_session(0, session);
    const struct door *door = post(0, session, LIST);
    await(door, "fine__fast");
    assert_null(strstr(door->said, "far__t"));
    forget(stream);
    rig.settings.first_byte_timeout = 60 * TIME_SECOND;
    await(post(0, session, CALL("far__t")), "\"far\"");
    await(stream, CHANGED);
    await(post(0, session, LIST), "far__t");
}

// What was asked of it while it was down may never be answered: it is asked anew once it is up.
static void asks_anew_once_it_is_up(void **state)
{
    (void)state;
    char session[ROOM_ID];
    struct rule rules[] = {OPENED,
                           {"\"tools/call\"", NULL, 0, NULL, NULL, HANG_UP, 1},
                           SILENT("tools/list", 1),
                           LISTED,
                           DONE,
                           END};
    serve(rules);
    struct door *stream = open_hearing_session(0, session);
    await(post(0, session, CALL("far__t")), "error");
    const struct door *door = post(0, session, LIST);
    await(door, "fine__fast");
    assert_null(strstr(door->said, "far__t"));
    forget(stream);
    await(post(0, session, CALL("far__t")), "\"far\"");
    await(stream, CHANGED);
    await(post(0, session, LIST), "far__t");
}

// A list that the server refused for a while is missing, and told when another client has read it.
static void tells_when_a_refused_list_is_back(void **state)
{
    (void)state;
    char session[ROOM_ID], other[ROOM_ID];
    struct rule rules[] = {
        OPENED, {"\"tools/list\"", NULL, 403, NULL, NULL, WHOLE, 1}, LISTED, DONE, END};
    serve(rules);
    struct door *stream = open_hearing_session(0, session);
    open_session(1, "2025-06-18", other);
    const struct door *door = post(0, session, LIST);
    await(door, "fine__fast");
    assert_null(strstr(door->said, "far__t"));
    forget(stream);
    rig_pause(1100); // it is not asked again at once
    await(post(1, other, LIST), "far__t");
    await(stream, CHANGED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(waits_for_a_first_start),
        TEST(waits_for_first_starts_side_by_side),
        TEST(leaves_out_what_hangs_after_a_failure),
        TEST(tries_again_behind_a_list),
        TEST(waits_for_the_only_server),
        TEST(keeps_a_list_while_one_link_rests),
        TEST(tells_when_a_silent_server_is_back),
        TEST(asks_anew_once_it_is_up),
        TEST(tells_when_a_refused_list_is_back),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
