// exchange_export.c: from the store into the file, see exchange.h.
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/json_out.h"
#include "model/api_key.h"
#include "model/audit.h"
#include "model/exchange.h"
#include "model/exchange_read.h"
#include "model/kept.h"
#include "model/kept_of.h"
#include "model/rules.h"
#include "model/server.h"

enum { TELL_EVERY = 64 }; // keys

struct sheet {
    struct store *store;
    struct out *out;
    bool reveal;
    int64_t hidden; // keys that are not shown
    int64_t kept;   // owners of further members
    struct exchange_tampered tampered;
};

// The further members that came with the thing, to the object under way.
static bool export_further(struct sheet *sheet, enum kept_kind kind, const char *owner,
                           enum exchange_kind known, struct err *err)
{
    const struct kept_look look = {exchange_known(known, true), sheet->reveal};
    return sheet->kept == 0 || kept_of_write(sheet->store, kind, owner, look, sheet->out, err);
}

static bool export_config(struct sheet *sheet, const struct config *config, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    field_begin(sheet->out, config->config_id, '{');
    field_string(sheet->out, "mcp_config_name", config->config_name);
    field_begin(sheet->out, "mcp_config", '[');
    if (!server_query(sheet->store, config, PAGE_ALL, &stmt, err))
        return false;
    while ((step = server_next(stmt, &server, err)) == STEP_ROW)
        if (!server_write(sheet->store, config, &server, sheet->reveal, sheet->out, err))
            return false;
    out_end(sheet->out, ']');
    if (step == STEP_END &&
        !export_further(sheet, KEPT_OF_CONFIG, config->config_id, EXCHANGE_CONFIG, err))
        return false;
    out_end(sheet->out, '}');
    return step == STEP_END;
}

static bool export_configs(struct sheet *sheet, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config;
    enum step step;
    if (!config_query(sheet->store, PAGE_ALL, &stmt, err))
        return false;
    field_begin(sheet->out, "mcp_configs", '{');
    while ((step = config_next(stmt, &config, err)) == STEP_ROW)
        if (!export_config(sheet, &config, err))
            return false;
    out_end(sheet->out, '}');
    return step == STEP_END;
}

static bool export_members(struct sheet *sheet, const struct project *project, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct user user;
    enum step step;
    if (!project_query_members(sheet->store, project, PAGE_ALL, &stmt, err))
        return false;
    field_begin(sheet->out, "users", '[');
    while ((step = user_next(stmt, &user, err)) == STEP_ROW)
        out_text(sheet->out, view_of(user.user_id));
    out_end(sheet->out, ']');
    return step == STEP_END;
}

static bool export_projects(struct sheet *sheet, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct project project;
    struct out *out = sheet->out;
    enum step step;
    if (!project_query(sheet->store, (struct view){NULL, 0}, PAGE_ALL, &stmt, err))
        return false;
    field_begin(out, "projects", '{');
    while ((step = project_next(stmt, &project, err)) == STEP_ROW) {
        field_begin(out, project.project_id, '{');
        field_string(out, "project_name", project.project_name);
        field_string(out, "mcp_config_id", project.config.n ? project.config.config_id : NULL);
        if (!export_members(sheet, &project, err))
            return false;
        field_time(out, "created_at", project.created_at);
        if (!export_further(sheet, KEPT_OF_PROJECT, project.project_id, EXCHANGE_PROJECT, err))
            return false;
        out_end(out, '}');
    }
    out_end(out, '}');
    return step == STEP_END;
}

static bool export_users(struct sheet *sheet, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct user user;
    struct out *out = sheet->out;
    enum step step;
    if (!user_query(sheet->store, PAGE_ALL, &stmt, err))
        return false;
    field_begin(out, "users", '{');
    while ((step = user_next(stmt, &user, err)) == STEP_ROW) {
        field_begin(out, user.user_id, '{');
        field_string(out, "email", user.email);
        field_time(out, "created_at", user.created_at);
        if (!export_further(sheet, KEPT_OF_USER, user.user_id, EXCHANGE_USER, err))
            return false;
        out_end(out, '}');
    }
    out_end(out, '}');
    return step == STEP_END;
}

// What the file says of a key. The original knows the first five members.
static void show_key(struct out *out, const struct api_key *key)
{
    field_string(out, "project_id", key->project_id);
    field_string(out, "user_id", key->user_id);
    field_time(out, "created_at", key->created_at);
    if (key->disabled_at) {
        field_bool(out, "disabled", true);
        field_time(out, "disabled_at", key->disabled_at);
    }
    if (key->name[0])
        field_string(out, "name", key->name);
    if (key->expires_at)
        field_time(out, "expires_at", key->expires_at);
}

static bool can_show(const struct sheet *sheet, const struct api_key *key)
{
    return sheet->reveal && key->has_sealed && key->status != KEY_TAMPERED;
}

static bool export_key(struct sheet *sheet, const struct api_key *key, struct clear_key *clear,
                       struct err *err)
{
    bool shown;
    if (!can_show(sheet, key)) {
        sheet->hidden++;
        if (key->status == KEY_TAMPERED && sheet->tampered.count++ == 0)
            memcpy(sheet->tampered.first_key_id, key->key_id, sizeof key->key_id);
        return true;
    }
    if (!api_key_reveal(sheet->store, key, clear, &shown, err))
        return false;
    out_key_view(sheet->out, clear_key_view(clear));
    out_begin(sheet->out, '{');
    show_key(sheet->out, key);
    // When it was disabled before is told by a kept member, when it is disabled by the key.
    enum exchange_kind kind = EXCHANGE_API_KEY;
    const struct kept_look look = {exchange_known(kind, key->disabled_at != 0), sheet->reveal};
    if (sheet->kept > 0 &&
        !kept_of_write(sheet->store, KEPT_OF_KEY, key->key_id, look, sheet->out, err))
        return false;
    out_end(sheet->out, '}');
    return true;
}

static bool export_keys(struct sheet *sheet, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct api_key key;
    enum step step;
    int64_t done = 0, total = 0;
    if (!clear)
        return err_memory(err);
    if (!store_number(sheet->store, "SELECT count(*) FROM api_keys", BIND_NOTHING, &total, err) ||
        !api_key_query(sheet->store, (struct key_scope){0}, &stmt, err))
        return false;
    field_begin(sheet->out, "apikeys", '{');
    while ((step = api_key_next(sheet->store, stmt, &key, err)) == STEP_ROW) {
        if (!export_key(sheet, &key, clear, err))
            return false;
        if (++done % TELL_EVERY == 0)
            progress_tell(sheet->store->progress, "apikeys", done, total);
    }
    out_end(sheet->out, '}');
    return step == STEP_END;
}

// The keys that `apikeys` does not have, in a form from which nobody takes them for keys.
static bool export_hidden_keys(struct sheet *sheet, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct api_key key;
    enum step step;
    if (sheet->hidden == 0)
        return true;
    if (!api_key_query(sheet->store, (struct key_scope){0}, &stmt, err))
        return false;
    field_begin(sheet->out, "masked_apikeys", '[');
    while ((step = api_key_next(sheet->store, stmt, &key, err)) == STEP_ROW) {
        if (can_show(sheet, &key))
            continue;
        out_begin(sheet->out, '{');
        field_string(sheet->out, "api_key", key.masked);
        field_string(sheet->out, "key_id", key.key_id);
        show_key(sheet->out, &key);
        field_string(sheet->out, "status", key_status_text(key.status));
        out_end(sheet->out, '}');
    }
    out_end(sheet->out, ']');
    return step == STEP_END;
}

static bool record_showing(struct sheet *sheet, const struct kept *kept, struct err *err)
{
    const struct audit_event event = {.action = "system.reveal_member",
                                      .notes = {{"member", view_of(kept->name)}}};
    return !sheet->reveal || audit_write(sheet->store, &event, err);
}

static bool damaged(const struct kept *kept, struct err *err)
{
    return err->kind == ERR_USAGE &&
           err_set(err, ERR_INTEGRITY, "store_corrupt", "A kept member is damaged: %s", kept->name);
}

static bool export_kept(struct sheet *sheet, const struct kept *kept, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf json AUTO(buf_done);
    const struct json_value *value;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    buf_init(&json, LIMIT_SERVER_RECORD);
    json.secret = true;
    if (!kept_open(sheet->store, kept, &json, err) || !record_showing(sheet, kept, err))
        return false;
    if (!json_parse_own(buf_view(&json), &arena, &value, err))
        return damaged(kept, err);
    struct json_value named = *value;
    named.key = view_of(kept->name);
    out_key_view(sheet->out, named.key);
    if (!sheet->reveal)
        return kept_show_masked(&named, sheet->out, err);
    json_copy_to_out(&named, sheet->out);
    return true;
}

// The kept member of this name; of NULL: all but the two that the original has.
static bool export_kept_members(struct sheet *sheet, const char *wanted, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct kept kept;
    enum step step;
    bool found = false;
    if (!kept_query(sheet->store, &stmt, err))
        return false;
    while ((step = kept_next(stmt, &kept, err)) == STEP_ROW) {
        struct view name = view_of(kept.name);
        if (wanted ? !view_is(name, wanted) : exchange_is_usual(name))
            continue;
        found = true;
        if (!export_kept(sheet, &kept, err))
            return false;
    }
    if (wanted && !found) {
        field_begin(sheet->out, wanted, '{');
        out_end(sheet->out, '}');
    }
    return step == STEP_END;
}

static bool record(struct sheet *sheet, struct err *err)
{
    const struct audit_event event = {.action = "system.export"};
    return !sheet->reveal ||
           (store_unlock(sheet->store, err) && audit_write(sheet->store, &event, err));
}

bool exchange_export(struct store *store, bool reveal, struct out *out,
                     struct exchange_tampered *ret_tampered, struct err *err)
{
    struct sheet sheet = {.store = store, .out = out, .reveal = reveal};
    out_begin(out, '{');
    if (!reveal)
        field_string(out, "export_note",
                     "Secrets are masked in this file. Its API keys cannot be imported: use system "
                     "export --reveal for a file that has them.");
    bool done =
        record(&sheet, err) &&
        store_number(store, "SELECT count(*) FROM kept_of", BIND_NOTHING, &sheet.kept, err) &&
        export_kept_members(&sheet, "common_mcp_gateway_config", err) &&
        export_kept_members(&sheet, "plugins", err) && export_configs(&sheet, err) &&
        export_projects(&sheet, err) && export_users(&sheet, err) && export_keys(&sheet, err) &&
        export_hidden_keys(&sheet, err) && export_kept_members(&sheet, NULL, err);
    out_end(out, '}');
    if (done)
        *ret_tampered = sheet.tampered;
    return done;
}
