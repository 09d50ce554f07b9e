// kept_of.c: see kept_of.h.
#include "model/kept_of.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/text.h"
#include "model/audit.h"
#include "model/kept.h"
#include "model/rules.h"
#include "model/sealed.h"

static const char *const kind_names[] = {
    [KEPT_OF_USER] = "users",
    [KEPT_OF_PROJECT] = "projects",
    [KEPT_OF_CONFIG] = "mcp_configs",
    [KEPT_OF_KEY] = "apikeys",
};

// What a sealed value is bound to. No id of a config begins like this, see server.c, and no other
// kept member is called like this, see kept.c.
struct binding {
    char text[UUID_TEXT + 32];
};

static struct view bind_to(struct binding *binding, enum kept_kind kind, const char *owner)
{
    int size =
        snprintf(binding->text, sizeof binding->text, "kept of %s %.36s", kind_names[kind], owner);
    return view_bytes(binding->text, size > 0 ? (size_t)size : 0);
}

static bool is_known(struct view name, const char *const *known)
{
    while (*known && !view_is(name, *known))
        known++;
    return *known != NULL;
}

bool kept_of_collect(const struct json_value *object, const char *const *known,
                     struct buf *ret_json, size_t *ret_count, struct err *err)
{
    struct json_out json;
    *ret_count = 0;
    json_out_init(&json, ret_json, JSON_COMPACT);
    for (const struct json_value *member = json_first(object); member; member = member->next) {
        if (is_known(member->key, known))
            continue;
        if (rule_holds_api_key(member->key))
            return err_set(err, ERR_USAGE, "stray_api_key",
                           "the name of one of its further members holds an API key");
        if ((*ret_count)++ == 0)
            out_begin(&json.out, '{');
        out_key_view(&json.out, member->key);
        json_copy_to_out(member, &json.out);
    }
    if (*ret_count > 0)
        out_end(&json.out, '}');
    if (ret_json->full)
        return err_set(err, ERR_USAGE, "too_large", "its further members take more than %zu bytes",
                       ret_json->maximum);
    return !ret_json->failed || err_memory(err);
}

bool kept_of_add(struct store *store, enum kept_kind kind, const char *owner, struct view json,
                 struct err *err)
{
    struct binding binding;
    size_t size = json.size + VAULT_SEAL_EXTRA;
    uint8_t *sealed = (uint8_t *)malloc(size);
    if (!sealed)
        return err_memory(err);
    vault_seal_upstream(store->vault, json, bind_to(&binding, kind, owner), sealed);
    bool done = db_run(store->db, "INSERT INTO kept_of(kind, owner, sealed) VALUES(?, ?, ?)",
                       BIND(v_text(kind_names[kind]), v_text(owner), v_blob(sealed, size)), err);
    free(sealed);
    return done;
}

bool kept_of_find(struct store *store, enum kept_kind kind, const char *owner, bool *ret_found,
                  struct buf *ret_json, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct binding binding;
    if (!db_query(store->db, "SELECT sealed FROM kept_of WHERE kind = ? AND owner = ?",
                  BIND(v_text(kind_names[kind]), v_text(owner)), &stmt, err))
        return false;
    enum step step = stmt_step(stmt, err);
    *ret_found = step == STEP_ROW;
    if (step != STEP_ROW)
        return step == STEP_END;
    return sealed_open(store, stmt_blob(stmt, 0), bind_to(&binding, kind, owner), ret_json, err);
}

static bool record_showing(struct store *store, enum kept_kind kind, const char *owner,
                           struct err *err)
{
    struct audit_event event = {.action = "system.reveal_member",
                                .notes = {{"member", view_of(kind_names[kind])}}};
    const char **ids[] = {
        [KEPT_OF_USER] = &event.user_id,
        [KEPT_OF_PROJECT] = &event.project_id,
        [KEPT_OF_CONFIG] = &event.config_id,
        [KEPT_OF_KEY] = &event.key_id,
    };
    *ids[kind] = owner;
    return audit_write(store, &event, err);
}

static bool write_members(const struct json_value *object, struct kept_look look, struct out *out,
                          struct err *err)
{
    for (const struct json_value *member = json_first(object); member; member = member->next) {
        if (is_known(member->key, look.known))
            continue;
        out_key_view(out, member->key);
        if (look.reveal)
            json_copy_to_out(member, out);
        else if (!kept_show_masked(member, out, err))
            return false;
    }
    return true;
}

bool kept_of_write(struct store *store, enum kept_kind kind, const char *owner,
                   struct kept_look look, struct out *out, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf json AUTO(buf_done);
    const struct json_value *object;
    bool found;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    buf_init(&json, LIMIT_SERVER_RECORD);
    json.secret = true;
    if (!kept_of_find(store, kind, owner, &found, &json, err))
        return false;
    if (!found)
        return true;
    if (!json_parse_own(buf_view(&json), &arena, &object, err))
        return err->kind == ERR_USAGE &&
               err_set(err, ERR_INTEGRITY, "store_corrupt", "A kept member is damaged");
    return (!look.reveal || record_showing(store, kind, owner, err)) &&
           write_members(object, look, out, err);
}

bool kept_of_copy(struct store *store, enum kept_kind kind, const char *owner, const char *to,
                  struct err *err)
{
    struct buf json AUTO(buf_done);
    bool found;
    buf_init(&json, LIMIT_SERVER_RECORD);
    json.secret = true;
    return kept_of_find(store, kind, owner, &found, &json, err) &&
           (!found || kept_of_add(store, kind, to, buf_view(&json), err));
}

bool kept_of_forget(struct store *store, enum kept_kind kind, const char *owner, struct err *err)
{
    return db_run(store->db, "DELETE FROM kept_of WHERE kind = ? AND owner = ?",
                  BIND(v_text(kind_names[kind]), v_text(owner)), err);
}
