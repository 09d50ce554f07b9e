// handshake.c: from an open transport to a READY link.
//
// The era that the asker speaks is tried first, unless the server's is known. A server that does
// not understand is asked in the other one: a child on the same pipe, over HTTP on a link of that
// era, since these belong to others. What is not understood is remembered only when the other era
// worked, and only when the server said so: one that is out of order, or lost, says nothing about
// its era. So an era that failed like that is tried once more when the other one was refused. What
// a child says by ending, or by hanging up, is taken for a refusal only when the other era works.
#include "base/json_walk.h"
#include "upstream/link.h"

static const struct upcall_events discover_events, initialize_events;

#define SELF "{\"name\":\"secure-mcp-gateway\",\"version\":\"" SMG_VERSION "\"}"
#define SHARED_CAPABILITIES "{\"roots\":{\"listChanged\":true},\"sampling\":{},\"elicitation\":{}}"

void handshake_forget(struct link *link)
{
    struct upcall *discover = TAKE(link->handshake.discover);
    struct upcall *initialize = TAKE(link->handshake.initialize);
    if (discover)
        upcall_forget(discover, false);
    if (initialize)
        upcall_forget(initialize, false);
}

static void no_memory(struct link *link)
{
    link_fail(link, UPCALL_MEMORY, "the gateway is short of memory");
}

static void send_discover(struct link *link)
{
    link->era = MCP_MODERN;
    link->handshake.discover = upcall_own(link, MCP_DISCOVER, (struct view){0}, &discover_events);
    if (!link->handshake.discover)
        no_memory(link);
}

static void send_initialize(struct link *link)
{
    bool own = link->owner.scope == SCOPE_SESSION;
    struct view info = own ? link->client_info : VIEW(SELF);
    struct buf params;
    buf_init(&params, link->capabilities.size + info.size + 1024);
    buf_add_format(&params, "{\"protocolVersion\":\"%s\",\"capabilities\":",
                   mcp_legacy_versions[mcp_legacy_version_count - 1]);
    if (link->owner.scope == SCOPE_KEY)
        mcp_can_add(&params, link->owner.can);
    else if (own)
        buf_add(&params, link->capabilities.data ? link->capabilities : VIEW("{}"));
    else // several clients share it: a question that an asker cannot answer is refused then
        buf_add(&params, VIEW(SHARED_CAPABILITIES));
    buf_add(&params, VIEW(",\"clientInfo\":"));
    buf_add(&params, info.data ? info : VIEW(SELF));
    buf_add(&params, VIEW("}"));
    link->handshake.initialize =
        params.failed ? NULL
                      : upcall_own(link, MCP_INITIALIZE, buf_view(&params), &initialize_events);
    buf_done(&params);
    if (!link->handshake.initialize)
        no_memory(link);
}

static void ask_in(struct link *link, enum mcp_era era)
{
    link->era = era;
    link->handshake.status = 0;
    if (era == MCP_MODERN)
        send_discover(link);
    else
        send_initialize(link);
}

void handshake_begin(struct link *link)
{
    ask_in(link, link->era);
}

// --- the outcome -----------------------------------------------------------------------------
static void now_ready(struct link *link)
{
    if (link->state == LINK_STARTING)
        link_ready(link, link->era);
}

// The server speaks this era. A child that bore the other one badly does not speak that.
static void judge(struct upstream *upstream, enum mcp_era era, const struct handshake *tried)
{
    unsigned against = upstream->spec->http ? tried->refused : tried->tried;
    if (against & 1u << mcp_other_era(era))
        upstream_judge(upstream, mcp_other_era(era), VERDICT_NO);
    upstream_judge(upstream, era, VERDICT_YES);
}

// The same, and that is what it says of itself.
static void settle(struct link *link, enum mcp_era era, const struct upstream_facts *facts)
{
    struct upstream *upstream = link->upstream;
    judge(upstream, era, &link->handshake);
    upstream_found(upstream, facts);
    struct link *twin = links_twin(link, era);
    if (twin && twin->state == LINK_READY) {
        // It was made for the other era; that one speaks with the server already, and is what is
        // found now.
        link->era = mcp_other_era(era);
        while (!list_empty(&link->waiting))
            upcall_reroute(OUTER(link->waiting.next, struct upcall, node), era, NULL);
        link_end(link, "the server speaks one era only");
        return;
    }
    link->era = era;
    link->wanted = era;
    link_log(link, "ready", era == MCP_MODERN ? MCP_MODERN_VERSION : link->version);
    if (era == MCP_MODERN)
        now_ready(link);
    else // nothing may be asked before this has arrived
        link->ops->post(link,
                        VIEW("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"),
                        false, now_ready);
}

// To a link of the other era, with all that waits.
static void move_on(struct link *link, enum mcp_era era, bool refused)
{
    struct handshake tried = link->handshake;
    while (!list_empty(&link->waiting))
        upcall_reroute(OUTER(link->waiting.next, struct upcall, node), era, &tried);
    link_rest(link);
    link->moved = true;
    link->outage = !refused;
}

void handshake_goes_on(struct link *link, const struct handshake *tried)
{
    if (link->state == LINK_READY) { // nothing is left to be found
        judge(link->upstream, link->era, tried);
        return;
    }
    if (link->state != LINK_STARTING)
        return;
    link->handshake.tried |= tried->tried;
    link->handshake.refused |= tried->refused;
}

// Why an era did not work.
struct setback {
    bool refused; // in the server's own words
    enum upcall_failure why;
    const char *sentence; // of a link that has no other era to try
};

static const struct setback refusal = {
    true, UPCALL_GARBLED, "the server speaks no protocol version that the gateway knows"};
static const struct setback out_of_order = {false, UPCALL_UNREACHABLE,
                                            "the server is out of order"};

static void did_not_work(struct link *link, enum mcp_era era, struct setback setback)
{
    struct handshake *handshake = &link->handshake;
    enum mcp_era other = mcp_other_era(era);
    handshake->tried |= 1u << era;
    if (setback.refused) {
        handshake->refused |= 1u << era;
        links_let_off(link->upstream);
    }
    if (handshake->discover || handshake->initialize)
        return; // the other one is under way
    unsigned done = setback.refused ? handshake->refused : handshake->tried;
    if (link->upstream->spec->protocol != PROTOCOL_AUTO || (done & 1u << other))
        link_fail(link, setback.why, setback.sentence);
    else if (link->ops == &link_http)
        move_on(link, other, setback.refused);
    else
        ask_in(link, other);
}

static void not_understood(struct link *link, enum mcp_era era)
{
    did_not_work(link, era, status_is_for_now(link->handshake.status) ? out_of_order : refusal);
}

static void failed(struct link *link, enum mcp_era era, enum upcall_failure why,
                   const char *sentence)
{
    int status = link->handshake.status;
    bool answered = why == UPCALL_GARBLED || (status >= 400 && why != UPCALL_UNAUTHORIZED);
    if (answered && !status_is_for_now(status))
        did_not_work(link, era, refusal);
    else if (answered || (why == UPCALL_DIED && link->ops == &link_http))
        did_not_work(link, era, (struct setback){false, why, sentence});
    else
        link_fail(link, why, sentence);
}

// --- another child ---------------------------------------------------------------------------
// What waits for a child goes to the next one, which is asked in that era.
static void hand_over(struct link *link, struct link *heir, enum mcp_era era,
                      const struct handshake *tried)
{
    heir->era = era;
    link_start(heir);
    handshake_goes_on(heir, tried);
    while (!list_empty(&link->waiting)) {
        struct upcall *call = OUTER(link->waiting.next, struct upcall, node);
        if (heir->state == LINK_STARTING)
            upcall_reroute(call, era, NULL);
        else
            upcall_fail(call, UPCALL_UNREACHABLE, link_could_not_start, false);
    }
}

// One that kept silent for a while, and so was asked in both eras, speaks the modern one; but the
// other question may be the last that it has heard, and which era it takes this for only it knows.
// False when memory is short.
static bool ask_another(struct link *link)
{
    const struct handshake tried = {0};
    struct link *heir = links_heir(link);
    if (!heir)
        return false;
    link_log(link, "restarted", "it was slow, and asked in both eras: it is asked in one");
    upstream_judge(link->upstream, MCP_MODERN, VERDICT_YES);
    heir->failures = link->failures;
    hand_over(link, heir, MCP_MODERN, &tried);
    link_end(link, "the server is started anew");
    return true;
}

// --- server/discover -------------------------------------------------------------------------
// Whether a list of versions has ours; a server that names none is believed.
static bool names_modern(struct view versions)
{
    if (!json_raw_is(versions, '['))
        return true;
    struct json_walk walk = json_walk(versions);
    struct view name, value;
    while (json_walk_next(&walk, &name, &value))
        if (view_is(value, "\"" MCP_MODERN_VERSION "\""))
            return true;
    return false;
}

// Whether an error shows that the server speaks the modern era, though not to this request.
static bool is_modern_error(struct view error)
{
    long long code;
    if (!json_raw_int(json_walk_member(error, "code"), &code))
        return false;
    if (code == RPC_UNSUPPORTED_VERSION)
        return names_modern(json_walk_member(json_walk_member(error, "data"), "supported"));
    return code == RPC_HEADER_MISMATCH || code == RPC_MISSING_CAPABILITY;
}

static void discovered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct link *link = context;
    (void)era;
    struct view result = response->result;
    bool modern =
        json_raw_is(result, '{') && names_modern(json_walk_member(result, "supportedVersions"));
    if (response->kind == RPC_ERROR)
        modern = is_modern_error(response->error);
    link->handshake.discover = NULL;
    if (!modern) {
        not_understood(link, MCP_MODERN);
        return;
    }
    if (link->handshake.initialize && ask_another(link))
        return;
    struct view info = json_walk_member(result, "serverInfo");
    struct view meta_info =
        json_walk_member(json_walk_member(result, "_meta"), MCP_META "serverInfo");
    struct upstream_facts facts = {.era = MCP_MODERN,
                                   .capabilities = json_walk_member(result, "capabilities"),
                                   .server_info = meta_info.data ? meta_info : info,
                                   .instructions = json_walk_member(result, "instructions")};
    handshake_forget(link);
    settle(link, MCP_MODERN, &facts);
}

static void discover_failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct link *link = context;
    link->handshake.discover = NULL;
    if (link->ops == &link_stdio && upstream_verdict(link->upstream, MCP_MODERN) == VERDICT_YES)
        // what is started next time may be another server
        upstream_judge(link->upstream, MCP_MODERN, VERDICT_UNKNOWN);
    failed(link, MCP_MODERN, why, sentence);
}

static const struct upcall_events discover_events = {.answered = discovered,
                                                     .failed = discover_failed};

void handshake_silence(struct link *link)
{
    if (link->ops == &link_stdio && upstream_verdict(link->upstream, MCP_MODERN) != VERDICT_YES &&
        !(link->handshake.refused & 1u << MCP_LEGACY))
        send_initialize(link);
}

// --- children that end -----------------------------------------------------------------------
// The era of the first thing that the child was told and has not answered.
static enum mcp_era asked_in(const struct link *link)
{
    return link->handshake.discover ? MCP_MODERN : MCP_LEGACY;
}

// Whether it may be that era that the child did not bear.
static bool may_be_of_the_other(const struct link *link)
{
    const struct handshake *handshake = &link->handshake;
    return link->state == LINK_STARTING && (handshake->discover || handshake->initialize) &&
           link->upstream->spec->protocol == PROTOCOL_AUTO &&
           !(handshake->tried & 1u << mcp_other_era(asked_in(link)));
}

bool handshake_child_exited(struct link *link)
{
    const struct handshake tried = {.tried = 1u << asked_in(link)};
    if (!may_be_of_the_other(link) || (link->handshake.discover && link->handshake.initialize))
        return false;
    link->era = mcp_other_era(asked_in(link));
    handshake_forget(link);
    link->ops->close(link);
    link_start(link);
    handshake_goes_on(link, &tried);
    return true;
}

bool handshake_child_hung_up(struct link *link, struct link *heir)
{
    const struct handshake tried = {.tried = 1u << asked_in(link)};
    if (!may_be_of_the_other(link)) // of two that are under way the second was told to nobody
        return false;
    hand_over(link, heir, mcp_other_era(asked_in(link)), &tried);
    return true;
}

// --- initialize ------------------------------------------------------------------------------
static bool keep_version(struct link *link, struct view result)
{
    char space[LINK_VERSION];
    struct view version =
        json_raw_text(json_walk_member(result, "protocolVersion"), space, sizeof(space));
    if (!mcp_is_legacy_version(version) || version.size >= sizeof(link->version))
        return false;
    memcpy(link->version, version.data, version.size);
    link->version[version.size] = '\0';
    return true;
}

static void init_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct link *link = context;
    (void)era;
    link->handshake.initialize = NULL;
    if (response->kind != RPC_RESULT || !keep_version(link, response->result)) {
        not_understood(link, MCP_LEGACY);
        return;
    }
    if (link->handshake.discover) // it keeps silent about what it does not know
        link->handshake.tried |= 1u << MCP_MODERN;
    handshake_forget(link);
    struct view result = response->result;
    struct upstream_facts facts = {.era = MCP_LEGACY,
                                   .capabilities = json_walk_member(result, "capabilities"),
                                   .server_info = json_walk_member(result, "serverInfo"),
                                   .instructions = json_walk_member(result, "instructions")};
    settle(link, MCP_LEGACY, &facts);
}

static void init_failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct link *link = context;
    link->handshake.initialize = NULL;
    failed(link, MCP_LEGACY, why, sentence);
}

static const struct upcall_events initialize_events = {.answered = init_answered,
                                                       .failed = init_failed};
