// file.h: whole files, read bounded and written so that a crash leaves the old one or the new one.
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/view.h"

// The error of the system call on `path` that has just failed (errno), with the way out where there
// is one. `what` is a verb: Cannot `what` `path`. Returns false.
bool file_error(struct err *err, const char *what, const char *path);

// Reads all of `path` ("-" is standard input) into `buf`, up to the buf's maximum. A larger file is
// an error, told before it is read when its size is known, as is one that cannot be opened or read.
// `ret_status` (may be NULL) tells of the file.
MUST_CHECK bool file_read(const char *path, struct buf *buf, struct stat *ret_status,
                          struct err *err);

// A file being made: a temporary neighbour of `path`, mode 0600 from the first byte. Commit syncs
// it, renames it over `path` and syncs the folder; until then, and after a failure, the old file
// stands.
struct file_draft {
    char path[LIMIT_PATH], temporary[LIMIT_PATH + 8];
    int descriptor; // -1 when there is none
    bool is_new;    // set after opening: commit writes over no file, ERR_CONFLICT `file_exists`
};
MUST_CHECK bool file_draft_open(struct file_draft *draft, const char *path, struct err *err);
MUST_CHECK bool file_draft_commit(struct file_draft *draft, struct err *err);
void file_draft_drop(struct file_draft *draft); // accepts a committed or failed draft

// True when nothing has that name.
bool file_is_missing(const char *path);

// The folder part of `path`: `.` when it has none.
MUST_CHECK bool folder_of(const char *path, char ret_folder[LIMIT_PATH], struct err *err);

// All of `bytes` to a descriptor, across interruptions and short writes; false with errno set.
MUST_CHECK bool file_write_all(int descriptor, struct view bytes);

// Makes names created or renamed in the folder `path` durable.
MUST_CHECK bool folder_sync(const char *path, struct err *err);

// Creates the folder and its missing parents, mode 0700, durably. True also when it was there.
MUST_CHECK bool folder_create(const char *path, struct err *err);

// Closes and forgets a descriptor; for AUTO(). Negative ones are left alone.
void descriptor_close(int *descriptor);
