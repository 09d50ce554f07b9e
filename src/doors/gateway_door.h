// gateway_door.h: the HTTP door of one loop: its connections, their time limits, and the doors of
// the other loops, to which a connection goes when the project of its key is theirs.
//
// A connection is on exactly one list, which says what it waits for. All on a list wait equally
// long, so the first one is the first to run out of time and a sweep looks at nobody else.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gateway/front.h"
#include "gateway/journal.h"
#include "model/settings.h"
#include "os/loop.h"
#include "os/stream.h"

struct conn;

enum place {
    PLACE_IDLE,    // for a request, or for an answer to be taken: idle_connection
    PLACE_READING, // for the rest of a request: request_read
    PLACE_PENDING, // for the gateway's answer: as long as the gateway likes
    PLACE_STREAM,  // an answer in events: a comment every keep_alive_comment
    PLACE_PARTING, // for the answer to a client that has ended its side: HALF_CLOSED
    PLACE_READY,   // the next request is here already: taken at the end of the turn
    PLACES,
};

struct place_list {
    struct conn *first, *last;
};

// A ration as it was seen last.
struct ration_tally {
    uint64_t lost, now; // what had to go, bytes
    bool over;          // and was said so
};

struct door_counters {
    uint64_t accepted, refused, requests, denied, moved; // refused: over the limit
    uint64_t connections_now;
    // Of answers that wait, of requests under way, of heads that are not complete.
    struct ration_tally unread, asked, heads;
};

enum { DOOR_DATE = 64 };

struct door {
    struct loop *loop;
    const struct settings *settings;
    struct gateway *gateway;
    struct journal *journal;
    struct door *const *doors; // of all workers
    unsigned worker, workers;
    atomic_uint *connections; // of all workers
    // A connection whose descriptor has this number, or a higher one, is refused: the system gives
    // the lowest that is free, so as many are in use. 0: there are enough.
    unsigned descriptors;
    struct place_list places[PLACES];
    struct door_counters counters;
    struct ration *unread; // what waits for clients, each key an owner
    struct ration heads;   // of requests, that are not complete
    uint64_t heads_begun;
    struct buf head; // of the answer being made
    char date[DOOR_DATE];
    int64_t date_until;
    unsigned told; // of the limit, this second
    int64_t told_until;
    bool draining, over_limit;
    bool closed; // connections that still arrive are closed
};

// What is given: loop, settings, gateway, journal, doors, worker, workers, connections, unread,
// descriptors.
void door_init(struct door *door);

// A connection was accepted: listener_order.accepted, with a struct door.
void door_accept(void *door, struct stream *stream);

void door_tick(struct door *door, int64_t now); // about ten times a second
bool door_turn_end(struct door *door);          // whether it did something

// No further requests: connections end as soon as what they wait for is done.
void door_drain(struct door *door);
// Ends what is left, and what still arrives.
void door_close(struct door *door);
void door_done(struct door *door); // after the loop is gone
