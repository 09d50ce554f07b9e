// fake_gateway.c: front.h without keys, sessions and servers behind it, for the tests of the doors,
// which include it. What a message has done to it is the word it begins with:
//
//   say      {"body":…,"server":…,…} at once     accept   202
//   quiet    nothing, ever                       big      a large answer
//   late     an answer after two ticks           stream   three events
//   lines    events with line ends               wait     an event, and the client is to poll
//   flood    events, as many as are taken        cut      the connection is cut at the next tick
//   gone     how many clients have gone          push     an event on every stream
//   end      ends every stream
//
// Keys: `good0` … `good9` (the digit decides whose loop the project belongs to), `down` (the store
// cannot be asked); all others are refused, and all are once `revoke` was sent.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

enum { FLOOD_EVENT = 64 * 1024, FLOOD_EVENTS = 256, BIG = 8 * 1024 * 1024, KEYS = 10 };

struct exchange {
    struct exchange *next;
    struct gateway *gateway;
    const struct front_ops *ops;
    void *door;
    int ticks, left;
    bool stream, cut, late, flood;
};

struct fake {
    struct gateway gateway;
    struct exchange *first;
    unsigned worker;
};

struct fake_principal {
    unsigned owner;
};

static atomic_uint fake_gone, fake_principals;
static atomic_bool fake_revoked;
static char fake_bytes[BIG];

static struct fake *fake_of(struct gateway *gateway)
{
    return (struct fake *)gateway;
}

struct gateway *gateway_new(const struct gateway_order *order, struct err *err)
{
    struct fake *fake = (struct fake *)calloc(1, sizeof *fake);
    (void)err;
    fake->gateway.loop = order->loop;
    fake->gateway.settings = order->settings;
    fake->gateway.journal = order->journal;
    fake->gateway.asked = settings_ration_asked(order->settings);
    fake->worker = order->worker;
    return &fake->gateway;
}

void gateway_free(struct gateway **gateway)
{
    if (*gateway && fake_of(*gateway)->first)
        abort(); // the door has forgotten one
    if (*gateway)
        ration_done(&(*gateway)->asked);
    free(*gateway);
    *gateway = NULL;
}

static void fake_remove(struct exchange *exchange)
{
    struct exchange **link = &fake_of(exchange->gateway)->first;
    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    free(exchange);
}

static struct exchange *fake_add(struct gateway *gateway, const struct front_ops *ops, void *door)
{
    struct exchange *exchange = (struct exchange *)calloc(1, sizeof *exchange);
    *exchange = (struct exchange){.gateway = gateway, .ops = ops, .door = door};
    exchange->next = fake_of(gateway)->first;
    fake_of(gateway)->first = exchange;
    return exchange;
}

void gateway_drain(struct gateway *gateway)
{
    gateway->draining = true;
    for (struct exchange *exchange = fake_of(gateway)->first, *next; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->stream) {
            exchange->ops->end(exchange->door, (struct view){NULL, 0}, NULL, 0);
            fake_remove(exchange);
        }
    }
}

void gateway_end(struct gateway *gateway)
{
    (void)gateway;
}

void gateway_hurry(struct gateway *gateway)
{
    (void)gateway;
}

bool gateway_ended(const struct gateway *gateway)
{
    (void)gateway;
    return true;
}

bool gateway_idle(const struct gateway *gateway)
{
    return !((const struct fake *)gateway)->first;
}

bool gateway_ready(const struct gateway *gateway, const char **ret_reason)
{
    (void)gateway;
    *ret_reason = "the fake store is away";
    return !atomic_load(&fake_revoked);
}

void gateway_turn_end(struct gateway *gateway)
{
    (void)gateway;
}

const struct gateway_counters *gateway_counters(const struct gateway *gateway)
{
    return &gateway->counters;
}

// False when the client has had all.
static bool fake_flood(struct exchange *exchange)
{
    const struct view piece = {fake_bytes, FLOOD_EVENT};
    const size_t queue = exchange->gateway->settings->queue;
    while (exchange->left > 0 && exchange->ops->queued(exchange->door) <= queue) {
        exchange->left--;
        exchange->ops->event(exchange->door, (struct view){NULL, 0}, &piece, 1);
    }
    if (exchange->left > 0)
        return true;
    exchange->ops->end(exchange->door, (struct view){NULL, 0}, NULL, 0);
    fake_remove(exchange);
    return false;
}

static void fake_tick(struct exchange *exchange)
{
    const struct view answer = VIEW("{\"late\":true}");
    if (exchange->cut || (exchange->stream && atomic_load(&fake_revoked)))
        exchange->ops->cut(exchange->door, exchange->cut ? "the test says so" : NULL);
    else if (exchange->late && ++exchange->ticks == 2)
        exchange->ops->answer(exchange->door, 200, (struct view){NULL, 0}, &answer, 1);
    else
        return;
    fake_remove(exchange);
}

void gateway_tick(struct gateway *gateway, int64_t now)
{
    (void)now;
    for (struct exchange *exchange = fake_of(gateway)->first, *next; exchange; exchange = next) {
        next = exchange->next;
        fake_tick(exchange);
    }
    for (uint64_t key = 0; key < KEYS && atomic_load(&fake_revoked); key++)
        ration_take_back(&gateway->asked, key);
}

// --- front.h ---------------------------------------------------------------------------------
enum front_answer front_authenticate(struct gateway *gateway, struct view api_key,
                                     struct principal **ret_principal)
{
    (void)gateway;
    if (view_is(api_key, "down"))
        return FRONT_UNAVAILABLE;
    if (api_key.size != 5 || memcmp(api_key.data, "good", 4) != 0 || atomic_load(&fake_revoked))
        return FRONT_DENIED;
    struct fake_principal *principal = (struct fake_principal *)malloc(sizeof *principal);
    principal->owner = (unsigned)(api_key.data[4] - '0');
    *ret_principal = (struct principal *)(void *)principal;
    (void)atomic_fetch_add(&fake_principals, 1);
    return FRONT_GRANTED;
}

void front_principal_unref(struct principal **principal)
{
    if (*principal)
        (void)atomic_fetch_sub(&fake_principals, 1);
    free(*principal);
    *principal = NULL;
}

bool front_agrees(struct gateway *gateway, const struct principal *principal,
                  struct view project_id, struct view user_id)
{
    (void)gateway;
    (void)principal;
    return (!project_id.data || view_is(project_id, "p")) &&
           (!user_id.data || view_is(user_id, "u"));
}

struct ration *front_asked(struct gateway *gateway)
{
    return &gateway->asked;
}

void front_unread(struct gateway *gateway, const struct principal *principal)
{
    (void)principal;
    journal_event(gateway->journal, "answer_unread", NULL);
}

uint64_t front_key(const struct principal *principal)
{
    return ((const struct fake_principal *)(const void *)principal)->owner;
}

unsigned front_owner(const struct principal *principal, unsigned workers)
{
    return ((const struct fake_principal *)(const void *)principal)->owner % workers;
}

static void fake_say(struct gateway *gateway, const struct front_request *request,
                     const struct front_ops *ops, void *door)
{
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "{\"bytes\":%zu,\"worker\":%u,\"server\":\"%.*s\",\"session\":\"%.*s\","
                        "\"name\":\"%.*s\",\"parameters\":%zu}",
                        request->body.size, fake_of(gateway)->worker, VIEW_ARG(request->server),
                        VIEW_ARG(request->session_id), VIEW_ARG(request->name),
                        request->parameter_field_count);
    const struct view pieces[] = {{text, 1}, {text + 1, (size_t)size - 1}};
    ops->answer(door, 200, VIEW("the-session"), pieces, 2);
}

static void fake_events(const struct front_ops *ops, void *door, bool lines)
{
    const struct view none = {NULL, 0};
    const struct view pieces[] = {VIEW("{\"n\":"), VIEW("1}")};
    const struct view broken[] = {VIEW("{\n\"n\":\r\n"), VIEW("1}")};
    const struct view empty = VIEW("");
    ops->event(door, VIEW("a-0"), &empty, 1);
    ops->event(door, VIEW("a-1"), lines ? broken : pieces, 2);
    ops->end(door, none, pieces, 2);
}

static void fake_wait(const struct front_ops *ops, void *door)
{
    const struct view empty = VIEW("");
    ops->event(door, VIEW("a-0"), &empty, 1);
    ops->pause(door, 100);
}

static void fake_to_streams(struct gateway *gateway, bool end)
{
    const struct view piece = VIEW("{\"pushed\":true}");
    for (struct exchange *exchange = fake_of(gateway)->first, *next; exchange; exchange = next) {
        next = exchange->next;
        if (exchange->stream && !end)
            exchange->ops->event(exchange->door, VIEW("s-1"), &piece, 1);
        if (exchange->stream && end) {
            exchange->ops->end(exchange->door, (struct view){NULL, 0}, NULL, 0);
            fake_remove(exchange);
        }
    }
}

static bool fake_answers(struct gateway *gateway, const struct front_request *request,
                         const struct front_ops *ops, void *door)
{
    const struct view none = {NULL, 0}, body = request->body;
    char text[64];
    if (view_starts(body, VIEW("say"))) {
        fake_say(gateway, request, ops, door);
    } else if (view_starts(body, VIEW("stream")) || view_starts(body, VIEW("lines"))) {
        fake_events(ops, door, body.data[0] == 'l');
    } else if (view_starts(body, VIEW("wait"))) {
        fake_wait(ops, door);
    } else if (view_starts(body, VIEW("big"))) {
        ops->answer(door, 200, none, &(struct view){fake_bytes, BIG}, 1);
    } else if (view_starts(body, VIEW("gone"))) {
        (void)snprintf(text, sizeof text, "%u %u", atomic_load(&fake_gone),
                       atomic_load(&fake_principals));
        ops->answer(door, 200, none, &(struct view){text, strlen(text)}, 1);
    } else if (view_starts(body, VIEW("push")) || view_starts(body, VIEW("end"))) {
        fake_to_streams(gateway, body.data[0] == 'e');
        ops->answer(door, 202, none, NULL, 0);
    } else if (view_starts(body, VIEW("revoke"))) {
        atomic_store(&fake_revoked, true);
        ops->answer(door, 202, none, NULL, 0);
    } else if (view_starts(body, VIEW("accept"))) {
        ops->answer(door, 202, none, NULL, 0);
    } else {
        return false;
    }
    return true;
}

struct exchange *front_post(struct gateway *gateway, const struct front_request *request,
                            const struct front_ops *ops, void *door)
{
    const struct view body = request->body;
    gateway->counters.calls++;
    if (fake_answers(gateway, request, ops, door))
        return NULL;
    struct exchange *exchange = fake_add(gateway, ops, door);
    exchange->late = view_starts(body, VIEW("late"));
    exchange->cut = view_starts(body, VIEW("cut"));
    exchange->flood = view_starts(body, VIEW("flood"));
    exchange->left = FLOOD_EVENTS;
    return !exchange->flood || fake_flood(exchange) ? exchange : NULL;
}

struct exchange *front_get(struct gateway *gateway, const struct front_request *request,
                           const struct front_ops *ops, void *door)
{
    const struct view empty = VIEW("");
    (void)request;
    struct exchange *exchange = fake_add(gateway, ops, door);
    exchange->stream = true;
    ops->event(door, (struct view){NULL, 0}, NULL, 0);
    ops->event(door, VIEW("s-0"), &empty, 1);
    return exchange;
}

void front_delete(struct gateway *gateway, const struct front_request *request,
                  const struct front_ops *ops, void *door)
{
    (void)gateway;
    (void)request;
    ops->answer(door, 200, (struct view){NULL, 0}, NULL, 0);
}

void exchange_gone(struct exchange *exchange)
{
    (void)atomic_fetch_add(&fake_gone, 1);
    fake_remove(exchange);
}

void exchange_drained(struct exchange *exchange)
{
    if (exchange->flood)
        (void)fake_flood(exchange);
}
