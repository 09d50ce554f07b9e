// loop.h: one thread's event loop. Whatever belongs to a loop is touched by its thread only; the
// one way in from other threads is loop_post.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct loop;

// The first loop of a process makes it ignore SIGPIPE, since a lost connection is an error of the
// write and no reason to die.
MUST_CHECK bool loop_new(struct loop **ret_loop, struct err *err);

// Takes now the memory for as many descriptors (not more than the process may have): libuv aborts
// when there is none for a higher one in the midst of serving.
MUST_CHECK bool loop_reserve(struct loop *loop, unsigned descriptors, struct err *err);

// Everything of the loop (streams, listeners, timers, children) has been closed before, and nobody
// posts any more. Calls what was posted and not yet called; waits for jobs under way and until the
// children that were freed are gone.
void loop_free(struct loop **loop);

// Runs until loop_stop.
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); // from the loop's own thread

// Microseconds that only ever grow. In the `data` event of a stream it is the time when that began:
// a call asks for the time some fifteen times.
int64_t loop_clock(void);
int64_t loop_clock_now(void); // read anew

// Has `fn(context)` called on the loop's thread soon. From any thread; in the order of posting.
// False when memory is short.
MUST_CHECK bool loop_post(struct loop *loop, void (*fn)(void *context), void *context);

// Has `fn` called each time the loop is about to sleep: the place for what is done once per turn.
// One such function per loop.
void loop_on_turn_end(struct loop *loop, void (*fn)(void *context), void *context);

// Work that may block, on another thread; then `done` on the loop's. False when memory is short.
MUST_CHECK bool loop_job(struct loop *loop, void (*work)(void *context),
                         void (*done)(void *context), void *context);

// Calls `fn` every `period` milliseconds (the first time after one).
struct timer;
MUST_CHECK bool timer_new(struct loop *loop, uint64_t period, void (*fn)(void *context),
                          void *context, struct timer **ret_timer, struct err *err);
void timer_free(struct timer **timer);

// Calls `fn` when the process gets the signal, as long as the loop lives; from then on the signal
// is ignored. One loop per signal.
MUST_CHECK bool loop_signal(struct loop *loop, int number, void (*fn)(void *context), void *context,
                            struct err *err);
