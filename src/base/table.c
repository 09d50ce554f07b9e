// table.c: see table.h. Linear probing; removal moves the followers up, so there are no tombstones.
#include "base/table.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

static size_t home_of(const struct table *table, uint64_t number)
{
    // Counted numbers fall next to each other, which is fine; a multiplication spreads strides.
    return (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (table->capacity - 1);
}

static size_t after(const struct table *table, size_t at)
{
    return (at + 1) & (table->capacity - 1);
}

static bool find_place(const struct table *table, uint64_t number, size_t *ret_at)
{
    if (table->capacity == 0)
        return false;
    size_t at = home_of(table, number);
    while (table->places[at].thing && table->places[at].number != number)
        at = after(table, at);
    *ret_at = at;
    return table->places[at].thing != NULL;
}

static bool grow(struct table *table)
{
    struct table bigger = {.capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY};
    bigger.places = (struct table_place *)calloc(bigger.capacity, sizeof *bigger.places);
    if (!bigger.places)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        size_t at = 0;
        if (table->places[i].thing && !find_place(&bigger, table->places[i].number, &at))
            bigger.places[at] = table->places[i];
    }
    bigger.count = table->count;
    free(table->places);
    *table = bigger;
    return true;
}

void table_done(struct table *table)
{
    free(table->places);
    *table = (struct table){0};
}

void *table_find(const struct table *table, uint64_t number)
{
    size_t at = 0;
    return find_place(table, number, &at) ? table->places[at].thing : NULL;
}

bool table_add(struct table *table, uint64_t number, void *thing)
{
    size_t at = 0;
    if (4 * (table->count + 1) > 3 * table->capacity && !grow(table))
        return false;
    if (!find_place(table, number, &at))
        table->count++;
    table->places[at] = (struct table_place){number, thing};
    return true;
}

void table_remove(struct table *table, uint64_t number)
{
    size_t hole = 0;
    if (!find_place(table, number, &hole))
        return;
    table->count--;
    for (size_t at = after(table, hole); table->places[at].thing; at = after(table, at)) {
        size_t home = home_of(table, table->places[at].number);
        // It may move up when its home is not between the hole and its place.
        bool between = hole <= at ? hole < home && home <= at : hole < home || home <= at;
        if (between)
            continue;
        table->places[hole] = table->places[at];
        hole = at;
    }
    table->places[hole] = (struct table_place){0};
}

void *table_next(const struct table *table, size_t *at)
{
    while (*at < table->capacity) {
        void *thing = table->places[(*at)++].thing;
        if (thing)
            return thing;
    }
    return NULL;
}
