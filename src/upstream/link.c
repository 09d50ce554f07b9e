// link.c: one conversation with an upstream: its states, and whom a message that comes in is for.
#include <stdio.h>
#include <stdlib.h>

#include "base/json_walk.h"
#include "upstream/link.h"

// How long a server may take to notice that a call was given up. Microseconds.
enum { LINGER = 10 * 1000 * 1000 };

// --- what is posted --------------------------------------------------------------------------
static void post(struct link *link, const struct buf *buf, bool spare)
{
    if (!buf->failed && (link->state == LINK_READY || link->state == LINK_STARTING))
        link->ops->post(link, buf_view(buf), spare, NULL);
}

void link_post_result(struct link *link, struct view id, struct view result, bool spare)
{
    struct buf *buf = &link->all->body;
    buf_clear(buf);
    rpc_add_result(buf, id, result);
    post(link, buf, spare);
}

void link_post_error(struct link *link, struct view id, int code, const char *message)
{
    struct buf *buf = &link->all->body;
    buf_clear(buf);
    rpc_add_error(buf, id, code, view_of(message), (struct view){0});
    post(link, buf, true);
}

// --- questions and notices -------------------------------------------------------------------
bool link_question(const struct link *link, const struct rpc *message, struct question *ret)
{
    if (message->id.size > QUESTION_ID)
        return false;
    *ret = (struct question){.link = link->number, .id_size = message->id.size};
    memcpy(ret->id, message->id.data, message->id.size);
    return true;
}

static bool same_asker(const struct upcall *a, const struct upcall *b)
{
    if (a->session != 0 || b->session != 0)
        return a->session == b->session;
    return a->key == b->key;
}

// What is sent may still be about a call that was given up a moment ago.
static bool may_be_of_another(const struct link *link, const struct upcall *call)
{
    if (link->left_at == 0 || link->all->now - link->left_at > LINGER)
        return false;
    return link->left_session != call->session ||
           (call->session == 0 && link->left_key != call->key);
}

void link_was_left(struct link *link, const struct upcall *call)
{
    bool again = link->left_at != 0 && link->all->now - link->left_at <= LINGER;
    bool same = link->left_session == call->session && link->left_key == call->key;
    link->left_session = again && !same ? -1 : call->session;
    link->left_key = again && !same ? -1 : call->key;
    link->left_at = link->all->now;
}

// Whether a server may ask its client about it, or after it.
static bool may_lead_to_questions(const struct upcall *call)
{
    switch (call->method) {
    case MCP_TOOLS_CALL:
    case MCP_PROMPTS_GET:
    case MCP_RESOURCES_READ:
    case MCP_COMPLETE:
    case MCP_TASKS_RESULT:
        return true;
    default:
        return false;
    }
}

size_t link_room(const struct link *link)
{
    const struct ration *asked = link->all->order.asked;
    return asked ? asked->share : LINK_QUEUE;
}

void link_is_used(struct link *link, const struct upcall *call)
{
    link->in_flight += !call->own;
    link->used = link->all->now;
    if (may_lead_to_questions(call) && link->asking_user != call->user)
        link->asking_user = link->asking_user == 0 ? call->user : -1;
}

// The call that what names no call belongs to: the last one sent, when all in flight are of one
// asker. NULL: it cannot be told.
static struct upcall *attribute(const struct link *link)
{
    struct upcall *last = NULL;
    for (struct node *at = link->flight.previous; at != &link->flight; at = at->previous) {
        struct upcall *call = OUTER(at, struct upcall, node);
        if (call->own || call->stream)
            continue;
        if (!last)
            last = call;
        else if (!same_asker(last, call))
            return NULL;
    }
    return last && may_be_of_another(link, last) ? NULL : last;
}

// A session has a place for what belongs to no call, so there only an only call gets it.
static struct upcall *belongs(const struct link *link, struct upcall *on)
{
    if (on && !on->own)
        return on;
    struct upcall *call = attribute(link);
    return link->owner.scope == SCOPE_SESSION && link->in_flight != 1 ? NULL : call;
}

// The only call that a server may ask about.
static struct upcall *only_asking(const struct link *link)
{
    struct upcall *only = NULL;
    for (struct node *at = link->flight.next; at != &link->flight; at = at->next) {
        struct upcall *call = OUTER(at, struct upcall, node);
        if (call->own || !may_lead_to_questions(call))
            continue;
        if (only)
            return NULL;
        only = call;
    }
    return only;
}

// A modern client is asked by the end of its call. Over HTTP a server has that call's own stream to
// ask on; where it does not, no other one is ended for it.
static struct upcall *asks_about(const struct link *link, struct upcall *on)
{
    struct upcall *call = belongs(link, on);
    bool open = call && call != on && call->session == 0 && link->upstream->spec->http;
    return open ? only_asking(link) : call;
}

static void take_question(struct link *link, struct upcall *on, const struct rpc *message)
{
    struct upcall *call = asks_about(link, on);
    struct upstreams *all = link->all;
    struct question question;
    if (!link_question(link, message, &question)) {
        link_post_error(link, message->id, RPC_INVALID_REQUEST, "the id is too long");
    } else if (!on && link->asking_user == -1) {
        // It may come of an earlier call, long over: it is no other's to see or to answer.
        link_post_error(
            link, message->id, RPC_INTERNAL_ERROR,
            "several users share this server's process: it can ask none of them, unless "
            "each has his own (--isolation user or session)");
    } else if (call && call->events->question) {
        upcall_question(call, message);
    } else if (link->owner.scope == SCOPE_SESSION) {
        all->order.events->question(all->order.context, link->upstream, link->owner.n, &question,
                                    message);
    } else if (link->in_flight == 0) {
        link_post_error(link, message->id, RPC_METHOD_NOT_FOUND,
                        "there is no client to ask at this time");
    } else {
        link_post_error(link, message->id, RPC_INTERNAL_ERROR,
                        "several calls are being served, or were a moment ago: it cannot be told "
                        "which one this is about");
    }
}

static void take_request(struct link *link, struct upcall *on, const struct rpc *message)
{
    switch (mcp_method(message->method)) {
    case MCP_PING:
        link_post_result(link, message->id, VIEW("{}"), true);
        return;
    case MCP_SAMPLING:
    case MCP_ELICIT:
    case MCP_ROOTS_LIST:
        take_question(link, on, message);
        return;
    default:
        link_post_error(link, message->id, RPC_METHOD_NOT_FOUND, "method not found");
    }
}

// The pending call that a raw number names; on a stream of a shared link only its own.
static struct upcall *named(const struct link *link, struct upcall *on, struct view raw)
{
    long long number;
    if (!raw.data || !json_raw_int(raw, &number) || number <= 0)
        return NULL;
    struct upcall *call = numbers_find(&link->pending, (uint64_t)number);
    return on && on != call && link->owner.scope == SCOPE_SHARED ? NULL : call;
}

static void tell_session(struct link *link, const struct rpc *message)
{
    struct upstreams *all = link->all;
    const struct heard heard = {.upstream = link->upstream,
                                .session = link->owner.scope == SCOPE_SESSION ? link->owner.n : 0,
                                .conversation = link->number};
    all->order.events->notice(all->order.context, &heard, message);
}

static void take_notification(struct link *link, struct upcall *on, const struct rpc *message)
{
    struct upstreams *all = link->all;
    struct mcp_params params;
    mcp_params_read(message->params, &params);
    enum mcp_method method = mcp_method(message->method);
    struct upcall *call = named(link, on, params.meta_subscription);
    if (call && call->stream) {
        upcall_notice(call, message);
        return;
    }
    switch (method) {
    case MCP_PROGRESS:
        call = named(link, on, params.token);
        if (call)
            upcall_notice(call, message);
        return;
    case MCP_TOOLS_CHANGED:
    case MCP_PROMPTS_CHANGED:
    case MCP_RESOURCES_CHANGED:
        all->order.events->changed(all->order.context, link->upstream, method);
        return;
    case MCP_RESOURCE_UPDATED:
    case MCP_ELICIT_COMPLETE:
    case MCP_TASK_STATUS:
    case MCP_TASK_NOTICE:
        tell_session(link, message);
        return;
    default:
        call = belongs(link, on);
        if (call)
            upcall_notice(call, message);
        else if (link->owner.scope == SCOPE_SESSION)
            tell_session(link, message);
    }
}

static void take_answer(struct link *link, struct upcall *on, const struct rpc *message)
{
    struct upcall *call = named(link, on, message->id);
    // On a stream of its own an error about nothing in particular is about the request.
    if (!call && on && message->kind == RPC_ERROR && (!message->id.data || on->status >= 400))
        call = on;
    // A child that cannot read the first thing it is told answers without an id, too.
    if (!call && !on && message->kind == RPC_ERROR && !message->id.data)
        call = link->handshake.initialize ? link->handshake.initialize : link->handshake.discover;
    if (call && call->state == UPCALL_SENT) // else it has failed, and is only not told yet
        upcall_answered(call, message);
    else
        upstreams_log(link->upstream, "unexpected", "an answer that nobody waits for");
}

// A batch: a server of 2025-03-26 may answer so.
static bool take_batch(struct link *link, struct upcall *on, struct view text)
{
    struct json_walk walk = json_walk(text);
    struct view name, value;
    uint64_t number = link->number;
    uint64_t id = on ? on->id : 0;
    while (json_walk_next(&walk, &name, &value)) {
        if (json_raw_is(value, '[') || !link_message(link, on, value))
            return false;
        if (link->number != number || link->state == LINK_GONE)
            break;
        if (on && numbers_find(&link->pending, id) != on)
            break;
    }
    return true;
}

bool link_message(struct link *link, struct upcall *on, struct view text)
{
    struct rpc message;
    struct rpc_fault fault;
    unsigned deepest = link->all->order.settings->message_depth;
    if (!rpc_read(text, deepest, &message, &fault))
        return fault.array && take_batch(link, on, text);
    switch (message.kind) {
    case RPC_REQUEST:
        upcall_heard(on);
        take_request(link, on, &message);
        break;
    case RPC_NOTIFICATION:
        upcall_heard(on);
        take_notification(link, on, &message);
        break;
    default:
        take_answer(link, on, &message);
    }
    return true;
}

// --- states ----------------------------------------------------------------------------------
void link_log(struct link *link, const char *what, const char *detail)
{
    bool child = link->ops == &link_stdio;
    (child ? upstreams_log_always : upstreams_log)(link->upstream, what, detail);
}

const char link_could_not_start[] = "the server could not be started";

void link_start(struct link *link)
{
    links_renumber(link);
    link->state = LINK_STARTING;
    link->handshake = (struct handshake){0};
    link->session_size = 0;
    link->version[0] = '\0';
    link->watch_at = 0;
    link->forbidden = NULL;
    link->no_stream = link->banner = link->moved = false;
    link->doubted = 0;
    link->missed = 0;
    link->hangs = false;
    link->hung_up_at = 0;
    if (link->ops->open(link))
        handshake_begin(link);
    else
        link_fail(link, UPCALL_UNREACHABLE, link_could_not_start);
}

void link_tell_level(struct link *link, int above)
{
    char params[32];
    const struct upstreams_order *order = &link->all->order;
    struct view capabilities = link->upstream->known[MCP_LEGACY].facts.capabilities;
    if (link->state != LINK_READY || link->era == MCP_MODERN ||
        !json_walk_member(capabilities, "logging").data)
        return;
    int64_t session = link->owner.scope == SCOPE_SESSION ? link->owner.n : 0;
    int level = order->events->level(order->context, link->upstream, session);
    const char *name = mcp_log_level_name(level);
    if (!name || level <= above)
        return;
    int size = snprintf(params, sizeof(params), "{\"level\":\"%s\"}", name);
    (void)upcall_own(link, MCP_SET_LEVEL, (struct view){params, (size_t)size}, &upcall_nobody);
}

// Calls that wait go out in their order.
static void launch_all(struct link *link)
{
    while (link->state == LINK_READY && !list_empty(&link->waiting))
        upcall_launch_waiting(OUTER(link->waiting.next, struct upcall, node));
}

void link_ready(struct link *link, enum mcp_era era)
{
    link->state = LINK_READY;
    link->era = era;
    link->handshake.tried = link->handshake.refused = 0;
    link->let_off = 0;
    link->ready_at = link->used = link->all->now;
    link->ops->ready(link);
    link_tell_level(link, -1); // they may have asked in conversations before this one
    watch_check(link);
    upstream_came_up(link->upstream);
    launch_all(link);
}

static void doom_all(struct link *link, enum upcall_failure why, const char *sentence)
{
    handshake_forget(link);
    struct upcall *watch = TAKE(link->watch), *probe = TAKE(link->probe);
    if (watch)
        upcall_forget(watch, false);
    if (probe)
        upcall_forget(probe, false);
    while (!list_empty(&link->flight))
        upcall_fail(OUTER(link->flight.next, struct upcall, node), why, sentence, false);
    while (!list_empty(&link->waiting))
        upcall_fail(OUTER(link->waiting.next, struct upcall, node), why, sentence, false);
}

// Doubles with each failure, and is between half and all of that.
static int64_t back_off(struct link *link)
{
    const struct settings *settings = link->all->order.settings;
    int64_t span = settings->restart_first;
    for (unsigned i = 1; i < link->failures && span < settings->restart_most; i++)
        span *= 2;
    if (span > settings->restart_most)
        span = settings->restart_most;
    uint64_t *random = &link->all->random; // xorshift: nobody gains by guessing it
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return span / 2 + (int64_t)(*random % (uint64_t)(span / 2 + 1));
}

void link_rest(struct link *link)
{
    handshake_forget(link);
    link->failures++;
    link->not_before = link->all->now + back_off(link);
    link->state = LINK_RESTING;
    link->era = link->wanted;
    link->handshake = (struct handshake){0};
    link->used = link->all->now;
    link->ops->close(link);
}

static void note_failure(struct link *link, const char *sentence)
{
    link_log(link, link->state == LINK_READY ? "lost" : "failed", sentence);
    if (link->state == LINK_READY && link->all->now - link->ready_at > LIVED_WELL)
        link->failures = 0;
    upstream_went_down(link->upstream);
}

void link_fail(struct link *link, enum upcall_failure why, const char *sentence)
{
    if (link->state == LINK_GONE || link->state == LINK_RESTING)
        return;
    note_failure(link, sentence);
    doom_all(link, why, sentence);
    link->forbidden = why == UPCALL_FORBIDDEN ? sentence : NULL;
    link_rest(link);
    link->outage = why == UPCALL_UNREACHABLE || why == UPCALL_DIED || why == UPCALL_TIMEOUT;
}

void link_end(struct link *link, const char *sentence)
{
    if (link->state == LINK_GONE)
        return;
    struct upstreams *all = link->all;
    bool open = link->state != LINK_RESTING;
    doom_all(link, UPCALL_DIED, sentence);
    link->state = LINK_GONE;
    links_remove(link);
    list_append(&all->leaving, &link->everyone);
    if (!open || !link->ops->finish(link))
        link_free(link);
}

void link_replace(struct link *link, const char *sentence)
{
    struct link *heir = links_heir(link);
    if (heir)
        heir->failures = link->failures; // those before this one
    if (!heir || !handshake_child_hung_up(link, heir)) {
        note_failure(link, sentence);
        if (heir) {
            heir->failures = link->failures;
            link_rest(heir);
        }
    }
    link_end(link, sentence);
}

void link_finished(struct link *link)
{
    if (link->state == LINK_GONE)
        link_free(link);
}

void link_free(struct link *link)
{
    link->ops->close(link);
    node_remove(&link->everyone);
    numbers_done(&link->pending);
    buf_done(&link->line);
    free(link->client);
    link->client = NULL;
    link->upstream->users--;
    upstreams_bury(link->all, link);
}
