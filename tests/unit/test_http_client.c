// test_http_client.c: requests and answers over kept connections.
#include "http_bench.h"

// --- answers ---------------------------------------------------------------------------------
static void reuses_connections(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 5; i++)
        expect_hello(bench, "POST", "/");
    expect_hello(bench, "GET", "/chunked");
    expect_status(bench, "/204", 204);
    expect_status(bench, "/202", 202);
    expect_status(bench, "/empty", 200);
    expect_hello(bench, "POST", "/interim");
    expect_status(bench, "/302", 302);
    expect_status(bench, "/304", 304);
    assert_int_equal(bench->server.connections, 1);
    assert_int_equal(bench->server.requests, 12);
}

static void gives_a_small_answer_in_one_piece(void **state)
{
    struct seen seen = {0};
    send_to(*state, "POST", "/", &seen);
    wait_for(&seen);
    assert_int_equal(seen.pieces, 1);
    buf_done(&seen.body);
}

static void puts_answers_together(void **state)
{
    struct bench *bench = *state;
    struct seen seen = {0};
    bench->server.dribble = 1;
    send_to(bench, "POST", "/", &seen);
    wait_for(&seen);
    assert_int_equal(seen.pieces, 5);
    buf_done(&seen.body);
    for (bench->server.dribble = 1; bench->server.dribble < 90; bench->server.dribble++) {
        expect_hello(bench, "POST", "/");
        expect_hello(bench, "POST", "/chunked");
        expect_hello(bench, "POST", "/interim");
        expect_status(bench, "/204", 204);
    }
    assert_int_equal(bench->server.connections, 1);
    bench->server.dribble = 1;
    expect_hello(bench, "POST", "/to-the-end");
    expect_failure(bench, "/bare-lf", HTTP_GARBLED);
    bench->settings.request_head = 38; // the size of this head
    expect_hello(bench, "POST", "/");
    bench->settings.request_head = 37;
    expect_failure(bench, "/", HTTP_LARGE);
    let_run(bench, 20); // the rest of what nobody wants any more
}

static void does_not_reuse_what_is_not_clear(void **state)
{
    static const char *const targets[] = {"/to-the-end", "/1.0",    "/1.0-length", "/close",
                                          "/extra",      "/keep-1", "/1.0-keep"};
    struct bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        expect_hello(bench, "GET", targets[i]);
        expect_hello(bench, "GET", "/close");
        assert_int_equal(bench->server.connections, 2 * i + 2);
    }
    expect_status(bench, "/204-body", 204);
    expect_hello(bench, "GET", "/");
    assert_int_equal(bench->server.connections, 2 * COUNT_OF(targets) + 2);
}

static void refuses_what_is_no_http(void **state)
{
    static const char *const targets[] = {"/garbage", "/bare-lf",  "/two-lengths", "/bad-chunk",
                                          "/gzip",    "/interims", "/switch"};
    for (size_t i = 0; i < COUNT_OF(targets); i++)
        expect_failure(*state, targets[i], HTTP_GARBLED);
}

static void notices_that_an_answer_is_cut(void **state)
{
    static const char *const targets[] = {"/half-head", "/half-body", "/half-chunk", "/nothing"};
    for (size_t i = 0; i < COUNT_OF(targets); i++)
        expect_failure(*state, targets[i], HTTP_LOST);
}

static void bounds_answers(void **state)
{
    struct bench *bench = *state;
    bench->settings.upstream_body = 4;
    expect_failure(bench, "/", HTTP_LARGE);
    expect_failure(bench, "/chunked", HTTP_LARGE);
    expect_failure(bench, "/to-the-end", HTTP_LARGE);
    bench->settings.upstream_body = 5;
    expect_hello(bench, "POST", "/chunked");
    expect_failure(bench, "/huge", HTTP_LARGE);
    bench->settings.request_head = 20;
    expect_failure(bench, "/", HTTP_LARGE);
    bench->settings.request_head = 38;
    expect_hello(bench, "POST", "/");
}

// A stream may go on for ever.
static void does_not_bound_streams(void **state)
{
    struct bench *bench = *state;
    struct seen seen = {0};
    bench->settings.upstream_body = 4;
    struct http_order order = {.method = "GET", .stream = true};
    send_spec(bench, spec_at(bench, "/chunked"), order, &seen);
    wait_for(&seen);
    assert_true(seen.done);
    buf_done(&seen.body);
}

// --- what is sent ----------------------------------------------------------------------------
// `before` and `behind`: what stands around the port.
static void expect_sent(struct bench *bench, const char *before, const char *behind)
{
    char *wanted = NULL;
    unsigned port = listener_port(bench->server.listener);
    assert_true(asprintf(&wanted, "%s%u%s", before, port, behind) > 0);
    buf_add_char(&bench->server.last, '\0');
    assert_string_equal(bench->server.last.data, wanted);
    free(wanted);
}

static void sends_what_it_is_told(void **state)
{
    struct bench *bench = *state;
    const struct server_header headers[] = {
        {VIEW("Authorization"), VIEW("Bearer upstream")},
        {VIEW("host"), VIEW("evil")},
        {VIEW("accept-encoding"), VIEW("gzip")},
        {VIEW("Accept"), VIEW("text/plain")},
    };
    const struct http_field fields[] = {
        {VIEW("accept"), VIEW("application/json")},
        {VIEW("Connection"), VIEW("close")},
        {VIEW("Content-Length"), VIEW("7")},
    };
    struct server_spec *spec = spec_at(bench, "?a=b"); // a target without a path
    struct seen seen = {0};
    spec->headers = headers;
    spec->header_count = COUNT_OF(headers);
    struct http_order order = {
        .method = "POST", .fields = fields, .field_count = COUNT_OF(fields), .body = VIEW("{}")};
    send_spec(bench, spec, order, &seen);
    let_run(bench, 50);
    expect_sent(bench, "POST /?a=b HTTP/1.1\r\nHost: 127.0.0.1:",
                "\r\n"
                "Authorization: Bearer upstream\r\nUser-Agent: secure-mcp-gateway/" SMG_VERSION
                "\r\naccept: application/json\r\nContent-Length: 2\r\n\r\n{}");
    http_cancel(&seen.exchange);
    order = (struct http_order){.method = "DELETE"};
    send_spec(bench, spec, order, &seen);
    let_run(bench, 50);
    expect_sent(bench, "DELETE /?a=b HTTP/1.1\r\nHost: 127.0.0.1:",
                "\r\n"
                "Authorization: Bearer upstream\r\nAccept: text/plain\r\n"
                "User-Agent: secure-mcp-gateway/" SMG_VERSION "\r\n\r\n");
    http_cancel(&seen.exchange);
}

static void expect_basic(struct bench *bench, const char *user, const char *encoded)
{
    static struct server_spec specs[8];
    static char urls[COUNT_OF(specs)][64];
    static size_t count;
    struct seen seen = {0};
    char *url = urls[count], line[128];
    (void)snprintf(url, sizeof urls[0], "http://%s127.0.0.1:%u/", user,
                   (unsigned)listener_port(bench->server.listener));
    spec_init(&specs[count], url);
    send_spec(bench, &specs[count++], (struct http_order){.method = "GET"}, &seen);
    wait_for(&seen);
    assert_true(seen.done);
    buf_done(&seen.body);
    (void)snprintf(line, sizeof line,
                   "\r\nAuthorization: Basic %s\r\nUser-Agent: secure-mcp-gateway/" SMG_VERSION
                   "\r\n\r\n",
                   encoded);
    expect_sent(bench, "GET / HTTP/1.1\r\nHost: 127.0.0.1:", line);
}

static void sends_the_credentials_of_a_url(void **state)
{
    expect_basic(*state, "user:password@", "dXNlcjpwYXNzd29yZA==");
    expect_basic(*state, "a:b%40c@", "YTpiQGM=");
    expect_basic(*state, "key@", "a2V5Og==");
    expect_basic(*state, "a:b@c@", "YTpiQGM=");
    expect_basic(*state, "@", "Og==");
    expect_basic(*state, "ab%4:%zz@", "YWIlNDoleno=");
}

static void refuses_fields_that_end_the_head(void **state)
{
    static const struct http_field bad[] = {
        {VIEW("A"), VIEW("b\r\nC: d")}, {VIEW("A"), VIEW("b\0c")}, {VIEW("A\n"), VIEW("b")},
        {VIEW("A:"), VIEW("b")},        {VIEW(""), VIEW("b")},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct seen seen = {0};
        struct http_order order = {.method = "GET", .fields = &bad[i], .field_count = 1};
        send_spec(bench, spec_at(bench, "/"), order, &seen);
        wait_for(&seen);
        assert_true(seen.failed);
        assert_int_equal(seen.why, HTTP_GARBLED);
    }
    assert_int_equal(bench->server.requests, 0);
}

static void sends_large_bodies(void **state)
{
    enum { LARGE = 5 << 20 };
    struct bench *bench = *state;
    char *body = malloc(LARGE);
    assert_non_null(body);
    memset(body, 'y', LARGE);
    for (int i = 0; i < 2; i++) { // over a new connection, and over the kept one
        struct seen seen = {0};
        struct http_order order = {.method = "POST", .body = {body, LARGE}};
        send_spec(bench, spec_at(bench, "/"), order, &seen);
        wait_for(&seen);
        assert_true(seen.done);
        buf_done(&seen.body);
        const struct buf *last = &bench->server.last;
        assert_memory_equal(last->data + last->size - LARGE, body, LARGE);
    }
    assert_int_equal(bench->server.connections, 1);
    free(body);
}

// --- connections that go away ----------------------------------------------------------------
static void replaces_closed_connections(void **state)
{
    struct bench *bench = *state;
    expect_hello(bench, "POST", "/");
    server_hang_up(&bench->server);
    let_run(bench, 20);
    expect_hello(bench, "POST", "/"); // it was seen that it is closed
    assert_int_equal(bench->server.connections, 2);

    bench->server.close_next = true;
    expect_hello(bench, "GET", "/"); // it was not: once more
    assert_int_equal(bench->server.connections, 3);
    assert_int_equal(bench->server.requests, 4);

    bench->server.close_next = true;
    expect_failure(bench, "/", HTTP_LOST); // a POST may have been acted on
    expect_hello(bench, "POST", "/");

    struct seen seen = {0};
    struct http_order order = {.method = "POST", .body = VIEW("{}"), .repeatable = true};
    bench->server.close_next = true;
    send_spec(bench, spec_at(bench, "/"), order, &seen);
    wait_for(&seen);
    assert_true(seen.done);
    buf_done(&seen.body);
}

// A connection that is new has no excuse.
static void sends_again_only_once(void **state)
{
    struct bench *bench = *state;
    struct seen seen = {0};
    expect_hello(bench, "GET", "/");
    send_to(bench, "GET", "/nothing", &seen);
    wait_for(&seen);
    assert_int_equal(seen.why, HTTP_LOST);
    assert_int_equal(bench->server.requests, 3);
}

static void wait_for_present(struct bench *bench, unsigned connections)
{
    for (int i = 0; i < 1000 && bench->server.present != connections; i++)
        let_run(bench, 5);
    assert_int_equal(bench->server.present, connections);
}

static void forgets_idle_connections(void **state)
{
    struct bench *bench = *state;
    expect_hello(bench, "POST", "/keep-5");
    bench->skip = 3 * TIME_SECOND;
    let_run(bench, 20);
    assert_int_equal(bench->server.present, 1);
    bench->skip = 5 * TIME_SECOND;
    wait_for_present(bench, 0);
    bench->skip = 0; // or it would count as time that was spent on connecting
    expect_hello(bench, "POST", "/");
    bench->skip += 40 * TIME_SECOND;
    let_run(bench, 20);
    assert_int_equal(bench->server.present, 1);
    bench->skip += 20 * TIME_SECOND;
    wait_for_present(bench, 0);
}

static void keeps_a_bounded_number(void **state)
{
    enum { MANY = 100, KEPT = 64 };
    struct bench *bench = *state;
    struct seen *seen = calloc(MANY, sizeof *seen);
    assert_non_null(seen);
    for (int i = 0; i < MANY; i++)
        send_to(bench, "POST", "/", &seen[i]);
    for (int i = 0; i < MANY; i++) {
        wait_for(&seen[i]);
        assert_true(seen[i].done);
        buf_done(&seen[i].body);
    }
    let_run(bench, 20);
    assert_int_equal(bench->server.connections, MANY);
    assert_int_equal(bench->server.present, KEPT);
    free(seen);
}

// --- from within events ----------------------------------------------------------------------
static void can_be_cancelled_in_events(void **state)
{
    struct bench *bench = *state;
    static const enum cancel wheres[] = {IN_HEAD, IN_DATA, IN_DONE};
    static const char *const targets[] = {"/", "/chunked"};
    for (size_t i = 0; i < COUNT_OF(wheres) * COUNT_OF(targets); i++) {
        struct seen seen = {.cancel = wheres[i / 2]};
        send_to(bench, "POST", targets[i % 2], &seen);
        wait_for(&seen);
        let_run(bench, 10);
        assert_int_equal(seen.done, seen.cancel == IN_DONE);
        assert_int_equal(seen.pieces > 0, seen.cancel != IN_HEAD);
        buf_done(&seen.body);
    }
    struct seen failing = {.cancel = IN_FAILED};
    send_to(bench, "POST", "/garbage", &failing);
    wait_for(&failing);
    assert_true(failing.failed);
}

static void can_be_cancelled_at_any_time(void **state)
{
    struct bench *bench = *state;
    for (int ms = 0; ms < 5; ms++) {
        struct seen seen = {0};
        send_to(bench, "POST", "/silent", &seen);
        if (ms > 0)
            let_run(bench, ms);
        http_cancel(&seen.exchange);
    }
    struct seen seen = {0};
    struct http_order order = {
        .method = "GET", .fields = &(struct http_field){{NULL, 0}, {NULL, 0}}, .field_count = 1};
    send_spec(bench, spec_at(bench, "/"), order, &seen);
    http_cancel(&seen.exchange); // whose failure was to be told
    let_run(bench, 20);
    assert_false(seen.over);
    assert_int_equal(bench->server.present, 0);
    http_cancel(&seen.exchange);
}

static void can_send_in_events(void **state)
{
    static const char *const targets[] = {"/", "/chunked", "/extra", "/garbage", "/nothing"};
    struct bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        struct seen other = {0}, seen = {.again = true, .other = &other};
        send_to(bench, "POST", targets[i], &seen);
        wait_for(&seen);
        wait_for(&other);
        assert_true(other.done);
        buf_done(&seen.body);
        buf_done(&other.body);
    }
    assert_int_equal(bench->server.connections, 4); // a second one for each that was lost
}

// --- holding ---------------------------------------------------------------------------------
static void holds_the_flow(void **state)
{
    enum { BIG = 10 << 20, READ = 64 << 10 };
    struct bench *bench = *state;
    struct seen seen = {.hold = true};
    bench->settings.idle_timeout = SHORT; // which does not count while held
    send_to(bench, "POST", "/big/10485760", &seen);
    while (seen.pieces == 0)
        loop_run(bench->loop);
    let_run(bench, 100);
    assert_false(seen.over);
    assert_true(seen.body.size <= READ);
    bench->settings.idle_timeout = 10 * TIME_SECOND;
    http_hold(seen.exchange, false);
    wait_for(&seen);
    assert_true(seen.done);
    assert_int_equal(seen.body.size, BIG);
    buf_done(&seen.body);
    expect_hello(bench, "POST", "/");
    assert_int_equal(bench->server.connections, 1);
}

// What holds one answer does not hold the connection behind it.
static void keeps_connections_unheld(void **state)
{
    struct bench *bench = *state;
    struct seen seen = {.hold = true};
    send_to(bench, "POST", "/", &seen);
    wait_for(&seen);
    assert_true(seen.done);
    buf_done(&seen.body);
    server_hang_up(&bench->server);
    let_run(bench, 20);
    expect_hello(bench, "POST", "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(reuses_connections),
        HTTP_TEST(gives_a_small_answer_in_one_piece),
        HTTP_TEST(puts_answers_together),
        HTTP_TEST(does_not_reuse_what_is_not_clear),
        HTTP_TEST(refuses_what_is_no_http),
        HTTP_TEST(notices_that_an_answer_is_cut),
        HTTP_TEST(bounds_answers),
        HTTP_TEST(does_not_bound_streams),
        HTTP_TEST(sends_what_it_is_told),
        HTTP_TEST(refuses_fields_that_end_the_head),
        HTTP_TEST(sends_large_bodies),
        HTTP_TEST(replaces_closed_connections),
        HTTP_TEST(sends_again_only_once),
        HTTP_TEST(forgets_idle_connections),
        HTTP_TEST(keeps_a_bounded_number),
        HTTP_TEST(can_be_cancelled_in_events),
        HTTP_TEST(can_be_cancelled_at_any_time),
        HTTP_TEST(can_send_in_events),
        HTTP_TEST(holds_the_flow),
        HTTP_TEST(keeps_connections_unheld),
        HTTP_TEST(sends_the_credentials_of_a_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
