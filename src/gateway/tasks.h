// tasks.h: which tasks a key has made (MCP 2025-11-25; an extension of 2026-07-28). A server that
// many keys share does not tell them apart, so to any other key a task does not exist.
//
// The last ones of each key are known, as long as the gateway runs, the key has the server and may
// use the tool that made them, and, over stdio, the server's process lives. When the key loses one,
// the server is asked to cancel it.
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

// The tool that made the task (its id as text) of the server, borrowed. {NULL, 0}: the task is not
// the caller's, or he may not use the tool any more.
struct view tasks_tool(const struct call *call, struct server_spec *spec, struct view id);

// Forgets the credential's tasks that these do not let through any more; or all, since it has lost
// access. Servers are told of those that may be under way, where the conversation of who made them
// goes on.
void tasks_look(struct gateway *gateway, struct credential *credential,
                const struct server_specs *specs);
void tasks_end(struct gateway *gateway, struct credential *credential);

// Forgets all.
void tasks_free(struct task **tasks);
