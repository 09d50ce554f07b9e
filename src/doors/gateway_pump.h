// gateway_pump.h: standard input and output as streams, whatever they are. A loop cannot wait for
// files and for /dev/null: a thread carries their bytes through a pipe.
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "os/stream.h"

struct pump {
    int from, to;
    pthread_t thread;
    bool running;
};

// A stream over `descriptor` (0: for reading; 1: for writing), which stays open.
MUST_CHECK bool pump_adopt(struct pump *pump, struct loop *loop, int descriptor,
                           struct stream **ret_stream, struct err *err);

// Waits until all was carried. The stream and its loop are gone.
void pump_done(struct pump *pump);
