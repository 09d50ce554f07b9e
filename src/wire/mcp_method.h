// mcp_method.h: the names of MCP's methods. Pure.
#pragma once

#include "base/view.h"

enum mcp_method {
    MCP_UNKNOWN, // anything not named here
    MCP_INITIALIZE,
    MCP_DISCOVER,
    MCP_PING,
    MCP_TOOLS_LIST,
    MCP_TOOLS_CALL,
    MCP_PROMPTS_LIST,
    MCP_PROMPTS_GET,
    MCP_RESOURCES_LIST,
    MCP_TEMPLATES_LIST,
    MCP_RESOURCES_READ,
    MCP_SUBSCRIBE,
    MCP_UNSUBSCRIBE,
    MCP_COMPLETE,
    MCP_SET_LEVEL,
    MCP_LISTEN,
    MCP_TASKS_GET,
    MCP_TASKS_RESULT,
    MCP_TASKS_LIST,
    MCP_TASKS_CANCEL,
    MCP_TASKS_UPDATE,
    MCP_SAMPLING, // from servers
    MCP_ELICIT,
    MCP_ROOTS_LIST,
    MCP_INITIALIZED, // notifications
    MCP_CANCELLED,
    MCP_PROGRESS,
    MCP_MESSAGE,
    MCP_TOOLS_CHANGED,
    MCP_PROMPTS_CHANGED,
    MCP_RESOURCES_CHANGED,
    MCP_RESOURCE_UPDATED,
    MCP_ROOTS_CHANGED,
    MCP_ACKNOWLEDGED,
    MCP_ELICIT_COMPLETE,
    MCP_TASK_STATUS, // 2025-11-25
    MCP_TASK_NOTICE, // the same in the extension of 2026-07-28
    MCP_METHODS,
};

// By its name, unescaped.
enum mcp_method mcp_method(struct view name);
// "" for MCP_UNKNOWN.
const char *mcp_method_name(enum mcp_method method);
