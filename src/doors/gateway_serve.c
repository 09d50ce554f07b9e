// gateway_serve.c: see gateway_serve.h. Each worker is a thread with a loop, a gateway, a door and
// a journal of its own; what they share is the TLS certificate, the board of counters and the
// number of connections.
#include "doors/gateway_serve.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "doors/gateway_door.h"
#include "doors/gateway_metrics.h"
#include "doors/gateway_stdio.h"
#include "gateway/gateway.h"
#include "os/loop.h"
#include "os/tls.h"

enum { TICK = 100 }; // ms

struct server;

struct worker {
    struct server *server;
    struct loop *loop;
    struct journal *journal;
    struct gateway *gateway;
    struct ration unread; // of the door and of what comes from upstreams
    struct door door;
    struct listener *listener;
    struct timer *timer;
    pthread_t thread;
    bool threaded;
    int64_t drain_until; // 0: nobody has said to end
    bool ending;         // its servers are to end
    bool at_once;        // told twice
};

struct server {
    struct settings settings; // fewer connections, where descriptors are few
    unsigned descriptors;     // see struct door
    const struct store_config *store;
    struct tls *tls;
    struct board board;
    struct metrics *metrics; // on the first worker's loop
    atomic_uint connections;
    atomic_uint others; // workers that run, besides the first
    unsigned count;
    struct worker *workers;
    struct door **doors;
    char where[LIMIT_PATH]; // `--listen` with its real port
};

// --- a worker's turns ------------------------------------------------------------------------
// Calls come first, then the servers have their time to end. The first worker is the last one,
// since it hears the signals.
static void end_if_idle(struct worker *worker, int64_t now)
{
    // Of all workers: one of theirs may be on its way to this one.
    bool idle = atomic_load(&worker->server->connections) == 0 && gateway_idle(worker->gateway);
    if (worker->drain_until == 0 || (!worker->ending && !idle && now < worker->drain_until))
        return;
    if (!worker->ending) {
        gateway_end(worker->gateway);
        worker->ending = true;
        if (!idle && !worker->at_once)
            return; // whose calls have failed just now are told before the next tick
    }
    bool first = worker == worker->server->workers;
    bool done =
        gateway_ended(worker->gateway) && (!first || atomic_load(&worker->server->others) == 0);
    if (!done && !worker->at_once)
        return;
    door_close(&worker->door);
    loop_stop(worker->loop);
}

static void tick(void *context)
{
    struct worker *worker = (struct worker *)context;
    struct server *server = worker->server;
    const int64_t now = loop_clock();
    gateway_tick(worker->gateway, now);
    door_tick(&worker->door, now);
    const struct tally tally = {*gateway_counters(worker->gateway), worker->door.counters};
    board_put(&server->board, worker->door.worker, &tally);
    if (worker == server->workers)
        metrics_tick(server->metrics, now);
    end_if_idle(worker, now);
}

static void turn_end(void *context)
{
    struct worker *worker = (struct worker *)context;
    do
        gateway_turn_end(worker->gateway);
    while (door_turn_end(&worker->door));
    journal_flush(worker->journal);
}

// --- the end ---------------------------------------------------------------------------------
static void drain(void *context)
{
    struct worker *worker = (struct worker *)context;
    const int64_t now = loop_clock();
    if (worker->drain_until != 0) {
        worker->drain_until = now;
        worker->at_once = true;
        return;
    }
    worker->drain_until = now + worker->server->settings.drain;
    listener_free(&worker->listener);
    gateway_drain(worker->gateway);
    door_drain(&worker->door);
}

static void on_end_signal(void *context)
{
    struct server *server = (struct server *)context;
    journal_event(server->workers[0].journal, "draining", NULL);
    for (unsigned i = 0; i < server->count; i++)
        if (!loop_post(server->workers[i].loop, drain, &server->workers[i]))
            _exit(1); // not even that much memory
}

// The store is looked at before every request: only the certificate is read again.
static void on_hangup(void *context)
{
    struct server *server = (struct server *)context;
    const struct settings *settings = &server->settings;
    struct journal *journal = server->workers[0].journal;
    struct err err = {0};
    if (!server->tls)
        journal_event(journal, "hangup", NULL);
    else if (tls_renew_server(server->tls, settings->tls_certificate, settings->tls_key, &err))
        journal_event(journal, "certificate_read", NULL);
    else
        journal_event(journal, "certificate_kept", "reason", err.message, NULL);
}

static void worker_done(struct worker *worker)
{
    timer_free(&worker->timer);
    listener_free(&worker->listener);
    if (worker->loop)
        door_close(&worker->door);
    gateway_free(&worker->gateway);
    loop_free(&worker->loop);
    journal_free(&worker->journal);
    door_done(&worker->door);
    ration_done(&worker->unread);
}

static void server_done(struct server *server)
{
    sigset_t signals; // a second one must not keep the uses of keys from being recorded
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    store_hurry(GATEWAY_LAST_WAIT);
    metrics_free(&server->metrics);
    for (unsigned i = 0; server->workers && i < server->count; i++)
        if (server->workers[i].threaded)
            (void)pthread_join(server->workers[i].thread, NULL);
    for (unsigned i = 0; server->workers && i < server->count; i++)
        worker_done(&server->workers[i]);
    tls_free(&server->tls);
    board_done(&server->board);
    free(server->workers);
    free(server->doors);
}

// --- the beginning ---------------------------------------------------------------------------
static bool is_unix(const struct server *server)
{
    return view_starts(view_of(server->settings.listen), VIEW("unix:"));
}

// `127.0.0.1:0` as it has become, for the other workers and for the journal.
static void note_port(struct server *server, uint16_t port)
{
    const char *where = server->settings.listen;
    const char *colon = strrchr(where, ':');
    if (is_unix(server) || !colon)
        (void)snprintf(server->where, sizeof server->where, "%s", where);
    else
        (void)snprintf(server->where, sizeof server->where, "%.*s:%u", (int)(colon - where), where,
                       (unsigned)port);
}

static bool begin_listening(struct worker *worker, struct err *err)
{
    struct server *server = worker->server;
    const bool first = worker == server->workers;
    const enum listener_share share = server->count == 1 ? LISTEN_ALONE
                                      : first            ? LISTEN_FIRST
                                                         : LISTEN_TOO;
    const struct listener_order order = {.where = first ? server->settings.listen : server->where,
                                         .tls = server->tls,
                                         .accepted = door_accept,
                                         .context = &worker->door,
                                         .share = share};
    if (!first && is_unix(server))
        return true; // what it accepts finds its way
    if (!listener_new(worker->loop, &order, &worker->listener, err))
        return false;
    if (first)
        note_port(server, listener_port(worker->listener));
    return true;
}

static bool worker_begin(struct server *server, unsigned number, struct err *err)
{
    struct worker *worker = &server->workers[number];
    worker->server = server;
    if (!loop_new(&worker->loop, err))
        return false;
    worker->journal = journal_new(STDERR_FILENO);
    if (!worker->journal)
        return err_memory(err);
    worker->unread = settings_ration(&server->settings);
    const struct gateway_order order = {.loop = worker->loop,
                                        .unread = &worker->unread,
                                        .settings = &server->settings,
                                        .store = server->store,
                                        .journal = worker->journal,
                                        .worker = number};
    worker->gateway = gateway_new(&order, err);
    if (!worker->gateway)
        return false;
    worker->door = (struct door){.loop = worker->loop,
                                 .settings = &server->settings,
                                 .gateway = worker->gateway,
                                 .journal = worker->journal,
                                 .doors = server->doors,
                                 .worker = number,
                                 .workers = server->count,
                                 .connections = &server->connections,
                                 .unread = &worker->unread};
    door_init(&worker->door);
    server->doors[number] = &worker->door;
    loop_on_turn_end(worker->loop, turn_end, worker);
    return timer_new(worker->loop, TICK, tick, worker, &worker->timer, err);
}

static bool begin_metrics(struct server *server, struct err *err)
{
    const char *where = server->settings.metrics_listen;
    return !where ||
           metrics_new(server->workers[0].loop, where, &server->board, &server->metrics, err);
}

// A connection takes a descriptor, and so do children, upstreams, the store and the log. When there
// are too few for all, fewer connections are taken: whoever finds no place is told so, while those
// who have one are served. Returns how many descriptors there may be.
static unsigned raise_descriptor_limit(struct server *server)
{
    enum { OTHERS = 1024 };
    struct rlimit limit;
    char text[32], connections[32];
    const rlim_t wanted = (rlim_t)server->settings.connections + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return (unsigned)wanted;
    const rlim_t before = limit.rlim_cur;
    if (before < wanted)
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (limit.rlim_cur != before && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = before;
    const unsigned most = limit.rlim_cur < INT_MAX ? (unsigned)limit.rlim_cur : INT_MAX;
    const unsigned others = most / 4 < OTHERS ? most / 4 : OTHERS;
    // Who is told that there is no place needs a descriptor meanwhile: half of the rest at most.
    server->descriptors = most - others / 2;
    if (most >= wanted)
        return (unsigned)wanted;
    if (server->settings.connections > most - others)
        server->settings.connections = most - others;
    (void)snprintf(text, sizeof text, "%u", most);
    (void)snprintf(connections, sizeof connections, "%u", server->settings.connections);
    journal_event(server->workers[0].journal, "few_descriptors", "limit", text, "connections",
                  connections, NULL);
    return most;
}

static bool reserve_descriptors(struct server *server, struct err *err)
{
    unsigned most = raise_descriptor_limit(server);
    for (unsigned i = 0; i < server->count; i++) {
        server->workers[i].door.descriptors = server->descriptors;
        if (!loop_reserve(server->workers[i].loop, most, err))
            return false;
    }
    return true;
}

// The threads for jobs are begun by the first one, and libuv aborts when that cannot be done:
// better now than in the midst of serving.
static void no_work(void *context)
{
    (void)context;
}

static bool server_begin(struct server *server, struct err *err)
{
    const struct settings *settings = &server->settings;
    struct loop *first;
    server->workers = (struct worker *)calloc(server->count, sizeof *server->workers);
    server->doors = (struct door **)calloc(server->count, sizeof *server->doors);
    if (!board_init(&server->board, server->count, err))
        return false;
    if (!server->workers || !server->doors)
        return err_memory(err);
    if (settings->tls_certificate &&
        !tls_new_server(settings->tls_certificate, settings->tls_key, &server->tls, err))
        return false;
    for (unsigned i = 0; i < server->count; i++)
        if (!worker_begin(server, i, err))
            return false;
    first = server->workers[0].loop;
    return reserve_descriptors(server, err) && begin_metrics(server, err) &&
           loop_signal(first, SIGTERM, on_end_signal, server, err) &&
           loop_signal(first, SIGINT, on_end_signal, server, err) &&
           loop_signal(first, SIGHUP, on_hangup, server, err) &&
           (loop_job(first, no_work, no_work, NULL) || err_memory(err));
}

static void *run_worker(void *context)
{
    struct worker *worker = (struct worker *)context;
    loop_run(worker->loop);
    (void)atomic_fetch_sub(&worker->server->others, 1);
    return NULL;
}

static void stop_worker(void *context)
{
    struct worker *worker = (struct worker *)context;
    loop_stop(worker->loop);
}

// The first worker runs on this thread. Listening comes last: whoever is accepted is served.
static bool start_workers(struct server *server, struct err *err)
{
    bool fine = true;
    for (unsigned i = 0; fine && i < server->count; i++)
        fine = begin_listening(&server->workers[i], err);
    for (unsigned i = 1; fine && i < server->count; i++) {
        struct worker *worker = &server->workers[i];
        (void)atomic_fetch_add(&server->others, 1);
        int status = pthread_create(&worker->thread, NULL, run_worker, worker);
        worker->threaded = status == 0;
        fine = worker->threaded ||
               err_set(err, ERR_IO, "system_error", "Cannot start a thread: %s", strerror(status));
    }
    for (unsigned i = 1; !fine && i < server->count; i++)
        if (server->workers[i].threaded &&
            !loop_post(server->workers[i].loop, stop_worker, &server->workers[i]))
            _exit(1);
    return fine;
}

static void tell_listening(struct server *server)
{
    struct journal *journal = server->workers[0].journal;
    char port[16] = "";
    if (server->metrics) {
        (void)snprintf(port, sizeof port, "%u", (unsigned)metrics_port(server->metrics));
        journal_event(journal, "metrics_listening", "port", port, NULL);
    }
    journal_event(journal, "listening", "address", server->where, "scheme",
                  server->tls ? "https" : "http", NULL);
    journal_flush(journal);
}

static int serve_http(const struct settings *settings, const struct store_config *config,
                      struct err *err)
{
    struct server server = {.settings = *settings,
                            .store = config,
                            .count = settings->workers > 0 ? settings->workers : 1};
    int status = -1;
    if (server_begin(&server, err) && start_workers(&server, err)) {
        tell_listening(&server);
        loop_run(server.workers[0].loop);
        journal_event(server.workers[0].journal, "ended", NULL);
        status = 0;
    }
    server_done(&server);
    return status;
}

int gateway_serve(const struct settings *settings, const struct store_config *config, bool stdio,
                  struct err *err)
{
    return stdio ? gateway_stdio(settings, config, err) : serve_http(settings, config, err);
}
