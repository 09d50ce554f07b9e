// op_server.c: `config …`: the MCP servers of a config.
#include "base/arena.h"
#include "base/json.h"
#include "ops/show.h"
#include "ops/table.h"

// A parameter whose text is JSON, as a value; NULL when it was not given.
static bool read_value(const struct op_call *call, enum param param, struct arena *arena,
                       const struct json_value **ret_value, struct err *err)
{
    return !call_has(call, param) || json_parse(call_text(call, param), arena, ret_value, err);
}

// `A,B,C` as the list that ["A","B","C"] is.
static bool split_list(struct view text, struct arena *arena, const struct json_value **ret_list,
                       struct err *err)
{
    struct json_value *list = (struct json_value *)arena_take(arena, sizeof *list);
    const struct json_value **link = list ? &list->first : NULL;
    bool more = text.size > 0;
    if (!list)
        return err_memory(err);
    list->type = JSON_ARRAY;
    while (more) {
        struct json_value *item = (struct json_value *)arena_take(arena, sizeof *item);
        if (!item)
            return err_memory(err);
        const char *comma = text.size ? memchr(text.data, ',', text.size) : NULL;
        size_t size = comma ? (size_t)(comma - text.data) : text.size;
        item->type = JSON_TEXT;
        item->text = size ? (struct view){text.data, size} : VIEW("");
        *link = item;
        link = &item->next;
        list->count++;
        more = comma != NULL;
        text = view_skip(text, size + more);
    }
    *ret_list = list;
    return true;
}

static bool read_args(const struct op_call *call, struct arena *arena,
                      const struct json_value **ret_args, struct err *err)
{
    struct view text = call_text(call, P_ARGS);
    if (!call_has(call, P_ARGS))
        return true;
    if (text.size > 0 && text.data[0] == '[')
        return json_parse(text, arena, ret_args, err);
    return split_list(text, arena, ret_args, err);
}

// What the options of add-server and update-server say.
static bool read_change(const struct op_call *call, struct arena *arena,
                        struct server_change *ret_change, struct err *err)
{
    struct server_change change = {
        .description = call_text(call, P_DESCRIPTION),
        .command = call_text(call, P_SERVER_COMMAND),
        .url = call_text(call, P_URL),
        .allow_private_addresses = call_has(call, P_ALLOW_PRIVATE_ADDRESSES),
        .isolation = call_text(call, P_ISOLATION),
        .protocol = call_text(call, P_PROTOCOL),
    };
    const struct {
        enum param param;
        const struct json_value **value;
    } values[] = {
        {P_ENV, &change.env},
        {P_HEADERS, &change.headers},
        {P_TOOLS, &change.tools},
        {P_OAUTH, &change.oauth},
        {P_ENABLE_SERVER_INFO_VALIDATION, &change.validation},
        {P_INPUT_GUARDRAILS_POLICY, &change.policies[POLICY_INPUT]},
        {P_OUTPUT_GUARDRAILS_POLICY, &change.policies[POLICY_OUTPUT]},
        {P_TOOL_GUARDRAILS_POLICY, &change.policies[POLICY_TOOL]},
    };
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (!read_value(call, values[i].param, arena, values[i].value, err))
            return false;
    if (!read_args(call, arena, &change.args, err))
        return false;
    *ret_change = change;
    return true;
}

// Config and server that the options name. `ret_stmt` keeps the server's row.
static bool select_server(struct op_call *call, struct config *ret_config, struct stmt **ret_stmt,
                          struct server *ret_server, struct err *err)
{
    return call_config(call, ret_config, err) &&
           server_select(call->store, ret_config, call_text(call, P_SERVER_NAME), ret_stmt,
                         ret_server, err);
}

// The server as it now is.
static bool show_stored(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct server server;
    return select_server(call, &config, &stmt, &server, err) &&
           show_server(call, &config, &server, err);
}

// Servers have no id: a page begins behind the one of a name.
static bool page_of_servers(const struct op_call *call, const struct config *config,
                            struct page *ret_page, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server last = {0};
    if (call_has(call, P_AFTER) &&
        !server_select(call->store, config, call_text(call, P_AFTER), &stmt, &last, err))
        return false;
    *ret_page = (struct page){.after = last.n, .limit = call_number(call, P_LIMIT)};
    return true;
}

static bool list_servers(struct op_call *call, struct err *err)
{
    struct config config;
    struct page page;
    return call_config(call, &config, err) && page_of_servers(call, &config, &page, err) &&
           show_servers(call, &config, page, err);
}

static bool add_server(struct op_call *call, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct server_change change;
    struct config config;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    if (!call_has(call, P_SERVER_COMMAND) && !call_has(call, P_URL)) {
        err_set(err, ERR_USAGE, "option_missing",
                "config add-server needs --server-command or --url");
        return err_hint(err, "secure-mcp-gateway config add-server --help");
    }
    if (!read_change(call, &arena, &change, err))
        return false;
    change.server_name = call_text(call, P_SERVER_NAME);
    return call_config(call, &config, err) &&
           server_add(call->store, &config, NULL, &change, err) && show_stored(call, err);
}

static bool update_by(struct op_call *call, const struct server_change *change, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct server server;
    return select_server(call, &config, &stmt, &server, err) &&
           server_update(call->store, &config, &server, change, err) && show_stored(call, err);
}

static bool nothing_to_change(const struct op_call *call, const char *verb, struct err *err)
{
    (void)call;
    err_set(err, ERR_USAGE, "option_missing", "config %s needs something to change", verb);
    return err_hint(err, "secure-mcp-gateway config %s --help", verb);
}

static bool update_server(struct op_call *call, struct err *err)
{
    static const enum param changes[] = {P_SERVER_COMMAND,
                                         P_ARGS,
                                         P_ENV,
                                         P_URL,
                                         P_HEADERS,
                                         P_ALLOW_PRIVATE_ADDRESSES,
                                         P_ISOLATION,
                                         P_PROTOCOL,
                                         P_TOOLS,
                                         P_DESCRIPTION,
                                         P_ENABLE_SERVER_INFO_VALIDATION,
                                         P_INPUT_GUARDRAILS_POLICY,
                                         P_OUTPUT_GUARDRAILS_POLICY,
                                         P_TOOL_GUARDRAILS_POLICY,
                                         P_OAUTH};
    struct arena arena AUTO(arena_done);
    struct server_change change;
    bool any = false;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        any = any || call_has(call, changes[i]);
    if (!any)
        return nothing_to_change(call, "update-server", err);
    return read_change(call, &arena, &change, err) && update_by(call, &change, err);
}

static bool remove_server(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    struct server server;
    if (!select_server(call, &config, &stmt, &server, err) ||
        !server_remove(call->store, &config, &server, err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    field_string(call->out, "server_name", server.server_name);
    show_deletion(call);
    out_end(call->out, '}');
    return true;
}

static bool remove_all_servers(struct op_call *call, struct err *err)
{
    struct config config;
    int64_t removed;
    if (!call_config(call, &config, err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    if (!show_doomed_servers(call, &config, err) ||
        !server_remove_all(call->store, &config, &removed, err))
        return false;
    field_int(call->out, "deleted_servers", removed);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

// A policy given as --…policy or as --…policy-file.
static bool read_policy(const struct op_call *call, enum param inline_param, enum param file_param,
                        struct arena *arena, const struct json_value **ret_policy, struct err *err)
{
    if (call_has(call, inline_param) && call_has(call, file_param))
        return err_set(err, ERR_USAGE, "options_disagree", "Give --%s or --%s, not both",
                       param_rows[inline_param].name, param_rows[file_param].name);
    return read_value(call, call_has(call, file_param) ? file_param : inline_param, arena,
                      ret_policy, err);
}

static bool update_guardrails(struct op_call *call, const char *verb, bool input, bool output,
                              struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct server_change change = {0};
    const struct json_value *both = NULL;
    const struct json_value **policies = change.policies;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    if (!read_policy(call, P_POLICY, P_POLICY_FILE, &arena, &both, err))
        return false;
    if (input && output &&
        (!read_policy(call, P_INPUT_POLICY, P_INPUT_POLICY_FILE, &arena, &policies[POLICY_INPUT],
                      err) ||
         !read_policy(call, P_OUTPUT_POLICY, P_OUTPUT_POLICY_FILE, &arena, &policies[POLICY_OUTPUT],
                      err)))
        return false;
    if (input && !policies[POLICY_INPUT])
        policies[POLICY_INPUT] = both;
    if (output && !policies[POLICY_OUTPUT])
        policies[POLICY_OUTPUT] = both;
    if (!policies[POLICY_INPUT] && !policies[POLICY_OUTPUT])
        return nothing_to_change(call, verb, err);
    return update_by(call, &change, err);
}

static bool update_input_guardrails(struct op_call *call, struct err *err)
{
    return update_guardrails(call, "update-server-input-guardrails", true, false, err);
}

static bool update_output_guardrails(struct op_call *call, struct err *err)
{
    return update_guardrails(call, "update-server-output-guardrails", false, true, err);
}

static bool update_both_guardrails(struct op_call *call, struct err *err)
{
    return update_guardrails(call, "update-server-guardrails", true, true, err);
}

#define THE_SERVER                                                                                 \
    THE_CONFIG,                                                                                    \
    {                                                                                              \
        P_SERVER_NAME, MUST                                                                        \
    }
#define SERVER_OPTIONS                                                                             \
    {P_SERVER_COMMAND, MAY}, {P_ARGS, MAY}, {P_ENV, MAY}, {P_URL, MAY}, {P_HEADERS, MAY},          \
        {P_ALLOW_PRIVATE_ADDRESSES, MAY}, {P_ISOLATION, MAY}, {P_PROTOCOL, MAY}, {P_TOOLS, MAY},   \
        {P_DESCRIPTION, MAY}, {P_ENABLE_SERVER_INFO_VALIDATION, MAY},                              \
        {P_INPUT_GUARDRAILS_POLICY, MAY}, {P_OUTPUT_GUARDRAILS_POLICY, MAY},                       \
        {P_TOOL_GUARDRAILS_POLICY, MAY},                                                           \
    {                                                                                              \
        P_OAUTH, MAY                                                                               \
    }

static const char masks_note[] =
    "A secret given as **** stays as it is. A policy, --env and the like are replaced as a whole.";

static const struct op rows[] = {
    {
        .group = "config",
        .verb = "list-servers",
        .summary = "List the MCP servers of a config",
        .notes = "Secrets are masked; --reveal shows them.",
        .example = "config list-servers --config-name prod-config",
        .run = list_servers,
        .reads_only = shows_no_secrets,
        PARAMS(THE_CONFIG, A_PAGE, {P_REVEAL, MAY}),
        .helps = {{P_AFTER, "go on after the server of this name"}},
    },
    {
        .group = "config",
        .verb = "get-server",
        .summary = "Show an MCP server of a config",
        .notes = "Secrets are masked; --reveal shows them.",
        .example = "config get-server --config-name prod-config --server-name github",
        .run = show_stored,
        .reads_only = shows_no_secrets,
        PARAMS(THE_SERVER, {P_REVEAL, MAY}),
    },
    {
        .group = "config",
        .verb = "add-server",
        .summary = "Add an MCP server to a config",
        .notes =
            "The server is a program (--server-command) or is reached over HTTP (--url). "
            "Values of --env, --headers and --oauth are kept sealed and shown masked. A program "
            "gets the environment of --env and nothing else, but for PATH and HOME where "
            "--env has none.",
        .example = "config add-server --config-name prod-config --server-name github "
                   "--server-command npx --args -y,@modelcontextprotocol/server-github "
                   "--env @env.json\n"
                   "config add-server --config-name prod-config --server-name search "
                   "--url https://mcp.example.com/mcp --headers @headers.json",
        .run = add_server,
        PARAMS(THE_SERVER, SERVER_OPTIONS),
    },
    {
        .group = "config",
        .verb = "update-server",
        .summary = "Change an MCP server of a config",
        .notes = masks_note,
        .example = "config update-server --config-name prod-config --server-name github "
                   "--tools '[\"search_code\"]'",
        .run = update_server,
        PARAMS(THE_SERVER, SERVER_OPTIONS),
    },
    {
        .group = "config",
        .verb = "remove-server",
        .summary = "Remove an MCP server from a config",
        .example = "config remove-server --config-name prod-config --server-name github",
        .run = remove_server,
        .destructive = true,
        PARAMS(THE_SERVER),
    },
    {
        .group = "config",
        .verb = "remove-all-servers",
        .summary = "Remove all MCP servers from a config",
        .example = "config remove-all-servers --config-name prod-config --dry-run",
        .run = remove_all_servers,
        .destructive = true,
        PARAMS(THE_CONFIG),
    },
    {
        .group = "config",
        .verb = "update-server-input-guardrails",
        .summary = "Change the policy for what goes to an MCP server",
        .example = "config update-server-input-guardrails --config-name prod-config "
                   "--server-name github --policy '{\"enabled\": true, \"policy_name\": \"strict\","
                   " \"block\": [\"pii\"]}'",
        .run = update_input_guardrails,
        PARAMS(THE_SERVER, {P_POLICY, MAY}, {P_POLICY_FILE, MAY}),
    },
    {
        .group = "config",
        .verb = "update-server-output-guardrails",
        .summary = "Change the policy for what comes from an MCP server",
        .example = "config update-server-output-guardrails --config-name prod-config "
                   "--server-name github --policy-file policy.json",
        .run = update_output_guardrails,
        PARAMS(THE_SERVER, {P_POLICY, MAY}, {P_POLICY_FILE, MAY}),
    },
    {
        .group = "config",
        .verb = "update-server-guardrails",
        .summary = "Change the policies for what goes to and comes from an MCP server",
        .notes = "--policy is for both directions, where none of its own is given.",
        .example = "config update-server-guardrails --config-name prod-config "
                   "--server-name github --input-policy-file in.json --output-policy-file out.json",
        .run = update_both_guardrails,
        PARAMS(THE_SERVER, {P_POLICY, MAY}, {P_POLICY_FILE, MAY}, {P_INPUT_POLICY, MAY},
               {P_INPUT_POLICY_FILE, MAY}, {P_OUTPUT_POLICY, MAY}, {P_OUTPUT_POLICY_FILE, MAY}),
    },
};

const struct op_table server_ops = {rows, COUNT_OF(rows)};
