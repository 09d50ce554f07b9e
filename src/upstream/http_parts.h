// http_parts.h: what the files of the HTTP client share. Only for the files http_*.c.
//
//   http_client.c   exchanges: what was asked, its deadlines, its end
//   http_pool.c     origins and their idle connections
//   http_route.c    the part of a request's head that is the same for all requests of a spec
//   http_connect.c  from an origin to a connected stream
//   http_answer.c   a connection with an answer coming in
//
// An exchange is in one list of its client: `waiting` for a deadline, `endless` without one, or
// `failing`, to be told of soon from outside of all events.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "os/stream.h"
#include "upstream/http_client.h"

// --- the client ------------------------------------------------------------------------------
enum {
    ROUTE_BUCKETS = 512, // a power of two
    HOST_TEXT = 256,     // the longest name has 253 bytes
    METHOD_TEXT = 16,
};

struct http_client {
    struct loop *loop;
    const struct settings *settings;
    struct tls *tls, *own_tls; // own_tls: made here, when first needed
    struct node waiting, endless, failing;
    struct http_pool *pools;
    struct http_route *routes[ROUTE_BUCKETS]; // by the address of the spec
    unsigned next_bucket;                     // to be swept
    int64_t next_sweep;                       // of the pools
    bool posted;                              // http_tell_failures is on its way
    bool freed;
};

// --- pools: http_pool.c ----------------------------------------------------------------------
struct http_pool {
    struct http_client *client;
    struct http_pool *next;
    bool https, allow_private_addresses;
    uint16_t port;
    char host[HOST_TEXT];
    size_t users;     // routes
    struct node idle; // connections, the last used one first
    size_t idle_count;
};

// How the end of a body is found.
enum http_body { BODY_NOT_YET, BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_THE_END };

struct http_connection {
    struct node node; // in the pool's idle list
    struct http_pool *pool;
    struct stream *stream;
    struct http_exchange *exchange; // NULL: idle
    bool used;                      // an earlier exchange went over it
    bool telling;                   // in an event of its exchange: not to be freed
    bool closed;                    // in that event
    int64_t keep_until;             // while idle

    // Of the present answer.
    enum http_body body;
    bool reusable;
    unsigned interim; // answers 1xx
    int64_t keep_for; // microseconds
    uint64_t left;    // BODY_LENGTH
    struct http_chunks chunks;
    struct buf head; // the beginning of a head that came in parts
};

// The pool of the spec's origin, made when it is new. NULL when memory is short.
MUST_CHECK struct http_pool *http_pool_get(struct http_client *client,
                                           const struct server_spec *spec);
// The connection last used; NULL when none is idle. It is the caller's.
struct http_connection *http_pool_take(struct http_pool *pool, int64_t now);
// Closes connections that were idle too long and frees pools that nobody uses.
void http_pools_sweep(struct http_client *client, int64_t now);
void http_pools_free(struct http_client *client);

// Over a connected stream, which it owns. NULL when memory is short; the stream is closed then.
MUST_CHECK struct http_connection *http_connection_new(struct http_pool *pool,
                                                       struct stream *stream);
void http_connection_close(struct http_connection *connection);
// Its exchange is through: kept for the next one.
void http_connection_keep(struct http_connection *connection, int64_t now);

// --- routes: http_route.c --------------------------------------------------------------------
struct http_route {
    struct http_route *next; // in its bucket
    struct server_spec *spec;
    struct http_pool *pool;
    size_t users;      // exchanges
    uint64_t left_out; // bit i: header i of the spec is not in `head`
    bool made;         // `head` is there
    struct buf head;   // ` target HTTP/1.1`, Host, headers of the spec; secret
};

// NULL when memory is short.
MUST_CHECK struct http_route *http_route_get(struct http_client *client, struct server_spec *spec);
// Nothing in it could end the field or begin another.
bool http_name_is_clean(struct view name);
bool http_value_is_clean(struct view value);
// What belongs to the connection or to the framing: nobody else's to say.
bool http_name_is_ours(struct view name);
// Which headers of the spec these fields take the place of.
uint64_t http_route_clashes(const struct http_route *route, const struct http_order *order);
// The constant part of the head without those; {NULL, 0} when memory is short.
struct view http_route_head(struct http_route *route, uint64_t left_out);
// Lets go of specs that nobody else has.
void http_routes_sweep(struct http_client *client);
void http_routes_free(struct http_client *client);

// --- exchanges: http_client.c ----------------------------------------------------------------
enum http_phase { PHASE_CONNECT, PHASE_HEAD, PHASE_BODY, PHASE_OVER };

struct http_exchange {
    struct node node;
    struct http_client *client;
    struct http_route *route;
    struct http_dial *dial;             // PHASE_CONNECT
    struct http_connection *connection; // PHASE_HEAD, PHASE_BODY
    const struct http_events *events;
    void *context;
    enum http_phase phase;
    bool stream, repeatable, headless, held; // headless: HEAD, whose answer has no body
    int64_t deadline, total_deadline;        // loop_clock; 0: none
    size_t queued;                           // of the request, at the last look
    size_t received;                         // of the body
    enum http_failure why;                   // in `failing`
    const char *sentence;
    char *body; // a copy while it may have to be sent (again); NULL: none
    size_t body_size;
    uint64_t left_out; // see http_route
    char method[METHOD_TEXT];
    size_t fields_size;
    char fields[]; // what follows the route's head: fields, Content-Length, the empty line
};

// The deadline of its phase, from now on.
void http_exchange_wait(struct http_exchange *exchange, int64_t now);
// Ends it at once, with its event.
void http_exchange_done(struct http_exchange *exchange);
void http_exchange_fail(struct http_exchange *exchange, enum http_failure why,
                        const char *sentence);
// Ends it soon.
void http_exchange_fail_soon(struct http_exchange *exchange, enum http_failure why,
                             const char *sentence);
// Its connection ended before anything came: sends the request again, if that may be.
bool http_exchange_again(struct http_exchange *exchange);
// Of http_connect.c: here is a stream. It is the exchange's.
void http_exchange_connected(struct http_exchange *exchange, struct stream *stream);

// --- connecting: http_connect.c --------------------------------------------------------------
// Begins to connect for the exchange; http_exchange_connected or _fail_soon follow, never before
// this returns.
void http_dial_start(struct http_exchange *exchange);
// An address that does not answer must not use up the time of those behind it.
void http_dial_tick(struct http_dial *dial, int64_t now);
void http_dial_free(struct http_dial **dial); // accepts NULL

// --- answers: http_answer.c ------------------------------------------------------------------
extern const struct stream_events http_connection_events;
// Ready for the answer to a request.
void http_answer_expect(struct http_connection *connection, struct http_exchange *exchange);
