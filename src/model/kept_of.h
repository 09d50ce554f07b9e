// kept_of.h: members of users, projects, configs and API keys that came with an imported file and
// have no meaning here, `enabled_at` of a key for example: kept with their owner, sealed like the
// records of servers, given back by exports, and gone with their owner.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/out.h"
#include "model/store.h"

enum kept_kind { KEPT_OF_USER, KEPT_OF_PROJECT, KEPT_OF_CONFIG, KEPT_OF_KEY };

// Writes the members of `object` that are not in `known`, which a NULL ends, as an object into
// `ret_json`, an empty secret buf; `*ret_count` says how many. ERR_USAGE when the name of one holds
// an API key, or they are larger than the buf may be.
MUST_CHECK bool kept_of_collect(const struct json_value *object, const char *const *known,
                                struct buf *ret_json, size_t *ret_count, struct err *err);

// Keeps what kept_of_collect wrote. The owner, named by its UUID, has nothing yet.
MUST_CHECK bool kept_of_add(struct store *store, enum kept_kind kind, const char *owner,
                            struct view json, struct err *err);

// What is kept, into an empty secret buf; `*ret_found` tells whether anything is. ERR_INTEGRITY.
MUST_CHECK bool kept_of_find(struct store *store, enum kept_kind kind, const char *owner,
                             bool *ret_found, struct buf *ret_json, struct err *err);

// How it is shown: but for names in `known`, which a NULL ends; masked, or with `reveal` in full,
// which goes into the audit (the caller is then inside a change).
struct kept_look {
    const char *const *known;
    bool reveal;
};

// Adds what is kept to the object under way.
MUST_CHECK bool kept_of_write(struct store *store, enum kept_kind kind, const char *owner,
                              struct kept_look look, struct out *out, struct err *err);

MUST_CHECK bool kept_of_copy(struct store *store, enum kept_kind kind, const char *owner,
                             const char *to, struct err *err);
MUST_CHECK bool kept_of_forget(struct store *store, enum kept_kind kind, const char *owner,
                               struct err *err);
