// front.h: what a door (HTTP, stdio) says to the gateway, and what the gateway says to the door.
//
// A door knows connections and framing; the gateway knows keys, sessions and MCP. Everything here
// happens on the loop that owns the project of the key.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "wire/http1.h"

struct gateway; // one loop's
struct ration;
struct principal; // what a key may do: immutable, counted; see principals.h
struct exchange;  // a client's request under way, or its stream

enum front_answer {
    FRONT_GRANTED,
    FRONT_DENIED,      // no such key, disabled, expired, deleted, …: one answer
    FRONT_UNAVAILABLE, // the store cannot be asked: 503
};

// Who has this key now. Each request asks again. The principal is the caller's reference.
MUST_CHECK enum front_answer front_authenticate(struct gateway *gateway, struct view api_key,
                                                struct principal **ret_principal);
void front_principal_unref(struct principal **principal);
// Whether the ids that a client claims (headers project_id, user_id; {NULL, 0}: none) are the
// key's. If not, the log says so.
bool front_agrees(struct gateway *gateway, const struct principal *principal,
                  struct view project_id, struct view user_id);
// For the log: an answer of its has not been taken by its client, who went away, read nothing for
// too long, left too much unread, or lost access meanwhile.
void front_unread(struct gateway *gateway, const struct principal *principal);
// The number of its key, which no other has.
uint64_t front_key(const struct principal *principal);
// What the memory of requests counts in, by key: while they come in, as the door's (when the key is
// revoked it is taken back, see ration.h); from then on until they are answered, as their calls'.
struct ration *front_asked(struct gateway *gateway);
// Which of `workers` loops owns the principal's project.
unsigned front_owner(const struct principal *principal, unsigned workers);

struct front_request {
    struct principal *principal; // borrowed
    bool stdio;                  // not HTTP: no headers, no session ids
    struct view server;          // of /mcp/{server}, percent-decoded; {NULL, 0}: all
    struct view session_id, version, method, name,
        last_event_id;                         // header values; {NULL, 0}: not sent
    const struct http_field *parameter_fields; // Mcp-Param-*
    size_t parameter_field_count;
    struct view body;
};

// What the gateway has the door do. All bytes are borrowed for the call; a message comes in pieces.
struct front_ops {
    // The whole answer: ends the exchange. `session_id` {NULL, 0}: no such header. No pieces: no
    // body (202).
    void (*answer)(void *door, int status, struct view session_id, const struct view *pieces,
                   size_t count);
    // One event; the first one begins an answer of status 200 with text/event-stream. No pieces:
    // only begins it (the head is sent at once). `id` {NULL, 0}: none.
    void (*event)(void *door, struct view id, const struct view *pieces, size_t count);
    // Ends the exchange after events, with a last one when there are pieces.
    void (*end)(void *door, struct view id, const struct view *pieces, size_t count);
    // Ends it before its last event: the client is to come back for the rest, after so many
    // milliseconds (-1: when it likes). Only for streams with ids.
    void (*pause)(void *door, long long retry);
    // Ends the exchange by cutting the connection: access was revoked, or nothing better can be
    // said. `reason` (static): why, when it is not that somebody took the key's access; else NULL.
    void (*cut)(void *door, const char *reason);
    // Bytes that the client has not taken yet.
    size_t (*queued)(void *door);
};

// A message of the client (POST). NULL when the answer was given before this returned. Otherwise
// the door keeps the exchange until an op ended it, or says that the client has gone.
struct exchange *front_post(struct gateway *gateway, const struct front_request *request,
                            const struct front_ops *ops, void *door);
// The client's stream (GET) and the end of its session (DELETE).
struct exchange *front_get(struct gateway *gateway, const struct front_request *request,
                           const struct front_ops *ops, void *door);
void front_delete(struct gateway *gateway, const struct front_request *request,
                  const struct front_ops *ops, void *door);

// The client has gone. No op is called any more.
void exchange_gone(struct exchange *exchange);
// What was queued has been taken.
void exchange_drained(struct exchange *exchange);
