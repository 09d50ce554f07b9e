// progress.h: how long work tells whoever waits for it how far it is.
#pragma once

#include <stdint.h>

// The first member of everything that wants to know.
struct progress {
    void (*tell)(struct progress *progress, int64_t done, int64_t total);
};

// Cheap enough to be called thousands of times a second. `progress` NULL: nobody wants to know.
static inline void progress_tell(struct progress *progress, int64_t done, int64_t total)
{
    if (progress)
        progress->tell(progress, done, total);
}
