// user.h: users and their memberships.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/store.h"

struct user {
    int64_t n; // row number
    char user_id[UUID_TEXT];
    char email[LIMIT_EMAIL + 1];
    int64_t created_at;
};

// The one user that `email` and `user_id` (each may be {NULL, 0}, not both) name. ERR_NOT_FOUND
// when there is none, ERR_USAGE when they name two different ones.
MUST_CHECK bool user_select(struct store *store, struct view email, struct view user_id,
                            struct user *ret_user, struct err *err);

// ERR_CONFLICT when the address is taken, without regard to case. The address is valid
// (rule_email).
MUST_CHECK bool user_create(struct store *store, struct view email, struct user *ret_user,
                            struct err *err);

// The same for one that comes from elsewhere with its id, address and time: fills the number. The
// id is not taken.
MUST_CHECK bool user_bring(struct store *store, struct user *user, struct err *err);
MUST_CHECK bool user_set_email(struct store *store, struct user *user, struct view new_email,
                               struct err *err);

// All users in the order of creation; step with user_next.
MUST_CHECK bool user_query(struct store *store, struct page page, struct stmt **ret_stmt,
                           struct err *err);
MUST_CHECK enum step user_next(struct stmt *stmt, struct user *ret_user, struct err *err);

// Users whose address contains `term`, or who are in a project whose name does, without regard to
// the case of ASCII letters, in the order of creation; step with user_match_next.
struct user_match {
    struct user user;
    bool by_email; // else by project name
    int64_t projects, api_keys;
};
MUST_CHECK bool user_search(struct store *store, struct view term, struct page page,
                            struct stmt **ret_stmt, struct err *err);
MUST_CHECK enum step user_match_next(struct stmt *stmt, struct user_match *ret_match,
                                     struct err *err);
