// call.c: see call.h.
#include "gateway/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "base/text.h"
#include "gateway/methods.h"
#include "gateway/parked.h"
#include "gateway/questions.h"
#include "gateway/reply.h"
#include "gateway/subscriptions.h"
#include "gateway/tasks.h"

static const char *const stage_names[] = {
    [STAGE_LIMIT] = "limit",
    [STAGE_RESOLVE] = "resolve",
    [STAGE_INVOKE] = "invoke",
    [STAGE_REPLY] = "reply",
};

// --- beginning and end --------------------------------------------------------------------------

static struct view keep_piece(struct call *call, size_t at, struct view piece)
{
    if (piece.size > 0)
        memcpy(call->raw + at, piece.data, piece.size);
    return (struct view){piece.data ? call->raw + at : NULL, piece.size};
}

static void keep_name(struct call *call, const struct mcp_params *params)
{
    char room[JOURNAL_ROOM];
    struct view name = journal_name_of(params, room);
    if (name.size > 0)
        memcpy(call->name, name.data, name.size);
    call->name_size = name.size;
}

// A call is one of its key's calls under way while it has an exchange, unless that stays open.
static void uncount(struct call *call)
{
    call->principal->credential->calls--;
    call->gateway->counters.calls_now--;
}

static void link_call(struct call *call, struct exchange *exchange)
{
    call->exchange = exchange;
    call->next = exchange->calls;
    if (call->next)
        call->next->previous = call;
    exchange->calls = call;
    exchange->call_count++;
    call->principal->credential->calls++;
    call->gateway->counters.calls_now++;
}

// What a retry has to ask for to be one.
static uint64_t hash_request(const struct exchange *exchange, const struct mcp_params *params)
{
    uint64_t hash = TEXT_HASH;
    if (exchange->only)
        hash = text_hash(hash, view_of(exchange->only->server_name));
    hash = text_hash(text_hash(hash, VIEW("\n")), params->name);
    hash = text_hash(text_hash(hash, VIEW("\n")), params->uri);
    return text_hash(text_hash(hash, VIEW("\n")), params->arguments);
}

static struct call *call_new(struct exchange *exchange, const struct incoming *incoming)
{
    const struct rpc *rpc = incoming->rpc;
    const struct mcp_params *params = &incoming->params;
    struct call *call = (struct call *)fresh(sizeof *call);
    if (!call)
        return NULL;
    call->raw = (char *)malloc(rpc->id.size + params->meta_token.size + 1);
    if (!call->raw) {
        free(call);
        return NULL;
    }
    call->gateway = exchange->gateway;
    call->principal = principal_ref(exchange->principal);
    call->era = exchange->era;
    call->method = mcp_method(rpc->method);
    call->id = keep_piece(call, 0, rpc->id);
    call->token = keep_piece(call, rpc->id.size, params->meta_token);
    call->can = mcp_can(params->meta_capabilities);
    if (call->can) // without any it is not parked
        call->asks = hash_request(exchange, params);
    call->level = -1;
    if (params->meta_level.size > 2)
        call->level =
            mcp_log_level((struct view){params->meta_level.data + 1, params->meta_level.size - 2});
    call->may_be_task = tasks_wanted(params);
    call->started = loop_clock();
    call->bytes_in = rpc->text.size;
    keep_name(call, params);
    link_call(call, exchange);
    call->gateway->counters.calls++;
    return call;
}

static void unlink_call(struct call *call)
{
    struct exchange *exchange = call->exchange;
    if (!exchange)
        return;
    if (call->next)
        call->next->previous = call->previous;
    if (call->previous)
        call->previous->next = call->next;
    else
        exchange->calls = call->next;
    exchange->call_count--;
    if (exchange->kind != EXCHANGE_LISTEN)
        uncount(call);
    call->next = call->previous = NULL;
    call->exchange = NULL;
}

void call_becomes_stream(struct call *call)
{
    uncount(call);
    holding_end(&call->room); // nothing of it goes out any more
}

static void call_free(struct call *call)
{
    unlink_call(call);
    call_drop_waiters(call);
    questions_forget_call(call);
    subscription_answered(call, false);
    server_spec_unref(&call->spec);
    if (call->tool != call->tool_room)
        free(call->tool);
    rationed_done(&call->text);
    holding_end(&call->room);
    free(call->fields);
    free(call->field_text);
    principal_unref(&call->principal);
    free(call->raw);
    free(call);
}

static struct view name_of(const struct call *call)
{
    return (struct view){call->name, call->name_size};
}

// Where it goes, or would have gone by its name; {NULL, 0}: not known.
static struct view server_of(const struct call *call)
{
    if (call->spec)
        return view_of(call->spec->server_name);
    if (!call->exchange || call->name_size == 0)
        return (struct view){NULL, 0};
    return exchange_server_of(call->exchange, call->method, name_of(call));
}

static void write_down(const struct call *call, const char *outcome, int code)
{
    const struct grant *grant = &call->principal->grant;
    const struct exchange *exchange = call->exchange;
    call->gateway->counters.bytes_out += call->bytes_out;
    bool of_session = exchange && exchange->session;
    struct view method = view_of(mcp_method_name(call->method));
    const struct journal_call line = {
        .key_id = grant->key_id,
        .project_id = grant->project_id,
        .session = of_session ? (struct view){exchange->session->id, 8} : (struct view){NULL, 0},
        .method = method,
        .server = server_of(call),
        .name = call->name_size > 0 ? name_of(call) : (struct view){NULL, 0},
        .outcome = outcome,
        .stage = stage_names[call->stage],
        .code = code,
        .total = loop_clock_now() - call->started, // it may have begun in this event
        .waited = call->waited_time,
        .bytes_in = call->bytes_in,
        .bytes_out = call->bytes_out,
    };
    journal_call(call->gateway->journal, &line);
}

// What is under way at the server ends there, too.
static void withdraw(struct call *call, struct view reason)
{
    const bool under_way = call->upcall != NULL;
    upcall_cancel(&call->upcall, reason);
    if (under_way)
        questions_withdraw(call);
}

// The call is over; its answer goes out, and perhaps the exchange with it.
static void finish(struct call *call, int status, const struct view *pieces, size_t count)
{
    struct exchange *exchange = call->exchange;
    withdraw(call, (struct view){NULL, 0});
    questions_forget_call(call); // they are the session's, which only the exchange knows
    if (exchange) {
        unlink_call(call);
        call->exchange = exchange; // for the id, which the pieces borrow
        exchange_answer(exchange, status, pieces, count);
        call->exchange = NULL;
    }
    call_free(call);
}

// Whether the client has gone, and nothing keeps the answer until it comes back.
static bool is_alone(const struct call *call)
{
    return call->exchange && !call->exchange->ops && !call->exchange->channel;
}

// `failed`: a tool says so in it.
static void end_with_result(struct call *call, bool failed, const struct view *result, size_t count)
{
    enum { MOST = 12, AROUND = 4 };
    struct view pieces[MOST] = {VIEW("{\"jsonrpc\":\"2.0\",\"id\":"), call->id,
                                VIEW(",\"result\":")};
    size_t at = 3;
    for (size_t i = 0; i < count && at < MOST - 1; i++) {
        pieces[at++] = result[i];
        call->bytes_out += result[i].size;
    }
    pieces[at++] = VIEW("}");
    call->stage = STAGE_REPLY;
    write_down(call, failed ? "tool_error" : is_alone(call) ? "unread" : "ok", 0);
    finish(call, 200, pieces, at);
}

void call_result(struct call *call, const struct view *result, size_t count)
{
    end_with_result(call, false, result, count);
}

void call_fail(struct call *call, const struct failure *failure)
{
    struct buf text AUTO(buf_done);
    buf_init(&text, LIMIT_INPUT_FILE);
    rpc_add_error(&text, call->id, failure->code, view_of(failure->message), failure->data);
    struct view pieces[REPLY_NO_MEMORY] = {buf_view(&text)};
    if (text.failed)
        reply_no_memory(call->id, pieces);
    call->bytes_out += text.size;
    call->gateway->counters.calls_failed++;
    write_down(call, failure->outcome ? failure->outcome : "error", failure->code);
    finish(call, failure->status ? failure->status : reply_status(call->era, failure->code), pieces,
           text.failed ? REPLY_NO_MEMORY : 1);
}

void call_error(struct call *call, int code, const char *message)
{
    call_fail(call, &(struct failure){.code = code, .message = message});
}

void call_cancel(struct call *call, struct view reason)
{
    withdraw(call, reason);
    write_down(call, "cancelled", 0);
    finish(call, 202, NULL, 0);
}

void call_hold(struct call *call, bool held)
{
    if (call->upcall)
        upcall_hold(call->upcall, held);
}

// --- to an upstream and back --------------------------------------------------------------------

struct asker call_asker(const struct call *call, const struct mcp_params *params)
{
    if (call->exchange && call->exchange->session)
        return session_asker(call->exchange->session);
    return (struct asker){.era = MCP_MODERN,
                          .user = call->principal->user,
                          .key = call->principal->credential->number,
                          .version = VIEW(MCP_MODERN_VERSION),
                          .can = call->can,
                          .capabilities = params->meta_capabilities,
                          .client_info = params->meta_client_info,
                          .level = call->level};
}

struct upstream *call_upstream(const struct call *call, struct server_spec *spec)
{
    return upstream_get(call->gateway->upstreams, call->principal->grant.project_n, spec);
}

struct catalog *call_catalog(const struct call *call, struct server_spec *spec)
{
    return catalog_get(call->gateway->catalogs, call->principal->grant.project_n, spec);
}

static bool wants_message(const struct call *call, const struct rpc *message)
{
    char room[16];
    struct view text = json_raw_text(json_walk_member(message->params, "level"), room, sizeof room);
    int level = mcp_log_level(text);
    if (call->era == MCP_LEGACY) {
        const struct session *session = call->exchange ? call->exchange->session : NULL;
        return session && level >= session->level;
    }
    return call->level >= 0 && level >= call->level;
}

static void pass_progress(struct call *call, const struct rpc *message)
{
    struct mcp_params params;
    mcp_params_read(message->params, &params);
    if (!call->token.data || !params.token.data)
        return;
    const char *text = message->text.data, *end = text + message->text.size;
    const char *after = params.token.data + params.token.size;
    const struct view pieces[] = {
        {text, (size_t)(params.token.data - text)}, call->token, {after, (size_t)(end - after)}};
    exchange_event(call->exchange, pieces, COUNT_OF(pieces));
}

static void on_notice(void *context, const struct rpc *message)
{
    struct call *call = (struct call *)context;
    enum mcp_method method = mcp_method(message->method);
    if (!call->exchange || call->exchange->kind == EXCHANGE_LISTEN)
        return;
    if (method == MCP_CANCELLED)
        return; // of a question, by the server's own id, which says nothing to the client
    if (method == MCP_PROGRESS)
        pass_progress(call, message);
    else if (method != MCP_MESSAGE || wants_message(call, message))
        exchange_event(call->exchange, &message->text, 1);
}

static void on_question(void *context, const struct question *question, const struct rpc *message)
{
    questions_ask((struct call *)context, question, message);
}

// An error passes as it is; only the code that 2026-07-28 does not know any more is translated.
static void pass_error(struct call *call, enum mcp_era era, const struct rpc *response)
{
    long long code = 0;
    struct view raw = json_walk_member(response->error, "code");
    bool known = json_raw_int(raw, &code);
    struct view error = response->error;
    struct view modern_code = raw;
    if (known && call->era == MCP_MODERN && code == RPC_RESOURCE_NOT_FOUND)
        modern_code = VIEW("-32602");
    const char *end = error.data + error.size;
    const struct view pieces[] = {
        VIEW("{\"jsonrpc\":\"2.0\",\"id\":"),
        call->id,
        VIEW(",\"error\":"),
        {error.data, (size_t)(raw.data - error.data)},
        modern_code,
        {raw.data + raw.size, (size_t)(end - raw.data - (ptrdiff_t)raw.size)},
        VIEW("}")};
    call->bytes_out += error.size;
    call->stage = STAGE_REPLY;
    call->gateway->counters.calls_failed++;
    write_down(call, "error", (int)code);
    // Legacy servers say that of what the method names as well.
    const bool names = call->method == MCP_TOOLS_CALL || call->method == MCP_PROMPTS_GET ||
                       call->method == MCP_RESOURCES_READ;
    const bool of_named = names && era == MCP_LEGACY && code == RPC_METHOD_NOT_FOUND;
    finish(call, of_named ? 200 : reply_status(call->era, (int)code), pieces, COUNT_OF(pieces));
}

// A result of an upstream, made complete for the client's era.
static void pass_result(struct call *call, enum mcp_era era, const struct rpc *response)
{
    struct buf missing AUTO(buf_done), filtered AUTO(buf_done);
    struct view result = response->result;
    bool failed = call->method == MCP_TOOLS_CALL && view_is(response->failed, "true");
    buf_init(&missing, 256);
    buf_init(&filtered, result.size + 64);
    if (!tasks_pass(call, &result, &filtered)) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return;
    }
    if (call->era == MCP_MODERN && era == MCP_LEGACY && json_raw_is(result, '{'))
        reply_add_modern(&missing, call->method, result);
    if (missing.size == 0) {
        end_with_result(call, failed, &result, 1);
        return;
    }
    // A comma too much where the result was empty.
    bool empty = !memchr(result.data, '"', result.size);
    struct view added = {missing.data, missing.size - (empty ? 1 : 0)};
    const struct view pieces[] = {VIEW("{"), added, view_skip(result, 1)};
    end_with_result(call, failed, pieces, COUNT_OF(pieces));
}

void call_take_answer(struct call *call, enum mcp_era era, const struct rpc *response)
{
    if (response->kind == RPC_ERROR) {
        if (!route_was_mismatched(call, response))
            pass_error(call, era, response);
        return;
    }
    if (call->era == MCP_LEGACY && era == MCP_MODERN &&
        questions_begin_round(call, response->result))
        return;
    subscription_answered(call, true);
    pass_result(call, era, response);
}

static void on_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct call *call = (struct call *)context;
    call->upcall = NULL;
    call->waited_time += loop_clock() - call->sent;
    if (call->exchange)
        call_take_answer(call, era, response);
    else
        parked_answered(call, response);
}

static void on_failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct call *call = (struct call *)context;
    char message[512];
    call->upcall = NULL;
    call->waited_time += loop_clock() - call->sent;
    if (!call->exchange) {
        parked_answered(call, NULL);
        return;
    }
    (void)snprintf(message, sizeof message, "The server %.128s %s: %.300s",
                   call->spec ? call->spec->server_name : "",
                   why == UPCALL_FORBIDDEN ? "may not be called" : "did not answer", sentence);
    call_fail(call, &(struct failure){.code = RPC_INTERNAL_ERROR,
                                      .message = message,
                                      .outcome = why == UPCALL_TIMEOUT ? "timeout" : "failed"});
}

// A legacy server begins before it knows what it will say, with status 200; a modern client wants
// some errors with their own, so its answer begins when there is something to say.
static void on_begun(void *context, enum mcp_era era, bool more)
{
    const struct call *call = (struct call *)context;
    if (call->exchange && (call->era == MCP_LEGACY || era == MCP_MODERN))
        exchange_in_events(call->exchange, more);
}

static void on_paused(void *context, long long retry)
{
    const struct call *call = (struct call *)context;
    if (call->exchange)
        exchange_pause(call->exchange, retry);
}

static const struct upcall_events events = {on_notice, on_question, on_answered,
                                            on_failed, on_begun,    on_paused};

void call_detach(struct call *call)
{
    call_hold(call, false); // its client took what there was
    unlink_call(call);
}

void call_take_place(struct call *call, struct call *retry)
{
    struct exchange *exchange = retry->exchange;
    char *raw = call->raw;
    call->raw = retry->raw;
    call->id = retry->id;
    call->token = retry->token;
    retry->raw = raw;
    principal_is_used(retry->principal); // by which it was judged
    link_call(call, exchange);
    call_free(retry);
}

// A legacy client's call to a modern server may have to be sent again with answers to its
// questions.
static bool may_come_again(const struct call *call, const struct upstream *upstream)
{
    return call->era == MCP_LEGACY && (!upstream || !upstream_facts(upstream, MCP_LEGACY) ||
                                       upstream_era(upstream, MCP_LEGACY) == MCP_MODERN);
}

// Where it goes stays known with it, so that it can be judged again (standing.h). False: the call
// is over. What was begun with one server is not sent to another.
static bool aim(struct call *call, const struct sending *sending)
{
    if (call->spec && !server_spec_is(call->spec, sending->spec)) {
        call_error(call, RPC_INTERNAL_ERROR, CALL_SERVERS_CHANGED);
        return false;
    }
    principal_is_used(call->principal);
    struct server_spec *before = call->spec;
    call->spec = server_spec_ref(sending->spec);
    if (before && before != call->spec)
        exchange_serves_by(call->exchange, call->spec);
    server_spec_unref(&before);
    if (!sending->tool.data || call->tool)
        return true;
    const size_t size = sending->tool.size;
    call->tool = size <= CALL_TOOL ? call->tool_room : (char *)malloc(size);
    if (!call->tool) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return false;
    }
    call->tool_size = size;
    memcpy(call->tool, sending->tool.data, size);
    return true;
}

void call_send(struct call *call, const struct incoming *incoming, const struct sending *sending)
{
    const struct mcp_params *params = &incoming->params;
    struct splice splices[CALL_SPLICES + 1];
    size_t count = 0;
    struct asker asker = call_asker(call, params);
    struct upstream *upstream = call_upstream(call, sending->spec);
    if (call_has_lost_state(call, incoming, sending->spec))
        return;
    if (may_come_again(call, upstream) && !call_keep(call, incoming))
        return;
    if (call->rounds && incoming->rpc->params.size > 2)
        splices[count++] = questions_splice(call, incoming->rpc->params);
    for (size_t i = 0; i < sending->splice_count; i++)
        splices[count++] = sending->splices[i];
    const struct upcall_order order = {
        .asker = &asker,
        .method = call->method,
        .method_name = incoming->rpc->method,
        .params = incoming->rpc->params,
        .splices = splices,
        .splice_count = count,
        .token = params->meta_token,
        .name = sending->name,
        .parameter_fields = incoming->fields,
        .parameter_field_count = incoming->field_count,
    };
    call->stage = STAGE_INVOKE;
    if (!aim(call, sending))
        return;
    exchange_serves(call->exchange, call->spec);
    call->sent = loop_clock();
    call->upcall = upstream ? upcall_send(upstream, &order, &events, call) : NULL;
    if (!call->upcall)
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
    else if (call->exchange->flow != FLOW_FREE)
        upcall_hold(call->upcall, true);
}

// A limit of its key.
static void refuse(struct call *call, const char *passed)
{
    call->stage = STAGE_LIMIT;
    call->gateway->counters.limited++;
    call_fail(call,
              &(struct failure){
                  .code = CALL_LIMITED, .status = 429, .message = passed, .outcome = "denied"});
}

void call_refuse_bytes(struct call *call)
{
    refuse(call, "Too many bytes of requests are under way, of this key or of all");
}

struct holding call_room(const struct call *call)
{
    bool small = call->bytes_in <= LIMIT_SMALL_CALL;
    return (struct holding){.ration = small ? NULL : &call->gateway->asked,
                            .owner = (uint64_t)call->principal->credential->number};
}

void call_begin(struct exchange *exchange, const struct incoming *incoming)
{
    struct call *call = call_new(exchange, incoming);
    if (!call) {
        struct view pieces[REPLY_NO_MEMORY];
        reply_no_memory(incoming->rpc->id, pieces);
        exchange_answer(exchange, 503, pieces, COUNT_OF(pieces));
        return;
    }
    call->stage = STAGE_RESOLVE;
    call->room = call_room(call);
    if (call->principal->credential->calls > call->gateway->settings->calls_per_key)
        refuse(call, "Too many calls of this key are under way");
    else if (!holding_take(&call->room, call->bytes_in))
        call_refuse_bytes(call);
    else
        method_handle(call, incoming);
}
