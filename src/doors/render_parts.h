// render_parts.h: what the renderers share. Only for the files render*.c.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/out.h"
#include "doors/render.h"

// The first member of every renderer.
struct render {
    struct out *out;
    void (*free_fn)(struct render *render);
    const char *fields, *columns; // see render_name_columns; NULL: not named
};

struct render *render_table_new(struct buf *buf, const struct render_style *style);
struct render *render_csv_new(struct buf *buf);
struct render *render_yaml_new(struct buf *buf);

// Rows: a writer that hands on a list element by element, and anything else whole, as JSON trees
// that live until the callback returns.
struct rows {
    struct out out;  // first, so that the callbacks find what the rows are part of
    struct buf *buf; // where the result goes; marked failed when a row could not be had
    struct json_out json;
    struct buf text; // the row under way
    unsigned depth;  // of brackets in it
    bool started;
    bool list; // the result is an array
    void (*row)(struct rows *rows, const struct json_value *value);
    void (*finish)(struct rows *rows);
};

void rows_init(struct rows *rows, struct buf *buf,
               void (*row)(struct rows *rows, const struct json_value *value),
               void (*finish)(struct rows *rows));
void rows_done(struct rows *rows);

// The member of this name. `guess` (may be NULL) is looked at first.
const struct json_value *row_member(const struct json_value *row, struct view key,
                                    const struct json_value *guess);

// Adds `text` with U+FFFD in place of characters that would steer a terminal, except those in
// `kept`.
void add_visible(struct buf *buf, struct view text, const char *kept);

// What stands for a value where there is only room for a word: itself or, of something nested, its
// names joined by commas.
void add_name(struct buf *buf, const struct json_value *value);

// Grid: rows in aligned columns under a line of headings. The first GRID_HELD rows are held back to
// find the widths; the others follow in these widths.
enum { GRID_HELD = 256, GRID_LEAST_WIDTH = 6 };

struct grid_column;
struct grid_row;

struct grid {
    struct buf *buf;
    struct render_style style;
    size_t indent;
    const char
        *wanted; // the columns, as render_name_columns has them; NULL: what the first row has
    struct arena arena; // the columns and the rows held back
    struct buf scratch;
    struct grid_column *columns;
    size_t column_count;
    bool named; // there are headings
    bool fixed; // the widths are; headings and held rows are out
    struct grid_row *first, *last;
    size_t held;
};

void grid_init(struct grid *grid, struct buf *buf, const struct render_style *style, size_t indent);
void grid_add(struct grid *grid, const struct json_value *row);
void grid_finish(struct grid *grid); // puts out what was held back
void grid_done(struct grid *grid);
