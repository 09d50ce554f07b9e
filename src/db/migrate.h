// migrate.h: numbered migrations. The store remembers the number of the last one that was applied
// (SQLite: user_version) and whose file it is (application_id); each is applied in a transaction.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/db.h"

// What is done besides SQL when migrations were applied, in their transaction: `from` is the number
// at which the database stood.
struct migration_work {
    bool (*run)(void *context, int64_t from, struct err *err);
    void *context;
};

// Applies `migrations[i]` (number i + 1) from where the database stands up to `count`, all of them
// and the `work` (may be NULL) in one transaction. A database from the future or of another program
// is refused and left as it is, and so is an empty one unless it is `fresh`: a store is never
// empty, so an empty file is a damaged one.
MUST_CHECK bool db_migrate(struct db *db, bool fresh, const char *const *migrations, size_t count,
                           const struct migration_work *work, struct err *err);
