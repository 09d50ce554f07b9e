// far_server.h: a whole gateway with a server `far` over HTTP behind it, that answers by rules.
#pragma once

#include "gateway_rig.h"
#include "http_rules.h"

static struct backend backend;

#define DISCOVERED                                                                                 \
    {                                                                                              \
        "\"server/discover\"", NULL, 200, NULL,                                                    \
            RESULT("{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}}}"),    \
            WHOLE, 0                                                                               \
    }
#define TOOL(name, more)                                                                           \
    "{\"name\":\"" name "\",\"inputSchema\":{\"properties\":{\"a\":{\"type\":\"string\"" more "}}" \
    "}}"
#define HEADER(name) ",\"x-mcp-header\":\"" name "\""
#define LISTED(tools, times)                                                                       \
    {                                                                                              \
        "\"tools/list\"", NULL, 200, NULL, RESULT("{\"tools\":[" tools "],\"ttlMs\":600000}"),     \
            WHOLE, times                                                                           \
    }
#define DONE(also)                                                                                 \
    {                                                                                              \
        "\"tools/call\"", also, 200, NULL, RESULT("{\"content\":[\"done\"]}"), WHOLE, 0            \
    }
#define MISMATCH                                                                                   \
    {                                                                                              \
        "\"tools/call\"", NULL, 400, NULL, ERROR(-32020), WHOLE, 0                                 \
    }
#define CALL                                                                                       \
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"far__t\","     \
    "\"arguments\":{\"a\":\"b\"}}}"
#define LIST "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}"

static inline void serve(struct rule *rules, const char *protocol, const char *more)
{
    char text[512];
    unsigned port = backend_init(&backend, rig.loop, rules);
    (void)snprintf(text, sizeof text,
                   "{\"server_name\":\"far\",\"config\":{\"url\":\"http://127.0.0.1:%u/mcp\","
                   "\"protocol\":\"%s\"%s}}",
                   port, protocol, more);
    add_record(view_of(text));
}

#define ALLOWED ",\"allow_private_addresses\":true"

static inline size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        count++;
    return count;
}

// The gateway lets go of its connections before the server's side and the loop do.
static inline int tear_down(void **state)
{
    rig_leave();
    backend_done(&backend);
    return rig_tear_down(state);
}

#define SAID_HELLO                                                                                 \
    RESULT("{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{},\"resources\":{"    \
           "\"subscribe\":true}},"                                                                 \
           "\"serverInfo\":{}}")
#define OPENED(declared, id)                                                                       \
    {                                                                                              \
        "\"initialize\"", "\"capabilities\":{" declared "}", 200, "Mcp-Session-Id: " id "\r\n",    \
            SAID_HELLO, WHOLE, 0                                                                   \
    }
#define INITIALIZED                                                                                \
    {                                                                                              \
        "notifications/", NULL, 202, NULL, NULL, WHOLE, 0                                          \
    }
#define CALLED(id, text)                                                                           \
    {                                                                                              \
        "\"tools/call\"", "Mcp-Session-Id: " id, 200, NULL,                                        \
            RESULT("{\"content\":[\"" text "\"]}"), WHOLE, 0                                       \
    }

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, tear_down)
