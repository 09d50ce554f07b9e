// suggest.h: what the shell may offer when TAB is pressed: names that begin with what was typed.
#pragma once

#include "base/attr.h"
#include "model/store.h"

enum suggestion { SUGGEST_EMAIL, SUGGEST_PROJECT_NAME, SUGGEST_CONFIG_NAME, SUGGEST_KEY_ID };

// Up to 50 values in order, in the first column of the statement; step with stmt_step.
MUST_CHECK bool suggest_query(struct store *store, enum suggestion what, struct view prefix,
                              struct stmt **ret_stmt, struct err *err);
