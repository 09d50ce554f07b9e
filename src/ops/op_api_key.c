// op_api_key.c: `user …-api-key…`: API keys, one by one and in lists.
#include "base/clock.h"
#include "model/hint.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

// A time from now for --expires-in; 0: never.
static int64_t expiry_of(const struct op_call *call)
{
    int64_t length = call_number(call, P_EXPIRES_IN);
    return length ? call->store->now + length : 0;
}

static bool generate_api_key(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct user user;
    struct project project;
    struct api_key key;
    const struct key_order order = {.user = &user,
                                    .project = &project,
                                    .name = call_text(call, P_NAME),
                                    .expires_at = expiry_of(call),
                                    .show_once = call_has(call, P_SHOW_ONCE)};
    if (!clear)
        return err_memory(err);
    if (!call_user(call, &user, err) || !call_project(call, &project, err) ||
        !api_key_generate(call->store, &order, clear, &key, err))
        return false;
    out_begin(call->out, '{');
    field_text(call->out, "api_key", clear_key_view(clear));
    field_string(call->out, "user_id", key.user_id);
    field_string(call->out, "project_id", key.project_id);
    field_time(call->out, "created_at", key.created_at);
    out_end(call->out, '}');
    return true;
}

static void show_key_state(struct out *out, const struct api_key *key)
{
    field_time(out, "created_at", key->created_at);
    field_string(out, "status", key_status_text(key->status));
}

// The keys that --email and perhaps --project-name name.
static bool scope_of(struct op_call *call, struct user *user, struct key_scope *ret_scope,
                     struct err *err)
{
    struct project project = {0};
    bool in_project = call_has(call, P_PROJECT_NAME) || call_has(call, P_PROJECT_ID);
    if (!call_user(call, user, err) || (in_project && !call_project(call, &project, err)))
        return false;
    *ret_scope = (struct key_scope){.user = user->n, .project = project.n};
    return true;
}

static bool show_own_key(struct op_call *call, const struct api_key *key, struct clear_key *clear,
                         struct err *err)
{
    struct out *out = call->out;
    out_begin(out, '{');
    if (!show_full_key(call, key, clear, err))
        return false;
    show_project_names(out, view_of(key->project_id), view_of(key->project_name));
    show_key_state(out, key);
    out_end(out, '}');
    return true;
}

static bool list_api_keys(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct user user;
    struct key_scope scope;
    struct page page;
    struct api_key key;
    enum step step;
    if (!clear)
        return err_memory(err);
    if (!scope_of(call, &user, &scope, err) || !call_page(call, PAGE_BY_API_KEY, &page, err) ||
        !store_unlock(call->store, err))
        return false;
    scope.after = page.after;
    if (!api_key_query(call->store, scope, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW) {
        if (!show_own_key(call, &key, clear, err))
            return false;
        if (page.limit && --page.limit == 0)
            break;
    }
    out_end(call->out, ']');
    return step != STEP_FAILED;
}

static bool is_wanted(const struct op_call *call, const struct api_key *key)
{
    int64_t now = call->store->now;
    int64_t last_sign = key->last_used_at ? key->last_used_at : key->created_at;
    struct view status = call_text(call, P_STATUS);
    if (status.data && !view_is(status, key_status_text(key->status)))
        return false;
    if (call_has(call, P_OLDER_THAN) && key->created_at > now - call_number(call, P_OLDER_THAN))
        return false;
    if (call_has(call, P_UNUSED_FOR) && last_sign > now - call_number(call, P_UNUSED_FOR))
        return false;
    if (!call_has(call, P_EXPIRING_WITHIN))
        return true;
    return key->expires_at > now && key->expires_at <= now + call_number(call, P_EXPIRING_WITHIN);
}

static bool show_listed_key(struct op_call *call, const struct api_key *key,
                            struct clear_key *clear, struct err *err)
{
    struct out *out = call->out;
    out_begin(out, '{');
    if (!call_has(call, P_REVEAL))
        field_string(out, "api_key", key->masked);
    else if (!show_full_key(call, key, clear, err))
        return false;
    field_string(out, "key_id", key->key_id);
    field_string(out, "user_id", key->user_id);
    field_string(out, "email", key->email);
    show_project_names(out, view_of(key->project_id), view_of(key->project_name));
    show_key_state(out, key);
    out_end(out, '}');
    return true;
}

static bool list_all_api_keys(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct page page;
    struct api_key key;
    enum step step;
    if (!clear)
        return err_memory(err);
    if (!call_page(call, PAGE_BY_API_KEY, &page, err) ||
        (call_has(call, P_REVEAL) && !store_unlock(call->store, err)) ||
        !api_key_query(call->store, (struct key_scope){.after = page.after}, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW) {
        if (!is_wanted(call, &key))
            continue;
        if (!show_listed_key(call, &key, clear, err))
            return false;
        if (page.limit && --page.limit == 0)
            break;
    }
    out_end(call->out, ']');
    return step != STEP_FAILED;
}

static bool lists_masked(const struct args *args)
{
    return !args->list[P_REVEAL].given;
}

static void show_optional(struct out *out, const char *name, const char *text)
{
    field_text(out, name, text[0] ? view_of(text) : (struct view){NULL, 0});
}

static bool show_details(struct op_call *call, const struct api_key *key, struct err *err)
{
    struct out *out = call->out;
    struct project project;
    if (!project_select(call->store, (struct view){NULL, 0}, view_of(key->project_id), &project,
                        err))
        return false;
    field_string(out, "key_id", key->key_id);
    show_optional(out, "name", key->name);
    field_time(out, "expires_at", key->expires_at);
    field_time(out, "disabled_at", key->disabled_at);
    show_optional(out, "rotated_from", key->rotated_from);
    field_time(out, "last_used_at", key->last_used_at);
    field_int(out, "use_count", key->use_count);
    show_project_config(out, &project.config);
    return true;
}

// Whoever names a key in full knows it, so that showing it back reveals nothing.
static bool names_key_in_full(const struct args *args)
{
    return api_key_is_named_in_full(args->list[P_API_KEY].text);
}

static bool show_key_itself(struct op_call *call, const struct api_key *key, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    if (!clear)
        return err_memory(err);
    if (names_key_in_full(call->args)) {
        field_text(call->out, "api_key", call_text(call, P_API_KEY));
        return true;
    }
    return store_unlock(call->store, err) && show_full_key(call, key, clear, err);
}

static bool get_api_key(struct op_call *call, struct err *err)
{
    struct api_key key;
    struct out *out = call->out;
    if (!call_api_key(call, &key, err))
        return false;
    out_begin(out, '{');
    if (!show_key_itself(call, &key, err))
        return false;
    field_string(out, "user_id", key.user_id);
    field_string(out, "email", key.email);
    show_project_names(out, view_of(key.project_id), view_of(key.project_name));
    show_key_state(out, &key);
    if (call_has(call, P_DETAILS) && !show_details(call, &key, err))
        return false;
    out_end(out, '}');
    return true;
}

static void show_rotation(struct op_call *call, const struct api_key *old,
                          const struct key_rotation *rotation, const struct clear_key *clear)
{
    struct out *out = call->out;
    out_begin(out, '{');
    field_string(out, "old_api_key", old->masked);
    field_text(out, "new_api_key", clear_key_view(clear));
    field_string(out, "user_id", old->user_id);
    field_string(out, "project_id", old->project_id);
    field_time(out, "rotated_at", call->store->now);
    if (rotation->old_expires_at)
        field_time(out, "old_key_expires_at", rotation->old_expires_at);
    out_end(out, '}');
}

static bool rotate_api_key(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct api_key key;
    struct key_rotation rotation;
    if (!clear)
        return err_memory(err);
    if (!call_api_key(call, &key, err) ||
        !api_key_rotate(call->store, &key, call_number(call, P_GRACE), clear, &rotation, err))
        return false;
    show_rotation(call, &key, &rotation, clear);
    return true;
}

// The first key of the scope that this command has not dealt with; STEP_END when there is none.
static enum step next_to_rotate(struct op_call *call, struct key_scope *scope,
                                struct api_key *ret_key, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    enum step step;
    bool successor;
    if (!api_key_query(call->store, *scope, &stmt, err))
        return STEP_FAILED;
    do {
        step = api_key_next(call->store, stmt, ret_key, err);
        successor = ret_key->rotated_from[0] && ret_key->created_at == call->store->now;
    } while (step == STEP_ROW && (successor || ret_key->rotated_to[0]));
    scope->after = ret_key->n;
    return step;
}

static bool rotate_all_api_keys(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct user user;
    struct key_scope scope;
    struct api_key key = {0};
    struct key_rotation rotation;
    enum step step;
    if (!clear)
        return err_memory(err);
    if (!scope_of(call, &user, &scope, err))
        return false;
    out_begin(call->out, '[');
    while ((step = next_to_rotate(call, &scope, &key, err)) == STEP_ROW) {
        if (!api_key_rotate(call->store, &key, call_number(call, P_GRACE), clear, &rotation, err))
            return false;
        show_rotation(call, &key, &rotation, clear);
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool set_enabled(struct op_call *call, bool enable, struct err *err)
{
    struct api_key key;
    if (!call_api_key(call, &key, err) || !api_key_set_enabled(call->store, &key, enable, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "api_key", key.masked);
    field_string(call->out, "key_id", key.key_id);
    field_string(call->out, "status", key_status_text(key.status));
    if (enable)
        field_time(call->out, "enabled_at", call->store->now);
    else
        field_time(call->out, "disabled_at", key.disabled_at);
    out_end(call->out, '}');
    return true;
}

static bool disable_api_key(struct op_call *call, struct err *err)
{
    return set_enabled(call, false, err);
}

static bool enable_api_key(struct op_call *call, struct err *err)
{
    return set_enabled(call, true, err);
}

static bool update_api_key(struct op_call *call, struct err *err)
{
    struct api_key key;
    if (!call_has(call, P_NAME) && !call_has(call, P_EXPIRES_IN))
        return err_set(err, ERR_USAGE, "option_missing",
                       "user update-api-key needs --name or --expires-in");
    if (!call_api_key(call, &key, err))
        return false;
    if (call_has(call, P_NAME) && !text_copy(key.name, sizeof key.name, call_text(call, P_NAME)))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    if (call_has(call, P_EXPIRES_IN))
        key.expires_at = expiry_of(call);
    if (!api_key_update(call->store, &key, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "api_key", key.masked);
    field_string(call->out, "key_id", key.key_id);
    show_optional(call->out, "name", key.name);
    field_time(call->out, "expires_at", key.expires_at);
    field_time(call->out, "updated_at", call->store->now);
    out_end(call->out, '}');
    return true;
}

static bool delete_api_key(struct op_call *call, struct err *err)
{
    struct api_key key;
    if (!call_api_key(call, &key, err) || !api_key_delete(call->store, &key, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "api_key", key.masked);
    field_string(call->out, "key_id", key.key_id);
    show_deletion(call);
    out_end(call->out, '}');
    return true;
}

static bool delete_all_api_keys(struct op_call *call, struct err *err)
{
    struct user user;
    struct key_scope scope;
    int64_t deleted;
    if (!scope_of(call, &user, &scope, err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    if (!show_doomed_keys(call, scope, err) ||
        !api_key_delete_all(call->store, scope, &deleted, err))
        return false;
    field_int(call->out, "deleted_api_keys", deleted);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "user",
        .verb = "generate-api-key",
        .summary = "Make an API key for a user in a project",
        .notes = "The user must be a member of the project. With --show-once no copy is kept: the "
                 "key is printed now and listed masked ever after.",
        .example = "user generate-api-key --email alice@example.com --project-name 'Team Project'\n"
                   "user generate-api-key --email alice@example.com --project-name 'Team Project' "
                   "--name laptop --expires-in 90d",
        .run = generate_api_key,
        .action = "api_key.generate",
        PARAMS(THE_USER, THE_PROJECT, {P_NAME, MAY}, {P_EXPIRES_IN, MAY}, {P_SHOW_ONCE, MAY}),
    },
    {
        .group = "user",
        .verb = "list-api-keys",
        .summary = "List the API keys of a user, in full",
        .notes = "Every key shown in full is a record of the audit.",
        .example = "user list-api-keys --email alice@example.com\n"
                   "user list-api-keys --email alice@example.com --project-name 'Team Project'",
        .run = list_api_keys,
        .action = "api_key.reveal",
        .fields = "api_key,project_id,project_name,created_at,status",
        .columns = "api_key,project_name,status,created_at?",
        PARAMS(THE_USER, A_PROJECT, A_PAGE),
    },
    {
        .group = "user",
        .verb = "list-all-api-keys",
        .summary = "List the API keys of all users, masked",
        .example = "user list-all-api-keys --status active --older-than 90d --output table",
        .run = list_all_api_keys,
        .action = "api_key.reveal",
        .reads_only = lists_masked,
        .fields = "api_key,key_id,user_id,email,project_id,project_name,created_at,status",
        .columns = "api_key,email,project_name,status,created_at?",
        PARAMS({P_REVEAL, MAY}, {P_STATUS, MAY}, {P_OLDER_THAN, MAY}, {P_UNUSED_FOR, MAY},
               {P_EXPIRING_WITHIN, MAY}, A_PAGE),
    },
    {
        .group = "user",
        .verb = "get-api-key",
        .summary = "Show an API key",
        .notes =
            "Naming the key by key_id or masked form shows it in full, which is a record of the "
            "audit; naming it in full shows nothing that was not known.",
        .example = "user get-api-key --api-key @key.txt --details",
        .run = get_api_key,
        .action = "api_key.reveal",
        .reads_only = names_key_in_full,
        PARAMS({P_API_KEY, MUST}, {P_DETAILS, MAY}),
    },
    {
        .group = "user",
        .verb = "rotate-api-key",
        .summary = "Put a new key in the place of an old one",
        .notes =
            "The new key has the project, name, status and expiry of the old one, which ends at "
            "once, or after --grace (but never later than it would have).",
        .example = "user rotate-api-key --api-key @key.txt --grace 24h",
        .run = rotate_api_key,
        .action = "api_key.rotate",
        PARAMS({P_API_KEY, MUST}, {P_GRACE, MAY}),
    },
    {
        .group = "user",
        .verb = "rotate-all-api-keys",
        .summary = "Rotate all API keys of a user in one transaction",
        .notes = "Keys that were rotated before and live on in their grace are left alone.",
        .example = "user rotate-all-api-keys --email alice@example.com",
        .run = rotate_all_api_keys,
        .action = "api_key.rotate",
        .columns = "old_api_key,new_api_key",
        PARAMS(THE_USER, A_PROJECT, {P_GRACE, MAY}),
    },
    {
        .group = "user",
        .verb = "update-api-key",
        .summary = "Change the name or the expiry of an API key",
        .example = "user update-api-key --api-key @key.txt --expires-in 30d",
        .run = update_api_key,
        .action = "api_key.update",
        PARAMS({P_API_KEY, MUST}, {P_NAME, MAY}, {P_EXPIRES_IN, MAY}),
    },
    {
        .group = "user",
        .verb = "disable-api-key",
        .summary = "Stop an API key from working, for now",
        .example = "user disable-api-key --api-key @key.txt",
        .run = disable_api_key,
        .action = "api_key.disable",
        PARAMS({P_API_KEY, MUST}),
    },
    {
        .group = "user",
        .verb = "enable-api-key",
        .summary = "Let a disabled API key work again",
        .example = "user enable-api-key --api-key @key.txt",
        .run = enable_api_key,
        .action = "api_key.enable",
        PARAMS({P_API_KEY, MUST}),
    },
    {
        .group = "user",
        .verb = "delete-api-key",
        .summary = "Delete an API key for good",
        .example = "user delete-api-key --api-key @key.txt",
        .run = delete_api_key,
        .action = "api_key.delete",
        .destructive = true,
        PARAMS({P_API_KEY, MUST}),
    },
    {
        .group = "user",
        .verb = "delete-all-api-keys",
        .summary = "Delete all API keys of a user",
        .example = "user delete-all-api-keys --email alice@example.com",
        .run = delete_all_api_keys,
        .action = "api_key.delete",
        .destructive = true,
        PARAMS(THE_USER, A_PROJECT),
    },
};

const struct op_table api_key_ops = {rows, COUNT_OF(rows)};
