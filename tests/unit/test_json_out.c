// test_json_out.c: the writer of JSON in its three layouts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_out.h"

enum { MEMORY = 16 << 20 };

static struct buf buf;
static struct json_out json;

static struct out *writer(enum json_layout layout)
{
    buf_init(&buf, MEMORY);
    json_out_init(&json, &buf, layout);
    return &json.out;
}

static void assert_written(const char *text)
{
    out_finish(&json.out);
    assert_false(buf.failed);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, text);
    buf_done(&buf);
}

static void write_users(struct out *out)
{
    out_begin(out, '[');
    out_begin(out, '{');
    field_string(out, "email", "a@example.com");
    field_int(out, "api_keys", 2);
    field_begin(out, "projects", '[');
    out_end(out, ']');
    field_begin(out, "config", '{');
    field_null(out, "id");
    field_bool(out, "on", true);
    out_end(out, '}');
    out_end(out, '}');
    out_begin(out, '{');
    field_time(out, "created_at", INT64_C(1752685320406902));
    field_time(out, "disabled_at", 0);
    field_text(out, "name", (struct view){NULL, 0});
    out_end(out, '}');
    out_end(out, ']');
}

static void writes_pretty(void **state)
{
    (void)state;
    write_users(writer(JSON_PRETTY));
    assert_written("[\n"
                   "  {\n"
                   "    \"email\": \"a@example.com\",\n"
                   "    \"api_keys\": 2,\n"
                   "    \"projects\": [],\n"
                   "    \"config\": {\n"
                   "      \"id\": null,\n"
                   "      \"on\": true\n"
                   "    }\n"
                   "  },\n"
                   "  {\n"
                   "    \"created_at\": \"2025-07-16T17:02:00.406902\",\n"
                   "    \"disabled_at\": null,\n"
                   "    \"name\": null\n"
                   "  }\n"
                   "]\n");
}

static void writes_compact(void **state)
{
    (void)state;
    write_users(writer(JSON_COMPACT));
    assert_written("[{\"email\":\"a@example.com\",\"api_keys\":2,\"projects\":[],"
                   "\"config\":{\"id\":null,\"on\":true}},"
                   "{\"created_at\":\"2025-07-16T17:02:00.406902\","
                   "\"disabled_at\":null,\"name\":null}]");
}

static void writes_lines(void **state)
{
    (void)state;
    write_users(writer(JSON_LINES));
    assert_written("{\"email\":\"a@example.com\",\"api_keys\":2,\"projects\":[],"
                   "\"config\":{\"id\":null,\"on\":true}}\n"
                   "{\"created_at\":\"2025-07-16T17:02:00.406902\","
                   "\"disabled_at\":null,\"name\":null}\n");

    struct out *out = writer(JSON_LINES);
    out_begin(out, '{');
    field_int(out, "a", 1);
    out_end(out, '}');
    assert_written("{\"a\":1}\n");

    out = writer(JSON_LINES);
    out_begin(out, '[');
    out_end(out, ']');
    assert_written("");

    out = writer(JSON_LINES);
    out_begin(out, '[');
    out_text(out, VIEW("a"));
    out_begin(out, '[');
    out_text(out, VIEW("b"));
    out_text(out, VIEW("c"));
    out_end(out, ']');
    out_end(out, ']');
    assert_written("\"a\"\n[\"b\",\"c\"]\n");
}

static void writes_empty_brackets(void **state)
{
    (void)state;
    struct out *out = writer(JSON_PRETTY);
    out_begin(out, '[');
    out_end(out, ']');
    assert_written("[]\n");
    out = writer(JSON_PRETTY);
    out_begin(out, '{');
    out_end(out, '}');
    assert_written("{}\n");
}

static void writes_integers(void **state)
{
    (void)state;
    static const struct {
        int64_t integer;
        const char *text;
    } cases[] = {
        {0, "0\n"},
        {-1, "-1\n"},
        {10, "10\n"},
        {INT64_MAX, "9223372036854775807\n"},
        {INT64_MIN, "-9223372036854775808\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        out_scalar(writer(JSON_PRETTY),
                   (struct out_scalar){.type = OUT_INT, .integer = cases[i].integer});
        assert_written(cases[i].text);
    }
    out_scalar(writer(JSON_PRETTY),
               (struct out_scalar){.type = OUT_NUMBER, .text = VIEW("1.50e3")});
    assert_written("1.50e3\n");
}

static void assert_string(struct view text, const char *written)
{
    buf_init(&buf, MEMORY);
    json_add_string(&buf, text);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, written);
    buf_done(&buf);
}

static void escapes(void **state)
{
    (void)state;
    assert_string(VIEW(""), "\"\"");
    assert_string(VIEW("plain / 'text'"), "\"plain / 'text'\"");
    assert_string(VIEW("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    assert_string(VIEW("a\0b\x01\x1f\x7f"), "\"a\\u0000b\\u0001\\u001f\\u007f\"");
    assert_string(VIEW("\033[31m"), "\"\\u001b[31m\"");
    assert_string(VIEW("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"),
                  "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"");
    // What steers a terminal, breaks lines in YAML or turns the direction of writing.
    assert_string(VIEW("\xc2\x9b\xc2\x85"), "\"\\u009b\\u0085\"");
    assert_string(VIEW("\xe2\x80\xa8\xe2\x80\xae\xef\xbb\xbf\xef\xbf\xbf"),
                  "\"\\u2028\\u202e\\ufeff\\uffff\"");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_string(VIEW("\xff"), "\"\xef\xbf\xbd\"");
    assert_string(VIEW("a\xc3"), "\"a\xef\xbf\xbd\"");
    assert_string(VIEW("\xc3\xc3\xbc"), "\"\xef\xbf\xbd\xc3\xbc\"");
    assert_string(VIEW("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_string(VIEW("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

// Every text of two bytes comes out as a JSON text that can be read.
static void always_writes_json(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        struct arena arena;
        struct err err;
        const struct json_value *value;
        char text[2] = {(char)(pair >> 8), (char)pair};
        arena_init(&arena, MEMORY);
        buf_init(&buf, MEMORY);
        json_add_string(&buf, view_bytes(text, sizeof text));
        assert_true(json_parse(buf_view(&buf), &arena, &value, &err));
        buf_done(&buf);
        arena_done(&arena);
    }
}

static void bounds_depth(void **state)
{
    (void)state;
    struct out *out = writer(JSON_PRETTY);
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        out_begin(out, '[');
    assert_false(buf.failed);
    out_begin(out, '[');
    assert_true(buf.failed);
    for (int i = 0; i < JSON_OUT_DEPTH + 9; i++)
        out_end(out, ']');
    out_finish(out);
    assert_true(buf.failed);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_pretty),
        cmocka_unit_test(writes_compact),
        cmocka_unit_test(writes_lines),
        cmocka_unit_test(writes_empty_brackets),
        cmocka_unit_test(writes_integers),
        cmocka_unit_test(escapes),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(always_writes_json),
        cmocka_unit_test(bounds_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
