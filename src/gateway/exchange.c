// exchange.c: see exchange.h. What a message is, and what it needs before it becomes a call, is
// intake.c.
#include "gateway/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/fresh.h"
#include "gateway/call.h"
#include "gateway/listen.h"
#include "gateway/notices.h"

enum { CHANNEL_TIME = 60 * 1000 * 1000 }; // us: a complete channel can be taken up again

// --- beginning and end --------------------------------------------------------------------------

static void link_exchange(struct exchange *exchange)
{
    struct credential *credential = exchange->principal->credential;
    exchange->next = credential->first_exchange;
    if (exchange->next)
        exchange->next->previous = exchange;
    credential->first_exchange = exchange;
}

static void unlink_exchange(struct exchange *exchange)
{
    struct credential *credential = exchange->principal->credential;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        credential->first_exchange = exchange->next;
}

struct exchange *exchange_new(struct gateway *gateway, const struct front_request *request,
                              const struct front_ops *ops, void *door)
{
    struct exchange *exchange = (struct exchange *)fresh(sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->gateway = gateway;
    exchange->principal = principal_ref(request->principal);
    if (!request->stdio || request->body.data) // the stream over stdio is begun by the door
        exchange->principal->credential->uses++;
    exchange->ops = ops;
    exchange->door = door;
    exchange->stdio = request->stdio;
    link_exchange(exchange);
    return exchange;
}

void exchange_join(struct exchange *exchange, struct session *session)
{
    exchange->session = session;
    session->exchanges++;
}

void exchange_serves(struct exchange *exchange, struct server_spec *spec)
{
    exchange->several |= exchange->served && !server_spec_stands(exchange->served, spec);
    if (!exchange->served)
        exchange->served = server_spec_ref(spec);
}

void exchange_serves_by(struct exchange *exchange, struct server_spec *now)
{
    if (!exchange->served || exchange->kind == EXCHANGE_BATCH)
        return; // of a batch there may be answers by the old one
    server_spec_unref(&exchange->served);
    exchange->served = server_spec_ref(now);
}

static void begin_channel(struct exchange *exchange, struct channel *channel)
{
    channel->exchange = exchange;
    channel->of_batch = exchange->kind == EXCHANGE_BATCH;
    channel->access = exchange->principal->access->number;
}

// It can be taken up for a while, by those who still may see it.
static void complete_channel(struct exchange *exchange)
{
    struct channel *channel = exchange->channel;
    if (!channel || channel->exchange != exchange)
        return;
    channel->exchange = NULL;
    channel->until = loop_clock() + CHANNEL_TIME;
    if (!exchange->several)
        channel->served = TAKE(exchange->served);
}

void exchange_free(struct exchange *exchange)
{
    struct session *session = exchange->session;
    listen_end(exchange);
    complete_channel(exchange);
    if (exchange->kind == EXCHANGE_STREAM)
        exchange->gateway->counters.streams_now--;
    if (exchange == exchange->gateway->stdio_stream) {
        exchange->gateway->stdio_stream = NULL;
        if (exchange->gateway->stdio_session)
            notices_watch(exchange->gateway->stdio_session);
    }
    if (session && session->stream == exchange) {
        session->stream = NULL;
        upstreams_session_streams(exchange->gateway->upstreams, session->number, false);
        notices_watch(session);
    }
    if (session) {
        session->exchanges--;
        session->used_at = loop_clock();
    }
    if (exchange->over)
        *exchange->over = true;
    unlink_exchange(exchange);
    server_spec_unref(&exchange->only);
    server_spec_unref(&exchange->served);
    rationed_done(&exchange->gathered);
    principal_unref(&exchange->principal);
    free(exchange);
}

static void cancel_calls(struct exchange *exchange)
{
    exchange->phase = EXCHANGE_LEAVING;
    while (exchange->calls)
        call_cancel(exchange->calls, (struct view){NULL, 0});
}

// The door comes last: over stdio it shuts the gateway down when it is told to cut.
static void leave(struct exchange *exchange)
{
    cancel_calls(exchange);
    exchange_free(exchange);
}

void exchange_end(struct exchange *exchange)
{
    const struct front_ops *ops = exchange->ops;
    void *door = exchange->door;
    leave(exchange);
    if (ops)
        ops->end(door, (struct view){NULL, 0}, NULL, 0);
}

void exchange_cut(struct exchange *exchange, const char *reason)
{
    const struct front_ops *ops = exchange->ops;
    void *door = exchange->door;
    leave(exchange);
    if (ops)
        ops->cut(door, reason);
}

// --- what goes to the client --------------------------------------------------------------------

static bool stays_open(const struct exchange *exchange)
{
    return exchange->kind == EXCHANGE_STREAM || exchange->kind == EXCHANGE_LISTEN;
}

static bool can_resume(const struct exchange *exchange)
{
    return exchange->session && !exchange->stdio &&
           strcmp(exchange->session->version, "2024-11-05") != 0;
}

// A client of 2025-11-25 takes streams up again that end before their answer (SEP-1699), and events
// without data. Older ones would read JSON there.
static bool can_poll(const struct exchange *exchange)
{
    return exchange->channel && strcmp(exchange->session->version, "2025-11-25") >= 0;
}

// The first event says from where it can be taken up again: the connection may break before there
// is another.
void exchange_begin_behind(struct exchange *exchange, uint64_t after)
{
    char id[EVENT_ID];
    exchange->form = ANSWER_BEGUN;
    if (exchange->ops && can_poll(exchange))
        exchange->ops->event(exchange->door, channel_id(exchange->channel, after, id), &VIEW(""),
                             1);
    else if (exchange->ops)
        exchange->ops->event(exchange->door, (struct view){NULL, 0}, NULL, 0);
}

void exchange_begin_events(struct exchange *exchange)
{
    if (exchange->form == ANSWER_BEGUN)
        return;
    if (can_resume(exchange)) {
        exchange->channel = session_add_channel(exchange->session);
        if (exchange->channel)
            begin_channel(exchange, exchange->channel);
    }
    exchange_begin_behind(exchange, 0);
}

void exchange_in_events(struct exchange *exchange, bool more)
{
    if (exchange->stdio || exchange->kind == EXCHANGE_BATCH)
        return;
    if (exchange->form == ANSWER_OPEN)
        exchange->form = ANSWER_AS_EVENTS;
    if (!more)
        exchange_begin_events(exchange);
}

static void turn_flow(struct exchange *exchange, enum flow flow)
{
    const bool held = flow != FLOW_FREE, was_held = exchange->flow != FLOW_FREE;
    exchange->flow = flow;
    for (struct call *call = exchange->calls; call && held != was_held; call = call->next)
        call_hold(call, held);
}

// Counts an event, and keeps it where it can be taken up again; its id, written into `room`.
static struct view keep_event(struct exchange *exchange, const struct view *pieces, size_t count,
                              char room[EVENT_ID])
{
    exchange->gateway->counters.events++;
    if (!exchange->channel)
        return (struct view){NULL, 0};
    return channel_add(exchange->channel, pieces, count, room);
}

void exchange_event(struct exchange *exchange, const struct view *pieces, size_t count)
{
    char room[EVENT_ID];
    exchange_begin_events(exchange);
    struct view id = keep_event(exchange, pieces, count, room);
    if (!exchange->ops || exchange->flow == FLOW_CHOKED)
        return;
    exchange->ops->event(exchange->door, id, pieces, count);
    if (exchange->ops->queued(exchange->door) > exchange->gateway->settings->queue)
        turn_flow(exchange, stays_open(exchange) ? FLOW_CHOKED : FLOW_HELD);
}

void exchange_drained(struct exchange *exchange)
{
    bool choked = exchange->flow == FLOW_CHOKED;
    turn_flow(exchange, FLOW_FREE);
    if (choked && exchange->stdio) // there is no other stream: what is missing is told again
        notices_all_changed(exchange->gateway, exchange->principal->grant.project_n);
    else if (choked)
        exchange_end(exchange); // something is missing: the client begins a new one
}

void exchange_pause(struct exchange *exchange, long long retry)
{
    const struct front_ops *ops = exchange->ops;
    if (!ops || !can_poll(exchange) || exchange->gateway->draining)
        return;
    exchange->ops = NULL;
    turn_flow(exchange, FLOW_HELD);
    ops->pause(exchange->door, retry);
}

void exchange_take_over(struct exchange *exchange, struct exchange *fresh, uint64_t after)
{
    const struct front_ops *ops = exchange->ops;
    void *door = exchange->door;
    exchange->ops = fresh->ops;
    exchange->door = fresh->door;
    fresh->ops = NULL;
    exchange_free(fresh);
    turn_flow(exchange, FLOW_FREE);
    if (ops)
        ops->cut(door, "it was taken up by another connection");
    exchange_begin_behind(exchange, after);
}

// What is lost for want of room the client is told when all calls of the batch are over.
static void gather(struct exchange *exchange, const struct view *pieces, size_t count)
{
    struct rationed *gathered = &exchange->gathered;
    if (count == 0)
        return;
    if (gathered->buf.maximum == 0)
        rationed_init(gathered, exchange->gateway->settings->upstream_body,
                      (struct holding){.ration = exchange->gateway->unread,
                                       .owner = (uint64_t)exchange->principal->credential->number,
                                       .give_up = rationed_lose});
    rationed_add(gathered, gathered->buf.size == 0 ? VIEW("[") : VIEW(","));
    for (size_t i = 0; i < count; i++)
        rationed_add(gathered, pieces[i]);
}

// The whole answer, when no events came before it.
static void answer(struct exchange *exchange, int status, const struct view *pieces, size_t count)
{
    struct session *session = exchange->session;
    bool announce = exchange->opens_session && session && !exchange->stdio;
    struct view id = announce ? view_of(session->id) : (struct view){NULL, 0};
    if (announce)
        session->known = true;
    exchange->ops->answer(exchange->door, status, id, pieces, count);
}

// The last event, and the end.
static void end_events(struct exchange *exchange, const struct view *pieces, size_t count)
{
    char room[EVENT_ID];
    struct view id = {NULL, 0};
    if (count > 0)
        id = keep_event(exchange, pieces, count, room);
    if (exchange->ops)
        exchange->ops->end(exchange->door, id, pieces, exchange->flow == FLOW_CHOKED ? 0 : count);
}

// All calls are over. What was cancelled is a stream that ends without an answer. An error whose
// status says something is told with that as long as no stream has begun.
static void conclude(struct exchange *exchange, int status, const struct view *pieces, size_t count)
{
    bool cancelled =
        count == 0 && status == 202 && !exchange->stdio && exchange->kind != EXCHANGE_BATCH;
    bool as_events = exchange->form == ANSWER_AS_EVENTS && status == 200;
    if (exchange->form == ANSWER_BEGUN || as_events || cancelled)
        end_events(exchange, pieces, count);
    else if (exchange->ops)
        answer(exchange, status, pieces, count);
    exchange_free(exchange);
}

void exchange_answer(struct exchange *exchange, int status, const struct view *pieces, size_t count)
{
    if (exchange->phase == EXCHANGE_LEAVING)
        return;
    if (exchange->kind != EXCHANGE_BATCH) {
        conclude(exchange, status, pieces, count);
        return;
    }
    if (exchange->form == ANSWER_BEGUN && count > 0)
        exchange_event(exchange, pieces, count);
    else
        gather(exchange, pieces, count);
    if (exchange->call_count == 0 && exchange->phase == EXCHANGE_LIVE)
        exchange_conclude_batch(exchange);
}

void exchange_accept(struct exchange *exchange)
{
    if (exchange->ops)
        exchange->ops->answer(exchange->door, 202, (struct view){NULL, 0}, NULL, 0);
    exchange_free(exchange);
}

void exchange_conclude_batch(struct exchange *exchange)
{
    static const struct view lost = VIEW("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,"
                                         "\"message\":\"The answers of the batch are "
                                         "more than can be kept: send fewer at once\"}}");
    struct rationed *gathered = &exchange->gathered;
    if (gathered->buf.size > 0)
        rationed_add(gathered, VIEW("]"));
    const struct view whole = buf_view(&gathered->buf);
    const bool any = whole.size > 0;
    holding_end(&gathered->room); // what the client does not take is counted from here on
    if (gathered->buf.failed)
        conclude(exchange, 503, &lost, 1);
    else
        conclude(exchange, any ? 200 : 202, &whole, any ? 1 : 0);
}

// --- what happens to it -------------------------------------------------------------------------

void exchange_gone(struct exchange *exchange)
{
    exchange->ops = NULL;
    turn_flow(exchange, FLOW_FREE);
    // A legacy client that goes away has not cancelled (MCP 2025-03-26, transports): its calls go
    // on.
    bool goes_on =
        exchange->era == MCP_LEGACY && !stays_open(exchange) && !exchange->stdio && exchange->calls;
    if (goes_on)
        return;
    cancel_calls(exchange);
    exchange_free(exchange);
}

void exchanges_of_session_end(struct session *session)
{
    struct exchange *next;
    for (struct exchange *exchange = session->credential->first_exchange; exchange;
         exchange = next) {
        next = exchange->next;
        if (exchange->session == session)
            exchange_end(exchange);
    }
}

void exchanges_of_credential_cut(struct credential *credential, const char *reason)
{
    while (credential->first_exchange)
        exchange_cut(credential->first_exchange, reason);
}

bool exchange_follow(struct exchange *exchange, struct principal *now)
{
    struct server_spec *only =
        exchange->only ? server_specs_find(&now->access->specs, exchange->only) : NULL;
    if (exchange->only && !only)
        return false;
    if (only) {
        server_spec_unref(&exchange->only);
        exchange->only = server_spec_ref(only);
    }
    principal_unref(&exchange->principal);
    exchange->principal = principal_ref(now);
    return true;
}

struct endpoint_servers exchange_servers(const struct exchange *exchange)
{
    const struct access *access = exchange->principal->access;
    if (exchange->only)
        return (struct endpoint_servers){&exchange->only, 1, NULL};
    return (struct endpoint_servers){access->specs.list, access->specs.count, access->prefixes};
}

struct view exchange_server_of(const struct exchange *exchange, enum mcp_method method,
                               struct view name)
{
    struct endpoint_servers servers = exchange_servers(exchange);
    struct view rest;
    bool cut, prefixed = method == MCP_TOOLS_CALL || method == MCP_PROMPTS_GET;
    int i = 0;
    if (servers.prefixes)
        i = -1;
    if (servers.prefixes && prefixed && name.data)
        i = naming_find(servers.prefixes, servers.count, name, &rest, &cut);
    return i < 0 ? (struct view){NULL, 0} : view_of(servers.list[i]->server_name);
}
