// place.h: whether a file that this process has open is still the one under its name.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/err.h"

struct place {
    char *path;
    dev_t device;
    ino_t inode; // 0: what was under the path when it was noted was not open here
};

// `path` and `suffix` together are the name. Free with place_done.
MUST_CHECK bool place_init(struct place *place, const char *path, const char *suffix,
                           struct err *err);
void place_done(struct place *place);

// Remembers the file that is under the name now, if it is one that this process has open.
void place_note(struct place *place);

// Whether the file under the name has at least so many bytes.
bool place_has(const struct place *place, int64_t size);

// Whether the file that was noted is the one under the name, and has at least so many bytes. One
// system call; any thread may ask.
bool place_holds(const struct place *place, int64_t size);
