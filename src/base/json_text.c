// json_text.c: see json_text.h.
#include "base/json_text.h"

#include "base/text.h"

// Takes four hexadecimal digits.
static bool take_hex(const char **at, const char *end, uint32_t *ret_code)
{
    uint32_t code = 0;
    if (end - *at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*(*at)++);
        if (digit < 0)
            return false;
        code = code << 4 | (uint32_t)digit;
    }
    *ret_code = code;
    return true;
}

// Takes the second half of a surrogate pair, when one follows; `*at` stays where it is otherwise.
static bool take_low_half(const char **at, const char *end, uint32_t *ret_code)
{
    const char *from = *at;
    if (end - from < 2 || from[0] != '\\' || from[1] != 'u')
        return false;
    from += 2;
    if (!take_hex(&from, end, ret_code) || *ret_code < 0xdc00 || *ret_code > 0xdfff)
        return false;
    *at = from;
    return true;
}

// Takes what follows `\u`, two escapes when they are a surrogate pair.
static const char *take_unicode(const char **at, const char *end, uint32_t *ret_code)
{
    uint32_t code, low;
    if (!take_hex(at, end, &code))
        return "\\u needs four hexadecimal digits";
    if (code >= 0xd800 && code <= 0xdbff && take_low_half(at, end, &low))
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    *ret_code = code;
    return NULL;
}

const char *json_take_any_escape(const char **at, const char *end, uint32_t *ret_code)
{
    static const char meaning[] = "n\n\"\"\\\\//t\tr\rb\bf\f";
    if (end - *at < 2)
        return "text without its closing quote";
    char letter = (*at)[1];
    *at += 2;
    if (letter == 'u')
        return take_unicode(at, end, ret_code);
    for (size_t i = 0; i + 1 < sizeof meaning; i += 2) {
        if (meaning[i] == letter) {
            *ret_code = (unsigned char)meaning[i + 1];
            return NULL;
        }
    }
    return "unknown escape";
}

const char *json_take_escape(const char **at, const char *end, uint32_t *ret_code)
{
    uint32_t code;
    const char *reason = json_take_any_escape(at, end, &code);
    if (reason)
        return reason;
    if (code >= 0xdc00 && code <= 0xdfff)
        return "second half of a surrogate pair without the first";
    if (code >= 0xd800 && code <= 0xdbff)
        return "first half of a surrogate pair without the second";
    *ret_code = code;
    return NULL;
}

static size_t put_utf8(char to[4], uint32_t code)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    to[0] = (char)(marks[length] | code);
    return length;
}

static struct view unescape(struct view inside, char *into, size_t size, bool halves)
{
    const char *escape =
        inside.size > 0 ? (const char *)memchr(inside.data, '\\', inside.size) : NULL;
    if (!escape)
        return inside;
    const char *at = inside.data, *end = inside.data + inside.size;
    size_t used = 0;
    while (at < end) {
        size_t plain = (size_t)((escape ? escape : end) - at);
        if (plain > size - used)
            return (struct view){NULL, 0};
        memcpy(into + used, at, plain);
        used += plain;
        at += plain;
        while (at < end && *at == '\\') {
            uint32_t code = 0;
            char character[4];
            if ((halves ? json_take_any_escape : json_take_escape)(&at, end, &code))
                return (struct view){NULL, 0};
            size_t length = put_utf8(character, code);
            if (length > size - used)
                return (struct view){NULL, 0};
            memcpy(into + used, character, length);
            used += length;
        }
        escape = at < end ? (const char *)memchr(at, '\\', (size_t)(end - at)) : NULL;
    }
    return (struct view){into, used};
}

struct view json_unescape(struct view inside, char *into, size_t size)
{
    return unescape(inside, into, size, false);
}

struct view json_unescape_to_compare(struct view inside, char *into, size_t size)
{
    return unescape(inside, into, size, true);
}
