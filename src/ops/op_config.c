// op_config.c: `config …`: configs as far as projects need them.
#include "ops/page.h"
#include "ops/show.h"
#include "ops/table.h"

static void show_config(struct out *out, const struct config *config)
{
    out_begin(out, '{');
    field_string(out, "mcp_config_id", config->config_id);
    field_string(out, "mcp_config_name", config->config_name);
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

static bool config_get(struct op_call *call, struct err *err)
{
    struct config config;
    if (!call_config(call, &config, err))
        return false;
    show_config(call->out, &config);
    return true;
}

static bool config_remove_op(struct op_call *call, struct err *err)
{
    struct config config;
    if (!call_config(call, &config, err) || !config_remove(call->store, &config, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "mcp_config_id", config.config_id);
    field_string(call->out, "mcp_config_name", config.config_name);
    field_time(call->out, "deleted_at", call->store->now);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "config",
        .verb = "list",
        .summary = "List all configs",
        .example = "config list --output table",
        .run = config_list,
        .effect = EFFECT_READ,
        .fields = "mcp_config_id,mcp_config_name,projects,created_at",
        .columns = "mcp_config_name,projects,mcp_config_id?",
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
        .verb = "get",
        .summary = "Show a config",
        .example = "config get --config-name prod-config",
        .run = config_get,
        .effect = EFFECT_READ,
        PARAMS(THE_CONFIG),
    },
    {
        .group = "config",
        .verb = "remove",
        .summary = "Remove a config",
        .notes = "Refused while a project uses it.",
        .example = "config remove --config-name prod-config",
        .run = config_remove_op,
        .destructive = true,
        PARAMS(THE_CONFIG),
    },
};

const struct op_table config_ops = {rows, COUNT_OF(rows)};
