// test_vault.c: digests, MACs, sealing and the two key files. What the vault computes is computed
// here once more from the primitives, so that a store stays readable by later versions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "file_replace.h"
#include "vault/key_file.h"
#include "vault/key_text.h"
#include "vault/vault.h"

static char home[] = "/tmp/test_vault.XXXXXX";
static char other_home[LIMIT_PATH];
static struct vault *vault;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    memcpy(home + sizeof home - 7, "XXXXXX", 6);
    err = (struct err){.kind = ERR_NONE};
    if (!mkdtemp(home))
        return -1;
    (void)snprintf(other_home, sizeof other_home, "%s/other", home);
    return folder_create(other_home, &err) && vault_open(home, true, &vault, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    vault_free(&vault);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static void read_key(const char *name, uint8_t ret_key[KEY_FILE_SIZE])
{
    struct buf content;
    buf_init(&content, 100);
    assert_true(file_read(path_of(name), &content, NULL, &err));
    assert_int_equal(content.size, KEY_FILE_SIZE);
    memcpy(ret_key, content.data, KEY_FILE_SIZE);
    buf_done(&content);
}

static void write_key(const char *name, size_t size, mode_t mode)
{
    static const uint8_t bytes[5000];
    assert_true(file_replace(path_of(name), view_bytes(bytes, size), &err));
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char hex[2 * VAULT_DIGEST + 1];
    (void)sodium_bin2hex(hex, sizeof hex, bytes, size);
    assert_string_equal(hex, expected);
}

static void blake2b(struct view text, const uint8_t key[32], uint8_t ret_hash[32])
{
    assert_int_equal(
        crypto_generichash(ret_hash, 32, (const unsigned char *)text.data, text.size, key, 32), 0);
}

// index.key becomes 00 01 02 … 1f.
static void open_with_known_key(void)
{
    uint8_t key[KEY_FILE_SIZE];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    vault_free(&vault);
    assert_true(file_replace(path_of(INDEX_KEY_FILE), view_bytes(key, sizeof key), &err));
    assert_true(vault_open(home, false, &vault, &err));
}

static void makes_key_files(void **state)
{
    (void)state;
    static const char *const names[] = {INDEX_KEY_FILE, MASTER_KEY_FILE};
    uint8_t keys[2][KEY_FILE_SIZE], again[KEY_FILE_SIZE];
    struct stat status;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        read_key(names[i], keys[i]);
        assert_int_equal(stat(path_of(names[i]), &status), 0);
        assert_int_equal(status.st_mode, S_IFREG | 0600);
    }
    assert_memory_not_equal(keys[0], keys[1], KEY_FILE_SIZE);
    vault_free(&vault);
    assert_null(vault);
    assert_true(vault_open(home, true, &vault, &err));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        read_key(names[i], again);
        assert_memory_equal(keys[i], again, KEY_FILE_SIZE);
        assert_true(key_file_ensure(home, names[i], &err));
        read_key(names[i], again);
        assert_memory_equal(keys[i], again, KEY_FILE_SIZE);
    }
}

// Whatever the umask, nobody else can read them; and what is there, even a bad file, stays.
static void makes_them_private_and_never_anew(void **state)
{
    (void)state;
    struct stat status;
    mode_t mask = umask(0);
    assert_true(key_file_ensure(other_home, INDEX_KEY_FILE, &err));
    (void)umask(mask);
    assert_int_equal(stat(path_of("other/" INDEX_KEY_FILE), &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    write_key("other/" INDEX_KEY_FILE, 7, 0644);
    assert_true(key_file_ensure(other_home, INDEX_KEY_FILE, &err));
    assert_int_equal(stat(path_of("other/" INDEX_KEY_FILE), &status), 0);
    assert_int_equal(status.st_size, 7);
    assert_int_equal(status.st_mode, S_IFREG | 0644);
}

static void refuse_key_file(const char *name, const char *code)
{
    struct vault *opened = NULL;
    uint8_t key[KEY_FILE_SIZE] = {7}, before[KEY_FILE_SIZE] = {7};
    struct vault **place = strcmp(name, INDEX_KEY_FILE) == 0 ? &opened : NULL;
    assert_false(key_file_read(home, name, key, &err));
    assert_memory_equal(key, before, sizeof key);
    err = (struct err){.kind = ERR_NONE};
    assert_false(place ? vault_open(home, false, place, &err) : vault_unlock(vault, &err));
    assert_null(opened);
    assert_int_equal(err.kind, ERR_INTEGRITY);
    assert_string_equal(err.code, code);
    assert_non_null(strstr(err.message, name));
    assert_true(err.hint[0] != '\0');
}

static void refuses_bad_key_files(void **state)
{
    (void)state;
    static const char *const names[] = {INDEX_KEY_FILE, MASTER_KEY_FILE};
    static const size_t sizes[] = {0, 1, KEY_FILE_SIZE - 1, KEY_FILE_SIZE + 1, 2 * KEY_FILE_SIZE};
    static const mode_t modes[] = {0640, 0604, 0660, 0606, 0610, 0601, 0620, 0602, 0666, 0777};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (size_t j = 0; j < COUNT_OF(sizes); j++) {
            write_key(names[i], sizes[j], 0600);
            refuse_key_file(names[i], "key_file_damaged");
        }
        for (size_t j = 0; j < COUNT_OF(modes); j++) {
            write_key(names[i], KEY_FILE_SIZE, modes[j]);
            refuse_key_file(names[i], "key_file_exposed");
        }
        assert_int_equal(unlink(path_of(names[i])), 0);
        refuse_key_file(names[i], "key_file_missing");
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) { // their owner may do with them what he likes
        write_key(names[i], KEY_FILE_SIZE, 0400);
        uint8_t key[KEY_FILE_SIZE];
        assert_true(key_file_read(home, names[i], key, &err));
    }
    assert_true(vault_unlock(vault, &err));
}

static void refuses_paths_too_long(void **state)
{
    (void)state;
    char path[LIMIT_PATH + 1];
    struct vault *opened = NULL;
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    for (int create = 0; create < 2; create++) {
        assert_false(vault_open(path, create, &opened, &err));
        assert_string_equal(err.code, "path_too_long");
        assert_null(opened);
    }
}

static void digests_are_keyed_and_stable(void **state)
{
    (void)state;
    struct view key = VIEW("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD");
    uint8_t index[KEY_FILE_SIZE], subkey[32], expected[VAULT_DIGEST], digest[VAULT_DIGEST];
    read_key(INDEX_KEY_FILE, index);
    blake2b(VIEW("secure-mcp-gateway find v1"), index, subkey);
    blake2b(key, subkey, expected);
    vault_key_digest(vault, key, digest);
    assert_memory_equal(digest, expected, sizeof digest);

    vault_free(&vault);
    assert_true(vault_open(home, false, &vault, &err));
    vault_key_digest(vault, key, digest);
    assert_memory_equal(digest, expected, sizeof digest);

    for (size_t size = 0; size < key.size; size++) {
        vault_key_digest(vault, (struct view){key.data, size}, digest);
        assert_memory_not_equal(digest, expected, sizeof digest);
    }
    open_with_known_key();
    vault_key_digest(vault, key, digest);
    assert_memory_not_equal(digest, expected, sizeof digest);
    assert_hex(digest, sizeof digest,
               "6317b76baa814a03cd7ff249a8f1a783977f8dc961a357297ecc9fbbdaec9892");
}

static void tells_key_files_apart(void **state)
{
    (void)state;
    uint8_t id[VAULT_ID], other[VAULT_ID], key[KEY_FILE_SIZE];
    vault_index_id(vault, id);
    read_key(INDEX_KEY_FILE, key);
    assert_memory_not_equal(id, key, sizeof id);
    open_with_known_key();
    vault_index_id(vault, other);
    assert_memory_not_equal(id, other, sizeof id);
    assert_hex(other, sizeof other, "af7eee197dce77dc09c84eeef2df4532");

    // The same 32 bytes as master.key have another fingerprint.
    read_key(INDEX_KEY_FILE, key);
    assert_true(file_replace(path_of(MASTER_KEY_FILE), view_bytes(key, sizeof key), &err));
    assert_true(vault_unlock(vault, &err));
    vault_master_id(vault, id);
    assert_memory_not_equal(id, other, sizeof id);
}

static void macs_are_keyed_and_stable(void **state)
{
    (void)state;
    static const char *const expected[] = {
        [MAC_API_KEY_ROW] = "19858dc29e288432d36e1d9e35d30981de2a185a2b95a69bb3af5fa707e37a5a",
        [MAC_AUDIT_RECORD] = "5d539695ec43ec7e0e06d0a0037e06bb1cb8f2d1058e4472860a21b6572078f8",
        [MAC_AUDIT_HEAD] = "240ee9020a6979ee5aee1ccd9d7246d6d006e2f86d827a3981a2f147d2ccdc17",
    };
    uint8_t result[VAULT_DIGEST];
    open_with_known_key();
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct mac mac;
        mac_begin(&mac, vault, (enum mac_purpose)i);
        mac_add(&mac, VIEW("abc"));
        mac_add(&mac, VIEW(""));
        mac_add(&mac, (struct view){NULL, 0});
        mac_add_int(&mac, -2);
        mac_end(&mac, result);
        assert_hex(result, sizeof result, expected[i]);
        for (size_t j = 0; j < sizeof mac; j++)
            assert_int_equal(((unsigned char *)&mac)[j], 0);
    }
}

enum { MOST_FIELDS = 4 };
struct sequence {
    size_t count;
    struct view fields[MOST_FIELDS];
};

// No two sequences of fields meet, although all say "abc" when they are run together.
static void macs_keep_fields_apart(void **state)
{
    (void)state;
    static const struct sequence sequences[] = {
        {0, {{NULL, 0}}},
        {1, {{NULL, 0}}},
        {2, {{NULL, 0}}},
        {1, {{"", 0}}},
        {2, {{"", 0}, {"", 0}}},
        {2, {{"", 0}, {NULL, 0}}},
        {2, {{NULL, 0}, {"", 0}}},
        {1, {{"abc", 3}}},
        {2, {{"abc", 3}, {NULL, 0}}},
        {2, {{NULL, 0}, {"abc", 3}}},
        {2, {{"abc", 3}, {"", 0}}},
        {2, {{"", 0}, {"abc", 3}}},
        {2, {{"a", 1}, {"bc", 2}}},
        {2, {{"ab", 2}, {"c", 1}}},
        {3, {{"a", 1}, {"b", 1}, {"c", 1}}},
        {3, {{"a", 1}, {"", 0}, {"bc", 2}}},
        {3, {{"a", 1}, {NULL, 0}, {"bc", 2}}},
        {3, {{"ab", 2}, {"", 0}, {"c", 1}}},
        {4, {{"a", 1}, {"b", 1}, {"c", 1}, {"", 0}}},
        {4, {{"", 0}, {"a", 1}, {"b", 1}, {"c", 1}}},
        {1, {{"a\0bc", 4}}},
        {1, {{"abc\0", 4}}},
        {2, {{"a", 1}, {"\0bc", 3}}},
        {1, {{"a\1\0\0\0\0\0\0\0bc", 11}}}, // a field that holds the next one's length
    };
    uint8_t results[COUNT_OF(sequences)][VAULT_DIGEST];
    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        struct mac mac;
        mac_begin(&mac, vault, MAC_API_KEY_ROW);
        for (size_t j = 0; j < sequences[i].count; j++)
            mac_add(&mac, sequences[i].fields[j]);
        mac_end(&mac, results[i]);
        for (size_t j = 0; j < i; j++)
            if (memcmp(results[i], results[j], VAULT_DIGEST) == 0)
                fail_msg("sequences %zu and %zu have one MAC", i, j);
    }
}

static void macs_of_numbers_differ(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,        1,         -1,        255,       256,
                                      1 << 16,  INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
                                      0x100001, 1LL << 32, 1LL << 56};
    uint8_t results[COUNT_OF(numbers)][VAULT_DIGEST];
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct mac mac;
        mac_begin(&mac, vault, MAC_AUDIT_RECORD);
        mac_add_int(&mac, numbers[i]);
        mac_end(&mac, results[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(results[i], results[j], VAULT_DIGEST);
    }
}

static void use_fresh_data_key(uint8_t ret_wrapped[VAULT_WRAPPED])
{
    assert_true(vault_unlock(vault, &err));
    vault_wrap_new_data_key(vault, ret_wrapped);
    assert_false(vault_has_data_key(vault));
    assert_true(vault_use_data_key(vault, view_bytes(ret_wrapped, VAULT_WRAPPED), &err));
    assert_true(vault_has_data_key(vault));
}

static void refuse_to_unseal(struct view sealed, struct view context)
{
    char clear[LIMIT_API_KEY];
    err = (struct err){.kind = ERR_NONE};
    assert_false(vault_unseal(vault, sealed, context, clear, &err));
    assert_int_equal(err.kind, ERR_INTEGRITY);
    assert_string_equal(err.code, "sealed_copy_damaged");
}

static void seals_and_unseals(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16, KEY_TEXT, 63, 64, 65, LIMIT_API_KEY};
    uint8_t wrapped[VAULT_WRAPPED], sealed[2][LIMIT_API_KEY + VAULT_SEAL_EXTRA];
    char text[LIMIT_API_KEY], clear[LIMIT_API_KEY];
    use_fresh_data_key(wrapped);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t copy = 0; copy < 2; copy++) {
            struct view out = view_bytes(sealed[copy], sizes[i] + VAULT_SEAL_EXTRA);
            vault_seal(vault, view_bytes(text, sizes[i]), VIEW("context"), sealed[copy]);
            assert_true(vault_unseal(vault, out, VIEW("context"), clear, &err));
            assert_memory_equal(clear, text, sizes[i]);
            assert_null(sizes[i] > 16 ? memmem(out.data, out.size, text, 16) : NULL);
        }
        assert_memory_not_equal(sealed[0], sealed[1], sizes[i] + VAULT_SEAL_EXTRA);
        assert_memory_not_equal(sealed[0], sealed[1], 24); // their nonces
    }
    vault_seal(vault, VIEW("clear"), VIEW(""), sealed[0]);
    assert_true(
        vault_unseal(vault, view_bytes(sealed[0], 5 + VAULT_SEAL_EXTRA), VIEW(""), clear, &err));
}

static void refuses_what_was_changed_or_moved(void **state)
{
    (void)state;
    static const char *const contexts[] = {"", "c", "contex", "contextt", "Context", "context "};
    uint8_t wrapped[VAULT_WRAPPED], sealed[KEY_TEXT + VAULT_SEAL_EXTRA];
    char text[KEY_TEXT] = "a clear key", clear[KEY_TEXT];
    struct view whole = view_bytes(sealed, sizeof sealed);
    use_fresh_data_key(wrapped);
    vault_seal(vault, view_bytes(text, sizeof text), VIEW("context"), sealed);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse_to_unseal(whole, VIEW("context"));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < sizeof sealed; size++)
        refuse_to_unseal(view_bytes(sealed, size), VIEW("context"));
    for (size_t i = 0; i < COUNT_OF(contexts); i++)
        refuse_to_unseal(whole, view_of(contexts[i]));
    assert_true(vault_unseal(vault, whole, VIEW("context"), clear, &err));
    assert_memory_equal(clear, text, sizeof text);
    // Another data key of the same master key does not open it.
    vault_wrap_new_data_key(vault, wrapped);
    assert_true(vault_use_data_key(vault, view_bytes(wrapped, sizeof wrapped), &err));
    refuse_to_unseal(whole, VIEW("context"));
}

// nonce ‖ ciphertext ‖ tag, with the context as additional data; the data key is wrapped likewise.
static void seals_as_documented(void **state)
{
    (void)state;
    uint8_t wrapped[VAULT_WRAPPED], master[KEY_FILE_SIZE], data_key[32];
    uint8_t sealed[5 + VAULT_SEAL_EXTRA], clear[5];
    struct view label = VIEW("secure-mcp-gateway data key");
    use_fresh_data_key(wrapped);
    vault_seal(vault, VIEW("clear"), VIEW("context"), sealed);
    read_key(MASTER_KEY_FILE, master);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(
                         data_key, NULL, NULL, wrapped + 24, sizeof wrapped - 24,
                         (const unsigned char *)label.data, label.size, wrapped, master),
                     0);
    assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(
                         clear, NULL, NULL, sealed + 24, sizeof sealed - 24,
                         (const unsigned char *)"context", 7, sealed, data_key),
                     0);
    assert_memory_equal(clear, "clear", 5);
}

static void refuse_data_key(struct vault *with, struct view wrapped)
{
    err = (struct err){.kind = ERR_NONE};
    assert_false(vault_use_data_key(with, wrapped, &err));
    assert_int_equal(err.kind, ERR_INTEGRITY);
    assert_string_equal(err.code, "wrong_master_key");
    assert_false(vault_has_data_key(with));
}

static void wraps_data_keys(void **state)
{
    (void)state;
    struct vault *other = NULL, *again = NULL;
    uint8_t wrapped[VAULT_WRAPPED], second[VAULT_WRAPPED], sealed[5 + VAULT_SEAL_EXTRA];
    char clear[5];
    use_fresh_data_key(wrapped);
    vault_seal(vault, VIEW("clear"), VIEW("context"), sealed);
    vault_wrap_new_data_key(vault, second);
    assert_memory_not_equal(wrapped, second, sizeof wrapped);

    assert_true(vault_open(other_home, true, &other, &err) && vault_unlock(other, &err));
    refuse_data_key(other, view_bytes(wrapped, sizeof wrapped));
    vault_free(&other);

    assert_true(vault_open(home, false, &again, &err) && vault_unlock(again, &err));
    for (size_t size = 0; size < sizeof wrapped; size++)
        refuse_data_key(again, view_bytes(wrapped, size));
    for (size_t bit = 0; bit < 8 * sizeof wrapped; bit++) {
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refuse_data_key(again, view_bytes(wrapped, sizeof wrapped));
        wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(vault_use_data_key(again, view_bytes(wrapped, sizeof wrapped), &err));
    assert_true(
        vault_unseal(again, view_bytes(sealed, sizeof sealed), VIEW("context"), clear, &err));
    assert_memory_equal(clear, "clear", 5);
    vault_free(&again);
}

// Once unlocked, a vault does not ask the file again.
static void unlocks_once(void **state)
{
    (void)state;
    assert_true(vault_unlock(vault, &err));
    assert_int_equal(unlink(path_of(MASTER_KEY_FILE)), 0);
    assert_true(vault_unlock(vault, &err));
}

static int compare_uuids(const void *a, const void *b)
{
    return memcmp(a, b, UUID_TEXT);
}

static void makes_uuids(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    static char uuids[MANY][UUID_TEXT];
    static const char variants[] = "89ab";
    size_t seen[4] = {0};
    for (size_t i = 0; i < MANY; i++) {
        vault_new_uuid(uuids[i]);
        assert_int_equal(strlen(uuids[i]), UUID_TEXT - 1);
        assert_true(text_is_uuid(view_of(uuids[i])));
        for (const char *at = uuids[i]; *at; at++)
            assert_false(*at >= 'A' && *at <= 'F');
        assert_int_equal(uuids[i][14], '4');
        const char *variant = strchr(variants, uuids[i][19]);
        assert_non_null(variant);
        seen[variant - variants]++;
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++)
        assert_true(seen[i] > MANY / 8); // all random bits are random
    qsort(uuids, MANY, UUID_TEXT, compare_uuids);
    for (size_t i = 1; i < MANY; i++)
        assert_string_not_equal(uuids[i - 1], uuids[i]);
}

static void compares_and_wipes(void **state)
{
    (void)state;
    uint8_t a[43] = {1, 2, 3}, b[43] = {1, 2, 3}, none[43] = {0};
    assert_true(vault_equal(a, none, 0));
    for (size_t size = 1; size <= sizeof a; size++) {
        assert_true(vault_equal(a, b, size));
        for (size_t bit = 0; bit < 8 * sizeof b; bit++) {
            b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(vault_equal(a, b, size), bit >= 8 * size);
            b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

// The first vector of the authors of SipHash, and that everything counts.
static void tags(void **state)
{
    (void)state;
    static const uint8_t empty[VAULT_TAG] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                                             0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
    uint8_t key[VAULT_TAG], other[VAULT_TAG], tag[VAULT_TAG], again[VAULT_TAG];
    for (uint8_t i = 0; i < VAULT_TAG; i++)
        key[i] = i;
    vault_tag(key, VIEW(""), tag);
    assert_memory_equal(tag, empty, sizeof tag);
    vault_new_tag_key(key);
    vault_new_tag_key(other);
    vault_tag(key, VIEW("smg_one"), tag);
    vault_tag(key, VIEW("smg_one"), again);
    assert_memory_equal(tag, again, sizeof tag);
    vault_tag(key, VIEW("smg_onf"), again);
    assert_memory_not_equal(tag, again, sizeof tag);
    vault_tag(other, VIEW("smg_one"), again);
    assert_memory_not_equal(tag, again, sizeof tag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_them_private_and_never_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_bad_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_paths_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(digests_are_keyed_and_stable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_key_files_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(macs_are_keyed_and_stable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(macs_keep_fields_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(macs_of_numbers_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_and_unseals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_was_changed_or_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(seals_as_documented, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wraps_data_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unlocks_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_uuids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compares_and_wipes, set_up, tear_down),
        cmocka_unit_test(tags),
    };
    return vault_start(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
