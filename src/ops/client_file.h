// client_file.h: another program's file, changed with care: links are followed, owner and mode
// kept, the old file copied beside it first, and the new one put in its place whole.
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

// Zeroed is a valid empty value.
struct client_file {
    char path[LIMIT_PATH]; // of the file itself, all links followed
    bool exists;
    struct stat status; // when it was read
    struct buf text;    // empty when there is no file
};

// Reads the file at `path`, up to LIMIT_INPUT_FILE; that there is none is no error.
MUST_CHECK bool client_file_open(struct client_file *file, const char *path, struct err *err);
void client_file_done(struct client_file *file);

// Puts `text` in its place. What was there is kept as `FILE.backup-TIME`, whose path is given back
// ("" when there was no file) unless `ret_backup` is NULL: then none is made. A `secret` text is
// for the owner's eyes only. Refused when the file may not be written or has changed since it was
// read.
enum { BACKUP_PATH = LIMIT_PATH + 40 };
MUST_CHECK bool client_file_replace(struct client_file *file, struct view text, bool secret,
                                    char *ret_backup, struct err *err);

// The backups of the file, the newest first: calls `look` with the text of each until it returns
// true. Unreadable ones are passed over. The path of the one that it was happy with goes to
// `ret_path`. False when there is none.
MUST_CHECK bool client_file_search_backups(const struct client_file *file,
                                           bool (*look)(void *context, struct view text),
                                           void *context, char ret_path[BACKUP_PATH]);
