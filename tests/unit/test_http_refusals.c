// test_http_refusals.c: servers that keep us waiting, and addresses that are not connected to.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_bench.h"

// --- timeouts --------------------------------------------------------------------------------
static void does_not_wait_for_ever(void **state)
{
    struct bench *bench = *state;
    bench->settings.first_byte_timeout = SHORT;
    expect_failure(bench, "/silent", HTTP_TIMEOUT);
    bench->settings.first_byte_timeout = 10 * TIME_SECOND;
    bench->settings.idle_timeout = SHORT;
    expect_failure(bench, "/head-only", HTTP_TIMEOUT);
    expect_failure(bench, "/stuck", HTTP_TIMEOUT);
    bench->settings.idle_timeout = 10 * TIME_SECOND;
    bench->settings.total_timeout = SHORT;
    expect_failure(bench, "/silent", HTTP_TIMEOUT);
    expect_failure(bench, "/stuck", HTTP_TIMEOUT);
}

static void prefers_the_times_of_the_spec(void **state)
{
    struct bench *bench = *state;
    spec_at(bench, "/silent")->first_byte_timeout = SHORT;
    expect_failure(bench, "/silent", HTTP_TIMEOUT);
    spec_at(bench, "/silent")->first_byte_timeout = 0;
}

static void streams_end_for_want_of_a_head_only(void **state)
{
    struct bench *bench = *state;
    struct http_order order = {.method = "GET", .stream = true};
    struct seen silent = {0}, stuck = {0};
    bench->settings.idle_timeout = bench->settings.total_timeout = SHORT;
    spec_at(bench, "/silent")->first_byte_timeout = SHORT;
    send_spec(bench, spec_at(bench, "/stuck"), order, &stuck);
    send_spec(bench, spec_at(bench, "/silent"), order, &silent);
    wait_for(&silent);
    assert_int_equal(silent.why, HTTP_TIMEOUT);
    let_run(bench, 60);
    assert_false(stuck.over);
    assert_int_equal(stuck.pieces, 1);
    http_cancel(&stuck.exchange);
    buf_done(&stuck.body);
}

// A listener whose queue is full lets nobody in and turns nobody away.
static void gives_up_connecting(void **state)
{
    struct bench *bench = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int descriptors[8] = {socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(descriptors[0], (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(descriptors[0], 0), 0);
    assert_int_equal(getsockname(descriptors[0], (struct sockaddr *)&address, &size), 0);
    for (size_t i = 1; i < COUNT_OF(descriptors); i++) {
        descriptors[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(descriptors[i], (struct sockaddr *)&address, size);
    }
    char url[64];
    static struct server_spec spec;
    struct seen seen = {0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    spec_init(&spec, url);
    spec.connect_timeout = SHORT;
    send_spec(bench, &spec, (struct http_order){.method = "GET"}, &seen);
    wait_for(&seen);
    assert_true(seen.failed);
    assert_int_equal(seen.why, HTTP_TIMEOUT);
    for (size_t i = 0; i < COUNT_OF(descriptors); i++)
        close(descriptors[i]);
    http_client_free(&bench->client); // it knows the url
    bench->client = http_client_new(bench->loop, &bench->settings, NULL);
}

// --- addresses -------------------------------------------------------------------------------
static enum http_failure failure_of(struct bench *bench, const char *url, bool allow)
{
    struct server_spec spec;
    struct seen seen = {0};
    spec_init(&spec, url);
    spec.allow_private_addresses = allow;
    send_spec(bench, &spec, (struct http_order){.method = "GET"}, &seen);
    wait_for(&seen);
    assert_true(seen.failed);
    http_client_free(&bench->client); // it knows the spec
    bench->client = http_client_new(bench->loop, &bench->settings, NULL);
    assert_non_null(bench->client);
    return seen.why;
}

static void refuses_private_addresses(void **state)
{
    static const char *const hosts[] = {
        "127.0.0.1",       "localhost",  "0x7f.1",       "127.1",     "2130706433",
        "[::1]",           "10.0.0.1",   "192.168.0.1.", "[fe80::1]", "[fd00::1]",
        "169.254.169.254", "localhost.", "0.0.0.0",      "[::]",      "[::ffff:127.0.0.1]",
    };
    struct bench *bench = *state;
    char url[64];
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        (void)snprintf(url, sizeof url, "http://%s:%u/", hosts[i],
                       (unsigned)listener_port(bench->server.listener));
        assert_int_equal(failure_of(bench, url, false), HTTP_FORBIDDEN);
    }
    (void)snprintf(url, sizeof url, "http://0.0.0.0:%u/",
                   (unsigned)listener_port(bench->server.listener));
    assert_int_equal(failure_of(bench, url, true), HTTP_FORBIDDEN);
    assert_int_equal(bench->server.connections, 0);
}

// The machine's own name is a name like any other, and leads to the machine.
static void refuses_names_that_lead_there(void **state)
{
    struct bench *bench = *state;
    char name[256], url[512];
    assert_int_equal(gethostname(name, sizeof name), 0);
    if (address_reach(view_of(name)) != REACH_NAME)
        skip();
    (void)snprintf(url, sizeof url, "http://%s:%u/", name,
                   (unsigned)listener_port(bench->server.listener));
    enum http_failure why = failure_of(bench, url, false);
    assert_true(why == HTTP_FORBIDDEN || why == HTTP_UNREACHABLE); // when nobody knows it
    assert_int_equal(bench->server.connections, 0);
}

static void connects_to_what_is_allowed(void **state)
{
    static const char *const hosts[] = {"localhost", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"};
    struct bench *bench = *state;
    static struct server_spec specs[COUNT_OF(hosts)];
    static char urls[COUNT_OF(hosts)][64];
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        struct seen seen = {0};
        (void)snprintf(urls[i], sizeof urls[i], "http://%s:%u/", hosts[i],
                       (unsigned)listener_port(bench->server.listener));
        spec_init(&specs[i], urls[i]);
        send_spec(bench, &specs[i], (struct http_order){.method = "GET"}, &seen);
        wait_for(&seen);
        if (!seen.done)
            print_error("%s: %s\n", urls[i], seen.sentence);
        assert_true(seen.done);
        buf_done(&seen.body);
    }
}

static void tells_who_cannot_be_reached(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(failure_of(bench, "http://127.0.0.1:1/", true), HTTP_UNREACHABLE);
    assert_int_equal(failure_of(bench, "http://name.invalid/", true), HTTP_UNREACHABLE);
    assert_int_equal(failure_of(bench, "https://127.0.0.1:1/", true), HTTP_UNREACHABLE);
    spec_at(bench, "/")->broken = true;
    expect_failure(bench, "/", HTTP_UNREACHABLE);
    spec_at(bench, "/")->broken = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(does_not_wait_for_ever),
        HTTP_TEST(prefers_the_times_of_the_spec),
        HTTP_TEST(streams_end_for_want_of_a_head_only),
        HTTP_TEST(gives_up_connecting),
        HTTP_TEST(refuses_private_addresses),
        HTTP_TEST(refuses_names_that_lead_there),
        HTTP_TEST(connects_to_what_is_allowed),
        HTTP_TEST(tells_who_cannot_be_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
