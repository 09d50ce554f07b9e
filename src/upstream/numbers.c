// numbers.c: see numbers.h.
#include "upstream/numbers.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void numbers_done(struct numbers *numbers)
{
    free(numbers->slots);
    *numbers = (struct numbers){0};
}

// The slot of `key`, or the free one where it would go. There is always a free one.
static struct number *slot_of(const struct numbers *numbers, uint64_t key)
{
    size_t mask = numbers->capacity - 1;
    size_t at = (size_t)key & mask;
    while (numbers->slots[at].key != 0 && numbers->slots[at].key != key)
        at = (at + 1) & mask;
    return &numbers->slots[at];
}

static bool grow(struct numbers *numbers)
{
    struct numbers wider = {.capacity = numbers->capacity ? numbers->capacity * 2 : FIRST_CAPACITY,
                            .count = numbers->count};
    wider.slots = calloc(wider.capacity, sizeof(*wider.slots));
    if (!wider.slots)
        return false;
    for (size_t i = 0; i < numbers->capacity; i++)
        if (numbers->slots[i].key != 0)
            *slot_of(&wider, numbers->slots[i].key) = numbers->slots[i];
    free(numbers->slots);
    *numbers = wider;
    return true;
}

bool numbers_add(struct numbers *numbers, uint64_t key, void *thing)
{
    if (numbers->count * 2 >= numbers->capacity && !grow(numbers))
        return false;
    *slot_of(numbers, key) = (struct number){key, thing};
    numbers->count++;
    return true;
}

void *numbers_find(const struct numbers *numbers, uint64_t key)
{
    return numbers->capacity > 0 && key != 0 ? slot_of(numbers, key)->thing : NULL;
}

void numbers_remove(struct numbers *numbers, uint64_t key)
{
    if (!numbers_find(numbers, key))
        return;
    size_t mask = numbers->capacity - 1;
    size_t hole = (size_t)(slot_of(numbers, key) - numbers->slots);
    // What comes after the hole moves into it unless it would then stand before its own place.
    for (size_t at = (hole + 1) & mask; numbers->slots[at].key != 0; at = (at + 1) & mask) {
        size_t home = (size_t)numbers->slots[at].key & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        numbers->slots[hole] = numbers->slots[at];
        hole = at;
    }
    numbers->slots[hole] = (struct number){0};
    numbers->count--;
}
