// turn.h: how long a statement waits for its turn when others hold the database. See db_hurry.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Waits a little, the longer the more attempts there were (from 0), and adds that to `*waited_ms`,
// which the first attempt sets to 0. False without waiting: it has been long enough.
bool turn_wait(int64_t *waited_ms, int attempt);
