// listen.c: see listen.h.
#include "gateway/listen.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/json_walk.h"
#include "gateway/methods.h"
#include "gateway/notices.h"
#include "gateway/reply.h"
#include "gateway/subscriptions.h"

void listen_tell_updated(struct listening *listening, struct view raw_uri)
{
    struct buf params AUTO(buf_done);
    buf_init(&params, raw_uri.size + 16);
    buf_add(&params, VIEW("\"uri\":"));
    buf_add(&params, raw_uri);
    buf_add(&params, VIEW(","));
    if (!params.failed)
        listen_tell(listening, mcp_method_name(MCP_RESOURCE_UPDATED), buf_view(&params));
}

// --- legacy clients -----------------------------------------------------------------------------

// A modern server is listened to for the session. A legacy one is asked by the client's own call,
// whatever it has declared: some do not declare what they have.
static bool is_listened_to(const struct upstream *upstream)
{
    return upstream_era(upstream, MCP_LEGACY) == MCP_MODERN;
}

// As far as it has said what it has.
static bool has_subscriptions(const struct upstream *upstream)
{
    const struct upstream_facts *facts = upstream_facts(upstream, MCP_LEGACY);
    if (!facts)
        return true;
    const struct view resources = json_walk_member(facts->capabilities, "resources");
    return view_is(json_walk_member(resources, "subscribe"), "true");
}

static void subscribe(struct call *call, const struct incoming *incoming, struct server_spec *spec,
                      struct upstream *upstream, struct view uri)
{
    struct session *session = call->exchange->session;
    const bool listened_to = is_listened_to(upstream);
    if (listened_to && !has_subscriptions(upstream)) {
        call_error(call, RPC_METHOD_NOT_FOUND, "The server of this resource has no subscriptions");
        return;
    }
    const bool made = subscriptions_made(session->subscriptions, upstream, uri);
    if (!subscriptions_have(session->subscriptions, upstream, uri) &&
        !subscription_add(call->gateway, (struct subscriber){session, NULL}, upstream, uri,
                          listened_to ? NULL : call))
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
    else if (made || listened_to)
        call_result(call, &VIEW("{}"), 1);
    else
        call_send(call, incoming, &(struct sending){.spec = spec, .name = uri});
}

void listen_subscribe(struct call *call, const struct incoming *incoming)
{
    char room[SUBSCRIPTION_URI];
    struct server_spec *spec;
    struct session *session = call->exchange->session;
    struct view uri = json_raw_text(incoming->params.uri, room, sizeof room);
    bool many = call->method == MCP_SUBSCRIBE &&
                (subscriptions_count(session->subscriptions) >= SUBSCRIPTIONS_MOST ||
                 SUBSCRIPTION_RECORD + uri.size > subscriptions_room(session->credential));
    if (!uri.data || many) {
        call_error(call, RPC_INVALID_PARAMS,
                   uri.data ? "Too many subscriptions" : "The request needs a uri");
        return;
    }
    if (!route_wait_for_uri(call, incoming, uri, &spec))
        return;
    struct upstream *upstream = spec ? call_upstream(call, spec) : NULL;
    if (!upstream) {
        call_error(call, RPC_RESOURCE_NOT_FOUND, "Resource not found");
        return;
    }
    if (call->method == MCP_SUBSCRIBE) {
        subscribe(call, incoming, spec, upstream, uri);
        return;
    }
    subscriptions_leave(&session->subscriptions, upstream, uri);
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
            upstream_watch(upstream, MCP_MODERN, more);
    }
}

static bool is_true(struct view object, const char *name)
{
    return view_is(json_walk_member(object, name), "true");
}

// How many of the URIs a listen may have: each is asked of all servers of the endpoint, since it
// does not say whose it is. As they came, none is shorter than it will be kept.
static size_t most_uris(const struct exchange *exchange, struct view uris)
{
    size_t servers = exchange_servers(exchange).count;
    size_t each = servers > 0 ? servers : 1, count = 0;
    size_t most = SUBSCRIPTIONS_MOST > each ? SUBSCRIPTIONS_MOST / each : 1;
    size_t room = subscriptions_room(exchange->principal->credential) / each;
    struct view ignored, raw;
    for (struct json_walk walk = json_walk(uris);
         count < most && json_walk_next(&walk, &ignored, &raw) &&
         SUBSCRIPTION_RECORD + raw.size <= room;
         count++)
        room -= SUBSCRIPTION_RECORD + raw.size;
    return count;
}

// The first items of an array, without its brackets.
static struct view first_items(struct view array, size_t most)
{
    const char *start = array.data + 1, *end = start;
    struct view ignored, raw;
    for (struct json_walk walk = json_walk(array);
         most > 0 && json_walk_next(&walk, &ignored, &raw); most--)
        end = raw.data + raw.size;
    return (struct view){start, (size_t)(end - start)};
}

// What stands there twice counts twice, so that looking at it is bounded, too.
static void add_uris(struct listening *listening, const struct call *call, struct view uris)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    size_t left = most_uris(call->exchange, uris);
    struct view ignored, raw;
    for (struct json_walk walk = json_walk(uris); left > 0 && json_walk_next(&walk, &ignored, &raw);
         left--) {
        char room[SUBSCRIPTION_URI];
        struct view uri = json_raw_text(raw, room, sizeof room);
        for (size_t i = 0; uri.data && i < servers.count; i++) {
            struct upstream *upstream = call_upstream(call, servers.list[i]);
            if (upstream && !subscriptions_have(listening->subscriptions, upstream, uri))
                (void)!subscription_add(call->gateway, (struct subscriber){NULL, listening},
                                        upstream, uri, NULL);
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
    if (gone->next)
        gone->next->previous = gone->previous;
    if (gone->previous)
        gone->previous->next = gone->next;
    else
        exchange->gateway->listenings = gone->next;
    subscriptions_end(&gone->subscriptions);
    free(gone);
}

// The end of its exchange, with a result.
static void conclude(struct listening *listening)
{
    struct exchange *exchange = listening->exchange;
    struct call *call = exchange->calls;
    const struct view pieces[] = {
        VIEW("{\"resultType\":\"complete\",\"_meta\":{\"" MCP_META "subscriptionId\":"), call->id,
        VIEW("}}")};
    listen_end(exchange);
    call_result(call, pieces, COUNT_OF(pieces));
}

void listens_end(struct gateway *gateway, int64_t project_n)
{
    struct listening *next;
    for (struct listening *listening = gateway->listenings; listening; listening = next) {
        next = listening->next;
        if (listening->exchange->principal->grant.project_n == project_n)
            conclude(listening);
    }
}

void listens_end_all(struct gateway *gateway)
{
    while (gateway->listenings)
        conclude(gateway->listenings);
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

// Says what of the wishes is honoured: all that we know, and as many URIs as there may be. False
// when memory is short.
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
        buf_add(&honoured, VIEW("\"resourceSubscriptions\":["));
        buf_add(&honoured, first_items(uris, most_uris(listening->exchange, uris)));
        buf_add(&honoured, VIEW("]"));
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
    if (!call_want(call, incoming, NULL, &want, 1))
        return;
    struct view uris = json_walk_member(wishes, "resourceSubscriptions");
    uris = json_raw_is(uris, '[') ? uris : (struct view){NULL, 0};
    struct listening *listening = (struct listening *)calloc(1, sizeof *listening);
    if (!listening) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return;
    }
    listening->exchange = exchange;
    listening->asker = call_asker(call, &(struct mcp_params){0}); // without texts, which go
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
        add_uris(listening, call, uris);
    rationed_done(&call->text); // which `incoming` may be of: it is not handled again
}
