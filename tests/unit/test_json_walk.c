// test_json_walk.c: walking over checked JSON finds what the tree has, and splices go where they
// belong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "json_cases.h"
#include "wire/splice.h"

enum { MEMORY = 1 << 20 };

// The same members, values and order as in the tree, all the way down.
static void compare(const struct json_value *value, struct view raw)
{
    struct json_walk walk = json_walk(raw);
    struct view name, member;
    char into[256];
    for (const struct json_value *child = json_first(value); child; child = child->next) {
        assert_true(json_walk_next(&walk, &name, &member));
        assert_true(member.data == child->raw.data && member.size == child->raw.size);
        assert_true((name.data != NULL) == (child->key.data != NULL));
        if (name.data) {
            struct view quoted = {name.data - 1, name.size + 2};
            assert_true(view_equal(json_raw_text(quoted, into, sizeof into), child->key));
        }
        compare(child, member);
    }
    assert_false(json_walk_next(&walk, &name, &member));
    assert_false(json_walk_next(&walk, &name, &member));
    if (json_is(value, JSON_TEXT))
        assert_true(view_equal(json_raw_text(raw, into, sizeof into), json_text(value)));
    else
        assert_null(json_raw_text(raw, into, sizeof into).data);
}

static void compare_text(struct view text)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    assert_true(json_parse(text, &arena, &value, &err));
    compare(value, value->raw);
    arena_done(&arena);
}

static void finds_what_the_tree_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepted_cases); i++)
        compare_text(accepted_cases[i]);
    compare_text(
        VIEW(" { \"a\" : [ 1 , { \"]\" : \"}\\\"{\" } , \"\\\\\" ] ,\n\"b\":-1.5e3, \"c\" :"
             "\"long text with \\\"quotes\\\" and \xc3\xbc \\\\\", \"d\":[[[]],{\"e\":{}}],"
             "\"f\":[true,false,null,123456789012345678,[12345678,[12345678]]]} "));
}

static void begins_where_the_value_does(void **state)
{
    (void)state;
    struct json_walk walk = json_walk(VIEW(" \n{\"a\":1}"));
    struct view name, value;
    assert_true(json_walk_next(&walk, &name, &value));
    assert_true(view_is(name, "a") && view_is(value, "1"));
    walk = json_walk((struct view){NULL, 0});
    assert_false(json_walk_next(&walk, &name, &value));
    walk = json_walk(VIEW("\"[1]\""));
    assert_false(json_walk_next(&walk, &name, &value));
}

static void finds_members_by_their_meaning(void **state)
{
    (void)state;
    struct view object = VIEW("{\"names\":1,\"n\\u0061me\":2,\"nam\":3,\"\\/\\u0078\":4,\"n\":{}}");
    assert_true(view_is(json_walk_member(object, "name"), "2"));
    assert_true(view_is(json_walk_member(object, "names"), "1"));
    assert_true(view_is(json_walk_member(object, "nam"), "3"));
    assert_true(view_is(json_walk_member(object, "/x"), "4"));
    assert_true(view_is(json_walk_member(object, "n"), "{}"));
    assert_null(json_walk_member(object, "na").data);
    assert_null(json_walk_member(VIEW("[\"name\",1]"), "name").data);
    assert_null(json_walk_member(VIEW("\"name\""), "name").data);
    assert_null(json_walk_member((struct view){NULL, 0}, "name").data);
    assert_true(json_name_is(VIEW("\\u006e\\u0061\\u006d\\u0065"), VIEW("name")));
    assert_false(json_name_is(VIEW("\\u006e\\u0061\\u006d\\u0065s"), VIEW("name")));
    assert_false(json_name_is(VIEW("name\\u0000"), VIEW("name")));
}

static void picks_members(void **state)
{
    (void)state;
    struct record {
        struct view one, two, three;
    } record = {.three = VIEW("as it was")};
    static const struct json_pick picks[] = {JSON_PICK(struct record, one, "one"),
                                             JSON_PICK(struct record, two, "two"),
                                             JSON_PICK(struct record, three, "three")};
    json_pick(VIEW("{\"o\\u006ee\":[1],\"other\":{\"three\":3},\"two\" : \"2\" }"), picks,
              COUNT_OF(picks), &record);
    assert_true(view_is(record.one, "[1]"));
    assert_true(view_is(record.two, "\"2\""));
    assert_true(view_is(record.three, "as it was"));
    json_pick(VIEW("[\"three\"]"), picks, COUNT_OF(picks), &record);
    json_pick((struct view){NULL, 0}, picks, COUNT_OF(picks), &record);
    assert_true(view_is(record.three, "as it was"));
}

// Half a surrogate pair is found around, but stands for no text, and for no member's name.
static void gives_no_text_for_halves_of_pairs(void **state)
{
    (void)state;
    char into[64];
    struct record {
        struct view one, two;
    } checked = {.two = VIEW("as it was")}, walked = checked;
    static const struct json_pick picks[] = {JSON_PICK(struct record, one, "one"),
                                             JSON_PICK(struct record, two, "two")};
    struct view text = VIEW("{\"tw\\ud83d\":1,\"\\ud83d\":2,\"one\":\"\\ude00\",\"two\\udc00\":3}");
    assert_int_equal(json_check_pick(text, LIMIT_JSON_DEPTH, picks, COUNT_OF(picks), &checked),
                     JSON_FINE);
    json_pick(text, picks, COUNT_OF(picks), &walked);
    assert_true(view_is(checked.one, "\"\\ude00\"") && view_is(walked.one, "\"\\ude00\""));
    assert_true(view_is(checked.two, "as it was") && view_is(walked.two, "as it was"));
    assert_null(json_raw_text(checked.one, into, sizeof into).data);
    assert_null(json_raw_text(VIEW("\"a\\n\\ud83d\""), into, sizeof into).data);
    assert_null(json_raw_text(VIEW("\"\\ud83d\\ud83d\\ude00\""), into, sizeof into).data);
    assert_true(view_is(json_raw_text(VIEW("\"\\\\ud83d\""), into, sizeof into), "\\ud83d"));
    assert_false(json_name_is(VIEW("\\ud83d"), VIEW("\xed\xa0\xbd")));
    assert_false(json_name_is(VIEW("\\ud83d"), VIEW("")));
}

// As json_pick does, while checking.
static void picks_while_checking(void **state)
{
    (void)state;
    struct record {
        struct view one, two;
    } record = {.two = VIEW("as it was")};
    static const struct json_pick picks[] = {JSON_PICK(struct record, one, "one"),
                                             JSON_PICK(struct record, two, "two")};
    struct view text = VIEW(" {\"a\":{\"two\":2},\"b\":[{\"two\":2}], \"\\u006fne\" : [1 , 2] }");
    assert_int_equal(json_check_pick(text, LIMIT_JSON_DEPTH, picks, COUNT_OF(picks), &record),
                     JSON_FINE);
    assert_true(view_is(record.one, "[1 , 2]"));
    assert_true(view_is(record.two, "as it was"));
    text = VIEW("[{\"two\":2},\"two\",2]");
    assert_int_equal(json_check_pick(text, LIMIT_JSON_DEPTH, picks, COUNT_OF(picks), &record),
                     JSON_FINE);
    assert_true(view_is(record.two, "as it was"));
}

// Both ways, and inside of no array and of nothing else.
static void picks_inside(void **state)
{
    (void)state;
    struct record {
        struct view outer, inner, deep;
    };
    static const struct json_pick deep[] = {JSON_PICK(struct record, deep, "d")};
    static const struct json_pick inner[] = {JSON_PICK_IN(struct record, inner, "i", deep)};
    static const struct json_pick outer[] = {JSON_PICK_IN(struct record, outer, "o", inner)};
    static const struct {
        struct view text;
        const char *inner, *deep;
    } cases[] = {
        {VIEW("{\"x\":{\"i\":1},\"o\":{\"y\":[{\"i\":2}],\"i\":{\"z\":{\"d\":3},\"d\":4},\"q\":{}}"
              "}"),
         "{\"z\":{\"d\":3},\"d\":4}", "4"},
        {VIEW("{\"o\":[{\"i\":{\"d\":1}}],\"i\":2,\"d\":3}"), NULL, NULL},
        {VIEW("{\"o\":{\"i\":[{\"d\":1}],\"d\":2}}"), "[{\"d\":1}]", NULL},
        {VIEW("[{\"o\":{\"i\":{\"d\":1}}}]"), NULL, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct record walked = {.deep = {NULL, 0}}, checked = {.deep = {NULL, 0}};
        json_pick(cases[i].text, outer, COUNT_OF(outer), &walked);
        assert_int_equal(
            json_check_pick(cases[i].text, LIMIT_JSON_DEPTH, outer, COUNT_OF(outer), &checked),
            JSON_FINE);
        assert_memory_equal(&walked, &checked, sizeof walked);
        assert_true(view_equal(checked.inner, view_of(cases[i].inner)));
        assert_true(view_equal(checked.deep, view_of(cases[i].deep)));
    }
}

static void gives_texts_that_fit(void **state)
{
    (void)state;
    char into[4];
    assert_true(view_is(json_raw_text(VIEW("\"longer than that\""), into, 0), "longer than that"));
    assert_true(view_is(json_raw_text(VIEW("\"\""), into, 0), ""));
    assert_non_null(json_raw_text(VIEW("\"\""), into, 0).data);
    assert_true(view_is(json_raw_text(VIEW("\"a\\nbc\""), into, 4), "a\nbc"));
    assert_null(json_raw_text(VIEW("\"a\\nbcd\""), into, 4).data);
    assert_null(json_raw_text(VIEW("\"abcd\\n\""), into, 4).data);
    assert_null(json_raw_text(VIEW("\"ab\\u20ac\""), into, 4).data);
    assert_true(view_is(json_raw_text(VIEW("\"a\\u20ac\""), into, 4), "a\xe2\x82\xac"));
    assert_true(view_equal(json_raw_text(VIEW("\"\\u0000\\u0000\""), into, 4), VIEW("\0\0")));
    assert_null(json_raw_text(VIEW("12"), into, 4).data);
    assert_null(json_raw_text((struct view){NULL, 0}, into, 4).data);
}

static void reads_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        bool whole;
        long long number;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-32601", true, -32601},
        {"999999999999999999", true, 999999999999999999},
        {"-999999999999999999", true, -999999999999999999},
        {"1000000000000000000", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
        {"-", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        long long number = 77;
        assert_true(json_raw_int(view_of(cases[i].raw), &number) == cases[i].whole);
        assert_true(number == (cases[i].whole ? cases[i].number : 77));
    }
}

// Unchecked text is never asked about, but even that must not be left.
static void stays_inside_of_any_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused_cases); i++) {
        struct view name, value, whole = refused_cases[i];
        struct json_walk walk = json_walk(whole);
        for (size_t steps = 0; json_walk_next(&walk, &name, &value); steps++) {
            assert_true(steps <= whole.size);
            assert_true(value.data >= whole.data);
            assert_true(value.data + value.size <= whole.data + whole.size);
        }
    }
}

static void splices(void **state)
{
    (void)state;
    struct view text = VIEW("{\"id\":1,\"name\":\"a\"}");
    struct splice all[] = {
        {{text.data, 0}, VIEW("<")},
        {{text.data + 6, 1}, VIEW("\"long\"")},
        {{text.data + 15, 1}, {NULL, 0}},
        {{text.data + text.size, 0}, VIEW(">")},
    };
    struct buf buf;
    buf_init(&buf, MEMORY);
    splice_add(&buf, text, NULL, 0);
    assert_true(view_equal(buf_view(&buf), text));
    buf_clear(&buf);
    splice_add(&buf, text, all, COUNT_OF(all));
    assert_true(view_is(buf_view(&buf), "<{\"id\":\"long\",\"name\":a\"}>"));
    buf_clear(&buf);
    splice_add(&buf, text, &(struct splice){text, VIEW("x")}, 1);
    assert_true(view_is(buf_view(&buf), "x"));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_the_tree_has),
        cmocka_unit_test(begins_where_the_value_does),
        cmocka_unit_test(finds_members_by_their_meaning),
        cmocka_unit_test(picks_members),
        cmocka_unit_test(gives_no_text_for_halves_of_pairs),
        cmocka_unit_test(picks_while_checking),
        cmocka_unit_test(picks_inside),
        cmocka_unit_test(gives_texts_that_fit),
        cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(stays_inside_of_any_text),
        cmocka_unit_test(splices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
