// gateway_body.c: a request that comes in parts, from its judged head to the last byte of its body.
// The connection's input has them together, and counts in the ration of requests under way
// (front_asked) by the memory they take, so that what was only promised keeps nobody out.
#include <string.h>

#include "doors/gateway_conn.h"
#include "doors/gateway_reply.h"

static void forget_body(struct conn *conn)
{
    conn->head_size = 0;
    rationed_done(&conn->input);
}

enum http_verdict body_refuse(struct conn *conn, int status, const char *reason)
{
    forget_body(conn);
    return conn_refuse(conn, status, reason);
}

static enum http_verdict too_much(struct conn *conn)
{
    return body_refuse(conn, 429,
                       "Too many bytes of requests are under way, of this key or of all");
}

// What has come of a request goes: others need the room, or its key was revoked.
static void give_up(struct holding *room)
{
    struct conn *conn = OUTER(room, struct conn, input.room);
    if (!room->ration->taking_back) {
        (void)too_much(conn);
        return;
    }
    forget_body(conn);
    http_deny(conn);
}

// More of a request whose head is there.
static enum http_verdict add_to_body(struct conn *conn, struct view bytes)
{
    rationed_add(&conn->input, bytes);
    if (!conn->input.buf.failed)
        return HTTP_TAKE;
    return conn->input.buf.full ? too_much(conn) : body_refuse(conn, 503, "Out of memory");
}

// From here on the input is the head, and its body grows behind it. `all` may be in what was input.
enum http_verdict body_begin(struct conn *conn, const struct http_request *request, struct view all)
{
    const struct http_head *head = &request->head;
    const struct view own = {all.data, request->head_size};
    const uint64_t most = head->chunked ? request->body_most : head->length;
    struct buf before = conn->input.buf;
    holding_end(&conn->input.room);
    rationed_init(&conn->input, own.size + (size_t)most,
                  (struct holding){.ration = front_asked(conn->door->gateway),
                                   .owner = request->key,
                                   .give_up = give_up});
    conn->head_size = own.size;
    conn->chunked = head->chunked;
    conn->awaited = head->length;
    conn->chunks = (struct http_chunks){0};
    enum http_verdict verdict = add_to_body(conn, own);
    if (verdict == HTTP_TAKE && head->expect_continue && all.size == own.size)
        reply_continue(conn);
    explicit_bzero((char *)(uintptr_t)own.data, own.size); // a key may be in it
    buf_done(&before);
    return verdict;
}

// The request is complete. Its head is judged again: much may have changed while the body came.
static enum http_verdict take_gathered(struct conn *conn)
{
    struct http_request request;
    const char *reason;
    struct view head = {conn->input.buf.data, conn->head_size};
    struct view body = view_skip(buf_view(&conn->input.buf), conn->head_size);
    enum http_verdict verdict = HTTP_ANSWERED;
    if (http_read_request(head, &request.head, &request.head_size, &reason) == HTTP_DONE) {
        request.whole = true;
        holding_end(&conn->input.room); // it counts as its call's
        verdict = http_dispatch(conn, &request, body);
    }
    if (verdict == HTTP_ELSEWHERE)
        verdict = conn_refuse(conn, 503, "Try again");
    forget_body(conn);
    return verdict;
}

static enum http_verdict take_chunks(struct conn *conn, struct view bytes, size_t *ret_used)
{
    const struct buf *input = &conn->input.buf;
    *ret_used = 0;
    for (;;) {
        size_t used;
        struct view data;
        enum http_step step =
            http_chunks_read(&conn->chunks, view_skip(bytes, *ret_used), &used, &data);
        *ret_used += used;
        if (step == HTTP_BAD)
            return body_refuse(conn, 400, "The chunks of the body are not well made");
        if (step == HTTP_DONE)
            return take_gathered(conn);
        if (data.size > input->maximum - input->size)
            return body_refuse(conn, 413, "The body is too large");
        enum http_verdict verdict = add_to_body(conn, data);
        if (verdict != HTTP_TAKE)
            return verdict;
        if (used == 0 || *ret_used == bytes.size)
            return HTTP_TAKE;
    }
}

enum http_verdict body_take(struct conn *conn, struct view bytes, size_t *ret_used)
{
    if (conn->chunked)
        return take_chunks(conn, bytes, ret_used);
    *ret_used = bytes.size < conn->awaited ? bytes.size : (size_t)conn->awaited;
    conn->awaited -= *ret_used;
    enum http_verdict verdict = add_to_body(conn, (struct view){bytes.data, *ret_used});
    if (verdict != HTTP_TAKE)
        return verdict;
    return conn->awaited == 0 ? take_gathered(conn) : HTTP_TAKE;
}
