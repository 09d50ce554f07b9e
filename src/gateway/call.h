// call.h: one request of a client, from its arrival to its answer, in stages:
//
//   limit     may the key have one more call under way?
//   resolve   which server, and may it? (the one decision: server_spec_allows)
//   invoke    sent to an upstream; what comes back before the answer is passed on
//   reply     the answer goes to the client, one line to the journal
//
// (Before it: authenticate, by the door; and check, by intake.c: is the request in order, and are
// its session and its endpoint there? One that is refused there never becomes a call, but has its
// line.) Every failure leaves by call_fail, which names the stage.
// What is passed on are the bytes that came: only ids, progress tokens and prefixed names are
// replaced.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/rationed.h"
#include "base/view.h"
#include "gateway/exchange.h"
#include "wire/jsonrpc.h"
#include "wire/mcp.h"

enum stage { STAGE_LIMIT, STAGE_RESOLVE, STAGE_INVOKE, STAGE_REPLY };

// A code of our own, outside of what JSON-RPC and MCP reserve.
enum { CALL_LIMITED = -31001 };

enum { CALL_TOOL = 64, CALL_SPLICES = 4 };

#define CALL_SERVERS_CHANGED "The servers have changed meanwhile: call again"

struct rounds; // see questions.h

struct call {
    struct exchange *exchange; // NULL: parked (parked.h)
    struct gateway *gateway;
    struct principal *principal;
    struct call *next, *previous; // of the exchange
    enum mcp_era era;             // of the client
    enum mcp_method method;
    enum stage stage;
    char *raw;               // owns what the next views point into
    struct view id, token;   // raw; token {NULL, 0}: no progress is wanted
    unsigned can;            // mcp_can of a modern client
    int level;               // log messages from here on; -1: none (modern clients)
    char name[JOURNAL_NAME]; // journal_name_of
    size_t name_size;
    struct server_spec *spec; // where it goes; NULL: not resolved
    char *tool;               // what it calls there, or what made its task; NULL: none
    size_t tool_size;
    char tool_room[CALL_TOOL]; // where it is, if it fits
    struct upcall *upcall;
    struct subscription *subscription; // that it asks a legacy server for; NULL: none
    struct holding room;               // for what of it goes to a server, when that is much
    struct rationed text;              // the whole message, while it waits or may be sent again
    struct http_field *fields;         // its Mcp-Param-* (with `text`)
    size_t field_count;
    char *field_text;
    struct waiter *waiters;
    size_t waiter_count, waiting;
    bool waited;
    bool may_be_task; // its answer may be a task
    struct rounds *rounds;
    uint64_t parked; // number under which it is parked; 0: is not
    uint64_t wrote;  // tells apart the Mcp-Param-* we wrote for it; 0: none were ours to write
    bool relisted;   // its server did not take them, and its tools were read again
    uint64_t asks;   // tells apart what may be parked: endpoint, name, arguments
    int64_t started, sent, waited_time;
    uint64_t bytes_in, bytes_out;
};

// A request as the handlers see it. Borrowed from the door, or from `call->text`.
struct incoming {
    const struct rpc *rpc;
    struct mcp_params params;
    const struct http_field *fields; // Mcp-Param-*
    size_t field_count;
};

// Begins a call of the exchange: limits, then its method's handler. It may be over, and the
// exchange gone, afterwards.
void call_begin(struct exchange *exchange, const struct incoming *incoming);

// Handles a call again whose message was kept.
void call_again(struct call *call);

// Sends it on to a server, with splices made in its params. `name`, `tool`: as the upstream knows
// them; the tool that must be allowed for it, {NULL, 0}: none.
struct sending {
    struct server_spec *spec;
    struct view name, tool;
    struct splice splices[CALL_SPLICES];
    size_t splice_count;
};
void call_send(struct call *call, const struct incoming *incoming, const struct sending *sending);

// Keeps the message beyond the door's call. False when memory is short, or its key has no room for
// it (the call has failed then).
MUST_CHECK bool call_keep(struct call *call, const struct incoming *incoming);

// What its bytes count in, with no room yet; and the failure of one for which there is none.
struct holding call_room(const struct call *call);
void call_refuse_bytes(struct call *call);

// Has something wanted of the catalog of a server, or (NULL) of those of all servers of the
// endpoint: one of several is not waited for while it is down, only tried. True when all is there
// already (or was waited for before). False: the call is handled again when it is there, or it has
// failed.
MUST_CHECK bool call_want(struct call *call, const struct incoming *incoming,
                          struct server_spec *server, const unsigned *wants, size_t count);

// Whether a modern client brings a requestState to a server that gives none: it is none of ours any
// more, or never was. The call waits until it is known which era the server speaks. True: it is
// over, or comes again.
MUST_CHECK bool call_has_lost_state(struct call *call, const struct incoming *incoming,
                                    struct server_spec *spec);

// It does not wait any more.
void call_drop_waiters(struct call *call);

// An upstream's answer to the call.
void call_take_answer(struct call *call, enum mcp_era era, const struct rpc *response);

// For parked.h: the call leaves its exchange without an answer; and takes the place of a client's
// retry, with its id, in the retry's exchange.
void call_detach(struct call *call);
void call_take_place(struct call *call, struct call *retry);

// The ends of a call. It is gone afterwards. Pieces are the raw result.
void call_result(struct call *call, const struct view *result, size_t count);
void call_error(struct call *call, int code, const char *message);
// The same with raw data, {NULL, 0}: none, and an HTTP status.
struct failure {
    int code, status;
    const char *message;
    struct view data;
    const char *outcome;
};
void call_fail(struct call *call, const struct failure *failure);
// Without an answer: the client gave it up, or its access is lost. The upstream is told.
void call_cancel(struct call *call, struct view reason);

// A server of its project, and what that offers. NULL when memory is short.
struct upstream *call_upstream(const struct call *call, struct server_spec *spec);
struct catalog *call_catalog(const struct call *call, struct server_spec *spec);

// Whose request it is.
struct asker call_asker(const struct call *call, const struct mcp_params *params);

// It will stay open: it does not count against the key's calls any more.
void call_becomes_stream(struct call *call);

// While the client does not take what comes.
void call_hold(struct call *call, bool held);
