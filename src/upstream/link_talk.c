// link_talk.c: what comes back over HTTP: heads, JSON bodies, streams of events, their ends.
#include <stdlib.h>

#include "base/fresh.h"
#include "upstream/talk.h"

enum {
    RETRY = 1000,       // milliseconds before a stream is resumed, unless the server says `retry:`
    RETRY_MOST = 30000, // milliseconds
    DRAIN = 5,          // seconds that an answer may still last when nobody looks at it
    TRIES = 5,          // to resume, without anything coming
    STATUS_OK = 200,
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_BAD = 400,
    STATUS_BROKEN = 500,
};

struct talk *talk_new(struct link *link, enum talk_kind kind, struct upcall *call)
{
    const struct settings *settings = link->all->order.settings;
    struct talk *talk = fresh(sizeof(*talk));
    if (!talk)
        return NULL;
    talk->link = link;
    talk->kind = kind;
    talk->call = call;
    sse_reader_init(&talk->reader, settings->event);
    buf_init(&talk->body, settings->upstream_body);
    list_append(&link->talks, &talk->node);
    if (kind == TALK_POST)
        link->posting++;
    return talk;
}

// Its bytes may be those that somebody is being told of.
void talk_free(struct talk *talk)
{
    struct link *link = talk->link;
    if (talk->over)
        return;
    talk->over = true;
    if (talk->kind == TALK_POST)
        link->posting--;
    http_cancel(&talk->exchange);
    gather_ends(talk);
    node_remove(&talk->node);
    node_remove(&talk->rest);
    list_append(&link->all->dead, &talk->node);
    if (talk->call)
        talk->call->talk = NULL;
    talk->call = NULL;
    if (link->stream == talk)
        link->stream = NULL;
}

void talk_drain(struct talk *talk)
{
    struct link *link = talk->link;
    if (talk->call)
        talk->call->talk = NULL;
    talk->call = NULL;
    if (link->stream == talk)
        link->stream = NULL;
    talk->kind = TALK_DRAIN;
    gather_ends(talk);
    if (!talk->exchange)
        return; // whoever tells its end frees it
    http_hold(talk->exchange, false);
    talk->wake = link->all->now + DRAIN * TIME_SECOND;
    list_append(&link->all->resting, &talk->rest);
}

void talks_bury(struct upstreams *all)
{
    while (!list_empty(&all->dead)) {
        struct talk *talk = OUTER(all->dead.next, struct talk, node);
        node_remove(&talk->node);
        sse_reader_done(&talk->reader);
        buf_done(&talk->body);
        free(talk);
    }
}

// --- the ends of a call ----------------------------------------------------------------------
static void fail_call(struct talk *talk, enum upcall_failure why, const char *sentence)
{
    struct link *link = talk->link;
    if (talk->call->own)
        link->handshake.status = talk->status;
    else if (why == UPCALL_UNREACHABLE || why == UPCALL_DIED)
        upstream_went_down(link->upstream);
    upcall_fail(talk->call, why, sentence, talk->exchange != NULL);
}

// The answer is no message.
static void fail_by_status(struct talk *talk)
{
    if (talk->status >= STATUS_BROKEN) {
        fail_call(talk, UPCALL_UNREACHABLE, "the server is out of order");
        return;
    }
    fail_call(talk, UPCALL_GARBLED,
              talk->status >= STATUS_BAD ? "the server refuses the request"
                                         : "the server's answer is not MCP");
}

// What the server's last `retry:` said, in milliseconds and within bounds; -1: nothing.
static long long retry_of(const struct talk *talk)
{
    long long retry = talk->reader.retry;
    return retry > RETRY_MOST ? RETRY_MOST : retry;
}

static void rest_for(struct talk *talk, long long milliseconds)
{
    talk->wake = talk->link->all->now + milliseconds * 1000;
    list_append(&talk->link->all->resting, &talk->rest);
}

// A stream that ended before the answer can be resumed when its events had ids (SEP-1699).
static bool rest(struct talk *talk)
{
    bool tired = ++talk->tries > TRIES;
    if (talk->link->era != MCP_LEGACY ||
        (talk->kind == TALK_CALL && (tired || sse_last_id(&talk->reader).size == 0)))
        return false;
    long long span = tired ? RETRY_MOST : retry_of(talk);
    if (span < 0)
        span = RETRY;
    gather_ends(talk);
    rest_for(talk, span);
    return true;
}

// Another talk takes its place, since its own bytes may be those that somebody is being told of.
void talk_follow(const struct talk *talk, bool behind)
{
    struct link *link = talk->link;
    struct talk *next = talk_new(link, TALK_STREAM, NULL);
    if (!next)
        return; // the link's next tick begins one
    bool well = talk->opened > 0 && link->all->now - talk->opened > LIVED_WELL;
    next->cuts = well ? 1 : talk->cuts + 1;
    next->reader.retry = talk->reader.retry;
    if (behind) {
        memcpy(next->reader.id, talk->reader.id, talk->reader.id_size);
        next->reader.id_size = talk->reader.id_size;
    }
    long long span = RETRY;
    for (unsigned i = 1; i < next->cuts && span < RETRY_MOST; i++)
        span *= 2;
    if (span > RETRY_MOST)
        span = RETRY_MOST;
    link->stream = next;
    rest_for(next, span > retry_of(next) ? span : retry_of(next));
}

// --- heads -----------------------------------------------------------------------------------
static void keep_session(struct link *link, struct view id)
{
    link->session_size = 0;
    if (id.size > sizeof(link->session))
        return;
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] < 0x21 || id.data[i] > 0x7e)
            return;
    if (id.size > 0)
        memcpy(link->session, id.data, id.size);
    link->session_size = id.size;
}

static void call_head(struct talk *talk, const struct http_head *head)
{
    struct link *link = talk->link;
    struct upcall *call = talk->call;
    call->heard = link->all->now;
    call->status = head->status;
    if (call->own)
        link->handshake.status = head->status;
    bool in_session = call->body.buf.maximum > 0; // whether there was room for a copy or not
    if (head->status == STATUS_UNAUTHORIZED || head->status == STATUS_FORBIDDEN) {
        talk_drain(talk);
        upcall_fail(call, UPCALL_UNAUTHORIZED, "the server refuses the gateway's credentials",
                    false);
    } else if (talk->resumed && (head->status != STATUS_OK || !talk->sse))
        fail_call(talk, UPCALL_DIED, "the server's stream was lost");
    else if (head->status == STATUS_NOT_FOUND && in_session)
        http_session_lost(link, talk);
    else if (call->method == MCP_INITIALIZE && head->status == STATUS_OK)
        keep_session(link, http_value(head, "Mcp-Session-Id"));
}

// The client's answer begins as the server's does. `more`: what came along is told first.
static void tell_begun(struct talk *talk, bool more)
{
    if (talk->over || !talk->sse || !talk->call || !talk->call->events->begun)
        return;
    talk->call->events->begun(talk->call->context, talk->link->era, more);
}

static void stream_head(struct talk *talk)
{
    if (talk->sse) {
        talk->opened = talk->link->all->now;
        return;
    }
    talk_drain(talk);
    // Another refusal is the server's last word about it.
    bool later = status_is_for_now(talk->status), resumes = sse_last_id(&talk->reader).size > 0;
    if (later || resumes) // it may not know the event any more, whatever it says
        talk_follow(talk, later && talk->cuts < TRIES);
    else
        talk->link->no_stream = true;
}

static void on_head(void *context, const struct http_head *head, bool more)
{
    struct talk *talk = context;
    struct upstreams *all = talk->link->all;
    upstreams_enter(all);
    talk->status = head->status;
    // What a server says in its answer to a notification or to an answer is nobody's.
    bool heeded = talk->kind == TALK_CALL || talk->kind == TALK_STREAM;
    talk->sse = heeded && head->status == STATUS_OK &&
                http_lists(http_value(head, "Content-Type"), "text/event-stream");
    talk->expected = talk->sse ? talk->reader.data.maximum : talk->body.maximum;
    if (talk->kind == TALK_CALL) {
        if (!talk->sse && head->has_length && head->length <= talk->body.maximum) {
            talk->expected = (size_t)head->length;
            buf_reserve(&talk->body, talk->expected);
        }
        call_head(talk, head);
        tell_begun(talk, more);
    } else if (talk->kind == TALK_STREAM) {
        stream_head(talk);
    }
    if (!talk->over)
        http_flow(talk);
    upstreams_leave(all);
}

// --- bytes -----------------------------------------------------------------------------------
static void take_event(struct talk *talk, const struct sse_event *event)
{
    talk->tries = 0;
    bool plain = !event->name.data || view_is(event->name, "message");
    if (!plain || event->data.size == 0)
        return;
    if (link_message(talk->link, talk->call, event->data) || talk->over)
        return;
    if (talk->kind == TALK_CALL)
        fail_call(talk, UPCALL_GARBLED, "the server's answer is not MCP");
}

static void feed(struct talk *talk, struct view bytes)
{
    while (!talk->over && talk->kind != TALK_DRAIN) {
        size_t used = 0;
        struct sse_event event;
        enum sse_step step = sse_read(&talk->reader, bytes, &used, &event);
        if (step == SSE_MORE)
            return;
        if (step == SSE_EVENT) {
            bytes = view_skip(bytes, used);
            take_event(talk, &event);
            continue;
        }
        bool large = step == SSE_TOO_LARGE;
        if (talk->call) {
            fail_call(talk, large ? UPCALL_LARGE : UPCALL_MEMORY,
                      large ? "the server sent a message that is too large"
                            : "the gateway is short of memory");
        } else {
            talk_free(talk);
            talk_follow(talk, !large); // behind the last one that large one would come again
        }
        return;
    }
}

static void on_data(void *context, struct view bytes)
{
    struct talk *talk = context;
    struct upstreams *all = talk->link->all;
    upstreams_enter(all);
    upcall_heard(talk->call);
    if (talk->sse) {
        feed(talk, bytes);
        if (!talk->over && talk->kind != TALK_DRAIN)
            gather_looks(talk, talk->reader.line.size + talk->reader.data.size);
        tell_begun(talk, false);
    } else if (talk->kind == TALK_CALL) {
        buf_add(&talk->body, bytes);
        if (talk->body.failed)
            fail_call(talk, talk->body.full ? UPCALL_LARGE : UPCALL_MEMORY,
                      talk->body.full ? "the server's answer is too large"
                                      : "the gateway is short of memory");
        else
            gather_looks(talk, talk->body.size);
    }
    upstreams_leave(all);
}

// --- ends ------------------------------------------------------------------------------------
static void call_done(struct talk *talk)
{
    struct link *link = talk->link;
    if (talk->sse) {
        const struct upcall *call = talk->call;
        if (talk->reader.retry >= 0)
            talk->tries = 0; // it has itself polled, as often as it likes within the call's time
        if (!rest(talk))
            fail_call(talk, UPCALL_DIED, "the server ended the stream before it answered");
        else if (call->events->paused)
            call->events->paused(call->context, retry_of(talk));
        return;
    }
    const int status = talk->status;
    const bool refused = !talk->call->own && status >= STATUS_BAD && !status_is_for_now(status);
    gather_ends(talk); // it is complete: what a client does not take is counted from here on
    (void)link_message(link, talk->call, buf_view(&talk->body));
    if (refused) // be it by a message: in both eras such a status may be about the era
        pulse_refused(link);
    if (talk->over)
        return;
    if (talk->call)
        fail_by_status(talk);
    else
        talk_free(talk);
}

static void stream_over(struct talk *talk)
{
    if (!rest(talk)) {
        talk->link->no_stream = true;
        talk_free(talk);
    }
}

static void post_over(struct talk *talk)
{
    struct link *link = talk->link;
    void (*after)(struct link * of) = talk->after;
    bool bye = talk->kind == TALK_BYE;
    talk_free(talk);
    if (after)
        after(link);
    if (!bye)
        http_posts_move(link);
    else
        link_finished(link);
}

static void on_done(void *context)
{
    struct talk *talk = context;
    struct upstreams *all = talk->link->all;
    upstreams_enter(all);
    talk->exchange = NULL;
    if (talk->kind == TALK_CALL)
        call_done(talk);
    else if (talk->kind == TALK_STREAM)
        stream_over(talk);
    else if (talk->kind == TALK_DRAIN)
        talk_free(talk);
    else
        post_over(talk);
    upstreams_leave(all);
}

static enum upcall_failure failure_of(enum http_failure why)
{
    static const enum upcall_failure failures[] = {
        [HTTP_UNREACHABLE] = UPCALL_UNREACHABLE, [HTTP_FORBIDDEN] = UPCALL_FORBIDDEN,
        [HTTP_TIMEOUT] = UPCALL_TIMEOUT,         [HTTP_LOST] = UPCALL_DIED,
        [HTTP_GARBLED] = UPCALL_GARBLED,         [HTTP_LARGE] = UPCALL_LARGE,
        [HTTP_MEMORY] = UPCALL_MEMORY,
    };
    return failures[why];
}

static void on_failed(void *context, enum http_failure why, const char *sentence)
{
    struct talk *talk = context;
    struct upstreams *all = talk->link->all;
    upstreams_enter(all);
    talk->exchange = NULL;
    bool lost = why == HTTP_LOST && talk->sse;
    if (talk->kind == TALK_CALL && !(lost && rest(talk)))
        fail_call(talk, failure_of(why), sentence);
    else if (talk->kind == TALK_STREAM)
        stream_over(talk);
    else if (talk->kind == TALK_DRAIN)
        talk_free(talk);
    else if (talk->kind == TALK_POST || talk->kind == TALK_BYE)
        post_over(talk);
    upstreams_leave(all);
}

const struct http_events talk_events = {
    .head = on_head, .data = on_data, .done = on_done, .failed = on_failed};
