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

// How many bytes at the beginning are of this kind. In text, which is long, most are looked at
// eight at a time.
static inline size_t http_run(const char *at, const char *end, enum http_byte kind)
{
    const char *start = at;
    if (kind == HTTP_TEXT)
        while (end - at >= 8 && !word_has_control(word_load(at)))
            at += 8;
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
