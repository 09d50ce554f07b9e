// rationed.h: bytes being made that are kept for a while, and so count in a ration (ration.h): a
// buf that grows only when its ration has room. What counts is the memory it has taken, no promise.
//
// Writing is unconditional, as with every buf. What finds no room, or no memory, loses all that was
// there and its room: `buf.failed`, and `buf.full` when it was room that there was not (or the
// maximum that was reached). Further writes are ignored.
//
// While it holds room it must not be moved: the ration knows where it is. Where its bytes go on
// without counting any more, holding_end(&bytes->room) does it.
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/ration.h"

struct rationed {
    struct buf buf;
    struct holding room;
};

// Empty, for at most `maximum` bytes. `room` says whose it is and what is done when others need the
// room: `rationed_lose`, a function of the owner's own, or NULL, nothing.
void rationed_init(struct rationed *bytes, size_t maximum, struct holding room);
void rationed_done(struct rationed *bytes); // accepts a zeroed one, and leaves it so

void rationed_add(struct rationed *bytes, struct view more);

// A give_up (ration.h): all is lost, as when a write found no room.
void rationed_lose(struct holding *room);
