// op_config.c: `config …`: the configs themselves. Their servers are in op_server.c.
#include "model/kept_of.h"
#include "model/removal.h"
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

static void show_config(struct out *out, const struct config *config)
{
    out_begin(out, '{');
    show_config_names(out, config);
    field_int(out, "servers", config->servers);
    field_int(out, "projects", config->projects);
    field_time(out, "created_at", config->created_at);
    out_end(out, '}');
}

static bool config_list(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct page page;
    enum step step;
    if (!call_page(call, PAGE_BY_CONFIG, &page, err) ||
        !config_query(call->store, page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = config_next(stmt, &config, err)) == STEP_ROW)
        show_config(call->out, &config);
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool config_add_op(struct op_call *call, struct err *err)
{
    struct config config;
    if (!config_add(call->store, call_text(call, P_CONFIG_NAME), &config, err))
        return false;
    show_config(call->out, &config);
    return true;
}

static bool config_copy(struct op_call *call, struct err *err)
{
    const struct view none = {NULL, 0};
    struct config source, target;
    if (!config_select(call->store, call_text(call, P_SOURCE_CONFIG), none, &source, err) ||
        !config_add(call->store, call_text(call, P_TARGET_CONFIG), &target, err) ||
        !server_copy_all(call->store, &source, &target, err) ||
        !kept_of_copy(call->store, KEPT_OF_CONFIG, source.config_id, target.config_id, err))
        return false;
    target.servers = source.servers;
    show_config(call->out, &target);
    return true;
}

static bool config_rename_op(struct op_call *call, struct err *err)
{
    struct config config;
    if (!call_config(call, &config, err) ||
        !config_rename(call->store, &config, call_text(call, P_NEW_NAME), err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    field_time(call->out, "updated_at", call->store->now);
    out_end(call->out, '}');
    return true;
}

static bool config_get(struct op_call *call, struct err *err)
{
    struct config config;
    if (!call_config(call, &config, err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    out_key(call->out, "mcp_config");
    if (!show_servers(call, &config, PAGE_ALL, err))
        return false;
    field_int(call->out, "projects", config.projects);
    field_time(call->out, "created_at", config.created_at);
    out_end(call->out, '}');
    return true;
}

static bool config_remove_op(struct op_call *call, struct err *err)
{
    struct config config;
    int64_t deleted;
    if (!call_config(call, &config, err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    if (!show_doomed_servers(call, &config, err) ||
        !config_remove(call->store, &config, &deleted, err))
        return false;
    field_int(call->out, "deleted_servers", deleted);
    show_deletion(call);
    out_end(call->out, '}');
    return true;
}

static bool config_search(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct page page;
    enum step step;
    if (!call_page(call, PAGE_BY_CONFIG, &page, err) ||
        !config_query_term(call->store, call_text(call, P_SEARCH_TERM), page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = config_next(stmt, &config, err)) == STEP_ROW) {
        out_begin(call->out, '{');
        show_config_names(call->out, &config);
        field_int(call->out, "servers", config.servers);
        field_int(call->out, "projects", config.projects);
        field_time(call->out, "created_at", config.created_at);
        field_string(call->out, "match_type",
                     config_found_by_name(stmt) ? "config_name" : "server_name");
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool config_list_projects(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct project project;
    struct page page;
    enum step step;
    if (!call_config(call, &config, err) || !call_page(call, PAGE_BY_PROJECT, &page, err) ||
        !project_query_config(call->store, &config, page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = project_next(stmt, &project, err)) == STEP_ROW) {
        out_begin(call->out, '{');
        show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
        field_int(call->out, "users", project.users);
        field_int(call->out, "api_keys", project.api_keys);
        field_time(call->out, "created_at", project.created_at);
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

static const struct op rows[] = {
    {
        .group = "config",
        .verb = "list",
        .summary = "List all configs",
        .example = "config list --output table",
        .run = config_list,
        .effect = EFFECT_READ,
        .fields = "mcp_config_id,mcp_config_name,servers,projects,created_at",
        .columns = "mcp_config_name,servers,projects,mcp_config_id?",
        PARAMS(A_PAGE),
    },
    {
        .group = "config",
        .verb = "add",
        .summary = "Add a config",
        .example = "config add --config-name prod-config",
        .run = config_add_op,
        .plain = "mcp_config_id",
        PARAMS({P_CONFIG_NAME, MUST}),
    },
    {
        .group = "config",
        .verb = "copy",
        .summary = "Make a config with the MCP servers of another",
        .notes = "The copy has the secrets of the servers, too. No project uses it yet.",
        .example = "config copy --source-config prod-config --target-config test-config",
        .run = config_copy,
        .plain = "mcp_config_id",
        PARAMS({P_SOURCE_CONFIG, MUST}, {P_TARGET_CONFIG, MUST}),
    },
    {
        .group = "config",
        .verb = "rename",
        .summary = "Rename a config",
        .example = "config rename --config-name prod-config --new-name production",
        .run = config_rename_op,
        PARAMS(THE_CONFIG, {P_NEW_NAME, MUST}),
    },
    {
        .group = "config",
        .verb = "get",
        .summary = "Show a config with its MCP servers",
        .notes = "Secrets of servers are masked; --reveal shows them.",
        .example = "config get --config-name prod-config",
        .run = config_get,
        .reads_only = shows_no_secrets,
        PARAMS(THE_CONFIG, {P_REVEAL, MAY}),
    },
    {
        .group = "config",
        .verb = "remove",
        .summary = "Remove a config with its MCP servers",
        .notes = "Refused while a project uses it.",
        .example = "config remove --config-name prod-config",
        .run = config_remove_op,
        .destructive = true,
        PARAMS(THE_CONFIG),
    },
    {
        .group = "config",
        .verb = "search",
        .summary = "Search configs by name or by the name of a server",
        .example = "config search --search-term github",
        .run = config_search,
        .effect = EFFECT_READ,
        PARAMS({P_SEARCH_TERM, MUST}, A_PAGE),
    },
    {
        .group = "config",
        .verb = "list-projects",
        .summary = "List the projects that use a config",
        .example = "config list-projects --config-name prod-config",
        .run = config_list_projects,
        .effect = EFFECT_READ,
        PARAMS(THE_CONFIG, A_PAGE),
    },
};

const struct op_table config_ops = {rows, COUNT_OF(rows)};
