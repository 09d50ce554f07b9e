// gateway_conn.c: see gateway_conn.h.
#include "doors/gateway_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "doors/gateway_reply.h"
#include "wire/jsonrpc.h"

// --- places ----------------------------------------------------------------------------------
static void leave_place(struct conn *conn)
{
    struct place_list *list = &conn->door->places[conn->place];
    if (conn->previous)
        conn->previous->next = conn->next;
    else if (list->first == conn)
        list->first = conn->next;
    if (conn->next)
        conn->next->previous = conn->previous;
    else if (list->last == conn)
        list->last = conn->previous;
    conn->next = conn->previous = NULL;
}

static void enter_place(struct conn *conn, enum place place)
{
    struct place_list *list = &conn->door->places[place];
    conn->place = (unsigned char)place;
    conn->since = loop_clock();
    conn->previous = list->last;
    if (list->last)
        list->last->next = conn;
    else
        list->first = conn;
    list->last = conn;
}

void conn_place(struct conn *conn, enum place place)
{
    leave_place(conn);
    enter_place(conn, place);
}

static void stay_or_place(struct conn *conn, enum place place)
{
    if (conn->place != place)
        conn_place(conn, place);
}

// --- the end ---------------------------------------------------------------------------------
void conn_forget_reader(struct conn *conn)
{
    front_principal_unref(&conn->reader);
}

static void conn_free(struct conn *conn)
{
    struct door *door = conn->door;
    assert(!conn->exchange);
    if (conn->reader && conn->answered)
        front_unread(door->gateway, conn->reader);
    conn_forget_reader(conn);
    rationed_done(&conn->input);
    (void)atomic_fetch_sub(door->connections, 1);
    door->counters.connections_now--;
    free(conn);
}

void conn_end(struct conn *conn, bool gently)
{
    if (conn->doomed)
        return;
    conn->doomed = true;
    leave_place(conn);
    (gently ? stream_finish : stream_close)(&conn->stream);
    if (!conn->inside)
        conn_free(conn);
}

void conn_gone(struct conn *conn)
{
    struct exchange *exchange = TAKE(conn->exchange);
    if (exchange)
        exchange_gone(exchange);
    conn_end(conn, false);
}

// --- between events --------------------------------------------------------------------------
void conn_part(struct conn *conn)
{
    conn->closing = true;
    if (stream_queued(conn->stream) > 0)
        stay_or_place(conn, PLACE_IDLE);
    else
        conn_end(conn, true);
}

// Where the connection waits from here on.
static void rest(struct conn *conn)
{
    if (conn->exchange)
        stay_or_place(conn, conn->streaming ? PLACE_STREAM
                            : conn->ended   ? PLACE_PARTING
                                            : PLACE_PENDING);
    else if (conn->answered && (conn->closing || conn->door->draining))
        conn_part(conn);
    else if (conn->unread)
        stay_or_place(conn, stream_queued(conn->stream) == 0 ? PLACE_READY : PLACE_IDLE);
    else if (conn->ended)
        conn_part(conn);
    else
        stay_or_place(conn, conn->input.buf.size > 0 ? PLACE_READING : PLACE_IDLE);
}

// An answer has been taken when nothing of it waits here any more.
static void look_at_reader(struct conn *conn)
{
    if (conn->answered && stream_queued(conn->stream) == 0 && stream_works(conn->stream))
        conn_forget_reader(conn);
}

void conn_is_read_by(struct conn *conn, struct principal *reader)
{
    conn->reader = reader;
    if (conn->doomed) // it was cut
        conn_forget_reader(conn);
    else
        look_at_reader(conn);
}

void conn_answered(struct conn *conn)
{
    conn->exchange = NULL;
    conn->answered = true;
    conn->streaming = false;
    conn->queued = stream_queued(conn->stream);
    look_at_reader(conn);
    conn_place(conn, PLACE_IDLE);
    if (!conn->inside)
        rest(conn);
}

// Whether nothing more is read: the last request is here in full. One whose body is still coming
// may say as well that it is the last.
static bool is_over(const struct conn *conn)
{
    return conn->closing && conn->head_size == 0;
}

// The answer to the last request must have left before the next one is begun: a client that reads
// nothing makes us keep nothing.
static bool must_wait(const struct conn *conn)
{
    return conn->exchange || conn->unread || is_over(conn) ||
           (conn->input.buf.size == 0 && stream_queued(conn->stream) > 0);
}

static void keep(struct conn *conn, struct view bytes)
{
    struct buf *input = &conn->input.buf;
    if (!conn->unread)
        rationed_done(&conn->input);
    if (input->size == 0)
        buf_init(input, SIZE_MAX / 2);
    buf_add(input, bytes);
    conn->unread = true;
    if (input->failed)
        conn_gone(conn);
    else if (input->size >= conn->door->settings->request_head && !conn->held) {
        conn->held = true; // whatever it sends further waits in its own memory
        stream_hold(conn->stream, true);
    }
}

// --- to another loop -------------------------------------------------------------------------
static const struct stream_events events;

static void begin_events(struct conn *conn)
{
    stream_measure(conn->stream, conn->door->unread);
    stream_handle(conn->stream, &events, conn);
}

static void adopted(void *context, struct stream *stream)
{
    struct conn *conn = (struct conn *)context;
    struct door *door = conn->door;
    conn->stream = stream;
    door->counters.connections_now++;
    enter_place(conn, PLACE_READY);
    if (door->closed)
        conn_end(conn, false);
    else
        begin_events(conn);
}

// False when it had to stay.
static bool move(struct conn *conn, struct door *to, struct buf *bytes)
{
    struct door *from = conn->door;
    const struct buf input = conn->input.buf;
    leave_place(conn);
    holding_end(&conn->input.room); // the ration is of this loop
    from->counters.connections_now--;
    conn->input.buf = *bytes;
    conn->unread = true;
    conn->inside = conn->answered = conn->closing = false;
    conn->door = to;
    if (stream_move(&conn->stream, to->loop, adopted, conn)) {
        from->counters.moved++;
        *bytes = input;
        return true;
    }
    conn->input.buf = input;
    conn->unread = false;
    conn->inside = true;
    conn->door = from;
    from->counters.connections_now++;
    enter_place(conn, PLACE_IDLE);
    return false;
}

// What was borrowed from the loop for reading, or is ours. Nobody reads it again.
static void wipe(struct view bytes)
{
    if (bytes.size > 0)
        explicit_bzero((char *)(uintptr_t)bytes.data, bytes.size);
}

static enum http_verdict go_to_owner(struct conn *conn, unsigned owner, struct view first,
                                     struct view further)
{
    static const struct refusal failed = {503, RPC_INTERNAL_ERROR, "Try again", NULL};
    struct buf bytes AUTO(buf_done);
    buf_init(&bytes, SIZE_MAX / 2); // more may come before they are looked at: see keep
    buf_add(&bytes, first);
    buf_add(&bytes, further);
    wipe(first);
    if (!bytes.failed && move(conn, conn->door->doors[owner], &bytes))
        return HTTP_MOVED;
    conn->closing = true;
    reply_refuse(conn, &failed);
    return HTTP_ANSWERED;
}

// --- refusing --------------------------------------------------------------------------------
enum http_verdict conn_refuse(struct conn *conn, int status, const char *reason)
{
    const struct refusal refusal = {status, RPC_INVALID_REQUEST, reason, NULL};
    conn->closing = true;
    reply_refuse(conn, &refusal);
    return HTTP_ANSWERED;
}

// --- heads -----------------------------------------------------------------------------------
// What was said of the request before it.
static void forget_judgement(struct conn *conn)
{
    conn->cors = NULL;
    conn->bodiless = false;
}

static enum http_verdict refuse_framing(struct conn *conn, int status, const char *reason)
{
    forget_judgement(conn);
    return body_refuse(conn, status, reason);
}

// There is no room for this one, which is the largest of those that are not complete. 503 and not
// 431: it may be in order, and another time, or elsewhere, there is room.
static enum http_verdict crowded_out(struct conn *conn)
{
    return refuse_framing(conn, 503, "Too many heads of requests are not complete");
}

static void give_up_head(struct holding *room)
{
    (void)crowded_out(OUTER(room, struct conn, input.room));
}

// More of a head that is not complete, or was not. It counts among all of the worker: whose they
// are is not known yet, so the largest goes when there are too many bytes of them: of the group
// that has most, for its owner is one of some groups of connections, in turn, and not the
// connection: with 100,000 of those it would take milliseconds to find the largest.
static enum http_verdict add_to_head(struct conn *conn, struct view bytes)
{
    enum { GROUPS = 1024 };
    struct door *door = conn->door;
    if (conn->input.buf.size == 0)
        rationed_init(&conn->input, door->settings->request_head,
                      (struct holding){.ration = &door->heads,
                                       .owner = door->heads_begun++ % GROUPS,
                                       .give_up = give_up_head});
    rationed_add(&conn->input, bytes);
    if (!conn->input.buf.failed)
        return HTTP_TAKE;
    return conn->input.buf.full ? crowded_out(conn) : body_refuse(conn, 503, "Out of memory");
}

// A complete head, at the beginning of `all`, behind which `further` follows. `*ret_size`: how much
// of `all` was dealt with.
static enum http_verdict take_request(struct conn *conn, struct http_request *request,
                                      struct view all, struct view further, size_t *ret_size)
{
    const struct http_head *head = &request->head;
    uint64_t length = head->has_length ? head->length : 0;
    struct view body = view_skip(all, request->head_size);
    request->whole = !head->chunked && length <= body.size;
    *ret_size = request->head_size;
    conn->old = head->minor == 0;
    conn->closing = !head->keep_alive || conn->door->draining;
    conn->answered = false;
    conn_forget_reader(conn);
    if (!request->whole) {
        enum http_verdict verdict = http_judge(conn, request);
        if (verdict == HTTP_ELSEWHERE)
            return go_to_owner(conn, request->owner, all, further);
        if (verdict != HTTP_TAKE)
            return verdict;
        return body_begin(conn, request, all);
    }
    body.size = (size_t)length;
    *ret_size += body.size;
    enum http_verdict verdict = http_dispatch(conn, request, body);
    if (verdict == HTTP_ELSEWHERE)
        return go_to_owner(conn, request->owner, all, further);
    wipe((struct view){all.data, request->head_size});
    return verdict;
}

static enum http_verdict take_head(struct conn *conn, struct view bytes, size_t *ret_used)
{
    struct http_request request;
    const char *reason = NULL;
    enum http_verdict verdict;
    const size_t limit = conn->door->settings->request_head;
    const size_t before = conn->input.buf.size;
    struct view all = bytes;
    *ret_used = bytes.size;
    if (before > 0) {
        *ret_used = bytes.size < limit - before ? bytes.size : limit - before;
        const struct view more = {bytes.data, *ret_used};
        const bool line = memchr(more.data, '\n', more.size) != NULL;
        verdict = add_to_head(conn, more);
        all = buf_view(&conn->input.buf);
        // Without a line's end nothing can be complete: not looked at byte by byte.
        if (verdict != HTTP_TAKE || (!line && all.size < limit)) {
            wipe(more);
            return verdict;
        }
    }
    switch (http_read_request(all, &request.head, &request.head_size, &reason)) {
    case HTTP_BAD:
        return refuse_framing(conn, reason == http_too_many_fields ? 431 : 400, reason);
    case HTTP_MORE:
        if (all.size >= limit)
            return refuse_framing(conn, 431, "The head of the request is too large");
        verdict = before > 0 ? HTTP_TAKE : add_to_head(conn, all);
        wipe((struct view){bytes.data, *ret_used});
        return verdict;
    default:
        if (request.head_size > limit)
            return refuse_framing(conn, 431, "The head of the request is too large");
    }
    size_t size;
    verdict = take_request(conn, &request, all, view_skip(bytes, *ret_used), &size);
    wipe((struct view){bytes.data, request.head_size - before});
    if (verdict != HTTP_MOVED) {
        conn->door->counters.requests++;
        *ret_used = size - before;
        if (conn->head_size == 0)
            rationed_done(&conn->input);
    }
    return verdict;
}

// --- events ----------------------------------------------------------------------------------
static void feed(struct conn *conn, struct view bytes)
{
    conn->inside = true;
    while (bytes.size > 0 && !conn->doomed && !must_wait(conn)) {
        size_t used = 0;
        enum http_verdict verdict =
            conn->head_size > 0 ? body_take(conn, bytes, &used) : take_head(conn, bytes, &used);
        if (verdict == HTTP_MOVED)
            return;
        bytes = view_skip(bytes, used);
    }
    // Behind a last request nothing counts.
    if (bytes.size > 0 && !conn->doomed && !is_over(conn))
        keep(conn, bytes);
    conn->inside = false;
    if (conn->doomed)
        conn_free(conn);
    else
        rest(conn);
}

void conn_continue(struct conn *conn)
{
    struct buf held = conn->input.buf;
    conn->input.buf = (struct buf){0};
    conn->unread = false;
    if (conn->held) {
        conn->held = false;
        stream_hold(conn->stream, false);
    }
    feed(conn, buf_view(&held));
    buf_done(&held);
}

static void on_data(void *context, struct view bytes)
{
    struct conn *conn = (struct conn *)context;
    if (is_over(conn))
        return;
    if (must_wait(conn))
        keep(conn, bytes);
    else
        feed(conn, bytes);
}

static void on_drained(void *context)
{
    struct conn *conn = (struct conn *)context;
    conn->stalled = 0;
    look_at_reader(conn);
    if (conn->exchange)
        exchange_drained(conn->exchange);
    else if (conn->unread)
        conn_continue(conn);
    else
        rest(conn);
}

// A client may end its side and still get its answer, if that does not take long: whoever has gone
// looks the same, and whoever has gone has cancelled.
static void on_ended(void *context, const char *reason)
{
    struct conn *conn = (struct conn *)context;
    conn->ended = true;
    if (conn->exchange && !reason && !conn->streaming)
        conn_place(conn, PLACE_PARTING);
    else if (conn->exchange || reason)
        conn_gone(conn);
    else if (!conn->unread)
        conn_part(conn);
}

static const struct stream_events events = {
    .data = on_data, .drained = on_drained, .ended = on_ended};

void conn_begin(struct door *door, struct stream *stream)
{
    struct conn *conn = (struct conn *)calloc(1, sizeof *conn);
    if (!conn) {
        (void)atomic_fetch_sub(door->connections, 1);
        stream_close(&stream);
        return;
    }
    conn->door = door;
    conn->stream = stream;
    door->counters.connections_now++;
    enter_place(conn, PLACE_IDLE);
    begin_events(conn);
}

// --- time ------------------------------------------------------------------------------------
// Whether the client has taken something since the last time, or has nothing to take.
static bool takes(struct conn *conn)
{
    size_t queued = stream_queued(conn->stream);
    bool moves = queued < conn->queued || queued == 0;
    conn->queued = queued;
    return moves;
}

// Nothing of it was begun.
static void late_request(struct conn *conn)
{
    if (conn->head_size == 0)
        forget_judgement(conn);
    if (conn->door->draining)
        (void)body_refuse(conn, 503, "The gateway is being shut down");
    else
        (void)body_refuse(conn, 408, "The request took too long");
}

static void late_stream(struct conn *conn)
{
    const struct settings *settings = conn->door->settings;
    conn->stalled = takes(conn) ? 0 : (unsigned char)(conn->stalled + 1);
    int64_t patience = settings->idle_connection / settings->keep_alive_comment + 1;
    if (conn->stalled > (patience < 200 ? patience : 200)) {
        conn_gone(conn);
        return;
    }
    if (conn->queued == 0)
        reply_comment(conn);
    conn_place(conn, PLACE_STREAM);
}

void conn_late(struct conn *conn)
{
    switch (conn->place) {
    case PLACE_IDLE:
        if (stream_queued(conn->stream) > 0 && takes(conn))
            conn_place(conn, PLACE_IDLE);
        else
            conn_end(conn, stream_queued(conn->stream) == 0);
        break;
    case PLACE_READING:
        late_request(conn);
        break;
    case PLACE_STREAM:
        late_stream(conn);
        break;
    default:
        conn_gone(conn);
        break;
    }
}
