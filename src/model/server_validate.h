// server_validate.h: what would stop a server from working, as far as it shows without starting it.
//
// This machine's files are looked at, programs on the PATH that the gateway gives them (the
// configured one, else SERVER_PATH) and not on that of whoever asks; nothing is started, connected
// to or resolved. A name that resolves to a private address is therefore refused only by whoever
// connects.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/out.h"

enum severity {
    STOPS, // the server cannot work, or will be refused
    WARNS, // it works, perhaps not as meant
};

// Writes an object {code, member, message} for each finding of this severity about a whole record,
// and returns how many there were. With `out` NULL it only counts. Never a secret's value.
int64_t server_validate(const struct json_value *record, enum severity wanted, struct out *out);
