// watch.c: while an upstream is watched, each of its modern links has a subscriptions/listen of our
// own, so that list changes are told; legacy links tell them unasked.
#include "base/json_walk.h"
#include "upstream/link.h"

enum { AGAIN = 1000000 }; // microseconds before it is asked again; no server is asked faster

static void noticed(void *context, const struct rpc *message)
{
    struct link *link = context;
    struct upstreams *all = link->all;
    enum mcp_method method = mcp_method(message->method);
    if (method == MCP_TOOLS_CHANGED || method == MCP_PROMPTS_CHANGED ||
        method == MCP_RESOURCES_CHANGED)
        all->order.events->changed(all->order.context, link->upstream, method);
    else if (method == MCP_ACKNOWLEDGED)
        upstream_came_up(link->upstream);
}

static void rest(struct link *link, int64_t span)
{
    link->watch = NULL;
    link->watch_at = link->all->now + span;
}

static void answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct link *link = context;
    (void)era;
    // A server that refuses it will go on doing so: it is asked again when its verdict is.
    rest(link, response->kind == RPC_ERROR ? VERDICT_AGE : AGAIN);
}

static void failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct link *link = context;
    (void)why;
    (void)sentence;
    upstream_went_down(link->upstream);
    rest(link, link->all->order.settings->restart_first);
}

static const struct upcall_events watch_events = {
    .notice = noticed, .answered = answered, .failed = failed};

bool link_is_watched(const struct link *link)
{
    const int *watchers = link->upstream->watchers;
    return watchers[MCP_MODERN] > 0 || (watchers[MCP_LEGACY] > 0 && link->era == MCP_MODERN);
}

void watch_check(struct link *link)
{
    bool wanted = link_is_watched(link) && link->era == MCP_MODERN;
    if (link->state != LINK_READY || wanted == (link->watch != NULL))
        return;
    if (!wanted) {
        struct upcall *watch = TAKE(link->watch);
        upcall_forget(watch, true);
        return;
    }
    if (link->all->now < link->watch_at)
        return;
    link->watch = upcall_own(link, MCP_LISTEN,
                             VIEW("{\"notifications\":{\"toolsListChanged\":true,"
                                  "\"promptsListChanged\":true,\"resourcesListChanged\":true}}"),
                             &watch_events);
    if (!link->watch)
        rest(link, AGAIN);
}
