// json.h: the reader of JSON (RFC 8259), strict, for text from outside.
//
// One pass turns a text into a tree in the caller's arena. The tree borrows from the text, which
// must outlive it. Refused besides bad syntax: invalid UTF-8, a byte order mark, halves of
// surrogate pairs, two members of one object with the same name (after unescaping), nesting deeper
// than LIMIT_JSON_DEPTH, and anything after the value. The arena's maximum bounds the memory: a
// value takes 64 bytes however short it is.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/out.h"
#include "base/view.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    struct view raw;               // as it stands in the input
    struct view key;               // of a member: unescaped; else {NULL, 0}
    const struct json_value *next; // member or element after this one
    union {
        struct view text; // JSON_TEXT: unescaped; ask with json_text
        struct {
            const struct json_value *first; // JSON_ARRAY, JSON_OBJECT; ask with json_first
            size_t count;                   // ask with json_count
        };
    };
    enum json_type type;
};

// Reads the one value that `text` is. The message on failure, `Invalid JSON at line 3 column 14:
// reason` (columns in characters), never repeats the input, which may hold secrets.
MUST_CHECK bool json_parse(struct view text, struct arena *arena, const struct json_value **ret,
                           struct err *err);

// The same, but nested no deeper than `deepest`, which is at most LIMIT_JSON_DEPTH.
MUST_CHECK bool json_parse_within(struct view text, unsigned deepest, struct arena *arena,
                                  const struct json_value **ret, struct err *err);

// The same for text that our own writer made: as deep as the writer goes, names not compared.
MUST_CHECK bool json_parse_own(struct view text, struct arena *arena, const struct json_value **ret,
                               struct err *err);

// Not NULL and of this type. The functions below accept NULL and values of any type.
static inline bool json_is(const struct json_value *value, enum json_type type)
{
    return value && value->type == type;
}

// The first member or element; NULL when there is none. Go on with `->next`.
static inline const struct json_value *json_first(const struct json_value *value)
{
    return value && value->type >= JSON_ARRAY ? value->first : NULL;
}

// How many members or elements; 0 for what has none.
static inline size_t json_count(const struct json_value *value)
{
    return value && value->type >= JSON_ARRAY ? value->count : 0;
}

// The unescaped text, which may hold any character, NUL too; {NULL, 0} for what is no text.
static inline struct view json_text(const struct json_value *value)
{
    return json_is(value, JSON_TEXT) ? value->text : (struct view){NULL, 0};
}

// The member of this name, or NULL. Looks at one member after the other.
const struct json_value *json_member(const struct json_value *object, const char *name);

// The number when it is written without fraction and exponent and fits. False, with `*ret_integer`
// untouched, otherwise.
MUST_CHECK bool json_int(const struct json_value *value, int64_t *ret_integer);

// The truth value. False, with `*ret_boolean` untouched, when it is none.
MUST_CHECK bool json_bool(const struct json_value *value, bool *ret_boolean);

// Replays the value into a writer, so that stored JSON can be shown in any format.
void json_copy_to_out(const struct json_value *value, struct out *out);
