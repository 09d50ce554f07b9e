// loop_steps.h: runs a loop until something has happened, for the tests of os/.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/loop.h"

struct patience {
    struct loop *loop;
    const bool *happened;
    int64_t until;
};

static inline void patience_look(void *context)
{
    struct patience *patience = (struct patience *)context;
    if (*patience->happened || loop_clock() > patience->until)
        loop_stop(patience->loop);
}

// True when `*happened` became true within `ms`.
static inline bool run_until(struct loop *loop, const bool *happened, int64_t ms)
{
    struct err err;
    struct timer *timer;
    struct patience patience = {loop, happened, loop_clock() + ms * 1000};
    assert_true(timer_new(loop, 2, patience_look, &patience, &timer, &err));
    loop_run(loop);
    timer_free(&timer);
    return *happened;
}

static inline void run_for(struct loop *loop, int64_t ms)
{
    static const bool never = false;
    (void)run_until(loop, &never, ms);
}
