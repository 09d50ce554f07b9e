// fuzz_sse.c: a stream of events is read the same whatever it is cut into, and as the algorithm of
// the HTML standard, done here in the plainest way, reads it; an event written is read back.
#include "fuzz.h"

#include <stdlib.h>

#include "wire/sse.h"

enum { MEMORY = 64 << 20, MAXIMUM = 1 << 20, ALL_CUTS = 40, SOME_CUTS = 8 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void note(struct buf *seen, struct view part)
{
    buf_add_format(seen, "%zu:", part.size);
    buf_add(seen, part);
}

static void note_event(struct buf *seen, struct view id, struct view name, struct view data)
{
    note(seen, id);
    note(seen, name);
    note(seen, data);
}

static enum sse_step feed(struct sse_reader *reader, struct view piece, struct buf *seen)
{
    enum sse_step step = SSE_EVENT;
    while (step == SSE_EVENT) {
        struct sse_event event;
        size_t used = 0;
        step = sse_read(reader, piece, &used, &event);
        must(used <= piece.size && step != SSE_NO_MEMORY);
        piece = view_skip(piece, used);
        if (step == SSE_EVENT)
            note_event(seen, sse_last_id(reader), event.name, event.data);
    }
    must(step != SSE_MORE || piece.size == 0);
    return step;
}

// Reads the first bytes as one piece, the rest in pieces of `step` bytes.
static void read_cut(struct view text, size_t first, size_t step, size_t maximum, struct buf *seen)
{
    struct sse_reader reader;
    sse_reader_init(&reader, maximum);
    enum sse_step last = feed(&reader, (struct view){text.data, first}, seen);
    for (size_t at = first; last == SSE_MORE && at < text.size; at += step) {
        size_t size = text.size - at < step ? text.size - at : step;
        last = feed(&reader, (struct view){text.data + at, size}, seen);
    }
    buf_add_format(seen, "%d, %lld", last, reader.retry);
    sse_reader_done(&reader);
}

static void same_for_any_cut(struct view text, size_t maximum, struct buf *whole)
{
    struct buf seen;
    buf_init(&seen, MEMORY);
    read_cut(text, text.size, 1, maximum, whole);
    size_t more = text.size <= ALL_CUTS ? 1 : 1 + text.size / SOME_CUTS;
    for (size_t cut = 0; cut <= text.size; cut += more) {
        read_cut(text, cut, cut % 3 ? text.size : 1 + cut % 7, maximum, &seen);
        must(view_equal(buf_view(&seen), buf_view(whole)));
        buf_clear(&seen);
    }
    buf_done(&seen);
}

// The standard's variables.
struct plain {
    struct buf data, type;
    struct view id, last_id; // slices of the text
    bool has_data;           // ours: data that is empty is an event
    long long retry;
};

static void plain_field(struct plain *plain, struct view field, struct view value)
{
    size_t digits = 0;
    while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9')
        digits++;
    if (view_is(field, "event")) {
        plain->type.size = 0;
        buf_add(&plain->type, value);
    }
    if (view_is(field, "data")) {
        buf_add(&plain->data, value);
        buf_add_char(&plain->data, '\n');
        plain->has_data = true;
    }
    if (view_is(field, "id") && !memchr(value.data, '\0', value.size) && value.size <= SSE_ID)
        plain->id = value;
    if (view_is(field, "retry") && digits == value.size && digits > 0 && digits <= 15) {
        plain->retry = 0;
        for (size_t i = 0; i < digits; i++)
            plain->retry = plain->retry * 10 + (value.data[i] - '0');
    }
}

static void plain_line(struct plain *plain, struct view line, struct buf *seen)
{
    if (line.size == 0) {
        plain->last_id = plain->id;
        if (plain->has_data)
            note_event(seen, plain->last_id, buf_view(&plain->type),
                       (struct view){plain->data.data, plain->data.size - 1});
        plain->has_data = false;
        plain->data.size = plain->type.size = 0;
        return;
    }
    size_t colon = 0;
    while (colon < line.size && line.data[colon] != ':')
        colon++;
    struct view value = view_skip(line, colon < line.size ? colon + 1 : colon);
    if (value.size > 0 && *value.data == ' ')
        value = view_skip(value, 1);
    plain_field(plain, (struct view){line.data, colon}, value);
}

static void read_plainly(struct view text, struct buf *seen)
{
    struct plain plain = {.retry = -1};
    size_t start = 0;
    buf_init(&plain.data, MEMORY);
    buf_init(&plain.type, MEMORY);
    if (view_starts(text, VIEW("\xef\xbb\xbf")))
        text = view_skip(text, 3);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '\n' && text.data[i] != '\r')
            continue;
        if (text.data[i] == '\r' || i == 0 || text.data[i - 1] != '\r')
            plain_line(&plain, (struct view){text.data + start, i - start}, seen);
        start = i + 1;
    }
    buf_add_format(seen, "%d, %lld", SSE_MORE, plain.retry);
    buf_done(&plain.data);
    buf_done(&plain.type);
}

// The text as the data of an event, written and read back: its line ends become spaces.
static void write_and_read(struct view text)
{
    struct buf stream, data, wanted, seen;
    struct sse_reader reader;
    buf_init(&stream, MEMORY);
    buf_init(&data, MEMORY);
    buf_init(&wanted, MEMORY);
    buf_init(&seen, MEMORY);
    for (size_t i = 0; i < text.size; i++)
        buf_add_char(&data, text.data[i] == '\r' || text.data[i] == '\n' ? ' ' : text.data[i]);
    sse_add_comment(&stream);
    sse_add_event(&stream, VIEW("7"), text);
    must(!stream.failed);
    sse_reader_init(&reader, MAXIMUM);
    must(feed(&reader, buf_view(&stream), &seen) == SSE_MORE);
    sse_reader_done(&reader);
    note_event(&wanted, VIEW("7"), VIEW(""), buf_view(&data));
    must(view_equal(buf_view(&wanted), buf_view(&seen)));
    buf_done(&stream);
    buf_done(&data);
    buf_done(&wanted);
    buf_done(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = view_bytes(data, size);
    struct buf whole, plain;
    buf_init(&whole, MEMORY);
    buf_init(&plain, MEMORY);
    same_for_any_cut(text, MAXIMUM, &whole);
    read_plainly(text, &plain);
    must(view_equal(buf_view(&whole), buf_view(&plain)));
    buf_clear(&whole);
    same_for_any_cut(text, 1 + size % 40, &whole);
    write_and_read(text);
    buf_done(&whole);
    buf_done(&plain);
    return 0;
}
