// stream.c: see stream.h.
#include "vault/stream.h"

#include <sodium.h>
#include <string.h>

#include "vault/wrap.h"

_Static_assert(STREAM_START == VAULT_WRAPPED + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
               "wrapped key and nonce");
_Static_assert(STREAM_EXTRA == crypto_secretstream_xchacha20poly1305_ABYTES, "tag of a chunk");
_Static_assert(sizeof(struct digest) >= sizeof(crypto_generichash_state), "room for the state");
_Static_assert(_Alignof(struct digest) >= _Alignof(crypto_generichash_state), "alignment");

// Lives in guarded memory.
struct stream {
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
};

static struct stream *stream_new(struct err *err)
{
    struct stream *stream = (struct stream *)sodium_malloc(sizeof *stream);
    if (!stream)
        err_memory(err);
    return stream;
}

bool stream_seal_begin(const struct vault *vault, struct view context,
                       uint8_t ret_start[STREAM_START], struct stream **ret_stream, struct err *err)
{
    struct stream *stream AUTO(stream_free) = stream_new(err);
    if (!stream)
        return false;
    crypto_secretstream_xchacha20poly1305_keygen(stream->key);
    wrap_key(vault, stream->key, context, ret_start);
    (void)crypto_secretstream_xchacha20poly1305_init_push(&stream->state, ret_start + VAULT_WRAPPED,
                                                          stream->key);
    *ret_stream = TAKE(stream);
    return true;
}

void stream_seal(struct stream *stream, struct view clear, bool last, uint8_t *ret_sealed)
{
    (void)crypto_secretstream_xchacha20poly1305_push(
        &stream->state, ret_sealed, NULL, (const unsigned char *)clear.data, clear.size, NULL, 0,
        last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
             : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
}

bool stream_open_begin(const struct vault *vault, struct view context,
                       const uint8_t start[STREAM_START], struct stream **ret_stream,
                       struct err *err)
{
    struct stream *stream AUTO(stream_free) = stream_new(err);
    if (!stream)
        return false;
    if (!unwrap_key(vault, view_bytes(start, VAULT_WRAPPED), context, stream->key) ||
        crypto_secretstream_xchacha20poly1305_init_pull(&stream->state, start + VAULT_WRAPPED,
                                                        stream->key) != 0)
        return err_set(err, ERR_INTEGRITY, "wrong_master_key",
                       "The master key is not the one it was sealed with");
    *ret_stream = TAKE(stream);
    return true;
}

bool stream_open(struct stream *stream, struct view sealed, char *ret_clear, bool *ret_last)
{
    unsigned char tag;
    if (crypto_secretstream_xchacha20poly1305_pull(&stream->state, (unsigned char *)ret_clear, NULL,
                                                   &tag, (const unsigned char *)sealed.data,
                                                   sealed.size, NULL, 0) != 0)
        return false;
    *ret_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return true;
}

void stream_free(struct stream **stream)
{
    sodium_free(*stream);
    *stream = NULL;
}

static crypto_generichash_state *digest_state(struct digest *digest)
{
    return (crypto_generichash_state *)(void *)digest->state;
}

void digest_begin(struct digest *digest)
{
    (void)crypto_generichash_init(digest_state(digest), NULL, 0, VAULT_DIGEST);
}

void digest_add(struct digest *digest, struct view bytes)
{
    if (bytes.size > 0)
        (void)crypto_generichash_update(digest_state(digest), (const unsigned char *)bytes.data,
                                        bytes.size);
}

void digest_end(struct digest *digest, uint8_t ret_digest[VAULT_DIGEST])
{
    (void)crypto_generichash_final(digest_state(digest), ret_digest, VAULT_DIGEST);
    sodium_memzero(digest, sizeof *digest);
}
