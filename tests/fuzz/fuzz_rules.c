// fuzz_rules.c: an e-mail address is accepted exactly when a regular expression of the contract's
// sentence accepts it; a name that is accepted is what the contract says, checked in another way.
#include "fuzz.h"

#include <regex.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/limits.h"
#include "model/rules.h"

#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool matches_address(struct view text)
{
    static regex_t address;
    static bool compiled;
    char copy[LIMIT_EMAIL + 1];
    if (text.size == 0 || text.size > LIMIT_EMAIL || memchr(text.data, '\0', text.size))
        return false;
    if (!compiled)
        must(regcomp(&address, "^" ATOM "(\\." ATOM ")*@(" LABEL "\\.)+" LABEL "$",
                     REG_EXTENDED | REG_NOSUB) == 0);
    compiled = true;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return regexec(&address, copy, 0, NULL, 0) == 0;
}

// The sentence of the contract once more, clause by clause, for what was accepted.
static void check_address(struct view text)
{
    size_t ats = 0, dots = 0;
    const char *at = memchr(text.data, '@', text.size);
    must(text.size <= 254 && at && at > text.data && at[-1] != '.' && text.data[0] != '.');
    for (size_t i = 0; i < text.size; i++) {
        ats += text.data[i] == '@';
        dots += text.data + i > at && text.data[i] == '.';
        must(text.data[i] > ' ' && text.data[i] < 0x7f);
        must(i == 0 || text.data[i] != '.' || text.data[i - 1] != '.');
    }
    must(ats == 1 && dots >= 1);
}

// Table 3-7 of the Unicode standard, as ranges for the second byte.
static size_t character_size(const unsigned char *text, size_t size)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t size;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last || rows[i].size > size)
            continue;
        bool good = rows[i].size == 1 || (text[1] >= rows[i].low && text[1] <= rows[i].high);
        for (size_t j = 2; j < rows[i].size; j++)
            good = good && text[j] >= 0x80 && text[j] <= 0xbf;
        return good ? rows[i].size : 0;
    }
    return 0;
}

// What was accepted has no control character and no bidirectional override in it.
static void check_name(struct view name)
{
    const unsigned char *text = (const unsigned char *)name.data;
    must(name.size >= 1 && name.size <= 128);
    must(text[0] != ' ' && text[name.size - 1] != ' ');
    for (size_t at = 0, size; at < name.size; at += size) {
        size = character_size(text + at, name.size - at);
        must(size > 0);
        must(size > 1 || (text[at] >= ' ' && text[at] != 0x7f));
        must(size != 2 || text[at] != 0xc2 || text[at + 1] >= 0xa0);
        must(size != 3 || memcmp(text + at, "\xe2\x80", 2) != 0 || text[at + 2] < 0xa8 ||
             text[at + 2] > 0xae);
        must(size != 3 || memcmp(text + at, "\xe2\x81", 2) != 0 || text[at + 2] < 0xa6 ||
             text[at + 2] > 0xa9);
    }
}

static bool is_simple_name(struct view name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < ' ' || name.data[i] > '~')
            return false;
    return name.size >= 1 && name.size <= 128 && name.data[0] != ' ' &&
           name.data[name.size - 1] != ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = view_bytes(data, size);
    const char *reason = rule_email(text);
    must(!reason == matches_address(text));
    if (!reason)
        check_address(text);
    must(!reason || reason[0] != '\0');
    reason = rule_name(text);
    if (!reason)
        check_name(text);
    must(!reason || !is_simple_name(text));
    must(!rule_holds_api_key(text) || size >= 48);
    return 0;
}
