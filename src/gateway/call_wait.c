// call_wait.c: calls that have to wait for what a server says of itself; see call.h. They keep
// their message and are handled again.
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "gateway/methods.h"

void call_drop_waiters(struct call *call)
{
    for (size_t i = 0; i < call->waiter_count; i++)
        waiter_cancel(&call->waiters[i]);
    free(call->waiters);
    call->waiters = NULL;
    call->waiter_count = call->waiting = 0;
}

static bool keep_fields(struct call *call, const struct incoming *incoming)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < incoming->field_count; i++)
        size += incoming->fields[i].name.size + incoming->fields[i].value.size;
    call->fields = (struct http_field *)calloc(incoming->field_count + 1, sizeof *call->fields);
    call->field_text = (char *)malloc(size + 1);
    if (!call->fields || !call->field_text)
        return false;
    for (size_t i = 0; i < incoming->field_count; i++) {
        const struct view parts[] = {incoming->fields[i].name, incoming->fields[i].value};
        struct view kept[COUNT_OF(parts)];
        for (size_t j = 0; j < COUNT_OF(parts); j++) {
            memcpy(call->field_text + at, parts[j].data ? parts[j].data : "", parts[j].size);
            kept[j] = (struct view){call->field_text + at, parts[j].size};
            at += parts[j].size;
        }
        call->fields[i] = (struct http_field){kept[0], kept[1]};
    }
    call->field_count = incoming->field_count;
    return true;
}

bool call_keep(struct call *call, const struct incoming *incoming)
{
    const struct buf *text = &call->text.buf;
    if (text->size > 0)
        return true;
    rationed_init(&call->text, incoming->rpc->text.size, call_room(call));
    rationed_add(&call->text, incoming->rpc->text);
    if (!text->failed && keep_fields(call, incoming))
        return true;
    if (text->full)
        call_refuse_bytes(call);
    else
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
    return false;
}

// The servers of its project are others than when it came: it goes by those, and waits for what it
// has not waited for yet. False when its own is not there any more.
static bool follow(struct call *call)
{
    struct principal *now;
    if (principals_is_current(call->gateway->principals, call->principal))
        return true;
    now = principals_follow(call->gateway->principals, call->principal);
    if (!now)
        return false;
    bool there = (!call->spec || server_specs_find(&now->access->specs, call->spec)) &&
                 exchange_follow(call->exchange, now);
    if (there) {
        principal_unref(&call->principal);
        call->principal = principal_ref(now);
        call->waited = false;
    }
    principal_unref(&now);
    return there;
}

void call_again(struct call *call)
{
    struct rpc rpc;
    struct rpc_fault fault;
    if (!follow(call)) {
        call_error(call, RPC_INTERNAL_ERROR, CALL_SERVERS_CHANGED);
        return;
    }
    struct incoming incoming = {
        .rpc = &rpc, .fields = call->fields, .field_count = call->field_count};
    unsigned deepest = call->gateway->settings->message_depth;
    if (!mcp_read(buf_view(&call->text.buf), deepest, &rpc, &incoming.params, &fault)) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return;
    }
    method_handle(call, &incoming);
}

static void on_ready(void *context)
{
    struct call *call = (struct call *)context;
    if (--call->waiting > 0)
        return;
    call_drop_waiters(call);
    call->waited = true;
    call_again(call);
}

// What is wanted of which servers.
struct wanted {
    struct server_spec *const *servers;
    size_t server_count;
    const unsigned *wants;
    size_t count;
    bool several; // one that is down keeps nobody waiting
};

// As catalog_want, of the `i`th thing.
static bool want(struct call *call, const struct wanted *wanted, size_t i,
                 const struct asker *asker, struct waiter *waiter)
{
    struct catalog *catalog = call_catalog(call, wanted->servers[i / wanted->count]);
    bool down = catalog && wanted->several && upstream_is_down(catalog_upstream(catalog));
    return !catalog ||
           catalog_want(catalog, wanted->wants[i % wanted->count], asker, down ? NULL : waiter) ||
           down;
}

static bool is_ready(struct call *call, const struct wanted *wanted, const struct asker *asker)
{
    bool ready = true;
    for (size_t i = 0; i < wanted->server_count * wanted->count; i++)
        ready = want(call, wanted, i, asker, NULL) && ready;
    return ready;
}

bool call_want(struct call *call, const struct incoming *incoming, struct server_spec *server,
               const unsigned *wants, size_t count)
{
    struct asker asker = call_asker(call, &incoming->params);
    struct endpoint_servers servers = exchange_servers(call->exchange);
    const struct wanted wanted = {.servers = server ? &server : servers.list,
                                  .server_count = server ? 1 : servers.count,
                                  .wants = wants,
                                  .count = count,
                                  .several = !server && servers.prefixes};
    if (call->waited || is_ready(call, &wanted, &asker))
        return true;
    if (!call_keep(call, incoming))
        return false;
    call->waiter_count = wanted.server_count * count;
    call->waiters = (struct waiter *)calloc(call->waiter_count + 1, sizeof *call->waiters);
    if (!call->waiters) {
        call->waiter_count = 0;
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return false;
    }
    for (size_t i = 0; i < call->waiter_count; i++) {
        call->waiters[i] = (struct waiter){.done = on_ready, .context = call};
        if (!want(call, &wanted, i, &asker, &call->waiters[i]))
            call->waiting++;
    }
    if (call->waiting > 0)
        return false;
    call_drop_waiters(call);
    return true;
}

bool call_has_lost_state(struct call *call, const struct incoming *incoming,
                         struct server_spec *spec)
{
    static const unsigned want = WANT_ERA;
    const struct upstream *upstream = call_upstream(call, spec);
    if (call->era == MCP_LEGACY || !incoming->params.request_state.data || !upstream)
        return false;
    if (!call_want(call, incoming, spec, &want, 1))
        return true;
    if (!upstream_is_judged(upstream, MCP_MODERN) || upstream_speaks(upstream, MCP_MODERN))
        return false;
    call_error(call, RPC_INVALID_PARAMS, "The requestState is not valid any more");
    return true;
}
