// test_key_text.c: how API keys are made, recognised and masked. Alphabet and checksum are computed
// here once more, in another way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>

#include "base/err.h"
#include "vault/key_text.h"
#include "vault/vault.h"

enum { PREFIX = 4, DECODED = 33, RANDOM = 29 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct clear_key *key;

static int set_up(void **state)
{
    (void)state;
    key = clear_key_new();
    return key ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    clear_key_free(&key);
    return key ? -1 : 0;
}

// CRC-32 by a table of remainders (the vault does it bit by bit).
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t table[256], crc = UINT32_MAX;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ bytes[i]) & 0xff] ^ (crc >> 8);
    return crc ^ UINT32_MAX;
}

static void decode(struct view text, uint8_t ret_bytes[DECODED])
{
    size_t filled = 0, held = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = strchr(alphabet, text.data[i]);
        assert_true(text.data[i] != '\0' && at);
        bits = bits << 6 | (uint32_t)(at - alphabet);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        ret_bytes[filled++] = (uint8_t)(bits >> held);
    }
    assert_int_equal(filled, DECODED);
    assert_int_equal(held, 0);
}

static uint32_t stored_crc(const uint8_t bytes[DECODED])
{
    const uint8_t *crc = bytes + RANDOM;
    return (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
}

static void mints_keys(void **state)
{
    (void)state;
    uint8_t bytes[DECODED];
    assert_int_equal(crc32_of((const uint8_t *)"123456789", 9), 0xcbf43926);
    for (int i = 0; i < 1000; i++) {
        key_text_mint(key);
        assert_int_equal(key->size, KEY_TEXT);
        assert_int_equal(strlen(key->text), KEY_TEXT);
        assert_memory_equal(key->text, "smg_", PREFIX);
        decode(view_skip(clear_key_view(key), PREFIX), bytes);
        assert_int_equal(stored_crc(bytes), crc32_of(bytes, RANDOM));
        assert_int_equal(key_text_shape(clear_key_view(key)), KEY_SHAPE_OURS);
        assert_true(key_text_is_plausible(clear_key_view(key)));
        assert_true(key_text_is_inside(clear_key_view(key)));
    }
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, KEY_TEXT);
}

static void mints_different_keys(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    static char keys[MANY][KEY_TEXT];
    size_t seen[KEY_TEXT][UINT8_MAX + 1] = {{0}};
    for (size_t i = 0; i < MANY; i++) {
        key_text_mint(key);
        assert_true(key->text[0] != '-');
        memcpy(keys[i], key->text, KEY_TEXT);
        for (size_t at = 0; at < KEY_TEXT; at++)
            seen[at][(unsigned char)key->text[at]]++;
    }
    qsort(keys, MANY, KEY_TEXT, compare_keys);
    for (size_t i = 1; i < MANY; i++)
        assert_memory_not_equal(keys[i - 1], keys[i], KEY_TEXT);
    // Every place takes every character about as often (156 times; 60 is eight deviations off).
    for (size_t at = PREFIX; at < KEY_TEXT; at++)
        for (size_t i = 0; i < sizeof alphabet - 1; i++)
            assert_true(seen[at][(unsigned char)alphabet[i]] > 60);
}

// Made with another program: base64.urlsafe_b64encode(b + zlib.crc32(b).to_bytes(4, "big")).
static void recognises_keys_made_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(key_text_shape(VIEW("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD")),
                     KEY_SHAPE_OURS);
    assert_int_equal(key_text_shape(VIEW("smg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALVMUm")),
                     KEY_SHAPE_OURS);
    assert_int_equal(key_text_shape(VIEW("smg_______________________________________-cho_6")),
                     KEY_SHAPE_OURS);
}

static enum key_shape shape_with(size_t at, char c)
{
    char text[KEY_TEXT];
    memcpy(text, key->text, sizeof text);
    text[at] = c;
    return key_text_shape(view_bytes(text, sizeof text));
}

static void notices_every_wrong_character(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        key_text_mint(key);
        for (size_t at = 0; at < KEY_TEXT; at++) {
            for (int c = 0; c <= 0x7f; c++) {
                bool in_alphabet = c != '\0' && strchr(alphabet, c);
                enum key_shape expected = (char)c == key->text[at]      ? KEY_SHAPE_OURS
                                          : at >= PREFIX && in_alphabet ? KEY_SHAPE_MISTYPED
                                                                        : KEY_SHAPE_FOREIGN;
                if (shape_with(at, (char)c) != expected)
                    fail_msg("character %d at %zu", c, at);
            }
        }
    }
}

static void notices_exchanged_characters(void **state)
{
    (void)state;
    char text[KEY_TEXT];
    for (int i = 0; i < 200; i++) {
        key_text_mint(key);
        for (size_t at = PREFIX; at + 1 < KEY_TEXT; at++) {
            memcpy(text, key->text, sizeof text);
            text[at] = key->text[at + 1];
            text[at + 1] = key->text[at];
            assert_int_equal(key_text_shape(view_bytes(text, sizeof text)),
                             text[at] == text[at + 1] ? KEY_SHAPE_OURS : KEY_SHAPE_MISTYPED);
        }
    }
}

static void calls_other_shapes_foreign(void **state)
{
    (void)state;
    static const struct view others[] = {
        {NULL, 0},
        {"", 0},
        {"smg_", 4},
        {"TJTWRRt226cfYBvqpLEJxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 48},
        {"SMG_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD", 48},
        {"smg-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD", 48},
        {"smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD\n", 49},
        {" smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD", 49},
        {"smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD=", 49},
        {"smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa=", 48},
        {"smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa\0", 48},
        {"smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTD/+D", 48},
        {"smg_AAECAwQFBgcI CQoLDA0ODxAREhMUFRYXGBkaGxzTDpa", 48},
        {"6469a670-1d64-4da5-b2b3-790de21ac726", 36},
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (key_text_shape(others[i]) != KEY_SHAPE_FOREIGN)
            fail_msg("not foreign: %.*s", VIEW_ARG(others[i]));
    key_text_mint(key);
    for (size_t size = 0; size < KEY_TEXT; size++)
        assert_int_equal(key_text_shape((struct view){key->text, size}), KEY_SHAPE_FOREIGN);
}

static void finds_keys_inside(void **state)
{
    (void)state;
    char text[3 * KEY_TEXT];
    key_text_mint(key);
    for (size_t at = 0; at + KEY_TEXT <= sizeof text; at++) {
        memset(text, 's', sizeof text);
        memcpy(text + at, key->text, KEY_TEXT);
        for (size_t size = 0; size <= sizeof text; size++)
            assert_int_equal(key_text_is_inside((struct view){text, size}), size >= at + KEY_TEXT);
        text[at + KEY_TEXT / 2] = text[at + KEY_TEXT / 2] == 'A' ? 'B' : 'A';
        assert_true(key_text_is_inside(view_bytes(text, sizeof text))); // mistyped, near enough
        text[at + KEY_TEXT / 2] = '.';
        assert_false(key_text_is_inside(view_bytes(text, sizeof text)));
    }
    (void)snprintf(text, sizeof text, "smg_%.48s", key->text);
    assert_true(key_text_is_inside(view_of(text)));
    (void)snprintf(text, sizeof text, "%.24s\n%.24s", key->text, key->text + 24);
    assert_false(key_text_is_inside(view_of(text)));
    assert_false(key_text_is_inside((struct view){NULL, 0}));
}

static void redact(const char *text, const char *expected)
{
    char copy[400];
    (void)snprintf(copy, sizeof copy, "%s", text);
    key_text_redact(copy);
    assert_string_equal(copy, expected);
}

#define SMG_A "smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD"
#define SMG_A_MASKED "smg_AAECAwQFBgcICQoL..."

static void redacts_keys(void **state)
{
    (void)state;
    char expected[KEY_MASKED];
    redact("", "");
    redact("smg_", "smg_");
    redact("smg_ is how keys begin", "smg_ is how keys begin");
    redact(SMG_A, SMG_A_MASKED);
    redact("the key (" SMG_A "), and " SMG_A ".",
           "the key (" SMG_A_MASKED "), and " SMG_A_MASKED ".");
    redact(SMG_A "tail", SMG_A_MASKED); // what sticks to it goes, too
    redact("head" SMG_A, "head" SMG_A_MASKED);
    redact(SMG_A SMG_A " x", SMG_A_MASKED " x");
    redact("smg_smg_" SMG_A, "smg_smg_smg_AAECAwQF...");
    // A typing error makes no difference, a letter too few does.
    redact("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaE", SMG_A_MASKED);
    redact("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa",
           "smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa");
    redact("\xff" SMG_A "\xff", "\xff" SMG_A_MASKED "\xff");
    for (int i = 0; i < 1000; i++) {
        key_text_mint(key);
        key_text_mask(clear_key_view(key), expected);
        redact(key->text, expected);
    }
}

// Wherever a text is cut, what stays has no more of a key than its masked form shows.
static void cuts_no_key_in_half(void **state)
{
    (void)state;
    static const char text[] = "said: " SMG_A " and (" SMG_A SMG_A ")";
    const struct view all = VIEW(text);
    for (size_t most = 0; most <= all.size + 1; most++) {
        char shown[sizeof text];
        const struct view cut = key_text_cut(all, most);
        assert_ptr_equal(cut.data, text);
        assert_true(cut.size <= most);
        memcpy(shown, cut.data, cut.size);
        shown[cut.size] = '\0';
        key_text_redact(shown);
        assert_null(strstr(shown, "smg_AAECAwQFBgcICQoLD"));
    }
    assert_int_equal(key_text_cut(all, 6 + 20).size, 6 + 20);
    assert_int_equal(key_text_cut(all, 6 + 21).size, 6 + 20);
    assert_int_equal(key_text_cut(all, 6 + 48).size, 6 + 48);
    assert_int_equal(key_text_cut(all, all.size).size, all.size);
    // What only begins like a key is cut where it was to be.
    const struct view other = VIEW("smg_is_how_keys_begin_and_then this is another text");
    assert_int_equal(key_text_cut(other, 25).size, 25);
    assert_int_equal(key_text_cut((struct view){NULL, 0}, 5).size, 0);
}

static void bounds_what_is_plausible(void **state)
{
    (void)state;
    char text[LIMIT_API_KEY + 1];
    memset(text, 'x', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++)
        assert_int_equal(key_text_is_plausible((struct view){text, size}),
                         size >= 1 && size <= LIMIT_API_KEY);
    for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
        bool good = c > ' ' && c < 0x7f;
        char one = (char)c;
        assert_int_equal(key_text_is_plausible((struct view){&one, 1}), good);
        for (size_t at = 0; at < KEY_TEXT; at++) {
            text[at] = one;
            assert_int_equal(key_text_is_plausible((struct view){text, KEY_TEXT}), good);
            text[at] = 'x';
        }
    }
    assert_false(key_text_is_plausible((struct view){NULL, 0}));
}

static void masks_keys(void **state)
{
    (void)state;
    char text[LIMIT_API_KEY], masked[KEY_MASKED + 1];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = alphabet[i % (sizeof alphabet - 1)];
    for (size_t size = 0; size <= sizeof text; size++) {
        size_t shown = size >= 40 ? 20 : size / 2;
        memset(masked, '#', sizeof masked);
        key_text_mask((struct view){text, size}, masked);
        assert_int_equal(masked[KEY_MASKED], '#');
        assert_int_equal(strlen(masked), shown + 3);
        assert_memory_equal(masked, text, shown);
        assert_string_equal(masked + shown, "...");
    }
    key_text_mask(VIEW("TJTWRRt226cfYBvqpLEJabcdefghijklmnopqrstuvwxyz01"), masked);
    assert_string_equal(masked, "TJTWRRt226cfYBvqpLEJ...");
    key_text_mask(VIEW("hunter2"), masked);
    assert_string_equal(masked, "hun...");
    key_text_mask(VIEW("x"), masked);
    assert_string_equal(masked, "...");
}

// The line of flags of the mapping that holds `address`; empty where the system does not tell.
static void mapping_flags(const void *address, char *ret_flags, int size)
{
    unsigned long first, last;
    bool inside = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    ret_flags[0] = '\0';
    while (maps && fgets(ret_flags, size, maps)) {
        if (sscanf(ret_flags, "%lx-%lx ", &first, &last) == 2)
            inside = (uintptr_t)address >= first && (uintptr_t)address < last;
        if (inside && strncmp(ret_flags, "VmFlags:", 8) == 0)
            break;
        ret_flags[0] = '\0';
    }
    if (maps)
        (void)fclose(maps);
}

static void keeps_keys_out_of_core_dumps(void **state)
{
    (void)state;
    char flags[400];
    assert_int_equal(key->size, 0);
    for (size_t i = 0; i < sizeof key->text; i++)
        assert_int_equal(key->text[i], '\0');
    mapping_flags(key, flags, sizeof flags);
    if (flags[0] == '\0')
        skip();
    assert_non_null(strstr(flags, " dd"));
    mapping_flags(&key, flags, sizeof flags); // other memory is not treated so
    assert_null(strstr(flags, " dd"));
}

int main(void)
{
    struct err err;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mints_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mints_different_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recognises_keys_made_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_every_wrong_character, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notices_exchanged_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls_other_shapes_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_keys_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(redacts_keys, set_up, tear_down),
        cmocka_unit_test(cuts_no_key_in_half),
        cmocka_unit_test_setup_teardown(bounds_what_is_plausible, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masks_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_keys_out_of_core_dumps, set_up, tear_down),
    };
    return vault_start(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
