// http_pool.c: origins and their idle connections. See http_parts.h.
#include <stdlib.h>

#include "base/text.h"
#include "upstream/http_parts.h"

enum { IDLE_MOST = 64 }; // per origin: as many calls as one key may have under way

static bool is_origin_of(const struct http_pool *pool, const struct server_spec *spec)
{
    return pool->port == spec->url.port && pool->https == spec->url.https &&
           pool->allow_private_addresses == spec->allow_private_addresses &&
           view_is(spec->url.host, pool->host);
}

struct http_pool *http_pool_get(struct http_client *client, const struct server_spec *spec)
{
    for (struct http_pool *pool = client->pools; pool; pool = pool->next)
        if (is_origin_of(pool, spec))
            return pool;
    struct http_pool *pool = (struct http_pool *)calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    if (!text_copy(pool->host, sizeof pool->host, spec->url.host)) {
        free(pool); // cannot be: url_read has measured it
        return NULL;
    }
    pool->client = client;
    pool->https = spec->url.https;
    pool->port = spec->url.port;
    pool->allow_private_addresses = spec->allow_private_addresses;
    list_init(&pool->idle);
    pool->next = client->pools;
    client->pools = pool;
    return pool;
}

static struct http_connection *connection_at(struct node *node)
{
    return OUTER(node, struct http_connection, node);
}

// Idle connections are in the idle list and counted; the others are on no list.
static void leave_idle(struct http_connection *connection)
{
    if (!node_listed(&connection->node))
        return;
    node_remove(&connection->node);
    connection->pool->idle_count--;
}

struct http_connection *http_pool_take(struct http_pool *pool, int64_t now)
{
    while (!list_empty(&pool->idle)) {
        struct http_connection *connection = connection_at(pool->idle.next);
        leave_idle(connection);
        if (now < connection->keep_until)
            return connection;
        http_connection_close(connection);
    }
    return NULL;
}

static void sweep_idle(struct http_pool *pool, int64_t now)
{
    struct node *next;
    for (struct node *at = pool->idle.next; at != &pool->idle; at = next) {
        next = at->next;
        if (now >= connection_at(at)->keep_until)
            http_connection_close(connection_at(at));
    }
}

void http_pools_sweep(struct http_client *client, int64_t now)
{
    struct http_pool **at = &client->pools;
    while (*at) {
        struct http_pool *pool = *at;
        sweep_idle(pool, now);
        if (pool->users == 0 && pool->idle_count == 0) {
            *at = pool->next;
            free(pool);
        } else {
            at = &pool->next;
        }
    }
}

void http_pools_free(struct http_client *client)
{
    http_pools_sweep(client, INT64_MAX);
}

struct http_connection *http_connection_new(struct http_pool *pool, struct stream *stream)
{
    struct http_connection *connection = (struct http_connection *)calloc(1, sizeof *connection);
    if (!connection) {
        stream_close(&stream);
        return NULL;
    }
    connection->pool = pool;
    connection->stream = stream;
    buf_init(&connection->head, pool->client->settings->request_head);
    stream_handle(stream, &http_connection_events, connection);
    return connection;
}

void http_connection_close(struct http_connection *connection)
{
    leave_idle(connection);
    stream_close(&connection->stream);
    connection->closed = true;
    connection->exchange = NULL;
    if (connection->telling)
        return; // who tells frees it
    buf_done(&connection->head);
    free(connection);
}

void http_connection_keep(struct http_connection *connection, int64_t now)
{
    struct http_pool *pool = connection->pool;
    if (pool->idle_count == IDLE_MOST)
        http_connection_close(connection_at(pool->idle.previous));
    connection->exchange = NULL;
    connection->used = true;
    connection->keep_until = now + connection->keep_for;
    list_prepend(&pool->idle, &connection->node);
    pool->idle_count++;
}
