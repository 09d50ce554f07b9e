// test_os_listener.c: addresses to listen at, and names to look up.
#include "stream_world.h"

// --- listeners -------------------------------------------------------------------------------
static void nobody_accepts(void *context, struct stream *stream)
{
    (void)context;
    stream_close(&stream);
}

static void knows_its_addresses(void **state)
{
    (void)state;
    struct err err;
    struct loop *loop;
    struct listener *listener;
    static const char *const bad[] = {
        "",         "8000",    "localhost:8000", "127.0.0.1", "127.0.0.1:",  "127.0.0.1:x",
        "::1:8000", "[::1:80", "1.2.3.4:65536",  "unix:",     "127.0.0.1:-1"};
    assert_true(loop_new(&loop, &err));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct listener_order order = {.where = bad[i], .accepted = nobody_accepts};
        assert_false(listener_new(loop, &order, &listener, &err));
        assert_int_equal(err.kind, ERR_USAGE);
    }
    loop_free(&loop);
}

static void replaces_left_over_sockets(void **state)
{
    (void)state;
    struct err err;
    struct loop *loop;
    struct listener *listener, *second;
    struct stat status;
    char path[100], where[110];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(path, sizeof path, "%s/left", folder);
    (void)snprintf(where, sizeof where, "unix:%s", path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    struct listener_order order = {.where = where, .accepted = nobody_accepts};
    assert_true(loop_new(&loop, &err));
    int left = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(left, (struct sockaddr *)&address, sizeof address), 0);
    close(left);
    assert_true(listener_new(loop, &order, &listener, &err));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(listener_new(loop, &order, &second, &err)); // somebody listens
    assert_int_equal(err.kind, ERR_CONFLICT);
    listener_free(&listener);
    assert_int_equal(stat(path, &status), -1);
    int file = open(path, O_CREAT | O_WRONLY, 0600); // no socket: not ours to remove
    close(file);
    assert_false(listener_new(loop, &order, &listener, &err));
    assert_int_equal(unlink(path), 0);
    loop_free(&loop);
}

static void shares_addresses_only_when_told(void **state)
{
    (void)state;
    static const struct {
        enum listener_share first, second;
        bool works;
    } cases[] = {{LISTEN_ALONE, LISTEN_ALONE, false}, {LISTEN_ALONE, LISTEN_FIRST, false},
                 {LISTEN_ALONE, LISTEN_TOO, false},   {LISTEN_FIRST, LISTEN_ALONE, false},
                 {LISTEN_FIRST, LISTEN_FIRST, false}, {LISTEN_FIRST, LISTEN_TOO, true}};
    struct err err;
    struct loop *loop;
    struct listener *listener, *second = NULL;
    char where[32];
    assert_true(loop_new(&loop, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct listener_order order = {
            .where = "127.0.0.1:0", .accepted = nobody_accepts, .share = cases[i].first};
        assert_true(listener_new(loop, &order, &listener, &err));
        (void)snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)listener_port(listener));
        order.where = where;
        order.share = cases[i].second;
        assert_int_equal(listener_new(loop, &order, &second, &err), cases[i].works);
        if (!cases[i].works)
            assert_int_equal(err.kind, ERR_CONFLICT);
        if (!cases[i].works)
            assert_non_null(strstr(err.message, "address already in use"));
        listener_free(&second);
        listener_free(&listener);
    }
    loop_free(&loop);
}

// Two gateways that start in the same instant: one gets the address, however often it is tried.
struct rival {
    pthread_barrier_t *start, *end;
    const char *where;
    struct loop *loop;
    bool fine;
};

static void *race(void *context)
{
    struct rival *rival = (struct rival *)context;
    struct listener_order order = {
        .where = rival->where, .accepted = nobody_accepts, .share = LISTEN_FIRST};
    struct listener *first = NULL, *second = NULL;
    struct err err;
    (void)pthread_barrier_wait(rival->start);
    rival->fine = listener_new(rival->loop, &order, &first, &err);
    order.share = LISTEN_TOO;
    if (rival->fine)
        rival->fine = listener_new(rival->loop, &order, &second, &err);
    (void)pthread_barrier_wait(rival->end);
    listener_free(&second);
    listener_free(&first);
    run_for(rival->loop, 1); // now they are closed
    return NULL;
}

static void one_of_two_at_once_gets_an_address(void **state)
{
    enum { RACES = 300 };
    pthread_barrier_t start, end;
    struct rival rivals[2];
    struct listener *probe;
    struct err err;
    char where[32];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rivals[i] = (struct rival){&start, &end, where, NULL, false};
        assert_true(loop_new(&rivals[i].loop, &err));
    }
    struct listener_order order = {.where = "127.0.0.1:0", .accepted = nobody_accepts};
    assert_true(listener_new(rivals[0].loop, &order, &probe, &err));
    (void)snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)listener_port(probe));
    listener_free(&probe);
    run_for(rivals[0].loop, 1);
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&end, NULL, 2), 0);
    for (int i = 0; i < RACES; i++) {
        pthread_t other;
        assert_int_equal(pthread_create(&other, NULL, race, &rivals[1]), 0);
        (void)race(&rivals[0]);
        assert_int_equal(pthread_join(other, NULL), 0);
        assert_int_equal(rivals[0].fine + rivals[1].fine, 1);
    }
    loop_free(&rivals[0].loop);
    loop_free(&rivals[1].loop);
    (void)pthread_barrier_destroy(&start);
    (void)pthread_barrier_destroy(&end);
}

static void waits_when_descriptors_run_out(void **state)
{
    (void)state;
    struct world world;
    struct rlimit limit, few;
    setup(&world, TCP);
    dial(&world);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    int next = dup(0);
    close(next);
    few.rlim_cur = (rlim_t)next; // none is left
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    run_for(world.loop, 150);
    assert_false(world.server.accepted);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(run_until(world.loop, &world.server.accepted, 5000));
    teardown(&world);
}

// --- names -----------------------------------------------------------------------------------
struct answer {
    bool done;
    size_t count;
    char first[ENDPOINT_TEXT];
    const char *reason;
};

static void answered(void *context, const struct endpoint *found, size_t count, const char *reason)
{
    struct answer *answer = (struct answer *)context;
    answer->done = true;
    answer->count = count;
    answer->reason = reason;
    if (count > 0)
        endpoint_text(&found[0], answer->first);
}

static void resolves(void **state)
{
    (void)state;
    struct err err;
    struct loop *loop;
    struct resolve *resolve;
    static const struct {
        const char *host, *first;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"localhost", ""}, {"no.invalid", NULL}};
    assert_true(loop_new(&loop, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer answer = {0};
        struct resolve_order order = {cases[i].host, 80, answered, &answer};
        assert_true(resolve_start(loop, &order, &resolve, &err));
        assert_false(answer.done);
        assert_true(run_until(loop, &answer.done, 20000));
        assert_int_equal(answer.count == 0, cases[i].first == NULL);
        assert_int_equal(answer.reason == NULL, cases[i].first != NULL);
        if (cases[i].first && cases[i].first[0])
            assert_string_equal(answer.first, cases[i].first);
        answer.done = false;
        assert_true(resolve_start(loop, &order, &resolve, &err));
        resolve_cancel(&resolve);
        run_for(loop, 5);
        assert_false(answer.done);
    }
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_addresses),
        cmocka_unit_test(replaces_left_over_sockets),
        cmocka_unit_test(shares_addresses_only_when_told),
        cmocka_unit_test(one_of_two_at_once_gets_an_address),
        cmocka_unit_test(waits_when_descriptors_run_out),
        cmocka_unit_test(resolves),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
