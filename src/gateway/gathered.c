// gathered.c: see gathered.h.
#include "gateway/gathered.h"

#include <stdlib.h>

#include "base/json_walk.h"

enum { NAME_ROOM = 512 };

struct place {
    size_t at, size;
};

struct rough_item {
    struct place raw, raw_name, name;
};

void gathered_init(struct gathered *gathered, size_t most)
{
    buf_init(&gathered->text, most);
    buf_init(&gathered->names, most);
}

void gathered_done(struct gathered *gathered)
{
    buf_done(&gathered->text);
    buf_done(&gathered->names);
    free(gathered->rough);
    gathered->rough = NULL;
    gathered->count = gathered->room = 0;
}

bool gathered_add(struct gathered *gathered, struct view item, struct view raw_name)
{
    char room[NAME_ROOM];
    struct view name = json_raw_text(raw_name, room, sizeof room);
    if (!name.data)
        return true;
    if (gathered->count == gathered->room) {
        size_t more = gathered->room ? 2 * gathered->room : 32;
        struct rough_item *rough =
            (struct rough_item *)realloc(gathered->rough, more * sizeof *rough);
        if (!rough)
            return false;
        gathered->rough = rough;
        gathered->room = more;
    }
    size_t at = gathered->text.size;
    gathered->rough[gathered->count++] =
        (struct rough_item){.raw = {at, item.size},
                            .raw_name = {at + (size_t)(raw_name.data - item.data), raw_name.size},
                            .name = {gathered->names.size, name.size}};
    buf_add(&gathered->text, item);
    buf_add(&gathered->names, name);
    return !gathered->text.failed && !gathered->names.failed;
}

static struct view slice(const struct buf *buf, struct place place)
{
    return (struct view){buf->data + place.at, place.size};
}

struct list_item gathered_item(const struct gathered *gathered, size_t i)
{
    const struct rough_item *rough = &gathered->rough[i];
    return (struct list_item){.raw = slice(&gathered->text, rough->raw),
                              .raw_name = slice(&gathered->text, rough->raw_name),
                              .name = slice(&gathered->names, rough->name)};
}
