// removal.h: ending users, projects, memberships and configs, and what must go with them.
//
// A key never outlives the membership it was made for: whatever ends a membership revokes the keys
// first, in the same transaction. Without `force` nothing that still has keys is removed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "model/project.h"
#include "model/store.h"
#include "model/user.h"

struct user_removal {
    int64_t deleted_api_keys, removed_from_projects;
};

// Removes the user, with memberships and (by `force`) keys. ERR_PRECONDITION when there are keys
// and `force` is not given.
MUST_CHECK bool user_delete(struct store *store, const struct user *user, bool force,
                            struct user_removal *ret_removal, struct err *err);

// Removes the project, with memberships and (by `force`) keys. ERR_PRECONDITION when there are keys
// and `force` is not given.
MUST_CHECK bool project_remove(struct store *store, const struct project *project, bool force,
                               int64_t *ret_deleted_api_keys, struct err *err);

// Takes a user out of a project. `*ret_changed` is false when the user was not in it.
MUST_CHECK bool project_remove_user(struct store *store, const struct project *project,
                                    const struct user *user, bool *ret_changed,
                                    int64_t *ret_deleted_api_keys, struct err *err);
MUST_CHECK bool project_remove_all_users(struct store *store, const struct project *project,
                                         int64_t *ret_removed, int64_t *ret_deleted_api_keys,
                                         struct err *err);

// Removes the config with its servers. ERR_PRECONDITION while a project uses it.
MUST_CHECK bool config_remove(struct store *store, const struct config *config,
                              int64_t *ret_deleted_servers, struct err *err);
