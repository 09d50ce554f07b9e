// test_clock.c: times and durations as text, with the C library as the second opinion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"

// 9999-12-31T23:59:59, the last second that can be written.
static const int64_t last_second = INT64_C(253402300799);

static void assert_same_as_library(int64_t second, int64_t fraction)
{
    struct tm tm;
    char ours[TIME_TEXT], theirs[64];
    time_t stamp = (time_t)second;
    int64_t parsed = -1, time = second * TIME_SECOND + fraction;
    assert_non_null(gmtime_r(&stamp, &tm));
    (void)snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)fraction);
    time_format(time, ours);
    assert_string_equal(ours, theirs);
    assert_true(time_parse(view_of(ours), &parsed));
    assert_true(parsed == time);
}

static void agrees_on_every_day(void **state)
{
    (void)state;
    for (int64_t day = 0; day <= last_second / 86400; day++) {
        assert_same_as_library(day * 86400, 0);
        assert_same_as_library(day * 86400 + 86399, 999999);
    }
}

static void agrees_on_many_moments(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 300000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        assert_same_as_library((int64_t)(random % (uint64_t)(last_second + 1)),
                               (int64_t)((random >> 40) % 1000000));
    }
}

static void reads_short_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-02", TIME_DAY},
        {"1970-01-01Z", 0},
        {"1970-01-01T00:00:01", TIME_SECOND},
        {"1970-01-01T00:00:01Z", TIME_SECOND},
        {"1970-01-01T00:00:00.5", 500000},
        {"1970-01-01T00:00:00.05", 50000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T23:59:59.999999", TIME_DAY - 1},
        {"2025-07-16T17:02:00.406902", INT64_C(1752685320406902)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t time = -1;
        if (!time_parse(view_of(cases[i].text), &time) || time != cases[i].time)
            fail_msg("%s", cases[i].text);
    }
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "1969-12-31",
        "1970",
        "1970-01",
        "1970-1-1",
        "1970-00-01",
        "1970-13-01",
        "1970-01-00",
        "1970-01-32",
        "1970-04-31",
        "2023-02-29",
        "2100-02-29",
        "2024-02-30",
        "10000-01-01",
        "-1970-01-01",
        "19700101",
        "1970/01/01",
        "1970-01-01 ",
        " 1970-01-01",
        "1970-01-01T",
        "1970-01-01 00:00:00",
        "1970-01-01t00:00:00",
        "1970-01-01T00:00",
        "1970-01-01T24:00:00",
        "1970-01-01T00:60:00",
        "1970-01-01T00:00:60",
        "1970-01-01T0:00:00",
        "1970-01-01T00:00:00.",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.0000001",
        "1970-01-01T00:00:00,5",
        "1970-01-01T00:00:00+00:00",
        "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00z",
        "1970-01-01T00:00:00.123456 ",
        "197a-01-01",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t time = 42;
        if (time_parse(view_of(cases[i]), &time) || time != 42)
            fail_msg("%s", cases[i]);
    }
    int64_t time = 42;
    assert_false(time_parse(VIEW("1970-01-01\0"), &time));
    assert_true(time_parse(VIEW("2024-02-29"), &time));
    assert_true(time_parse(VIEW("2000-02-29"), &time));
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"1s", 1},
        {"90m", 5400},
        {"12h", 43200},
        {"90d", 7776000},
        {"2w", 1209600},
        {"007d", 604800},
        {"36500d", INT64_C(86400) * LIMIT_DURATION_DAYS},
        {"3153600000s", INT64_C(86400) * LIMIT_DURATION_DAYS},
        {"5214w", INT64_C(604800) * 5214},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t duration = 0;
        if (!duration_parse(view_of(cases[i].text), &duration) ||
            duration != cases[i].seconds * TIME_SECOND)
            fail_msg("%s", cases[i].text);
    }
}

static void refuses_what_is_no_duration(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",      "d",     "0d",   "00s",    "-1d",         "+1d",   "1",
        "90",    "1 d",   " 1d",  "1d ",    "1D",          "1y",    "1mo",
        "1d12h", "1.5h",  "1e3s", "36501d", "3153600001s", "5215w", "9999999999999999999999999d",
        "0x1d",  "never",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t duration = 42;
        if (duration_parse(view_of(cases[i]), &duration) || duration != 42)
            fail_msg("%s", cases[i]);
    }
}

static void names_files_by_time(void **state)
{
    (void)state;
    char text[TIME_TEXT];
    time_stamp(INT64_C(1752685320406902), text);
    assert_string_equal(text, "20250716T170200.406902");
}

static void tells_the_time(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) * TIME_SECOND;
    int64_t now = clock_now();
    assert_true(now >= before && now < before + 10 * TIME_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_every_day), cmocka_unit_test(agrees_on_many_moments),
        cmocka_unit_test(reads_short_forms),   cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(reads_durations),     cmocka_unit_test(refuses_what_is_no_duration),
        cmocka_unit_test(tells_the_time),      cmocka_unit_test(names_files_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
