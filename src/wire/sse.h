// sse.h: server-sent events (WHATWG HTML section 9.2), reading and writing. Pure.
//
// Lines end with LF, CR or CR LF; several data lines are joined with LF; comments and unknown
// fields are skipped.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

enum { SSE_ID = 256 }; // longest event id that is kept; a longer one is no id

struct sse_reader {
    struct buf line; // an incomplete line
    struct buf data; // of the event being read
    struct buf name; // its `event:`
    char id[SSE_ID]; // the last event id seen
    size_t id_size;
    long long retry; // milliseconds; -1: never said
    bool after_cr, started, has_data;
};

// Events larger than `maximum` bytes are refused.
void sse_reader_init(struct sse_reader *reader, size_t maximum);
void sse_reader_done(struct sse_reader *reader);

struct sse_event {
    struct view name; // {NULL, 0}: `message`
    struct view data; // may be empty: a priming event
};

enum sse_step {
    SSE_MORE,  // all bytes are taken, no event yet
    SSE_EVENT, // `*ret_event` holds until the next call; call again with the rest
    SSE_TOO_LARGE,
    SSE_NO_MEMORY,
};

// An event that lies complete in `bytes` on one data line is given as a slice of them, without
// copying.
MUST_CHECK enum sse_step sse_read(struct sse_reader *reader, struct view bytes, size_t *ret_used,
                                  struct sse_event *ret_event);

// `id: …`, `data: …` lines and the empty line. `id` {NULL, 0}: none. LFs in the data make several
// lines.
void sse_add_event(struct buf *buf, struct view id, struct view data);
void sse_add_comment(struct buf *buf); // a keep-alive: `:` and an empty line
