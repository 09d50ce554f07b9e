// csv.c: see csv.h.
#include "base/csv.h"

#include "base/text.h"

// A row under way.
struct reading {
    struct csv *csv;
    struct csv_row row;
    bool copied[CSV_FIELDS]; // the field lies in `unquoted`, and its `data` is not valid yet
    size_t offset[CSV_FIELDS];
    struct csv_problem problem; // `reason` is set when there is one
};

void csv_init(struct csv *csv, struct view text)
{
    if (view_starts(text, VIEW("\xef\xbb\xbf")))
        text = view_skip(text, 3);
    *csv = (struct csv){.text = text, .rest = text, .line = 1};
    buf_init(&csv->unquoted, text.size + 1);
}

void csv_done(struct csv *csv)
{
    buf_done(&csv->unquoted);
}

size_t csv_position(const struct csv *csv)
{
    return csv->text.size - csv->rest.size;
}

// Characters from the line's beginning to `at`, the one there included.
static size_t character_of(const struct csv *csv, const char *at)
{
    const char *from = csv->text.data + csv->line_from;
    size_t count = 1;
    for (; from < at; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

// Notes the problem at the present place. Returns false.
static bool complain(struct reading *reading, const char *reason)
{
    const struct csv *csv = reading->csv;
    reading->problem = (struct csv_problem){csv->line, character_of(csv, csv->rest.data), reason};
    return false;
}

static void skip(struct csv *csv, size_t size)
{
    csv->rest = view_skip(csv->rest, size);
}

// The bytes of the line end at `rest`: 1, 2, or 0 when there is none.
static size_t line_end_size(const struct csv *csv)
{
    if (view_starts(csv->rest, VIEW("\r\n")))
        return 2;
    return view_starts(csv->rest, VIEW("\n"));
}

static void pass_line_end(struct csv *csv)
{
    skip(csv, line_end_size(csv));
    csv->line++;
    csv->line_from = csv_position(csv);
}

// The size of the character at `rest`; 0, with the complaint made, when it may not stand there.
static size_t take_character(struct reading *reading)
{
    struct view rest = reading->csv->rest;
    size_t length = utf8_length(rest);
    unsigned char first = (unsigned char)rest.data[0];
    if (length == 0)
        (void)complain(reading, "this is not valid UTF-8");
    else if (first == '\r')
        (void)complain(reading, "a carriage return stands without a line feed");
    else if ((first < 0x20 && first != '\t') || first == 0x7f)
        (void)complain(reading, "this is a control character");
    else
        return length;
    return 0;
}

static bool at_field_end(const struct csv *csv)
{
    return csv->rest.size == 0 || csv->rest.data[0] == ',' || line_end_size(csv) > 0;
}

static bool read_bare(struct reading *reading, struct view *ret_field)
{
    struct csv *csv = reading->csv;
    const char *from = csv->rest.data;
    while (!at_field_end(csv)) {
        size_t length = take_character(reading);
        if (length == 0)
            return false;
        if (csv->rest.data[0] == '"')
            return complain(reading, "a quote stands inside a field that has none around it");
        skip(csv, length);
    }
    *ret_field = (struct view){from, (size_t)(csv->rest.data - from)};
    return true;
}

// Reads on to the closing quote and past it, adding what stands before it to `unquoted`.
static bool read_to_quote(struct reading *reading)
{
    struct csv *csv = reading->csv;
    const struct csv_problem never_closed = {csv->line, character_of(csv, csv->rest.data) - 1,
                                             "this quote is never closed"};
    while (csv->rest.size > 0) {
        size_t end = line_end_size(csv);
        size_t length = end > 0 ? end : take_character(reading);
        struct view character = {csv->rest.data, length};
        bool quote = length == 1 && character.data[0] == '"';
        if (length == 0)
            return false;
        if (end > 0)
            pass_line_end(csv);
        else
            skip(csv, length);
        if (quote && !view_starts(csv->rest, VIEW("\"")))
            return true;
        if (quote)
            skip(csv, 1);
        buf_add(&csv->unquoted, character);
    }
    reading->problem = never_closed;
    return false;
}

static bool read_quoted(struct reading *reading, struct view *ret_field)
{
    struct csv *csv = reading->csv;
    size_t before = csv->unquoted.size;
    skip(csv, 1);
    if (!read_to_quote(reading))
        return false;
    if (!at_field_end(csv))
        return complain(reading, "something stands between the closing quote and the comma");
    reading->copied[reading->row.count] = true;
    reading->offset[reading->row.count] = before;
    ret_field->size = csv->unquoted.size - before;
    return true;
}

static bool read_fields(struct reading *reading)
{
    struct csv *csv = reading->csv;
    struct csv_row *row = &reading->row;
    if (line_end_size(csv) > 0)
        return complain(reading, "the line is empty");
    while (true) {
        if (row->count == CSV_FIELDS)
            return complain(reading, "the row has too many fields");
        bool quoted = view_starts(csv->rest, VIEW("\""));
        struct view *field = &row->fields[row->count];
        if (quoted ? !read_quoted(reading, field) : !read_bare(reading, field))
            return false;
        row->count++;
        if (!view_starts(csv->rest, VIEW(",")))
            return true;
        skip(csv, 1);
    }
}

static bool check_width(struct reading *reading)
{
    struct csv *csv = reading->csv;
    size_t count = reading->row.count;
    if (csv->width == 0)
        csv->width = count;
    if (count == csv->width)
        return true;
    return complain(reading, count < csv->width ? "the row has fewer fields than the first one"
                                                : "the row has more fields than the first one");
}

enum csv_step csv_next(struct csv *csv, struct csv_row *ret_row, struct csv_problem *ret_problem)
{
    struct reading reading = {.csv = csv, .row = {.line = csv->line}};
    if (csv->rest.size == 0)
        return CSV_END;
    buf_clear(&csv->unquoted);
    bool good = read_fields(&reading) && check_width(&reading);
    bool clear_end = csv->rest.size == 0 || line_end_size(csv) > 0;
    if (clear_end && csv->rest.size > 0)
        pass_line_end(csv);
    if (!clear_end)
        csv->rest = view_skip(csv->rest, csv->rest.size);
    if (csv->unquoted.failed)
        return CSV_MEMORY;
    if (!good) {
        *ret_problem = reading.problem;
        return CSV_BAD;
    }
    for (size_t i = 0; i < reading.row.count; i++)
        if (reading.copied[i])
            reading.row.fields[i].data =
                csv->unquoted.data ? csv->unquoted.data + reading.offset[i] : "";
    *ret_row = reading.row;
    return CSV_ROW;
}
