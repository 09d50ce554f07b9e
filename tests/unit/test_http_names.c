// test_http_names.c: where names lead. The names are looked up here, in place of os/resolve.c.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_bench.h"

// --- the resolver ----------------------------------------------------------------------------
static const char *const *answers; // addresses, NULL at the end
static unsigned questions, cancelled;

struct resolve {
    struct resolve_order order;
    bool cancelled;
};

static struct endpoint endpoint_of(const char *text, uint16_t port)
{
    struct endpoint endpoint = {.size = sizeof(struct sockaddr_in)};
    struct sockaddr_in *four = (struct sockaddr_in *)&endpoint.address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&endpoint.address;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return endpoint;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    endpoint.size = sizeof *six;
    return endpoint;
}

static void resolved(void *context)
{
    struct resolve *resolve = (struct resolve *)context;
    struct endpoint found[RESOLVE_MAX];
    size_t count = 0;
    for (; answers[count]; count++)
        found[count] = endpoint_of(answers[count], resolve->order.port);
    if (!resolve->cancelled)
        resolve->order.done(resolve->order.context, found, count, count ? NULL : "no such name");
    free(resolve);
}

bool resolve_start(struct loop *loop, const struct resolve_order *order,
                   struct resolve **ret_resolve, struct err *err)
{
    struct resolve *resolve = calloc(1, sizeof *resolve);
    if (!resolve)
        return err_memory(err);
    questions++;
    resolve->order = *order;
    *ret_resolve = resolve;
    return loop_post(loop, resolved, resolve);
}

void resolve_cancel(struct resolve **resolve)
{
    if (!*resolve)
        return;
    cancelled++;
    (*resolve)->cancelled = true;
    *resolve = NULL;
}

// --- the tests -------------------------------------------------------------------------------

// Specs stay with the client to its end.
static struct server_spec *spec_of_name(const struct bench *bench, const char *target, bool allow)
{
    static struct {
        struct server_spec spec;
        char url[64];
    } all[64];
    static size_t count;
    assert_true(count < COUNT_OF(all));
    (void)snprintf(all[count].url, sizeof all[0].url, "http://name.test:%u%s",
                   (unsigned)listener_port(bench->server.listener), target);
    spec_init(&all[count].spec, all[count].url);
    all[count].spec.allow_private_addresses = allow;
    return &all[count++].spec;
}

static struct seen try(struct bench *bench, const char *const *addresses, bool allow)
{
    struct seen seen = {0};
    answers = addresses;
    send_spec(bench, spec_of_name(bench, "/", allow), (struct http_order){.method = "POST"}, &seen);
    wait_for(&seen);
    buf_done(&seen.body);
    return seen;
}

static void judges_every_address(void **state)
{
    static const char *const refused[][4] = {
        {"127.0.0.1"},
        {"127.0.0.1", "10.1.2.3", "::1"},
        {"::ffff:127.0.0.1"},
        {"64:ff9b::7f00:1"},
        {"2002:7f00:1::"},
        {"169.254.169.254"},
        {"fe80::1"},
        {"fd00:ec2::254"},
        {"0.0.0.0"},
        {"::"},
        {"192.168.1.1", "172.16.0.1"},
        {"100.100.100.200"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct seen seen = try(bench, refused[i], false);
        assert_true(seen.failed);
        assert_int_equal(seen.why, HTTP_FORBIDDEN);
    }
    assert_int_equal(bench->server.connections, 0);
}

static void does_not_go_nowhere_even_if_allowed(void **state)
{
    static const char *const addresses[] = {"0.0.0.0", "::", "255.255.255.255", NULL};
    struct seen seen = try(*state, addresses, true);
    assert_true(seen.failed);
    assert_int_equal(seen.why, HTTP_FORBIDDEN);
}

static void tells_of_names_without_addresses(void **state)
{
    static const char *const none[] = {NULL};
    struct seen seen = try(*state, none, true);
    assert_int_equal(seen.why, HTTP_UNREACHABLE);
}

static void tries_one_address_after_the_other(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "::1", "127.0.0.1", NULL};
    static const char *const closed[] = {"127.0.0.2", "127.0.0.3", NULL};
    struct seen seen = try(*state, addresses, true);
    assert_true(seen.done);
    http_client_tick(((struct bench *)*state)->client, loop_clock() + 60 * TIME_SECOND);
    seen = try(*state, closed, true);
    assert_true(seen.failed);
    assert_int_equal(seen.why, HTTP_UNREACHABLE);
}

// Without https only what is near is spoken to; nothing is sent to the others.
static void public_addresses_need_https(void **state)
{
    static const char *const far[] = {"8.8.8.8", "2606:4700::1111", NULL};
    static const char *const both[] = {"8.8.8.8", "127.0.0.1", NULL};
    struct bench *bench = *state;
    for (int allow = 0; allow < 2; allow++) {
        struct seen seen = try(bench, far, allow);
        assert_true(seen.failed);
        assert_int_equal(seen.why, HTTP_FORBIDDEN);
        assert_string_equal(seen.sentence,
                            "the gateway's policy refuses its address, which needs https");
    }
    assert_int_equal(bench->server.connections, 0);
    assert_true(try(bench, both, true).done);
}

static void public_hosts_need_https(void **state)
{
    static const char *const urls[] = {"http://8.8.8.8/", "http://[2606:4700::1111]/"};
    static struct server_spec specs[COUNT_OF(urls)];
    unsigned before = questions;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct seen seen = {0};
        spec_init(&specs[i], urls[i]);
        send_spec(*state, &specs[i], (struct http_order){.method = "GET"}, &seen);
        wait_for(&seen);
        assert_true(seen.failed);
        assert_int_equal(seen.why, HTTP_FORBIDDEN);
        assert_string_equal(seen.sentence,
                            "the gateway's policy refuses its address, which needs https");
    }
    assert_int_equal(questions, before);
}

// The first address never answers, for its queue is full.
static void gives_each_address_its_share(void **state)
{
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.1", NULL};
    struct bench *bench = *state;
    struct endpoint full = endpoint_of("127.0.0.2", listener_port(bench->server.listener));
    int descriptors[8] = {socket(AF_INET, SOCK_STREAM, 0)};
    const struct sockaddr *address = (const struct sockaddr *)&full.address;
    assert_int_equal(bind(descriptors[0], address, full.size), 0);
    assert_int_equal(listen(descriptors[0], 0), 0);
    for (size_t i = 1; i < COUNT_OF(descriptors); i++) {
        descriptors[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(descriptors[i], address, full.size);
    }
    bench->settings.connect_timeout = 600000;
    struct seen seen = try(bench, addresses, true);
    assert_true(seen.done);
    for (size_t i = 0; i < COUNT_OF(descriptors); i++)
        close(descriptors[i]);
}

// A name may lead elsewhere tomorrow: every new connection asks, and judges, again.
static void asks_for_each_connection(void **state)
{
    static const char *const here[] = {"127.0.0.1", NULL}, *const nowhere[] = {"0.0.0.0", NULL};
    struct bench *bench = *state;
    unsigned before = questions;
    assert_true(try(bench, here, true).done);
    assert_true(try(bench, nowhere, true).done); // over the kept connection
    assert_int_equal(questions - before, 1);
    server_hang_up(&bench->server);
    let_run(bench, 20);
    assert_int_equal(try(bench, nowhere, true).why, HTTP_FORBIDDEN);
    assert_int_equal(questions - before, 2);
}

static void can_be_cancelled_while_it_asks(void **state)
{
    static const char *const here[] = {"127.0.0.1", NULL};
    struct bench *bench = *state;
    struct seen seen = {0};
    answers = here;
    send_spec(bench, spec_of_name(bench, "/", true), (struct http_order){.method = "GET"}, &seen);
    unsigned before = cancelled;
    http_cancel(&seen.exchange);
    assert_int_equal(cancelled - before, 1);
    let_run(bench, 20);
    assert_int_equal(bench->server.connections, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(judges_every_address),
        HTTP_TEST(does_not_go_nowhere_even_if_allowed),
        HTTP_TEST(tells_of_names_without_addresses),
        HTTP_TEST(tries_one_address_after_the_other),
        HTTP_TEST(public_addresses_need_https),
        HTTP_TEST(public_hosts_need_https),
        HTTP_TEST(gives_each_address_its_share),
        HTTP_TEST(asks_for_each_connection),
        HTTP_TEST(can_be_cancelled_while_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
