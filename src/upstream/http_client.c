// http_client.c: exchanges: what was asked, its deadlines, its end. See http_client.h.
#include "upstream/http_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "upstream/http_parts.h"

enum { LENGTH_TEXT = 48 }; // Content-Length and the empty line

// --- the end of an exchange ------------------------------------------------------------------

// Takes it out of everything. Its connection, which is in the middle of something, is closed.
static void part(struct http_exchange *exchange)
{
    exchange->phase = PHASE_OVER;
    node_remove(&exchange->node);
    http_dial_free(&exchange->dial);
    if (exchange->connection)
        http_connection_close(TAKE(exchange->connection));
}

static void exchange_free(struct http_exchange *exchange)
{
    exchange->route->users--;
    free(exchange->body);
    free(exchange);
}

void http_exchange_done(struct http_exchange *exchange)
{
    part(exchange);
    if (exchange->events->done)
        exchange->events->done(exchange->context);
    exchange_free(exchange);
}

void http_exchange_fail(struct http_exchange *exchange, enum http_failure why, const char *sentence)
{
    part(exchange);
    if (exchange->events->failed)
        exchange->events->failed(exchange->context, why, sentence);
    exchange_free(exchange);
}

void http_cancel(struct http_exchange **exchange)
{
    struct http_exchange *it = TAKE(*exchange);
    if (!it || it->phase == PHASE_OVER) // whoever calls `done` or `failed` frees it
        return;
    part(it);
    exchange_free(it);
}

// --- failures told later ---------------------------------------------------------------------
static struct http_exchange *exchange_at(struct node *node)
{
    return OUTER(node, struct http_exchange, node);
}

// Only those that are there now: a new request in the event of a failed one may fail as well.
static void tell_failures(struct http_client *client)
{
    struct node now;
    list_init(&now);
    list_move(&client->failing, &now);
    while (!list_empty(&now)) {
        struct http_exchange *exchange = exchange_at(now.next);
        http_exchange_fail(exchange, exchange->why, exchange->sentence);
    }
}

static void on_posted(void *context)
{
    struct http_client *client = (struct http_client *)context;
    client->posted = false;
    if (client->freed)
        free(client);
    else
        tell_failures(client);
}

static void put_failing(struct http_exchange *exchange, enum http_failure why, const char *sentence)
{
    exchange->why = why;
    exchange->sentence = sentence;
    node_remove(&exchange->node);
    list_append(&exchange->client->failing, &exchange->node);
}

void http_exchange_fail_soon(struct http_exchange *exchange, enum http_failure why,
                             const char *sentence)
{
    struct http_client *client = exchange->client;
    put_failing(exchange, why, sentence);
    if (!client->posted) // when it cannot be posted, the next tick tells it
        client->posted = loop_post(client->loop, on_posted, client);
}

// --- deadlines -------------------------------------------------------------------------------
static int64_t or_else(int64_t own, int64_t common)
{
    return own > 0 ? own : common;
}

void http_exchange_wait(struct http_exchange *exchange, int64_t now)
{
    const struct server_spec *spec = exchange->route->spec;
    const struct settings *settings = exchange->client->settings;
    if (exchange->phase == PHASE_CONNECT)
        exchange->deadline = now + or_else(spec->connect_timeout, settings->connect_timeout);
    else if (exchange->phase == PHASE_HEAD)
        exchange->deadline = now + or_else(spec->first_byte_timeout, settings->first_byte_timeout);
    else if (!exchange->stream)
        exchange->deadline = now + or_else(spec->idle_timeout, settings->idle_timeout);
    else if (exchange->deadline) { // from now on there is none
        exchange->deadline = 0;
        node_remove(&exchange->node);
        list_append(&exchange->client->endless, &exchange->node);
    }
}

// The time for the head runs from when the request was written.
static void look_at_writing(struct http_exchange *exchange, int64_t now)
{
    size_t queued = exchange->queued ? stream_queued(exchange->connection->stream) : 0;
    if (queued == exchange->queued)
        return;
    exchange->queued = queued;
    http_exchange_wait(exchange, now);
}

static void look_at(struct http_exchange *exchange, int64_t now)
{
    static const char *const late[] = {
        [PHASE_CONNECT] = "the server cannot be connected to in time",
        [PHASE_HEAD] = "the server does not answer in time",
        [PHASE_BODY] = "the server stopped in the middle of its answer",
    };
    if (exchange->phase == PHASE_HEAD)
        look_at_writing(exchange, now);
    bool counts = !exchange->held || exchange->phase == PHASE_CONNECT;
    if (exchange->total_deadline && now >= exchange->total_deadline)
        put_failing(exchange, HTTP_TIMEOUT, "the server takes too long in all");
    else if (counts && now >= exchange->deadline)
        put_failing(exchange, HTTP_TIMEOUT, late[exchange->phase]);
    else if (exchange->dial)
        http_dial_tick(exchange->dial, now);
}

void http_client_tick(struct http_client *client, int64_t now)
{
    struct node *next;
    for (struct node *at = client->waiting.next; at != &client->waiting; at = next) {
        next = at->next;
        look_at(exchange_at(at), now);
    }
    tell_failures(client);
    http_routes_sweep(client);
    if (now < client->next_sweep)
        return;
    client->next_sweep = now + TIME_SECOND;
    http_pools_sweep(client, now);
}

// --- sending ---------------------------------------------------------------------------------

// Sends the request over a connection. False when memory is short.
static bool write_request(struct http_exchange *exchange, struct http_connection *connection,
                          struct view body)
{
    struct view head = http_route_head(exchange->route, exchange->left_out);
    const struct view pieces[] = {
        view_of(exchange->method),
        head,
        {exchange->fields, exchange->fields_size},
        body,
    };
    http_answer_expect(connection, exchange);
    exchange->phase = PHASE_HEAD;
    if (!head.data || !stream_write(connection->stream, pieces, body.size > 0 ? 4 : 3))
        return false;
    exchange->queued = stream_queued(connection->stream);
    stream_hold(connection->stream, exchange->held);
    http_exchange_wait(exchange, loop_clock());
    return true;
}

static bool copy_body(struct http_exchange *exchange, struct view body)
{
    if (body.size == 0)
        return true;
    exchange->body = (char *)malloc(body.size);
    if (!exchange->body)
        return false;
    memcpy(exchange->body, body.data, body.size);
    exchange->body_size = body.size;
    return true;
}

static void dial(struct http_exchange *exchange)
{
    exchange->phase = PHASE_CONNECT;
    http_exchange_wait(exchange, loop_clock());
    http_dial_start(exchange);
}

void http_exchange_connected(struct http_exchange *exchange, struct stream *stream)
{
    struct http_connection *connection = http_connection_new(exchange->route->pool, stream);
    struct view body = {exchange->body, exchange->body_size};
    if (!connection || !write_request(exchange, connection, body)) {
        http_exchange_fail_soon(exchange, HTTP_MEMORY, "out of memory");
        return;
    }
    free(TAKE(exchange->body)); // a new connection is not tried twice
}

bool http_exchange_again(struct http_exchange *exchange)
{
    if (!exchange->repeatable || !exchange->connection->used)
        return false;
    http_connection_close(TAKE(exchange->connection));
    dial(exchange);
    return true;
}

// Over an idle connection, or a new one. False when memory is short.
static bool begin(struct http_exchange *exchange, struct view body)
{
    int64_t now = loop_clock();
    struct http_connection *connection = http_pool_take(exchange->route->pool, now);
    bool may_go_again = !connection || exchange->repeatable;
    if (may_go_again && !copy_body(exchange, body)) {
        if (connection)
            http_connection_close(connection);
        return false;
    }
    if (connection)
        return write_request(exchange, connection, body);
    dial(exchange);
    return true;
}

// --- a new exchange --------------------------------------------------------------------------
static char *put(char *at, struct view text)
{
    if (text.size > 0)
        memcpy(at, text.data, text.size);
    return at + text.size;
}

// Writes the part of the head that is this request's own. False when a field could end it.
static bool put_fields(struct http_exchange *exchange, const struct http_order *order)
{
    char *at = exchange->fields;
    for (size_t i = 0; i < order->field_count; i++) {
        const struct http_field *field = &order->fields[i];
        const bool sure = i < order->sure;
        if (!http_value_is_clean(field->value) || (!sure && !http_name_is_clean(field->name)))
            return false;
        if (!sure && http_name_is_ours(field->name))
            continue;
        at = put(at, field->name);
        at = put(at, VIEW(": "));
        at = put(at, field->value);
        at = put(at, VIEW("\r\n"));
    }
    if (order->body.size > 0 || order->method[0] == 'P') { // POST, PUT, PATCH say 0 as well
        char room[NUMBER_TEXT];
        at = put(at, VIEW("Content-Length: "));
        at = put(at, text_number(order->body.size, room));
        at = put(at, VIEW("\r\n"));
    }
    at = put(at, VIEW("\r\n"));
    exchange->fields_size = (size_t)(at - exchange->fields);
    return true;
}

static size_t fields_room(const struct http_order *order)
{
    size_t size = LENGTH_TEXT;
    for (size_t i = 0; i < order->field_count; i++)
        size += order->fields[i].name.size + order->fields[i].value.size + 4;
    return size;
}

static bool is_repeatable(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0 ||
           strcmp(method, "HEAD") == 0;
}

static struct http_exchange *exchange_new(struct http_client *client,
                                          const struct http_order *order)
{
    struct http_exchange *exchange =
        (struct http_exchange *)malloc(sizeof *exchange + fields_room(order));
    if (!exchange)
        return NULL;
    *exchange = (struct http_exchange){
        .client = client,
        .route = http_route_get(client, order->spec),
        .stream = order->stream,
        .headless = strcmp(order->method, "HEAD") == 0,
        .repeatable = order->repeatable || is_repeatable(order->method),
    };
    if (!exchange->route) {
        free(exchange);
        return NULL;
    }
    exchange->route->users++;
    exchange->left_out = http_route_clashes(exchange->route, order);
    list_append(&client->waiting, &exchange->node);
    return exchange;
}

struct http_exchange *http_send(struct http_client *client, const struct http_order *order,
                                const struct http_events *events, void *context)
{
    struct http_exchange *exchange = exchange_new(client, order);
    if (!exchange)
        return NULL;
    exchange->events = events;
    exchange->context = context;
    const struct server_spec *spec = order->spec;
    int64_t total = or_else(spec->total_timeout, client->settings->total_timeout);
    exchange->total_deadline = order->stream ? 0 : loop_clock() + total;
    if (spec->broken || !spec->http)
        http_exchange_fail_soon(exchange, HTTP_UNREACHABLE, "the server's record cannot be used");
    else if (!text_copy(exchange->method, sizeof exchange->method, view_of(order->method)) ||
             !put_fields(exchange, order))
        http_exchange_fail_soon(exchange, HTTP_GARBLED, "a header holds a control character");
    else if (!begin(exchange, order->body))
        http_cancel(&exchange);
    return exchange;
}

void http_hold(struct http_exchange *exchange, bool held)
{
    if (exchange->held == held)
        return;
    exchange->held = held;
    if (!exchange->connection)
        return;
    stream_hold(exchange->connection->stream, held);
    if (!held)
        http_exchange_wait(exchange, loop_clock());
}

// --- the client ------------------------------------------------------------------------------
struct http_client *http_client_new(struct loop *loop, const struct settings *settings,
                                    struct tls *tls)
{
    struct http_client *client = (struct http_client *)calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->loop = loop;
    client->settings = settings;
    client->tls = tls;
    list_init(&client->waiting);
    list_init(&client->endless);
    list_init(&client->failing);
    return client;
}

void http_client_free(struct http_client **client)
{
    struct http_client *it = TAKE(*client);
    if (!it)
        return;
    http_routes_free(it);
    http_pools_free(it);
    tls_free(&it->own_tls);
    it->freed = true;
    if (!it->posted) // else on_posted frees it
        free(it);
}
