// fuzz_mcp.c: the members of params are those that the tree has, whatever their names are written
// like; a header value means the same after it was written again.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_check.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "wire/mcp.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_member(const struct json_value *object, const char *name, struct view raw)
{
    const struct json_value *member = json_member(object, name);
    must(view_equal(raw, member ? member->raw : (struct view){NULL, 0}));
}

static void check_params(struct view text, const struct json_value *tree)
{
    struct mcp_params params;
    mcp_params_read(text, &params);
    check_member(tree, "name", params.name);
    check_member(tree, "uri", params.uri);
    check_member(tree, "arguments", params.arguments);
    check_member(tree, "taskId", params.task_id);
    check_member(tree, "requestState", params.request_state);
    check_member(tree, "protocolVersion", params.version);
    check_member(tree, "progressToken", params.token);
    check_member(json_member(tree, "ref"), "name", params.ref_name);
    check_member(json_member(tree, "ref"), "uri", params.ref_uri);
    const struct json_value *meta = json_member(tree, "_meta");
    must(json_is(meta, JSON_OBJECT) == (params.meta.data != NULL));
    check_member(meta, "progressToken", params.meta_token);
    check_member(meta, MCP_META "protocolVersion", params.meta_version);
    check_member(meta, MCP_META "clientCapabilities", params.meta_capabilities);
    check_member(meta, MCP_META "subscriptionId", params.meta_subscription);
}

// In one pass with their message, params are read as they are alone.
static void check_message(struct view text)
{
    enum { VIEWS = sizeof(struct mcp_params) / sizeof(struct view) };
    struct rpc message;
    struct rpc_fault fault;
    struct mcp_params inside, alone;
    struct buf buf;
    buf_init(&buf, MEMORY);
    buf_add(&buf, VIEW("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":"));
    buf_add(&buf, text);
    buf_add_char(&buf, '}');
    if (mcp_read(buf_view(&buf), LIMIT_JSON_DEPTH, &message, &inside,
                 &fault)) { // else it is too deep, or no object
        mcp_params_read(message.params, &alone);
        const struct view *a = (const struct view *)&inside, *b = (const struct view *)&alone;
        for (size_t i = 0; i < VIEWS; i++)
            must(a[i].data == b[i].data && a[i].size == b[i].size);
    }
    buf_done(&buf);
}

static void check_header(struct view value)
{
    struct buf buf;
    char *into = (char *)malloc(value.size), *again = (char *)malloc(value.size + 1);
    struct view text = mcp_header_decode(value, into, value.size);
    buf_init(&buf, MEMORY);
    if (text.data) {
        mcp_header_encode(&buf, text);
        struct view back = mcp_header_decode(buf_view(&buf), again, value.size + 1);
        must(back.data && view_equal(back, text));
        // Nothing that ends a header line, whatever was decoded.
        for (size_t i = 0; i < buf.size; i++)
            must(buf.data[i] == '\t' || (buf.data[i] >= ' ' && buf.data[i] < 0x7f));
    }
    buf_done(&buf);
    free(into);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct view text = view_bytes(data, size);
    const struct json_value *tree;
    enum mcp_method method = mcp_method(text);
    must(method == MCP_UNKNOWN || view_is(text, mcp_method_name(method)));
    arena_init(&arena, MEMORY);
    if (json_parse(text, &arena, &tree, &err))
        check_params(text, tree);
    if (json_check(text, LIMIT_JSON_DEPTH) == JSON_FINE)
        check_message(text);
    arena_done(&arena);
    check_header(text);
    return 0;
}
