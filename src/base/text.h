// text.h: questions about text: is it UTF-8, is it a UUID, how is it written for a shell.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

enum { UUID_TEXT = 37 }; // bytes, with the final NUL

// The bytes of the first character (1 to 4), or 0 when it is not valid UTF-8 (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
size_t utf8_length(struct view text);

// Whether all of it is valid.
bool text_is_utf8(struct view text);

// The code point of one character, which must be exactly what utf8_length measured.
uint32_t utf8_code(struct view character);

// Valid UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F) and without the line
// and paragraph separators, bidirectional overrides, byte order marks and noncharacters U+FFFE and
// U+FFFF, which make a terminal lie.
bool text_is_printable(struct view text);

// Columns that `text` takes on a terminal: one a character, none for combining marks, two for
// East Asian wide ones; an approximation good enough for tables.
size_t text_columns(struct view text);

// Whether a line feed or a carriage return is among them.
bool text_has_line_end(const struct view *pieces, size_t count);

// Adds `text` with a blank for each of these.
void text_add_on_one_line(struct buf *buf, struct view text);

// How many bytes of `text` come before the first that is among `marks`: all when none is.
size_t text_before(struct view text, const char *marks);

// What a hexadecimal digit of either case stands for; -1: it is none.
static inline int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    const char small = (char)(digit | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` in hexadecimal digits of either case.
bool text_is_uuid(struct view text);

// Bytes as lower-case hexadecimal digits; `ret_text` has room for 2 * size + 1.
void text_hex(const uint8_t *bytes, size_t size, char *ret_text);

// The other way round, either case. False, with nothing written, unless there are 2 * size digits.
MUST_CHECK bool text_from_hex(struct view text, uint8_t *ret_bytes, size_t size);

// Whether these are the same but for the case of ASCII letters.
bool text_same_bytes(const char *a, const char *b, size_t size);
static inline bool text_same(struct view a, struct view b)
{
    if (a.size != b.size || a.size == 0) // mostly that is all
        return a.size == b.size;
    return ((a.data[0] ^ b.data[0]) & ~0x20) == 0 && text_same_bytes(a.data, b.data, a.size);
}

// The digits of a number, in `room`.
enum { NUMBER_TEXT = 20 };
struct view text_number(uint64_t number, char room[NUMBER_TEXT]);

// ASCII capital letters become small; other bytes stay.
void text_lower(char *text, size_t size);

// Adds `text` as one word of a POSIX shell: bare when it needs no quotes, else in single quotes.
void text_add_shell_word(struct buf *buf, struct view text);

// Copies `text` into `ret_array` of `size` bytes with a final NUL. False, with nothing written,
// when it does not fit.
MUST_CHECK bool text_copy(char *ret_array, size_t size, struct view text);

// A number that tells texts apart and guards nothing (FNV-1a). `start`: TEXT_HASH, or what a text
// before it gave.
#define TEXT_HASH UINT64_C(14695981039346656037)
uint64_t text_hash(uint64_t start, struct view text);
