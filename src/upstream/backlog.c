// backlog.c: what comes for a call while it is held, over a pipe that others use, too: stopping the
// pipe would stop the others. It is put aside, as it came, and given out in order soon after the
// hold has ended. While there are no others the pipe is stopped, see link_stdio.c. Past `event`
// bytes the call fails, and when other keys need the room that it takes in the ration.
#include "upstream/link.h"

enum { RECORD = sizeof(size_t) }; // before each message: its size

static void give_up(struct holding *room)
{
    upcall_give_up(OUTER(room, struct upcall, backlog.room));
    holding_end(room);
}

static void begin(struct upcall *call)
{
    const struct upstreams_order *order = &call->upstream->all->order;
    buf_init(&call->backlog.messages, order->settings->event + RECORD);
    call->backlog.room =
        (struct holding){.ration = order->unread, .owner = (uint64_t)call->key, .give_up = give_up};
}

static void put_aside(struct upcall *call, struct view text)
{
    struct backlog *backlog = &call->backlog;
    if (backlog->messages.maximum == 0)
        begin(call);
    buf_add(&backlog->messages, view_bytes(&text.size, RECORD));
    buf_add(&backlog->messages, text);
    if (backlog->messages.failed || !holding_take(&backlog->room, RECORD + text.size))
        upcall_fail(call, UPCALL_LARGE, "the client does not take what the server sends", true);
    else
        stdio_flow(call->link);
}

bool backlog_takes(struct upcall *call, const struct rpc *message)
{
    bool takes = message && call->link && call->link->ops == &link_stdio &&
                 (call->held || call->backlog.messages.size > 0);
    if (takes)
        put_aside(call, message->text);
    return takes;
}

// The call of this number. NULL: it is over; its number is not given out again.
static struct upcall *still(const struct link *link, uint64_t id)
{
    return link->state == LINK_GONE ? NULL : numbers_find(&link->pending, id);
}

// Nothing else comes for the call meanwhile: the pipe is not read within an event.
void backlog_give_out(struct upcall *call)
{
    struct link *link = call->link;
    const uint64_t id = call->id; // with each message the call may end, or be held again
    struct buf messages = call->backlog.messages;
    struct view left = buf_view(&messages);
    bool goes_on = true;
    call->backlog.messages = (struct buf){0};
    while (goes_on && left.size > 0 && (call = still(link, id)) && !call->held) {
        struct view text = view_skip(left, RECORD);
        memcpy(&text.size, left.data, RECORD);
        left = view_skip(left, RECORD + text.size);
        goes_on = link_message(link, NULL, text);
    }
    call = still(link, id);
    if (call)
        holding_give(&call->backlog.room, call->backlog.room.size - left.size);
    if (!call || left.size == 0) {
        buf_done(&messages);
        return;
    }
    memmove(messages.data, left.data, left.size);
    messages.size = left.size;
    call->backlog.messages = messages;
    stdio_flow(link); // it did not count while it was given out
}

void backlog_end(struct upcall *call)
{
    buf_done(&call->backlog.messages);
    holding_end(&call->backlog.room);
}
