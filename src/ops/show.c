// show.c: see show.h.
#include "ops/show.h"

void show_user_names(struct out *out, const struct user *user)
{
    field_string(out, "user_id", user->user_id);
    field_string(out, "email", user->email);
}

void show_project_names(struct out *out, struct view project_id, struct view project_name)
{
    field_text(out, "project_id", project_id);
    field_text(out, "project_name", project_name);
}

void show_config_names(struct out *out, const struct config *config)
{
    field_string(out, "mcp_config_id", config->config_id);
    field_string(out, "mcp_config_name", config->config_name);
}

bool show_projects_of(struct op_call *call, const struct user *user, const char *keys,
                      struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    enum step step;
    if (!project_query_user(call->store, user, PAGE_ALL, &stmt, err))
        return false;
    field_begin(call->out, "projects", '[');
    while ((step = project_next(stmt, &project, err)) == STEP_ROW) {
        out_begin(call->out, '{');
        show_project_names(call->out, view_of(project.project_id), view_of(project.project_name));
        if (keys)
            field_int(call->out, keys, project.api_keys);
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

void show_project_config(struct out *out, const struct config *config)
{
    if (config->n == 0) {
        field_null(out, "mcp_config");
        return;
    }
    field_begin(out, "mcp_config", '{');
    show_config_names(out, config);
    out_end(out, '}');
}

bool show_full_key(struct op_call *call, const struct api_key *key, struct clear_key *clear,
                   struct err *err)
{
    bool shown;
    if (!api_key_reveal(call->store, key, clear, &shown, err))
        return false;
    field_text(call->out, "api_key", shown ? clear_key_view(clear) : view_of(key->masked));
    return true;
}

bool show_doomed_keys(struct op_call *call, struct key_scope scope, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct api_key key;
    enum step step;
    if (!call_has(call, P_DRY_RUN))
        return true;
    if (!api_key_query(call->store, scope, &stmt, err))
        return false;
    field_begin(call->out, "api_keys", '[');
    while ((step = api_key_next(call->store, stmt, &key, err)) == STEP_ROW) {
        out_begin(call->out, '{');
        field_string(call->out, "api_key", key.masked);
        field_string(call->out, "key_id", key.key_id);
        field_string(call->out, "user_id", key.user_id);
        show_project_names(call->out, view_of(key.project_id), view_of(key.project_name));
        out_end(call->out, '}');
    }
    out_end(call->out, ']');
    return step == STEP_END;
}

void show_dry_run(struct op_call *call)
{
    if (call_has(call, P_DRY_RUN))
        field_bool(call->out, "dry_run", true);
}

void show_deletion(struct op_call *call)
{
    field_time(call->out, "deleted_at", call_has(call, P_DRY_RUN) ? 0 : call->store->now);
    show_dry_run(call);
}

bool show_server(struct op_call *call, const struct config *config, const struct server *server,
                 struct err *err)
{
    return server_write(call->store, config, server, call_has(call, P_REVEAL), call->out, err);
}

bool show_servers(struct op_call *call, const struct config *config, struct page page,
                  struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    if (!server_query(call->store, config, page, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = server_next(stmt, &server, err)) == STEP_ROW)
        if (!show_server(call, config, &server, err))
            return false;
    out_end(call->out, ']');
    return step == STEP_END;
}

bool show_doomed_servers(struct op_call *call, const struct config *config, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    if (!call_has(call, P_DRY_RUN))
        return true;
    if (!server_query(call->store, config, PAGE_ALL, &stmt, err))
        return false;
    field_begin(call->out, "servers", '[');
    while ((step = server_next(stmt, &server, err)) == STEP_ROW)
        out_text(call->out, view_of(server.server_name));
    out_end(call->out, ']');
    return step == STEP_END;
}

bool shows_no_secrets(const struct args *args)
{
    return !args->list[P_REVEAL].given;
}
