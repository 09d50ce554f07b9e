// key_text.h: API keys as text: how they are made, recognised and masked.
//
// A key is `smg_` and 44 characters of the URL-safe base64 alphabet (RFC 4648 section 5): 29 random
// bytes and their CRC-32, most significant byte first. The prefix lets scanners recognise a leaked
// key, the checksum tells a typing error from an unknown key. Imported keys of other shapes work
// all the same; the checksum alone never refuses a key.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/view.h"

enum {
    KEY_TEXT = 48,   // characters of a key that is made here
    KEY_MASKED = 24, // room for the masked form: 20 characters, `...` and the final NUL
};

// A clear key in guarded, undumpable memory; wiped when freed.
struct clear_key {
    size_t size;
    char text[LIMIT_API_KEY + 1];
};

// NULL when memory runs out.
MUST_CHECK struct clear_key *clear_key_new(void);
void clear_key_free(struct clear_key **key);
static inline struct view clear_key_view(const struct clear_key *key)
{
    return (struct view){key->text, key->size};
}

// Fills `key` with a fresh random key.
void key_text_mint(struct clear_key *key);

enum key_shape {
    KEY_SHAPE_OURS,     // `smg_…` with a good checksum
    KEY_SHAPE_MISTYPED, // `smg_…` of 48 characters whose checksum is wrong
    KEY_SHAPE_FOREIGN,  // anything else
};
enum key_shape key_text_shape(struct view key);

// Whether something of the form of our keys, good checksum or not, stands anywhere in `text`: then
// the text is a secret that has strayed, and must be neither stored nor shown.
bool key_text_is_inside(struct view text);

// Puts the masked form in the place of whatever has the form of our keys. The last guard before a
// text is shown.
void key_text_redact(char *text);

// The beginning of `text`, at most `most` bytes, for what shows no more than that. Where the cut
// would go through something of the form of our keys, no more of it stays than its masked form
// shows: half a key is not recognised as one any more.
struct view key_text_cut(struct view text, size_t most);

// Printable ASCII without blanks, 1 to LIMIT_API_KEY characters: what can be a key at all.
bool key_text_is_plausible(struct view key);

// The masked form: the first 20 characters (of a short imported key: the first half) and `...`.
void key_text_mask(struct view key, char ret_masked[KEY_MASKED]);
