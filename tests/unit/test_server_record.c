// test_server_record.c: how the record of a server is made, examined and masked.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/json_out.h"
#include "model/server_oauth.h"
#include "model/server_record.h"
#include "model/server_validate.h"

static struct arena arena;
static struct err err;
static struct buf made, masked;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 24);
    buf_init(&made, 1 << 20);
    buf_init(&masked, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    buf_done(&made);
    buf_done(&masked);
    return 0;
}

static const struct json_value *json(const char *text)
{
    const struct json_value *value = NULL;
    if (text)
        assert_true(json_parse(view_of(text), &arena, &value, &err));
    return value;
}

static struct view build(const char *present, const struct server_change *change)
{
    buf_clear(&made);
    assert_true(server_record_build(json(present), change, &made, &err));
    return buf_view(&made);
}

static void assert_text(struct view got, const char *wanted)
{
    if (!view_is(got, wanted))
        fail_msg("wanted %s\ngot    %.*s", wanted, VIEW_ARG(got));
}

static void assert_masked(const char *record, const char *wanted)
{
    struct json_out out;
    buf_clear(&masked);
    json_out_init(&out, &masked, JSON_COMPACT);
    assert_true(server_record_mask(json(record), &out.out));
    assert_text(buf_view(&masked), wanted);
}

#define POLICY "{\"enabled\":false,\"policy_name\":\"\",\"additional_config\":{},\"block\":[]}"
#define REST                                                                                       \
    "\"tools\":{},\"enable_server_info_validation\":false,\"tool_guardrails_policy\":" POLICY      \
    ",\"input_guardrails_policy\":" POLICY ",\"output_guardrails_policy\":" POLICY                 \
    ",\"oauth_config\":null"

static void makes_records(void **state)
{
    (void)state;
    const struct server_change stdio = {.server_name = VIEW("s"), .command = VIEW("npx")};
    assert_text(build(NULL, &stdio),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"command\":\"npx\","
                "\"args\":[],\"env\":{}}," REST "}");
    const struct server_change http = {.server_name = VIEW("s"),
                                       .url = VIEW("https://a.b/"),
                                       .headers = json("{\"K\":\"v\"}"),
                                       .allow_private_addresses = true};
    assert_text(build(NULL, &http),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"url\":\"https://a.b/\","
                "\"headers\":{\"K\":\"v\"},\"allow_private_addresses\":true}," REST "}");
}

static void keeps_what_it_does_not_know(void **state)
{
    (void)state;
    const struct server_change nothing = {0}, named = {.description = VIEW("d")};
    static const char record[] =
        "{\"z\":[1.50e3,{\"a\":null}],\"server_name\":\"s\",\"config\":{\"cwd\":\"/\","
        "\"command\":\"c\",\"n\":-0.0},\"a\":\"\\u00e9\\u0000\",\"oauth_config\":{\"x\":1e400},"
        "\"tool_guardrails_policy\":{\"level\":2.50}}";
    static const char wanted[] =
        "{\"server_name\":\"s\",\"description\":\"d\",\"config\":{\"command\":\"c\",\"args\":[],"
        "\"env\":{},\"cwd\":\"/\",\"n\":-0.0},\"tools\":{},"
        "\"enable_server_info_validation\":false,\"tool_guardrails_policy\":{\"enabled\":false,"
        "\"policy_name\":\"\",\"additional_config\":{},\"block\":[],\"level\":2.50},"
        "\"input_guardrails_policy\":" POLICY ",\"output_guardrails_policy\":" POLICY
        ",\"oauth_config\":{\"x\":1e400},\"z\":[1.50e3,{\"a\":null}],\"a\":\"\xc3\xa9\\u0000\"}";
    assert_text(build(record, &named), wanted);
    assert_text(build(wanted, &nothing), wanted);
}

static void changes_the_kind(void **state)
{
    (void)state;
    static const char stdio[] = "{\"server_name\":\"s\",\"config\":{\"command\":\"c\",\"args\":["
                                "\"a\"],\"env\":{\"K\":\"v\"},\"cwd\":\"/\"}}";
    static const char http[] = "{\"server_name\":\"s\",\"config\":{\"url\":\"https://a.b\","
                               "\"headers\":{\"K\":\"v\"},\"allow_private_addresses\":true}}";
    const struct server_change to_http = {.url = VIEW("https://c.d")};
    const struct server_change to_stdio = {.command = VIEW("d")};
    assert_text(build(stdio, &to_http),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"url\":\"https://c.d\","
                "\"headers\":{},\"cwd\":\"/\"}," REST "}");
    assert_text(build(http, &to_stdio),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"command\":\"d\","
                "\"args\":[],\"env\":{}}," REST "}");
    // How a program is shared goes with it, not with the address that it becomes.
    static const char shared[] =
        "{\"server_name\":\"s\",\"config\":{\"isolation\":\"user\",\"command\":\"c\",\"protocol\":"
        "\"legacy\",\"timeouts\":{\"idle\":9}}}";
    const struct server_change sharing = {.isolation = VIEW("session"), .protocol = VIEW("auto")};
    assert_text(build(shared, &to_stdio),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"command\":\"d\","
                "\"args\":[],\"env\":{},\"isolation\":\"user\",\"protocol\":\"legacy\","
                "\"timeouts\":{\"idle\":9}}," REST "}");
    assert_text(build(shared, &to_http),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"url\":\"https://c.d\","
                "\"headers\":{},\"protocol\":\"legacy\",\"timeouts\":{\"idle\":9}}," REST "}");
    assert_text(build(shared, &sharing),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"command\":\"c\","
                "\"args\":[],\"env\":{},\"timeouts\":{\"idle\":9},\"isolation\":\"session\","
                "\"protocol\":\"auto\"}," REST "}");
    // A new address has to be allowed anew; the headers stay.
    assert_text(build(http, &to_http),
                "{\"server_name\":\"s\",\"description\":\"\",\"config\":{\"url\":\"https://c.d\","
                "\"headers\":{\"K\":\"v\"}}," REST "}");
}

static void a_mask_keeps_the_secret(void **state)
{
    (void)state;
    static const char present[] =
        "{\"server_name\":\"s\",\"config\":{\"command\":\"c\",\"env\":{\"A\":\"1\",\"B\":\"2\"}},"
        "\"oauth_config\":{\"deep\":{\"secret\":\"3\"},\"n\":4}}";
    const struct server_change change = {
        .env = json("{\"B\":\"****\",\"C\":\"****\",\"D\":\"5\"}"),
        .oauth = json("{\"n\":\"****\",\"deep\":{\"secret\":\"****\",\"new\":6}}")};
    struct view text = build(present, &change);
    const struct json_value *record;
    assert_true(json_parse(text, &arena, &record, &err));
    assert_text(json_member(json_member(record, "config"), "env")->raw,
                "{\"B\":\"2\",\"C\":\"****\",\"D\":\"5\"}");
    assert_text(json_member(record, "oauth_config")->raw,
                "{\"n\":4,\"deep\":{\"secret\":\"3\",\"new\":6}}");
    assert_int_equal(server_record_masked(record), 1);
}

// A URL that is given as it was shown stays as it is, and so do the elements of a list.
static void a_masked_url_keeps_its_secrets(void **state)
{
    (void)state;
    static const char present[] =
        "{\"server_name\":\"s\",\"config\":{\"url\":\"https://u:p@a.b/?sig=1\"},"
        "\"oauth_config\":{\"token_url\":\"https://a.b/?sig=2\",\"codes\":[\"3\",4]}}";
    const struct server_change same = {
        .url = VIEW("https://****@a.b/?sig=****"),
        .oauth = json("{\"token_url\":\"https://a.b/?sig=****\",\"codes\":[\"****\",\"****\"]}")};
    const struct server_change other = {
        .oauth = json("{\"token_url\":\"https://c.d/?sig=****\",\"codes\":[\"****\"]}")};
    const struct json_value *record;
    assert_true(json_parse(build(present, &same), &arena, &record, &err));
    assert_text(json_member(record, "config")->raw,
                "{\"url\":\"https://u:p@a.b/?sig=1\",\"headers\":{}}");
    assert_text(json_member(record, "oauth_config")->raw,
                "{\"token_url\":\"https://a.b/?sig=2\",\"codes\":[\"3\",4]}");
    assert_true(json_parse(build(present, &other), &arena, &record, &err));
    assert_text(json_member(record, "oauth_config")->raw,
                "{\"token_url\":\"https://c.d/?sig=****\",\"codes\":[\"****\"]}");
}

static void refuses_what_does_not_go_together(void **state)
{
    (void)state;
    const struct server_change changes[] = {
        {.url = VIEW("https://a.b"), .command = VIEW("c")},
        {.url = VIEW("https://a.b"), .env = json("{}")},
        {.url = VIEW("https://a.b"), .args = json("[]")},
        {.url = VIEW("https://a.b"), .isolation = VIEW("user")},
        {.command = VIEW("c"), .headers = json("{}")},
        {.command = VIEW("c"), .allow_private_addresses = true},
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        buf_clear(&made);
        assert_false(server_record_build(NULL, &changes[i], &made, &err));
        assert_string_equal(err.code, "options_disagree");
    }
}

static void refuses_large_records(void **state)
{
    (void)state;
    struct buf small;
    const struct server_change change = {.server_name = VIEW("s"), .command = VIEW("c")};
    buf_init(&small, 100);
    assert_false(server_record_build(NULL, &change, &small, &err));
    assert_string_equal(err.code, "server_too_large");
    buf_done(&small);
}

// Whether the record that `source` becomes is good; else the code of the error.
static const char *judge(const char *source)
{
    const struct server_change nothing = {0};
    const struct json_value *record;
    assert_true(json_parse(build(source, &nothing), &arena, &record, &err));
    return server_record_check(record, &err) ? "good" : err.code;
}

static void examines_records(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *verdict;
    } cases[] = {
        {"\"config\":{\"command\":\"c\"}", "good"},
        {"\"config\":{\"command\":\"c\",\"args\":null,\"env\":null}", "good"},
        {"\"config\":{\"url\":\"https://a.b\",\"headers\":{\"X-Y\":\"a\\tb\"}}", "good"},
        {"\"config\":{\"command\":\"c\"},\"tools\":{\"a\":{\"enabled\":true},\"b\":\"text\"}",
         "good"},
        {"\"config\":{\"command\":\"c\"},\"tools\":[\"a\",\"b\"]", "good"},
        {"\"a\":1", "invalid_server"},
        {"\"config\":5", "invalid_server"},
        {"\"config\":{}", "invalid_server"},
        {"\"config\":{\"command\":\"\"}", "invalid_server"},
        {"\"config\":{\"command\":\"a\\u0000\"}", "invalid_server"},
        {"\"config\":{\"command\":[\"a\"]}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"url\":\"https://a.b\"}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"args\":\"a\"}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"args\":[1]}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"args\":[\"a\\u0000b\"]}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"env\":[]}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"env\":{\"\":\"a\"}}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"env\":{\"A=B\":\"a\"}}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"env\":{\"A\":null}}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"env\":{\"A\":\"\\u0000\"}}", "invalid_server"},
        {"\"config\":{\"url\":\"a.b\"}", "invalid_url"},
        {"\"config\":{\"url\":5}", "invalid_url"},
        {"\"config\":{\"command\":\"c\",\"isolation\":\"tenant\"}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"isolation\":true}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"protocol\":\"\"}", "invalid_server"},
        {"\"config\":{\"url\":\"https://a.b\",\"protocol\":2}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"timeouts\":5}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"timeouts\":{\"total\":0}}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"timeouts\":{\"total\":86401}}", "invalid_server"},
        {"\"config\":{\"command\":\"c\",\"timeouts\":{\"idle\":1.5}}", "invalid_server"},
        {"\"config\":{\"url\":\"https://a.b\",\"timeouts\":{\"read\":1}}", "invalid_server"},
        {"\"config\":{\"url\":\"https://a.b\",\"headers\":{\"a b\":\"\"}}", "invalid_server"},
        {"\"config\":{\"url\":\"https://a.b\",\"headers\":{\"a\":\"b\\nc\"}}", "invalid_server"},
        {"\"config\":{\"url\":\"https://a.b\",\"allow_private_addresses\":1}", "invalid_server"},
        {"\"config\":{\"command\":\"c\"},\"description\":1", "invalid_server"},
        {"\"config\":{\"command\":\"c\"},\"enable_server_info_validation\":1", "invalid_server"},
        {"\"config\":{\"command\":\"c\"},\"tools\":1", "invalid_tools"},
        {"\"config\":{\"command\":\"c\"},\"tools\":[1]", "invalid_tools"},
        {"\"config\":{\"command\":\"c\"},\"tools\":{\"\":{}}", "invalid_tools"},
        {"\"config\":{\"command\":\"c\"},\"tools\":{\"a\":{\"enabled\":1}}", "invalid_tools"},
        {"\"config\":{\"command\":\"c\"},\"input_guardrails_policy\":1", "invalid_policy"},
        {"\"config\":{\"command\":\"c\"},\"output_guardrails_policy\":{\"enabled\":1}",
         "invalid_policy"},
        {"\"config\":{\"command\":\"c\"},\"tool_guardrails_policy\":{\"policy_name\":1}",
         "invalid_policy"},
        {"\"config\":{\"command\":\"c\"},\"tool_guardrails_policy\":{\"additional_config\":1}",
         "invalid_policy"},
        {"\"config\":{\"command\":\"c\"},\"tool_guardrails_policy\":{\"block\":[\"\"]}",
         "invalid_policy"},
        {"\"config\":{\"command\":\"c\"},\"oauth_config\":1", "invalid_oauth"},
        {"\"config\":{\"command\":\"c\"},\"oauth_config\":{\"enabled\":1}", "invalid_oauth"},
        {"\"config\":{\"command\":\"c\"},\"oauth_config\":{\"token_url\":\"x\"}", "invalid_oauth"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char record[512];
        (void)snprintf(record, sizeof record, "{\"server_name\":\"s\",%s}", cases[i].rest);
        if (view_is(view_of(judge(record)), cases[i].verdict))
            continue;
        fail_msg("%s: %s, wanted %s", record, judge(record), cases[i].verdict);
    }
    assert_string_equal(judge("{\"config\":{\"command\":\"c\"}}"), "invalid_name");
    assert_string_equal(judge("{\"server_name\":\" s\"}"), "invalid_name");
    assert_string_equal(judge("{\"server_name\":1}"), "invalid_name");
}

static void masks(void **state)
{
    (void)state;
    assert_masked("{\"config\":{\"command\":\"secret\",\"args\":[\"a\"],\"env\":{\"A\":\"1\","
                  "\"B\":\"\"},\"api_key\":\"2\",\"retries\":3,\"token\":true}}",
                  "{\"config\":{\"command\":\"secret\",\"args\":[\"a\"],\"env\":{\"A\":\"****\","
                  "\"B\":\"****\"},\"api_key\":\"****\",\"retries\":3,\"token\":true}}");
    assert_masked("{\"config\":{\"url\":\"https://u:p@a.b/c?v=1&sig=4&bare&API_KEY=2&token=3#f\","
                  "\"headers\":{\"Accept\":\"1\"}}}",
                  "{\"config\":{\"url\":\"https://****@a.b/"
                  "c?v=1&sig=****&****&API_KEY=****&token=****#****\","
                  "\"headers\":{\"Accept\":\"****\"}}}");
    assert_masked(
        "{\"oauth_config\":{\"client_id\":\"1\",\"CLIENT_SECRET\":\"2\",\"privateKey\":{"
        "\"a\":[\"3\",4,null,true]},\"Client_Assertion\":\"5\",\"token_url\":"
        "\"https://a.b/?key=6\",\"scope\":\"7\",\"Password\":8,\"deep\":[{\"token\":\"9\"}]}}",
        "{\"oauth_config\":{\"client_id\":\"1\",\"CLIENT_SECRET\":\"****\",\"privateKey\":{"
        "\"a\":[\"****\",\"****\",null,true]},\"Client_Assertion\":\"****\",\"token_url\":"
        "\"https://a.b/?key=****\",\"scope\":\"7\",\"Password\":\"****\",\"deep\":[{"
        "\"token\":\"****\"}]}}");
    // Whatever is not known to be public is secret.
    assert_masked("{\"oauth_config\":{\"enabled\":true,\"OAUTH_CLIENT_ID\":\"1\",\"OAUTH_SCOPE\":["
                  "\"2\"],\"jwt\":\"3\",\"auth\":\"4\",\"pin\":5,\"OAUTH_TOKEN_EXPIRY_BUFFER\":6,"
                  "\"OAUTH_CUSTOM_HEADERS\":{\"Authorization\":\"7\",\"scope\":\"8\",\"timeout\":"
                  "9},\"token_url\":\"https://a.b/t?sig=1\",\"webhook_url\":\"https://a.b/2\","
                  "\"audience\":\"https://u:p@a.b\",\"TokenUrl\":\"no URL\"}}",
                  "{\"oauth_config\":{\"enabled\":true,\"OAUTH_CLIENT_ID\":\"1\",\"OAUTH_SCOPE\":["
                  "\"2\"],\"jwt\":\"****\",\"auth\":\"****\",\"pin\":\"****\","
                  "\"OAUTH_TOKEN_EXPIRY_BUFFER\":6,\"OAUTH_CUSTOM_HEADERS\":{\"Authorization\":"
                  "\"****\",\"scope\":\"****\",\"timeout\":\"****\"},\"token_url\":"
                  "\"https://a.b/t?sig=****\",\"webhook_url\":\"****\",\"audience\":"
                  "\"https://****@a.b\",\"TokenUrl\":\"****\"}}");
    assert_masked("{\"config\":{\"command\":\"c\",\"cwd\":\"/\",\"note\":\"1\",\"timeouts\":{"
                  "\"total\":2},\"x\":{\"total\":3,\"cwd\":\"4\"}},\"sampling\":true,\"n\":[5]}",
                  "{\"config\":{\"command\":\"c\",\"cwd\":\"/\",\"note\":\"****\",\"timeouts\":{"
                  "\"total\":2},\"x\":{\"total\":\"****\",\"cwd\":\"****\"}},\"sampling\":true,"
                  "\"n\":[\"****\"]}");
    assert_masked("{\"tools\":{\"get_token\":{\"description\":\"a\"}},\"input_guardrails_policy\":{"
                  "\"additional_config\":{\"keywords\":\"b\"}},\"my_secret\":\"c\",\"note\":\"d\"}",
                  "{\"tools\":{\"get_token\":{\"description\":\"a\"}},\"input_guardrails_policy\":{"
                  "\"additional_config\":{\"keywords\":\"b\"}},\"my_secret\":\"****\","
                  "\"note\":\"****\"}");
    assert_masked(
        "{\"env\":{\"A\":\"1\",\"B\":true},\"headers\":[\"2\"],\"deep\":{\"env\":{\"URL\":"
        "\"https://a.b/?x=3\",\"C\":{\"d\":4}}},\"oauth_config\":{\"headers\":{\"uri\":"
        "\"https://a.b/5\"}},\"config\":{\"nested\":[{\"env\":\"6\",\"headers\":null}]}}",
        "{\"env\":{\"A\":\"****\",\"B\":\"****\"},\"headers\":\"****\",\"deep\":{\"env\":{"
        "\"URL\":\"****\",\"C\":\"****\"}},\"oauth_config\":{\"headers\":{\"uri\":"
        "\"****\"}},\"config\":{\"nested\":[{\"env\":\"****\",\"headers\":null}]}}");
    assert_masked("{\"config\":5,\"oauth_config\":null}", "{\"config\":{},\"oauth_config\":null}");
}

#define OAUTH(members)                                                                             \
    "{\"server_name\":\"s\",\"config\":{\"command\":\"sh\"},\"oauth_config\":{" members "}}"

static void knows_the_members_of_oauth(void **state)
{
    (void)state;
    static const struct {
        const char *members, *message;
    } cases[] = {
        {"\"OAUTH_CLIENT_ID\":null,\"further\":[5],\"scope\":[\"a\"]", NULL},
        {"\"OAUTH_TOKEN_EXPIRY_BUFFER\":300,\"additional_params\":{\"a\":1}", NULL},
        {"\"client_secret\":5", "Server s: oauth_config needs client_secret to be a text"},
        {"\"OAUTH_USE_PKCE\":\"yes\"", "Server s: oauth_config needs use_pkce to be true or false"},
        {"\"scopes\":[1]", "Server s: oauth_config needs scopes to be a text or a list of texts"},
        {"\"token_expiry_buffer\":-1",
         "Server s: oauth_config needs token_expiry_buffer to be a whole number of seconds"},
        {"\"custom_headers\":{\"a\":{}}", "Server s: oauth_config needs custom_headers to be an "
                                          "object of texts, numbers and truth values"},
        {"\"client_id\":\"a\",\"OAUTH_CLIENT_ID\":\"b\"",
         "Server s: oauth_config has client_id twice, by two spellings"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"server_name\":\"s\",\"oauth_config\":{%s}}",
                       cases[i].members);
        bool good = server_oauth_check(json(text), &err);
        assert_int_equal(good, cases[i].message == NULL);
        if (!good)
            assert_string_equal(err.message, cases[i].message);
    }
}

static void validates(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int64_t problems, warnings;
    } cases[] = {
        {"{\"server_name\":\"s\",\"config\":{\"command\":\"sh\"}}", 0, 0},
        {"{\"server_name\":\"s\",\"config\":{\"command\":\"/bin/sh\"}}", 0, 0},
        {"{\"server_name\":\"s\",\"config\":{\"command\":\"/bin\"}}", 1, 0},
        {"{\"server_name\":\"s\",\"config\":{\"command\":\"sh\",\"env\":{\"PATH\":\":/x\"}}}", 1,
         0},
        {"{\"server_name\":\"s\",\"config\":{\"command\":\"sh\",\"env\":{\"A\":\"****\"}}}", 1, 0},
        {"{\"server_name\":\"a b\",\"config\":{\"url\":\"http://u:p@10.0.0.1/\"}}", 2, 2},
        {"{\"server_name\":\"s\",\"config\":{\"url\":\"https://a.b\"},\"tools\":{\"a b\":{}}}", 1,
         0},
        {"{\"server_name\":\"s\",\"config\":{\"url\":\"https://a.b\"},\"tools\":5}", 1, 0},
        // 4 + 2 + 58 characters, then one more
        {"{\"server_name\":\"s\xc3\xa4\xc3\xb6__tt\",\"config\":{\"command\":\"sh\"},\"tools\":{"
         "\"1234567890123456789012345678901234567890123456789012345678\":{}}}",
         0, 1},
        {"{\"server_name\":\"s\xc3\xa4\xc3\xb6__tt\",\"config\":{\"command\":\"sh\"},\"tools\":{"
         "\"12345678901234567890123456789012345678901234567890123456789\":{}}}",
         0, 2},
        {OAUTH("\"enabled\":false"), 0, 0},
        {OAUTH(""), 3, 0},
        {OAUTH("\"client_id\":\"a\",\"OAUTH_CLIENT_SECRET\":\"b\",\"tokenUrl\":\"https://a.b\""), 0,
         0},
        {OAUTH("\"client_id\":\"a\",\"OAUTH_GRANT_TYPE\":\"authorization_code\""), 3, 0},
        {OAUTH("\"client_id\":\"a\",\"use_mtls\":true,\"token_url\":\"https://a.b\""), 2, 0},
        {OAUTH("\"grant_type\":\"magic\""), 1, 0},
        {OAUTH("\"client_id\":5"), 1, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct server_change nothing = {0};
        const struct json_value *record;
        assert_true(json_parse(build(cases[i].source, &nothing), &arena, &record, &err));
        assert_int_equal(server_validate(record, STOPS, NULL), cases[i].problems);
        assert_int_equal(server_validate(record, WARNS, NULL), cases[i].warnings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_what_it_does_not_know, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_the_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mask_keeps_the_secret, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_masked_url_keeps_its_secrets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_go_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_large_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(examines_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_the_members_of_oauth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(validates, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
