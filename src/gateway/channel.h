// channel.h: a stream of events that a legacy client can take up again where its connection broke
// (Last-Event-ID; MCP 2025-03-26 and later).
//
// Event ids are `{channel}-{event}`, both numbers of the session. The last events are kept, bounded
// in number and bytes; what was dropped is gone.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "gateway/access.h"
#include "model/server_spec.h"

struct exchange;

enum { CHANNEL_EVENTS = 64, CHANNEL_BYTES = 256 * 1024, EVENT_ID = 48 };

struct kept_event {
    struct kept_event *next;
    uint64_t number;
    size_t size;
    char data[];
};

struct channel {
    struct channel *next; // of the session
    int64_t number;
    bool of_stream;            // of the client's GET, not of a call
    bool of_batch;             // has answers before it is complete
    struct exchange *exchange; // that writes to it; NULL: it is complete
    uint64_t events;           // so far
    struct kept_event *oldest, *newest;
    size_t kept, bytes;
    int64_t until; // loop time at which a complete one is forgotten
    // What it came of: the number of the access that it began by, and, once it is complete, the
    // server that its calls went to (NULL: none, or several).
    uint64_t access;
    struct server_spec *served;
};

MUST_CHECK struct channel *channel_new(int64_t number);
void channel_free(struct channel **channel);

// Whether what it has kept may still be told to somebody with this access. The calls of one that is
// not complete are judged themselves.
//
// An access that changed and changed back is another one: what came of the one in between is told
// by its server's record only.
bool channel_may_be_told(const struct channel *channel, const struct access *access);

// Numbers the next event, keeps it, and writes its id into `into`.
struct view channel_add(struct channel *channel, const struct view *pieces, size_t count,
                        char into[EVENT_ID]);

// Reads an event id. False when it is none of ours.
MUST_CHECK bool channel_read_id(struct view id, int64_t *ret_channel, uint64_t *ret_event);

// The id of an event of the channel.
struct view channel_id(const struct channel *channel, uint64_t event, char into[EVENT_ID]);
