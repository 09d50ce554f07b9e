// http_bench.h: an HTTP client beside a scripted server, and what became of a request; for the
// tests of the HTTP client.
#pragma once

#include "base/clock.h"
#include "http_server.h"
#include "upstream/http_client.h"

enum { SHORT = 30000 }; // microseconds, for timeouts

#define OK "HTTP/1.1 200 OK\r\n"
#define HTTP_102 "HTTP/1.1 102 Processing\r\n\r\n"
#define MANY_102 HTTP_102 HTTP_102 HTTP_102 HTTP_102 HTTP_102

static const struct script scripts[] = {
    {"/", OK "Content-Length: 5\r\n\r\nhello", THEN_STAY},
    {"/empty", OK "Content-Length: 0\r\n\r\n", THEN_STAY},
    {"/204", "HTTP/1.1 204 No Content\r\n\r\n", THEN_STAY},
    {"/204-body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", THEN_STAY},
    {"/202", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", THEN_STAY},
    {"/chunked",
     OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n",
     THEN_STAY},
    {"/to-the-end", OK "Connection: close\r\n\r\nhello", THEN_FINISH},
    {"/cut-off", OK "Connection: close\r\n\r\nhello", THEN_CLOSE},
    {"/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", THEN_FINISH},
    {"/1.0-length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", THEN_STAY},
    {"/1.0-keep", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
     THEN_STAY},
    {"/close", OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello", THEN_FINISH},
    {"/interim",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK
     "Content-Length: 5\r\n\r\nhello",
     THEN_STAY},
    {"/interims", MANY_102 MANY_102 MANY_102 MANY_102 OK "Content-Length: 0\r\n\r\n", THEN_STAY},
    {"/304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", THEN_STAY},
    {"/switch", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", THEN_STAY},
    {"/keep-5", OK "Keep-Alive: timeout=5\r\nContent-Length: 5\r\n\r\nhello", THEN_STAY},
    {"/keep-1", OK "Keep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nhello", THEN_STAY},
    {"/extra", OK "Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n", THEN_STAY},
    {"/302", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
     THEN_STAY},
    {"/garbage", "SSH-2.0-OpenSSH\r\n\r\n", THEN_STAY},
    {"/bare-lf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", THEN_STAY},
    {"/two-lengths", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", THEN_STAY},
    {"/bad-chunk", OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", THEN_STAY},
    {"/gzip", OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", THEN_STAY},
    {"/half-head", "HTTP/1.1 200 O", THEN_FINISH},
    {"/half-body", OK "Content-Length: 50\r\n\r\nhello", THEN_FINISH},
    {"/half-chunk", OK "Transfer-Encoding: chunked\r\n\r\n9\r\nhello", THEN_FINISH},
    {"/nothing", NULL, THEN_FINISH},
    {"/silent", NULL, THEN_STAY},
    {"/head-only", OK "Content-Length: 50\r\n\r\n", THEN_STAY},
    {"/stuck", OK "Content-Length: 50\r\n\r\nhello", THEN_STAY},
    {"/huge", OK "Content-Length: 1000000\r\n\r\n", THEN_STAY},
    {NULL, NULL, THEN_STAY},
};

struct bench {
    struct loop *loop;
    struct timer *timer;
    struct settings settings;
    struct http_client *client;
    struct server server;
    int64_t skip; // added to the time the client is told
    const char *scheme;
};

enum cancel { NEVER, IN_HEAD, IN_DATA, IN_DONE, IN_FAILED };

// What came of a request.
struct seen {
    struct bench *bench;
    struct http_exchange *exchange;
    enum cancel cancel;
    bool again; // another one to `/` from within `done` or `failed`
    bool hold;  // from the first data on
    struct seen *other;
    bool over, done, failed;
    int heads, status;
    enum http_failure why;
    const char *sentence;
    size_t pieces;
    struct buf body;
};

static inline void is_over(struct seen *seen)
{
    seen->over = true;
    loop_stop(seen->bench->loop);
}

static inline void cancel_in(struct seen *seen, enum cancel where)
{
    if (seen->cancel != where)
        return;
    http_cancel(&seen->exchange);
    assert_null(seen->exchange);
    is_over(seen);
}

static inline void send_spec(struct bench *bench, struct server_spec *spec, struct http_order order,
                             struct seen *seen);
static inline void send_to(struct bench *bench, const char *method, const char *target,
                           struct seen *seen);

static void on_head(void *context, const struct http_head *head, bool more)
{
    struct seen *seen = (struct seen *)context;
    (void)more;
    assert_false(seen->over);
    seen->heads++;
    seen->status = head->status;
    cancel_in(seen, IN_HEAD);
}

static void on_data(void *context, struct view bytes)
{
    struct seen *seen = (struct seen *)context;
    assert_false(seen->over);
    seen->pieces++;
    buf_add(&seen->body, bytes);
    if (seen->hold && seen->pieces == 1) {
        http_hold(seen->exchange, true);
        loop_stop(seen->bench->loop);
    }
    cancel_in(seen, IN_DATA);
}

static inline void send_again(struct seen *seen)
{
    if (seen->again)
        send_to(seen->bench, "GET", "/", seen->other);
}

static void on_done(void *context)
{
    struct seen *seen = (struct seen *)context;
    assert_false(seen->over);
    seen->done = true;
    send_again(seen);
    cancel_in(seen, IN_DONE);
    is_over(seen);
}

static void on_failed(void *context, enum http_failure why, const char *sentence)
{
    struct seen *seen = (struct seen *)context;
    assert_false(seen->over);
    assert_non_null(sentence);
    seen->failed = true;
    seen->why = why;
    seen->sentence = sentence;
    send_again(seen);
    cancel_in(seen, IN_FAILED);
    is_over(seen);
}

static const struct http_events events = {on_head, on_data, on_done, on_failed};

static void on_tick(void *context)
{
    struct bench *bench = (struct bench *)context;
    http_client_tick(bench->client, loop_clock() + bench->skip);
}

// With TLS when there is any.
static inline int set_up_with(void **state, struct tls *server, struct tls *client)
{
    struct err err;
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_true(loop_new(&bench->loop, &err));
    settings_init(&bench->settings);
    bench->client = http_client_new(bench->loop, &bench->settings, client);
    assert_non_null(bench->client);
    assert_true(timer_new(bench->loop, 5, on_tick, bench, &bench->timer, &err));
    server_init(&bench->server, bench->loop, scripts, server);
    bench->scheme = server ? "https" : "http";
    *state = bench;
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_with(state, NULL, NULL);
}

static inline int tear_down(void **state)
{
    struct bench *bench = *state;
    http_client_free(&bench->client);
    server_done(&bench->server);
    timer_free(&bench->timer);
    loop_free(&bench->loop);
    free(bench);
    return 0;
}

// A spec that nobody frees: its last reference stays.
static inline void spec_init(struct server_spec *spec, const char *url)
{
    *spec = (struct server_spec){.references = 1, .http = true, .url_text = view_of(url)};
    spec->allow_private_addresses = true;
    assert_null(url_read(spec->url_text, &spec->url));
}

static inline void send_spec(struct bench *bench, struct server_spec *spec, struct http_order order,
                             struct seen *seen)
{
    seen->bench = bench;
    buf_init(&seen->body, 64 << 20);
    order.spec = spec;
    seen->exchange = http_send(bench->client, &order, &events, seen);
    assert_non_null(seen->exchange);
    assert_false(seen->over); // no event before it returns
}

// Specs live as long as the program, one for a target and port.
static inline struct server_spec *spec_at(const struct bench *bench, const char *target)
{
    static struct known {
        char url[128];
        struct server_spec spec;
    } known[256];
    static size_t count;
    char url[128];
    (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", bench->scheme,
                   (unsigned)listener_port(bench->server.listener), target);
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i].url, url) == 0)
            return &known[i].spec;
    assert_true(count < COUNT_OF(known));
    (void)memcpy(known[count].url, url, sizeof url);
    spec_init(&known[count].spec, known[count].url);
    return &known[count++].spec;
}

static inline void send_to(struct bench *bench, const char *method, const char *target,
                           struct seen *seen)
{
    struct http_order order = {.method = method};
    if (strcmp(method, "POST") == 0)
        order.body = VIEW("{\"id\":1}");
    send_spec(bench, spec_at(bench, target), order, seen);
}

static inline void wait_for(struct seen *seen)
{
    while (!seen->over)
        loop_run(seen->bench->loop);
}

static inline void let_run(struct bench *bench, int64_t ms)
{
    struct err err;
    struct timer *timer;
    assert_true(timer_new(bench->loop, (uint64_t)ms, (void (*)(void *))loop_stop, bench->loop,
                          &timer, &err));
    loop_run(bench->loop);
    timer_free(&timer);
}

static inline void expect_hello(struct bench *bench, const char *method, const char *target)
{
    struct seen seen = {0};
    send_to(bench, method, target, &seen);
    wait_for(&seen);
    if (!seen.done)
        fail_msg("%s: %s", target, seen.sentence);
    assert_int_equal(seen.heads, 1);
    assert_int_equal(seen.status, 200);
    assert_true(view_is(buf_view(&seen.body), "hello"));
    buf_done(&seen.body);
}

static inline void expect_status(struct bench *bench, const char *target, int status)
{
    struct seen seen = {0};
    send_to(bench, "POST", target, &seen);
    wait_for(&seen);
    assert_true(seen.done);
    assert_int_equal(seen.status, status);
    assert_int_equal(seen.body.size, 0);
}

static inline void expect_failure(struct bench *bench, const char *target, enum http_failure why)
{
    struct seen seen = {0};
    send_to(bench, "POST", target, &seen);
    wait_for(&seen);
    if (!seen.failed || seen.why != why)
        print_error("%s: %s\n", target, seen.failed ? seen.sentence : "no failure");
    assert_true(seen.failed);
    assert_int_equal(seen.why, why);
    buf_done(&seen.body);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
