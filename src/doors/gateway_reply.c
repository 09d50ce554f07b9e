// gateway_reply.c: see gateway_reply.h.
#include "doors/gateway_reply.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/jsonrpc.h"
#include "wire/sse.h"

enum { AT_ONCE = 16, EVENT_HEAD = SSE_ID + 64 };

#define LAST_CHUNK "0\r\n\r\n"
#define JSON_FIELDS "Content-Type: application/json\r\nCache-Control: no-store\r\n"
#define EVENT_FIELDS                                                                               \
    "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"

// --- heads -----------------------------------------------------------------------------------
// RFC 9110 section 6.6.1; made once a second.
static void refresh_date(struct door *door)
{
    int64_t now = loop_clock();
    if (now < door->date_until)
        return;
    int64_t wall = clock_now();
    const time_t seconds = (time_t)(wall / TIME_SECOND);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) ||
        strftime(door->date, sizeof door->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts) == 0)
        door->date[0] = '\0';
    door->date_until = now + TIME_SECOND - wall % TIME_SECOND;
}

static struct buf *begin_head(struct conn *conn, int status)
{
    struct buf *head = &conn->door->head;
    refresh_date(conn->door);
    buf_clear(head);
    http_add_status(head, status);
    buf_add(head, view_of(conn->door->date));
    if (conn->cors) {
        http_add_field(head, "Access-Control-Allow-Origin", view_of(conn->cors));
        buf_add(head, VIEW("Vary: Origin\r\nAccess-Control-Expose-Headers: Mcp-Session-Id, "
                           "MCP-Protocol-Version, WWW-Authenticate\r\n"));
    }
    return head;
}

static void end_head(struct conn *conn)
{
    struct buf *head = &conn->door->head;
    if (conn->closing)
        buf_add(head, VIEW("Connection: close\r\n"));
    else if (conn->old)
        buf_add(head, VIEW("Connection: keep-alive\r\n"));
    http_add_end(head);
}

static size_t total(const struct view *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    return size;
}

// What is in front, the pieces, and what is behind, in one write where possible. A loss is told by
// the stream.
static void send_all(struct conn *conn, struct view front, const struct view *pieces, size_t count,
                     struct view back)
{
    struct view all[AT_ONCE] = {front};
    if (count + 2 > AT_ONCE) {
        (void)!stream_write(conn->stream, &front, 1);
        (void)!stream_write(conn->stream, pieces, count);
        (void)!stream_write(conn->stream, &back, 1);
        return;
    }
    if (count > 0)
        memcpy(all + 1, pieces, count * sizeof *pieces);
    all[1 + count] = back;
    (void)!stream_write(conn->stream, all, count + 2);
}

// What cannot be made for want of memory is missing, and all behind it would be misunderstood: the
// client must see that its connection broke, and not an answer that is merely shorter.
static void lose(struct conn *conn)
{
    conn->closing = true;
    stream_lose(conn->stream);
}

static void send_head(struct conn *conn, const struct view *pieces, size_t count)
{
    static const struct view nothing = {NULL, 0};
    if (conn->door->head.failed) // or a header value that cannot be: not ours
        lose(conn);
    else
        send_all(conn, buf_view(&conn->door->head), pieces, count, nothing);
}

// --- the door's own answers ------------------------------------------------------------------
// HEAD has the length of what GET would get, and nothing behind it (RFC 9112 section 6.3): the
// client would take that for its next answer.
static void send_text(struct conn *conn, struct view json)
{
    buf_add(&conn->door->head, VIEW(JSON_FIELDS));
    http_add_length(&conn->door->head, json.size);
    end_head(conn);
    send_head(conn, &json, conn->bodiless ? 0 : 1);
    conn_answered(conn);
}

void reply_text(struct conn *conn, int status, struct view json)
{
    (void)begin_head(conn, status);
    send_text(conn, json);
}

void reply_refuse(struct conn *conn, const struct refusal *refusal)
{
    struct buf text AUTO(buf_done);
    buf_init(&text, 1024);
    rpc_add_error(&text, (struct view){NULL, 0}, refusal->code, view_of(refusal->message),
                  (struct view){NULL, 0});
    struct buf *head = begin_head(conn, refusal->status);
    if (refusal->fields)
        buf_add(head, view_of(refusal->fields));
    send_text(conn, buf_view(&text));
}

void reply_preflight(struct conn *conn)
{
    struct buf *head = begin_head(conn, 204);
    // `*` stands for all but Authorization, as long as no cookies are sent: Mcp-Param-* too.
    buf_add(head, VIEW("Access-Control-Allow-Methods: POST, GET, DELETE\r\n"
                       "Access-Control-Allow-Headers: Authorization, *\r\n"
                       "Access-Control-Max-Age: 600\r\n"));
    end_head(conn);
    send_head(conn, NULL, 0);
    conn_answered(conn);
}

void reply_continue(struct conn *conn)
{
    (void)!stream_write(conn->stream, &VIEW("HTTP/1.1 100 Continue\r\n\r\n"), 1);
}

void reply_comment(struct conn *conn)
{
    const struct view comment = conn->old ? VIEW(":\n\n") : VIEW("3\r\n:\n\n\r\n");
    (void)!stream_write(conn->stream, &comment, 1);
}

// --- what the gateway has us do --------------------------------------------------------------
static void op_answer(void *door, int status, struct view session_id, const struct view *pieces,
                      size_t count)
{
    struct conn *conn = (struct conn *)door;
    struct buf *head = begin_head(conn, status);
    if (session_id.data)
        http_add_field(head, "Mcp-Session-Id", session_id);
    if (status == 405)
        buf_add(head, VIEW("Allow: POST, GET, DELETE\r\n"));
    if (count > 0)
        buf_add(head, VIEW(JSON_FIELDS));
    http_add_length(head, total(pieces, count));
    end_head(conn);
    send_head(conn, pieces, count);
    conn_answered(conn);
}

static void begin_stream(struct conn *conn)
{
    if (conn->streaming)
        return;
    conn->streaming = true;
    conn->closing = conn->closing || conn->old;
    struct buf *head = begin_head(conn, 200);
    buf_add(head, VIEW(EVENT_FIELDS));
    if (!conn->old)
        buf_add(head, VIEW("Transfer-Encoding: chunked\r\n"));
    end_head(conn);
    if (!conn->inside)
        conn_place(conn, PLACE_STREAM);
}

// What ends an event, and with the last one the answer.
static struct view end_of_event(const struct conn *conn, bool last)
{
    if (conn->old)
        return VIEW("\n\n");
    return last ? VIEW("\n\n\r\n" LAST_CHUNK) : VIEW("\n\n\r\n");
}

// Adds what stands in front of the data to the head that has just begun, or to an empty one.
static void send_event(struct conn *conn, struct view id, const struct view *pieces, size_t count,
                       bool last)
{
    struct buf *head = &conn->door->head;
    size_t size = VIEW("data: ").size + total(pieces, count) + VIEW("\n\n").size;
    size += id.data ? VIEW("id: ").size + id.size + VIEW("\n").size : 0;
    if (!conn->old)
        http_add_chunk_head(head, size);
    if (id.data) {
        buf_add(head, VIEW("id: "));
        buf_add(head, id);
        buf_add(head, VIEW("\n"));
    }
    buf_add(head, VIEW("data: "));
    if (head->failed)
        lose(conn);
    else
        send_all(conn, buf_view(head), pieces, count, end_of_event(conn, last));
}

// The same for data that has line ends between its JSON.
static void send_on_one_line(struct conn *conn, struct view id, const struct view *pieces,
                             size_t count, bool last)
{
    struct buf *head = &conn->door->head;
    struct buf data AUTO(buf_done);
    struct buf event AUTO(buf_done);
    size_t size = total(pieces, count);
    buf_init(&data, size);
    buf_init(&event, size + EVENT_HEAD);
    for (size_t i = 0; i < count; i++)
        buf_add(&data, pieces[i]);
    sse_add_event(&event, id, buf_view(&data));
    const struct view whole = buf_view(&event);
    if (!conn->old)
        http_add_chunk_head(head, whole.size);
    if (data.failed || event.failed || head->failed)
        lose(conn);
    else
        send_all(conn, buf_view(head), &whole, 1, view_skip(end_of_event(conn, last), 2));
}

static void say(struct conn *conn, struct view id, const struct view *pieces, size_t count,
                bool last)
{
    const struct buf *head = &conn->door->head;
    if (conn->streaming)
        buf_clear(&conn->door->head);
    else
        begin_stream(conn);
    if (count == 0 && (head->size > 0 || head->failed))
        send_head(conn, NULL, 0);
    else if (count > 0 && text_has_line_end(pieces, count))
        send_on_one_line(conn, id, pieces, count, last);
    else if (count > 0)
        send_event(conn, id, pieces, count, last);
    if (conn->place == PLACE_STREAM)
        conn_place(conn, PLACE_STREAM); // the comment may wait longer
}

static void op_event(void *door, struct view id, const struct view *pieces, size_t count)
{
    say((struct conn *)door, id, pieces, count, false);
}

static void op_end(void *door, struct view id, const struct view *pieces, size_t count)
{
    struct conn *conn = (struct conn *)door;
    say(conn, id, pieces, count, true);
    if (count == 0 && !conn->old)
        (void)!stream_write(conn->stream, &VIEW(LAST_CHUNK), 1);
    conn_answered(conn);
}

static void op_pause(void *door, long long retry)
{
    struct conn *conn = (struct conn *)door;
    char text[64];
    int size = snprintf(text, sizeof text, "retry: %lld\n\n", retry);
    struct buf *head = &conn->door->head;
    const struct view field = {text, (size_t)size};
    buf_clear(head);
    if (retry >= 0 && conn->old)
        buf_add(head, field);
    else if (retry >= 0)
        http_add_chunk(head, field);
    if (!conn->old)
        buf_add(head, VIEW(LAST_CHUNK));
    send_head(conn, NULL, 0);
    conn_answered(conn);
}

static void op_cut(void *door, const char *reason)
{
    struct conn *conn = (struct conn *)door;
    (void)reason;             // there is no place for it
    conn_forget_reader(conn); // its calls were cancelled, and the log says so
    conn->exchange = NULL;
    conn->answered = true;
    stream_reset(&conn->stream);
    conn_end(conn, false);
}

static size_t op_queued(void *door)
{
    const struct conn *conn = (const struct conn *)door;
    return stream_queued(conn->stream);
}

const struct front_ops reply_ops = {op_answer, op_event, op_end, op_pause, op_cut, op_queued};
