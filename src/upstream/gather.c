// gather.c: room for what is gathered whole before it is passed on: JSON answers, and single events
// of streams. What grows past SMALL asks for all the room it may come to need, in the name of its
// key or project, and is not read further until it has it. So large answers for one key come one
// after the other when together they would take too much. When all the room is taken and another
// key wants some, the key that has most loses its largest call. (A link's own stream is only cut,
// and taken up again later.)
#include "upstream/talk.h"

enum { SMALL = 64 * 1024 }; // is not counted: no more than what is read at once

static void give_up(struct holding *holding)
{
    struct talk *talk = OUTER(holding, struct talk, room);
    struct upstreams *all = talk->link->all;
    upstreams_enter(all);
    if (talk->call) {
        upcall_give_up(talk->call);
    } else {
        talk_free(talk);
        talk_follow(talk, true);
    }
    upstreams_leave_quietly(all);
    holding_end(holding);
}

// All keys of the project wait for it, whichever asked first.
static bool is_list(enum mcp_method method)
{
    return method == MCP_TOOLS_LIST || method == MCP_PROMPTS_LIST || method == MCP_RESOURCES_LIST ||
           method == MCP_TEMPLATES_LIST;
}

// A call's is its key. What belongs to no key is its project's: of these the numbers are below 0.
static uint64_t owner_of(const struct talk *talk)
{
    int64_t key = talk->call && !is_list(talk->call->method) ? talk->call->key : 0;
    return (uint64_t)(key != 0 ? key : -talk->link->upstream->project_n);
}

static bool feed(struct talk *talk)
{
    const struct ration *ration = talk->room.ration;
    size_t wanted = talk->expected > SMALL ? talk->expected : SMALL;
    if (wanted > ration->share)
        wanted = ration->share;
    return holding_take(&talk->room, wanted);
}

void gather_looks(struct talk *talk, size_t kept)
{
    struct upstreams *all = talk->link->all;
    if (!all->order.unread)
        return;
    if (kept <= SMALL) {
        gather_ends(talk);
        return;
    }
    if (talk->room.size > 0 || node_listed(&talk->hungry))
        return;
    talk->room.ration = all->order.unread;
    talk->room.give_up = give_up;
    talk->room.owner = owner_of(talk);
    if (feed(talk))
        return;
    list_append(&all->hungry, &talk->hungry);
    http_flow(talk);
}

void gather_ends(struct talk *talk)
{
    if (node_listed(&talk->hungry)) {
        node_remove(&talk->hungry);
        if (!talk->over)
            http_flow(talk);
    }
    if (talk->room.size > 0)
        talk->link->all->roomier = true;
    holding_end(&talk->room);
}

void gathers_feed(struct upstreams *all)
{
    struct node *next;
    all->roomier = false;
    for (struct node *at = all->hungry.next; at != &all->hungry; at = next) {
        next = at->next;
        struct talk *talk = OUTER(at, struct talk, hungry);
        upcall_heard(talk->call); // it is not the server that keeps silent
        if (!feed(talk))
            continue;
        node_remove(&talk->hungry);
        http_flow(talk);
    }
}
