// tasks.h: which tasks a key has made (MCP 2025-11-25; an extension of 2026-07-28). A server that
// many keys share does not tell them apart, so to any other key a task does not exist.
//
// The last ones of each key are known, as long as the gateway runs, the server's whole record
// stands (which tool made one is not known), and, over stdio, its process lives.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "gateway/call.h"

struct task;

// Whether a client may be answered with a task.
bool tasks_wanted(const struct mcp_params *params);

// A result on its way to the client: the task that it may be is remembered, and tasks/list gets, in
// `room`, only the caller's. False when memory is short.
MUST_CHECK bool tasks_pass(const struct call *call, struct view *result, struct buf *room);

// Whether the task (its id as text) of the server is the caller's.
bool tasks_has(const struct call *call, struct server_spec *spec, struct view id);

void tasks_free(struct task **tasks);
