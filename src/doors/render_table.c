// render_table.c: lists as grids, records as a line a field (see render.h).
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "doors/render_parts.h"

struct render_table {
    struct render render;
    struct rows rows;
    struct render_style style;
    struct grid grid; // of the list
    struct buf scratch;
};

static struct render_table *table_of(struct rows *rows)
{
    return OUTER(rows, struct render_table, rows);
}

// Shown below its key: a record in a record, or a list of them.
static bool is_block(const struct json_value *value)
{
    const struct json_value *first = json_first(value);
    if (json_is(value, JSON_OBJECT))
        return first != NULL;
    return json_is(first, JSON_OBJECT) && json_first(first);
}

static size_t key_width(struct render_table *table, const struct json_value *record)
{
    size_t width = 0;
    for (const struct json_value *member = json_first(record); member; member = member->next) {
        if (is_block(member))
            continue;
        add_visible(&table->scratch, member->key, "");
        size_t columns = text_columns(buf_view(&table->scratch));
        buf_clear(&table->scratch);
        width = columns > width ? columns : width;
    }
    return width;
}

static void put_grid(struct render_table *table, const struct json_value *array, size_t indent)
{
    struct grid grid;
    grid_init(&grid, table->rows.buf, &table->style, indent);
    for (const struct json_value *row = json_first(array); row; row = row->next)
        grid_add(&grid, row);
    grid_finish(&grid);
    grid_done(&grid);
}

static void put_key(struct render_table *table, struct view key, size_t *ret_columns)
{
    struct buf *scratch = &table->scratch;
    add_visible(scratch, key, "");
    *ret_columns = text_columns(buf_view(scratch));
    buf_add(table->rows.buf, buf_view(scratch));
    buf_clear(scratch);
}

static void put_record(struct render_table *table, const struct json_value *record, size_t indent)
{
    struct buf *buf = table->rows.buf;
    size_t width = key_width(table, record), columns;
    for (const struct json_value *member = json_first(record); member; member = member->next) {
        buf_add_blanks(buf, indent);
        put_key(table, member->key, &columns);
        if (is_block(member)) {
            buf_add_char(buf, '\n');
            if (json_is(member, JSON_OBJECT))
                put_record(table, member, indent + 2);
            else
                put_grid(table, member, indent + 2);
            continue;
        }
        add_name(&table->scratch, member);
        if (table->scratch.size > 0)
            buf_add_blanks(buf, width - columns + 2);
        buf_add(buf, buf_view(&table->scratch));
        buf_add_char(buf, '\n');
        buf->failed = buf->failed || table->scratch.failed;
        buf_clear(&table->scratch);
    }
}

static void table_row(struct rows *rows, const struct json_value *value)
{
    struct render_table *table = table_of(rows);
    if (rows->list) {
        table->grid.wanted = table->render.columns;
        grid_add(&table->grid, value);
    } else if (json_is(value, JSON_OBJECT)) {
        put_record(table, value, 0);
    } else {
        add_name(rows->buf, value);
        buf_add_char(rows->buf, '\n');
    }
}

static void table_finish(struct rows *rows)
{
    struct render_table *table = table_of(rows);
    table->grid.wanted = rows->list ? table->render.columns : NULL;
    grid_finish(&table->grid);
}

static void table_free(struct render *render)
{
    struct render_table *table = (struct render_table *)render;
    rows_done(&table->rows);
    grid_done(&table->grid);
    buf_done(&table->scratch);
    free(table);
}

struct render *render_table_new(struct buf *buf, const struct render_style *style)
{
    struct render_table *table = (struct render_table *)calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->style = *style;
    rows_init(&table->rows, buf, table_row, table_finish);
    grid_init(&table->grid, buf, style, 0);
    buf_init(&table->scratch, LIMIT_HELD_OUTPUT);
    table->scratch.secret = buf->secret;
    table->render = (struct render){.out = &table->rows.out, .free_fn = table_free};
    return &table->render;
}
