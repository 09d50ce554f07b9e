// op_access.c: `user audit`, `user offboard`, `user check-api-key`: who has access, and ending it.
#include <stdio.h>

#include "model/hint.h"
#include "model/removal.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

struct access {
    struct key_counts keys;
    int64_t last_used_at;
};

// Adds up the keys of a user in a project.
static bool add_up(struct op_call *call, struct key_scope scope, struct access *ret_access,
                   struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct api_key key;
    struct access access = {0};
    enum step step;
    if (!api_key_query(call->store, scope, &stmt, err))
        return false;
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW) {
        access.keys.active += key.status == KEY_ACTIVE;
        access.keys.disabled += key.status == KEY_DISABLED;
        access.keys.expired += key.status == KEY_EXPIRED;
        if (key.last_used_at > access.last_used_at)
            access.last_used_at = key.last_used_at;
    }
    *ret_access = access;
    return step == STEP_END;
}

// One line of the access audit; `project` is NULL for a user without any.
static bool show_access(struct op_call *call, const struct user *user,
                        const struct project *project, struct err *err)
{
    struct out *out = call->out;
    struct access access = {0};
    const struct view none = {NULL, 0};
    if (project &&
        !add_up(call, (struct key_scope){.user = user->n, .project = project->n}, &access, err))
        return false;
    out_begin(out, '{');
    show_user_names(out, user);
    show_project_names(out, project ? view_of(project->project_id) : none,
                       project ? view_of(project->project_name) : none);
    field_int(out, "active_api_keys", access.keys.active);
    field_int(out, "disabled_api_keys", access.keys.disabled);
    field_int(out, "expired_api_keys", access.keys.expired);
    field_time(out, "last_used_at", access.last_used_at);
    out_end(out, '}');
    return true;
}

static bool show_user_access(struct op_call *call, const struct user *user, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    bool any = false;
    enum step step;
    if (!project_query_user(call->store, user, PAGE_ALL, &stmt, err))
        return false;
    while ((step = project_next(stmt, &project, err)) == STEP_ROW) {
        any = true;
        if (!show_access(call, user, &project, err))
            return false;
    }
    if (step == STEP_FAILED)
        return false;
    return any || show_access(call, user, NULL, err);
}

static bool show_everyones_access(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct user user;
    struct page page;
    enum step step;
    if (!call_page(call, PAGE_BY_USER, &page, err) || !user_query(call->store, page, &stmt, err))
        return false;
    while ((step = user_next(stmt, &user, err)) == STEP_ROW)
        if (!show_user_access(call, &user, err))
            return false;
    return step == STEP_END;
}

static bool user_audit(struct op_call *call, struct err *err)
{
    struct user user;
    bool one = call_has(call, P_EMAIL) || call_has(call, P_USER_ID);
    if (one && !call_user(call, &user, err))
        return false;
    out_begin(call->out, '[');
    if (one ? !show_user_access(call, &user, err) : !show_everyones_access(call, err))
        return false;
    out_end(call->out, ']');
    return true;
}

static bool user_offboard(struct op_call *call, struct err *err)
{
    struct user user;
    struct user_removal removal;
    if (!call_user(call, &user, err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    if (!show_projects_of(call, &user, "deleted_api_keys", err) ||
        !show_doomed_keys(call, (struct key_scope){.user = user.n}, err) ||
        !user_delete(call->store, &user, true, &removal, err))
        return false;
    field_int(call->out, "deleted_api_keys", removal.deleted_api_keys);
    field_int(call->out, "removed_from_projects", removal.removed_from_projects);
    show_deletion(call);
    out_end(call->out, '}');
    return true;
}

static bool explain_missing_key(struct err *err)
{
    err_set(err, ERR_PRECONDITION, "key_not_set",
            "Key not set in environment variable: ENKRYPT_GATEWAY_KEY is empty");
    err_hint(err, "export ENKRYPT_GATEWAY_KEY=\"$(cat key.txt)\"");
    return err_hint(err, "echo $ENKRYPT_GATEWAY_KEY");
}

static bool explain_status(const struct api_key *key, struct err *err)
{
    const struct view key_id = view_of(key->key_id);
    switch (key->status) {
    case KEY_ACTIVE:
        return true;
    case KEY_DISABLED:
        err_set(err, ERR_PRECONDITION, "key_disabled",
                "Key was disabled or deleted: key %s is disabled", key->key_id);
        return hint_command(err, "user enable-api-key", "--api-key", key_id, NULL);
    case KEY_EXPIRED:
        err_set(err, ERR_PRECONDITION, "key_expired", "Key has expired: key %s", key->key_id);
        if (key->rotated_to[0])
            return hint_command(err, "user get-api-key", "--api-key", view_of(key->rotated_to),
                                NULL);
        return hint_command(err, "user update-api-key", "--api-key", key_id, "--expires-in",
                            VIEW("90d"), NULL);
    case KEY_TAMPERED:
        break;
    }
    return api_key_check_genuine(key, err);
}

static bool explain_config(const struct project *project, struct err *err)
{
    if (project->config.n)
        return true;
    err_set(err, ERR_PRECONDITION, "project_without_config",
            "Wrong project configuration: project %s has no config, so the key reaches no server",
            project->project_name);
    return hint_command(err, "project assign-config", "--project-name",
                        view_of(project->project_name), "--config-name", VIEW("NAME"), NULL);
}

// Which of the "possible causes" of the troubleshooting guide applies, without printing the key.
static bool check_api_key(struct op_call *call, struct err *err)
{
    struct api_key key;
    struct project project;
    struct out *out = call->out;
    if (!call_has(call, P_API_KEY))
        return explain_missing_key(err);
    if (!call_api_key(call, &key, err)) {
        if (err->kind == ERR_NOT_FOUND)
            err_hint(err,
                     "make a new one: secure-mcp-gateway user generate-api-key --email ADDRESS "
                     "--project-name NAME");
        return false;
    }
    if (!explain_status(&key, err) ||
        !project_select(call->store, (struct view){NULL, 0}, view_of(key.project_id), &project,
                        err) ||
        !explain_config(&project, err))
        return false;
    out_begin(out, '{');
    field_string(out, "status", "active");
    field_string(out, "key_id", key.key_id);
    field_string(out, "email", key.email);
    show_project_names(out, view_of(key.project_id), view_of(key.project_name));
    show_project_config(out, &project.config);
    field_time(out, "expires_at", key.expires_at);
    out_end(out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "user",
        .verb = "audit",
        .summary = "Show who has access to what: a line for each user and project",
        .notes =
            "--limit counts users and not lines, so that no user is cut in two; --after takes the "
            "user_id of the last one.",
        .example = "user audit --output table\nuser audit --email alice@example.com",
        .run = user_audit,
        .effect = EFFECT_READ,
        .fields = "user_id,email,project_id,project_name,active_api_keys,disabled_api_keys,"
                  "expired_api_keys,last_used_at",
        .columns = "email,project_name,active_api_keys:active,disabled_api_keys:disabled,"
                   "expired_api_keys:expired,last_used_at?",
        PARAMS(A_USER, A_PAGE),
    },
    {
        .group = "user",
        .verb = "offboard",
        .summary = "End all access of a user: keys, memberships and account in one transaction",
        .example = "user offboard --email alice@example.com --dry-run\n"
                   "user offboard --email alice@example.com",
        .run = user_offboard,
        .action = "user.delete",
        .destructive = true,
        PARAMS(THE_USER),
    },
    {
        .group = "user",
        .verb = "check-api-key",
        .summary = "Say whether an API key works, and if not, why",
        .notes =
            "Reads the key from ENKRYPT_GATEWAY_KEY unless --api-key is given, and never prints "
            "it.",
        .example = "user check-api-key\nuser check-api-key --api-key @key.txt",
        .run = check_api_key,
        .effect = EFFECT_READ,
        PARAMS({P_API_KEY, MAY_ENV}),
    },
};

const struct op_table access_ops = {rows, COUNT_OF(rows)};
