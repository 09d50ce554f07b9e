// op_config_file.c: `config …`: whole configs to and from files, and what is wrong with them.
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "model/kept_of.h"
#include "model/server_spec.h"
#include "model/server_validate.h"
#include "ops/show.h"
#include "ops/table.h"

// The members of an exported config; others come from where it was imported from.
static const char *const own_members[] = {"mcp_config_id", "mcp_config_name", "created_at",
                                          "mcp_config", NULL};

static bool config_export(struct op_call *call, struct err *err)
{
    struct config config;
    if (!call_config(call, &config, err))
        return false;
    out_begin(call->out, '{');
    show_config_names(call->out, &config);
    field_time(call->out, "created_at", config.created_at);
    out_key(call->out, "mcp_config");
    if (!show_servers(call, &config, PAGE_ALL, err) ||
        !kept_of_write(call->store, KEPT_OF_CONFIG, config.config_id,
                       (struct kept_look){own_members, call_has(call, P_REVEAL)}, call->out, err))
        return false;
    out_end(call->out, '}');
    return true;
}

struct import {
    struct op_call *call;
    struct config config;
    int64_t servers, masked;
    size_t kept; // further members
};

static bool import_record(struct import *import, const struct json_value *record,
                          struct view server_name, struct err *err)
{
    const struct server_change change = {.server_name = server_name};
    import->servers++;
    import->masked += (int64_t)server_record_masked(record);
    if (record->type != JSON_OBJECT)
        return err_set(err, ERR_USAGE, "invalid_server", "Server %lld of the file is no object",
                       (long long)import->servers);
    if (server_add(import->call->store, &import->config, record, &change, err))
        return true;
    err->hint[0] = '\0'; // it would lead to a config that is not there
    return false;
}

static bool import_records(struct import *import, const struct json_value *records, struct err *err)
{
    for (const struct json_value *record = json_first(records); record; record = record->next)
        if (!import_record(import, record, (struct view){NULL, 0}, err))
            return false;
    return true;
}

// As clients write them: {"name": {"command": …}}. The inner object is what we call `config`.
static bool import_client_servers(struct import *import, const struct json_value *servers,
                                  struct err *err)
{
    for (const struct json_value *server = json_first(servers); server; server = server->next) {
        struct json_value config = *server, record = {.type = JSON_OBJECT};
        config.key = VIEW("config");
        config.next = NULL;
        record.first = &config;
        record.count = 1;
        if (!import_record(import, &record, server->key, err))
            return false;
    }
    return true;
}

// What else an exported config says, keeps standing beside its servers.
static bool keep_others(struct import *import, const struct json_value *file, struct err *err)
{
    struct buf json AUTO(buf_done);
    buf_init(&json, LIMIT_SERVER_RECORD);
    json.secret = true;
    if (!kept_of_collect(file, own_members, &json, &import->kept, err))
        return false;
    import->masked += (int64_t)server_masks(file, own_members);
    return import->kept == 0 || kept_of_add(import->call->store, KEPT_OF_CONFIG,
                                            import->config.config_id, buf_view(&json), err);
}

static bool import_file(struct import *import, const struct json_value *file, struct err *err)
{
    const struct json_value *records =
        file->type == JSON_ARRAY ? file : server_member(file, "mcp_config");
    const struct json_value *servers = server_member(file, "mcpServers");
    if (json_is(records, JSON_ARRAY))
        return import_records(import, records, err) &&
               (file->type != JSON_OBJECT || keep_others(import, file, err));
    if (json_is(servers, JSON_OBJECT))
        return import_client_servers(import, servers, err);
    return err_set(err, ERR_USAGE, "invalid_import",
                   "The file holds no servers: expected a list of records, an object with "
                   "mcp_config, or one with mcpServers");
}

static bool config_import(struct op_call *call, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct view content = call->args->input;
    struct import import = {.call = call};
    const struct json_value *file;
    struct out *out = call->out;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    if (!json_parse(content.size ? content : VIEW(""), &arena, &file, err) ||
        !config_add(call->store, call_text(call, P_CONFIG_NAME), &import.config, err) ||
        !import_file(&import, file, err))
        return false;
    out_begin(out, '{');
    show_config_names(out, &import.config);
    field_int(out, "servers", import.servers);
    field_int(out, "kept_members", (int64_t)import.kept);
    field_int(out, "masked_secrets", import.masked);
    field_time(out, "created_at", import.config.created_at);
    out_end(out, '}');
    return true;
}

struct validation {
    struct op_call *call;
    struct config config;
    int64_t problems, warnings;
};

static void show_finding(struct out *out, const char *code, const char *message)
{
    out_begin(out, '{');
    field_string(out, "code", code);
    field_string(out, "member", "record");
    field_string(out, "message", message);
    out_end(out, '}');
}

static bool validate_server(struct validation *validation, const struct server *server,
                            struct err *err)
{
    struct server_state state AUTO(server_state_done);
    struct out *out = validation->call->out;
    int64_t before = validation->problems;
    server_state_init(&state);
    if (!server_examine(validation->call->store, &validation->config, server, &state, err))
        return false;
    out_begin(out, '{');
    field_string(out, "server_name", server->server_name);
    field_begin(out, "problems", '[');
    if (state.damage.kind != ERR_NONE) {
        show_finding(out, state.damage.code, state.damage.message);
        validation->problems++;
    }
    validation->problems += state.record ? server_validate(state.record, STOPS, out) : 0;
    out_end(out, ']');
    field_begin(out, "warnings", '[');
    validation->warnings += state.record ? server_validate(state.record, WARNS, out) : 0;
    out_end(out, ']');
    field_string(out, "status", validation->problems > before ? "invalid" : "valid");
    out_end(out, '}');
    return true;
}

static bool validate_servers(struct validation *validation, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    if (!server_query(validation->call->store, &validation->config, PAGE_ALL, &stmt, err))
        return false;
    field_begin(validation->call->out, "servers", '[');
    while ((step = server_next(stmt, &server, err)) == STEP_ROW)
        if (!validate_server(validation, &server, err))
            return false;
    out_end(validation->call->out, ']');
    return step == STEP_END;
}

static bool config_validate(struct op_call *call, struct err *err)
{
    struct validation validation = {.call = call};
    struct out *out = call->out;
    if (!call_config(call, &validation.config, err))
        return false;
    out_begin(out, '{');
    show_config_names(out, &validation.config);
    if (!validate_servers(&validation, err))
        return false;
    field_int(out, "problems", validation.problems);
    field_int(out, "warnings", validation.warnings);
    call->negative = validation.problems > 0;
    field_string(out, "status", call->negative ? "invalid" : "valid");
    out_end(out, '}');
    if (call->negative)
        err_set(err, ERR_PRECONDITION, "config_invalid", "The config has %lld problems: %s",
                (long long)validation.problems, validation.config.config_name);
    return true;
}

static const struct op rows[] = {
    {
        .group = "config",
        .verb = "validate",
        .summary = "Say what would stop each MCP server of a config from working",
        .notes = "Exits with 1 when something would. Programs are looked for on the PATH of --env, "
                 "or where the gateway looks without one: " SERVER_PATH ". Nothing is started or "
                 "connected to.",
        .example = "config validate --config-name prod-config",
        .run = config_validate,
        .effect = EFFECT_READ,
        PARAMS(THE_CONFIG),
    },
    {
        .group = "config",
        .verb = "export",
        .summary = "Write a config with its MCP servers to a file",
        .notes = "Secrets are masked unless --reveal is given. The file can be imported again.",
        .example = "config export --config-name prod-config --output-file prod-config.json",
        .run = config_export,
        .reads_only = shows_no_secrets,
        PARAMS(THE_CONFIG, {P_OUTPUT_FILE, MUST}, {P_REVEAL, MAY}),
    },
    {
        .group = "config",
        .verb = "import",
        .summary = "Make a config of the MCP servers in a file",
        .notes = "The file is an export, a list of server records, or a client's file with "
                 "mcpServers. Masked secrets have to be given again with update-server.",
        .example = "config import --input-file prod-config.json --config-name test-config",
        .run = config_import,
        .input = true,
        PARAMS({P_INPUT_FILE, MUST}, {P_CONFIG_NAME, MUST}),
    },
};

const struct op_table config_file_ops = {rows, COUNT_OF(rows)};
