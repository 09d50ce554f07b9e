// api_key.c: see api_key.h. Storing and reading rows is in api_key_row.c.
#include "model/api_key.h"

#include <stdio.h>
#include <string.h>

#include "model/api_key_row.h"
#include "model/audit.h"
#include "model/hint.h"

static bool record(struct store *store, const char *action, const struct api_key *key,
                   struct err *err)
{
    const struct audit_event event = {
        .action = action,
        .user_id = key->user_id,
        .project_id = key->project_id,
        .key_id = key->key_id,
    };
    return audit_write(store, &event, err);
}

bool api_key_check_genuine(const struct api_key *key, struct err *err)
{
    if (key->status != KEY_TAMPERED)
        return true;
    err_set(err, ERR_INTEGRITY, "key_tampered",
            "The record of the API key %s was changed outside this program", key->key_id);
    return hint_command(err, "user delete-api-key", "--api-key", view_of(key->key_id), NULL);
}

// Seals `clear` into the row unless it is to be shown only once.
static bool seal_copy(struct store *store, struct api_key *key, struct view clear, bool show_once,
                      struct err *err)
{
    char context[3 * UUID_TEXT];
    key->has_sealed = !show_once;
    if (show_once)
        return true;
    if (!store_unlock(store, err))
        return false;
    struct view bound = key_row_seal_context(key, context);
    vault_seal(store->vault, clear, bound, key->sealed);
    key->sealed_size = clear.size + VAULT_SEAL_EXTRA;
    return true;
}

// Gives `key`, whose owner and options are set, an id and what depends on its text.
static void name_key(const struct store *store, struct api_key *key, struct view clear)
{
    vault_new_uuid(key->key_id);
    key_text_mask(clear, key->masked);
    vault_key_digest(store->vault, clear, key->digest);
}

// Gives `key`, whose owner and options are set, an id and a secret, and stores it.
static bool bear(struct store *store, struct api_key *key, struct clear_key *clear, bool show_once,
                 struct err *err)
{
    key_text_mint(clear);
    name_key(store, key, clear_key_view(clear));
    key->created_at = store->now;
    return seal_copy(store, key, clear_key_view(clear), show_once, err) &&
           key_row_insert(store, key, err);
}

// A key whose text is the key_id of another, of one that is gone too, could be revoked in its
// stead.
static bool check_not_a_name(struct store *store, struct view clear, struct err *err)
{
    char key_id[UUID_TEXT];
    int64_t count = 0;
    if (!text_is_uuid(clear) || !text_copy(key_id, sizeof key_id, clear))
        return true;
    text_lower(key_id, clear.size);
    if (!store_number(store,
                      "SELECT (SELECT count(*) FROM api_keys WHERE key_id = ?1)"
                      " + (SELECT count(*) FROM retired_keys WHERE key_id = ?1)",
                      BIND(v_text(key_id)), &count, err))
        return false;
    return count == 0 || err_set(err, ERR_CONFLICT, "api_key_is_name",
                                 "the key is the key_id of another one: give its user a new key");
}

bool api_key_bring(struct store *store, struct api_key *key, struct view clear, bool revive,
                   struct err *err)
{
    bool retired;
    name_key(store, key, clear);
    if (!key_row_is_retired(store, key->digest, &retired, err))
        return false;
    if (retired && !revive)
        return err_set(err, ERR_PRECONDITION, "api_key_deleted",
                       "the key was deleted from this store and is not brought back");
    return check_not_a_name(store, clear, err) &&
           (!retired || key_row_unretire(store, key->digest, err)) &&
           seal_copy(store, key, clear, false, err) && key_row_insert(store, key, err) &&
           record(store, retired ? "api_key.revive" : "api_key.import", key, err);
}

static bool refuse_stranger(const struct user *user, const struct project *project, struct err *err)
{
    err_set(err, ERR_PRECONDITION, "user_not_in_project", "User not found in project: %s, %s",
            user->email, project->project_name);
    return hint_command(err, "project add-user", "--project-name", view_of(project->project_name),
                        "--email", view_of(user->email), NULL);
}

bool api_key_generate(struct store *store, const struct key_order *order, struct clear_key *clear,
                      struct api_key *ret_key, struct err *err)
{
    const struct user *user = order->user;
    const struct project *project = order->project;
    struct api_key key = {.user_n = user->n,
                          .project_n = project->n,
                          .expires_at = order->expires_at,
                          .status = KEY_ACTIVE};
    bool member;
    if (!project_has_user(store, project, user, &member, err))
        return false;
    if (!member)
        return refuse_stranger(user, project, err);
    memcpy(key.user_id, user->user_id, sizeof key.user_id);
    memcpy(key.email, user->email, sizeof key.email);
    memcpy(key.project_id, project->project_id, sizeof key.project_id);
    memcpy(key.project_name, project->project_name, sizeof key.project_name);
    if (!text_copy(key.name, sizeof key.name, order->name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    if (!bear(store, &key, clear, order->show_once, err) ||
        !record(store, "api_key.generate", &key, err))
        return false;
    *ret_key = key;
    return true;
}

bool api_key_reveal(struct store *store, const struct api_key *key, struct clear_key *clear,
                    bool *ret_shown, struct err *err)
{
    char context[3 * UUID_TEXT];
    *ret_shown = false;
    if (!key->has_sealed || key->status == KEY_TAMPERED)
        return true;
    if (!vault_unseal(store->vault, view_bytes(key->sealed, key->sealed_size),
                      key_row_seal_context(key, context), clear->text, err))
        return false;
    clear->size = key->sealed_size - VAULT_SEAL_EXTRA;
    *ret_shown = true;
    return record(store, "api_key.reveal", key, err);
}

// A key that lives on in its grace has a successor already; unless that one is gone.
static bool refuse_rotated(struct store *store, const struct api_key *key, struct err *err)
{
    int64_t successors = 0;
    if (key->rotated_to[0] && !store_number(store, "SELECT count(*) FROM api_keys WHERE key_id = ?",
                                            BIND(v_text(key->rotated_to)), &successors, err))
        return false;
    if (successors == 0)
        return true;
    err_set(err, ERR_PRECONDITION, "key_already_rotated",
            "The API key %s was rotated already; its successor is %s", key->key_id,
            key->rotated_to);
    return hint_command(err, "user get-api-key", "--api-key", view_of(key->rotated_to), NULL);
}

// The old key ends: at once, or after the grace.
static bool end_old_key(struct store *store, const struct api_key *key, int64_t grace,
                        struct key_rotation *rotation, struct err *err)
{
    if (grace == 0)
        return key_row_delete(store, key, rotation->successor.key_id, err);
    struct api_key old = *key;
    int64_t end = store->now + grace;
    old.expires_at = old.expires_at && old.expires_at < end ? old.expires_at : end;
    memcpy(old.rotated_to, rotation->successor.key_id, sizeof old.rotated_to);
    rotation->old_expires_at = old.expires_at;
    return key_row_update(store, &old, err);
}

bool api_key_rotate(struct store *store, const struct api_key *key, int64_t grace,
                    struct clear_key *clear, struct key_rotation *ret_rotation, struct err *err)
{
    struct key_rotation rotation = {.successor = *key};
    struct api_key *successor = &rotation.successor;
    if (!api_key_check_genuine(key, err) || !refuse_rotated(store, key, err))
        return false;
    memcpy(successor->rotated_from, key->key_id, sizeof successor->rotated_from);
    successor->last_used_at = successor->use_count = 0;
    if (!bear(store, successor, clear, !key->has_sealed, err) ||
        !end_old_key(store, key, grace, &rotation, err))
        return false;
    const struct audit_event event = {.action = "api_key.rotate",
                                      .user_id = key->user_id,
                                      .project_id = key->project_id,
                                      .key_id = key->key_id,
                                      .notes = {{"successor", view_of(successor->key_id)}}};
    if (!audit_write(store, &event, err))
        return false;
    *ret_rotation = rotation;
    return true;
}

bool api_key_set_enabled(struct store *store, struct api_key *key, bool enable, struct err *err)
{
    if (!api_key_check_genuine(key, err))
        return false;
    if (enable == (key->disabled_at == 0))
        return true;
    struct api_key changed = *key;
    changed.disabled_at = enable ? 0 : store->now;
    if (enable)
        changed.enabled_at = store->now;
    key_row_judge(store, &changed);
    if (!key_row_update(store, &changed, err) ||
        !record(store, enable ? "api_key.enable" : "api_key.disable", &changed, err))
        return false;
    *key = changed;
    return true;
}

bool api_key_update(struct store *store, const struct api_key *key, struct err *err)
{
    return api_key_check_genuine(key, err) && refuse_rotated(store, key, err) &&
           key_row_update(store, key, err) && record(store, "api_key.update", key, err);
}

bool api_key_delete(struct store *store, const struct api_key *key, struct err *err)
{
    return key_row_delete(store, key, NULL, err) && record(store, "api_key.delete", key, err);
}

// Deletes the first key of the scope; `*ret_found` is false when there is none.
static bool delete_first(struct store *store, struct key_scope scope, bool *ret_found,
                         struct err *err)
{
    struct api_key key;
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!api_key_query(store, scope, &stmt, err))
        return false;
    enum step step = api_key_next(store, stmt, &key, err);
    stmt_free(&stmt);
    *ret_found = step == STEP_ROW;
    return step == STEP_ROW ? api_key_delete(store, &key, err) : step == STEP_END;
}

bool api_key_delete_all(struct store *store, struct key_scope scope, int64_t *ret_deleted,
                        struct err *err)
{
    int64_t deleted = 0;
    bool found;
    do {
        if (!delete_first(store, scope, &found, err))
            return false;
        deleted += found;
    } while (found);
    *ret_deleted = deleted;
    return true;
}
