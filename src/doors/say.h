// say.h: errors as the user sees them, on standard error.
//
// Plain: `error: SENTENCE`, then a `hint:` line for each hint. With `--output json` or `jsonl`:
// {"error":{"code":"…","message":"…","hint":"…"}}, the hint only when there is one.
#pragma once

#include <stdbool.h>

#include "base/err.h"

// Whatever looks like an API key in the text is masked, in `err` itself.
void say_error(struct err *err, bool as_json);
