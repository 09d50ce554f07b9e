// vault.c: see vault.h.
#include "vault/vault.h"

#include <sodium.h>
#include <string.h>

#include "base/limits.h"
#include "vault/key_file.h"
#include "vault/wrap.h"

// Subkeys of index.key, one per use, so that no two uses share a key.
enum subkey { SUBKEY_FIND, SUBKEY_ROW, SUBKEY_AUDIT, SUBKEY_UPSTREAM, SUBKEY_COUNT };

struct vault {
    uint8_t index[KEY_FILE_SIZE];
    uint8_t subkeys[SUBKEY_COUNT][32];
    uint8_t master[KEY_FILE_SIZE];
    uint8_t data_key[32];
    bool unlocked, has_data_key;
    char home[LIMIT_PATH];
};

_Static_assert(sizeof(struct mac) >= sizeof(crypto_generichash_state), "room for the hash state");
_Static_assert(_Alignof(struct mac) >= _Alignof(crypto_generichash_state), "alignment");

static const struct view wrap_context = {"secure-mcp-gateway data key", 27};

static void fingerprint(const uint8_t key[KEY_FILE_SIZE], const char *label,
                        uint8_t ret_id[VAULT_ID])
{
    (void)crypto_generichash(ret_id, VAULT_ID, (const unsigned char *)label, strlen(label), key,
                             KEY_FILE_SIZE);
}

static void derive_subkeys(struct vault *vault)
{
    static const char *const labels[SUBKEY_COUNT] = {
        [SUBKEY_FIND] = "secure-mcp-gateway find v1",
        [SUBKEY_ROW] = "secure-mcp-gateway row v1",
        [SUBKEY_AUDIT] = "secure-mcp-gateway audit v1",
        [SUBKEY_UPSTREAM] = "secure-mcp-gateway upstream v1",
    };
    for (size_t i = 0; i < SUBKEY_COUNT; i++)
        (void)crypto_generichash(vault->subkeys[i], 32, (const unsigned char *)labels[i],
                                 strlen(labels[i]), vault->index, KEY_FILE_SIZE);
}

// nonce ‖ ciphertext ‖ tag
static void seal_with(const uint8_t key[32], struct view clear, struct view context,
                      uint8_t *ret_sealed)
{
    randombytes_buf(ret_sealed, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret_sealed + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, NULL,
        (const unsigned char *)clear.data, clear.size, (const unsigned char *)context.data,
        context.size, NULL, ret_sealed, key);
}

static bool unseal_with(const uint8_t key[32], struct view sealed, struct view context,
                        uint8_t *ret_clear)
{
    const size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
    const unsigned char *bytes = (const unsigned char *)sealed.data;
    if (sealed.size < VAULT_SEAL_EXTRA)
        return false;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               ret_clear, NULL, NULL, bytes + nonce_size, sealed.size - nonce_size,
               (const unsigned char *)context.data, context.size, bytes, key) == 0;
}

bool vault_start(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_IO, "no_randomness",
                       "The system gives no random numbers, so no key can be made or used");
    return true;
}

bool vault_open(const char *home, bool create, struct vault **ret_vault, struct err *err)
{
    struct vault *vault AUTO(vault_free) = NULL;
    if (create && (!key_file_ensure(home, INDEX_KEY_FILE, err) ||
                   !key_file_ensure(home, MASTER_KEY_FILE, err)))
        return false;
    vault = (struct vault *)sodium_malloc(sizeof *vault);
    if (!vault)
        return err_memory(err);
    memset(vault, 0, sizeof *vault);
    if (!text_copy(vault->home, sizeof vault->home, view_of(home)))
        return err_set(err, ERR_USAGE, "path_too_long", "The home's path is too long");
    if (!key_file_read(home, INDEX_KEY_FILE, vault->index, err))
        return false;
    derive_subkeys(vault);
    *ret_vault = TAKE(vault);
    return true;
}

void vault_free(struct vault **vault)
{
    sodium_free(*vault);
    *vault = NULL;
}

void vault_index_id(const struct vault *vault, uint8_t ret_id[VAULT_ID])
{
    fingerprint(vault->index, "secure-mcp-gateway index id v1", ret_id);
}

bool vault_unlock(struct vault *vault, struct err *err)
{
    if (!vault->unlocked)
        vault->unlocked = key_file_read(vault->home, MASTER_KEY_FILE, vault->master, err);
    return vault->unlocked;
}

void vault_master_id(const struct vault *vault, uint8_t ret_id[VAULT_ID])
{
    fingerprint(vault->master, "secure-mcp-gateway master id v1", ret_id);
}

bool vault_unlock_from(struct vault *vault, const char *path, struct err *err)
{
    if (!key_file_read_path(path, vault->master, err))
        return false;
    vault->unlocked = true;
    vault->has_data_key = false;
    return true;
}

const char *vault_home(const struct vault *vault)
{
    return vault->home;
}

void wrap_key(const struct vault *vault, const uint8_t key[32], struct view context,
              uint8_t ret_wrapped[VAULT_WRAPPED])
{
    seal_with(vault->master, view_bytes(key, 32), context, ret_wrapped);
}

bool unwrap_key(const struct vault *vault, struct view wrapped, struct view context,
                uint8_t ret_key[32])
{
    return wrapped.size == VAULT_WRAPPED && unseal_with(vault->master, wrapped, context, ret_key);
}

void vault_wrap_new_data_key(const struct vault *vault, uint8_t ret_wrapped[VAULT_WRAPPED])
{
    uint8_t fresh[32];
    randombytes_buf(fresh, sizeof fresh);
    wrap_key(vault, fresh, wrap_context, ret_wrapped);
    sodium_memzero(fresh, sizeof fresh);
}

void vault_wrap_data_key(const struct vault *vault, const struct vault *owner,
                         uint8_t ret_wrapped[VAULT_WRAPPED])
{
    wrap_key(vault, owner->data_key, wrap_context, ret_wrapped);
}

bool vault_use_data_key(struct vault *vault, struct view wrapped, struct err *err)
{
    // A failed opening clears its output, so it does not go straight to the key in use.
    uint8_t fresh[32];
    if (wrapped.size == VAULT_WRAPPED && unseal_with(vault->master, wrapped, wrap_context, fresh)) {
        memcpy(vault->data_key, fresh, sizeof fresh);
        sodium_memzero(fresh, sizeof fresh);
        vault->has_data_key = true;
        return true;
    }
    err_set(err, ERR_INTEGRITY, "wrong_master_key",
            "The key file %.900s/" MASTER_KEY_FILE " does not belong to this store", vault->home);
    return err_hint(err, "put back the " MASTER_KEY_FILE " that was kept with the store's backups");
}

bool vault_has_data_key(const struct vault *vault)
{
    return vault->has_data_key;
}

void vault_key_digest(const struct vault *vault, struct view api_key,
                      uint8_t ret_digest[VAULT_DIGEST])
{
    (void)crypto_generichash(ret_digest, VAULT_DIGEST, (const unsigned char *)api_key.data,
                             api_key.size, vault->subkeys[SUBKEY_FIND], 32);
}

void vault_seal(const struct vault *vault, struct view clear, struct view context,
                uint8_t *ret_sealed)
{
    seal_with(vault->data_key, clear, context, ret_sealed);
}

bool vault_unseal(const struct vault *vault, struct view sealed, struct view context,
                  char *ret_clear, struct err *err)
{
    if (unseal_with(vault->data_key, sealed, context, (uint8_t *)ret_clear))
        return true;
    return err_set(err, ERR_INTEGRITY, "sealed_copy_damaged",
                   "The sealed copy of an API key is damaged or was moved here from elsewhere");
}

void vault_seal_upstream(const struct vault *vault, struct view clear, struct view context,
                         uint8_t *ret_sealed)
{
    seal_with(vault->subkeys[SUBKEY_UPSTREAM], clear, context, ret_sealed);
}

bool vault_unseal_upstream(const struct vault *vault, struct view sealed, struct view context,
                           char *ret_clear, struct err *err)
{
    if (unseal_with(vault->subkeys[SUBKEY_UPSTREAM], sealed, context, (uint8_t *)ret_clear))
        return true;
    return err_set(err, ERR_INTEGRITY, "sealed_record_damaged",
                   "The sealed record of a server is damaged or was moved here from elsewhere");
}

static crypto_generichash_state *mac_state(struct mac *mac)
{
    return (crypto_generichash_state *)(void *)mac->state;
}

void mac_begin(struct mac *mac, const struct vault *vault, enum mac_purpose purpose)
{
    enum subkey subkey = purpose == MAC_API_KEY_ROW ? SUBKEY_ROW : SUBKEY_AUDIT;
    (void)crypto_generichash_init(mac_state(mac), vault->subkeys[subkey], 32, VAULT_DIGEST);
    mac_add_int(mac, (int64_t)purpose);
}

void mac_add(struct mac *mac, struct view field)
{
    mac_add_int(mac, field.data ? (int64_t)field.size : -1);
    if (field.size > 0)
        (void)crypto_generichash_update(mac_state(mac), (const unsigned char *)field.data,
                                        field.size);
}

void mac_add_int(struct mac *mac, int64_t field)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)field >> (8 * i));
    (void)crypto_generichash_update(mac_state(mac), bytes, sizeof bytes);
}

void mac_end(struct mac *mac, uint8_t ret_mac[VAULT_DIGEST])
{
    (void)crypto_generichash_final(mac_state(mac), ret_mac, VAULT_DIGEST);
    sodium_memzero(mac, sizeof *mac);
}

bool vault_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    bool same = true;
    for (; size >= 16; size -= 16, a += 16, b += 16) // in a few steps, not byte by byte
        same = (crypto_verify_16(a, b) == 0) & same;
    return (sodium_memcmp(a, b, size) == 0) & same;
}

void vault_new_tag_key(uint8_t ret_key[VAULT_TAG])
{
    randombytes_buf(ret_key, VAULT_TAG);
}

void vault_tag(const uint8_t key[VAULT_TAG], struct view bytes, uint8_t ret_tag[VAULT_TAG])
{
    (void)crypto_shorthash_siphashx24(ret_tag, (const unsigned char *)bytes.data, bytes.size, key);
}

void vault_new_uuid(char ret_uuid[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    size_t at = 0;
    randombytes_buf(bytes, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            ret_uuid[at++] = '-';
        ret_uuid[at++] = digits[bytes[i] >> 4];
        ret_uuid[at++] = digits[bytes[i] & 15];
    }
    ret_uuid[at] = '\0';
}

void vault_new_token(char *ret_token, size_t size)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    randombytes_buf(ret_token, size);
    for (size_t i = 0; i + 1 < size; i++)
        ret_token[i] = alphabet[(unsigned char)ret_token[i] & 63];
    ret_token[size - 1] = '\0';
}
