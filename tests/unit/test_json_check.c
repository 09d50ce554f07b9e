// test_json_check.c: the checker of JSON gives the verdicts of the reader that makes a tree,
// but for halves of surrogate pairs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/limits.h"
#include "json_cases.h"

enum { MEMORY = 256 << 20 };

// Checks a copy of exactly the text's size, so that a sanitizer sees a read past the end.
static enum json_fault check(struct view text)
{
    char *copy = (char *)malloc(text.size);
    assert_true(copy || text.size == 0);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    enum json_fault fault = json_check((struct view){copy, text.size}, LIMIT_JSON_DEPTH);
    free(copy);
    return fault;
}

static bool tree_reader_accepts(struct view text)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    bool accepted = json_parse(text, &arena, &value, &err);
    arena_done(&arena);
    return accepted;
}

static void accepts_what_is_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted_cases); i++)
        if (check(accepted_cases[i]) != JSON_FINE)
            fail_msg("refused: %.*s", VIEW_ARG(accepted_cases[i]));
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused_cases); i++)
        if (check(refused_cases[i]) == JSON_FINE)
            fail_msg("accepted: %.*s", VIEW_ARG(refused_cases[i]));
    assert_int_equal(json_check((struct view){NULL, 0}, LIMIT_JSON_DEPTH), JSON_BAD);
}

// Alone, and at every distance from the begin and end of a larger text.
static void accepts_halves_of_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(half_cases); i++) {
        if (check(half_cases[i]) != JSON_FINE)
            fail_msg("refused: %.*s", VIEW_ARG(half_cases[i]));
        for (int distance = 0; distance < 17; distance++) {
            struct buf buf AUTO(buf_done);
            buf_init(&buf, MEMORY);
            buf_add_format(&buf, "[\"%*s\",", distance, "");
            buf_add(&buf, half_cases[i]);
            buf_add_format(&buf, ",\"%*s\"]", 16 - distance, "");
            if (check(buf_view(&buf)) != JSON_FINE)
                fail_msg("refused: %.*s", VIEW_ARG(buf_view(&buf)));
        }
    }
}

// The cases are shorter than the steps in which texts are scanned, so each also stands inside a
// larger text, at every distance from its begin and end.
static void agrees_at_every_distance(void **state)
{
    (void)state;
    char blanks[] = "                ";
    for (size_t i = 0; i < COUNT_OF(accepted_cases) + COUNT_OF(refused_cases); i++) {
        bool accepted = i < COUNT_OF(accepted_cases);
        struct view inner =
            accepted ? accepted_cases[i] : refused_cases[i - COUNT_OF(accepted_cases)];
        for (size_t distance = 0; distance < 9; distance++) {
            struct buf buf;
            buf_init(&buf, MEMORY);
            buf_add_format(&buf, "[\"%.*s\",", (int)distance, blanks);
            buf_add(&buf, inner);
            buf_add_format(&buf, ",\"%.*s\"]", 16 - (int)distance, blanks);
            if ((check(buf_view(&buf)) == JSON_FINE) != tree_reader_accepts(buf_view(&buf)))
                fail_msg("not agreed: %.*s", VIEW_ARG(buf_view(&buf)));
            buf_done(&buf);
        }
    }
}

// Every byte in every place of a text as long as two steps of the scan and some.
static void agrees_on_every_byte(void **state)
{
    (void)state;
    char text[23];
    for (size_t place = 0; place < sizeof text; place++) {
        for (int byte = 0; byte < 256; byte++) {
            memset(text, 'a', sizeof text);
            text[0] = text[sizeof text - 1] = '"';
            text[place] = (char)byte;
            struct view whole = {text, sizeof text};
            if ((check(whole) == JSON_FINE) != tree_reader_accepts(whole))
                fail_msg("byte %d at %zu", byte, place);
        }
    }
}

static void refuses_beginnings(void **state)
{
    (void)state;
    struct view whole = VIEW("{\"k\\n\\ud834\\udd1e\":[1.5e3,true,null,{\"\xc3\xbc\":\"\\\\\"}]}");
    for (size_t size = 0; size < whole.size; size++)
        assert_int_equal(check((struct view){whole.data, size}), JSON_BAD);
    assert_int_equal(check(whole), JSON_FINE);
}

static enum json_fault check_nested(size_t depth, const char *open, const char *close)
{
    struct buf buf;
    buf_init(&buf, MEMORY);
    for (size_t i = 0; i < depth; i++)
        buf_add(&buf, view_of(open));
    buf_add_char(&buf, '1');
    for (size_t i = 0; i < depth; i++)
        buf_add(&buf, view_of(close));
    enum json_fault fault = check(buf_view(&buf));
    buf_done(&buf);
    return fault;
}

static void bounds_depth(void **state)
{
    (void)state;
    assert_int_equal(check_nested(LIMIT_JSON_DEPTH, "[", "]"), JSON_FINE);
    assert_int_equal(check_nested(LIMIT_JSON_DEPTH, "{\"a\":", "}"), JSON_FINE);
    assert_int_equal(check_nested(LIMIT_JSON_DEPTH / 2, "[{\"a\":", "}]"), JSON_FINE);
    assert_int_equal(check_nested(LIMIT_JSON_DEPTH + 1, "[", "]"), JSON_DEEP);
    assert_int_equal(check_nested(LIMIT_JSON_DEPTH + 1, "{\"a\":", "}"), JSON_DEEP);
    assert_int_equal(check_nested(1000000, "[", "]"), JSON_DEEP);
    assert_int_equal(check_nested(1000000, "{\"a\":", ""), JSON_DEEP);
    assert_int_equal(check(VIEW("[[[]],[[]],[[]]]")), JSON_FINE);
}

// An object with `count` members `name0`, `name1`, …, and one more named as `again` says.
static enum json_fault check_members(int count, const char *again)
{
    struct buf buf;
    buf_init(&buf, MEMORY);
    buf_add_format(&buf, "{\"%s\":0", again);
    for (int i = 0; i < count; i++)
        buf_add_format(&buf, ",\"name%d\":{\"name\":[%d]}", i, i);
    buf_add_char(&buf, '}');
    enum json_fault fault = check(buf_view(&buf));
    buf_done(&buf);
    return fault;
}

static enum json_fault check_again(int count, const char *start, int number, const char *end)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%d%s", start, number, end);
    return check_members(count, name);
}

static void finds_equal_names(void **state)
{
    (void)state;
    static const char *const same[] = {"name", "n\\u0061me", "\\u006E\\u0061\\u006d\\u0065"};
    static const char *const other[] = {"Name", "name\\u0000", "name\\\\", "\\nname"};
    static const int counts[] = {1, 2, 30, 31, 32, 33, 34, 127, 128, 129, 1000};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        int count = counts[i];
        for (size_t j = 0; j < COUNT_OF(same); j++)
            for (int number = 0; number < count; number += 1 + count / 5)
                assert_int_equal(check_again(count, same[j], number, ""), JSON_DUPLICATE);
        for (size_t j = 0; j < COUNT_OF(other); j++)
            assert_int_equal(check_again(count, other[j], count - 1, ""), JSON_FINE);
        assert_int_equal(check_again(count, "name", count - 1, " "), JSON_FINE);
        assert_int_equal(check_again(count, "name", count, ""), JSON_FINE);
    }
}

static void keeps_the_names_of_objects_apart(void **state)
{
    (void)state;
    assert_int_equal(check(VIEW("{\"a\":{\"a\":{\"a\":1,\"b\":2},\"b\":3},\"b\":4}")), JSON_FINE);
    assert_int_equal(check(VIEW("{\"a\":{\"b\":{\"c\":1}},\"d\":{},\"a\":2}")), JSON_DUPLICATE);
    assert_int_equal(check(VIEW("{\"\\u0061\":{\"\\u0061\":1},\"\\u0062\":1}")), JSON_FINE);
    assert_int_equal(check(VIEW("{\"\\u0061\":{\"\\u0062\":1},\"a\":1}")), JSON_DUPLICATE);
    assert_int_equal(check(VIEW("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}")), JSON_DUPLICATE);
}

// Two are equal when they are the same half, however it is written.
static void compares_halves_of_pairs(void **state)
{
    (void)state;
    assert_int_equal(check(VIEW("{\"\\ud83d\":1,\"\\ud83d\":2}")), JSON_DUPLICATE);
    assert_int_equal(check(VIEW("{\"a\\ud83d\":1,\"\\u0061\\uD83D\":2}")), JSON_DUPLICATE);
    assert_int_equal(check(VIEW("{\"\\ud83d\":1,\"\\ude00\":2,\"\\ud83d\\ude00\":3}")), JSON_FINE);
    assert_int_equal(check(VIEW("{\"\\ud83d\":1,\"\\ufffd\":2,\"?\":3,\"\":4}")), JSON_FINE);
}

static void check_many(const char *start, const char *end)
{
    struct buf buf;
    buf_init(&buf, MEMORY);
    for (int i = 0; i < 100000; i++)
        buf_add_format(&buf, "%s\"%s%06d%s\":%d", i ? "," : "{", start, i, end, i);
    buf_add_char(&buf, '}');
    assert_int_equal(check(buf_view(&buf)), JSON_FINE);
    buf.size--;
    buf_add_format(&buf, ",\"%s000005%s\":1}", start, end);
    assert_int_equal(check(buf_view(&buf)), JSON_DUPLICATE);
    buf_done(&buf);
}

// Names that differ only in the middle are the worst that can be chosen.
static void compares_many_names(void **state)
{
    (void)state;
    check_many("name", "");
    check_many("first8by", "last8byt");
    check_many("\\u0066irst8by", "last8byt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_json),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(accepts_halves_of_pairs),
        cmocka_unit_test(agrees_at_every_distance),
        cmocka_unit_test(agrees_on_every_byte),
        cmocka_unit_test(refuses_beginnings),
        cmocka_unit_test(bounds_depth),
        cmocka_unit_test(finds_equal_names),
        cmocka_unit_test(keeps_the_names_of_objects_apart),
        cmocka_unit_test(compares_halves_of_pairs),
        cmocka_unit_test(compares_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
