// json_walk.c: see json_walk.h. It finds ends and trusts the rest, but never leaves the text.
#include "base/json_walk.h"

#include "base/json_text.h"

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

// From after the opening quote to the closing one.
static const char *skip_text(const char *at, const char *end)
{
    for (;;) {
        at = json_skip_checked(at, end);
        if (at == end || *at == '"')
            return at;
        at += end - at > 1 ? 2 : 1;
    }
}

// The next byte that is a quote or a bracket; only outside of texts.
static const char *skip_to_bracket(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        many bytes = many_load(at), folded = bytes | 0x20; // [ becomes {, ] becomes }
        size_t first = many_first((bytes == '"') | (folded == '{') | (folded == '}'));
        if (first < 16)
            return at + first;
    }
    while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
        at++;
    return at;
}

// From the opening bracket to after the closing one.
static const char *skip_children(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"')
            at = skip_text(at + 1, end);
        else if ((*at | 0x20) == '{')
            depth++;
        else if (--depth == 0)
            return at + 1;
        if (at < end)
            at = skip_to_bracket(at + 1, end);
    }
    return end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at < end && *at == '"') {
        at = skip_text(at + 1, end);
        return at < end ? at + 1 : end;
    }
    if (at < end && (*at == '{' || *at == '['))
        return skip_children(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && skip_blanks(at, end) == at)
        at++;
    return at;
}

struct json_walk json_walk(struct view value)
{
    if (value.size == 0)
        return (struct json_walk){NULL, NULL, false};
    const char *end = value.data + value.size, *at = skip_blanks(value.data, end);
    if (at == end || (*at != '{' && *at != '['))
        return (struct json_walk){end, end, false};
    return (struct json_walk){at + 1, end, *at == '{'};
}

bool json_walk_next(struct json_walk *walk, struct view *ret_name, struct view *ret_value)
{
    const char *end = walk->end, *at = skip_blanks(walk->at, end);
    struct view name = {NULL, 0};
    if (at < end && *at == ',')
        at = skip_blanks(at + 1, end);
    if (at == end || *at == '}' || *at == ']') {
        walk->at = end;
        return false;
    }
    if (walk->named) {
        const char *quote = skip_text(at + 1, end);
        name = (struct view){at + 1, (size_t)(quote - at - 1)};
        at = quote < end ? skip_blanks(quote + 1, end) : end;
        at = at < end ? skip_blanks(at + 1, end) : end;
    }
    walk->at = skip_value(at, end);
    *ret_name = name;
    *ret_value = (struct view){at, (size_t)(walk->at - at)};
    return true;
}

bool json_name_is(struct view raw_name, struct view name)
{
    char into[JSON_NAME_MAX];
    if (raw_name.size <= name.size) // an escape is longer than what it stands for
        return view_equal(raw_name, name);
    struct view meaning = json_unescape(raw_name, into, sizeof into);
    return meaning.data && view_equal(meaning, name);
}

struct view json_walk_named(struct view object, struct view name)
{
    struct json_walk walk = json_walk(object);
    struct view member, value;
    while (walk.named && json_walk_next(&walk, &member, &value))
        if (json_name_is(member, name))
            return value;
    return (struct view){NULL, 0};
}

void json_pick(struct view object, const struct json_pick *picks, size_t count, void *record)
{
    struct json_walk walk = json_walk(object);
    struct view raw_name, value;
    char into[JSON_NAME_MAX];
    while (walk.named && json_walk_next(&walk, &raw_name, &value)) {
        struct view name = json_unescape(raw_name, into, sizeof into);
        size_t i = 0;
        while (i < count && !view_equal(picks[i].name, name))
            i++;
        if (i == count)
            continue;
        memcpy((char *)record + picks[i].offset, &value, sizeof value);
        if (picks[i].inside_count > 0)
            json_pick(value, picks[i].inside, picks[i].inside_count, record);
    }
}

struct view json_raw_text(struct view raw, char *into, size_t size)
{
    if (raw.size < 2 || raw.data[0] != '"')
        return (struct view){NULL, 0};
    return json_unescape((struct view){raw.data + 1, raw.size - 2}, into, size);
}

bool json_raw_int(struct view raw, long long *ret_number)
{
    bool negative = json_raw_is(raw, '-');
    long long number = 0;
    if (raw.size == negative || raw.size - negative > 18)
        return false;
    for (size_t i = negative; i < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9')
            return false;
        number = number * 10 + (raw.data[i] - '0');
    }
    *ret_number = negative ? -number : number;
    return true;
}
