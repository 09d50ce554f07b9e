// test_os_stream.c: connections of every kind, in the clear and with TLS.
#include "stream_world.h"

// --- what all kinds do -----------------------------------------------------------------------
static void echoes_everything(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        world.server.echoes = true;
        world.client.wanted = SIZE;
        send_sequence(&world.client, 0, SIZE);
        assert_true(run_until(world.loop, &world.client.full, 20000));
        assert_int_equal(world.server.got, SIZE);
        assert_int_equal(world.client.got, SIZE);
        assert_int_equal(stream_queued(world.client.stream), 0);
        stream_close(&world.client.stream);
        assert_true(run_until(world.loop, &world.server.ended, 5000));
        // With TLS, an end without notice may be somebody else's doing.
        assert_int_equal(world.server.reason != NULL, kind == TCP_TLS || kind == UNIX_TLS);
        teardown(&world);
    }
}

static void queues_for_a_slow_reader(void **state)
{
    (void)state;
    enum { SIZE = 20000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        stream_hold(world.server.stream, true);
        send_sequence(&world.client, 0, SIZE / 2);
        send_sequence(&world.client, SIZE / 2, SIZE / 2);
        run_for(world.loop, 50);
        assert_int_equal(world.server.got, 0);
        assert_true(stream_queued(world.client.stream) > SIZE / 4);
        assert_int_equal(world.client.drained, 0);
        world.server.wanted = SIZE;
        stream_hold(world.server.stream, false);
        assert_true(run_until(world.loop, &world.server.full, 20000));
        run_for(world.loop, 10);
        assert_int_equal(world.client.drained, 1);
        assert_int_equal(stream_queued(world.client.stream), 0);
        teardown(&world);
    }
}

// One meter for two streams: the second does not fit. To the last byte it is given back.
static void measures_what_waits(void **state)
{
    (void)state;
    enum { SIZE = 10000000, MORE = 40000000, MOST = 16000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        struct ration meter = {.most = MOST, .share = MOST};
        setup(&world, (enum kind)kind);
        meet(&world);
        stream_measure(world.client.stream, &meter);
        stream_measure(world.server.stream, &meter);
        stream_hold(world.server.stream, true);
        stream_hold(world.client.stream, true);
        send_sequence(&world.client, 0, SIZE);
        size_t before = meter.now;
        assert_true(before >= stream_queued(world.client.stream) && before > SIZE / 4);
        char *bytes = (char *)calloc(1, MORE);
        assert_false(stream_write(world.server.stream, &(struct view){bytes, MORE}, 1));
        free(bytes);
        assert_int_equal(meter.refused, 1);
        assert_true(meter.now >= before && meter.now <= MOST);
        assert_true(run_until(world.loop, &world.server.ended, 5000));
        assert_string_equal(world.server.reason, "too much waits for those who do not read");
        stream_close(&world.server.stream);
        if (kind % 2 == 0)
            stream_finish(&world.client.stream);
        else
            stream_close(&world.client.stream);
        run_for(world.loop, 50);
        assert_int_equal(meter.now, 0);
        teardown(&world);
        ration_done(&meter);
    }
}

// What one owner lets wait is forgotten at once for another's sake, and told soon.
static void gives_up_what_waits(void **state)
{
    (void)state;
    enum { SIZE = 10000000, MORE = 12000000, MOST = 16000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        struct ration meter = {.most = MOST, .share = MOST};
        setup(&world, (enum kind)kind);
        meet(&world);
        stream_measure(world.client.stream, &meter);
        stream_belongs(world.client.stream, 1);
        stream_measure(world.server.stream, &meter);
        stream_belongs(world.server.stream, 2);
        stream_hold(world.server.stream, true);
        stream_hold(world.client.stream, true);
        send_sequence(&world.client, 0, SIZE);
        assert_true(meter.now > SIZE / 4);
        bool finishing = kind % 2 == 0; // so is one that is only being sent
        if (finishing)
            stream_finish(&world.client.stream);
        struct holding other = {.ration = &meter, .owner = 3};
        assert_true(holding_take(&other, MORE));
        assert_int_equal(meter.now, MORE);
        assert_int_equal(meter.given_up, 1);
        assert_false(world.client.ended);
        if (!finishing) {
            assert_true(run_until(world.loop, &world.client.ended, 5000));
            assert_string_equal(world.client.reason, "too much waits for those who do not read");
        }
        holding_end(&other);
        send_sequence(&world.server, 0, SIZE); // into a connection that is gone
        run_for(world.loop, 20);
        teardown(&world);
        assert_int_equal(meter.now, 0);
        ration_done(&meter);
    }
}

// A server that sends much more than its client reads ends the connection in one of these ways.
// Returns whether the client got what the system had taken (it may have a little in any case).
enum way { CLOSED, GIVEN_UP, RESET, TAKEN_BACK, WAYS };

static bool still_delivered(enum kind kind, enum way way)
{
    enum { SIZE = 20000000 };
    struct world world;
    struct ration meter = {.most = 2 * SIZE, .share = 2 * SIZE};
    struct holding other = {.ration = &meter, .owner = 2};
    setup(&world, kind);
    meet(&world);
    stream_measure(world.server.stream, &meter);
    stream_belongs(world.server.stream, 1);
    stream_hold(world.client.stream, true);
    send_sequence(&world.server, 0, SIZE);
    size_t queued = stream_queued(world.server.stream);
    assert_in_range(queued, 1, SIZE - 1);
    if (way == CLOSED)
        stream_close(&world.server.stream);
    else if (way == GIVEN_UP)
        assert_true(holding_take(&other, 2 * SIZE));
    else if (way == RESET)
        stream_reset(&world.server.stream);
    else
        ration_take_back(&meter, 1);
    run_for(world.loop, 20);
    assert_null(world.server.stream);
    assert_int_equal(meter.now, other.size);
    stream_hold(world.client.stream, false);
    assert_true(run_until(world.loop, &world.client.ended, 5000));
    holding_end(&other);
    teardown(&world);
    ration_done(&meter);
    return world.client.got > (SIZE - queued) / 2;
}

static void recalls_what_was_sent(void **state)
{
    static const enum kind kinds[] = {TCP, TCP6, TCP_TLS};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        for (enum way way = CLOSED; way < WAYS; way++)
            assert_int_equal(still_delivered(kinds[i], way), way == CLOSED || way == GIVEN_UP);
    (void)still_delivered(UNIX, RESET); // does no harm
    struct stream *none = NULL;
    stream_reset(&none);
}

static void measures_what_is_read(void **state)
{
    (void)state;
    enum { SIZE = 10000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        struct ration meter = {.most = 2 * SIZE, .share = 2 * SIZE};
        setup(&world, (enum kind)kind);
        dial(&world); // what is written before it is connected counts, too
        stream_measure(world.client.stream, &meter);
        send_sequence(&world.client, 0, SIZE);
        assert_true(meter.now >= SIZE);
        world.server.wanted = SIZE;
        assert_true(run_until(world.loop, &world.server.full, 20000));
        run_for(world.loop, 10);
        assert_int_equal(meter.now, 0);
        teardown(&world);
        assert_int_equal(meter.refused, 0);
        ration_done(&meter);
    }
}

struct meal {
    const struct end *end;
    size_t before, most;
};

static void measure_meal(void *context)
{
    struct meal *meal = (struct meal *)context;
    if (meal->end->got - meal->before > meal->most)
        meal->most = meal->end->got - meal->before;
    meal->before = meal->end->got;
}

// Megabytes lie ready: they come a little in each turn, so that others have theirs in between.
static void reads_a_little_each_turn(void **state)
{
    (void)state;
    enum { SIZE = 6000000, A_TURN = 64 * 1024 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        struct meal meal = {.end = &world.server};
        loop_on_turn_end(world.loop, measure_meal, &meal);
        world.server.wanted = SIZE;
        send_sequence(&world.client, 0, SIZE);
        assert_true(run_until(world.loop, &world.server.full, 20000));
        assert_in_range(meal.most, 1, A_TURN);
        teardown(&world);
    }
}

struct switcher {
    struct end *end;
    bool held;
};

static void switch_hold(void *context)
{
    struct switcher *switcher = (struct switcher *)context;
    switcher->held = !switcher->held;
    if (switcher->end->stream)
        stream_hold(switcher->end->stream, switcher->held);
}

static void loses_nothing_when_held_often(void **state)
{
    (void)state;
    enum { SIZE = 8000000 };
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        struct err err;
        struct timer *timer;
        setup(&world, (enum kind)kind);
        meet(&world);
        struct switcher switcher = {&world.server, false};
        assert_true(timer_new(world.loop, 1, switch_hold, &switcher, &timer, &err));
        world.server.wanted = SIZE;
        send_sequence(&world.client, 0, SIZE);
        stream_finish(&world.client.stream);
        assert_null(world.client.stream);
        assert_true(run_until(world.loop, &world.server.ended, 20000));
        assert_int_equal(world.server.got, SIZE);
        assert_null(world.server.reason);
        timer_free(&timer);
        teardown(&world);
    }
}

static void may_be_closed_in_any_event(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        for (int when = 0; when < 4; when++) {
            struct world world;
            setup(&world, (enum kind)kind);
            world.client.close_on_connected = when == 0;
            world.server.close_on_data = when == 1;
            world.client.close_on_drained = when == 2;
            dial(&world);
            if (when == 3)
                stream_close(&world.client.stream); // before anything
            if (when == 1 || when == 2) {
                assert_true(run_until(world.loop, &world.client.connected, 5000));
                send_sequence(&world.client, 0, when == 2 ? 10000000 : 100000);
            }
            if (when != 3)
                assert_true(run_until(world.loop,
                                      when == 1 ? &world.client.ended : &world.server.ended, 5000));
            run_for(world.loop, 10);
            teardown(&world);
        }
    }
}

static void sends_before_it_is_connected(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        dial(&world);
        send_sequence(&world.client, 0, 100000);
        assert_int_equal(stream_queued(world.client.stream), 100000);
        world.server.wanted = 100000;
        assert_true(run_until(world.loop, &world.server.full, 5000));
        teardown(&world);
    }
}

static void hears_the_end_after_the_answer(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        run_for(world.loop, 5);
        // The server answers and goes although it has not read what the client goes on sending.
        stream_hold(world.server.stream, true);
        send_sequence(&world.client, 0, 5000000);
        send_sequence(&world.server, 0, 500000);
        stream_finish(&world.server.stream);
        assert_true(run_until(world.loop, &world.client.ended, 8000));
        assert_int_equal(world.client.got, 500000);
        assert_null(world.client.reason);
        teardown(&world);
    }
}

// --- errors ----------------------------------------------------------------------------------
static void tells_why_not_connected(void **state)
{
    (void)state;
    struct world world;
    setup(&world, TCP);
    listener_free(&world.listener);
    run_for(world.loop, 5);
    dial(&world);
    assert_true(run_until(world.loop, &world.client.ended, 5000));
    assert_string_equal(world.client.reason, "connection refused");
    // An address that never answers: the owner loses patience.
    struct err err;
    world.endpoint = loopback(9);
    ((struct sockaddr_in *)&world.endpoint.address)->sin_addr.s_addr = htonl(0xc0000201);
    struct stream_order order = {&world.endpoint, NULL, NULL, &end_events, &world.client};
    world.client = (struct end){0};
    if (stream_connect(world.loop, &order, &world.client.stream, &err)) {
        run_for(world.loop, 20);
        stream_close(&world.client.stream);
    }
    teardown(&world);
}

static void refuses_the_wrong_host(void **state)
{
    (void)state;
    struct world world;
    struct err err;
    const char *hosts[] = {"other.test", "127.0.0.2", "a.gateway.test"};
    for (size_t i = 0; i < 3; i++) {
        setup(&world, TCP_TLS);
        struct stream_order order = {&world.endpoint, client_tls, hosts[i], &end_events,
                                     &world.client};
        assert_true(stream_connect(world.loop, &order, &world.client.stream, &err));
        assert_true(run_until(world.loop, &world.client.ended, 5000));
        assert_false(world.client.connected);
        assert_non_null(
            strstr(world.client.reason, i == 1 ? "IP address mismatch" : "hostname mismatch"));
        assert_true(run_until(world.loop, &world.server.ended, 5000));
        assert_non_null(world.server.reason);
        teardown(&world);
    }
    setup(&world, TCP_TLS);
    struct stream_order order = {&world.endpoint, client_tls, NULL, &end_events, &world.client};
    assert_false(stream_connect(world.loop, &order, &world.client.stream, &err));
    order.host = "127.0.0.1"; // named in the certificate
    assert_true(stream_connect(world.loop, &order, &world.client.stream, &err));
    assert_true(run_until(world.loop, &world.client.connected, 5000));
    teardown(&world);
}

static void refuses_unknown_authorities(void **state)
{
    (void)state;
    struct world world;
    struct err err;
    struct tls *system;
    setup(&world, TCP_TLS);
    assert_true(tls_new_client(NULL, &system, &err));
    struct stream_order order = {&world.endpoint, system, "gateway.test", &end_events,
                                 &world.client};
    assert_true(stream_connect(world.loop, &order, &world.client.stream, &err));
    tls_free(&system);
    assert_true(run_until(world.loop, &world.client.ended, 5000));
    assert_non_null(strstr(world.client.reason, "self"));
    teardown(&world);
    assert_false(tls_new_server("/nowhere", "/nowhere", &system, &err));
    assert_false(tls_new_client("/nowhere", &system, &err));
}

static void survives_what_is_no_tls(void **state)
{
    (void)state;
    struct world world;
    setup(&world, TCP_TLS);
    world.tls = NULL;
    meet(&world);
    const struct view garbage = VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(stream_write(world.client.stream, &garbage, 1));
    assert_true(run_until(world.loop, &world.server.ended, 5000));
    assert_non_null(world.server.reason);
    teardown(&world);
}

static void says_when_the_connection_breaks(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        stream_hold(world.client.stream, true); // so that only writing notices
        stream_close(&world.server.stream);
        run_for(world.loop, 10);
        for (int i = 0; i < 50 && !world.client.ended; i++) {
            send_sequence(&world.client, 0, 100000);
            run_for(world.loop, 4);
        }
        assert_true(world.client.ended);
        assert_non_null(world.client.reason);
        teardown(&world);
    }
}

// Who wrote learns of it as of any other loss, and nothing more goes out.
static void loses_what_could_not_be_made(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct world world;
        setup(&world, (enum kind)kind);
        meet(&world);
        stream_lose(world.client.stream);
        send_sequence(&world.client, 0, 1000);
        assert_false(world.client.ended);
        assert_true(run_until(world.loop, &world.client.ended, 5000));
        assert_non_null(world.client.reason);
        assert_true(run_until(world.loop, &world.server.ended, 5000));
        assert_int_equal(world.server.got, 0);
        teardown(&world);
    }
}

// --- descriptors -----------------------------------------------------------------------------
static void adopts_descriptors(void **state)
{
    (void)state;
    struct err err;
    struct world world = {0};
    int pipes[2], file;
    assert_true(loop_new(&world.loop, &err));
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_true(stream_adopt(world.loop, pipes[0], &world.server.stream, &err));
    assert_true(stream_adopt(world.loop, pipes[1], &world.client.stream, &err));
    stream_handle(world.server.stream, &end_events, &world.server);
    stream_handle(world.client.stream, &end_events, &world.client);
    send_sequence(&world.client, 0, 1000000);
    assert_true(stream_queued(world.client.stream) > 0);
    stream_finish(&world.client.stream);
    assert_true(run_until(world.loop, &world.server.ended, 5000));
    assert_int_equal(world.server.got, 1000000);
    file = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_false(stream_adopt(world.loop, file, &world.client.stream, &err));
    close(file);
    loop_free(&world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_everything),
        cmocka_unit_test(queues_for_a_slow_reader),
        cmocka_unit_test(measures_what_waits),
        cmocka_unit_test(gives_up_what_waits),
        cmocka_unit_test(recalls_what_was_sent),
        cmocka_unit_test(measures_what_is_read),
        cmocka_unit_test(reads_a_little_each_turn),
        cmocka_unit_test(loses_nothing_when_held_often),
        cmocka_unit_test(may_be_closed_in_any_event),
        cmocka_unit_test(sends_before_it_is_connected),
        cmocka_unit_test(hears_the_end_after_the_answer),
        cmocka_unit_test(tells_why_not_connected),
        cmocka_unit_test(refuses_the_wrong_host),
        cmocka_unit_test(refuses_unknown_authorities),
        cmocka_unit_test(survives_what_is_no_tls),
        cmocka_unit_test(says_when_the_connection_breaks),
        cmocka_unit_test(loses_what_could_not_be_made),
        cmocka_unit_test(adopts_descriptors),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
