// numbers.h: things found by a number (open addressing; numbers that are given out one after the
// other lie side by side).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct numbers {
    struct number {
        uint64_t key; // 0: free
        void *thing;
    } * slots;
    size_t capacity, count;
};

void numbers_done(struct numbers *numbers);
// `key` is not 0 and not in use. False when memory is short.
MUST_CHECK bool numbers_add(struct numbers *numbers, uint64_t key, void *thing);
void *numbers_find(const struct numbers *numbers, uint64_t key); // NULL: none
void numbers_remove(struct numbers *numbers, uint64_t key);      // accepts what is not there
