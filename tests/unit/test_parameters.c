// test_parameters.c: headers that repeat arguments.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_only_with_what_the_arguments_say),
                                       cmocka_unit_test(what_is_made_agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
