// lists.c: the lists a client gets: what the servers of its endpoint offer, less what it may not
// use, under the names it has to call it by.
//
// The items are put together once for all who see the same (they are the access's) and again when a
// list of a server has changed. A dead server's are left out.
#include "gateway/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "gateway/call.h"
#include "gateway/methods.h"
#include "gateway/reply.h"

// The items of one list at one endpoint.
struct rendering {
    struct rendering *next;
    const struct server_spec *only; // NULL: of all servers
    enum list list;
    uint64_t made_of; // the lists' generations
    struct buf items; // with commas between them
};

void renderings_free(struct rendering **renderings)
{
    while (*renderings) {
        struct rendering *next = (*renderings)->next;
        buf_done(&(*renderings)->items);
        free(*renderings);
        *renderings = next;
    }
}

static void add_item(struct buf *items, const struct list_item *item, const char *prefix)
{
    char room[NAMING_MAX + 1];
    if (items->size > 0)
        buf_add_char(items, ',');
    if (!prefix) {
        buf_add(items, item->raw);
        return;
    }
    const char *end = item->raw.data + item->raw.size;
    const char *after = item->raw_name.data + item->raw_name.size;
    buf_add(items, (struct view){item->raw.data, (size_t)(item->raw_name.data - item->raw.data)});
    json_add_string(items, naming_expose(prefix, item->name, room));
    buf_add(items, (struct view){after, (size_t)(end - after)});
}

static void add_server(struct buf *items, const struct catalog *catalog, enum list list,
                       const struct server_spec *spec, const char *prefix)
{
    size_t count;
    const struct list_item *item = catalog_items(catalog, list, &count);
    bool named = list == LIST_TOOLS || list == LIST_PROMPTS;
    for (size_t i = 0; i < count; i++)
        if (list != LIST_TOOLS || server_spec_allows(spec, item[i].name))
            add_item(items, &item[i], named ? prefix : NULL);
}

// FNV-1a over the generations, which no two states of the lists have in common.
static uint64_t state_of(struct call *call, enum list list)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    uint64_t state = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < servers.count; i++) {
        const struct catalog *catalog = call_catalog(call, servers.list[i]);
        uint64_t generation = catalog ? catalog_generation(catalog, list) : 0;
        state = (state ^ generation) * UINT64_C(1099511628211);
    }
    return state;
}

static struct rendering *find_rendering(struct access *access, const struct server_spec *only,
                                        enum list list)
{
    struct rendering *rendering = access->renderings;
    while (rendering && (rendering->only != only || rendering->list != list))
        rendering = rendering->next;
    if (rendering)
        return rendering;
    rendering = (struct rendering *)calloc(1, sizeof *rendering);
    if (!rendering)
        return NULL;
    rendering->only = only;
    rendering->list = list;
    rendering->next = access->renderings;
    access->renderings = rendering;
    return rendering;
}

static bool render(struct call *call, struct rendering *rendering)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    uint64_t state = state_of(call, rendering->list);
    if (rendering->made_of == state)
        return true;
    buf_done(&rendering->items);
    buf_init(&rendering->items, servers.count * 2 * call->gateway->settings->list);
    for (size_t i = 0; i < servers.count; i++) {
        const struct catalog *catalog = call_catalog(call, servers.list[i]);
        if (catalog)
            add_server(&rendering->items, catalog, rendering->list, servers.list[i],
                       servers.prefixes ? servers.prefixes[i] : NULL);
    }
    rendering->made_of = rendering->items.failed ? 0 : state;
    return !rendering->items.failed;
}

static int64_t shortest_ttl(struct call *call, enum list list)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    int64_t shortest = 60000;
    for (size_t i = 0; i < servers.count; i++) {
        const struct catalog *catalog = call_catalog(call, servers.list[i]);
        int64_t ttl = shortest;
        if (!catalog || !upstream_facts(catalog_upstream(catalog), call->era))
            ttl = 0; // it is dead: what it has is missing, but not for long
        else if (catalog_offers(catalog, list, call->era))
            ttl = catalog_ttl(catalog, list);
        shortest = ttl < shortest ? ttl : shortest;
    }
    return shortest;
}

void lists_answer(struct call *call, const struct incoming *incoming)
{
    enum list list = list_of(call->method);
    const unsigned want = list;
    char head[64], tail[192];
    // All is one page, so there is no cursor that could have come from here.
    if (incoming->params.cursor.data) {
        call_error(call, RPC_INVALID_PARAMS, "Unknown cursor");
        return;
    }
    if (!call_want(call, incoming, NULL, &want, 1))
        return;
    struct access *access = call->principal->access;
    struct rendering *rendering = find_rendering(access, call->exchange->only, list);
    if (!rendering || !render(call, rendering)) {
        call_error(call, RPC_INTERNAL_ERROR, "The list is larger than the gateway's memory allows");
        return;
    }
    (void)snprintf(head, sizeof head, "{\"%s\":[", list_member(list));
    (void)snprintf(tail, sizeof tail, "]}");
    if (call->era == MCP_MODERN) // what one key sees is nobody else's
        (void)snprintf(tail, sizeof tail,
                       "],\"resultType\":\"complete\",\"ttlMs\":%lld,\"cacheScope\":\"private\","
                       "\"_meta\":{\"" MCP_META "serverInfo\":" REPLY_SERVER_INFO "}}",
                       (long long)shortest_ttl(call, list));
    const struct view pieces[] = {view_of(head), buf_view(&rendering->items), view_of(tail)};
    call_result(call, pieces, COUNT_OF(pieces));
}
