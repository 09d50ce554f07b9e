// render_csv.c: comma-separated values (RFC 4180, see render.h).
#include <stdlib.h>

#include "base/limits.h"
#include "doors/render_parts.h"

struct render_csv {
    struct render render;
    struct rows rows;
    struct arena arena; // the header's keys
    struct view *keys;
    size_t key_count;
    struct buf scratch;
};

static struct render_csv *csv_of(struct rows *rows)
{
    return OUTER(rows, struct render_csv, rows);
}

static bool needs_quotes(struct view text)
{
    if (text.size == 0 || text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return true;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == ',' || text.data[i] == '"' || (unsigned char)text.data[i] < 0x20)
            return true;
    return false;
}

static void add_field(struct buf *buf, struct view text)
{
    if (!needs_quotes(text)) {
        buf_add(buf, text);
        return;
    }
    buf_add_char(buf, '"');
    while (text.size > 0) {
        const char *quote = (const char *)memchr(text.data, '"', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        buf_add(buf, (struct view){text.data, size});
        if (quote)
            buf_add_char(buf, '"');
        text = view_skip(text, size);
    }
    buf_add_char(buf, '"');
}

// A text may have several lines; nothing else in it may steer a terminal.
static void add_text(struct render_csv *csv, struct view text)
{
    add_visible(&csv->scratch, text, "\n\t");
    add_field(csv->rows.buf, buf_view(&csv->scratch));
    csv->rows.buf->failed = csv->rows.buf->failed || csv->scratch.failed;
    buf_clear(&csv->scratch);
}

static void add_value(struct render_csv *csv, const struct json_value *value)
{
    if (json_is(value, JSON_TEXT))
        add_text(csv, json_text(value));
    else if (value && value->type != JSON_NULL)
        add_field(csv->rows.buf, value->raw); // our own compact JSON has no control characters
    else if (csv->key_count == 1)
        add_field(csv->rows.buf, VIEW("")); // a line must not be empty
}

// The first row decides about the columns: its keys, or one named `value` when it has none.
static bool put_header(struct render_csv *csv, const struct json_value *row)
{
    size_t count = json_is(row, JSON_OBJECT) ? json_count(row) : 0, i = 0;
    csv->key_count = count > 0 ? count : 1;
    csv->keys = (struct view *)arena_take(&csv->arena, csv->key_count * sizeof *csv->keys);
    if (!csv->keys)
        return false;
    if (count == 0)
        buf_add(csv->rows.buf, VIEW("value"));
    for (const struct json_value *member = json_first(row); count > 0 && member;
         member = member->next) {
        char *copy = (char *)arena_take(&csv->arena, member->key.size + 1);
        if (!copy)
            return false;
        memcpy(copy, member->key.data, member->key.size);
        csv->keys[i] = (struct view){copy, member->key.size};
        if (i++ > 0)
            buf_add_char(csv->rows.buf, ',');
        add_text(csv, member->key);
    }
    buf_add_char(csv->rows.buf, '\n');
    return true;
}

static void put_line(struct render_csv *csv, const struct json_value *row)
{
    bool named = csv->keys[0].data && json_is(row, JSON_OBJECT);
    const struct json_value *guess = named ? json_first(row) : NULL;
    for (size_t i = 0; i < csv->key_count; i++) {
        const struct json_value *value = i == 0 ? row : NULL;
        if (named)
            value = row_member(row, csv->keys[i], guess);
        if (i > 0)
            buf_add_char(csv->rows.buf, ',');
        add_value(csv, value);
        guess = guess ? guess->next : NULL;
    }
    buf_add_char(csv->rows.buf, '\n');
}

static void csv_row(struct rows *rows, const struct json_value *value)
{
    struct render_csv *csv = csv_of(rows);
    if (rows->buf->failed)
        return;
    if (!rows->list && json_is(value, JSON_OBJECT) && json_count(value) == 0)
        return;
    if (!rows->list && !json_is(value, JSON_OBJECT)) {
        add_value(csv, value);
        buf_add_char(rows->buf, '\n');
    } else if (csv->keys || put_header(csv, value)) {
        put_line(csv, value);
    } else {
        rows->buf->failed = true;
    }
}

static void csv_finish(struct rows *rows)
{
    struct render_csv *csv = csv_of(rows);
    if (!rows->list || csv->keys || !csv->render.fields)
        return; // every line is out
    buf_add(rows->buf, view_of(csv->render.fields));
    buf_add_char(rows->buf, '\n');
}

static void csv_free(struct render *render)
{
    struct render_csv *csv = (struct render_csv *)render;
    rows_done(&csv->rows);
    arena_done(&csv->arena);
    buf_done(&csv->scratch);
    free(csv);
}

struct render *render_csv_new(struct buf *buf)
{
    struct render_csv *csv = (struct render_csv *)calloc(1, sizeof *csv);
    if (!csv)
        return NULL;
    rows_init(&csv->rows, buf, csv_row, csv_finish);
    arena_init(&csv->arena, LIMIT_HELD_OUTPUT);
    buf_init(&csv->scratch, LIMIT_HELD_OUTPUT);
    csv->scratch.secret = buf->secret;
    csv->render = (struct render){.out = &csv->rows.out, .free_fn = csv_free};
    return &csv->render;
}
