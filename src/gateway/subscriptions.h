// subscriptions.h: what servers are asked so that clients hear of changed resources: a legacy one
// by resources/subscribe, a modern one by a subscriptions/listen of ours per subscription.
//
// A subscription outlives the conversation it was made in: when that is over (a child that died, a
// session the server forgot) it is made again in the next one, as long as its client is there. A
// legacy server is told of its end when nobody else of the same conversation wants to hear.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "gateway/gateway.h"
#include "gateway/session.h"
#include "upstream/upstream.h"

enum { SUBSCRIPTION_URI = 4096, SUBSCRIPTIONS_MOST = 256 }; // of one session or listen
// Of all of a key, in bytes, each with SUBSCRIPTION_RECORD and its URI: without it 256 sessions
// with 256 of the longest would keep 256 MiB, and with 256 of the shortest 8 MiB. Enough for 10,000
// of a usual length.
enum { SUBSCRIPTION_BYTES = 2 * 1024 * 1024, SUBSCRIPTION_RECORD = 120 };

struct call; // see call.h

// Whose it is: a session's, or a listening's (listen.h); the other is NULL.
struct subscriber {
    struct session *session;
    struct listening *listening;
};

// How many of its bytes the key has left. The caller looks at it before he adds one.
size_t subscriptions_room(const struct credential *credential);

// Adds one at the beginning of the subscriber's list. A session's at a legacy server is asked for
// by its client's own call, which is about to be sent there (call.h); all others are asked for
// here, `call` NULL. False when memory is short.
MUST_CHECK bool subscription_add(struct gateway *gateway, struct subscriber subscriber,
                                 struct upstream *upstream, struct view uri, struct call *call);

// The server has answered the call that asks for one, if it does: with a result (`made`), else the
// subscription is over.
void subscription_answered(struct call *call, bool made);

// Whether one is about this: is there, or made, which one is not that a call still asks for.
bool subscriptions_have(struct subscription *first, const struct upstream *upstream,
                        struct view uri);
bool subscriptions_made(struct subscription *first, const struct upstream *upstream,
                        struct view uri);
size_t subscriptions_count(const struct subscription *first);

// Ends one, all, or those to servers that are none of these any more.
void subscriptions_leave(struct subscription **first, const struct upstream *upstream,
                         struct view uri);
void subscriptions_end(struct subscription **first);
void subscriptions_retain(struct subscription **first, const struct server_specs *specs);

// A resource of a legacy server has changed (notifications/resources/updated): told to those who
// subscribed in the conversation in which it was said, and to nobody else.
void subscriptions_updated(struct gateway *gateway, const struct heard *heard,
                           const struct rpc *message);

// Makes those again whose conversation is over. About once a second.
void subscriptions_tick(struct gateway *gateway, int64_t now);
