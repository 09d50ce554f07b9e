// client_file.h: another program's file, changed with care: links are followed, owner and mode
// kept, the old file copied beside it first, and the new one put in its place whole.
#pragma once

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

// How far a file's folder is made and locked when it is opened.
enum client_access {
    CLIENT_LOOKS,   // it is only read
    CLIENT_CHANGES, // commands of ours that change files of this folder wait for each other
    CLIENT_MAKES,   // the same, and the folder is made
};

// Zeroed is a valid empty value, but for `lock`, which client_file_open sets in any case.
struct client_file {
    char path[LIMIT_PATH]; // of the file itself, all links followed
    bool exists;
    struct stat status; // when it was read
    struct buf text;    // empty when there is no file
    int lock;           // of its folder; -1: none
};

// Reads the file at `path`, up to LIMIT_INPUT_FILE; that there is none is no error. ERR_BUSY when
// another command of ours holds the lock for long.
MUST_CHECK bool client_file_open(struct client_file *file, const char *path,
                                 enum client_access access, struct err *err);
void client_file_done(struct client_file *file);

// Puts `text` in its place. What was there is kept as `FILE.backup-TIME`, whose path is given back
// ("" when there was no file) unless `ret_backup` is NULL: then none is made. A `secret` text is
// for the owner's eyes only. Refused when the file may not be written or has changed since it was
// read. A program that does not know our lock and writes in the very moment between the last look
// and the renaming can still lose its change; the copy has what was read.
enum { BACKUP_PATH = LIMIT_PATH + 40 };
MUST_CHECK bool client_file_replace(struct client_file *file, struct view text, bool secret,
                                    char *ret_backup, struct err *err);

// Removes the file, and up to `folders` of the folders above it that are then empty. Refused as
// above.
MUST_CHECK bool client_file_remove(struct client_file *file, unsigned folders, struct err *err);

// The backups of the file, the newest first: calls `look` with the text of each until it returns
// true. Unreadable ones are passed over. The path of the one that it was happy with goes to
// `ret_path`. False when there is none.
MUST_CHECK bool client_file_search_backups(const struct client_file *file,
                                           bool (*look)(void *context, struct view text),
                                           void *context, char ret_path[BACKUP_PATH]);
