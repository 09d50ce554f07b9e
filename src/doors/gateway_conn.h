// gateway_conn.h: one HTTP connection. For the files of the door only.
//
// It reads a request (gateway_conn.c; gateway_body.c what comes in parts), the request is judged
// and given to the gateway (gateway_http.c), the answer is written (gateway_reply.c). One request
// after the other: what is pipelined waits, and the next is not begun before the answer to the last
// has left.
//
// An idle connection and an open stream have no buffer. A request that came in one piece is never
// copied. Memory that held a head, and so perhaps a key, is wiped.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rationed.h"
#include "doors/gateway_door.h"
#include "wire/http1.h"

struct conn {
    struct door *door;
    struct stream *stream;
    struct conn *next, *previous; // of its place
    int64_t since;                // when it came there
    struct exchange *exchange;
    struct principal *reader; // of the last request, until its answer has left; NULL: none
    const char *cors;         // the origin that may read the answer; NULL: none
    // The beginning of a request, which counts among the door's heads, and in its key's share as
    // soon as its head is judged; or, `unread`, bytes not looked at yet.
    struct rationed input;
    size_t head_size; // of the request in `input`; 0: not complete
    uint64_t awaited; // bytes of its body still to come
    size_t queued;    // at the last look
    struct http_chunks chunks;
    unsigned char place;   // enum place
    unsigned char stalled; // sweeps since the client last took something
    bool chunked, unread, held;
    bool old;       // HTTP/1.0
    bool bodiless;  // the request is HEAD: its answer has a head only
    bool closing;   // after this answer
    bool streaming; // the answer is in events
    bool answered;  // the present request
    bool ended;     // the client sends nothing more
    bool inside;    // one of our functions is at work on it: it must not be freed
    bool doomed;    // to be freed when that returns
};

void conn_begin(struct door *door, struct stream *stream);
void conn_place(struct conn *conn, enum place place);

// Ends it: `gently` sends what is queued first. Frees it, unless it is `inside`.
void conn_end(struct conn *conn, bool gently);

// Ends it when the client has taken all that waits for it, or takes nothing for too long.
void conn_part(struct conn *conn);

// The client is not there any more, or must not be: so the gateway is told.
void conn_gone(struct conn *conn);

// Who the answer to the present request is for; the reference becomes the connection's.
void conn_is_read_by(struct conn *conn, struct principal *reader);
// Nobody has to be told whether the answer is taken.
void conn_forget_reader(struct conn *conn);

// The present request was answered in full.
void conn_answered(struct conn *conn);

// The next request is here.
void conn_continue(struct conn *conn);

// It has waited too long where it is.
void conn_late(struct conn *conn);

// --- gateway_http.c
struct http_request {
    struct http_head head;
    size_t head_size;
    bool whole;       // the body is here
    unsigned owner;   // HTTP_ELSEWHERE: the worker whose it is
    uint64_t key;     // HTTP_TAKE: see front_key; 0: it needs none
    size_t body_most; // HTTP_TAKE: bytes that its body may have
};

enum http_verdict {
    HTTP_TAKE,      // in order; its body has to be read
    HTTP_ANSWERED,  // or given to the gateway, which will answer
    HTTP_ELSEWHERE, // it belongs to another loop
    HTTP_MOVED,     // the connection has gone there and must not be touched
};

// An answer of the door's own, after which the connection ends: HTTP_ANSWERED. (gateway_conn.c)
enum http_verdict conn_refuse(struct conn *conn, int status, const char *reason);

// Judges a request by its head.
MUST_CHECK enum http_verdict http_judge(struct conn *conn, struct http_request *request);

// Its key gives nothing any more, and its body is not here: the request is refused.
void http_deny(struct conn *conn);

// Judges it and, when it is in order, gives it to the gateway.
MUST_CHECK enum http_verdict http_dispatch(struct conn *conn, struct http_request *request,
                                           struct view body);

// --- gateway_body.c
// A request whose head was judged, at the beginning of `all`, and whose body is not all here. The
// head is kept, and wiped where it was; the body is given to body_take.
MUST_CHECK enum http_verdict body_begin(struct conn *conn, const struct http_request *request,
                                        struct view all);

// The next bytes of it; `*ret_used`: how many were. Dispatches the request when it is complete.
MUST_CHECK enum http_verdict body_take(struct conn *conn, struct view bytes, size_t *ret_used);

// The rest of the request is not waited for any more: conn_refuse.
enum http_verdict body_refuse(struct conn *conn, int status, const char *reason);
