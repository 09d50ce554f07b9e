// sse.h: server-sent events (WHATWG HTML section 9.2), reading and writing. Pure.
//
// Lines end with LF, CR or CR LF, however the bytes are cut into pieces; several data lines are
// joined with LF; comments and unknown fields are skipped, and so is an event whose end never came.
// One rule is ours: an event with a data line that is empty is an event (MCP's priming event), one
// without any data line is none.
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
    char id[SSE_ID]; // of the last event whose end was seen: where to resume
    size_t id_size;
    char next_id[SSE_ID]; // becomes `id` at the end of the event
    size_t next_id_size;
    long long retry; // milliseconds; -1: never said
    bool after_cr, started, has_data, has_next_id;
    bool given; // the event of the last call still uses the bufs
};

// A line, or the data of an event, larger than `maximum` bytes is refused.
void sse_reader_init(struct sse_reader *reader, size_t maximum);
void sse_reader_done(struct sse_reader *reader);

// The stream has ended, and another goes on behind its last event: what was incomplete is
// forgotten.
void sse_reader_resume(struct sse_reader *reader);

static inline struct view sse_last_id(const struct sse_reader *reader)
{
    return (struct view){reader->id, reader->id_size};
}

struct sse_event {
    struct view name; // {NULL, 0}: `message`
    struct view data; // may be empty: a priming event
};

enum sse_step {
    SSE_MORE,      // all bytes are taken, no event yet
    SSE_EVENT,     // `*ret_event` holds until the next call; call again with the rest
    SSE_TOO_LARGE, // the reader is of no more use, as behind SSE_NO_MEMORY
    SSE_NO_MEMORY,
};

// `*ret_used` bytes are dealt with (SSE_MORE, SSE_EVENT). An event on one data line is given
// without copying what lies complete in `bytes`: as a slice of them.
MUST_CHECK enum sse_step sse_read(struct sse_reader *reader, struct view bytes, size_t *ret_used,
                                  struct sse_event *ret_event);

// An `id: …` and one `data: …` line and the empty one. `id` {NULL, 0}: none; one that is longer
// than SSE_ID or has CR, LF or NUL marks the buf failed. CR and LF in the data become spaces: the
// same to JSON, where they are blanks between its tokens, and to readers that take one line only.
void sse_add_event(struct buf *buf, struct view id, struct view data);
void sse_add_comment(struct buf *buf); // a keep-alive: `:` and an empty line
