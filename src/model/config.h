// config.h: configs, the named sets of MCP servers that projects use.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/store.h"

struct config {
    int64_t n; // row number; 0 in a `struct project` without one
    char config_id[UUID_TEXT];
    char config_name[LIMIT_NAME + 1];
    int64_t created_at;
    int64_t projects; // how many use it
    int64_t servers;  // how many it has
};

// The one config that name and id (each may be {NULL, 0}, not both) name; errors as user_select.
MUST_CHECK bool config_select(struct store *store, struct view name, struct view config_id,
                              struct config *ret_config, struct err *err);

// ERR_CONFLICT when the name is taken. The name is valid (rule_name).
MUST_CHECK bool config_add(struct store *store, struct view name, struct config *ret_config,
                           struct err *err);

// The same for one that comes from elsewhere with its id, name and time: fills the number. The id
// is not taken.
MUST_CHECK bool config_bring(struct store *store, struct config *config, struct err *err);

// ERR_CONFLICT when the name is another config's.
MUST_CHECK bool config_rename(struct store *store, struct config *config, struct view new_name,
                              struct err *err);

// All configs in the order of creation; step with config_next. Ending one is
// removal.h's.
MUST_CHECK bool config_query(struct store *store, struct page page, struct stmt **ret_stmt,
                             struct err *err);

// Those whose name, or the name of one of their servers, contains `term` without regard to the case
// of ASCII letters; config_found_by_name tells which it was.
MUST_CHECK bool config_query_term(struct store *store, struct view term, struct page page,
                                  struct stmt **ret_stmt, struct err *err);
bool config_found_by_name(struct stmt *stmt); // of the row that config_next has read
MUST_CHECK enum step config_next(struct stmt *stmt, struct config *ret_config, struct err *err);
