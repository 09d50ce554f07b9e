// wrap.h: keys wrapped by master.key. For the files of vault/ only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vault/vault.h"

// Wraps `key`, bound to `context`. After vault_unlock.
void wrap_key(const struct vault *vault, const uint8_t key[32], struct view context,
              uint8_t ret_wrapped[VAULT_WRAPPED]);

// False when master.key or the context is another one, or the bytes were changed.
MUST_CHECK bool unwrap_key(const struct vault *vault, struct view wrapped, struct view context,
                           uint8_t ret_key[32]);

// The vault's home.
const char *vault_home(const struct vault *vault);
