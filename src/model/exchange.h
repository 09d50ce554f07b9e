// exchange.h: the store as the one JSON file of the Python original, and back. How the file looks
// is in exchange_read.h.
//
// An import adds what the store does not have, with ids and times, and never changes what it has: a
// thing of the same id is left as it is, and where the file says something else, that is noted.
// What cannot be added is noted too, with all that hangs on it: an address or name that is
// another's, a key without its user, one that was deleted from this store. Nobody gains access that
// the file does not give: things are matched by id alone, never by address or name. So the same
// file can be imported twice.
//
// `common_mcp_gateway_config`, `plugins` and unknown members of the file are kept to be given back
// (kept.h); `admin_apikey` is not.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/out.h"
#include "base/text.h"
#include "model/exchange_notes.h"
#include "model/store.h"

// Brings over what `file` has. ERR_USAGE when it is no such file at all, or has more than
// LIMIT_EXCHANGE_THINGS things. Keys that were deleted from this store come back by `revive_keys`
// only. The caller is inside a
// change, and `notes` is zeroed but for its arena.
MUST_CHECK bool exchange_import(struct store *store, const struct json_value *file,
                                bool revive_keys, struct exchange_notes *notes, struct err *err);

// Keys whose records were changed outside this program: they are not given away.
struct exchange_tampered {
    int64_t count;
    char first_key_id[UUID_TEXT];
};

// Writes the file. With `reveal` it has keys and secrets in the clear: each is written down in the
// audit, and the caller is inside a change. Otherwise keys are only listed, masked, in a member
// from which nothing can be imported, and secrets are masked. Keys that cannot be shown are so
// listed in any case, and of tampered ones `*ret_tampered` tells.
MUST_CHECK bool exchange_export(struct store *store, bool reveal, struct out *out,
                                struct exchange_tampered *ret_tampered, struct err *err);
