// stream.h: a connection (TCP, Unix socket, pipe), with or without TLS, and those who make them.
//
// Events come on the loop's thread, of each stream at most 64 KiB in a turn: who floods, slows
// himself. Bytes that could not be written at once are queued in the stream; who writes looks at
// stream_queued and stops its own source until `drained`. Reading can be held. An idle stream keeps
// no buffers.
//
// stream_close may be called at any time, in an event too: no event follows it. The memory goes
// after the loop's turn.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ration.h"
#include "base/view.h"
#include "os/loop.h"

struct stream;
struct tls; // certificates and settings, made once; may be shared by loops

struct stream_events {
    void (*data)(void *context, struct view bytes); // borrowed for the call
    void (*drained)(void *context);                 // the queue is empty again
    // The other side has ended (`reason` NULL) or the connection is lost (a static sentence).
    // Nothing comes after it, but that a connection which had merely ended may be lost later, when
    // something is still written; the stream must still be closed by its owner.
    void (*ended)(void *context, const char *reason);
    // Of stream_connect only: connected, and through with TLS.
    void (*connected)(void *context);
};

// `events` must outlive the stream.
void stream_handle(struct stream *stream, const struct stream_events *events, void *context);

// Sends pieces, in order, as one write where possible. What cannot go at once is copied. Once the
// connection is lost the bytes are dropped; after the other side has merely ended (`reason` NULL)
// they are still sent. False only when memory is short or the ration used up (the stream is then
// broken and will tell `ended`). No event comes from within.
MUST_CHECK bool stream_write(struct stream *stream, const struct view *pieces, size_t count);
size_t stream_queued(const struct stream *stream); // bytes
bool stream_works(const struct stream *stream);    // false: it is lost, `ended` tells or has told
// What was to be written could not be made for want of memory: broken, as if writing it had failed.
void stream_lose(struct stream *stream);

// Counts the memory of what waits in the stream, also while it finishes, as a holding of `ration`,
// which must outlive the loop. What does not fit is not queued, and what must be given up is freed
// at once: that stream is lost, and reset when it is taken back. With nothing queued; a stream that
// moves leaves its ration behind.
void stream_measure(struct stream *stream, struct ration *ration);
// Whose it is that waits from here on, if nothing does now.
void stream_belongs(struct stream *stream, uint64_t owner);

// The number of its descriptor. Since the system gives the lowest that is free, it tells of a new
// connection how many are in use.
unsigned stream_number(const struct stream *stream);

// Stops and restarts `data` events. While it is held, nobody looks whether the other side has ended
// either: who must notice that keeps reading.
void stream_hold(struct stream *stream, bool held);

// As stream_close, and the system throws away what it has of the answer: the other side gets no
// more of it, but the connection was reset. (A Unix socket has delivered it.) For who has lost the
// right to it. Accepts NULL.
void stream_reset(struct stream **stream);

// Closes at once, or (stream_finish) after what is queued was sent and the other side has had the
// chance to read it, at most a few seconds later. Both accept NULL.
void stream_close(struct stream **stream);
void stream_finish(struct stream **stream);

// Takes the connection away from its loop and gives it to another one: `adopted` is called there
// with the stream, which must be given its events (stream_handle); perhaps before stream_move
// returns, so what the context leads to must not be touched any more. Unread bytes stay unread.
// From the owner's thread, with nothing queued; false when that is not so or memory is short, and
// nothing has changed.
MUST_CHECK bool stream_move(struct stream **stream, struct loop *to,
                            void (*adopted)(void *context, struct stream *stream), void *context);

// An address to connect to.
struct endpoint {
    struct sockaddr_storage address;
    socklen_t size;
};

// Begins to connect; `connected` or `ended` follows. There is no time limit but the owner's.
struct stream_order {
    const struct endpoint *to;
    struct tls *tls;  // NULL: in the clear
    const char *host; // with `tls`: the name or address the certificate must be for
    const struct stream_events *events;
    void *context;
};
MUST_CHECK bool stream_connect(struct loop *loop, const struct stream_order *order,
                               struct stream **ret_stream, struct err *err);

// A descriptor that is open already: standard input and output, a pipe, a terminal, a socket. Taken
// over on success. Refused (with an error) are files and other things that cannot be waited for.
MUST_CHECK bool stream_adopt(struct loop *loop, int descriptor, struct stream **ret_stream,
                             struct err *err);

// Accepts connections. `where`: `127.0.0.1:8000`, `[::1]:8000`, `0.0.0.0:8000` or `unix:PATH`
// (0600; a left-over socket that nobody listens on is replaced). Several loops may share a TCP
// address (SO_REUSEPORT), which nobody else may have when the first comes; a Unix address has one.
enum listener_share { LISTEN_ALONE, LISTEN_FIRST, LISTEN_TOO };
struct listener;
struct listener_order {
    const char *where;
    struct tls *tls;                                        // NULL: in the clear
    void (*accepted)(void *context, struct stream *stream); // give it its events (stream_handle)
    void *context;
    enum listener_share share;
};
MUST_CHECK bool listener_new(struct loop *loop, const struct listener_order *order,
                             struct listener **ret_listener, struct err *err);
void listener_free(struct listener **listener);
// The port that `:0` became; 0 for Unix sockets.
uint16_t listener_port(const struct listener *listener);

// Resolves a name on a job; `done` is told of at most RESOLVE_MAX addresses, none when it failed
// (`reason` then says why), and the struct resolve is gone. `host` may be an address.
enum { RESOLVE_MAX = 8 };
struct resolve;
struct resolve_order {
    const char *host;
    uint16_t port;
    void (*done)(void *context, const struct endpoint *found, size_t count, const char *reason);
    void *context;
};
MUST_CHECK bool resolve_start(struct loop *loop, const struct resolve_order *order,
                              struct resolve **ret_resolve, struct err *err);
void resolve_cancel(struct resolve **resolve); // `done` is not called any more
// `127.0.0.1` or `::1`, for looking at and for logs.
enum { ENDPOINT_TEXT = 48 };
void endpoint_text(const struct endpoint *endpoint, char ret_text[ENDPOINT_TEXT]);
