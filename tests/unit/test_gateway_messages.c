// test_gateway_messages.c: what a client's messages may be: nested, cut inside a character, many in
// a batch, many at once, and long about the client itself.
#include "gateway_fakes.h"

#include <malloc.h>

// Arguments in so many brackets.
static struct door *post_nested(const char *session, size_t depth)
{
    char text[4096], open[1025] = "", close[1025] = "";
    memset(open, '[', depth);
    memset(close, ']', depth);
    (void)snprintf(text, sizeof text,
                   "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{"
                   "\"name\":\"old__fast\",\"arguments\":{\"a\":%s%s}}}",
                   open, close);
    return post(0, session, "%s", text);
}

static void bounds_nesting(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    await(post_nested(session, LIMIT_JSON_DEPTH - 3), "done");
    assert_non_null(strstr(post_nested(session, LIMIT_JSON_DEPTH - 2)->said, "nested too deeply"));
    rig.settings.message_depth = LIMIT_MESSAGE_DEPTH;
    await(post_nested(session, LIMIT_MESSAGE_DEPTH - 3), "done");
    rig.settings.message_depth = 20;
    assert_non_null(strstr(post_nested(session, 18)->said, "nested too deeply"));
}

// Half a surrogate pair passes both ways as it came. Where the gateway has to know what a text
// stands for, such a text is none: no tool has that name, and no header says the same.
static void passes_halves_of_pairs(void **state)
{
    (void)state;
    static const char *const words[] = {
        "\"initialize\"",
        "r:{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
        "\"serverInfo\":{\"name\":\"\\ud83d\",\"version\":\"1\"},\"instructions\":\"\\ud83d\"}",
        "tools/list",
        "r:{\"tools\":[{\"name\":\"cut\",\"description\":\"says "
        "\\ud83d\"},{\"name\":\"x\\ud83d\"}]}",
        "\"arguments\":{\"\\ud83d\":\"cut \\uD83D\"}",
        "r:{\"content\":[{\"type\":\"text\",\"text\":\"half \\ude00\"}]}",
        NULL};
    char session[ROOM_ID];
    add_fake("half", "legacy", words);
    open_session(0, "2025-06-18", session);
    const struct door *door =
        post(0, session, "{\"jsonrpc\":\"2.0\",\"id\":\"\\ude00\",\"method\":\"tools/list\"}");
    await(door, "says \\ud83d");
    assert_non_null(strstr(door->said, "\"id\":\"\\ude00\""));
    assert_null(strstr(door->said, "half__x"));
    await(post(0, session,
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
               "\"half__cut\",\"arguments\":{\"\\ud83d\":\"cut \\uD83D\"}}}"),
          "half \\ude00");
    await(post(0, session, CALL("half__x\\ud83d")), "-32602");
    await(post_modern(0, "tools/call", "half__x", "\"name\":\"half__x\\ud83d\","),
          "Header mismatch");
    await(post_modern(0, "resources/read", "x", "\"uri\":\"\\ud83d\","), "Header mismatch");
}

static void takes_short_batches(void **state)
{
    (void)state;
    char session[ROOM_ID], body[4096];
    add_servers();
    open_session(0, "2025-03-26", session);
    struct door *door = post(
        0, session, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},7," CALL("old__fast") "]");
    await(door, "done");
    assert_int_equal(door->said[0], '[');
    body[0] = '[';
    for (size_t i = 0; i < 1000; i++)
        memcpy(body + 1 + 2 * i, i < 999 ? "7," : "7]", 3);
    assert_int_equal(post(0, session, "%s", body)->status, 413);
}

// The bytes of a key's requests that servers have not answered are bounded, and with them the copy
// of one that may have to be sent again.
static void bounds_requests_under_way(void **state)
{
    (void)state;
    enum { BYTES = 100000 };
    static char body[BYTES + 1000];
    char session[ROOM_ID], other[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    open_session(1, "2025-06-18", other);
    rig.gateway->asked.share = 2 * BYTES;
    (void)snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"old__never\",\"arguments\":{\"x\":\"%*s\"}}}",
        BYTES, "x");
    const struct asking large = {.method = "POST", .session = session, .body = body};
    const struct asking others = {.key = 1, .method = "POST", .session = other, .body = body};
    const struct door *first = ask(&large), *second = ask(&large);
    assert_int_equal(second->status, 429);
    assert_true(first->open);
    assert_true(ask(&others)->open);
    await(post(0, session, CALL("old__fast")), "done");
    (void)post(0, session,
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
               "{\"requestId\":\"c\"}}");
    rig_pause(50);
    assert_int_equal(rig.gateway->asked.now, strlen(body));
    memcpy(strstr(body, "old"), "new", 3);
    assert_int_equal(ask(&large)->status, 429);
    rig.gateway->asked.share = 3 * BYTES;
    assert_true(ask(&large)->open);
}

// What a client says of itself is kept as long as its session: one that says too much gets none.
static void bounds_what_clients_say_of_themselves(void **state)
{
    (void)state;
    struct buf body AUTO(buf_done);
    buf_init(&body, 1 << 20);
    buf_add(&body, VIEW("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                        "\"protocolVersion\":\"2025-11-25\",\"clientInfo\":{\"name\":\"t\","
                        "\"version\":\"1\"},\"capabilities\":{\"experimental\":{\"x\":\""));
    buf_add_blanks(&body, LIMIT_CLIENT_WORDS);
    buf_add(&body, VIEW("\"}}}}"));
    buf_add_char(&body, '\0');
    const struct door *door = ask(&(struct asking){.method = "POST", .body = body.data});
    await(door, "-32602");
    assert_int_equal(gateway_counters(rig.gateway)->sessions_now, 0);
}

// The same of what modern clients say, who say it with each request.
static size_t kept_of_a_call(const char *capability)
{
    struct buf body AUTO(buf_done);
    buf_init(&body, 4 << 20);
    buf_add(&body, VIEW("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                        "\"name\":\"own__news\",\"_meta\":{\"" MCP_META
                        "protocolVersion\":\"" MCP_MODERN_VERSION "\",\"" MCP_META
                        "clientCapabilities\":{"));
    buf_add_format(&body, "\"%s\":{\"x\":\"", capability);
    buf_add_blanks(&body, 2 << 20);
    buf_add(&body, VIEW("\"}}}}}"));
    buf_add_char(&body, '\0');
    struct mallinfo2 before = mallinfo2();
    await(ask(&(struct asking){.method = "POST",
                               .mcp_method = "tools/call",
                               .mcp_name = "own__news",
                               .body = body.data}),
          "content");
    rig_pause(20);
    struct mallinfo2 after = mallinfo2();
    return after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
}

static void keeps_nothing_of_what_modern_clients_say(void **state)
{
    (void)state;
    add_fake_isolated("own", "legacy", "session", legacy_words);
    (void)kept_of_a_call("sampling"); // and what the gateway keeps for messages of any client
    assert_in_range(kept_of_a_call("roots"), 0, 1 << 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(bounds_nesting),
        TEST(passes_halves_of_pairs),
        TEST(takes_short_batches),
        TEST(bounds_requests_under_way),
        TEST(bounds_what_clients_say_of_themselves),
        TEST(keeps_nothing_of_what_modern_clients_say),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
