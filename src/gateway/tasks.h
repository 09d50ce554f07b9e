// tasks.h: which tasks a key has made (MCP 2025-11-25; an extension of 2026-07-28). A server that
// many keys share does not tell them apart, so to any other key a task does not exist.
//
// The last ones of each key are known, as long as the gateway runs and the server's configuration
// stands.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "gateway/call.h"

struct task;

// Whether a client may be answered with a task.
bool tasks_wanted(const struct mcp_params *params);

// Remembers the task that the result of a call may be.
void tasks_learn(const struct call *call, struct view result);

// Whether the task (its id as text) of the server is the caller's.
bool tasks_has(const struct call *call, const struct server_spec *spec, struct view id);

// The result of tasks/list with only those. False when memory is short.
MUST_CHECK bool tasks_filter(const struct call *call, struct view result, struct buf *ret_result);

void tasks_free(struct task **tasks);
