// view.h: bytes borrowed from someone else.
//
// A view does not own what it points at and is not terminated by NUL. It is passed by value and
// stays valid as long as its owner does. The empty view {NULL, 0} stands for "not given".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
    const char *data;
    size_t size; // bytes
};

// A view of a string literal or of a char array that is a literal.
#define VIEW(literal) ((struct view){(literal), sizeof(literal) - 1})

// A printf argument pair for the conversion "%.*s".
#define VIEW_ARG(v) (int)(v).size, (v).data

static inline struct view view_of(const char *text)
{
    return (struct view){text, text ? strlen(text) : 0};
}

static inline struct view view_bytes(const void *data, size_t size)
{
    return (struct view){(const char *)data, size};
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool view_is(struct view a, const char *text)
{
    return view_equal(a, view_of(text));
}

static inline bool view_starts(struct view v, struct view prefix)
{
    return v.size >= prefix.size && memcmp(v.data, prefix.data, prefix.size) == 0;
}

// Everything after the first `count` bytes; `count` must not exceed the size.
static inline struct view view_skip(struct view v, size_t count)
{
    return count > 0 ? (struct view){v.data + count, v.size - count} : v;
}

// Copies `from` to `*at`, where there is room for it, and moves that on. {NULL, 0} stays so.
static inline struct view view_keep(char **at, struct view from)
{
    if (!from.data)
        return from;
    struct view kept = {(const char *)memcpy(*at, from.data, from.size), from.size};
    *at += from.size;
    return kept;
}
