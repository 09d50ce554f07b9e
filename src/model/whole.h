// whole.h: what the operations on the whole store share.
//
// They run one at a time (a lock on the home, which ordinary commands do not take), outside any
// transaction but their own, and work on private copies beside the database. Names of working files
// are fixed, so that what a crash left is removed by the next such operation.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/audit.h"
#include "model/store.h"

enum { WHOLE_PATH = LIMIT_PATH + 64 };

// The database and its working files: `.snapshot`, `.aside`, and `.new` while a store is made. Each
// has parts: the file itself, and what SQLite may put beside it.
enum whole_file { WHOLE_LIVE, WHOLE_SNAPSHOT, WHOLE_ASIDE, WHOLE_FRESH, WHOLE_FILES };
enum { WHOLE_PARTS = 4 };

// The path of a part of a file of the database at `database`; part 0 is the file itself.
void whole_path(const char *database, enum whole_file file, size_t part, char ret_path[WHOLE_PATH]);

// Removes a file with all its parts.
void whole_remove(const char *database, enum whole_file file);

struct whole {
    int lock;
    const char *database;      // the store's path
    char snapshot[WHOLE_PATH]; // working file: the store as it is, or as it will be
    char aside[WHOLE_PATH];    // working file: the present store on its way to another name
    char stamp[TIME_TEXT];     // the store's `now` as part of a file's name, see time_stamp
};

// Waits for its turn and sets the store's `now`. Call whole_end always; it removes the working
// files.
MUST_CHECK bool whole_begin(struct store *store, struct whole *whole, struct err *err);
void whole_end(struct whole *whole);

// Copies the store as it is at one moment into a new database at `path`, durable, in one file. Does
// not wait for writers, nor they for it. Works inside a change of `store` too, and then gives what
// was before it. Pages are copied as they are, damaged ones too.
MUST_CHECK bool whole_copy_store(struct store *store, const char *path, struct db **ret_copy,
                                 struct err *err);

// Writes one record in a transaction of its own.
MUST_CHECK bool whole_record(struct store *store, const struct audit_event *event, struct err *err);

// Keeps such operations from beginning until the descriptor is closed; -1 when one is under way.
int whole_keep_idle(const struct store *store);

// Calls `found` for each working file that is there; while idle, those were left by a crash.
void whole_leftovers(const struct store *store, void (*found)(void *context, const char *path),
                     void *context);
