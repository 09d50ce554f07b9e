// stream.h: sealing what is too large for memory, a chunk at a time.
//
// A stream has a random key of its own, wrapped by master.key and bound to a context (what must not
// be changed although it is readable). Chunks cannot be changed, swapped, left out or cut off
// without notice: the last one is marked. Primitive: libsodium's secretstream
// (XChaCha20-Poly1305).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"
#include "vault/vault.h"

enum {
    STREAM_START = VAULT_WRAPPED + 24, // bytes before the first chunk: the wrapped key, a nonce
    STREAM_CHUNK = 64 * 1024,          // bytes of a clear chunk; only the last one is shorter
    STREAM_EXTRA = 17,                 // what sealing adds to a chunk
};

struct stream;

// Begins a sealed stream. The vault is unlocked. Free with stream_free.
MUST_CHECK bool stream_seal_begin(const struct vault *vault, struct view context,
                                  uint8_t ret_start[STREAM_START], struct stream **ret_stream,
                                  struct err *err);

// Seals up to STREAM_CHUNK bytes into `ret_sealed` (clear.size + STREAM_EXTRA bytes).
void stream_seal(struct stream *stream, struct view clear, bool last, uint8_t *ret_sealed);

// Begins to read one. ERR_INTEGRITY `wrong_master_key` when `start` cannot be opened.
MUST_CHECK bool stream_open_begin(const struct vault *vault, struct view context,
                                  const uint8_t start[STREAM_START], struct stream **ret_stream,
                                  struct err *err);

// Opens a chunk into `ret_clear` (sealed.size - STREAM_EXTRA bytes). False when it is not the next
// chunk as it was sealed.
MUST_CHECK bool stream_open(struct stream *stream, struct view sealed, char *ret_clear,
                            bool *ret_last);
void stream_free(struct stream **stream);

// BLAKE2b-256 of what is added.
struct digest {
    _Alignas(64) unsigned char state[384];
};
void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, struct view bytes);
void digest_end(struct digest *digest, uint8_t ret_digest[VAULT_DIGEST]);
