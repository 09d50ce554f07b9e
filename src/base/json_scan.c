// json_scan.c: see json_scan.h. Descends recursively, bounded by its depth.
#include "base/json_scan.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

struct scan {
    struct view text;
    size_t at;
    unsigned depth;
    struct err *err;
};

static bool scan_value(struct scan *scan);

static bool fail(const struct scan *scan, const char *reason)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < scan->at; i++) {
        bool continuation = ((unsigned char)scan->text.data[i] & 0xc0) == 0x80;
        column = scan->text.data[i] == '\n' ? 1 : column + !continuation;
        line += scan->text.data[i] == '\n';
    }
    return err_set(scan->err, ERR_USAGE, "invalid_json", "Invalid JSON at line %zu column %zu: %s",
                   line, column, reason);
}

static bool starts_here(struct view text, size_t at, struct view what)
{
    return view_starts(view_skip(text, at), what);
}

static bool next_is(const struct scan *scan, char wanted)
{
    return scan->at < scan->text.size && scan->text.data[scan->at] == wanted;
}

static bool next_is_digit(const struct scan *scan)
{
    return scan->at < scan->text.size && scan->text.data[scan->at] >= '0' &&
           scan->text.data[scan->at] <= '9';
}

static bool is_line_end(char byte)
{
    return byte == '\n' || byte == '\r';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || is_line_end(byte);
}

// The offset after the comment that begins at `at`: before the line end, or after `*/`. 0 when it
// has no end.
static size_t comment_end(struct view text, size_t at)
{
    bool line = text.data[at + 1] == '/';
    for (size_t i = at + 2; i < text.size; i++) {
        if (line && is_line_end(text.data[i]))
            return i;
        if (!line && starts_here(text, i, VIEW("*/")))
            return i + 2;
    }
    return line ? text.size : 0;
}

static bool comment_starts(struct view text, size_t at)
{
    return starts_here(text, at, VIEW("//")) || starts_here(text, at, VIEW("/*"));
}

// Moves over blanks and comments.
static bool skip_gap(struct scan *scan)
{
    while (scan->at < scan->text.size) {
        if (is_blank(scan->text.data[scan->at])) {
            scan->at++;
            continue;
        }
        if (!comment_starts(scan->text, scan->at))
            return true;
        size_t end = comment_end(scan->text, scan->at);
        if (end == 0)
            return fail(scan, "comment without its end");
        scan->at = end;
    }
    return true;
}

static bool scan_escape(struct scan *scan)
{
    struct view rest = view_skip(scan->text, scan->at);
    if (rest.size < 2 || !memchr("\"\\/bfnrtu", rest.data[1], 9))
        return fail(scan, "unknown escape");
    for (size_t i = 2; rest.data[1] == 'u' && i < 6; i++)
        if (rest.size <= i || !memchr("0123456789abcdefABCDEF", rest.data[i], 22))
            return fail(scan, "\\u needs four hexadecimal digits");
    scan->at += rest.data[1] == 'u' ? 6 : 2;
    return true;
}

static bool scan_text(struct scan *scan)
{
    size_t start = scan->at++;
    while (!next_is(scan, '"')) {
        if (scan->at == scan->text.size) {
            scan->at = start;
            return fail(scan, "text without its closing quote");
        }
        if ((unsigned char)scan->text.data[scan->at] < 0x20)
            return fail(scan, "control character in a text must be written as an escape");
        if (!next_is(scan, '\\'))
            scan->at++;
        else if (!scan_escape(scan))
            return false;
    }
    scan->at++;
    return true;
}

static bool scan_digits(struct scan *scan)
{
    if (!next_is_digit(scan))
        return fail(scan, "a digit is missing");
    while (next_is_digit(scan))
        scan->at++;
    return true;
}

static bool scan_number(struct scan *scan)
{
    scan->at += next_is(scan, '-');
    if (next_is(scan, '0'))
        scan->at++;
    else if (!scan_digits(scan))
        return false;
    if (next_is(scan, '.')) {
        scan->at++;
        if (!scan_digits(scan))
            return false;
    }
    if (!next_is(scan, 'e') && !next_is(scan, 'E'))
        return true;
    scan->at++;
    if (next_is(scan, '+') || next_is(scan, '-'))
        scan->at++;
    return scan_digits(scan);
}

// A member or element, and the comma after it.
static bool scan_item(struct scan *scan, bool member, struct json_item *ret_item)
{
    struct json_item item = {.start = scan->at};
    if (member) {
        if (!next_is(scan, '"'))
            return fail(scan, "a member's name or } expected");
        if (!scan_text(scan) || !skip_gap(scan))
            return false;
        if (!next_is(scan, ':'))
            return fail(scan, ": expected");
        scan->at++;
        if (!skip_gap(scan))
            return false;
    }
    item.value = scan->at;
    if (!scan_value(scan))
        return false;
    item.end = scan->at;
    if (!skip_gap(scan))
        return false;
    if (next_is(scan, ','))
        item.comma = scan->at++;
    *ret_item = item;
    return true;
}

// Whether the text (with its quotes) says `wanted`.
static bool says(struct view raw, const char *wanted)
{
    struct arena arena AUTO(arena_done);
    struct err ignored;
    const struct json_value *value;
    arena_init(&arena, 2 * raw.size + 4096);
    return json_parse(raw, &arena, &value, &ignored) && json_is(value, JSON_TEXT) &&
           view_is(json_text(value), wanted);
}

static struct view part(struct view text, size_t from, size_t to)
{
    return (struct view){text.data + from, to - from};
}

static bool is_named(struct view text, const struct json_item *item, const char *name)
{
    size_t end = item->start + 1;
    while (text.data[end] != '"')
        end += text.data[end] == '\\' ? 2 : 1;
    return says(part(text, item->start, end + 1), name);
}

static bool scan_items(struct scan *scan, const struct json_step *step, struct json_shelf *shelf);

// Whether the element is an object whose member says what the step wants.
static bool element_matches(const struct scan *scan, const struct json_item *item,
                            const struct json_step *step)
{
    struct err ignored;
    struct scan inner = {.text = scan->text, .at = item->value, .err = &ignored};
    const struct json_step member = {step->name, NULL};
    struct json_shelf shelf = {0};
    return next_is(&inner, '{') && scan_items(&inner, &member, &shelf) && shelf.matches == 1 &&
           says(part(scan->text, shelf.found.value, shelf.found.end), step->value);
}

static void note_item(struct json_shelf *shelf, const struct json_item *item, bool matches)
{
    if (matches) {
        shelf->before = shelf->last;
        shelf->found = *item;
        shelf->matches++;
    }
    if (shelf->count++ == 0)
        shelf->first = *item;
    shelf->last = *item;
}

// From the opening bracket over the closing one; `step` may be NULL.
static bool scan_items(struct scan *scan, const struct json_step *step, struct json_shelf *shelf)
{
    struct json_item item;
    bool object = next_is(scan, '{');
    if (++scan->depth > LIMIT_JSON_DEPTH)
        return fail(scan, "nested too deeply");
    shelf->open = scan->at++;
    while (true) {
        if (!skip_gap(scan))
            return false;
        if (next_is(scan, object ? '}' : ']'))
            break;
        if (shelf->count > 0 && !shelf->last.comma)
            return fail(scan, object ? ", or } expected" : ", or ] expected");
        if (!scan_item(scan, object, &item))
            return false;
        bool matches = step && (object ? is_named(scan->text, &item, step->name)
                                       : element_matches(scan, &item, step));
        note_item(shelf, &item, matches);
    }
    shelf->close = scan->at++;
    scan->depth--;
    return true;
}

static bool scan_value(struct scan *scan)
{
    static const struct view words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    struct json_shelf shelf = {0};
    if (next_is(scan, '{') || next_is(scan, '['))
        return scan_items(scan, NULL, &shelf);
    if (next_is(scan, '"'))
        return scan_text(scan);
    if (next_is(scan, '-') || next_is_digit(scan))
        return scan_number(scan);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (starts_here(scan->text, scan->at, words[i])) {
            scan->at += words[i].size;
            return true;
        }
    }
    return fail(scan, "a value expected");
}

static bool check_bytes(struct scan *scan)
{
    if (scan->text.size > LIMIT_INPUT_FILE)
        return err_set(scan->err, ERR_USAGE, "file_too_large", "The text holds more than %u bytes",
                       LIMIT_INPUT_FILE);
    while (scan->at < scan->text.size) {
        size_t length = utf8_length(view_skip(scan->text, scan->at));
        if (length == 0)
            return fail(scan, "not valid UTF-8");
        scan->at += length;
    }
    scan->at = 0;
    return true;
}

// Enters the value that the scan stands at, which must be what the step goes into.
static bool enter(struct scan *scan, const struct json_path *path, size_t level,
                  struct json_shelf *shelf)
{
    const struct json_step *step = &path->steps[level];
    if (!next_is(scan, step->value ? '[' : '{') && level == 0)
        return fail(scan, "the outermost value must be an object");
    if (!next_is(scan, step->value ? '[' : '{'))
        return err_set(scan->err, ERR_USAGE, "unexpected_json", "\"%s\" must be an %s",
                       path->steps[level - 1].name, step->value ? "array" : "object");
    if (!scan_items(scan, step, shelf))
        return false;
    return shelf->matches <= 1 ||
           err_set(scan->err, ERR_USAGE, "duplicate_name", "\"%s\" stands there twice",
                   step->value ? step->value : step->name);
}

bool json_scan(struct view text, const struct json_path *path, struct json_places *ret_places,
               struct err *err)
{
    struct scan scan = {.text = text, .err = err};
    struct json_places places = {0};
    if (!check_bytes(&scan))
        return false;
    scan.at = starts_here(text, 0, VIEW("\xef\xbb\xbf")) ? 3 : 0;
    if (!skip_gap(&scan))
        return false;
    places.blank = scan.at == text.size;
    for (size_t i = 0; !places.blank && i < path->count; i++) {
        struct json_shelf *shelf = &places.shelves[i];
        if (!enter(&scan, path, i, shelf))
            return false;
        places.reached++;
        if (i == 0 && !skip_gap(&scan))
            return false;
        if (i == 0 && scan.at < text.size)
            return fail(&scan, "something stands after the value");
        if (shelf->matches == 0)
            break;
        scan.at = shelf->found.value;
    }
    *ret_places = places;
    return true;
}

size_t json_scan_line_end(struct view text, size_t at)
{
    size_t i = at;
    while (i < text.size && !is_line_end(text.data[i])) {
        size_t end = comment_starts(text, i) ? comment_end(text, i) : i + 1;
        if (!comment_starts(text, i) && !is_blank(text.data[i]))
            return at;
        if (end == 0 || memchr(text.data + i, '\n', end - i) ||
            memchr(text.data + i, '\r', end - i))
            return at;
        i = end;
    }
    return i;
}

bool json_scan_in_comment(struct view text, size_t from, size_t to)
{
    bool line = false;
    for (size_t i = from; i < to;) {
        line = starts_here(text, i, VIEW("//"));
        size_t end = comment_starts(text, i) ? comment_end(text, i) : i + 1;
        i = end > i ? end : to;
    }
    return line;
}
