// gateway_stdio.c: see gateway_stdio.h.
#include "doors/gateway_stdio.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "doors/gateway_pump.h"
#include "gateway/gateway.h"
#include "model/api_key.h"
#include "os/loop.h"
#include "os/stream.h"
#include "wire/jsonrpc.h"

enum {
    TICK = 100,           // ms
    LAST_WORDS = 1000000, // us, for what was said at last to be taken
};

#define KEY_VARIABLE "ENKRYPT_GATEWAY_KEY"

// A message on its way through the gateway, or the stream of what belongs to none.
struct talk {
    struct stdio *stdio;
    struct exchange *exchange;
    struct talk *next, *previous;
    bool stream; // the latter
    bool entering, over, drained;
};

struct stdio {
    const struct settings *settings;
    struct clear_key *key;
    struct loop *loop;
    struct journal *journal;
    struct gateway *gateway;
    struct pump input_pump, output_pump;
    struct stream *input, *output;
    struct timer *timer;
    struct talk *talks;
    struct buf line;      // the beginning of one
    struct buf unread;    // kept while the client does not take what we say
    bool skipping;        // the rest of a line that is too long
    bool over;            // nothing is taken any more
    bool draining;        // the gateway knows
    bool ending;          // its servers are to end
    unsigned signals;     // that said to end
    int64_t finish_until; // 0: nobody has said to end
    int status;
};

static const struct view nothing = {NULL, 0};

// --- what goes out ---------------------------------------------------------------------------
// Line ends stand between the parts of JSON only: blanks do as well.
static void say_on_one_line(struct stdio *stdio, const struct view *pieces, size_t count)
{
    struct buf line AUTO(buf_done);
    buf_init(&line, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++)
        text_add_on_one_line(&line, pieces[i]);
    buf_add_char(&line, '\n');
    const struct view whole = buf_view(&line);
    if (line.failed) // the client would wait for it for ever
        stream_lose(stdio->output);
    else
        (void)!stream_write(stdio->output, &whole, 1);
}

static void say(struct stdio *stdio, const struct view *pieces, size_t count)
{
    enum { AT_ONCE = 16 };
    struct view all[AT_ONCE];
    if (count >= AT_ONCE || text_has_line_end(pieces, count)) {
        say_on_one_line(stdio, pieces, count);
        return;
    }
    memcpy(all, pieces, count * sizeof *pieces);
    all[count] = VIEW("\n");
    (void)!stream_write(stdio->output, all, count + 1);
}

static void say_error(struct stdio *stdio, struct view id, int code, const char *message)
{
    struct buf text AUTO(buf_done);
    buf_init(&text, 4096);
    rpc_add_error(&text, id, code, view_of(message), nothing);
    const struct view whole = buf_view(&text);
    say(stdio, &whole, 1);
}

// --- the end ---------------------------------------------------------------------------------
// Calls under way may end within `patience`. The gateway is told at the end of the turn: it may be
// the gateway that calls.
static void finish(struct stdio *stdio, int status, int64_t patience)
{
    const int64_t until = loop_clock() + patience;
    bool first = stdio->finish_until == 0;
    stdio->over = true;
    stdio->status = stdio->status ? stdio->status : status;
    stdio->finish_until = first || until < stdio->finish_until ? until : stdio->finish_until;
}

// `reason`: see front_ops.
static void revoked(struct stdio *stdio, struct view id, const char *reason)
{
    char message[256] = "The API key is not valid any more";
    if (reason)
        (void)snprintf(message, sizeof message, "The gateway ends: %s", reason);
    if (stdio->status == 0)
        say_error(stdio, id, RPC_INVALID_REQUEST, message);
    finish(stdio, 1, LAST_WORDS);
}

// --- what the gateway has us do --------------------------------------------------------------
static struct talk *talk_new(struct stdio *stdio)
{
    struct talk *talk = (struct talk *)calloc(1, sizeof *talk);
    if (!talk)
        return NULL;
    talk->stdio = stdio;
    talk->next = stdio->talks;
    if (talk->next)
        talk->next->previous = talk;
    stdio->talks = talk;
    return talk;
}

static void talk_end(struct talk *talk)
{
    talk->over = true;
    if (talk->entering)
        return; // talk_enter ends it
    if (talk->next)
        talk->next->previous = talk->previous;
    if (talk->previous)
        talk->previous->next = talk->next;
    else
        talk->stdio->talks = talk->next;
    free(talk);
}

static void op_answer(void *door, int status, struct view session_id, const struct view *pieces,
                      size_t count)
{
    struct talk *talk = (struct talk *)door;
    (void)status;
    (void)session_id;
    if (count > 0 && !talk->stream)
        say(talk->stdio, pieces, count);
    talk_end(talk);
}

static void op_event(void *door, struct view id, const struct view *pieces, size_t count)
{
    const struct talk *talk = (const struct talk *)door;
    (void)id;
    if (count > 1 || (count == 1 && pieces[0].size > 0))
        say(talk->stdio, pieces, count);
}

static void op_end(void *door, struct view id, const struct view *pieces, size_t count)
{
    op_event(door, id, pieces, count);
    talk_end((struct talk *)door);
}

// Nobody polls over a pipe.
static void op_pause(void *door, long long retry)
{
    (void)retry;
    talk_end((struct talk *)door);
}

static void op_cut(void *door, const char *reason)
{
    struct talk *talk = (struct talk *)door;
    revoked(talk->stdio, nothing, reason);
    talk_end(talk);
}

static size_t op_queued(void *door)
{
    const struct talk *talk = (const struct talk *)door;
    return stream_queued(talk->stdio->output);
}

static const struct front_ops ops = {op_answer, op_event, op_end, op_pause, op_cut, op_queued};

static bool talk_enter(struct stdio *stdio, struct principal *principal, struct view body)
{
    const struct front_request request = {.principal = principal, .stdio = true, .body = body};
    struct talk *talk = talk_new(stdio);
    if (!talk)
        return false;
    talk->entering = true;
    talk->stream = !body.data;
    if (body.data)
        talk->exchange = front_post(stdio->gateway, &request, &ops, talk);
    else
        talk->exchange = front_get(stdio->gateway, &request, &ops, talk);
    talk->entering = false;
    if (talk->over || !talk->exchange)
        talk_end(talk);
    return true;
}

// --- what comes in ---------------------------------------------------------------------------
// The id to answer to; {NULL, 0} when the message wants no answer.
static struct view id_of(const struct stdio *stdio, struct view line)
{
    struct rpc rpc;
    struct rpc_fault fault;
    if (rpc_read(line, stdio->settings->message_depth, &rpc, &fault))
        return rpc.kind == RPC_REQUEST ? rpc.id : nothing;
    return fault.id;
}

static void take_line(struct stdio *stdio, struct view line)
{
    struct principal *principal = NULL;
    while (line.size > 0 && (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' '))
        line.size--;
    if (line.size == 0)
        return;
    switch (front_authenticate(stdio->gateway, clear_key_view(stdio->key), &principal)) {
    case FRONT_GRANTED:
        if (!talk_enter(stdio, principal, line))
            say_error(stdio, id_of(stdio, line), RPC_INTERNAL_ERROR, "Out of memory");
        front_principal_unref(&principal);
        break;
    case FRONT_UNAVAILABLE:
        say_error(stdio, id_of(stdio, line), RPC_INTERNAL_ERROR,
                  "The API key cannot be examined at the moment");
        break;
    default:
        revoked(stdio, id_of(stdio, line), NULL);
        break;
    }
}

static void take_part(struct stdio *stdio, struct view part)
{
    if (stdio->skipping)
        return;
    if (part.size <= stdio->settings->request_body - stdio->line.size) {
        buf_add(&stdio->line, part);
    } else {
        say_error(stdio, nothing, RPC_INVALID_REQUEST, "The message is too large");
        buf_done(&stdio->line);
        stdio->skipping = true;
    }
    if (stdio->line.failed)
        finish(stdio, 1, 0);
}

static void take_rest_of_line(struct stdio *stdio, struct view part)
{
    if (stdio->line.size == 0 && part.size <= stdio->settings->request_body && !stdio->skipping) {
        take_line(stdio, part);
        return;
    }
    take_part(stdio, part);
    if (!stdio->skipping && !stdio->over)
        take_line(stdio, buf_view(&stdio->line));
    stdio->skipping = false;
    buf_done(&stdio->line);
}

// A client that does not take what we say is not listened to.
static bool is_full(const struct stdio *stdio)
{
    return stream_queued(stdio->output) > stdio->settings->queue;
}

static void take(struct stdio *stdio, struct view bytes)
{
    while (bytes.size > 0 && !stdio->over && !is_full(stdio)) {
        const char *end = (const char *)memchr(bytes.data, '\n', bytes.size);
        size_t size = end ? (size_t)(end - bytes.data) : bytes.size;
        if (end)
            take_rest_of_line(stdio, (struct view){bytes.data, size});
        else
            take_part(stdio, bytes);
        bytes = view_skip(bytes, size + (end ? 1 : 0));
    }
    if (bytes.size == 0 || stdio->over)
        return;
    buf_add(&stdio->unread, bytes);
    stream_hold(stdio->input, true);
    if (stdio->unread.failed)
        finish(stdio, 1, 0);
}

static void on_data(void *context, struct view bytes)
{
    struct stdio *stdio = (struct stdio *)context;
    if (stdio->unread.size == 0) {
        take(stdio, bytes);
        return;
    }
    buf_add(&stdio->unread, bytes);
    if (stdio->unread.failed) // what is missing would make one message of two
        finish(stdio, 1, 0);
}

// The last line may lack its end.
static void on_ended(void *context, const char *reason)
{
    struct stdio *stdio = (struct stdio *)context;
    (void)reason;
    if (stdio->line.size > 0 && !stdio->skipping && !stdio->over)
        take_rest_of_line(stdio, VIEW(""));
    finish(stdio, 0, stdio->settings->drain);
}

static void on_output_drained(void *context)
{
    struct stdio *stdio = (struct stdio *)context;
    for (struct talk *talk = stdio->talks; talk; talk = talk->next)
        talk->drained = talk->exchange != NULL;
    for (struct talk *talk = stdio->talks; talk;) {
        struct exchange *exchange = talk->drained ? talk->exchange : NULL;
        talk->drained = false;
        if (exchange)
            exchange_drained(exchange);
        talk = exchange ? stdio->talks : talk->next; // any of them may be gone
    }
    struct buf unread = stdio->unread;
    buf_init(&stdio->unread, SIZE_MAX / 2);
    stream_hold(stdio->input, false);
    take(stdio, buf_view(&unread));
    buf_done(&unread);
}

static void on_output_ended(void *context, const char *reason)
{
    struct stdio *stdio = (struct stdio *)context;
    if (!reason)
        return;
    journal_event(stdio->journal, "client_gone", "reason", reason, NULL); // with what it was told
    finish(stdio, 0, 0);
}

// --- time and signals ------------------------------------------------------------------------
static void tick(void *context)
{
    struct stdio *stdio = (struct stdio *)context;
    const int64_t now = loop_clock();
    gateway_tick(stdio->gateway, now);
    bool idle = gateway_idle(stdio->gateway) && stream_queued(stdio->output) == 0;
    if (stdio->finish_until == 0 || (!stdio->ending && !idle && now < stdio->finish_until))
        return;
    if (!stdio->ending) {
        gateway_end(stdio->gateway);
        stdio->ending = true;
        if (!idle && stdio->signals < 2)
            return; // the calls that have failed just now are answered before the next tick
    }
    if (gateway_ended(stdio->gateway) || stdio->signals > 1)
        loop_stop(stdio->loop);
}

static void turn_end(void *context)
{
    struct stdio *stdio = (struct stdio *)context;
    if (stdio->finish_until != 0 && !stdio->draining)
        gateway_drain(stdio->gateway);
    stdio->draining = stdio->finish_until != 0;
    gateway_turn_end(stdio->gateway);
    journal_flush(stdio->journal);
}

// Clients close our input, send SIGTERM some two seconds later and SIGKILL after as many again: so
// the servers, whose input ended when ours did, hear the same. A second signal ends all at once.
static void on_end_signal(void *context)
{
    struct stdio *stdio = (struct stdio *)context;
    stdio->signals++;
    if (stdio->ending)
        gateway_hurry(stdio->gateway);
    finish(stdio, 0, stdio->finish_until == 0 ? stdio->settings->drain : 0);
}

// --- the beginning ---------------------------------------------------------------------------
static bool take_key(struct stdio *stdio, struct err *err)
{
    char *value = getenv(KEY_VARIABLE);
    if (!value || value[0] == '\0')
        return err_set(err, ERR_USAGE, "no_api_key", "There is no API key in " KEY_VARIABLE);
    stdio->key = clear_key_new();
    if (!stdio->key)
        return err_memory(err);
    size_t size = strlen(value);
    bool fits = size < sizeof stdio->key->text;
    if (fits) {
        memcpy(stdio->key->text, value, size);
        stdio->key->size = size;
    }
    explicit_bzero(value, size);
    (void)unsetenv(KEY_VARIABLE);
    return fits || err_set(err, ERR_PRECONDITION, "invalid_api_key",
                           "The API key in " KEY_VARIABLE " is not valid");
}

static bool begin_parts(struct stdio *stdio, const struct store_config *config, struct err *err)
{
    if (!loop_new(&stdio->loop, err))
        return false;
    stdio->journal = journal_new(STDERR_FILENO);
    if (!stdio->journal)
        return err_memory(err);
    const struct gateway_order order = {.loop = stdio->loop,
                                        .settings = stdio->settings,
                                        .store = config,
                                        .journal = stdio->journal};
    stdio->gateway = gateway_new(&order, err);
    if (!stdio->gateway)
        return false;
    loop_on_turn_end(stdio->loop, turn_end, stdio);
    return timer_new(stdio->loop, TICK, tick, stdio, &stdio->timer, err) &&
           loop_signal(stdio->loop, SIGTERM, on_end_signal, stdio, err) &&
           loop_signal(stdio->loop, SIGINT, on_end_signal, stdio, err) &&
           pump_adopt(&stdio->input_pump, stdio->loop, STDIN_FILENO, &stdio->input, err) &&
           pump_adopt(&stdio->output_pump, stdio->loop, STDOUT_FILENO, &stdio->output, err);
}

// Opens the stream of what belongs to no call. Says at once when the key is none.
static bool begin_talking(struct stdio *stdio, struct err *err)
{
    static const struct stream_events input_events = {.data = on_data, .ended = on_ended};
    static const struct stream_events output_events = {.drained = on_output_drained,
                                                       .ended = on_output_ended};
    struct principal *principal = NULL;
    enum front_answer answer =
        front_authenticate(stdio->gateway, clear_key_view(stdio->key), &principal);
    if (answer == FRONT_UNAVAILABLE)
        return err_set(err, ERR_BUSY, "store_unavailable", "The API key cannot be examined");
    if (answer != FRONT_GRANTED)
        return err_set(err, ERR_PRECONDITION, "invalid_api_key",
                       "The API key in " KEY_VARIABLE " is not valid");
    // It may be the input's socket or terminal, whose bytes it would take. That nobody reads is
    // noticed when something is written, as over a pipe.
    stream_hold(stdio->output, true);
    stream_handle(stdio->output, &output_events, stdio);
    bool fine = talk_enter(stdio, principal, nothing);
    front_principal_unref(&principal);
    stream_handle(stdio->input, &input_events, stdio);
    return fine || err_memory(err);
}

static void stdio_done(struct stdio *stdio)
{
    while (stdio->talks) {
        struct exchange *exchange = TAKE(stdio->talks->exchange);
        if (exchange)
            exchange_gone(exchange);
        talk_end(stdio->talks);
    }
    stream_close(&stdio->input);
    stream_close(&stdio->output);
    timer_free(&stdio->timer);
    store_hurry(GATEWAY_LAST_WAIT);
    gateway_free(&stdio->gateway);
    loop_free(&stdio->loop);
    pump_done(&stdio->input_pump);
    pump_done(&stdio->output_pump);
    journal_free(&stdio->journal);
    clear_key_free(&stdio->key);
    buf_done(&stdio->line);
    buf_done(&stdio->unread);
}

int gateway_stdio(const struct settings *settings, const struct store_config *config,
                  struct err *err)
{
    struct stdio stdio = {.settings = settings, .status = 0};
    bool begun = false;
    buf_init(&stdio.line, settings->request_body + 1);
    buf_init(&stdio.unread, SIZE_MAX / 2);
    if (take_key(&stdio, err) && begin_parts(&stdio, config, err) && begin_talking(&stdio, err)) {
        begun = true;
        loop_run(stdio.loop);
    }
    stdio_done(&stdio);
    return begun ? stdio.status : -1;
}
