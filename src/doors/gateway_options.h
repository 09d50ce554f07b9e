// gateway_options.h: the options of `serve` as the gateway's settings.
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "model/settings.h"
#include "ops/param.h"

struct gateway_options {
    struct settings settings;
    bool stdio;
    char holder[LIMIT_PATH];
    struct arena lists; // what the settings point at, besides the arguments themselves
};

// The defaults and what is given. The settings borrow from `args` and from `*ret_options`, which
// must stay where it is. ERR_USAGE for what is out of range or does not go together. Call
// gateway_options_done always.
MUST_CHECK bool gateway_options_read(const struct args *args, struct gateway_options *ret_options,
                                     struct err *err);
void gateway_options_done(struct gateway_options *options);
