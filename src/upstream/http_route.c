// http_route.c: the part of a request's head that is the same for all requests of a spec. See
// http_parts.h.
//
// It holds credentials: they are kept once per spec, out of core dumps, and go to the stream from
// here without a copy on the way.
#include <stdlib.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/many.h"
#include "base/text.h"
#include "upstream/http_parts.h"

enum { SWEPT_AT_ONCE = 64 }; // buckets

#define USER_AGENT "secure-mcp-gateway/" SMG_VERSION

bool http_name_is_clean(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c == ':' || c == 0x7f)
            return false;
    }
    return name.size > 0;
}

bool http_value_is_clean(struct view value)
{
    const char *at = value.data, *end = value.data + value.size;
    while (end - at >= 8 && !word_has_control(word_load(at)))
        at += 8;
    for (; at < end; at++)
        if (*at == 0x7f || ((unsigned char)*at < ' ' && *at != '\t'))
            return false;
    return true;
}

bool http_name_is_ours(struct view name)
{
    static const struct view ours[] = {
        VIEW("Host"),    VIEW("Content-Length"), VIEW("Transfer-Encoding"), VIEW("Connection"),
        VIEW("Upgrade"), VIEW("Keep-Alive"),     VIEW("Proxy-Connection"),  VIEW("TE"),
        VIEW("Trailer"), VIEW("Expect"),         VIEW("Accept-Encoding"),
    };
    for (size_t i = 0; i < COUNT_OF(ours); i++)
        if (text_same(name, ours[i]))
            return true;
    return false;
}

static bool is_left_out(size_t header, uint64_t left_out)
{
    return header < 64 && left_out >> header & 1;
}

static void add_host(struct buf *head, const struct url *url)
{
    bool six = memchr(url->host.data, ':', url->host.size) != NULL;
    buf_add_format(head, "Host: %s%.*s%s", six ? "[" : "", VIEW_ARG(url->host), six ? "]" : "");
    if (url->port != (url->https ? 443 : 80))
        buf_add_format(head, ":%u", (unsigned)url->port);
    buf_add(head, VIEW("\r\n"));
}

// `user:password` of a URL, with %XX as the bytes they stand for.
static void add_user(struct buf *user, const struct server_spec *spec)
{
    struct view rest = view_skip(spec->url_text, spec->url.https ? 8 : 7);
    size_t size = 0;
    while (size < rest.size && !memchr("/?#", rest.data[size], 3))
        size++;
    const char *end = (const char *)memrchr(rest.data, '@', size);
    for (const char *at = rest.data; end && at < end; at++) {
        bool coded = *at == '%' && end - at > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;
        buf_add_char(user, coded ? (char)(hex_digit(at[1]) * 16 + hex_digit(at[2])) : *at);
        at += coded ? 2 : 0;
    }
    if (user->size == 0 || !memchr(user->data, ':', user->size))
        buf_add_char(user, ':');
}

// RFC 7617, as all clients understand `user:password@` in a URL.
static void add_basic(struct buf *head, const struct server_spec *spec)
{
    struct buf user;
    buf_init(&user, LIMIT_URL);
    user.secret = true;
    add_user(&user, spec);
    buf_add(head, VIEW("Authorization: Basic "));
    base64_add(head, buf_view(&user));
    buf_add(head, VIEW("\r\n"));
    head->failed = head->failed || user.failed;
    buf_done(&user);
}

static void add_headers(struct buf *head, const struct server_spec *spec, uint64_t left_out)
{
    bool agent = false, authorized = false;
    for (size_t i = 0; i < spec->header_count; i++) {
        const struct server_header *header = &spec->headers[i];
        agent = agent || text_same(header->name, VIEW("User-Agent"));
        authorized = authorized || text_same(header->name, VIEW("Authorization"));
        if (http_name_is_ours(header->name) || is_left_out(i, left_out) ||
            !http_name_is_clean(header->name) || !http_value_is_clean(header->value))
            continue; // no config has such
        buf_add(head, header->name);
        buf_add(head, VIEW(": "));
        buf_add(head, header->value);
        buf_add(head, VIEW("\r\n"));
    }
    if (spec->url.credentials && !authorized)
        add_basic(head, spec);
    if (!agent) // some servers refuse whoever does not say what it is
        buf_add(head, VIEW("User-Agent: " USER_AGENT "\r\n"));
}

struct view http_route_head(struct http_route *route, uint64_t left_out)
{
    const struct url *url = &route->spec->url;
    if (!route->made || route->left_out != left_out) {
        buf_clear(&route->head);
        buf_add_char(&route->head, ' ');
        if (url->target.size == 0 || url->target.data[0] != '/')
            buf_add_char(&route->head, '/');
        buf_add(&route->head, url->target);
        buf_add(&route->head, VIEW(" HTTP/1.1\r\n"));
        add_host(&route->head, url);
        add_headers(&route->head, route->spec, left_out);
        route->left_out = left_out;
        route->made = !route->head.failed;
    }
    return route->made ? buf_view(&route->head) : (struct view){NULL, 0};
}

uint64_t http_route_clashes(const struct http_route *route, const struct http_order *order)
{
    const struct server_spec *spec = route->spec;
    uint64_t clashes = 0;
    for (size_t i = 0; i < spec->header_count && i < 64; i++)
        for (size_t j = 0; j < order->field_count; j++)
            if (text_same(spec->headers[i].name, order->fields[j].name))
                clashes |= UINT64_C(1) << i;
    return clashes;
}

static struct http_route **bucket_of(struct http_client *client, const struct server_spec *spec)
{
    uint64_t mixed = (uint64_t)(uintptr_t)spec * UINT64_C(0x9e3779b97f4a7c15);
    return &client->routes[mixed >> 32 & (ROUTE_BUCKETS - 1)];
}

struct http_route *http_route_get(struct http_client *client, struct server_spec *spec)
{
    struct http_route **bucket = bucket_of(client, spec);
    for (struct http_route *route = *bucket; route; route = route->next)
        if (route->spec == spec)
            return route;
    struct http_pool *pool = http_pool_get(client, spec);
    struct http_route *route = (struct http_route *)calloc(1, sizeof *route);
    if (!pool || !route) {
        free(route);
        return NULL;
    }
    route->spec = server_spec_ref(spec);
    route->pool = pool;
    pool->users++;
    buf_init(&route->head, 2 * LIMIT_SERVER_RECORD); // the headers are a part of the record
    route->head.secret = true;
    route->next = *bucket;
    *bucket = route;
    return route;
}

static void route_free(struct http_route *route)
{
    route->pool->users--;
    server_spec_unref(&route->spec);
    buf_done(&route->head);
    free(route);
}

static void sweep_bucket(struct http_route **bucket)
{
    while (*bucket) {
        struct http_route *route = *bucket;
        if (route->users == 0 && route->spec->references == 1) {
            *bucket = route->next;
            route_free(route);
        } else {
            bucket = &route->next;
        }
    }
}

void http_routes_sweep(struct http_client *client)
{
    for (unsigned i = 0; i < SWEPT_AT_ONCE; i++)
        sweep_bucket(&client->routes[client->next_bucket++ & (ROUTE_BUCKETS - 1)]);
}

void http_routes_free(struct http_client *client)
{
    for (size_t i = 0; i < ROUTE_BUCKETS; i++)
        while (client->routes[i]) {
            struct http_route *route = client->routes[i];
            client->routes[i] = route->next;
            route_free(route);
        }
}
