// api_key_row.h: API keys as rows of the store: MACs, queries, selection. For api_key.c and
// grant.c.
#pragma once

#include "model/api_key.h"

// The columns that api_key_next reads, of api_keys k, users u and projects p; there must follow, as
// number KEY_RETIRED, whether the digest is among the retired ones.
#define KEY_COLUMNS                                                                                \
    "k.n, k.key_id, k.digest, k.masked, k.name, k.created_at, k.expires_at, k.disabled_at,"        \
    " k.last_used_at, k.use_count, k.rotated_from, k.rotated_to, k.user, k.project, u.user_id,"    \
    " u.email, p.project_id, p.project_name, k.sealed, k.mac, k.enabled_at"
enum { KEY_RETIRED = 21 };

// What the sealed copy is bound to: key_id, user_id and project_id. The view points into `text`.
struct view key_row_seal_context(const struct api_key *key, char text[3 * UUID_TEXT]);

// Sets the status at the store's `now` from the row's dates. Leaves KEY_TAMPERED alone.
void key_row_judge(const struct store *store, struct api_key *key);

// Whether a key of this digest was deleted from the store.
MUST_CHECK bool key_row_is_retired(struct store *store, const uint8_t digest[VAULT_DIGEST],
                                   bool *ret_retired, struct err *err);

// Forgets that it was.
MUST_CHECK bool key_row_unretire(struct store *store, const uint8_t digest[VAULT_DIGEST],
                                 struct err *err);

// Each of these must be followed by an audit_write in the same transaction (see audit_key_row).

// Stores a new row; fills its number and MAC.
MUST_CHECK bool key_row_insert(struct store *store, struct api_key *key, struct err *err);

// Stores name, expiry, disabling and successor, with a fresh MAC.
MUST_CHECK bool key_row_update(struct store *store, const struct api_key *key, struct err *err);

// Removes the row and remembers its digest as retired, with the successor's key_id or NULL.
MUST_CHECK bool key_row_delete(struct store *store, const struct api_key *key,
                               const char *successor, struct err *err);
