// server_oauth.h: the members of a server's `oauth_config` that are known: what type they have and
// which of them a grant needs. Each may be written in lower case or as the Python original does,
// `client_id` or `OAUTH_CLIENT_ID` (server_plain_name); other members are kept as they are. null is
// as good as missing.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/view.h"

// Whether known members have their types and none is there twice, by two spellings. Asked of what
// is written; what an earlier version took stays usable. ERR_USAGE `invalid_oauth`.
MUST_CHECK bool server_oauth_check(const struct json_value *record, struct err *err);

// The text of the member with this plain name; {NULL, 0} when there is none.
struct view server_oauth_text(const struct json_value *oauth, const char *plain);

// client_credentials, which is what nothing means, and authorization_code.
bool server_oauth_knows_grant(struct view grant);

// Walks through what the grant needs, from `i` 0 until it returns false: `*ret_missing` is the name
// of the member that is not there, or NULL.
bool server_oauth_needs(const struct json_value *oauth, size_t i, const char **ret_missing);
