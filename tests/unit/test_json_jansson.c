// test_json_jansson.c: our reader of JSON and jansson must agree about generated documents, about
// the same documents with a few bytes changed, and about what they mean.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../jansson_names.h"
#include "base/buf.h"
#include "base/json.h"
#include "json_cases.h"

enum { MEMORY = 64 << 20, DOCUMENTS = 8000, CHANGED_COPIES = 8 };

static uint64_t state = 0x9e3779b97f4a7c15;

// xorshift64: the same documents in every run.
static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % limit);
}

static void add_blanks(struct buf *buf)
{
    for (size_t i = below(4); i > 2; i = below(5))
        buf_add_char(buf, " \t\n\r"[below(4)]);
}

static void add_text(struct buf *buf)
{
    static const char *const pieces[] = {
        "a",
        "b",
        "name",
        " ",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u0041",
        "\\u00e9",
        "\xc3\xa9",
        "\\u20AC",
        "\xe2\x82\xac",
        "\\ud83d\\ude00",
        "\x7f",
        "\\b\\f",
        "\\u0000",
        "\xf0\x9f\x98\x80",
        "]",
        "}",
        "0",
    };
    buf_add_char(buf, '"');
    for (size_t i = below(5); i > 0; i--)
        buf_add(buf, view_of(pieces[below(COUNT_OF(pieces))]));
    buf_add_char(buf, '"');
}

static void add_number(struct buf *buf)
{
    static const char *const exponents[] = {"e", "E", "e-", "E+"};
    buf_add(buf, below(3) ? VIEW("") : VIEW("-"));
    buf_add_format(buf, "%zu", below(below(10) ? 100000 : SIZE_MAX / 4));
    if (below(4) == 0)
        buf_add_format(buf, ".%zu", below(1000000));
    if (below(6) == 0) {
        buf_add(buf, view_of(exponents[below(COUNT_OF(exponents))]));
        buf_add_format(buf, "%zu", below(200));
    }
}

static void add_value(struct buf *buf, unsigned depth)
{
    static const char *const words[] = {"null", "true", "false"};
    size_t kind = below(depth > 6 ? 6 : 10);
    add_blanks(buf);
    if (kind < 3) {
        add_text(buf);
    } else if (kind < 5) {
        add_number(buf);
    } else if (kind == 5) {
        buf_add(buf, view_of(words[below(COUNT_OF(words))]));
    } else {
        bool named = kind < 8;
        buf_add_char(buf, named ? '{' : '[');
        for (size_t count = below(6), i = 0; i < count; i++) {
            if (i > 0)
                buf_add_char(buf, ',');
            if (named) {
                add_blanks(buf);
                add_text(buf);
                add_blanks(buf);
                buf_add_char(buf, ':');
            }
            add_value(buf, depth + 1);
        }
        add_blanks(buf);
        buf_add_char(buf, named ? '}' : ']');
    }
    add_blanks(buf);
}

static void assert_same(const struct json_value *ours, json_t *theirs);

static void assert_same_children(const struct json_value *ours, json_t *theirs)
{
    size_t index = 0;
    if (ours->type == JSON_OBJECT) {
        assert_int_equal(json_object_size(theirs), json_count(ours));
        for (void *iter = json_object_iter(theirs); iter;
             iter = json_object_iter_next(theirs, iter)) {
            const char *key = json_object_iter_key(iter);
            assert_same(json_member(ours, key), json_object_iter_value(iter));
        }
        return;
    }
    assert_int_equal(json_array_size(theirs), json_count(ours));
    for (const struct json_value *child = json_first(ours); child; child = child->next)
        assert_same(child, json_array_get(theirs, index++));
}

static void assert_same(const struct json_value *ours, json_t *theirs)
{
    static const enum json_type types[] = {
        [JANSSON_NULL] = JSON_NULL,   [JSON_TRUE] = JSON_BOOL,        [JSON_FALSE] = JSON_BOOL,
        [JSON_INTEGER] = JSON_NUMBER, [JSON_REAL] = JSON_NUMBER,      [JSON_STRING] = JSON_TEXT,
        [JANSSON_ARRAY] = JSON_ARRAY, [JANSSON_OBJECT] = JSON_OBJECT,
    };
    bool truth = false;
    int64_t integer = 0;
    assert_true(json_is(ours, types[json_typeof(theirs)]));
    if (json_is_integer(theirs))
        assert_true(json_int(ours, &integer) && integer == json_integer_value(theirs));
    else if (json_is_real(theirs))
        assert_false(json_int(ours, &integer));
    else if (json_is_boolean(theirs))
        assert_true(json_bool(ours, &truth) && truth == json_is_true(theirs));
    else if (json_is_string(theirs))
        assert_true(view_equal(json_text(ours),
                               view_bytes(json_string_value(theirs), json_string_length(theirs))));
    else if (ours->type != JSON_NULL)
        assert_same_children(ours, theirs);
}

// True when both accept.
static bool compare(struct view text)
{
    struct arena arena;
    struct err err;
    bool comparable;
    const struct json_value *ours;
    arena_init(&arena, MEMORY);
    bool accepted = json_parse(text, &arena, &ours, &err);
    json_t *theirs = jansson_parse(text, &comparable);
    if (comparable && accepted != (theirs != NULL))
        fail_msg("we %s: %.*s", accepted ? "accept" : "refuse", VIEW_ARG(text));
    if (comparable && theirs)
        assert_same(ours, theirs);
    json_decref(theirs);
    arena_done(&arena);
    return comparable && accepted;
}

static void agree_on_the_cases(void **context)
{
    (void)context;
    for (size_t i = 0; i < COUNT_OF(accepted_cases); i++)
        (void)compare(accepted_cases[i]);
    for (size_t i = 0; i < COUNT_OF(refused_cases); i++)
        (void)compare(refused_cases[i]);
    for (size_t i = 0; i < COUNT_OF(half_cases); i++)
        (void)compare(half_cases[i]);
}

static void change(struct buf *buf)
{
    static const char bytes[] = "{}[]\",:\\/ 0129.-+eEuntrfd\n\t\x80\xc3\xed\xf4";
    for (size_t i = 1 + below(3); i > 0; i--) {
        size_t at = below(buf->size);
        buf->data[at] = bytes[below(sizeof bytes)];
    }
}

static void agree_on_generated_documents(void **context)
{
    (void)context;
    struct buf original, changed;
    size_t accepted = 0, accepted_changed = 0;
    buf_init(&original, MEMORY);
    buf_init(&changed, MEMORY);
    for (int i = 0; i < DOCUMENTS; i++) {
        add_value(&original, 0);
        accepted += compare(buf_view(&original));
        for (int copy = 0; copy < CHANGED_COPIES; copy++) {
            buf_add(&changed, buf_view(&original));
            change(&changed);
            accepted_changed += compare(buf_view(&changed));
            buf_clear(&changed);
        }
        buf_clear(&original);
    }
    print_message("%zu of %d documents accepted, %zu of %d changed ones\n", accepted, DOCUMENTS,
                  accepted_changed, DOCUMENTS * CHANGED_COPIES);
    // Equal names and numbers out of range are refused now and then.
    assert_true(accepted > DOCUMENTS * 3 / 4);
    assert_true(accepted_changed > DOCUMENTS / 4 &&
                accepted_changed < DOCUMENTS * CHANGED_COPIES / 2);
    buf_done(&original);
    buf_done(&changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_on_the_cases),
        cmocka_unit_test(agree_on_generated_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
