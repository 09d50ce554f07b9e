// splice.c: see splice.h.
#include "wire/splice.h"

void splice_add(struct buf *buf, struct view text, const struct splice *splices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t before = (size_t)(splices[i].old.data - text.data);
        buf_add(buf, (struct view){text.data, before});
        buf_add(buf, splices[i].fresh);
        text = view_skip(text, before + splices[i].old.size);
    }
    buf_add(buf, text);
}
