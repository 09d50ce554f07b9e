// hello.c: the first request of a client: `initialize` opens a session, `server/discover`
// (2026-07-28) only tells. The gateway answers for the servers of the endpoint: alone, a server is
// shown as it shows itself; together they are one, which can what any of them can.
#include "base/json_out.h"
#include "base/json_walk.h"
#include "gateway/call.h"
#include "gateway/methods.h"
#include "gateway/reply.h"

static const struct upstream_facts *facts_of(struct call *call, struct server_spec *spec)
{
    struct catalog *catalog =
        catalog_get(call->gateway->catalogs, call->principal->grant.project_n, spec);
    return catalog ? upstream_facts(catalog_upstream(catalog)) : NULL;
}

// What any of the servers can, and what the gateway tells of changes by itself.
static void add_union(struct call *call, struct buf *buf)
{
    static const struct {
        const char *name, *value;
    } capabilities[] = {
        {"prompts", "{\"listChanged\":true}"},
        {"resources", "{\"subscribe\":true,\"listChanged\":true}"},
        {"completions", "{}"},
        {"logging", "{}"},
    };
    struct endpoint_servers servers = exchange_servers(call->exchange);
    buf_add(buf, VIEW("{\"tools\":{\"listChanged\":true}"));
    for (size_t i = 0; i < COUNT_OF(capabilities); i++) {
        bool any = false;
        for (size_t j = 0; j < servers.count; j++) {
            const struct upstream_facts *facts = facts_of(call, servers.list[j]);
            any |= facts && json_walk_member(facts->capabilities, capabilities[i].name).data;
        }
        if (any)
            buf_add_format(buf, ",\"%s\":%s", capabilities[i].name, capabilities[i].value);
    }
    buf_add(buf, VIEW("}"));
}

static void add_capabilities(struct call *call, struct buf *buf)
{
    const struct server_spec *only = call->exchange->only;
    const struct upstream_facts *facts = only ? facts_of(call, call->exchange->only) : NULL;
    if (facts && json_raw_is(facts->capabilities, '{'))
        buf_add(buf, facts->capabilities);
    else
        add_union(call, buf);
}

// The only server's own words, when it has any.
static void add_own(struct call *call, struct buf *info, struct buf *instructions)
{
    const struct upstream_facts *facts =
        call->exchange->only ? facts_of(call, call->exchange->only) : NULL;
    bool named = facts && json_raw_is(facts->server_info, '{');
    buf_add(info, named ? facts->server_info : VIEW(REPLY_SERVER_INFO));
    if (facts && json_raw_is(facts->instructions, '"')) {
        buf_add(instructions, VIEW(",\"instructions\":"));
        buf_add(instructions, facts->instructions);
    }
}

static const char *version_for(struct view wanted)
{
    const char *version = mcp_legacy_versions[mcp_legacy_version_count - 1];
    for (size_t i = 0; i < mcp_legacy_version_count; i++)
        if (view_is(wanted, mcp_legacy_versions[i]))
            version = mcp_legacy_versions[i];
    return version;
}

// Opens the session. False: it may not be, and the call has failed.
static bool open_session(struct call *call, const struct mcp_params *params)
{
    char room[32];
    struct exchange *exchange = call->exchange;
    struct gateway *gateway = call->gateway;
    struct view wanted = json_raw_text(params->version, room, sizeof room);
    if (!json_raw_is(params->version, '"')) {
        call_error(call, RPC_INVALID_PARAMS, "initialize needs a protocolVersion");
        return false;
    }
    bool many = call->principal->credential->sessions >= gateway->settings->sessions_per_key;
    if (many || gateway->draining) {
        gateway->counters.limited++;
        call_fail(call, &(struct failure){.code = CALL_LIMITED,
                                          .status = many ? 429 : 503,
                                          .message = many ? "Too many sessions of this key are open"
                                                          : "The gateway is being shut down",
                                          .outcome = "denied"});
        return false;
    }
    const struct session_order order = {
        .principal = call->principal,
        .server = exchange->only ? view_of(exchange->only->server_name) : (struct view){NULL, 0},
        .version = version_for(wanted),
        .capabilities =
            json_raw_is(params->capabilities, '{') ? params->capabilities : (struct view){NULL, 0},
        .client_info =
            json_raw_is(params->client_info, '{') ? params->client_info : (struct view){NULL, 0},
        .stdio = exchange->stdio,
    };
    struct session *session = session_new(gateway, &order);
    if (!session) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return false;
    }
    exchange_join(exchange, session);
    exchange->opens_session = true;
    return true;
}

void hello_initialize(struct call *call, const struct incoming *incoming)
{
    static const unsigned want = WANT_FACTS;
    if (!call->exchange->session && !open_session(call, &incoming->params))
        return;
    if (!call_want(call, incoming, &want, 1))
        return;
    struct buf capabilities AUTO(buf_done), info AUTO(buf_done), instructions AUTO(buf_done);
    buf_init(&capabilities, LIMIT_INPUT_FILE);
    buf_init(&info, LIMIT_INPUT_FILE);
    buf_init(&instructions, LIMIT_INPUT_FILE);
    add_capabilities(call, &capabilities);
    add_own(call, &info, &instructions);
    const struct view pieces[] = {
        VIEW("{\"protocolVersion\":\""), view_of(call->exchange->session->version),
        VIEW("\",\"capabilities\":"),    buf_view(&capabilities),
        VIEW(",\"serverInfo\":"),        buf_view(&info),
        buf_view(&instructions),         VIEW("}")};
    if (capabilities.failed || info.failed || instructions.failed)
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
    else
        call_result(call, pieces, COUNT_OF(pieces));
}

void hello_discover(struct call *call, const struct incoming *incoming)
{
    static const unsigned want = WANT_FACTS;
    if (!call_want(call, incoming, &want, 1))
        return;
    struct buf capabilities AUTO(buf_done), info AUTO(buf_done), instructions AUTO(buf_done);
    buf_init(&capabilities, LIMIT_INPUT_FILE);
    buf_init(&info, LIMIT_INPUT_FILE);
    buf_init(&instructions, LIMIT_INPUT_FILE);
    add_capabilities(call, &capabilities);
    add_own(call, &info, &instructions);
    const struct view pieces[] = {
        VIEW("{\"resultType\":\"complete\",\"supportedVersions\":" REPLY_VERSIONS
             ",\"capabilities\":"),
        buf_view(&capabilities),
        buf_view(&instructions),
        VIEW(",\"ttlMs\":60000,\"cacheScope\":\"private\",\"_meta\":{\"" MCP_META "serverInfo\":"),
        buf_view(&info),
        VIEW("}}")};
    if (capabilities.failed || info.failed || instructions.failed)
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
    else
        call_result(call, pieces, COUNT_OF(pieces));
}
