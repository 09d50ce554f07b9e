// mcp_method.c: see mcp_method.h.
#include "wire/mcp_method.h"

#include "base/attr.h"

#define NAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct view method_names[MCP_METHODS] = {
    [MCP_UNKNOWN] = NAME(""),
    [MCP_INITIALIZE] = NAME("initialize"),
    [MCP_DISCOVER] = NAME("server/discover"),
    [MCP_PING] = NAME("ping"),
    [MCP_TOOLS_LIST] = NAME("tools/list"),
    [MCP_TOOLS_CALL] = NAME("tools/call"),
    [MCP_PROMPTS_LIST] = NAME("prompts/list"),
    [MCP_PROMPTS_GET] = NAME("prompts/get"),
    [MCP_RESOURCES_LIST] = NAME("resources/list"),
    [MCP_TEMPLATES_LIST] = NAME("resources/templates/list"),
    [MCP_RESOURCES_READ] = NAME("resources/read"),
    [MCP_SUBSCRIBE] = NAME("resources/subscribe"),
    [MCP_UNSUBSCRIBE] = NAME("resources/unsubscribe"),
    [MCP_COMPLETE] = NAME("completion/complete"),
    [MCP_SET_LEVEL] = NAME("logging/setLevel"),
    [MCP_LISTEN] = NAME("subscriptions/listen"),
    [MCP_TASKS_GET] = NAME("tasks/get"),
    [MCP_TASKS_RESULT] = NAME("tasks/result"),
    [MCP_TASKS_LIST] = NAME("tasks/list"),
    [MCP_TASKS_CANCEL] = NAME("tasks/cancel"),
    [MCP_TASKS_UPDATE] = NAME("tasks/update"),
    [MCP_SAMPLING] = NAME("sampling/createMessage"),
    [MCP_ELICIT] = NAME("elicitation/create"),
    [MCP_ROOTS_LIST] = NAME("roots/list"),
    [MCP_INITIALIZED] = NAME("notifications/initialized"),
    [MCP_CANCELLED] = NAME("notifications/cancelled"),
    [MCP_PROGRESS] = NAME("notifications/progress"),
    [MCP_MESSAGE] = NAME("notifications/message"),
    [MCP_TOOLS_CHANGED] = NAME("notifications/tools/list_changed"),
    [MCP_PROMPTS_CHANGED] = NAME("notifications/prompts/list_changed"),
    [MCP_RESOURCES_CHANGED] = NAME("notifications/resources/list_changed"),
    [MCP_RESOURCE_UPDATED] = NAME("notifications/resources/updated"),
    [MCP_ROOTS_CHANGED] = NAME("notifications/roots/list_changed"),
    [MCP_ACKNOWLEDGED] = NAME("notifications/subscriptions/acknowledged"),
    [MCP_ELICIT_COMPLETE] = NAME("notifications/elicitation/complete"),
    [MCP_TASK_STATUS] = NAME("notifications/tasks/status"),
    [MCP_TASK_NOTICE] = NAME("notifications/tasks"),
};

enum mcp_method mcp_method(struct view name)
{
    for (enum mcp_method method = MCP_INITIALIZE; method < MCP_METHODS; method++)
        if (view_equal(method_names[method], name))
            return method;
    return MCP_UNKNOWN;
}

const char *mcp_method_name(enum mcp_method method)
{
    return method_names[method < MCP_METHODS ? method : MCP_UNKNOWN].data;
}
