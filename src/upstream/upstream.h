// upstream.h: the MCP servers behind the gateway, as one loop knows them.
//
// An *upstream* is a configured server of one project: what is known of it (its eras, capabilities,
// how it fares) and its *links*. A link is one conversation with it: a child process, a legacy HTTP
// session, or (modern HTTP) no more than an address. Which link a request takes is decided here:
//
//   stdio                 one per project, user or session, by the spec's `isolation`
//   HTTP, legacy          one per client session; of modern clients, one per key and what they
//                         can be asked, since the server is told that but once
//   HTTP, modern          one
//
// A link speaks the era of its client when the server can, else the other one; what the server can
// is found out as the checklist says (V4, V5) and remembered. On every link requests carry ids of
// our own, many at a time; progress tokens are replaced likewise. Requests wait while a link is
// being made.
//
// A legacy client's request on a modern link gets the members of `_meta` that tell who asks; a
// modern client's request on a legacy link loses them, so that no server takes it for one of the
// other era. All other bytes of params pass as they came.
//
// Nothing here knows clients' connections: events go to whoever made the call, or to
// upstreams_events. No event comes before the function that causes it has returned (but for
// upstream_learn's `done`). Events may call whatever is here, except upstreams_free and
// upstreams_tick.
//
// A pointer to an upstream holds until upstreams_retain leaves it out; its calls are told of that
// soon after, and only then its memory goes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/ration.h"
#include "base/view.h"
#include "model/server_spec.h"
#include "model/settings.h"
#include "os/loop.h"
#include "upstream/http_client.h"
#include "wire/http1.h"
#include "wire/jsonrpc.h"
#include "wire/mcp.h"
#include "wire/splice.h"

struct upstreams; // all of a loop
struct upstream;
struct upcall; // one request under way

// Whose request it is; decides the link, and what the server is told of its client.
struct asker {
    enum mcp_era era;                      // of the client
    int64_t session;                       // number of a legacy client session; 0: none
    int64_t user;                          // a number that no other user ever has
    int64_t key;                           // likewise of its key; above 0
    struct view version;                   // the protocol version it speaks; text
    unsigned can;                          // mcp_can of its capabilities; of modern clients
    struct view capabilities, client_info; // raw JSON objects; {NULL, 0}: none
    int level;                             // log level it wants (mcp_log_level); -1: none
};

enum upcall_failure {
    UPCALL_UNREACHABLE,  // cannot be started or connected to, or is backing off
    UPCALL_FORBIDDEN,    // the address policy refuses it
    UPCALL_UNAUTHORIZED, // it refuses our credentials
    UPCALL_TIMEOUT,
    UPCALL_DIED,    // the child exited, the connection was lost
    UPCALL_GARBLED, // it answers what is not MCP
    UPCALL_LARGE,
    UPCALL_MEMORY,
};

// A server's own request, waiting for an answer: a value, valid for upstreams_answer as long as it
// likes.
enum { QUESTION_ID = 264 };
struct question {
    uint64_t link;        // never used again for another link
    char id[QUESTION_ID]; // raw
    size_t id_size;
};

// `answered` and `failed` must be there; where others are NULL nobody is told, or asked.
struct upcall_events {
    // A notification that belongs to this request: progress (params.progressToken is ours: replace
    // it), message. In the upstream's order, before the answer.
    void (*notice)(void *context, const struct rpc *message);
    // A request of the server that belongs to this one (sampling/createMessage, elicitation/create,
    // roots/list). Must be answered some time (upstreams_answer). Pings are answered here.
    void (*question)(void *context, const struct question *question, const struct rpc *message);
    // The result or error. Nothing follows. `era`: what the link speaks.
    void (*answered)(void *context, enum mcp_era era, const struct rpc *response);
    // Nothing follows. `sentence` is static, in lower case without a stop, and may be shown to the
    // client.
    void (*failed)(void *context, enum upcall_failure why, const char *sentence);
    // Over HTTP: the server answers in events, even if there is none yet. `more`: some came along
    // and are told first; then it is said again. May be told any number of times.
    void (*begun)(void *context, enum mcp_era era, bool more);
    // It has ended them before the answer, to be asked for the rest after `retry` milliseconds (-1:
    // it did not say), as it will be (SEP-1699, polling).
    void (*paused)(void *context, long long retry);
};

// For requests whose answer nobody waits for; the context is not looked at.
extern const struct upcall_events upcall_nobody;

struct upcall_order {
    const struct asker *asker;
    enum mcp_method method;
    struct view method_name;
    struct view params;           // raw; {NULL, 0}: none
    const struct splice *splices; // to be made in params, in order, NOT including the token's
    size_t splice_count;
    // The client's progress token, a slice of params to be replaced; {NULL, 0}: none.
    struct view token;
    // For Mcp-Name on modern HTTP links: the text as the upstream knows it; {NULL, 0}: none.
    struct view name;
    const struct http_field *parameter_fields; // Mcp-Param-*, passed on to modern HTTP links
    size_t parameter_field_count;
    bool stream; // subscriptions/listen: no timeouts
};

// Where something was heard.
struct heard {
    struct upstream *upstream;
    int64_t session;       // of the client session whose link it is; 0: a link that is shared
    uint64_t conversation; // see upstream_conversation
};

// Things that belong to no request under way.
struct upstreams_events {
    // …/list_changed (`what` is that method), also when a dead upstream is back or its spec is new.
    void (*changed)(void *context, struct upstream *upstream, enum mcp_method what);
    // Any other notification.
    void (*notice)(void *context, const struct heard *heard, const struct rpc *message);
    // A request of the server outside a call, for the client session whose link it is. (On shared
    // links it has been refused already, since it cannot be told whom it is for.)
    void (*question)(void *context, struct upstream *upstream, int64_t session,
                     const struct question *question, const struct rpc *message);
    // The log level that a legacy conversation is to begin with, `session` as in heard; -1: its
    // own.
    int (*level)(void *context, struct upstream *upstream, int64_t session);
};

struct upstreams_order {
    struct loop *loop;
    const struct settings *settings;
    struct http_client *http;
    struct ration *unread; // of what is kept for clients, each key an owner; NULL: not bounded
    struct ration *asked;  // of requests under way, likewise
    const struct upstreams_events *events;
    void *context;
    // One line for the log about an upstream: `started`, `exited`, `refused`, … (static) and a
    // detail.
    void (*log)(void *context, const struct upstream *upstream, const char *what,
                const char *detail);
};
MUST_CHECK struct upstreams *upstreams_new(const struct upstreams_order *order);
// The gateway is about to end: calls fail, no link is begun any more, and all are asked to end as
// idle ones are. A child has its time for that: its input ends, SIGTERM, SIGKILL. Upstreams stay
// valid. Any number of times.
void upstreams_end(struct upstreams *upstreams);
// After that: has children that still live get SIGTERM now, however long their input has ended.
void upstreams_hurry(struct upstreams *upstreams);
// Whether no child lives any more that was asked to end.
bool upstreams_ended(const struct upstreams *upstreams);
// Ends all children and links at once; calls fail first. Not to be called in an event.
void upstreams_free(struct upstreams **upstreams);

// The upstream of a spec in a project (row number), made when it is new. NULL when memory is short.
// Upstreams that nobody asked for (upstreams_keep) since `idle_child` end their children.
MUST_CHECK struct upstream *upstream_get(struct upstreams *upstreams, int64_t project_n,
                                         struct server_spec *spec);
const struct server_spec *upstream_spec(const struct upstream *upstream);
int64_t upstream_project(const struct upstream *upstream);
// A line for the log about it, see `log` of upstreams_order. At most LOG_LINES in LOG_WINDOW
// (link.h); how many more there were is one line when that has passed.
void upstreams_log(struct upstream *upstream, const char *what, const char *detail);
// A config has changed: upstreams of the project whose server is none of these end (calls fail with
// UPCALL_DIED).
void upstreams_retain(struct upstreams *upstreams, int64_t project_n,
                      const struct server_specs *specs);

// What a server says of itself in one era. Raw JSON; {NULL, 0}: it does not say. Owned by the
// upstream.
struct upstream_facts {
    enum mcp_era era; // in which it was learned
    struct view capabilities, server_info, instructions;
};
// For clients of an era: what it says in the one in which it is asked for them, or, while that is
// not known, in the other. NULL as long as nothing is known: then upstream_learn. Valid until the
// loop is returned to.
const struct upstream_facts *upstream_facts(const struct upstream *upstream, enum mcp_era client);
// The era in which the server is sure to understand what is asked for a client of that era, as far
// as it is known: the client's own when it speaks both. Requests go out in the client's as long as
// the server is not known not to speak it.
enum mcp_era upstream_era(const struct upstream *upstream, enum mcp_era client);
// Whether it is known that it speaks an era; whether it is known if it does.
bool upstream_speaks(const struct upstream *upstream, enum mcp_era era);
bool upstream_is_judged(const struct upstream *upstream, enum mcp_era era);
// Makes a link of the asker's era, if there is none, to learn the facts; `done` is called once,
// perhaps before this returns (NULL then), with `known` false when it could not be had in the
// handshake's time. The wait is gone when `done` is called.
struct upstream_wait;
struct upstream_wait *upstream_learn(struct upstream *upstream, const struct asker *asker,
                                     void (*done)(void *context, bool known), void *context);
void upstream_wait_cancel(
    struct upstream_wait **wait); // `done` is not called any more; accepts NULL

// Whether it has failed and has not answered since: `changed` is told when it does. And: it has
// just failed in a way that only the caller can tell.
bool upstream_is_down(const struct upstream *upstream);
void upstream_went_down(struct upstream *upstream);

// Sends a request. All views are borrowed for the call only. NULL when memory is short; no event
// comes before this returns. The upcall is gone after `answered`, `failed` or upcall_cancel.
MUST_CHECK struct upcall *upcall_send(struct upstream *upstream, const struct upcall_order *order,
                                      const struct upcall_events *events, void *context);
// Ends it without an event: the server is told (notifications/cancelled; on modern HTTP the stream
// is closed; nothing for initialize), a late answer is dropped. `reason` raw JSON text or {NULL,
// 0}. Accepts NULL.
void upcall_cancel(struct upcall **upcall, struct view reason);
// While the client does not take what comes. An HTTP stream is held. A child's pipe is only when
// all its calls are, since others wait for it, too: what comes for the call is put aside, up to
// settings->event bytes, above which the call fails with UPCALL_LARGE. It is told soon after the
// hold ends.
void upcall_hold(struct upcall *upcall, bool held);

// The client's answer to a question: a raw `result`, or else a raw `error`. Nothing happens when
// the link is gone.
void upstreams_answer(struct upstreams *upstreams, const struct question *question,
                      struct view result, struct view error);
// The gateway's own answer, a raw `error`. A server that asks faster than it takes answers may not
// get it.
void upstreams_refuse(struct upstreams *upstreams, const struct question *question,
                      struct view error);

// Which conversation of an era an asker's requests go by at present: a number that no other one
// ever has; 0: there is none. Who looks is not done with it: a child is not idle then.
uint64_t upstream_conversation(struct upstream *upstream, const struct asker *asker,
                               enum mcp_era era);
// Whether these two have the same one; whether it is the asker's session's alone.
bool upstream_is_one(const struct upstream *upstream, const struct asker *a, const struct asker *b);
bool upstream_is_own(const struct upstream *upstream, const struct asker *asker);

// A client session has a stream for what belongs to no call (its GET stream): its legacy HTTP links
// open theirs, too, from now on. And: the session is over: links of its own end (DELETE, or the
// child's end).
void upstreams_session_streams(struct upstreams *upstreams, int64_t session, bool wanted);
void upstreams_session_over(struct upstreams *upstreams, int64_t session);
// A client session that saw this server and wanted log messages from `level` on is over. With the
// next tick the server is told, if it was shared with others, what those want, when that is less.
void upstreams_level_over(struct upstreams *upstreams, int64_t project_n,
                          const struct server_spec *spec, int level);
// A notification of the client for all live legacy links of its session (roots/list_changed).
void upstreams_session_notify(struct upstreams *upstreams, int64_t session, struct view message);
// A key's own links (modern client, legacy upstream) end.
void upstreams_key_over(struct upstreams *upstreams, int64_t key);

// While clients of any era watch, a modern upstream is asked for its list changes by one
// subscriptions/listen under an id of our own; `upstreams_events.changed` tells. For legacy ones
// the links' own notifications do: modern watchers have them open their streams, legacy ones have
// upstreams_session_streams.
void upstream_watch(struct upstream *upstream, enum mcp_era clients, int more);

void upstreams_tick(struct upstreams *upstreams, int64_t now); // deadlines, back-off, idle children
