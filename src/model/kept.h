// kept.h: members of the Python original's file that this program has no use for, such as
// `plugins`: kept, sealed like the records of servers, so that an export can give them back.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/out.h"
#include "model/store.h"

struct kept {
    char name[LIMIT_NAME + 1];
    struct view sealed; // holds until the statement it came from takes its next step
};

// Keeps a member: its value as JSON that our writer made, at most LIMIT_SERVER_RECORD bytes. The
// name is not taken and valid (rule_name).
MUST_CHECK bool kept_add(struct store *store, struct view name, struct view json, struct err *err);

// How many there are.
MUST_CHECK bool kept_count(struct store *store, int64_t *ret_count, struct err *err);

// The one of this name, into an empty secret buf. `*ret_found` tells.
MUST_CHECK bool kept_find(struct store *store, struct view name, bool *ret_found,
                          struct buf *ret_json, struct err *err);

// All of them in the order of their adding; step with kept_next.
MUST_CHECK bool kept_query(struct store *store, struct stmt **ret_stmt, struct err *err);
MUST_CHECK enum step kept_next(struct stmt *stmt, struct kept *ret_kept, struct err *err);

// The value, into an empty secret buf. ERR_INTEGRITY.
MUST_CHECK bool kept_open(struct store *store, const struct kept *kept, struct buf *ret_json,
                          struct err *err);

// Writes a member's value masked; all of it when a key of ours stands where no name tells of it.
MUST_CHECK bool kept_show_masked(const struct json_value *value, struct out *out, struct err *err);
