// stream_world.h: two ends of a connection of any kind, for the tests of streams.
#pragma once

#include "certificate.h"
#include "loop_steps.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/stream.h"
#include "os/tls.h"

static char folder[] = "/tmp/test_os_stream.XXXXXX";
static struct tls *server_tls, *client_tls;

// --- two ends --------------------------------------------------------------------------------
// One end of a connection: counts and checks what comes, which is the sequence of `byte_at`.
struct end {
    struct stream *stream;
    struct end *other;
    size_t got, drained, wanted;
    bool connected, ended, accepted, full;
    bool echoes, close_on_data, close_on_connected, close_on_drained;
    const char *reason;
};

static inline char byte_at(size_t position)
{
    return (char)(position * 7 + position / 251 + position / 65537);
}

static inline void end_data(void *context, struct view bytes)
{
    struct end *end = (struct end *)context;
    assert_non_null(end->stream);
    assert_false(end->ended);
    assert_true(bytes.size > 0);
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] != byte_at(end->got + i))
            fail_msg("byte %zu is wrong", end->got + i);
    end->got += bytes.size;
    end->full = end->wanted > 0 && end->got >= end->wanted;
    if (end->echoes)
        assert_true(stream_write(end->stream, &bytes, 1));
    if (end->close_on_data)
        stream_close(&end->stream);
}

static inline void end_drained(void *context)
{
    struct end *end = (struct end *)context;
    assert_non_null(end->stream);
    assert_int_equal(stream_queued(end->stream), 0);
    end->drained++;
    if (end->close_on_drained)
        stream_close(&end->stream);
}

static inline void end_ended(void *context, const char *reason)
{
    struct end *end = (struct end *)context;
    assert_non_null(end->stream);
    assert_false(end->ended);
    end->ended = true;
    end->reason = reason;
    stream_close(&end->stream);
}

static inline void end_connected(void *context)
{
    struct end *end = (struct end *)context;
    end->connected = true;
    if (end->close_on_connected)
        stream_close(&end->stream);
}

static const struct stream_events end_events = {end_data, end_drained, end_ended, end_connected};

static inline void end_accepted(void *context, struct stream *stream)
{
    struct end *end = (struct end *)context;
    if (end->accepted) { // one is enough
        stream_close(&stream);
        return;
    }
    end->accepted = true;
    end->stream = stream;
    stream_handle(stream, &end_events, end);
}

// The whole sequence from `from` on, in pieces of odd sizes.
static inline void send_sequence(struct end *end, size_t from, size_t size)
{
    char *bytes = (char *)malloc(size);
    struct view pieces[40];
    size_t count = 0, at = 0;
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(from + i);
    for (size_t step = 1; at < size; step = step * 3 + 1) {
        size_t take = count == 39 || step > size - at ? size - at : step;
        pieces[count++] = (struct view){bytes + at, take};
        at += take;
    }
    assert_true(stream_write(end->stream, pieces, count));
    free(bytes);
}

enum kind { TCP, TCP6, UNIX, TCP_TLS, UNIX_TLS, KINDS };

struct world {
    struct loop *loop;
    struct listener *listener;
    struct endpoint endpoint;
    struct tls *tls;
    struct end client, server;
};

static inline struct endpoint loopback(uint16_t port)
{
    struct endpoint endpoint = {.size = sizeof(struct sockaddr_in)};
    struct sockaddr_in *address = (struct sockaddr_in *)&endpoint.address;
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return endpoint;
}

static inline void setup(struct world *world, enum kind kind)
{
    struct err err;
    char where[100] = "127.0.0.1:0";
    *world = (struct world){0};
    bool secure = kind == TCP_TLS || kind == UNIX_TLS, local = kind == UNIX || kind == UNIX_TLS;
    if (kind == TCP6)
        (void)snprintf(where, sizeof where, "[::1]:0");
    if (local)
        (void)snprintf(where, sizeof where, "unix:%s/socket", folder);
    assert_true(loop_new(&world->loop, &err));
    struct listener_order order = {.where = where,
                                   .tls = secure ? server_tls : NULL,
                                   .accepted = end_accepted,
                                   .context = &world->server};
    if (!listener_new(world->loop, &order, &world->listener, &err))
        fail_msg("%s", err.message);
    world->tls = secure ? client_tls : NULL;
    uint16_t port = listener_port(world->listener);
    world->endpoint = loopback(port);
    if (kind == TCP6) {
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        address.sin6_addr = in6addr_loopback;
        memcpy(&world->endpoint.address, &address, sizeof address);
        world->endpoint.size = sizeof address;
    } else if (local) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", where + 5);
        memcpy(&world->endpoint.address, &address, sizeof address);
        world->endpoint.size = sizeof address;
    }
    assert_int_equal(port == 0, local);
}

static inline void dial(struct world *world)
{
    struct err err;
    struct stream_order order = {&world->endpoint, world->tls, "gateway.test", &end_events,
                                 &world->client};
    if (!stream_connect(world->loop, &order, &world->client.stream, &err))
        fail_msg("%s", err.message);
}

static inline void meet(struct world *world)
{
    dial(world);
    if (!run_until(world->loop, &world->client.connected, 5000))
        fail_msg("not connected: %s", world->client.reason);
    assert_true(run_until(world->loop, &world->server.accepted, 5000));
}

static inline void teardown(struct world *world)
{
    stream_close(&world->client.stream);
    stream_close(&world->server.stream);
    listener_free(&world->listener);
    loop_free(&world->loop);
}

// --- begin and end -----------------------------------------------------------------------------
static inline int begin(void **state)
{
    char key[100], certificate[100];
    struct err err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(key, sizeof key, "%s/key.pem", folder);
    (void)snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
    make_certificate(key, certificate);
    if (!tls_new_server(certificate, key, &server_tls, &err) ||
        !tls_new_client(certificate, &client_tls, &err))
        fail_msg("%s", err.message);
    unlink(key);
    unlink(certificate);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    tls_free(&server_tls);
    tls_free(&client_tls);
    return rmdir(folder);
}
