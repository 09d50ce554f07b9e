// subscriptions.c: see subscriptions.h.
#include "gateway/subscriptions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/text.h"
#include "gateway/call.h"
#include "gateway/listen.h"
#include "gateway/notices.h"

// How long after a failure it is made again: doubles up to the most. Microseconds.
enum { AGAIN = 500 * 1000, AGAIN_MOST = 64 * AGAIN };

struct subscription {
    struct subscription *next;           // of its subscriber
    struct subscription *near, **behind; // of the same bucket of the gateway; who points here
    struct gateway *gateway;
    struct subscriber subscriber;
    struct upstream *upstream;
    struct call *call;     // of its client, which asks for it; NULL: none does (any more)
    struct upcall *upcall; // a legacy server has to answer; a modern one tells
    enum mcp_era asked;    // in which era that was sent
    uint64_t conversation; // legacy: in which it was made; 0: in none
    int64_t not_before, span;
    uint64_t hash;
    size_t size;
    char uri[];
};
static_assert(sizeof(struct subscription) <= SUBSCRIPTION_RECORD, "each counts with its record");

static struct view uri_of(const struct subscription *subscription)
{
    return (struct view){subscription->uri, subscription->size};
}

// What a client cannot make alike for many resources: it does not know the key.
static uint64_t hash_of(const struct gateway *gateway, const struct upstream *upstream,
                        struct view uri)
{
    uint8_t tag[VAULT_TAG];
    uint64_t start;
    vault_tag(gateway->tag_key, uri, tag);
    memcpy(&start, tag, sizeof start);
    return text_hash(start, view_bytes(&upstream, sizeof upstream));
}

static struct subscription **bucket_of(struct gateway *gateway, uint64_t hash)
{
    return &gateway->subscriptions[hash % SUBSCRIPTION_BUCKETS];
}

static bool is_about(const struct subscription *subscription, const struct upstream *upstream,
                     struct view uri, uint64_t hash)
{
    subscription->gateway->subscriptions_met++;
    return subscription->hash == hash && subscription->upstream == upstream &&
           view_equal(uri_of(subscription), uri);
}

static struct credential *credential_of(const struct subscription *subscription)
{
    if (subscription->subscriber.session)
        return subscription->subscriber.session->credential;
    return subscription->subscriber.listening->exchange->principal->credential;
}

static struct asker asker_of(const struct subscription *subscription)
{
    if (subscription->subscriber.session)
        return session_asker(subscription->subscriber.session);
    return subscription->subscriber.listening->asker;
}

// --- what servers are asked ---------------------------------------------------------------------

static void tell_updated(const struct subscription *subscription, struct view raw_uri)
{
    if (subscription->subscriber.session)
        notices_updated(subscription->subscriber.session, raw_uri);
    else
        listen_tell_updated(subscription->subscriber.listening, raw_uri);
}

// It, or what is below it: servers may tell that of who subscribed to the whole.
static bool is_within(const struct subscription *subscription, struct view uri)
{
    const struct view own = uri_of(subscription);
    if (!uri.data || !view_starts(uri, own))
        return false;
    return uri.size == own.size || (own.size > 0 && own.data[own.size - 1] == '/') ||
           strchr("/?#", uri.data[own.size]);
}

// A modern server tells each subscription by itself.
static void on_notice(void *context, const struct rpc *message)
{
    struct subscription *subscription = (struct subscription *)context;
    char room[SUBSCRIPTION_URI];
    struct view raw_uri = json_walk_member(message->params, "uri");
    subscription->span = AGAIN; // it is heard
    if (mcp_method(message->method) == MCP_RESOURCE_UPDATED &&
        is_within(subscription, json_raw_text(raw_uri, room, sizeof room)))
        tell_updated(subscription, raw_uri);
}

static void on_question(void *context, const struct question *question, const struct rpc *message)
{
    struct subscription *subscription = (struct subscription *)context;
    (void)message;
    upstreams_refuse(subscription->gateway->upstreams, question,
                     VIEW("{\"code\":-32601,\"message\":\"Not about a subscription\"}"));
}

static void try_again_later(struct subscription *subscription)
{
    subscription->not_before = loop_clock() + subscription->span;
    if (subscription->span < AGAIN_MOST)
        subscription->span *= 2;
}

// The answer of a legacy server, or the end of a modern one's: there is nobody to tell. Who refuses
// is not asked again in the same conversation, a modern one never.
static void on_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct subscription *subscription = (struct subscription *)context;
    const struct asker asker = asker_of(subscription);
    subscription->upcall = NULL;
    try_again_later(subscription);
    if (era == MCP_LEGACY) {
        subscription->conversation =
            upstream_conversation(subscription->upstream, &asker, MCP_LEGACY);
        subscription->span = AGAIN;
    } else if (response->kind == RPC_ERROR) {
        subscription->not_before = INT64_MAX;
    }
}

static void on_failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct subscription *subscription = (struct subscription *)context;
    (void)why;
    (void)sentence;
    subscription->upcall = NULL;
    subscription->conversation = 0;
    try_again_later(subscription);
}

static const struct upcall_events events = {
    .notice = on_notice, .question = on_question, .answered = on_answered, .failed = on_failed};

static void add_params(struct buf *params, enum mcp_era era, struct view uri)
{
    if (era == MCP_LEGACY) {
        buf_add(params, VIEW("{\"uri\":"));
        json_add_string(params, uri);
        buf_add(params, VIEW("}"));
        return;
    }
    buf_add(params, VIEW("{\"_meta\":{\"" MCP_META "protocolVersion\":\"" MCP_MODERN_VERSION
                         "\",\"" MCP_META "clientCapabilities\":{}},\"notifications\":"
                         "{\"resourceSubscriptions\":["));
    json_add_string(params, uri);
    buf_add(params, VIEW("]}}"));
}

// Asks for it, or for its end: then nobody waits for the answer.
static void ask(struct subscription *subscription, bool ends)
{
    struct buf params AUTO(buf_done);
    struct asker asker = asker_of(subscription);
    asker.era = upstream_era(subscription->upstream, asker.era);
    bool modern = asker.era == MCP_MODERN;
    if (modern)
        asker.version = VIEW(MCP_MODERN_VERSION); // as the params have it
    enum mcp_method method = ends ? MCP_UNSUBSCRIBE : modern ? MCP_LISTEN : MCP_SUBSCRIBE;
    buf_init(&params, 8 * SUBSCRIPTION_URI);
    add_params(&params, asker.era, uri_of(subscription));
    const struct upcall_order order = {.asker = &asker,
                                       .method = method,
                                       .method_name = view_of(mcp_method_name(method)),
                                       .params = buf_view(&params),
                                       .stream = modern};
    if (params.failed)
        return;
    struct upcall *upcall =
        upcall_send(subscription->upstream, &order, ends ? &upcall_nobody : &events,
                    ends ? NULL : subscription);
    if (ends)
        return;
    subscription->upcall = upcall;
    subscription->asked = asker.era;
}

// --- which there are ----------------------------------------------------------------------------

static struct subscription **list_of_subscriber(struct subscriber subscriber)
{
    return subscriber.session ? &subscriber.session->subscriptions
                              : &subscriber.listening->subscriptions;
}

static void join_bucket(struct subscription *subscription)
{
    struct subscription **bucket = bucket_of(subscription->gateway, subscription->hash);
    subscription->near = *bucket;
    if (subscription->near)
        subscription->near->behind = &subscription->near;
    subscription->behind = bucket;
    *bucket = subscription;
}

static void leave_bucket(struct subscription *subscription)
{
    *subscription->behind = subscription->near;
    if (subscription->near)
        subscription->near->behind = subscription->behind;
}

size_t subscriptions_room(const struct credential *credential)
{
    return SUBSCRIPTION_BYTES - credential->subscribed;
}

bool subscription_add(struct gateway *gateway, struct subscriber subscriber,
                      struct upstream *upstream, struct view uri, struct call *call)
{
    struct subscription **first = list_of_subscriber(subscriber);
    struct subscription *subscription =
        (struct subscription *)calloc(1, sizeof *subscription + uri.size);
    if (!subscription)
        return false;
    subscription->gateway = gateway;
    subscription->subscriber = subscriber;
    subscription->upstream = upstream;
    subscription->span = AGAIN;
    subscription->hash = hash_of(gateway, upstream, uri);
    subscription->size = uri.size;
    memcpy(subscription->uri, uri.data, uri.size);
    subscription->next = *first;
    *first = subscription;
    join_bucket(subscription);
    credential_of(subscription)->subscribed += SUBSCRIPTION_RECORD + uri.size;
    subscription->call = call;
    if (call)
        call->subscription = subscription;
    else
        ask(subscription, false);
    return true;
}

static struct subscription **find(struct subscription **first, const struct upstream *upstream,
                                  struct view uri)
{
    uint64_t hash = *first ? hash_of((*first)->gateway, upstream, uri) : 0;
    while (*first && !is_about(*first, upstream, uri, hash))
        first = &(*first)->next;
    return first;
}

bool subscriptions_have(struct subscription *first, const struct upstream *upstream,
                        struct view uri)
{
    return *find(&first, upstream, uri) != NULL;
}

bool subscriptions_made(struct subscription *first, const struct upstream *upstream,
                        struct view uri)
{
    const struct subscription *found = *find(&first, upstream, uri);
    return found && !found->call;
}

// Whether it was made in this legacy conversation, or is being made: the server tells before it has
// answered.
static bool hears(const struct subscription *subscription, const struct heard *heard)
{
    if (subscription->conversation == heard->conversation)
        return true;
    const struct asker asker = asker_of(subscription);
    return (subscription->upcall || subscription->call) &&
           upstream_conversation(heard->upstream, &asker, MCP_LEGACY) == heard->conversation;
}

void subscriptions_updated(struct gateway *gateway, const struct heard *heard,
                           const struct rpc *message)
{
    char room[SUBSCRIPTION_URI];
    struct view raw = json_walk_member(message->params, "uri");
    struct view uri = json_raw_text(raw, room, sizeof room);
    if (!uri.data)
        return;
    uint64_t hash = hash_of(gateway, heard->upstream, uri);
    for (const struct subscription *at = *bucket_of(gateway, hash); at; at = at->near)
        if (is_about(at, heard->upstream, uri, hash) && hears(at, heard))
            tell_updated(at, raw);
}

size_t subscriptions_count(const struct subscription *first)
{
    size_t count = 0;
    for (; first; first = first->next)
        count++;
    return count;
}

// --- ends ---------------------------------------------------------------------------------------

// Whether anybody else of its conversation wants to hear of it. It is in no list any more.
static bool is_wanted(const struct subscription *gone, const struct asker *asker)
{
    const struct subscription *at = *bucket_of(gone->gateway, gone->hash);
    for (; at; at = at->near) {
        if (!is_about(at, gone->upstream, uri_of(gone), gone->hash))
            continue;
        const struct asker other = asker_of(at);
        if (upstream_is_one(gone->upstream, asker, &other))
            return true;
    }
    return false;
}

// A modern server hears of it by the end of the upcall.
static void end(struct subscription **link)
{
    struct subscription *gone = *link;
    const struct asker asker = asker_of(gone);
    bool asked = gone->call || (gone->upcall && gone->asked == MCP_LEGACY);
    uint64_t present = upstream_conversation(gone->upstream, &asker, MCP_LEGACY);
    *link = gone->next;
    leave_bucket(gone);
    if (gone->call)
        gone->call->subscription = NULL;
    credential_of(gone)->subscribed -= SUBSCRIPTION_RECORD + gone->size;
    upcall_cancel(&gone->upcall, (struct view){NULL, 0});
    if (present != 0 && (asked || gone->conversation == present) && !is_wanted(gone, &asker))
        ask(gone, true);
    free(gone);
}

void subscriptions_leave(struct subscription **first, const struct upstream *upstream,
                         struct view uri)
{
    first = find(first, upstream, uri);
    if (*first)
        end(first);
}

void subscription_answered(struct call *call, bool made)
{
    struct subscription *subscription = TAKE(call->subscription);
    if (!subscription)
        return;
    subscription->call = NULL;
    if (made) {
        const struct asker asker = asker_of(subscription);
        subscription->conversation =
            upstream_conversation(subscription->upstream, &asker, MCP_LEGACY);
        return;
    }
    struct subscription **first = list_of_subscriber(subscription->subscriber);
    while (*first != subscription)
        first = &(*first)->next;
    end(first);
}

void subscriptions_end(struct subscription **first)
{
    while (*first)
        end(first);
}

void subscriptions_retain(struct subscription **first, const struct server_specs *specs)
{
    while (*first)
        if (server_specs_find(specs, upstream_spec((*first)->upstream)))
            first = &(*first)->next;
        else
            end(first);
}

// --- the passing of time ------------------------------------------------------------------------

static void look_at(struct subscription *subscription, int64_t now)
{
    const struct asker asker = asker_of(subscription);
    if (subscription->upcall || subscription->call)
        return;
    // Looking keeps an idle child.
    uint64_t present = upstream_conversation(subscription->upstream, &asker, MCP_LEGACY);
    bool made = subscription->conversation != 0 && subscription->conversation == present;
    if (!made && now >= subscription->not_before)
        ask(subscription, false);
}

void subscriptions_tick(struct gateway *gateway, int64_t now)
{
    for (size_t i = 0; i < SUBSCRIPTION_BUCKETS; i++)
        for (struct subscription *at = gateway->subscriptions[i]; at; at = at->near)
            look_at(at, now);
}
