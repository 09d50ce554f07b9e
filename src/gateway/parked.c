// parked.c: see parked.h.
#include "gateway/parked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "base/list.h"
#include "gateway/standing.h"
#include "vault/stream.h"
#include "vault/vault.h"

// A handle is TOKEN random characters, and a sign over them by which it is known as ours.
enum { TOKEN = 43, HANDLE = TOKEN + 2 * VAULT_DIGEST, MOST_QUESTIONS = 8, KEY_ROOM = 32 };

struct wish {
    struct question question;
    char *text; // raw {"method":…,"params":…}
    bool told;  // it is in the client's hands
};

struct parked {
    char handle[HANDLE + 1];
    struct call *call;
    struct node of_key; // of the credential
    struct wish wishes[MOST_QUESTIONS];
    size_t count;
    int64_t until; // loop time
    bool answered; // while it was parked
    struct rationed answer;
};

static uint64_t number_of(const char *handle)
{
    uint64_t number;
    memcpy(&number, handle, sizeof number);
    return number;
}

// Puts the sign behind the handle's token. (BLAKE2 with the secret in front is a MAC.)
static void sign(const struct gateway *gateway, char handle[HANDLE + 1])
{
    struct digest digest;
    uint8_t sum[VAULT_DIGEST];
    digest_begin(&digest);
    digest_add(&digest, view_of(gateway->state_secret));
    digest_add(&digest, (struct view){handle, TOKEN});
    digest_end(&digest, sum);
    for (size_t i = 0; i < VAULT_DIGEST; i++)
        (void)snprintf(handle + TOKEN + 2 * i, 3, "%02x", sum[i]);
}

// Whether it is, or was, one of ours: for no server's eyes.
static bool is_ours(const struct gateway *gateway, struct view handle)
{
    char again[HANDLE + 1];
    if (handle.size != HANDLE)
        return false;
    memcpy(again, handle.data, TOKEN);
    sign(gateway, again);
    return vault_equal((const uint8_t *)again, (const uint8_t *)handle.data, HANDLE);
}

static void refuse(struct gateway *gateway, const struct question *question)
{
    upstreams_refuse(gateway->upstreams, question,
                     VIEW("{\"code\":-32603,\"message\":\"The client did not answer\"}"));
}

static struct parked *parked_of(const struct call *call)
{
    return call->parked ? (struct parked *)table_find(&call->gateway->parked, call->parked) : NULL;
}

void parked_forget_call(struct call *call)
{
    struct parked *parked = parked_of(call);
    if (!parked)
        return;
    table_remove(&call->gateway->parked, call->parked);
    call->principal->credential->parked--;
    node_remove(&parked->of_key);
    call->parked = 0;
    for (size_t i = 0; i < parked->count; i++) {
        refuse(call->gateway, &parked->wishes[i].question);
        free(parked->wishes[i].text);
    }
    rationed_done(&parked->answer);
    free(parked);
}

static bool add_wish(struct parked *parked, const struct question *question,
                     const struct rpc *message)
{
    struct buf text AUTO(buf_done);
    buf_init(&text, message->text.size + 64);
    if (parked->count == MOST_QUESTIONS)
        return false;
    buf_add(&text, VIEW("{\"method\":\""));
    buf_add(&text, message->method);
    buf_add(&text, VIEW("\",\"params\":"));
    buf_add(&text, message->params.data ? message->params : VIEW("{}"));
    buf_add(&text, VIEW("}"));
    char *copy = text.failed ? NULL : strndup(text.data, text.size);
    if (!copy)
        return false;
    parked->wishes[parked->count++] = (struct wish){*question, copy, false};
    return true;
}

// Answers the client's request with what the server wants to know; the call goes on without it.
static void tell(struct call *call, struct parked *parked)
{
    struct exchange *exchange = call->exchange;
    struct buf text AUTO(buf_done);
    buf_init(&text, LIMIT_INPUT_FILE);
    buf_add(&text, VIEW("{\"jsonrpc\":\"2.0\",\"id\":"));
    buf_add(&text, call->id);
    buf_add(&text, VIEW(",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{"));
    for (size_t i = 0; i < parked->count; i++) {
        buf_add_format(&text, "%s\"q%zu\":", i ? "," : "", i + 1);
        buf_add(&text, view_of(parked->wishes[i].text));
        parked->wishes[i].told = true;
    }
    buf_add_format(&text, "},\"requestState\":\"%s\"}}", parked->handle);
    struct view whole = buf_view(&text);
    parked->until = loop_clock() + call->gateway->settings->question_timeout;
    node_remove(&parked->of_key);
    list_append(&call->principal->credential->parked_calls, &parked->of_key);
    call_detach(call);
    if (text.failed)
        exchange_cut(exchange, "the gateway is out of memory");
    else
        exchange_answer(exchange, 200, &whole, 1);
}

// A client that never comes back keeps no more of its key's calls than may be under way.
static void end_oldest(const struct credential *credential)
{
    const struct node *list = &credential->parked_calls;
    for (struct node *node = list->next; node != list; node = node->next) {
        const struct parked *parked = OUTER(node, struct parked, of_key);
        if (parked->call->exchange)
            continue; // it is being answered
        call_cancel(parked->call, (struct view){NULL, 0});
        return;
    }
}

void parked_ask(struct call *call, const struct question *question, const struct rpc *message)
{
    struct gateway *gateway = call->gateway;
    struct parked *parked = parked_of(call);
    if (parked) { // told with the next round
        if (!add_wish(parked, question, message))
            refuse(gateway, question);
        return;
    }
    parked = (struct parked *)calloc(1, sizeof *parked);
    if (parked) {
        vault_new_token(parked->handle, TOKEN + 1);
        sign(gateway, parked->handle);
    }
    if (!parked || !add_wish(parked, question, message) ||
        !table_add(&gateway->parked, number_of(parked->handle), parked)) {
        refuse(gateway, question);
        if (parked && parked->count > 0)
            free(parked->wishes[0].text);
        free(parked);
        return;
    }
    call->parked = number_of(parked->handle);
    parked->call = call;
    if (++call->principal->credential->parked > gateway->settings->calls_per_key)
        end_oldest(call->principal->credential);
    tell(call, parked);
}

void parked_answered(struct call *call, const struct rpc *response)
{
    struct parked *parked = parked_of(call);
    const struct view text = response ? response->text : (struct view){NULL, 0};
    parked->answered = true;
    rationed_init(&parked->answer, text.size,
                  (struct holding){.ration = call->gateway->unread,
                                   .owner = (uint64_t)call->principal->credential->number,
                                   .give_up = rationed_lose});
    rationed_add(&parked->answer, text);
}

// The handle's call, when it is this key's, the request is the same, and the key still has the
// server and may use its tool.
static struct parked *find(const struct call *retry, struct view handle)
{
    struct parked *parked =
        (struct parked *)table_find(&retry->gateway->parked, number_of(handle.data));
    if (!parked ||
        !vault_equal((const uint8_t *)parked->handle, (const uint8_t *)handle.data, HANDLE) ||
        parked->call->principal->credential != retry->principal->credential ||
        parked->call->method != retry->method || parked->call->asks != retry->asks ||
        !server_specs_find(&retry->principal->access->specs, parked->call->spec) ||
        !standing_follows(parked->call, &retry->principal->access->specs))
        return NULL;
    return parked;
}

static bool has_all(const struct parked *parked, struct view responses)
{
    for (size_t i = 0; i < parked->count; i++) {
        char key[KEY_ROOM];
        (void)snprintf(key, sizeof key, "q%zu", i + 1);
        if (parked->wishes[i].told && !json_walk_member(responses, key).data)
            return false;
    }
    return true;
}

// Passes the client's answers on; what was not told stays.
static void pass_answers(struct parked *parked, struct view responses)
{
    size_t left = 0;
    for (size_t i = 0; i < parked->count; i++) {
        char key[KEY_ROOM];
        struct wish wish = parked->wishes[i];
        (void)snprintf(key, sizeof key, "q%zu", i + 1);
        if (!wish.told) {
            parked->wishes[left++] = wish;
            continue;
        }
        upstreams_answer(parked->call->gateway->upstreams, &wish.question,
                         json_walk_member(responses, key), (struct view){NULL, 0});
        free(wish.text);
    }
    parked->count = left;
}

static void deliver(struct call *call, struct parked *parked)
{
    struct rpc response;
    struct rpc_fault fault;
    holding_end(&parked->answer.room); // it is on its way
    struct buf answer AUTO(buf_done) = parked->answer.buf;
    parked->answer.buf = (struct buf){0};
    parked_forget_call(call);
    unsigned deepest = call->gateway->settings->message_depth;
    if (answer.size > 0 && rpc_read(buf_view(&answer), deepest, &response, &fault))
        call_take_answer(call, MCP_LEGACY, &response);
    else
        call_error(call, RPC_INTERNAL_ERROR, "The server did not answer");
}

bool parked_resume(struct call *retry, const struct incoming *incoming)
{
    char room[HANDLE + 1];
    struct view handle = json_raw_text(incoming->params.request_state, room, sizeof room);
    if (!is_ours(retry->gateway, handle))
        return false; // an upstream's own state: it passes through
    struct parked *parked = find(retry, handle);
    if (!parked) {
        call_error(retry, RPC_INVALID_PARAMS, "The requestState is not valid any more");
        return true;
    }
    struct view responses = incoming->params.input_responses;
    if (!has_all(parked, responses)) {
        call_error(retry, RPC_INVALID_PARAMS, "inputResponses lacks an answer that was asked for");
        return true;
    }
    struct call *call = parked->call;
    call_take_place(call, retry);
    pass_answers(parked, responses);
    // The answers may have brought the server's at once.
    if (parked->answered)
        deliver(call, parked);
    else if (parked->count > 0)
        tell(call, parked);
    else
        parked_forget_call(call);
    return true;
}

// --- ends ---------------------------------------------------------------------------------------

// Those that this lets through no more; NULL: all. Each is looked at once, though each end may end
// others.
static void end_of_key(struct credential *credential, const struct server_specs *specs)
{
    struct node left;
    list_init(&left);
    list_move(&credential->parked_calls, &left);
    while (!list_empty(&left)) {
        struct parked *parked = OUTER(left.next, struct parked, of_key);
        node_remove(&parked->of_key);
        list_append(&credential->parked_calls, &parked->of_key);
        bool stays = parked->call->exchange || (specs && standing_follows(parked->call, specs));
        if (!stays)
            call_cancel(parked->call, (struct view){NULL, 0});
    }
}

void parked_end(struct credential *credential)
{
    end_of_key(credential, NULL);
}

void parked_look(struct credential *credential, const struct server_specs *specs)
{
    end_of_key(credential, specs);
}

// The table moves with each end, so some may be missed: until a pass ends none.
static void end(struct gateway *gateway, int64_t now)
{
    for (bool ended = true; ended;) {
        size_t at = 0;
        ended = false;
        for (struct parked *each; (each = (struct parked *)table_next(&gateway->parked, &at));) {
            if (each->call->exchange || now < each->until)
                continue;
            call_cancel(each->call, (struct view){NULL, 0});
            ended = true;
        }
    }
}

void parked_end_all(struct gateway *gateway)
{
    end(gateway, INT64_MAX);
}

void parked_tick(struct gateway *gateway, int64_t now)
{
    if (gateway->parked.count > 0)
        end(gateway, now);
}
