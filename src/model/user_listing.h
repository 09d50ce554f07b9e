// user_listing.h: all users with their projects and number of keys, in one pass and constant
// memory.
//
// Three cursors in the order of users run side by side, so that a hundred thousand users cost three
// statements, not three hundred thousand.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "model/store.h"
#include "model/user.h"

struct user_listing;

// Free with user_listing_free.
MUST_CHECK bool user_listing_open(struct store *store, struct page page,
                                  struct user_listing **ret_listing, struct err *err);
void user_listing_free(struct user_listing **listing);

// The next user, with the number of API keys of any status.
MUST_CHECK enum step user_listing_next(struct user_listing *listing, struct user *ret_user,
                                       int64_t *ret_api_keys, struct err *err);

// The next project of that user. The views hold until the next call.
MUST_CHECK enum step user_listing_project(struct user_listing *listing, struct view *ret_id,
                                          struct view *ret_name, struct err *err);
