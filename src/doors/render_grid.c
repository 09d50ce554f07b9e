// render_grid.c: see render_parts.h.
#include "base/limits.h"
#include "base/text.h"
#include "doors/render_parts.h"

struct cell {
    struct view text;
    size_t columns;
};

struct grid_column {
    struct view key; // as the rows have it
    struct cell heading;
    size_t width; // columns
    size_t limit; // columns; what is wider is cut
};

struct grid_row {
    struct grid_row *next;
    struct cell cells[];
};

static struct view keep(struct arena *arena, struct view text)
{
    char *copy = (char *)arena_take(arena, text.size + 1);
    if (!copy)
        return (struct view){NULL, 0};
    memcpy(copy, text.data, text.size);
    return (struct view){copy, text.size};
}

// What was made in the grid's scratch, kept as a cell.
static struct cell keep_cell(struct grid *grid, struct arena *arena)
{
    struct view text = buf_view(&grid->scratch);
    struct cell cell = {.columns = text_columns(text)};
    if (text.size > 0) {
        cell.text = keep(arena, text);
        grid->buf->failed = grid->buf->failed || !cell.text.data || grid->scratch.failed;
    }
    buf_clear(&grid->scratch);
    return cell;
}

// `user_id` becomes `USER ID`.
static struct cell heading_of(struct grid *grid, struct view key)
{
    struct buf *scratch = &grid->scratch;
    add_visible(scratch, key, "");
    for (size_t i = 0; i < scratch->size; i++) {
        char c = scratch->data[i];
        if (c >= 'a' && c <= 'z')
            scratch->data[i] = (char)(c - ('a' - 'A'));
        else if (c == '_')
            scratch->data[i] = ' ';
    }
    return keep_cell(grid, &grid->arena);
}

// The first row decides about the columns: its keys, or one without heading when it has none.
static bool columns_new(struct grid *grid, const struct json_value *row)
{
    grid->named = json_is(row, JSON_OBJECT) && json_count(row) > 0;
    grid->column_count = grid->named ? json_count(row) : 1;
    grid->columns = (struct grid_column *)arena_take(&grid->arena, grid->column_count *
                                                                       sizeof(struct grid_column));
    if (!grid->columns) {
        grid->buf->failed = true;
        return false;
    }
    struct grid_column *column = grid->columns;
    for (const struct json_value *member = json_first(row); grid->named && member;
         member = member->next, column++) {
        column->key = keep(&grid->arena, member->key);
        column->heading = heading_of(grid, member->key);
        column->width = column->heading.columns;
    }
    return true;
}

static struct grid_row *row_new(struct grid *grid, struct arena *arena,
                                const struct json_value *value)
{
    bool has_members = grid->named && json_is(value, JSON_OBJECT);
    const struct json_value *guess = has_members ? json_first(value) : NULL;
    struct grid_row *row = (struct grid_row *)arena_take(
        arena, sizeof *row + grid->column_count * sizeof(struct cell));
    if (!row) {
        grid->buf->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct json_value *shown = i == 0 ? value : NULL;
        if (has_members)
            shown = row_member(value, grid->columns[i].key, guess);
        add_name(&grid->scratch, shown);
        row->cells[i] = keep_cell(grid, arena);
        guess = guess ? guess->next : NULL;
    }
    return row;
}

// Returns the columns that it took.
static size_t add_cut(struct buf *buf, struct cell cell, size_t limit)
{
    if (cell.columns <= limit) {
        buf_add(buf, cell.text);
        return cell.columns;
    }
    size_t end = 0, columns = 0;
    while (end < cell.text.size) {
        struct view rest = view_skip(cell.text, end);
        size_t length = utf8_length(rest);
        size_t more = text_columns((struct view){rest.data, length});
        if (columns + more >= limit)
            break;
        columns += more;
        end += length;
    }
    for (; end > 0 && cell.text.data[end - 1] == ' '; end--) // a mark does not follow a blank
        columns--;
    buf_add(buf, (struct view){cell.text.data, end});
    buf_add(buf, VIEW("\xe2\x80\xa6"));
    return columns + 1;
}

static void put_row(struct grid *grid, const struct grid_row *row)
{
    struct buf *scratch = &grid->scratch;
    size_t blanks = grid->indent;
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct grid_column *column = &grid->columns[i];
        struct cell cell = row ? row->cells[i] : column->heading;
        if (cell.text.size > 0) {
            buf_add_blanks(scratch, blanks);
            blanks = 0;
        }
        size_t columns = add_cut(scratch, cell, column->limit);
        blanks += column->width > columns ? column->width - columns : 0;
        blanks += 2;
    }
    bool bold = !row && grid->style.bold;
    if (bold)
        buf_add(grid->buf, VIEW("\033[1m"));
    buf_add(grid->buf, buf_view(scratch));
    buf_add(grid->buf, bold ? VIEW("\033[0m\n") : VIEW("\n"));
    grid->buf->failed = grid->buf->failed || scratch->failed;
    buf_clear(scratch);
}

static size_t width_within(const struct grid *grid, size_t most)
{
    size_t sum = 0;
    for (size_t i = 0; i < grid->column_count; i++)
        sum += grid->columns[i].width < most ? grid->columns[i].width : most;
    return sum;
}

// Lowers the widest columns to one width, the greatest with which the line fits, and gives what is
// then left over to the first of them.
static void fit(struct grid *grid)
{
    size_t taken = grid->indent + 2 * (grid->column_count - 1);
    size_t room = grid->style.columns > taken ? grid->style.columns - taken : 0;
    size_t low = GRID_LEAST_WIDTH, high = room > low ? room : low;
    if (width_within(grid, SIZE_MAX) <= room)
        return;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (width_within(grid, middle) <= room)
            low = middle;
        else
            high = middle - 1;
    }
    size_t used = width_within(grid, low), spare = room > used ? room - used : 0;
    for (size_t i = 0; i < grid->column_count; i++) {
        if (grid->columns[i].width <= low)
            continue;
        grid->columns[i].width = low + (spare > 0);
        spare -= spare > 0;
    }
}

static void fix_widths(struct grid *grid)
{
    bool cut = grid->style.columns > 0;
    for (const struct grid_row *row = grid->first; row; row = row->next)
        for (size_t i = 0; i < grid->column_count; i++)
            if (row->cells[i].columns > grid->columns[i].width)
                grid->columns[i].width = row->cells[i].columns;
    if (cut)
        fit(grid);
    for (size_t i = 0; i < grid->column_count; i++) {
        size_t width = grid->columns[i].width;
        grid->columns[i].limit = width > GRID_LEAST_WIDTH ? width : GRID_LEAST_WIDTH;
        if (!cut)
            grid->columns[i].limit = SIZE_MAX;
    }
    grid->fixed = true;
}

static void hold(struct grid *grid, const struct json_value *value)
{
    struct grid_row *row = row_new(grid, &grid->arena, value);
    if (!row)
        return;
    if (grid->last)
        grid->last->next = row;
    else
        grid->first = row;
    grid->last = row;
    grid->held++;
}

static void pass(struct grid *grid, const struct json_value *value)
{
    struct arena arena;
    arena_init(&arena, LIMIT_HELD_OUTPUT);
    const struct grid_row *row = row_new(grid, &arena, value);
    if (row)
        put_row(grid, row);
    arena_done(&arena);
}

void grid_init(struct grid *grid, struct buf *buf, const struct render_style *style, size_t indent)
{
    *grid = (struct grid){.buf = buf, .indent = indent, .style = *style};
    arena_init(&grid->arena, LIMIT_HELD_OUTPUT);
    buf_init(&grid->scratch, LIMIT_HELD_OUTPUT);
    grid->scratch.secret = buf->secret;
}

void grid_add(struct grid *grid, const struct json_value *row)
{
    if (grid->buf->failed || (!grid->columns && !columns_new(grid, row)))
        return;
    if (grid->held == GRID_HELD)
        grid_finish(grid);
    if (grid->fixed)
        pass(grid, row);
    else
        hold(grid, row);
}

void grid_finish(struct grid *grid)
{
    if (grid->fixed || grid->buf->failed || !grid->columns)
        return;
    fix_widths(grid);
    if (grid->named)
        put_row(grid, NULL);
    for (const struct grid_row *row = grid->first; row; row = row->next)
        put_row(grid, row);
}

void grid_done(struct grid *grid)
{
    arena_done(&grid->arena);
    buf_done(&grid->scratch);
}
