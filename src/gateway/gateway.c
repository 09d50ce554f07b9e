// gateway.c: see gateway.h.
#include "gateway/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "gateway/exchange.h"
#include "gateway/listen.h"
#include "gateway/notices.h"
#include "gateway/parked.h"
#include "gateway/questions.h"
#include "gateway/session.h"
#include "gateway/standing.h"
#include "gateway/subscriptions.h"
#include "gateway/tasks.h"
#include "os/memory.h"
#include "os/tls.h"
#include "vault/vault.h"

enum { USES_AT_ONCE = 10000, SLOW_TICK = 1000 * 1000, TRIM_EVERY = 30 * 1000 * 1000 }; // us

// --- what the parts tell each other -------------------------------------------------------------

static void on_revoked(void *context, struct credential *credential, const struct grant *grant,
                       const char *reason)
{
    struct gateway *gateway = (struct gateway *)context;
    gateway->counters.revocations++;
    while (!list_empty(&credential->open))
        session_end(OUTER(credential->open.next, struct session, of_key));
    parked_end(credential);
    exchanges_of_credential_cut(credential, reason);
    upstreams_key_over(gateway->upstreams, credential->number);
    if (gateway->unread) // answers that its clients have not taken
        ration_take_back(gateway->unread, (uint64_t)credential->number);
    if (!reason) // requests that have not come whole; others are decided when they have
        ration_take_back(&gateway->asked, (uint64_t)credential->number);
    journal_event(gateway->journal, "revoked", "key_id", grant->key_id, reason ? "reason" : NULL,
                  reason, NULL);
}

// The servers of a project are others: what was made of the old ones ends; what stayed, stays.
static void on_access_changed(void *context, const struct access *now)
{
    struct gateway *gateway = (struct gateway *)context;
    notices_all_changed(gateway, now->project_n);
    notices_flush(gateway); // before listens end, which are told, too
    listens_end(gateway, now->project_n);
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (session->project_n == now->project_n)
            subscriptions_retain(&session->subscriptions, &now->specs);
    notices_watch_others(gateway, now);
    catalogs_retain(gateway->catalogs, now->project_n, &now->specs);
    upstreams_retain(gateway->upstreams, now->project_n, &now->specs);
}

static void on_confirmed(void *context, struct credential *credential)
{
    standing_look((struct gateway *)context, credential);
}

static void on_tasks_lost(void *context, struct credential *credential)
{
    tasks_end((struct gateway *)context, credential);
}

static const struct principals_events principals_events = {on_revoked, on_access_changed,
                                                           on_confirmed, on_tasks_lost};

static void on_changed(void *context, struct upstream *upstream, enum mcp_method what)
{
    notices_changed((struct gateway *)context, upstream, what);
}

static void on_back(void *context, struct upstream *upstream, enum mcp_method what)
{
    notices_back((struct gateway *)context, upstream, what);
}

static void on_notice(void *context, const struct heard *heard, const struct rpc *message)
{
    notices_pass((struct gateway *)context, heard, message);
}

static void on_question(void *context, struct upstream *upstream, int64_t number,
                        const struct question *question, const struct rpc *message)
{
    struct gateway *gateway = (struct gateway *)context;
    struct session *session =
        (struct session *)table_find(&gateway->sessions_by_number, (uint64_t)number);
    (void)upstream;
    if (session)
        questions_ask_session(session, question, message);
    else
        upstreams_refuse(gateway->upstreams, question,
                         VIEW("{\"code\":-32603,\"message\":\"The client has gone\"}"));
}

static int on_level(void *context, struct upstream *upstream, int64_t session)
{
    return notices_level((struct gateway *)context, upstream, session);
}

static const struct upstreams_events upstreams_events = {on_changed, on_notice, on_question,
                                                         on_level};

static void on_log(void *context, const struct upstream *upstream, const char *what,
                   const char *detail)
{
    struct gateway *gateway = (struct gateway *)context;
    journal_event(gateway->journal, "upstream", "server", upstream_spec(upstream)->server_name,
                  "what", what, detail ? "detail" : NULL, detail, NULL);
}

// --- uses: last_used_at, use_count --------------------------------------------------------------

struct uses {
    struct gateway *gateway; // NULL: gone meanwhile
    struct store_config config;
    struct key_use *list;
    size_t count;
    bool failed;
    struct err err;
};

// In several changes when there are many: others wait for the store no longer than for one.
static void write_uses(void *context)
{
    struct uses *uses = (struct uses *)context;
    struct store *store = NULL;
    uses->failed = !store_open(&uses->config, &store, &uses->err);
    for (size_t at = 0; !uses->failed && at < uses->count; at += USES_AT_ONCE) {
        size_t left = uses->count - at;
        uses->failed = !grant_record_uses(store, uses->list + at,
                                          left < USES_AT_ONCE ? left : USES_AT_ONCE, &uses->err);
    }
    store_free(&store);
}

static void uses_written(void *context)
{
    struct uses *uses = (struct uses *)context;
    struct gateway *gateway = uses->gateway;
    if (gateway)
        gateway->recording_uses = NULL;
    if (gateway && uses->failed)
        journal_event(gateway->journal, "uses_lost", "reason", uses->err.message, NULL);
    free(uses->list);
    free(uses);
}

static struct uses *gather_uses(struct gateway *gateway)
{
    struct uses *uses = (struct uses *)calloc(1, sizeof *uses);
    const size_t room = principals_count(gateway->principals) + 1;
    if (uses)
        uses->list = (struct key_use *)calloc(room, sizeof *uses->list);
    if (!uses || !uses->list) {
        free(uses);
        return NULL;
    }
    uses->gateway = gateway;
    uses->config = gateway->store_config;
    uses->config.must_exist = true;
    uses->count = principals_take_uses(gateway->principals, uses->list, room);
    return uses;
}

static void record_uses(struct gateway *gateway, int64_t now)
{
    if (gateway->recording_uses || now < gateway->next_usage)
        return;
    gateway->next_usage = now + gateway->settings->usage_period;
    struct uses *uses = gather_uses(gateway);
    if (!uses)
        return;
    gateway->recording_uses = uses;
    if (uses->count == 0 || !loop_job(gateway->loop, write_uses, uses_written, uses))
        uses_written(uses);
}

// --- the passing of time ------------------------------------------------------------------------

// When all is quiet after calls.
static void give_memory_back(struct gateway *gateway, int64_t now)
{
    bool quiet = gateway->counters.calls_now == 0 && now - gateway->trimmed_at > TRIM_EVERY;
    if (!quiet || gateway->trimmed_calls == gateway->counters.calls)
        return;
    gateway->trimmed_at = now;
    gateway->trimmed_calls = gateway->counters.calls;
    memory_trim();
}

// The store is open in its place. The version is asked for first: with that the log is known.
static bool open_in_place(const struct store_config *config, struct store **ret_store)
{
    struct store *fresh AUTO(store_free) = NULL;
    struct err err;
    if (!store_open(config, &fresh, &err))
        return false;
    (void)store_version(fresh);
    if (!store_is_in_place(fresh))
        return false;
    *ret_store = TAKE(fresh);
    return true;
}

// Another file has the store's name, or that of its log: an administrator put it there, so it is
// the store now.
//
// What is opened shares the index of the log with all that this process has open of the same file:
// our own handle, those of the other workers, and that of a job. So ours is let go first (nobody is
// let in meanwhile), and whoever comes when all have done so opens what is there now.
static void follow_store(struct gateway *gateway)
{
    struct store_config config = gateway->store_config;
    struct store *fresh = NULL, *old = gateway->store;
    config.must_exist = true;
    if (store_is_in_place(old) || file_is_missing(old->path))
        return;
    store_let_go(old);
    if (!open_in_place(&config, &fresh))
        return;
    gateway->store = fresh;
    principals_use(gateway->principals, fresh);
    store_free(&old);
    journal_event(gateway->journal, "store_replaced", NULL);
}

// What one turn leaves is swept in the next ones, as fast as the loop turns, so that calls have
// their part of it in between.
static void sweep(void *context)
{
    struct gateway *gateway = (struct gateway *)context;
    struct err err;
    if (!principals_sweep(gateway->principals))
        timer_free(&gateway->sweeping);
    else if (!gateway->sweeping) // if there is no memory, it goes on with the next tick
        (void)!timer_new(gateway->loop, 1, sweep, gateway, &gateway->sweeping, &err);
}

void gateway_tick(struct gateway *gateway, int64_t now)
{
    principals_tick(gateway->principals);
    sweep(gateway);
    http_client_tick(gateway->http, now);
    upstreams_tick(gateway->upstreams, now);
    if (now < gateway->next_slow_tick)
        return;
    gateway->next_slow_tick = now + SLOW_TICK;
    follow_store(gateway);
    give_memory_back(gateway, now);
    questions_tick(gateway, now);
    sessions_tick(gateway, now);
    subscriptions_tick(gateway, now);
    record_uses(gateway, now);
    gateway->counters.keys_now = principals_count(gateway->principals);
    gateway->counters.projects_now = principals_project_count(gateway->principals);
}

void gateway_turn_end(struct gateway *gateway)
{
    notices_flush(gateway);
    journal_flush(gateway->journal);
}

bool gateway_ready(const struct gateway *gateway, const char **ret_reason)
{
    if (gateway->draining) {
        *ret_reason = "the gateway is being shut down";
        return false;
    }
    return principals_consultable(gateway->principals, ret_reason);
}

void gateway_drain(struct gateway *gateway)
{
    gateway->draining = true;
    for (struct session *session = gateway->first_session; session; session = session->next)
        if (session->stream)
            exchange_end(session->stream);
    listens_end_all(gateway);
    parked_end_all(gateway);
}

bool gateway_idle(const struct gateway *gateway)
{
    return gateway->counters.calls_now == 0;
}

void gateway_end(struct gateway *gateway)
{
    upstreams_end(gateway->upstreams);
}

void gateway_hurry(struct gateway *gateway)
{
    upstreams_hurry(gateway->upstreams);
}

bool gateway_ended(const struct gateway *gateway)
{
    return upstreams_ended(gateway->upstreams);
}

const struct gateway_counters *gateway_counters(const struct gateway *gateway)
{
    return &gateway->counters;
}

// --- beginning and end --------------------------------------------------------------------------

static bool make_parts(struct gateway *gateway, struct err *err)
{
    const struct upstreams_order order = {.loop = gateway->loop,
                                          .settings = gateway->settings,
                                          .events = &upstreams_events,
                                          .context = gateway,
                                          .log = on_log};
    struct upstreams_order complete = order;
    const char *authorities = gateway->settings->tls_authorities;
    if (authorities && !tls_new_client(authorities, &gateway->authorities, err))
        return false;
    gateway->principals = principals_new(gateway->store, gateway->settings, gateway->unread,
                                         &gateway->asked, &principals_events, gateway);
    gateway->http = http_client_new(gateway->loop, gateway->settings, gateway->authorities);
    complete.http = gateway->http;
    complete.unread = gateway->unread;
    complete.asked = &gateway->asked;
    gateway->upstreams = gateway->http ? upstreams_new(&complete) : NULL;
    if (gateway->upstreams)
        gateway->catalogs = catalogs_new(gateway->upstreams, gateway->settings, on_back, gateway);
    if (gateway->principals && gateway->catalogs)
        return true;
    return err_memory(err);
}

struct gateway *gateway_new(const struct gateway_order *order, struct err *err)
{
    struct gateway *gateway = (struct gateway *)calloc(1, sizeof *gateway);
    if (!gateway) {
        (void)err_memory(err);
        return NULL;
    }
    gateway->loop = order->loop;
    gateway->unread = order->unread;
    gateway->settings = order->settings;
    gateway->asked = settings_ration_asked(order->settings);
    gateway->store_config = *order->store;
    gateway->journal = order->journal;
    gateway->next_usage = loop_clock() + order->settings->usage_period;
    vault_new_token(gateway->state_secret, sizeof gateway->state_secret);
    vault_new_tag_key(gateway->tag_key);
    if (!store_open(order->store, &gateway->store, err) || !make_parts(gateway, err))
        gateway_free(&gateway);
    return gateway;
}

// The last uses are written here and now.
static void record_last_uses(struct gateway *gateway)
{
    struct uses *uses = gateway->principals ? gather_uses(gateway) : NULL;
    if (uses && uses->count > 0)
        write_uses(uses);
    if (uses)
        uses_written(uses);
}

void gateway_free(struct gateway **gateway)
{
    struct gateway *gone = TAKE(*gateway);
    if (!gone)
        return;
    timer_free(&gone->sweeping);
    while (gone->first_session)
        session_end(gone->first_session);
    parked_end_all(gone);
    if (gone->recording_uses)
        gone->recording_uses->gateway = NULL; // its job ends after us
    catalogs_free(&gone->catalogs);
    upstreams_free(&gone->upstreams);
    http_client_free(&gone->http);
    tls_free(&gone->authorities);
    record_last_uses(gone); // when nothing else waits for it
    principals_free(&gone->principals);
    store_free(&gone->store);
    table_done(&gone->sessions);
    table_done(&gone->sessions_by_number);
    table_done(&gone->parked);
    ration_done(&gone->asked);
    free(gone);
}
