// render_rows.c: see render_parts.h. Each row is written as compact JSON and read back as a tree,
// so that what is nested can be looked into, or quoted as it is.
#include "base/limits.h"
#include "base/text.h"
#include "doors/render_parts.h"

static struct rows *rows_of(struct out *out)
{
    return (struct rows *)out;
}

static void hand_on(struct rows *rows)
{
    struct arena arena;
    struct err err = {.kind = ERR_NONE};
    const struct json_value *value;
    arena_init(&arena, LIMIT_HELD_OUTPUT);
    if (!rows->text.failed && json_parse_own(buf_view(&rows->text), &arena, &value, &err))
        rows->row(rows, value);
    else
        rows->buf->failed = true;
    arena_done(&arena);
    buf_clear(&rows->text);
}

static void rows_begin(struct out *out, char bracket)
{
    struct rows *rows = rows_of(out);
    bool list = !rows->started && bracket == '[';
    rows->started = true;
    if (list) {
        rows->list = true;
        return;
    }
    rows->depth++;
    out_begin(&rows->json.out, bracket);
}

static void rows_end(struct out *out, char bracket)
{
    struct rows *rows = rows_of(out);
    if (rows->depth == 0) // the end of the list itself
        return;
    out_end(&rows->json.out, bracket);
    if (--rows->depth == 0)
        hand_on(rows);
}

static void rows_key(struct out *out, struct view key)
{
    out_key_view(&rows_of(out)->json.out, key);
}

static void rows_scalar(struct out *out, const struct out_scalar *value)
{
    struct rows *rows = rows_of(out);
    rows->started = true;
    out_scalar(&rows->json.out, *value);
    if (rows->depth == 0)
        hand_on(rows);
}

static void rows_finish(struct out *out)
{
    struct rows *rows = rows_of(out);
    rows->finish(rows);
}

static const struct out_methods rows_methods = {
    .begin = rows_begin,
    .end = rows_end,
    .key = rows_key,
    .scalar = rows_scalar,
    .finish = rows_finish,
};

void rows_init(struct rows *rows, struct buf *buf,
               void (*row)(struct rows *rows, const struct json_value *value),
               void (*finish)(struct rows *rows))
{
    *rows = (struct rows){.out = {&rows_methods}, .buf = buf, .row = row, .finish = finish};
    buf_init(&rows->text, LIMIT_HELD_OUTPUT);
    rows->text.secret = buf->secret;
    json_out_init(&rows->json, &rows->text, JSON_COMPACT);
}

void rows_done(struct rows *rows)
{
    buf_done(&rows->text);
}

const struct json_value *row_member(const struct json_value *row, struct view key,
                                    const struct json_value *guess)
{
    if (!json_is(row, JSON_OBJECT))
        return NULL;
    if (guess && view_equal(guess->key, key))
        return guess;
    const struct json_value *member = json_first(row);
    while (member && !view_equal(member->key, key))
        member = member->next;
    return member;
}

void add_visible(struct buf *buf, struct view text, const char *kept)
{
    if (text_is_printable(text)) {
        buf_add(buf, text);
        return;
    }
    while (text.size > 0) {
        size_t length = utf8_length(text);
        struct view character = {text.data, length > 0 ? length : 1};
        bool keep = text.data[0] != '\0' && strchr(kept, text.data[0]);
        buf_add(buf, keep || text_is_printable(character) ? character : VIEW("\xef\xbf\xbd"));
        text = view_skip(text, character.size);
    }
}

static bool is_scalar(const struct json_value *value)
{
    return value && value->type < JSON_ARRAY;
}

static bool ends_with(struct view text, struct view ending)
{
    return text.size >= ending.size && view_equal(view_skip(text, text.size - ending.size), ending);
}

// The member that names an object; NULL when it has no scalar at all.
static const struct json_value *naming_member(const struct json_value *object)
{
    const struct json_value *first = NULL;
    for (const struct json_value *member = json_first(object); member; member = member->next) {
        if (is_scalar(member) && ends_with(member->key, VIEW("_name")))
            return member;
        if (is_scalar(member) && !first)
            first = member;
    }
    const struct json_value *email = json_member(object, "email");
    const struct json_value *api_key = json_member(object, "api_key");
    if (is_scalar(email))
        return email;
    return is_scalar(api_key) ? api_key : first;
}

static void add_names(struct buf *buf, const struct json_value *array)
{
    for (const struct json_value *element = json_first(array); element; element = element->next) {
        add_name(buf, element);
        if (element->next)
            buf_add(buf, VIEW(", "));
    }
}

void add_name(struct buf *buf, const struct json_value *value)
{
    if (json_is(value, JSON_OBJECT) && json_count(value) > 0) {
        value = naming_member(value);
        if (!value) {
            buf_add(buf, VIEW("{\xe2\x80\xa6}"));
            return;
        }
    }
    if (json_is(value, JSON_TEXT))
        add_visible(buf, json_text(value), "");
    else if (json_count(value) > 0)
        add_names(buf, value);
    else if (json_is(value, JSON_BOOL) || json_is(value, JSON_NUMBER))
        buf_add(buf, value->raw);
    else
        buf_add_char(buf, '-');
}
