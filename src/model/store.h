// store.h: the one handle to users, projects, keys, configs and audit.
//
// A store is a database file and a home folder with two key files; they belong together and the
// store knows it (a wrong index.key is refused). It is created whole on first use: the database
// appears under its name only when it is complete, so an empty or half-made file is never taken
// for a new store.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "db/db.h"
#include "model/key_sum.h"
#include "vault/vault.h"

struct store_config {
    const char *home; // the folder of the key files, and of the database unless `url` says where
    const char *url;  // `sqlite:PATH`, or NULL for `home`/store.db
    bool must_exist;  // ERR_NOT_FOUND instead of making a store
    bool to_mend;     // a database that has gone, is damaged or belongs elsewhere: not an error but
                      // `damaged`
};

// A page of a list: the rows after row number `after`, at most `limit` of them; 0 for none of both.
struct page {
    int64_t after, limit;
};
#define PAGE_ALL ((struct page){0, 0})

struct store {
    struct db *db;
    struct vault *vault;
    char home[LIMIT_PATH];
    char path[LIMIT_PATH];     // of the database
    char actor[64];            // who acts, for the audit
    const char *command;       // what is being run, for the audit; the caller's
    int64_t now;               // the time of the command under way: one for all it does
    bool damaged;              // see `to_mend`; `db` may then be NULL
    struct progress *progress; // told of long operations; NULL
    struct key_sum key_change; // what the transaction did to the set of API keys; see audit.h
};

// Opens the store, making it first when there is none; ERR_INTEGRITY `store_incomplete` when there
// was one, of which log or key files are left. vault_start() must have been called and the
// umask must keep others out (077). Free with store_free.
MUST_CHECK bool store_open(const struct store_config *config, struct store **ret_store,
                           struct err *err);
void store_free(struct store **store);

// This process is about to end: from so many milliseconds on it waits for no store.
void store_hurry(int milliseconds);

// Refuses a file for results that is the database, one of its companions or working files, a key
// file (each be it there or not), or any other file that is in the home already, under whatever
// name: those must never be written over.
MUST_CHECK bool store_check_output(const struct store *store, const char *path, struct err *err);

// Refuses a file to be read that has the name of a working file (whole.h): those are removed.
MUST_CHECK bool store_check_input(const struct store *store, const char *path, struct err *err);

// store_check_output for commands that do not open the store.
MUST_CHECK bool store_check_foreign_file(const struct store_config *config, const char *path,
                                         struct err *err);

// Brings the database, which is open and may be an older version's, up to date: its tables, and
// what the records of servers show.
MUST_CHECK bool store_migrate(struct store *store, struct err *err);

// Makes sealing and showing of keys possible: reads master.key and the keyring. Cheap when done.
MUST_CHECK bool store_unlock(struct store *store, struct err *err);

// Begins a change of the store's own: db_begin_change, and what the store keeps for a change. End
// it with db_commit or db_rollback.
MUST_CHECK bool store_begin_change(struct store *store, struct err *err);

// Whether the database belongs to the home's index.key: else ERR_INTEGRITY `wrong_index_key`.
MUST_CHECK bool store_check_identity(struct store *store, struct err *err);

// The first column of the first row as a number; 0 when there is no row.
MUST_CHECK bool store_number(struct store *store, const char *sql, struct values values,
                             int64_t *ret_number, struct err *err);

// What is known of the store is as good as new while this is what it was before it was asked for;
// see db_version. `store` is only read, so another thread may call it once db_version_is_shared.
struct db_version store_version(const struct store *store);

// Whether the store is still the one at its path: else it was removed or replaced, or its log was,
// and has to be opened anew; see db_is_in_place.
bool store_is_in_place(const struct store *store);

// Has the next answers come from what is in the store's files now; see db_reread.
MUST_CHECK bool store_reread(struct store *store, struct err *err);

// Closes the database, so that it can be opened anew: from then on the store is not in place, its
// version is that of no state, and it may be asked for nothing else but digests.
void store_let_go(struct store *store);
