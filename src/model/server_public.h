// server_public.h: which members of a server's record, and of other JSON that is kept for others,
// may be shown by what their names tell. Everything else is taken for a secret: a secret's name can
// be anything, what is harmless is known.
//
// Names are compared without regard to case, `_`, `-` and a leading `oauth` or `enkrypt`, so that
// `client_id`, `clientId` and `OAUTH_CLIENT_ID` are the same.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/view.h"

// Where a member stands.
enum server_room {
    ROOM_RECORD,   // at the top of a record
    ROOM_CONFIG,   // in `config`
    ROOM_TIMEOUTS, // in `config.timeouts`
    ROOM_OAUTH,    // at the top of `oauth_config`
    ROOM_OTHER,    // in JSON that is no record of a server
    ROOM_UNKNOWN,  // in an object that is not known: only measures are shown
    ROOM_SECRET,   // in what is secret as a whole
};

// Whether texts and numbers of the member may be shown; of what is inside its objects,
// server_room_inside decides. Numbers are shown when their name tells of a measure (`timeout`,
// `port`, …).
MUST_CHECK bool server_member_is_public(const struct json_value *member, enum server_room room);

// Where the members of a member's objects stand.
enum server_room server_room_inside(const struct json_value *member, enum server_room room);

// Whether the value of a URL's parameter may be shown.
MUST_CHECK bool server_parameter_is_public(struct view name);

enum { PLAIN_NAME = 64 };

// The name as it is compared; "" when it is longer than any that is known.
void server_plain_name(struct view name, char ret_plain[PLAIN_NAME]);
