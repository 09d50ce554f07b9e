// server.h: the MCP servers of a config.
//
// What a server is stands in its record (server_record.h). The store keeps it twice: as it may be
// shown, with its secrets masked, and whole, sealed with a key from index.key and bound to config
// and name, so that a gateway can use it without master.key and nobody can use it elsewhere. What
// is done with a server goes by the sealed record; the other is only ever shown.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "model/config.h"
#include "model/server_record.h"
#include "model/store.h"

// A row. The views hold until the statement it came from takes its next step or is freed.
struct server {
    int64_t n; // row number
    char server_name[LIMIT_NAME + 1];
    struct view record; // JSON with its secrets masked
    struct view sealed;
};

// The servers of a config, in the order of their adding; step with server_next.
MUST_CHECK bool server_query(struct store *store, const struct config *config, struct page page,
                             struct stmt **ret_stmt, struct err *err);
MUST_CHECK enum step server_next(struct stmt *stmt, struct server *ret_server, struct err *err);

// The one of this name. ERR_NOT_FOUND. `ret_stmt` keeps the row.
MUST_CHECK bool server_select(struct store *store, const struct config *config, struct view name,
                              struct stmt **ret_stmt, struct server *ret_server, struct err *err);

// The whole record with its secrets, into a secret buf that is empty. ERR_INTEGRITY. For what is
// done with it; to show it, use server_reveal.
MUST_CHECK bool server_open(struct store *store, const struct config *config,
                            const struct server *server, struct buf *ret_record, struct err *err);

// The same, and writes it down in the audit. The caller is inside a change.
MUST_CHECK bool server_reveal(struct store *store, const struct config *config,
                              const struct server *server, struct buf *ret_record, struct err *err);

// Writes the record: masked, or with `reveal` in full, which goes into the audit (the caller is
// then inside a change). ERR_INTEGRITY.
MUST_CHECK bool server_write(struct store *store, const struct config *config,
                             const struct server *server, bool reveal, struct out *out,
                             struct err *err);

// What became of a stored server: its whole record, and what is wrong with the two forms of it.
struct server_state {
    const struct json_value *record; // NULL: it cannot be opened
    struct err damage; // `sealed_record_damaged`, `record_tampered`, `record_unmasked`, …; of kind
                       // ERR_NONE when sound
    struct arena arena;
    struct buf whole;
};

void server_state_init(struct server_state *state);
void server_state_done(struct server_state *state);

// Opens the sealed record and compares it with what is stored for showing. Damage is an answer;
// false is for trouble. `ret_state` has been initialised and is the caller's to have done.
MUST_CHECK bool server_examine(struct store *store, const struct config *config,
                               const struct server *server, struct server_state *ret_state,
                               struct err *err);

// Masks anew what is stored for showing, where it is what an earlier version masked and not
// something else. The caller is inside a change.
MUST_CHECK bool server_mask_anew(struct store *store, struct err *err);

// Adds a server: what `source` (NULL, or an object that came from outside) becomes by the change,
// checked. ERR_CONFLICT when the name is taken; otherwise the errors of server_record.h.
MUST_CHECK bool server_add(struct store *store, const struct config *config,
                           const struct json_value *source, const struct server_change *change,
                           struct err *err);

// Whether the server is what `source`, an object that came from outside, would become. Not so also
// when it could become none, or the stored record cannot be opened.
MUST_CHECK bool server_is(struct store *store, const struct config *config,
                          const struct server *server, const struct json_value *source,
                          bool *ret_same, struct err *err);

// Changes a server; its name stays.
MUST_CHECK bool server_update(struct store *store, const struct config *config,
                              const struct server *server, const struct server_change *change,
                              struct err *err);

// Adds all servers of `source` to `target`.
MUST_CHECK bool server_copy_all(struct store *store, const struct config *source,
                                const struct config *target, struct err *err);

MUST_CHECK bool server_remove(struct store *store, const struct config *config,
                              const struct server *server, struct err *err);
MUST_CHECK bool server_remove_all(struct store *store, const struct config *config,
                                  int64_t *ret_removed, struct err *err);
