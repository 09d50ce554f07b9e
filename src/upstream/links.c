// links.c: all links of a loop: which one a request takes, and when they end.
#include <stdlib.h>

#include "upstream/link.h"

// --- the tables ------------------------------------------------------------------------------
// Shared links are spread by their upstream, others by their owner, so that all links of a session
// or key are in one bucket.
static struct link **bucket_of(struct upstreams *all, const struct upstream *upstream,
                               struct link_owner owner)
{
    uint64_t key = owner.scope == SCOPE_SHARED ? (uint64_t)(uintptr_t)upstream >> 4
                                               : (uint64_t)owner.n * 4 + owner.scope;
    key *= 0x9e3779b97f4a7c15;
    return &all->owners[(key >> 32) % OWNER_BUCKETS];
}

static bool is_owner(struct link_owner a, struct link_owner b)
{
    return a.scope == b.scope && a.n == b.n && a.can == b.can;
}

// While it tries the other era it is still what calls of the one it began with wait for.
static bool serves(const struct link *link, enum mcp_era era)
{
    return link->era == era || (link->state == LINK_STARTING && link->wanted == era);
}

static struct link *find(const struct upstream *upstream, struct link_owner owner, enum mcp_era era)
{
    for (struct link *link = *bucket_of(upstream->all, upstream, owner); link; link = link->chain)
        if (link->upstream == upstream && serves(link, era) && is_owner(link->owner, owner))
            return link;
    return NULL;
}

struct link *links_twin(const struct link *link, enum mcp_era era)
{
    for (struct link *twin = *bucket_of(link->all, link->upstream, link->owner); twin;
         twin = twin->chain)
        if (twin != link && twin->upstream == link->upstream && twin->era == era &&
            is_owner(twin->owner, link->owner))
            return twin;
    return NULL;
}

void links_remove(struct link *link)
{
    struct link **at = bucket_of(link->all, link->upstream, link->owner);
    while (*at != link)
        at = &(*at)->chain;
    *at = link->chain;
    node_remove(&link->node);
    node_remove(&link->everyone);
    numbers_remove(&link->all->numbers, link->number);
}

void links_renumber(struct link *link)
{
    struct numbers *numbers = &link->all->numbers;
    numbers_remove(numbers, link->number);
    link->number = ++link->all->last_number;
    link->asking_user = 0;
    // Without an entry its questions stay without an answer; all else works.
    if (!numbers_add(numbers, link->number, link))
        upstreams_log(link->upstream, "failed", "out of memory");
}

// --- which one -------------------------------------------------------------------------------
static struct link_owner owner_for(const struct server_spec *spec, const struct asker *asker,
                                   enum mcp_era era)
{
    enum isolation isolation = spec->isolation;
    if (spec->http)
        isolation = era == MCP_MODERN ? ISOLATION_PROJECT : ISOLATION_SESSION;
    if (isolation == ISOLATION_PROJECT)
        return (struct link_owner){SCOPE_SHARED, 0, 0};
    if (isolation == ISOLATION_USER)
        return (struct link_owner){SCOPE_USER, asker->user, 0};
    if (asker->session != 0)
        return (struct link_owner){SCOPE_SESSION, asker->session, 0};
    return (struct link_owner){SCOPE_KEY, asker->key, asker->can};
}

uint64_t upstream_conversation(struct upstream *upstream, const struct asker *asker,
                               enum mcp_era era)
{
    struct link *link = find(upstream, owner_for(upstream->spec, asker, era), era);
    if (!link || link->state != LINK_READY)
        return 0;
    link->used = loop_clock();
    return link->number;
}

bool upstream_is_one(const struct upstream *upstream, const struct asker *a, const struct asker *b)
{
    return is_owner(owner_for(upstream->spec, a, MCP_LEGACY),
                    owner_for(upstream->spec, b, MCP_LEGACY));
}

bool upstream_is_own(const struct upstream *upstream, const struct asker *asker)
{
    return owner_for(upstream->spec, asker, MCP_LEGACY).scope == SCOPE_SESSION;
}

// The era in which to try it: the asker's, unless the server is known not to speak it and to speak
// the other one.
static enum mcp_era era_for(const struct upstream *upstream, const struct asker *asker)
{
    bool moot = upstream_verdict(upstream, asker->era) == VERDICT_NO;
    return moot ? mcp_other_era(asker->era) : asker->era;
}

// Only of a client that has it for itself: what all the others say of themselves is not bounded.
static bool keep_client(struct link *link, const struct asker *asker)
{
    struct view capabilities = asker->capabilities, info = asker->client_info;
    link->client = malloc(capabilities.size + info.size + 1);
    if (!link->client)
        return false;
    if (capabilities.data) {
        memcpy(link->client, capabilities.data, capabilities.size);
        link->capabilities = (struct view){link->client, capabilities.size};
    }
    if (info.data) {
        memcpy(link->client + capabilities.size, info.data, info.size);
        link->client_info = (struct view){link->client + capabilities.size, info.size};
    }
    return true;
}

static struct link *link_new(struct upstream *upstream, const struct asker *asker,
                             struct link_owner owner, enum mcp_era era)
{
    struct upstreams *all = upstream->all;
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        return NULL;
    if (owner.scope == SCOPE_SESSION && !keep_client(link, asker)) {
        free(link);
        return NULL;
    }
    link->upstream = upstream;
    link->all = all;
    link->ops = upstream->spec->http ? &link_http : &link_stdio;
    link->era = link->wanted = era;
    link->owner = owner;
    link->used = all->now;
    link->session_wants =
        owner.scope == SCOPE_SESSION && numbers_find(&all->wanting, (uint64_t)owner.n);
    list_init(&link->flight);
    list_init(&link->waiting);
    list_init(&link->talks);
    list_init(&link->posts[false]);
    list_init(&link->posts[true]);
    buf_init(&link->line, all->order.settings->event);
    struct link **bucket = bucket_of(all, upstream, owner);
    link->chain = *bucket;
    *bucket = link;
    list_append(&upstream->links, &link->node);
    list_append(&all->links, &link->everyone);
    upstream->users++;
    return link;
}

struct link *links_heir(const struct link *link)
{
    struct asker asker = {
        .era = link->wanted, .capabilities = link->capabilities, .client_info = link->client_info};
    struct link *heir = link_new(link->upstream, &asker, link->owner, link->wanted);
    if (heir)
        links_renumber(heir);
    return heir;
}

struct link *links_take_era(struct upstream *upstream, const struct asker *asker, enum mcp_era era,
                            const struct handshake *tried)
{
    struct link_owner owner = owner_for(upstream->spec, asker, era);
    struct link *link = find(upstream, owner, era);
    bool fresh = !link;
    if (fresh && !upstream->all->ending)
        link = link_new(upstream, asker, owner, era);
    if (!link)
        return NULL;
    if (fresh || (link->state == LINK_RESTING && link->all->now >= link->not_before))
        link_start(link);
    if (tried)
        handshake_goes_on(link, tried);
    return link;
}

// Whether the asker's calls on a link that rests go on in the other era: when it has been left for
// that, or the server answers there.
static bool goes_on_elsewhere(const struct link *link, const struct asker *asker)
{
    const struct upstream *upstream = link->upstream;
    enum mcp_era era = mcp_other_era(link->era);
    if (link->moved)
        return true;
    if (!upstream->spec->http || upstream->spec->protocol != PROTOCOL_AUTO || upstream->down)
        return false;
    const struct link *other = find(upstream, owner_for(upstream->spec, asker, era), era);
    return other && other->state == LINK_READY;
}

void links_why(const struct link *link, enum upcall_failure *ret_why, const char **ret_sentence)
{
    *ret_why = UPCALL_UNREACHABLE;
    *ret_sentence = "the server has failed and will be tried again soon";
    if (!link) {
        *ret_why = UPCALL_MEMORY;
        *ret_sentence = "the gateway is short of memory";
    } else if (link->forbidden) {
        *ret_why = UPCALL_FORBIDDEN;
        *ret_sentence = link->forbidden;
    }
}

static const char links_shut_down[] = "the gateway is being shut down";

struct link *links_take(struct upstream *upstream, const struct asker *asker,
                        enum upcall_failure *ret_why, const char **ret_sentence)
{
    *ret_why = UPCALL_UNREACHABLE;
    if (upstream->retired) {
        *ret_why = UPCALL_DIED;
        *ret_sentence = "the server's configuration has changed";
        return NULL;
    }
    if (upstream->all->ending) {
        *ret_why = UPCALL_DIED;
        *ret_sentence = links_shut_down;
        return NULL;
    }
    if (upstream->spec->broken) {
        *ret_sentence = "the server's configuration cannot be used";
        return NULL;
    }
    enum mcp_era era = era_for(upstream, asker);
    struct link *link = links_take_era(upstream, asker, era, NULL);
    if (link && link->state == LINK_RESTING && goes_on_elsewhere(link, asker))
        link = links_take_era(upstream, asker, mcp_other_era(era), NULL);
    if (link && link->state != LINK_RESTING)
        return link;
    links_why(link, ret_why, ret_sentence);
    return NULL;
}

void links_let_off(struct upstream *upstream)
{
    struct upstreams *all = upstream->all;
    int64_t pause = all->order.settings->restart_most;
    if (!upstream->spec->http)
        return;
    for (struct node *at = upstream->links.next; at != &upstream->links; at = at->next) {
        struct link *link = OUTER(at, struct link, node);
        bool lately = link->let_off != 0 && all->now - link->let_off < pause;
        if (link->state != LINK_RESTING || !link->outage || lately)
            continue;
        link->failures = 0;
        link->let_off = link->not_before = all->now;
    }
}

// --- the ends of things ----------------------------------------------------------------------
static void end_owned(struct upstreams *all, struct link_owner owner, const char *sentence)
{
    struct link *next;
    for (struct link *link = *bucket_of(all, NULL, owner); link; link = next) {
        next = link->chain;
        if (link->owner.scope == owner.scope && link->owner.n == owner.n)
            link_end(link, sentence);
    }
}

void upstreams_session_over(struct upstreams *all, int64_t session)
{
    upstreams_enter(all);
    numbers_remove(&all->wanting, (uint64_t)session);
    end_owned(all, (struct link_owner){SCOPE_SESSION, session, 0}, "the client's session is over");
    upstreams_leave_quietly(all);
}

void upstreams_key_over(struct upstreams *all, int64_t key)
{
    upstreams_enter(all);
    end_owned(all, (struct link_owner){SCOPE_KEY, key, 0}, "the key is not valid any more");
    upstreams_leave_quietly(all);
}

void upstreams_session_streams(struct upstreams *all, int64_t session, bool wanted)
{
    struct link_owner owner = {SCOPE_SESSION, session, 0};
    upstreams_enter(all);
    numbers_remove(&all->wanting, (uint64_t)session);
    if (wanted && !numbers_add(&all->wanting, (uint64_t)session, all))
        wanted = false;
    for (struct link *link = *bucket_of(all, NULL, owner); link; link = link->chain) {
        if (!is_owner(link->owner, owner))
            continue;
        link->session_wants = wanted;
        if (link->state == LINK_READY)
            link->ops->ready(link);
    }
    upstreams_leave_quietly(all);
}

void upstreams_session_notify(struct upstreams *all, int64_t session, struct view message)
{
    struct link_owner owner = {SCOPE_SESSION, session, 0};
    upstreams_enter(all);
    for (struct link *link = *bucket_of(all, NULL, owner); link; link = link->chain)
        if (is_owner(link->owner, owner) && link->state == LINK_READY && link->era == MCP_LEGACY)
            link->ops->post(link, message, false, NULL);
    upstreams_leave_quietly(all);
}

static void post_error(struct link *link, struct view id, struct view error, bool spare)
{
    struct buf *buf = &link->all->body;
    buf_clear(buf);
    buf_add(buf, VIEW("{\"jsonrpc\":\"2.0\",\"id\":"));
    buf_add(buf, id);
    buf_add(buf, VIEW(",\"error\":"));
    buf_add(buf, error);
    buf_add(buf, VIEW("}"));
    if (!buf->failed && link->state == LINK_READY)
        link->ops->post(link, buf_view(buf), spare, NULL);
}

void upstreams_answer(struct upstreams *all, const struct question *question, struct view result,
                      struct view error)
{
    upstreams_enter(all);
    struct link *link = numbers_find(&all->numbers, question->link);
    struct view id = {question->id, question->id_size};
    if (link && result.data)
        link_post_result(link, id, result, false);
    else if (link)
        post_error(link, id, error, false);
    upstreams_leave_quietly(all);
}

void upstreams_refuse(struct upstreams *all, const struct question *question, struct view error)
{
    upstreams_enter(all);
    struct link *link = numbers_find(&all->numbers, question->link);
    if (link)
        post_error(link, (struct view){question->id, question->id_size}, error, true);
    upstreams_leave_quietly(all);
}

void upstreams_end(struct upstreams *all)
{
    upstreams_enter(all);
    all->ending = true;
    while (!list_empty(&all->links))
        link_end(OUTER(all->links.next, struct link, everyone), links_shut_down);
    upstreams_leave_quietly(all);
}

void upstreams_hurry(struct upstreams *all)
{
    upstreams_enter(all);
    for (struct node *at = all->leaving.next; at != &all->leaving; at = at->next) {
        struct link *link = OUTER(at, struct link, everyone);
        if (link->ops->hurry)
            link->ops->hurry(link);
    }
    upstreams_leave_quietly(all);
}

bool upstreams_ended(const struct upstreams *all)
{
    for (struct node *at = all->leaving.next; at != &all->leaving; at = at->next)
        if (OUTER(at, struct link, everyone)->child)
            return false;
    return list_empty(&all->links);
}

// --- the tick --------------------------------------------------------------------------------
static bool idle(const struct link *link)
{
    const struct settings *settings = link->all->order.settings;
    if (link->in_flight > 0 || !list_empty(&link->waiting) || link->state == LINK_STARTING ||
        link->all->now - link->used <= settings->idle_child)
        return false;
    // HTTP links of sessions end with these; the shared one is but an address.
    return link->state == LINK_RESTING || link->ops == &link_stdio ||
           link->owner.scope == SCOPE_KEY;
}

static bool has_hung_up(const struct link *link)
{
    return link->hung_up_at != 0 && !link->stalled && link->state != LINK_RESTING &&
           link->all->now - link->hung_up_at > HUNG_UP_FOR;
}

// What the server has answered in part has a little time to end.
static bool is_outdated(const struct link *link)
{
    return link->doubted != 0 &&
           (link->in_flight == 0 || link->all->now - link->doubted > 2 * TIME_SECOND);
}

// One that rests is not started before it is asked, unless somebody waits to be told of changes.
static bool is_awaited(const struct link *link)
{
    const struct upstream *upstream = link->upstream;
    if (link_is_watched(link))
        return true;
    if (!upstream->down || link->owner.scope == SCOPE_KEY)
        return false;
    return link->owner.scope == SCOPE_SESSION ? link->session_wants
                                              : upstream->watchers[MCP_LEGACY] > 0;
}

static void look_at(struct link *link)
{
    struct handshake *handshake = &link->handshake;
    if (link->ops->relax)
        link->ops->relax(link);
    if (link->state == LINK_READY)
        link->ops->ready(link); // memory may have been short before
    if (link->state == LINK_STARTING && handshake->discover && !handshake->initialize &&
        link->all->now - handshake->discover->started > PROBE_SILENCE)
        handshake_silence(link);
    else if (link->hangs && link->state == LINK_READY)
        link_replace(link, "the server hangs and is started anew");
    else if (link->unread && link->state == LINK_READY)
        link_replace(link, "the server asks without reading the answers and is started anew");
    else if (has_hung_up(link))
        link_replace(link, "the server has closed its input or output and is started anew");
    else if (is_outdated(link))
        link_end(link, "the server has been replaced by another one");
    else if (idle(link))
        link_end(link, "the server was idle");
    else if (link->state == LINK_RESTING && is_awaited(link) &&
             link->all->now >= link->not_before &&
             upstream_verdict(link->upstream, link->wanted) != VERDICT_NO)
        link_start(link);
    else if (link->state == LINK_READY)
        watch_check(link);
}

void links_tick(struct upstreams *all)
{
    if (all->now - all->swept < TIME_SECOND / 5)
        return;
    all->swept = all->now;
    struct node *next;
    for (struct node *at = all->links.next; at != &all->links; at = next) {
        next = at->next;
        look_at(OUTER(at, struct link, everyone));
    }
}
