// api_key.h: API keys: made, found, shown, rotated, disabled, deleted.
//
// A key belongs to one user in one project and lives no longer than that membership. It is stored
// as a keyed digest (to find it), a sealed copy (to show it; none for --show-once) and a MAC over
// owner, project, status and expiry, so that a row edited by hand is noticed: such a key is shown
// with the status `tampered` and refuses every change but deletion.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/project.h"
#include "model/store.h"
#include "model/user.h"
#include "vault/key_text.h"

enum key_status { KEY_ACTIVE, KEY_DISABLED, KEY_EXPIRED, KEY_TAMPERED };

struct api_key {
    int64_t n; // row number
    char key_id[UUID_TEXT];
    uint8_t digest[VAULT_DIGEST];
    char masked[KEY_MASKED];
    char name[LIMIT_NAME + 1]; // empty: none
    int64_t created_at, expires_at, disabled_at, last_used_at, use_count;
    int64_t enabled_at;                                  // when it was last enabled again; 0: never
    char rotated_from[UUID_TEXT], rotated_to[UUID_TEXT]; // key ids; empty: none
    int64_t user_n, project_n;
    char user_id[UUID_TEXT], email[LIMIT_EMAIL + 1];
    char project_id[UUID_TEXT], project_name[LIMIT_NAME + 1];
    enum key_status status; // at the store's `now`
    bool has_sealed;
    uint8_t sealed[LIMIT_API_KEY + VAULT_SEAL_EXTRA];
    size_t sealed_size;
    uint8_t mac[VAULT_DIGEST]; // as stored
};

// `active`, `disabled`, `expired`, `tampered`.
const char *key_status_text(enum key_status status);

// Which keys: those of a user, of a project, of both, or (both 0) all.
struct key_scope {
    int64_t user, project; // row numbers
    int64_t after;         // row number of a key; 0: from the first
};

struct key_counts {
    int64_t active, disabled, expired;
};

MUST_CHECK bool api_key_count(struct store *store, struct key_scope scope,
                              struct key_counts *ret_counts, struct err *err);

// What key is wanted.
struct key_order {
    const struct user *user;
    const struct project *project;
    struct view name;   // {NULL, 0}: none
    int64_t expires_at; // 0: never
    bool show_once;     // keep no sealed copy
};

// Makes a key for a member. `clear` receives it. ERR_PRECONDITION when the user is not in the
// project.
MUST_CHECK bool api_key_generate(struct store *store, const struct key_order *order,
                                 struct clear_key *clear, struct api_key *ret_key, struct err *err);

// The key of exactly this text, if there is one: no key_id and no masked form. Tampered ones count.
MUST_CHECK bool api_key_find(struct store *store, struct view clear, bool *ret_found,
                             struct api_key *ret_key, struct err *err);

// Stores a key that comes from elsewhere with its text, of any shape: `key` has the owner's and the
// project's numbers and ids, the name and the times, and gets the rest. The owner is a member, and
// the text is not in the store. ERR_PRECONDITION `api_key_deleted` when it was deleted from this
// store: what was revoked does not come back by a file, unless `revive` says so. ERR_CONFLICT
// `api_key_is_name` when the text is the key_id of another key.
MUST_CHECK bool api_key_bring(struct store *store, struct api_key *key, struct view clear,
                              bool revive, struct err *err);

// Keys of a scope in the order of creation; step with api_key_next.
MUST_CHECK bool api_key_query(struct store *store, struct key_scope scope, struct stmt **ret_stmt,
                              struct err *err);
MUST_CHECK enum step api_key_next(struct store *store, struct stmt *stmt, struct api_key *ret_key,
                                  struct err *err);

// The key that an administrator names: by the full key, its key_id, or its masked form when only
// one key has it. ERR_NOT_FOUND tells a mistyped, a deleted and an unknown key apart; its text
// never holds the key.
MUST_CHECK bool api_key_select(struct store *store, struct view named, struct api_key *ret_key,
                               struct err *err);

// True when `named` can only be the full key, so that showing it reveals nothing.
bool api_key_is_named_in_full(struct view named);

// Opens the sealed copy into `clear` and records the showing. `*ret_shown` is false, with `clear`
// untouched, when there is none. The caller is inside a change and has called store_unlock.
MUST_CHECK bool api_key_reveal(struct store *store, const struct api_key *key,
                               struct clear_key *clear, bool *ret_shown, struct err *err);

// Puts a new key in the place of `key`, with its project, name, status and expiry. The old one is
// gone at once, or at `*old_expires_at` when `grace` (microseconds) is not 0, but never later than
// its own expiry.
struct key_rotation {
    struct api_key successor;
    int64_t old_expires_at; // 0: the old key is gone
};
MUST_CHECK bool api_key_rotate(struct store *store, const struct api_key *key, int64_t grace,
                               struct clear_key *clear, struct key_rotation *ret_rotation,
                               struct err *err);

// Disables (`enable` false) or enables; doing it twice is fine and keeps the first time.
MUST_CHECK bool api_key_set_enabled(struct store *store, struct api_key *key, bool enable,
                                    struct err *err);

// ERR_INTEGRITY when the key's row was changed outside this program.
MUST_CHECK bool api_key_check_genuine(const struct api_key *key, struct err *err);

// New name and expiry, as they stand in `key`. ERR_PRECONDITION for a key that has a successor.
MUST_CHECK bool api_key_update(struct store *store, const struct api_key *key, struct err *err);

MUST_CHECK bool api_key_delete(struct store *store, const struct api_key *key, struct err *err);
MUST_CHECK bool api_key_delete_all(struct store *store, struct key_scope scope,
                                   int64_t *ret_deleted, struct err *err);
