// notices.c: see notices.h.
#include "gateway/notices.h"

#include "base/json_walk.h"
#include "gateway/exchange.h"
#include "gateway/listen.h"
#include "gateway/subscriptions.h"

static const struct {
    enum mcp_method method;
    enum list list;
} announcements[] = {
    {MCP_TOOLS_CHANGED, LIST_TOOLS},
    {MCP_PROMPTS_CHANGED, LIST_PROMPTS},
    {MCP_RESOURCES_CHANGED, LIST_RESOURCES},
};

struct exchange *notices_stream(const struct session *session)
{
    if (session == session->gateway->stdio_session)
        return session->gateway->stdio_stream;
    return session->stream;
}

static bool sees(const struct session *session, int64_t project_n, const struct server_spec *spec)
{
    return session->project_n == project_n &&
           (!spec || !session->server || view_is(view_of(session->server), spec->server_name));
}

// --- watching -----------------------------------------------------------------------------------

static void watch(const struct session *session, const struct access *access, int more)
{
    for (size_t i = 0; access && i < access->specs.count; i++) {
        struct server_spec *spec = access->specs.list[i];
        struct upstream *upstream =
            sees(session, session->project_n, spec)
                ? upstream_get(session->gateway->upstreams, session->project_n, spec)
                : NULL;
        if (upstream)
            upstream_watch(upstream, MCP_LEGACY, more);
    }
}

// What is watched before and after is never left alone in between.
static void watch_those_of(struct session *session, struct access *now)
{
    struct access *before = session->watched;
    if (!session->initialized || !notices_stream(session))
        now = NULL;
    if (now == before)
        return;
    session->watched = now ? access_ref(now) : NULL;
    watch(session, now, 1);
    watch(session, before, -1);
    access_unref(&before);
}

void notices_watch(struct session *session)
{
    watch_those_of(session, principals_access(session->gateway->principals, session->project_n));
}

void notices_watch_others(struct gateway *gateway, const struct access *now)
{
    struct access *known = principals_access(gateway->principals, now->project_n);
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (session->project_n == now->project_n)
            watch_those_of(session, known == now ? known : NULL);
}

// --- what has changed ---------------------------------------------------------------------------

enum { ALL_LISTS = (1u << COUNT_OF(announcements)) - 1 };

static void mark(struct gateway *gateway, int64_t project_n, const struct server_spec *spec,
                 unsigned lists)
{
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (sees(session, project_n, spec))
            session->dirty |= lists;
    for (struct listening *listening = gateway->listenings; listening;
         listening = listening->next) {
        const struct exchange *exchange = listening->exchange;
        if (exchange->principal->grant.project_n == project_n &&
            (!spec || !exchange->only ||
             view_is(view_of(exchange->only->server_name), spec->server_name)))
            listening->dirty |= lists;
    }
    gateway->dirty = true;
}

void notices_back(struct gateway *gateway, struct upstream *upstream, enum mcp_method what)
{
    if (gateway->marked_upstream != upstream)
        gateway->marked = 0;
    gateway->marked_upstream = upstream;
    for (size_t i = 0; i < COUNT_OF(announcements); i++) {
        if (announcements[i].method != what || gateway->marked & 1u << i)
            continue; // a server that says it a thousand times a turn
        gateway->marked |= 1u << i;
        mark(gateway, upstream_project(upstream), upstream_spec(upstream), 1u << i);
    }
}

void notices_changed(struct gateway *gateway, struct upstream *upstream, enum mcp_method what)
{
    catalogs_changed(gateway->catalogs, upstream, what);
    notices_back(gateway, upstream, what);
}

void notices_all_changed(struct gateway *gateway, int64_t project_n)
{
    mark(gateway, project_n, NULL, ALL_LISTS);
}

void notices_session_changed(struct session *session)
{
    session->dirty = ALL_LISTS;
    session->gateway->dirty = true;
}

static void announce(struct session *session)
{
    for (size_t i = 0; i < COUNT_OF(announcements); i++) {
        // Announcing may end the stream, never the session.
        struct exchange *stream = notices_stream(session);
        if (!stream || !(session->dirty & 1u << i))
            continue;
        const struct view pieces[] = {VIEW("{\"jsonrpc\":\"2.0\",\"method\":\""),
                                      view_of(mcp_method_name(announcements[i].method)),
                                      VIEW("\"}")};
        exchange_event(stream, pieces, COUNT_OF(pieces));
    }
    session->dirty = 0;
}

void notices_flush(struct gateway *gateway)
{
    if (!gateway->dirty)
        return;
    gateway->dirty = false;
    gateway->marked_upstream = NULL;
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (session->dirty && session->initialized)
            announce(session);
    struct listening *next;
    for (struct listening *listening = gateway->listenings; listening; listening = next) {
        unsigned dirty = listening->dirty;
        next = listening->next;
        listening->dirty = 0;
        for (size_t i = 0; i < COUNT_OF(announcements); i++)
            if (dirty & 1u << i && listening->lists[announcements[i].list])
                listen_tell(listening, mcp_method_name(announcements[i].method),
                            (struct view){NULL, 0});
    }
}

void notices_updated(struct session *session, struct view raw_uri)
{
    struct exchange *stream = notices_stream(session);
    const struct view pieces[] = {VIEW("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/"
                                       "updated\",\"params\":{\"uri\":"),
                                  raw_uri, VIEW("}}")};
    if (stream)
        exchange_event(stream, pieces, COUNT_OF(pieces));
}

int notices_level(const struct gateway *gateway, const struct upstream *upstream, int64_t number)
{
    const struct server_spec *spec = upstream_spec(upstream);
    int level = -1;
    for (const struct session *session = gateway->first_session; session; session = session->next)
        if ((number == 0 ? sees(session, upstream_project(upstream), spec)
                         : session->number == number) &&
            session->level >= 0 && (level < 0 || session->level < level))
            level = session->level;
    return level;
}

void notices_level_over(const struct session *session)
{
    const struct gateway *gateway = session->gateway;
    const struct access *access = principals_access(gateway->principals, session->project_n);
    for (size_t i = 0; access && session->level >= 0 && i < access->specs.count; i++)
        if (sees(session, session->project_n, access->specs.list[i]))
            upstreams_level_over(gateway->upstreams, session->project_n, access->specs.list[i],
                                 session->level);
}

static bool is_wanted(const struct session *session, const struct rpc *message)
{
    char room[16];
    if (mcp_method(message->method) != MCP_MESSAGE)
        return true;
    struct view level =
        json_raw_text(json_walk_member(message->params, "level"), room, sizeof room);
    return mcp_log_level(level) >= session->level;
}

void notices_pass(struct gateway *gateway, const struct heard *heard, const struct rpc *message)
{
    if (mcp_method(message->method) == MCP_RESOURCE_UPDATED) {
        subscriptions_updated(gateway, heard, message);
        return;
    }
    struct session *session =
        (struct session *)table_find(&gateway->sessions_by_number, (uint64_t)heard->session);
    struct exchange *stream = session ? notices_stream(session) : NULL;
    // It would name a question by the server's own id, which another server's may be, too.
    bool cancels = mcp_method(message->method) == MCP_CANCELLED;
    if (stream && !cancels && is_wanted(session, message))
        exchange_event(stream, &message->text, 1);
}
