// base64.h: base64 (RFC 4648 section 4: with + and /, padded), strict: there is one text for some
// bytes.
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"

void base64_add(struct buf *buf, struct view bytes);

// The bytes, in `into` of `size` bytes. {NULL, 0} when they do not fit or `text` has foreign
// characters, blanks too, the wrong padding, or bits set that stand for nothing.
struct view base64_decode(struct view text, char *into, size_t size);
