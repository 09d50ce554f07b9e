// stream_inside.h: what the files of os/ know of a stream and nobody else.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "os/loop_inside.h"
#include "os/stream.h"
#include "os/tls_session.h"

struct waiting;

struct stream {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe; // Unix sockets too
    } uv;
    struct loop *loop;
    const struct stream_events *events; // NULL: nobody listens
    void *context;
    struct tls_session *tls;                     // NULL: in the clear
    struct waiting *first_early, **last_early;   // to be sent when TLS is through
    size_t early;                                // their bytes
    struct waiting *first_queued, **last_queued; // given to libuv, in order
    struct holding holding;                      // what waits
    struct due due;                              // stream_soon
    const char *lost;                            // why the connection is of no use any more
    struct stream *next_finishing, **finishing;  // stream_finish was called
    int64_t finish_by;                           // loop_clock
    int read;                                    // what came last: its size, or a status of libuv
    bool connecting;
    bool linked;  // connected, and this was not noticed yet
    bool secured; // TLS is through, or there is none
    bool held;
    bool ended; // the other side sends nothing more
    bool told;  // `ended` was called
    bool shut;  // we send nothing more
    bool closed;
    bool broken; // given up: libuv's part was closed before its owner knows
    bool gone;   // and that is over
};

// A stream that is connected to nothing yet, and one over an open descriptor, which is taken over
// on success. A TLS session belongs to the stream in any case.
MUST_CHECK bool stream_make(struct loop *loop, bool is_tcp, struct tls_session *tls,
                            struct stream **ret_stream, struct err *err);
MUST_CHECK bool stream_wrap(struct loop *loop, int descriptor, struct tls_session *tls,
                            struct stream **ret_stream, struct err *err);

// Goes on reading, or not any more, as the state of the stream wants it.
void stream_update(struct stream *stream);

// Has a look at the state of the stream (stream_look) in the next turn, from outside of all events.
void stream_look(struct due *due);
void stream_soon(struct stream *stream);

// The connection is up.
void stream_is_connected(struct stream *stream);

// It is lost; `reason` is static. `ended` is told soon.
extern const char stream_no_memory[], stream_too_much[];
void stream_is_lost(struct stream *stream, const char *reason);

// What was written before TLS was through: sends it, or forgets it.
void stream_send_early(struct stream *stream);
void stream_drop_early(struct stream *stream);

// When the connection is closed, the system forgets what it was to send.
void stream_recall_sent(struct stream *stream);

// Forgets what is queued: the connection is closed.
void stream_drop_queued(struct stream *stream);

// Closes libuv's part of it; the memory goes with the later one of this and stream_close.
void stream_break(struct stream *stream);

// Sends bytes as they are, or queues a copy.
MUST_CHECK bool stream_send(struct stream *stream, uv_buf_t *pieces, unsigned count);

// Makes the TLS session of the stream go on with what it has and `bytes`.
void stream_secure_turn(struct stream *stream, struct view bytes);

// The same as stream_write, through TLS.
MUST_CHECK bool stream_secure_write(struct stream *stream, const struct view *pieces, size_t count);

// Tells events, unless nobody listens.
void stream_tell_data(struct stream *stream, struct view bytes);
void stream_tell_connected(struct stream *stream);
void stream_tell_ended(struct stream *stream, const char *reason);

// A step of stream_finish: what was queued may have gone, or the other side may have ended.
void stream_finish_step(struct stream *stream);

// Closes what stream_finish has left open.
void streams_finish_now(struct loop *loop);
