// reset.c: see reset.h.
#include "model/reset.h"

#include <stdio.h>

#include "base/file.h"
#include "model/audit.h"
#include "model/backup.h"

// Every table but those of the store itself, referring ones first.
static bool empty_tables(struct store *store, struct err *err)
{
    static const char *const tables[] = {
        "DELETE FROM api_keys",     "DELETE FROM members", "DELETE FROM users",
        "DELETE FROM projects",     "DELETE FROM servers", "DELETE FROM configs",
        "DELETE FROM kept_members", "DELETE FROM kept_of",
    };
    const struct key_sum no_keys = {0};
    if (!audit_set_keys(store, &no_keys, err) ||
        !db_run(store->db,
                "INSERT OR REPLACE INTO retired_keys(digest, key_id, successor, retired_at)"
                " SELECT digest, key_id, NULL, ? FROM api_keys",
                BIND(v_int(store->now)), err))
        return false;
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (!db_run(store->db, tables[i], BIND_NOTHING, err))
            return false;
    return true;
}

static bool name_backup(struct store *store, const char *path, const struct whole *whole,
                        char ret_path[WHOLE_PATH], struct err *err)
{
    if (path) {
        (void)snprintf(ret_path, WHOLE_PATH, "%s", path);
        return store_check_output(store, path, err);
    }
    int size = snprintf(ret_path, WHOLE_PATH, "%s/backups/before-reset-%s.smgbackup", store->home,
                        whole->stamp);
    return (size > 0 && size < LIMIT_PATH) ||
           err_set(err, ERR_USAGE, "path_too_long", "The path of the home is too long");
}

static bool make_folder(struct store *store, struct err *err)
{
    char folder[WHOLE_PATH];
    (void)snprintf(folder, sizeof folder, "%s/backups", store->home);
    return folder_create(folder, err);
}

static bool back_up(struct store *store, bool own_folder, const struct whole *whole,
                    struct reset_report *report, struct err *err)
{
    struct file_draft draft AUTO(file_draft_drop) = {.descriptor = -1};
    return (!own_folder || make_folder(store, err)) && file_draft_open(&draft, report->path, err) &&
           backup_draft(store, whole, &draft, &report->backup, err) &&
           file_draft_commit(&draft, err);
}

static bool empty_store(struct store *store, const struct reset_report *report, struct err *err)
{
    char digest[2 * VAULT_DIGEST + 1];
    text_hex(report->backup.digest, sizeof report->backup.digest, digest);
    const struct audit_event event = {
        .action = "system.reset",
        .notes = {{"backup", view_of(report->path)}, {"digest", view_of(digest)}},
    };
    return empty_tables(store, err) && audit_write(store, &event, err);
}

bool store_reset(struct store *store, const char *path, bool dry_run,
                 struct reset_report *ret_report, struct err *err)
{
    struct whole whole AUTO(whole_end) = {.lock = -1};
    struct reset_report report = {0};
    if (!whole_begin(store, &whole, err) || !store_begin_change(store, err))
        return false;
    bool done = name_backup(store, path, &whole, report.path, err) && store_unlock(store, err);
    if (dry_run)
        done = done && backup_examine(store, &report.backup, err);
    else
        done =
            done && back_up(store, !path, &whole, &report, err) && empty_store(store, &report, err);
    if (done && !dry_run)
        done = db_commit(store->db, err);
    db_rollback(store->db);
    if (done)
        *ret_report = report;
    return done;
}
