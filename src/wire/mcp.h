// mcp.h: what the Model Context Protocol says in names: revisions, members of params,
// header values. Pure.
//
// Two eras: *legacy*, 2024-11-05 to 2025-11-25 (initialize, sessions), and *modern*, 2026-07-28
// (stateless; every request says its version in `_meta`).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "wire/jsonrpc.h"
#include "wire/mcp_method.h"

enum mcp_era { MCP_LEGACY, MCP_MODERN };

static inline enum mcp_era mcp_other_era(enum mcp_era era)
{
    return era == MCP_LEGACY ? MCP_MODERN : MCP_LEGACY;
}

#define MCP_MODERN_VERSION "2026-07-28"
#define MCP_META "io.modelcontextprotocol/"

// Legacy revisions, oldest first; the last one is what a gateway offers.
extern const char *const mcp_legacy_versions[];
extern const size_t mcp_legacy_version_count;
bool mcp_is_legacy_version(struct view text);

// What is looked at in the params of a message, as raw slices of them; {NULL, 0}: not there.
struct mcp_params {
    struct view whole;
    struct view name, uri, cursor, level, arguments;
    struct view task_id, task; // `task`: a call is to become a task (2025-11-25)
    struct view request_id, request_state, input_responses;
    struct view ref, ref_name, ref_uri;             // completion/complete
    struct view version, capabilities, client_info; // initialize: its protocolVersion, …
    struct view notifications;                      // subscriptions/listen
    struct view token;                              // notifications/progress: its progressToken
    struct view meta;                               // _meta when it is an object
    // Members of _meta: progressToken, and those that begin with MCP_META.
    struct view meta_token, meta_version, meta_capabilities, meta_client_info, meta_level;
    struct view meta_subscription, meta_task;
};

// Sorts out params that were checked (they come from rpc_read). What is no object gives nothing.
// Members may be of any type.
void mcp_params_read(struct view params, struct mcp_params *ret_params);

// rpc_read and mcp_params_read in one pass.
MUST_CHECK bool mcp_read(struct view text, unsigned deepest, struct rpc *ret_message,
                         struct mcp_params *ret_params, struct rpc_fault *ret_fault);

// The era of a request: modern when its `_meta` says a protocol version.
static inline enum mcp_era mcp_era_of(const struct mcp_params *params)
{
    return params->meta_version.data ? MCP_MODERN : MCP_LEGACY;
}

// The params member that the header Mcp-Name repeats (2026-07-28): name, uri or taskId; {NULL, 0}
// when the method has none.
struct view mcp_named(enum mcp_method method, const struct mcp_params *params);

// A header value (without blanks around it) as it is meant: `=?base64?…?=` decoded into `into`,
// else the value itself. {NULL, 0} when it is malformed, is not visible ASCII, or does not fit.
struct view mcp_header_decode(struct view value, char *into, size_t size);

// Adds text as a header value: as it is when it is visible ASCII without blanks at its ends and
// does not look encoded, else in the base64 form.
void mcp_header_encode(struct buf *buf, struct view text);

// Log levels, `debug` to `emergency`, as numbers 0 to 7; -1 for none of them.
int mcp_log_level(struct view text);
const char *mcp_log_level_name(int level); // NULL: there is none of this number

// What a client can be asked by a server, as bits.
enum { MCP_CAN_SAMPLE = 1, MCP_CAN_ELICIT = 2, MCP_CAN_ROOTS = 4 };
// Those that raw capabilities declare.
unsigned mcp_can(struct view capabilities);
// Writes raw capabilities that declare them.
void mcp_can_add(struct buf *buf, unsigned can);
