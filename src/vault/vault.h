// vault.h: the only room where secrets are used.
//
// A vault holds what the two key files of a store give (see SECURITY.md):
//   index.key   finds and trusts: digests of API keys, row MACs, the audit chain
//   master.key  shows: it wraps the data keys that seal the showable copy of each API key
// Losing master.key loses the showing of old keys, never authentication.
//
// Everything derived from the files lives in one guarded, locked, undumpable allocation.
// Primitives (libsodium): keyed BLAKE2b-256 (RFC 7693) and XChaCha20-Poly1305.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/view.h"

enum {
    VAULT_DIGEST = 32,                     // bytes of a digest or MAC
    VAULT_ID = 16,                         // bytes of a key file's fingerprint
    VAULT_SEAL_EXTRA = 24 + 16,            // nonce and tag around a sealed text
    VAULT_WRAPPED = 32 + VAULT_SEAL_EXTRA, // a wrapped data key
};

struct vault;

// Starts the cryptography; once, before anything else here.
MUST_CHECK bool vault_start(struct err *err);

// Reads `home`/index.key. With `create`, makes both key files first where they are missing (the
// caller holds the home's lock). ERR_INTEGRITY when the file is missing, of a wrong size, or open
// to others than its owner. Free with vault_free.
MUST_CHECK bool vault_open(const char *home, bool create, struct vault **ret_vault,
                           struct err *err);
void vault_free(struct vault **vault);

// Tells index.key apart from others without revealing it.
void vault_index_id(const struct vault *vault, uint8_t ret_id[VAULT_ID]);

// Reads `home`/master.key unless that was done. Same errors as vault_open.
MUST_CHECK bool vault_unlock(struct vault *vault, struct err *err);

// Reads the master key from another file, in place of the present one. The data key is forgotten.
MUST_CHECK bool vault_unlock_from(struct vault *vault, const char *path, struct err *err);

// Tells master.key apart from others; only after vault_unlock.
void vault_master_id(const struct vault *vault, uint8_t ret_id[VAULT_ID]);

// A fresh data key, wrapped for storing. It is not yet in use; see vault_use_data_key.
void vault_wrap_new_data_key(const struct vault *vault, uint8_t ret_wrapped[VAULT_WRAPPED]);

// The data key that `owner` uses, wrapped by the master key of `vault`.
void vault_wrap_data_key(const struct vault *vault, const struct vault *owner,
                         uint8_t ret_wrapped[VAULT_WRAPPED]);

// Unwraps the data key that seals and opens from now on. ERR_INTEGRITY when master.key is not the
// one that wrapped it or the bytes were changed.
MUST_CHECK bool vault_use_data_key(struct vault *vault, struct view wrapped, struct err *err);
bool vault_has_data_key(const struct vault *vault);

// The keyed digest under which an API key is found.
void vault_key_digest(const struct vault *vault, struct view api_key,
                      uint8_t ret_digest[VAULT_DIGEST]);

// Seals `clear` bound to `context`; `ret_sealed` has room for clear.size + VAULT_SEAL_EXTRA.
void vault_seal(const struct vault *vault, struct view clear, struct view context,
                uint8_t *ret_sealed);

// Opens what vault_seal made into `ret_clear` (sealed.size - VAULT_SEAL_EXTRA bytes). ERR_INTEGRITY
// when it was changed, moved to another context, or sealed with another data key.
MUST_CHECK bool vault_unseal(const struct vault *vault, struct view sealed, struct view context,
                             char *ret_clear, struct err *err);

// The same with a subkey of index.key, for what a gateway must open without master.key: the records
// of MCP servers with their credentials.
void vault_seal_upstream(const struct vault *vault, struct view clear, struct view context,
                         uint8_t *ret_sealed);
MUST_CHECK bool vault_unseal_upstream(const struct vault *vault, struct view sealed,
                                      struct view context, char *ret_clear, struct err *err);

// A MAC over a sequence of fields, each bound with its length, so that no two sequences meet.
enum mac_purpose { MAC_API_KEY_ROW, MAC_AUDIT_RECORD, MAC_AUDIT_HEAD, MAC_SERVER, MAC_SERVERS };
struct mac {
    _Alignas(64) unsigned char state[384];
};
void mac_begin(struct mac *mac, const struct vault *vault, enum mac_purpose purpose);
void mac_add(struct mac *mac, struct view field);
void mac_add_int(struct mac *mac, int64_t field);
void mac_end(struct mac *mac, uint8_t ret_mac[VAULT_DIGEST]);

// Compares in time that depends on nothing but the size.
MUST_CHECK bool vault_equal(const uint8_t *a, const uint8_t *b, size_t size);

// A tag of 128 bits (SipHash-2-4) that tells texts apart within one process, at a fifth of what a
// digest costs: for finding again what was worked out before. Whoever does not know the key, which
// never leaves the process, can neither foresee a tag nor aim at one. Nothing that is stored.
enum { VAULT_TAG = 16 };
void vault_new_tag_key(uint8_t ret_key[VAULT_TAG]);
void vault_tag(const uint8_t key[VAULT_TAG], struct view bytes, uint8_t ret_tag[VAULT_TAG]);

// A random UUID, version 4 (RFC 9562 section 5.4), lower case.
void vault_new_uuid(char ret_uuid[UUID_TEXT]);

// Random characters of the URL-safe base64 alphabet, `size` - 1 of them and a NUL: 6 bits each. For
// ids that must not be guessed.
void vault_new_token(char *ret_token, size_t size);
