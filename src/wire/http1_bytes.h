// http1_bytes.h: which bytes HTTP/1 allows where (RFC 9110 section 5.6.2, RFC 9112 section 3.2).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/many.h"
#include "base/view.h"

enum http_byte {
    HTTP_TOKEN = 1,  // methods and names of fields
    HTTP_TEXT = 2,   // values of fields: visible ASCII, blanks, bytes from 0x80
    HTTP_TARGET = 4, // visible ASCII; no `#`, a request's target has no fragment
    HTTP_HOST = 8,   // of a URI's host and port
};

extern const unsigned char http_bytes[256]; // sums of enum http_byte

static inline bool http_byte_is(char byte, enum http_byte kind)
{
    return (http_bytes[(unsigned char)byte] & kind) != 0;
}

// The first control character among whole eights of bytes, or the rest that is less than eight.
static inline const char *http_skip_eights(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t found = word_has_control(word_load(at));
        if (found)
            return at + word_first(found);
    }
    return at;
}

// How many bytes at the beginning are of this kind. Text, which is long, is looked at eight at a
// time as far as it goes; a tab is a control character that text may have.
static inline size_t http_run(const char *at, const char *end, enum http_byte kind)
{
    const char *start = at;
    if (kind == HTTP_TEXT)
        at = http_skip_eights(at, end);
    while (at < end && http_byte_is(*at, kind))
        at++;
    return (size_t)(at - start);
}

static inline bool http_all(struct view bytes, enum http_byte kind)
{
    return bytes.size == 0 || http_run(bytes.data, bytes.data + bytes.size, kind) == bytes.size;
}

static inline bool http_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}
