// base64.c: see base64.h.
#include "base/base64.h"

#include <stdint.h>

#include "base/attr.h"

void base64_add(struct buf *buf, struct view bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < left ? (unsigned char)bytes.data[i + j] : 0);
        char text[] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                       digits[bits & 63]};
        for (size_t j = left + 1; j < 4; j++)
            text[j] = '=';
        buf_add(buf, (struct view){text, sizeof text});
    }
}

// 0 to 63, or -1 for no digit.
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct view base64_decode(struct view text, char *into, size_t size)
{
    const struct view refused = {NULL, 0};
    size_t padding = 0, used = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    if (text.size % 4 != 0 || text.size / 4 * 3 - padding > size)
        return refused;
    uint32_t bits = 0, held = 0; // `held` is how many of `bits` are not yet used
    for (size_t i = 0; i < text.size - padding; i++) {
        int value = digit_value(text.data[i]);
        if (value < 0)
            return refused;
        bits = (bits << 6 | (uint32_t)value) & 0xfff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            into[used++] = (char)(bits >> held);
        }
    }
    return bits & ((1u << held) - 1) ? refused : (struct view){into, used};
}
