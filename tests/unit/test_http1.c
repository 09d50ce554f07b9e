// test_http1.c: the framing of HTTP/1.1. Every head is also read at every shorter length: it is
// HTTP_MORE until the answer is sure, and the answer never changes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/http1.h"

typedef enum http_step (*read_fn)(struct view, struct http_head *, size_t *, const char **);

static enum http_step read_any_cut(read_fn read, struct view bytes, struct http_head *ret_head,
                                   size_t *ret_size, const char **ret_reason)
{
    enum http_step last = HTTP_MORE;
    const char *reason = NULL;
    size_t size = 0;
    for (size_t cut = 0; cut <= bytes.size; cut++) {
        // A block of its own: the sanitizer sees a byte read too far.
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        if (cut > 0)
            memcpy(copy + 1, bytes.data, cut);
        enum http_step step = read((struct view){copy + 1, cut}, ret_head, ret_size, ret_reason);
        free(copy);
        if (last != HTTP_MORE) {
            assert_int_equal(step, last);
            assert_true(step == HTTP_DONE ? *ret_size == size : *ret_reason == reason);
        }
        last = step;
        if (step == HTTP_DONE)
            size = *ret_size;
        if (step == HTTP_BAD)
            reason = *ret_reason;
    }
    return read(bytes, ret_head, ret_size, ret_reason);
}

static void expect_good(read_fn read, struct view bytes, struct http_head *ret_head)
{
    const char *reason = "more is wanted";
    size_t size = 0;
    if (read_any_cut(read, bytes, ret_head, &size, &reason) != HTTP_DONE)
        fail_msg("%s: %.*s", reason, VIEW_ARG(bytes));
    assert_int_equal(size, bytes.size);
}

static void expect_bad(read_fn read, struct view bytes, const char *wanted)
{
    struct http_head head;
    const char *reason = "";
    size_t size = 0;
    if (read_any_cut(read, bytes, &head, &size, &reason) != HTTP_BAD)
        fail_msg("not refused: %.*s", VIEW_ARG(bytes));
    assert_string_equal(reason, wanted);
}

static void good_request(const char *text, struct http_head *ret_head)
{
    expect_good(http_read_request, view_of(text), ret_head);
}

static void bad_request(const char *text, const char *reason)
{
    expect_bad(http_read_request, view_of(text), reason);
}

static void bad_behind(read_fn read, struct view first, struct view fields, const char *reason)
{
    struct buf buf;
    buf_init(&buf, 4096);
    buf_add(&buf, first);
    buf_add(&buf, fields);
    http_add_end(&buf);
    expect_bad(read, buf_view(&buf), reason);
    buf_done(&buf);
}

// The same fields in a request and in a response.
static void bad_fields(struct view fields, const char *reason)
{
    bad_behind(http_read_request, VIEW("POST /mcp HTTP/1.1\r\nHost: a\r\n"), fields, reason);
    bad_behind(http_read_response, VIEW("HTTP/1.1 200 OK\r\n"), fields, reason);
}

static void assert_view(struct view seen, const char *wanted)
{
    if (!view_is(seen, wanted))
        fail_msg("'%.*s' is not '%s'", VIEW_ARG(seen), wanted);
}

static void reads_requests(void **state)
{
    (void)state;
    struct http_head head;
    good_request(
        "POST /mcp?a=b HTTP/1.1\r\nHost: localhost:8000\r\nContent-Length: 12\r\n"
        "Accept:\t application/json, text/event-stream \t\r\nX-Empty:\r\nx-empty: \r\n\r\n",
        &head);
    assert_view(head.method, "POST");
    assert_view(head.target, "/mcp?a=b");
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.status, 0);
    assert_int_equal(head.field_count, 5);
    assert_true(head.has_length && head.length == 12 && head.keep_alive);
    assert_false(head.chunked || head.expect_continue);
    assert_view(http_value(&head, "HOST"), "localhost:8000");
    assert_view(http_value(&head, "accept"), "application/json, text/event-stream");
    size_t count = 9;
    assert_true(http_field(&head, VIEW("X-EMPTY"), &count) == &head.fields[3]);
    assert_int_equal(count, 2);
    assert_int_equal(head.fields[3].value.size, 0);
    assert_null(http_field(&head, VIEW("x-empt"), &count));
    assert_int_equal(count, 0);
    assert_null(http_value(&head, "x").data);

    good_request("DELETE * HTTP/1.1\r\nhOST:\r\n\r\n", &head);
    assert_false(head.has_length);
    good_request("\r\nM-SEARCH http://a/b HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", &head);
    assert_view(head.method, "M-SEARCH");
    good_request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", &head);
    assert_true(head.chunked);
    good_request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
                 &head);
    assert_true(head.length == UINT64_MAX);
    good_request("POST / HTTP/1.1\r\nHost: a\r\nX: gr\xc3\xbc\xc3\x9f\tgott\r\n\r\n", &head);
    assert_view(http_value(&head, "x"), "gr\xc3\xbc\xc3\x9f\tgott");
}

static void leaves_what_is_behind_the_head(void **state)
{
    (void)state;
    struct http_head head;
    const char *reason;
    size_t size;
    struct view bytes = VIEW("GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n\n\0x");
    assert_int_equal(read_any_cut(http_read_request, bytes, &head, &size, &reason), HTTP_DONE);
    assert_int_equal(size, bytes.size - 5);
}

static void tells_what_becomes_of_the_connection(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive, expect_continue;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false,
         false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, cl ose\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\n\r\n", false, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", false, false},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", true, true},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", true, false},
        {"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_head head;
        good_request(cases[i].text, &head);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
        assert_int_equal(head.expect_continue, cases[i].expect_continue);
    }
}

static const char line[] = "the request line is not a method, a target and a version";
static const char version[] = "the version is not HTTP/1.0 or HTTP/1.1";
static const char lone_cr[] = "there is a CR without LF";
static const char lone_lf[] = "a line ends with LF alone";
static const char control[] = "there is a control character, or more on a line than belongs there";
static const char name[] = "there is a character in the name of a header field that is none there";
static const char fold[] = "a header line begins with a blank";
static const char digits[] = "Content-Length is not digits";
static const char coding[] = "Transfer-Encoding is not `chunked`";
static const char no_host[] = "Host is not a host";

static void refuses_request_lines(void **state)
{
    (void)state;
    bad_request(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("\tGET / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", lone_cr);
    bad_request("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", version);
    bad_request("GET /\r\n\r\n", line);
    bad_request("GET HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET / \r\n\r\n", version);
    bad_request("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", control);
    bad_request("GET / HTTP/1.10\r\nHost: a\r\n\r\n", control);
    bad_request("GET / HTTP/2.0\r\nHost: a\r\n\r\n", version);
    bad_request("GET / HTTP/1.2\r\nHost: a\r\n\r\n", version);
    bad_request("GET / HTTP/0.9\r\nHost: a\r\n\r\n", version);
    bad_request("GET / HTTP/1\r\nHost: a\r\n\r\n", version);
    bad_request("GET / http/1.1\r\nHost: a\r\n\r\n", version);
    bad_request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", version);
    bad_request("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /\ta HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", line);
    bad_request("GET / HTTP/1.1\nHost: a\r\n\r\n", lone_lf);
    bad_request("GET / HTTP/1.1\rHost: a\r\n\r\n", lone_cr);
    bad_request("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", lone_cr);
    bad_request("\x16\x03\x01\x02", line);
    expect_bad(http_read_request, VIEW("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), line);
    expect_bad(http_read_request, VIEW("\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"), line);
}

static void refuses_hosts(void **state)
{
    (void)state;
    bad_request("GET / HTTP/1.1\r\n\r\n", "there is no Host");
    bad_request("GET / HTTP/1.1\r\nHos: a\r\nHostt: a\r\n\r\n", "there is no Host");
    bad_request("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "there is a second Host");
    bad_request("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "there is a second Host");
    bad_request("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", no_host);
    bad_request("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", no_host);
    bad_request("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", no_host);
    bad_request("GET / HTTP/1.1\r\nHost: \xc3\xbc\r\n\r\n", no_host);
}

static void refuses_fields(void **state)
{
    (void)state;
    bad_fields(VIEW("A: b\rC: d\r\n"), lone_cr);
    bad_fields(VIEW("A: b\r\r\n"), lone_cr);
    bad_fields(VIEW("A: b\nC: d\r\n"), lone_lf);
    bad_fields(VIEW("A: b\n"), lone_lf);
    bad_fields(VIEW("\nA: b\r\n"), lone_lf);
    bad_fields(VIEW("\rA: b\r\n"), lone_cr);
    bad_fields(VIEW("A: b\r\n c\r\n"), fold);
    bad_fields(VIEW("A: b\r\n\tc\r\n"), fold);
    bad_fields(VIEW(" A: b\r\n"), fold);
    bad_fields(VIEW("A: b\r\n \r\n"), fold);
    bad_fields(VIEW("A : b\r\n"), "there is a blank before the colon of a header field");
    bad_fields(VIEW("A\t: b\r\n"), "there is a blank before the colon of a header field");
    bad_fields(VIEW("Transfer-Encoding : chunked\r\n"),
               "there is a blank before the colon of a header field");
    bad_fields(VIEW(": b\r\n"), "a header field has no name");
    bad_fields(VIEW("A\r\n"), name);
    bad_fields(VIEW("A(b): c\r\n"), name);
    bad_fields(VIEW("\"A\": c\r\n"), name);
    bad_fields(VIEW("\xc3\x89: c\r\n"), name);
    bad_fields(VIEW("A\x01: c\r\n"), name);
    bad_fields(VIEW("A\0: c\r\n"), name);
    bad_fields(VIEW("A: b\0c\r\n"), control);
    bad_fields(VIEW("A: \x7f\r\n"), control);
    bad_fields(VIEW("A: \x01\r\n"), control);
    bad_fields(VIEW("A: \x1b[31m\r\n"), control);
    bad_fields(VIEW("A: \x0b\r\n"), control);
}

static void refuses_lengths_and_codings(void **state)
{
    (void)state;
    static const char *const lengths[] = {"+5",  "-1",  "0x5", "5_0", "",      "5, 5",    "5,5",
                                          "5 5", "5.0", "5e1", "a",   "\"5\"", "\xd9\xa5"};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char fields[80];
        int size = snprintf(fields, sizeof fields, "content-length: %s\r\n", lengths[i]);
        bad_fields((struct view){fields, (size_t)size}, digits);
    }
    bad_fields(VIEW("Content-Length: 18446744073709551616\r\n"), "Content-Length is too large");
    bad_fields(VIEW("Content-Length: 99999999999999999999999\r\n"), "Content-Length is too large");
    bad_fields(VIEW("Content-Length: 5\r\nContent-Length: 5\r\n"),
               "there is a second Content-Length");
    bad_fields(VIEW("Content-Length: 5\r\ncontent-length: 6\r\n"),
               "there is a second Content-Length");
    bad_fields(VIEW("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
               "there are both Content-Length and Transfer-Encoding");
    bad_fields(VIEW("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
               "there are both Content-Length and Transfer-Encoding");
    static const char *const codings[] = {"gzip, chunked",
                                          "chunked, chunked",
                                          "xchunked",
                                          "chunkedx",
                                          "chunked;a=b",
                                          "identity",
                                          "",
                                          "chunked,",
                                          ", chunked",
                                          "\"chunked\"",
                                          "chunked, gzip"};
    for (size_t i = 0; i < COUNT_OF(codings); i++) {
        char fields[80];
        int size = snprintf(fields, sizeof fields, "transfer-encoding: %s\r\n", codings[i]);
        bad_fields((struct view){fields, (size_t)size}, coding);
    }
    bad_fields(VIEW("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
               "there is a second Transfer-Encoding");
    bad_fields(VIEW("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
               "there is a second Transfer-Encoding");
    bad_request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                "there is a Transfer-Encoding in HTTP/1.0");
    expect_bad(http_read_response, VIEW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
               "there is a Transfer-Encoding in HTTP/1.0");
}

static void has_a_limit_of_fields(void **state)
{
    (void)state;
    struct buf buf;
    struct http_head head;
    const char *reason = NULL;
    size_t size;
    buf_init(&buf, 1 << 16);
    http_add_request(&buf, "GET", VIEW("/"));
    http_add_field(&buf, "Host", VIEW("a"));
    for (int i = 1; i < HTTP_FIELDS; i++)
        http_add_field(&buf, "A", VIEW("b"));
    size_t fits = buf.size;
    http_add_end(&buf);
    assert_int_equal(http_read_request(buf_view(&buf), &head, &size, &reason), HTTP_DONE);
    assert_int_equal(head.field_count, HTTP_FIELDS);
    buf.size = fits;
    http_add_field(&buf, "A", VIEW("b"));
    http_add_end(&buf);
    assert_int_equal(http_read_request(buf_view(&buf), &head, &size, &reason), HTTP_BAD);
    assert_ptr_equal(reason, http_too_many_fields);
    buf_done(&buf);
}

static void reads_responses(void **state)
{
    (void)state;
    struct http_head head;
    expect_good(http_read_response,
                VIEW("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nHost: a\r\nHost: /\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n"),
                &head);
    assert_int_equal(head.status, 200);
    assert_true(head.chunked && head.keep_alive);
    assert_null(head.method.data);
    expect_good(http_read_response, VIEW("HTTP/1.0 404 Not \xc3\xbc Found\r\n\r\n"), &head);
    assert_int_equal(head.status, 404);
    assert_false(head.keep_alive || head.has_length);
    expect_good(http_read_response, VIEW("HTTP/1.1 202 \r\n\r\n"), &head);
    expect_good(http_read_response, VIEW("HTTP/1.1 599\r\n\r\n"), &head);
    static const char status[] = "the status is not three digits";
    static const char range[] = "the status is not from 100 to 599";
    expect_bad(http_read_response, VIEW("HTTP/1.1 20 OK\r\n\r\n"), status);
    expect_bad(http_read_response, VIEW("HTTP/1.1 2000 OK\r\n\r\n"), control);
    expect_bad(http_read_response, VIEW("HTTP/1.1  200 OK\r\n\r\n"), status);
    expect_bad(http_read_response, VIEW("HTTP/1.1 +20 OK\r\n\r\n"), status);
    expect_bad(http_read_response, VIEW("HTTP/1.1\t200 OK\r\n\r\n"), status);
    expect_bad(http_read_response, VIEW("HTTP/1.1\r\n\r\n"), status);
    expect_bad(http_read_response, VIEW("HTTP/1.1 000 OK\r\n\r\n"), range);
    expect_bad(http_read_response, VIEW("HTTP/1.1 600 OK\r\n\r\n"), range);
    expect_bad(http_read_response, VIEW("HTTP/1.1 200\tOK\r\n\r\n"), control);
    expect_bad(http_read_response, VIEW("HTTP/1.1 200 O\x01K\r\n\r\n"), control);
    expect_bad(http_read_response, VIEW("HTTP/2 200\r\n\r\n"), version);
    expect_bad(http_read_response, VIEW("\r\nHTTP/1.1 200 OK\r\n\r\n"), version);
    expect_bad(http_read_response, VIEW("HTTP/1.1 200 OK\n\n"), lone_lf);
}

static void finds_tokens_in_lists(void **state)
{
    (void)state;
    assert_true(http_lists(VIEW("text/event-stream"), "text/event-stream"));
    assert_true(http_lists(VIEW("a/b, Text/Event-Stream ; q=0.9"), "text/event-stream"));
    assert_true(http_lists(VIEW(",,\ta/b\t,"), "a/b"));
    assert_true(http_lists(VIEW("a;x=\",\\\",\", b"), "b"));
    assert_false(http_lists(VIEW("a;x=\", b, \""), "b"));
    assert_false(http_lists(VIEW("a;x=\"\\"), "b"));
    assert_false(http_lists(VIEW("text/event-streams, xtext/event-stream"), "text/event-stream"));
    assert_false(http_lists(VIEW("a b"), "b"));
    assert_false(http_lists((struct view){NULL, 0}, "b"));
    assert_true(http_same(VIEW("x-^Y"), "X-^y"));
    assert_false(http_same(VIEW("x-^y"), "x-~y"));
}

static void writes_heads(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    http_add_status(&buf, 200);
    http_add_field(&buf, "Content-Type", VIEW("application/json"));
    http_add_length(&buf, 10485760);
    http_add_end(&buf);
    http_add_status(&buf, 299);
    http_add_request(&buf, "POST", VIEW("/mcp"));
    http_add_length(&buf, 0);
    assert_false(buf.failed);
    assert_view(
        buf_view(&buf),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n"
        "HTTP/1.1 299 \r\nPOST /mcp HTTP/1.1\r\nContent-Length: 0\r\n");
    const struct view values[] = {VIEW("a\rb"), VIEW("a\nb"), VIEW("a\0b"), VIEW("\x7f")};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_clear(&buf);
        http_add_field(&buf, "A", values[i]);
        assert_true(buf.failed);
    }
    static const char *const names[] = {"", "a b", "a:", "a\r\n", "\xc3\xbc"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        buf_clear(&buf);
        http_add_field(&buf, names[i], VIEW("a"));
        assert_true(buf.failed);
        buf_clear(&buf);
        http_add_request(&buf, names[i], VIEW("/"));
        assert_true(buf.failed);
        buf_clear(&buf);
        http_add_request(&buf, "GET", i == 2 ? VIEW("/ HTTP/1.1\r\n") : view_of(names[i]));
        assert_true(buf.failed);
    }
    buf_clear(&buf);
    http_add_status(&buf, 1000);
    assert_true(buf.failed);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_requests),
        cmocka_unit_test(leaves_what_is_behind_the_head),
        cmocka_unit_test(tells_what_becomes_of_the_connection),
        cmocka_unit_test(refuses_request_lines),
        cmocka_unit_test(refuses_hosts),
        cmocka_unit_test(refuses_fields),
        cmocka_unit_test(refuses_lengths_and_codings),
        cmocka_unit_test(has_a_limit_of_fields),
        cmocka_unit_test(reads_responses),
        cmocka_unit_test(finds_tokens_in_lists),
        cmocka_unit_test(writes_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
