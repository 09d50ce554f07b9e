// rotation.c: see rotation.h.
#include "model/rotation.h"

#include <stdio.h>

#include "base/clock.h"
#include "model/audit.h"
#include "vault/next_master.h"

static bool unfinished(struct err *err, const char *sentence)
{
    // The cause by its code: its sentence may say that nothing was changed.
    err_set(err, ERR_IO, "rotation_unfinished", "%s (%s)", sentence, err->code);
    return err_hint(err, "secure-mcp-gateway system rotate-master-key");
}

// In the keyring besides the row of master.key: one of the next key. Rows of other keys go.
static bool add_row(struct store *store, const struct vault *next, struct err *err)
{
    uint8_t present_id[VAULT_ID], next_id[VAULT_ID], wrapped[VAULT_WRAPPED];
    vault_master_id(store->vault, present_id);
    vault_master_id(next, next_id);
    vault_wrap_data_key(next, store->vault, wrapped);
    return db_run(store->db, "DELETE FROM keyring WHERE master_id <> ?",
                  BIND(v_blob(present_id, sizeof present_id)), err) &&
           db_run(store->db, "INSERT INTO keyring(wrapped, master_id, created_at) VALUES(?, ?, ?)",
                  BIND(v_blob(wrapped, sizeof wrapped), v_blob(next_id, sizeof next_id),
                       v_int(store->now)),
                  err);
}

static bool wrap_anew(struct store *store, const struct vault *next, const char *previous,
                      struct err *err)
{
    const struct audit_event event = {.action = "system.rotate_master_key",
                                      .notes = {{"previous", view_of(previous)}}};
    if (!db_begin_change(store->db, err))
        return false;
    store->now = clock_now();
    store->key_change = (struct key_sum){0};
    if (add_row(store, next, err) && audit_write(store, &event, err))
        return db_commit(store->db, err);
    db_rollback(store->db);
    return false;
}

// From here on the old key opens nothing. Its row is cut out of the log, too.
static bool forget_old(struct store *store, const struct vault *next, struct err *err)
{
    uint8_t next_id[VAULT_ID];
    vault_master_id(next, next_id);
    if (!db_begin_change(store->db, err))
        return false;
    if (!db_run(store->db, "DELETE FROM keyring WHERE master_id <> ?",
                BIND(v_blob(next_id, sizeof next_id)), err)) {
        db_rollback(store->db);
        return false;
    }
    if (!db_commit(store->db, err))
        return false;
    db_empty_log(store->db);
    return true;
}

static bool make_files(struct store *store, const char *stamp, struct vault **ret_next,
                       struct err *err)
{
    if (next_master_make(store->vault, ret_next, err) &&
        next_master_keep_old(store->vault, stamp, err))
        return true;
    next_master_drop(store->vault, stamp);
    return false;
}

bool master_key_rotate(struct store *store, struct rotation_report *ret_report, struct err *err)
{
    struct whole whole AUTO(whole_end) = {.lock = -1};
    struct vault *next AUTO(vault_free) = NULL;
    struct rotation_report report = {0};
    if (!whole_begin(store, &whole, err) || !store_unlock(store, err) ||
        !make_files(store, whole.stamp, &next, err))
        return false;
    (void)snprintf(report.previous, sizeof report.previous, "%s/master.key.previous-%s",
                   store->home, whole.stamp);
    if (!wrap_anew(store, next, report.previous, err)) {
        next_master_drop(store->vault, whole.stamp);
        return false;
    }
    if (!next_master_install(store->vault, err))
        return unfinished(err, "The old master key is still in its place");
    if (!forget_old(store, next, err))
        return unfinished(err, "The master key was exchanged, but the old one still opens the "
                               "store");
    report.rotated_at = store->now;
    *ret_report = report;
    return true;
}

bool rotation_is_pending(struct store *store, bool *ret_pending, struct err *err)
{
    int64_t rows;
    if (!store_number(store, "SELECT count(*) FROM keyring", BIND_NOTHING, &rows, err))
        return false;
    *ret_pending = rows > 1 || next_master_is_left(store->vault);
    return true;
}
