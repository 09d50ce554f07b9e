// The HTTP door of the gateway: answers, streams, clients that come and go, workers.
#include "door_client.h"

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

static int set_up_unread(void **state)
{
    (void)set_up(state);
    settings.unread = BIG + BIG / 8; // one answer, not four
    start();
    return 0;
}

static int set_up_unread_events(void **state)
{
    (void)set_up(state);
    settings.unread = FLOOD_EVENT + FLOOD_EVENT / 2;
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
    post_as(to, "good0", "/mcp/web/", "say");
    expect(to, "}");
    expect_part("\"server\":\"web\"");
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
    expect_part("id: a-1\ndata: { \"n\":  1}\n\n\r\n");
    post(to, "wait");
    expect(to, "\r\n0\r\n\r\n");
    expect_part("10\r\nid: a-0\ndata: \n\n\r\nc\r\nretry: 100\n\n\r\n0\r\n\r\n");
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

// A last request whose body does not come with its head.
static void last_bodies(void **state)
{
    static const char *const connection[] = {"close", "close, keep-alive", "keep-alive, close"};
    static const char *const bodies_then[] = {
        "Transfer-Encoding: chunked\r\n\r\n3\r\nsay\r\n|0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n|3\r\nsay\r\n0\r\n|\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nsay\r\n0\r\n\r\n", "Content-Length: 3\r\n\r\n|s|ay",
        "Content-Length: 3\r\n\r\ns|ayGET"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(connection) * COUNT_OF(bodies_then); i++) {
        char text[1000];
        int to = dial();
        (void)snprintf(text, sizeof text,
                       "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nConnection: %s\r\n%s",
                       connection[i % COUNT_OF(connection)], bodies_then[i / COUNT_OF(connection)]);
        for (char *rest = text, *piece; (piece = strsep(&rest, "|")) != NULL;) {
            put(to, piece);
            (void)usleep(2000);
        }
        expect(to, NULL);
        expect_start("HTTP/1.1 200 OK\r\n");
        expect_part("\r\nConnection: close\r\n");
        expect_part("\"bytes\":3");
        (void)close(to);
    }
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
    char byte;
    assert_int_equal(recv(to, &byte, 1, 0), -1); // what was sent before is recalled, too
    assert_int_equal(errno, ECONNRESET);
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

// The bytes of a large answer's body, which has the first x.
static size_t read_all(int from)
{
    size_t size = 0, head = 0;
    while (size < head + BIG && get(from, "x")) {
        head = head > 0 ? head : strcspn(got, "x");
        size += strlen(got);
    }
    return size - head;
}

// A client whose connection ends with its answer has the time of all others to take it.
static void last_answers_are_whole(void **state)
{
    int to = dial_narrow();
    (void)state;
    put(to, "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nConnection: close\r\n"
            "Content-Length: 3\r\n\r\nbig");
    (void)sleep(6);
    assert_int_equal(read_all(to), BIG);
    (void)close(to);
}

// What waits for all clients together is bounded: whose answer does not fit is cut.
static void unread_answers(void **state)
{
    enum { DEAF = 4 };
    int deaf[DEAF], other = dial();
    char said[4096];
    (void)state;
    for (size_t i = 0; i < DEAF; i++) {
        deaf[i] = dial_narrow();
        if (i == 1) // it is finished, not closed
            put(deaf[i], "POST /mcp HTTP/1.1\r\n" HEADERS "apikey: good0\r\nConnection: close\r\n"
                         "Content-Length: 3\r\n\r\nbig");
        else
            post(deaf[i], "big");
        (void)usleep(50000);
    }
    assert_in_range(measured("unread_bytes"), 1, settings.unread);
    int cut = measured("connections_unread_total");
    assert_in_range(cut, 1, DEAF - 1);
    assert_int_equal(measured("connections"), DEAF + 1 - cut);
    post(other, "say");
    expect(other, "\"bytes\":3");
    ssize_t size = read(journal, said, sizeof said - 1);
    assert_true(size > 0);
    said[size] = '\0';
    const char *event = strstr(said, "\"event\":\"unread\"");
    assert_true(event && !strstr(event + 1, "\"event\":\"unread\""));
    assert_true(read_all(deaf[DEAF - 1]) < BIG);
    assert_int_equal(read_all(deaf[0]), BIG);
    post(deaf[0], "say");
    expect(deaf[0], "\"bytes\":3");
    int late = dial_narrow(); // there is room again; it goes with its answer waiting
    post(late, "big");
    assert_in_range(measured("unread_bytes"), 1, settings.unread);
    for (size_t i = 0; i < DEAF; i++)
        (void)close(deaf[i]);
    (void)close(late);
    assert_int_equal(measured("unread_bytes"), 0);
    post(other, "big");
    assert_int_equal(read_all(other), BIG);
    (void)close(other);
}

// A client that ends its side gets its answer; when it goes instead, its connection goes too.
static void a_reader_that_goes(void **state)
{
    int half = dial_narrow(), other = dial();
    (void)state;
    post(half, "big");
    (void)shutdown(half, SHUT_WR);
    (void)usleep(100000);
    assert_int_equal(measured("connections"), 2);
    assert_in_range(measured("unread_bytes"), 1, settings.unread);
    (void)close(half);
    for (int tries = 0; tries < 20 && measured("connections") > 1; tries++)
        ;
    assert_int_equal(measured("connections"), 1);
    (void)close(other);
}

static void unread_events(void **state)
{
    int deaf = dial_narrow(), other = dial();
    size_t size = 0;
    (void)state;
    post(other, "say");
    expect(other, "\"bytes\":3");
    post(deaf, "flood");
    (void)usleep(100000);
    assert_int_equal(measured("connections_unread_total"), 1);
    assert_int_equal(measured("unread_bytes"), 0);
    while (get(deaf, "data: ") && !strstr(got, "\r\n0\r\n\r\n"))
        size += strlen(got);
    assert_true(size < (size_t)FLOOD_EVENT * FLOOD_EVENTS);
    post(other, "say");
    expect(other, "\"bytes\":3");
    (void)close(deaf);
    (void)close(other);
}

static void late_clients(void **state)
{
    int idle = dial(), begun = dial(), stream = dial(), deaf = dial(), lazy = dial();
    (void)state;
    post(deaf, "flood"); // an answer in events, and a large one, that nobody reads
    post(lazy, "big");
    put(begun, "POST /mcp HTTP/1.1\r\nHo");
    put(stream, "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
                "apikey: good0\r\n\r\n");
    expect(begun, NULL);
    expect_start("HTTP/1.1 408 ");
    expect(stream, "3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
    assert_true(is_closed(idle));
    expect_gone("\r\n\r\n1 ");
    size_t size = 0;
    while (get(lazy, "x"))
        size += strlen(got);
    assert_true(size < BIG);
    (void)close(idle);
    (void)close(begun);
    (void)close(stream);
    (void)close(deaf);
    (void)close(lazy);
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
    to = dial_port(metrics_port);
    put(to, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(to, NULL);
    expect_start("HTTP/1.1 200 ");
    expect_part("\r\nContent-Length: ");
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n"); // and nothing behind it
    (void)close(to);
    to = dial_port(metrics_port);
    put(to, "POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(to, NULL);
    expect_start("HTTP/1.1 405 ");
    expect_part("\r\nAllow: GET, HEAD\r\n");
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

// An argument is the name, or a pattern, of the tests to be run.
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(answers, set_up_plain),
        TEST(headers_reach_the_gateway, set_up_plain),
        TEST(events, set_up_plain),
        TEST(streams, set_up_plain),
        TEST(bodies, set_up_plain),
        TEST(pipelined, set_up_plain),
        TEST(last_bodies, set_up_plain),
        TEST(last_answers_are_whole, set_up_unread),
        TEST(unread_answers, set_up_unread),
        TEST(a_reader_that_goes, set_up_unread),
        TEST(unread_events, set_up_unread_events),
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
