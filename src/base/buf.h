// buf.h: bytes being made.
//
// A buf is born with a maximum and never grows past it. Writing is unconditional: when memory or
// the maximum runs out the buf is marked `failed`, keeps what it had, and ignores further writes,
// so that a caller checks once at the end. Its memory is wiped whenever it is given back.
//
// A *secret* buf keeps its pages out of core dumps; use it for whatever may hold a clear key.
// A buf with a `drain` passes its bytes on when they exceed BUF_DRAIN_AT, unless `held`.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

enum { BUF_DRAIN_AT = 64 * 1024 };

struct buf {
    char *data;
    size_t size, capacity, maximum; // bytes; the first is the least
    bool failed;
    bool full; // it failed for its maximum, not for want of memory
    bool secret;
    bool held; // while set, nothing is drained
    bool (*drain)(void *context, struct view bytes);
    void *drain_context;
};

// An empty buf that may hold up to `maximum` bytes. Allocates nothing yet.
void buf_init(struct buf *buf, size_t maximum);

// Wipes and frees; the buf is empty and usable again. Accepts a zeroed buf.
void buf_done(struct buf *buf);

// Makes room for `more` bytes at once, when it is known how many are to come.
void buf_reserve(struct buf *buf, size_t more);

// How much memory it will take in addition when so many bytes are added; 0: they fit, or never
// will.
size_t buf_growth(const struct buf *buf, size_t more);

// By far the most often called: the ordinary case is told apart in place.
void buf_add_slowly(struct buf *buf, struct view bytes);
static inline void buf_add(struct buf *buf, struct view bytes)
{
    if (bytes.size > buf->capacity - buf->size || buf->failed || buf->drain) {
        buf_add_slowly(buf, bytes);
        return;
    }
    if (bytes.size > 0)
        memcpy(buf->data + buf->size, bytes.data, bytes.size);
    buf->size += bytes.size;
}

void buf_add_char(struct buf *buf, char byte);
void buf_add_blanks(struct buf *buf, size_t count);
void buf_add_format(struct buf *buf, const char *format, ...)
    PRINTF_LIKE(2, 3); // needs room for one byte more than it adds

// Forgets and wipes the content, keeps the memory, clears `failed`.
void buf_clear(struct buf *buf);

// Sends what is there to the drain, whatever its size. False when the drain failed or the buf had.
MUST_CHECK bool buf_flush(struct buf *buf);

static inline struct view buf_view(const struct buf *buf)
{
    return (struct view){buf->data, buf->size};
}
