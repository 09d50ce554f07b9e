// upstream_rig.h: a loop with upstreams, and calls that write down what becomes of them.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tells.h"
#include "upstream/upstream.h"

enum { CALLS = 64 };

struct rig {
    struct loop *loop;
    struct upcall **cancels; // in the event `changed`
    struct timer *timer;
    struct settings settings;
    struct http_client *http;
    struct upstreams *all;
    struct tells events, log;
    const char *wanted; // in *place
    const struct tells *place;
    int64_t until;
    unsigned specs;
    struct ration unread, asked; // much, unless a test wants less
};

struct call {
    struct rig *rig;
    struct upcall *upcall;
    struct tells tells;
    struct question question;
    const char *sentence; // of its failure
    bool cancels;         // itself, on its first notice
    bool holds;           // itself, on each notice
};

// --- reentrancy ------------------------------------------------------------------------------
// No event comes within a public call (upstream.h). So each of them is counted while it is under
// way, and each event asserts that none is. upstream_learn, upstreams_free and upstreams_tick may
// tell at once.
static unsigned within;

#define WITHIN(call) (within++, (call), (void)within--)
#define upcall_cancel(...) WITHIN((upcall_cancel)(__VA_ARGS__))
#define upcall_hold(...) WITHIN((upcall_hold)(__VA_ARGS__))
#define upstream_wait_cancel(...) WITHIN((upstream_wait_cancel)(__VA_ARGS__))
#define upstream_watch(...) WITHIN((upstream_watch)(__VA_ARGS__))
#define upstreams_answer(...) WITHIN((upstreams_answer)(__VA_ARGS__))
#define upstreams_key_over(...) WITHIN((upstreams_key_over)(__VA_ARGS__))
#define upstreams_retain(...) WITHIN((upstreams_retain)(__VA_ARGS__))
#define upstreams_session_notify(...) WITHIN((upstreams_session_notify)(__VA_ARGS__))
#define upstreams_session_over(...) WITHIN((upstreams_session_over)(__VA_ARGS__))
#define upstreams_session_streams(...) WITHIN((upstreams_session_streams)(__VA_ARGS__))

static inline void assert_outside(void)
{
    assert_int_equal(within, 0);
}

// --- events of calls -------------------------------------------------------------------------
static inline void call_notice(void *context, const struct rpc *message)
{
    struct call *call = context;
    struct mcp_params params;
    assert_outside();
    mcp_params_read(message->params, &params);
    tell(&call->tells, "notice:", message->method);
    if (call->cancels)
        upcall_cancel(&call->upcall, VIEW("\"enough\""));
    else if (call->holds)
        upcall_hold(call->upcall, true);
}

static inline void call_question(void *context, const struct question *question,
                                 const struct rpc *message)
{
    struct call *call = context;
    assert_outside();
    call->question = *question;
    tell(&call->tells, "question:", message->method);
}

static inline void call_answered(void *context, enum mcp_era era, const struct rpc *response)
{
    struct call *call = context;
    assert_outside();
    call->upcall = NULL;
    tell(&call->tells, era == MCP_MODERN ? "modern:" : "legacy:",
         response->kind == RPC_RESULT ? response->result : response->error);
}

static const char *const failures[] = {[UPCALL_UNREACHABLE] = "unreachable",
                                       [UPCALL_FORBIDDEN] = "forbidden",
                                       [UPCALL_UNAUTHORIZED] = "unauthorized",
                                       [UPCALL_TIMEOUT] = "timeout",
                                       [UPCALL_DIED] = "died",
                                       [UPCALL_GARBLED] = "garbled",
                                       [UPCALL_LARGE] = "large",
                                       [UPCALL_MEMORY] = "memory"};

static inline void call_failed(void *context, enum upcall_failure why, const char *sentence)
{
    struct call *call = context;
    assert_outside();
    call->upcall = NULL;
    assert_non_null(sentence);
    call->sentence = sentence;
    tell(&call->tells, "failed:", view_of(failures[why]));
}

static const struct upcall_events call_events = {.notice = call_notice,
                                                 .question = call_question,
                                                 .answered = call_answered,
                                                 .failed = call_failed};

// --- events of upstreams ---------------------------------------------------------------------
static inline void rig_changed(void *context, struct upstream *upstream, enum mcp_method what)
{
    struct rig *rig = context;
    (void)upstream;
    assert_outside();
    tell(&rig->events, "changed:", view_of(mcp_method_name(what)));
    if (rig->cancels)
        upcall_cancel(rig->cancels, (struct view){0});
}

static inline void rig_notice(void *context, const struct heard *heard, const struct rpc *message)
{
    struct rig *rig = context;
    assert_outside();
    tell(&rig->events, heard->session ? "notice:" : "shared:", message->method);
}

static inline void rig_question(void *context, struct upstream *upstream, int64_t session,
                                const struct question *question, const struct rpc *message)
{
    struct rig *rig = context;
    (void)upstream;
    assert_outside();
    assert_int_not_equal(session, 0);
    tell(&rig->events, "question:", message->method);
    upstreams_answer(rig->all, question, VIEW("{\"of\":\"session\"}"), (struct view){0});
}

static inline int rig_level(void *context, struct upstream *upstream, int64_t session)
{
    (void)context;
    (void)upstream;
    (void)session;
    return -1;
}

static inline void rig_log(void *context, const struct upstream *upstream, const char *what,
                           const char *detail)
{
    struct rig *rig = context;
    (void)upstream;
    tell(&rig->log, what, VIEW(""));
    if (strcmp(what, "suppressed") == 0) // with how many
        tell(&rig->log, "suppressed:", (struct view){detail, strcspn(detail, " ")});
    if (strcmp(what, "said") == 0)
        tell(&rig->log, "", view_of(detail));
}

static const struct upstreams_events rig_events = {
    .changed = rig_changed, .notice = rig_notice, .question = rig_question, .level = rig_level};

// --- the loop --------------------------------------------------------------------------------
static inline void rig_tick(void *context)
{
    struct rig *rig = context;
    int64_t now = loop_clock();
    upstreams_tick(rig->all, now);
    if (rig->http)
        http_client_tick(rig->http, now);
    if ((rig->wanted && strstr(rig->place->text, rig->wanted)) || now > rig->until)
        loop_stop(rig->loop);
}

// Runs until `wanted` was told at `place`.
static inline void rig_await(struct rig *rig, const struct tells *place, const char *wanted)
{
    rig->place = place;
    rig->wanted = wanted;
    rig->until = loop_clock() + 10 * TIME_SECOND;
    loop_run(rig->loop);
    if (!strstr(place->text, wanted))
        fail_msg("awaited %s, got: %s\nevents: %s\nlog: %s", wanted, place->text, rig->events.text,
                 rig->log.text);
}

static inline void rig_pause(struct rig *rig, int64_t milliseconds)
{
    rig->wanted = NULL;
    rig->until = loop_clock() + milliseconds * 1000;
    loop_run(rig->loop);
}

static inline void rig_init(struct rig *rig)
{
    struct err err;
    *rig = (struct rig){0};
    within = 0; // a test that failed in an event never came back
    settings_init(&rig->settings);
    rig->settings.holder = getenv("SMG_HOLD");
    rig->settings.restart_first = 40000;
    rig->settings.restart_most = 200000;
    rig->settings.handshake_timeout = 8 * TIME_SECOND;
    rig->unread = settings_ration(&rig->settings);
    rig->asked = settings_ration_asked(&rig->settings);
    assert_true(loop_new(&rig->loop, &err));
    assert_true(timer_new(rig->loop, 5, rig_tick, rig, &rig->timer, &err));
    rig->http = http_client_new(rig->loop, &rig->settings, NULL);
    assert_non_null(rig->http);
    struct upstreams_order order = {.loop = rig->loop,
                                    .settings = &rig->settings,
                                    .http = rig->http,
                                    .unread = &rig->unread,
                                    .asked = &rig->asked,
                                    .events = &rig_events,
                                    .context = rig,
                                    .log = rig_log};
    rig->all = upstreams_new(&order);
    assert_non_null(rig->all);
}

static inline void rig_done(struct rig *rig)
{
    upstreams_free(&rig->all);
    http_client_free(&rig->http);
    timer_free(&rig->timer);
    loop_free(&rig->loop);
    assert_int_equal(rig->unread.now, 0); // all was given back
    ration_done(&rig->unread);
    assert_int_equal(rig->asked.now, 0);
    ration_done(&rig->asked);
}

// The rig as the state of a test.
static inline int rig_setup(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static inline int rig_teardown(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

// --- asking ----------------------------------------------------------------------------------
static const struct asker legacy_asker = {
    .session = 7, .user = 1, .key = 1, .level = -1, .capabilities = {"{\"roots\":{}}", 12}};
static const struct asker modern_asker = {
    .era = MCP_MODERN, .user = 2, .key = 2, .level = -1, .version = {"2026-07-28", 10}};

#define MODERN_META                                                                                \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

static inline void ask(struct rig *rig, struct call *call, struct upstream *upstream,
                       const struct asker *asker, const char *params)
{
    *call = (struct call){.rig = rig};
    struct mcp_params read;
    struct view raw = view_of(params);
    mcp_params_read(raw, &read);
    struct upcall_order order = {.asker = asker,
                                 .method = MCP_TOOLS_CALL,
                                 .method_name = VIEW("tools/call"),
                                 .params = raw,
                                 .token = read.meta_token,
                                 .name = {read.name.data ? read.name.data + 1 : NULL,
                                          read.name.data ? read.name.size - 2 : 0}};
    WITHIN(call->upcall = upcall_send(upstream, &order, &call_events, call));
    assert_non_null(call->upcall);
    assert_int_equal(call->tells.size, 0);
}

// Asks once and gets `expected`.
static inline void rig_expect(struct rig *rig, struct upstream *upstream, const struct asker *asker,
                              const char *params, const char *expected)
{
    struct call call;
    ask(rig, &call, upstream, asker, params);
    rig_await(rig, &call.tells, expected);
    assert_null(call.upcall);
}

// --- specs -----------------------------------------------------------------------------------
enum { WORDS = 64 };

struct server {
    struct server_spec spec;
    const char *arguments[WORDS];
    char command[4096], url[64];
};

static inline void server_base(struct rig *rig, struct server *server)
{
    *server = (struct server){0};
    server->spec.references = 1000000;
    server->spec.identity[0] = (uint8_t)++rig->specs;
}

// A child that does as the words say (tests/tools/fake_mcp.c); NULL at the end.
static inline struct upstream *child_server(struct rig *rig, struct server *server,
                                            const char *const *words)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    server_base(rig, server);
    snprintf(server->command, sizeof(server->command), "%s/tests/fake_mcp", getenv("BUILD_DIR"));
    for (size_t i = 0; words[i]; i++) {
        assert_true(i + 1 < WORDS);
        server->arguments[i] = words[i];
    }
    server->spec.command = server->command;
    server->spec.arguments = server->arguments;
    server->spec.environment = environment;
    struct upstream *upstream = upstream_get(rig->all, 1, &server->spec);
    assert_non_null(upstream);
    return upstream;
}

static inline struct upstream *http_server(struct rig *rig, struct server *server, unsigned port)
{
    server_base(rig, server);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/mcp", port);
    server->spec.http = true;
    server->spec.allow_private_addresses = true;
    server->spec.url_text = view_of(server->url);
    assert_null(url_read(server->spec.url_text, &server->spec.url));
    struct upstream *upstream = upstream_get(rig->all, 1, &server->spec);
    assert_non_null(upstream);
    return upstream;
}
