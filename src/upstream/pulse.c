// pulse.c: whether a server is still there, and still the one it was. When its answers leave that
// in doubt it is asked itself: a ping, or server/discover in the modern era, which has no ping.
//
// A child is asked after MISSES calls in a row whose time was up without a byte of it, whatever
// about. When that gets no byte either for as long as a handshake may take, the child hangs, and is
// replaced with the next tick.
//
// A server over HTTP is asked when it refused a client's request with a status: it may have been
// replaced by one that speaks the other era only. When it refuses this, too, the link is made anew,
// and the handshake finds out.
#include "base/json_walk.h"
#include "upstream/link.h"

enum {
    MISSES = 3,               // one may be the call's fault, two a coincidence
    PAUSE = 10 * TIME_SECOND, // between two questions about refusals, which bad requests may cause
};

static bool is_mute(const struct link *link)
{
    return link->state == LINK_READY && link->missed >= MISSES;
}

static bool is_refusal(int status)
{
    return status >= 400 && !status_is_for_now(status);
}

// A legacy server need not know ping, and may say so with a status.
static bool is_of_its_era(const struct rpc *response, enum mcp_era era, int status)
{
    long long code;
    if (response->kind == RPC_RESULT || status_is_for_now(status))
        return true;
    return era == MCP_LEGACY && (!is_refusal(status) ||
                                 (json_raw_int(json_walk_member(response->error, "code"), &code) &&
                                  code == RPC_METHOD_NOT_FOUND));
}

static void judge(struct link *link, bool is_another)
{
    if (is_another && link->doubted == 0)
        link->doubted = link->all->now;
}

static void answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct link *link = context;
    const int status = TAKE(link->probe)->status;
    if (link->ops == &link_http)
        judge(link, !is_of_its_era(response, era, status));
}

static void failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct link *link = context;
    const int status = TAKE(link->probe)->status;
    (void)sentence;
    if (link->ops == &link_http)
        judge(link, why == UPCALL_GARBLED && is_refusal(status));
    else
        link->hangs = is_mute(link); // it may have said something else meanwhile
}

static const struct upcall_events events = {.answered = answered, .failed = failed};

static void ask(struct link *link)
{
    enum mcp_method question = link->era == MCP_MODERN ? MCP_DISCOVER : MCP_PING;
    link->probed = link->all->now;
    link->probe = upcall_own(link, question, (struct view){0}, &events);
}

void pulse_missed(struct link *link)
{
    link->missed++;
    if (link->ops != &link_stdio || link->probe || !is_mute(link))
        return;
    ask(link);
    link->hangs = !link->probe; // it does not even take it
}

void pulse_refused(struct link *link)
{
    bool lately = link->probed != 0 && link->all->now - link->probed < PAUSE;
    bool may_be_another = link->upstream->spec->protocol == PROTOCOL_AUTO;
    if (link->state == LINK_READY && may_be_another && !link->probe && !lately)
        ask(link);
}
