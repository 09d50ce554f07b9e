// fuzz_render.c: any result in any format: JSON and CSV can be read again, tables and CSV hold no
// character that steers a terminal. The input is a program of events: the first two bytes choose
// the format and the style, then each byte an event, texts after their length.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_out.h"
#include "base/text.h"
#include "doors/render.h"

enum { MEMORY = 64 << 20, DEEPEST = JSON_OUT_DEPTH + 4 };

struct program {
    struct view rest;
    char open[DEEPEST];
    unsigned depth, deepest;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static unsigned char next_byte(struct program *program)
{
    if (program->rest.size == 0)
        return 0;
    unsigned char byte = (unsigned char)program->rest.data[0];
    program->rest = view_skip(program->rest, 1);
    return byte;
}

static struct view next_text(struct program *program)
{
    size_t size = next_byte(program);
    if (size > program->rest.size)
        size = program->rest.size;
    struct view text = {program->rest.data, size};
    program->rest = view_skip(program->rest, size);
    return text;
}

static void run_scalar(struct program *program, struct out *out, unsigned char event)
{
    static const char *const numbers[] = {"0", "-1.5e10", "1E400",
                                          "123456789012345678901234567890"};
    struct out_scalar scalar = {.type = (enum out_type)(event % 5)};
    if (scalar.type == OUT_TEXT)
        scalar.text = next_text(program);
    else if (scalar.type == OUT_NUMBER)
        scalar.text = view_of(numbers[next_byte(program) % COUNT_OF(numbers)]);
    else if (scalar.type == OUT_INT)
        scalar.integer = (int64_t)(next_byte(program) * UINT64_C(0x0101010101010101));
    else
        scalar.boolean = event & 8;
    out_scalar(out, scalar);
}

static void run_event(struct program *program, struct out *out)
{
    unsigned char event = next_byte(program);
    if (event % 4 == 0 && program->depth > 0) {
        out_end(out, program->open[--program->depth] == '{' ? '}' : ']');
        return;
    }
    if (program->depth > 0 && program->open[program->depth - 1] == '{')
        out_key_view(out, next_text(program));
    if (event % 4 == 1 || program->depth + 1 == DEEPEST) {
        run_scalar(program, out, event / 4);
        return;
    }
    char bracket = event % 4 == 2 ? '{' : '[';
    program->open[program->depth++] = bracket;
    if (program->depth > program->deepest)
        program->deepest = program->depth;
    out_begin(out, bracket);
}

static void run(struct program *program, struct out *out)
{
    do
        run_event(program, out);
    while (program->depth > 0 && program->rest.size > 0);
    while (program->depth > 0)
        out_end(out, program->open[--program->depth] == '{' ? '}' : ']');
    out_finish(out);
}

static void check_json(struct view text)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    must(json_parse_own(text, &arena, &value, &err));
    arena_done(&arena);
}

static void check_lines(struct view text)
{
    while (text.size > 0) {
        const char *end = (const char *)memchr(text.data, '\n', text.size);
        must(end && end > text.data);
        check_json((struct view){text.data, (size_t)(end - text.data)});
        text = view_skip(text, (size_t)(end - text.data) + 1);
    }
}

// Takes one field of a CSV text; returns the comma or line end behind it.
static char take_field(struct view *text)
{
    bool quoted = text->data[0] == '"';
    size_t at = quoted;
    for (; quoted; at++) {
        must(at < text->size);
        if (text->data[at] != '"')
            continue;
        at++;
        if (at == text->size || text->data[at] != '"')
            break;
    }
    for (; !quoted && at < text->size && !strchr(",\n", text->data[at]); at++)
        must(text->data[at] != '"');
    must(at < text->size && (text->data[at] == ',' || text->data[at] == '\n'));
    char end = text->data[at];
    *text = view_skip(*text, at + 1);
    return end;
}

static void check_csv(struct view text)
{
    size_t fields = 0, fields_first = 0;
    while (text.size > 0) {
        fields++;
        if (take_field(&text) != '\n')
            continue;
        must(fields_first == 0 || fields == fields_first);
        fields_first = fields;
        fields = 0;
    }
    must(fields == 0);
}

static void check_harmless(struct view text, struct view also, bool bold)
{
    while (text.size > 0) {
        size_t length = utf8_length(text);
        must(length > 0);
        if (bold && view_starts(text, VIEW("\033[1m")))
            length = 4;
        else if (bold && view_starts(text, VIEW("\033[0m\n")))
            length = 4;
        else if (!memchr(also.data, text.data[0], also.size))
            must(text_is_printable((struct view){text.data, length}));
        text = view_skip(text, length);
    }
}

static void check(enum render_format format, struct view text, bool bold)
{
    if (format == RENDER_JSON)
        check_json(text);
    else if (format == RENDER_JSONL)
        check_lines(text);
    else if (format == RENDER_CSV)
        check_csv(text);
    if (format == RENDER_CSV)
        check_harmless(text, VIEW("\n\t"), false);
    else
        check_harmless(text, VIEW("\n"), bold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {.rest = view_bytes(data, size)};
    unsigned char choice = next_byte(&program);
    enum render_format format = (enum render_format)(choice % 5);
    struct render_style style = {.columns = next_byte(&program), .bold = choice & 128};
    struct buf buf;
    buf_init(&buf, MEMORY);
    struct render *render = render_new(format, &buf, &style);
    must(render != NULL);
    run(&program, render_out(render));
    // Only what is nested too deeply cannot be shown.
    must(!buf.failed || program.deepest > JSON_OUT_DEPTH);
    if (!buf.failed)
        check(format, buf_view(&buf), format == RENDER_TABLE && style.bold);
    render_free(render);
    buf_done(&buf);
    return 0;
}
