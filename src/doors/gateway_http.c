// gateway_http.c: what a request asks for, and who may ask it. See gateway_conn.h.
#include <string.h>

#include "base/json_out.h"
#include "base/limits.h"
#include "doors/gateway_check.h"
#include "doors/gateway_conn.h"
#include "doors/gateway_reply.h"
#include "gateway/gateway.h"
#include "wire/jsonrpc.h"

static const struct refusal not_found = {404, RPC_INVALID_REQUEST, "Not found: MCP is at /mcp",
                                         NULL};
static const struct refusal bad_target = {400, RPC_INVALID_REQUEST, "The target is not well made",
                                          NULL};
static const struct refusal no_query = {
    400, RPC_INVALID_REQUEST, "Nothing may be said in the URL: keys belong in a header", NULL};
static const struct refusal bad_method = {405, RPC_INVALID_REQUEST, "Method not allowed",
                                          "Allow: POST, GET, DELETE\r\n"};
static const struct refusal read_only = {405, RPC_INVALID_REQUEST, "Method not allowed",
                                         "Allow: GET, HEAD\r\n"};
static const struct refusal twice = {400, RPC_INVALID_REQUEST,
                                     "A header field stands there twice and differently", NULL};
static const struct refusal two_keys = {400, RPC_INVALID_REQUEST, "Two different keys", NULL};
static const struct refusal denied = {401, RPC_INVALID_REQUEST, "No valid API key",
                                      "WWW-Authenticate: Bearer realm=\"mcp\"\r\n"};
static const struct refusal unavailable = {
    503, RPC_INTERNAL_ERROR, "Keys cannot be examined at the moment", "Retry-After: 1\r\n"};
static const struct refusal too_large = {413, RPC_INVALID_REQUEST, "The body is too large", NULL};
static const struct refusal no_body = {413, RPC_INVALID_REQUEST, "Only POST has a body", NULL};

// Where a request goes.
enum route { ROUTE_NONE, ROUTE_BAD, ROUTE_MCP, ROUTE_HEALTH, ROUTE_READY };

struct target {
    enum route route;
    bool query;
    struct view server;    // of /mcp/{server}; {NULL, 0}: none
    char room[LIMIT_NAME]; // of the server, decoded
};

// A request on its way to the gateway.
struct entry {
    struct asked asked;
    struct target target;
    struct principal *principal;
};

// --- targets ---------------------------------------------------------------------------------
// The path and the query; `*ret_authority` is that of an absolute target, else {NULL, 0}.
static struct view path_of(struct view target, struct view *ret_authority)
{
    static const struct view schemes[] = {{"http://", 7}, {"https://", 8}};
    *ret_authority = (struct view){NULL, 0};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (!view_starts(target, schemes[i]))
            continue;
        struct view rest = view_skip(target, schemes[i].size);
        const char *slash = (const char *)memchr(rest.data, '/', rest.size);
        size_t size = slash ? (size_t)(slash - rest.data) : rest.size;
        *ret_authority = (struct view){rest.data, size};
        return slash ? view_skip(rest, size) : VIEW("/");
    }
    return target;
}

static void read_mcp(struct view rest, struct target *target)
{
    target->route = ROUTE_MCP;
    if (rest.size == 0 || view_is(rest, "/"))
        return;
    rest = view_skip(rest, 1);
    if (rest.size > 1 && rest.data[rest.size - 1] == '/')
        rest.size--; // as with /mcp/
    target->server = percent_decode(rest, target->room, sizeof target->room);
    if (memchr(rest.data, '/', rest.size))
        target->route = ROUTE_NONE;
    else if (!target->server.data || target->server.size == 0)
        target->route = ROUTE_BAD;
}

static void read_target(const struct http_head *head, struct target *ret_target)
{
    static const struct view mcp = {"/mcp", 4};
    struct view authority;
    struct view path = path_of(head->target, &authority);
    const char *mark = (const char *)memchr(path.data, '?', path.size);
    ret_target->server = (struct view){NULL, 0};
    ret_target->route = ROUTE_NONE;
    ret_target->query = mark != NULL;
    path.size = mark ? (size_t)(mark - path.data) : path.size;
    if (authority.data && !view_equal(authority, http_value(head, "Host")))
        ret_target->route = ROUTE_BAD;
    else if (view_is(path, "/healthz"))
        ret_target->route = ROUTE_HEALTH;
    else if (view_is(path, "/readyz"))
        ret_target->route = ROUTE_READY;
    else if (view_starts(path, mcp) && (path.size == mcp.size || path.data[mcp.size] == '/'))
        read_mcp(view_skip(path, mcp.size), ret_target);
}

// --- health ----------------------------------------------------------------------------------
static void tell_health(struct conn *conn, enum route route)
{
    const char *reason = NULL;
    if (route == ROUTE_HEALTH)
        reply_text(conn, 200, VIEW("{\"status\":\"ok\"}"));
    else if (conn->door->draining)
        reply_text(conn, 503, VIEW("{\"status\":\"draining\"}"));
    else if (gateway_ready(conn->door->gateway, &reason))
        reply_text(conn, 200, VIEW("{\"status\":\"ready\"}"));
    else {
        struct buf text AUTO(buf_done);
        buf_init(&text, 4096);
        buf_add(&text, VIEW("{\"status\":\"unavailable\",\"reason\":"));
        json_add_string(&text, view_of(reason ? reason : "not ready"));
        buf_add_char(&text, '}');
        reply_text(conn, 503, buf_view(&text));
    }
}

// --- judging ---------------------------------------------------------------------------------
static enum http_verdict refuse(struct conn *conn, const struct refusal *refusal)
{
    if (refusal == &denied)
        conn->door->counters.denied++;
    reply_refuse(conn, refusal);
    return HTTP_ANSWERED;
}

// Everything that needs no key. NULL when it is in order.
static const struct refusal *check_form(struct conn *conn, const struct http_head *head,
                                        const struct entry *entry)
{
    const struct refusal *refusal = check_origin(conn->door->settings, &entry->asked, &conn->cors);
    if (refusal)
        return refusal;
    if (entry->target.route != ROUTE_MCP)
        return entry->target.route == ROUTE_BAD ? &bad_target : &not_found;
    if (!view_is(head->method, "POST") && !view_is(head->method, "GET") &&
        !view_is(head->method, "DELETE") && !(view_is(head->method, "OPTIONS") && conn->cors))
        return &bad_method;
    if (entry->target.query)
        return &no_query;
    return entry->asked.twice ? &twice : NULL;
}

static const struct refusal *check_key(struct conn *conn, struct entry *entry)
{
    const struct asked *asked = &entry->asked;
    struct view key;
    if (!asked_key(asked, &key))
        return &two_keys;
    if (!key.data) // as slow, or fast, as any bad key
        key = VIEW("");
    switch (front_authenticate(conn->door->gateway, key, &entry->principal)) {
    case FRONT_GRANTED:
        return front_agrees(conn->door->gateway, entry->principal, asked->project_id,
                            asked->user_id)
                   ? NULL
                   : &denied;
    case FRONT_UNAVAILABLE:
        return &unavailable;
    default:
        return &denied;
    }
}

// A body where there is nothing to be said is refused before it comes, and none is waited for. One
// in chunks may turn out to be empty: so proxies write it that do not know yet.
static const struct refusal *check_size(const struct conn *conn, struct http_request *request)
{
    const struct http_head *head = &request->head;
    const bool post = view_is(head->method, "POST");
    request->body_most = post ? conn->door->settings->request_body : 0;
    if (!head->has_length || head->length <= request->body_most)
        return NULL;
    return post ? &too_large : &no_body;
}

// What is asked, by whom, and of whose worker.
static const struct refusal *check_asker(struct conn *conn, struct http_request *request,
                                         struct entry *entry)
{
    const struct refusal *refusal = check_key(conn, entry);
    if (refusal)
        return refusal;
    request->key = front_key(entry->principal);
    request->owner = front_owner(entry->principal, conn->door->workers);
    stream_belongs(conn->stream, request->key);
    return check_content(&entry->asked, request->head.method);
}

// What anybody may ask.
static const struct refusal *check_probe(const struct http_head *head)
{
    return view_is(head->method, "GET") || view_is(head->method, "HEAD") ? NULL : &read_only;
}

// HTTP_TAKE when it is in order; `entry->principal` is the caller's in any case.
static enum http_verdict judge(struct conn *conn, struct http_request *request, struct entry *entry)
{
    struct http_head *head = &request->head;
    read_target(head, &entry->target);
    const enum route route = entry->target.route;
    const bool probe = route == ROUTE_HEALTH || route == ROUTE_READY;
    const bool keyless = probe || view_is(head->method, "OPTIONS");
    conn->cors = NULL;
    conn->bodiless = view_is(head->method, "HEAD");
    request->key = 0;
    request->owner = conn->door->worker;
    // A body that is not read must not be taken for the next request.
    bool closing = conn->closing;
    conn->closing = closing || !request->whole;
    asked_read(head, &entry->asked);
    const struct refusal *refusal = probe ? check_probe(head) : check_form(conn, head, entry);
    if (!refusal && !keyless)
        refusal = check_asker(conn, request, entry);
    if (request->owner != conn->door->worker)
        return HTTP_ELSEWHERE;
    if (!refusal)
        refusal = check_size(conn, request);
    if (refusal)
        return refuse(conn, refusal);
    conn->closing = closing;
    if (!keyless || !request->whole)
        return HTTP_TAKE;
    if (probe)
        tell_health(conn, route);
    else
        reply_preflight(conn);
    return HTTP_ANSWERED;
}

enum http_verdict http_judge(struct conn *conn, struct http_request *request)
{
    struct entry entry;
    entry.principal = NULL;
    enum http_verdict verdict = judge(conn, request, &entry);
    front_principal_unref(&entry.principal);
    return verdict;
}

void http_deny(struct conn *conn)
{
    conn->closing = true;
    (void)refuse(conn, &denied);
}

// --- to the gateway --------------------------------------------------------------------------
static void give(struct conn *conn, const struct http_head *head, struct entry *entry,
                 struct view body)
{
    static const struct refusal no_memory = {503, RPC_INTERNAL_ERROR, "Out of memory", NULL};
    const struct asked *asked = &entry->asked;
    const struct front_request request = {.principal = entry->principal,
                                          .server = entry->target.server,
                                          .session_id = asked->session_id,
                                          .version = asked->version,
                                          .method = asked->method,
                                          .name = asked->name,
                                          .last_event_id = asked->last_event_id,
                                          .parameter_fields = asked->parameters,
                                          .parameter_field_count = asked->parameter_count,
                                          .body = body};
    struct gateway *gateway = conn->door->gateway;
    struct exchange *exchange = NULL;
    if (view_is(head->method, "POST"))
        exchange = front_post(gateway, &request, &reply_ops, conn);
    else if (view_is(head->method, "GET"))
        exchange = front_get(gateway, &request, &reply_ops, conn);
    else
        front_delete(gateway, &request, &reply_ops, conn);
    if (!exchange && !conn->answered)
        reply_refuse(conn, &no_memory);
    else
        conn->exchange = exchange;
    conn_is_read_by(conn, TAKE(entry->principal));
}

enum http_verdict http_dispatch(struct conn *conn, struct http_request *request, struct view body)
{
    struct entry entry;
    entry.principal = NULL;
    enum http_verdict verdict = judge(conn, request, &entry);
    if (verdict == HTTP_TAKE) {
        give(conn, &request->head, &entry, body);
        verdict = HTTP_ANSWERED;
    }
    front_principal_unref(&entry.principal);
    return verdict;
}
