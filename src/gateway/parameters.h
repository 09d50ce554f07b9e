// parameters.h: arguments that are repeated as headers (`x-mcp-header` in a tool's inputSchema
// becomes Mcp-Param-{Name}; MCP 2026-07-28).
//
// A modern server over HTTP compares them itself. The gateway does it where the server cannot (over
// stdio, or of the legacy era), and writes them where the client did not (a legacy client).
//
// An annotation counts where it is reached from the schema's root by `properties` alone. One
// anywhere else, or one that is not in order, makes the whole tool invalid: to a modern server over
// HTTP its call could not be written, so nobody is shown it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "wire/http1.h"

// More annotations in one tool make it invalid, too.
enum { PARAMETERS_MOST = 32 };

// Whether the raw tool of a server's list has any annotation. `*ret_fault` (a static sentence):
// what makes it invalid; NULL: nothing.
MUST_CHECK bool parameters_any(struct view tool, const char **ret_fault);

// Whether the headers say what the arguments (raw) say. `tool`: the raw tool of the server's list.
MUST_CHECK bool parameters_agree(struct view tool, struct view arguments,
                                 const struct http_field *fields, size_t count);

// The fields that the arguments make, at most `room`; returns how many. Their texts are in `texts`,
// which must not change any more. False when memory is short.
MUST_CHECK bool parameters_make(struct view tool, struct view arguments, struct buf *texts,
                                struct http_field *ret_fields, size_t room, size_t *ret_count);
