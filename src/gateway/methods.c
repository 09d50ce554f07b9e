// methods.c: see methods.h.
#include "gateway/methods.h"

#include <stdio.h>

#include "base/json_walk.h"
#include "gateway/notices.h"

static void answer_ping(struct call *call, const struct incoming *incoming)
{
    (void)incoming;
    call_result(call, &VIEW("{}"), 1);
}

// Tells the legacy servers that log. Nobody waits for them.
static void pass_level(struct call *call, const struct incoming *incoming)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    struct asker asker = session_asker(call->exchange->session);
    for (size_t i = 0; i < servers.count; i++) {
        struct upstream *upstream = call_upstream(call, servers.list[i]);
        const struct upstream_facts *facts = upstream ? upstream_facts(upstream, MCP_LEGACY) : NULL;
        if (!facts || upstream_era(upstream, MCP_LEGACY) == MCP_MODERN ||
            !json_walk_member(facts->capabilities, "logging").data)
            continue;
        char params[32];
        int64_t session = upstream_is_own(upstream, &asker) ? asker.session : 0;
        const char *level = mcp_log_level_name(notices_level(call->gateway, upstream, session));
        if (!level)
            continue; // nobody who sees it wants any
        int size = snprintf(params, sizeof params, "{\"level\":\"%s\"}", level);
        const struct upcall_order order = {.asker = &asker,
                                           .method = MCP_SET_LEVEL,
                                           .method_name = incoming->rpc->method,
                                           .params = {params, (size_t)size}};
        if (!upcall_send(upstream, &order, &upcall_nobody, NULL))
            return; // memory: the session is given what it wants all the same
    }
}

// The level is the session's: it is given what it asked for, whatever others ask of the same
// server.
static void set_level(struct call *call, const struct incoming *incoming)
{
    char room[16];
    int level = mcp_log_level(json_raw_text(incoming->params.level, room, sizeof room));
    if (level < 0) {
        call_error(call, RPC_INVALID_PARAMS, "Unknown log level");
        return;
    }
    call->exchange->session->level = level;
    pass_level(call, incoming);
    call_result(call, &VIEW("{}"), 1);
}

enum { IN_LEGACY = 1, IN_MODERN = 2, IN_BOTH = 3 };

static const struct {
    enum mcp_method method;
    int eras;
    void (*handle)(struct call *call, const struct incoming *incoming);
} methods[] = {
    {MCP_TOOLS_CALL, IN_BOTH, route_by_name},       {MCP_TOOLS_LIST, IN_BOTH, lists_answer},
    {MCP_PROMPTS_GET, IN_BOTH, route_by_name},      {MCP_PROMPTS_LIST, IN_BOTH, lists_answer},
    {MCP_RESOURCES_READ, IN_BOTH, route_by_uri},    {MCP_RESOURCES_LIST, IN_BOTH, lists_answer},
    {MCP_TEMPLATES_LIST, IN_BOTH, lists_answer},    {MCP_COMPLETE, IN_BOTH, route_completion},
    {MCP_INITIALIZE, IN_LEGACY, hello_initialize},  {MCP_PING, IN_LEGACY, answer_ping},
    {MCP_SET_LEVEL, IN_LEGACY, set_level},          {MCP_SUBSCRIBE, IN_LEGACY, listen_subscribe},
    {MCP_UNSUBSCRIBE, IN_LEGACY, listen_subscribe}, {MCP_DISCOVER, IN_MODERN, hello_discover},
    {MCP_LISTEN, IN_MODERN, listen_start},          {MCP_TASKS_GET, IN_BOTH, route_task},
    {MCP_TASKS_RESULT, IN_LEGACY, route_task},      {MCP_TASKS_LIST, IN_LEGACY, route_task},
    {MCP_TASKS_CANCEL, IN_BOTH, route_task},        {MCP_TASKS_UPDATE, IN_BOTH, route_task},
};

void method_handle(struct call *call, const struct incoming *incoming)
{
    int era = call->era == MCP_MODERN ? IN_MODERN : IN_LEGACY;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (methods[i].method != call->method || !(methods[i].eras & era))
            continue;
        methods[i].handle(call, incoming);
        return;
    }
    call_error(call, RPC_METHOD_NOT_FOUND, "Method not found");
}
