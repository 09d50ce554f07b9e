// backup.c: see backup.h.
#include "model/backup.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/backup_file.h"
#include "model/schema.h"

static void count_finding(void *context, struct view text)
{
    (void)text;
    ++*(int64_t *)context;
}

static bool count_rows(struct store *past, struct backup_manifest *manifest, struct err *err)
{
    return store_number(past, "SELECT count(*) FROM users", BIND_NOTHING, &manifest->users, err) &&
           store_number(past, "SELECT count(*) FROM projects", BIND_NOTHING, &manifest->projects,
                        err) &&
           store_number(past, "SELECT count(*) FROM configs", BIND_NOTHING, &manifest->configs,
                        err) &&
           store_number(past, "SELECT count(*) FROM api_keys", BIND_NOTHING, &manifest->api_keys,
                        err);
}

bool backup_examine(struct store *past, struct backup_manifest *manifest, struct err *err)
{
    struct audit_report report;
    int64_t findings = 0;
    if (!db_check(past->db, count_finding, &findings, err))
        return false;
    if (findings > 0) {
        err_set(err, ERR_INTEGRITY, "store_corrupt",
                "The database is damaged: there are %lld findings", (long long)findings);
        return err_hint(err, "secure-mcp-gateway system health-check");
    }
    if (!audit_verify(past, &report, err) || !count_rows(past, manifest, err))
        return false;
    manifest->audit_records = report.records;
    manifest->audit_broken_at = report.broken_at;
    return true;
}

static bool take_snapshot(struct store *store, const struct whole *whole,
                          struct backup_manifest *manifest, struct err *err)
{
    struct store past = *store;
    bool done = whole_copy_store(store, whole->snapshot, &past.db, err) &&
                backup_examine(&past, manifest, err);
    if (past.db != store->db)
        db_close(&past.db);
    return done;
}

bool backup_draft(struct store *store, const struct whole *whole, const struct file_draft *draft,
                  struct backup_manifest *ret_manifest, struct err *err)
{
    struct backup_manifest manifest = {.created_at = store->now,
                                       .program = SMG_VERSION,
                                       .schema_version = (int64_t)schema_migration_count};
    vault_index_id(store->vault, manifest.index_id);
    if (!store_unlock(store, err) || !take_snapshot(store, whole, &manifest, err) ||
        !backup_seal(store->vault, whole->snapshot, &manifest, draft, store->progress, err))
        return false;
    *ret_manifest = manifest;
    return true;
}

static bool record(struct store *store, const char *path, const struct backup_manifest *manifest,
                   struct err *err)
{
    char digest[2 * VAULT_DIGEST + 1];
    text_hex(manifest->digest, sizeof manifest->digest, digest);
    const struct audit_event event = {
        .action = "system.backup",
        .notes = {{"file", view_of(path)}, {"digest", view_of(digest)}},
    };
    return whole_record(store, &event, err);
}

bool backup_store(struct store *store, const char *path, struct backup_manifest *ret_manifest,
                  struct err *err)
{
    struct whole whole AUTO(whole_end) = {.lock = -1};
    struct file_draft draft AUTO(file_draft_drop) = {.descriptor = -1};
    struct backup_manifest manifest;
    if (!store_check_output(store, path, err) || !whole_begin(store, &whole, err) ||
        !file_draft_open(&draft, path, err) ||
        !backup_draft(store, &whole, &draft, &manifest, err) ||
        !record(store, path, &manifest, err) || !file_draft_commit(&draft, err))
        return false;
    *ret_manifest = manifest;
    return true;
}
