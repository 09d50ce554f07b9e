// parameters.h: arguments that are repeated as headers (`x-mcp-header` in a tool's inputSchema
// becomes Mcp-Param-{Name}; MCP 2026-07-28).
//
// A modern server over HTTP compares them itself. The gateway does it where the server cannot (over
// stdio, or of the legacy era), and writes them where the client did not (a legacy client).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "wire/http1.h"

// Whether the headers say what the arguments (raw) say. `tool`: the raw tool of the server's list.
MUST_CHECK bool parameters_agree(struct view tool, struct view arguments,
                                 const struct http_field *fields, size_t count);

// The fields that the arguments make, at most `room`; returns how many. Their texts are in `texts`,
// which must not change any more. False when memory is short.
MUST_CHECK bool parameters_make(struct view tool, struct view arguments, struct buf *texts,
                                struct http_field *ret_fields, size_t room, size_t *ret_count);
