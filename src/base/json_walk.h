// json_walk.h: goes through JSON text that json_check has accepted, member by member, without a
// tree and without memory. What it gives out are slices of the text.
//
// Must not be used on unchecked text: it looks only for the ends of things.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

// No name that anything is looked up by is longer. Bytes.
enum { JSON_NAME_MAX = 64 };

struct json_walk {
    const char *at, *end;
    bool named; // over an object
};

// Over the members of an object or the elements of an array; over nothing for any other value.
struct json_walk json_walk(struct view value);

// The next member or element. `ret_name`: the name between its quotes, still escaped ({NULL, 0} in
// an array); `ret_value`: the value without blanks around it. False at the end.
bool json_walk_next(struct json_walk *walk, struct view *ret_name, struct view *ret_value);

// Whether a name as json_walk_next gives it, perhaps with escapes, stands for `name` (of at most
// JSON_NAME_MAX bytes, without quotes, backslashes and control characters). Names must not be
// compared in any other way: `"n\u0061me"` is `name`.
bool json_name_is(struct view raw_name, struct view name);

// The raw value of a member, {NULL, 0} when there is none or `object` is no object. `name` as
// above.
struct view json_walk_named(struct view object, struct view name);
static inline struct view json_walk_member(struct view object, const char *name)
{
    return json_walk_named(object, view_of(name));
}

// What to do with the member `name`: its raw value becomes the `struct view` at `offset` of a
// record, and where it is an object, its own members are picked likewise.
struct json_pick {
    struct view name;
    size_t offset; // bytes
    const struct json_pick *inside;
    size_t inside_count;
};
#define JSON_PICK(type, field, literal)                                                            \
    {                                                                                              \
        {literal, sizeof(literal) - 1}, offsetof(type, field), NULL, 0                             \
    }
#define JSON_PICK_IN(type, field, literal, list)                                                   \
    {                                                                                              \
        {literal, sizeof(literal) - 1}, offsetof(type, field), list, COUNT_OF(list)                \
    }

// Puts the members that `picks` names into `record`. What is not there stays as it was.
void json_pick(struct view object, const struct json_pick *picks, size_t count, void *record);

// Raw values tell their type by their first byte.
static inline bool json_raw_is(struct view value, char first)
{
    return value.size > 0 && value.data[0] == first;
}

// The text that a raw string (with its quotes) stands for, unescaped into `into` of `size` bytes
// when it has escapes, else a slice of the raw one; always valid UTF-8. {NULL, 0} when it is no
// string, does not fit, or has half a surrogate pair (json_check.h).
struct view json_raw_text(struct view raw, char *into, size_t size);

// A whole number of at most 18 digits. False when the raw value is not one.
MUST_CHECK bool json_raw_int(struct view raw, long long *ret_number);
