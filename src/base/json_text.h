// json_text.h: the inside of JSON texts, for those that read JSON (json.h, json_check.h,
// json_walk.h): escapes, and the bytes that need a second look.
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

// Takes one escape, from its backslash on, or two that are a surrogate pair. Returns why not, a
// static sentence, or NULL.
MUST_CHECK const char *json_take_escape(const char **at, const char *end, uint32_t *ret_code);

// What the checked inside of a text stands for: a slice of it when it has no escapes, else made in
// `into` of `size` bytes. {NULL, 0} when it does not fit; as many bytes as `inside` has are enough.
struct view json_unescape(struct view inside, char *into, size_t size);

// One byte in all places of a word.
#define JSON_BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

// Eight bytes as a word whose lowest byte is the first one.
static inline uint64_t json_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

// In the questions below, the lowest bit that is set is the high bit of the first such byte; what
// is above it means nothing, except that 0 says there is none.
#define JSON_HIGH_BITS JSON_BYTES(UINT64_C(0x80))

static inline uint64_t json_word_has(uint64_t word, unsigned char byte)
{
    uint64_t zero_there = word ^ JSON_BYTES((uint64_t)byte);
    return (zero_there - JSON_BYTES(1)) & ~zero_there & JSON_HIGH_BITS;
}

static inline size_t json_first_in(uint64_t found)
{
    return (size_t)__builtin_ctzll(found) / 8;
}

// The first byte from `at` on that is a quote, a backslash, a control character or no ASCII; `end`
// when there is none.
static inline const char *json_skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word = json_word(at);
        uint64_t found = json_word_has(word, '"') | json_word_has(word, '\\') |
                         (((word - JSON_BYTES(0x20)) | word) & JSON_HIGH_BITS);
        if (found)
            return at + json_first_in(found);
    }
    while (at < end && (signed char)*at >= 0x20 && *at != '"' && *at != '\\')
        at++;
    return at;
}
