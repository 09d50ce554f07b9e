// questions.c: see questions.h. Calls that are parked for a modern client are parked.c's.
#include "gateway/questions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"
#include "gateway/notices.h"
#include "gateway/parked.h"

enum { ASKED_ID = 32, MOST_ROUNDS = 8, MOST_ASKED = 64 };

// What a client has still to answer: a legacy server's question, or one of a round of a call.
struct asked {
    struct asked *next;
    char id[ASKED_ID]; // raw, with its quotes
    int64_t until;     // loop time
    struct call *call; // NULL: of none that is under way
    bool of_round;
    struct question question; // the server's
    char *key;                // of a round: raw name in `inputRequests`
};

// What a modern server wants before it answers a legacy client's call.
struct rounds {
    unsigned number, open; // rounds so far; answers still to come
    bool failed;
    char *request_state;  // raw; NULL: none
    struct buf responses; // members of `inputResponses`
    struct buf insertion; // both, as they are put into the params
};

static const struct {
    enum mcp_method method;
    unsigned bit;
} kinds[] = {
    {MCP_SAMPLING, MCP_CAN_SAMPLE},
    {MCP_ELICIT, MCP_CAN_ELICIT},
    {MCP_ROOTS_LIST, MCP_CAN_ROOTS},
};

// Whether a client that can all this can be asked.
static bool can_be_asked(unsigned can, struct view method)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].method == mcp_method(method))
            return can & kinds[i].bit;
    return false;
}

static void refuse(struct gateway *gateway, const struct question *question)
{
    upstreams_refuse(gateway->upstreams, question,
                     VIEW("{\"code\":-32601,\"message\":\"The client cannot be asked this\"}"));
}

// --- asking a legacy client ---------------------------------------------------------------------

static struct asked *remember(struct session *session)
{
    size_t count = 0;
    for (struct asked *asked = session->asked; asked; asked = asked->next)
        count++;
    struct asked *asked = count < MOST_ASKED ? (struct asked *)calloc(1, sizeof *asked) : NULL;
    if (!asked)
        return NULL;
    (void)snprintf(asked->id, sizeof asked->id, "\"gw-%" PRId64 "\"", ++session->next_question);
    asked->until = loop_clock() + session->gateway->settings->question_timeout;
    asked->next = session->asked;
    session->asked = asked;
    return asked;
}

static void forget(struct session *session, struct asked *asked)
{
    struct asked **link = &session->asked;
    while (*link != asked)
        link = &(*link)->next;
    *link = asked->next;
    free(asked->key);
    free(asked);
}

static void send(struct exchange *exchange, const struct asked *asked, struct view method,
                 struct view params)
{
    const struct view pieces[] = {VIEW("{\"jsonrpc\":\"2.0\",\"id\":"),
                                  view_of(asked->id),
                                  VIEW(",\"method\":\""),
                                  method,
                                  VIEW("\",\"params\":"),
                                  params.data ? params : VIEW("{}"),
                                  VIEW("}")};
    exchange_event(exchange, pieces, COUNT_OF(pieces));
}

static void ask_on(struct exchange *exchange, struct session *session, struct call *call,
                   const struct question *question, const struct rpc *message)
{
    bool may = exchange && session->initialized &&
               can_be_asked(mcp_can(session->capabilities), message->method);
    struct asked *asked = may ? remember(session) : NULL;
    if (!asked) {
        refuse(session->gateway, question);
        return;
    }
    asked->call = call;
    asked->question = *question;
    send(exchange, asked, message->method, message->params);
}

void questions_ask(struct call *call, const struct question *question, const struct rpc *message)
{
    if (call->era == MCP_LEGACY)
        ask_on(call->exchange, call->exchange->session, call, question, message);
    else if (can_be_asked(call->can, message->method))
        parked_ask(call, question, message);
    else
        refuse(call->gateway, question);
}

void questions_ask_session(struct session *session, const struct question *question,
                           const struct rpc *message)
{
    ask_on(notices_stream(session), session, NULL, question, message);
}

// --- rounds: a modern server's wishes, put to a legacy client -----------------------------------

static void drop_round(struct rounds *rounds)
{
    free(rounds->request_state);
    rounds->request_state = NULL;
    buf_done(&rounds->responses);
    buf_done(&rounds->insertion);
}

// A legacy server's questions may outlive their call, since they need not be about it: unless they
// are refused.
static void end_questions(struct call *call, bool refused)
{
    struct session *session = call->exchange ? call->exchange->session : NULL;
    struct asked *next;
    for (struct asked *asked = session ? session->asked : NULL; asked; asked = next) {
        next = asked->next;
        if (asked->call != call)
            continue;
        asked->call = NULL;
        if (refused && !asked->of_round)
            refuse(session->gateway, &asked->question);
        if (refused || asked->of_round)
            forget(session, asked);
    }
}

void questions_withdraw(struct call *call)
{
    end_questions(call, true);
}

void questions_forget_call(struct call *call)
{
    end_questions(call, false);
    if (call->rounds)
        drop_round(call->rounds);
    free(call->rounds);
    call->rounds = NULL;
    parked_forget_call(call);
}

// All answers are there: the call is sent again with them.
static void finish_round(struct call *call)
{
    struct rounds *rounds = call->rounds;
    struct buf *insertion = &rounds->insertion;
    if (rounds->failed || rounds->responses.failed) {
        call_error(call, RPC_INTERNAL_ERROR, "The client did not give what the server asked for");
        return;
    }
    buf_done(insertion);
    buf_init(insertion, rounds->responses.size + LIMIT_INPUT_FILE);
    buf_add(insertion, VIEW("\"inputResponses\":{"));
    buf_add(insertion, buf_view(&rounds->responses));
    buf_add(insertion, VIEW("}"));
    if (rounds->request_state) {
        buf_add(insertion, VIEW(",\"requestState\":"));
        buf_add(insertion, view_of(rounds->request_state));
    }
    buf_add(insertion, VIEW(",")); // the params have members: a name or a uri at least
    call_again(call);
}

struct splice questions_splice(const struct call *call, struct view params)
{
    struct view fresh = call->rounds ? buf_view(&call->rounds->insertion) : (struct view){NULL, 0};
    return (struct splice){{params.data + 1, 0}, fresh};
}

static bool begin_question(struct call *call, struct view key, struct view wish)
{
    char room[128];
    struct session *session = call->exchange->session;
    struct view method = json_raw_text(json_walk_member(wish, "method"), room, sizeof room);
    struct view params = json_walk_member(wish, "params");
    if (!can_be_asked(mcp_can(session->capabilities), method))
        return false;
    struct asked *asked = remember(session);
    if (!asked)
        return false;
    asked->call = call;
    asked->of_round = true;
    asked->key = strndup(key.data, key.size);
    call->rounds->open++;
    send(call->exchange, asked, method, params);
    return asked->key != NULL;
}

bool questions_begin_round(struct call *call, struct view result)
{
    struct view key, wish, ignored_state = json_walk_member(result, "requestState");
    if (!view_is(json_walk_member(result, "resultType"), "\"input_required\""))
        return false;
    if (!call->rounds)
        call->rounds = (struct rounds *)calloc(1, sizeof *call->rounds);
    if (!call->rounds || ++call->rounds->number > MOST_ROUNDS || call->text.buf.size == 0) {
        call_error(call, RPC_INTERNAL_ERROR, "The server asks without end");
        return true;
    }
    struct rounds *rounds = call->rounds;
    drop_round(rounds);
    rounds->open = 0;
    rounds->request_state =
        ignored_state.data ? strndup(ignored_state.data, ignored_state.size) : NULL;
    buf_init(&rounds->responses, call->gateway->settings->request_body);
    struct json_walk walk = json_walk(json_walk_member(result, "inputRequests"));
    while (json_walk_next(&walk, &key, &wish))
        if (!begin_question(call, key, wish)) {
            call_error(call, RPC_INTERNAL_ERROR,
                       "The server asks the client for what it cannot give");
            return true;
        }
    if (rounds->open == 0)
        finish_round(call);
    return true;
}

static void add_response(struct call *call, const struct asked *asked, const struct rpc *message)
{
    struct rounds *rounds = call->rounds;
    if (message->kind != RPC_RESULT) {
        rounds->failed = true;
        return;
    }
    if (rounds->responses.size > 0)
        buf_add_char(&rounds->responses, ',');
    buf_add_char(&rounds->responses, '"');
    buf_add(&rounds->responses, view_of(asked->key));
    buf_add(&rounds->responses, VIEW("\":"));
    buf_add(&rounds->responses, message->result);
}

bool questions_answered(struct session *session, const struct rpc *message)
{
    struct asked *asked = session->asked;
    while (asked && !view_is(message->id, asked->id))
        asked = asked->next;
    if (!asked)
        return false;
    struct call *call = asked->call;
    if (!asked->of_round) {
        upstreams_answer(session->gateway->upstreams, &asked->question, message->result,
                         message->error);
        forget(session, asked);
        return true;
    }
    add_response(call, asked, message);
    forget(session, asked);
    if (--call->rounds->open == 0)
        finish_round(call);
    return true;
}

// --- ends ---------------------------------------------------------------------------------------

void questions_forget(struct session *session)
{
    while (session->asked) {
        if (!session->asked->of_round)
            refuse(session->gateway, &session->asked->question);
        forget(session, session->asked);
    }
}

static void expire(struct session *session, int64_t now)
{
    struct asked *next;
    for (struct asked *asked = session->asked; asked; asked = next) {
        next = asked->next;
        if (asked->until > now)
            continue;
        if (!asked->of_round) {
            refuse(session->gateway, &asked->question);
            forget(session, asked);
            continue;
        }
        call_error(asked->call, RPC_INTERNAL_ERROR,
                   "The client did not answer the server's question");
        return; // the call's other questions went with it: go on at the next tick
    }
}

void questions_tick(struct gateway *gateway, int64_t now)
{
    struct session *next;
    for (struct session *session = gateway->first_session; session; session = next) {
        next = session->next;
        if (session->asked)
            expire(session, now);
    }
    parked_tick(gateway, now);
}
