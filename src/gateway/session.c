// session.c: see session.h.
#include "gateway/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "gateway/exchange.h"
#include "gateway/listen.h"
#include "gateway/notices.h"
#include "gateway/questions.h"
#include "gateway/subscriptions.h"
#include "vault/vault.h"

static uint64_t number_of(struct view id)
{
    uint64_t number;
    memcpy(&number, id.data, sizeof number);
    return number;
}

static void link_session(struct gateway *gateway, struct session *session)
{
    session->next = NULL;
    session->previous = gateway->last_session;
    if (gateway->last_session)
        gateway->last_session->next = session;
    else
        gateway->first_session = session;
    gateway->last_session = session;
}

static void unlink_session(struct gateway *gateway, struct session *session)
{
    if (session->next)
        session->next->previous = session->previous;
    else
        gateway->last_session = session->previous;
    if (session->previous)
        session->previous->next = session->next;
    else
        gateway->first_session = session->next;
}

static void link_to_key(struct credential *credential, struct session *session)
{
    session->credential = credential;
    list_prepend(&credential->open, &session->of_key);
    credential->sessions++;
    credential_hold(credential);
}

static void unlink_from_key(struct session *session)
{
    struct credential *credential = session->credential;
    node_remove(&session->of_key);
    credential->sessions--;
    credential_release(credential);
}

static void free_session(struct session *session)
{
    free(session->server);
    free(session->client);
    free(session);
}

static char *copy_text(struct view text)
{
    return text.data ? strndup(text.data, text.size) : NULL;
}

// Copies what the client said of itself.
static bool keep_client(struct session *session, const struct session_order *order)
{
    size_t size = order->capabilities.size, more = order->client_info.size;
    session->client = (char *)malloc(size + more + 1);
    if (!session->client)
        return false;
    if (size > 0)
        memcpy(session->client, order->capabilities.data, size);
    if (more > 0)
        memcpy(session->client + size, order->client_info.data, more);
    session->capabilities = (struct view){size ? session->client : NULL, size};
    session->client_info = (struct view){more ? session->client + size : NULL, more};
    return true;
}

struct session *session_new(struct gateway *gateway, const struct session_order *order)
{
    struct session *session = (struct session *)calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->gateway = gateway;
    session->number = ++gateway->next_number;
    session->version = order->version;
    session->level = -1;
    session->project_n = order->principal->grant.project_n;
    session->user = order->principal->user;
    session->used_at = loop_clock();
    session->server = copy_text(order->server);
    vault_new_token(session->id, sizeof session->id);
    if ((order->server.data && !session->server) || !keep_client(session, order) ||
        !table_add(&gateway->sessions, number_of(view_of(session->id)), session)) {
        free_session(session);
        return NULL;
    }
    if (!table_add(&gateway->sessions_by_number, (uint64_t)session->number, session)) {
        table_remove(&gateway->sessions, number_of(view_of(session->id)));
        free_session(session);
        return NULL;
    }
    link_session(gateway, session);
    link_to_key(order->principal->credential, session);
    gateway->counters.sessions_opened++;
    gateway->counters.sessions_now++;
    if (order->stdio)
        gateway->stdio_session = session;
    return session;
}

void session_end(struct session *session)
{
    struct gateway *gateway = session->gateway;
    table_remove(&gateway->sessions, number_of(view_of(session->id)));
    table_remove(&gateway->sessions_by_number, (uint64_t)session->number);
    if (gateway->stdio_session == session)
        gateway->stdio_session = NULL;
    exchanges_of_session_end(session);
    notices_watch(session);
    questions_forget(session);
    upstreams_session_over(gateway->upstreams, session->number);
    while (session->channels) {
        struct channel *channel = session->channels;
        session->channels = channel->next;
        channel_free(&channel);
    }
    subscriptions_end(&session->subscriptions);
    unlink_session(gateway, session);
    unlink_from_key(session);
    notices_level_over(session);
    gateway->counters.sessions_now--;
    free_session(session);
}

void session_end_idlest(struct credential *credential)
{
    struct session *idlest = NULL;
    for (struct node *at = credential->open.next; at != &credential->open; at = at->next) {
        struct session *session = OUTER(at, struct session, of_key);
        if (session->exchanges == 0 && (!idlest || session->used_at < idlest->used_at))
            idlest = session;
    }
    if (idlest)
        session_end(idlest);
}

struct session *session_find(struct gateway *gateway, const struct principal *principal,
                             struct view id, struct view server)
{
    if (id.size != SESSION_ID)
        return NULL;
    struct session *session = (struct session *)table_find(&gateway->sessions, number_of(id));
    if (!session || session == gateway->stdio_session ||
        !vault_equal((const uint8_t *)session->id, (const uint8_t *)id.data, SESSION_ID) ||
        session->credential != principal->credential ||
        session->project_n != principal->grant.project_n ||
        !view_equal(view_of(session->server), server))
        return NULL;
    session->used_at = loop_clock();
    unlink_session(gateway, session);
    link_session(gateway, session);
    return session;
}

void session_heard(struct session *session, const struct rpc *rpc)
{
    if (session->initialized || rpc->kind == RPC_RESULT || rpc->kind == RPC_ERROR)
        return;
    enum mcp_method method = mcp_method(rpc->method);
    bool early = method == MCP_INITIALIZE || method == MCP_PING || method == MCP_SET_LEVEL;
    session->initialized = rpc->kind == RPC_REQUEST ? !early : method == MCP_INITIALIZED;
    if (!session->initialized)
        return;
    notices_watch(session);
    if (session->dirty)
        session->gateway->dirty = true;
}

static void forget_channels(struct session *session, int64_t now)
{
    for (struct channel **link = &session->channels; *link;) {
        struct channel *channel = *link;
        if (channel->exchange || channel->until > now) {
            link = &channel->next;
            continue;
        }
        *link = channel->next;
        session->channel_count--;
        channel_free(&channel);
    }
}

void sessions_tick(struct gateway *gateway, int64_t now)
{
    struct session *next;
    for (struct session *session = gateway->first_session; session; session = next) {
        next = session->next;
        if (session->channels)
            forget_channels(session, now);
        bool idle = session->exchanges == 0 && session != gateway->stdio_session;
        if (idle && (!session->known || now - session->used_at > gateway->settings->idle_session))
            session_end(session);
    }
}

struct channel *session_add_channel(struct session *session)
{
    size_t bytes = 0;
    for (const struct channel *kept = session->channels; kept; kept = kept->next)
        bytes += kept->bytes;
    if (session->channel_count >= SESSION_CHANNELS || bytes > SESSION_BYTES)
        forget_channels(session, INT64_MAX);
    if (session->channel_count >= SESSION_CHANNELS)
        return NULL;
    struct channel *channel = channel_new(++session->next_channel);
    if (!channel)
        return NULL;
    channel->next = session->channels;
    session->channels = channel;
    session->channel_count++;
    return channel;
}

struct channel *session_find_channel(struct session *session, int64_t number)
{
    struct channel *channel = session->channels;
    while (channel && channel->number != number)
        channel = channel->next;
    return channel;
}

struct asker session_asker(const struct session *session)
{
    return (struct asker){.era = MCP_LEGACY,
                          .session = session->number,
                          .user = session->user,
                          .key = session->credential->number,
                          .version = view_of(session->version),
                          .capabilities = session->capabilities,
                          .client_info = session->client_info,
                          .level = session->level};
}
