// api_key_row.c: see api_key_row.h and api_key.h.
#include "model/api_key_row.h"

#include <stdio.h>
#include <string.h>

#include "model/audit.h"
#include "model/hint.h"
#include "model/kept_of.h"

#define KEY_SELECT                                                                                 \
    "SELECT " KEY_COLUMNS                                                                          \
    ", EXISTS(SELECT 1 FROM retired_keys r WHERE r.digest = k.digest) FROM api_keys k"             \
    " CROSS JOIN users u ON u.n = k.user CROSS JOIN projects p ON p.n = k.project "

#define KEY_COUNT                                                                                  \
    "SELECT count(*), count(nullif(disabled_at, 0)), coalesce(sum(nullif(disabled_at, 0) IS NULL"  \
    " AND nullif(expires_at, 0) <= ?1), 0) FROM api_keys "

static void row_mac(const struct store *store, const struct api_key *key,
                    uint8_t ret_mac[VAULT_DIGEST])
{
    struct mac mac;
    mac_begin(&mac, store->vault, MAC_API_KEY_ROW);
    mac_add(&mac, view_of(key->key_id));
    mac_add(&mac, view_bytes(key->digest, sizeof key->digest));
    mac_add(&mac, view_of(key->masked));
    mac_add(&mac, view_of(key->user_id));
    mac_add(&mac, view_of(key->project_id));
    mac_add(&mac, view_of(key->name));
    mac_add_int(&mac, key->created_at);
    mac_add_int(&mac, key->expires_at);
    mac_add_int(&mac, key->disabled_at);
    mac_add(&mac, view_of(key->rotated_from));
    mac_add(&mac, view_of(key->rotated_to));
    mac_add(&mac, view_bytes(key->sealed, key->has_sealed ? key->sealed_size : 0));
    if (key->enabled_at) // rows from before there was such a thing keep their MAC
        mac_add_int(&mac, key->enabled_at);
    mac_end(&mac, ret_mac);
}

// An empty text is NULL in the store.
static struct value v_optional(const char *text)
{
    return text[0] ? v_text(text) : v_view((struct view){NULL, 0});
}

struct view key_row_seal_context(const struct api_key *key, char text[3 * UUID_TEXT])
{
    int size = snprintf(text, 3 * UUID_TEXT, "%s%s%s", key->key_id, key->user_id, key->project_id);
    return view_bytes(text, (size_t)size);
}

void key_row_judge(const struct store *store, struct api_key *key)
{
    if (key->status == KEY_TAMPERED)
        return;
    if (key->disabled_at)
        key->status = KEY_DISABLED;
    else if (key->expires_at && key->expires_at <= store->now)
        key->status = KEY_EXPIRED;
    else
        key->status = KEY_ACTIVE;
}

const char *key_status_text(enum key_status status)
{
    static const char *const texts[] = {
        [KEY_ACTIVE] = "active",
        [KEY_DISABLED] = "disabled",
        [KEY_EXPIRED] = "expired",
        [KEY_TAMPERED] = "tampered",
    };
    return texts[status];
}

bool key_row_insert(struct store *store, struct api_key *key, struct err *err)
{
    row_mac(store, key, key->mac);
    if (!db_run(store->db,
                "INSERT INTO api_keys(key_id, digest, sealed, masked, user, project, name,"
                " created_at, expires_at, disabled_at, enabled_at, rotated_from, rotated_to, mac)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                BIND(v_text(key->key_id), v_blob(key->digest, sizeof key->digest),
                     v_blob(key->has_sealed ? key->sealed : NULL, key->sealed_size),
                     v_text(key->masked), v_int(key->user_n), v_int(key->project_n),
                     v_optional(key->name), v_int(key->created_at), v_time(key->expires_at),
                     v_time(key->disabled_at), v_time(key->enabled_at),
                     v_optional(key->rotated_from), v_optional(key->rotated_to),
                     v_blob(key->mac, sizeof key->mac)),
                err))
        return false;
    key->n = db_last_id(store->db);
    audit_key_row(store, key->mac, true);
    return true;
}

// A statement about one row that touched none: the database did not do what it was told.
static bool check_touched(struct store *store, struct err *err)
{
    return db_changes(store->db) == 1 ||
           err_set(err, ERR_INTEGRITY, "store_corrupt",
                   "The store did not carry out a change of an API key");
}

bool key_row_update(struct store *store, const struct api_key *key, struct err *err)
{
    uint8_t mac[VAULT_DIGEST];
    row_mac(store, key, mac);
    audit_key_row(store, key->mac, false);
    audit_key_row(store, mac, true);
    return db_run(store->db,
                  "UPDATE api_keys SET name = ?, expires_at = ?, disabled_at = ?, enabled_at = ?,"
                  " rotated_to = ?, mac = ? WHERE n = ?",
                  BIND(v_optional(key->name), v_time(key->expires_at), v_time(key->disabled_at),
                       v_time(key->enabled_at), v_optional(key->rotated_to),
                       v_blob(mac, sizeof mac), v_int(key->n)),
                  err) &&
           check_touched(store, err);
}

bool key_row_delete(struct store *store, const struct api_key *key, const char *successor,
                    struct err *err)
{
    // A tampered row is not counted as it stands.
    if (key->status != KEY_TAMPERED)
        audit_key_row(store, key->mac, false);
    return db_run(store->db,
                  "INSERT OR REPLACE INTO retired_keys(digest, key_id, successor, retired_at)"
                  " VALUES(?, ?, ?, ?)",
                  BIND(v_blob(key->digest, sizeof key->digest), v_text(key->key_id),
                       v_text(successor), v_int(store->now)),
                  err) &&
           kept_of_forget(store, KEPT_OF_KEY, key->key_id, err) &&
           db_run(store->db, "DELETE FROM api_keys WHERE n = ?", BIND(v_int(key->n)), err) &&
           check_touched(store, err);
}

// Copies what fits; false when that was not all.
static bool clip(char *ret_text, size_t size, struct view text)
{
    bool fits = text.size < size;
    return text_copy(ret_text, size, (struct view){text.data, fits ? text.size : size - 1}) && fits;
}

static bool read_texts(struct stmt *stmt, struct api_key *key)
{
    bool whole = clip(key->key_id, sizeof key->key_id, stmt_text(stmt, 1));
    whole &= clip(key->masked, sizeof key->masked, stmt_text(stmt, 3));
    whole &= clip(key->name, sizeof key->name, stmt_text(stmt, 4));
    whole &= clip(key->rotated_from, sizeof key->rotated_from, stmt_text(stmt, 10));
    whole &= clip(key->rotated_to, sizeof key->rotated_to, stmt_text(stmt, 11));
    whole &= clip(key->user_id, sizeof key->user_id, stmt_text(stmt, 14));
    whole &= clip(key->email, sizeof key->email, stmt_text(stmt, 15));
    whole &= clip(key->project_id, sizeof key->project_id, stmt_text(stmt, 16));
    whole &= clip(key->project_name, sizeof key->project_name, stmt_text(stmt, 17));
    return whole;
}

// A blob of exactly `size` bytes; zeros when it is not.
static bool read_exact(struct view blob, uint8_t *ret_bytes, size_t size)
{
    memset(ret_bytes, 0, size);
    if (blob.size != size)
        return false;
    memcpy(ret_bytes, blob.data, size);
    return true;
}

static bool read_blobs(struct stmt *stmt, struct api_key *key)
{
    struct view sealed = stmt_blob(stmt, 18);
    bool whole = read_exact(stmt_blob(stmt, 2), key->digest, sizeof key->digest);
    whole &= read_exact(stmt_blob(stmt, 19), key->mac, sizeof key->mac);
    whole &= sealed.size <= sizeof key->sealed;
    key->has_sealed = sealed.size >= VAULT_SEAL_EXTRA && sealed.size <= sizeof key->sealed;
    key->sealed_size = key->has_sealed ? sealed.size : 0;
    if (key->has_sealed)
        memcpy(key->sealed, sealed.data, sealed.size);
    return whole;
}

static bool is_genuine(const struct store *store, const struct api_key *key)
{
    uint8_t mac[VAULT_DIGEST];
    row_mac(store, key, mac);
    return vault_equal(mac, key->mac, sizeof mac);
}

enum step api_key_next(struct store *store, struct stmt *stmt, struct api_key *ret_key,
                       struct err *err)
{
    enum step step = stmt_step(stmt, err);
    if (step != STEP_ROW)
        return step;
    ret_key->n = stmt_int(stmt, 0);
    ret_key->created_at = stmt_int(stmt, 5);
    ret_key->expires_at = stmt_int(stmt, 6);
    ret_key->disabled_at = stmt_int(stmt, 7);
    ret_key->enabled_at = stmt_int(stmt, 20);
    ret_key->last_used_at = stmt_int(stmt, 8);
    ret_key->use_count = stmt_int(stmt, 9);
    ret_key->user_n = stmt_int(stmt, 12);
    ret_key->project_n = stmt_int(stmt, 13);
    bool retired = stmt_int(stmt, KEY_RETIRED) != 0; // deleted once, and put back by hand
    bool whole = read_texts(stmt, ret_key);
    whole &= read_blobs(stmt, ret_key);
    // Values that mean the same to the MAC but not to SQL: this program writes none of them.
    whole &= stmt_is_time(stmt, 5) && stmt_is_time(stmt, 6) && stmt_is_time(stmt, 7) &&
             stmt_is_time(stmt, 20);
    whole &= !stmt_text(stmt, 4).data || stmt_text(stmt, 4).size > 0;
    ret_key->status = whole && !retired && is_genuine(store, ret_key) ? KEY_ACTIVE : KEY_TAMPERED;
    key_row_judge(store, ret_key);
    return STEP_ROW;
}

bool api_key_query(struct store *store, struct key_scope scope, struct stmt **ret_stmt,
                   struct err *err)
{
    struct db *db = store->db;
    if (scope.user && scope.project)
        return db_query(
            db, KEY_SELECT "WHERE k.user = ? AND k.project = ? AND k.n > ? ORDER BY k.n",
            BIND(v_int(scope.user), v_int(scope.project), v_int(scope.after)), ret_stmt, err);
    if (scope.user)
        return db_query(db, KEY_SELECT "WHERE k.user = ? AND k.n > ? ORDER BY k.n",
                        BIND(v_int(scope.user), v_int(scope.after)), ret_stmt, err);
    if (scope.project)
        return db_query(db, KEY_SELECT "WHERE k.project = ? AND k.n > ? ORDER BY k.n",
                        BIND(v_int(scope.project), v_int(scope.after)), ret_stmt, err);
    return db_query(db, KEY_SELECT "WHERE k.n > ? ORDER BY k.n", BIND(v_int(scope.after)), ret_stmt,
                    err);
}

bool api_key_count(struct store *store, struct key_scope scope, struct key_counts *ret_counts,
                   struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    const char *sql = scope.user && scope.project ? KEY_COUNT "WHERE user = ?2 AND project = ?3"
                      : scope.user                ? KEY_COUNT "WHERE user = ?2 AND ?3 = 0"
                      : scope.project             ? KEY_COUNT "WHERE project = ?3 AND ?2 = 0"
                                                  : KEY_COUNT "WHERE ?2 = ?3";
    if (!db_query(store->db, sql, BIND(v_int(store->now), v_int(scope.user), v_int(scope.project)),
                  &stmt, err) ||
        stmt_step(stmt, err) != STEP_ROW)
        return false;
    ret_counts->disabled = stmt_int(stmt, 1);
    ret_counts->expired = stmt_int(stmt, 2);
    ret_counts->active = stmt_int(stmt, 0) - ret_counts->disabled - ret_counts->expired;
    return true;
}

bool api_key_is_named_in_full(struct view named)
{
    bool masked = named.size > 3 && memcmp(named.data + named.size - 3, "...", 3) == 0;
    return !masked && !text_is_uuid(named);
}

// Why nothing has this digest: rotated, deleted, mistyped, or unknown.
static bool refuse_unknown(struct store *store, struct view named,
                           const uint8_t digest[VAULT_DIGEST], struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(store->db, "SELECT key_id, successor FROM retired_keys WHERE digest = ?",
                  BIND(v_blob(digest, VAULT_DIGEST)), &stmt, err))
        return false;
    enum step step = stmt_step(stmt, err);
    if (step == STEP_FAILED)
        return false;
    if (step == STEP_ROW && stmt_text(stmt, 1).data) {
        err_set(err, ERR_NOT_FOUND, "api_key_rotated",
                "API key not found: key %.*s was rotated; its successor is %.*s",
                VIEW_ARG(stmt_text(stmt, 0)), VIEW_ARG(stmt_text(stmt, 1)));
        return hint_command(err, "user get-api-key", "--api-key", stmt_text(stmt, 1), NULL);
    }
    if (step == STEP_ROW)
        return err_set(err, ERR_NOT_FOUND, "api_key_deleted",
                       "API key not found: key %.*s was deleted", VIEW_ARG(stmt_text(stmt, 0)));
    if (key_text_shape(named) == KEY_SHAPE_MISTYPED)
        return err_set(err, ERR_NOT_FOUND, "api_key_mistyped",
                       "API key not found: its checksum is wrong, so it was mistyped or cut");
    err_set(err, ERR_NOT_FOUND, "api_key_not_found", "API key not found");
    return hint_command(err, "user list-all-api-keys", NULL);
}

static bool refuse_ambiguous(struct view masked, struct err *err)
{
    err_set(err, ERR_PRECONDITION, "api_key_ambiguous", "More than one API key begins with %.*s",
            VIEW_ARG(masked));
    err_hint(err, "name the key by its key_id:");
    return hint_command(err, "user list-all-api-keys", NULL);
}

// Finds one key by a statement with one value; `*ret_count` is 0, 1 or 2 (for "several").
static bool find_key(struct store *store, const char *sql, struct value wanted, int *ret_count,
                     struct api_key *ret_key, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    *ret_count = 0;
    if (!db_query(store->db, sql, (struct values){&wanted, 1}, &stmt, err))
        return false;
    enum step step = api_key_next(store, stmt, ret_key, err);
    if (step == STEP_ROW) {
        *ret_count = 1;
        step = stmt_step(stmt, err);
        *ret_count += step == STEP_ROW;
    }
    return step != STEP_FAILED;
}

bool api_key_find(struct store *store, struct view clear, bool *ret_found, struct api_key *ret_key,
                  struct err *err)
{
    uint8_t digest[VAULT_DIGEST];
    int count = 0;
    vault_key_digest(store->vault, clear, digest);
    if (!find_key(store, KEY_SELECT "WHERE k.digest = ?", v_blob(digest, sizeof digest), &count,
                  ret_key, err))
        return false;
    *ret_found = count > 0;
    return true;
}

bool key_row_is_retired(struct store *store, const uint8_t digest[VAULT_DIGEST], bool *ret_retired,
                        struct err *err)
{
    int64_t count = 0;
    if (!store_number(store, "SELECT count(*) FROM retired_keys WHERE digest = ?",
                      BIND(v_blob(digest, VAULT_DIGEST)), &count, err))
        return false;
    *ret_retired = count > 0;
    return true;
}

bool key_row_unretire(struct store *store, const uint8_t digest[VAULT_DIGEST], struct err *err)
{
    return db_run(store->db, "DELETE FROM retired_keys WHERE digest = ?",
                  BIND(v_blob(digest, VAULT_DIGEST)), err);
}

// By its key_id or its masked form, by whichever it can be named.
static bool find_by_name(struct store *store, struct view named, int *ret_count,
                         struct api_key *ret_key, struct err *err)
{
    char key_id[UUID_TEXT] = "";
    *ret_count = 0;
    if (text_is_uuid(named) && text_copy(key_id, sizeof key_id, named)) {
        text_lower(key_id, named.size);
        return find_key(store, KEY_SELECT "WHERE k.key_id = ?", v_text(key_id), ret_count, ret_key,
                        err);
    }
    return api_key_is_named_in_full(named) ||
           find_key(store, KEY_SELECT "WHERE k.masked = ?", v_view(named), ret_count, ret_key, err);
}

bool api_key_select(struct store *store, struct view named, struct api_key *ret_key,
                    struct err *err)
{
    uint8_t digest[VAULT_DIGEST];
    struct api_key key = {0}, other = {0};
    int count = 0, others = 0;
    vault_key_digest(store->vault, named, digest);
    if (!find_key(store, KEY_SELECT "WHERE k.digest = ?", v_blob(digest, sizeof digest), &count,
                  &key, err) ||
        !find_by_name(store, named, &others, &other, err))
        return false;
    // The text of one key may be the key_id or the masked form of another.
    if (others > 0 && (count == 0 || others > 1 || other.n != key.n)) {
        count += others;
        key = other;
    }
    if (count == 0)
        return refuse_unknown(store, named, digest, err);
    if (count > 1)
        return refuse_ambiguous(named, err);
    *ret_key = key;
    return true;
}
