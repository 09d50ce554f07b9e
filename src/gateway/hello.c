// hello.c: the first request of a client: `initialize` opens a session, `server/discover`
// (2026-07-28) only tells. The gateway answers for the servers of the endpoint: alone, a server is
// shown as it shows itself; together they are one, which can what any of them can.
#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "gateway/call.h"
#include "gateway/methods.h"
#include "gateway/reply.h"

static const struct upstream_facts *facts_of(struct call *call, struct server_spec *spec)
{
    const struct catalog *catalog = call_catalog(call, spec);
    return catalog ? upstream_facts(catalog_upstream(catalog), call->era) : NULL;
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

// The only server's own words, when it has any.
static const struct upstream_facts *own_facts(struct call *call)
{
    return call->exchange->only ? facts_of(call, call->exchange->only) : NULL;
}

static void add_capabilities(struct call *call, struct buf *buf)
{
    const struct upstream_facts *facts = own_facts(call);
    if (facts && json_raw_is(facts->capabilities, '{'))
        buf_add(buf, facts->capabilities);
    else
        add_union(call, buf);
}

static void add_info(struct call *call, struct buf *buf)
{
    const struct upstream_facts *facts = own_facts(call);
    bool named = facts && json_raw_is(facts->server_info, '{');
    buf_add(buf, named ? facts->server_info : VIEW(REPLY_SERVER_INFO));
}

static void add_instructions(struct call *call, struct buf *buf)
{
    const struct upstream_facts *facts = own_facts(call);
    if (!facts || !json_raw_is(facts->instructions, '"'))
        return;
    buf_add(buf, VIEW(",\"instructions\":"));
    buf_add(buf, facts->instructions);
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
    if (params->capabilities.size + params->client_info.size > LIMIT_CLIENT_WORDS) {
        call_error(call, RPC_INVALID_PARAMS, "The client says too much of itself");
        return false;
    }
    // Many clients never say that they have gone.
    if (call->principal->credential->sessions >= gateway->settings->sessions_per_key)
        session_end_idlest(call->principal->credential);
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
    return true;
}

// What both greetings say of the servers, one after the other in one text.
struct words {
    struct buf text;
    struct view capabilities, info, instructions;
};

static struct view since(const struct buf *text, size_t start)
{
    return (struct view){text->data + start, text->size - start};
}

// False, and the call has failed, when memory is short.
static bool find_words(struct call *call, struct words *ret_words)
{
    struct buf *text = &ret_words->text;
    buf_init(text, LIMIT_INPUT_FILE);
    add_capabilities(call, text);
    size_t info = text->size;
    add_info(call, text);
    size_t instructions = text->size;
    add_instructions(call, text);
    if (text->failed) {
        call_error(call, RPC_INTERNAL_ERROR, "The gateway is out of memory");
        return false;
    }
    ret_words->capabilities = (struct view){text->data, info};
    ret_words->info = (struct view){text->data + info, instructions - info};
    ret_words->instructions = since(text, instructions);
    return true;
}

static void words_done(struct words *words)
{
    buf_done(&words->text);
}

void hello_initialize(struct call *call, const struct incoming *incoming)
{
    static const unsigned want = WANT_FACTS;
    struct words words AUTO(words_done) = {0};
    if (!call->exchange->session && !open_session(call, &incoming->params))
        return;
    if (!call_want(call, incoming, NULL, &want, 1) || !find_words(call, &words))
        return;
    const struct view pieces[] = {VIEW("{\"protocolVersion\":\""),
                                  view_of(call->exchange->session->version),
                                  VIEW("\",\"capabilities\":"),
                                  words.capabilities,
                                  VIEW(",\"serverInfo\":"),
                                  words.info,
                                  words.instructions,
                                  VIEW("}")};
    call->exchange->opens_session = true;
    call_result(call, pieces, COUNT_OF(pieces));
}

void hello_discover(struct call *call, const struct incoming *incoming)
{
    static const unsigned want = WANT_FACTS;
    struct words words AUTO(words_done) = {0};
    if (!call_want(call, incoming, NULL, &want, 1) || !find_words(call, &words))
        return;
    const struct view pieces[] = {
        VIEW("{\"resultType\":\"complete\",\"supportedVersions\":" REPLY_VERSIONS
             ",\"capabilities\":"),
        words.capabilities,
        words.instructions,
        VIEW(",\"ttlMs\":60000,\"cacheScope\":\"private\",\"_meta\":{\"" MCP_META "serverInfo\":"),
        words.info,
        VIEW("}}")};
    call_result(call, pieces, COUNT_OF(pieces));
}
