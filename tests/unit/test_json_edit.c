// test_json_edit.c: what changes in a text that people keep by hand, and that nothing else does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json_edit.h"

static const struct json_path servers = {{{"s", NULL}, {"x", NULL}}, 2};
static const struct json_path inputs = {{{"i", NULL}, {"id", "x"}}, 2};
static const struct view value = {"{\"a\":[1]}", 9};
static const struct view element = {"{\"id\":\"x\"}", 10};

static struct err err;

// A copy of exactly the text's size, so that a sanitizer sees a read past the end.
static struct view copy_of(struct view text)
{
    char *copy = (char *)malloc(text.size);
    assert_true(copy || text.size == 0);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    return (struct view){copy, text.size};
}

static void drop(struct view text)
{
    free((void *)(uintptr_t)text.data);
}

static void must_be(const char *what, const struct buf *buf, const char *expected)
{
    if (!view_is(buf_view(buf), expected))
        fail_msg("%s: got <%.*s>, wanted <%s>", what, VIEW_ARG(buf_view(buf)), expected);
}

struct edit {
    const char *before, *after;
    bool lasting; // removing again does not give `before`
};

static void check_edits(const struct edit *edits, size_t count, const struct json_path *path,
                        struct view added)
{
    for (size_t i = 0; i < count; i++) {
        struct buf set, back;
        buf_init(&set, 1 << 16);
        buf_init(&back, 1 << 16);
        struct view before = copy_of(view_of(edits[i].before));
        if (!json_edit_set(before, path, added, &set, &err))
            fail_msg("%s: %s", edits[i].before, err.message);
        must_be("set", &set, edits[i].after);
        struct view after = copy_of(buf_view(&set)), found;
        assert_true(json_edit_find(after, path, &found, &err));
        assert_non_null(found.data);
        assert_true(json_edit_remove(after, path, &back, &err));
        if (!edits[i].lasting)
            must_be("removed", &back, edits[i].before);
        drop(before);
        drop(after);
        buf_done(&set);
        buf_done(&back);
    }
}

static void adds_as_the_text_is_written(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"s\":{}}", "{\"s\":{\n  \"x\": {\n    \"a\": [\n      1\n    ]\n  }\n}}", false},
        {"{\n\t\"s\": {\n\t\t\"b\": 1\n\t}\n}\n",
         "{\n\t\"s\": {\n\t\t\"b\": 1,\n\t\t\"x\": {\n\t\t\t\"a\": "
         "[\n\t\t\t\t1\n\t\t\t]\n\t\t}\n\t}\n}\n",
         false},
        {"{\r\n \"s\": {\r\n  \"b\": 1 // one\r\n }\r\n}",
         "{\r\n \"s\": {\r\n  \"b\": 1, // one\r\n  \"x\": {\r\n   \"a\": [\r\n    1\r\n   ]\r\n  "
         "}\r\n }\r\n}",
         false},
        {"{\"s\": {\"b\": 1}}", "{\"s\": {\"b\": 1, \"x\": {\"a\":[1]}}}", false},
        {"{\"s\":{\"b\":1,},}", "{\"s\":{\"b\":1, \"x\": {\"a\":[1]},},}", false},
        {"\xef\xbb\xbf{\n    \"s\": {\n        \"b\": 1, /* c */\n    },\n}",
         "\xef\xbb\xbf{\n    \"s\": {\n        \"b\": 1, /* c */\n        \"x\": {\n            "
         "\"a\": [\n                1\n            ]\n        },\n    },\n}",
         false},
        {"{ \"a\": 1, // c\n  \"s\": {\"b\": 2 }}",
         "{ \"a\": 1, // c\n  \"s\": {\"b\": 2, \"x\": {\"a\":[1]} }}", false},
        {"{\"s\":{ // none\n}}",
         "{\"s\":{ // none\n  \"x\": {\n    \"a\": [\n      1\n    ]\n  }\n}}", false},
        {"{\"\\u0073\":{\"b\":1}}", "{\"\\u0073\":{\"b\":1, \"x\": {\"a\":[1]}}}", false},
    };
    check_edits(edits, COUNT_OF(edits), &servers, value);
}

static void makes_what_is_missing(void **state)
{
    (void)state;
    static const char whole[] =
        "{\n  \"s\": {\n    \"x\": {\n      \"a\": [\n        1\n      ]\n    }\n  }\n}";
    char ending[sizeof whole + 16], commented[sizeof whole + 16];
    (void)snprintf(ending, sizeof ending, "%s\n", whole);
    (void)snprintf(commented, sizeof commented, "// c\n%s\n", whole);
    const struct edit edits[] = {
        {"", ending, true},
        {"{}", whole, true},
        {"{ }", whole, true},
        {"// c", commented, true},
        {"{\"b\":1}", "{\"b\":1, \"s\": {\"x\":{\"a\":[1]}}}", true},
        {"{\n  \"s\": {\n  }\n}", whole, true},
    };
    check_edits(edits, COUNT_OF(edits), &servers, value);
}

static void replaces(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"s\": {\"x\": /* c */ null /* d */}}", "{\"s\": {\"x\": /* c */ {\"a\":[1]} /* d */}}",
         true},
        {"{\n \"s\": {\n  \"x\": 1,\n  \"y\": 2\n }\n}",
         "{\n \"s\": {\n  \"x\": {\n   \"a\": [\n    1\n   ]\n  },\n  \"y\": 2\n }\n}", true},
    };
    check_edits(edits, COUNT_OF(edits), &servers, value);
}

static void edits_arrays_by_a_member(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"i\": []}", "{\"i\": [\n  {\n    \"id\": \"x\"\n  }\n]}", false},
        {"{\"i\": [{\"id\": \"y\"}, 7, []]}", "{\"i\": [{\"id\": \"y\"}, 7, [], {\"id\":\"x\"}]}",
         false},
        {"{}", "{\n  \"i\": [\n    {\n      \"id\": \"x\"\n    }\n  ]\n}", true},
        {"{\"i\": [{\"id\": \"\\u0078\", \"k\": 1}]}", "{\"i\": [{\"id\":\"x\"}]}", true},
    };
    check_edits(edits, COUNT_OF(edits), &inputs, element);
}

static void removes(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"{\"s\":{\"x\":1,\"y\":2}}", "{\"s\":{\"y\":2}}", false},
        {"{\"s\":{\"y\":2, \"x\":1}}", "{\"s\":{\"y\":2}}", false},
        {"{\"s\":{\"y\":2, \"x\":1 /* c */, \"z\":3}}", "{\"s\":{\"y\":2, /* c */ \"z\":3}}",
         false},
        {"{\"s\":{\n // about x\n \"x\": 1\n}}", "{\"s\":{\n // about x\n}}", false},
        {"{\"s\":{ // c\n \"x\": 1}}", "{\"s\":{ // c\n}}", false},
        {"{\"s\":{}}", "{\"s\":{}}", false},
        {"{\"s\":{\"x\":1,}}", "{\"s\":{}}", false},
        {"", "", false},
    };
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        struct buf buf;
        struct view before = copy_of(view_of(edits[i].before));
        buf_init(&buf, 1 << 16);
        assert_true(json_edit_remove(before, &servers, &buf, &err));
        must_be("removed", &buf, edits[i].after);
        drop(before);
        buf_done(&buf);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "{\"s\":[]}",
        "{\"s\":1}",
        "{\"s\":{}",
        "{\"s\":{}} x",
        "{\"s\":{},\"s\":{}}",
        "{\"s\":{\"x\":1,\"\\u0078\":2}}",
        "{\"s\":{\"x\" 1}}",
        "{,}",
        "{\"s\":{\"y\":1,,}}",
        "{\"s\":{} \"t\":1}",
        "{/* }",
        "{\"s\":{\"x\":01}}",
        "{\"s\":{\"x\":tru}}",
        "{\"s\":{\"x\":\"\\q\"}}",
        "{\"s\":{\"x\":\"\n\"}}",
        "{\"s\":{\"x\":\"\xff\"}}",
        "not JSON",
        "{'s':{}}",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf buf;
        struct view text = copy_of(view_of(texts[i]));
        buf_init(&buf, 1 << 16);
        if (json_edit_set(text, &servers, value, &buf, &err))
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_int_equal(buf.size, 0);
        drop(text);
        buf_done(&buf);
    }
}

static void refuses_what_is_too_deep(void **state)
{
    (void)state;
    struct buf text, buf;
    struct view found;
    buf_init(&text, 1 << 20);
    buf_init(&buf, 1 << 20);
    buf_add(&text, VIEW("{\"y\":"));
    for (size_t i = 0; i < 300000; i++)
        buf_add_char(&text, '[');
    assert_false(json_edit_find(buf_view(&text), &servers, &found, &err));
    assert_non_null(strstr(err.message, "nested too deeply"));
    buf_done(&text);
    buf_done(&buf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_as_the_text_is_written),
        cmocka_unit_test(makes_what_is_missing),
        cmocka_unit_test(replaces),
        cmocka_unit_test(edits_arrays_by_a_member),
        cmocka_unit_test(removes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_what_is_too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
