// test_buf.c: bytes being made, up to a maximum, drained, wiped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

static void collects(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_null(buf.data);
    buf_add(&buf, (struct view){NULL, 0});
    assert_null(buf.data);
    buf_add(&buf, VIEW("ab\0c"));
    buf_add_char(&buf, 'd');
    buf_add_format(&buf, "%d-%s", 42, "x");
    buf_add_blanks(&buf, 2);
    assert_true(view_equal(buf_view(&buf), VIEW("ab\0cd42-x  ")));
    buf_clear(&buf);
    assert_int_equal(buf.size, 0);
    buf_add_blanks(&buf, 300);
    assert_int_equal(buf.size, 300);
    for (size_t i = 0; i < buf.size; i++)
        assert_int_equal(buf.data[i], ' ');
    assert_false(buf.failed);
    buf_done(&buf);
    assert_null(buf.data);
}

static void accepts_zero(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_done(&buf);
    buf_clear(&buf);
    assert_true(buf_flush(&buf));
    buf_add_char(&buf, 'x');
    assert_true(buf.failed);
    buf_done(&buf);
}

static void keeps_to_its_maximum(void **state)
{
    (void)state;
    for (int secret = 0; secret < 2; secret++) {
        for (size_t maximum = 0; maximum < 300; maximum++) {
            struct buf buf;
            buf_init(&buf, maximum);
            buf.secret = secret;
            for (size_t i = 0; i < maximum; i++)
                buf_add_char(&buf, 'x');
            assert_false(buf.failed);
            buf_add_char(&buf, 'x');
            assert_true(buf.failed);
            assert_int_equal(buf.size, maximum);
            buf_add(&buf, VIEW(""));
            buf_add(&buf, VIEW("y"));
            buf_add_format(&buf, "y");
            assert_int_equal(buf.size, maximum);
            assert_false(buf_flush(&buf));
            buf_clear(&buf);
            assert_false(buf.failed);
            buf_done(&buf);
        }
    }
}

static void refuses_whole_additions(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_add(&buf, VIEW("1234567"));
    buf_add(&buf, VIEW("89ab"));
    assert_true(buf.failed);
    buf_add(&buf, VIEW("8")); // once failed, always failed
    assert_true(view_is(buf_view(&buf), "1234567"));
    buf_done(&buf);
}

static void grows_large(void **state)
{
    (void)state;
    for (int secret = 0; secret < 2; secret++) {
        struct buf buf;
        buf_init(&buf, 10 << 20);
        buf.secret = secret;
        for (int i = 0; i < 1 << 20; i++)
            buf_add_format(&buf, "%04x", i & 0xffff);
        assert_false(buf.failed);
        assert_int_equal(buf.size, 4 << 20);
        for (size_t i = 0; i < buf.size; i += 4) {
            char digits[5] = {buf.data[i], buf.data[i + 1], buf.data[i + 2], buf.data[i + 3], '\0'};
            assert_int_equal(strtol(digits, NULL, 16), (i / 4) & 0xffff);
        }
        buf_done(&buf);
    }
}

struct sink {
    size_t size, calls;
    bool refuse;
};

static bool take(void *context, struct view bytes)
{
    struct sink *sink = (struct sink *)context;
    sink->size += bytes.size;
    sink->calls++;
    return !sink->refuse;
}

static struct buf drained(struct sink *sink)
{
    struct buf buf;
    buf_init(&buf, 4 * BUF_DRAIN_AT);
    buf.drain = take;
    buf.drain_context = sink;
    return buf;
}

static void drains(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct buf buf = drained(&sink);
    for (int i = 0; i < 1000000; i++)
        buf_add(&buf, VIEW("0123456789"));
    assert_false(buf.failed);
    assert_true(sink.calls > 100 && buf.size < BUF_DRAIN_AT);
    assert_true(buf_flush(&buf));
    assert_int_equal(sink.size, 10000000);
    assert_int_equal(buf.size, 0);
    buf_done(&buf);
}

static void holds(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct buf buf = drained(&sink);
    buf.held = true;
    for (int i = 0; i < 20000; i++)
        buf_add(&buf, VIEW("0123456789"));
    assert_int_equal(sink.calls, 0);
    assert_int_equal(buf.size, 200000);
    buf.held = false;
    buf_add(&buf, VIEW("x"));
    assert_int_equal(sink.size, 200001);
    buf_done(&buf);
}

static void tells_of_a_failing_drain(void **state)
{
    (void)state;
    struct sink sink = {.refuse = true};
    struct buf buf = drained(&sink);
    for (int i = 0; i < 100000; i++)
        buf_add(&buf, VIEW("0123456789"));
    assert_true(buf.failed);
    assert_int_equal(sink.calls, 1);
    assert_false(buf_flush(&buf));
    buf_done(&buf);
}

static void wipes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_add(&buf, VIEW("secret"));
    const char *data = buf.data;
    buf_clear(&buf);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(data[i], 0);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collects),
        cmocka_unit_test(accepts_zero),
        cmocka_unit_test(keeps_to_its_maximum),
        cmocka_unit_test(refuses_whole_additions),
        cmocka_unit_test(grows_large),
        cmocka_unit_test(drains),
        cmocka_unit_test(holds),
        cmocka_unit_test(tells_of_a_failing_drain),
        cmocka_unit_test(wipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
