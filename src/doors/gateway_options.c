// gateway_options.c: see gateway_options.h.
#include "doors/gateway_options.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "doors/program.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

// An option and the member of the settings that it fills, which is a size_t for sizes, an unsigned
// for numbers and an int64_t for durations. Below and above the bounds the gateway could not work,
// or a limit would be none.
struct measure {
    enum param param;
    size_t offset;
    int64_t least, most; // bytes, pieces or seconds
};

#define MEMBER(name) offsetof(struct settings, name)

static const struct measure measures[] = {
    {P_WORKERS, MEMBER(workers), 1, 256},
    {P_MAX_HEAD, MEMBER(request_head), KIB, MIB},
    {P_MAX_BODY, MEMBER(request_body), KIB, LIMIT_SIZE},
    {P_MAX_EVENT, MEMBER(event), KIB, LIMIT_SIZE},
    {P_MAX_LIST, MEMBER(list), KIB, LIMIT_SIZE},
    {P_MAX_UPSTREAM_BODY, MEMBER(upstream_body), KIB, LIMIT_SIZE},
    {P_MAX_QUEUE, MEMBER(queue), KIB, LIMIT_SIZE},
    {P_MAX_UNREAD, MEMBER(unread), KIB, LIMIT_SIZE},
    // The gateway reads some six levels itself.
    {P_MAX_DEPTH, MEMBER(message_depth), 8, LIMIT_MESSAGE_DEPTH},
    {P_CALLS_PER_KEY, MEMBER(calls_per_key), 1, LIMIT_PAGE},
    {P_SESSIONS_PER_KEY, MEMBER(sessions_per_key), 1, LIMIT_PAGE},
    {P_CONNECTIONS, MEMBER(connections), 1, LIMIT_PAGE},
    {P_PAGES_PER_LIST, MEMBER(pages_per_list), 1, LIMIT_PAGE},
    {P_IDLE_SESSION, MEMBER(idle_session), 1, 30 * 86400},
    {P_KEEP_ALIVE, MEMBER(keep_alive_comment), 1, 3600},
    {P_IDLE_CONNECTION, MEMBER(idle_connection), 1, 86400},
    {P_REQUEST_TIMEOUT, MEMBER(request_read), 1, 3600},
    {P_CONNECT_TIMEOUT, MEMBER(connect_timeout), 1, 3600},
    {P_FIRST_BYTE_TIMEOUT, MEMBER(first_byte_timeout), 1, LIMIT_TIMEOUT_SECONDS},
    {P_IDLE_TIMEOUT, MEMBER(idle_timeout), 1, LIMIT_TIMEOUT_SECONDS},
    {P_TOTAL_TIMEOUT, MEMBER(total_timeout), 1, LIMIT_TIMEOUT_SECONDS},
    {P_HANDSHAKE_TIMEOUT, MEMBER(handshake_timeout), 1, 3600},
    {P_QUESTION_TIMEOUT, MEMBER(question_timeout), 1, LIMIT_TIMEOUT_SECONDS},
    {P_IDLE_CHILD, MEMBER(idle_child), 1, 30 * 86400},
    {P_RESTART_FIRST, MEMBER(restart_first), 1, 3600},
    {P_RESTART_MOST, MEMBER(restart_most), 1, 86400},
    // A revoked key may live on for so long when the store is out of reach.
    {P_LEASE, MEMBER(lease), 1, 60},
    {P_DRAIN, MEMBER(drain), 1, 3600},
    // The contract: at most once a minute for each key.
    {P_USAGE_PERIOD, MEMBER(usage_period), 60, 86400},
};

static bool read_measure(const struct args *args, const struct measure *measure,
                         struct settings *settings, struct err *err)
{
    const struct arg *arg = &args->list[measure->param];
    const struct param_row *row = &param_rows[measure->param];
    char *member = (char *)settings + measure->offset;
    int64_t unit = row->type == TYPE_DURATION ? TIME_SECOND : 1;
    if (!arg->given)
        return true;
    if (arg->number < measure->least * unit || arg->number > measure->most * unit)
        return err_set(err, ERR_USAGE, "invalid_value",
                       "The value of --%s is not valid: expected %lld to %lld%s", row->name,
                       (long long)measure->least, (long long)measure->most,
                       row->type == TYPE_DURATION ? " seconds"
                       : row->type == TYPE_SIZE   ? " bytes"
                                                  : "");
    if (row->type == TYPE_DURATION)
        memcpy(member, &arg->number, sizeof arg->number);
    else if (row->type == TYPE_SIZE)
        memcpy(member, &(size_t){(size_t)arg->number}, sizeof(size_t));
    else
        memcpy(member, &(unsigned){(unsigned)arg->number}, sizeof(unsigned));
    return true;
}

static const char *given_text(const struct args *args, enum param param, const char *otherwise)
{
    return args->list[param].given ? args->list[param].text.data : otherwise;
}

// `a,b,c` as a list with NULL at the end; leaves `*ret_list` alone when it was not given.
static bool read_words(const struct args *args, enum param param, struct arena *arena,
                       const char *const **ret_list, struct err *err)
{
    struct view text = args->list[param].text;
    if (!args->list[param].given)
        return true;
    // As many words as there can be, and their end.
    const char **list = (const char **)arena_take(arena, (text.size / 2 + 2) * sizeof *list);
    char *copy = (char *)arena_take(arena, text.size + 1);
    size_t count = 0;
    if (!list || !copy)
        return err_memory(err);
    memcpy(copy, text.data, text.size);
    for (char *word; (word = strsep(&copy, ",")) != NULL;)
        list[count++] = word;
    *ret_list = list;
    return true;
}

static bool check_together(const struct args *args, const struct settings *settings,
                           struct err *err)
{
    if (args->list[P_STDIO].given && (args->list[P_LISTEN].given || settings->tls_certificate))
        return err_set(err, ERR_USAGE, "options_disagree",
                       "Give --stdio, or --listen and --tls-cert, not both");
    if (!settings->tls_certificate != !settings->tls_key)
        return err_set(err, ERR_USAGE, "options_disagree",
                       "--tls-cert and --tls-key need each other");
    if (settings->restart_first > settings->restart_most)
        return err_set(err, ERR_USAGE, "options_disagree",
                       "--restart-first must not be longer than --restart-most");
    return true;
}

bool gateway_options_read(const struct args *args, struct gateway_options *ret_options,
                          struct err *err)
{
    struct settings *settings = &ret_options->settings;
    struct err missing;
    settings_init(settings);
    arena_init(&ret_options->lists, 16 * LIMIT_LIST);
    ret_options->stdio = args->list[P_STDIO].given;
    settings->listen = given_text(args, P_LISTEN, settings->listen);
    settings->metrics_listen = given_text(args, P_METRICS_LISTEN, NULL);
    settings->tls_certificate = given_text(args, P_TLS_CERT, NULL);
    settings->tls_key = given_text(args, P_TLS_KEY, NULL);
    settings->tls_authorities = given_text(args, P_UPSTREAM_CA, NULL);
    for (size_t i = 0; i < COUNT_OF(measures); i++)
        if (!read_measure(args, &measures[i], settings, err))
            return false;
    // A gateway to servers over HTTP alone needs no holder: whoever starts a child looks for it.
    if (program_find("secure-mcp-gateway-hold", ret_options->holder, &missing))
        settings->holder = ret_options->holder;
    return read_words(args, P_ALLOW_ORIGIN, &ret_options->lists, &settings->origins, err) &&
           read_words(args, P_ALLOW_HOST, &ret_options->lists, &settings->hosts, err) &&
           check_together(args, settings, err);
}

void gateway_options_done(struct gateway_options *options)
{
    arena_done(&options->lists);
}
