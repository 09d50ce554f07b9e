// op_member.c: `project …-user…`: who is in a project.
#include "model/removal.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

static bool project_list_users(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    struct user user;
    struct page page;
    enum step step;
    if (!call_project(call, &project, err) || !call_page(call, PAGE_BY_USER, &page, err) ||
        !project_query_members(call->store, &project, page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = user_next(stmt, &user, err)) == STEP_ROW) {
        const struct key_scope scope = {.user = user.n, .project = project.n};
        struct key_counts keys;
        if (!api_key_count(call->store, scope, &keys, err))
            return false;
        out_begin(call->out, '{');
        show_user_names(call->out, &user);
        field_int(call->out, "api_keys", keys.active + keys.disabled + keys.expired);
        field_time(call->out, "created_at", user.created_at);
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

static void show_membership(struct out *out, const struct project *project, const struct user *user)
{
    show_project_names(out, view_of(project->project_id), view_of(project->project_name));
    show_user_names(out, user);
}

static bool project_add_user_op(struct op_call *call, struct err *err)
{
    struct project project;
    struct user user;
    bool changed;
    if (!call_project(call, &project, err) || !call_user(call, &user, err) ||
        !project_add_user(call->store, &project, &user, &changed, err))
        return false;
    out_begin(call->out, '{');
    show_membership(call->out, &project, &user);
    field_bool(call->out, "changed", changed);
    out_end(call->out, '}');
    return true;
}

static bool project_remove_user_op(struct op_call *call, struct err *err)
{
    struct project project;
    struct user user;
    bool changed;
    int64_t deleted;
    if (!call_project(call, &project, err) || !call_user(call, &user, err))
        return false;
    const struct key_scope scope = {.user = user.n, .project = project.n};
    out_begin(call->out, '{');
    show_membership(call->out, &project, &user);
    if (!show_doomed_keys(call, scope, err) ||
        !project_remove_user(call->store, &project, &user, &changed, &deleted, err))
        return false;
    field_int(call->out, "deleted_api_keys", deleted);
    field_bool(call->out, "changed", changed);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static bool project_remove_all_users_op(struct op_call *call, struct err *err)
{
    struct project project;
    int64_t removed, deleted;
    if (!call_project(call, &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    if (!show_doomed_keys(call, (struct key_scope){.project = project.n}, err) ||
        !project_remove_all_users(call->store, &project, &removed, &deleted, err))
        return false;
    field_int(call->out, "removed_users", removed);
    field_int(call->out, "deleted_api_keys", deleted);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "project",
        .verb = "list-users",
        .summary = "List the members of a project",
        .example = "project list-users --project-name 'Team Project'",
        .run = project_list_users,
        .effect = EFFECT_READ,
        .fields = "user_id,email,api_keys,created_at",
        .columns = "email,api_keys,user_id?",
        PARAMS(THE_PROJECT, A_PAGE),
    },
    {
        .group = "project",
        .verb = "add-user",
        .summary = "Make a user a member of a project",
        .example = "project add-user --project-name 'Team Project' --email alice@example.com",
        .run = project_add_user_op,
        PARAMS(THE_PROJECT, THE_USER),
    },
    {
        .group = "project",
        .verb = "remove-user",
        .summary = "Take a user out of a project, revoking the user's keys for it",
        .example = "project remove-user --project-name 'Team Project' --email alice@example.com",
        .run = project_remove_user_op,
        .destructive = true,
        PARAMS(THE_PROJECT, THE_USER),
    },
    {
        .group = "project",
        .verb = "remove-all-users",
        .summary = "Take all users out of a project, revoking their keys for it",
        .example = "project remove-all-users --project-name 'Team Project'",
        .run = project_remove_all_users_op,
        .action = "project.remove_user",
        .destructive = true,
        PARAMS(THE_PROJECT),
    },
};

const struct op_table member_ops = {rows, COUNT_OF(rows)};
