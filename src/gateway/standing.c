// standing.c: see standing.h.
#include "gateway/standing.h"

#include "gateway/methods.h"
#include "gateway/parked.h"
#include "gateway/tasks.h"

static bool is_let_through(const struct call *call, const struct server_spec *now)
{
    return !call->tool || server_spec_allows(now, (struct view){call->tool, call->tool_size});
}

bool standing_follows(struct call *call, const struct server_specs *specs)
{
    struct server_spec *now = call->spec ? server_specs_find(specs, call->spec) : NULL;
    call->gateway->judgements++;
    if (call->spec && !now) {
        call->principal->credential->judged = 0; // it is looked at until it has ended
        return call->upcall;                     // which ends by itself
    }
    if (now == call->spec)
        return true;
    if (!is_let_through(call, now))
        return false;
    server_spec_unref(&call->spec);
    call->spec = server_spec_ref(now);
    if (call->exchange)
        exchange_serves_by(call->exchange, now);
    return true;
}

static struct call *find_lost(const struct exchange *exchange, const struct server_specs *specs)
{
    for (; exchange; exchange = exchange->next)
        for (struct call *call = exchange->calls; call; call = call->next)
            if (!standing_follows(call, specs))
                return call;
    return NULL;
}

void standing_look(struct gateway *gateway, struct credential *credential)
{
    struct access *access = access_ref(credential->principal->access);
    struct call *lost;
    // Each end may end others.
    while ((lost = find_lost(credential->first_exchange, &access->specs)))
        if (server_specs_find(&access->specs, lost->spec))
            route_unknown(lost, lost->method == MCP_TOOLS_CALL ? "tool" : "task");
        else
            call_error(lost, RPC_INTERNAL_ERROR, CALL_SERVERS_CHANGED);
    parked_look(credential, &access->specs);
    tasks_look(gateway, credential, &access->specs);
    access_unref(&access);
}
