// http_answer.c: a connection with an answer coming in. See http_parts.h.
//
// Anything may happen to the exchange in an event, and with it to the connection: after each event
// `go_on` tells whether it is still there.
#include "upstream/http_parts.h"

enum {
    INTERIM_MOST = 16, // 100, 102, 103 and their like before one answer
    KEEP_FOR = 55,     // seconds; proxies and servers close after 60 (nginx: 75)
};

static void tell_head(struct http_connection *connection, const struct http_head *head, bool more)
{
    struct http_exchange *exchange = connection->exchange;
    connection->telling = true;
    if (exchange->events->head)
        exchange->events->head(exchange->context, head, more);
}

static void tell_data(struct http_connection *connection, struct view bytes)
{
    struct http_exchange *exchange = connection->exchange;
    connection->telling = true;
    if (exchange->events->data)
        exchange->events->data(exchange->context, bytes);
}

// After an event: false when the exchange was cancelled in it; the connection is gone then.
static bool go_on(struct http_connection *connection)
{
    connection->telling = false;
    if (connection->closed)
        http_connection_close(connection);
    else
        return true;
    return false;
}

static bool fail(struct http_connection *connection, enum http_failure why, const char *sentence)
{
    http_exchange_fail(connection->exchange, why, sentence);
    return false;
}

// The answer is complete. Whoever has sent `leftover` bytes more has lost our trust.
static bool finish(struct http_connection *connection, size_t leftover)
{
    struct http_exchange *exchange = connection->exchange;
    exchange->connection = NULL;
    if (connection->reusable && leftover == 0 && stream_queued(connection->stream) == 0) {
        stream_hold(connection->stream, false);
        http_connection_keep(connection, loop_clock());
    } else {
        http_connection_close(connection);
    }
    http_exchange_done(exchange);
    return false;
}

// --- the head --------------------------------------------------------------------------------

// `Keep-Alive: timeout=5, max=100`: servers close early, and a request that meets the close is
// lost.
static int64_t keep_for(struct view value)
{
    static const char word[] = "timeout=";
    int64_t seconds = 0;
    const char *at = value.size ? memmem(value.data, value.size, word, sizeof word - 1) : NULL;
    if (!at)
        return KEEP_FOR * TIME_SECOND;
    const char *end = value.data + value.size;
    for (at += sizeof word - 1; at < end && *at >= '0' && *at <= '9' && seconds < KEEP_FOR; at++)
        seconds = seconds * 10 + (*at - '0');
    seconds = seconds - 1 < KEEP_FOR ? seconds - 1 : KEEP_FOR;
    return seconds > 0 ? seconds * TIME_SECOND : 0;
}

// RFC 9112 section 6.3. A body that only the end of the connection ends is taken from whoever sends
// one, since small servers of event streams do, and the connection never used again.
static enum http_body body_of(const struct http_head *head, bool headless)
{
    if (headless || head->status == 204 || head->status == 304)
        return BODY_NONE;
    if (head->chunked)
        return BODY_CHUNKED;
    if (head->has_length)
        return head->length > 0 ? BODY_LENGTH : BODY_NONE;
    return BODY_TO_THE_END;
}

// What to make of a final head. False when it failed.
static bool judge(struct http_connection *connection, const struct http_head *head)
{
    struct http_exchange *exchange = connection->exchange;
    struct view coding = http_value(head, "Content-Encoding");
    if (coding.size > 0 && !http_lists(coding, "identity"))
        return fail(connection, HTTP_GARBLED, "the server encodes its answer without being asked");
    connection->body = body_of(head, exchange->headless);
    connection->left = connection->body == BODY_LENGTH ? head->length : 0;
    if (!exchange->stream && connection->left > exchange->client->settings->upstream_body)
        return fail(connection, HTTP_LARGE, "the server's answer is too large");
    // A 204 that announces a body may send one.
    bool clear = head->status != 204 || (!head->chunked && head->length == 0);
    connection->keep_for = keep_for(http_value(head, "Keep-Alive"));
    connection->reusable = head->keep_alive && head->minor == 1 && clear &&
                           connection->body != BODY_TO_THE_END && connection->keep_for > 0;
    return true;
}

static bool take_interim(struct http_connection *connection, const struct http_head *head)
{
    if (head->status == 101)
        return fail(connection, HTTP_GARBLED, "the server changes the protocol");
    if (++connection->interim > INTERIM_MOST)
        return fail(connection, HTTP_GARBLED, "the server sends too many interim answers");
    buf_done(&connection->head);
    return true;
}

// A whole head; `rest` came behind it.
static bool take_head(struct http_connection *connection, const struct http_head *head,
                      struct view rest)
{
    struct http_exchange *exchange = connection->exchange;
    if (head->status < 200)
        return take_interim(connection, head);
    if (!judge(connection, head))
        return false;
    exchange->phase = PHASE_BODY;
    http_exchange_wait(exchange, loop_clock());
    tell_head(connection, head, rest.size > 0);
    if (!go_on(connection))
        return false;
    buf_done(&connection->head);
    return connection->body != BODY_NONE || finish(connection, rest.size);
}

// More of a head. What was used of `bytes` is taken off them.
static bool read_head(struct http_connection *connection, struct view *bytes)
{
    const size_t limit = connection->exchange->client->settings->request_head;
    const size_t before = connection->head.size;
    struct http_head head;
    struct view all = *bytes;
    const char *reason = NULL;
    size_t size = 0;
    if (before > 0) {
        size_t more = bytes->size < limit - before ? bytes->size : limit - before;
        buf_add(&connection->head, (struct view){bytes->data, more});
        if (connection->head.failed)
            return fail(connection, HTTP_MEMORY, "out of memory");
        all = buf_view(&connection->head);
    }
    enum http_step step = http_read_response(all, &head, &size, &reason);
    if (step == HTTP_BAD)
        return fail(connection, HTTP_GARBLED, reason);
    if (step == HTTP_DONE && size <= limit) {
        *bytes = view_skip(*bytes, size - before);
        return take_head(connection, &head, *bytes);
    }
    if (step == HTTP_DONE || all.size >= limit)
        return fail(connection, HTTP_LARGE, "the head of the server's answer is too large");
    if (before == 0) {
        buf_add(&connection->head, *bytes);
        if (connection->head.failed)
            return fail(connection, HTTP_MEMORY, "out of memory");
    }
    bytes->size = 0;
    return true;
}

// --- the body --------------------------------------------------------------------------------

// Some of the body. False when the connection is gone.
static bool take_data(struct http_connection *connection, struct view data)
{
    struct http_exchange *exchange = connection->exchange;
    exchange->received += data.size;
    if (!exchange->stream && exchange->received > exchange->client->settings->upstream_body)
        return fail(connection, HTTP_LARGE, "the server's answer is too large");
    tell_data(connection, data);
    return go_on(connection);
}

static bool read_length(struct http_connection *connection, struct view *bytes)
{
    size_t size = connection->left < bytes->size ? (size_t)connection->left : bytes->size;
    struct view data = {bytes->data, size};
    *bytes = view_skip(*bytes, size);
    connection->left -= size;
    if (!take_data(connection, data))
        return false;
    return connection->left > 0 || finish(connection, bytes->size);
}

static bool read_chunks(struct http_connection *connection, struct view *bytes)
{
    struct view data = {NULL, 0};
    size_t used = 0;
    enum http_step step = http_chunks_read(&connection->chunks, *bytes, &used, &data);
    if (step == HTTP_BAD)
        return fail(connection, HTTP_GARBLED, "the server's chunks are malformed");
    *bytes = used > 0 ? view_skip(*bytes, used) : (struct view){NULL, 0};
    if (data.size > 0 && !take_data(connection, data))
        return false;
    return step == HTTP_MORE || finish(connection, bytes->size);
}

static bool read_to_the_end(struct http_connection *connection, struct view *bytes)
{
    struct view data = *bytes;
    bytes->size = 0;
    return take_data(connection, data);
}

static bool read_some(struct http_connection *connection, struct view *bytes)
{
    switch (connection->body) {
    case BODY_NOT_YET:
        return read_head(connection, bytes);
    case BODY_LENGTH:
        return read_length(connection, bytes);
    case BODY_CHUNKED:
        return read_chunks(connection, bytes);
    default:
        return read_to_the_end(connection, bytes);
    }
}

static void on_data(void *context, struct view bytes)
{
    struct http_connection *connection = (struct http_connection *)context;
    if (!connection->exchange) { // nobody asked
        http_connection_close(connection);
        return;
    }
    if (connection->exchange->phase == PHASE_BODY)
        http_exchange_wait(connection->exchange, loop_clock());
    while (bytes.size > 0 && read_some(connection, &bytes))
        ;
}

static void on_ended(void *context, const char *reason)
{
    struct http_connection *connection = (struct http_connection *)context;
    struct http_exchange *exchange = connection->exchange;
    if (!exchange) {
        http_connection_close(connection);
    } else if (connection->body == BODY_TO_THE_END && !reason) {
        connection->reusable = false;
        (void)finish(connection, 0);
    } else if (connection->body == BODY_NOT_YET && connection->head.size == 0 &&
               connection->interim == 0 && http_exchange_again(exchange)) {
        return;
    } else {
        (void)fail(connection, HTTP_LOST,
                   reason ? reason : "the server closed the connection before its answer's end");
    }
}

const struct stream_events http_connection_events = {.data = on_data, .ended = on_ended};

void http_answer_expect(struct http_connection *connection, struct http_exchange *exchange)
{
    connection->exchange = exchange;
    exchange->connection = connection;
    connection->body = BODY_NOT_YET;
    connection->reusable = false;
    connection->interim = 0;
    connection->chunks = (struct http_chunks){.left = 0};
}
