// fuzz_key_text.c: whatever is taken for a key of ours is one by an independent count of its
// checksum; a masked form shows no more than it may; what has the form of a key is found inside any
// text and redacted there.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "vault/key_text.h"
#include "vault/vault.h"

enum { PREFIX = 4, RANDOM = 29, DECODED = 33, MOST_SIZE = 4096 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void must(bool holds)
{
    if (!holds)
        abort();
}

// CRC-32 by the half byte.
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 2 * size; i++) {
        uint32_t low = (crc ^ (uint32_t)(bytes[i / 2] >> (i % 2 ? 4 : 0))) & 15;
        for (int bit = 0; bit < 4; bit++)
            low = (low >> 1) ^ (low & 1 ? 0xedb88320u : 0);
        crc = (crc >> 4) ^ low;
    }
    return ~crc;
}

// The characters of a key after its prefix, 4 to 3 bytes. False when one is not of the alphabet.
static bool decode(const char *text, uint8_t ret_bytes[DECODED])
{
    for (size_t i = 0; i < DECODED / 3; i++) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            const char *at = memchr(alphabet, text[4 * i + j], sizeof alphabet - 1);
            if (!at)
                return false;
            bits = bits << 6 | (uint32_t)(at - alphabet);
        }
        for (size_t j = 0; j < 3; j++)
            ret_bytes[3 * i + j] = (uint8_t)(bits >> (16 - 8 * j));
    }
    return true;
}

static enum key_shape shape_of(struct view text)
{
    uint8_t bytes[DECODED];
    if (text.size != KEY_TEXT || memcmp(text.data, "smg_", PREFIX) != 0 ||
        !decode(text.data + PREFIX, bytes))
        return KEY_SHAPE_FOREIGN;
    uint32_t crc = crc32_of(bytes, RANDOM);
    for (size_t i = 0; i < 4; i++)
        if (bytes[RANDOM + i] != (uint8_t)(crc >> (24 - 8 * i)))
            return KEY_SHAPE_MISTYPED;
    return KEY_SHAPE_OURS;
}

// Bytes beyond ASCII are no matter of keys; see key_text_is_plausible.
static bool is_ascii(struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] & 0x80)
            return false;
    return true;
}

// How many bytes at the front of the text have the form of a key; 0 when too few.
static size_t form_of(struct view text)
{
    size_t size = PREFIX;
    if (text.size < KEY_TEXT || memcmp(text.data, "smg_", PREFIX) != 0)
        return 0;
    while (size < text.size && memchr(alphabet, text.data[size], sizeof alphabet - 1))
        size++;
    return size >= KEY_TEXT ? size : 0;
}

static bool is_inside(struct view text)
{
    for (size_t at = 0; at < text.size; at++)
        if (form_of(view_skip(text, at)) > 0)
            return true;
    return false;
}

static void check_mask(struct view text)
{
    char masked[KEY_MASKED + 1];
    memset(masked, '#', sizeof masked);
    key_text_mask(text, masked);
    must(masked[KEY_MASKED] == '#' && memchr(masked, '\0', KEY_MASKED) != NULL);
    size_t size = strlen(masked);
    must(size >= 3 && size <= 23 && strcmp(masked + size - 3, "...") == 0);
    must(size - 3 <= 20 && 2 * (size - 3) <= text.size);
    must(size == 3 || memcmp(masked, text.data, size - 3) == 0);
}

static void check_plausible(struct view text)
{
    bool plausible = text.size >= 1 && text.size <= 512;
    for (size_t i = 0; i < text.size; i++)
        plausible = plausible && text.data[i] >= 0x21 && text.data[i] <= 0x7e;
    must(key_text_is_plausible(text) == plausible);
}

// Redacting puts the masked form in the place of keys and keeps everything else.
static void check_redaction(struct view text)
{
    char copy[MOST_SIZE + 1], expected[MOST_SIZE + 1];
    size_t filled = 0;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    struct view rest = view_of(copy);
    while (rest.size > 0) {
        size_t form = form_of(rest), kept = form > 0 ? 20 : 1;
        memcpy(expected + filled, rest.data, kept);
        memcpy(expected + filled + kept, "...", form > 0 ? 3 : 0);
        filled += kept + (form > 0 ? 3 : 0);
        rest = view_skip(rest, form > 0 ? form : 1);
    }
    expected[filled] = '\0';
    key_text_redact(copy);
    must(strcmp(copy, expected) == 0);
    must(!is_inside(view_of(copy)));
}

// A fresh key put into the text.
static void check_hidden_key(struct view text)
{
    char around[MOST_SIZE + KEY_TEXT];
    struct clear_key *key = clear_key_new();
    must(key != NULL);
    key_text_mint(key);
    must(shape_of(clear_key_view(key)) == KEY_SHAPE_OURS);
    size_t at = text.size > 0 ? (unsigned char)text.data[0] % (text.size + 1) : 0;
    memcpy(around, text.data, at);
    memcpy(around + at, key->text, KEY_TEXT);
    memcpy(around + at + KEY_TEXT, text.data + at, text.size - at);
    must(key_text_is_inside(view_bytes(around, text.size + KEY_TEXT)));
    clear_key_free(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct err err;
    struct view text = size > 0 ? view_bytes(data, size) : VIEW("");
    if (!started)
        must(vault_start(&err));
    started = true;
    if (size > MOST_SIZE)
        return 0;
    if (is_ascii(text))
        must(key_text_shape(text) == shape_of(text));
    must(key_text_is_inside(text) == is_inside(text));
    check_plausible(text);
    check_mask(text);
    check_redaction(text);
    check_hidden_key(text);
    return 0;
}
