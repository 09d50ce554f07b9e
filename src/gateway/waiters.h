// waiters.h: those who wait for something of a catalog, told in rounds: who waits again when told
// waits for the next one.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct waiters {
    struct waiter *first;
    uint64_t round; // of telling
};

struct waiter {
    struct waiter *next;
    struct waiters *waiters; // NULL: does not wait
    unsigned want;
    uint64_t since; // the round in which it began to wait
    void (*done)(void *context);
    void *context;
};

void waiter_begin(struct waiter *waiter, struct waiters *waiters, unsigned want);
void waiter_cancel(struct waiter *waiter); // it will not be told; accepts one that does not wait

bool waiters_want(const struct waiters *waiters, unsigned want); // whether anybody does
void waiters_tell(struct waiters *waiters, unsigned want);
