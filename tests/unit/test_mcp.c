// test_mcp.c: the names of MCP, the members of params, and header values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/limits.h"
#include "wire/jsonrpc.h"
#include "wire/mcp.h"

enum { MEMORY = 1 << 20 };

static void knows_methods(void **state)
{
    (void)state;
    for (enum mcp_method method = MCP_INITIALIZE; method < MCP_METHODS; method++) {
        const char *name = mcp_method_name(method);
        assert_true(name && name[0]);
        assert_int_equal(mcp_method(view_of(name)), method);
        assert_true((strncmp(name, "notifications/", 14) == 0) == (method >= MCP_INITIALIZED));
    }
    assert_int_equal(mcp_method(VIEW("tools/call")), MCP_TOOLS_CALL);
    assert_int_equal(mcp_method(VIEW("tools/Call")), MCP_UNKNOWN);
    assert_int_equal(mcp_method(VIEW("tools/call ")), MCP_UNKNOWN);
    assert_int_equal(mcp_method(VIEW("")), MCP_UNKNOWN);
    assert_int_equal(mcp_method((struct view){NULL, 0}), MCP_UNKNOWN);
    assert_string_equal(mcp_method_name(MCP_UNKNOWN), "");
    assert_string_equal(mcp_method_name(MCP_METHODS), "");
}

static void knows_revisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < mcp_legacy_version_count; i++)
        assert_true(mcp_is_legacy_version(view_of(mcp_legacy_versions[i])));
    assert_string_equal(mcp_legacy_versions[mcp_legacy_version_count - 1], "2025-11-25");
    assert_false(mcp_is_legacy_version(VIEW(MCP_MODERN_VERSION)));
    assert_false(mcp_is_legacy_version(VIEW("2025-06-1")));
    assert_false(mcp_is_legacy_version((struct view){NULL, 0}));
}

// In one pass with their message they are read alike.
static void check_in_message(const char *text, const struct mcp_params *alone)
{
    enum { VIEWS = sizeof *alone / sizeof(struct view) };
    struct rpc message;
    struct rpc_fault fault;
    struct mcp_params inside;
    struct buf buf AUTO(buf_done);
    buf_init(&buf, 4096);
    buf_add_format(&buf, " {\"params\": %s, \"method\":\"m\",\"jsonrpc\":\"2.0\"} ", text);
    bool may_be_params = *text == '{' || *text == '[';
    assert_int_equal(mcp_read(buf_view(&buf), LIMIT_JSON_DEPTH, &message, &inside, &fault),
                     may_be_params);
    if (!may_be_params)
        return;
    assert_int_equal(message.kind, RPC_NOTIFICATION);
    const struct view *a = (const struct view *)&inside, *b = (const struct view *)alone;
    for (size_t i = 0; i < VIEWS; i++)
        assert_true(view_equal(a[i], b[i]) && !a[i].data == !b[i].data);
}

static struct mcp_params read_params(const char *text)
{
    struct mcp_params params;
    mcp_params_read(view_of(text), &params);
    assert_true(view_is(params.whole, text));
    check_in_message(text, &params);
    return params;
}

static void reads_params(void **state)
{
    (void)state;
    struct mcp_params params = read_params(
        "{\"name\":\"n\",\"uri\":\"u\",\"cursor\":\"\",\"level\":\"info\",\"arguments\":{\"name\":"
        "1},"
        "\"taskId\":\"t\",\"task\":{},\"requestId\":9,\"requestState\":\"s\",\"inputResponses\":{},"
        "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"rn\",\"uri\":\"ru\"},\"notifications\":{},"
        "\"protocolVersion\":\"v\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\"},"
        "\"progressToken\":\"p\",\"other\":{\"name\":\"no\",\"_meta\":{\"progressToken\":0}}}");
    assert_true(view_is(params.name, "\"n\"") && view_is(params.uri, "\"u\""));
    assert_true(view_is(params.cursor, "\"\"") && view_is(params.level, "\"info\""));
    assert_true(view_is(params.arguments, "{\"name\":1}"));
    assert_true(view_is(params.task_id, "\"t\"") && view_is(params.task, "{}"));
    assert_true(view_is(params.request_id, "9") && view_is(params.request_state, "\"s\""));
    assert_true(view_is(params.input_responses, "{}"));
    assert_true(view_is(params.ref_name, "\"rn\"") && view_is(params.ref_uri, "\"ru\""));
    assert_true(view_is(params.version, "\"v\"") && view_is(params.capabilities, "{}"));
    assert_true(view_is(params.client_info, "{\"name\":\"c\"}"));
    assert_true(view_is(params.notifications, "{}") && view_is(params.token, "\"p\""));
    assert_null(params.meta.data);
    assert_null(params.meta_token.data);
    assert_int_equal(mcp_era_of(&params), MCP_LEGACY);
}

static void reads_meta(void **state)
{
    (void)state;
    struct mcp_params params = read_params(
        "{\"_meta\" : {\"progressToken\":7,\"" MCP_META
        "protocolVersion\":\"2026-07-28\",\"" MCP_META "clientCapabilities\":{},\"" MCP_META
        "clientInfo\":{\"name\":\"c\"},\"" MCP_META "logLevel\":\"debug\",\"" MCP_META
        "subscriptionId\":\"s\",\"" MCP_META "related-task\":{\"taskId\":\"t\"},\"name\":\"no\"}}");
    assert_true(params.meta.data[0] == '{');
    assert_true(view_is(params.meta_token, "7"));
    assert_true(view_is(params.meta_version, "\"2026-07-28\""));
    assert_true(view_is(params.meta_capabilities, "{}"));
    assert_true(view_is(params.meta_client_info, "{\"name\":\"c\"}"));
    assert_true(view_is(params.meta_level, "\"debug\""));
    assert_true(view_is(params.meta_subscription, "\"s\""));
    assert_true(view_is(params.meta_task, "{\"taskId\":\"t\"}"));
    assert_null(params.name.data);
    assert_int_equal(mcp_era_of(&params), MCP_MODERN);
    params = read_params("{\"_meta\":[\"progressToken\",1],\"ref\":\"name\"}");
    assert_null(params.meta.data);
    assert_null(params.meta_token.data);
    assert_null(params.ref_name.data);
}

// Whoever decides by the name must see it however it is written.
static void reads_escaped_names(void **state)
{
    (void)state;
    struct mcp_params params = read_params(
        "{\"n\\u0061me\":\"delete_all\",\"\\u0075\\u0072\\u0069\":\"file:///etc\",\"\\u005fmeta\":"
        "{\"io.modelcontextprotocol\\/"
        "protocolVersio\\u006e\":\"2026-07-28\",\"progressT\\u006fken\":1},"
        "\"\\u0072ef\":{\"n\\u0061me\":1}}");
    assert_true(view_is(params.name, "\"delete_all\""));
    assert_true(view_is(params.uri, "\"file:///etc\""));
    assert_true(view_is(params.meta_version, "\"2026-07-28\""));
    assert_true(view_is(params.meta_token, "1"));
    assert_true(view_is(params.ref_name, "1"));
    assert_int_equal(mcp_era_of(&params), MCP_MODERN);
    params = read_params("{\"name\\u0000\":\"a\",\"Name\":\"b\",\"name \":\"c\"}");
    assert_null(params.name.data);
}

static void reads_nothing_from_no_object(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "[\"name\",{\"name\":1}]", "\"name\"", "1"};
    struct mcp_params params;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        params = read_params(texts[i]);
        assert_null(params.name.data);
        assert_null(params.meta.data);
    }
    mcp_params_read((struct view){NULL, 0}, &params);
    assert_null(params.whole.data);
    assert_null(params.name.data);
}

static void reads_halves_of_pairs(void **state)
{
    (void)state;
    struct mcp_params params = read_params(
        "{\"name\":\"\\ud83d\",\"nam\\ud83d\":1,\"arguments\":{\"\\ud83d\":\"\\ude00\"},"
        "\"_meta\":{\"progressToken\":\"\\ud83d\"}}");
    assert_true(view_is(params.name, "\"\\ud83d\""));
    assert_true(view_is(params.arguments, "{\"\\ud83d\":\"\\ude00\"}"));
    assert_true(view_is(params.meta_token, "\"\\ud83d\""));
}

static void names_what_the_header_repeats(void **state)
{
    (void)state;
    struct mcp_params params = read_params("{\"name\":\"n\",\"uri\":\"u\",\"taskId\":\"t\"}");
    assert_true(view_is(mcp_named(MCP_TOOLS_CALL, &params), "\"n\""));
    assert_true(view_is(mcp_named(MCP_PROMPTS_GET, &params), "\"n\""));
    assert_true(view_is(mcp_named(MCP_RESOURCES_READ, &params), "\"u\""));
    assert_true(view_is(mcp_named(MCP_TASKS_GET, &params), "\"t\""));
    assert_true(view_is(mcp_named(MCP_TASKS_UPDATE, &params), "\"t\""));
    assert_null(mcp_named(MCP_TOOLS_LIST, &params).data);
    assert_null(mcp_named(MCP_UNKNOWN, &params).data);
}

static struct view encode(struct buf *buf, struct view text)
{
    buf_clear(buf);
    mcp_header_encode(buf, text);
    return buf_view(buf);
}

static void encodes_header_values(void **state)
{
    (void)state;
    static const struct {
        struct view text;
        const char *value;
    } cases[] = {
        // the examples of the specification
        {{"us-west1", 8}, "us-west1"},
        {{"Hello, \xe4\xb8\x96\xe7\x95\x8c", 13}, "=?base64?SGVsbG8sIOS4lueVjA==?="},
        {{" padded ", 8}, "=?base64?IHBhZGRlZCA=?="},
        {{"line1\nline2", 11}, "=?base64?bGluZTEKbGluZTI=?="},
        {{"=?base64?literal?=", 18}, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="},
        // and others
        {{"", 0},
         "=?base64?"
         "?="},
        {{"a b\tc", 5}, "a b\tc"},
        {{"tab\t", 4}, "=?base64?dGFiCQ==?="},
        {{"\0", 1}, "=?base64?AA==?="},
        {{"\x7f", 1}, "=?base64?fw==?="},
        {{"=?utf-8?q?x?=", 13}, "=?utf-8?q?x?="},
    };
    struct buf buf;
    char into[64];
    buf_init(&buf, MEMORY);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal((encode(&buf, cases[i].text), buf_add_char(&buf, '\0'), buf.data),
                            cases[i].value);
        struct view back = mcp_header_decode(view_of(cases[i].value), into, sizeof into);
        assert_true(back.data && view_equal(back, cases[i].text));
    }
    buf_done(&buf);
}

static void decodes_strictly(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "=?base64?=",
        "=?base64?A?=",
        "=?base64?AA?=",
        "=?base64?AAA?=",
        "=?base64?AB==?=",
        "=?base64?AAB=?=",
        "=?base64?A===?=",
        "=?base64?====?=",
        "=?base64?AA==AA==?=",
        "=?base64?AA A?=",
        "=?base64? AAAA?=",
        "=?base64?AA=A?=",
        "=?base64?_-AA?=",
        "=?base64?%%%?=",
        "=?base64?/w==?=",
        "=?base64?7aCA?=",
        "=?base64?AAAAAAAA==?=",
        "gr\xc3\xbc\xc3\x9f",
        " padded",
        "padded\t",
        "line1\nline2",
        "=?base64?AAAA\n?=",
        "=?base64?AAAAAAAAAAAA?=",
    };
    static const char *const plain[] = {"=?BASE64?QQ==?=", "=?base64?QQ==", "QQ==?=", "=?base64",
                                        ""};
    char into[8];
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (mcp_header_decode(view_of(refused[i]), into, sizeof into).data)
            fail_msg("accepted: %s", refused[i]);
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        assert_true(view_is(mcp_header_decode(view_of(plain[i]), into, sizeof into), plain[i]));
    assert_true(view_is(mcp_header_decode(VIEW("=?base64?QUJDREVGR0g=?="), into, 8), "ABCDEFGH"));
    assert_null(mcp_header_decode(VIEW("=?base64?QUJDREVGR0g=?="), into, 7).data);
}

// The vectors of RFC 4648 section 10.
static void writes_base64(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/"},
    };
    struct buf buf;
    char into[8];
    buf_init(&buf, MEMORY);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        buf_clear(&buf);
        base64_add(&buf, view_of(pairs[i][0]));
        assert_true(view_is(buf_view(&buf), pairs[i][1]));
        assert_true(view_is(base64_decode(view_of(pairs[i][1]), into, sizeof into), pairs[i][0]));
    }
    buf_done(&buf);
}

static void orders_log_levels(void **state)
{
    (void)state;
    assert_int_equal(mcp_log_level(VIEW("debug")), 0);
    assert_int_equal(mcp_log_level(VIEW("warning")), 3);
    assert_int_equal(mcp_log_level(VIEW("emergency")), 7);
    assert_int_equal(mcp_log_level(VIEW("warn")), -1);
    assert_int_equal(mcp_log_level((struct view){NULL, 0}), -1);
}

static void knows_what_clients_can(void **state)
{
    (void)state;
    static const struct {
        struct view raw;
        unsigned can;
        const char *written;
    } cases[] = {
        {VIEW("{}"), 0, "{}"},
        {{NULL, 0}, 0, "{}"},
        {VIEW("{\"roots\":{\"listChanged\":true},\"x\":{}}"), MCP_CAN_ROOTS, "{\"roots\":{}}"},
        {VIEW("{\"elicitation\":{},\"sampling\":{}}"), MCP_CAN_SAMPLE | MCP_CAN_ELICIT,
         "{\"sampling\":{},\"elicitation\":{}}"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf buf AUTO(buf_done);
        buf_init(&buf, 256);
        assert_int_equal(mcp_can(cases[i].raw), cases[i].can);
        mcp_can_add(&buf, cases[i].can);
        assert_true(view_is(buf_view(&buf), cases[i].written));
    }
    assert_string_equal(mcp_log_level_name(3), "warning");
    assert_null(mcp_log_level_name(-1));
    assert_null(mcp_log_level_name(8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_clients_can),
        cmocka_unit_test(knows_methods),
        cmocka_unit_test(knows_revisions),
        cmocka_unit_test(reads_params),
        cmocka_unit_test(reads_meta),
        cmocka_unit_test(reads_escaped_names),
        cmocka_unit_test(reads_halves_of_pairs),
        cmocka_unit_test(reads_nothing_from_no_object),
        cmocka_unit_test(names_what_the_header_repeats),
        cmocka_unit_test(encodes_header_values),
        cmocka_unit_test(decodes_strictly),
        cmocka_unit_test(writes_base64),
        cmocka_unit_test(orders_log_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
