// project.h: projects, their members and the config each uses.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/config.h"
#include "model/store.h"
#include "model/user.h"

struct project {
    int64_t n; // row number
    char project_id[UUID_TEXT];
    char project_name[LIMIT_NAME + 1];
    int64_t created_at;
    struct config config;    // config.n is 0 when none is assigned; only n, id and name are filled
    int64_t users, api_keys; // filled by project_query and project_count, else 0
};

// The one project that name and id (each may be {NULL, 0}, not both) name; errors as user_select.
MUST_CHECK bool project_select(struct store *store, struct view name, struct view project_id,
                               struct project *ret_project, struct err *err);

// Fills `users` and `api_keys`: it takes time that grows with their number.
MUST_CHECK bool project_count(struct store *store, struct project *project, struct err *err);

// ERR_CONFLICT when the name is taken. The name is valid (rule_name).
MUST_CHECK bool project_create(struct store *store, struct view name, struct project *ret_project,
                               struct err *err);

// The same for one that comes from elsewhere with its id, name and time: fills the number. The id
// is not taken. A config is not set by it.
MUST_CHECK bool project_bring(struct store *store, struct project *project, struct err *err);
MUST_CHECK bool project_rename(struct store *store, struct project *project, struct view new_name,
                               struct err *err);

// NULL takes the config away. `*ret_changed` is false when it was so already.
MUST_CHECK bool project_set_config(struct store *store, struct project *project,
                                   const struct config *config, bool *ret_changed, struct err *err);

// Membership. Ending it is removal.h's.
MUST_CHECK bool project_has_user(struct store *store, const struct project *project,
                                 const struct user *user, bool *ret_member, struct err *err);
MUST_CHECK bool project_add_user(struct store *store, const struct project *project,
                                 const struct user *user, bool *ret_changed, struct err *err);
// Projects in the order of creation: all, or those whose name contains `term` without regard to the
// case of ASCII letters; step with project_next.
MUST_CHECK bool project_query(struct store *store, struct view term, struct page page,
                              struct stmt **ret_stmt, struct err *err);

// The projects of a user, in the order of creation; `api_keys` then counts that user's keys only.
MUST_CHECK bool project_query_user(struct store *store, const struct user *user, struct page page,
                                   struct stmt **ret_stmt, struct err *err);

// The projects that use a config, in the order of creation.
MUST_CHECK bool project_query_config(struct store *store, const struct config *config,
                                     struct page page, struct stmt **ret_stmt, struct err *err);
MUST_CHECK enum step project_next(struct stmt *stmt, struct project *ret_project, struct err *err);

// The members of a project, in the order of joining the system; step with user_next.
MUST_CHECK bool project_query_members(struct store *store, const struct project *project,
                                      struct page page, struct stmt **ret_stmt, struct err *err);
