// gateway_stdio.h: the door for a client that has started the gateway as its child: one key, one
// message a line.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "model/settings.h"
#include "model/store.h"

// Serves standard input and output with the key in ENKRYPT_GATEWAY_KEY, which is taken out of the
// environment. Until standard input ends or a signal says so: 0. 1 when the key is valid no more.
// -1 with `err` filled when it could not start.
MUST_CHECK int gateway_stdio(const struct settings *settings, const struct store_config *config,
                             struct err *err);
