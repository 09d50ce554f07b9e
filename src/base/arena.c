// arena.c: see arena.h.
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t used, size; // bytes of `memory`
    alignas(max_align_t) char memory[];
};

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *block = (struct arena_block *)calloc(1, sizeof *block + room);
    if (!block)
        return NULL;
    block->size = room;
    block->older = arena->newest;
    arena->newest = block;
    return block;
}

void arena_init(struct arena *arena, size_t maximum)
{
    *arena = (struct arena){.maximum = maximum};
}

void arena_done(struct arena *arena)
{
    while (arena->newest) {
        struct arena_block *block = arena->newest;
        arena->newest = block->older;
        explicit_bzero(block->memory, block->used);
        free(block);
    }
    arena->taken = 0;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX)
        return NULL;
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (aligned > arena->maximum - arena->taken)
        return NULL;
    struct arena_block *block = arena->newest;
    if (!block || aligned > block->size - block->used)
        block = block_new(arena, aligned);
    if (!block)
        return NULL;
    void *memory = block->memory + block->used;
    block->used += aligned;
    arena->taken += aligned;
    return memory;
}
