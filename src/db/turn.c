// turn.c: see turn.h.
#include "db/turn.h"

#include <stdatomic.h>
#include <time.h>

#include "base/limits.h"
#include "db/db.h"

static atomic_llong hurry_until; // milliseconds of CLOCK_MONOTONIC; 0: nobody hurries

static int64_t monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void db_hurry(int milliseconds)
{
    long long nobody = 0;
    (void)atomic_compare_exchange_strong(&hurry_until, &nobody, monotonic_ms() + milliseconds);
}

static bool is_time_over(int64_t waited_ms)
{
    int64_t until = atomic_load(&hurry_until);
    return waited_ms >= LIMIT_BUSY_MS || (until != 0 && monotonic_ms() >= until);
}

// Longer each time, so that many writers take turns without burning the processor.
bool turn_wait(int64_t *waited_ms, int attempt)
{
    if (attempt == 0)
        *waited_ms = 0;
    if (is_time_over(*waited_ms))
        return false;
    long pause_ms = attempt < 3 ? 1 : attempt < 20 ? 2 : 5;
    struct timespec pause = {.tv_nsec = pause_ms * 1000000};
    (void)nanosleep(&pause, NULL);
    *waited_ms += pause_ms;
    return true;
}
