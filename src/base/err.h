// err.h: what went wrong, as a kind, a code, a sentence and the way out.
//
// Every function that can fail returns false (or a failing enum) and has filled the `struct err`
// it was given as its last argument. There is no thread-local last error, and nothing below the
// doors prints or exits. One table turns a kind into an exit status (err_exit_status).
#pragma once

#include <stdbool.h>

#include "base/attr.h"

enum err_kind {
    ERR_NONE,
    ERR_USAGE,        // the request is malformed; asking again unchanged cannot help
    ERR_NOT_FOUND,    // a named thing does not exist
    ERR_CONFLICT,     // the name is taken
    ERR_PRECONDITION, // the rules refuse it in the present state
    ERR_BUSY,         // someone else holds the store; asking again may help
    ERR_INTEGRITY,    // data or key files are damaged, forged or do not belong together
    ERR_IO,           // the system refused: disk, permission, missing file
    ERR_MEMORY,       // out of memory
};

struct err {
    enum err_kind kind;
    const char *code;   // static, snake_case, stable: scripts compare it
    char message[1024]; // one sentence without a final stop
    char hint[2048];    // lines separated by \n, each a command or advice; often empty
};

// Fills `err` and returns false, so that a function can end with `return err_set(…)`.
bool err_set(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

// Adds one hint line. Returns false, as err_set does.
bool err_hint(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

// "out of memory", in one place.
bool err_memory(struct err *err);

// True for the kinds that mean "understood and refused by the rules" (audited for changes).
bool err_is_refusal(enum err_kind kind);

// 1, or 2 for wrong usage (command contract, ground rules).
int err_exit_status(enum err_kind kind);
