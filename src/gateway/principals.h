// principals.h: who may do what, decided afresh for every request and yet cheaply.
//
// A *credential* is an API key as this loop has met it. Its *principal* is what the key may do: an
// immutable answer of the store, valid as long as the store's version stands (a look at shared
// memory, a few nanoseconds). When anything was committed since, by whatever process, the store is
// asked again before the request is let through (some 10 us): so the first request after a
// revocation has returned is decided by the new state. Nothing is loaded in advance; a million keys
// cost nothing until they come.
//
// What a project gives, its *access*, is access.h's.
//
// What rests is forgotten: a key once the store would have to be asked anyway, a project when its
// servers have rested, too.
//
// If the store cannot be asked (see `lease` in settings.h) everybody is refused: FRONT_UNAVAILABLE.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/list.h"
#include "base/table.h"
#include "gateway/access.h"
#include "gateway/front.h"
#include "model/grant.h"
#include "model/server_spec.h"
#include "model/settings.h"
#include "model/store.h"

struct task;

struct credential {
    uint8_t digest[VAULT_DIGEST];
    int64_t key_n;                             // only for the record of its uses
    int64_t number;                            // that no other key, or other user's, ever has
    struct principal *principal;               // the latest; NULL once access is lost
    struct db_version seen;                    // the store's version the principal was read at
    struct credential *newer, *older;          // in the order of first use
    int64_t used_at, uses;                     // not yet recorded
    unsigned holds;                            // sessions and exchanges that keep it here
    unsigned calls, parked, sessions, listens; // of the limits
    // Number of the access that what it has under way was judged by last; 0: has to be, again.
    uint64_t judged;
    size_t subscribed;        // bytes, see subscriptions.h
    struct node open;         // its sessions
    struct node parked_calls; // who has waited longest first: see parked.h
    struct exchange *first_exchange;
    struct task *tasks; // see tasks.h
};

struct principal {
    unsigned references;
    struct credential *credential;
    struct grant grant;
    int64_t user; // made of its user's id: row numbers are given again
    struct access *access;
};

// What the rest of the gateway does about a change.
struct principals_events {
    // The key gives nothing any more: its sessions, streams and calls must end. `grant` is what it
    // gave; `reason` (static) is why it was taken though nobody took it from the key, else NULL.
    void (*revoked)(void *context, struct credential *credential, const struct grant *grant,
                    const char *reason);
    // The project's servers or their tools are others now.
    void (*access_changed)(void *context, const struct access *now);
    // What the key has under way, tasks too, has to be judged by its principal as it is now: told
    // in a sweep, once for each access, and again when `judged` was taken back.
    void (*confirmed)(void *context, struct credential *credential);
    // The tasks it has made are not the key's any more: they must end. Told before `revoked`.
    void (*tasks_lost)(void *context, struct credential *credential);
};

struct principals;

// `unread`, `asked`: the rations of what waits for clients and of requests under way, each key an
// owner; NULL: there is none.
MUST_CHECK struct principals *principals_new(struct store *store, const struct settings *settings,
                                             const struct ration *unread,
                                             const struct ration *asked,
                                             const struct principals_events *events, void *context);
void principals_free(struct principals **principals); // no holds are left

MUST_CHECK enum front_answer principals_find(struct principals *principals, struct view api_key,
                                             struct principal **ret_principal);
struct principal *principal_ref(struct principal *principal);
void principal_unref(struct principal **principal);

// Whether it still goes by the servers that its project has now, as far as is known.
bool principals_is_current(const struct principals *principals, const struct principal *principal);

// What a project gives now, as far as is known; borrowed. NULL: it is not known.
struct access *principals_access(const struct principals *principals, int64_t project_n);

// Its credential with the servers that its project has now, as far as is known: for a request that
// was let through and waited meanwhile. What the key may not do any more is noticed within a tick,
// as ever. NULL when access is lost or memory is short. The caller unrefs it.
MUST_CHECK struct principal *principals_follow(const struct principals *principals,
                                               const struct principal *principal);

// Something is under way by this principal. When that was not what the rest was judged by last, all
// is judged again in the next sweep: the principal may be an older one.
void principal_is_used(const struct principal *principal);

// Keeps a credential known, so that its loss of access is noticed within a tick.
void credential_hold(struct credential *credential);
void credential_release(struct credential *credential);

// A few times a second: looks whether the store answers when the lease is to be renewed; begins a
// sweep when the store's version moved, and for keys that expire.
void principals_tick(struct principals *principals);

// Goes on with the sweep for a few milliseconds: asks for keys that have something open, a request
// that has not come whole, or tasks, forgets those that rest. True: there are more, to be swept in
// the next turn of the loop.
bool principals_sweep(struct principals *principals);

// Goes on with another handle of the store: its file was replaced. Everybody is asked for again.
void principals_use(struct principals *principals, struct store *store);

// Whether the store has answered within the lease; `*ret_reason` is a sentence when it has not.
bool principals_consultable(const struct principals *principals, const char **ret_reason);

// How many keys are remembered: those in use, and those used lately whose uses were recorded.
size_t principals_count(const struct principals *principals);
size_t principals_project_count(const struct principals *principals); // likewise

// Moves what has been used since the last time into `into`, at most `room`; returns how many.
size_t principals_take_uses(struct principals *principals, struct key_use *into, size_t room);

// The last refusal's reason, for the log.
const struct grant_refusal *principals_refusal(const struct principals *principals);
