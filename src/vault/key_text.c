// key_text.c: see key_text.h.
#include "vault/key_text.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>

enum { RANDOM_BYTES = 29, CHECK_BYTES = 4, MASK_SHOWN = 20 };

static const struct view prefix = {"smg_", 4};
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// CRC-32 as in zlib, gzip and PNG (ISO 3309): reflected polynomial 0xEDB88320.
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void put_check(uint8_t bytes[RANDOM_BYTES + CHECK_BYTES])
{
    uint32_t crc = crc32_of(bytes, RANDOM_BYTES);
    for (int i = 0; i < CHECK_BYTES; i++)
        bytes[RANDOM_BYTES + i] = (uint8_t)(crc >> (24 - 8 * i));
}

struct clear_key *clear_key_new(void)
{
    struct clear_key *key = (struct clear_key *)sodium_malloc(sizeof *key);
    if (key)
        sodium_memzero(key, sizeof *key);
    return key;
}

void clear_key_free(struct clear_key **key)
{
    sodium_free(*key);
    *key = NULL;
}

void key_text_mint(struct clear_key *key)
{
    uint8_t bytes[RANDOM_BYTES + CHECK_BYTES];
    randombytes_buf(bytes, RANDOM_BYTES);
    put_check(bytes);
    memcpy(key->text, prefix.data, prefix.size);
    (void)sodium_bin2base64(key->text + prefix.size, sizeof key->text - prefix.size, bytes,
                            sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    key->size = KEY_TEXT;
    sodium_memzero(bytes, sizeof bytes);
}

enum key_shape key_text_shape(struct view key)
{
    uint8_t bytes[RANDOM_BYTES + CHECK_BYTES], given[CHECK_BYTES];
    size_t size = 0;
    if (key.size != KEY_TEXT || !view_starts(key, prefix) ||
        sodium_base642bin(bytes, sizeof bytes, key.data + prefix.size, key.size - prefix.size, NULL,
                          &size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        size != sizeof bytes) {
        sodium_memzero(bytes, sizeof bytes);
        return KEY_SHAPE_FOREIGN;
    }
    memcpy(given, bytes + RANDOM_BYTES, CHECK_BYTES);
    put_check(bytes);
    bool good = sodium_memcmp(given, bytes + RANDOM_BYTES, CHECK_BYTES) == 0;
    sodium_memzero(bytes, sizeof bytes);
    return good ? KEY_SHAPE_OURS : KEY_SHAPE_MISTYPED;
}

// The size of what has the form of our keys at the front of `text`, or 0.
static size_t key_form(struct view text)
{
    size_t size = prefix.size;
    if (!view_starts(text, prefix))
        return 0;
    while (size < text.size && text.data[size] != '\0' && strchr(alphabet, text.data[size]))
        size++;
    return size >= KEY_TEXT ? size : 0;
}

// The first thing of that form; NULL when there is none.
static const char *find_key(struct view text, size_t *ret_size)
{
    while (text.size >= KEY_TEXT) {
        const char *at = (const char *)memmem(text.data, text.size, prefix.data, prefix.size);
        if (!at)
            return NULL;
        text = view_skip(text, (size_t)(at - text.data));
        *ret_size = key_form(text);
        if (*ret_size > 0)
            return at;
        text = view_skip(text, 1);
    }
    return NULL;
}

bool key_text_is_inside(struct view text)
{
    size_t size;
    return find_key(text, &size) != NULL;
}

void key_text_redact(char *text)
{
    struct view rest = view_of(text);
    size_t size;
    for (const char *at; (at = find_key(rest, &size));) {
        char *key = text + (at - text);
        size_t after = rest.size - (size_t)(at - rest.data) - size;
        memcpy(key + MASK_SHOWN, "...", 3);
        memmove(key + MASK_SHOWN + 3, key + size, after + 1);
        rest = (struct view){key + MASK_SHOWN + 3, after};
    }
}

struct view key_text_cut(struct view text, size_t most)
{
    if (text.size <= most)
        return text;
    struct view rest = {text.data, text.size - most > KEY_TEXT ? most + KEY_TEXT : text.size};
    size_t size;
    text.size = most;
    for (const char *at; (at = find_key(rest, &size));) {
        size_t before = (size_t)(at - text.data);
        if (before + size > most && before + MASK_SHOWN < most)
            text.size = before + MASK_SHOWN;
        rest = view_skip(rest, (size_t)(at - rest.data) + size);
    }
    return text;
}

bool key_text_is_plausible(struct view key)
{
    if (key.size == 0 || key.size > LIMIT_API_KEY)
        return false;
    for (size_t i = 0; i < key.size; i++)
        if (key.data[i] <= ' ' || key.data[i] > '~')
            return false;
    return true;
}

void key_text_mask(struct view key, char ret_masked[KEY_MASKED])
{
    size_t shown = key.size >= 2 * MASK_SHOWN ? MASK_SHOWN : key.size / 2;
    (void)snprintf(ret_masked, KEY_MASKED, "%.*s...", (int)shown, key.data);
}
