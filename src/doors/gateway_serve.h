// gateway_serve.h: the running gateway: puts its parts together and runs until it is told to end.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/settings.h"
#include "model/store.h"

// Serves HTTP, or with `stdio` the one client on standard input and output. Returns the exit status
// when it was told to end, or -1 with `err` filled when it could not start. Both structs, and what
// they point at, must outlive it.
MUST_CHECK int gateway_serve(const struct settings *settings, const struct store_config *config,
                             bool stdio, struct err *err);
