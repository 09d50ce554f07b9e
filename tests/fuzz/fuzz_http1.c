// fuzz_http1.c: a head, or a chunked body, is read the same whatever it is cut into; what is
// accepted has only CR LF line ends and one frame; written anew and read again it is the same.
#include "fuzz.h"

#include <stdlib.h>

#include "wire/http1.h"
#include "wire/http1_bytes.h"

enum { MEMORY = 64 << 20, ALL_CUTS = 300, SOME_CUTS = 20 };

typedef enum http_step (*read_fn)(struct view, struct http_head *, size_t *, const char **);

static void must(bool holds)
{
    if (!holds)
        abort();
}

// The lengths at which an input is cut: all of a short one.
static size_t next_cut(size_t cut, size_t size)
{
    return size <= ALL_CUTS ? cut + 1 : cut + 1 + size / SOME_CUTS;
}

static void judge_head(struct view bytes, const struct http_head *head)
{
    size_t hosts = 0, lengths = 0, codings = 0;
    bool request = head->method.size > 0;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        must((byte == '\r') == (i + 1 < bytes.size && bytes.data[i + 1] == '\n'));
        must((byte == '\n') == (i > 0 && bytes.data[i - 1] == '\r'));
        must(byte != '\0' && byte != 0x7f);
    }
    must(bytes.size >= 4 && memcmp(bytes.data + bytes.size - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < head->field_count; i++) {
        struct view name = head->fields[i].name, value = head->fields[i].value;
        must(name.data > bytes.data && name.size > 0 && name.data[name.size] == ':');
        must(value.data > name.data && value.data + value.size <= bytes.data + bytes.size - 4);
        must(http_all(name, HTTP_TOKEN) && http_all(value, HTTP_TEXT));
        must(value.size == 0 ||
             !(http_is_blank(*value.data) || http_is_blank(value.data[value.size - 1])));
        hosts += http_same(name, "host");
        lengths += http_same(name, "content-length");
        codings += http_same(name, "transfer-encoding");
    }
    must(lengths == (head->has_length ? 1 : 0) && codings == (head->chunked ? 1 : 0));
    must(lengths + codings <= 1 && codings <= (size_t)head->minor);
    must(!request || (hosts <= 1 && hosts >= (size_t)head->minor));
    must(request ? head->target.size > 0 : head->status >= 100 && head->status <= 599);
}

static void rewrite(const struct http_head *head, struct buf *buf)
{
    char method[4096];
    must(head->method.size < sizeof method);
    if (head->method.size > 0) {
        memcpy(method, head->method.data, head->method.size);
        method[head->method.size] = '\0';
        http_add_request(buf, method, head->target);
        buf->data[buf->size - 3] = (char)('0' + head->minor);
    } else {
        http_add_status(buf, head->status);
        buf->data[sizeof "HTTP/1." - 1] = (char)('0' + head->minor);
    }
    for (size_t i = 0; i < head->field_count; i++) {
        char name[4096];
        struct view was = head->fields[i].name;
        must(was.size < sizeof name);
        memcpy(name, was.data, was.size);
        name[was.size] = '\0';
        http_add_field(buf, name, head->fields[i].value);
    }
    http_add_end(buf);
    must(!buf->failed);
}

static void must_be_same(const struct http_head *a, const struct http_head *b)
{
    must(view_equal(a->method, b->method) && view_equal(a->target, b->target));
    must(a->status == b->status && a->minor == b->minor && a->field_count == b->field_count);
    must(a->chunked == b->chunked && a->has_length == b->has_length && a->length == b->length);
    must(a->keep_alive == b->keep_alive && a->expect_continue == b->expect_continue);
    for (size_t i = 0; i < a->field_count; i++)
        must(view_equal(a->fields[i].name, b->fields[i].name) &&
             view_equal(a->fields[i].value, b->fields[i].value));
}

// Returns how many bytes the head has, 0 when it is none.
static size_t try_head(read_fn read, struct view bytes)
{
    struct http_head head, again;
    const char *reason = NULL, *cut_reason = NULL;
    size_t size = 0, cut_size = 0;
    enum http_step step = read(bytes, &head, &size, &reason);
    for (size_t cut = 0; cut < bytes.size; cut = next_cut(cut, bytes.size)) {
        enum http_step now = read((struct view){bytes.data, cut}, &again, &cut_size, &cut_reason);
        must(now == HTTP_MORE || now == step);
        must(now != HTTP_MORE || step != HTTP_DONE || cut < size);
        must(now != HTTP_DONE || (cut >= size && cut_size == size));
        must(now != HTTP_BAD || cut_reason == reason);
    }
    if (step != HTTP_DONE)
        return 0;
    struct buf buf;
    buf_init(&buf, MEMORY);
    bool skipped = head.method.size > 0 && bytes.data[0] == '\r';
    judge_head((struct view){bytes.data + (skipped ? 2 : 0), size - (skipped ? 2 : 0)}, &head);
    rewrite(&head, &buf);
    must(read(buf_view(&buf), &again, &cut_size, &reason) == HTTP_DONE && cut_size == buf.size);
    must_be_same(&head, &again);
    buf_done(&buf);
    return size;
}

// Reads a piece of a body until it wants more. Returns the bytes used.
static size_t feed(struct http_chunks *chunks, struct view piece, struct buf *body,
                   enum http_step *ret_step)
{
    size_t all = 0, used;
    do {
        struct view data;
        *ret_step = http_chunks_read(chunks, view_skip(piece, all), &used, &data);
        must(data.size <= used && used <= piece.size - all);
        must(data.size == 0 || (*ret_step == HTTP_MORE && data.data >= piece.data + all));
        buf_add(body, data);
        all += used;
    } while (*ret_step == HTTP_MORE && used > 0);
    must(*ret_step != HTTP_MORE || all == piece.size);
    return all;
}

static void rewrite_body(struct view body)
{
    struct buf text, again;
    struct http_chunks chunks = {0};
    enum http_step step;
    buf_init(&text, MEMORY);
    buf_init(&again, MEMORY);
    for (size_t at = 0, size = 1; at < body.size; at += size, size = size * 2 + 1) {
        size = size < body.size - at ? size : body.size - at;
        http_add_chunk(&text, (struct view){body.data + at, size});
    }
    http_add_chunk_head(&text, 0);
    must(feed(&chunks, buf_view(&text), &again, &step) == text.size && step == HTTP_DONE);
    must(view_equal(buf_view(&again), body));
    buf_done(&text);
    buf_done(&again);
}

static void try_body(struct view bytes)
{
    struct buf whole, body;
    struct http_chunks chunks = {0};
    enum http_step step, now;
    buf_init(&whole, MEMORY);
    buf_init(&body, MEMORY);
    size_t used = feed(&chunks, bytes, &whole, &step);
    for (size_t cut = 0; cut < bytes.size; cut = next_cut(cut, bytes.size)) {
        chunks = (struct http_chunks){0};
        size_t used_now = feed(&chunks, (struct view){bytes.data, cut}, &body, &now);
        must(now == (cut < used ? HTTP_MORE : step));
        used_now += feed(&chunks, view_skip(bytes, used_now), &body, &now);
        must(now == step && used_now == used && view_equal(buf_view(&body), buf_view(&whole)));
        buf_clear(&body);
    }
    if (step == HTTP_DONE)
        rewrite_body(buf_view(&whole));
    buf_done(&whole);
    buf_done(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view bytes = view_bytes(data, size);
    size_t head = try_head(http_read_request, bytes);
    if (head == 0)
        head = try_head(http_read_response, bytes);
    else
        must(try_head(http_read_response, bytes) == 0);
    try_body(view_skip(bytes, head));
    (void)http_lists(bytes, "text/event-stream");
    return 0;
}
