// test_http1_chunks.c: chunked bodies, cut into two pieces at every place and into single bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/http1.h"

// Reads one piece. Adds the data to `body`, and how many bytes were used to `*used`.
static enum http_step feed(struct http_chunks *chunks, struct view piece, struct buf *body,
                           size_t *used)
{
    enum http_step step;
    size_t now = 0;
    do {
        struct view data;
        step = http_chunks_read(chunks, piece, &now, &data);
        assert_true(now <= piece.size);
        assert_true(step == HTTP_MORE || data.size == 0);
        buf_add(body, data);
        piece = view_skip(piece, now);
        *used += now;
    } while (step == HTTP_MORE && now > 0);
    assert_true(step != HTTP_MORE || piece.size == 0);
    return step;
}

static void expect(struct view text, enum http_step wanted, const char *wanted_body)
{
    for (size_t cut = 0; cut <= text.size; cut++) {
        struct http_chunks chunks = {0};
        struct buf body;
        size_t used = 0;
        buf_init(&body, 1 << 20);
        enum http_step step = feed(&chunks, (struct view){text.data, cut}, &body, &used);
        if (step == HTTP_MORE)
            step = feed(&chunks, view_skip(text, cut), &body, &used);
        if (step != wanted || !view_is(buf_view(&body), wanted_body))
            fail_msg("%d '%.*s' at %zu of '%.*s'", step, VIEW_ARG(body), cut, VIEW_ARG(text));
        if (step != HTTP_MORE)
            assert_int_equal(feed(&chunks, VIEW("0\r\n\r\n"), &body, &used), step);
        buf_done(&body);
    }
}

static void reads_bodies(void **state)
{
    (void)state;
    expect(VIEW("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), HTTP_DONE, "hello world");
    expect(VIEW("0\r\n\r\n"), HTTP_DONE, "");
    expect(VIEW("00a\r\n0123456789\r\n000\r\n\r\nPOST"), HTTP_DONE, "0123456789");
    expect(VIEW("2;a=b;c=\"d\t \xc3\xbc\"\r\n\r\n\r\n0;x\r\n\r\n"), HTTP_DONE, "\r\n");
    expect(VIEW("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n"), HTTP_DONE, "x");
    expect(VIEW("aB\r\nhello"), HTTP_MORE, "hello");
    expect(VIEW("1000000000000000\r\nhello"), HTTP_MORE, "hello");
}

static void refuses_bodies(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n",
        "+5\r\n",
        "-5\r\n",
        "0x5\r\n",
        " 5\r\n",
        "5 \r\n",
        "5 ;a\r\n",
        "\t5\r\n",
        "5\n",
        "5\rhello",
        ";a\r\n",
        "g\r\n",
        "5_0\r\n",
        "5,5\r\n",
        "5;a\n",
        "5;a\x01\r\n",
        "5;a\rb\r\n",
        "0\n\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\n a: b\r\n",
        "0\r\n: b\r\n",
        "0\r\na : b\r\n",
        "0\r\na\r\n",
        "0\r\na: b\n",
        "0\r\na: b\r\n c",
        "0\r\na: \x7f\r\n",
        "1000000000000001\r\n",
        "10000000000000000\r\n",
        "fffffffffffffffffffff\r\n",
        "00000000001000000000000001\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        expect(view_of(bad[i]), HTTP_BAD, "");
    expect(VIEW("5;\0\r\n"), HTTP_BAD, "");
    expect(VIEW("1\r\nxx\r\n"), HTTP_BAD, "x");
    expect(VIEW("1\r\nx\n"), HTTP_BAD, "x");
    expect(VIEW("1\r\nx0\r\n\r\n"), HTTP_BAD, "x");
    expect(VIEW("1\r\nx\r\n\r\n"), HTTP_BAD, "x");
}

// What is read of `first`, `count` bytes `fill`, and `last`.
static enum http_step read_filled(const char *first, size_t count, char fill, const char *last)
{
    struct http_chunks chunks = {0};
    struct buf text, body;
    size_t used = 0;
    buf_init(&text, 1 << 20);
    buf_init(&body, 1 << 20);
    buf_add(&text, view_of(first));
    for (size_t i = 0; i < count; i++)
        buf_add_char(&text, fill);
    buf_add(&text, view_of(last));
    enum http_step step = feed(&chunks, buf_view(&text), &body, &used);
    buf_done(&text);
    buf_done(&body);
    return step;
}

static void bounds_what_it_skips(void **state)
{
    (void)state;
    const size_t size = LIMIT_CHUNK_LINE;
    assert_int_equal(read_filled("0;", size - 4, 'a', "\r\n\r\n"), HTTP_DONE);
    assert_int_equal(read_filled("0;", size - 3, 'a', "\r\n\r\n"), HTTP_BAD);
    assert_int_equal(read_filled("", size - 3, '0', "\r\n\r\n"), HTTP_DONE);
    assert_int_equal(read_filled("", size, '0', "\r\n\r\n"), HTTP_BAD);
    assert_int_equal(read_filled("0\r\na:", size - 6, 'a', "\r\n\r\n"), HTTP_DONE);
    assert_int_equal(read_filled("0\r\na:", size - 5, 'a', "\r\n\r\n"), HTTP_BAD);
}

static void bounds_extensions_of_tiny_chunks(void **state)
{
    (void)state;
    struct http_chunks chunks = {0};
    struct buf chunk, body;
    size_t used = 0, tiny = 0;
    buf_init(&chunk, 1 << 20);
    buf_init(&body, 1 << 20);
    buf_add(&chunk, VIEW("1;"));
    for (int i = 0; i < 1000; i++)
        buf_add_char(&chunk, 'a');
    buf_add(&chunk, VIEW("\r\nx\r\n"));
    while (feed(&chunks, buf_view(&chunk), &body, &used) == HTTP_MORE)
        tiny++;
    assert_in_range(tiny, 15, 17);
    chunks = (struct http_chunks){0};
    for (int i = 0; i < 100000; i++)
        assert_int_equal(feed(&chunks, VIEW("1;abcdefghijkl\r\nx\r\n"), &body, &used), HTTP_MORE);
    // Nor are many large chunks ever too much.
    static const char data[LIMIT_CHUNK_EXCESS];
    chunks = (struct http_chunks){0};
    buf_clear(&chunk);
    http_add_chunk(&chunk, view_bytes(data, sizeof data));
    for (int i = 0; i < 4000; i++) {
        buf_clear(&body);
        assert_int_equal(feed(&chunks, buf_view(&chunk), &body, &used), HTTP_MORE);
    }
    buf_done(&chunk);
    buf_done(&body);
}

static void writes_chunks(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    http_add_chunk(&buf, VIEW("0123456789abcdefX"));
    http_add_chunk(&buf, VIEW(""));
    http_add_chunk_head(&buf, 0xfe0);
    http_add_chunk_head(&buf, 0);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, "11\r\n0123456789abcdefX\r\nfe0\r\n0\r\n\r\n");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bodies),         cmocka_unit_test(refuses_bodies),
        cmocka_unit_test(bounds_what_it_skips), cmocka_unit_test(bounds_extensions_of_tiny_chunks),
        cmocka_unit_test(writes_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
