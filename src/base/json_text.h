// json_text.h: the inside of JSON texts, for those that read JSON (json.h, json_check.h,
// json_walk.h): escapes, and the bytes that need a second look.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/many.h"
#include "base/view.h"

// Takes one escape, from its backslash on, or two that are a surrogate pair. Returns why not, a
// static sentence, or NULL.
MUST_CHECK const char *json_take_escape(const char **at, const char *end, uint32_t *ret_code);

// The same, and takes half a pair that stands alone, too: the code is then that of the half.
// RFC 8259 lets it be written, though it stands for no character (section 8.2).
MUST_CHECK const char *json_take_any_escape(const char **at, const char *end, uint32_t *ret_code);

// What the checked inside of a text stands for: a slice of it when it has no escapes, else made in
// `into` of `size` bytes. {NULL, 0} when it does not fit, or has half a surrogate pair, which no
// UTF-8 stands for; as many bytes as `inside` has are enough.
struct view json_unescape(struct view inside, char *into, size_t size);

// The same, and half a pair becomes three bytes, as if it were a character. Raw text never has
// those bytes, so two texts are the same exactly when their bytes are. Only to be compared: it may
// be no UTF-8 and must not be written anywhere.
struct view json_unescape_to_compare(struct view inside, char *into, size_t size);

// The first byte from `at` on that is a quote, a backslash, a control character or no ASCII; `end`
// when there is none.
static inline const char *json_skip_plain(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        many bytes = many_load(at);
        size_t first = many_first((bytes == '"') | (bytes == '\\') | (bytes < 0x20));
        if (first < 16)
            return at + first;
    }
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}

// The same in a text that was checked: the first quote or backslash.
static inline const char *json_skip_checked(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        many bytes = many_load(at);
        size_t first = many_first((bytes == '"') | (bytes == '\\'));
        if (first < 16)
            return at + first;
    }
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}
