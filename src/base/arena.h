// arena.h: the memory of one call; gone, and wiped, when the call is.
//
// Blocks are taken from the system as needed up to a maximum, never moved, never freed one by one.
#pragma once

#include <stddef.h>

#include "base/attr.h"

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t taken, maximum; // bytes
};

// An arena that may hand out up to `maximum` bytes, each piece rounded up to the alignment.
// Allocates nothing yet.
void arena_init(struct arena *arena, size_t maximum);

// Wipes and frees everything that was handed out. Accepts a zeroed arena.
void arena_done(struct arena *arena);

// `size` zeroed bytes aligned for any type, or NULL when memory or the maximum is exhausted.
MUST_CHECK void *arena_take(struct arena *arena, size_t size);
