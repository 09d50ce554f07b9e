// body.c: a request as an upstream is to get it: our id, our progress token, and where the era of
// the link asks for it, the members of `_meta` that tell who asks. All else is passed on as it
// came.
#include <stdlib.h>

#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/text.h"
#include "upstream/link.h"

enum {
    SPLICES = 16, // without an allocation
    OURS = 6,     // splices that come to the client's
};

bool body_is_modern(const struct link *link, enum mcp_method method)
{
    // While the era is being found out, two are spoken on one link.
    return method == MCP_DISCOVER || (method != MCP_INITIALIZE && link->era == MCP_MODERN);
}

static void add_member(struct buf *buf, const char *name, struct view raw, bool *comma)
{
    buf_add_format(buf, "%s\"" MCP_META "%s\":", *comma ? "," : "", name);
    buf_add(buf, raw);
    *comma = true;
}

// The members that a legacy client's `_meta` lacks on a modern link, but for those it has.
static void add_meta(struct buf *buf, const struct asker *asker, const struct mcp_params *has)
{
    bool comma = false;
    add_member(buf, "protocolVersion", VIEW("\"" MCP_MODERN_VERSION "\""), &comma);
    if (!has->meta_client_info.data)
        add_member(buf, "clientInfo",
                   asker->client_info.data ? asker->client_info
                                           : VIEW("{\"name\":\"secure-mcp-gateway\","
                                                  "\"version\":\"" SMG_VERSION "\"}"),
                   &comma);
    if (!has->meta_capabilities.data)
        add_member(buf, "clientCapabilities",
                   asker->capabilities.data ? asker->capabilities : VIEW("{}"), &comma);
    const char *level = mcp_log_level_name(asker->level);
    if (level && !has->meta_level.data)
        buf_add_format(buf, ",\"" MCP_META "logLevel\":\"%s\"", level);
}

static bool has_members(struct view object)
{
    struct json_walk walk = json_walk(object);
    struct view name, value;
    return json_walk_next(&walk, &name, &value);
}

// The splice that gives params the members of `_meta`, made in all->meta.
static struct splice meta_splice(struct upstreams *all, const struct upcall_order *order)
{
    struct mcp_params params;
    mcp_params_read(order->params, &params);
    buf_clear(&all->meta);
    struct view object = params.meta.data ? params.meta : order->params;
    if (!params.meta.data)
        buf_add(&all->meta, VIEW("\"_meta\":{"));
    add_meta(&all->meta, order->asker, &params);
    if (!params.meta.data)
        buf_add(&all->meta, VIEW("}"));
    if (has_members(object))
        buf_add(&all->meta, VIEW(","));
    return (struct splice){{object.data + 1, 0}, buf_view(&all->meta)};
}

// Puts `splice` where it belongs among the `count` that stand in the order of their places.
static void insert(struct splice *splices, size_t *count, struct splice splice)
{
    size_t at = (*count)++;
    for (; at > 0 && splices[at - 1].old.data > splice.old.data; at--)
        splices[at] = splices[at - 1];
    splices[at] = splice;
}

static bool is_modern_member(struct view name)
{
    static const struct view names[] = {
        VIEW(MCP_META "protocolVersion"), VIEW(MCP_META "clientInfo"),
        VIEW(MCP_META "clientCapabilities"), VIEW(MCP_META "logLevel")};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (json_name_is(name, names[i]))
            return true;
    return false;
}

static void take_out(struct splice *splices, size_t *count, const char *from, const char *to)
{
    insert(splices, count, (struct splice){{from, (size_t)(to - from)}, VIEW("")});
}

// Takes out the members of the modern era, each run of them with its comma. No name stands twice,
// so there are at most four runs.
static void take_out_meta(struct splice *splices, size_t *count, struct view params)
{
    struct mcp_params read;
    mcp_params_read(params, &read);
    struct json_walk walk = json_walk(read.meta);
    struct view name, value;
    const char *run = NULL, *kept_end = NULL, *end = NULL;
    while (json_walk_next(&walk, &name, &value)) {
        const char *start = name.data - 1; // its quote
        end = value.data + value.size;
        if (is_modern_member(name)) {
            run = run ? run : start;
            continue;
        }
        if (run)
            take_out(splices, count, run, start);
        run = NULL;
        kept_end = end;
    }
    if (run)
        take_out(splices, count, kept_end ? kept_end : run, end);
}

// Params that are an object, with all splices.
static void add_params(struct upstreams *all, const struct upcall_order *order, bool modern,
                       struct view id)
{
    struct splice few[SPLICES];
    size_t count = order->splice_count;
    struct splice *splices = few;
    if (count + OURS > SPLICES)
        splices = calloc(count + OURS, sizeof(*splices));
    if (!splices) {
        all->body.failed = true;
        return;
    }
    if (count > 0)
        memcpy(splices, order->splices, count * sizeof(*splices));
    if (order->token.data)
        insert(splices, &count, (struct splice){order->token, id});
    if (modern && order->asker->era == MCP_LEGACY)
        insert(splices, &count, meta_splice(all, order));
    else if (!modern && order->asker->era == MCP_MODERN)
        take_out_meta(splices, &count, order->params);
    splice_add(&all->body, order->params, splices, count);
    if (splices != few)
        free(splices);
}

bool body_make(struct link *link, uint64_t id, const struct upcall_order *order)
{
    struct upstreams *all = link->all;
    struct buf *body = &all->body;
    buf_clear(body);
    buf_clear(&all->meta);
    char digits[NUMBER_TEXT];
    struct view number = text_number(id, digits);
    buf_add(body, VIEW("{\"jsonrpc\":\"2.0\",\"id\":"));
    buf_add(body, number);
    buf_add(body, VIEW(",\"method\":\""));
    buf_add(body, order->method_name);
    buf_add(body, VIEW("\""));
    bool modern = body_is_modern(link, order->method);
    bool with_meta = modern && order->asker->era == MCP_LEGACY;
    if (json_raw_is(order->params, '{')) {
        buf_add(body, VIEW(",\"params\":"));
        add_params(all, order, modern, number);
    } else if (with_meta && !order->params.data) {
        buf_add(body, VIEW(",\"params\":{\"_meta\":{"));
        add_meta(body, order->asker, &(struct mcp_params){0});
        buf_add(body, VIEW("}}"));
    } else if (order->params.data) {
        buf_add(body, VIEW(",\"params\":"));
        buf_add(body, order->params);
    }
    buf_add(body, VIEW("}"));
    return !body->failed && !all->meta.failed;
}
