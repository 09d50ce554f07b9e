// The HTTP door of the gateway: requests whose bodies come in parts, slowly, or never.
#include "door_client.h"

enum { BODY = 3 * 1024 * 1024, SMALL_ROOM = 100 * 1024, SMALL_BODY = 16 * 1024 };

static int set_up_bodies(void **state)
{
    (void)set_up(state);
    settings.request_body = BODY;
    settings.unread = 4 * BODY + 4096; // four bodies; a key may have two and 1 MiB
    start();
    return 0;
}

static int set_up_small_bodies(void **state)
{
    (void)set_up(state);
    settings.unread = SMALL_ROOM; // which one key may have
    start();
    return 0;
}

static int set_up_patient(void **state)
{
    (void)set_up(state);
    settings.drain = 30 * TIME_SECOND;
    start();
    return 0;
}

// A POST that is to have `size` bytes, of which `here` come.
static void begin(int to, const char *key, size_t size, size_t here)
{
    static char text[BODY + 1];
    (void)snprintf(text, sizeof text,
                   "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: %s\r\nContent-Length: %zu\r\n\r\n",
                   key, size);
    put(to, text);
    memset(text, 'x', here);
    memcpy(text, "say", here < 3 ? here : 3);
    text[here] = '\0';
    put(to, text);
}

static void expect_refused(int from, const char *start_of_it)
{
    expect(from, NULL);
    expect_start(start_of_it);
    assert_true(is_closed(from));
    (void)close(from);
}

// What a head promises takes nothing from others, nor from its own key.
static void promised_bodies(void **state)
{
    int promising[12];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(promising); i++) {
        const char key[] = {'g', 'o', 'o', 'd', (char)('0' + i % 4), '\0'};
        promising[i] = dial();
        begin(promising[i], key, BODY, 0);
    }
    (void)usleep(50000);
    int others = dial();
    begin(others, "good4", BODY, BODY);
    expect(others, "\"bytes\":3145728");
    put(promising[0], "x");
    begin(others, "good0", BODY, BODY);
    expect(others, "\"bytes\":3145728");
    assert_int_equal(measured("connections"), COUNT_OF(promising) + 1);
    for (size_t i = 0; i < COUNT_OF(promising); i++)
        (void)close(promising[i]);
    (void)close(others);
}

// Who has taken his share gets no more, and others do, the more so when he has most.
static void bodies_under_way(void **state)
{
    int kept[4], chunked = dial(), late = dial(), others = dial();
    static char much[BODY / 2];
    (void)state;
    memset(much, 'x', sizeof much - 1);
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        kept[i] = dial();
        begin(kept[i], i % 2 ? "good1" : "good0", BODY, BODY - 1);
        (void)usleep(50000);
    }
    begin(late, "good0", BODY, BODY / 2); // two and a half do not fit
    expect_refused(late, "HTTP/1.1 429 ");
    put(chunked, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\n"
                 "Origin: https://app.example\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n17ffff\r\n");
    put(chunked, much);
    expect_refused(chunked, "HTTP/1.1 429 ");
    expect_part("\r\nAccess-Control-Allow-Origin: https://app.example\r\n");
    assert_in_range(measured("requests_bytes"), 1, settings.unread);
    assert_int_equal(measured("requests_lost_total"), 2);
    begin(others, "good2", BODY, BODY); // all is taken, by the two
    expect(others, "\"bytes\":3145728");
    size_t whole = 0;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        put(kept[i], "x");
        whole += get(kept[i], "\"bytes\":3145728");
        assert_true(strstr(got, " 200 ") || strstr(got, " 429 "));
        (void)close(kept[i]);
    }
    assert_in_range(whole, COUNT_OF(kept) - 2, COUNT_OF(kept) - 1);
    (void)close(others);
}

// Small bodies count as well, but for those that come in one piece.
static void small_bodies_under_way(void **state)
{
    enum { FIT = SMALL_ROOM / SMALL_BODY };
    int kept[FIT], others = dial(), last = dial();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        kept[i] = dial();
        begin(kept[i], "good0", SMALL_BODY, SMALL_BODY - 1);
        (void)usleep(20000);
    }
    begin(last, "good0", SMALL_BODY, SMALL_BODY - 1);
    expect_refused(last, "HTTP/1.1 429 ");
    post(others, "say");
    expect(others, "\"bytes\":3");
    for (size_t i = 0; i + 1 < COUNT_OF(kept); i++) {
        put(kept[i], "x");
        expect(kept[i], "\"bytes\":16384");
        (void)close(kept[i]);
    }
    begin(others, "good0", SMALL_BODY, SMALL_BODY);
    expect(others, "\"bytes\":16384");
    (void)close(kept[FIT - 1]);
    (void)close(others);
}

// A request that has not come whole ends with its key's access.
static void bodies_of_revoked_keys(void **state)
{
    int large = dial(), chunked = dial(), other = dial();
    (void)state;
    begin(large, "good0", 50000, 40000);
    put(chunked, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good1\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n");
    (void)usleep(50000);
    post(other, "revoke");
    expect(other, "202 Accepted");
    expect_refused(large, "HTTP/1.1 401 ");
    expect_refused(chunked, "HTTP/1.1 401 ");
    (void)close(other);
}

// Only a POST says something by its body: no other is waited for.
static void bodies_of_no_use(void **state)
{
#define NOT_A_POST(method) method " /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\n"
    static const char *const refused[] = {
        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
        "HEAD /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\na",
        "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx",
        "OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
        "Content-Length: 5\r\n\r\n",
        NOT_A_POST("GET") "Content-Length: 5\r\n\r\n",
        NOT_A_POST("DELETE") "Content-Length: 5\r\n\r\nab",
        NOT_A_POST("GET") "Connection: close\r\nContent-Length: 5\r\n\r\nabcde",
        NOT_A_POST("DELETE") "Transfer-Encoding: chunked\r\n\r\n1\r\nx",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        int to = dial();
        put(to, refused[i]);
        expect_refused(to, "HTTP/1.1 413 ");
    }
    int to = dial_port(metrics_port);
    put(to, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    expect_refused(to, "HTTP/1.1 413 ");
    to = dial_port(metrics_port);
    put(to, "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    expect_refused(to, "HTTP/1.1 413 ");
    to = dial();
    put(to, "GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    (void)usleep(20000);
    put(to, "0\r\n\r\n");
    expect(to, "{\"status\":\"ok\"}");
    put(to, NOT_A_POST("DELETE") "Content-Length: 0\r\n\r\n");
    expect(to, "Content-Length: 0\r\n\r\n");
    put(to, NOT_A_POST("DELETE") "Transfer-Encoding: chunked\r\n\r\n");
    (void)usleep(20000);
    put(to, "0\r\n\r\n");
    expect(to, "Content-Length: 0\r\n\r\n");
    expect_start("HTTP/1.1 200 OK\r\n");
    (void)close(to);
}

// What was being sent just now is waited for, but not what does not come.
static void drains_without_what_does_not_come(void **state)
{
    int head = dial(), body = dial(), whole = dial();
    (void)state;
    put(head, "POST /mcp HTTP/1.1\r\nHo");
    begin(body, "good0", 5, 4);
    begin(whole, "good0", 5, 4);
    (void)usleep(50000);
    (void)kill(server, SIGTERM);
    (void)usleep(50000);
    put(whole, "!");
    expect(whole, NULL);
    expect_part("\"bytes\":5");
    expect_refused(body, "HTTP/1.1 503 ");
    expect_refused(head, "HTTP/1.1 503 ");
    (void)close(whole);
}

// An argument is the name, or a pattern, of the tests to be run.
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(promised_bodies, set_up_bodies),
        TEST(bodies_under_way, set_up_bodies),
        TEST(small_bodies_under_way, set_up_small_bodies),
        TEST(bodies_of_revoked_keys, set_up_plain),
        TEST(bodies_of_no_use, set_up_plain),
        TEST(drains_without_what_does_not_come, set_up_patient),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
