// rationed.c: see rationed.h.
#include "base/rationed.h"

static void lose(struct rationed *bytes, bool full)
{
    buf_done(&bytes->buf);
    bytes->buf.failed = true;
    bytes->buf.full = full;
    holding_end(&bytes->room);
}

void rationed_init(struct rationed *bytes, size_t maximum, struct holding room)
{
    buf_init(&bytes->buf, maximum);
    bytes->room = room;
}

void rationed_done(struct rationed *bytes)
{
    if (bytes->buf.maximum == 0) // nor has it ever had anything
        return;
    buf_done(&bytes->buf);
    holding_end(&bytes->room);
    *bytes = (struct rationed){0};
}

void rationed_add(struct rationed *bytes, struct view more)
{
    if (bytes->buf.failed)
        return;
    if (!holding_take(&bytes->room, buf_growth(&bytes->buf, more.size))) {
        bytes->room.ration->refused++;
        lose(bytes, true);
        return;
    }
    buf_add(&bytes->buf, more);
    if (bytes->buf.failed)
        lose(bytes, bytes->buf.full);
}

void rationed_lose(struct holding *room)
{
    lose(OUTER(room, struct rationed, room), true);
}
