// op.c: see op.h.
#include "ops/op.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/audit.h"

bool op_offers(const struct op *op, enum param param)
{
    if (op->destructive && (param == P_DRY_RUN || param == P_CONFIRM))
        return true;
    for (size_t i = 0; i < op->param_count; i++)
        if (op->params[i].param == param)
            return true;
    return false;
}

const char *op_title(const struct op *op, char ret_title[OP_TITLE])
{
    (void)snprintf(ret_title, OP_TITLE, "%s%s%s", op->group, op->group[0] ? " " : "", op->verb);
    return ret_title;
}

const char *op_param_help(const struct op *op, enum param param)
{
    for (size_t i = 0; i < OP_HELPS && op->helps[i].text; i++)
        if (op->helps[i].param == param)
            return op->helps[i].text;
    return param_rows[param].help;
}

static bool has_one_of(const struct op *op, enum need need, const struct args *args)
{
    for (size_t i = 0; i < op->param_count; i++)
        if (op->params[i].need == need && args->list[op->params[i].param].given)
            return true;
    return false;
}

// The names of the parameters that share a ONE_… need: `--email or --user-id`.
static void name_choices(const struct op *op, enum need need, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < op->param_count; i++) {
        if (op->params[i].need != need || used >= size)
            continue;
        int added = snprintf(ret_text + used, size - used, "%s--%s", used ? " or " : "",
                             param_rows[op->params[i].param].name);
        used += added > 0 ? (size_t)added : 0;
    }
}

static bool check_needs(const struct op *op, const struct args *args, struct err *err)
{
    char choices[128], title[OP_TITLE];
    for (size_t i = 0; i < op->param_count; i++) {
        enum need need = op->params[i].need;
        if (need == MAY || need == MAY_ENV ||
            (need == MUST && args->list[op->params[i].param].given))
            continue;
        if (need != MUST && has_one_of(op, need, args))
            continue;
        if (need == MUST)
            (void)snprintf(choices, sizeof choices, "--%s", param_rows[op->params[i].param].name);
        else
            name_choices(op, need, choices, sizeof choices);
        err_set(err, ERR_USAGE, "option_missing", "%s needs %s", op_title(op, title), choices);
        return err_hint(err, "secure-mcp-gateway %s --help", title);
    }
    return true;
}

// An id for the audit: the one that was found, else the one that was given, else NULL.
static const char *target_id(const struct op_call *call, enum param param, char found[UUID_TEXT])
{
    const struct arg *given = &call->args->list[param];
    if (!found[0] && given->given && text_is_uuid(given->text) &&
        text_copy(found, UUID_TEXT, given->text))
        text_lower(found, given->text.size);
    return found[0] ? found : NULL;
}

static const char *audit_action(const struct op *op, char text[64])
{
    if (op->action)
        return op->action;
    (void)snprintf(text, 64, "%s.%s", op->group, op->verb);
    for (char *at = text; (at = strchr(at, '-')) != NULL;)
        *at = '_';
    return text;
}

// One record of a refused change: what was asked for, and why not. Never the text of a key.
static bool audit_refusal(const struct op *op, struct op_call *call, const struct err *reason,
                          struct err *err)
{
    char action[64];
    const struct args *args = call->args;
    enum param named = args->list[P_PROJECT_NAME].given ? P_PROJECT_NAME : P_CONFIG_NAME;
    const struct audit_event event = {
        .action = audit_action(op, action),
        .user_id = target_id(call, P_USER_ID, call->targets.user_id),
        .project_id = target_id(call, P_PROJECT_ID, call->targets.project_id),
        .config_id = target_id(call, P_CONFIG_ID, call->targets.config_id),
        .key_id = target_id(call, P_API_KEY, call->targets.key_id),
        .notes = {{"reason", view_of(reason->code)},
                  {args->list[P_SERVER_NAME].given ? "server_name" : "email",
                   args->list[args->list[P_SERVER_NAME].given ? P_SERVER_NAME : P_EMAIL].text},
                  {named == P_PROJECT_NAME ? "project_name" : "config_name",
                   args->list[named].text}},
        .refused = true,
    };
    return audit_write(call->store, &event, err);
}

static bool run_read(const struct op *op, struct op_call *call, struct err *err)
{
    if (!db_begin_read(call->store->db, err))
        return false;
    bool done = op->run(call, err);
    db_rollback(call->store->db);
    return done;
}

// A change that failed: taken back, and written down if the rules refused it. `err` stays as it is
// unless the writing itself fails.
static void give_up(const struct op *op, struct op_call *call, struct err *err)
{
    struct db *db = call->store->db;
    struct err trouble = {0};
    bool refusal = err_is_refusal(err->kind) && !call_has(call, P_DRY_RUN);
    call->store->key_change = (struct key_sum){0};
    if (refusal && (!db_rollback_to_mark(db, &trouble) || !audit_refusal(op, call, err, &trouble) ||
                    !db_commit(db, &trouble)))
        err_hint(err, "the refusal could not be written to the audit: %s", trouble.message);
    db_rollback(db);
}

static bool run_change(const struct op *op, struct op_call *call, struct err *err)
{
    struct db *db = call->store->db;
    if (!store_begin_change(call->store, err))
        return false;
    if (!db_mark(db, err) || !op->run(call, err)) {
        give_up(op, call, err);
        return false;
    }
    if (call_has(call, P_DRY_RUN)) {
        db_rollback(db);
        return true;
    }
    return db_commit(db, err);
}

// An operation that failed by the rules leaves nothing but the record of it.
static bool run_whole(const struct op *op, struct op_call *call, struct err *err)
{
    struct err trouble = {0};
    if (op->run(call, err))
        return true;
    if (!err_is_refusal(err->kind) || call_has(call, P_DRY_RUN) || call->store->damaged)
        return false;
    if (store_begin_change(call->store, &trouble)) {
        if (audit_refusal(op, call, err, &trouble) && db_commit(call->store->db, &trouble))
            return false;
        db_rollback(call->store->db);
    }
    return err_hint(err, "the refusal could not be written to the audit: %s", trouble.message);
}

bool op_reads(const struct op *op, const struct args *args)
{
    return op->effect == EFFECT_READ || (op->reads_only && op->reads_only(args));
}

static bool run_by_effect(const struct op *op, struct op_call *call, struct err *err)
{
    if (op->effect == EFFECT_WHOLE)
        return run_whole(op, call, err);
    return op_reads(op, call->args) ? run_read(op, call, err) : run_change(op, call, err);
}

enum op_outcome op_run(struct store *store, const struct op *op, const struct args *args,
                       struct out *out, struct err *err)
{
    char command[OP_TITLE];
    struct op_call call = {.store = store, .args = args, .out = out};
    if (!check_needs(op, args, err))
        return OP_FAILED;
    store->command = op_title(op, command);
    store->now = clock_now();
    bool done = run_by_effect(op, &call, err);
    store->command = "";
    return !done ? OP_FAILED : call.negative ? OP_NEGATIVE : OP_DONE;
}

enum op_outcome op_run_local(const struct op *op, const struct args *args,
                             const struct surroundings *surroundings, struct buf *text,
                             struct out *out, struct err *err)
{
    struct op_call call = {.args = args, .out = out, .surroundings = surroundings, .text = text};
    if (!check_needs(op, args, err) || !op->run(&call, err))
        return OP_FAILED;
    return call.negative ? OP_NEGATIVE : OP_DONE;
}

bool call_has(const struct op_call *call, enum param param)
{
    return call->args->list[param].given;
}

struct view call_text(const struct op_call *call, enum param param)
{
    return call->args->list[param].text;
}

int64_t call_number(const struct op_call *call, enum param param)
{
    return call->args->list[param].number;
}

static void note(char found[UUID_TEXT], const char id[UUID_TEXT])
{
    memcpy(found, id, UUID_TEXT);
}

bool call_user(struct op_call *call, struct user *ret_user, struct err *err)
{
    if (!user_select(call->store, call_text(call, P_EMAIL), call_text(call, P_USER_ID), ret_user,
                     err))
        return false;
    note(call->targets.user_id, ret_user->user_id);
    return true;
}

bool call_project(struct op_call *call, struct project *ret_project, struct err *err)
{
    if (!project_select(call->store, call_text(call, P_PROJECT_NAME), call_text(call, P_PROJECT_ID),
                        ret_project, err))
        return false;
    note(call->targets.project_id, ret_project->project_id);
    return true;
}

bool call_config(struct op_call *call, struct config *ret_config, struct err *err)
{
    if (!config_select(call->store, call_text(call, P_CONFIG_NAME), call_text(call, P_CONFIG_ID),
                       ret_config, err))
        return false;
    note(call->targets.config_id, ret_config->config_id);
    return true;
}

bool call_api_key(struct op_call *call, struct api_key *ret_key, struct err *err)
{
    if (!api_key_select(call->store, call_text(call, P_API_KEY), ret_key, err))
        return false;
    note(call->targets.key_id, ret_key->key_id);
    note(call->targets.user_id, ret_key->user_id);
    note(call->targets.project_id, ret_key->project_id);
    return true;
}
