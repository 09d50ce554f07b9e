// audit.h: the record of every change, every refused change and every showing of a key.
//
// Records are chained: each carries a keyed hash over itself and the one before it, and a seal
// covers the last, so that changing, inserting, removing or cutting off records shows. A record is
// written in the transaction of the change it tells of. It holds ids and names, never a key.
//
// When a command finds the end of the chain broken it does not stop the change (revoking a key must
// stay possible) but first writes a record `audit.chain_broken`, which audit_verify reports ever
// after: the damage cannot be papered over by carrying on.
//
// The seal also covers the set of API keys, as the sum of their rows' MACs: a row's own MAC tells
// that this program once wrote it, the sum tells that it is what was written last. Whoever changes
// a key's row calls audit_key_row, and audit_write brings the sum up to date.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/store.h"

struct audit_note {
    const char *name;
    struct view text; // {NULL, 0}: left out
};

enum { AUDIT_NOTES = 3 };

struct audit_event {
    const char *action;                                    // `user.create`, `api_key.rotate`, …
    const char *user_id, *project_id, *config_id, *key_id; // NULL when not concerned
    struct audit_note notes[AUDIT_NOTES];
    bool refused;
};

// Writes one record. The caller is inside a change.
MUST_CHECK bool audit_write(struct store *store, const struct audit_event *event, struct err *err);

// Notes that a row with `mac` came into the set of API keys (`added`) or left it. An audit_write
// must follow in the same transaction.
void audit_key_row(struct store *store, const uint8_t mac[VAULT_DIGEST], bool added);

// Makes `present` what the rows of all API keys must add up to, whatever it was. An audit_write
// must follow in the same transaction.
MUST_CHECK bool audit_set_keys(struct store *store, const struct key_sum *present, struct err *err);

// Lays the first seal of an empty chain; when a store is made.
MUST_CHECK bool audit_start(struct store *store, struct err *err);

struct audit_record {
    int64_t seq, at;
    struct view actor, action, command, outcome, user_id, project_id, config_id, key_id, detail;
    uint8_t mac[VAULT_DIGEST];
};

struct audit_filter {
    int64_t since, after, limit;       // 0 for none
    struct view actor, action, target; // {NULL, 0} for none; target is any of the four ids
};

// Records in order, oldest first; step with audit_next. Views hold until the next step.
MUST_CHECK bool audit_query(struct store *store, const struct audit_filter *filter,
                            struct stmt **ret_stmt, struct err *err);
MUST_CHECK enum step audit_next(struct stmt *stmt, struct audit_record *ret_record,
                                struct err *err);

struct audit_report {
    int64_t records;
    int64_t broken_at;          // number of the first record that breaks the chain; 0 when intact
    const char *reason;         // static; NULL when intact
    uint8_t head[VAULT_DIGEST]; // mac of the last record: note it elsewhere to notice a rollback
    struct key_sum keys;        // what the rows of all API keys must add up to
};

// Walks the whole chain. A broken chain is a report, not an error.
MUST_CHECK bool audit_verify(struct store *store, struct audit_report *ret_report, struct err *err);
