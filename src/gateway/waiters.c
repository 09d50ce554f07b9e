// waiters.c: see waiters.h.
#include "gateway/waiters.h"

#include <stddef.h>

void waiter_begin(struct waiter *waiter, struct waiters *waiters, unsigned want)
{
    waiter->waiters = waiters;
    waiter->want = want;
    waiter->since = waiters->round;
    waiter->next = waiters->first;
    waiters->first = waiter;
}

void waiter_cancel(struct waiter *waiter)
{
    if (!waiter->waiters)
        return;
    struct waiter **link = &waiter->waiters->first;
    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    waiter->waiters = NULL;
}

bool waiters_want(const struct waiters *waiters, unsigned want)
{
    const struct waiter *waiter = waiters->first;
    while (waiter && waiter->want != want)
        waiter = waiter->next;
    return waiter != NULL;
}

// Each one told may change the list of those who wait.
void waiters_tell(struct waiters *waiters, unsigned want)
{
    uint64_t round = ++waiters->round;
    struct waiter *waiter = waiters->first;
    while (waiter) {
        if (waiter->want != want || waiter->since >= round) {
            waiter = waiter->next;
            continue;
        }
        waiter_cancel(waiter);
        waiter->done(waiter->context);
        waiter = waiters->first;
    }
}
