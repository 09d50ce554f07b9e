// ration.h: memory kept for those who do not take it (answers that nobody reads): bounded in all
// and for each owner, so that whoever lets much wait harms himself first. Of one thread.
//
// What somebody keeps is a *holding*, which belongs to an owner: a number, such as that of a key.
// No owner gets more than `share`. When all together would exceed `most`, the owner who has most
// must give up his largest holding, and again, until there is room; only when that is the owner
// who asks is he refused. Among `strangers` his largest goes even then, if it is larger than what
// the one who asks would have.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/table.h"

struct ration {
    size_t most, share; // bytes; share <= most
    size_t now;
    uint64_t given_up;   // holdings that had to
    uint64_t refused;    // what was lost since there was no room for it: counted by who asked
    bool strangers;      // an owner is several who have nothing to do with each other
    bool taking_back;    // who is told to give up has no right to it any more: ration_take_back
    struct table owners; // those who hold something
};

struct holding {
    struct ration *ration; // NULL: it is not counted, and everything fits
    uint64_t owner;        // of what is taken; heeded while it holds nothing
    size_t size;
    // Must give back all, before it returns, and take nothing; may be called within any
    // holding_take but its own. NULL: it cannot.
    void (*give_up)(struct holding *holding);
    struct ration_owner *keeper;     // while it holds something
    struct holding *next, *previous; // of the keeper
};

void ration_done(struct ration *ration); // nothing is held any more

// Whether he holds anything; and has him give up all that can be given up.
bool ration_holds(const struct ration *ration, uint64_t owner);
void ration_take_back(struct ration *ration, uint64_t owner);

// Asks for so many bytes more. False, and nothing has changed for it, when there is no room.
MUST_CHECK bool holding_take(struct holding *holding, size_t more);
void holding_give(struct holding *holding, size_t less); // at most what it has
void holding_end(struct holding *holding);               // all of it
