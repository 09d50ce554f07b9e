/* mcpnull.h - the MCP behaviour shared by nullup (HTTP) and nullstdio (stdio).
 * mcp_answer() writes the JSON-RPC reply (no newline) for one message into out,
 * returns its length, 0 for a notification/response (nothing to send), -1 for bad JSON.
 * *http gets the status a streamable-HTTP server should use. */
#ifndef MCPNULL_H
#define MCPNULL_H
#include "mj.h"
#include <stdio.h>
#define MODERN "2026-07-28"
static int mcp_ntools = 1; /* tools/list size; tool 0 is "echo" */
static int mcp_pad = 0;    /* extra bytes of text in an echo result */
static char *mcp_padbuf;
typedef struct {
    char *b;
    size_t n, cap;
} obuf;
static void ob(obuf *o, const char *s, size_t n)
{
    if (o->n + n <= o->cap) {
        memcpy(o->b + o->n, s, n);
        o->n += n;
    }
}
static void os_(obuf *o, const char *s)
{
    ob(o, s, strlen(s));
}
static long mcp_answer(span m, char *out, size_t cap, int *http, int *isinit)
{
    span id, method, params = {0}, meta = {0}, v;
    int modern = 0;
    obuf o = {out, 0, cap};
    *http = 200;
    *isinit = 0;
    const char *ws = mj_ws(m.p, m.p + m.n);
    if (ws >= m.p + m.n || *ws != '{') {
        *http = 400;
        return -1;
    }
    if (!mj_get(m, "method", &method)) {
        *http = 202;
        return 0;
    }
    if (!mj_get(m, "id", &id)) {
        *http = 202;
        return 0;
    }
    if (mj_get(m, "params", &params) && mj_get(params, "_meta", &meta) &&
        mj_get(meta, "io.modelcontextprotocol/protocolVersion", &v)) {
        modern = 1;
        if (!mj_is(v, MODERN)) {
            *http = 400;
            os_(&o, "{\"jsonrpc\":\"2.0\",\"id\":");
            ob(&o, id.p, id.n);
            os_(&o,
                ",\"error\":{\"code\":-32022,\"message\":\"Unsupported protocol "
                "version\",\"data\":{\"supported\":[\"" MODERN "\",\"2025-11-25\"],\"requested\":");
            ob(&o, v.p, v.n);
            os_(&o, "}}}");
            return (long)o.n;
        }
    }
    const char *mo = modern ? "\"resultType\":\"complete\"," : "";
    const char *info = modern ? ",\"_meta\":{\"io.modelcontextprotocol/"
                                "serverInfo\":{\"name\":\"null\",\"version\":\"1\"}}"
                              : "";
    const char *cache = modern ? ",\"ttlMs\":300000,\"cacheScope\":\"public\"" : "";
    os_(&o, "{\"jsonrpc\":\"2.0\",\"id\":");
    ob(&o, id.p, id.n);
    if (mj_is(method, "tools/call")) {
        span name, args, msg;
        if (params.n && mj_get(params, "name", &name) && mj_is(name, "echo") &&
            mj_get(params, "arguments", &args) && mj_get(args, "message", &msg) && msg.n >= 2 &&
            msg.p[0] == '"') {
            os_(&o, ",\"result\":{");
            os_(&o, mo);
            os_(&o, "\"content\":[{\"type\":\"text\",\"text\":\"Echo: ");
            ob(&o, msg.p + 1, msg.n - 2);
            if (mcp_pad)
                ob(&o, mcp_padbuf, (size_t)mcp_pad);
            os_(&o, "\"}]");
            os_(&o, info);
            os_(&o, "}}");
        } else {
            os_(&o, ",\"error\":{\"code\":-32602,\"message\":\"unknown tool or bad arguments\"}}");
        }
    } else if (mj_is(method, "tools/list")) {
        char t[256];
        os_(&o, ",\"result\":{");
        os_(&o, mo);
        os_(&o, "\"tools\":[");
        for (int i = 0; i < mcp_ntools; i++) {
            if (i)
                snprintf(t, sizeof t, "{\"name\":\"echo%d\"", i);
            else
                snprintf(t, sizeof t, "{\"name\":\"echo\"");
            if (i)
                os_(&o, ",");
            os_(&o, t);
            os_(&o, ",\"description\":\"Echoes back the "
                    "input\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"message\":{"
                    "\"type\":\"string\"}},\"required\":[\"message\"]}}");
        }
        os_(&o, "]");
        os_(&o, cache);
        os_(&o, info);
        os_(&o, "}}");
    } else if (mj_is(method, "ping")) {
        os_(&o, ",\"result\":{");
        if (modern)
            os_(&o, "\"resultType\":\"complete\"");
        os_(&o, "}}");
    } else if (mj_is(method, "initialize")) {
        *isinit = 1;
        static const char *known[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
        const char *ver = "2025-11-25";
        if (params.n && mj_get(params, "protocolVersion", &v))
            for (int i = 0; i < 4; i++)
                if (mj_is(v, known[i]))
                    ver = known[i];
        os_(&o, ",\"result\":{\"protocolVersion\":\"");
        os_(&o, ver);
        os_(&o, "\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"null\",\"version\":"
                "\"1\"}}}");
    } else if (mj_is(method, "server/discover")) {
        if (!modern) {
            *http = 200;
            os_(&o, ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
            return (long)o.n;
        }
        os_(&o, ",\"result\":{\"resultType\":\"complete\",\"supportedVersions\":[\"" MODERN
                "\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\",\"2024-11-05\"],\"capabilities\":{"
                "\"tools\":{}}");
        os_(&o, cache);
        os_(&o, info);
        os_(&o, "}}");
    } else if (mj_is(method, "resources/list") || mj_is(method, "prompts/list") ||
               mj_is(method, "resources/templates/list")) {
        os_(&o, ",\"result\":{");
        os_(&o, mo);
        os_(&o, mj_is(method, "resources/list") ? "\"resources\":[]"
                : mj_is(method, "prompts/list") ? "\"prompts\":[]"
                                                : "\"resourceTemplates\":[]");
        os_(&o, cache);
        os_(&o, info);
        os_(&o, "}}");
    } else {
        if (modern)
            *http = 404;
        os_(&o, ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
    }
    return (long)o.n;
}
#endif
