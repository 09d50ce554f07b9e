// key_file.h: the two files that hold 32 random bytes each.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

enum { KEY_FILE_SIZE = 32 };

#define INDEX_KEY_FILE "index.key"
#define MASTER_KEY_FILE "master.key"
#define NEXT_MASTER_KEY_FILE MASTER_KEY_FILE ".next" // during an exchange

// Reads `home`/`name` into `ret_key` (guarded memory of the caller). ERR_INTEGRITY when it is
// missing, not exactly 32 bytes, or readable by group or others.
MUST_CHECK bool key_file_read(const char *home, const char *name, uint8_t ret_key[KEY_FILE_SIZE],
                              struct err *err);

// The same by the file's path.
MUST_CHECK bool key_file_read_path(const char *path, uint8_t ret_key[KEY_FILE_SIZE],
                                   struct err *err);

// Makes `home`/`name` with fresh random bytes, in place of what is there; durable when it returns.
// The caller holds the home's lock.
MUST_CHECK bool key_file_renew(const char *home, const char *name, struct err *err);

// Makes `home`/`name` with fresh random bytes unless it is there; durable when it returns. The
// caller holds the home's lock.
MUST_CHECK bool key_file_ensure(const char *home, const char *name, struct err *err);
