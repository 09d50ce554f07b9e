// migrate.c: see migrate.h.
#include "db/migrate.h"

#include <stdio.h>

// "SMGs" in ASCII: what `file` and SQLite show as the application id of our stores.
enum { APPLICATION_ID = 0x534d4773 };

static bool read_number(struct db *db, const char *sql, int64_t *ret_number, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(db, sql, BIND_NOTHING, &stmt, err))
        return false;
    if (stmt_step(stmt, err) != STEP_ROW)
        return false;
    *ret_number = stmt_int(stmt, 0);
    return true;
}

static bool apply_one(struct db *db, const char *migration, size_t number, struct err *err)
{
    char settings[96];
    (void)snprintf(settings, sizeof settings, "PRAGMA application_id=%d; PRAGMA user_version=%zu",
                   APPLICATION_ID, number);
    return db_script(db, migration, err) && db_script(db, settings, err);
}

static bool check_owner(int64_t version, int64_t owner, bool fresh, struct err *err)
{
    if (owner == APPLICATION_ID ? version != 0 : fresh && version == 0 && owner == 0)
        return true;
    if (owner != APPLICATION_ID && (version != 0 || owner != 0))
        return err_set(err, ERR_INTEGRITY, "store_foreign",
                       "The store's file is a database of another program");
    err_set(err, ERR_INTEGRITY, "store_corrupt", "The store's file is damaged: it is %s",
            owner == 0 ? "empty" : "without the number of its format");
    return err_hint(err, "restore the store from a backup; the damaged file was not touched");
}

bool db_migrate(struct db *db, bool fresh, const char *const *migrations, size_t count,
                const struct migration_work *work, struct err *err)
{
    int64_t version = 0, owner = 0;
    if (!read_number(db, "PRAGMA user_version", &version, err) ||
        !read_number(db, "PRAGMA application_id", &owner, err))
        return false;
    if (!check_owner(version, owner, fresh, err))
        return false;
    if (version < 0 || (uint64_t)version > count) {
        err_set(err, ERR_INTEGRITY, "store_from_future",
                "The store was written by a newer version of this program (its format is %lld, "
                "this program knows up to %zu)",
                (long long)version, count);
        return err_hint(err, "install the newer version again; the store was not touched");
    }
    if ((size_t)version == count)
        return true;
    if (!db_begin_change(db, err))
        return false;
    bool done = read_number(db, "PRAGMA user_version", &version, err);
    for (size_t i = (size_t)version; done && i < count; i++)
        done = apply_one(db, migrations[i], i + 1, err);
    if (work && (size_t)version < count)
        done = done && work->run(work->context, version, err);
    if (done && db_commit(db, err))
        return true;
    db_rollback(db);
    return false;
}
