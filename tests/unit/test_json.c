// test_json.c: what the reader of JSON accepts, refuses and returns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "json_cases.h"

enum { MEMORY = 256 << 20 };

static struct arena arena;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, MEMORY);
    err = (struct err){.kind = ERR_NONE};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

// Reads a copy of exactly the text's size, so that a sanitizer sees a read past the end.
static const struct json_value *parse(struct view text)
{
    const struct json_value *value = NULL;
    char *copy = (char *)malloc(text.size);
    assert_true(copy || text.size == 0);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    bool accepted = json_parse((struct view){copy, text.size}, &arena, &value, &err);
    assert_true(accepted == (value != NULL));
    free(copy);
    return value;
}

// Reads a text that lives as long as the test.
static const struct json_value *parse_literal(const char *text)
{
    const struct json_value *value = NULL;
    assert_true(json_parse(view_of(text), &arena, &value, &err));
    return value;
}

static void refuse_with(const char *text, const char *message)
{
    assert_null(parse(view_of(text)));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.code, "invalid_json");
    assert_string_equal(err.message, message);
}

static void accepts_what_is_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted_cases); i++)
        if (!parse(accepted_cases[i]))
            fail_msg("refused: %.*s (%s)", VIEW_ARG(accepted_cases[i]), err.message);
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused_cases); i++)
        if (parse(refused_cases[i]))
            fail_msg("accepted: %.*s", VIEW_ARG(refused_cases[i]));
    for (size_t i = 0; i < COUNT_OF(half_cases); i++)
        if (parse(half_cases[i]))
            fail_msg("accepted: %.*s", VIEW_ARG(half_cases[i]));
}

// Every beginning of a document is no document, except where a number could end.
static void refuses_beginnings(void **state)
{
    (void)state;
    struct view whole = VIEW("{\"k\\n\\ud834\\udd1e\":[1.5e3,true,null,{\"\xc3\xbc\":\"\\\\\"}]}");
    for (size_t size = 0; size < whole.size; size++)
        assert_null(parse((struct view){whole.data, size}));
    assert_non_null(parse(whole));
}

static const struct json_value *parse_nested(size_t depth, const char *open, const char *close)
{
    struct buf buf;
    buf_init(&buf, MEMORY);
    for (size_t i = 0; i < depth; i++)
        buf_add(&buf, view_of(open));
    buf_add_char(&buf, '1');
    for (size_t i = 0; i < depth; i++)
        buf_add(&buf, view_of(close));
    const struct json_value *value = parse(buf_view(&buf));
    buf_done(&buf);
    return value;
}

static void bounds_depth(void **state)
{
    (void)state;
    assert_non_null(parse_nested(LIMIT_JSON_DEPTH, "[", "]"));
    assert_non_null(parse_nested(LIMIT_JSON_DEPTH, "{\"a\":", "}"));
    assert_non_null(parse_nested(LIMIT_JSON_DEPTH / 2, "[{\"a\":", "}]"));
    assert_null(parse_nested(LIMIT_JSON_DEPTH + 1, "[", "]"));
    assert_null(parse_nested(LIMIT_JSON_DEPTH + 1, "{\"a\":", "}"));
    assert_null(parse_nested(1000000, "[", "]"));
    assert_null(parse_nested(1000000, "[", ""));
    assert_null(parse_nested(1000000, "{\"a\":", ""));
    assert_string_equal(err.message, "Invalid JSON at line 1 column 641: nested too deeply");
    // What stands side by side is not deep.
    assert_non_null(parse(VIEW("[[[]],[[]],[[]]]")));
}

static void says_where(void **state)
{
    (void)state;
    refuse_with("", "Invalid JSON at line 1 column 1: this is not a value");
    refuse_with("{\n  \"a\": tru\n}", "Invalid JSON at line 2 column 8: this is not a value");
    refuse_with("[1,\n\n2", "Invalid JSON at line 3 column 2: a comma or ] is missing");
    refuse_with("{\"a\":1 \"b\":2}", "Invalid JSON at line 1 column 8: a comma or } is missing");
    refuse_with("{\"a\" 1}", "Invalid JSON at line 1 column 6: a colon is missing");
    refuse_with("{a:1}",
                "Invalid JSON at line 1 column 2: a member's name in double quotes is missing");
    refuse_with("[\"\xc3\xbc\xe2\x82\xac\", x]",
                "Invalid JSON at line 1 column 8: this is not a value");
    refuse_with("[1] 2", "Invalid JSON at line 1 column 5: something follows the value");
    refuse_with("\"a\nb\"", "Invalid JSON at line 1 column 3: "
                            "control character in a text must be written as an escape");
    refuse_with("\"a\\q\"", "Invalid JSON at line 1 column 3: unknown escape");
    refuse_with("\"\xff\"", "Invalid JSON at line 1 column 2: not valid UTF-8");
    refuse_with("\xef\xbb\xbf{}",
                "Invalid JSON at line 1 column 1: a byte order mark is not allowed");
    refuse_with("{\"k\":1,\n\"k\":2}",
                "Invalid JSON at line 2 column 5: the name of this member is taken");
    refuse_with("007",
                "Invalid JSON at line 1 column 1: a number must not begin with further zeros");
    refuse_with("\"abc", "Invalid JSON at line 1 column 5: text without its closing quote");
}

static void reads_values(void **state)
{
    (void)state;
    const struct json_value *root =
        parse_literal(" {\"name\": \"J\\u00fcrgen\\n\", \"n\":-12, \"on\":true, \"off\":false,"
                      "\"list\":[1, [] ,{}], \"none\":null, \"e\":\"\"} ");
    int64_t integer = 0;
    bool truth = false;
    assert_true(json_is(root, JSON_OBJECT));
    assert_int_equal(json_count(root), 7);
    assert_true(view_is(json_text(json_member(root, "name")), "J\xc3\xbcrgen\n"));
    assert_true(view_is(json_member(root, "name")->raw, "\"J\\u00fcrgen\\n\""));
    assert_true(json_int(json_member(root, "n"), &integer));
    assert_int_equal(integer, -12);
    assert_true(json_bool(json_member(root, "on"), &truth) && truth);
    assert_true(json_bool(json_member(root, "off"), &truth) && !truth);
    const struct json_value *list = json_member(root, "list");
    assert_int_equal(json_count(list), 3);
    assert_true(view_is(list->raw, "[1, [] ,{}]"));
    assert_true(json_is(json_first(list)->next, JSON_ARRAY));
    assert_null(json_first(json_first(list)->next));
    assert_null(json_first(list)->next->next->next);
    assert_null(json_first(list)->key.data);
    assert_true(json_is(json_member(root, "none"), JSON_NULL));
    assert_non_null(json_text(json_member(root, "e")).data);
    assert_int_equal(json_text(json_member(root, "e")).size, 0);
    assert_true(view_is(json_first(root)->key, "name"));
    assert_true(root->raw.data[0] == '{' && root->raw.data[root->raw.size - 1] == '}');
}

static void accepts_questions_about_anything(void **state)
{
    (void)state;
    int64_t integer = 5;
    bool truth = true;
    const struct json_value *values[] = {NULL, parse_literal("[1]"), parse_literal("\"1\""),
                                         parse_literal("null")};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_null(json_member(values[i], "a"));
        assert_false(json_int(values[i], &integer));
        assert_false(json_bool(values[i], &truth));
        assert_true((json_text(values[i]).data != NULL) == (i == 2));
        assert_true((json_first(values[i]) != NULL) == (i == 1));
        assert_int_equal(json_count(values[i]), i == 1);
    }
    assert_int_equal(integer, 5);
    assert_true(truth);
    assert_null(json_member(parse_literal("{\"ab\":1}"), "a"));
}

static void reads_exact_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool exact;
        int64_t integer;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9007199254740993", true, INT64_C(9007199254740993)},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999999", false, 0},
        {"1.0", false, 0},
        {"1e0", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t integer = 77;
        assert_true(json_int(parse_literal(cases[i].text), &integer) == cases[i].exact);
        assert_true(integer == (cases[i].exact ? cases[i].integer : 77));
    }
}

static void unescapes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct view meaning;
    } cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t")},
        {"\"\\u0000\"", TEXT("\0")},
        {"\"a\\u0000b\"", TEXT("a\0b")},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
         TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf")},
        {"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")},
        {"\"\\\\u0041\"", TEXT("\\u0041")},
        {"\"\xc3\xbc\\u00fc\xc3\xbc\"", TEXT("\xc3\xbc\xc3\xbc\xc3\xbc")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(view_equal(json_text(parse_literal(cases[i].text)), cases[i].meaning));
}

static void add_members(struct buf *buf, int count)
{
    buf_add_char(buf, '{');
    for (int i = 0; i < count; i++)
        buf_add_format(buf, "%s\"name%06d\":%d", i ? "," : "", i, i);
}

static void compares_many_names(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, MEMORY);
    add_members(&buf, 200000);
    buf_add_char(&buf, '}');
    const struct json_value *value;
    assert_true(json_parse(buf_view(&buf), &arena, &value, &err));
    assert_int_equal(json_count(value), 200000);
    buf.size--;
    buf_add(&buf, VIEW(",\"name\\u00300\\u0030123\":0}"));
    assert_null(parse(buf_view(&buf)));
    assert_non_null(strstr(err.message, "the name of this member is taken"));
    buf_done(&buf);
}

static void stays_within_its_memory(void **state)
{
    (void)state;
    struct arena small;
    const struct json_value *value = NULL;
    for (size_t maximum = 0; maximum < 1500; maximum += 7) {
        arena_init(&small, maximum);
        bool accepted =
            json_parse(VIEW("{\"a\\n\":[1,2,{\"b\":\"\\u0041\"}],\"c\":null,\"d\":\"\"}"), &small,
                       &value, &err);
        assert_true(accepted || err.kind == ERR_MEMORY);
        assert_true(accepted || maximum < 1024);
        arena_done(&small);
    }
}

static void reads_its_own_text(void **state)
{
    (void)state;
    struct buf buf;
    const struct json_value *value;
    buf_init(&buf, MEMORY);
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        buf_add_char(&buf, '[');
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        buf_add_char(&buf, ']');
    assert_false(json_parse(buf_view(&buf), &arena, &value, &err));
    assert_true(json_parse_own(buf_view(&buf), &arena, &value, &err));
    assert_true(json_parse_own(VIEW("{\"a\":1,\"a\":2}"), &arena, &value, &err));
    buf_done(&buf);
}

// Writing a value again and reading that gives the same text once more.
static void copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted_cases); i++) {
        struct buf first, second;
        struct json_out out;
        const struct json_value *value;
        buf_init(&first, MEMORY);
        buf_init(&second, MEMORY);
        assert_true(json_parse(accepted_cases[i], &arena, &value, &err));
        json_out_init(&out, &first, JSON_COMPACT);
        json_copy_to_out(value, &out.out);
        assert_true(json_parse(buf_view(&first), &arena, &value, &err));
        json_out_init(&out, &second, JSON_COMPACT);
        json_copy_to_out(value, &out.out);
        assert_true(view_equal(buf_view(&first), buf_view(&second)));
        buf_done(&first);
        buf_done(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepts_what_is_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_beginnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accepts_questions_about_anything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_exact_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unescapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compares_many_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stays_within_its_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_its_own_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copies, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
