// progress_line.h: how far a long command is, in one line on standard error that is written over
// and goes away at the end. Only on a terminal, and only when the command takes over a second.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/progress.h"
#include "ops/op.h"

struct progress_line {
    struct progress progress;
    const struct op *op;
    int64_t next; // when to show again
    bool shown;
};

// What to hand to the store: NULL when standard error is no terminal.
struct progress *progress_line_start(struct progress_line *line, const struct op *op);
void progress_line_end(struct progress_line *line);
