// health.h: is the store sound?
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/store.h"

struct health {
    // Sentences, each ended by '\n'. Issues make the store unhealthy, warnings do not.
    struct buf issues, warnings;
    int64_t projects, users, configs, api_keys, disabled_api_keys;
};

// Examines the database's structure, the API keys' MACs, the records of MCP servers, the audit
// chain, the key files and the permissions, and looks for keys that expire within a week and for
// what commands that were cut off have left. Call health_done afterwards.
MUST_CHECK bool health_check(struct store *store, struct health *ret_health, struct err *err);
// Makes the present set of API keys the right one (see audit.h), with a record of it. ERR_INTEGRITY
// while a key is tampered. The caller is inside a change.
MUST_CHECK bool health_accept_keys(struct store *store, int64_t *ret_api_keys, struct err *err);

void health_done(struct health *health);
