// test_http_tls.c: the HTTP client over TLS.
#include "http_bench.h"
#include "stream_world.h"

static int set_up_tls(void **state)
{
    return set_up_with(state, server_tls, client_tls);
}

static void speaks_https(void **state)
{
    struct bench *bench = *state;
    expect_hello(bench, "POST", "/");
    expect_hello(bench, "POST", "/chunked");
    assert_int_equal(bench->server.connections, 1);
    expect_hello(bench, "POST", "/to-the-end");
    expect_hello(bench, "POST", "/");
    bench->server.close_next = true;
    expect_hello(bench, "GET", "/");
}

// Without TLS nobody could tell.
static void notices_a_body_that_is_cut(void **state)
{
    expect_failure(*state, "/cut-off", HTTP_LOST);
}

static void holds_the_flow(void **state)
{
    struct bench *bench = *state;
    struct seen seen = {.hold = true};
    send_to(bench, "POST", "/big/10485760", &seen);
    while (seen.pieces == 0)
        loop_run(bench->loop);
    size_t size = seen.body.size;
    let_run(bench, 30);
    assert_true(seen.body.size <= size + (64 << 10));
    http_hold(seen.exchange, false);
    wait_for(&seen);
    assert_true(seen.done);
    assert_int_equal(seen.body.size, 10485760);
    buf_done(&seen.body);
}

static void verifies_the_name(void **state)
{
    struct bench *bench = *state;
    static struct server_spec spec;
    static char url[64];
    struct seen seen = {0};
    (void)snprintf(url, sizeof url, "https://localhost:%u/",
                   (unsigned)listener_port(bench->server.listener));
    spec_init(&spec, url);
    send_spec(bench, &spec, (struct http_order){.method = "GET"}, &seen);
    wait_for(&seen);
    assert_true(seen.failed);
    assert_int_equal(seen.why, HTTP_UNREACHABLE);
    assert_int_equal(bench->server.requests, 0);
}

static void speaks_tls_only(void **state)
{
    struct bench *bench = *state;
    static struct server_spec spec;
    static char url[64];
    struct seen seen = {0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/",
                   (unsigned)listener_port(bench->server.listener));
    spec_init(&spec, url);
    send_spec(bench, &spec, (struct http_order){.method = "POST"}, &seen);
    wait_for(&seen);
    assert_true(seen.failed);
    assert_int_equal(seen.why == HTTP_LOST || seen.why == HTTP_GARBLED, 1);
    assert_int_equal(bench->server.requests, 0);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(speaks_https),    TLS_TEST(notices_a_body_that_is_cut),
        TLS_TEST(holds_the_flow),  TLS_TEST(verifies_the_name),
        TLS_TEST(speaks_tls_only),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
