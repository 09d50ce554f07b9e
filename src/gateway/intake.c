// intake.c: see intake.h.
#include "gateway/intake.h"

#include <string.h>

#include "base/json_walk.h"
#include "gateway/call.h"
#include "gateway/exchange.h"
#include "gateway/notices.h"
#include "gateway/questions.h"
#include "gateway/reply.h"

enum {
    NAME_ROOM = 4096,
    MOST_IN_BATCH = 256, // each is a call and a line in the journal, and all are begun in one turn
};

static const struct view nothing = {NULL, 0};

// A refusal of the message as a whole: it never becomes a call (call.h: the stage `check`).
struct refusal {
    int status, code;
    const char *message;
    struct view data; // raw
};

// `line`: NULL when it is no request, which has none.
static void refuse_with_line(struct exchange *exchange, struct view id,
                             const struct refusal *refusal, struct journal_call *line)
{
    struct buf text AUTO(buf_done);
    buf_init(&text, 4096);
    rpc_add_error(&text, id, refusal->code, view_of(refusal->message), refusal->data);
    struct view pieces[REPLY_NO_MEMORY] = {buf_view(&text)};
    if (text.failed)
        reply_no_memory(id, pieces);
    exchange->gateway->counters.calls_failed++;
    if (line) {
        line->bytes_out = text.size;
        journal_call(exchange->gateway->journal, line);
    }
    exchange_answer(exchange, refusal->status, pieces, text.failed ? REPLY_NO_MEMORY : 1);
}

static void refuse(struct exchange *exchange, struct view id, const struct refusal *refusal)
{
    refuse_with_line(exchange, id, refusal, NULL);
}

static struct journal_call line_of(const struct exchange *exchange, const struct refusal *refusal)
{
    const struct grant *grant = &exchange->principal->grant;
    const struct session *session = exchange->session;
    return (struct journal_call){
        .key_id = grant->key_id,
        .project_id = grant->project_id,
        .session = session ? (struct view){session->id, 8} : nothing,
        .outcome = "refused",
        .stage = "check",
        .code = refusal->code,
        .total = loop_clock_now() - loop_clock(),
    };
}

// A request has a line as a call has, or attempts would go unseen.
static void refuse_request(struct exchange *exchange, const struct front_request *request,
                           const struct rpc *rpc, const struct mcp_params *params,
                           const struct refusal *refusal)
{
    char room[JOURNAL_ROOM];
    enum mcp_method method = mcp_method(rpc->method);
    struct journal_call line = line_of(exchange, refusal);
    if (rpc->kind != RPC_REQUEST) {
        refuse(exchange, nothing, refusal);
        return;
    }
    line.method = view_of(mcp_method_name(method));
    line.name = journal_name_of(params, room);
    line.server = request->server; // there may be none of this name
    if (!line.server.data)
        line.server = exchange_server_of(exchange, method, line.name);
    line.bytes_in = rpc->text.size;
    refuse_with_line(exchange, rpc->id, refusal, &line);
}

// What is not one message: a batch, or what cannot be read. One line for all of it.
static void refuse_text(struct exchange *exchange, const struct front_request *request,
                        struct view id, const struct refusal *refusal)
{
    struct journal_call line = line_of(exchange, refusal);
    line.server = request->server;
    line.bytes_in = request->body.size;
    refuse_with_line(exchange, id, refusal, &line);
}

// --- eras and sessions --------------------------------------------------------------------------

// The headers must say what the body says: whoever stands between decides by them.
static const char *compare_headers(const struct front_request *request, const struct rpc *rpc,
                                   const struct mcp_params *params)
{
    char room[NAME_ROOM], raw_room[NAME_ROOM];
    struct view version = json_raw_text(params->meta_version, room, sizeof room);
    if (!view_equal(request->version, version))
        return "Header mismatch: MCP-Protocol-Version";
    if (!view_equal(request->method, rpc->method))
        return "Header mismatch: Mcp-Method";
    struct view named = mcp_named(mcp_method(rpc->method), params);
    if (!named.data)
        return NULL;
    struct view name = mcp_header_decode(request->name, room, sizeof room);
    struct view body = json_raw_text(named, raw_room, sizeof raw_room);
    return name.data && body.data && view_equal(name, body) ? NULL : "Header mismatch: Mcp-Name";
}

// False, with the refusal, when a request of 2026-07-28 is not in order.
static bool check_modern(const struct front_request *request, const struct rpc *rpc,
                         const struct mcp_params *params, struct buf *data,
                         struct refusal *ret_refusal)
{
    char room[64];
    struct view version = json_raw_text(params->meta_version, room, sizeof room);
    const char *mismatch =
        request->stdio || !version.data ? NULL : compare_headers(request, rpc, params);
    if (!version.data || !json_raw_is(params->meta_capabilities, '{')) {
        *ret_refusal = (struct refusal){
            400, RPC_INVALID_PARAMS,
            "_meta lacks the protocol version or the client's capabilities", nothing};
        return false;
    }
    if (mismatch) {
        *ret_refusal = (struct refusal){400, RPC_HEADER_MISMATCH, mismatch, nothing};
        return false;
    }
    if (!view_is(version, MCP_MODERN_VERSION)) {
        buf_add(data, VIEW("{\"supported\":" REPLY_VERSIONS ",\"requested\":"));
        buf_add(data, params->meta_version);
        buf_add(data, VIEW("}"));
        *ret_refusal = (struct refusal){400, RPC_UNSUPPORTED_VERSION,
                                        "Unsupported protocol version", buf_view(data)};
        return false;
    }
    if (params->meta_level.data &&
        mcp_log_level(json_raw_text(params->meta_level, room, sizeof room)) < 0) {
        *ret_refusal = (struct refusal){400, RPC_INVALID_PARAMS, "Unknown log level", nothing};
        return false;
    }
    return true;
}

static bool is_modern(const struct front_request *request, const struct mcp_params *params)
{
    return mcp_era_of(params) == MCP_MODERN ||
           (!request->session_id.data && view_is(request->version, MCP_MODERN_VERSION));
}

// The session of a legacy message. False, with the refusal, when there is none.
static bool find_session(struct exchange *exchange, const struct front_request *request,
                         struct refusal *ret_refusal)
{
    struct gateway *gateway = exchange->gateway;
    struct session *session = gateway->stdio_session;
    if (!request->stdio && request->version.data && !mcp_is_legacy_version(request->version)) {
        *ret_refusal =
            (struct refusal){400, RPC_INVALID_REQUEST, "Unsupported MCP-Protocol-Version", nothing};
        return false;
    }
    if (!request->stdio && !request->session_id.data) {
        *ret_refusal = (struct refusal){400, RPC_INVALID_REQUEST,
                                        "No Mcp-Session-Id: initialize first", nothing};
        return false;
    }
    if (!request->stdio)
        session = session_find(gateway, exchange->principal, request->session_id, request->server);
    if (!session) {
        *ret_refusal = (struct refusal){
            request->stdio ? 200 : 404, RPC_INVALID_REQUEST,
            request->stdio ? "Initialize first" : "No such session: initialize again", nothing};
        return false;
    }
    exchange_join(exchange, session);
    return true;
}

// --- notifications and answers ------------------------------------------------------------------

static struct call *find_call(const struct exchange *asking, struct view id)
{
    struct exchange *exchange = asking->principal->credential->first_exchange;
    for (; exchange; exchange = exchange->next) {
        if (exchange->session != asking->session || exchange->era != asking->era)
            continue;
        for (struct call *call = exchange->calls; call; call = call->next)
            if (view_equal(call->id, id))
                return call;
    }
    return NULL;
}

static void take_notification(struct exchange *exchange, const struct rpc *rpc,
                              const struct mcp_params *params)
{
    struct session *session = exchange->session;
    struct call *call;
    switch (mcp_method(rpc->method)) {
    case MCP_ROOTS_CHANGED:
        if (session)
            upstreams_session_notify(exchange->gateway->upstreams, session->number, rpc->text);
        break;
    case MCP_CANCELLED:
        // Over modern HTTP the closing of the stream cancels; others must not be able to.
        call = session || exchange->stdio ? find_call(exchange, params->request_id) : NULL;
        if (call && call->method != MCP_INITIALIZE)
            call_cancel(call, json_walk_member(params->whole, "reason"));
        break;
    default: // progress on questions, and what is not known: nobody waits for it
        break;
    }
}

// --- one message --------------------------------------------------------------------------------

// A request, notification or answer whose exchange has its session. It has no answer yet.
static void take(struct exchange *exchange, const struct front_request *request,
                 const struct rpc *rpc, const struct mcp_params *params)
{
    struct incoming incoming = {.rpc = rpc,
                                .params = *params,
                                .fields = request->parameter_fields,
                                .field_count = request->parameter_field_count};
    if (exchange->session)
        session_heard(exchange->session, rpc);
    if (rpc->kind == RPC_REQUEST) {
        call_begin(exchange, &incoming);
        return;
    }
    if (rpc->kind == RPC_NOTIFICATION)
        take_notification(exchange, rpc, params);
    else if (exchange->session)
        (void)questions_answered(exchange->session, rpc);
    if (exchange->kind != EXCHANGE_BATCH)
        exchange_accept(exchange);
}

static void take_legacy(struct exchange *exchange, const struct front_request *request,
                        const struct rpc *rpc, const struct mcp_params *params)
{
    struct refusal refusal;
    bool opens = rpc->kind == RPC_REQUEST && mcp_method(rpc->method) == MCP_INITIALIZE;
    exchange->era = MCP_LEGACY;
    if (opens && request->stdio && exchange->gateway->stdio_session)
        session_end(exchange->gateway->stdio_session);
    if (!opens && !find_session(exchange, request, &refusal))
        refuse_request(exchange, request, rpc, params, &refusal);
    else
        take(exchange, request, rpc, params);
}

static void take_message(struct exchange *exchange, const struct front_request *request,
                         const struct rpc *rpc, const struct mcp_params *params)
{
    struct refusal refusal;
    struct buf data AUTO(buf_done);
    buf_init(&data, 1024);
    bool speaks = rpc->kind == RPC_REQUEST || rpc->kind == RPC_NOTIFICATION;
    if (!speaks || !is_modern(request, params)) {
        take_legacy(exchange, request, rpc, params);
        return;
    }
    exchange->era = MCP_MODERN;
    if (rpc->kind == RPC_REQUEST && !check_modern(request, rpc, params, &data, &refusal))
        refuse_request(exchange, request, rpc, params, &refusal);
    else
        take(exchange, request, rpc, params);
}

// How many messages, as far as a batch may go and one more.
static size_t batch_count(struct view batch)
{
    struct view ignored, text;
    size_t count = 0;
    for (struct json_walk walk = json_walk(batch);
         count <= MOST_IN_BATCH && json_walk_next(&walk, &ignored, &text);)
        count++;
    return count;
}

// A batch: legacy, of a session that speaks 2025-03-26, without initialize.
static void take_batch(struct exchange *exchange, const struct front_request *request)
{
    struct refusal refusal = {400, RPC_INVALID_REQUEST, "Batches are not supported", nothing};
    struct view ignored, text;
    exchange->era = MCP_LEGACY;
    if (!find_session(exchange, request, &refusal) ||
        strcmp(exchange->session->version, "2025-03-26") != 0) {
        refuse_text(exchange, request, nothing, &refusal);
        return;
    }
    size_t count = batch_count(request->body);
    if (count == 0 || count > MOST_IN_BATCH) {
        refusal =
            (struct refusal){count == 0 ? 400 : 413, RPC_INVALID_REQUEST,
                             count == 0 ? "The batch is empty" : "Too many in a batch", nothing};
        refuse_text(exchange, request, nothing, &refusal);
        return;
    }
    exchange->kind = EXCHANGE_BATCH;
    exchange->phase = EXCHANGE_ENTERING;
    for (struct json_walk walk = json_walk(request->body);
         json_walk_next(&walk, &ignored, &text);) {
        struct rpc rpc;
        struct rpc_fault fault;
        struct mcp_params params;
        if (!mcp_read(text, exchange->gateway->settings->message_depth, &rpc, &params, &fault)) {
            refusal = (struct refusal){400, fault.code, fault.reason, nothing};
            refuse(exchange, fault.id, &refusal);
            continue;
        }
        refusal = (struct refusal){400, RPC_INVALID_REQUEST, "Not in a batch", nothing};
        if (rpc.kind == RPC_REQUEST && mcp_method(rpc.method) == MCP_INITIALIZE)
            refuse_request(exchange, request, &rpc, &params, &refusal);
        else
            take(exchange, request, &rpc, &params);
    }
    exchange->phase = EXCHANGE_LIVE;
    if (exchange->call_count == 0)
        exchange_conclude_batch(exchange);
}

// The endpoint's server. False when the key has none of this name.
static bool find_server(struct exchange *exchange, struct view name)
{
    const struct server_specs *specs = &exchange->principal->access->specs;
    for (size_t i = 0; name.data && i < specs->count; i++)
        if (view_is(name, specs->list[i]->server_name))
            exchange->only = server_spec_ref(specs->list[i]);
    return !name.data || exchange->only;
}

static const struct refusal no_server = {
    404, RPC_INVALID_REQUEST, "No such server for this key: /mcp has all it may use", {NULL, 0}};

struct exchange *front_post(struct gateway *gateway, const struct front_request *request,
                            const struct front_ops *ops, void *door)
{
    struct rpc rpc;
    struct mcp_params params;
    struct rpc_fault fault;
    bool over = false;
    struct exchange *exchange = exchange_new(gateway, request, ops, door);
    if (!exchange) {
        ops->answer(door, 503, nothing, NULL, 0);
        return NULL;
    }
    exchange->over = &over;
    gateway->counters.bytes_in += request->body.size;
    bool is_message =
        mcp_read(request->body, gateway->settings->message_depth, &rpc, &params, &fault);
    bool found = find_server(exchange, request->server);
    if (!found && is_message)
        refuse_request(exchange, request, &rpc, &params, &no_server);
    else if (!found)
        refuse_text(exchange, request, nothing, &no_server);
    else if (is_message)
        take_message(exchange, request, &rpc, &params);
    else if (fault.array)
        take_batch(exchange, request);
    else if (fault.reply && request->stdio)
        exchange_accept(exchange);
    else
        refuse_text(exchange, request, fault.id,
                    &(struct refusal){400, fault.code, fault.reason, nothing});
    if (over)
        return NULL;
    exchange->over = NULL;
    return exchange;
}

// --- streams ------------------------------------------------------------------------------------

static void replay(struct exchange *exchange, uint64_t after)
{
    char room[EVENT_ID];
    for (struct kept_event *event = exchange->channel->oldest; event; event = event->next) {
        const struct view text = {event->data, event->size};
        if (event->number > after)
            exchange->ops->event(exchange->door, channel_id(exchange->channel, event->number, room),
                                 &text, 1);
    }
}

// Takes up a call's stream where it broke. NULL when it is complete: all of it was sent again. Who
// has had all is told that there is no stream, or it would ask for ever.
static struct exchange *resume_call(struct exchange *fresh, struct channel *channel, uint64_t after)
{
    static const struct refusal complete = {
        405, RPC_INVALID_REQUEST, "This stream is complete", {NULL, 0}};
    static const struct refusal changed = {
        405,
        RPC_INVALID_REQUEST,
        "The servers have changed since: what this stream has told is not told again",
        {NULL, 0}};
    struct exchange *exchange = channel->exchange;
    bool all_told = !exchange && (!channel->newest || channel->newest->number <= after);
    if (all_told || !channel_may_be_told(channel, fresh->principal->access)) {
        refuse(fresh, nothing, all_told ? &complete : &changed);
        return NULL;
    }
    if (!exchange) {
        fresh->ops->event(fresh->door, nothing, NULL, 0);
        fresh->channel = channel;
        replay(fresh, after);
        exchange_end(fresh);
        return NULL;
    }
    exchange_take_over(exchange, fresh, after);
    replay(exchange, after);
    return exchange;
}

static void open_stream(struct exchange *exchange, struct channel *channel, uint64_t after)
{
    struct session *session = exchange->session;
    struct exchange *before = session ? session->stream : NULL;
    if (session)
        session->stream = exchange; // first: what servers are asked for it goes on
    if (before)
        exchange_end(before); // which may have been the channel's
    bool anew = channel && !channel_may_be_told(channel, exchange->principal->access);
    if (anew)
        channel = NULL;
    exchange->kind = EXCHANGE_STREAM;
    exchange->gateway->counters.streams_now++;
    if (!session) {
        exchange->gateway->stdio_stream = exchange;
        return;
    }
    if (channel) {
        exchange->channel = channel;
        channel->exchange = exchange;
        channel->of_stream = true;
        exchange_begin_behind(exchange, after);
        replay(exchange, after);
    } else {
        exchange_begin_events(exchange);
        if (exchange->channel)
            exchange->channel->of_stream = true;
    }
    upstreams_session_streams(exchange->gateway->upstreams, session->number, true);
    notices_watch(session);
    if (anew)
        notices_session_changed(session);
}

struct exchange *front_get(struct gateway *gateway, const struct front_request *request,
                           const struct front_ops *ops, void *door)
{
    static const struct refusal no_stream = {
        405, RPC_INVALID_REQUEST, "No stream without a session", {NULL, 0}};
    struct refusal refusal = no_stream;
    struct exchange *exchange = exchange_new(gateway, request, ops, door);
    if (!exchange) {
        ops->answer(door, 503, nothing, NULL, 0);
        return NULL;
    }
    exchange->era = MCP_LEGACY;
    bool found = find_server(exchange, request->server);
    if (!found)
        refusal = no_server;
    else if (!request->stdio)
        found = request->session_id.data && find_session(exchange, request, &refusal);
    if (!found || gateway->draining) {
        refuse(exchange, nothing, &refusal);
        return NULL;
    }
    int64_t number;
    uint64_t after = 0;
    struct channel *channel = NULL;
    if (exchange->session && channel_read_id(request->last_event_id, &number, &after))
        channel = session_find_channel(exchange->session, number);
    if (channel && !channel->of_stream)
        return resume_call(exchange, channel, after);
    open_stream(exchange, channel, after);
    return exchange;
}

void front_delete(struct gateway *gateway, const struct front_request *request,
                  const struct front_ops *ops, void *door)
{
    struct refusal refusal = {405, RPC_INVALID_REQUEST, "No session to delete", nothing};
    struct exchange *exchange = exchange_new(gateway, request, ops, door);
    if (!exchange) {
        ops->answer(door, 503, nothing, NULL, 0);
        return;
    }
    exchange->era = MCP_LEGACY;
    if (!request->session_id.data || !find_session(exchange, request, &refusal)) {
        refuse(exchange, nothing, &refusal);
        return;
    }
    struct session *session = exchange->session;
    exchange_free(exchange);
    session_end(session);
    ops->answer(door, 200, nothing, NULL, 0);
}
