// http_client.h: HTTP/1.1 towards the servers behind the gateway: keep-alive pools, strict framing,
// timeouts for every phase. Knows nothing of MCP.
//
// No redirects are followed. A name is resolved, every address it leads to is judged
// (model/address.h) and the connection goes to exactly the address that was judged: private,
// loopback, link-local and metadata addresses are refused unless the spec allows them. Public ones
// are spoken to over https only. Over https the certificate is verified.
//
// A pool belongs to one origin (with its address policy) and one loop. Streams that stay open are
// not counted against the number of idle connections it keeps, and there is no maximum of
// connections that a stream could use up.
//
// Events may send, cancel and hold, this exchange as well as others. The tick must not be called in
// an event.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "model/server_spec.h"
#include "model/settings.h"
#include "os/loop.h"
#include "os/tls.h"
#include "wire/http1.h"

struct http_client;   // one loop's
struct http_exchange; // one request and its response

// `settings` and `tls` (of a client) outlive it. Without `tls` one is made of the system's
// authorities when it is first needed. NULL when memory is short.
MUST_CHECK struct http_client *http_client_new(struct loop *loop, const struct settings *settings,
                                               struct tls *tls);
void http_client_free(struct http_client **client); // exchanges have ended or been cancelled

enum http_failure {
    HTTP_UNREACHABLE, // no connection
    HTTP_FORBIDDEN,   // the address policy refuses it
    HTTP_TIMEOUT,     // of whatever phase; the sentence tells which
    HTTP_LOST,        // the connection ended before the response did
    HTTP_GARBLED,     // no HTTP, or against its framing
    HTTP_LARGE,       // more than the limits allow
    HTTP_MEMORY,
};

struct http_order {
    struct server_spec *spec;        // address, headers, timeouts; kept (ref) while needed
    const char *method;              // POST, GET, DELETE
    const struct http_field *fields; // besides those of the spec, and before them where both have
                                     // one; copied. Not Host, lengths or codings: they are ours
    size_t field_count;
    size_t sure;      // so many of them, the first ones, have names that need no second look
    struct view body; // copied
    bool stream;      // an answer without an end: only the times to connect and to the head count
    bool repeatable;  // harmless when the server gets it twice, as reads are; GET and DELETE always
};

// The exchange is gone after `done`, `failed` or http_cancel; to cancel it in `done` or `failed`
// does nothing.
struct http_events {
    // Status and fields, once; borrowed. `more`: something came with it and follows now.
    void (*head)(void *context, const struct http_head *head, bool more);
    void (*data)(void *context, struct view bytes); // of the body, unchunked; borrowed
    void (*done)(void *context);                    // the body is complete; nothing follows
    // Nothing follows. `sentence` is static, a part of one in lower case without a final stop.
    void (*failed)(void *context, enum http_failure why, const char *sentence);
};

// Sends a request. A kept connection that turns out closed before the first byte of an answer is
// replaced once without anyone noticing, if the request is repeatable (as browsers and nginx do):
// whether the server has acted on it cannot be known. NULL when memory is short. No event comes
// before this returns.
MUST_CHECK struct http_exchange *http_send(struct http_client *client,
                                           const struct http_order *order,
                                           const struct http_events *events, void *context);

// Gives up: the connection is closed (which is how HTTP cancels), no event follows. Accepts NULL.
void http_cancel(struct http_exchange **exchange);

// Holds the flow of `data`, while someone further on does not take it. What was read already (one
// read, at most 64 KiB) still comes. While it is held the idle timeout does not count.
void http_hold(struct http_exchange *exchange, bool held);

// Looks at deadlines; to be called a few times a second. `now`: loop_clock().
void http_client_tick(struct http_client *client, int64_t now);
