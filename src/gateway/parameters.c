// parameters.c: see parameters.h.
#include "gateway/parameters.h"

#include <stdint.h>
#include <stdio.h>

#include "base/json_walk.h"
#include "base/limits.h"
#include "wire/mcp.h"

enum { NAME_ROOM = 128, VALUE_ROOM = 8192 };

static const char prefix[] = "mcp-param-";

// The properties of a tool's schema, one after the other, that are repeated.
struct repeated {
    struct json_walk walk;
    struct view arguments;
    char header[sizeof prefix + NAME_ROOM]; // lower case or not, as the schema has it
    struct view value;                      // raw argument; {NULL, 0}: none, or null
};

static struct repeated repeated_of(struct view tool, struct view arguments)
{
    struct view schema = json_walk_member(tool, "inputSchema");
    return (struct repeated){.walk = json_walk(json_walk_member(schema, "properties")),
                             .arguments = arguments};
}

// What a name stands for, which is still escaped and has its quotes around it. {NULL, 0}: too long.
static struct view meant(struct view name, char room[VALUE_ROOM])
{
    return json_raw_text((struct view){name.data - 1, name.size + 2}, room, VALUE_ROOM);
}

// The argument that is meant by the property's (still escaped) name.
static struct view argument(struct view arguments, struct view property)
{
    char room[VALUE_ROOM], wanted_room[VALUE_ROOM];
    struct view name, value, wanted = meant(property, wanted_room);
    for (struct json_walk walk = json_walk(arguments); json_walk_next(&walk, &name, &value);)
        if (wanted.data && view_equal(meant(name, room), wanted))
            return view_is(value, "null") ? (struct view){NULL, 0} : value;
    return (struct view){NULL, 0};
}

static bool next(struct repeated *repeated)
{
    struct view name, property;
    char room[NAME_ROOM];
    while (json_walk_next(&repeated->walk, &name, &property)) {
        struct view header =
            json_raw_text(json_walk_member(property, "x-mcp-header"), room, sizeof room);
        if (!header.data)
            continue;
        (void)snprintf(repeated->header, sizeof repeated->header, "%s%.*s", prefix,
                       VIEW_ARG(header));
        repeated->value = argument(repeated->arguments, name);
        return true;
    }
    return false;
}

// An argument as text: what a string stands for, else the bytes of the number or truth value.
static struct view as_text(struct view raw, char room[VALUE_ROOM])
{
    return json_raw_is(raw, '"') ? json_raw_text(raw, room, VALUE_ROOM) : raw;
}

static bool same(struct view raw, struct view sent)
{
    char room[VALUE_ROOM], sent_room[VALUE_ROOM];
    long long number, sent_number;
    struct view text = as_text(raw, room);
    struct view header = mcp_header_decode(sent, sent_room, sizeof sent_room);
    if (!text.data || !header.data)
        return false;
    if (!json_raw_is(raw, '"') && json_raw_int(raw, &number) && json_raw_int(header, &sent_number))
        return number == sent_number; // however they are written
    return view_equal(text, header);
}

bool parameters_agree(struct view tool, struct view arguments, const struct http_field *fields,
                      size_t count)
{
    for (struct repeated repeated = repeated_of(tool, arguments); next(&repeated);) {
        struct view sent = {NULL, 0};
        size_t times = 0;
        for (size_t i = 0; i < count; i++) {
            if (!http_same(fields[i].name, repeated.header))
                continue;
            sent = fields[i].value;
            times++;
        }
        bool wanted = repeated.value.data != NULL;
        if (times != (wanted ? 1 : 0) || (wanted && !same(repeated.value, sent)))
            return false;
    }
    return true;
}

bool parameters_make(struct view tool, struct view arguments, struct buf *texts,
                     struct http_field *ret_fields, size_t room, size_t *ret_count)
{
    size_t count = 0;
    for (struct repeated repeated = repeated_of(tool, arguments);
         count < room && next(&repeated);) {
        char value_room[VALUE_ROOM];
        struct view value =
            repeated.value.data ? as_text(repeated.value, value_room) : (struct view){NULL, 0};
        if (!value.data)
            continue;
        // Offsets for now: `texts` still moves.
        size_t name_at = texts->size, name_size = view_of(repeated.header).size;
        buf_add(texts, view_of(repeated.header));
        size_t value_at = texts->size;
        mcp_header_encode(texts, value);
        ret_fields[count++] =
            (struct http_field){{(const char *)(uintptr_t)name_at, name_size},
                                {(const char *)(uintptr_t)value_at, texts->size - value_at}};
    }
    for (size_t i = 0; i < count; i++) {
        ret_fields[i].name.data = texts->data + (uintptr_t)ret_fields[i].name.data;
        ret_fields[i].value.data = texts->data + (uintptr_t)ret_fields[i].value.data;
    }
    *ret_count = count;
    return !texts->failed;
}
