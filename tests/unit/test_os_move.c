// test_os_move.c: streams that go from one thread's loop to another's.
#include "stream_world.h"

// --- between loops ---------------------------------------------------------------------------
enum { MOVED = 40, MOVED_SIZE = 300000 };

struct other_thread {
    struct loop *loop;
    pthread_t thread;
    size_t ended;
    struct end ends[MOVED];
    size_t count;
};

static void *run_other(void *context)
{
    struct other_thread *other = (struct other_thread *)context;
    loop_run(other->loop);
    return NULL;
}

static void stop_other(void *context)
{
    struct other_thread *other = (struct other_thread *)context;
    for (size_t i = 0; i < other->count; i++)
        stream_close(&other->ends[i].stream);
    loop_stop(other->loop);
}

// Travels with its stream: bytes read before the move count too.
struct traveller {
    struct end *end;
    struct other_thread *other;
};

static void arrived(void *context, struct stream *stream)
{
    struct traveller *traveller = (struct traveller *)context;
    struct end *end = &traveller->other->ends[traveller->other->count++];
    *end = (struct end){.stream = stream, .got = traveller->end->got, .echoes = true};
    stream_handle(stream, &end_events, end);
    free(traveller->end);
    free(traveller);
}

static void first_data(void *context, struct view bytes)
{
    struct traveller *traveller = (struct traveller *)context;
    struct end *end = traveller->end;
    for (size_t i = 0; i < bytes.size; i++)
        assert_int_equal(bytes.data[i], byte_at(end->got + i));
    end->got += bytes.size;
    assert_true(stream_write(end->stream, &bytes, 1));
    (void)!stream_move(&end->stream, traveller->other->loop, arrived, traveller); // or next time
}

static void first_ended(void *context, const char *reason)
{
    (void)context;
    fail_msg("ended before it was moved: %s", reason ? reason : "properly");
}

static const struct stream_events first_events = {.data = first_data, .ended = first_ended};

static void to_be_moved(void *context, struct stream *stream)
{
    struct traveller *traveller = (struct traveller *)malloc(sizeof *traveller);
    traveller->other = (struct other_thread *)context;
    traveller->end = (struct end *)calloc(1, sizeof *traveller->end);
    traveller->end->stream = stream;
    stream_handle(stream, &first_events, traveller);
}

static void move_many(struct tls *server, struct tls *client)
{
    struct err err;
    struct loop *loop;
    struct listener *listener;
    struct end *ends = (struct end *)calloc(MOVED, sizeof *ends);
    struct other_thread *other = (struct other_thread *)calloc(1, sizeof *other);
    assert_true(loop_new(&loop, &err));
    assert_true(loop_new(&other->loop, &err));
    struct listener_order order = {
        .where = "127.0.0.1:0", .tls = server, .accepted = to_be_moved, .context = other};
    assert_true(listener_new(loop, &order, &listener, &err));
    assert_int_equal(pthread_create(&other->thread, NULL, run_other, other), 0);
    struct endpoint endpoint = loopback(listener_port(listener));
    for (size_t i = 0; i < MOVED; i++) {
        struct stream_order to = {&endpoint, client, "gateway.test", &end_events, &ends[i]};
        ends[i].wanted = MOVED_SIZE;
        assert_true(stream_connect(loop, &to, &ends[i].stream, &err));
        send_sequence(&ends[i], 0, MOVED_SIZE);
    }
    for (size_t i = 0; i < MOVED; i++)
        assert_true(run_until(loop, &ends[i].full, 30000));
    for (size_t i = 0; i < MOVED; i++)
        stream_close(&ends[i].stream);
    listener_free(&listener);
    assert_true(loop_post(other->loop, stop_other, other));
    pthread_join(other->thread, NULL);
    assert_int_equal(other->count, MOVED);
    loop_free(&loop);
    loop_free(&other->loop);
    free(other);
    free(ends);
}

static void moves_under_load(void **state)
{
    (void)state;
    move_many(NULL, NULL);
    move_many(server_tls, client_tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_under_load),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
