// fresh.h: memory for a thing, zeroed. glibc's calloc goes past the list of blocks that a thread
// keeps for itself, which malloc takes from. For what is made for each call.
#pragma once

#include <stdlib.h>
#include <string.h>

static inline void *fresh(size_t size)
{
    void *memory = malloc(size);
    __asm__("" : "+r"(memory)); // else the compiler makes a calloc of it
    if (memory)
        memset(memory, 0, size);
    return memory;
}
