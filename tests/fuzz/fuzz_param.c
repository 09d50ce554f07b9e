// fuzz_param.c: every parameter takes or refuses any text, and what it takes means what its type
// promises. The first byte of an input chooses the parameter, the rest is its value.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/rules.h"
#include "ops/param.h"
#include "vault/vault.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_digits(struct view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return text.size > 0;
}

// A number, and the letter of a unit, counted with a little help from a wider type.
static void check_length(struct view text, int64_t number)
{
    static const char letters[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    must(text.size >= 2 && is_digits((struct view){text.data, text.size - 1}));
    const char *unit = memchr(letters, text.data[text.size - 1], sizeof letters - 1);
    must(unit != NULL);
    __int128 count = 0;
    for (size_t i = 0; i + 1 < text.size; i++)
        count = count * 10 + (text.data[i] - '0');
    must(count * seconds[unit - letters] * 1000000 == number);
    must(number > 0 && number <= LIMIT_DURATION_DAYS * TIME_DAY);
}

// How long ago, or a time that, written out again, begins like what was given.
static void check_time(struct view text, int64_t number)
{
    if (is_digits((struct view){text.data, text.size - 1})) {
        int64_t length = clock_now() - number; // a moment more than what was asked for
        int64_t unit = text.data[text.size - 1] == 's' ? TIME_SECOND : 60 * TIME_SECOND;
        check_length(text, length - length % unit);
        return;
    }
    char again[TIME_TEXT];
    must(number >= 0 && number < INT64_C(253402300800000000));
    time_format(number, again);
    size_t size = text.size - (text.data[text.size - 1] == 'Z');
    must(size >= 10 && size < TIME_TEXT && memcmp(again, text.data, size) == 0);
    must(strspn(again + size, "0T:.") == strlen(again + size));
}

static void check_number(struct view text, int64_t number)
{
    int64_t count = 0;
    must(is_digits(text) && number >= 1 && number <= LIMIT_PAGE);
    for (size_t i = 0; i < text.size; i++)
        count = count * 10 + (text.data[i] - '0');
    must(count == number);
}

// Bytes, or units of 1024 of them.
static void check_size(struct view text, int64_t number)
{
    char last = text.data[text.size - 1];
    int64_t unit = last == 'K' ? 1 << 10 : last == 'M' ? 1 << 20 : last == 'G' ? 1 << 30 : 1;
    text.size -= unit > 1;
    must(number >= 1 && number <= LIMIT_SIZE && number % unit == 0);
    int64_t count = 0;
    must(is_digits(text));
    for (size_t i = 0; i < text.size; i++)
        count = count * 10 + (text.data[i] - '0');
    must(count == number / unit);
}

// The end of an address is a port, unless it is a socket's path.
static void check_listen(struct view text)
{
    must(text.size >= 3 && text.size <= LIMIT_LIST);
    if (view_starts(text, VIEW("unix:")))
        return;
    const char *colon = memrchr(text.data, ':', text.size);
    must(colon && colon > text.data);
    must(is_digits(view_skip(text, (size_t)(colon - text.data) + 1)));
}

static void check_accepted(enum param_type type, struct view text, int64_t number)
{
    switch (type) {
    case TYPE_FLAG:
        break;
    case TYPE_TEXT:
        must(text.size >= 1 && text.size <= LIMIT_TERM);
        break;
    case TYPE_EMAIL:
        must(!rule_email(text));
        break;
    case TYPE_NAME:
        must(!rule_name(text));
        break;
    case TYPE_UUID:
        must(text_is_uuid(text));
        break;
    case TYPE_KEY:
        must(!rule_api_key(text));
        break;
    case TYPE_EXPIRY:
        if (view_is(text, "never"))
            must(number == 0);
        else
            check_length(text, number);
        break;
    case TYPE_DURATION:
        check_length(text, number);
        break;
    case TYPE_TIME:
        check_time(text, number);
        break;
    case TYPE_SWITCH:
        must(view_is(text, "true") || view_is(text, "false"));
        break;
    case TYPE_STATUS:
        must(view_is(text, "active") || view_is(text, "disabled") || view_is(text, "expired"));
        break;
    case TYPE_NUMBER:
        check_number(text, number);
        break;
    case TYPE_PATH:
        must(text.size >= 1 && text.size < LIMIT_PATH);
        break;
    case TYPE_SIZE:
        check_size(text, number);
        break;
    case TYPE_LISTEN:
        check_listen(text);
        break;
    case TYPE_WORDS:
        must(text.size >= 1 && text.size <= LIMIT_LIST);
        break;
    case TYPE_COMMAND:
        must(text.size >= 1 && text.size < LIMIT_PATH);
        for (struct view rest = text; rest.size > 0; rest = view_skip(rest, utf8_length(rest)))
            must(utf8_length(rest) > 0);
        break;
    case TYPE_JSON: // reading them is fuzz_json's and fuzz_server_record's
    case TYPE_JSON_FILE:
    case TYPE_LIST:
    case TYPE_URL:
        must(text.size <= LIMIT_INPUT_FILE);
        break;
    }
}

// A key of its own right, or JSON: whoever stores that looks into it.
static bool may_hold_key(enum param param)
{
    return param_rows[param].type == TYPE_KEY || param_rows[param].type == TYPE_JSON ||
           param_rows[param].type == TYPE_JSON_FILE;
}

// Of a key, alone or in the value of another parameter, an error says nothing: whatever the text
// is, it is the same.
static void check_refused(enum param param, struct view text, const struct err *err)
{
    char expected[200];
    must(err->kind == ERR_USAGE && err->code && err->message[0] != '\0');
    must(strstr(err->message, param_rows[param].name) && err->hint[0] == '\0');
    if (param_rows[param].type == TYPE_KEY) {
        struct arg ignored;
        struct err other = {0};
        must(!param_read(param, VIEW(" "), &ignored, &other));
        must(strcmp(err->message, other.message) == 0);
        return;
    }
    (void)snprintf(expected, sizeof expected,
                   "The value of --%s holds an API key, which does not belong there",
                   param_rows[param].name);
    bool stray = !may_hold_key(param) && rule_holds_api_key(text);
    must(stray == (strcmp(err->message, expected) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct err err = {0};
    struct arg arg = {.number = 77};
    if (size == 0)
        return 0;
    if (!started)
        must(vault_start(&err));
    started = true;
    enum param param = (enum param)(data[0] % P_COUNT);
    enum param_type type = param_rows[param].type;
    struct view text = view_bytes(data + 1, size - 1);
    if (!param_read(param, text, &arg, &err)) {
        must(!arg.given && !arg.text.data && arg.number == 77);
        check_refused(param, text, &err);
        return 0;
    }
    must(arg.given && arg.text.data == text.data && arg.text.size == text.size);
    must(may_hold_key(param) || !rule_holds_api_key(text));
    check_accepted(type, text, arg.number);
    return 0;
}
