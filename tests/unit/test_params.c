// test_params.c: what each parameter accepts and refuses, and what a refusal says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "ops/param.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

#define A_KEY "smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD"
#define A_UUID "6469a670-1d64-4da5-b2b3-790de21ac726"

static struct err err;

static bool is_of(enum param param, enum param_type type)
{
    return param_rows[param].type == type;
}

static bool accepts(enum param param, struct view text, int64_t number)
{
    struct arg arg = {.number = 77};
    err = (struct err){.kind = ERR_NONE};
    return param_read(param, text, &arg, &err) && err.kind == ERR_NONE && arg.given &&
           arg.text.data == text.data && arg.text.size == text.size && arg.number == number;
}

// A refusal names the option, is a matter of usage and leaves the argument alone.
static bool refuses(enum param param, struct view text, const char *code)
{
    struct arg arg = {.number = 77};
    char option[64];
    (void)snprintf(option, sizeof option, "--%s", param_rows[param].name);
    err = (struct err){.kind = ERR_NONE};
    return !param_read(param, text, &arg, &err) && err.kind == ERR_USAGE &&
           strcmp(err.code, code) == 0 && strstr(err.message, option) && !arg.given &&
           !arg.text.data && arg.number == 77;
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (int i = 0; i < P_COUNT; i++) {
        const struct param_row *row = &param_rows[i];
        assert_non_null(row->name);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
        assert_true(row->name[0] != '-');
        assert_int_equal(row->metavar == NULL, row->type == TYPE_FLAG);
        assert_true(row->help[0] && row->help[strlen(row->help) - 1] != '.');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(row->name, param_rows[j].name);
    }
}

struct measure {
    struct view text;
    int64_t number;
};

#define HOUR (3600 * TIME_SECOND)

static const struct measure lengths[] = {
    {TEXT("1s"), TIME_SECOND},
    {TEXT("90s"), 90 * TIME_SECOND},
    {TEXT("1m"), 60 * TIME_SECOND},
    {TEXT("12h"), 12 * HOUR},
    {TEXT("90d"), 90 * TIME_DAY},
    {TEXT("2w"), 14 * TIME_DAY},
    {TEXT("007d"), 7 * TIME_DAY},
    {TEXT("36500d"), 36500 * TIME_DAY},
    {TEXT("876000h"), 36500 * TIME_DAY},
    {TEXT("3153600000s"), 36500 * TIME_DAY},
    {TEXT("5214w"), 5214 * 7 * TIME_DAY},
};

static const struct view no_lengths[] = {
    {NULL, 0},
    TEXT(""),
    TEXT("d"),
    TEXT("90"),
    TEXT("0d"),
    TEXT("0s"),
    TEXT("00d"),
    TEXT("-1d"),
    TEXT("+1d"),
    TEXT("1.5d"),
    TEXT("1 d"),
    TEXT(" 1d"),
    TEXT("1d "),
    TEXT("1D"),
    TEXT("1y"),
    TEXT("1dd"),
    TEXT("1d12h"),
    TEXT("1d\n"),
    TEXT("1d\0"),
    TEXT("1\0d"),
    TEXT("0x1d"),
    TEXT("36501d"),
    TEXT("5215w"),
    TEXT("3153600001s"),
    TEXT("99999999999999999999d"),
    TEXT("1e3s"),
    TEXT("Never"),
    TEXT("NEVER"),
    TEXT("never "),
    TEXT("nevers"),
    TEXT("inf"),
    TEXT("\xd9\xa1"
         "d"),
    TEXT("18446744073709551617d"),
    TEXT("forever"),
};

static void reads_lengths_of_time(void **state)
{
    (void)state;
    for (int i = 0; i < P_COUNT; i++) {
        enum param param = (enum param)i;
        if (!is_of(param, TYPE_DURATION) && !is_of(param, TYPE_EXPIRY))
            continue;
        for (size_t j = 0; j < COUNT_OF(lengths); j++)
            if (!accepts(param, lengths[j].text, lengths[j].number))
                fail_msg("refused: %s %s", lengths[j].text.data, err.message);
        for (size_t j = 0; j < COUNT_OF(no_lengths); j++)
            if (!refuses(param, no_lengths[j], "invalid_value"))
                fail_msg("accepted: %.*s", VIEW_ARG(no_lengths[j]));
        if (is_of(param, TYPE_EXPIRY))
            assert_true(accepts(param, VIEW("never"), 0));
        else
            assert_true(refuses(param, VIEW("never"), "invalid_value"));
    }
}

static void reads_times(void **state)
{
    (void)state;
    static const struct measure times[] = {
        {TEXT("1970-01-02"), TIME_DAY},
        {TEXT("2025-07-16"), INT64_C(1752624000000000)},
        {TEXT("2025-07-16Z"), INT64_C(1752624000000000)},
        {TEXT("2025-07-16T17:02:00"), INT64_C(1752685320000000)},
        {TEXT("2025-07-16T17:02:00Z"), INT64_C(1752685320000000)},
        {TEXT("2025-07-16T17:02:00.4"), INT64_C(1752685320400000)},
        {TEXT("2025-07-16T17:02:00.406902"), INT64_C(1752685320406902)},
        {TEXT("2025-07-16T17:02:00.406902Z"), INT64_C(1752685320406902)},
        {TEXT("2024-02-29"), INT64_C(1709164800000000)},
        {TEXT("9999-12-31T23:59:59.999999"), INT64_C(253402300799999999)},
    };
    static const struct view no_times[] = {
        {NULL, 0},
        TEXT(""),
        TEXT("now"),
        TEXT("yesterday"),
        TEXT("1752624000"),
        TEXT("2025-7-16"),
        TEXT("16.07.2025"),
        TEXT("2025-02-29"),
        TEXT("2025-13-01"),
        TEXT("2025-00-10"),
        TEXT("2025-04-31"),
        TEXT("2025-01-00"),
        TEXT("1969-12-31"),
        TEXT("10000-01-01"),
        TEXT("2025-07-16T"),
        TEXT("2025-07-16 17:02:00"),
        TEXT("2025-07-16T24:00:00"),
        TEXT("2025-07-16T17:60:00"),
        TEXT("2025-07-16T17:02:60"),
        TEXT("2025-07-16T17:02"),
        TEXT("2025-07-16T17:02:00."),
        TEXT("2025-07-16T17:02:00.4069021"),
        TEXT("2025-07-16T17:02:00+02:00"),
        TEXT("2025-07-16\n"),
        TEXT("2025-07-16\0"),
        TEXT(" 2025-07-16"),
        TEXT("2025-07-16ZZ"),
    };
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (!accepts(P_SINCE, times[i].text, times[i].number))
            fail_msg("refused: %s", times[i].text.data);
    for (size_t i = 0; i < COUNT_OF(no_times); i++)
        if (!refuses(P_SINCE, no_times[i], "invalid_value"))
            fail_msg("accepted: %.*s", VIEW_ARG(no_times[i]));
}

static void reads_how_long_ago(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct arg arg;
        int64_t before = clock_now();
        assert_true(param_read(P_SINCE, lengths[i].text, &arg, &err));
        assert_true(arg.number >= before - lengths[i].number);
        assert_true(arg.number <= clock_now() - lengths[i].number);
    }
    for (size_t i = 0; i < COUNT_OF(no_lengths); i++)
        assert_true(refuses(P_SINCE, no_lengths[i], "invalid_value"));
}

static void reads_numbers(void **state)
{
    (void)state;
    static const struct view no_numbers[] = {
        {NULL, 0},
        TEXT(""),
        TEXT("0"),
        TEXT("00"),
        TEXT("-1"),
        TEXT("+1"),
        TEXT("1.0"),
        TEXT("1e3"),
        TEXT("0x10"),
        TEXT(" 1"),
        TEXT("1 "),
        TEXT("1\n"),
        TEXT("1\0"),
        TEXT("one"),
        TEXT("1,000"),
        TEXT("1000001"),
        TEXT("10000000"),
        TEXT("4294967297"),
        TEXT("18446744073709551617"),
        TEXT("99999999999999999999999999999999"),
    };
    assert_true(accepts(P_LIMIT, VIEW("1"), 1));
    assert_true(accepts(P_LIMIT, VIEW("100"), 100));
    assert_true(accepts(P_LIMIT, VIEW("0100"), 100));
    assert_true(accepts(P_LIMIT, VIEW("1000000"), LIMIT_PAGE));
    for (size_t i = 0; i < COUNT_OF(no_numbers); i++)
        if (!refuses(P_LIMIT, no_numbers[i], "invalid_value"))
            fail_msg("accepted: %.*s", VIEW_ARG(no_numbers[i]));
}

static void reads_sizes(void **state)
{
    (void)state;
    static const struct view no_sizes[] = {TEXT(""),
                                           TEXT("0"),
                                           TEXT("0K"),
                                           TEXT("K"),
                                           TEXT("-1"),
                                           TEXT("1k"),
                                           TEXT("1.5M"),
                                           TEXT("1 M"),
                                           TEXT("2G"),
                                           TEXT("1025M"),
                                           TEXT("1073741825"),
                                           TEXT("1KB"),
                                           TEXT("99999999999999999999")};
    assert_true(accepts(P_MAX_BODY, VIEW("1"), 1));
    assert_true(accepts(P_MAX_BODY, VIEW("65536"), 65536));
    assert_true(accepts(P_MAX_BODY, VIEW("16K"), 16 << 10));
    assert_true(accepts(P_MAX_BODY, VIEW("10M"), 10 << 20));
    assert_true(accepts(P_MAX_BODY, VIEW("1G"), LIMIT_SIZE));
    assert_true(accepts(P_MAX_BODY, VIEW("1073741824"), LIMIT_SIZE));
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++)
        if (!refuses(P_MAX_BODY, no_sizes[i], "invalid_value"))
            fail_msg("%s: %s", no_sizes[i].data, err.message);
}

static void reads_places_to_listen(void **state)
{
    (void)state;
    static const struct view places[] = {TEXT("127.0.0.1:8000"),
                                         TEXT("localhost:0"),
                                         TEXT("[::1]:65535"),
                                         TEXT("[::ffff:1.2.3.4]:1"),
                                         TEXT("mcp.example.com:443"),
                                         TEXT("unix:/run/a b.sock"),
                                         TEXT("unix:x")};
    static const struct view no_places[] = {TEXT(""),
                                            TEXT("8000"),
                                            TEXT(":8000"),
                                            TEXT("127.0.0.1"),
                                            TEXT("127.0.0.1:"),
                                            TEXT("127.0.0.1:65536"),
                                            TEXT("127.0.0.1:000080"),
                                            TEXT("127.0.0.1:80x"),
                                            TEXT("::1:80"),
                                            TEXT("[::1]"),
                                            TEXT("[::1]80"),
                                            TEXT("[]:80"),
                                            TEXT("[::1:80"),
                                            TEXT("a b:80"),
                                            TEXT("http://a:80"),
                                            TEXT("unix:"),
                                            TEXT("a\0b:80")};
    for (size_t i = 0; i < COUNT_OF(places); i++)
        assert_true(accepts(P_LISTEN, places[i], 0));
    for (size_t i = 0; i < COUNT_OF(no_places); i++)
        if (!refuses(P_LISTEN, no_places[i], "invalid_value"))
            fail_msg("%s: %s", no_places[i].data, err.message);
    char path[5 + 108 + 1] = "unix:";
    memset(path + 5, 'a', 108);
    assert_true(accepts(P_LISTEN, view_bytes(path, 5 + 107), 0));
    assert_true(refuses(P_LISTEN, view_bytes(path, 5 + 108), "invalid_value"));
}

static void reads_words(void **state)
{
    (void)state;
    assert_true(accepts(P_ALLOW_HOST, VIEW("a"), 0));
    assert_true(accepts(P_ALLOW_ORIGIN, VIEW("https://a.b,https://c.d:81"), 0));
    assert_true(refuses(P_ALLOW_HOST, VIEW(""), "invalid_value"));
    assert_true(refuses(P_ALLOW_HOST, VIEW(","), "invalid_value"));
    assert_true(refuses(P_ALLOW_HOST, VIEW("a,"), "invalid_value"));
    assert_true(refuses(P_ALLOW_HOST, VIEW(",a"), "invalid_value"));
    assert_true(refuses(P_ALLOW_HOST, VIEW("a,,b"), "invalid_value"));
    assert_true(refuses(P_ALLOW_HOST, VIEW("a\xff"), "invalid_value"));
}

static void reads_uuids(void **state)
{
    (void)state;
    static const struct view no_uuids[] = {
        {NULL, 0},
        TEXT(""),
        TEXT("6469a670"),
        TEXT("6469a6701d644da5b2b3790de21ac726"),
        TEXT("{6469a670-1d64-4da5-b2b3-790de21ac726}"),
        TEXT("6469a670-1d64-4da5-b2b3-790de21ac72"),
        TEXT("6469a670-1d64-4da5-b2b3-790de21ac7260"),
        TEXT("6469a670-1d64-4da5-b2b3-790de21ac72g"),
        TEXT("6469a670-1d64-4da5-b2b3_790de21ac726"),
        TEXT("6469a670 1d64-4da5-b2b3-790de21ac726"),
        TEXT("6469a670-1d64-4da5-b2b3-790de21ac726\n"),
        TEXT("6469a6701-d64-4da5-b2b3-790de21ac726"),
        TEXT("6469a670-1d64-4da5-b2b3-790de21ac72\0"),
    };
    for (int i = 0; i < P_COUNT; i++) {
        enum param param = (enum param)i;
        if (!is_of(param, TYPE_UUID))
            continue;
        assert_true(accepts(param, VIEW(A_UUID), 0));
        assert_true(accepts(param, VIEW("6469A670-1D64-4DA5-B2B3-790DE21AC726"), 0));
        assert_true(accepts(param, VIEW("00000000-0000-0000-0000-000000000000"), 0));
        for (size_t j = 0; j < COUNT_OF(no_uuids); j++)
            assert_true(refuses(param, no_uuids[j], "invalid_value"));
    }
}

static void reads_addresses_and_names(void **state)
{
    (void)state;
    for (int i = 0; i < P_COUNT; i++) {
        enum param param = (enum param)i;
        if (is_of(param, TYPE_EMAIL)) {
            assert_true(accepts(param, VIEW("o'brien@example.com"), 0));
            assert_true(refuses(param, VIEW("x@y.com\n"), "invalid_email"));
            assert_true(refuses(param, VIEW(""), "invalid_email"));
            assert_true(refuses(param, (struct view){NULL, 0}, "invalid_email"));
        }
        if (is_of(param, TYPE_NAME)) {
            assert_true(accepts(param, VIEW("Team Project"), 0));
            assert_true(accepts(param, VIEW("-"), 0));
            assert_true(refuses(param, VIEW("Team "), "invalid_name"));
            assert_true(refuses(param, VIEW("Te\nam"), "invalid_name"));
            assert_true(refuses(param, VIEW("\xff"), "invalid_name"));
            assert_true(refuses(param, VIEW(""), "invalid_name"));
            assert_true(refuses(param, (struct view){NULL, 0}, "invalid_name"));
        }
    }
}

static void reads_texts_and_paths(void **state)
{
    (void)state;
    static char many[LIMIT_PATH + 1];
    memset(many, 'x', sizeof many);
    for (int i = 0; i < P_COUNT; i++) {
        enum param param = (enum param)i;
        if (is_of(param, TYPE_TEXT)) {
            assert_true(accepts(param, VIEW(" "), 0));
            assert_true(accepts(param, VIEW("%' OR 1=1 --"), 0));
            assert_true(accepts(param, view_bytes(many, LIMIT_TERM), 0));
            assert_true(refuses(param, view_bytes(many, LIMIT_TERM + 1), "invalid_value"));
            assert_true(refuses(param, VIEW("a\xc3"), "invalid_value"));
            assert_true(refuses(param, VIEW(""), "invalid_value"));
        }
        if (is_of(param, TYPE_PATH)) {
            assert_true(accepts(param, VIEW("-"), 0));
            assert_true(accepts(param, VIEW("a \xff file"), 0));
            assert_true(accepts(param, view_bytes(many, LIMIT_PATH - 1), 0));
            assert_true(refuses(param, view_bytes(many, LIMIT_PATH), "invalid_value"));
            assert_true(refuses(param, VIEW(""), "invalid_value"));
        }
        if (is_of(param, TYPE_COMMAND)) {
            assert_true(accepts(param, VIEW("/opt/caf\xc3\xa9"), 0));
            assert_true(refuses(param, VIEW("/opt/caf\xe9"), "invalid_value"));
            assert_true(refuses(param, view_bytes(many, LIMIT_PATH), "invalid_value"));
            assert_true(refuses(param, VIEW(""), "invalid_value"));
        }
        if (param_is_file(param)) {
            assert_true(param_check_file(param, VIEW("a \xff file"), &err));
            assert_false(param_check_file(param, VIEW(""), &err));
            assert_false(param_check_file(param, view_bytes(many, LIMIT_PATH), &err));
            assert_false(param_check_file(param, VIEW("/tmp/" A_KEY), &err));
            assert_string_equal(err.code, "stray_api_key");
            assert_true(accepts(param, VIEW("{\"a\":[]}"), 0));
            assert_true(refuses(param, VIEW("{"), "invalid_json"));
        }
        if (is_of(param, TYPE_FLAG))
            assert_true(accepts(param, (struct view){NULL, 0}, 0));
    }
}

static void reads_statuses(void **state)
{
    (void)state;
    static const struct view none[] = {
        {NULL, 0},        TEXT(""),
        TEXT("Active"),   TEXT("ACTIVE"),
        TEXT("active "),  TEXT("activ"),
        TEXT("actives"),  TEXT("tampered"),
        TEXT("any"),      TEXT("active,disabled"),
        TEXT("active\0"), TEXT("expire"),
    };
    assert_true(accepts(P_STATUS, VIEW("active"), 0));
    assert_true(accepts(P_STATUS, VIEW("disabled"), 0));
    assert_true(accepts(P_STATUS, VIEW("expired"), 0));
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_true(refuses(P_STATUS, none[i], "invalid_value"));
}

static void reads_keys(void **state)
{
    (void)state;
    static char many[LIMIT_API_KEY + 1];
    memset(many, 'k', sizeof many);
    assert_true(accepts(P_API_KEY, VIEW(A_KEY), 0));
    assert_true(accepts(P_API_KEY, VIEW(A_UUID), 0));
    assert_true(accepts(P_API_KEY, VIEW("TJTWRRt226cfYBvqpLEJ..."), 0));
    assert_true(accepts(P_API_KEY, VIEW("x"), 0));
    assert_true(accepts(P_API_KEY, view_bytes(many, LIMIT_API_KEY), 0));
    assert_true(refuses(P_API_KEY, view_bytes(many, LIMIT_API_KEY + 1), "invalid_value"));
    assert_null(strstr(err.message, "kkk"));
    assert_true(refuses(P_API_KEY, VIEW(A_KEY " "), "invalid_value"));
    assert_null(strstr(err.message, "smg_"));
    assert_true(refuses(P_API_KEY, VIEW(A_KEY "\n"), "invalid_value"));
    assert_true(refuses(P_API_KEY, VIEW("caf\xc3\xa9"), "invalid_value"));
    assert_null(strstr(err.message, "caf"));
    assert_true(refuses(P_API_KEY, VIEW(""), "invalid_value"));
}

// A key as the value of another option, alone or amid other text, is refused and not repeated.
static void refuses_stray_keys(void **state)
{
    (void)state;
    static const struct view strays[] = {
        TEXT(A_KEY),        TEXT("my " A_KEY), TEXT(A_KEY "@example.com"), TEXT("/tmp/" A_KEY "/x"),
        TEXT("smg_" A_KEY),
    };
    for (int i = 0; i < P_COUNT; i++) {
        enum param param = (enum param)i;
        for (size_t j = 0;
             j < COUNT_OF(strays) && !param_has_sources(param) && !param_is_file(param); j++) {
            assert_true(refuses(param, strays[j], "stray_api_key"));
            assert_null(strstr(err.message, "AAECAwQF"));
            assert_string_equal(err.hint, "");
        }
    }
    // A mistyped one is near enough, a shorter text is none.
    assert_true(
        refuses(P_NAME, VIEW("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaE"), "stray_api_key"));
    assert_true(accepts(P_NAME, VIEW("smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(reads_lengths_of_time),
        cmocka_unit_test(reads_times),
        cmocka_unit_test(reads_how_long_ago),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(reads_places_to_listen),
        cmocka_unit_test(reads_words),
        cmocka_unit_test(reads_uuids),
        cmocka_unit_test(reads_addresses_and_names),
        cmocka_unit_test(reads_texts_and_paths),
        cmocka_unit_test(reads_statuses),
        cmocka_unit_test(reads_keys),
        cmocka_unit_test(refuses_stray_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
