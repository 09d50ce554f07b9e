// settings.h: what a gateway is told: where it listens, how much it takes, how long it waits. The
// defaults of all limits stand in settings.c, each with its reason.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ration.h"

struct settings {
    const char *listen;                    // `127.0.0.1:8000`, `unix:PATH`
    const char *metrics_listen;            // NULL: none
    const char *tls_certificate, *tls_key; // NULL: no TLS
    const char *const
        *origins;             // further allowed origins, NULL at the end; NULL: loopback ones only
    const char *const *hosts; // further names the gateway is reached by; NULL: loopback ones only
    unsigned workers;
    const char *holder;          // the path of the program that holds children; NULL: there is none
    const char *tls_authorities; // PEM; NULL: the system's

    // Bytes.
    size_t request_head, request_body, event, list, upstream_body;
    size_t queue;  // to a client that does not read: above it its upstreams are held
    size_t unread; // for all clients of a worker that do not read: above it who has most is cut

    unsigned message_depth; // of nested JSON, clients' and servers'
    unsigned calls_per_key, sessions_per_key, connections;
    unsigned pages_per_list;

    // Microseconds.
    int64_t idle_session, keep_alive_comment, idle_connection, request_read;
    int64_t connect_timeout, first_byte_timeout, idle_timeout, total_timeout;
    int64_t handshake_timeout;           // initialize and server/discover of an upstream
    int64_t idle_child;                  // an unused child is ended
    int64_t restart_first, restart_most; // back-off
    int64_t lease;                       // how long the last good look at the store counts
    int64_t drain;                       // how long SIGTERM waits for calls in flight
    int64_t question_timeout;            // for a client's answer to a server's question
    int64_t usage_period;                // last_used_at, use_count
};

// The defaults.
void settings_init(struct settings *settings);

// A worker's rations of `unread`: a quarter for each key, but never less than a largest answer, or,
// of requests under way, twice a largest request: what goes to a server, and what is kept to be
// sent again.
struct ration settings_ration(const struct settings *settings);
struct ration settings_ration_asked(const struct settings *settings);
// Of heads of requests that are not complete, for all connections of a worker: a quarter of
// `unread`, but never less than a largest head.
struct ration settings_ration_heads(const struct settings *settings);
