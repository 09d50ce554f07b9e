// result.h: where a command's result goes: standard output, or the file of --output-file.
//
// Nothing is shown before the change behind it is durable: the result of a change is held until the
// command has committed, and dropped when it fails.
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/file.h"
#include "doors/render.h"

struct result {
    struct buf buf;
    struct render *render; // NULL: `plain`
    struct out plain;      // shows one field, as `user_id: UUID`
    const char *plain_field;
    bool plain_under_way;    // the next scalar is the field's value
    struct file_draft draft; // when the result goes to a file
    bool to_file;
    int trouble; // errno of a failed write; 0: none
};

// `file` NULL: standard output. `plain_field`, when given, takes the place of the format.
MUST_CHECK bool result_open(struct result *result, enum render_format format,
                            const char *plain_field, const char *file, struct err *err);
// See render_name_columns.
void result_name_columns(struct result *result, const char *fields, const char *columns);
struct out *result_out(struct result *result);

// Holds everything back until result_send.
void result_hold(struct result *result);

// Ends the result and sends what has not been sent. False when standard output or the file failed.
MUST_CHECK bool result_send(struct result *result, struct err *err);
void result_done(struct result *result);
