// http_rules.h: an MCP server over HTTP, on the loop of the test, that answers by rules.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "os/stream.h"
#include "tells.h"
#include "wire/http1.h"

enum ending { WHOLE, STREAM_ENDS, STREAM_STAYS, NO_ANSWER, HANG_UP };

enum { OWN_RULES = 4 }; // the index of the first behind LEGACY

// The first rule whose words are all in the request (head and body) answers it.
struct rule {
    const char *match, *also; // `also` may be NULL
    int status;
    const char *fields; // further header lines, each with its CR LF; may be NULL
    const char *body;   // @ID@ is the request's id; may be NULL
    enum ending ending;
    unsigned times; // after which it does not count any more; 0: always
};

// --- what servers say ---------------------------------------------------------------------------
#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":" text "}"
#define ERROR(code)                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"error\":{\"code\":" #code ",\"message\":\"m\"}}"
#define EVENT(text) "event: message\ndata: " text "\n\n"
#define NOTE(method) "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" method "\"}"
#define SESSION "Mcp-Session-Id: abc\r\n"
#define HELLO "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"serverInfo\":{}}"
#define LEGACY                                                                                     \
    {"server/discover", NULL, 400, NULL, NULL, WHOLE, 0},                                          \
        {"\"initialize\"", NULL, 200, SESSION, RESULT(HELLO), WHOLE, 0},                           \
        {"notifications/", "Mcp-Session-Id: abc", 202, NULL, NULL, WHOLE, 0},                      \
    {                                                                                              \
        "DELETE ", "Mcp-Session-Id: abc", 200, NULL, NULL, WHOLE, 0                                \
    }
#define MODERN                                                                                     \
    {"\"initialize\"", NULL, 400, NULL, ERROR(-32022), WHOLE, 0},                                  \
    {                                                                                              \
        "server/discover", "Mcp-Method: server/discover", 200, NULL,                               \
            RESULT("{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}"), WHOLE, 0       \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, 0, NULL, NULL, WHOLE, 0                                                        \
    }

// --- the server
// -----------------------------------------------------------------------------------
struct backend {
    struct loop *loop;
    struct listener *listener;
    struct rule *rules; // the last has no match
    unsigned used[32];
    struct tells seen; // `METHOD:mcp-method` of all requests
    struct buf last;
    struct line *lines;
};

struct line {
    struct line *next;
    struct backend *backend;
    struct stream *stream;
    struct buf in;
};

static inline void line_write(struct line *line, const struct buf *buf)
{
    struct view bytes = buf_view(buf);
    assert_true(stream_write(line->stream, &bytes, 1));
}

static inline struct view request_id(const struct buf *request)
{
    const char *at = memmem(request->data, request->size, "\"id\":", 5);
    if (!at)
        return VIEW("null");
    at += 5;
    return (struct view){at, strcspn(at, ",}")};
}

static inline void add_body(struct buf *out, const char *text, struct view id)
{
    for (const char *at; text && (at = strstr(text, "@ID@")); text = at + 4) {
        buf_add(out, (struct view){text, (size_t)(at - text)});
        buf_add(out, id);
    }
    buf_add(out, view_of(text ? text : ""));
}

static inline void rule_answers(struct line *line, const struct rule *rule)
{
    struct buf out, body;
    buf_init(&out, 1 << 20);
    buf_init(&body, 1 << 20);
    add_body(&body, rule->body, request_id(&line->in));
    bool stream = rule->ending == STREAM_ENDS || rule->ending == STREAM_STAYS;
    buf_add_format(&out, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n%s", rule->status,
                   stream ? "text/event-stream" : "application/json",
                   rule->fields ? rule->fields : "");
    if (stream)
        buf_add_format(&out, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", body.size);
    else
        buf_add_format(&out, "Content-Length: %zu\r\n\r\n", body.size);
    buf_add(&out, buf_view(&body));
    if (stream)
        buf_add(&out, VIEW("\r\n"));
    if (rule->ending == STREAM_ENDS)
        buf_add(&out, VIEW("0\r\n\r\n"));
    line_write(line, &out);
    buf_done(&out);
    buf_done(&body);
}

static inline bool has(const struct buf *request, const char *words)
{
    return !words || memmem(request->data, request->size, words, strlen(words));
}

static inline void line_asked(struct line *line)
{
    struct backend *backend = line->backend;
    struct buf *in = &line->in;
    buf_clear(&backend->last);
    buf_add(&backend->last, buf_view(in));
    const char *method = memmem(in->data, in->size, "\"method\":\"", 10);
    tell(&backend->seen,
         in->data[0] == 'P'   ? "POST:"
         : in->data[0] == 'G' ? "GET:"
                              : "DELETE:",
         method ? (struct view){method + 10, strcspn(method + 10, "\"")} : VIEW(""));
    for (size_t i = 0; backend->rules[i].match; i++) {
        const struct rule *rule = &backend->rules[i];
        if (!has(in, rule->match) || !has(in, rule->also) ||
            (rule->times && backend->used[i] >= rule->times))
            continue;
        backend->used[i]++;
        if (rule->ending == HANG_UP)
            stream_close(&line->stream);
        else if (rule->ending != NO_ANSWER)
            rule_answers(line, rule);
        break;
    }
    buf_clear(in);
}

static inline void line_data(void *context, struct view bytes)
{
    struct line *line = context;
    struct http_head head;
    size_t size;
    const char *reason;
    buf_add(&line->in, bytes);
    enum http_step step = http_read_request(buf_view(&line->in), &head, &size, &reason);
    assert_int_not_equal(step, HTTP_BAD);
    if (step == HTTP_DONE && line->in.size >= size + head.length)
        line_asked(line);
}

static inline void line_ended(void *context, const char *reason)
{
    struct line *line = context;
    (void)reason;
    tell(&line->backend->seen, "closed", VIEW(""));
    stream_close(&line->stream);
}

static const struct stream_events line_events = {.data = line_data, .ended = line_ended};

static inline void backend_accepted(void *context, struct stream *stream)
{
    struct backend *backend = context;
    struct line *line = calloc(1, sizeof(*line));
    assert_non_null(line);
    *line = (struct line){.next = backend->lines, .backend = backend, .stream = stream};
    buf_init(&line->in, 1 << 20);
    backend->lines = line;
    stream_handle(stream, &line_events, line);
}

static inline unsigned backend_init(struct backend *backend, struct loop *loop, struct rule *rules)
{
    struct err why;
    *backend = (struct backend){.loop = loop, .rules = rules};
    buf_init(&backend->last, 1 << 20);
    struct listener_order order = {
        .where = "127.0.0.1:0", .accepted = backend_accepted, .context = backend};
    assert_true(listener_new(loop, &order, &backend->listener, &why));
    return listener_port(backend->listener);
}

static inline void backend_hang_up(struct backend *backend)
{
    for (struct line *line = backend->lines; line; line = line->next)
        stream_close(&line->stream);
}

static inline void backend_done(struct backend *backend)
{
    listener_free(&backend->listener);
    buf_done(&backend->last);
    while (backend->lines) {
        struct line *line = backend->lines;
        backend->lines = line->next;
        stream_close(&line->stream);
        buf_done(&line->in);
        free(line);
    }
}
