// upcall.c: one request under way. See upstream.h and link.h.
#include <stdlib.h>

#include "base/json_walk.h"
#include "upstream/link.h"

enum {
    SPARES = 256,        // upcalls kept for the next ones
    BODY_KEPT = 1 << 20, // of all->body; what a large message took is given back
};

// --- birth and death -------------------------------------------------------------------------
static struct upcall *call_new(struct upstream *upstream, const struct upcall_order *order,
                               const struct upcall_events *events, void *context)
{
    struct upstreams *all = upstream->all;
    struct upcall *call = all->spare;
    if (call) {
        all->spare = call->context;
        all->spares--;
    } else {
        call = malloc(sizeof(*call));
    }
    if (!call)
        return NULL;
    *call = (struct upcall){.upstream = upstream,
                            .events = events,
                            .context = context,
                            .method = order->method,
                            .asker_era = order->asker->era,
                            .session = order->asker->session,
                            .user = order->asker->user,
                            .key = order->asker->key,
                            .started = all->now,
                            .stream = order->stream};
    upstream->users++;
    if (!call->stream)
        list_append(&all->calls, &call->sweep);
    return call;
}

// From whatever list and table it is in.
static void detach(struct upcall *call)
{
    struct link *link = call->link;
    if (call->state == UPCALL_SENT) {
        numbers_remove(&link->pending, call->id);
        link->in_flight -= !call->own;
        link->used = link->all->now;
    } else if (call->state == UPCALL_WAITING && link && call->kept) {
        link->waiting_bytes -= call->kept->size;
    }
    node_remove(&call->node);
    node_remove(&call->sweep);
    free(call->kept);
    call->kept = NULL;
    call->link = NULL;
    if (link && call->state == UPCALL_SENT)
        stdio_flow(link);
}

static void call_free(struct upcall *call)
{
    struct upstreams *all = call->upstream->all;
    node_remove(&call->thaw);
    rationed_done(&call->body);
    backlog_end(call);
    call->upstream->users--;
    if (all->spares >= SPARES) {
        free(call);
        return;
    }
    call->context = all->spare;
    all->spare = call;
    all->spares++;
}

void upcalls_done(struct upstreams *all)
{
    while (all->spare) {
        struct upcall *call = all->spare;
        all->spare = call->context;
        free(call);
    }
    all->spares = 0;
}

static void doom(struct upcall *call, enum upcall_failure why, const char *sentence)
{
    call->state = UPCALL_DOOMED;
    call->why = why;
    call->sentence = sentence;
    list_append(&call->upstream->all->doomed, &call->node);
}

// `reason`: raw JSON or {NULL, 0}.
static void tell_cancelled(struct upcall *call, struct view reason)
{
    struct link *link = call->link;
    struct buf *buf = &link->all->meta;
    buf_clear(buf);
    buf_add_format(buf,
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                   "\"params\":{\"requestId\":%llu",
                   (unsigned long long)call->id);
    if (reason.data) {
        buf_add(buf, VIEW(",\"reason\":"));
        buf_add(buf, reason);
    }
    buf_add(buf, VIEW("}}"));
    if (!buf->failed)
        link->ops->post(link, buf_view(buf), false, NULL);
}

// Nobody waits for the answer any more. Over modern HTTP the end of the stream tells the server.
static void abandon(struct upcall *call, bool told, struct view reason)
{
    struct link *link = call->link;
    if (call->state != UPCALL_SENT || link->state == LINK_GONE)
        return;
    if (!call->own && !call->stream)
        link_was_left(link, call);
    bool by_stream = link->ops == &link_http && body_is_modern(link, call->method);
    if (told && call->method != MCP_INITIALIZE && !by_stream)
        tell_cancelled(call, reason);
    link->ops->abandon(link, call, false);
}

void upcall_fail(struct upcall *call, enum upcall_failure why, const char *sentence, bool told)
{
    if (call->state == UPCALL_DOOMED)
        return;
    abandon(call, told, (struct view){0});
    detach(call);
    doom(call, why, sentence);
}

void upcall_give_up(struct upcall *call)
{
    struct upstreams *all = call->upstream->all;
    upstreams_enter(all);
    upcall_fail(call, UPCALL_MEMORY, "the key's answers take the room that others need", true);
    upstreams_leave_quietly(all);
}

void upcall_forget(struct upcall *call, bool told)
{
    abandon(call, told, (struct view){0});
    detach(call);
    call_free(call);
}

// --- sending ---------------------------------------------------------------------------------
// The order goes out on its link. False, with the call doomed, when it cannot.
static bool launch(struct upcall *call, const struct upcall_order *order)
{
    struct link *link = call->link;
    struct upstreams *all = link->all;
    call->id = ++link->last_id;
    call->sent = all->now;
    bool made = body_make(link, call->id, order) && numbers_add(&link->pending, call->id, call);
    bool sent = false;
    if (made) {
        call->state = UPCALL_SENT;
        list_append(&link->flight, &call->node);
        link_is_used(link, call);
        sent = link->ops->send(link, call, order);
    }
    if (all->body.capacity > BODY_KEPT)
        buf_done(&all->body);
    if (sent)
        return true;
    detach(call);
    if (made && link->ops == &link_stdio)
        doom(call, UPCALL_UNREACHABLE, "more is sent to the server at a time than it reads");
    else
        doom(call, UPCALL_MEMORY, "the gateway is short of memory");
    return false;
}

static void keep_waiting(struct upcall *call, const struct upcall_order *order)
{
    struct link *link = call->link;
    call->state = UPCALL_WAITING;
    call->kept = kept_new(order);
    if (call->kept && link->waiting_bytes + call->kept->size <= link_room(link)) {
        link->waiting_bytes += call->kept->size;
        list_append(&link->waiting, &call->node);
        return;
    }
    bool full = call->kept;
    free(call->kept);
    call->kept = NULL;
    detach(call);
    if (full)
        doom(call, UPCALL_UNREACHABLE, "too much waits for the server to start");
    else
        doom(call, UPCALL_MEMORY, "the gateway is short of memory");
}

// On the link that was found for it, or when that is READY. Who asks for no more than that is told
// soon.
static void set_out(struct upcall *call, const struct upcall_order *order)
{
    if (call->link->state == LINK_READY && !call->learn) {
        launch(call, order);
        return;
    }
    keep_waiting(call, order);
    if (call->link && call->link->state == LINK_READY)
        list_append(&call->link->all->thawed, &call->thaw);
}

static struct upcall *begin(struct upstream *upstream, const struct upcall_order *order,
                            const struct upcall_events *events, void *context, bool learn)
{
    struct upcall *call = call_new(upstream, order, events, context);
    if (!call)
        return NULL;
    call->learn = learn;
    enum upcall_failure why = UPCALL_MEMORY;
    const char *sentence = "the gateway is short of memory";
    call->link = links_take(upstream, order->asker, &why, &sentence);
    if (!call->link) {
        node_remove(&call->sweep);
        doom(call, why, sentence);
    } else {
        set_out(call, order);
    }
    return call;
}

struct upcall *upcall_send(struct upstream *upstream, const struct upcall_order *order,
                           const struct upcall_events *events, void *context)
{
    upstreams_enter(upstream->all);
    struct upcall *call = begin(upstream, order, events, context, false);
    upstreams_leave_quietly(upstream->all);
    return call;
}

struct upcall *upcall_learn(struct upstream *upstream, const struct asker *asker,
                            const struct upcall_events *events, void *context)
{
    upstreams_enter(upstream->all);
    struct upcall_order order = {.asker = asker, .method = MCP_UNKNOWN};
    struct upcall *call = begin(upstream, &order, events, context, true);
    upstreams_leave_quietly(upstream->all);
    return call;
}

struct upcall *upcall_own(struct link *link, enum mcp_method method, struct view params,
                          const struct upcall_events *events)
{
    struct asker self = {.era = MCP_LEGACY,
                         .capabilities = link->capabilities,
                         .client_info = link->client_info,
                         .level = -1};
    struct upcall_order order = {.asker = &self,
                                 .method = method,
                                 .method_name = view_of(mcp_method_name(method)),
                                 .params = params,
                                 .stream = method == MCP_LISTEN};
    struct upcall *call = call_new(link->upstream, &order, events, link);
    if (!call)
        return NULL;
    call->own = true;
    call->link = link;
    if (launch(call, &order))
        return call;
    node_remove(&call->node);
    call_free(call);
    return NULL;
}

// A call that waits for its link is now at one that is READY.
void upcall_launch_waiting(struct upcall *call)
{
    node_remove(&call->node);
    if (call->learn) {
        upcall_answered(call, NULL);
        return;
    }
    struct kept *kept = TAKE(call->kept);
    if (kept) {
        call->link->waiting_bytes -= kept->size;
        launch(call, &kept->order);
        free(kept);
        return;
    }
    // Sent before, in a session that is no more.
    struct link *link = call->link;
    if (numbers_add(&link->pending, call->id, call)) {
        call->state = UPCALL_SENT;
        list_append(&link->flight, &call->node);
        link->in_flight += !call->own;
        if (call->body.buf.data && http_send_again(link, call)) // others may have needed its room
            return;
    }
    detach(call);
    doom(call, UPCALL_MEMORY, "the gateway is short of memory");
}

void upcall_wait_again(struct upcall *call)
{
    struct link *link = call->link;
    call->repeated = true;
    numbers_remove(&link->pending, call->id);
    link->in_flight -= !call->own;
    node_remove(&call->node);
    call->state = UPCALL_WAITING;
    call->heard = 0;
    list_append(&link->waiting, &call->node);
    if (link->state == LINK_READY)
        list_append(&link->all->thawed, &call->thaw);
}

void upcall_reroute(struct upcall *call, enum mcp_era era, const struct handshake *tried)
{
    struct kept *kept = TAKE(call->kept);
    if (!kept) {
        upcall_fail(call, UPCALL_DIED, "the server's session is over", false);
        return;
    }
    call->link->waiting_bytes -= kept->size;
    node_remove(&call->node);
    call->link = links_take_era(call->upstream, &kept->asker, era, tried);
    if (!call->link || call->link->state == LINK_RESTING) {
        enum upcall_failure why;
        const char *sentence;
        links_why(call->link, &why, &sentence);
        detach(call);
        doom(call, why, sentence);
    } else {
        set_out(call, &kept->order);
    }
    free(kept);
}

// --- events ----------------------------------------------------------------------------------
void upcall_heard(struct upcall *call)
{
    // A question's patience stays.
    if (call && call->heard < call->upstream->all->now)
        call->heard = call->upstream->all->now;
}

void upcall_notice(struct upcall *call, const struct rpc *message)
{
    upcall_heard(call);
    if (!call->events->notice || backlog_takes(call, message))
        return;
    call->events->notice(call->context, message);
}

void upcall_question(struct upcall *call, const struct rpc *message)
{
    // Somebody may have to read it and answer.
    int64_t patience = call->upstream->all->order.settings->question_timeout;
    call->heard = call->upstream->all->now + patience;
    if (backlog_takes(call, message))
        return;
    struct question question;
    if (link_question(call->link, message, &question))
        call->events->question(call->context, &question, message);
}

void upcall_answered(struct upcall *call, const struct rpc *response)
{
    if (backlog_takes(call, response))
        return;
    enum mcp_era era = call->link->era;
    const struct upcall_events *events = call->events;
    void *context = call->context;
    bool own = call->own;
    struct upstream *upstream = call->upstream;
    if (call->talk)
        call->link->ops->abandon(call->link, call, true);
    detach(call);
    call_free(call);
    events->answered(context, era, response);
    if (!own) // after the answer: until it is told the client may cancel
        upstream_came_up(upstream);
}

// --- deadlines -------------------------------------------------------------------------------
static int64_t either(int64_t of_spec, int64_t of_settings)
{
    return of_spec > 0 ? of_spec : of_settings;
}

// Whether the time of a call is up; the sentence tells which.
static const char *overdue(const struct upcall *call, int64_t now)
{
    const struct settings *settings = call->upstream->all->order.settings;
    const struct server_spec *spec = call->upstream->spec;
    if (call->own)
        return now - call->started > settings->handshake_timeout
                   ? "the server did not get ready in time"
                   : NULL;
    if (now - call->started > either(spec->total_timeout, settings->total_timeout))
        return "the server took longer than a call may last";
    if (call->state != UPCALL_SENT || call->held)
        return NULL;
    if (call->heard == 0 &&
        now - call->sent > either(spec->first_byte_timeout, settings->first_byte_timeout))
        return "the server did not answer in time";
    if (call->heard > 0 && now - call->heard > either(spec->idle_timeout, settings->idle_timeout))
        return "the server fell silent during the call";
    return NULL;
}

// Nothing is told from here, so the list changes only by what is failed.
void upcalls_tick(struct upstreams *all)
{
    struct node *next;
    for (struct node *at = all->calls.next; at != &all->calls; at = next) {
        next = at->next;
        struct upcall *call = OUTER(at, struct upcall, sweep);
        const char *sentence = overdue(call, all->now);
        if (sentence && call->state == UPCALL_SENT && !call->own)
            pulse_missed(call->link);
        if (sentence)
            upcall_fail(call, UPCALL_TIMEOUT, sentence, true);
    }
}

static void tell_failure(struct upcall *call)
{
    const struct upcall_events *events = call->events;
    void *context = call->context;
    enum upcall_failure why = call->why;
    const char *sentence = call->sentence;
    node_remove(&call->node);
    call_free(call);
    events->failed(context, why, sentence);
}

void upcalls_tell(struct upstreams *all)
{
    while (!list_empty(&all->doomed) || !list_empty(&all->thawed)) {
        if (!list_empty(&all->doomed)) {
            tell_failure(OUTER(all->doomed.next, struct upcall, node));
            continue;
        }
        struct upcall *call = OUTER(all->thawed.next, struct upcall, thaw);
        node_remove(&call->thaw);
        if (call->state == UPCALL_WAITING && call->link->state == LINK_READY)
            upcall_launch_waiting(call);
        else if (call->state == UPCALL_SENT)
            backlog_give_out(call);
    }
}

// --- the client's side -----------------------------------------------------------------------
void upcall_cancel(struct upcall **call, struct view reason)
{
    struct upcall *old = TAKE(*call);
    if (!old)
        return;
    struct upstreams *all = old->upstream->all;
    upstreams_enter(all);
    abandon(old, true, reason);
    detach(old);
    call_free(old);
    upstreams_leave_quietly(all);
}

void upcall_hold(struct upcall *call, bool held)
{
    struct upstreams *all = call->upstream->all;
    if (call->held == held)
        return;
    call->held = held;
    if (call->state != UPCALL_SENT)
        return;
    upstreams_enter(all);
    call->link->ops->hold(call, held);
    if (!held) // its silence was the client's
        upcall_heard(call);
    if (!held && call->backlog.messages.size > 0 && !node_listed(&call->thaw))
        list_append(&all->thawed, &call->thaw);
    upstreams_leave_quietly(all);
}
