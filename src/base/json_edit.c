// json_edit.c: see json_edit.h.
#include "base/json_edit.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "base/text.h"

enum { VALUE_MEMORY = 16 << 20 };

// A text and how it is written.
struct page {
    struct view text;
    struct view newline, unit; // what ends a line; what one level is indented by
    struct buf *buf;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_line_end(char byte)
{
    return byte == '\n' || byte == '\r';
}

static struct view part(struct view text, size_t from, size_t to)
{
    return (struct view){text.data + from, to - from};
}

static size_t line_start(struct view text, size_t at)
{
    while (at > 0 && !is_line_end(text.data[at - 1]))
        at--;
    return at;
}

// The blanks that the line of `at` begins with.
static struct view indent_of(struct view text, size_t at)
{
    size_t start = line_start(text, at), end = start;
    while (end < at && is_blank(text.data[end]))
        end++;
    return part(text, start, end);
}

static bool begins_line(struct view text, size_t at)
{
    size_t start = line_start(text, at);
    return start > 0 && start + indent_of(text, at).size == at;
}

// How the text is written, by its first line end and the first member of the outermost object.
static struct page page_of(struct view text, const struct json_places *places, struct buf *buf)
{
    struct page page = {.text = text, .newline = VIEW("\n"), .unit = VIEW("  "), .buf = buf};
    for (size_t i = 0; i + 1 < text.size && text.data[i] != '\n'; i++)
        if (text.data[i] == '\r' && text.data[i + 1] == '\n')
            page.newline = VIEW("\r\n");
    const struct json_shelf *root = &places->shelves[0];
    if (places->blank || root->count == 0 || !begins_line(text, root->first.start))
        return page;
    struct view outer = indent_of(text, root->open), inner = indent_of(text, root->first.start);
    if (view_starts(inner, outer) && inner.size > outer.size)
        page.unit = view_skip(inner, outer.size);
    return page;
}

static void add_part(const struct page *page, size_t from, size_t to)
{
    if (to > from)
        buf_add(page->buf, part(page->text, from, to));
}

static void add_line(const struct page *page, struct view indent, size_t levels)
{
    buf_add(page->buf, page->newline);
    buf_add(page->buf, indent);
    while (levels-- > 0)
        buf_add(page->buf, page->unit);
}

// Our writer's lines, indented by two blanks a level, as lines of this page.
static void add_lines(const struct page *page, struct view pretty, struct view indent)
{
    for (size_t i = 0; i < pretty.size;) {
        size_t blanks = 0;
        if (pretty.data[i] != '\n') {
            buf_add_char(page->buf, pretty.data[i++]);
            continue;
        }
        while (++i < pretty.size && pretty.data[i] == ' ')
            blanks++;
        if (i < pretty.size)
            add_line(page, indent, blanks / 2);
    }
}

// The value, wrapped into what the steps `from` and later make necessary.
static void write_wrapped(struct out *out, const struct json_path *path, size_t from,
                          const struct json_value *value)
{
    for (size_t i = from; i < path->count; i++) {
        bool element = path->steps[i].value != NULL;
        out_begin(out, element ? '[' : '{');
        if (!element)
            out_key(out, path->steps[i].name);
    }
    json_copy_to_out(value, out);
    for (size_t i = path->count; i > from; i--)
        out_end(out, path->steps[i - 1].value ? ']' : '}');
    out_finish(out);
}

// What is to be written, in both layouts.
struct fresh {
    struct buf pretty, compact;
};

static void fresh_done(struct fresh *fresh)
{
    buf_done(&fresh->pretty);
    buf_done(&fresh->compact);
}

static bool fresh_make(struct fresh *fresh, const struct json_path *path, size_t from,
                       struct view value, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct json_out out;
    const struct json_value *tree;
    arena_init(&arena, VALUE_MEMORY);
    buf_init(&fresh->pretty, VALUE_MEMORY);
    buf_init(&fresh->compact, VALUE_MEMORY);
    fresh->pretty.secret = fresh->compact.secret = true;
    if (!json_parse(value, &arena, &tree, err))
        return false;
    json_out_init(&out, &fresh->pretty, JSON_PRETTY);
    write_wrapped(&out.out, path, from, tree);
    json_out_init(&out, &fresh->compact, JSON_COMPACT);
    write_wrapped(&out.out, path, from, tree);
    while (fresh->compact.size > 0 && is_line_end(fresh->compact.data[fresh->compact.size - 1]))
        fresh->compact.size--;
    return (!fresh->pretty.failed && !fresh->compact.failed) || err_memory(err);
}

// The item, its name first when it is a member, on lines of its own or on one.
static void add_item(const struct page *page, const struct json_step *step,
                     const struct fresh *fresh, const struct view *indent)
{
    if (!step->value) {
        json_add_string(page->buf, view_of(step->name));
        buf_add(page->buf, VIEW(": "));
    }
    if (indent)
        add_lines(page, buf_view(&fresh->pretty), *indent);
    else
        buf_add(page->buf, buf_view(&fresh->compact));
}

static void insert_into_empty(const struct page *page, const struct json_shelf *shelf,
                              const struct json_step *step, const struct fresh *fresh)
{
    struct buf indent AUTO(buf_done);
    struct view outer = indent_of(page->text, shelf->open);
    size_t end = shelf->close; // of the comments inside
    while (is_blank(page->text.data[end - 1]) || is_line_end(page->text.data[end - 1]))
        end--;
    buf_init(&indent, outer.size + page->unit.size);
    buf_add(&indent, outer);
    buf_add(&indent, page->unit);
    struct view inner = buf_view(&indent);
    add_part(page, 0, end);
    add_line(page, inner, 0);
    add_item(page, step, fresh, &inner);
    struct view rest = part(page->text, end, shelf->close);
    if (text_has_line_end(&rest, 1))
        add_part(page, end, shelf->close);
    else
        add_line(page, outer, 0);
    add_part(page, shelf->close, page->text.size);
    page->buf->failed = page->buf->failed || indent.failed;
}

static void insert_after_last(const struct page *page, const struct json_shelf *shelf,
                              const struct json_step *step, const struct fresh *fresh)
{
    const struct json_item *last = &shelf->last;
    bool lines = begins_line(page->text, last->start);
    struct view indent = indent_of(page->text, last->start);
    size_t at = last->comma ? last->comma + 1 : last->end;
    if (lines)
        at = json_scan_line_end(page->text, at);
    add_part(page, 0, last->end);
    if (!last->comma)
        buf_add_char(page->buf, ',');
    add_part(page, last->end, at);
    if (lines)
        add_line(page, indent, 0);
    else
        buf_add_char(page->buf, ' ');
    add_item(page, step, fresh, lines ? &indent : NULL);
    if (last->comma)
        buf_add_char(page->buf, ',');
    add_part(page, at, page->text.size);
}

static void replace_found(const struct page *page, const struct json_shelf *shelf,
                          const struct fresh *fresh)
{
    const struct json_item *found = &shelf->found;
    add_part(page, 0, found->value);
    if (begins_line(page->text, found->start))
        add_lines(page, buf_view(&fresh->pretty), indent_of(page->text, found->start));
    else
        buf_add(page->buf, buf_view(&fresh->compact));
    add_part(page, found->end, page->text.size);
}

// A document where there was none.
static void start_document(const struct page *page, const struct fresh *fresh)
{
    size_t size = page->text.size;
    bool mark_only = view_is(page->text, "\xef\xbb\xbf");
    add_part(page, 0, size);
    if (size > 0 && !mark_only && !is_line_end(page->text.data[size - 1]))
        buf_add(page->buf, page->newline);
    add_lines(page, buf_view(&fresh->pretty), VIEW(""));
    buf_add(page->buf, page->newline);
}

// Where the removed item and the blanks before it begin. The line end before it goes, too, unless
// that would pull what follows into a comment.
static size_t removal_start(struct view text, const struct json_shelf *shelf)
{
    const struct json_item *found = &shelf->found, *before = &shelf->before;
    size_t floor = !before->end ? shelf->open + 1 : before->comma + 1;
    size_t start = found->start;
    while (start > floor && is_blank(text.data[start - 1]))
        start--;
    if (start == floor || !is_line_end(text.data[start - 1]))
        return start;
    size_t earlier = start - 1;
    if (earlier > floor && text.data[earlier] == '\n' && text.data[earlier - 1] == '\r')
        earlier--;
    bool safe = is_line_end(text.data[found->end]) ||
                (text.data[found->end] == ',' && is_line_end(text.data[found->end + 1]));
    return safe || !json_scan_in_comment(text, floor, earlier) ? earlier : start;
}

static bool is_empty(struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_blank(text.data[i]) && !is_line_end(text.data[i]) && text.data[i] != ',')
            return false;
    return true;
}

static void remove_found(const struct page *page, const struct json_shelf *shelf)
{
    const struct json_item *found = &shelf->found, *before = &shelf->before;
    size_t start = removal_start(page->text, shelf);
    if (shelf->count == 1 && is_empty(part(page->text, shelf->open + 1, found->start)) &&
        is_empty(part(page->text, found->end, shelf->close))) {
        add_part(page, 0, shelf->open + 1);
        add_part(page, shelf->close, page->text.size);
        return;
    }
    // One comma goes with it: the one after it, or else the one before.
    size_t first_comma = !found->comma && before->end ? before->comma : start;
    add_part(page, 0, first_comma);
    add_part(page, first_comma + (first_comma < start), start);
    add_part(page, found->end, found->comma ? found->comma : found->end);
    add_part(page, found->comma ? found->comma + 1 : found->end, page->text.size);
}

bool json_edit_find(struct view text, const struct json_path *path, struct view *ret_value,
                    struct err *err)
{
    struct json_places places;
    if (!json_scan(text, path, &places, err))
        return false;
    const struct json_shelf *shelf = &places.shelves[path->count - 1];
    bool found = places.reached == path->count && shelf->matches == 1;
    *ret_value = found ? part(text, shelf->found.value, shelf->found.end) : (struct view){NULL, 0};
    return true;
}

bool json_edit_set(struct view text, const struct json_path *path, struct view value,
                   struct buf *buf, struct err *err)
{
    struct fresh fresh AUTO(fresh_done) = {0};
    struct json_places places;
    if (!json_scan(text, path, &places, err) ||
        !fresh_make(&fresh, path, places.reached, value, err))
        return false;
    const struct page page = page_of(text, &places, buf);
    const size_t level = places.blank ? 0 : places.reached - 1;
    const struct json_shelf *shelf = &places.shelves[level];
    if (places.blank)
        start_document(&page, &fresh);
    else if (shelf->matches == 1)
        replace_found(&page, shelf, &fresh);
    else if (shelf->count == 0)
        insert_into_empty(&page, shelf, &path->steps[level], &fresh);
    else
        insert_after_last(&page, shelf, &path->steps[level], &fresh);
    return !buf->failed || err_memory(err);
}

bool json_edit_remove(struct view text, const struct json_path *path, struct buf *buf,
                      struct err *err)
{
    struct json_places places;
    if (!json_scan(text, path, &places, err))
        return false;
    const struct page page = page_of(text, &places, buf);
    const struct json_shelf *shelf = &places.shelves[path->count - 1];
    if (places.reached == path->count && shelf->matches == 1)
        remove_found(&page, shelf);
    else
        add_part(&page, 0, text.size);
    return !buf->failed || err_memory(err);
}
