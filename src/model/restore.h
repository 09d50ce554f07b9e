// restore.h: the store as a backup has it, in place of the present one.
//
// Everything is verified on a private copy before the store is touched: that the file is whole and
// unchanged, belongs to this home's index.key, is no newer than the program, has a sound database
// and the audit chain it was sealed with. Then other writers are kept away, the present database is
// kept aside under another name, and the change happens as one transaction of the live database: a
// crash leaves the old store or the restored one, and a writer that waited works on the restored
// one. The audit chain is the backup's and goes on with `system.restore`.
//
// A live database that has gone or is too damaged for a transaction is replaced as a file; nobody
// can be at work in it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/backup_header.h"
#include "model/store.h"
#include "model/whole.h"

struct restore_request {
    const char *path;            // the backup
    const char *master_key_file; // that opens it; NULL: the home's
    bool dry_run;                // verify only
};

struct restore_report {
    struct backup_manifest manifest;
    char aside[WHOLE_PATH]; // where the database is kept that was replaced,
    bool kept_aside;        // unless nothing of one was there
};

// The store may be `damaged` (store.h), and then its `db` is not to be used any more afterwards.
// ERR_INTEGRITY `not_a_backup`, `backup_damaged`, `backup_from_future`, `backup_foreign`,
// `wrong_master_key`: nothing was touched.
MUST_CHECK bool restore_store(struct store *store, const struct restore_request *request,
                              struct restore_report *ret_report, struct err *err);
