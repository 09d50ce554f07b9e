// link_http.c: a link over streamable HTTP: what is sent, with which header fields, and sessions.
#include <stdlib.h>

#include "base/limits.h"
#include "upstream/talk.h"

enum {
    FIELDS = 8, // of our own
    POSTS = 16, // under way, of a link
};

// --- sending ---------------------------------------------------------------------------------
struct fields {
    struct http_field list[FIELDS + HTTP_FIELDS];
    size_t count, own; // the first ones have names of ours, behind them come those of a client
};

static void add(struct fields *fields, const char *name, struct view value)
{
    if (value.size > 0)
        fields->list[fields->count++] = (struct http_field){view_of(name), value};
    fields->own = fields->count;
}

static void add_session(struct fields *fields, const struct link *link)
{
    add(fields, "Mcp-Session-Id", (struct view){link->session, link->session_size});
    add(fields, "MCP-Protocol-Version", view_of(link->version));
}

static bool begin(struct talk *talk, const char *method, const struct fields *fields,
                  struct view body)
{
    struct link *link = talk->link;
    bool repeatable =
        talk->call &&
        (talk->call->method == MCP_TOOLS_LIST || talk->call->method == MCP_DISCOVER ||
         talk->call->method == MCP_PROMPTS_LIST || talk->call->method == MCP_RESOURCES_LIST ||
         talk->call->method == MCP_TEMPLATES_LIST || talk->call->method == MCP_RESOURCES_READ);
    struct http_order order = {.spec = link->upstream->spec,
                               .method = method,
                               .fields = fields->list,
                               .field_count = fields->count,
                               .sure = fields->own,
                               .body = body,
                               // The times of a call are looked at in upcall.c.
                               .stream = talk->kind == TALK_CALL || talk->kind == TALK_STREAM,
                               .repeatable = repeatable};
    talk->session = link->generation;
    talk->exchange = http_send(link->all->order.http, &order, &talk_events, talk);
    return talk->exchange;
}

static void add_post(struct fields *fields)
{
    add(fields, "Content-Type", VIEW("application/json"));
    add(fields, "Accept", VIEW("application/json, text/event-stream"));
}

static void add_modern(struct fields *fields, struct link *link, const struct upcall_order *order)
{
    const struct asker *asker = order->asker;
    bool own_words = asker->era == MCP_MODERN && asker->version.size > 0;
    add(fields, "MCP-Protocol-Version", own_words ? asker->version : VIEW(MCP_MODERN_VERSION));
    add(fields, "Mcp-Method", order->method_name);
    if (order->name.data) {
        struct buf *name = &link->all->meta; // free again: the body is made
        buf_clear(name);
        mcp_header_encode(name, order->name);
        add(fields, "Mcp-Name", buf_view(name));
    }
    for (size_t i = 0; i < order->parameter_field_count && i < HTTP_FIELDS; i++)
        fields->list[fields->count++] = order->parameter_fields[i];
}

// For the case that the session is no more.
static void keep_body(const struct link *link, struct upcall *call, struct view body)
{
    const bool small = body.size <= LIMIT_SMALL_CALL;
    rationed_init(&call->body, body.size,
                  (struct holding){.ration = small ? NULL : link->all->order.asked,
                                   .owner = (uint64_t)call->key,
                                   .give_up = rationed_lose});
    rationed_add(&call->body, body);
}

static bool send_call(struct link *link, struct upcall *call, const struct upcall_order *order)
{
    struct view body = buf_view(&link->all->body);
    struct fields fields;
    fields.count = fields.own = 0; // the list is not cleared
    add_post(&fields);
    if (body_is_modern(link, call->method))
        add_modern(&fields, link, order);
    else
        add_session(&fields, link);
    if (link->session_size > 0)
        keep_body(link, call, body);
    call->talk = talk_new(link, TALK_CALL, call);
    if (call->talk && begin(call->talk, "POST", &fields, body))
        return true;
    if (call->talk)
        talk_free(call->talk);
    return false;
}

bool http_send_again(struct link *link, struct upcall *call)
{
    struct fields fields;
    fields.count = fields.own = 0; // the list is not cleared
    add_post(&fields);
    add_session(&fields, link);
    call->talk = talk_new(link, TALK_CALL, call);
    if (call->talk && begin(call->talk, "POST", &fields, buf_view(&call->body.buf)))
        return true;
    if (call->talk)
        talk_free(call->talk);
    return false;
}

bool http_open_stream(struct talk *talk)
{
    struct fields fields;
    fields.count = fields.own = 0; // the list is not cleared
    sse_reader_resume(&talk->reader);
    add(&fields, "Accept", VIEW("text/event-stream"));
    add_session(&fields, talk->link);
    add(&fields, "Last-Event-ID", sse_last_id(&talk->reader));
    talk->resumed = talk->kind == TALK_CALL;
    return begin(talk, "GET", &fields, (struct view){0});
}

// --- posts -----------------------------------------------------------------------------------
// A server can ask as fast as it likes, and each answer is a request. So only a few are under way
// at a time, the others wait, and while they do nothing more is read of the streams of the link.
struct waiting_post {
    struct node node; // link->posts
    void (*after)(struct link *link);
    size_t size;
    char text[];
};

// A stream is held for its client's sake, or for the link's.
void http_flow(struct talk *talk)
{
    bool is_stream = talk->sse && (talk->kind == TALK_CALL || talk->kind == TALK_STREAM);
    bool crowded = is_stream && talk->link->crowded;
    if (talk->exchange)
        http_hold(talk->exchange,
                  crowded || node_listed(&talk->hungry) || (talk->call && talk->call->held));
}

static void judge_crowd(struct link *link)
{
    bool waiting = !list_empty(&link->posts[false]) || !list_empty(&link->posts[true]);
    bool crowded = waiting || link->posting > (link->crowded ? POSTS / 2 : POSTS - 1);
    if (crowded == link->crowded)
        return;
    link->crowded = crowded;
    for (struct node *at = link->talks.next; at != &link->talks; at = at->next)
        http_flow(OUTER(at, struct talk, node));
}

static void post_now(struct link *link, struct view message, void (*after)(struct link *link))
{
    struct fields fields;
    fields.count = fields.own = 0; // the list is not cleared
    add_post(&fields);
    add_session(&fields, link);
    struct talk *talk = talk_new(link, TALK_POST, NULL);
    if (talk) {
        talk->after = after;
        if (begin(talk, "POST", &fields, message))
            return;
        talk_free(talk);
    }
    if (after)
        after(link);
}

// False: dropped.
static bool post_later(struct link *link, struct view message, bool spare,
                       void (*after)(struct link *link))
{
    size_t most = spare ? LINK_ANSWERS : LINK_QUEUE;
    if (message.size > most - link->posts_bytes[spare])
        return false;
    struct waiting_post *waiting = malloc(sizeof(*waiting) + message.size);
    if (!waiting)
        return false;
    *waiting = (struct waiting_post){.after = after, .size = message.size};
    memcpy(waiting->text, message.data, message.size);
    list_append(&link->posts[spare], &waiting->node);
    link->posts_bytes[spare] += message.size;
    return true;
}

static struct waiting_post *next_post(struct link *link)
{
    bool spare = list_empty(&link->posts[false]);
    if (list_empty(&link->posts[spare]))
        return NULL;
    struct waiting_post *post = OUTER(link->posts[spare].next, struct waiting_post, node);
    node_remove(&post->node);
    link->posts_bytes[spare] -= post->size;
    return post;
}

void http_posts_move(struct link *link)
{
    struct waiting_post *waiting;
    while (link->posting < POSTS && (waiting = next_post(link))) {
        post_now(link, (struct view){waiting->text, waiting->size}, waiting->after);
        free(waiting);
    }
    judge_crowd(link);
    if (!link->crowded)
        link->dropping = false;
}

void http_posts_forget(struct link *link)
{
    struct waiting_post *waiting;
    while ((waiting = next_post(link)))
        free(waiting);
    judge_crowd(link);
}

static void post(struct link *link, struct view message, bool spare,
                 void (*after)(struct link *link))
{
    // The modern era has neither notifications of clients nor questions.
    bool posts = link->era == MCP_LEGACY;
    if (posts && link->posting < POSTS) {
        post_now(link, message, after);
        judge_crowd(link);
        return;
    }
    if (posts && post_later(link, message, spare, after))
        return;
    if (posts && !link->dropping)
        upstreams_log(link->upstream, "lost", "answers that it does not take");
    link->dropping = posts;
    if (after)
        after(link);
}

// --- sessions --------------------------------------------------------------------------------
// The server does not know the session any more: a new one is made, once for all calls that are
// told so, and those of which there is a copy are sent again.
void http_session_lost(struct link *link, struct talk *talk)
{
    struct upcall *call = talk->call;
    bool first = link->state == LINK_READY && talk->session == link->generation;
    if (call->repeated) {
        upcall_fail(call, UPCALL_DIED, "the server does not keep its session", false);
        return;
    }
    talk_drain(talk);
    if (call->body.buf.data)
        upcall_wait_again(call);
    else
        upcall_fail(call, UPCALL_DIED, "the server's session is over", false);
    if (!first)
        return;
    upstreams_log(link->upstream, "lost", "its session");
    if (link->stream)
        talk_free(link->stream);
    http_posts_forget(link);
    links_renumber(link);
    link->generation++;
    link->session_size = 0;
    link->version[0] = '\0';
    link->no_stream = false; // it may have refused one for the session's sake
    link->state = LINK_STARTING;
    handshake_begin(link);
}

// --- the operations --------------------------------------------------------------------------
static bool open_link(struct link *link)
{
    link->generation++;
    return link->all->order.http;
}

// `answered`: a connection whose last bytes are let come can be used again.
static void abandon(struct link *link, struct upcall *call, bool answered)
{
    struct talk *talk = call->talk;
    (void)link;
    if (!talk)
        return;
    if (answered)
        talk_drain(talk);
    else
        talk_free(talk);
}

static void hold(struct upcall *call, bool held)
{
    (void)held;
    if (call->talk)
        http_flow(call->talk);
}

// A session's own questions come on its stream, for its client or, of modern ones, who can be
// asked.
static bool wants_stream(const struct link *link)
{
    const bool asked = link->owner.scope == SCOPE_KEY && link->owner.can != 0;
    return link->state == LINK_READY && link->era == MCP_LEGACY && !link->no_stream &&
           (link->session_wants || asked || link_is_watched(link));
}

static void now_ready(struct link *link)
{
    bool wanted = wants_stream(link);
    if (wanted == (link->stream != NULL))
        return;
    if (!wanted) {
        talk_free(link->stream);
        return;
    }
    link->stream = talk_new(link, TALK_STREAM, NULL);
    if (link->stream && !http_open_stream(link->stream))
        talk_free(link->stream);
}

static void close_link(struct link *link)
{
    while (!list_empty(&link->talks))
        talk_free(OUTER(link->talks.next, struct talk, node));
    http_posts_forget(link);
    link->session_size = 0;
}

static bool finish(struct link *link)
{
    struct fields fields;
    fields.count = fields.own = 0; // the list is not cleared
    add_session(&fields, link);
    bool had_session = link->session_size > 0;
    close_link(link);
    struct talk *bye = had_session ? talk_new(link, TALK_BYE, NULL) : NULL;
    return bye && begin(bye, "DELETE", &fields, (struct view){0});
}

const struct link_ops link_http = {.open = open_link,
                                   .send = send_call,
                                   .post = post,
                                   .abandon = abandon,
                                   .hold = hold,
                                   .ready = now_ready,
                                   .close = close_link,
                                   .finish = finish};

// --- streams that rest -----------------------------------------------------------------------
static void wake(struct talk *talk)
{
    node_remove(&talk->rest);
    if (talk->kind == TALK_DRAIN) {
        talk_free(talk);
    } else if (!http_open_stream(talk)) {
        if (talk->call)
            upcall_fail(talk->call, UPCALL_MEMORY, "the gateway is short of memory", true);
        else
            talk_free(talk);
    }
}

void http_tick(struct upstreams *all)
{
    struct node *next;
    for (struct node *at = all->resting.next; at != &all->resting; at = next) {
        next = at->next;
        struct talk *talk = OUTER(at, struct talk, rest);
        if (all->now >= talk->wake)
            wake(talk);
    }
}
