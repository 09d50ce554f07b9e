// pulse.c: whether a child that answers nothing is still alive. After MISSES calls in a row whose
// time was up without a byte of it, whatever about, it is asked itself: a ping, or server/discover
// in the modern era, which has no ping. When that gets no byte either for as long as a handshake
// may take, the child hangs, and is replaced with
// the next tick.
#include "upstream/link.h"

enum { MISSES = 3 }; // one may be the call's fault, two a coincidence

static bool is_mute(const struct link *link)
{
    return link->state == LINK_READY && link->missed >= MISSES;
}

static void answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct link *link = context;
    (void)era;
    (void)response;
    link->probe = NULL;
}

static void failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct link *link = context;
    (void)why;
    (void)sentence;
    link->probe = NULL;
    link->hangs = is_mute(link); // it may have said something else meanwhile
}

static const struct upcall_events events = {.answered = answered, .failed = failed};

void pulse_missed(struct link *link)
{
    link->missed++;
    if (link->ops != &link_stdio || link->probe || !is_mute(link))
        return;
    enum mcp_method question = link->era == MCP_MODERN ? MCP_DISCOVER : MCP_PING;
    link->probe = upcall_own(link, question, (struct view){0}, &events);
    link->hangs = !link->probe; // it does not even take it
}
