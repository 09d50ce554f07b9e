// http_connect.c: from an origin to a connected stream. See http_parts.h.
//
// The name is resolved once, and the addresses judged here are those connected to: whoever answers
// the next question about the name has no say.
#include <stdlib.h>

#include "upstream/http_parts.h"

struct http_dial {
    struct http_exchange *exchange;
    struct resolve *resolve;
    struct stream *stream;
    struct endpoint addresses[RESOLVE_MAX]; // allowed ones
    size_t count, next;
    bool clear;      // an address was left out since it would be spoken to in clear
    int64_t give_up; // on the present address; loop_clock
};

static bool is_allowed(enum reach reach, bool allow_private_addresses)
{
    return reach == REACH_PUBLIC || (allow_private_addresses && reach != REACH_NOWHERE);
}

// Whatever goes to a public address without https, credentials first, can be read on its way.
static const char sentence_of_clear[] =
    "the gateway's policy refuses its address, which needs https";

static const char *sentence_of_policy(const struct http_pool *pool)
{
    return pool->allow_private_addresses
               ? "the gateway's policy refuses its address"
               : "the gateway's policy refuses its address, which is not public; an administrator "
                 "has to allow it (config update-server --allow-private-addresses)";
}

static bool would_be_clear(enum reach reach, const struct http_pool *pool)
{
    return reach == REACH_PUBLIC && !pool->https;
}

static const struct http_pool *pool_of(const struct http_dial *dial)
{
    return dial->exchange->route->pool;
}

static void dial_fail(struct http_dial *dial, enum http_failure why, const char *sentence)
{
    struct http_exchange *exchange = dial->exchange;
    http_dial_free(&exchange->dial);
    http_exchange_fail_soon(exchange, why, sentence);
}

static void on_connected(void *context)
{
    struct http_dial *dial = (struct http_dial *)context;
    struct http_exchange *exchange = dial->exchange;
    struct stream *stream = TAKE(dial->stream);
    http_dial_free(&exchange->dial);
    http_exchange_connected(exchange, stream);
}

static void try_next(struct http_dial *dial, const char *reason);

static void on_ended(void *context, const char *reason)
{
    try_next((struct http_dial *)context, reason ? reason : "the server closed the connection");
}

static const struct stream_events dial_events = {.connected = on_connected, .ended = on_ended};

// Each address gets its share of what is left of the time.
static int64_t share_of(const struct http_dial *dial, int64_t now)
{
    int64_t left = dial->exchange->deadline - now;
    return left > 0 ? left / (int64_t)(dial->count - dial->next) : 0;
}

// `reason`: why the one before did not do; static.
static void try_next(struct http_dial *dial, const char *reason)
{
    const struct http_pool *pool = pool_of(dial);
    struct err err;
    stream_close(&dial->stream);
    while (dial->next < dial->count) {
        int64_t now = loop_clock();
        dial->give_up = now + share_of(dial, now);
        const struct stream_order order = {
            .to = &dial->addresses[dial->next++],
            .tls = pool->https ? pool->client->tls : NULL,
            .host = pool->host,
            .events = &dial_events,
            .context = dial,
        };
        if (stream_connect(pool->client->loop, &order, &dial->stream, &err))
            return;
        reason = "the server cannot be connected to";
    }
    dial_fail(dial, HTTP_UNREACHABLE, reason);
}

static void on_resolved(void *context, const struct endpoint *found, size_t count,
                        const char *reason)
{
    struct http_dial *dial = (struct http_dial *)context;
    (void)reason;
    dial->resolve = NULL;
    for (size_t i = 0; i < count && dial->count < RESOLVE_MAX; i++) {
        char text[ENDPOINT_TEXT];
        endpoint_text(&found[i], text);
        enum reach reach = address_reach(view_of(text));
        if (would_be_clear(reach, pool_of(dial)))
            dial->clear = true;
        else if (is_allowed(reach, pool_of(dial)->allow_private_addresses))
            dial->addresses[dial->count++] = found[i];
    }
    if (count == 0)
        dial_fail(dial, HTTP_UNREACHABLE, "the name of the server cannot be resolved");
    else if (dial->count == 0)
        dial_fail(dial, HTTP_FORBIDDEN,
                  dial->clear ? sentence_of_clear : sentence_of_policy(pool_of(dial)));
    else
        try_next(dial, NULL);
}

// Reading all authorities of the system takes tens of milliseconds and megabytes: not before it is
// needed.
static bool have_tls(struct http_client *client)
{
    struct err err;
    if (!client->tls && tls_new_client(NULL, &client->own_tls, &err))
        client->tls = client->own_tls;
    return client->tls != NULL;
}

void http_dial_start(struct http_exchange *exchange)
{
    const struct http_pool *pool = exchange->route->pool;
    enum reach reach = address_reach(view_of(pool->host));
    if (reach != REACH_NAME && !is_allowed(reach, pool->allow_private_addresses)) {
        http_exchange_fail_soon(exchange, HTTP_FORBIDDEN, sentence_of_policy(pool));
        return;
    }
    if (would_be_clear(reach, pool)) {
        http_exchange_fail_soon(exchange, HTTP_FORBIDDEN, sentence_of_clear);
        return;
    }
    if (pool->https && !have_tls(pool->client)) {
        http_exchange_fail_soon(exchange, HTTP_UNREACHABLE,
                                "the certificate authorities cannot be read");
        return;
    }
    struct http_dial *dial = (struct http_dial *)calloc(1, sizeof *dial);
    if (!dial) {
        http_exchange_fail_soon(exchange, HTTP_MEMORY, "out of memory");
        return;
    }
    dial->exchange = exchange;
    exchange->dial = dial;
    const struct resolve_order order = {
        .host = pool->host, .port = pool->port, .done = on_resolved, .context = dial};
    struct err err;
    if (!resolve_start(pool->client->loop, &order, &dial->resolve, &err))
        dial_fail(dial, err.kind == ERR_MEMORY ? HTTP_MEMORY : HTTP_UNREACHABLE,
                  "the name of the server cannot be resolved");
}

void http_dial_tick(struct http_dial *dial, int64_t now)
{
    if (dial->stream && now >= dial->give_up && dial->next < dial->count)
        try_next(dial, "the server does not answer");
}

void http_dial_free(struct http_dial **dial)
{
    if (!*dial)
        return;
    resolve_cancel(&(*dial)->resolve);
    stream_close(&(*dial)->stream);
    free(*dial);
    *dial = NULL;
}
