// backup_header.h: the readable beginning of a backup file.
//
//   secure-mcp-gateway backup\n
//   {"format":1,"created_at":…}\n        one line of JSON: the manifest
//   … the sealed stream (backup_file.h), bound to the two lines above
//
// The manifest tells what the file is to whoever holds it: times, counts and fingerprints, no names
// and no keys. It is trusted only after the stream has been opened.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"
#include "vault/vault.h"

enum { BACKUP_FORMAT = 1, BACKUP_HEADER = 4096 }; // bytes of both lines, at most

struct backup_manifest {
    int64_t created_at;
    char program[32];       // version of the program
    int64_t schema_version; // number of the last migration
    int64_t users, projects, configs, api_keys, audit_records;
    int64_t audit_broken_at;      // the record at which the chain was broken already; 0: intact
    int64_t size;                 // of the database, bytes
    uint8_t digest[VAULT_DIGEST]; // BLAKE2b-256 of the database
    uint8_t index_id[VAULT_ID], master_id[VAULT_ID];
};

// Adds the two lines.
void backup_header_write(struct buf *buf, const struct backup_manifest *manifest);

// Reads them from the beginning of a file; `ret_size` is where the stream begins. ERR_INTEGRITY
// when they are none (`not_a_backup`), damaged, or of a format from the future.
MUST_CHECK bool backup_header_read(struct view text, struct backup_manifest *ret_manifest,
                                   size_t *ret_size, struct err *err);
