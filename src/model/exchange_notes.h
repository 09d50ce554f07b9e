// exchange_notes.h: what an import of the Python original's file brought over, and what it could
// not: counted all, told one by one up to LIMIT_REPORT each.
//
// Everything lives in the arena of the import. Notes never hold a key, and of other texts of the
// file only so much as is needed to find the place.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/view.h"

enum exchange_kind {
    EXCHANGE_CONFIG,
    EXCHANGE_SERVER,
    EXCHANGE_PROJECT,
    EXCHANGE_USER,
    EXCHANGE_MEMBERSHIP,
    EXCHANGE_API_KEY,
    EXCHANGE_KEPT,
    EXCHANGE_KINDS,
};

// How a result names the things of a kind: `mcp_configs`, `users`, …
extern const char *const exchange_kind_names[EXCHANGE_KINDS];

struct exchange_tally {
    int64_t created, unchanged, missed;
};

// Something that is not as the file wants it.
struct exchange_problem {
    const struct exchange_problem *next;
    enum exchange_kind kind;
    struct view name, reason;
};

// A member that has no place in the store, and how often it was there.
struct exchange_loss {
    struct exchange_loss *next;
    struct view member; // `users.*.nickname`
    struct view reason;
    int64_t count;
};

// A thing whose id is no UUID, and the one it has here: always the same for the same id.
struct exchange_new_id {
    const struct exchange_new_id *next;
    enum exchange_kind kind;
    struct view id;
    char new_id[UUID_TEXT];
};

struct exchange_notes {
    struct arena *arena;
    bool failed; // memory ran out: the notes are incomplete
    struct exchange_tally tallies[EXCHANGE_KINDS];
    int64_t problems, losses, new_ids, masked_secrets; // all there were
    int64_t deleted_keys; // problems that are keys once deleted from this store
    const struct exchange_problem *first_problem;
    struct exchange_loss *first_loss;
    const struct exchange_new_id *first_new_id;
    struct exchange_problem *last_problem;
    struct exchange_loss *last_loss;
    struct exchange_new_id *last_new_id;
};

// Something is there, but not as the file has it. `name` may be any text of the file.
void exchange_note_problem(struct exchange_notes *notes, enum exchange_kind kind, struct view name,
                           const char *reason);

// The same, and the thing is not there: one more of `missed`.
void exchange_note_miss(struct exchange_notes *notes, enum exchange_kind kind, struct view name,
                        const char *reason);

// A member `name` of `parent` (`users.*`, or NULL for the file) that does not go into the store.
void exchange_note_loss(struct exchange_notes *notes, const char *parent, struct view name,
                        const char *reason);

void exchange_note_new_id(struct exchange_notes *notes, enum exchange_kind kind, struct view id,
                          const char new_id[UUID_TEXT]);
