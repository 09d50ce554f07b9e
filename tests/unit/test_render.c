// test_render.c: results as tables, CSV, YAML and lines of JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "doors/render.h"

enum { MEMORY = 256 << 20 };

// The JSON text `result` in a format; the buf is the caller's.
static void render_into(struct buf *buf, enum render_format format, struct render_style style,
                        const char *result)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    buf_init(buf, MEMORY);
    assert_true(json_parse(view_of(result), &arena, &value, &err));
    struct render *render = render_new(format, buf, &style);
    assert_non_null(render);
    json_copy_to_out(value, render_out(render));
    out_finish(render_out(render));
    assert_false(buf->failed);
    render_free(render);
    arena_done(&arena);
}

static void assert_styled(struct render_style style, const char *result, const char *text)
{
    struct buf buf;
    render_into(&buf, RENDER_TABLE, style, result);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, text);
    buf_done(&buf);
}

static void assert_rendered(enum render_format format, const char *result, const char *text)
{
    struct buf buf;
    render_into(&buf, format, (struct render_style){0}, result);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, text);
    buf_done(&buf);
}

static const char users[] =
    "[{\"user_id\":\"6469\",\"email\":\"alice@example.com\",\"api_keys\":3,"
    "\"projects\":[{\"project_id\":\"1\",\"project_name\":\"\xc3\x84rger\"},"
    "{\"project_id\":\"2\",\"project_name\":\"B, \\\"C\\\"\"}],\"mcp_config\":null},"
    "{\"user_id\":\"7\",\"email\":\"b@example.com\",\"api_keys\":120,\"projects\":[],"
    "\"mcp_config\":{\"mcp_config_id\":\"9\",\"mcp_config_name\":\"default\"}}]";

static const char project[] =
    "{\"project_id\":\"12\",\"project_name\":\"P 1\",\"mcp_config\":{\"mcp_config_id\":\"9\","
    "\"mcp_config_name\":\"default\"},\"users\":[{\"user_id\":\"1\",\"email\":\"a@example.com\"},"
    "{\"user_id\":\"22\",\"email\":\"b@example.com\"}],\"tags\":[\"x\",\"y\"],\"empty\":[],"
    "\"nothing\":null,\"on\":true}";

static void table_of_a_list(void **state)
{
    (void)state;
    assert_rendered(RENDER_TABLE, users,
                    "USER ID  EMAIL              API KEYS  PROJECTS       MCP CONFIG\n"
                    "6469     alice@example.com  3         \xc3\x84rger, B, \"C\"  -\n"
                    "7        b@example.com      120       -              default\n");
}

static void table_of_a_record(void **state)
{
    (void)state;
    assert_rendered(RENDER_TABLE, project,
                    "project_id    12\n"
                    "project_name  P 1\n"
                    "mcp_config\n"
                    "  mcp_config_id    9\n"
                    "  mcp_config_name  default\n"
                    "users\n"
                    "  USER ID  EMAIL\n"
                    "  1        a@example.com\n"
                    "  22       b@example.com\n"
                    "tags          x, y\n"
                    "empty         -\n"
                    "nothing       -\n"
                    "on            true\n");
}

static void table_of_little(void **state)
{
    (void)state;
    assert_rendered(RENDER_TABLE, "[]", "");
    assert_rendered(RENDER_TABLE, "{}", "");
    assert_rendered(RENDER_TABLE, "\"user_id: 6\"", "user_id: 6\n");
    assert_rendered(RENDER_TABLE, "42", "42\n");
    assert_rendered(RENDER_TABLE, "[\"a\",\"b\",null,7]", "a\nb\n-\n7\n");
    assert_rendered(RENDER_TABLE, "[{}]", "-\n");
}

static void table_of_uneven_rows(void **state)
{
    (void)state;
    assert_rendered(RENDER_TABLE,
                    "[{\"a\":1,\"b\":\"\"},{\"b\":2,\"a\":1,\"c\":3},{\"b\":\"x\"},\"text\",{}]",
                    "A     B\n"
                    "1\n"
                    "1     2\n"
                    "-     x\n"
                    "text  -\n"
                    "-     -\n");
}

static void table_names_what_is_nested(void **state)
{
    (void)state;
    assert_rendered(RENDER_TABLE,
                    "[{\"x\":{\"id\":1,\"config_name\":\"n\"}},{\"x\":{\"id\":1,\"email\":\"e\"}},"
                    "{\"x\":{\"id\":1,\"api_key\":\"k\"}},{\"x\":{\"a\":[],\"id\":5}},"
                    "{\"x\":{\"a\":{}}},{\"x\":{}},{\"x\":[[1,2],[3]]},{\"x\":[null,false]}]",
                    "X\nn\ne\nk\n5\n{\xe2\x80\xa6}\n-\n1, 2, 3\n-, false\n");
}

static void table_fits_the_terminal(void **state)
{
    (void)state;
    static const char result[] = "[{\"id\":\"abcdefghijklmnopqrst\",\"n\":5,"
                                 "\"name\":\"0123456789012345678901234567\"}]";
    assert_styled((struct render_style){.columns = 55}, result,
                  "ID                    N  NAME\n"
                  "abcdefghijklmnopqrst  5  0123456789012345678901234567\n");
    assert_styled((struct render_style){.columns = 53}, result,
                  "ID                    N  NAME\n"
                  "abcdefghijklmnopqrst  5  0123456789012345678901234567\n");
    assert_styled((struct render_style){.columns = 52}, result,
                  "ID                    N  NAME\n"
                  "abcdefghijklmnopqrst  5  01234567890123456789012345\xe2\x80\xa6\n");
    assert_styled((struct render_style){.columns = 30}, result,
                  "ID             N  NAME\n"
                  "abcdefghijkl\xe2\x80\xa6  5  01234567890\xe2\x80\xa6\n");
    // Never below six columns.
    assert_styled((struct render_style){.columns = 10}, result,
                  "ID      N  NAME\n"
                  "abcde\xe2\x80\xa6  5  01234\xe2\x80\xa6\n");
    assert_styled((struct render_style){.columns = 14},
                  "[{\"n\":\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa"
                  "\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
                  "\",\"m\":\"x\"}]",
                  "N            M\n"
                  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6  x\n");
}

static void table_headings_are_bold(void **state)
{
    (void)state;
    assert_styled((struct render_style){.bold = true}, "[{\"a\":1,\"b\":2}]",
                  "\033[1mA  B\033[0m\n1  2\n");
}

static void table_is_harmless(void **state)
{
    (void)state;
    assert_rendered(
        RENDER_TABLE, "[{\"k\\u001b\":\"\\u001b[31mred\\r\\n\\u009b\\u202e\\u0000\"}]",
        "K\xef\xbf\xbd\n"
        "\xef\xbf\xbd[31mred\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
        "\n");
    assert_rendered(RENDER_TABLE, "{\"k\\u0007\":\"\\u001b]0;x\"}",
                    "k\xef\xbf\xbd  \xef\xbf\xbd]0;x\n");
    assert_rendered(RENDER_TABLE, "\"\\u001b\"", "\xef\xbf\xbd\n");
}

static void assert_columns(unsigned terminal, const char *columns, const char *result,
                           const char *text)
{
    struct buf buf;
    struct arena arena;
    struct err err;
    const struct json_value *value;
    const struct render_style style = {.columns = terminal};
    arena_init(&arena, MEMORY);
    buf_init(&buf, MEMORY);
    assert_true(json_parse(view_of(result), &arena, &value, &err));
    struct render *render = render_new(RENDER_TABLE, &buf, &style);
    assert_non_null(render);
    render_name_columns(render, NULL, columns);
    json_copy_to_out(value, render_out(render));
    out_finish(render_out(render));
    render_free(render);
    buf_add_char(&buf, '\0');
    assert_string_equal(buf.data, text);
    buf_done(&buf);
    arena_done(&arena);
}

static void table_shows_the_columns_named(void **state)
{
    static const char list[] = "[{\"user_id\":\"0123456789\",\"email\":\"alice@example.com\","
                               "\"active_api_keys\":3},"
                               "{\"email\":\"b@example.com\",\"active_api_keys\":12}]";
    (void)state;
    assert_columns(0, "email,active_api_keys:active,user_id?", list,
                   "EMAIL              ACTIVE  USER ID\n"
                   "alice@example.com  3       0123456789\n"
                   "b@example.com      12      -\n");
    assert_columns(0, "nothing,email", list,
                   "NOTHING  EMAIL\n-        alice@example.com\n-        b@example.com\n");
    assert_columns(0, "email,user_id?", "[]", "EMAIL  USER ID\n");
    // A record's own table is not the list's.
    assert_columns(0, "email", "{\"user_id\":\"1\"}", "user_id  1\n");
}

static void table_leaves_out_what_may_be(void **state)
{
    static const char list[] = "[{\"user_id\":\"0123456789\",\"email\":\"alice@example.com\"}]";
    (void)state;
    assert_columns(29, "email,user_id?", list,
                   "EMAIL              USER ID\nalice@example.com  0123456789\n");
    assert_columns(28, "email,user_id?", list, "EMAIL\nalice@example.com\n");
    assert_columns(12, "email,user_id?", list, "EMAIL\nalice@examp\xe2\x80\xa6\n");
    assert_columns(28, "email,user_id", list,
                   "EMAIL             USER ID\nalice@example.c\xe2\x80\xa6  0123456789\n");
    assert_columns(16, "email,user_id", list,
                   "EMAIL    USER ID\nalice@\xe2\x80\xa6  012345\xe2\x80\xa6\n");
}

static void csv_of_an_empty_list(void **state)
{
    struct buf buf;
    (void)state;
    for (int named = 0; named < 2; named++) {
        buf_init(&buf, MEMORY);
        struct render *render = render_new(RENDER_CSV, &buf, &(const struct render_style){0});
        assert_non_null(render);
        render_name_columns(render, named ? "user_id,email" : NULL, "email");
        out_begin(render_out(render), '[');
        out_end(render_out(render), ']');
        out_finish(render_out(render));
        render_free(render);
        buf_add_char(&buf, '\0');
        assert_string_equal(buf.data, named ? "user_id,email\n" : "");
        buf_done(&buf);
    }
}

static void csv_of_a_list(void **state)
{
    (void)state;
    assert_rendered(
        RENDER_CSV, users,
        "user_id,email,api_keys,projects,mcp_config\n"
        "6469,alice@example.com,3,\"[{\"\"project_id\"\":\"\"1\"\",\"\"project_name\"\":\"\"\xc3"
        "\x84rger\"\"},{\"\"project_id\"\":\"\"2\"\",\"\"project_name\"\":\"\"B, "
        "\\\"\"C\\\"\"\"\"}]\",\n"
        "7,b@example.com,120,[],\"{\"\"mcp_config_id\"\":\"\"9\"\",\"\"mcp_config_name\"\":"
        "\"\"default\"\"}\"\n");
}

static void csv_of_little(void **state)
{
    (void)state;
    assert_rendered(RENDER_CSV, "[]", "");
    assert_rendered(RENDER_CSV, "{}", "");
    assert_rendered(RENDER_CSV, "{\"a\":1,\"b\":null}", "a,b\n1,\n");
    assert_rendered(RENDER_CSV, "7", "7\n");
    assert_rendered(RENDER_CSV, "[\"a,b\",null,[1]]", "value\n\"a,b\"\n\"\"\n[1]\n");
}

static void csv_quotes(void **state)
{
    (void)state;
    assert_rendered(
        RENDER_CSV,
        "[{\"a\":\"x\\\"y\",\"b\":\"x,y\",\"c\":\"two\\nlines\",\"d\":\" x\",\"e\":\"\"},"
        "{\"a\":\"\\u001b[1m\",\"b\":\"\\r\",\"c\":\"\\t\",\"d\":\"x y\",\"e\":null}]",
        "a,b,c,d,e\n"
        "\"x\"\"y\",\"x,y\",\"two\nlines\",\" x\",\"\"\n"
        "\xef\xbf\xbd[1m,\xef\xbf\xbd,\"\t\",x y,\n");
}

static void csv_of_uneven_rows(void **state)
{
    (void)state;
    assert_rendered(RENDER_CSV, "[{\"a\":1,\"b\":2},{\"b\":3,\"a\":4},{\"c\":5},{\"b\":6,\"c\":7}]",
                    "a,b\n1,2\n4,3\n,\n,6\n");
}

static void yaml_of_a_list(void **state)
{
    (void)state;
    assert_rendered(RENDER_YAML, users,
                    "- user_id: \"6469\"\n"
                    "  email: \"alice@example.com\"\n"
                    "  api_keys: 3\n"
                    "  projects:\n"
                    "    - project_id: \"1\"\n"
                    "      project_name: \"\xc3\x84rger\"\n"
                    "    - project_id: \"2\"\n"
                    "      project_name: \"B, \\\"C\\\"\"\n"
                    "  mcp_config: null\n"
                    "- user_id: \"7\"\n"
                    "  email: \"b@example.com\"\n"
                    "  api_keys: 120\n"
                    "  projects: []\n"
                    "  mcp_config:\n"
                    "    mcp_config_id: \"9\"\n"
                    "    mcp_config_name: \"default\"\n");
}

static void yaml_of_anything(void **state)
{
    (void)state;
    assert_rendered(RENDER_YAML, "[]", "[]\n");
    assert_rendered(RENDER_YAML, "{}", "{}\n");
    assert_rendered(RENDER_YAML, "true", "true\n");
    assert_rendered(RENDER_YAML, "[[1,[]],[{},{\"a\":[[2]]}]]",
                    "- - 1\n"
                    "  - []\n"
                    "- - {}\n"
                    "  - a:\n"
                    "      - - 2\n");
    assert_rendered(RENDER_YAML, "{\"a\":{\"b\":{\"c\":1.50}},\"d\":\"\\u0085\\n: #\"}",
                    "a:\n"
                    "  b:\n"
                    "    c: 1.50\n"
                    "d: \"\\u0085\\n: #\"\n");
}

static void yaml_quotes_keys_that_mean_something(void **state)
{
    (void)state;
    assert_rendered(RENDER_YAML,
                    "{\"a_b-1\":1,\"no\":1,\"NULL\":1,\"\":1,\"1e5\":1,\"-\":1,\"a b\":1,\"a:\":1,"
                    "\"~\":1,\"\xc3\xbc\":1,\"y\":1}",
                    "a_b-1: 1\n\"no\": 1\n\"NULL\": 1\n\"\": 1\n\"1e5\": 1\n\"-\": 1\n\"a b\": 1\n"
                    "\"a:\": 1\n\"~\": 1\n\"\xc3\xbc\": 1\n\"y\": 1\n");
    char result[400], text[400], key[200];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    (void)snprintf(result, sizeof result, "[{\"%s\":[1]}]", key);
    (void)snprintf(text, sizeof text, "- ? \"%s\"\n  :\n    - 1\n", key);
    assert_rendered(RENDER_YAML, result, text);
}

static void lines_of_json(void **state)
{
    (void)state;
    assert_rendered(RENDER_JSONL, "[{\"a\":[1,2]},{\"a\":null}]", "{\"a\":[1,2]}\n{\"a\":null}\n");
    assert_rendered(RENDER_JSON, "[{\"a\":[1]}]", "[\n  {\n    \"a\": [\n      1\n    ]\n  }\n]\n");
}

struct sink {
    size_t size, lines, longest; // bytes; of one portion
};

static bool swallow(void *context, struct view bytes)
{
    struct sink *sink = (struct sink *)context;
    sink->size += bytes.size;
    sink->longest = bytes.size > sink->longest ? bytes.size : sink->longest;
    for (size_t i = 0; i < bytes.size; i++)
        sink->lines += bytes.data[i] == '\n';
    return true;
}

static void put_row(struct out *out, int number)
{
    char name[32];
    (void)snprintf(name, sizeof name, "user%d@example.com", number);
    out_begin(out, '{');
    field_int(out, "number", number);
    field_string(out, "email", name);
    field_begin(out, "projects", '[');
    out_text(out, VIEW("one"));
    out_end(out, ']');
    out_end(out, '}');
}

// However long a list is, little of it is in memory.
static void streams(void **state)
{
    (void)state;
    static const struct {
        enum render_format format;
        size_t lines;
    } cases[] = {{RENDER_TABLE, 100001},
                 {RENDER_CSV, 100001},
                 {RENDER_JSONL, 100000},
                 {RENDER_YAML, 400000}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf buf;
        struct sink sink = {0};
        struct render_style style = {.columns = 80};
        buf_init(&buf, 4 * BUF_DRAIN_AT);
        buf.drain = swallow;
        buf.drain_context = &sink;
        struct render *render = render_new(cases[i].format, &buf, &style);
        out_begin(render_out(render), '[');
        for (int row = 0; row < 100000; row++)
            put_row(render_out(render), row);
        out_end(render_out(render), ']');
        out_finish(render_out(render));
        assert_true(buf_flush(&buf));
        assert_int_equal(sink.lines, cases[i].lines);
        assert_true(sink.longest < 2 * BUF_DRAIN_AT);
        render_free(render);
        buf_done(&buf);
    }
}

// The widths are those of the first rows; what comes later is cut on a terminal, else runs over.
static void keeps_the_widths(void **state)
{
    (void)state;
    for (unsigned columns = 0; columns <= 80; columns += 80) {
        struct buf buf;
        struct render_style style = {.columns = columns};
        buf_init(&buf, MEMORY);
        struct render *render = render_new(RENDER_TABLE, &buf, &style);
        struct out *out = render_out(render);
        out_begin(out, '[');
        for (int row = 0; row < 257; row++) {
            out_begin(out, '{');
            field_string(out, "a", row == 256 ? "0123456789" : "x");
            field_string(out, "b", "y");
            out_end(out, '}');
        }
        out_end(out, ']');
        out_finish(out);
        const char *last = columns ? "x  y\n01234\xe2\x80\xa6  y\n" : "x  y\n0123456789  y\n";
        size_t size = strlen(last);
        assert_true(view_is(view_skip(buf_view(&buf), buf.size - size), last));
        assert_true(view_starts(buf_view(&buf), VIEW("A  B\nx  y\n")));
        render_free(render);
        buf_done(&buf);
    }
}

static void can_be_left_halfway(void **state)
{
    (void)state;
    for (int format = RENDER_JSON; format <= RENDER_JSONL; format++) {
        struct buf buf;
        struct render_style style = {0};
        buf_init(&buf, MEMORY);
        struct render *render = render_new((enum render_format)format, &buf, &style);
        out_begin(render_out(render), '[');
        put_row(render_out(render), 1);
        out_begin(render_out(render), '{');
        field_string(render_out(render), "a", "b");
        render_free(render);
        buf_done(&buf);
    }
    render_free(NULL);
}

static void tells_of_a_full_buf(void **state)
{
    (void)state;
    for (int format = RENDER_JSON; format <= RENDER_JSONL; format++) {
        struct buf buf;
        struct render_style style = {0};
        buf_init(&buf, 40);
        struct render *render = render_new((enum render_format)format, &buf, &style);
        out_begin(render_out(render), '[');
        for (int row = 0; row < 1000; row++)
            put_row(render_out(render), row);
        out_end(render_out(render), ']');
        out_finish(render_out(render));
        assert_true(buf.failed);
        render_free(render);
        buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_a_list),
        cmocka_unit_test(table_of_a_record),
        cmocka_unit_test(table_of_little),
        cmocka_unit_test(table_of_uneven_rows),
        cmocka_unit_test(table_names_what_is_nested),
        cmocka_unit_test(table_fits_the_terminal),
        cmocka_unit_test(table_headings_are_bold),
        cmocka_unit_test(table_is_harmless),
        cmocka_unit_test(table_shows_the_columns_named),
        cmocka_unit_test(table_leaves_out_what_may_be),
        cmocka_unit_test(csv_of_an_empty_list),
        cmocka_unit_test(csv_of_a_list),
        cmocka_unit_test(csv_of_little),
        cmocka_unit_test(csv_quotes),
        cmocka_unit_test(csv_of_uneven_rows),
        cmocka_unit_test(yaml_of_a_list),
        cmocka_unit_test(yaml_of_anything),
        cmocka_unit_test(yaml_quotes_keys_that_mean_something),
        cmocka_unit_test(lines_of_json),
        cmocka_unit_test(streams),
        cmocka_unit_test(keeps_the_widths),
        cmocka_unit_test(can_be_left_halfway),
        cmocka_unit_test(tells_of_a_full_buf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
