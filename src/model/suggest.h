// suggest.h: what the shell may offer when TAB is pressed: names that begin with what was typed.
#pragma once

#include "base/attr.h"
#include "model/store.h"

enum suggestion {
    SUGGEST_EMAIL,
    SUGGEST_PROJECT_NAME,
    SUGGEST_CONFIG_NAME,
    SUGGEST_KEY_ID,
    SUGGEST_SERVER_NAME // of one config
};

// The config whose servers are meant; what is not known of it is {NULL, 0}.
struct suggest_config {
    struct view name, config_id;
};

// Up to 50 values in order, in the first column of the statement; step with stmt_step.
MUST_CHECK bool suggest_query(struct store *store, enum suggestion what, struct view prefix,
                              const struct suggest_config *of, struct stmt **ret_stmt,
                              struct err *err);
