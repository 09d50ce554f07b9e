// upstream.c: see upstream.h: the upstreams of a loop, what is known of them, who waits to know.
#include "upstream/upstream.h"

#include <stdio.h>
#include <stdlib.h>

#include "upstream/link.h"

// --- the log ---------------------------------------------------------------------------------
void upstreams_log_always(struct upstream *upstream, const char *what, const char *detail)
{
    const struct upstreams_order *order = &upstream->all->order;
    if (order->log)
        order->log(order->context, upstream, what, detail);
}

static void tell_suppressed(struct upstream *upstream)
{
    char detail[64];
    if (upstream->log.suppressed == 0)
        return;
    snprintf(detail, sizeof(detail), "%llu lines about this server", upstream->log.suppressed);
    upstream->log.suppressed = 0;
    upstreams_log_always(upstream, "suppressed", detail);
}

static void end_log_window(struct upstream *upstream)
{
    struct log_window *log = &upstream->log;
    if (!node_listed(&log->node) || upstream->all->now - log->since < LOG_WINDOW)
        return;
    node_remove(&log->node);
    log->lines = 0;
    tell_suppressed(upstream);
}

void upstreams_log(struct upstream *upstream, const char *what, const char *detail)
{
    struct log_window *log = &upstream->log;
    end_log_window(upstream);
    if (!node_listed(&log->node)) {
        log->since = upstream->all->now;
        list_append(&upstream->all->windows, &log->node);
    }
    if (log->lines == LOG_LINES) {
        log->suppressed++;
        return;
    }
    log->lines++;
    upstreams_log_always(upstream, what, detail);
}

static void end_log_windows(struct upstreams *all)
{
    for (struct node *at = all->windows.next, *next; at != &all->windows; at = next) {
        next = at->next;
        end_log_window(OUTER(at, struct upstream, log.node));
    }
}

// --- entering and leaving --------------------------------------------------------------------
struct grave {
    struct grave *next;
    void *memory;
};

struct poke {
    struct upstreams *all; // NULL: gone meanwhile
    bool posted;
};

static void bury_all(struct upstreams *all)
{
    while (all->graves) {
        struct grave *grave = all->graves;
        all->graves = grave->next;
        free(grave->memory);
        free(grave);
    }
}

// Retired upstreams that neither a call nor a link refers to any more.
static void bury_retired(struct upstreams *all)
{
    for (struct node *at = all->retired.next, *next; at != &all->retired; at = next) {
        next = at->next;
        struct upstream *upstream = OUTER(at, struct upstream, node);
        if (upstream->users > 0)
            continue;
        node_remove(&upstream->node);
        node_remove(&upstream->levels.node);
        node_remove(&upstream->log.node);
        tell_suppressed(upstream);
        server_spec_unref(&upstream->spec);
        for (size_t era = 0; era < LINK_ERAS; era++)
            free(upstream->known[era].memory);
        free(upstream);
    }
}

void upstreams_bury(struct upstreams *all, void *memory)
{
    struct grave *grave = malloc(sizeof(*grave));
    if (!grave)
        return; // rather lost than used after
    *grave = (struct grave){all->graves, memory};
    all->graves = grave;
}

void upstreams_enter(struct upstreams *all)
{
    if (all->depth++ == 0)
        all->now = loop_clock();
}

void upstreams_leave(struct upstreams *all)
{
    if (all->depth == 1) {
        upcalls_tell(all);
        if (all->roomier)
            gathers_feed(all);
        talks_bury(all);
        bury_all(all);
        bury_retired(all);
    }
    all->depth--;
}

static void poked(void *context)
{
    struct poke *poke = context;
    poke->posted = false;
    if (!poke->all) {
        free(poke);
        return;
    }
    upstreams_enter(poke->all);
    upstreams_leave(poke->all);
}

// Has told soon what is to be told, and freed what is to be freed.
static void tell_soon(struct upstreams *all)
{
    if (all->depth > 0 || all->poke->posted)
        return;
    if (list_empty(&all->doomed) && list_empty(&all->thawed) && !all->graves &&
        list_empty(&all->retired) && list_empty(&all->dead))
        return;
    // When memory is short the next tick does it.
    all->poke->posted = loop_post(all->order.loop, poked, all->poke);
}

void upstreams_leave_quietly(struct upstreams *all)
{
    all->depth--;
    tell_soon(all);
}

// --- all of them -----------------------------------------------------------------------------
struct upstreams *upstreams_new(const struct upstreams_order *order)
{
    struct upstreams *all = calloc(1, sizeof(*all));
    struct poke *poke = calloc(1, sizeof(*poke));
    if (!all || !poke) {
        free(all);
        free(poke);
        return NULL;
    }
    *poke = (struct poke){.all = all};
    all->poke = poke;
    all->order = *order;
    all->now = loop_clock();
    all->random = (uint64_t)all->now * 0x9e3779b97f4a7c15 + (uint64_t)(uintptr_t)all;
    struct node *const lists[] = {&all->list,   &all->links,  &all->leaving, &all->calls,
                                  &all->doomed, &all->thawed, &all->resting, &all->retired,
                                  &all->dead,   &all->hungry, &all->levels,  &all->windows};
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        list_init(lists[i]);
    // Splices add names and identities to what a client may send.
    buf_init(&all->body, order->settings->request_body * 2 + (1u << 20));
    buf_init(&all->meta, 4 * order->settings->request_head + (1u << 20));
    return all;
}

// Projects may share a config, and so the identities of its servers.
static struct upstream **bucket_of(struct upstreams *all, int64_t project_n,
                                   const struct server_spec *spec)
{
    uint64_t key;
    memcpy(&key, spec->identity, sizeof(key));
    key = (key + (uint64_t)project_n) * 0x9e3779b97f4a7c15;
    return &all->upstreams[(key >> 32) % UPSTREAM_BUCKETS];
}

static void end_links(struct upstream *upstream, const char *sentence)
{
    while (!list_empty(&upstream->links))
        link_end(OUTER(upstream->links.next, struct link, node), sentence);
}

// From the tables; its calls are doomed, its children end in their time, and then it goes itself.
static void retire(struct upstream *upstream)
{
    struct upstreams *all = upstream->all;
    upstream->retired = true;
    end_links(upstream, "the server's configuration has changed");
    struct upstream **at = bucket_of(all, upstream->project_n, upstream->spec);
    while (*at != upstream)
        at = &(*at)->chain;
    *at = upstream->chain;
    node_remove(&upstream->node);
    list_append(&all->retired, &upstream->node);
}

void upstreams_free(struct upstreams **upstreams)
{
    struct upstreams *all = *upstreams; // which events may still use
    if (!all)
        return;
    upstreams_enter(all);
    all->closing = true;
    while (!list_empty(&all->list))
        retire(OUTER(all->list.next, struct upstream, node));
    upcalls_tell(all);
    while (!list_empty(&all->leaving))
        link_free(OUTER(all->leaving.next, struct link, everyone));
    upstreams_leave(all);
    *upstreams = NULL;
    upcalls_done(all);
    numbers_done(&all->numbers);
    numbers_done(&all->wanting);
    buf_done(&all->body);
    buf_done(&all->meta);
    all->poke->all = NULL;
    if (!all->poke->posted)
        free(all->poke);
    free(all);
}

// --- one -------------------------------------------------------------------------------------
static bool is_of(const struct upstream *upstream, int64_t project_n,
                  const struct server_spec *spec)
{
    return upstream->project_n == project_n && server_spec_is(upstream->spec, spec);
}

static struct upstream *find(struct upstreams *all, int64_t project_n,
                             const struct server_spec *spec)
{
    struct upstream *upstream = *bucket_of(all, project_n, spec);
    while (upstream && !is_of(upstream, project_n, spec))
        upstream = upstream->chain;
    return upstream;
}

struct upstream *upstream_get(struct upstreams *all, int64_t project_n, struct server_spec *spec)
{
    struct upstream *upstream = find(all, project_n, spec);
    if (upstream || all->closing)
        return upstream;
    struct upstream **bucket = bucket_of(all, project_n, spec);
    upstream = calloc(1, sizeof(*upstream));
    if (!upstream)
        return NULL;
    upstream->all = all;
    upstream->project_n = project_n;
    upstream->spec = server_spec_ref(spec);
    list_init(&upstream->links);
    list_append(&all->list, &upstream->node);
    upstream->chain = *bucket;
    *bucket = upstream;
    return upstream;
}

const struct server_spec *upstream_spec(const struct upstream *upstream)
{
    return upstream->spec;
}

int64_t upstream_project(const struct upstream *upstream)
{
    return upstream->project_n;
}

void upstreams_retain(struct upstreams *all, int64_t project_n, const struct server_specs *specs)
{
    upstreams_enter(all);
    for (struct node *at = all->list.next, *next; at != &all->list; at = next) {
        next = at->next;
        struct upstream *upstream = OUTER(at, struct upstream, node);
        if (upstream->project_n == project_n && !server_specs_find(specs, upstream->spec))
            retire(upstream);
    }
    upstreams_leave_quietly(all);
}

// --- what is known of one --------------------------------------------------------------------
enum verdict upstream_verdict(const struct upstream *upstream, enum mcp_era era)
{
    if (upstream->spec->protocol != PROTOCOL_AUTO)
        return (upstream->spec->protocol == PROTOCOL_MODERN) == (era == MCP_MODERN) ? VERDICT_YES
                                                                                    : VERDICT_NO;
    if (upstream->verdict[era] == VERDICT_NO &&
        upstream->all->now - upstream->judged[era] > VERDICT_AGE)
        return VERDICT_UNKNOWN;
    return upstream->verdict[era];
}

enum mcp_era upstream_era(const struct upstream *upstream, enum mcp_era client)
{
    switch (upstream_verdict(upstream, client)) {
    case VERDICT_YES:
        return client;
    case VERDICT_NO:
        return mcp_other_era(client);
    default:
        return upstream->known[upstream->last].memory ? upstream->last : client;
    }
}

bool upstream_is_judged(const struct upstream *upstream, enum mcp_era era)
{
    return upstream_verdict(upstream, era) != VERDICT_UNKNOWN;
}

bool upstream_speaks(const struct upstream *upstream, enum mcp_era era)
{
    return upstream_verdict(upstream, era) == VERDICT_YES;
}

void upstream_judge(struct upstream *upstream, enum mcp_era era, enum verdict verdict)
{
    upstream->verdict[era] = verdict;
    upstream->judged[era] = upstream->all->now;
}

static void tell_changed(struct upstream *upstream)
{
    struct upstreams *all = upstream->all;
    static const enum mcp_method lists[] = {MCP_TOOLS_CHANGED, MCP_PROMPTS_CHANGED,
                                            MCP_RESOURCES_CHANGED};
    for (size_t i = 0; i < COUNT_OF(lists) && !upstream->retired; i++)
        all->order.events->changed(all->order.context, upstream, lists[i]);
}

void upstream_found(struct upstream *upstream, const struct upstream_facts *facts)
{
    struct known *known = &upstream->known[facts->era];
    const struct upstream_facts *old = &known->facts;
    if (known->memory && view_equal(old->capabilities, facts->capabilities) &&
        view_equal(old->server_info, facts->server_info) &&
        view_equal(old->instructions, facts->instructions)) {
        upstream->last = facts->era;
        return;
    }
    char *memory =
        malloc(facts->capabilities.size + facts->server_info.size + facts->instructions.size + 1);
    if (!memory)
        return; // the old ones stay, or none are known
    if (known->memory) {
        upstreams_bury(upstream->all, known->memory);
        upstream->differs = true;
    }
    upstream->last = facts->era;
    known->memory = memory;
    known->facts = (struct upstream_facts){.era = facts->era,
                                           .capabilities = view_keep(&memory, facts->capabilities),
                                           .server_info = view_keep(&memory, facts->server_info),
                                           .instructions = view_keep(&memory, facts->instructions)};
}

void upstream_went_down(struct upstream *upstream)
{
    upstream->down = true;
}

bool upstream_is_down(const struct upstream *upstream)
{
    return upstream->down;
}

void upstream_came_up(struct upstream *upstream)
{
    if (!upstream->down && !upstream->differs)
        return;
    upstream->down = upstream->differs = false;
    links_let_off(upstream);
    tell_changed(upstream);
}

const struct upstream_facts *upstream_facts(const struct upstream *upstream, enum mcp_era client)
{
    const struct known *known = &upstream->known[upstream_era(upstream, client)];
    if (!known->memory)
        known = &upstream->known[upstream->last];
    return known->memory ? &known->facts : NULL;
}

// --- nobody ----------------------------------------------------------------------------------
static void ignore_answer(void *context, enum mcp_era era, const struct rpc *response)
{
    (void)context;
    (void)era;
    (void)response;
}

static void ignore_failure(void *context, enum upcall_failure why, const char *sentence)
{
    (void)context;
    (void)why;
    (void)sentence;
}

const struct upcall_events upcall_nobody = {.answered = ignore_answer, .failed = ignore_failure};

// --- waiting to know -------------------------------------------------------------------------
struct upstream_wait {
    struct upcall *call;
    void (*done)(void *context, bool known);
    void *context;
};

static void wait_over(struct upstream_wait *wait, bool known)
{
    void (*done)(void *context, bool known) = wait->done;
    void *context = wait->context;
    free(wait);
    done(context, known);
}

static void wait_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    (void)era;
    (void)response;
    wait_over(context, true);
}

static void wait_failed(void *context, enum upcall_failure why, const char *sentence)
{
    (void)why;
    (void)sentence;
    wait_over(context, false);
}

static const struct upcall_events wait_events = {.answered = wait_answered, .failed = wait_failed};

struct upstream_wait *upstream_learn(struct upstream *upstream, const struct asker *asker,
                                     void (*done)(void *context, bool known), void *context)
{
    if (upstream_facts(upstream, asker->era) && upstream_is_judged(upstream, asker->era)) {
        done(context, true);
        return NULL;
    }
    struct upstream_wait *wait = calloc(1, sizeof(*wait));
    if (wait) {
        wait->done = done;
        wait->context = context;
        wait->call = upcall_learn(upstream, asker, &wait_events, wait);
    }
    if (wait && wait->call)
        return wait;
    free(wait);
    done(context, false);
    return NULL;
}

void upstream_wait_cancel(struct upstream_wait **wait)
{
    struct upstream_wait *old = TAKE(*wait);
    if (!old)
        return;
    upcall_cancel(&old->call, (struct view){0});
    free(old);
}

void upstream_watch(struct upstream *upstream, enum mcp_era clients, int more)
{
    const bool watched = upstream->watchers[clients] > 0;
    upstream->watchers[clients] += more;
    if (watched == (upstream->watchers[clients] > 0))
        return;
    upstreams_enter(upstream->all);
    for (struct node *at = upstream->links.next; at != &upstream->links; at = at->next) {
        struct link *link = OUTER(at, struct link, node);
        if (link->state == LINK_READY)
            link->ops->ready(link);
        watch_check(link);
    }
    upstreams_leave_quietly(upstream->all);
}

// --- log levels ------------------------------------------------------------------------------
void upstreams_level_over(struct upstreams *all, int64_t project_n, const struct server_spec *spec,
                          int level)
{
    struct upstream *upstream = find(all, project_n, spec);
    if (!upstream)
        return;
    struct levels_over *levels = &upstream->levels;
    if (node_listed(&levels->node) && levels->lowest <= level)
        return;
    levels->lowest = level;
    node_remove(&levels->node);
    list_append(&all->levels, &levels->node);
}

// Who has a server for itself alone has told it its level itself.
static void tell_levels(struct upstreams *all)
{
    while (!list_empty(&all->levels)) {
        struct upstream *upstream = OUTER(all->levels.next, struct upstream, levels.node);
        node_remove(&upstream->levels.node);
        for (struct node *at = upstream->links.next, *next; at != &upstream->links; at = next) {
            struct link *link = OUTER(at, struct link, node);
            next = at->next;
            if (link->owner.scope != SCOPE_SESSION)
                link_tell_level(link, upstream->levels.lowest);
        }
    }
}

void upstreams_tick(struct upstreams *all, int64_t now)
{
    upstreams_enter(all);
    all->now = now;
    upcalls_tick(all);
    http_tick(all);
    gathers_feed(all);
    links_tick(all);
    tell_levels(all);
    end_log_windows(all);
    upstreams_leave(all);
}
