// gateway.h: one loop's gateway: what its parts share, its beginning and end, the passing of time.
//
// A project belongs to one loop (front_owner), so its sessions, children and lists are touched by
// one thread and nothing here is locked. The parts:
//
//   principals   who may do what            upstreams   the servers and the conversations with them
//   sessions     legacy clients             catalogs    what the servers offer
//   exchanges    requests and streams of clients, made of calls
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/table.h"
#include "gateway/catalog.h"
#include "gateway/front.h"
#include "gateway/journal.h"
#include "gateway/principals.h"
#include "model/settings.h"
#include "model/store.h"
#include "os/loop.h"
#include "upstream/upstream.h"
#include "vault/vault.h"

enum {
    SUBSCRIPTION_BUCKETS = 4096,
    GATEWAY_LAST_WAIT = 2000, // milliseconds that the end may wait for a store that is locked
};

struct gateway_order {
    struct loop *loop;
    struct ration *unread; // of what waits for clients; NULL: it is not bounded
    const struct settings *settings;
    const struct store_config *store;
    struct journal *journal;
    unsigned worker;
};

struct gateway_counters {
    uint64_t calls, calls_failed, denied, unavailable, limited;
    uint64_t revocations, sessions_opened, events, bytes_in, bytes_out;
    uint64_t calls_now, sessions_now, streams_now, keys_now, projects_now;
};

struct gateway {
    struct loop *loop;
    const struct settings *settings;
    struct store *store;
    struct store_config store_config;
    struct principals *principals;
    struct tls *authorities; // that the settings name; NULL: none
    struct http_client *http;
    struct ration *unread;
    struct ration asked; // bytes of requests under way, by key
    struct upstreams *upstreams;
    struct catalogs *catalogs;
    struct journal *journal;
    struct table sessions;                        // by the beginning of the id
    struct session *first_session, *last_session; // the one used least lately first
    struct table sessions_by_number;
    struct session *stdio_session;
    struct exchange *stdio_stream; // what its client is told besides answers
    char state_secret[44];         // tells a requestState of ours from servers' (parked.c)
    uint8_t tag_key[VAULT_TAG];
    struct subscription *subscriptions[SUBSCRIPTION_BUCKETS]; // see subscriptions.c
    uint64_t subscriptions_met;   // looked at so far, to see what finding one costs
    uint64_t judgements;          // of calls so far (standing.c), to see what sweeps cost
    struct table parked;          // calls that wait for a client's retry (parked.h)
    struct listening *listenings; // subscriptions/listen of modern clients
    int64_t next_number;          // of sessions
    struct timer *sweeping;       // until all keys have been asked for; NULL: they have
    int64_t next_usage;
    struct uses *recording_uses; // being written by a job; NULL: none
    bool draining;
    bool dirty; // some list changes have to be announced at the end of the turn: see notices.h
    const struct upstream *marked_upstream; // the last whose changes were marked; only compared
    unsigned marked;                        // which
    int64_t next_slow_tick;
    int64_t trimmed_at; // memory was given back
    uint64_t trimmed_calls;
    struct gateway_counters counters;
};

MUST_CHECK struct gateway *gateway_new(const struct gateway_order *order, struct err *err);
// Kills what children are left, and records the uses: may wait for the store.
void gateway_free(struct gateway **gateway);

void gateway_drain(struct gateway *gateway); // no new sessions; streams end, calls go on
bool gateway_idle(const struct gateway *gateway);
// Calls are over, or have to be: has the servers end in their time, which is bounded. Any number of
// times. gateway_hurry: they have had some of it. gateway_ended: no child of ours lives any more.
void gateway_end(struct gateway *gateway);
void gateway_hurry(struct gateway *gateway);
bool gateway_ended(const struct gateway *gateway);
bool gateway_ready(const struct gateway *gateway, const char **ret_reason);
void gateway_turn_end(struct gateway *gateway);
void gateway_tick(struct gateway *gateway, int64_t now); // about ten times a second
const struct gateway_counters *gateway_counters(const struct gateway *gateway);
