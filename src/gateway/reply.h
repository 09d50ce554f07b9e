// reply.h: the JSON of answers: envelopes in pieces, and results carried from one era into the
// other.
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/view.h"
#include "wire/mcp.h"

// The HTTP status of a JSON-RPC error towards a client of the era (2026-07-28 prescribes some).
int reply_status(enum mcp_era era, int code);

// What a result of a legacy server lacks for a modern client: `resultType`, and for results that
// may be cached `ttlMs` and `cacheScope`. As members with a comma after each, to stand at the
// object's beginning; empty when nothing is missing.
void reply_add_modern(struct buf *buf, enum mcp_method method, struct view result);

// The answer to a request (`id`; {NULL, 0}: not known) whose own could not be made for want of
// memory. It takes none.
enum { REPLY_NO_MEMORY = 4 };
void reply_no_memory(struct view id, struct view ret_pieces[REPLY_NO_MEMORY]);

// Who the gateway is: {"name":…,"version":…}.
#define REPLY_SERVER_INFO "{\"name\":\"secure-mcp-gateway\",\"version\":\"" SMG_VERSION "\"}"

// What it speaks, newest first.
#define REPLY_VERSIONS                                                                             \
    "[\"" MCP_MODERN_VERSION "\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"]"
