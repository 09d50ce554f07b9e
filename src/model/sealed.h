// sealed.h: opening what the store keeps sealed with a subkey of index.key: records of MCP servers,
// members of the original's file.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"
#include "model/store.h"

// Opens `sealed`, which is bound to `context`, into a secret buf that is empty. ERR_INTEGRITY
// `sealed_record_damaged`, also when it is larger than the buf may be.
MUST_CHECK bool sealed_open(struct store *store, struct view sealed, struct view context,
                            struct buf *ret_clear, struct err *err);
