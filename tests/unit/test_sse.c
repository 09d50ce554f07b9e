// test_sse.c: server-sent events. Every sample is read whole, cut into two pieces at every place,
// and byte by byte: the result is the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/sse.h"

enum { MAXIMUM = 40 };

// Reads a piece and writes what came: [id|name|data] for an event, `!` when it is too large. The
// piece is a block of its own and gone afterwards.
static bool feed(struct sse_reader *reader, struct view piece, struct buf *seen)
{
    enum sse_step step = SSE_EVENT;
    char *copy = malloc(piece.size + 1);
    assert_non_null(copy);
    if (piece.size > 0)
        memcpy(copy + 1, piece.data, piece.size);
    struct view rest = {copy + 1, piece.size};
    while (step == SSE_EVENT) {
        struct sse_event event;
        size_t used = 0;
        step = sse_read(reader, rest, &used, &event);
        assert_int_not_equal(step, SSE_NO_MEMORY);
        assert_true(used <= rest.size);
        rest = view_skip(rest, used);
        if (step == SSE_EVENT)
            buf_add_format(seen, "[%.*s|%.*s|%.*s]", VIEW_ARG(sse_last_id(reader)),
                           VIEW_ARG(event.name), VIEW_ARG(event.data));
    }
    assert_true(step != SSE_MORE || rest.size == 0);
    free(copy);
    if (step == SSE_TOO_LARGE)
        buf_add_char(seen, '!');
    return step == SSE_MORE;
}

static void read_cut(struct view text, size_t first, size_t step, struct buf *seen)
{
    struct sse_reader reader;
    sse_reader_init(&reader, MAXIMUM);
    bool more = feed(&reader, (struct view){text.data, first}, seen);
    for (size_t at = first; more && at < text.size; at += step) {
        size_t size = text.size - at < step ? text.size - at : step;
        more = feed(&reader, (struct view){text.data + at, size}, seen);
    }
    sse_reader_done(&reader);
}

static void expect_view(struct view text, const char *wanted)
{
    for (size_t cut = 0; cut <= text.size; cut++) {
        struct buf seen;
        buf_init(&seen, 1 << 20);
        read_cut(text, cut, text.size, &seen);
        if (!view_is(buf_view(&seen), wanted))
            fail_msg("cut at %zu: %.*s, not %s", cut, VIEW_ARG(seen), wanted);
        buf_clear(&seen);
        read_cut(text, cut, 1, &seen);
        if (!view_is(buf_view(&seen), wanted))
            fail_msg("bytes from %zu: %.*s, not %s", cut, VIEW_ARG(seen), wanted);
        buf_done(&seen);
    }
}

static void expect(const char *text, const char *wanted)
{
    expect_view(view_of(text), wanted);
}

static void reads_events(void **state)
{
    (void)state;
    expect("", "");
    expect("data: a\n\n", "[||a]");
    expect("data:a\n\ndata:  b\n\n", "[||a][|| b]");
    expect("event: message\nid: 7\ndata: {}\n\n", "[7|message|{}]");
    expect("data: a\nevent: x\nevent: y\ndata: b\nid: 1\n\ndata: c\n\n", "[1|y|a\nb][1||c]");
    expect("data: YHOO\ndata: +2\ndata: 10\n\n", "[||YHOO\n+2\n10]");
    expect("event: x\n\ndata: a\n\n", "[||a]");
    expect("event: x\nevent:\ndata: a\n\n", "[||a]");
    expect("data: a\n", "");
    expect("data: a", "");
    expect("data: a\n\ndata: b\n", "[||a]");
    expect("Data: a\ndatax: b\n data: c\ndata : d\nfoo\n\n", "");
    expect("\n\n\ndata: a\n\n\n\ndata: b\n\n", "[||a][||b]");
}

static void reads_any_line_end(void **state)
{
    (void)state;
    expect("data: a\r\rdata: b\r\r", "[||a][||b]");
    expect("data: a\r\n\r\ndata: b\r\n\r\n", "[||a][||b]");
    expect("data: a\rdata: b\ndata: c\r\n\n", "[||a\nb\nc]");
    expect("data: a\n\rdata: b\r\n\r", "[||a][||b]");
    expect("data: a\r\n\ndata: b\n\r\n", "[||a][||b]");
    expect("\r\ndata: a\r\n\r\n\r\n", "[||a]");
}

static void gives_an_event_at_its_last_byte(void **state)
{
    (void)state;
    static const char *const texts[] = {"data: a\n\n", "data: a\r\r", "data: a\r\n\r"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf seen;
        buf_init(&seen, 100);
        read_cut(view_of(texts[i]), strlen(texts[i]), 1, &seen);
        assert_true(view_is(buf_view(&seen), "[||a]"));
        buf_done(&seen);
    }
}

static void skips_marks_and_comments(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "data: a\n\n",
           "[||a]");
    expect("\xef\xbb\xbf\n"
           "data: a\n\n",
           "[||a]");
    expect("\xef\xbb\xbf\xef\xbb\xbf"
           "data: a\n\n",
           "");
    expect("\n\xef\xbb\xbf"
           "data: a\n\n",
           "");
    expect("\xef\xbb"
           "data: a\n\n",
           "");
    expect(": keep-alive\n\ndata: a\n:\ndata: b\n\n:\n\n", "[||a\nb]");
}

static void reads_empty_data(void **state)
{
    (void)state;
    expect("id: 1\ndata: \n\n", "[1||]");
    expect("id: 1\ndata:\n\n", "[1||]");
    expect("id: 1\ndata\n\n", "[1||]");
    expect("data\ndata\n\n", "[||\n]");
    expect("data:\n\ndata: b\n\n", "[||][||b]");
}

static void keeps_ids(void **state)
{
    (void)state;
    expect("id: 1\n\ndata: a\n\n", "[1||a]");
    expect("id: 1\ndata: a\n\nid\ndata: b\n\n", "[1||a][||b]");
    expect_view(VIEW("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"), "[1||a][1||b]");
}

// The size of the id that is kept when one of `size` bytes came behind the id "1".
static size_t kept_id(size_t size)
{
    struct sse_reader reader;
    struct buf text, seen;
    buf_init(&text, 10000);
    buf_init(&seen, 10000);
    sse_reader_init(&reader, 1000);
    buf_add(&text, VIEW("id: 1\n\nid: "));
    for (size_t i = 0; i < size; i++)
        buf_add_char(&text, 'x');
    // The end of the last one never comes.
    buf_add(&text, VIEW("\n\nid: cut off\ndata: {}\n"));
    assert_true(feed(&reader, buf_view(&text), &seen));
    sse_reader_done(&reader);
    buf_done(&text);
    buf_done(&seen);
    return sse_last_id(&reader).size;
}

static void bounds_ids(void **state)
{
    (void)state;
    assert_int_equal(kept_id(0), 0);
    assert_int_equal(kept_id(SSE_ID), SSE_ID);
    assert_int_equal(kept_id(SSE_ID + 1), 1);
}

static long long retry_of(const char *text)
{
    struct sse_reader reader;
    struct buf seen;
    buf_init(&seen, 1000);
    sse_reader_init(&reader, MAXIMUM);
    assert_true(feed(&reader, view_of(text), &seen));
    sse_reader_done(&reader);
    buf_done(&seen);
    return reader.retry;
}

static void reads_retry(void **state)
{
    (void)state;
    assert_int_equal(retry_of("data: a\n\n"), -1);
    assert_int_equal(retry_of("retry: 3000\n"), 3000);
    assert_int_equal(retry_of("retry: 3000\nretry: -1\nretry: +1\nretry: 1 \nretry:\nretry: 1s\n"),
                     3000);
    assert_int_equal(retry_of("retry: 999999999999999\n"), 999999999999999);
    assert_int_equal(retry_of("retry: 9999999999999999999999\n"), -1);
}

// What a stream that broke off has left is no part of the one that takes it up.
static void resumes(void **state)
{
    static const char *const rests[] = {"data: b", "id: 2\n", "event: x\ndata: b\n", "data: b\r"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        struct sse_reader reader;
        struct sse_event event;
        size_t used;
        sse_reader_init(&reader, 100);
        assert_int_equal(sse_read(&reader, VIEW("id: 1\ndata: a\n\n"), &used, &event), SSE_EVENT);
        assert_int_equal(sse_read(&reader, view_of(rests[i]), &used, &event), SSE_MORE);
        sse_reader_resume(&reader);
        assert_int_equal(sse_read(&reader, VIEW("\n\ndata: c\n\n"), &used, &event), SSE_EVENT);
        assert_true(view_is(event.data, "c") && !event.name.data);
        assert_true(view_is(sse_last_id(&reader), "1"));
        sse_reader_done(&reader);
    }
}

static void has_a_limit(void **state)
{
    (void)state;
    expect("data: 7890123456789012345678901234567890\n\n",
           "[||7890123456789012345678901234567890]");
    expect("data: 78901234567890123456789012345678901\n\n", "!");
    expect("data: a\n\n:3456789012345678901234567890123456789012345\n\n", "[||a]!");
    expect("data: a\n\ndata: 789012345678901234567890123456789012345", "[||a]!");
    expect("data: 12345678901234567890\ndata: 1234567890123456789\n\n",
           "[||12345678901234567890\n1234567890123456789]");
    expect("data: 12345678901234567890\ndata: 12345678901234567890\n\n", "!");
}

static void reads_nothing_of_a_line_that_is_too_long(void **state)
{
    (void)state;
    struct sse_reader reader;
    struct buf seen;
    buf_init(&seen, 1000);
    sse_reader_init(&reader, MAXIMUM);
    assert_true(feed(&reader, VIEW("retry: 3"), &seen));
    assert_false(feed(&reader, VIEW("000000000000000000000000000000000000000000\n"), &seen));
    assert_int_equal(reader.retry, -1);
    sse_reader_done(&reader);
    buf_done(&seen);
}

static void copies_nothing_that_lies_complete(void **state)
{
    (void)state;
    struct sse_reader reader;
    struct sse_event event;
    size_t used = 0;
    sse_reader_init(&reader, 1000);
    struct view text = VIEW(":\n\nevent: e\ndata: abc\n\n");
    assert_int_equal(sse_read(&reader, text, &used, &event), SSE_EVENT);
    assert_int_equal(used, text.size);
    assert_ptr_equal(event.data.data, text.data + text.size - 5);
    assert_true(view_is(event.name, "e"));
    assert_int_equal(reader.line.capacity + reader.data.capacity + reader.name.capacity, 0);
    sse_reader_done(&reader);
}

static void gives_large_memory_back(void **state)
{
    (void)state;
    enum { LARGE = 1 << 20 };
    struct sse_reader reader;
    struct buf seen;
    char *text = malloc(LARGE);
    assert_non_null(text);
    memset(text, 'x', LARGE);
    buf_init(&seen, 4 * LARGE);
    sse_reader_init(&reader, 2 * LARGE);
    assert_true(feed(&reader, VIEW("data: "), &seen));
    assert_true(feed(&reader, (struct view){text, LARGE}, &seen));
    assert_true(feed(&reader, VIEW("\n\n"), &seen));
    assert_int_equal(seen.size, LARGE + 4);
    assert_true(feed(&reader, VIEW(":"), &seen));
    assert_in_range(reader.line.capacity, 1, 1 << 16);
    sse_reader_done(&reader);
    buf_done(&seen);
    free(text);
}

static void written(struct view id, struct view data, const char *wanted)
{
    struct buf buf;
    buf_init(&buf, 1000);
    sse_add_event(&buf, id, data);
    assert_false(buf.failed);
    if (!view_is(buf_view(&buf), wanted))
        fail_msg("%.*s, not %s", VIEW_ARG(buf), wanted);
    buf_done(&buf);
}

static void writes(void **state)
{
    (void)state;
    const struct view none = {NULL, 0};
    written(none, VIEW("{}"), "data: {}\n\n");
    written(VIEW("7"), VIEW("{}"), "id: 7\ndata: {}\n\n");
    written(VIEW("7"), none, "id: 7\ndata: \n\n");
    written(VIEW(""), VIEW(""), "id: \ndata: \n\n");
    written(none, VIEW(" a\n\nb\r\nc\rd\n"), "data:  a  b  c d \n\n");
    written(none, VIEW("\r\n"), "data:   \n\n");
    const struct view bad[] = {VIEW("1\n"), VIEW("\r"), VIEW("a\0")};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buf buf;
        buf_init(&buf, 1000);
        sse_add_event(&buf, bad[i], VIEW("{}"));
        assert_true(buf.failed);
        buf_done(&buf);
    }
    struct buf buf;
    buf_init(&buf, 10);
    sse_add_comment(&buf);
    assert_true(view_is(buf_view(&buf), ":\n\n"));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_events),
        cmocka_unit_test(reads_any_line_end),
        cmocka_unit_test(gives_an_event_at_its_last_byte),
        cmocka_unit_test(skips_marks_and_comments),
        cmocka_unit_test(reads_empty_data),
        cmocka_unit_test(keeps_ids),
        cmocka_unit_test(bounds_ids),
        cmocka_unit_test(reads_retry),
        cmocka_unit_test(resumes),
        cmocka_unit_test(has_a_limit),
        cmocka_unit_test(reads_nothing_of_a_line_that_is_too_long),
        cmocka_unit_test(copies_nothing_that_lies_complete),
        cmocka_unit_test(gives_large_memory_back),
        cmocka_unit_test(writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
