// next_master.h: the files of an exchange of master.key.
//
// The new key is made beside the old one as master.key.next and takes its name by a rename, when
// the store can be opened with either. The old one stays as master.key.previous-STAMP, for old
// backups. The caller holds the home's lock. What a crash left of an exchange is made anew by the
// next one.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "vault/vault.h"

// Makes master.key.next (durable) and gives a vault that is unlocked with it.
MUST_CHECK bool next_master_make(const struct vault *vault, struct vault **ret_next,
                                 struct err *err);

// Gives master.key its second name, durably.
MUST_CHECK bool next_master_keep_old(const struct vault *vault, const char *stamp, struct err *err);

// Puts master.key.next in the place of master.key, durably.
MUST_CHECK bool next_master_install(const struct vault *vault, struct err *err);

// Takes back what make and keep_old did.
void next_master_drop(const struct vault *vault, const char *stamp);

// Whether an exchange was begun and not ended.
bool next_master_is_left(const struct vault *vault);
