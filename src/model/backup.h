// backup.h: a sealed copy of the whole store in one file.
//
// It is the store as it was at one moment, whoever writes meanwhile. What it seals is examined
// first: a damaged database gives no backup; an audit chain that is broken is kept as it is and
// noted. Only master.key opens the file, and only a home with the same index.key takes it back
// (restore.h), so both belong to what must be kept, elsewhere.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/file.h"
#include "model/backup_header.h"
#include "model/store.h"
#include "model/whole.h"

// Writes a backup to `path`, mode 0600, in place of what is there. It is complete and durable when
// this returns, and recorded; the record comes first, so there is no backup without one.
MUST_CHECK bool backup_store(struct store *store, const char *path,
                             struct backup_manifest *ret_manifest, struct err *err);

// The same up to the draft of the file, which the caller commits. The caller holds `whole`, and may
// be inside a change: what is sealed is the store before it.
MUST_CHECK bool backup_draft(struct store *store, const struct whole *whole,
                             const struct file_draft *draft, struct backup_manifest *ret_manifest,
                             struct err *err);

// Examines a database that belongs to the vault of `past`: structure, audit chain. Fills the counts
// of the manifest. ERR_INTEGRITY `store_corrupt` when the structure is damaged.
MUST_CHECK bool backup_examine(struct store *past, struct backup_manifest *manifest,
                               struct err *err);
