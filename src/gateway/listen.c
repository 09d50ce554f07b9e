// listen.c: see listen.h.
#include "gateway/listen.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/json_walk.h"
#include "gateway/methods.h"
#include "gateway/notices.h"
#include "gateway/reply.h"

enum { URI_ROOM = 4096, MOST_URIS = 256 };

// A resource somebody wants to hear of. Of a modern server with an upcall of its own.
struct subscription {
    struct subscription *next;
    struct gateway *gateway;
    struct session *session; // whose it is; NULL: a listening's
    struct listening *listening;
    struct upstream *upstream;
    struct upcall *upcall;
    size_t size;
    char uri[];
};

// --- what servers are asked ---------------------------------------------------------------------

static void tell_updated(struct listening *listening, struct view raw_uri)
{
    struct buf params AUTO(buf_done);
    buf_init(&params, raw_uri.size + 16);
    buf_add(&params, VIEW("\"uri\":"));
    buf_add(&params, raw_uri);
    buf_add(&params, VIEW(","));
    if (!params.failed)
        listen_tell(listening, mcp_method_name(MCP_RESOURCE_UPDATED), buf_view(&params));
}

// A modern server tells each subscription by itself.
static void on_notice(void *context, const struct rpc *message)
{
    struct subscription *subscription = (struct subscription *)context;
    struct view raw_uri = json_walk_member(message->params, "uri");
    if (mcp_method(message->method) != MCP_RESOURCE_UPDATED || !json_raw_is(raw_uri, '"'))
        return;
    if (subscription->session)
        notices_updated(subscription->session, raw_uri);
    else
        tell_updated(subscription->listening, raw_uri);
}

static void on_question(void *context, const struct question *question, const struct rpc *message)
{
    struct subscription *subscription = (struct subscription *)context;
    (void)message;
    upstreams_refuse(subscription->gateway->upstreams, question,
                     VIEW("{\"code\":-32601,\"message\":\"Not about a subscription\"}"));
}

// The answer of a legacy server, or the end of a modern one's: there is nobody to tell.
static void on_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    (void)era;
    (void)response;
    ((struct subscription *)context)->upcall = NULL;
}

static void on_failed(void *context, enum upcall_failure why, const char *sentence)
{
    (void)why;
    (void)sentence;
    ((struct subscription *)context)->upcall = NULL;
}

static const struct upcall_events events = {
    .notice = on_notice, .question = on_question, .answered = on_answered, .failed = on_failed};

static void add_params(struct buf *params, enum mcp_era era, struct view uri)
{
    if (era == MCP_LEGACY) {
        buf_add(params, VIEW("{\"uri\":"));
        json_add_string(params, uri);
        buf_add(params, VIEW("}"));
        return;
    }
    buf_add(params, VIEW("{\"_meta\":{\"" MCP_META "protocolVersion\":\"" MCP_MODERN_VERSION
                         "\",\"" MCP_META "clientCapabilities\":{}},\"notifications\":"
                         "{\"resourceSubscriptions\":["));
    json_add_string(params, uri);
    buf_add(params, VIEW("]}}"));
}

// Asks for it, or for its end: then nobody waits for the answer.
static void ask(struct subscription *subscription, const struct asker *asker, enum mcp_era era,
                enum mcp_method method)
{
    bool ends = method == MCP_UNSUBSCRIBE;
    struct buf params AUTO(buf_done);
    struct asker as = *asker;
    as.era = era;
    buf_init(&params, 8 * URI_ROOM);
    add_params(&params, era, (struct view){subscription->uri, subscription->size});
    const struct upcall_order order = {.asker = &as,
                                       .method = method,
                                       .method_name = view_of(mcp_method_name(method)),
                                       .params = buf_view(&params),
                                       .stream = era == MCP_MODERN};
    if (params.failed)
        return;
    struct upcall *upcall =
        upcall_send(subscription->upstream, &order, ends ? &method_nobody : &events,
                    ends ? NULL : subscription);
    if (!ends)
        subscription->upcall = upcall;
}

static struct subscription *subscribe(struct gateway *gateway, struct upstream *upstream,
                                      const struct asker *asker, struct view uri)
{
    const struct upstream_facts *facts = upstream_facts(upstream);
    struct subscription *subscription =
        (struct subscription *)calloc(1, sizeof *subscription + uri.size);
    if (!subscription)
        return NULL;
    subscription->gateway = gateway;
    subscription->upstream = upstream;
    subscription->size = uri.size;
    memcpy(subscription->uri, uri.data, uri.size);
    enum mcp_era era = facts ? facts->era : asker->era;
    ask(subscription, asker, era, era == MCP_MODERN ? MCP_LISTEN : MCP_SUBSCRIBE);
    return subscription;
}

static void subscription_free(struct subscription *subscription)
{
    upcall_cancel(&subscription->upcall, (struct view){NULL, 0});
    free(subscription);
}

static void drop_all(struct subscription **first)
{
    while (*first) {
        struct subscription *next = (*first)->next;
        subscription_free(*first);
        *first = next;
    }
}

static bool has(const struct subscription *first, const struct upstream *upstream, struct view uri)
{
    for (; first; first = first->next)
        if (first->upstream == upstream && view_equal((struct view){first->uri, first->size}, uri))
            return true;
    return false;
}

// --- legacy clients -----------------------------------------------------------------------------

void subscriptions_end(struct session *session)
{
    drop_all(&session->subscriptions);
}

void subscriptions_retain(struct session *session, const struct server_specs *specs)
{
    for (struct subscription **link = &session->subscriptions; *link;) {
        struct subscription *subscription = *link;
        if (server_specs_find(specs, upstream_spec(subscription->upstream))) {
            link = &subscription->next;
            continue;
        }
        *link = subscription->next;
        subscription_free(subscription);
    }
}

// Whether anybody wants to hear of it. Of a child that is shared, that is not one client's to end.
static bool is_wanted(const struct gateway *gateway, const struct subscription *subscription)
{
    const struct view uri = {subscription->uri, subscription->size};
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (has(session->subscriptions, subscription->upstream, uri))
            return true;
    for (struct listening *listening = gateway->listenings; listening; listening = listening->next)
        if (has(listening->subscriptions, subscription->upstream, uri))
            return true;
    return false;
}

static size_t count_of(const struct subscription *first)
{
    size_t count = 0;
    for (; first; first = first->next)
        count++;
    return count;
}

static void add(struct call *call, struct upstream *upstream, struct view uri)
{
    struct session *session = call->exchange->session;
    const struct asker asker = session_asker(session);
    if (has(session->subscriptions, upstream, uri))
        return;
    struct subscription *subscription = subscribe(call->gateway, upstream, &asker, uri);
    if (!subscription)
        return;
    subscription->session = session;
    subscription->next = session->subscriptions;
    session->subscriptions = subscription;
}

static void leave(struct call *call, const struct upstream *upstream, struct view uri)
{
    struct subscription **link = &call->exchange->session->subscriptions;
    while (*link && !((*link)->upstream == upstream &&
                      view_equal((struct view){(*link)->uri, (*link)->size}, uri)))
        link = &(*link)->next;
    struct subscription *gone = *link;
    if (!gone)
        return;
    *link = gone->next;
    const struct asker asker = session_asker(call->exchange->session);
    const struct upstream_facts *facts = upstream_facts(gone->upstream);
    bool shared = !upstream_spec(gone->upstream)->http;
    if (facts && facts->era == MCP_LEGACY && !(shared && is_wanted(call->gateway, gone)))
        ask(gone, &asker, MCP_LEGACY, MCP_UNSUBSCRIBE);
    subscription_free(gone);
}

void listen_subscribe(struct call *call, const struct incoming *incoming)
{
    char room[URI_ROOM];
    struct server_spec *spec;
    struct view uri = json_raw_text(incoming->params.uri, room, sizeof room);
    bool many = call->method == MCP_SUBSCRIBE &&
                count_of(call->exchange->session->subscriptions) >= MOST_URIS;
    if (!uri.data || many) {
        call_error(call, RPC_INVALID_PARAMS,
                   uri.data ? "Too many subscriptions" : "The request needs a uri");
        return;
    }
    if (!route_wait_for_uri(call, incoming, uri, &spec))
        return;
    struct upstream *upstream =
        spec ? upstream_get(call->gateway->upstreams, call->principal->grant.project_n, spec)
             : NULL;
    if (!upstream) {
        call_error(call, RPC_RESOURCE_NOT_FOUND, "Resource not found");
        return;
    }
    if (call->method == MCP_SUBSCRIBE)
        add(call, upstream, uri);
    else
        leave(call, upstream, uri);
    call_result(call, &VIEW("{}"), 1);
}

// --- modern clients -----------------------------------------------------------------------------

static void watch(struct listening *listening, int more)
{
    struct exchange *exchange = listening->exchange;
    struct endpoint_servers servers = exchange_servers(exchange);
    for (size_t i = 0; i < servers.count; i++) {
        struct upstream *upstream = upstream_get(
            exchange->gateway->upstreams, exchange->principal->grant.project_n, servers.list[i]);
        if (upstream)
            upstream_watch(upstream, more);
    }
}

static bool is_true(struct view object, const char *name)
{
    return view_is(json_walk_member(object, name), "true");
}

static void add_uris(struct listening *listening, const struct call *call,
                     const struct mcp_params *params, struct view uris)
{
    const struct asker asker = call_asker(call, params);
    struct endpoint_servers servers = exchange_servers(call->exchange);
    struct view ignored, raw;
    size_t count = 0;
    for (struct json_walk walk = json_walk(uris);
         count < MOST_URIS && json_walk_next(&walk, &ignored, &raw);) {
        char room[URI_ROOM];
        struct view uri = json_raw_text(raw, room, sizeof room);
        for (size_t i = 0; uri.data && i < servers.count && count < MOST_URIS; i++) {
            struct upstream *upstream = upstream_get(
                call->gateway->upstreams, call->principal->grant.project_n, servers.list[i]);
            struct subscription *subscription =
                upstream ? subscribe(call->gateway, upstream, &asker, uri) : NULL;
            if (!subscription)
                continue;
            subscription->listening = listening;
            subscription->next = listening->subscriptions;
            listening->subscriptions = subscription;
            count++;
        }
    }
}

static void link_listening(struct gateway *gateway, struct listening *listening)
{
    listening->next = gateway->listenings;
    if (listening->next)
        listening->next->previous = listening;
    gateway->listenings = listening;
    listening->exchange->principal->credential->listens++;
}

void listen_end(struct exchange *exchange)
{
    struct listening *gone = TAKE(exchange->listening);
    if (!gone)
        return;
    watch(gone, -1);
    exchange->principal->credential->listens--;
    drop_all(&gone->subscriptions);
    if (gone->next)
        gone->next->previous = gone->previous;
    if (gone->previous)
        gone->previous->next = gone->next;
    else
        exchange->gateway->listenings = gone->next;
    free(gone);
}

void listens_end(struct gateway *gateway, int64_t project_n)
{
    struct listening *next;
    for (struct listening *listening = gateway->listenings; listening; listening = next) {
        next = listening->next;
        struct exchange *exchange = listening->exchange;
        if (exchange->principal->grant.project_n != project_n || !exchange->calls)
            continue;
        struct call *call = exchange->calls;
        const struct view pieces[] = {
            VIEW("{\"resultType\":\"complete\",\"_meta\":{\"" MCP_META "subscriptionId\":"),
            call->id, VIEW("}}")};
        listen_end(exchange);
        call_result(call, pieces, COUNT_OF(pieces));
    }
}

void listen_tell(struct listening *listening, const char *method, struct view params)
{
    const struct call *call = listening->exchange->calls;
    const struct view pieces[] = {VIEW("{\"jsonrpc\":\"2.0\",\"method\":\""),
                                  view_of(method),
                                  VIEW("\",\"params\":{"),
                                  params,
                                  VIEW("\"_meta\":{\"" MCP_META "subscriptionId\":"),
                                  call->id,
                                  VIEW("}}}")};
    exchange_event(listening->exchange, pieces, COUNT_OF(pieces));
}

// Says what of the wishes is honoured: all that we know. False when memory is short.
static bool acknowledge(struct listening *listening, struct view uris)
{
    static const struct {
        enum list list;
        const char *text;
    } flags[] = {{LIST_TOOLS, "\"toolsListChanged\":true,"},
                 {LIST_PROMPTS, "\"promptsListChanged\":true,"},
                 {LIST_RESOURCES, "\"resourcesListChanged\":true,"}};
    struct buf honoured AUTO(buf_done);
    buf_init(&honoured, uris.size + 256);
    buf_add(&honoured, VIEW("\"notifications\":{"));
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (listening->lists[flags[i].list])
            buf_add(&honoured, view_of(flags[i].text));
    if (uris.data) {
        buf_add(&honoured, VIEW("\"resourceSubscriptions\":"));
        buf_add(&honoured, uris);
    } else if (honoured.size > 0 && honoured.data[honoured.size - 1] == ',') {
        honoured.size--;
    }
    buf_add(&honoured, VIEW("},"));
    if (honoured.failed)
        return false;
    listen_tell(listening, mcp_method_name(MCP_ACKNOWLEDGED), buf_view(&honoured));
    return true;
}

void listen_start(struct call *call, const struct incoming *incoming)
{
    struct exchange *exchange = call->exchange;
    struct view wishes = incoming->params.notifications;
    static const unsigned want = WANT_FACTS;
    if (!json_raw_is(wishes, '{')) {
        call_error(call, RPC_INVALID_PARAMS, "subscriptions/listen needs notifications");
        return;
    }
    if (call->principal->credential->listens >= call->gateway->settings->sessions_per_key) {
        call->gateway->counters.limited++;
        call_fail(call, &(struct failure){.code = CALL_LIMITED,
                                          .status = 429,
                                          .message = "Too many streams of this key are open",
                                          .outcome = "denied"});
        return;
    }
    if (!call_want(call, incoming, &want, 1))
        return;
    struct view uris = json_walk_member(wishes, "resourceSubscriptions");
    uris = json_raw_is(uris, '[') ? uris : (struct view){NULL, 0};
    struct listening *listening = (struct listening *)calloc(1, sizeof *listening);
    if (!listening) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return;
    }
    listening->exchange = exchange;
    listening->lists[LIST_TOOLS] = is_true(wishes, "toolsListChanged");
    listening->lists[LIST_PROMPTS] = is_true(wishes, "promptsListChanged");
    listening->lists[LIST_RESOURCES] = is_true(wishes, "resourcesListChanged");
    exchange->kind = EXCHANGE_LISTEN;
    exchange->listening = listening;
    call_becomes_stream(call);
    link_listening(call->gateway, listening);
    watch(listening, 1);
    if (!acknowledge(listening, uris)) {
        listen_end(exchange);
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return;
    }
    if (uris.data && exchange->listening)
        add_uris(listening, call, &incoming->params, uris);
}

// --- what servers tell --------------------------------------------------------------------------

void listen_updated(struct gateway *gateway, const struct upstream *upstream,
                    int64_t session_number, const struct rpc *message)
{
    char room[URI_ROOM];
    struct view raw = json_walk_member(message->params, "uri");
    struct view uri = json_raw_text(raw, room, sizeof room);
    if (!uri.data)
        return;
    for (struct session *session = gateway->first_session; session; session = session->next)
        if ((session_number == 0 || session->number == session_number) &&
            has(session->subscriptions, upstream, uri))
            notices_updated(session, raw);
    struct listening *next;
    for (struct listening *listening = gateway->listenings; listening; listening = next) {
        next = listening->next;
        if (session_number == 0 && has(listening->subscriptions, upstream, uri))
            tell_updated(listening, raw);
    }
}
