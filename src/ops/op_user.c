// op_user.c: `user …`: the accounts themselves.
#include "model/hint.h"
#include "model/removal.h"
#include "model/user_listing.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

static bool show_listed_projects(struct out *out, struct user_listing *listing, struct err *err)
{
    struct view project_id, project_name;
    enum step step;
    field_begin(out, "projects", '[');
    while ((step = user_listing_project(listing, &project_id, &project_name, err)) == STEP_ROW) {
        out_begin(out, '{');
        show_project_names(out, project_id, project_name);
        out_end(out, '}');
    }
    out_end(out, ']');
    return step == STEP_END;
}

static bool user_list(struct op_call *call, struct err *err)
{
    struct user_listing *listing AUTO(user_listing_free) = NULL;
    struct out *out = call->out;
    struct user user;
    struct page page;
    int64_t api_keys;
    enum step step;
    if (!call_page(call, PAGE_BY_USER, &page, err) ||
        !user_listing_open(call->store, page, &listing, err))
        return false;
    out_begin(out, '[');
    while ((step = user_listing_next(listing, &user, &api_keys, err)) == STEP_ROW) {
        out_begin(out, '{');
        show_user_names(out, &user);
        field_time(out, "created_at", user.created_at);
        if (!show_listed_projects(out, listing, err))
            return false;
        field_int(out, "api_keys", api_keys);
        out_end(out, '}');
    }
    out_end(out, ']');
    return step == STEP_END;
}

static bool user_create_op(struct op_call *call, struct err *err)
{
    struct user user;
    if (!user_create(call->store, call_text(call, P_EMAIL), &user, err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    field_time(call->out, "created_at", user.created_at);
    out_end(call->out, '}');
    return true;
}

static bool show_masked_keys_of(struct op_call *call, const struct user *user, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct out *out = call->out;
    struct api_key key;
    enum step step;
    if (!api_key_query(call->store, (struct key_scope){.user = user->n}, &stmt, err))
        return false;
    field_begin(out, "api_keys", '[');
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW) {
        out_begin(out, '{');
        field_string(out, "api_key", key.masked);
        show_project_names(out, view_of(key.project_id), view_of(key.project_name));
        field_time(out, "created_at", key.created_at);
        out_end(out, '}');
    }
    out_end(out, ']');
    return step == STEP_END;
}

static bool user_get(struct op_call *call, struct err *err)
{
    struct user user;
    if (!call_user(call, &user, err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    field_time(call->out, "created_at", user.created_at);
    if (!show_projects_of(call, &user, NULL, err) || !show_masked_keys_of(call, &user, err))
        return false;
    out_end(call->out, '}');
    return true;
}

static bool user_update(struct op_call *call, struct err *err)
{
    struct user user;
    if (!call_user(call, &user, err) ||
        !user_set_email(call->store, &user, call_text(call, P_NEW_EMAIL), err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    field_time(call->out, "updated_at", call->store->now);
    out_end(call->out, '}');
    return true;
}

static bool user_delete_op(struct op_call *call, struct err *err)
{
    struct user user;
    struct user_removal removal;
    if (!call_user(call, &user, err))
        return false;
    out_begin(call->out, '{');
    show_user_names(call->out, &user);
    bool doomed = call_has(call, P_DRY_RUN);
    if (doomed && (!show_projects_of(call, &user, NULL, err) ||
                   !show_doomed_keys(call, (struct key_scope){.user = user.n}, err)))
        return false;
    if (!user_delete(call->store, &user, call_has(call, P_FORCE), &removal, err))
        return false;
    field_int(call->out, "deleted_api_keys", removal.deleted_api_keys);
    field_int(call->out, "removed_from_projects", removal.removed_from_projects);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static bool user_list_projects(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct out *out = call->out;
    struct user user;
    struct project project;
    struct page page;
    enum step step;
    if (!call_user(call, &user, err) || !call_page(call, PAGE_BY_PROJECT, &page, err) ||
        !project_query_user(call->store, &user, page, &stmt, err))
        return false;
    out_begin(out, '[');
    while ((step = project_next(stmt, &project, err)) == STEP_ROW) {
        out_begin(out, '{');
        show_project_names(out, view_of(project.project_id), view_of(project.project_name));
        field_int(out, "api_keys", project.api_keys);
        show_project_config(out, &project.config);
        out_end(out, '}');
    }
    out_end(out, ']');
    return step == STEP_END;
}

static bool user_search_op(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct out *out = call->out;
    struct user_match match;
    struct page page;
    enum step step;
    if (!call_page(call, PAGE_BY_USER, &page, err) ||
        !user_search(call->store, call_text(call, P_SEARCH_TERM), page, &stmt, err))
        return false;
    out_begin(out, '[');
    while ((step = user_match_next(stmt, &match, err)) == STEP_ROW) {
        out_begin(out, '{');
        show_user_names(out, &match.user);
        field_string(out, "match_type", match.by_email ? "email" : "project_name");
        field_int(out, "projects", match.projects);
        field_int(out, "api_keys", match.api_keys);
        out_end(out, '}');
    }
    out_end(out, ']');
    return step == STEP_END;
}

static const struct op rows[] = {
    {
        .group = "user",
        .verb = "list",
        .summary = "List all users",
        .example = "user list\nuser list --limit 100 --after 6469a670-1d64-4da5-b2b3-790de21ac726",
        .run = user_list,
        .effect = EFFECT_READ,
        .fields = "user_id,email,created_at,projects,api_keys",
        .columns = "email,projects,api_keys,user_id?",
        PARAMS(A_PAGE),
    },
    {
        .group = "user",
        .verb = "create",
        .summary = "Create a user",
        .notes = "Addresses are unique without regard to case and shown as they were given.",
        .example = "user create --email alice@example.com",
        .run = user_create_op,
        .plain = "user_id",
        PARAMS({P_EMAIL, MUST}),
    },
    {
        .group = "user",
        .verb = "get",
        .summary = "Show a user with projects and masked keys",
        .example = "user get --email alice@example.com",
        .run = user_get,
        .effect = EFFECT_READ,
        PARAMS(THE_USER),
    },
    {
        .group = "user",
        .verb = "update",
        .summary = "Change a user's e-mail address",
        .example = "user update --email alice@example.com --new-email alice.smith@example.com",
        .run = user_update,
        PARAMS(THE_USER, {P_NEW_EMAIL, MUST}),
    },
    {
        .group = "user",
        .verb = "delete",
        .summary = "Delete a user",
        .notes =
            "Refused while the user has API keys; --force deletes keys, memberships and user in "
            "one transaction.",
        .example = "user delete --email alice@example.com\n"
                   "user delete --email alice@example.com --force",
        .run = user_delete_op,
        .destructive = true,
        PARAMS(THE_USER, {P_FORCE, MAY}),
    },
    {
        .group = "user",
        .verb = "list-projects",
        .summary = "List the projects of a user",
        .example = "user list-projects --email alice@example.com",
        .run = user_list_projects,
        .effect = EFFECT_READ,
        .fields = "project_id,project_name,api_keys,mcp_config",
        .columns = "project_name,api_keys,mcp_config,project_id?",
        PARAMS(THE_USER, A_PAGE),
    },
    {
        .group = "user",
        .verb = "search",
        .summary = "Search users by e-mail address or project name",
        .example = "user search --search-term admin",
        .run = user_search_op,
        .effect = EFFECT_READ,
        .fields = "user_id,email,match_type,projects,api_keys",
        .columns = "email,match_type:match,projects,api_keys,user_id?",
        PARAMS({P_SEARCH_TERM, MUST}, A_PAGE),
    },
};

const struct op_table user_ops = {rows, COUNT_OF(rows)};
