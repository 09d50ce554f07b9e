// exchange.h: a client's request under way, or a stream of its: what front.h begins, and through
// which everything goes back.
//
// An exchange has calls (one; several in a batch of 2025-03-26; none in a stream) and ends with the
// answer to the last of them. Over HTTP an answer is one body or events, as the server's was; what
// comes before it makes events of it, too, when the server is a child.
//
// When the client of a legacy session goes away, the exchange goes on without it: its events are
// kept in a channel and can be taken up again. A modern client that goes away has cancelled.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/rationed.h"
#include "base/view.h"
#include "gateway/front.h"
#include "gateway/gateway.h"
#include "gateway/session.h"

struct call;
struct listening; // see listen.h

// The first two are over with the answer to their last call; the others stay open.
enum exchange_kind { EXCHANGE_POST, EXCHANGE_BATCH, EXCHANGE_STREAM, EXCHANGE_LISTEN };

// Whether the answer to the last of its calls ends it.
enum exchange_phase {
    EXCHANGE_LIVE,     // it does
    EXCHANGE_ENTERING, // not yet: the rest of the batch is still to be looked at
    EXCHANGE_LEAVING,  // no more: its calls are being cancelled
};

// What its answer is. It only moves on.
enum answer_form {
    ANSWER_OPEN,      // one body, if no event comes before it
    ANSWER_AS_EVENTS, // as the server's: events, if it is no error whose status says something
    ANSWER_BEGUN,     // events: some have been sent
};

// What becomes of what comes for its client.
enum flow {
    FLOW_FREE,
    FLOW_HELD,   // the client does not take it, or is to come back for it: the calls are held
    FLOW_CHOKED, // nor what comes on a stream, whose sources serve others, too: it gets no more
};

struct exchange {
    struct gateway *gateway;
    struct principal *principal;
    const struct front_ops *ops; // NULL: the client has gone
    void *door;
    struct exchange *next, *previous; // of the credential
    enum exchange_kind kind;
    enum exchange_phase phase;
    enum answer_form form;
    enum flow flow;
    enum mcp_era era;
    bool stdio;
    bool opens_session; // its answer says the session's id
    bool *over;         // set when it is freed
    struct session *session;
    struct channel *channel;
    struct server_spec *only;   // of /mcp/{server}; NULL: all
    struct server_spec *served; // the one that its calls went to; NULL: none yet
    bool several;               // went to others, too
    struct call *calls;
    size_t call_count;
    struct rationed gathered; // a batch's answers; `failed`: some are lost
    struct listening *listening;
};

// A new exchange of a principal. NULL when memory is short. Free with exchange_free when nothing
// ended it.
struct exchange *exchange_new(struct gateway *gateway, const struct front_request *request,
                              const struct front_ops *ops, void *door);
void exchange_join(struct exchange *exchange, struct session *session);
void exchange_free(struct exchange *exchange);

// One of its calls goes to this server.
void exchange_serves(struct exchange *exchange, struct server_spec *spec);
// The one call it has goes on by the server's record as it is now.
void exchange_serves_by(struct exchange *exchange, struct server_spec *now);

// Goes by the servers of `now`, its credential's principal of later. False, and nothing is changed,
// when its endpoint's server is not one of them any more.
MUST_CHECK bool exchange_follow(struct exchange *exchange, struct principal *now);

// The answer becomes a stream of events from here on, if it is not.
void exchange_begin_events(struct exchange *exchange);

// The same on a connection that takes it up behind an event.
void exchange_begin_behind(struct exchange *exchange, uint64_t after);

// The server answers in events, and so will we. `more`: some are about to be told, and may be all.
void exchange_in_events(struct exchange *exchange, bool more);

// The server has its client poll (SEP-1699): so has the client itself, if it can. Until it comes
// back what the server says is held, so that nothing is lost meanwhile.
void exchange_pause(struct exchange *exchange, long long retry);

// A message that gets no answer was taken: 202.
void exchange_accept(struct exchange *exchange);

// All of a batch has been begun, and answered.
void exchange_conclude_batch(struct exchange *exchange);

// A message before the last: an event. Dropped when the client has gone and cannot come back.
void exchange_event(struct exchange *exchange, const struct view *pieces, size_t count);

// The client's stream goes on behind an event by another connection of its, that of `fresh`, which
// is gone then.
void exchange_take_over(struct exchange *exchange, struct exchange *fresh, uint64_t after);

// Ends a stream, or an exchange whose call was cancelled.
void exchange_end(struct exchange *exchange);

// Ends it without grace: access is lost. `reason`: see front_ops.
void exchange_cut(struct exchange *exchange, const char *reason);

// A call is over, with this answer (count 0: none, it was cancelled). `status` counts when it is
// the whole answer. The exchange may be gone afterwards.
void exchange_answer(struct exchange *exchange, int status, const struct view *pieces,
                     size_t count);

// All of a session's, when it ends; all of a credential's, when access is lost.
void exchanges_of_session_end(struct session *session);
void exchanges_of_credential_cut(struct credential *credential, const char *reason);

// The specs of its endpoint: one, or all of the access.
struct endpoint_servers {
    struct server_spec *const *list;
    size_t count;
    char (*prefixes)[NAMING_PREFIX]; // NULL: bare names
};
struct endpoint_servers exchange_servers(const struct exchange *exchange);

// For the journal: the server that a request for this name or URI (as a line has it, perhaps cut or
// none) is for, as far as the endpoint or the name's prefix says it; {NULL, 0}: it does not.
struct view exchange_server_of(const struct exchange *exchange, enum mcp_method method,
                               struct view name);
