// clock.h: points in time and lengths of time.
//
// A time is an int64_t: microseconds since 1970-01-01 00:00:00 UTC; 0 stands for "none".
// As text it is `2025-07-16T17:02:00.406902`, UTC, six digits (command contract, ground rules).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

#define TIME_SECOND INT64_C(1000000)
#define TIME_DAY (86400 * TIME_SECOND)

enum { TIME_TEXT = 27 }; // bytes, with the final NUL

// The wall clock.
int64_t clock_now(void);

// Writes `time` (years 1970 to 9999) as text.
void time_format(int64_t time, char ret_text[TIME_TEXT]);

// The same as part of a file's name: 20250716T170200.406902.
void time_stamp(int64_t time, char ret_text[TIME_TEXT]);

// Reads `2025-07-16`, `2025-07-16T17:02:00` or the same with a fraction of 1 to 6 digits, each with
// an optional final `Z`. False when it is none of them; `*ret_time` is then untouched.
MUST_CHECK bool time_parse(struct view text, int64_t *ret_time);

// Reads a length of time: a whole number and one of `s m h d w`, as in `90d` or `12h`, above zero
// and up to LIMIT_DURATION_DAYS. Microseconds. False when it is not one.
MUST_CHECK bool duration_parse(struct view text, int64_t *ret_duration);
