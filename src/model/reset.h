// reset.h: an empty store in place of a full one, with a way back.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/backup_header.h"
#include "model/store.h"
#include "model/whole.h"

struct reset_report {
    struct backup_manifest backup; // counts what went; without a file under `dry_run`
    char path[WHOLE_PATH];         // of the backup
};

// Writes a backup to `path` (NULL: a name of its own in `home`/backups) and then removes all users,
// projects, configs and API keys in one transaction. The audit chain goes on, key files stay, and
// the digests of the keys are remembered as those of deleted keys are. The backup holds exactly
// what was removed: other writers are kept away from before it until after the change. With
// `dry_run` nothing is written, but what would stop the backup is told.
MUST_CHECK bool store_reset(struct store *store, const char *path, bool dry_run,
                            struct reset_report *ret_report, struct err *err);
