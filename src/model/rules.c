// rules.c: see rules.h.
#include "model/rules.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "vault/key_text.h"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *rule_local(struct view local)
{
    if (local.size == 0)
        return "nothing stands before the @";
    for (size_t i = 0; i < local.size; i++) {
        char c = local.data[i];
        bool dot = c == '.';
        if (dot && (i == 0 || i + 1 == local.size || local.data[i - 1] == '.'))
            return "a dot stands at the beginning, at the end or twice before the @";
        if (!dot && !is_letter_or_digit(c) && (c == '\0' || !strchr("!#$%&'*+/=?^_`{|}~-", c)))
            return "a character before the @ is not allowed";
    }
    return NULL;
}

// RFC 1035 section 2.3.1 and RFC 1123 section 2.1: 1 to 63 letters, digits and inner hyphens.
static bool is_label(struct view label)
{
    if (label.size == 0 || label.size > 63 || label.data[0] == '-' ||
        label.data[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++)
        if (!is_letter_or_digit(label.data[i]) && label.data[i] != '-')
            return false;
    return true;
}

static const char *rule_domain(struct view domain)
{
    size_t labels = 0;
    while (true) {
        const char *dot = domain.size ? memchr(domain.data, '.', domain.size) : NULL;
        struct view label = {domain.data, dot ? (size_t)(dot - domain.data) : domain.size};
        if (!is_label(label))
            return "the domain after the @ is not valid (write an international one as xn--…)";
        labels++;
        if (!dot)
            break;
        domain = view_skip(domain, label.size + 1);
    }
    return labels >= 2 ? NULL
                       : "the domain after the @ needs at least two parts, as in example.com";
}

const char *rule_email(struct view email)
{
    if (email.size == 0)
        return "it is empty";
    if (email.size > LIMIT_EMAIL)
        return "it is longer than " LIMIT_TEXT(LIMIT_EMAIL) " bytes";
    const char *at = memchr(email.data, '@', email.size);
    if (!at)
        return "it has no @";
    struct view local = {email.data, (size_t)(at - email.data)};
    const char *reason = rule_local(local);
    return reason ? reason : rule_domain(view_skip(email, local.size + 1));
}

// The blanks of Unicode that have a width (category Zs).
static bool begins_or_ends_with_blank(struct view name)
{
    static const char *const blanks[] = {
        " ",
        "\xc2\xa0",
        "\xe1\x9a\x80",
        "\xe2\x80\x80",
        "\xe2\x80\x81",
        "\xe2\x80\x82",
        "\xe2\x80\x83",
        "\xe2\x80\x84",
        "\xe2\x80\x85",
        "\xe2\x80\x86",
        "\xe2\x80\x87",
        "\xe2\x80\x88",
        "\xe2\x80\x89",
        "\xe2\x80\x8a",
        "\xe2\x80\xaf",
        "\xe2\x81\x9f",
        "\xe3\x80\x80",
    };
    for (size_t i = 0; i < COUNT_OF(blanks); i++) {
        struct view blank = view_of(blanks[i]);
        if (name.size >= blank.size && (view_starts(name, blank) ||
                                        view_equal(view_skip(name, name.size - blank.size), blank)))
            return true;
    }
    return false;
}

const char *rule_name(struct view name)
{
    if (name.size == 0)
        return "it is empty";
    if (name.size > LIMIT_NAME)
        return "it is longer than " LIMIT_TEXT(LIMIT_NAME) " bytes";
    if (begins_or_ends_with_blank(name))
        return "it begins or ends with a blank";
    if (!text_is_printable(name))
        return "it holds a control character or is not valid UTF-8";
    return NULL;
}

const char *rule_api_key(struct view key)
{
    return key_text_is_plausible(key)
               ? NULL
               : "1 to " LIMIT_TEXT(LIMIT_API_KEY) " printable ASCII characters without blanks";
}

bool rule_holds_api_key(struct view text)
{
    return key_text_is_inside(text);
}

void rule_redact_api_keys(char *text)
{
    key_text_redact(text);
}

struct view rule_cut(struct view text, size_t most)
{
    return key_text_cut(text, most);
}
