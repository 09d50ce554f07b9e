// kept.c: see kept.h.
#include "model/kept.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "model/audit.h"
#include "model/rules.h"
#include "model/sealed.h"
#include "model/server_record.h"

// What a sealed value is bound to. No id of a config begins like this, see server.c.
struct binding {
    char text[LIMIT_NAME + 32];
};

static struct view bind_to(struct binding *binding, struct view name)
{
    int size = snprintf(binding->text, sizeof binding->text, "kept member %.*s", VIEW_ARG(name));
    return view_bytes(binding->text, size > 0 ? (size_t)size : 0);
}

bool kept_add(struct store *store, struct view name, struct view json, struct err *err)
{
    struct binding binding;
    size_t size = json.size + VAULT_SEAL_EXTRA;
    uint8_t *sealed = (uint8_t *)malloc(size);
    const struct audit_event event = {.action = "system.keep_member", .notes = {{"member", name}}};
    if (!sealed)
        return err_memory(err);
    vault_seal_upstream(store->vault, json, bind_to(&binding, name), sealed);
    bool done = db_run(store->db, "INSERT INTO kept_members(member, sealed) VALUES(?, ?)",
                       BIND(v_view(name), v_blob(sealed, size)), err);
    free(sealed);
    return done && audit_write(store, &event, err);
}

bool kept_count(struct store *store, int64_t *ret_count, struct err *err)
{
    return store_number(store, "SELECT count(*) FROM kept_members", BIND_NOTHING, ret_count, err);
}

bool kept_open(struct store *store, const struct kept *kept, struct buf *ret_json, struct err *err)
{
    struct binding binding;
    return sealed_open(store, kept->sealed, bind_to(&binding, view_of(kept->name)), ret_json, err);
}

bool kept_find(struct store *store, struct view name, bool *ret_found, struct buf *ret_json,
               struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct kept kept;
    if (!db_query(store->db, "SELECT member, sealed FROM kept_members WHERE member = ?",
                  BIND(v_view(name)), &stmt, err))
        return false;
    enum step step = kept_next(stmt, &kept, err);
    *ret_found = step == STEP_ROW;
    if (step == STEP_ROW)
        return kept_open(store, &kept, ret_json, err);
    return step == STEP_END;
}

bool kept_query(struct store *store, struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db, "SELECT member, sealed FROM kept_members ORDER BY n", BIND_NOTHING,
                    ret_stmt, err);
}

enum step kept_next(struct stmt *stmt, struct kept *ret_kept, struct err *err)
{
    enum step step = stmt_step(stmt, err);
    if (step != STEP_ROW)
        return step;
    struct kept kept = {.sealed = stmt_blob(stmt, 1)};
    if (!text_copy(kept.name, sizeof kept.name, stmt_text(stmt, 0))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "A kept member's name is damaged");
        return STEP_FAILED;
    }
    *ret_kept = kept;
    return STEP_ROW;
}

bool kept_show_masked(const struct json_value *value, struct out *out, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct buf masked AUTO(buf_done);
    const struct json_value *shown;
    struct json_out json;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    buf_init(&masked, 2 * LIMIT_SERVER_RECORD);
    masked.secret = true;
    json_out_init(&json, &masked, JSON_COMPACT);
    bool done = server_mask_other(value, &json.out) && !masked.failed;
    if (!done && !masked.full)
        return err_memory(err);
    if (!done || rule_holds_api_key(buf_view(&masked))) {
        out_text(out, VIEW(SERVER_MASK));
        return true;
    }
    if (!json_parse_own(buf_view(&masked), &arena, &shown, err))
        return err->kind == ERR_USAGE &&
               err_set(err, ERR_INTEGRITY, "store_corrupt", "A kept member is damaged");
    json_copy_to_out(shown, out);
    return true;
}
