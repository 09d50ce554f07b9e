// jsonrpc.h: the envelope of JSON-RPC 2.0 as MCP uses it. Pure: slices in, slices out.
//
// Reading checks the whole text strictly (base/json_check.h) and points into it. An id is kept as
// the bytes it came as: "1" and 1 are different ids, 1.0 is none (MCP: string or integer, never
// null).
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/json_check.h"
#include "base/view.h"

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESULT, RPC_ERROR };

struct rpc {
    enum rpc_kind kind;
    struct view text;   // the whole message, without blanks around it
    struct view id;     // raw; {NULL, 0}: a notification, or an error about nothing in particular
    struct view method; // as MCP names it, however it was written (`tools\/call`: so PHP does); one
                        // that MCP does not name, as it was written
    struct view params; // raw object or array; {NULL, 0}: none
    struct view result; // raw
    struct view error;  // raw object with an integer `code` and a text `message`
    struct view failed; // raw: the `isError` of a tool's result
};

// JSON-RPC 2.0 section 5.1, and MCP's own.
enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_HEADER_MISMATCH = -32020,     // 2026-07-28
    RPC_MISSING_CAPABILITY = -32021,  // 2026-07-28
    RPC_UNSUPPORTED_VERSION = -32022, // 2026-07-28
    RPC_RESOURCE_NOT_FOUND = -32002,  // up to 2025-11-25
};

struct rpc_fault {
    enum rpc_code code; // RPC_PARSE_ERROR, RPC_INVALID_REQUEST or RPC_INTERNAL_ERROR (memory)
    const char *reason; // static, a sentence without a stop
    struct view id;     // raw, when the message had a usable one
    bool reply;         // it was to be a result or an error: never to be answered
    bool array;         // the text is a JSON array that was checked (a batch, 2025-03-26)
};

// One message, nested no deeper than `deepest` (json_check.h). A batch is a fault with `array` set;
// walk its elements with json_walk and read each.
MUST_CHECK bool rpc_read(struct view text, unsigned deepest, struct rpc *ret_message,
                         struct rpc_fault *ret_fault);

// The same in two steps, for those who want more of a message in one pass (mcp_read): a record that
// begins with an envelope, json_check_pick with a list that has RPC_PICKS, then rpc_judge.
struct rpc_envelope {
    struct view jsonrpc, id, method, params, result, error, failed; // raw members
};
extern const struct json_pick rpc_result_members[1];
#define RPC_PICK(field) JSON_PICK(struct rpc_envelope, field, #field)
#define RPC_PICKS(params_members, params_count)                                                    \
    RPC_PICK(jsonrpc), RPC_PICK(id), RPC_PICK(method),                                             \
        {{"params", 6}, offsetof(struct rpc_envelope, params), params_members, params_count},      \
        JSON_PICK_IN(struct rpc_envelope, result, "result", rpc_result_members), RPC_PICK(error)
MUST_CHECK bool rpc_judge(struct view text, enum json_fault json,
                          const struct rpc_envelope *envelope, struct rpc *ret_message,
                          struct rpc_fault *ret_fault);

// {"jsonrpc":"2.0","id":ID,"result":RESULT}; ids and results are raw.
void rpc_add_result(struct buf *buf, struct view id, struct view result);

// {"jsonrpc":"2.0","id":ID,"error":{"code":…,"message":…,"data":…}}. `id` {NULL, 0}: none;
// `message` is text and is escaped; `data` is raw, {NULL, 0}: none.
void rpc_add_error(struct buf *buf, struct view id, int code, struct view message,
                   struct view data);
