// clock.c: see clock.h. The calendar arithmetic is the well-known proleptic Gregorian one with
// years that begin in March, so that the leap day is the last of its year.
#include "base/clock.h"

#include <time.h>

#include "base/limits.h"

static void put_digits(char *text, int count, int64_t value)
{
    for (int i = count - 1; i >= 0; i--) {
        text[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

// Days since 1970-01-01 to a date.
static void date_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t shifted = days + 719468; // days since 0000-03-01
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted_year = year - (month <= 2);
    int64_t era = shifted_year / 400;
    int64_t year_of_era = shifted_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

// Takes exactly `count` digits from the front of `*text`.
static bool take_digits(struct view *text, size_t count, int64_t *ret_value)
{
    int64_t value = 0;
    if (text->size < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        char digit = text->data[i];
        if (digit < '0' || digit > '9')
            return false;
        value = value * 10 + (digit - '0');
    }
    *text = view_skip(*text, count);
    *ret_value = value;
    return true;
}

static bool take_char(struct view *text, char wanted)
{
    if (text->size == 0 || text->data[0] != wanted)
        return false;
    *text = view_skip(*text, 1);
    return true;
}

// Takes `YYYY-MM-DD` as days since 1970.
static bool take_date(struct view *text, int64_t *ret_days)
{
    int64_t year, month, day, check_year, check_month, check_day;
    if (!take_digits(text, 4, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) ||
        !take_char(text, '-') || !take_digits(text, 2, &day) || year < 1970)
        return false;
    if (month < 1 || month > 12 || day < 1)
        return false;
    int64_t days = days_of_date(year, month, day);
    date_of_days(days, &check_year, &check_month, &check_day);
    if (check_month != month || check_day != day)
        return false;
    *ret_days = days;
    return true;
}

// Takes `HH:MM:SS` with an optional fraction, in microseconds.
static bool take_clock(struct view *text, int64_t *ret_time)
{
    int64_t hours, minutes, seconds, fraction = 0, digit;
    if (!take_digits(text, 2, &hours) || !take_char(text, ':') || !take_digits(text, 2, &minutes) ||
        !take_char(text, ':') || !take_digits(text, 2, &seconds))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 59)
        return false;
    if (take_char(text, '.')) {
        int64_t unit = 100000;
        for (; unit > 0 && take_digits(text, 1, &digit); unit /= 10)
            fraction += digit * unit;
        if (unit == 100000)
            return false;
    }
    *ret_time = ((hours * 60 + minutes) * 60 + seconds) * TIME_SECOND + fraction;
    return true;
}

int64_t clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIME_SECOND + now.tv_nsec / 1000;
}

void time_format(int64_t time, char ret_text[TIME_TEXT])
{
    static const char shape[TIME_TEXT] = "0000-00-00T00:00:00.000000";
    const int64_t last = INT64_C(253402300799999999); // the end of the year 9999
    int64_t year, month, day;
    time = time < 0 ? 0 : time > last ? last : time;
    int64_t days = time / TIME_DAY, rest = time % TIME_DAY;
    date_of_days(days, &year, &month, &day);
    memcpy(ret_text, shape, TIME_TEXT);
    put_digits(ret_text, 4, year);
    put_digits(ret_text + 5, 2, month);
    put_digits(ret_text + 8, 2, day);
    put_digits(ret_text + 11, 2, rest / (3600 * TIME_SECOND));
    put_digits(ret_text + 14, 2, rest / (60 * TIME_SECOND) % 60);
    put_digits(ret_text + 17, 2, rest / TIME_SECOND % 60);
    put_digits(ret_text + 20, 6, rest % TIME_SECOND);
}

void time_stamp(int64_t time, char ret_text[TIME_TEXT])
{
    char text[TIME_TEXT];
    size_t size = 0;
    time_format(time, text);
    for (const char *at = text; *at; at++)
        if (*at != '-' && *at != ':')
            ret_text[size++] = *at;
    ret_text[size] = '\0';
}

bool time_parse(struct view text, int64_t *ret_time)
{
    int64_t days, time = 0;
    if (!take_date(&text, &days))
        return false;
    if (take_char(&text, 'T') && !take_clock(&text, &time))
        return false;
    (void)take_char(&text, 'Z');
    if (text.size != 0)
        return false;
    *ret_time = days * TIME_DAY + time;
    return true;
}

bool duration_parse(struct view text, int64_t *ret_duration)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    const int64_t most = LIMIT_DURATION_DAYS * INT64_C(86400);
    int64_t count = 0, digit;
    size_t start = text.size;
    while (take_digits(&text, 1, &digit)) {
        count = count * 10 + digit;
        if (count > most)
            return false;
    }
    if (text.size != 1 || text.size == start || count == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (units[i].letter == text.data[0] && count <= most / units[i].seconds) {
            *ret_duration = count * units[i].seconds * TIME_SECOND;
            return true;
        }
    }
    return false;
}
