// jansson_names.h: jansson next to base/json.h, whose names it would take. Only for tests.
#pragma once

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_NULL
#undef JSON_COMPACT

#include "base/view.h"

// jansson as strict as ours. NULL when it refuses; `ret_comparable` is false when it does so for
// what is a limit of its own (numbers beyond its range, NUL in a name, nesting beyond 2048), and
// for texts with a NUL byte: after a number or word it drops one instead of refusing it.
static inline json_t *jansson_parse(struct view text, bool *ret_comparable)
{
    json_error_t error;
    const char *data = text.data ? text.data : "";
    json_t *value = json_loadb(data, text.size,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    enum json_error_code code = value ? json_error_unknown : json_error_code(&error);
    *ret_comparable = code != json_error_numeric_overflow && code != json_error_null_byte_in_key &&
                      code != json_error_stack_overflow && !memchr(data, '\0', text.size);
    return value;
}
