// What the HTTP door of the gateway refuses.
#include "door_client.h"

static void too_large(void **state)
{
    (void)state;
    ask("POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 100001\r\n\r\n");
    expect_start("HTTP/1.1 413 ");
    expect_part("Connection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"error\":{");
    // Without a key nobody is told how much may be sent.
    ask("POST /mcp HTTP/1.1\r\n" HEADERS "Content-Length: 100001\r\n\r\n");
    expect_start("HTTP/1.1 401 ");
    int to = dial();
    put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 101; i++) {
        char chunk[1100];
        (void)snprintf(chunk, sizeof chunk, "3e8\r\n%01000d\r\n", i);
        put(to, chunk);
    }
    expect(to, NULL);
    expect_start("HTTP/1.1 413 ");
    (void)close(to);
    static char head[20000];
    (void)snprintf(head, sizeof head, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: %017000d", 0);
    ask(head);
    expect_start("HTTP/1.1 431 ");
}

// --- refusals --------------------------------------------------------------------------------
#define UNAUTHORIZED "HTTP/1.1 401 Unauthorized\r\n"
#define POST_HEADERS "POST /mcp HTTP/1.1\r\n" HEADERS "Content-Length: 3\r\n"

static void keys(void **state)
{
    static char first[1000];
    static const char *const bad[] = {
        "",
        "apikey: bad\r\n",
        "apikey: \r\n",
        "Authorization: Basic good0\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: good0\r\n",
        "apikey: good0\r\nproject_id: q\r\n",
        "apikey: good0\r\nuser_id: \r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[1000];
        (void)snprintf(text, sizeof text, POST_HEADERS "%s\r\nsay", bad[i]);
        ask(text);
        expect_start(UNAUTHORIZED);
        expect_part("\r\nWWW-Authenticate: Bearer ");
        char *date = strstr(got, "Date: ");
        memset(date, '-', strlen("Date: Mon, 23 Nov 2026 00:00:00 GMT"));
        if (i == 0)
            memcpy(first, got, sizeof first);
        assert_string_equal(got, first);
    }
    ask(POST_HEADERS "apikey: good0\r\nAuthorization: bearer  good0\r\n\r\nsay");
    expect_start("HTTP/1.1 200 ");
    ask(POST_HEADERS "apikey: good0\r\nAuthorization: Bearer good1\r\n\r\nsay");
    expect_start("HTTP/1.1 400 ");
    ask(POST_HEADERS "apikey: good0\r\napikey: good1\r\n\r\nsay");
    expect_start("HTTP/1.1 400 ");
    ask(POST_HEADERS "apikey: down\r\n\r\nsay");
    expect_start("HTTP/1.1 503 ");
}

struct refused {
    const char *request, *start;
};

static void expect_all(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ask(cases[i].request);
        if (strncmp(got, cases[i].start, strlen(cases[i].start)) != 0)
            fail_msg("%s\nexpected %s, got: %s", cases[i].request, cases[i].start, got);
    }
}

static void routes(void **state)
{
    static const struct refused cases[] = {
        {"GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "HTTP/1.1 200 "},
        {"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
        {"POST /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
        {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcpx HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcp// HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcp/a// HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcp/a/b HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcp/%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /mcp/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /mcp/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"GET http://other/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"GET /mcp?apikey=good0 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"PUT /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405 "},
        {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405 "},
        {"GET /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "\r\n", "HTTP/1.1 406 "},
        {"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "Content-Length: 3\r\n\r\nsay",
         "HTTP/1.1 200 "},
        {"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\napikey: good0\r\n"
         "Content-Type: application/json\r\nContent-Length: 3\r\n\r\nsay",
         "HTTP/1.1 406 "},
        {"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\napikey: good0\r\n"
         "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nsay",
         "HTTP/1.1 415 "},
        {"POST /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "Mcp-Name: a\r\nMcp-Name: b\r\n\r\n",
         "HTTP/1.1 400 "},
    };
    (void)state;
    expect_all(cases, COUNT_OF(cases));
    ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n");
}

// RFC 9112 section 6.3: there is no body, also when it is refused; else the next answer on the
// connection would begin with it.
static void head_has_no_body(void **state)
{
    static const struct refused cases[] = {
        {"HEAD /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405 "},
        {"HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"HEAD /mcp/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 400 "},
        {"HEAD /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403 "},
        {"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 "},
    };
    int to = dial();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(to, cases[i].request);
        expect(to, "\r\n\r\n");
        expect_start(cases[i].start);
        expect_part("\r\nContent-Length: ");
        put(to, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        const char *rest = strstr(got, "\r\n\r\n") + 4;
        assert_string_equal(rest, "");
        expect(to, "}");
        expect_start("HTTP/1.1 200 ");
    }
    put(to, "HEAD /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(to, "\r\n\r\n");
    put(to, "no request\r\n\r\n"); // it is HEAD no more
    expect(to, "}");
    expect_start("HTTP/1.1 400 ");
    (void)close(to);
}

#define FROM(host, origin)                                                                         \
    "POST /mcp HTTP/1.1\r\nHost: " host "\r\n" KEYED origin "Content-Length: 3\r\n\r\nsay"

static void origins(void **state)
{
    static const struct refused cases[] = {
        {FROM("evil.example", ""), "HTTP/1.1 403 "},
        {FROM("localhost.evil.example", ""), "HTTP/1.1 403 "},
        {FROM("127.0.0.1.evil.example", ""), "HTTP/1.1 403 "},
        {FROM("", ""), "HTTP/1.1 403 "},
        {FROM("localhost:99", ""), "HTTP/1.1 200 "},
        {FROM("mcp.example", ""), "HTTP/1.1 200 "},
        {FROM("MCP.example:443", ""), "HTTP/1.1 200 "},
        {FROM("localhost", "Origin: http://localhost:3000\r\n"), "HTTP/1.1 200 "},
        {FROM("localhost", "Origin: https://[::1]\r\n"), "HTTP/1.1 200 "},
        {FROM("localhost", "Origin: null\r\n"), "HTTP/1.1 403 "},
        {FROM("localhost", "Origin: http://evil.example\r\n"), "HTTP/1.1 403 "},
        {FROM("localhost", "Origin: http://localhost@evil.example\r\n"), "HTTP/1.1 403 "},
        {FROM("localhost", "Origin: file://localhost\r\n"), "HTTP/1.1 403 "},
        {"GET /other HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
         "HTTP/1.1 403 "},
    };
    (void)state;
    expect_all(cases, COUNT_OF(cases));
    ask(FROM("localhost", "Origin: https://app.example\r\n"));
    expect_part("\r\nAccess-Control-Allow-Origin: https://app.example\r\n");
    expect_part("\r\nAccess-Control-Expose-Headers: Mcp-Session-Id, ");
    ask("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n\r\n");
    expect_start("HTTP/1.1 204 ");
    expect_part("\r\nAccess-Control-Allow-Headers: Authorization, *\r\n");
}

static void framing(void **state)
{
    static const char *const cases[] = {
        "POST /mcp HTTP/1.1\nHost: localhost\n\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n",
        POST_HEADERS "Content-Length: 3\r\n\r\nsay",
        POST_HEADERS "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: +3\r\n\r\nsay",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3,3\r\n\r\nsay",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST /mcp HTTP/1.1\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: a\x01\r\n\r\n",
        "POST /mcp HTTP/2.0\r\nHost: localhost\r\n\r\n",
        "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\nsay\r\n0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int to = dial();
        put(to, cases[i]);
        put(to, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); // must not be taken for a request
        expect(to, NULL);
        expect_start("HTTP/1.1 400 ");
        expect_part("Connection: close\r\n");
        assert_null(strstr(got, "HTTP/1.1 200"));
        (void)close(to);
    }
}

// An argument is the name, or a pattern, of the tests to be run.
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(too_large, set_up_plain), TEST(keys, set_up_plain),
        TEST(routes, set_up_plain),    TEST(head_has_no_body, set_up_plain),
        TEST(origins, set_up_plain),   TEST(framing, set_up_plain),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
