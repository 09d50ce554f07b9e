// The doors of the gateway, from outside: a child serves with a fake gateway behind it, and this
// process is its client.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "doors/gateway_serve.h"
#include "fake_gateway.c"

static struct settings settings;
static pid_t server;
static int journal = -1;
static int port, metrics_port;

// --- the server ------------------------------------------------------------------------------
static int number_behind(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    return at ? (int)strtol(at + strlen(mark), NULL, 10) : 0;
}

// Waits for the line that says where it listens.
static void wait_until_listening(void)
{
    char text[4096] = "";
    size_t size = 0;
    while (!strstr(text, "\"listening\"")) {
        ssize_t more = read(journal, text + size, sizeof text - 1 - size);
        if (more <= 0)
            fail_msg("the server has said: %s", text);
        size += (size_t)more;
        text[size] = '\0';
    }
    port = number_behind(text, "\"address\":\"127.0.0.1:");
    metrics_port = number_behind(text, "\"port\":\"");
}

static void start(void)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    server = fork();
    if (server == 0) {
        struct store_config config = {0};
        struct err err = {0};
        (void)alarm(60);
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        int status = gateway_serve(&settings, &config, false, &err);
        if (status != 0)
            (void)dprintf(STDERR_FILENO, "%s\n", err.message);
        _exit(status == 0 && atomic_load(&fake_principals) == 0 ? 0 : 9);
    }
    (void)close(pipes[1]);
    journal = pipes[0];
    wait_until_listening();
}

static int stop(void)
{
    int status = -1;
    (void)kill(server, SIGTERM);
    assert_int_equal(waitpid(server, &status, 0), server);
    char text[4096];
    ssize_t size;
    while ((size = read(journal, text, sizeof text)) > 0)
        if (memmem(text, (size_t)size, "anitizer", 8))
            (void)!write(STDERR_FILENO, text, (size_t)size);
    (void)close(journal);
    return status;
}

static int set_up(void **state)
{
    static const char *const origins[] = {"https://app.example", NULL};
    static const char *const hosts[] = {"mcp.example", NULL};
    (void)state;
    memset(fake_bytes, 'x', sizeof fake_bytes);
    settings_init(&settings);
    settings.listen = "127.0.0.1:0";
    settings.metrics_listen = "127.0.0.1:0";
    settings.origins = origins;
    settings.hosts = hosts;
    settings.workers = 1;
    settings.request_body = 100000;
    settings.drain = 2 * TIME_SECOND;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(stop(), 0);
    return 0;
}

static int set_up_plain(void **state)
{
    (void)set_up(state);
    start();
    return 0;
}

static int set_up_workers(void **state)
{
    (void)set_up(state);
    settings.workers = 3;
    start();
    return 0;
}

static int set_up_hasty(void **state)
{
    (void)set_up(state);
    settings.request_read = settings.keep_alive_comment = 300 * 1000;
    settings.idle_connection = 900 * 1000;
    start();
    return 0;
}

static int set_up_narrow(void **state)
{
    (void)set_up(state);
    settings.connections = 2;
    start();
    return 0;
}

// --- the client ------------------------------------------------------------------------------
static int dial_port(int to)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)to),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(made, (const struct sockaddr *)&address, sizeof address), 0);
    return made;
}

static int dial(void)
{
    return dial_port(port);
}

static void put(int to, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t sent = send(to, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // closed: what comes back says why
        text += sent;
        size -= (size_t)sent;
    }
}

enum { ROOM = 1 << 20 };
static char got[ROOM];

// Reads until `mark` was read (NULL: until the end) or a while has passed. True when it was.
static bool get(int from, const char *mark)
{
    size_t size = 0;
    int64_t until = clock_now() + 5 * TIME_SECOND;
    got[0] = '\0';
    while (size < ROOM - 1 && !(mark && strstr(got, mark))) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int64_t left = (until - clock_now()) / 1000;
        if (left <= 0 || poll(&ready, 1, (int)left) != 1)
            return false;
        ssize_t more = recv(from, got + size, ROOM - 1 - size, 0);
        if (more <= 0)
            return !mark;
        size += (size_t)more;
        got[size] = '\0';
    }
    return true;
}

static void expect(int from, const char *mark)
{
    if (!get(from, mark))
        fail_msg("expected %s, got: %s", mark ? mark : "the end", got);
}

static bool is_closed(int from)
{
    char byte;
    struct pollfd ready = {.fd = from, .events = POLLIN};
    return poll(&ready, 1, 5000) == 1 && recv(from, &byte, 1, 0) <= 0;
}

#define HEADERS                                                                                    \
    "Host: localhost\r\nAccept: application/json, text/event-stream\r\n"                           \
    "Content-Type: application/json\r\n"

static void post_as(int to, const char *key, const char *path, const char *body)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "POST %s HTTP/1.1\r\n" HEADERS "Authorization: Bearer %s\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   path, key, strlen(body), body);
    put(to, text);
}

static void post(int to, const char *body)
{
    post_as(to, "good0", "/mcp", body);
}

// A request of its own connection; its whole answer is in `got`.
static void ask(const char *request)
{
    int to = dial();
    put(to, request);
    (void)shutdown(to, SHUT_WR);
    expect(to, NULL);
    (void)close(to);
}

static void expect_start(const char *start_of_it)
{
    if (strncmp(got, start_of_it, strlen(start_of_it)) != 0)
        fail_msg("expected %s, got: %s", start_of_it, got);
}

static void expect_part(const char *part)
{
    if (!strstr(got, part))
        fail_msg("expected %s, got: %s", part, got);
}

// --- requests and answers --------------------------------------------------------------------
static void answers(void **state)
{
    int to = dial();
    (void)state;
    post(to, "say it");
    expect(to, "}");
    expect_start("HTTP/1.1 200 OK\r\nDate: ");
    expect_part("\r\nMcp-Session-Id: the-session\r\n");
    expect_part("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n");
    expect_part("\r\n\r\n{\"bytes\":6,\"worker\":0,\"server\":\"\"");
    post(to, "accept");
    expect(to, "Content-Length: 0\r\n\r\n");
    expect_start("HTTP/1.1 202 Accepted\r\n");
    post_as(to, "good0", "/mcp/a%20b", "say");
    expect(to, "}");
    expect_part("\"server\":\"a b\"");
    post(to, "late");
    expect(to, "{\"late\":true}");
    put(to, "DELETE /mcp HTTP/1.1\r\nHost: [::1]:8000\r\napikey: good0\r\n\r\n");
    expect(to, "Content-Length: 0\r\n\r\n");
    expect_start("HTTP/1.1 200 OK\r\n");
    (void)close(to);
}

static void headers_reach_the_gateway(void **state)
{
    (void)state;
    ask("POST http://LOCALHOST/mcp/ HTTP/1.1\r\n"
        "Mcp-Param-A: 1\r\nENKRYPT_GATEWAY_KEY: good0\r\napikey: good0\r\nproject_id: p\r\n"
        "user_id: u\r\nhost: LOCALHOST\r\nACCEPT: text/event-stream\r\nAccept: application/json\r\n"
        "content-type: application/json; charset=utf-8\r\nMcp-Name: n\r\nmcp-param-b: 2\r\n"
        "Mcp-Session-Id: s\r\nContent-Length: 3\r\n\r\nsay");
    expect_start("HTTP/1.1 200 OK\r\n");
    expect_part("\"session\":\"s\",\"name\":\"n\",\"parameters\":2}");
}

static void events(void **state)
{
    int to = dial();
    (void)state;
    post(to, "stream");
    expect(to, "0\r\n\r\n");
    expect_part("\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                "X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
                "10\r\nid: a-0\ndata: \n\n\r\n17\r\nid: a-1\ndata: {\"n\":1}\n\n\r\n"
                "f\r\ndata: {\"n\":1}\n\n\r\n0\r\n\r\n");
    post(to, "lines");
    expect(to, "0\r\n\r\n");
    expect_part("id: a-1\ndata: {\ndata: \"n\":\ndata: 1}\n\n\r\n");
    (void)close(to);
    ask("POST /mcp HTTP/1.0\r\n" HEADERS "apikey: good0\r\nContent-Length: 6\r\n\r\nstream");
    expect_part("X-Accel-Buffering: no\r\nConnection: close\r\n\r\nid: a-0\ndata: \n\nid: a-1\n");
}

static void streams(void **state)
{
    int to = dial(), other = dial();
    (void)state;
    put(to, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            "apikey: good0\r\n\r\n");
    expect(to, "id: s-0\ndata: \n\n\r\n");
    post(other, "push");
    expect(other, "202 Accepted");
    expect(to, "id: s-1\ndata: {\"pushed\":true}\n\n\r\n");
    post(other, "end");
    expect(to, "0\r\n\r\n");
    post(to, "say");
    expect(to, "\"bytes\":3");
    (void)close(to);
    (void)close(other);
}

static void bodies(void **state)
{
    int to = dial();
    char text[256];
    (void)state;
    (void)snprintf(text, sizeof text,
                   "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 10\r\n\r\n");
    for (const char *at = text; *at; at++) { // byte by byte
        put(to, (char[]){*at, '\0'});
        if (at - text > 200)
            (void)usleep(100);
    }
    put(to, "say ");
    (void)usleep(20000);
    put(to, "so it");
    (void)usleep(20000);
    put(to, "!");
    expect(to, "\"bytes\":10");
    put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nsay\r\n5;x=y\r\n more\r\n0\r\n\r\n");
    expect(to, "\"bytes\":8");
    put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 5\r\n"
            "Expect: 100-continue\r\n\r\n");
    expect(to, "HTTP/1.1 100 Continue\r\n\r\n");
    put(to, "say 5");
    expect(to, "\"bytes\":5");
    (void)close(to);
}

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

static void pipelined(void **state)
{
    int to = dial();
    (void)state;
    put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 4\r\n\r\nlate"
            "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 5\r\n\r\nsay 5"
            "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 6\r\n\r\nstream"
            "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nContent-Length: 7\r\n");
    expect(to, "0\r\n\r\n");
    const char *late = strstr(got, "{\"late\""), *say = strstr(got, "\"bytes\":5");
    assert_true(late && say && late < say && say < strstr(got, "id: a-0"));
    put(to, "\r\nsay 123");
    expect(to, "\"bytes\":7");
    // More of them than anybody would keep: the client waits, and gets them all.
    pid_t writer = fork();
    for (int i = 0; writer == 0 && i < 2000; i++)
        post(to, i == 0 ? "late" : "say");
    if (writer == 0) {
        put(to, "GET /healthz HTTP/1.0\r\n\r\n");
        _exit(0);
    }
    int count = 0;
    expect(to, NULL);
    for (const char *at = got; (at = strstr(at, "\"parameters\":0}")); at++)
        count++;
    assert_int_equal(count, 1999);
    (void)waitpid(writer, NULL, 0);
    (void)close(to);
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

#define KEYED "Accept: */*\r\nContent-Type: application/json\r\napikey: good0\r\n"

static void routes(void **state)
{
    static const struct refused cases[] = {
        {"GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "HTTP/1.1 200 "},
        {"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
        {"POST /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
        {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /mcpx HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 "},
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

// --- clients that come and go ----------------------------------------------------------------
static void expect_gone(const char *numbers)
{
    int64_t until = clock_now() + 5 * TIME_SECOND;
    do {
        ask("POST /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "Content-Length: 4\r\n\r\ngone");
        (void)usleep(10000);
    } while (!strstr(got, numbers) && clock_now() < until);
    expect_part(numbers);
}

static void gone_clients(void **state)
{
    int to = dial();
    (void)state;
    post(to, "quiet");
    (void)usleep(50000);
    (void)close(to);
    expect_gone("\r\n\r\n1 1");
    to = dial();
    put(to, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
            "apikey: good0\r\n\r\n");
    expect(to, "s-0");
    (void)close(to);
    expect_gone("\r\n\r\n2 1");
    // Its side is ended, but it waits for the answer.
    ask("POST /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "Content-Length: 4\r\n\r\nlate");
    expect_part("{\"late\":true}");
    to = dial();
    post(to, "cut");
    assert_true(is_closed(to));
    (void)close(to);
}

static void slow_readers(void **state)
{
    int to = dial(), other = dial();
    (void)state;
    post(to, "flood");
    (void)usleep(200000);
    post(other, "say"); // others are not kept waiting
    expect(other, "\"bytes\":3");
    size_t size = 0;
    while (get(to, "data: ") && !strstr(got, "\r\n0\r\n\r\n"))
        size += strlen(got);
    size += strlen(got);
    assert_true(size > (size_t)FLOOD_EVENT * FLOOD_EVENTS);
    post(to, "big");
    (void)usleep(100000);
    size = 0;
    while (size < BIG && get(to, "x"))
        size += strlen(got);
    assert_true(size > BIG && size < BIG + 1000);
    (void)close(to);
    (void)close(other);
}

static void late_clients(void **state)
{
    int idle = dial(), begun = dial(), stream = dial();
    (void)state;
    put(begun, "POST /mcp HTTP/1.1\r\nHo");
    put(stream, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                "apikey: good0\r\n\r\n");
    expect(begun, NULL);
    expect_start("HTTP/1.1 408 ");
    expect(stream, "3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
    assert_true(is_closed(idle));
    (void)close(idle);
    (void)close(begun);
    (void)close(stream);
}

static void too_many(void **state)
{
    int first = dial(), second = dial();
    (void)state;
    post(first, "say");
    expect(first, "\"bytes\":3");
    post(second, "say");
    expect(second, "\"bytes\":3");
    int third = dial();
    expect(third, NULL);
    expect_start("HTTP/1.1 503 ");
    (void)close(first);
    (void)usleep(50000);
    ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_start("HTTP/1.1 200 ");
    (void)close(second);
    (void)close(third);
}

// --- workers, metrics, the end ---------------------------------------------------------------
static void workers(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        char key[] = "good0", worker[] = "\"worker\":0";
        int to = dial();
        for (int j = 0; j < 4; j++) {
            key[4] = (char)('0' + (i + j) % 3);
            worker[9] = key[4];
            post_as(to, key, "/mcp", j == 2 ? "late" : "say");
            expect(to, j == 2 ? "{\"late\":true}" : "}");
            expect_part(j == 2 ? "late" : worker);
        }
        put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "Content-Length: 9\r\n");
        (void)usleep(1000);
        put(to, "apikey: good1\r\n\r\nsay");
        (void)usleep(1000);
        put(to, " slow!POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good2\r\n");
        put(to, "Content-Length: 3\r\n\r\nsay");
        expect(to, "\"bytes\":3");
        (void)close(to);
    }
}

static void metrics(void **state)
{
    (void)state;
    ask("POST /mcp HTTP/1.1\r\nHost: localhost\r\n" KEYED "Content-Length: 3\r\n\r\nsay");
    (void)usleep(250000);
    int to = dial_port(metrics_port);
    put(to, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(to, NULL);
    expect_start("HTTP/1.1 200 ");
    expect_part(
        "# TYPE secure_mcp_gateway_calls_total counter\nsecure_mcp_gateway_calls_total 1\n");
    (void)close(to);
}

static void drains(void **state)
{
    int idle = dial(), busy = dial(), stream = dial();
    (void)state;
    put(stream, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                "apikey: good0\r\n\r\n");
    expect(stream, "s-0");
    post(busy, "late");
    (void)usleep(50000);
    (void)kill(server, SIGTERM);
    assert_true(is_closed(idle));
    expect(stream, "0\r\n\r\n");
    expect(busy, NULL);
    expect_part("{\"late\":true}");
    (void)close(idle);
    (void)close(busy);
    (void)close(stream);
}

static void drains_no_longer_than_told(void **state)
{
    int busy = dial();
    (void)state;
    post(busy, "quiet");
    (void)usleep(50000);
    (void)kill(server, SIGHUP);
    (void)kill(server, SIGTERM);
    expect(busy, NULL);
    assert_string_equal(got, "");
    (void)close(busy);
}

#define TEST(name, set_up_fn) cmocka_unit_test_setup_teardown(name, set_up_fn, tear_down)

// An argument is the name, or a pattern, of the tests to be run.
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(answers, set_up_plain),
        TEST(headers_reach_the_gateway, set_up_plain),
        TEST(events, set_up_plain),
        TEST(streams, set_up_plain),
        TEST(bodies, set_up_plain),
        TEST(too_large, set_up_plain),
        TEST(pipelined, set_up_plain),
        TEST(keys, set_up_plain),
        TEST(routes, set_up_plain),
        TEST(origins, set_up_plain),
        TEST(framing, set_up_plain),
        TEST(gone_clients, set_up_plain),
        TEST(slow_readers, set_up_plain),
        TEST(late_clients, set_up_hasty),
        TEST(too_many, set_up_narrow),
        TEST(workers, set_up_workers),
        TEST(metrics, set_up_workers),
        TEST(drains, set_up_workers),
        TEST(drains_no_longer_than_told, set_up_plain),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
