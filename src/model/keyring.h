// keyring.h: the data key that seals API keys, as the store keeps it: a row for each master.key
// that opens it. There is one, but for an exchange of master.key that is under way or was cut off.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/store.h"

// Makes a data key, in a row for the store's own master.key.
MUST_CHECK bool keyring_start(struct store *store, struct err *err);

// Opens the data key with the master.key of `vault`, which is unlocked. ERR_INTEGRITY when no row
// fits it.
MUST_CHECK bool keyring_open(struct store *store, struct vault *vault, struct err *err);

// Adds a row for the master.key of `next`; `vault` has the data key.
MUST_CHECK bool keyring_add(struct store *store, const struct vault *vault,
                            const struct vault *next, struct err *err);

// Removes the rows of all master keys but that of `vault`.
MUST_CHECK bool keyring_keep_only(struct store *store, const struct vault *vault, struct err *err);

MUST_CHECK bool keyring_count(struct store *store, int64_t *ret_rows, struct err *err);
