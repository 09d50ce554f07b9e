// ration.c: see ration.h.
#include "base/ration.h"

#include <stdlib.h>

struct ration_owner {
    uint64_t number;
    size_t now;
    struct holding *first;
};

void ration_done(struct ration *ration)
{
    table_done(&ration->owners);
}

// --- owners ----------------------------------------------------------------------------------
static struct ration_owner *find_owner(struct ration *ration, uint64_t number)
{
    struct ration_owner *owner = (struct ration_owner *)table_find(&ration->owners, number);
    if (owner)
        return owner;
    owner = (struct ration_owner *)calloc(1, sizeof *owner);
    if (!owner || !table_add(&ration->owners, number, owner)) {
        free(owner);
        return NULL;
    }
    owner->number = number;
    return owner;
}

static void forget_empty(struct ration *ration, struct ration_owner *owner)
{
    if (owner->first)
        return;
    table_remove(&ration->owners, owner->number);
    free(owner);
}

static void join(struct holding *holding, struct ration_owner *owner)
{
    holding->keeper = owner;
    holding->previous = NULL;
    holding->next = owner->first;
    if (holding->next)
        holding->next->previous = holding;
    owner->first = holding;
}

static void leave(struct holding *holding)
{
    struct ration_owner *owner = holding->keeper;
    if (holding->next)
        holding->next->previous = holding->previous;
    if (holding->previous)
        holding->previous->next = holding->next;
    else
        owner->first = holding->next;
    holding->keeper = NULL;
    forget_empty(holding->ration, owner);
}

// --- making room -----------------------------------------------------------------------------
// NULL: none can be given up.
static struct holding *largest(const struct ration_owner *owner)
{
    struct holding *found = NULL;
    for (struct holding *each = owner->first; each; each = each->next)
        if (each->give_up && (!found || each->size > found->size))
            found = each;
    return found;
}

bool ration_holds(const struct ration *ration, uint64_t owner)
{
    return table_find(&ration->owners, owner) != NULL;
}

void ration_take_back(struct ration *ration, uint64_t owner)
{
    ration->taking_back = true;
    for (struct holding *going;;) { // he is gone with his last holding
        const struct ration_owner *his =
            (const struct ration_owner *)table_find(&ration->owners, owner);
        going = his ? largest(his) : NULL;
        if (!going)
            break;
        going->give_up(going);
    }
    ration->taking_back = false;
}

// The holding to be given up: the largest of the one who has most. NULL: there is none, or it would
// be one of the owner's whose `asking` wants so much more, and not for a smaller one of a stranger.
static struct holding *victim(const struct ration *ration, const struct holding *asking,
                              size_t more)
{
    const struct ration_owner *asker = asking->keeper;
    const struct ration_owner *most = NULL;
    struct holding *found = NULL;
    size_t at = 0;
    for (const struct ration_owner *each;
         (each = (const struct ration_owner *)table_next(&ration->owners, &at));) {
        struct holding *his = most && each->now <= most->now ? NULL : largest(each);
        if (!his)
            continue;
        most = each;
        found = his;
    }
    if (!most || most->now < asker->now)
        return NULL;
    if (most != asker)
        return found;
    bool smaller = found != asking && found->size > asking->size + more;
    return ration->strangers && smaller ? found : NULL;
}

static bool make_room(struct ration *ration, const struct holding *asking, size_t more)
{
    while (more > ration->most - ration->now) {
        struct holding *going = victim(ration, asking, more);
        if (!going)
            return false;
        ration->given_up++;
        going->give_up(going);
    }
    return true;
}

// --- holdings --------------------------------------------------------------------------------
bool holding_take(struct holding *holding, size_t more)
{
    struct ration *ration = holding->ration;
    if (!ration || more == 0)
        return true;
    struct ration_owner *owner =
        holding->keeper ? holding->keeper : find_owner(ration, holding->owner);
    if (!owner)
        return false;
    if (!holding->keeper)
        join(holding, owner); // so that it stays while room is made
    bool fits = more <= ration->share && owner->now <= ration->share - more &&
                make_room(ration, holding, more);
    if (fits) {
        holding->size += more;
        owner->now += more;
        ration->now += more;
    } else if (holding->size == 0) {
        leave(holding);
    }
    return fits;
}

void holding_give(struct holding *holding, size_t less)
{
    if (!holding->keeper)
        return;
    holding->size -= less;
    holding->keeper->now -= less;
    holding->ration->now -= less;
    if (holding->size == 0)
        leave(holding);
}

void holding_end(struct holding *holding)
{
    holding_give(holding, holding->size);
}
