// http_server.h: a server on the loop of the test that answers as its script says, for
// test_http_client.c.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "os/stream.h"
#include "wire/http1.h"

enum then { THEN_STAY, THEN_FINISH, THEN_CLOSE };

struct script {
    const char *target;
    const char *answer; // NULL: none
    enum then then;
};

struct server {
    struct loop *loop;
    const struct script *scripts; // the last has no target
    struct listener *listener;
    unsigned connections, requests; // so far
    unsigned present;               // connections
    bool close_next;                // the next request is met by a closed door
    size_t dribble;                 // bytes of an answer in one go; 0: all
    struct buf last;                // the last request, whole
    struct peer *peers;
};

struct peer {
    struct server *server;
    struct peer *next;
    struct stream *stream;
    struct buf in;
    struct view rest; // of a dribbled answer
    enum then then;
    bool gone;
};

static void peer_close(struct peer *peer)
{
    if (peer->gone)
        return;
    peer->gone = true;
    peer->server->present--;
    stream_close(&peer->stream);
}

static void send_big(struct stream *stream, size_t size)
{
    char head[64];
    int used = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    struct view first = {head, (size_t)used};
    assert_true(stream_write(stream, &first, 1));
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, 'x', size);
    struct view all = {body, size};
    assert_true(stream_write(stream, &all, 1));
    free(body);
}

static void then(struct peer *peer, enum then what)
{
    if (what == THEN_CLOSE) {
        peer_close(peer);
    } else if (what == THEN_FINISH) {
        peer->gone = true;
        peer->server->present--;
        stream_finish(&peer->stream);
    }
}

// A few bytes in each turn of the loop.
static void dribble(void *context)
{
    struct peer *peer = (struct peer *)context;
    struct server *server = peer->server;
    if (peer->gone)
        return;
    struct view some = peer->rest;
    some.size = some.size < server->dribble ? some.size : server->dribble;
    assert_true(stream_write(peer->stream, &some, 1));
    peer->rest = view_skip(peer->rest, some.size);
    if (peer->rest.size > 0)
        assert_true(loop_post(server->loop, dribble, peer));
    else
        then(peer, peer->then);
}

static void answer(struct peer *peer, struct view target)
{
    for (const struct script *script = peer->server->scripts; script->target; script++) {
        if (!view_is(target, script->target))
            continue;
        struct view bytes = view_of(script->answer);
        if (peer->server->dribble && bytes.size > 0) {
            peer->rest = bytes;
            peer->then = script->then;
            dribble(peer);
            return;
        }
        if (bytes.size > 0)
            assert_true(stream_write(peer->stream, &bytes, 1));
        then(peer, script->then);
        return;
    }
    if (view_starts(target, VIEW("/big/")))
        send_big(peer->stream, strtoul(target.data + 5, NULL, 10));
}

static void peer_data(void *context, struct view bytes)
{
    struct peer *peer = (struct peer *)context;
    struct server *server = peer->server;
    struct http_head head;
    size_t size;
    const char *reason;
    buf_add(&peer->in, bytes);
    enum http_step step = http_read_request(buf_view(&peer->in), &head, &size, &reason);
    assert_int_not_equal(step, HTTP_BAD);
    if (step == HTTP_MORE || peer->in.size < size + head.length)
        return;
    assert_int_equal(peer->in.size, size + head.length); // nothing is sent ahead
    server->requests++;
    buf_clear(&server->last);
    buf_add(&server->last, buf_view(&peer->in));
    if (server->close_next) {
        server->close_next = false;
        peer_close(peer);
        return;
    }
    answer(peer, head.target);
    if (!peer->gone)
        buf_clear(&peer->in);
}

static void peer_ended(void *context, const char *reason)
{
    (void)reason;
    peer_close((struct peer *)context);
}

static const struct stream_events peer_events = {.data = peer_data, .ended = peer_ended};

static void server_accepted(void *context, struct stream *stream)
{
    struct server *server = (struct server *)context;
    struct peer *peer = calloc(1, sizeof *peer);
    assert_non_null(peer);
    peer->server = server;
    peer->stream = stream;
    peer->next = server->peers;
    buf_init(&peer->in, 64 << 20);
    server->peers = peer;
    server->connections++;
    server->present++;
    stream_handle(stream, &peer_events, peer);
}

static inline void server_init(struct server *server, struct loop *loop,
                               const struct script *scripts, struct tls *tls)
{
    struct err err;
    *server = (struct server){.loop = loop, .scripts = scripts};
    buf_init(&server->last, 64 << 20);
    const struct listener_order order = {
        .where = "127.0.0.1:0", .tls = tls, .accepted = server_accepted, .context = server};
    assert_true(listener_new(loop, &order, &server->listener, &err));
}

static inline void server_done(struct server *server)
{
    listener_free(&server->listener);
    buf_done(&server->last);
    while (server->peers) {
        struct peer *peer = server->peers;
        server->peers = peer->next;
        peer_close(peer);
        buf_done(&peer->in);
        free(peer);
    }
}

// Closes all connections, as a server does that has waited long enough.
static inline void server_hang_up(struct server *server)
{
    for (struct peer *peer = server->peers; peer; peer = peer->next)
        peer_close(peer);
}
