// rotation.h: another master.key for the same store.
//
// The sealed copies of API keys stay as they are: only the data key that opens them is wrapped
// anew. While the files are exchanged the keyring has a row for either key file, so that a store
// whose rotation was cut off opens with the master.key that is there; the next rotation tidies up.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/store.h"
#include "model/whole.h"

struct rotation_report {
    int64_t rotated_at;
    char previous[WHOLE_PATH]; // where the old key file is kept: backups made until now need it
};

// Exchanges master.key. The old one no longer opens the store when this is true. When it fails with
// `rotation_unfinished` the exchange is recorded and half done, and the store works.
MUST_CHECK bool master_key_rotate(struct store *store, struct rotation_report *ret_report,
                                  struct err *err);

// Whether a rotation was begun and not ended.
MUST_CHECK bool rotation_is_pending(struct store *store, bool *ret_pending, struct err *err);
