// rotation.c: see rotation.h.
#include "model/rotation.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/keyring.h"
#include "vault/next_master.h"

static bool unfinished(struct err *err, const char *sentence)
{
    // The cause by its code: its sentence may say that nothing was changed.
    err_set(err, ERR_IO, "rotation_unfinished", "%s (%s)", sentence, err->code);
    return err_hint(err, "secure-mcp-gateway system rotate-master-key");
}

// From here on the keyring has a row of the next key besides that of master.key.
static bool wrap_anew(struct store *store, const struct vault *next, const char *previous,
                      struct err *err)
{
    const struct audit_event event = {.action = "system.rotate_master_key",
                                      .notes = {{"previous", view_of(previous)}}};
    if (!store_begin_change(store, err))
        return false;
    // Rows that an exchange left which was cut off go.
    if (keyring_keep_only(store, store->vault, err) &&
        keyring_add(store, store->vault, next, err) && audit_write(store, &event, err))
        return db_commit(store->db, err);
    db_rollback(store->db);
    return false;
}

// From here on the old key opens nothing. Its row is cut out of the log, too.
static bool forget_old(struct store *store, const struct vault *next, struct err *err)
{
    if (!store_begin_change(store, err))
        return false;
    if (!keyring_keep_only(store, next, err)) {
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
    if (!keyring_count(store, &rows, err))
        return false;
    *ret_pending = rows > 1 || next_master_is_left(store->vault);
    return true;
}
