// backup_file.h: a database sealed into a backup file, and opened out of it again.
//
// The file: the header (backup_header.h), then the stream (vault/stream.h) whose context the header
// is, so that neither can be changed. Both ways take little memory whatever the size.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "model/backup_header.h"
#include "vault/vault.h"

// Writes the whole backup of the database file `path` into `draft`. Sets size, digest and master_id
// of the manifest. The vault is unlocked.
MUST_CHECK bool backup_seal(const struct vault *vault, const char *path,
                            struct backup_manifest *manifest, const struct file_draft *draft,
                            struct progress *progress, struct err *err);

// A backup file that is open for reading.
struct backup_source {
    const char *path;
    int descriptor; // -1: none
    struct backup_manifest manifest;
    char header[BACKUP_HEADER];
    size_t header_size;
};

// Opens the file and reads its header.
MUST_CHECK bool backup_source_open(struct backup_source *source, const char *path, struct err *err);
void backup_source_done(struct backup_source *source);

// Opens the stream into a new file `path` and checks all of it: every chunk, the end, size and
// digest. ERR_INTEGRITY `wrong_master_key` or `backup_damaged`; the new file may then hold a part.
MUST_CHECK bool backup_unseal(const struct vault *vault, const struct backup_source *source,
                              const char *path, struct progress *progress, struct err *err);
