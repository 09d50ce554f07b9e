// meter.h: progress on standard error, when that is a terminal and the work takes over a second.
#pragma once

#include <stdbool.h>

#include "base/progress.h"
#include "ops/op.h"

struct meter {
    struct progress progress;
    char title[OP_TITLE]; // of the command
    int64_t due;          // when the next showing is, milliseconds of the monotonic clock
    bool shown;           // a line stands on the terminal
};

// What the work may tell its progress to; NULL when standard error is no terminal.
struct progress *meter_start(struct meter *meter, const struct op *op);

// Takes the line away. Accepts a zeroed meter.
void meter_done(struct meter *meter);
