// out.h: where an operation puts its data.
//
// An operation describes its result as nested objects, arrays and scalars; who made the `struct
// out` decides whether that becomes JSON, a table, CSV or YAML (or, over REST, a response body).
// Writing cannot fail here: a writer remembers trouble and its owner asks at the end. Calls must
// nest properly, and inside an object every value is preceded by its key.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

enum out_type { OUT_NULL, OUT_BOOL, OUT_INT, OUT_TEXT, OUT_NUMBER };

struct out_scalar {
    enum out_type type;
    bool boolean;
    int64_t integer;
    struct view text; // OUT_TEXT: UTF-8; OUT_NUMBER: the digits as JSON has them
};

struct out;

struct out_methods {
    void (*begin)(struct out *out, char bracket); // '{' or '['
    void (*end)(struct out *out, char bracket);   // '}' or ']'
    void (*key)(struct out *out, struct view key);
    void (*scalar)(struct out *out, const struct out_scalar *value);
    void (*finish)(struct out *out); // the whole result has been given
};

// The first member of every writer.
struct out {
    const struct out_methods *methods;
};

static inline void out_begin(struct out *out, char bracket)
{
    out->methods->begin(out, bracket);
}

static inline void out_end(struct out *out, char bracket)
{
    out->methods->end(out, bracket);
}

static inline void out_key(struct out *out, const char *key)
{
    out->methods->key(out, view_of(key));
}

// For keys that are no literals.
static inline void out_key_view(struct out *out, struct view key)
{
    out->methods->key(out, key);
}

static inline void out_scalar(struct out *out, struct out_scalar value)
{
    out->methods->scalar(out, &value);
}

static inline void out_finish(struct out *out)
{
    out->methods->finish(out);
}

// A text value; the view {NULL, 0} becomes null.
static inline void out_text(struct out *out, struct view text)
{
    out_scalar(out, (struct out_scalar){.type = text.data ? OUT_TEXT : OUT_NULL, .text = text});
}

// One member of the object under way: key and value in a line.
static inline void field_text(struct out *out, const char *key, struct view text)
{
    out_key(out, key);
    out_text(out, text);
}

static inline void field_string(struct out *out, const char *key, const char *text)
{
    field_text(out, key, view_of(text));
}

static inline void field_int(struct out *out, const char *key, int64_t integer)
{
    out_key(out, key);
    out_scalar(out, (struct out_scalar){.type = OUT_INT, .integer = integer});
}

static inline void field_bool(struct out *out, const char *key, bool boolean)
{
    out_key(out, key);
    out_scalar(out, (struct out_scalar){.type = OUT_BOOL, .boolean = boolean});
}

static inline void field_null(struct out *out, const char *key)
{
    out_key(out, key);
    out_scalar(out, (struct out_scalar){.type = OUT_NULL});
}

// A point in time, microseconds since 1970 UTC, as the contract writes it; 0 becomes null.
void field_time(struct out *out, const char *key, int64_t time);

static inline void field_begin(struct out *out, const char *key, char bracket)
{
    out_key(out, key);
    out_begin(out, bracket);
}
