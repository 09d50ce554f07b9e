// table.h: finds things by a 64-bit number: open addressing, no order, grows by itself.
//
// The numbers must be spread evenly over their low bits or be counted up: they come from digests,
// random ids and counters, never from a client's choice. What is kept is borrowed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct table_place {
    uint64_t number;
    void *thing; // NULL: free
};

struct table {
    struct table_place *places;
    size_t capacity, count; // capacity: 0 or a power of two
};

// Frees the places; a zeroed table is an empty one.
void table_done(struct table *table);

// The thing of this number, or NULL.
void *table_find(const struct table *table, uint64_t number);

// Keeps a thing (not NULL) under a number that is not taken. False when memory is short.
MUST_CHECK bool table_add(struct table *table, uint64_t number, void *thing);

// Forgets it; nothing happens when it is not there.
void table_remove(struct table *table, uint64_t number);

// Goes through all things: start with `*at` 0. NULL at the end. Nothing may be added or removed
// meanwhile.
void *table_next(const struct table *table, size_t *at);
