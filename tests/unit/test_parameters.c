// test_parameters.c: headers that repeat arguments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/attr.h"
#include "gateway/parameters.h"

static const struct view tool =
    VIEW("{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
         "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
         "\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"
         "\"free\":{\"type\":\"string\"}}}}");

static const struct {
    struct view arguments;
    struct http_field fields[3];
    size_t count;
    bool agree;
} cases[] = {
    {VIEW("{}"), {{{NULL, 0}, {NULL, 0}}}, 0, true},
    {VIEW("{\"region\":\"eu\"}"), {{VIEW("Mcp-Param-Region"), VIEW("eu")}}, 1, true},
    {VIEW("{\"region\":\"eu\"}"), {{VIEW("MCP-PARAM-REGION"), VIEW("eu")}}, 1, true},
    {VIEW("{\"region\":\"eu\"}"), {{VIEW("Mcp-Param-Region"), VIEW("us")}}, 1, false},
    {VIEW("{\"region\":\"eu\"}"), {{{NULL, 0}, {NULL, 0}}}, 0, false},
    {VIEW("{\"region\":null}"), {{{NULL, 0}, {NULL, 0}}}, 0, true},
    {VIEW("{\"region\":null}"), {{VIEW("Mcp-Param-Region"), VIEW("null")}}, 1, false},
    {VIEW("{}"), {{VIEW("Mcp-Param-Region"), VIEW("eu")}}, 1, false},
    {VIEW("{\"reg\\u0069on\":\"eu\"}"), {{{NULL, 0}, {NULL, 0}}}, 0, false},
    {VIEW("{\"reg\\u0069on\":\"eu\"}"), {{VIEW("Mcp-Param-Region"), VIEW("eu")}}, 1, true},
    {VIEW("{\"region\":\"eu\"}"),
     {{VIEW("Mcp-Param-Region"), VIEW("eu")}, {VIEW("Mcp-Param-Region"), VIEW("eu")}},
     2,
     false},
    {VIEW("{\"region\":\"\\u00fc\"}"),
     {{VIEW("Mcp-Param-Region"), VIEW("=?base64?w7w=?=")}},
     1,
     true},
    // Half a surrogate pair has no bytes that a header could repeat.
    {VIEW("{\"region\":\"\\ud83d\"}"),
     {{VIEW("Mcp-Param-Region"), VIEW("=?base64?7aC9?=")}},
     1,
     false},
    {VIEW("{\"region\":\"\\ud83d\"}"),
     {{VIEW("Mcp-Param-Region"), VIEW("=?base64?77+9?=")}},
     1,
     false},
    {VIEW("{\"region\":\"\\ud83d\"}"), {{VIEW("Mcp-Param-Region"), VIEW("")}}, 1, false},
    {VIEW("{\"count\":7}"), {{VIEW("Mcp-Param-Count"), VIEW("7")}}, 1, true},
    {VIEW("{\"count\":7}"), {{VIEW("Mcp-Param-Count"), VIEW("8")}}, 1, false},
    {VIEW("{\"free\":\"x\"}"), {{VIEW("Mcp-Param-Other"), VIEW("x")}}, 1, true},
};

static void agrees_only_with_what_the_arguments_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            parameters_agree(tool, cases[i].arguments, cases[i].fields, cases[i].count),
            cases[i].agree);
}

static void what_is_made_agrees(void **state)
{
    (void)state;
    const struct view arguments[] = {VIEW("{}"), VIEW("{\"region\":\"eu west\",\"count\":12}"),
                                     VIEW("{\"region\":\" \\u00fc\\r\\nX: y\",\"count\":null}"),
                                     VIEW("{\"free\":\"x\"}")};
    static const size_t counts[] = {0, 2, 1, 0};
    for (size_t i = 0; i < COUNT_OF(arguments); i++) {
        struct buf texts AUTO(buf_done);
        struct http_field fields[4];
        size_t count;
        buf_init(&texts, 4096);
        assert_true(parameters_make(tool, arguments[i], &texts, fields, COUNT_OF(fields), &count));
        assert_int_equal(count, counts[i]);
        assert_true(parameters_agree(tool, arguments[i], fields, count));
        for (size_t j = 0; j < count; j++) {
            assert_null(memchr(fields[j].value.data, '\r', fields[j].value.size));
            assert_null(memchr(fields[j].value.data, '\n', fields[j].value.size));
        }
    }
}

// It has no bytes that a header could carry, and no others are made up.
static void makes_nothing_of_halves_of_pairs(void **state)
{
    (void)state;
    struct buf texts AUTO(buf_done);
    struct http_field fields[4];
    size_t count;
    struct view arguments = VIEW("{\"region\":\"eu\\ud83d\",\"count\":7,\"\\ud83d\":1}");
    buf_init(&texts, 4096);
    assert_true(parameters_make(tool, arguments, &texts, fields, COUNT_OF(fields), &count));
    assert_int_equal(count, 1);
    assert_true(view_is(fields[0].value, "7"));
}

#define SCHEMA(text) VIEW("{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"," text "}}")
#define AT(text) SCHEMA("\"properties\":{" text "}")
#define A(type, header) "{\"type\":" type ",\"x-mcp-header\":" header "}"

static void knows_what_is_not_in_order(void **state)
{
    (void)state;
    static const struct {
        struct view tool;
        bool any, fine;
    } looks[] = {
        {AT("\"a\":{\"type\":\"string\"}"), false, true},
        {AT("\"a\":" A("\"string\"", "\"A\"")), true, true},
        {AT("\"a\":" A("\"string\"", "\"A\"") ",\"b\":" A("\"integer\"", "\"B\"") ",\"c\":" A(
             "\"boolean\"", "\"C\"")),
         true, true},
        {AT("\"a\":{\"type\":\"object\",\"properties\":{\"b\":" A("\"string\"", "\"B\"") "}}"),
         true, true},
        // A parameter may have the name of the annotation, and data may look like one.
        {AT("\"x-mcp-header\":{\"type\":\"string\"}"), false, true},
        {AT("\"a\":{\"type\":\"object\",\"default\":{\"x-mcp-header\":\"A\"}}"), false, true},
        {AT("\"a\":" A("\"string\"", "\"\"")), true, false},
        {AT("\"a\":" A("\"string\"", "7")), true, false},
        {AT("\"a\":" A("\"string\"", "\"A B\"")), true, false},
        {AT("\"a\":" A("\"string\"", "\"A:B\"")), true, false},
        {AT("\"a\":" A("\"string\"", "\"A\\r\\nB\"")), true, false},
        {AT("\"a\":" A("\"string\"", "\"\\u0000\"")), true, false},
        {AT("\"a\":" A("\"string\"", "\"\\ud83d\"")), true, false},
        {AT("\"a\":{\"type\":\"string\",\"x-mcp-\\u0068eader\":\"\"}"), true, false},
        {AT("\"a\":" A("\"number\"", "\"A\"")), true, false},
        {AT("\"a\":" A("\"object\"", "\"A\"")), true, false},
        {AT("\"a\":" A("null", "\"A\"")), true, false},
        {AT("\"a\":{\"x-mcp-header\":\"A\"}"), true, false},
        {AT("\"a\":" A("\"string\"", "\"Ab\"") ",\"b\":" A("\"string\"", "\"aB\"")), true, false},
        {SCHEMA("\"x-mcp-header\":\"A\""), true, false},
        {AT("\"a\":{\"type\":\"array\",\"items\":" A("\"string\"", "\"A\"") "}"), true, false},
        {SCHEMA("\"anyOf\":[{\"properties\":{\"a\":" A("\"string\"", "\"A\"") "}}]"), true, false},
        {SCHEMA("\"if\":{\"properties\":{\"a\":" A("\"string\"", "\"A\"") "}}"), true, false},
        {SCHEMA("\"$defs\":{\"a\":" A("\"string\"", "\"A\"") "}"), true, false},
    };
    for (size_t i = 0; i < COUNT_OF(looks); i++) {
        const char *fault;
        assert_int_equal(parameters_any(looks[i].tool, &fault), looks[i].any);
        assert_int_equal(fault == NULL, looks[i].fine);
    }
}

static void has_a_most(void **state)
{
    (void)state;
    for (size_t most = PARAMETERS_MOST; most <= PARAMETERS_MOST + 1; most++) {
        struct buf text AUTO(buf_done);
        const char *fault;
        buf_init(&text, 1 << 16);
        buf_add(&text, VIEW("{\"inputSchema\":{\"properties\":{\"x\":{}"));
        for (size_t i = 0; i < most; i++)
            buf_add_format(&text, ",\"p%zu\":{\"type\":\"string\",\"x-mcp-header\":\"P%zu\"}", i,
                           i);
        buf_add(&text, VIEW("}}}"));
        assert_true(parameters_any(buf_view(&text), &fault));
        assert_int_equal(fault == NULL, most == PARAMETERS_MOST);
    }
}

// What is nested is read at its path, and nowhere else.
static void follows_properties(void **state)
{
    (void)state;
    static const struct view deep = AT("\"o\":{\"type\":\"object\",\"properties\":{\"b\":" A(
        "\"string\"", "\"B\"") "}},\"c\":" A("\"integer\"", "\"C\""));
    static const struct http_field b[] = {{VIEW("Mcp-Param-B"), VIEW("x")}},
                                   c[] = {{VIEW("Mcp-Param-C"), VIEW("42.0")}};
    assert_true(parameters_agree(deep, VIEW("{\"o\":{\"b\":\"x\"}}"), b, 1));
    assert_false(parameters_agree(deep, VIEW("{\"o\":{\"b\":\"x\"}}"), NULL, 0));
    assert_true(parameters_agree(deep, VIEW("{\"b\":\"x\",\"o\":7}"), NULL, 0));
    assert_false(parameters_agree(deep, VIEW("{\"b\":\"x\"}"), b, 1));
    assert_true(parameters_agree(deep, VIEW("{\"c\":42}"), c, 1));
    assert_false(parameters_agree(deep, VIEW("{\"c\":42.5}"), c, 1));
    assert_false(parameters_agree(deep, VIEW("{\"c\":43}"), c, 1));
    struct buf texts AUTO(buf_done);
    struct http_field fields[4];
    size_t count;
    buf_init(&texts, 4096);
    assert_true(
        parameters_make(deep, VIEW("{\"o\":{\"b\":\"x\"},\"c\":1}"), &texts, fields, 4, &count));
    assert_int_equal(count, 2);
}

static int64_t time_to_agree(size_t others, struct view arguments)
{
    static const struct http_field a[] = {{VIEW("Mcp-Param-A"), VIEW("x")}};
    struct buf text AUTO(buf_done);
    buf_init(&text, 1 << 20);
    buf_add(&text, VIEW("{\"inputSchema\":{\"properties\":{\"a\":" A("\"string\"", "\"A\"")));
    for (size_t i = 0; i < others; i++)
        buf_add_format(&text, ",\"p%zu\":{\"type\":\"string\"}", i);
    buf_add(&text, VIEW("}}}"));
    clock_t before = clock();
    assert_true(parameters_agree(buf_view(&text), arguments, a, 1));
    return clock() - before;
}

// However many arguments a client sends: they are searched for what is repeated only.
static void looks_for_nothing_else(void **state)
{
    (void)state;
    struct buf arguments AUTO(buf_done);
    buf_init(&arguments, 1 << 22);
    buf_add(&arguments, VIEW("{"));
    for (size_t i = 0; i < 50000; i++)
        buf_add_format(&arguments, "\"x%zu\":1,", i);
    buf_add(&arguments, VIEW("\"a\":\"x\"}"));
    int64_t alone = time_to_agree(0, buf_view(&arguments));
    assert_in_range(time_to_agree(400, buf_view(&arguments)), 0, 50 * alone + CLOCKS_PER_SEC / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(knows_what_is_not_in_order),
                                       cmocka_unit_test(has_a_most),
                                       cmocka_unit_test(makes_nothing_of_halves_of_pairs),
                                       cmocka_unit_test(follows_properties),
                                       cmocka_unit_test(looks_for_nothing_else),
                                       cmocka_unit_test(agrees_only_with_what_the_arguments_say),
                                       cmocka_unit_test(what_is_made_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
