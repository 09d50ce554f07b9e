// splice.h: bytes put in the place of others in a text that is else passed on as it is.
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/view.h"

// `old` is a slice of the text (of size 0 for a mere insertion at that place), `fresh` takes its
// place.
struct splice {
    struct view old, fresh;
};

// Adds `text` with the splices made, which stand in the order of their places and do not overlap.
void splice_add(struct buf *buf, struct view text, const struct splice *splices, size_t count);
