// test_gateway_journal.c: the lines of requests that came to nothing.
#include "gateway_fakes.h"

#define UNFIT(code) "\"outcome\":\"refused\",\"stage\":\"check\",\"code\":" code ","
#define CALLED(server, name)                                                                       \
    "\"method\":\"tools/call\",\"server\":\"" server "\",\"name\":\"" name "\","

// Whoever tries to call one tool in the name of another, or something else that is not in order,
// has a line for each try: whose key, for what, and why not.
static void tells_of_refused_requests(void **state)
{
    char body[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
                  "\"name\":\"old__caps\",\"_meta\":{"
                  "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}";
    char line[400];
    (void)state;
    add_servers();
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__other\","), "-32020");
    const struct api_key key = find_key(rig.keys[0]);
    (void)snprintf(line, sizeof line, "\"event\":\"call\",\"key\":\"%s\",\"project\":\"",
                   key.key_id);
    assert_int_equal(logged(line), 1);
    assert_int_equal(logged(CALLED("old", "old__other") UNFIT("-32020")), 1);
    struct asking asking = {
        .method = "POST", .body = body, .mcp_method = "tools/call", .mcp_name = "old__caps"};
    await(ask(&asking), "-32602");
    assert_int_equal(logged(CALLED("old", "old__caps") UNFIT("-32602")), 1);
    memcpy(strstr(body, "2026"), "2027", 4);
    await(ask(&asking), "-32602"); // it lacks the rest as well
    assert_int_equal(logged(CALLED("old", "old__caps") UNFIT("-32602")), 2);
    await(post(0, NULL, CALL("old__none")), "initialize first");
    await(post(0, "zz", CALL("old__gone")), "No such session");
    assert_int_equal(logged(CALLED("old", "old__none") UNFIT("-32600")), 1);
    assert_int_equal(logged(CALLED("old", "old__gone") UNFIT("-32600")), 1);
    await(post(0, "zz", "[" CALL("old__a") "," CALL("old__b") "]"), "No such session");
    assert_int_equal(logged(UNFIT("-32600")), 3); // one for the batch
    assert_int_equal(logged("\"event\":\"call\""), 6);
}

// What was asked for is said, of a server or tool that is not there as well: cut, and without keys.
static void says_what_was_asked_for(void **state)
{
    char name[4000] = "", text[400];
    (void)state;
    add_servers();
    await(ask(&(struct asking){.method = "POST", .server = "nope", .body = CALL("fast")}),
          "No such server");
    assert_int_equal(logged(CALLED("nope", "fast") UNFIT("-32600")), 1);
    await(ask(&(struct asking){.method = "POST", .server = rig.keys[0], .body = CALL("fast")}),
          "No such server");
    memset(name, 'x', sizeof name - 500);
    await(ask(&(struct asking){.method = "POST", .server = name, .body = CALL("fast")}),
          "No such server");
    await(post(0, "zz", CALL("%s"), rig.keys[0]), "No such session");
    await(post(0, "zz", CALL("%s"), name), "No such session");
    assert_int_equal(logged(UNFIT("-32600")), 5);
    assert_int_equal(logged(rig.keys[0]), 0);
    memset(text, 'x', 201);
    text[201] = '\0';
    assert_int_equal(logged(text), 0);
    text[128] = '\0';
    assert_int_equal(logged(text), 2);
}

// Where what is said of a name ends within a key, nothing of that is told.
static void cuts_no_key_in_half(void **state)
{
    char name[800] = "";
    (void)state;
    add_servers();
    memset(name, 'x', 100);
    (void)snprintf(name + 100, sizeof name - 100, "%s", rig.keys[0]);
    await(post(0, "zz", CALL("%s"), name), "No such session");
    memset(name, 'x', 170);
    (void)snprintf(name + 170, sizeof name - 170, "%s", rig.keys[0]);
    await(ask(&(struct asking){.method = "POST", .server = name, .body = CALL("fast")}),
          "No such server");
    name[170 + 20] = '\0';
    assert_int_equal(logged(name + 170), 2);
    (void)snprintf(name, sizeof name, "%.21s", rig.keys[0]);
    assert_int_equal(logged(name), 0);
}

// Of a URI what may be a token is not told.
static void tells_no_tokens_of_uris(void **state)
{
    static const struct {
        const char *uri, *told;
    } cases[] = {
        {"mem://a/b?token=SECRET", "mem://a/b"},
        {"mem://a/c#SECRET", "mem://a/c"},
        {"https://SECRET@host/", "https://"},
        {"h0:\\/\\/me:SECRET@host\\/x", "h0://"},
        {"h1://me:\\u002BSECRET@host/x", "h1://"},
        {"h2://me:SECRET\\u0040host/x", "h2://"},
        {"mem://a/d\\u003fSECRET", "mem://a/d"},
        {"mem://a/e\\u0023SECRET", "mem://a/e"},
        {"h3:\\u002f\\u002fSECRET@host/", "h3://"},
        {"pkg://@scope/x", "pkg://"},
        {"pkg://x/@scope", "pkg://x/@scope"},
        {"file:///a@b", "file:///a@b"},
        {"file:/a@b", "file:/a@b"},
        {"mailto:a@b?SECRET", "mailto:a@b"},
        {"?SECRET", ""},
    };
    (void)state;
    add_servers();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[200];
        await(post(0, "zz",
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/"
                   "read\",\"params\":{\"uri\":\"%s\"}}",
                   cases[i].uri),
              "No such session");
        (void)snprintf(line, sizeof line, "\"name\":\"%s\",\"outcome\"", cases[i].told);
        if (cases[i].told[0])
            assert_int_equal(logged(line), 1);
    }
    assert_int_equal(logged("\"resources/read\","), COUNT_OF(cases));
    assert_int_equal(logged("SECRET"), 0);
}

// What cannot be read may have been one.
static void tells_of_what_cannot_be_read(void **state)
{
    (void)state;
    add_servers();
    await(post(0, NULL, "nothing"), "-32700");
    assert_int_equal(logged(UNFIT("-32700")), 1);
    await(post(0, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"ping\"}"), "-32600");
    assert_int_equal(logged(UNFIT("-32600")), 1);
    assert_int_equal(logged("\"event\":\"call\""), 2);
}

// What is no request has no line.
static void says_nothing_of_what_is_no_request(void **state)
{
    (void)state;
    add_servers();
    await(post(0, "zz", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"),
          "-32600");
    await(post(0, "zz", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), "-32600");
    await(ask(&(struct asking){.method = "GET", .session = "zz"}), "No such session");
    assert_int_equal(logged("\"event\":\"call\""), 0);
}

// The server of a call that did not get as far, by its name.
static void tells_the_server_of_what_was_denied(void **state)
{
    (void)state;
    rig.settings.calls_per_key = 0;
    add_servers();
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "-31001");
    assert_int_equal(
        logged(CALLED("old", "old__fast") "\"outcome\":\"denied\",\"stage\":\"limit\""), 1);
    await(post_modern(0, "resources/read", "old__x", "\"uri\":\"old__x\","), "-31001");
    assert_int_equal(logged("\"resources/read\",\"name\":\"old__x\","), 1); // which is no prefix
    rig.settings.calls_per_key = 2;
    await(post_modern(0, "tools/call", "who__fast", "\"name\":\"who__fast\","), "-32602");
    assert_int_equal(logged("\"tools/call\",\"name\":\"who__fast\",\"outcome\":\"denied\""), 1);
}

// A legacy client that goes away has not cancelled, but nobody says that it was answered.
static void answers_nobody(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    leave_door(post(0, session, CALL("old__fast")));
    rig_pause(300);
    assert_int_equal(logged("\"name\":\"old__fast\",\"outcome\":\"unread\""), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tells_of_refused_requests),
        TEST(says_what_was_asked_for),
        TEST(cuts_no_key_in_half),
        TEST(tells_no_tokens_of_uris),
        TEST(tells_of_what_cannot_be_read),
        TEST(says_nothing_of_what_is_no_request),
        TEST(tells_the_server_of_what_was_denied),
        TEST(answers_nobody),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
