// json.c: see json.h. The reader descends recursively, bounded by its depth.
#include "base/json.h"

#include <stdlib.h>

#include "base/json_out.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/text.h"

struct reader {
    const char *start, *at, *end;
    struct arena *arena;
    unsigned depth, deepest;
    bool own; // our writer made the text
    struct err *err;
};

static bool fail_at(struct reader *reader, const char *at, const char *reason)
{
    size_t line = 1, column = 1;
    for (const char *p = reader->start; p < at; p++) {
        bool continuation = ((unsigned char)*p & 0xc0) == 0x80;
        column = *p == '\n' ? 1 : column + !continuation;
        line += *p == '\n';
    }
    return err_set(reader->err, ERR_USAGE, "invalid_json",
                   "Invalid JSON at line %zu column %zu: %s", line, column, reason);
}

static bool fail(struct reader *reader, const char *reason)
{
    return fail_at(reader, reader->at, reason);
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

static bool next_is(const struct reader *reader, char wanted)
{
    return reader->at < reader->end && *reader->at == wanted;
}

static bool take(struct reader *reader, char wanted)
{
    if (!next_is(reader, wanted))
        return false;
    reader->at++;
    return true;
}

// `raw` was checked; an escape is never shorter than what it stands for.
static bool unescape(struct reader *reader, struct view raw, struct view *ret_text)
{
    char *text = (char *)arena_take(reader->arena, raw.size);
    if (!text)
        return err_memory(reader->err);
    *ret_text = json_unescape(raw, text, raw.size);
    return true;
}

// Moves over one character of a text, or one escape.
static bool check_character(struct reader *reader)
{
    uint32_t code;
    const char *at = reader->at;
    if (*at == '\\') {
        const char *reason = json_take_escape(&reader->at, reader->end, &code);
        return !reason || fail_at(reader, at, reason);
    }
    if ((unsigned char)*at < 0x20)
        return fail(reader, "control character in a text must be written as an escape");
    size_t length = utf8_length((struct view){at, (size_t)(reader->end - at)});
    if (length == 0)
        return fail(reader, "not valid UTF-8");
    reader->at += length;
    return true;
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// Reads a text from its opening quote on.
static bool read_text(struct reader *reader, struct view *ret_text)
{
    const char *from = ++reader->at;
    bool escaped = false;
    while (!next_is(reader, '"')) {
        while (reader->at < reader->end && is_plain((unsigned char)*reader->at))
            reader->at++;
        if (reader->at == reader->end)
            return fail(reader, "text without its closing quote");
        if (*reader->at == '"')
            break;
        escaped = escaped || *reader->at == '\\';
        if (!check_character(reader))
            return false;
    }
    struct view raw = {from, (size_t)(reader->at++ - from)};
    if (escaped)
        return unescape(reader, raw, ret_text);
    *ret_text = raw;
    return true;
}

static bool take_digits(struct reader *reader)
{
    const char *from = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        reader->at++;
    return reader->at > from;
}

static bool read_number(struct reader *reader)
{
    (void)take(reader, '-');
    bool zero = next_is(reader, '0');
    const char *from = reader->at;
    if (!take_digits(reader))
        return fail(reader, "a digit is missing");
    if (zero && reader->at - from > 1)
        return fail_at(reader, from, "a number must not begin with further zeros");
    if (take(reader, '.') && !take_digits(reader))
        return fail(reader, "a digit is missing");
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+'))
            (void)take(reader, '-');
        if (!take_digits(reader))
            return fail(reader, "a digit is missing");
    }
    return true;
}

static bool read_word(struct reader *reader, struct json_value *value)
{
    static const struct {
        const char *word;
        enum json_type type;
    } words[] = {{"true", JSON_BOOL}, {"false", JSON_BOOL}, {"null", JSON_NULL}};
    struct view rest = {reader->at, (size_t)(reader->end - reader->at)};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct view word = view_of(words[i].word);
        if (view_starts(rest, word)) {
            value->type = words[i].type;
            reader->at += word.size;
            return true;
        }
    }
    return fail(reader, "this is not a value");
}

static int compare_keys(const void *left, const void *right)
{
    const struct json_value *a = *(const struct json_value *const *)left;
    const struct json_value *b = *(const struct json_value *const *)right;
    if (a->key.size != b->key.size)
        return a->key.size < b->key.size ? -1 : 1;
    return a->key.size == 0 ? 0 : memcmp(a->key.data, b->key.data, a->key.size);
}

// Sorting, unlike hashing, cannot be made slow by the choice of names.
static bool check_keys(struct reader *reader, const struct json_value *object)
{
    if (reader->own || object->count < 2)
        return true;
    const struct json_value **sorted = (const struct json_value **)arena_take(
        reader->arena, object->count * sizeof(const struct json_value *));
    if (!sorted)
        return err_memory(reader->err);
    size_t count = 0;
    for (const struct json_value *member = object->first; member; member = member->next)
        sorted[count++] = member;
    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&sorted[i - 1], &sorted[i]) != 0)
            continue;
        const char *one = sorted[i - 1]->raw.data, *other = sorted[i]->raw.data;
        return fail_at(reader, one > other ? one : other, "the name of this member is taken");
    }
    return true;
}

static bool read_value(struct reader *reader, struct view key, struct json_value **ret);

// Reads the next member or element, from its first byte on.
static bool read_child(struct reader *reader, bool named, struct json_value **ret)
{
    struct view key = {NULL, 0};
    if (named) {
        if (!next_is(reader, '"'))
            return fail(reader, "a member's name in double quotes is missing");
        if (!read_text(reader, &key))
            return false;
        skip_blanks(reader);
        if (!take(reader, ':'))
            return fail(reader, "a colon is missing");
        skip_blanks(reader);
    }
    return read_value(reader, key, ret);
}

// Reads an object or array, from its opening bracket on.
static bool read_children(struct reader *reader, struct json_value *parent)
{
    bool named = parent->type == JSON_OBJECT;
    char closing = named ? '}' : ']';
    const struct json_value **link = &parent->first;
    if (reader->depth == reader->deepest)
        return fail(reader, "nested too deeply");
    reader->depth++;
    reader->at++;
    skip_blanks(reader);
    while (parent->count > 0 || !next_is(reader, closing)) {
        struct json_value *child;
        if (!read_child(reader, named, &child))
            return false;
        *link = child;
        link = &child->next;
        parent->count++;
        skip_blanks(reader);
        if (!take(reader, ','))
            break;
        skip_blanks(reader);
    }
    if (!take(reader, closing))
        return fail(reader, named ? "a comma or } is missing" : "a comma or ] is missing");
    reader->depth--;
    return !named || check_keys(reader, parent);
}

static bool read_content(struct reader *reader, struct json_value *value)
{
    char first = reader->at < reader->end ? *reader->at : '\0';
    if (first == '{' || first == '[') {
        value->type = first == '{' ? JSON_OBJECT : JSON_ARRAY;
        return read_children(reader, value);
    }
    if (first == '"') {
        value->type = JSON_TEXT;
        return read_text(reader, &value->text);
    }
    if (first == '-' || (first >= '0' && first <= '9')) {
        value->type = JSON_NUMBER;
        return read_number(reader);
    }
    return read_word(reader, value);
}

static bool read_value(struct reader *reader, struct view key, struct json_value **ret)
{
    struct json_value *value = (struct json_value *)arena_take(reader->arena, sizeof *value);
    if (!value)
        return err_memory(reader->err);
    const char *from = reader->at;
    if (!read_content(reader, value))
        return false;
    value->key = key;
    value->raw = (struct view){from, (size_t)(reader->at - from)};
    *ret = value;
    return true;
}

static bool read_document(struct reader *reader, const struct json_value **ret)
{
    struct json_value *value;
    if (reader->end - reader->at >= 3 && memcmp(reader->at, "\xef\xbb\xbf", 3) == 0)
        return fail(reader, "a byte order mark is not allowed");
    skip_blanks(reader);
    if (!read_value(reader, (struct view){NULL, 0}, &value))
        return false;
    skip_blanks(reader);
    if (reader->at < reader->end)
        return fail(reader, "something follows the value");
    *ret = value;
    return true;
}

static struct reader reader_of(struct view text, unsigned deepest, struct arena *arena,
                               struct err *err)
{
    const char *start = text.data ? text.data : "";
    return (struct reader){.start = start,
                           .at = start,
                           .end = start + text.size,
                           .arena = arena,
                           .deepest = deepest,
                           .err = err};
}

bool json_parse(struct view text, struct arena *arena, const struct json_value **ret,
                struct err *err)
{
    return json_parse_within(text, LIMIT_JSON_DEPTH, arena, ret, err);
}

bool json_parse_within(struct view text, unsigned deepest, struct arena *arena,
                       const struct json_value **ret, struct err *err)
{
    struct reader reader = reader_of(text, deepest, arena, err);
    return read_document(&reader, ret);
}

bool json_parse_own(struct view text, struct arena *arena, const struct json_value **ret,
                    struct err *err)
{
    struct reader reader = reader_of(text, JSON_OUT_DEPTH, arena, err);
    reader.own = true;
    return read_document(&reader, ret);
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    const struct json_value *member = object->first;
    while (member && !view_is(member->key, name))
        member = member->next;
    return member;
}

bool json_int(const struct json_value *value, int64_t *ret_integer)
{
    if (!json_is(value, JSON_NUMBER))
        return false;
    int64_t integer = 0;
    bool negative = value->raw.data[0] == '-';
    for (size_t i = negative; i < value->raw.size; i++) {
        int digit = value->raw.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(integer, 10, &integer) ||
            __builtin_add_overflow(integer, negative ? -digit : digit, &integer))
            return false;
    }
    *ret_integer = integer;
    return true;
}

bool json_bool(const struct json_value *value, bool *ret_boolean)
{
    if (!json_is(value, JSON_BOOL))
        return false;
    *ret_boolean = value->raw.data[0] == 't';
    return true;
}

static void copy_children(const struct json_value *value, struct out *out)
{
    bool named = value->type == JSON_OBJECT;
    out_begin(out, named ? '{' : '[');
    for (const struct json_value *child = value->first; child; child = child->next) {
        if (named)
            out_key_view(out, child->key);
        json_copy_to_out(child, out);
    }
    out_end(out, named ? '}' : ']');
}

void json_copy_to_out(const struct json_value *value, struct out *out)
{
    struct out_scalar scalar = {.type = OUT_NULL};
    switch (value->type) {
    case JSON_ARRAY:
    case JSON_OBJECT:
        copy_children(value, out);
        return;
    case JSON_NULL:
        break;
    case JSON_BOOL:
        scalar.type = OUT_BOOL;
        scalar.boolean = value->raw.data[0] == 't';
        break;
    case JSON_NUMBER:
        scalar.type = OUT_NUMBER;
        scalar.text = value->raw;
        break;
    case JSON_TEXT:
        scalar.type = OUT_TEXT;
        scalar.text = value->text;
        break;
    }
    out_scalar(out, scalar);
}
