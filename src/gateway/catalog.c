// catalog.c: see catalog.h.
#include "gateway/catalog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json_walk.h"
#include "base/table.h"
#include "gateway/gathered.h"
#include "gateway/parameters.h"
#include "vault/key_text.h"

enum {
    MILLISECOND = 1000,
    TTL_QUIET = 60 * 1000,     // ms: a legacy server that does not tell of changes
    TTL_TELLING = 300 * 1000,  // ms: one that does
    RETRY_AFTER = 1000 * 1000, // us: a list that could not be had
    SHOWN_NAME = 128,          // bytes of a tool's name in the log
};

enum list_state { LIST_ABSENT, LIST_LOADING, LIST_LOADED };

// Whose request something is. Names an asker whose link is there already.
struct behalf {
    int64_t session, user, key;
    unsigned can;
    enum mcp_era era;
};

struct listing {
    struct catalog *catalog; // whose it is
    enum list list;
    enum list_state state;
    bool stale;    // it changed while it was being loaded, or since
    bool told;     // the log has what was left out of it
    bool missing;  // it could not be had: that it is back will be told
    int64_t until; // loop time; of LIST_ABSENT: not asked again before
    int64_t loaded_at;
    uint64_t generation;
    struct list_item *items;
    size_t count;
    struct buf text, names; // what the items point into: as they came, and unescaped
    // While loading:
    struct behalf behalf; // each page is asked for as the first one was
    struct upcall *upcall;
    struct gathered fresh;
    unsigned pages;
    int64_t ttl;    // ms, the smallest so far
    bool of_a_down; // the server was down when it began
};

struct catalog {
    struct catalogs *catalogs;
    struct catalog *next;
    int64_t project_n;
    struct upstream *upstream;
    struct upstream_wait *learning;
    int64_t facts_until; // not asked again before
    struct waiters waiters;
    struct behalf behalf; // whose request made it learn
    struct listing lists[LISTS];
};

struct catalogs {
    struct upstreams *upstreams;
    const struct settings *settings;
    struct table by_upstream;
    uint64_t generation;
    catalogs_back *back;
    void *context;
};

struct list_row {
    const char *member, *name, *capability;
    enum mcp_method method, changed;
};

static const struct list_row rows[LISTS] = {
    [LIST_TOOLS] = {"tools", "name", "tools", MCP_TOOLS_LIST, MCP_TOOLS_CHANGED},
    [LIST_PROMPTS] = {"prompts", "name", "prompts", MCP_PROMPTS_LIST, MCP_PROMPTS_CHANGED},
    [LIST_RESOURCES] = {"resources", "uri", "resources", MCP_RESOURCES_LIST, MCP_RESOURCES_CHANGED},
    [LIST_TEMPLATES] = {"resourceTemplates", "uriTemplate", "resources", MCP_TEMPLATES_LIST,
                        MCP_RESOURCES_CHANGED},
};

enum list list_of(enum mcp_method method)
{
    for (enum list list = 0; list < LISTS; list++)
        if (rows[list].method == method)
            return list;
    return LISTS;
}

const char *list_member(enum list list)
{
    return rows[list].member;
}

// --- loading ------------------------------------------------------------------------------------

static void drop_items(struct listing *listing)
{
    free(listing->items);
    listing->items = NULL;
    listing->count = 0;
    buf_done(&listing->text);
    buf_done(&listing->names);
}

// It failed by what says nothing of the server: what was there before stays for a while.
static void keep_old(struct listing *listing)
{
    listing->upcall = NULL;
    gathered_done(&listing->fresh);
    listing->state = LIST_LOADED;
    listing->stale = false;
    listing->until = loop_clock() + RETRY_AFTER;
    waiters_tell(&listing->catalog->waiters, listing->list);
}

static void end_loading(struct listing *listing, enum list_state state, int64_t until)
{
    listing->upcall = NULL;
    listing->generation = ++listing->catalog->catalogs->generation;
    gathered_done(&listing->fresh);
    listing->state = state;
    listing->until = until;
    listing->stale = false;
    waiters_tell(&listing->catalog->waiters, listing->list);
}

static void conclude(struct listing *listing)
{
    struct catalogs *catalogs = listing->catalog->catalogs;
    if (listing->missing)
        catalogs->back(catalogs->context, listing->catalog->upstream, rows[listing->list].changed);
    listing->missing = false;
    listing->loaded_at = loop_clock();
    end_loading(listing, LIST_LOADED,
                listing->stale ? 0 : listing->loaded_at + listing->ttl * MILLISECOND);
}

static void be_absent(struct listing *listing, int64_t until)
{
    drop_items(listing);
    listing->missing = true;
    end_loading(listing, LIST_ABSENT, until);
}

// The server has none that can be shown.
static void lose(struct listing *listing)
{
    be_absent(listing, loop_clock() + RETRY_AFTER);
}

// It could not be read just now, which says nothing of the server. That is no reason to go without:
// where there is no old one, the next who asks has it read again.
static void put_off(struct listing *listing)
{
    if (listing->items)
        keep_old(listing);
    else
        be_absent(listing, 0);
}

static bool must_be_in_order(const struct listing *listing)
{
    const struct upstream *upstream = listing->catalog->upstream;
    return upstream_spec(upstream)->http && upstream_speaks(upstream, MCP_MODERN);
}

// A tool whose call could not be written must not be shown: see parameters.h.
static void leave_out(const struct listing *listing, const struct list_item *item,
                      const char *fault)
{
    char line[256];
    const struct view name = key_text_cut(item->name, SHOWN_NAME);
    (void)snprintf(line, sizeof line, "the tool %.*s: %s", VIEW_ARG(name), fault);
    if (!listing->told)
        upstreams_log(listing->catalog->upstream, "left_out", line);
}

// What was gathered becomes the list.
static bool settle(struct listing *listing)
{
    struct gathered *fresh = &listing->fresh;
    struct list_item *items = (struct list_item *)calloc(fresh->count + 1, sizeof *items);
    bool strict = must_be_in_order(listing);
    if (!items)
        return false;
    drop_items(listing);
    for (size_t i = 0; i < fresh->count; i++) {
        const char *fault = NULL;
        struct list_item *item = &items[listing->count];
        *item = gathered_item(fresh, i);
        item->parameters =
            listing->list == LIST_TOOLS && parameters_any(item->raw, &fault) && !fault;
        if (fault && strict)
            leave_out(listing, item, fault);
        else
            listing->count++;
    }
    listing->items = items;
    listing->text = fresh->text;
    listing->names = fresh->names;
    fresh->text = fresh->names = (struct buf){0};
    listing->told = true;
    return true;
}

static bool add_page(struct listing *listing, struct view result)
{
    const struct list_row *row = &rows[listing->list];
    struct view ignored, item, items = json_walk_member(result, row->member);
    long long ttl;
    if (!json_raw_is(items, '['))
        return false;
    for (struct json_walk walk = json_walk(items); json_walk_next(&walk, &ignored, &item);)
        if (!gathered_add(&listing->fresh, item, json_walk_member(item, row->name)))
            return false;
    if (json_raw_int(json_walk_member(result, "ttlMs"), &ttl) && ttl >= 0 && ttl < listing->ttl)
        listing->ttl = ttl;
    return true;
}

static struct behalf behalf_of(const struct asker *asker)
{
    return (struct behalf){asker->session, asker->user, asker->key, asker->can, asker->era};
}

// Whoever asked before. The link is there by now, so whose it is suffices.
static struct asker asker_again(const struct behalf *behalf)
{
    return (struct asker){.era = behalf->era,
                          .session = behalf->session,
                          .user = behalf->user,
                          .key = behalf->key,
                          .can = behalf->can,
                          .level = -1};
}

static bool ask_page(struct listing *listing, const struct asker *asker, struct view cursor);

static void answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct listing *listing = (struct listing *)context;
    const struct catalog *catalog = listing->catalog;
    const struct asker again = asker_again(&listing->behalf);
    (void)era;
    listing->upcall = NULL;
    if (response->kind != RPC_RESULT || !add_page(listing, response->result)) {
        lose(listing);
        return;
    }
    struct view cursor = json_walk_member(response->result, "nextCursor");
    if (json_raw_is(cursor, '"') &&
        ++listing->pages < catalog->catalogs->settings->pages_per_list) {
        if (!ask_page(listing, &again, cursor))
            put_off(listing);
        return;
    }
    if (settle(listing))
        conclude(listing);
    else
        put_off(listing);
}

static void failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct listing *listing = (struct listing *)context;
    struct upstream *upstream = listing->catalog->upstream;
    (void)sentence;
    if (why == UPCALL_TIMEOUT)
        upstream_went_down(upstream);
    if (why == UPCALL_MEMORY || (why == UPCALL_UNREACHABLE && !upstream_is_down(upstream)))
        put_off(listing); // the asker's link rests, others are served
    else if (why == UPCALL_DIED && listing->items)
        keep_old(listing); // the link is over, perhaps only because its client has gone
    else
        lose(listing);
}

static void ignore_notice(void *context, const struct rpc *message)
{
    (void)context;
    (void)message;
}

static void refuse_question(void *context, const struct question *question,
                            const struct rpc *message)
{
    struct listing *listing = (struct listing *)context;
    (void)message;
    upstreams_refuse(listing->catalog->catalogs->upstreams, question,
                     VIEW("{\"code\":-32601,\"message\":\"Not while a list is read\"}"));
}

static const struct upcall_events loading = {
    .notice = ignore_notice, .question = refuse_question, .answered = answered, .failed = failed};

// The params of a page. To a legacy asker's the upstream adds what a modern server wants.
static void add_params(struct buf *params, enum mcp_era era, struct view cursor)
{
    if (era == MCP_MODERN)
        buf_add(params, VIEW("{\"_meta\":{\"" MCP_META "protocolVersion\":\"" MCP_MODERN_VERSION
                             "\",\"" MCP_META "clientCapabilities\":{}}"));
    if (cursor.data) {
        buf_add(params, era == MCP_MODERN ? VIEW(",\"cursor\":") : VIEW("{\"cursor\":"));
        buf_add(params, cursor);
    }
    if (era == MCP_MODERN || cursor.data)
        buf_add_char(params, '}');
}

static bool ask_page(struct listing *listing, const struct asker *asker, struct view cursor)
{
    struct buf params AUTO(buf_done);
    buf_init(&params, cursor.size + 256);
    add_params(&params, asker->era, cursor);
    if (params.failed)
        return false;
    enum mcp_method method = rows[listing->list].method;
    const struct upcall_order order = {.asker = asker,
                                       .method = method,
                                       .method_name = view_of(mcp_method_name(method)),
                                       .params = buf_view(&params)};
    listing->upcall = upcall_send(listing->catalog->upstream, &order, &loading, listing);
    return listing->upcall != NULL;
}

static bool declares(const struct upstream_facts *facts, const char *capability)
{
    return facts && json_walk_member(facts->capabilities, capability).data;
}

// Whether the server tells of changes of the list.
static bool tells(const struct upstream_facts *facts, const char *capability)
{
    struct view value = json_walk_member(facts->capabilities, capability);
    return view_is(json_walk_member(value, "listChanged"), "true");
}

static void start_loading(struct listing *listing, const struct asker *asker)
{
    struct catalog *catalog = listing->catalog;
    const struct upstream_facts *facts = upstream_facts(catalog->upstream, asker->era);
    size_t most = catalog->catalogs->settings->list;
    listing->behalf = behalf_of(asker);
    listing->state = LIST_LOADING;
    listing->pages = 0;
    listing->stale = false;
    listing->of_a_down = upstream_is_down(catalog->upstream);
    listing->ttl = tells(facts, rows[listing->list].capability) ? TTL_TELLING : TTL_QUIET;
    gathered_init(&listing->fresh, most);
    if (!ask_page(listing, asker, (struct view){NULL, 0}))
        put_off(listing);
}

// --- asking -------------------------------------------------------------------------------------

static void learned(void *context, bool known)
{
    struct catalog *catalog = (struct catalog *)context;
    const struct asker asker = asker_again(&catalog->behalf);
    const struct upstream_facts *facts = upstream_facts(catalog->upstream, asker.era);
    catalog->learning = NULL;
    if (!known)
        catalog->facts_until = loop_clock() + RETRY_AFTER;
    waiters_tell(&catalog->waiters, WANT_FACTS);
    waiters_tell(&catalog->waiters, WANT_ERA);
    for (enum list list = 0; list < LISTS; list++) {
        if (!waiters_want(&catalog->waiters, list) || catalog->lists[list].state == LIST_LOADING)
            continue;
        if (known && declares(facts, rows[list].capability))
            start_loading(&catalog->lists[list], &asker);
        else
            waiters_tell(&catalog->waiters, list);
    }
}

static bool is_known(const struct catalog *catalog, unsigned want, enum mcp_era era)
{
    if (want == WANT_ERA)
        return upstream_is_judged(catalog->upstream, era);
    return upstream_facts(catalog->upstream, era) != NULL;
}

// True: what `want` has to know first is known, or cannot be had.
static bool want_facts(struct catalog *catalog, unsigned want, const struct asker *asker)
{
    if (is_known(catalog, want, asker->era) || catalog->facts_until > loop_clock())
        return true;
    if (catalog->learning)
        return false;
    catalog->behalf = behalf_of(asker);
    catalog->learning = upstream_learn(catalog->upstream, asker, learned, catalog);
    return catalog->learning == NULL; // it was told at once
}

bool catalog_want(struct catalog *catalog, unsigned want, const struct asker *asker,
                  struct waiter *waiter)
{
    if (!want_facts(catalog, want, asker)) {
        if (waiter)
            waiter_begin(waiter, &catalog->waiters, want);
        return false;
    }
    const struct upstream_facts *facts = upstream_facts(catalog->upstream, asker->era);
    if (want >= LISTS || !facts || !declares(facts, rows[want].capability))
        return true;
    struct listing *listing = &catalog->lists[want];
    if (listing->state != LIST_LOADING && listing->until <= loop_clock())
        start_loading(listing, asker);
    if (listing->state != LIST_LOADING)
        return true;
    if (waiter)
        waiter_begin(waiter, &catalog->waiters, want);
    return false;
}

// --- looking ------------------------------------------------------------------------------------

const struct list_item *catalog_items(const struct catalog *catalog, enum list list,
                                      size_t *ret_count)
{
    *ret_count = catalog->lists[list].count;
    return catalog->lists[list].items;
}

const struct list_item *catalog_find(const struct catalog *catalog, enum list list,
                                     struct view name)
{
    const struct listing *listing = &catalog->lists[list];
    for (size_t i = 0; i < listing->count; i++)
        if (view_equal(listing->items[i].name, name))
            return &listing->items[i];
    return NULL;
}

uint64_t catalog_generation(const struct catalog *catalog, enum list list)
{
    return catalog->lists[list].generation;
}

int64_t catalog_ttl(const struct catalog *catalog, enum list list)
{
    int64_t left = catalog->lists[list].until - loop_clock();
    return left > 0 ? left / MILLISECOND : 0;
}

bool catalog_offers(const struct catalog *catalog, enum list list, enum mcp_era client)
{
    return declares(upstream_facts(catalog->upstream, client), rows[list].capability);
}

struct upstream *catalog_upstream(const struct catalog *catalog)
{
    return catalog->upstream;
}

// --- changes ------------------------------------------------------------------------------------

static uint64_t number_of(const struct upstream *upstream)
{
    return (uint64_t)(uintptr_t)upstream >> 4;
}

// The server is up: what was asked of it before may never be answered.
static void load_again(struct listing *listing)
{
    const struct asker again = asker_again(&listing->behalf);
    upcall_cancel(&listing->upcall, (struct view){NULL, 0});
    gathered_done(&listing->fresh);
    start_loading(listing, &again);
}

void catalogs_changed(struct catalogs *catalogs, struct upstream *upstream, enum mcp_method what)
{
    struct catalog *catalog =
        (struct catalog *)table_find(&catalogs->by_upstream, number_of(upstream));
    for (enum list list = 0; catalog && list < LISTS; list++) {
        struct listing *listing = &catalog->lists[list];
        if (rows[list].changed != what)
            continue;
        listing->stale = listing->state == LIST_LOADING;
        listing->until = 0;
        listing->told = listing->missing = false;
        if (listing->stale && listing->of_a_down && !upstream_is_down(upstream))
            load_again(listing);
    }
    if (catalog)
        catalog->facts_until = 0;
}

bool catalog_doubt(struct catalog *catalog, enum list list)
{
    struct listing *listing = &catalog->lists[list];
    if (listing->state != LIST_LOADED || loop_clock() - listing->loaded_at < RETRY_AFTER)
        return listing->state == LIST_LOADING;
    listing->until = 0;
    return true;
}

static void catalog_free(struct catalog *catalog)
{
    table_remove(&catalog->catalogs->by_upstream, number_of(catalog->upstream));
    upstream_wait_cancel(&catalog->learning);
    for (enum list list = 0; list < LISTS; list++) {
        upcall_cancel(&catalog->lists[list].upcall, (struct view){NULL, 0});
        gathered_done(&catalog->lists[list].fresh);
        drop_items(&catalog->lists[list]);
    }
    // Whoever still waits finds nothing.
    for (unsigned want = 0; want <= WANT_ERA; want++)
        waiters_tell(&catalog->waiters, want);
    free(catalog);
}

struct catalog *catalog_get(struct catalogs *catalogs, int64_t project_n, struct server_spec *spec)
{
    struct upstream *upstream = upstream_get(catalogs->upstreams, project_n, spec);
    if (!upstream)
        return NULL;
    struct catalog *catalog =
        (struct catalog *)table_find(&catalogs->by_upstream, number_of(upstream));
    if (catalog)
        return catalog;
    catalog = (struct catalog *)calloc(1, sizeof *catalog);
    if (!catalog || !table_add(&catalogs->by_upstream, number_of(upstream), catalog)) {
        free(catalog);
        return NULL;
    }
    catalog->catalogs = catalogs;
    catalog->project_n = project_n;
    catalog->upstream = upstream;
    for (enum list list = 0; list < LISTS; list++) {
        catalog->lists[list].catalog = catalog;
        catalog->lists[list].list = list;
    }
    return catalog;
}

void catalogs_retain(struct catalogs *catalogs, int64_t project_n, const struct server_specs *specs)
{
    size_t at = 0;
    for (struct catalog *catalog;
         (catalog = (struct catalog *)table_next(&catalogs->by_upstream, &at));) {
        if (catalog->project_n != project_n ||
            server_specs_find(specs, upstream_spec(catalog->upstream)))
            continue;
        catalog_free(catalog);
        at = 0; // the table has moved
    }
}

struct catalogs *catalogs_new(struct upstreams *upstreams, const struct settings *settings,
                              catalogs_back *back, void *context)
{
    struct catalogs *catalogs = (struct catalogs *)calloc(1, sizeof *catalogs);
    if (!catalogs)
        return NULL;
    catalogs->upstreams = upstreams;
    catalogs->settings = settings;
    catalogs->back = back;
    catalogs->context = context;
    return catalogs;
}

void catalogs_free(struct catalogs **catalogs)
{
    struct catalogs *gone = TAKE(*catalogs);
    if (!gone)
        return;
    for (size_t at = 0; gone->by_upstream.count > 0; at = 0)
        catalog_free((struct catalog *)table_next(&gone->by_upstream, &at));
    table_done(&gone->by_upstream);
    free(gone);
}
