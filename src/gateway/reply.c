// reply.c: see reply.h.
#include "gateway/reply.h"

#include "base/json_walk.h"
#include "wire/jsonrpc.h"

int reply_status(enum mcp_era era, int code)
{
    if (era == MCP_LEGACY)
        return 200;
    switch (code) {
    case RPC_METHOD_NOT_FOUND:
        return 404;
    case RPC_PARSE_ERROR:
    case RPC_INVALID_REQUEST:
    case RPC_HEADER_MISMATCH:
    case RPC_MISSING_CAPABILITY:
    case RPC_UNSUPPORTED_VERSION:
        return 400;
    default:
        return 200;
    }
}

void reply_add_modern(struct buf *buf, enum mcp_method method, struct view result)
{
    if (!json_walk_member(result, "resultType").data)
        buf_add(buf, VIEW("\"resultType\":\"complete\","));
    if (method != MCP_RESOURCES_READ)
        return;
    if (!json_walk_member(result, "ttlMs").data)
        buf_add(buf, VIEW("\"ttlMs\":0,"));
    if (!json_walk_member(result, "cacheScope").data)
        buf_add(buf, VIEW("\"cacheScope\":\"private\","));
}

void reply_no_memory(struct view id, struct view ret_pieces[REPLY_NO_MEMORY])
{
    ret_pieces[0] = VIEW("{\"jsonrpc\":\"2.0\"");
    ret_pieces[1] = id.data ? VIEW(",\"id\":") : VIEW("");
    ret_pieces[2] = id;
    ret_pieces[3] =
        VIEW(",\"error\":{\"code\":-32603,\"message\":\"The gateway is out of memory\"}}");
}
