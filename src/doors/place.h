// place.h: where the store is, by options and environment: the same for all our programs.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "doors/argv.h"
#include "model/store.h"

// `*ret_config` borrows from `home`, from the request and from the environment.
MUST_CHECK bool place_store(const struct request *request, char home[LIMIT_PATH],
                            struct store_config *ret_config, struct err *err);
