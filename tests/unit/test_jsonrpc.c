// test_jsonrpc.c: which messages are messages, and how answers are written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/json_check.h"
#include "base/limits.h"
#include "wire/jsonrpc.h"
#include "wire/mcp_method.h"

enum { MEMORY = 1 << 20 };

#define HEAD "{\"jsonrpc\":\"2.0\","

static struct rpc read_message(const char *text)
{
    struct rpc message = {.text = {NULL, 0}};
    struct rpc_fault fault = {.reason = "?"};
    if (!rpc_read(view_of(text), LIMIT_JSON_DEPTH, &message, &fault))
        fail_msg("refused: %s (%s)", text, fault.reason);
    return message;
}

static struct rpc_fault refuse(const char *text)
{
    struct rpc message = {.kind = RPC_RESULT};
    struct rpc_fault fault = {.code = RPC_INTERNAL_ERROR};
    if (rpc_read(view_of(text), LIMIT_JSON_DEPTH, &message, &fault))
        fail_msg("accepted: %s", text);
    assert_int_equal(message.kind, RPC_RESULT); // untouched
    assert_non_null(fault.reason);
    return fault;
}

static void reads_requests(void **state)
{
    (void)state;
    struct rpc message = read_message(
        " {\"method\" : \"tools/call\", \"id\":1,\"jsonrpc\":\"2.0\",\"params\": {\"a\":[1]} ,"
        "\"extra\":{\"id\":null}}\r\n");
    assert_int_equal(message.kind, RPC_REQUEST);
    assert_true(view_is(message.id, "1"));
    assert_true(view_is(message.method, "tools/call"));
    assert_true(view_is(message.params, "{\"a\":[1]}"));
    assert_null(message.result.data);
    assert_null(message.error.data);
    assert_true(message.text.data[0] == '{');
    assert_true(message.text.data[message.text.size - 1] == '}');
    message = read_message(HEAD "\"id\":\"1\",\"method\":\"ping\",\"params\":[]}");
    assert_true(view_is(message.id, "\"1\""));
    assert_true(view_is(message.params, "[]"));
    message = read_message(HEAD "\"method\":\"notifications/initialized\"}");
    assert_int_equal(message.kind, RPC_NOTIFICATION);
    assert_null(message.id.data);
    assert_null(message.params.data);
}

// A member is what its name means, however it is written.
static void reads_escaped_names(void **state)
{
    (void)state;
    struct rpc message = read_message("{\"\\u006asonrpc\":\"2\\u002e0\",\"\\u0069d\":7,"
                                      "\"m\\u0065thod\":\"ping\",\"param\\u0073\":{}}");
    assert_int_equal(message.kind, RPC_REQUEST);
    assert_true(view_is(message.id, "7"));
    assert_true(view_is(message.method, "ping"));
    assert_true(view_is(message.params, "{}"));
    refuse(HEAD "\"id\":1,\"method\":\"ping\",\"m\\u0065thod\":\"tools/call\"}");
    refuse(HEAD "\"id\":1,\"result\":{},\"\\u0065rror\":{\"code\":1,\"message\":\"\"}}");
}

// So is a method. PHP writes every slash with an escape.
static void reads_escaped_methods(void **state)
{
    (void)state;
    struct rpc message = read_message(HEAD "\"id\":1,\"method\":\"tools\\/call\"}");
    assert_true(view_is(message.method, "tools/call"));
    message = read_message(HEAD "\"method\":\"notifications\\/resources\\/list_changed\"}");
    assert_true(view_is(message.method, "notifications/resources/list_changed"));
    message = read_message(HEAD "\"id\":1,\"method\":\"\\u0070\\u0069\\u006e\\u0067\"}");
    assert_true(view_is(message.method, "ping"));
    const char *const of_none[] = {"tools\\/cal", "tools\\/call\\u0000", "ping\\n", "\\\"", "\\\\"};
    for (size_t i = 0; i < COUNT_OF(of_none); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, HEAD "\"id\":1,\"method\":\"%s\"}", of_none[i]);
        assert_true(view_is(read_message(text).method, of_none[i]));
        assert_int_equal(mcp_method(view_of(of_none[i])), MCP_UNKNOWN);
    }
}

// JavaScript writes half a surrogate pair where a text was cut inside a character. It is passed on
// as it came; a method is never written so.
static void passes_halves_of_pairs(void **state)
{
    (void)state;
    struct rpc message = read_message(HEAD "\"id\":1,\"result\":{\"\\ud83d\":\"cut \\ud83d\"}}");
    assert_true(view_is(message.result, "{\"\\ud83d\":\"cut \\ud83d\"}"));
    message = read_message(HEAD "\"id\":\"\\ude00\",\"method\":\"m\",\"params\":[\"\\ud83d\"]}");
    assert_true(view_is(message.id, "\"\\ude00\""));
    assert_true(view_is(message.params, "[\"\\ud83d\"]"));
    message = read_message(HEAD "\"id\":1,\"error\":{\"code\":1,\"message\":\"\\ud83d\"}}");
    assert_true(view_is(message.error, "{\"code\":1,\"message\":\"\\ud83d\"}"));
    assert_int_equal(refuse(HEAD "\"id\":1,\"method\":\"m\\ud83d\"}").code, RPC_INVALID_REQUEST);
    assert_int_equal(refuse("{\"jsonrpc\":\"2.\\ud83d\",\"id\":1,\"method\":\"m\"}").code,
                     RPC_INVALID_REQUEST);
    assert_int_equal(refuse(HEAD "\"id\":1,\"result\":{\"\\ud83d\":1,\"\\uD83D\":2}}").code,
                     RPC_INVALID_REQUEST);
    assert_int_equal(refuse(HEAD "\"id\":1,\"result\":\"\xed\xa0\xbd\"}").code, RPC_PARSE_ERROR);
}

static void reads_replies(void **state)
{
    (void)state;
    struct rpc message = read_message(HEAD "\"id\":\"x\\n\",\"result\":null}");
    assert_int_equal(message.kind, RPC_RESULT);
    assert_true(view_is(message.id, "\"x\\n\""));
    assert_true(view_is(message.result, "null"));
    message =
        read_message(HEAD "\"id\":-3,\"error\":{\"code\":-32601,\"message\":\"\",\"data\":0}}");
    assert_int_equal(message.kind, RPC_ERROR);
    assert_true(view_is(message.id, "-3"));
    assert_true(view_is(message.error, "{\"code\":-32601,\"message\":\"\",\"data\":0}"));
    message = read_message(HEAD "\"id\":null,\"error\":{\"code\":1,\"message\":\"m\"}}");
    assert_null(message.id.data);
    message = read_message(HEAD "\"error\":{\"m\\u0065ssage\":\"m\",\"code\":1}}");
    assert_int_equal(message.kind, RPC_ERROR);
    assert_null(message.id.data);
}

static void refuses_what_is_no_message(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *id; // NULL: none
        bool reply;
    } cases[] = {
        {"1", NULL, false},
        {"\"{}\"", NULL, false},
        {"null", NULL, false},
        {"{}", NULL, false},
        {"{\"id\":1,\"method\":\"m\"}", "1", false},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}", "1", false},
        {"{\"jsonrpc\":\"2.00\",\"id\":1,\"method\":\"m\"}", "1", false},
        {"{\"jsonrpc\":\"1.0\",\"id\":\"a\",\"method\":\"m\"}", "\"a\"", false},
        {HEAD "\"id\":1}", "1", false},
        {HEAD "\"id\":null,\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":1.0,\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":1e0,\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":true,\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":{},\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":[1],\"method\":\"m\"}", NULL, false},
        {HEAD "\"id\":1,\"method\":\"\"}", "1", false},
        {HEAD "\"id\":1,\"method\":7}", "1", false},
        {HEAD "\"id\":1,\"method\":null}", "1", false},
        {HEAD "\"id\":1,\"method\":{}}", "1", false},
        {HEAD "\"id\":1,\"method\":\"\\ud83d\"}", "1", false},
        {HEAD "\"id\":1,\"method\":\"m\",\"params\":1}", "1", false},
        {HEAD "\"id\":1,\"method\":\"m\",\"params\":null}", "1", false},
        {HEAD "\"id\":1,\"method\":\"m\",\"params\":\"{}\"}", "1", false},
        {HEAD "\"id\":1,\"method\":\"m\",\"result\":{}}", "1", false},
        {HEAD "\"method\":\"m\",\"error\":{\"code\":1,\"message\":\"\"}}", NULL, false},
        {HEAD "\"result\":{}}", NULL, true},
        {HEAD "\"id\":null,\"result\":{}}", NULL, true},
        {HEAD "\"id\":1,\"result\":{},\"error\":{\"code\":1,\"message\":\"\"}}", "1", true},
        {HEAD "\"id\":1,\"error\":null}", "1", true},
        {HEAD "\"id\":1,\"error\":\"bad\"}", "1", true},
        {HEAD "\"id\":1,\"error\":{}}", "1", true},
        {HEAD "\"id\":1,\"error\":{\"code\":1}}", "1", true},
        {HEAD "\"id\":1,\"error\":{\"code\":1.5,\"message\":\"\"}}", "1", true},
        {HEAD "\"id\":1,\"error\":{\"code\":\"1\",\"message\":\"\"}}", "1", true},
        {HEAD "\"id\":1,\"error\":{\"code\":1,\"message\":null}}", "1", true},
        {HEAD "\"id\":1,\"error\":[1,\"\"]}", "1", true},
        {HEAD "\"id\":1.5,\"error\":{\"code\":1,\"message\":\"\"}}", NULL, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rpc_fault fault = refuse(cases[i].text);
        assert_int_equal(fault.code, RPC_INVALID_REQUEST);
        assert_false(fault.array);
        if (fault.reply != cases[i].reply || !view_equal(fault.id, view_of(cases[i].id)))
            fail_msg("%s: id %.*s", cases[i].text, VIEW_ARG(fault.id));
    }
}

static void tells_what_is_no_json(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     " ",   "{", HEAD "\"id\":1,\"method\":\"m\"",
                                      "[1,]", "\xff"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct rpc_fault fault = refuse(bad[i]);
        assert_int_equal(fault.code, RPC_PARSE_ERROR);
        assert_null(fault.id.data);
        assert_false(fault.array || fault.reply);
    }
    assert_int_equal(refuse("{\"a\":1,\"a\":1}").code, RPC_INVALID_REQUEST);
    assert_int_equal(refuse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")
                         .code,
                     RPC_INVALID_REQUEST);
}

static void knows_batches(void **state)
{
    (void)state;
    assert_true(refuse(" [ ]").array);
    struct rpc_fault fault = refuse("[" HEAD "\"id\":1,\"method\":\"m\"}]");
    assert_true(fault.array);
    assert_int_equal(fault.code, RPC_INVALID_REQUEST);
    assert_null(fault.id.data);
}

// A message whose id or method is a text of `size` characters, with the quotes.
static bool reads_long(const char *member, const char *each, const char *rest, size_t size)
{
    struct buf buf;
    struct rpc message;
    struct rpc_fault fault;
    buf_init(&buf, MEMORY);
    buf_add_format(&buf, HEAD "\"%s\":\"", member);
    for (size_t i = 0; i < size - 2; i++)
        buf_add(&buf, view_of(each));
    buf_add_format(&buf, "\"%s}", rest);
    bool accepted = rpc_read(buf_view(&buf), LIMIT_JSON_DEPTH, &message, &fault);
    assert_true(accepted || !fault.id.data);
    buf_done(&buf);
    return accepted;
}

static void bounds_ids_and_methods(void **state)
{
    (void)state;
    assert_true(reads_long("id", "x", ",\"method\":\"m\"", LIMIT_RPC_ID));
    assert_false(reads_long("id", "x", ",\"method\":\"m\"", LIMIT_RPC_ID + 1));
    for (const char *const *each = (const char *const[]){"x", "\\/", "\\u0041", NULL}; *each;
         each++) {
        assert_true(reads_long("method", *each, "", LIMIT_RPC_METHOD + 2));
        assert_false(reads_long("method", *each, "", LIMIT_RPC_METHOD + 3));
    }
}

static void writes_answers(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, MEMORY);
    rpc_add_result(&buf, VIEW("\"a\""), VIEW("{}"));
    assert_true(view_is(buf_view(&buf), HEAD "\"id\":\"a\",\"result\":{}}"));
    buf_clear(&buf);
    rpc_add_error(&buf, VIEW("5"), RPC_INVALID_PARAMS, VIEW("a \"b\"\n"), VIEW("[1]"));
    assert_true(view_is(buf_view(&buf), HEAD "\"id\":5,\"error\":{\"code\":-32602,\"message\":"
                                             "\"a \\\"b\\\"\\n\",\"data\":[1]}}"));
    buf_clear(&buf);
    rpc_add_error(&buf, (struct view){NULL, 0}, RPC_PARSE_ERROR, VIEW("m"), (struct view){NULL, 0});
    assert_true(view_is(buf_view(&buf), HEAD "\"error\":{\"code\":-32700,\"message\":\"m\"}}"));
    assert_int_equal(read_message(HEAD "\"error\":{\"code\":-32700,\"message\":\"m\"}}").kind,
                     RPC_ERROR);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests),         cmocka_unit_test(reads_escaped_names),
        cmocka_unit_test(reads_escaped_methods),  cmocka_unit_test(passes_halves_of_pairs),
        cmocka_unit_test(reads_replies),          cmocka_unit_test(refuses_what_is_no_message),
        cmocka_unit_test(tells_what_is_no_json),  cmocka_unit_test(knows_batches),
        cmocka_unit_test(bounds_ids_and_methods), cmocka_unit_test(writes_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
