// route.c: which server a request is for, and whether the key may: the stage "resolve".
//
// What is not allowed and what does not exist get one answer.
#include <stdio.h>
#include <string.h>

#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/text.h"
#include "gateway/call.h"
#include "gateway/methods.h"
#include "gateway/parameters.h"
#include "gateway/parked.h"
#include "gateway/tasks.h"

enum { NAME_ROOM = 4096 };

// Where a name leads.
struct target {
    struct server_spec *spec;
    struct view name; // as the server knows it
};

void route_unknown(struct call *call, const char *what)
{
    char message[JOURNAL_NAME + 64];
    (void)snprintf(message, sizeof message, "Unknown %s%s%.*s", what,
                   call->name_size > 0 ? ": " : "", (int)call->name_size, call->name);
    call_fail(call, &(struct failure){
                        .code = RPC_INVALID_PARAMS, .message = message, .outcome = "denied"});
}

// The server's own name that was cut to `exposed`. {NULL, 0}: it has none.
static struct view find_cut(struct call *call, struct server_spec *spec, const char *prefix,
                            enum list list, struct view exposed)
{
    char room[NAMING_MAX + 1];
    size_t count;
    const struct catalog *catalog = call_catalog(call, spec);
    const struct list_item *items = catalog ? catalog_items(catalog, list, &count) : NULL;
    for (size_t i = 0; items && i < count; i++)
        if (view_equal(naming_expose(prefix, items[i].name, room), exposed))
            return items[i].name;
    return (struct view){NULL, 0};
}

enum found { FOUND, NOT_FOUND, WAITING };

// The server of a name at the endpoint. WAITING: the call comes again, or has failed.
static enum found find_target(struct call *call, const struct incoming *incoming, struct view name,
                              enum list list, struct target *ret_target)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    const unsigned want = list;
    struct view rest;
    bool cut;
    if (!servers.prefixes) {
        *ret_target = (struct target){servers.list[0], name};
        return FOUND;
    }
    int i = naming_find(servers.prefixes, servers.count, name, &rest, &cut);
    if (i < 0)
        return NOT_FOUND;
    if (cut && !call_want(call, incoming, servers.list[i], &want, 1))
        return WAITING;
    struct view whole =
        cut ? find_cut(call, servers.list[i], servers.prefixes[i], list, name) : rest;
    if (!whole.data)
        return NOT_FOUND;
    *ret_target = (struct target){servers.list[i], whole};
    return FOUND;
}

// Sends it to the target, with the name as the server knows it in the place of `raw` ({NULL, 0}:
// nowhere).
static void send_to(struct call *call, const struct incoming *incoming, const struct target *target,
                    struct view raw)
{
    struct buf quoted AUTO(buf_done);
    struct sending sending = {.spec = target->spec};
    if (call->method == MCP_TOOLS_CALL)
        sending.tool = target->name;
    buf_init(&quoted, 8 * NAME_ROOM);
    if (call->method != MCP_COMPLETE) // which has no Mcp-Name
        sending.name = target->name;
    if (!call->exchange->only && raw.data) {
        json_add_string(&quoted, target->name);
        sending.splices[sending.splice_count++] = (struct splice){raw, buf_view(&quoted)};
    }
    if (target->spec->broken)
        call_error(call, RPC_INTERNAL_ERROR,
                   "The record of the server is damaged: ask the administrator");
    else
        call_send(call, incoming, &sending);
}

// Who minds the headers that repeat arguments: the server itself when it is modern and over HTTP.
enum minder { MIND_NOTHING, MIND_COMPARE, MIND_WRITE };

static enum minder minder_of(const struct call *call, struct server_spec *spec)
{
    const struct upstream *upstream = call_upstream(call, spec);
    bool compares = spec->http && upstream && upstream_speaks(upstream, MCP_MODERN) &&
                    upstream_era(upstream, call->era) == MCP_MODERN;
    if (call->exchange->stdio && call->era == MCP_MODERN)
        return compares ? MIND_WRITE : MIND_NOTHING; // its client has no headers
    if (call->era == MCP_MODERN)
        return compares ? MIND_NOTHING : MIND_COMPARE;
    return compares ? MIND_WRITE : MIND_NOTHING;
}

// The headers of a client that has none to send. False: the call is over.
static bool write_fields(struct call *call, const struct list_item *tool, struct view arguments,
                         struct buf *texts, struct http_field fields[PARAMETERS_MOST],
                         size_t *ret_count)
{
    *ret_count = 0;
    if (tool && tool->parameters &&
        !parameters_make(tool->raw, arguments, texts, fields, PARAMETERS_MOST, ret_count)) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return false;
    }
    uint64_t wrote = text_hash(TEXT_HASH, buf_view(texts));
    if (call->relisted && call->wrote == wrote) { // the server would say the same again
        call_error(call, RPC_HEADER_MISMATCH, "The server does not take the headers of its tool");
        return false;
    }
    call->wrote = wrote;
    return true;
}

// Sends a tool's call, with its headers minded.
static void call_tool(struct call *call, const struct incoming *incoming,
                      const struct target *target)
{
    static const unsigned want = LIST_TOOLS;
    struct view raw = incoming->params.name, arguments = incoming->params.arguments;
    enum minder minder = minder_of(call, target->spec);
    if (minder == MIND_NOTHING) {
        send_to(call, incoming, target, raw);
        return;
    }
    if (!call_want(call, incoming, target->spec, &want, 1))
        return;
    const struct catalog *catalog = call_catalog(call, target->spec);
    const struct list_item *tool = catalog ? catalog_find(catalog, LIST_TOOLS, target->name) : NULL;
    struct buf texts AUTO(buf_done);
    struct http_field fields[PARAMETERS_MOST];
    struct incoming with = *incoming;
    buf_init(&texts, LIMIT_INPUT_FILE);
    with.fields = fields;
    if (minder == MIND_WRITE) {
        if (call_keep(call, incoming) &&
            write_fields(call, tool, arguments, &texts, fields, &with.field_count))
            send_to(call, &with, target, raw);
    } else if (tool && tool->parameters &&
               !parameters_agree(tool->raw, arguments, incoming->fields, incoming->field_count)) {
        call_error(call, RPC_HEADER_MISMATCH, "Header mismatch: Mcp-Param");
    } else {
        send_to(call, incoming, target, raw);
    }
}

bool route_was_mismatched(struct call *call, const struct rpc *response)
{
    long long code;
    if (call->method != MCP_TOOLS_CALL ||
        !json_raw_int(json_walk_member(response->error, "code"), &code) ||
        code != RPC_HEADER_MISMATCH)
        return false;
    struct catalog *catalog = call_catalog(call, call->spec);
    bool fresh = catalog && catalog_doubt(catalog, LIST_TOOLS);
    if (!fresh || call->wrote == 0 || call->relisted)
        return false;
    call->relisted = true;
    call->waited = false;
    call_again(call);
    return true;
}

void route_by_name(struct call *call, const struct incoming *incoming)
{
    char room[NAME_ROOM];
    struct target target;
    bool tool = call->method == MCP_TOOLS_CALL;
    struct view raw = incoming->params.name;
    struct view name = json_raw_text(raw, room, sizeof room);
    if (incoming->params.request_state.data && parked_resume(call, incoming))
        return;
    if (!name.data) {
        call_error(call, RPC_INVALID_PARAMS, "The request needs a name");
        return;
    }
    enum found found = find_target(call, incoming, name, tool ? LIST_TOOLS : LIST_PROMPTS, &target);
    if (found == WAITING)
        return;
    if (found == NOT_FOUND || (tool && !server_spec_allows(target.spec, target.name)))
        route_unknown(call, tool ? "tool" : "prompt");
    else if (tool)
        call_tool(call, incoming, &target);
    else
        send_to(call, incoming, &target, raw);
}

// How much of a URI a template takes literally (RFC 6570, as far as telling servers apart needs): 0
// when it does not fit.
static size_t fits(struct view template, struct view uri)
{
    const char *open = (const char *)memchr(template.data, '{', template.size);
    const char *close = (const char *)memrchr(template.data, '}', template.size);
    if (!open || !close || close < open)
        return view_equal(template, uri) ? uri.size + 1 : 0;
    struct view before = {template.data, (size_t)(open - template.data)};
    struct view after = view_skip(template, (size_t)(close + 1 - template.data));
    if (uri.size < before.size + after.size || !view_starts(uri, before) ||
        !view_equal(view_skip(uri, uri.size - after.size), after))
        return 0;
    return before.size + after.size + 1;
}

static size_t best_template(const struct catalog *catalog, struct view uri)
{
    size_t count, best = 0;
    const struct list_item *items = catalog_items(catalog, LIST_TEMPLATES, &count);
    for (size_t i = 0; i < count; i++) {
        size_t fit = fits(items[i].name, uri);
        best = fit > best ? fit : best;
    }
    return best;
}

// The server of a resource: by its list, then by the template that fits best, then the only one
// there is.
static struct server_spec *find_by_uri(struct call *call, struct view uri)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    struct server_spec *fitting = NULL, *offering = NULL;
    size_t best = 0, offers = 0;
    for (size_t i = 0; i < servers.count; i++) {
        const struct catalog *catalog = call_catalog(call, servers.list[i]);
        if (!catalog || !catalog_offers(catalog, LIST_RESOURCES, call->era))
            continue;
        offering = servers.list[i];
        offers++;
        if (catalog_find(catalog, LIST_RESOURCES, uri))
            return servers.list[i];
        size_t fit = best_template(catalog, uri);
        if (fit > best)
            fitting = servers.list[i];
        best = fit > best ? fit : best;
    }
    if (fitting)
        return fitting;
    return offers == 1 ? offering : NULL;
}

static const unsigned wants_uris[] = {LIST_RESOURCES, LIST_TEMPLATES};

// The server of a URI at the endpoint, as find_target.
static enum found find_resource(struct call *call, const struct incoming *incoming, struct view uri,
                                struct target *ret_target)
{
    struct endpoint_servers servers = exchange_servers(call->exchange);
    if (servers.prefixes && !call_want(call, incoming, NULL, wants_uris, COUNT_OF(wants_uris)))
        return WAITING;
    struct server_spec *spec = servers.prefixes ? find_by_uri(call, uri) : servers.list[0];
    *ret_target = (struct target){spec, uri};
    return spec ? FOUND : NOT_FOUND;
}

bool route_wait_for_uri(struct call *call, const struct incoming *incoming, struct view uri,
                        struct server_spec **ret_spec)
{
    struct target target = {NULL, uri};
    if (find_resource(call, incoming, uri, &target) == WAITING)
        return false;
    *ret_spec = target.spec;
    return true;
}

void route_by_uri(struct call *call, const struct incoming *incoming)
{
    char room[NAME_ROOM];
    struct target target;
    struct view uri = json_raw_text(incoming->params.uri, room, sizeof room);
    if (incoming->params.request_state.data && parked_resume(call, incoming))
        return;
    if (!uri.data) {
        call_error(call, RPC_INVALID_PARAMS, "The request needs a uri");
        return;
    }
    enum found found = find_resource(call, incoming, uri, &target);
    if (found == WAITING)
        return;
    if (found == NOT_FOUND)
        call_fail(call, &(struct failure){.code = call->era == MCP_MODERN ? RPC_INVALID_PARAMS
                                                                          : RPC_RESOURCE_NOT_FOUND,
                                          .message = "Resource not found",
                                          .outcome = "denied"});
    else
        send_to(call, incoming, &target, (struct view){NULL, 0});
}

void route_completion(struct call *call, const struct incoming *incoming)
{
    char room[NAME_ROOM];
    struct target target;
    struct view raw =
        incoming->params.ref_name.data ? incoming->params.ref_name : incoming->params.ref_uri;
    struct view name = json_raw_text(raw, room, sizeof room);
    if (!name.data) {
        call_error(call, RPC_INVALID_PARAMS, "The request needs a ref with a name or a uri");
        return;
    }
    bool prompt = incoming->params.ref_name.data != NULL;
    enum found found;
    if (prompt)
        found = find_target(call, incoming, name, LIST_PROMPTS, &target);
    else
        found = find_resource(call, incoming, name, &target);
    if (found == NOT_FOUND)
        route_unknown(call, prompt ? "prompt" : "resource");
    else if (found == FOUND)
        send_to(call, incoming, &target, prompt ? raw : (struct view){NULL, 0});
}

// Tasks belong to the server that made them; at `/mcp` their ids do not say which that was.
void route_task(struct call *call, const struct incoming *incoming)
{
    char room[NAME_ROOM];
    if (!call->exchange->only) {
        call_error(call, RPC_METHOD_NOT_FOUND, "Tasks are to be had at /mcp/{server} only");
        return;
    }
    struct server_spec *spec = call->exchange->only;
    struct view id = json_raw_text(incoming->params.task_id, room, sizeof room);
    struct view tool = tasks_tool(call, spec, id);
    if (call->method != MCP_TASKS_LIST && !tool.data)
        route_unknown(call, "task");
    else
        call_send(call, incoming, &(struct sending){.spec = spec, .name = id, .tool = tool});
}
