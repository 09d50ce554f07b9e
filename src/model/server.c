// server.c: see server.h.
#include "model/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "model/audit.h"
#include "model/hint.h"
#include "model/rules.h"
#include "model/sealed.h"
#include "model/server_oauth.h"

// What a sealed record is bound to: the config's id, which has always the same length, and the
// server's name.
struct binding {
    char text[UUID_TEXT + LIMIT_NAME + 1];
};

static struct view bind_to(struct binding *binding, const struct config *config, struct view name)
{
    int size =
        snprintf(binding->text, sizeof binding->text, "%s%.*s", config->config_id, VIEW_ARG(name));
    return view_bytes(binding->text, size > 0 ? (size_t)size : 0);
}

static bool audit_server(struct store *store, const struct config *config, const char *action,
                         struct view name, struct view changed, struct err *err)
{
    const struct audit_event event = {.action = action,
                                      .config_id = config->config_id,
                                      .notes = {{"config_name", view_of(config->config_name)},
                                                {"server_name", name},
                                                {"changed", changed}}};
    return audit_write(store, &event, err);
}

bool server_query(struct store *store, const struct config *config, struct page page,
                  struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db,
                    "SELECT n, server_name, record, sealed FROM servers WHERE config = ? AND n > ?"
                    " ORDER BY n LIMIT ?",
                    BIND(v_int(config->n), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

enum step server_next(struct stmt *stmt, struct server *ret_server, struct err *err)
{
    enum step step = stmt_step(stmt, err);
    if (step != STEP_ROW)
        return step;
    struct server server = {
        .n = stmt_int(stmt, 0), .record = stmt_text(stmt, 2), .sealed = stmt_blob(stmt, 3)};
    if (!text_copy(server.server_name, sizeof server.server_name, stmt_text(stmt, 1))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "A server's record is damaged");
        return STEP_FAILED;
    }
    *ret_server = server;
    return STEP_ROW;
}

bool server_select(struct store *store, const struct config *config, struct view name,
                   struct stmt **ret_stmt, struct server *ret_server, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(store->db,
                  "SELECT n, server_name, record, sealed FROM servers"
                  " WHERE config = ? AND server_name = ?",
                  BIND(v_int(config->n), v_view(name)), &stmt, err))
        return false;
    enum step step = server_next(stmt, ret_server, err);
    if (step == STEP_ROW)
        *ret_stmt = TAKE(stmt);
    if (step != STEP_END)
        return step == STEP_ROW;
    err_set(err, ERR_NOT_FOUND, "server_not_found", "Server not found in config %s: %.*s",
            config->config_name, VIEW_ARG(name));
    return hint_command(err, "config list-servers", "--config-name", view_of(config->config_name),
                        NULL);
}

static void start_record(struct buf *buf)
{
    buf_init(buf, LIMIT_SERVER_RECORD);
    buf->secret = true;
}

bool server_open(struct store *store, const struct config *config, const struct server *server,
                 struct buf *ret_record, struct err *err)
{
    struct binding binding;
    struct view context = bind_to(&binding, config, view_of(server->server_name));
    return sealed_open(store, server->sealed, context, ret_record, err);
}

bool server_reveal(struct store *store, const struct config *config, const struct server *server,
                   struct buf *ret_record, struct err *err)
{
    return server_open(store, config, server, ret_record, err) &&
           audit_server(store, config, "config.reveal_server", view_of(server->server_name),
                        (struct view){NULL, 0}, err);
}

bool server_write(struct store *store, const struct config *config, const struct server *server,
                  bool reveal, struct out *out, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf whole AUTO(buf_done);
    const struct json_value *record;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    start_record(&whole);
    if (reveal && !server_reveal(store, config, server, &whole, err))
        return false;
    if (!json_parse_own(reveal ? buf_view(&whole) : server->record, &arena, &record, err))
        return err->kind == ERR_USAGE &&
               err_set(err, ERR_INTEGRITY, "store_corrupt", "The record of a server is damaged: %s",
                       server->server_name);
    // An earlier version may have masked less.
    if (!reveal)
        return server_record_mask(record, out) || err_memory(err);
    json_copy_to_out(record, out);
    return true;
}

// A record in the two forms in which the store keeps it.
struct forms {
    struct buf record; // masked
    uint8_t *sealed;
    size_t sealed_size;
};

static void forms_done(struct forms *forms)
{
    buf_done(&forms->record);
    free(forms->sealed);
    forms->sealed = NULL;
}

static bool mask(const struct json_value *record, struct buf *ret_masked, struct err *err)
{
    struct json_out json;
    json_out_init(&json, ret_masked, JSON_COMPACT);
    bool masked = server_record_mask(record, &json.out);
    if (ret_masked->full)
        return err_set(err, ERR_USAGE, "server_too_large",
                       "The record of a server takes more than %zu bytes with its secrets masked",
                       ret_masked->maximum);
    if (!masked || ret_masked->failed)
        return err_memory(err);
    if (!rule_holds_api_key(buf_view(ret_masked)))
        return true;
    return err_set(err, ERR_USAGE, "stray_api_key",
                   "The record of the server holds an API key where it would be shown");
}

// Whether `shown` becomes `masked` when it is masked once more.
static bool is_masked_less(struct view shown, struct view masked, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf again AUTO(buf_done);
    const struct json_value *record;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    buf_init(&again, 2 * LIMIT_SERVER_RECORD);
    return json_parse_own(shown, &arena, &record, err) && mask(record, &again, err) &&
           view_equal(buf_view(&again), masked);
}

// Whether what is stored for showing is what the whole record is shown as.
static bool compare_forms(const struct server *server, const struct json_value *record,
                          struct err *ret_damage, struct err *err)
{
    struct buf masked AUTO(buf_done);
    struct err trouble;
    buf_init(&masked, 2 * LIMIT_SERVER_RECORD);
    bool done = mask(record, &masked, &trouble);
    if (!done && trouble.kind == ERR_MEMORY)
        return err_memory(err);
    if (done && view_equal(buf_view(&masked), server->record))
        return true;
    if (done && is_masked_less(server->record, buf_view(&masked), &trouble))
        err_set(ret_damage, ERR_INTEGRITY, "record_unmasked",
                "secrets of the server stand unmasked in the store, as an earlier version wrote "
                "them: any config update-server masks them");
    else
        err_set(ret_damage, ERR_INTEGRITY, "record_tampered",
                "what is shown of the server was changed outside this program");
    return true;
}

bool server_examine(struct store *store, const struct config *config, const struct server *server,
                    struct server_state *ret_state, struct err *err)
{
    struct err *damage = &ret_state->damage;
    if (!server_open(store, config, server, &ret_state->whole, damage) ||
        !json_parse_own(buf_view(&ret_state->whole), &ret_state->arena, &ret_state->record, damage))
        return damage->kind != ERR_MEMORY || err_memory(err);
    return compare_forms(server, ret_state->record, damage, err);
}

static bool mask_one_anew(struct store *store, const struct config *config,
                          const struct server *server, struct err *err)
{
    struct server_state state AUTO(server_state_done);
    struct buf masked AUTO(buf_done);
    server_state_init(&state);
    buf_init(&masked, 2 * LIMIT_SERVER_RECORD);
    if (!server_examine(store, config, server, &state, err))
        return false;
    if (state.damage.kind == ERR_NONE || strcmp(state.damage.code, "record_unmasked") != 0)
        return true;
    return mask(state.record, &masked, err) &&
           db_run(store->db, "UPDATE servers SET record = ? WHERE n = ?",
                  BIND(v_view(buf_view(&masked)), v_int(server->n)), err);
}

// The servers' numbers stay as they are, so rows can be changed while they are walked through one
// query each.
static bool mask_next_anew(struct store *store, int64_t *n, bool *ret_found, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config = {0};
    struct server server = {0};
    if (!db_query(store->db,
                  "SELECT s.n, server_name, record, sealed, config_id FROM servers s"
                  " JOIN configs c ON c.n = s.config WHERE s.n > ? ORDER BY s.n LIMIT 1",
                  BIND(v_int(*n)), &stmt, err))
        return false;
    enum step step = server_next(stmt, &server, err);
    *ret_found = step == STEP_ROW;
    if (step != STEP_ROW)
        return step == STEP_END;
    *n = server.n;
    return !text_copy(config.config_id, sizeof config.config_id, stmt_text(stmt, 4)) ||
           mask_one_anew(store, &config, &server, err);
}

bool server_mask_anew(struct store *store, struct err *err)
{
    int64_t n = 0;
    bool found = true;
    while (found)
        if (!mask_next_anew(store, &n, &found, err))
            return false;
    return true;
}

void server_state_init(struct server_state *state)
{
    *state = (struct server_state){.record = NULL};
    arena_init(&state->arena, LIMIT_JSON_MEMORY);
    start_record(&state->whole);
}

void server_state_done(struct server_state *state)
{
    arena_done(&state->arena);
    buf_done(&state->whole);
}

static bool seal(struct store *store, const struct config *config, struct view name,
                 struct view whole, struct forms *ret_forms, struct err *err)
{
    struct binding binding;
    ret_forms->sealed_size = whole.size + VAULT_SEAL_EXTRA;
    ret_forms->sealed = (uint8_t *)malloc(ret_forms->sealed_size);
    if (!ret_forms->sealed)
        return err_memory(err);
    vault_seal_upstream(store->vault, whole, bind_to(&binding, config, name), ret_forms->sealed);
    return true;
}

static bool insert(struct store *store, const struct config *config, struct view name,
                   const struct forms *forms, struct err *err)
{
    return db_run(store->db,
                  "INSERT INTO servers(config, server_name, record, sealed) VALUES(?, ?, ?, ?)",
                  BIND(v_int(config->n), v_view(name), v_view(buf_view(&forms->record)),
                       v_blob(forms->sealed, forms->sealed_size)),
                  err) &&
           audit_server(store, config, "config.add_server", name, (struct view){NULL, 0}, err);
}

static bool check_name_free(struct store *store, const struct config *config, struct view name,
                            struct err *err)
{
    int64_t holder;
    if (!store_number(store, "SELECT n FROM servers WHERE config = ? AND server_name = ?",
                      BIND(v_int(config->n), v_view(name)), &holder, err))
        return false;
    if (holder == 0)
        return true;
    err_set(err, ERR_CONFLICT, "server_exists",
            "Server with name already exists in config %s: %.*s", config->config_name,
            VIEW_ARG(name));
    return hint_command(err, "config get-server", "--config-name", view_of(config->config_name),
                        "--server-name", name, NULL);
}

// Builds, checks, masks and seals a record; `*ret_name` is in the arena or the source.
static bool prepare(struct store *store, const struct config *config,
                    const struct json_value *present, const struct server_change *change,
                    struct forms *ret_forms, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf whole AUTO(buf_done);
    const struct json_value *record;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    start_record(&whole);
    buf_init(&ret_forms->record, 2 * LIMIT_SERVER_RECORD);
    if (!server_record_build(present, change, &whole, err))
        return false;
    if (!json_parse_within(buf_view(&whole), LIMIT_RECORD_DEPTH, &arena, &record, err))
        return err->kind == ERR_USAGE &&
               err_set(err, ERR_USAGE, "invalid_server",
                       "The record of the server is nested too deeply or names a tool twice");
    return server_record_check(record, err) && server_oauth_check(record, err) &&
           mask(record, &ret_forms->record, err) &&
           seal(store, config, json_text(json_member(record, "server_name")), buf_view(&whole),
                ret_forms, err);
}

bool server_add(struct store *store, const struct config *config, const struct json_value *source,
                const struct server_change *change, struct err *err)
{
    struct forms forms AUTO(forms_done) = {0};
    struct view name = change->server_name.data ? change->server_name
                                                : json_text(server_member(source, "server_name"));
    return prepare(store, config, source, change, &forms, err) &&
           check_name_free(store, config, name, err) && insert(store, config, name, &forms, err);
}

bool server_is(struct store *store, const struct config *config, const struct server *server,
               const struct json_value *source, bool *ret_same, struct err *err)
{
    struct buf present AUTO(buf_done), coming AUTO(buf_done);
    const struct server_change nothing = {0};
    start_record(&present);
    start_record(&coming);
    bool both = server_open(store, config, server, &present, err) &&
                server_record_build(source, &nothing, &coming, err);
    if (!both && err->kind != ERR_INTEGRITY && err->kind != ERR_USAGE)
        return false;
    *ret_same = both && view_equal(buf_view(&present), buf_view(&coming));
    return true;
}

// Which members a change touches, for the audit: `config, tools`.
static void name_changes(const struct server_change *change, struct buf *ret_names)
{
    const struct {
        bool changed;
        const char *name;
    } members[] = {
        {change->description.data, "description"},
        {change->command.data, "command"},
        {change->args, "args"},
        {change->env, "env"},
        {change->url.data, "url"},
        {change->headers, "headers"},
        {change->allow_private_addresses, "allow_private_addresses"},
        {change->isolation.data, "isolation"},
        {change->protocol.data, "protocol"},
        {change->tools, "tools"},
        {change->policies[POLICY_TOOL], server_policy_names[POLICY_TOOL]},
        {change->policies[POLICY_INPUT], server_policy_names[POLICY_INPUT]},
        {change->policies[POLICY_OUTPUT], server_policy_names[POLICY_OUTPUT]},
        {change->oauth, "oauth_config"},
        {change->validation, "enable_server_info_validation"},
    };
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].changed)
            buf_add_format(ret_names, "%s%s", ret_names->size ? ", " : "", members[i].name);
}

bool server_update(struct store *store, const struct config *config, const struct server *server,
                   const struct server_change *change, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf whole AUTO(buf_done), names AUTO(buf_done);
    struct forms forms AUTO(forms_done) = {0};
    const struct json_value *present;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    start_record(&whole);
    buf_init(&names, 512);
    name_changes(change, &names);
    if (names.failed)
        return err_memory(err);
    return server_open(store, config, server, &whole, err) &&
           json_parse_own(buf_view(&whole), &arena, &present, err) &&
           prepare(store, config, present, change, &forms, err) &&
           db_run(store->db, "UPDATE servers SET record = ?, sealed = ? WHERE n = ?",
                  BIND(v_view(buf_view(&forms.record)), v_blob(forms.sealed, forms.sealed_size),
                       v_int(server->n)),
                  err) &&
           audit_server(store, config, "config.update_server", view_of(server->server_name),
                        buf_view(&names), err);
}

static bool copy_one(struct store *store, const struct config *source, const struct server *server,
                     const struct config *target, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf whole AUTO(buf_done);
    const struct server_change nothing = {0};
    const struct json_value *record;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    start_record(&whole);
    return server_open(store, source, server, &whole, err) &&
           json_parse_own(buf_view(&whole), &arena, &record, err) &&
           server_add(store, target, record, &nothing, err);
}

bool server_copy_all(struct store *store, const struct config *source, const struct config *target,
                     struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    const struct audit_event event = {.action = "config.copy",
                                      .config_id = target->config_id,
                                      .notes = {{"config_name", view_of(target->config_name)},
                                                {"source_config", view_of(source->config_name)}}};
    if (!server_query(store, source, PAGE_ALL, &stmt, err))
        return false;
    while ((step = server_next(stmt, &server, err)) == STEP_ROW)
        if (!copy_one(store, source, &server, target, err))
            return false;
    return step == STEP_END && audit_write(store, &event, err);
}

bool server_remove(struct store *store, const struct config *config, const struct server *server,
                   struct err *err)
{
    return db_run(store->db, "DELETE FROM servers WHERE n = ?", BIND(v_int(server->n)), err) &&
           audit_server(store, config, "config.remove_server", view_of(server->server_name),
                        (struct view){NULL, 0}, err);
}

bool server_remove_all(struct store *store, const struct config *config, int64_t *ret_removed,
                       struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    int64_t removed = 0;
    if (!server_query(store, config, PAGE_ALL, &stmt, err))
        return false;
    for (; (step = server_next(stmt, &server, err)) == STEP_ROW; removed++)
        if (!audit_server(store, config, "config.remove_server", view_of(server.server_name),
                          (struct view){NULL, 0}, err))
            return false;
    if (step == STEP_FAILED ||
        !db_run(store->db, "DELETE FROM servers WHERE config = ?", BIND(v_int(config->n)), err))
        return false;
    *ret_removed = removed;
    return true;
}
