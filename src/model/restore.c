// restore.c: see restore.h.
#include "model/restore.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/audit.h"
#include "model/backup.h"
#include "model/backup_file.h"
#include "model/keyring.h"
#include "model/schema.h"

enum { KEPT_PARTS = WHOLE_PARTS - 1 }; // all but the log's index, which is made of the log

static bool damaged(struct err *err)
{
    const struct err cause = *err;
    err_set(err, ERR_INTEGRITY, "backup_damaged", "The backup is damaged: %.400s", cause.message);
    return err_hint(err, "use another copy of it; the store was not touched");
}

// Trouble of the system is told as it is; what is wrong with the copy is wrong with the backup.
static bool blame_backup(struct err *err)
{
    return err->kind == ERR_INTEGRITY || err->kind == ERR_NOT_FOUND ? damaged(err) : false;
}

// What the header alone can tell.
static bool check_header(struct store *store, const struct backup_manifest *manifest,
                         struct err *err)
{
    uint8_t index_id[VAULT_ID];
    vault_index_id(store->vault, index_id);
    if (manifest->schema_version > (int64_t)schema_migration_count) {
        err_set(err, ERR_INTEGRITY, "backup_from_future",
                "The backup was written by a newer version of this program (%s)",
                manifest->program);
        return err_hint(err, "install the newer version again; the store was not touched");
    }
    if (vault_equal(index_id, manifest->index_id, sizeof index_id))
        return true;
    err_set(err, ERR_INTEGRITY, "backup_foreign",
            "The backup is of a store with another index.key than %.900s/index.key", store->home);
    return err_hint(err, "put the index.key that was kept with the backup into that folder (beside "
                         "the master.key); the store was not touched");
}

// The vault that opens the backup: one of its own when the key file was named.
static bool open_key(struct store *store, const struct restore_request *request,
                     struct vault **ret_own, struct err *err)
{
    struct vault *own AUTO(vault_free) = NULL;
    if (!vault_unlock(store->vault, err))
        return false;
    if (!request->master_key_file)
        return true;
    if (!vault_open(store->home, false, &own, err) ||
        !vault_unlock_from(own, request->master_key_file, err))
        return false;
    *ret_own = TAKE(own);
    return true;
}

// The keyring of the copy must open with the present master.key, whatever sealed the backup.
static bool wrap_for_present(struct store *past, struct vault *opener, struct err *err)
{
    uint8_t opener_id[VAULT_ID], present_id[VAULT_ID];
    vault_master_id(opener, opener_id);
    vault_master_id(past->vault, present_id);
    if (vault_equal(opener_id, present_id, sizeof opener_id))
        return true;
    return keyring_open(past, opener, err) && keyring_keep_only(past, opener, err) &&
           keyring_add(past, opener, past->vault, err) && keyring_keep_only(past, past->vault, err);
}

// Examines the copy, of which the stream has shown only that it is what was sealed.
static bool examine(struct store *past, const struct backup_manifest *manifest, struct err *err)
{
    struct backup_manifest found = {0};
    if (!store_migrate(past, err) || !store_check_identity(past, err) ||
        !backup_examine(past, &found, err))
        return blame_backup(err);
    if (found.audit_broken_at == manifest->audit_broken_at &&
        found.audit_records == manifest->audit_records)
        return true;
    err_set(err, ERR_INTEGRITY, "backup_damaged", "its audit chain is not the one it had");
    return damaged(err);
}

// The copy becomes what the store will be: with the record of its own restoring.
static bool complete(struct store *past, struct vault *opener, const struct restore_report *report,
                     struct err *err)
{
    char created_at[TIME_TEXT];
    time_format(report->manifest.created_at, created_at);
    const struct view aside = report->kept_aside ? view_of(report->aside) : (struct view){NULL, 0};
    const struct audit_event event = {
        .action = "system.restore",
        .notes = {{"backup_created_at", view_of(created_at)}, {"kept_aside", aside}},
    };
    if (!store_begin_change(past, err))
        return false;
    if (wrap_for_present(past, opener, err) && audit_write(past, &event, err))
        return db_commit(past->db, err);
    db_rollback(past->db);
    return blame_backup(err);
}

// Opens the backup into a database of its own and verifies it.
static bool prepare(struct store *store, const struct restore_request *request,
                    const struct whole *whole, struct restore_report *report, struct err *err)
{
    struct backup_source source AUTO(backup_source_done) = {.descriptor = -1};
    struct vault *own AUTO(vault_free) = NULL;
    struct store past = *store;
    if (!backup_source_open(&source, request->path, err) ||
        !check_header(store, &source.manifest, err) || !open_key(store, request, &own, err))
        return false;
    struct vault *opener = own ? own : store->vault;
    report->manifest = source.manifest;
    if (!backup_unseal(opener, &source, whole->snapshot, store->progress, err))
        return false;
    past.db = NULL;
    bool done = db_open(whole->snapshot, false, &past.db, err) || blame_backup(err);
    done = done && examine(&past, &report->manifest, err) &&
           (request->dry_run || complete(&past, opener, report, err));
    db_close(&past.db);
    return done;
}

// Gives the finished working copy its name.
static bool name_aside(struct store *store, const struct whole *whole, const char *aside,
                       struct err *err)
{
    char folder[LIMIT_PATH];
    if (rename(whole->aside, aside) != 0)
        return file_error(err, "create", aside);
    return folder_of(store->path, folder, err) && folder_sync(folder, err);
}

static bool keep_aside(struct store *store, const struct whole *whole, const char *aside,
                       struct err *err)
{
    struct db *copy = NULL;
    if (!whole_copy_store(store, whole->aside, &copy, err))
        return false;
    db_close(&copy);
    return name_aside(store, whole, aside, err);
}

// Whether the live database has a log, so that it can be read while other writers are kept away.
// One that is sound and has none (somebody changed its mode) gets one.
static bool has_log(struct store *store, bool *ret_has, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    const char *ask = store->damaged ? "PRAGMA journal_mode" : "PRAGMA journal_mode=WAL";
    if (!db_query(store->db, ask, BIND_NOTHING, &stmt, err) || stmt_step(stmt, err) == STEP_FAILED)
        return false;
    *ret_has = view_is(stmt_text(stmt, 0), "wal");
    return true;
}

// The usual way: one transaction of the live database, other writers kept away from before the copy
// that is kept aside.
static bool copy_over(struct store *store, const struct whole *whole, const char *aside,
                      struct err *err)
{
    struct db *past AUTO(db_close) = NULL;
    struct db_copy *copy AUTO(db_copy_free) = NULL;
    bool log;
    if (!has_log(store, &log, err))
        return false;
    if (!log)
        return err_set(err, ERR_INTEGRITY, "store_corrupt", "The store's file has no log");
    if (!db_open(whole->snapshot, false, &past, err) || !db_copy_begin(past, store->db, &copy, err))
        return false;
    if (!keep_aside(store, whole, aside, err))
        return false;
    if (!db_copy_finish(copy, store->progress, err)) {
        if (strcmp(err->code, "change_uncertain") != 0)
            (void)unlink(aside);
        return false;
    }
    db_empty_log(store->db);
    return true;
}

// Whether anything of the database is there that replace_file keeps.
static bool has_parts(const struct store *store)
{
    char name[WHOLE_PATH];
    bool has = false;
    for (size_t part = 0; part < KEPT_PARTS && !has; part++) {
        whole_path(store->path, WHOLE_LIVE, part, name);
        has = !file_is_missing(name);
    }
    return has;
}

// Gives the parts that are there a second name.
static bool also_name(const struct store *store, const char *aside, struct err *err)
{
    char from[WHOLE_PATH], to[WHOLE_PATH];
    for (size_t part = 0; part < KEPT_PARTS; part++) {
        whole_path(store->path, WHOLE_LIVE, part, from);
        whole_path(aside, WHOLE_LIVE, part, to);
        if (link(from, to) != 0 && errno != ENOENT)
            return file_error(err, "create", to);
    }
    return true;
}

static bool remove_companions(const struct store *store, struct err *err)
{
    char name[WHOLE_PATH];
    for (size_t part = 1; part < WHOLE_PARTS; part++) {
        whole_path(store->path, WHOLE_LIVE, part, name);
        if (unlink(name) != 0 && errno != ENOENT)
            return file_error(err, "remove", name);
    }
    return true;
}

// The live file is no database any more, or has gone. Its log goes before the new file comes: a log
// left over would be taken for the new file's.
static bool replace_file(struct store *store, const struct whole *whole, const char *aside,
                         struct err *err)
{
    struct db *past = NULL;
    char folder[LIMIT_PATH];
    db_close(&store->db);
    bool ready = db_open(whole->snapshot, false, &past, err) &&
                 db_script(past, "PRAGMA journal_mode=WAL", err);
    db_close(&past);
    if (!ready || !folder_of(store->path, folder, err) || !also_name(store, aside, err) ||
        !folder_sync(folder, err) || !remove_companions(store, err) || !folder_sync(folder, err))
        return false;
    if (rename(whole->snapshot, store->path) != 0)
        return file_error(err, "replace", store->path);
    return folder_sync(folder, err);
}

bool restore_store(struct store *store, const struct restore_request *request,
                   struct restore_report *ret_report, struct err *err)
{
    struct whole whole AUTO(whole_end) = {.lock = -1};
    struct restore_report report = {0};
    if (!store_check_input(store, request->path, err) || !whole_begin(store, &whole, err))
        return false;
    (void)snprintf(report.aside, sizeof report.aside, "%s.before-restore-%s", store->path,
                   whole.stamp);
    report.kept_aside = has_parts(store);
    if (!prepare(store, request, &whole, &report, err))
        return false;
    bool done = request->dry_run || (store->db && copy_over(store, &whole, report.aside, err));
    if (!done && (!store->db || (store->damaged && err->kind == ERR_INTEGRITY)))
        done = replace_file(store, &whole, report.aside, err);
    if (done)
        *ret_report = report;
    return done;
}
