// grant.c: see grant.h.
#include "model/grant.h"

#include <string.h>

#include "base/clock.h"
#include "model/api_key_row.h"

// One row whatever the digest: that of the key with it or else with the next one, so that all
// answers take the same work: an unknown key is told from a disabled one by nobody's watch. A row
// stands for itself only when its MAC fits, which covers user and project; the membership, the
// project's config and the config's id are looked up at the same moment.
#define GRANT_SELECT                                                                               \
    "SELECT " KEY_COLUMNS ", r.digest IS NOT NULL, r.key_id, r.successor, m.user IS NOT NULL,"     \
    " c.n, c.config_id FROM (SELECT coalesce("                                                     \
    "(SELECT n FROM api_keys WHERE digest >= ?1 ORDER BY digest LIMIT 1),"                         \
    " (SELECT n FROM api_keys ORDER BY digest LIMIT 1)) AS n) d"                                   \
    " LEFT JOIN api_keys k ON k.n = d.n"                                                           \
    " LEFT JOIN retired_keys r ON r.digest = ?1"                                                   \
    " LEFT JOIN users u ON u.n = k.user LEFT JOIN projects p ON p.n = k.project"                   \
    " LEFT JOIN members m ON m.user = k.user AND m.project = k.project"                            \
    " LEFT JOIN configs c ON c.n = p.config"
enum { GRANT_RETIRED_ID = KEY_RETIRED + 1, GRANT_SUCCESSOR, GRANT_MEMBER, GRANT_CONFIG };

void grant_digest(const struct store *store, struct view api_key, uint8_t ret_digest[VAULT_DIGEST])
{
    vault_key_digest(store->vault, api_key, ret_digest);
}

static void note_id(char ret_id[UUID_TEXT], struct view id)
{
    if (!text_copy(ret_id, UUID_TEXT, id))
        ret_id[0] = '\0';
}

static enum grant_answer refuse(const char *reason, struct view key_id, struct view successor,
                                struct grant_refusal *ret_refusal)
{
    *ret_refusal = (struct grant_refusal){.reason = reason};
    note_id(ret_refusal->key_id, key_id);
    note_id(ret_refusal->successor, successor);
    return GRANT_NO;
}

static enum grant_answer accept(const struct api_key *key, struct stmt *stmt,
                                struct grant *ret_grant, struct err *err)
{
    struct grant grant = {
        .key_n = key->n,
        .user_n = key->user_n,
        .project_n = key->project_n,
        .config_n = stmt_int(stmt, GRANT_CONFIG),
        .expires_at = key->expires_at,
        .enabled_at = key->enabled_at,
    };
    memcpy(grant.key_id, key->key_id, sizeof grant.key_id);
    memcpy(grant.user_id, key->user_id, sizeof grant.user_id);
    memcpy(grant.project_id, key->project_id, sizeof grant.project_id);
    if (!text_copy(grant.config_id, sizeof grant.config_id, stmt_text(stmt, GRANT_CONFIG + 1))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "The id of a config is damaged");
        return GRANT_FAILED;
    }
    *ret_grant = grant;
    return GRANT_YES;
}

// What the one row says; `found` tells that it is of the key that was asked for.
static enum grant_answer judge(bool found, const struct api_key *key, struct stmt *stmt,
                               struct grant *ret_grant, struct grant_refusal *ret_refusal,
                               struct err *err)
{
    struct view key_id = view_of(key->key_id), successor = view_of(key->rotated_to);
    if (!found)
        return refuse(stmt_int(stmt, KEY_RETIRED) != 0 ? "retired" : "unknown",
                      stmt_text(stmt, GRANT_RETIRED_ID), stmt_text(stmt, GRANT_SUCCESSOR),
                      ret_refusal);
    // The database keeps keys within memberships: one without was made by hand.
    if (key->status == KEY_TAMPERED || stmt_int(stmt, GRANT_MEMBER) == 0)
        return refuse("tampered", key_id, (struct view){NULL, 0}, ret_refusal);
    if (key->status != KEY_ACTIVE)
        return refuse(key_status_text(key->status), key_id, successor, ret_refusal);
    return accept(key, stmt, ret_grant, err);
}

enum grant_answer grant_find(struct store *store, const uint8_t digest[VAULT_DIGEST],
                             struct grant *ret_grant, struct grant_refusal *ret_refusal,
                             struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct api_key key;
    store->now = clock_now();
    if (!db_query(store->db, GRANT_SELECT, BIND(v_blob(digest, VAULT_DIGEST)), &stmt, err))
        return GRANT_FAILED;
    enum step step = api_key_next(store, stmt, &key, err);
    if (step == STEP_ROW)
        return judge(key.n != 0 && vault_equal(key.digest, digest, VAULT_DIGEST), &key, stmt,
                     ret_grant, ret_refusal, err);
    if (step == STEP_END)
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "The store does not answer about keys");
    return GRANT_FAILED;
}

static bool record_use(struct store *store, const struct key_use *use, struct err *err)
{
    // The number of a key that is gone may be another's by now.
    return db_run(store->db,
                  "UPDATE api_keys SET use_count = use_count + ?1,"
                  " last_used_at = max(coalesce(last_used_at, 0), ?2)"
                  " WHERE n = ?3 AND digest = ?4",
                  BIND(v_int(use->uses), v_int(use->at), v_int(use->key_n),
                       v_blob(use->digest, VAULT_DIGEST)),
                  err);
}

bool grant_record_uses(struct store *store, const struct key_use *uses, size_t count,
                       struct err *err)
{
    if (count == 0)
        return true;
    if (!db_begin_change(store->db, err))
        return false;
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = record_use(store, &uses[i], err);
    if (done)
        return db_commit(store->db, err);
    db_rollback(store->db);
    return false;
}
