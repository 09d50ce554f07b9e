// gateway_metrics.c: see gateway_metrics.h.
#include "doors/gateway_metrics.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "wire/http1.h"

enum {
    CLIENTS = 16,                     // at once: there is one Prometheus, perhaps two
    PATIENCE = 10 * (int)TIME_SECOND, // from being accepted to the end of the head
    HEAD = 4096,
    TEXT = 64 * 1024,
};

// --- the board -------------------------------------------------------------------------------
bool board_init(struct board *board, unsigned workers, struct err *err)
{
    board->workers = workers;
    board->tallies = (struct tally *)calloc(workers, sizeof *board->tallies);
    (void)pthread_mutex_init(&board->lock, NULL);
    return board->tallies || err_memory(err);
}

void board_done(struct board *board)
{
    free(board->tallies);
    board->tallies = NULL;
    (void)pthread_mutex_destroy(&board->lock);
}

void board_put(struct board *board, unsigned worker, const struct tally *tally)
{
    (void)pthread_mutex_lock(&board->lock);
    board->tallies[worker] = *tally;
    (void)pthread_mutex_unlock(&board->lock);
}

#define OF_GATEWAY(name) offsetof(struct tally, gateway.name)
#define OF_DOOR(name) offsetof(struct tally, door.name)

static const struct {
    const char *name, *help;
    size_t offset; // of a uint64_t
    bool gauge;
} rows[] = {
    {"connections_accepted_total", "Connections.", OF_DOOR(accepted), false},
    {"connections_refused_total", "Connections above the limit.", OF_DOOR(refused), false},
    {"connections_moved_total", "Connections given to another worker.", OF_DOOR(moved), false},
    {"connections", "Open connections.", OF_DOOR(connections_now), true},
    {"connections_unread_total", "Answers lost because too much waited for clients.",
     OF_DOOR(unread.lost), false},
    {"unread_bytes", "Bytes that wait for clients to read them.", OF_DOOR(unread.now), true},
    {"requests_lost_total", "Requests refused because too much of them was under way.",
     OF_DOOR(asked.lost), false},
    {"requests_bytes", "Bytes of large requests under way.", OF_DOOR(asked.now), true},
    {"heads_lost_total", "Requests refused because too many heads were not complete.",
     OF_DOOR(heads.lost), false},
    {"heads_bytes", "Bytes of heads that are not complete.", OF_DOOR(heads.now), true},
    {"http_requests_total", "HTTP requests.", OF_DOOR(requests), false},
    {"http_denied_total", "HTTP requests without a valid key.", OF_DOOR(denied), false},
    {"calls_total", "Calls.", OF_GATEWAY(calls), false},
    {"calls_failed_total", "Calls that ended with an error.", OF_GATEWAY(calls_failed), false},
    {"calls_in_flight", "Calls under way.", OF_GATEWAY(calls_now), true},
    {"denied_total", "Requests whose key was refused.", OF_GATEWAY(denied), false},
    {"unavailable_total", "Requests refused because the store could not be asked.",
     OF_GATEWAY(unavailable), false},
    {"limited_total", "Requests refused by a limit.", OF_GATEWAY(limited), false},
    {"revocations_total", "Keys that lost access while in use.", OF_GATEWAY(revocations), false},
    {"sessions_opened_total", "Sessions of clients.", OF_GATEWAY(sessions_opened), false},
    {"sessions", "Open sessions.", OF_GATEWAY(sessions_now), true},
    {"streams", "Open streams to clients.", OF_GATEWAY(streams_now), true},
    {"keys", "Keys that are remembered: in use, or used lately.", OF_GATEWAY(keys_now), true},
    {"projects", "Projects that are remembered, likewise.", OF_GATEWAY(projects_now), true},
    {"events_total", "Events sent to clients.", OF_GATEWAY(events), false},
    {"bytes_in_total", "Bytes of messages from clients.", OF_GATEWAY(bytes_in), false},
    {"bytes_out_total", "Bytes of messages to clients.", OF_GATEWAY(bytes_out), false},
};

void board_tell(struct board *board, struct buf *text)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t sum = 0;
        (void)pthread_mutex_lock(&board->lock);
        for (unsigned worker = 0; worker < board->workers; worker++) {
            uint64_t number;
            memcpy(&number, (const char *)&board->tallies[worker] + rows[i].offset, sizeof number);
            sum += number;
        }
        (void)pthread_mutex_unlock(&board->lock);
        buf_add_format(text,
                       "# HELP secure_mcp_gateway_%s %s\n# TYPE secure_mcp_gateway_%s %s\n"
                       "secure_mcp_gateway_%s %" PRIu64 "\n",
                       rows[i].name, rows[i].help, rows[i].name,
                       rows[i].gauge ? "gauge" : "counter", rows[i].name, sum);
    }
}

// --- visitors ---------------------------------------------------------------------------
struct visitor {
    struct metrics *metrics;
    struct stream *stream; // NULL: free
    struct buf head;
    int64_t until;
};

struct metrics {
    struct board *board;
    struct listener *listener;
    struct visitor visitors[CLIENTS];
};

static void leave(struct visitor *visitor, bool gently)
{
    (gently ? stream_finish : stream_close)(&visitor->stream);
    buf_done(&visitor->head);
}

// HEAD has the length of what GET would get, and nothing behind it.
static void answer(struct visitor *visitor, int status, const char *type, struct view body)
{
    const bool bodiless = view_starts(buf_view(&visitor->head), VIEW("HEAD "));
    struct buf head;
    buf_init(&head, HEAD);
    http_add_status(&head, status);
    http_add_field(&head, "Content-Type", view_of(type));
    http_add_length(&head, body.size);
    if (status == 405)
        http_add_field(&head, "Allow", VIEW("GET, HEAD"));
    http_add_field(&head, "Connection", VIEW("close"));
    http_add_end(&head);
    const struct view pieces[] = {buf_view(&head), body};
    (void)!stream_write(visitor->stream, pieces, bodiless ? 1 : 2);
    buf_done(&head);
    leave(visitor, true);
}

static void on_data(void *context, struct view bytes)
{
    struct visitor *visitor = (struct visitor *)context;
    struct http_head head;
    size_t size;
    const char *reason;
    buf_add(&visitor->head, bytes);
    enum http_step step = http_read_request(buf_view(&visitor->head), &head, &size, &reason);
    if (step == HTTP_MORE && !visitor->head.failed)
        return;
    if (step != HTTP_DONE) {
        answer(visitor, 400, "text/plain", VIEW("bad request\n"));
    } else if (!view_is(head.method, "GET") && !view_is(head.method, "HEAD")) {
        answer(visitor, 405, "text/plain", VIEW("only GET and HEAD\n"));
    } else if (!view_is(head.target, "/metrics")) {
        answer(visitor, 404, "text/plain", VIEW("see /metrics\n"));
    } else if (head.chunked || (head.has_length && head.length > 0)) {
        answer(visitor, 413, "text/plain", VIEW("no body\n"));
    } else {
        struct buf text AUTO(buf_done);
        buf_init(&text, TEXT);
        board_tell(visitor->metrics->board, &text);
        answer(visitor, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&text));
    }
}

static void on_ended(void *context, const char *reason)
{
    (void)reason;
    leave((struct visitor *)context, false);
}

static void accepted(void *context, struct stream *stream)
{
    static const struct stream_events events = {.data = on_data, .ended = on_ended};
    struct metrics *metrics = (struct metrics *)context;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct visitor *visitor = &metrics->visitors[i];
        if (visitor->stream)
            continue;
        *visitor = (struct visitor){metrics, stream, {0}, loop_clock() + PATIENCE};
        buf_init(&visitor->head, HEAD);
        stream_handle(stream, &events, visitor);
        return;
    }
    stream_close(&stream);
}

bool metrics_new(struct loop *loop, const char *where, struct board *board,
                 struct metrics **ret_metrics, struct err *err)
{
    struct metrics *metrics = (struct metrics *)calloc(1, sizeof *metrics);
    if (!metrics)
        return err_memory(err);
    metrics->board = board;
    const struct listener_order order = {.where = where, .accepted = accepted, .context = metrics};
    if (!listener_new(loop, &order, &metrics->listener, err)) {
        free(metrics);
        return false;
    }
    *ret_metrics = metrics;
    return true;
}

void metrics_free(struct metrics **metrics)
{
    struct metrics *going = TAKE(*metrics);
    if (!going)
        return;
    listener_free(&going->listener);
    for (size_t i = 0; i < CLIENTS; i++)
        leave(&going->visitors[i], false);
    free(going);
}

void metrics_tick(struct metrics *metrics, int64_t now)
{
    for (size_t i = 0; metrics && i < CLIENTS; i++)
        if (metrics->visitors[i].stream && metrics->visitors[i].until <= now)
            leave(&metrics->visitors[i], false);
}

uint16_t metrics_port(const struct metrics *metrics)
{
    return listener_port(metrics->listener);
}
