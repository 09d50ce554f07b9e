// gathered.h: the items of a list while it is being read, page by page. Their texts still move, so
// that they are kept as offsets until all are there.
#pragma once

#include "gateway/catalog.h"

struct rough_item;

struct gathered {
    struct buf text, names; // the items as they came, and their names unescaped
    struct rough_item *rough;
    size_t count, room;
};

// At most so many bytes of items, and of names.
void gathered_init(struct gathered *gathered, size_t most);
void gathered_done(struct gathered *gathered);

// A raw item with the slice of it that is its name. One without a name, or with one that is no
// UTF-8 or beyond all measure, is none. False when memory is short or it is too much.
MUST_CHECK bool gathered_add(struct gathered *gathered, struct view item, struct view raw_name);

// An item, which points into the texts; `parameters` is not set.
struct list_item gathered_item(const struct gathered *gathered, size_t i);
