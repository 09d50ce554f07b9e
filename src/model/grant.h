// grant.h: what an API key gives: whose it is, where it leads, until when. What a gateway asks.
//
// Reading only; needs index.key, never master.key. One question is one statement by the digest's
// index, some tens of microseconds in a store of 100,000 keys. The row's MAC is checked: a row that
// was edited by hand gives nothing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "model/store.h"
#include "vault/vault.h"

struct grant {
    int64_t key_n, user_n, project_n; // row numbers
    int64_t config_n;                 // 0: the project has no config
    char key_id[UUID_TEXT], user_id[UUID_TEXT], project_id[UUID_TEXT], config_id[UUID_TEXT];
    int64_t expires_at; // microseconds since 1970; 0: never
    int64_t enabled_at; // when the key was last enabled again; 0: never
};

enum grant_answer {
    GRANT_YES,
    GRANT_NO,     // unknown, disabled, expired, deleted, tampered with: all one answer
    GRANT_FAILED, // the store cannot be asked; `err` says why
};

// Why not, for the log only; never for the client.
struct grant_refusal {
    const char *reason;        // `unknown`, `disabled`, `expired`, `retired`, `tampered`; static
    char key_id[UUID_TEXT];    // when the key was once known
    char successor[UUID_TEXT]; // key id, when it was rotated
};

// The digest of a key as a client sent it.
void grant_digest(const struct store *store, struct view api_key, uint8_t ret_digest[VAULT_DIGEST]);

// `ret_refusal` is filled for GRANT_NO. Sets the store's `now`. For a known or an unknown digest
// the same work is done. Of one moment of the store, unless the caller is in a transaction; to keep
// the answer, read store_version before, and mind `expires_at`.
MUST_CHECK enum grant_answer grant_find(struct store *store, const uint8_t digest[VAULT_DIGEST],
                                        struct grant *ret_grant, struct grant_refusal *ret_refusal,
                                        struct err *err);

// What was used since the last time: `use_count` grows by `uses`, `last_used_at` becomes `at` when
// that is later. One transaction for all; keys that are gone are skipped, also when another has
// their row number by now. No audit record. Blocks: for a job. Like every commit it changes
// store_version.
struct key_use {
    int64_t key_n;
    uint8_t digest[VAULT_DIGEST];
    int64_t uses;
    int64_t at; // microseconds since 1970
};
MUST_CHECK bool grant_record_uses(struct store *store, const struct key_use *uses, size_t count,
                                  struct err *err);
