// session.h: the sessions of legacy clients (MCP 2024-11-05 to 2025-11-25).
//
// A session is bound to the key that opened it: to every other key it does not exist (404). It
// remembers what `initialize` said, the channels of its streams, and the questions its client has
// still to answer. Over stdio there is one, whose id nobody is told.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "base/view.h"
#include "gateway/channel.h"
#include "gateway/gateway.h"
#include "upstream/upstream.h"
#include "wire/jsonrpc.h"

enum { SESSION_ID = 43, SESSION_CHANNELS = 64 };
// More than that is not kept of what is complete.
enum { SESSION_BYTES = 1024 * 1024 };

// Somebody the client has to answer; see questions.h.
struct asked;

// A resource the client wants to hear of; see subscriptions.h.
struct subscription;

struct session {
    struct gateway *gateway;
    char id[SESSION_ID + 1]; // base64url of 256 random bits
    int64_t number;
    struct credential *credential;
    int64_t project_n, user;               // see struct principal
    struct session *next, *previous;       // of the gateway, by last use
    struct node of_key;                    // of the credential
    char *server;                          // of /mcp/{server}; NULL: all
    const char *version;                   // static
    char *client;                          // owns what the next two point into
    struct view capabilities, client_info; // raw
    int level;                             // of log messages it wants; -1: it did not say
    bool known;                            // its client was told the id
    bool initialized;                      // it is asked and told of lists from then on
    unsigned dirty;                        // lists it has to be told changed: see notices.h
    int64_t used_at;                       // loop time
    struct exchange *stream;               // its GET stream; NULL: none
    struct channel *channels;
    size_t channel_count;
    int64_t next_channel, next_question;
    struct asked *asked;
    struct subscription *subscriptions;
    struct access *watched; // whose servers are watched for it: see notices.h; NULL: none
    unsigned exchanges;     // that belong to it
};

struct session_order {
    struct principal *principal;
    struct view server;
    const char *version;
    struct view capabilities, client_info; // raw; copied
    bool stdio;
};

// A new session. NULL when memory is short. The caller has looked at the limits.
struct session *session_new(struct gateway *gateway, const struct session_order *order);

// The client has sent this. It has initialized when it says so, and when it asks for what it may
// ask for only then: over HTTP its word and its first request may overtake each other.
void session_heard(struct session *session, const struct rpc *rpc);

// Ends it: its exchanges and calls, its links upstream. The client will get 404.
void session_end(struct session *session);

// Ends the key's session that was used least lately and has nothing open; none when all have.
void session_end_idlest(struct credential *credential);

// The session of this id when it is this principal's, at this endpoint; else NULL. It counts as
// used.
struct session *session_find(struct gateway *gateway, const struct principal *principal,
                             struct view id, struct view server);

// Ends sessions that were not used for long, and those that no client will ever know of: whose
// `initialize` failed, or has nobody who waits for it; forgets complete channels.
void sessions_tick(struct gateway *gateway, int64_t now);

// A channel of the session, a new one (NULL when memory is short or there are too many) or that of
// a number.
struct channel *session_add_channel(struct session *session);
struct channel *session_find_channel(struct session *session, int64_t number);

// Whose requests they are, for upstreams.
struct asker session_asker(const struct session *session);
