// text.c: see text.h.
#include "base/text.h"

#include <string.h>

#include "base/many.h"

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

// The length that the first byte of a character announces; 0 for a byte that begins none.
static size_t announced_length(unsigned char byte)
{
    if (byte < 0x80)
        return 1;
    if (byte >= 0xc2 && byte < 0xe0)
        return 2;
    if (byte >= 0xe0 && byte < 0xf0)
        return 3;
    if (byte >= 0xf0 && byte < 0xf5)
        return 4;
    return 0;
}

uint32_t utf8_code(struct view character)
{
    static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)character.data[0] & first_mask[character.size];
    for (size_t i = 1; i < character.size; i++)
        code = code << 6 | ((unsigned char)character.data[i] & 0x3f);
    return code;
}

size_t utf8_length(struct view text)
{
    if (text.size == 0)
        return 0;
    size_t length = announced_length((unsigned char)text.data[0]);
    if (length == 0 || length > text.size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation((unsigned char)text.data[i]))
            return 0;
    uint32_t code = utf8_code((struct view){text.data, length});
    bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return overlong || surrogate || code > 0x10ffff ? 0 : length;
}

static bool is_deceptive(uint32_t code)
{
    // Soft hyphen, Arabic letter mark, zero width space, direction marks, invisible operators.
    if (code == 0xad || code == 0x61c || code == 0x200b || code == 0x200e || code == 0x200f ||
        (code >= 0x2060 && code <= 0x2064))
        return true;
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff || code == 0xfffe || code == 0xffff;
}

bool text_is_printable(struct view text)
{
    while (text.size > 0) {
        if (*text.data >= ' ' && *text.data < 0x7f) {
            text = view_skip(text, 1);
            continue;
        }
        size_t length = utf8_length(text);
        if (length == 0 || is_deceptive(utf8_code((struct view){text.data, length})))
            return false;
        text = view_skip(text, length);
    }
    return true;
}

static size_t columns_of(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        size_t columns;
    } ranges[] = {
        // ascending
        {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0}, {0x20d0, 0x20ff, 0},
        {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < COUNT_OF(ranges) && code >= ranges[i].first; i++)
        if (code <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

size_t text_columns(struct view text)
{
    size_t columns = 0;
    while (text.size > 0) {
        size_t length = utf8_length(text);
        columns += length > 0 ? columns_of(utf8_code((struct view){text.data, length})) : 1;
        text = view_skip(text, length > 0 ? length : 1);
    }
    return columns;
}

bool text_is_utf8(struct view text)
{
    while (text.size > 0) {
        size_t length = utf8_length(text);
        if (length == 0)
            return false;
        text = view_skip(text, length);
    }
    return true;
}

bool text_has_line_end(const struct view *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size > 0 && (memchr(pieces[i].data, '\n', pieces[i].size) ||
                                   memchr(pieces[i].data, '\r', pieces[i].size)))
            return true;
    return false;
}

void text_add_on_one_line(struct buf *buf, struct view text)
{
    size_t start = buf->size;
    buf_add(buf, text);
    for (size_t i = start; i < buf->size; i++)
        if (buf->data[i] == '\n' || buf->data[i] == '\r')
            buf->data[i] = ' ';
}

size_t text_before(struct view text, const char *marks)
{
    size_t size = 0;
    while (size < text.size && (text.data[size] == '\0' || !strchr(marks, text.data[size])))
        size++;
    return size;
}

bool text_is_uuid(struct view text)
{
    if (text.size != UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.data[i] != '-' : hex_digit(text.data[i]) < 0)
            return false;
    }
    return true;
}

void text_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[2 * size] = '\0';
}

bool text_from_hex(struct view text, uint8_t *ret_bytes, size_t size)
{
    if (text.size != 2 * size)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (hex_digit(text.data[i]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] =
            (uint8_t)(hex_digit(text.data[2 * i]) << 4 | hex_digit(text.data[2 * i + 1]));
    return true;
}

static inline bool same_word(const char *a, const char *b)
{
    const uint64_t left = word_load(a), right = word_load(b);
    return left == right || word_small(left) == word_small(right);
}

bool text_same_bytes(const char *a, const char *b, size_t size)
{
    size_t at = 0;
    for (; size - at >= 8; at += 8)
        if (!same_word(a + at, b + at))
            return false;
    if (size >= 8)
        return same_word(a + size - 8, b + size - 8); // the last eight, some of them again
    for (; at < size; at++)
        if (a[at] != b[at] && word_small((unsigned char)a[at]) != word_small((unsigned char)b[at]))
            return false;
    return true;
}

struct view text_number(uint64_t number, char room[NUMBER_TEXT])
{
    char *at = room + NUMBER_TEXT;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return (struct view){at, (size_t)(room + NUMBER_TEXT - at)};
}

void text_lower(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] + ('a' - 'A'));
}

static bool is_shell_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("@%+=:,./_-", c) != NULL);
}

void text_add_shell_word(struct buf *buf, struct view text)
{
    bool bare = text.size > 0;
    for (size_t i = 0; i < text.size; i++)
        bare = bare && is_shell_safe(text.data[i]);
    if (bare) {
        buf_add(buf, text);
        return;
    }
    buf_add_char(buf, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'')
            buf_add(buf, VIEW("'\\''"));
        else
            buf_add_char(buf, text.data[i]);
    }
    buf_add_char(buf, '\'');
}

bool text_copy(char *ret_array, size_t size, struct view text)
{
    if (text.size >= size)
        return false;
    if (text.size > 0)
        memcpy(ret_array, text.data, text.size);
    ret_array[text.size] = '\0';
    return true;
}

uint64_t text_hash(uint64_t start, struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        start = (start ^ (unsigned char)text.data[i]) * UINT64_C(1099511628211);
    return start;
}
