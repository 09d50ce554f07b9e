// test_gateway_options.c: the options of `serve` as settings of the gateway.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/clock.h"
#include "doors/argv.h"
#include "doors/gateway_options.h"

enum { WORDS = 12 };

static struct err err;
static struct request request;
static struct gateway_options options;

static int tear_down(void **state)
{
    (void)state;
    gateway_options_done(&options);
    request_done(&request);
    return 0;
}

// `serve` with these words, as a shell splits them.
static bool read_line(const char *line)
{
    static char text[1024];
    char *words[WORDS + 1] = {NULL}, *rest = text;
    int count = 0;
    (void)tear_down(NULL);
    (void)snprintf(text, sizeof text, "secure-mcp-gateway serve%s%s", line[0] ? " " : "", line);
    for (char *word; count < WORDS && (word = strsep(&rest, " ")) != NULL;)
        words[count++] = word;
    if (!request_read(&request, count, words, &err))
        fail_msg("%s: %s", line, err.message);
    assert_non_null(request.op);
    assert_int_equal(request.op->effect, EFFECT_PROGRAM);
    return gateway_options_read(&request.args, &options, &err);
}

static const struct settings *settings_of(const char *line)
{
    if (!read_line(line))
        fail_msg("%s: %s", line, err.message);
    return &options.settings;
}

static void starts_from_the_defaults(void **state)
{
    (void)state;
    struct settings defaults;
    settings_init(&defaults);
    const struct settings *settings = settings_of("");
    defaults.holder = settings->holder;
    assert_memory_equal(settings, &defaults, sizeof defaults);
    assert_false(options.stdio);
    assert_true(settings_of("--stdio --home /a --store sqlite:/b/c.db") && options.stdio);
    assert_string_equal(request.home, "/a");
    assert_string_equal(request.store_url, "sqlite:/b/c.db");
}

// Every parameter of the row but the texts has a place in the settings, of its own.
static void each_measure_has_its_place(void **state)
{
    (void)state;
    const struct op *op = op_find(VIEW(""), VIEW("serve"));
    assert_non_null(op);
    struct settings defaults = *settings_of(""), seen[OP_PARAMS];
    size_t count = 0;
    for (size_t i = 0; i < op->param_count; i++) {
        const struct param_row *row = &param_rows[op->params[i].param];
        bool measure =
            row->type == TYPE_NUMBER || row->type == TYPE_SIZE || row->type == TYPE_DURATION;
        char line[64];
        const char *value = row->type == TYPE_NUMBER ? "9" : row->type == TYPE_SIZE ? "7K" : "61s";
        if (!measure)
            continue;
        bool first = op->params[i].param == P_RESTART_FIRST;
        bool lease = op->params[i].param == P_LEASE;
        (void)snprintf(line, sizeof line, "--%s %s", row->name, first || lease ? "33s" : value);
        seen[count] = *settings_of(line);
        assert_memory_not_equal(&seen[count], &defaults, sizeof defaults);
        for (size_t j = 0; j < count; j++)
            assert_memory_not_equal(&seen[count], &seen[j], sizeof defaults);
        count++;
    }
    assert_int_equal(count, 29);
}

static void reads_what_is_given(void **state)
{
    (void)state;
    const struct settings *settings =
        settings_of("--listen [::1]:9000 --tls-cert c.pem --tls-key=k.pem --max-body 1M "
                    "--total-timeout 10m");
    assert_string_equal(settings->listen, "[::1]:9000");
    assert_string_equal(settings->tls_certificate, "c.pem");
    assert_string_equal(settings->tls_key, "k.pem");
    assert_int_equal(settings->request_body, 1 << 20);
    assert_int_equal(settings->total_timeout, 600 * TIME_SECOND);
    assert_int_equal(settings->message_depth, 128);
    settings = settings_of(
        "--calls-per-key 5 --max-depth 1024 --workers 3 --metrics-listen unix:m --upstream-ca a");
    assert_int_equal(settings->calls_per_key, 5);
    assert_int_equal(settings->message_depth, 1024);
    assert_int_equal(settings->workers, 3);
    assert_string_equal(settings->metrics_listen, "unix:m");
    assert_string_equal(settings->tls_authorities, "a");
}

static void reads_lists(void **state)
{
    (void)state;
    const struct settings *settings = settings_of("--allow-origin a,b,c --allow-host x");
    assert_string_equal(settings->origins[0], "a");
    assert_string_equal(settings->origins[1], "b");
    assert_string_equal(settings->origins[2], "c");
    assert_null(settings->origins[3]);
    assert_string_equal(settings->hosts[0], "x");
    assert_null(settings->hosts[1]);
    assert_null(settings_of("")->origins);
}

static void refuses(const char *line, const char *code, const char *message)
{
    err = (struct err){.kind = ERR_NONE};
    assert_false(read_line(line));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.code, code);
    if (!strstr(err.message, message))
        fail_msg("%s: %s", line, err.message);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    refuses("--workers 257", "invalid_value", "--workers is not valid: expected 1 to 256");
    refuses("--max-body 1023", "invalid_value", "expected 1024 to 1073741824 bytes");
    refuses("--max-head 2M", "invalid_value", "--max-head");
    refuses("--lease 2m", "invalid_value", "expected 1 to 60 seconds");
    refuses("--usage-period 59s", "invalid_value", "expected 60 to 86400 seconds");
    refuses("--stdio --listen a:1", "options_disagree", "--stdio");
    refuses("--stdio --tls-cert a --tls-key b", "options_disagree", "--stdio");
    refuses("--tls-cert a", "options_disagree", "--tls-key");
    refuses("--tls-key a", "options_disagree", "--tls-cert");
    refuses("--restart-first 2m", "options_disagree", "--restart-most");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(starts_from_the_defaults, tear_down),
        cmocka_unit_test_teardown(each_measure_has_its_place, tear_down),
        cmocka_unit_test_teardown(reads_what_is_given, tear_down),
        cmocka_unit_test_teardown(reads_lists, tear_down),
        cmocka_unit_test_teardown(refuses_what_cannot_be, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
