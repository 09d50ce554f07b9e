// render_grid.c: see render_parts.h.
#include "base/limits.h"
#include "base/text.h"
#include "doors/render_parts.h"

// Columns of the terminal: where a text is no more comfortable, and where it tells nothing.
enum { NARROW = 20, USELESS = 10 };

struct cell {
    struct view text;
    size_t columns;
};

struct grid_column {
    struct view key; // as the rows have it
    struct cell heading;
    size_t width; // columns
    size_t limit; // columns; what is wider is cut
    bool whole;   // cut last: part of an id or a key is of no use
    bool optional;
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

static bool ends_with(struct view text, struct view ending)
{
    return text.size >= ending.size && view_equal(view_skip(text, text.size - ending.size), ending);
}

static void name_column(struct grid *grid, struct grid_column *column, struct view key,
                        struct view heading)
{
    column->key = keep(&grid->arena, key);
    column->heading = heading_of(grid, heading);
    column->width = column->heading.columns;
    column->whole = ends_with(key, VIEW("_id")) || ends_with(key, VIEW("api_key"));
}

static size_t count_wanted(const char *wanted)
{
    size_t count = 1;
    for (; *wanted; wanted++)
        count += *wanted == ',';
    return count;
}

static void name_wanted(struct grid *grid)
{
    const char *rest = grid->wanted;
    for (size_t i = 0; i < grid->column_count; i++) {
        size_t size = strcspn(rest, ","), key_size = strcspn(rest, ":?,");
        struct view key = {rest, key_size}, heading = key;
        if (rest[key_size] == ':')
            heading = (struct view){rest + key_size + 1, strcspn(rest + key_size + 1, "?,")};
        name_column(grid, &grid->columns[i], key, heading);
        grid->columns[i].optional = size > 0 && rest[size - 1] == '?';
        rest += size + (rest[size] == ',');
    }
}

// The columns are those wanted, else the first row decides: its keys, or one without heading when
// it has none.
static bool columns_new(struct grid *grid, const struct json_value *row)
{
    bool has_keys = json_is(row, JSON_OBJECT) && json_count(row) > 0;
    grid->named = grid->wanted || has_keys;
    grid->column_count = grid->wanted ? count_wanted(grid->wanted) : has_keys ? json_count(row) : 1;
    grid->columns = (struct grid_column *)arena_take(&grid->arena, grid->column_count *
                                                                       sizeof(struct grid_column));
    if (!grid->columns) {
        grid->buf->failed = true;
        return false;
    }
    if (grid->wanted)
        name_wanted(grid);
    struct grid_column *column = grid->columns;
    for (const struct json_value *member = json_first(row); !grid->wanted && has_keys && member;
         member = member->next)
        name_column(grid, column++, member->key, member->key);
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
    for (size_t i = 0; i < grid->column_count; i++) {
        const struct grid_column *column = &grid->columns[i];
        sum += column->width < most || column->whole ? column->width : most;
    }
    return sum;
}

// The greatest width, at least GRID_LEAST_WIDTH, to which columns can be lowered so that the line
// fits.
static size_t widest_within(const struct grid *grid, size_t room)
{
    size_t low = GRID_LEAST_WIDTH, high = room > low ? room : low;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (width_within(grid, middle) <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static size_t room_of(const struct grid *grid)
{
    size_t taken = grid->indent + 2 * (grid->column_count - 1);
    return grid->style.columns > taken ? grid->style.columns - taken : 0;
}

// Makes the line fit: leaves out what may be left out, from the end, while the others would have to
// be narrow, then lowers the widest columns to one width and gives what is left over to the first
// of them. Ids and keys are cut only where the others would become useless.
static void fit(struct grid *grid)
{
    while (width_within(grid, NARROW) > room_of(grid) && grid->column_count > 1 &&
           grid->columns[grid->column_count - 1].optional)
        grid->column_count--;
    size_t room = room_of(grid);
    if (width_within(grid, SIZE_MAX) <= room)
        return;
    for (size_t i = grid->column_count; i > 0 && width_within(grid, USELESS) > room; i--)
        grid->columns[i - 1].whole = false;
    size_t most = widest_within(grid, room);
    size_t used = width_within(grid, most), spare = room > used ? room - used : 0;
    for (size_t i = 0; i < grid->column_count; i++) {
        if (grid->columns[i].width <= most || grid->columns[i].whole)
            continue;
        grid->columns[i].width = most + (spare > 0);
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
    if (grid->fixed || grid->buf->failed)
        return;
    if (!grid->columns && (!grid->wanted || !columns_new(grid, NULL))) // the list is empty
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
