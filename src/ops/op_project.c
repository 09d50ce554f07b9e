// op_project.c: `project …`: the projects themselves.
#include "model/removal.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

static void show_listed(struct out *out, const struct project *project)
{
    out_begin(out, '{');
    field_string(out, "project_name", project->project_name);
    field_string(out, "project_id", project->project_id);
    show_project_config(out, &project->config);
    field_int(out, "users", project->users);
    field_int(out, "api_keys", project->api_keys);
    field_time(out, "created_at", project->created_at);
    out_end(out, '}');
}

// All projects, or those that --search-term finds.
static bool project_list(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    struct page page;
    enum step step;
    if (!call_page(call, PAGE_BY_PROJECT, &page, err) ||
        !project_query(call->store, call_text(call, P_SEARCH_TERM), page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = project_next(stmt, &project, err)) == STEP_ROW)
        show_listed(call->out, &project);
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool project_create_op(struct op_call *call, struct err *err)
{
    struct project project;
    if (!project_create(call->store, call_text(call, P_PROJECT_NAME), &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    field_time(call->out, "created_at", project.created_at);
    out_end(call->out, '}');
    return true;
}

static bool show_members(struct op_call *call, const struct project *project, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct user user;
    enum step step;
    if (!project_query_members(call->store, project, PAGE_ALL, &stmt, err))
        return false;
    field_begin(call->out, "users", '[');
    while ((step = user_next(stmt, &user, err)) == STEP_ROW) {
        out_begin(call->out, '{');
        show_user_names(call->out, &user);
        field_time(call->out, "created_at", user.created_at);
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool project_get(struct op_call *call, struct err *err)
{
    struct project project;
    if (!call_project(call, &project, err) || !project_count(call->store, &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    show_project_config(call->out, &project.config);
    if (!show_members(call, &project, err))
        return false;
    field_int(call->out, "api_keys", project.api_keys);
    field_time(call->out, "created_at", project.created_at);
    out_end(call->out, '}');
    return true;
}

static bool project_rename_op(struct op_call *call, struct err *err)
{
    struct project project;
    if (!call_project(call, &project, err) ||
        !project_rename(call->store, &project, call_text(call, P_NEW_NAME), err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    field_time(call->out, "updated_at", call->store->now);
    out_end(call->out, '}');
    return true;
}

static bool project_remove_op(struct op_call *call, struct err *err)
{
    struct project project;
    int64_t deleted;
    if (!call_project(call, &project, err) || !project_count(call->store, &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    if (!show_doomed_keys(call, (struct key_scope){.project = project.n}, err) ||
        !project_remove(call->store, &project, call_has(call, P_FORCE), &deleted, err))
        return false;
    field_int(call->out, "removed_users", project.users);
    field_int(call->out, "deleted_api_keys", deleted);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static void show_assignment(struct op_call *call, const struct project *project, bool changed)
{
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project->project_id), view_of(project->project_name));
    show_project_config(call->out, &project->config);
    field_bool(call->out, "changed", changed);
    out_end(call->out, '}');
}

static bool project_assign_config(struct op_call *call, struct err *err)
{
    struct project project;
    struct config config;
    bool changed;
    if (!call_project(call, &project, err) || !call_config(call, &config, err) ||
        !project_set_config(call->store, &project, &config, &changed, err))
        return false;
    show_assignment(call, &project, changed);
    return true;
}

static bool project_unassign_config(struct op_call *call, struct err *err)
{
    struct project project;
    bool changed;
    if (!call_project(call, &project, err) ||
        !project_set_config(call->store, &project, NULL, &changed, err))
        return false;
    show_assignment(call, &project, changed);
    return true;
}

static bool project_get_config(struct op_call *call, struct err *err)
{
    struct project project;
    if (!call_project(call, &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    show_project_config(call->out, &project.config);
    out_end(call->out, '}');
    return true;
}

// The state of a key for the export: everything but what could be used or shown.
static void show_exported_key(struct out *out, const struct api_key *key)
{
    out_begin(out, '{');
    field_string(out, "api_key", key->masked);
    field_string(out, "key_id", key->key_id);
    field_string(out, "user_id", key->user_id);
    field_string(out, "email", key->email);
    field_text(out, "name", key->name[0] ? view_of(key->name) : (struct view){NULL, 0});
    field_time(out, "created_at", key->created_at);
    field_time(out, "expires_at", key->expires_at);
    field_time(out, "disabled_at", key->disabled_at);
    field_string(out, "status", key_status_text(key->status));
    out_end(out, '}');
}

static bool project_export(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    struct api_key key;
    enum step step;
    if (!call_project(call, &project, err))
        return false;
    out_begin(call->out, '{');
    show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
    field_time(call->out, "created_at", project.created_at);
    show_project_config(call->out, &project.config);
    if (!show_members(call, &project, err) ||
        !api_key_query(call->store, (struct key_scope){.project = project.n}, &stmt, err))
        return false;
    field_begin(call->out, "api_keys", '[');
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW)
        show_exported_key(call->out, &key);
    out_end(call->out, ']');
    out_end(call->out, '}');
    return step == STEP_END;
}

static const struct op rows[] = {
    {
        .group = "project",
        .verb = "list",
        .summary = "List all projects",
        .example = "project list --output table",
        .run = project_list,
        .effect = EFFECT_READ,
        .fields = "project_name,project_id,mcp_config,users,api_keys,created_at",
        .columns = "project_name,mcp_config,users,api_keys,project_id?",
        PARAMS(A_PAGE),
    },
    {
        .group = "project",
        .verb = "create",
        .summary = "Create a project",
        .example = "project create --project-name 'Team Project'",
        .run = project_create_op,
        .plain = "project_id",
        PARAMS({P_PROJECT_NAME, MUST}),
    },
    {
        .group = "project",
        .verb = "get",
        .summary = "Show a project with its members",
        .example = "project get --project-name 'Team Project'",
        .run = project_get,
        .effect = EFFECT_READ,
        PARAMS(THE_PROJECT),
    },
    {
        .group = "project",
        .verb = "rename",
        .summary = "Rename a project",
        .example = "project rename --project-name 'Team Project' --new-name 'Core Team'",
        .run = project_rename_op,
        PARAMS(THE_PROJECT, {P_NEW_NAME, MUST}),
    },
    {
        .group = "project",
        .verb = "remove",
        .summary = "Remove a project",
        .notes = "Refused while the project has API keys; --force deletes them too.",
        .example = "project remove --project-name 'Team Project' --dry-run --force",
        .run = project_remove_op,
        .destructive = true,
        PARAMS(THE_PROJECT, {P_FORCE, MAY}),
    },
    {
        .group = "project",
        .verb = "assign-config",
        .summary = "Give a project the config whose servers its keys reach",
        .example = "project assign-config --project-name 'Team Project' --config-name prod-config",
        .run = project_assign_config,
        PARAMS(THE_PROJECT, THE_CONFIG),
    },
    {
        .group = "project",
        .verb = "unassign-config",
        .summary = "Take the config away from a project",
        .example = "project unassign-config --project-name 'Team Project'",
        .run = project_unassign_config,
        PARAMS(THE_PROJECT),
    },
    {
        .group = "project",
        .verb = "get-config",
        .summary = "Show which config a project uses",
        .example = "project get-config --project-name 'Team Project'",
        .run = project_get_config,
        .effect = EFFECT_READ,
        PARAMS(THE_PROJECT),
    },
    {
        .group = "project",
        .verb = "export",
        .summary = "Write a project with members and keys (without their secrets) to a file",
        .example = "project export --project-name 'Team Project' --output-file team.json",
        .run = project_export,
        .effect = EFFECT_READ,
        PARAMS(THE_PROJECT, {P_OUTPUT_FILE, MUST}),
    },
    {
        .group = "project",
        .verb = "search",
        .summary = "Search projects by name",
        .example = "project search --search-term team",
        .run = project_list,
        .effect = EFFECT_READ,
        .fields = "project_name,project_id,mcp_config,users,api_keys,created_at",
        .columns = "project_name,mcp_config,users,api_keys,project_id?",
        PARAMS({P_SEARCH_TERM, MUST}, A_PAGE),
    },
};

const struct op_table project_ops = {rows, COUNT_OF(rows)};
