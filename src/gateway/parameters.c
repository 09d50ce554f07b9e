// parameters.c: see parameters.h.
#include "gateway/parameters.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json_walk.h"
#include "base/limits.h"
#include "wire/mcp.h"

enum { NAME_ROOM = 128, VALUE_ROOM = 8192 };

static const char prefix[] = "mcp-param-";

// --- whether the annotations are in order -------------------------------------------------------

struct look {
    char names[PARAMETERS_MOST][NAME_ROOM];
    size_t count;
    const char *fault;
};

// Where a schema stands: what it is about is a parameter when `properties` alone led to it.
enum where { AT_ROOT, AT_PARAMETER, ELSEWHERE };

static void look_into(struct look *look, struct view schema, enum where where);

static bool is_token(struct view text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return text.size > 0;
}

static bool is_primitive(struct view type)
{
    return view_is(type, "\"string\"") || view_is(type, "\"integer\"") ||
           view_is(type, "\"boolean\"");
}

static const char *fault_of(struct look *look, struct view schema, struct view raw,
                            enum where where)
{
    char room[NAME_ROOM];
    struct view name = json_raw_text(raw, room, sizeof room);
    if (where != AT_PARAMETER)
        return "x-mcp-header stands where not properties alone lead to";
    if (!json_raw_is(raw, '"') || !is_token(name) || name.size >= NAME_ROOM)
        return "x-mcp-header is no name of a header";
    if (!is_primitive(json_walk_member(schema, "type")))
        return "x-mcp-header is at a parameter that is no string, integer or boolean";
    for (size_t i = 0; i < look->count; i++)
        if (http_same(name, look->names[i]))
            return "two parameters have one x-mcp-header";
    if (look->count == PARAMETERS_MOST)
        return "too many parameters have an x-mcp-header";
    memcpy(look->names[look->count], name.data, name.size);
    look->names[look->count++][name.size] = '\0';
    return NULL;
}

// The schemas in an array, or those that names stand for.
static void look_at_each(struct look *look, struct view schemas, enum where where)
{
    struct view name, schema;
    for (struct json_walk walk = json_walk(schemas); json_walk_next(&walk, &name, &schema);)
        if (json_raw_is(schema, '{'))
            look_into(look, schema, where);
}

static bool is_any(struct view name, const struct view *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (json_name_is(name, names[i]))
            return true;
    return false;
}

static void look_at_member(struct look *look, struct view name, struct view value, enum where where)
{
    // What stands for names, and what is no schema at all.
    static const struct view named[] = {VIEW("patternProperties"), VIEW("dependentSchemas"),
                                        VIEW("$defs"), VIEW("definitions")};
    static const struct view data[] = {VIEW("const"), VIEW("enum"), VIEW("default"),
                                       VIEW("examples")};
    if (is_any(name, data, COUNT_OF(data)))
        return;
    if (json_name_is(name, VIEW("properties")))
        look_at_each(look, value, where == ELSEWHERE ? ELSEWHERE : AT_PARAMETER);
    else if (json_raw_is(value, '[') || is_any(name, named, COUNT_OF(named)))
        look_at_each(look, value, ELSEWHERE);
    else if (json_raw_is(value, '{'))
        look_into(look, value, ELSEWHERE);
}

static void look_into(struct look *look, struct view schema, enum where where)
{
    struct view name, value;
    for (struct json_walk walk = json_walk(schema); json_walk_next(&walk, &name, &value);) {
        const char *fault = NULL;
        if (json_name_is(name, VIEW("x-mcp-header")))
            fault = fault_of(look, schema, value, where);
        else
            look_at_member(look, name, value, where);
        if (fault)
            look->fault = fault;
    }
}

bool parameters_any(struct view tool, const char **ret_fault)
{
    struct look look = {.count = 0};
    *ret_fault = NULL;
    // Most tools have none. (A name may be written with escapes.)
    if (!memmem(tool.data, tool.size, "x-mcp-header", 12) &&
        !memmem(tool.data, tool.size, "\\u", 2))
        return false;
    look_into(&look, json_walk_member(tool, "inputSchema"), AT_ROOT);
    *ret_fault = look.fault;
    return look.count > 0 || look.fault;
}

// --- the headers --------------------------------------------------------------------------------

// No text of JSON has longer chains of `properties`.
enum { CHAIN_MOST = LIMIT_MESSAGE_DEPTH / 2 };

// The properties of a tool's schema that are repeated, one after the other, wherever `properties`
// alone lead to.
struct repeated {
    struct json_walk chain[CHAIN_MOST];     // through the properties of the schema and of objects
    struct view arguments[CHAIN_MOST];      // the objects that those are about; {NULL, 0}: none
    size_t depth;                           // of both
    char header[sizeof prefix + NAME_ROOM]; // lower case or not, as the schema has it
    struct view value;                      // raw argument; {NULL, 0}: none, or null
};

static void go_into(struct repeated *repeated, struct view schema, struct view arguments)
{
    struct view properties = json_walk_member(schema, "properties");
    if (!json_raw_is(properties, '{') || repeated->depth == CHAIN_MOST)
        return;
    repeated->chain[repeated->depth] = json_walk(properties);
    repeated->arguments[repeated->depth++] = arguments;
}

static void repeated_init(struct repeated *repeated, struct view tool, struct view arguments)
{
    repeated->depth = 0;
    go_into(repeated, json_walk_member(tool, "inputSchema"), arguments);
}

// What a name stands for, which is still escaped and has its quotes around it. {NULL, 0}: too long.
static struct view meant(struct view name, char room[VALUE_ROOM])
{
    return json_raw_text((struct view){name.data - 1, name.size + 2}, room, VALUE_ROOM);
}

// Whether an argument's (still escaped) name means this.
static bool means(struct view name, struct view wanted)
{
    char room[VALUE_ROOM];
    if (!memchr(name.data, '\\', name.size))
        return view_equal(name, wanted);
    struct view meaning = meant(name, room);
    return meaning.data && view_equal(meaning, wanted);
}

// The argument that is meant by the property's (still escaped) name.
static struct view argument(struct view arguments, struct view property)
{
    char room[VALUE_ROOM];
    struct view name, value, wanted = meant(property, room);
    for (struct json_walk walk = json_walk(arguments);
         wanted.data && json_walk_next(&walk, &name, &value);)
        if (means(name, wanted))
            return view_is(value, "null") ? (struct view){NULL, 0} : value;
    return (struct view){NULL, 0};
}

static bool next(struct repeated *repeated)
{
    struct view name, property;
    char room[NAME_ROOM];
    while (repeated->depth > 0) {
        size_t top = repeated->depth - 1;
        if (!json_walk_next(&repeated->chain[top], &name, &property)) {
            repeated->depth--;
            continue;
        }
        struct view header =
            json_raw_text(json_walk_member(property, "x-mcp-header"), room, sizeof room);
        if (!header.data && !json_raw_is(json_walk_member(property, "properties"), '{'))
            continue; // a client may send many arguments: they are searched for a reason only
        struct view value = argument(repeated->arguments[top], name);
        go_into(repeated, property, value);
        if (!header.data)
            continue;
        (void)snprintf(repeated->header, sizeof repeated->header, "%s%.*s", prefix,
                       VIEW_ARG(header));
        repeated->value = value;
        return true;
    }
    return false;
}

// An argument as text: what a string stands for, else the bytes of the number or truth value.
static struct view as_text(struct view raw, char room[VALUE_ROOM])
{
    return json_raw_is(raw, '"') ? json_raw_text(raw, room, VALUE_ROOM) : raw;
}

// 42.0 is 42.
static struct view without_nothing(struct view number)
{
    const char *dot = (const char *)memchr(number.data, '.', number.size);
    struct view whole = {number.data, dot ? (size_t)(dot - number.data) : number.size};
    for (const char *at = dot ? dot + 1 : dot; at < number.data + number.size && at; at++)
        if (*at != '0')
            return number;
    return whole;
}

static bool same(struct view raw, struct view sent)
{
    char room[VALUE_ROOM], sent_room[VALUE_ROOM];
    long long number, sent_number;
    struct view text = as_text(raw, room);
    struct view header = mcp_header_decode(sent, sent_room, sizeof sent_room);
    if (!text.data || !header.data)
        return false;
    if (!json_raw_is(raw, '"') && json_raw_int(without_nothing(raw), &number) &&
        json_raw_int(without_nothing(header), &sent_number))
        return number == sent_number; // however they are written
    return view_equal(text, header);
}

bool parameters_agree(struct view tool, struct view arguments, const struct http_field *fields,
                      size_t count)
{
    struct repeated repeated;
    for (repeated_init(&repeated, tool, arguments); next(&repeated);) {
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
    struct repeated repeated;
    for (repeated_init(&repeated, tool, arguments); count < room && next(&repeated);) {
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
