// progress.h: how far a long operation is, told to whoever wants to show it.
#pragma once

#include <stdint.h>

struct progress {
    // `what` is being done, `done` of `total` (any unit; total > 0). Called often; must be quick.
    void (*tell)(struct progress *progress, const char *what, int64_t done, int64_t total);
};

// Accepts NULL.
static inline void progress_tell(struct progress *progress, const char *what, int64_t done,
                                 int64_t total)
{
    if (progress)
        progress->tell(progress, what, done, total);
}
