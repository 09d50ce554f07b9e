// test_rules.c: what may be an e-mail address, a name and an API key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/limits.h"
#include "model/rules.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

#define LABEL63 "a234567890123456789012345678901234567890123456789012345678901b3"

// clang-format off
static const struct view good_addresses[] = {
    TEXT("alice@example.com"), TEXT("o'brien@example.com"), TEXT("a@b.co"), TEXT("A@B.CO"),
    TEXT("Alice.Smith@Example.COM"), TEXT("a.b.c.d@e.f.g.h"), TEXT("first.last@sub.domain.example.com"),
    TEXT("user+tag@example.com"), TEXT("user+tag+tag@example.com"), TEXT("user_name@example.com"),
    TEXT("user-name@example.com"), TEXT("-@example.com"), TEXT("-a-@example.com"), TEXT("_@example.com"),
    TEXT("!@example.com"), TEXT("!#$%&'*+/=?^_`{|}~-@example.com"), TEXT("a!b@example.com"),
    TEXT("{a}@example.com"), TEXT("|@example.com"), TEXT("`whoami`@example.com"), TEXT("$HOME@example.com"),
    TEXT("100%@example.com"), TEXT("a/b=c@example.com"), TEXT("1@2.3"), TEXT("123@456.com"),
    TEXT("0@0.0"), TEXT("a@x--y.com"), TEXT("a@1-2-3.com"), TEXT("a@xn--mnchen-3ya.de"),
    TEXT("a@xn--e1afmkfd.xn--p1ai"), TEXT("a@" LABEL63 ".com"), TEXT("a@b." LABEL63),
    TEXT("a@" LABEL63 "." LABEL63 "." LABEL63 ".com"), TEXT("'@example.com"), TEXT("''@example.com"),
    TEXT("--output@example.com"), TEXT("-rf@example.com"), TEXT("=1+1@example.com"),
    TEXT("smg_@example.com"), TEXT("never@example.com"), TEXT("null@example.com"),
    TEXT(LABEL63 LABEL63 "@example.com"), // only the whole is bounded
};

static const struct view bad_addresses[] = {
    // nothing, or not both sides
    TEXT(""), TEXT("@"), TEXT("alice"), TEXT("alice@"), TEXT("@example.com"), TEXT("@@"), TEXT(" "),
    TEXT("example.com"), TEXT("alice.example.com"), TEXT("\0"), TEXT("."), TEXT("@."), TEXT("a@."),
    // more than one @
    TEXT("a@b@example.com"), TEXT("a@@example.com"), TEXT("@a@example.com"), TEXT("a@example.com@"),
    TEXT("a@b.co@c.co"), TEXT("\"a@b\"@example.com"),
    // dots before the @
    TEXT(".a@example.com"), TEXT("a.@example.com"), TEXT("a..b@example.com"), TEXT(".@example.com"),
    TEXT("..@example.com"), TEXT("a...b@example.com"), TEXT("..a@example.com"), TEXT("a..@example.com"),
    // domain
    TEXT("a@example"), TEXT("a@localhost"), TEXT("a@.com"), TEXT("a@example."), TEXT("a@example.com."),
    TEXT("a@.example.com"), TEXT("a@example..com"), TEXT("a@-example.com"), TEXT("a@example-.com"),
    TEXT("a@example.-com"), TEXT("a@example.com-"), TEXT("a@-.com"), TEXT("a@example.-"), TEXT("a@a.b..c"),
    TEXT("a@exa_mple.com"), TEXT("a@exa mple.com"), TEXT("a@exa+mple.com"), TEXT("a@example,com"),
    TEXT("a@example.com,b@example.com"), TEXT("a@example.com;b"), TEXT("a@[127.0.0.1]"), TEXT("a@[::1]"),
    TEXT("a@exa'mple.com"), TEXT("a@example.com/x"), TEXT("a@example.com:25"), TEXT("a@*.com"),
    TEXT("a@" LABEL63 "x.com"), TEXT("a@b." LABEL63 "x"), TEXT("a@x" LABEL63), TEXT("a@..."),
    // characters before the @
    TEXT("a b@example.com"), TEXT(" a@example.com"), TEXT("a @example.com"), TEXT("a\t@example.com"),
    TEXT("\"a\"@example.com"), TEXT("\"a b\"@example.com"), TEXT("a(b)@example.com"), TEXT("a,b@example.com"),
    TEXT("a:b@example.com"), TEXT("a;b@example.com"), TEXT("<a@example.com>"), TEXT("<a>@example.com"),
    TEXT("a[b]@example.com"), TEXT("a\\b@example.com"), TEXT("a>b@example.com"), TEXT("Alice <a@example.com>"),
    TEXT("mailto:a@example.com"), TEXT("a\0b@example.com"), TEXT("\0a@example.com"), TEXT("a\0@example.com"),
    TEXT("a\x7f@example.com"), TEXT("a\x1b[31m@example.com"), TEXT("a\x01@example.com"),
    // line ends and blanks at the end
    TEXT("x@y.com\n"), TEXT("x@y.com\r\n"), TEXT("x@y.com\r"), TEXT("x@y.com "), TEXT("x@y.com\t"),
    TEXT(" x@y.com"), TEXT("\nx@y.com"), TEXT("x\n@y.com"), TEXT("x@\ny.com"), TEXT("x@y.\ncom"),
    TEXT("x@y.com\n\n"), TEXT("x@y.com\0"), TEXT("x@y\0.com"), TEXT("x@\0y.com"), TEXT("x@y.com\nz"),
    TEXT("x@y.com\x0b"), TEXT("x@y.com\x0c"), TEXT("x@y.com\x7f"), TEXT("x@y.com\xc2\xa0"),
    // beyond ASCII: an international domain is written as xn--
    TEXT("j\xc3\xbcrgen@example.com"), TEXT("a@m\xc3\xbcnchen.de"), TEXT("a@\xe4\xbe\x8b.jp"),
    TEXT("\xe2\x80\xae@example.com"), TEXT("a@example.com\xe2\x80\xae"), TEXT("a\xff@example.com"),
    TEXT("a@example\xef\xbc\x8e" "com"), TEXT("a\xef\xbc\xa0" "b.com"), TEXT("\xef\xbb\xbf" "a@example.com"),
    TEXT("\xd0\xb0lice@example.com"), TEXT("a@ex\xc3\xa5mple.com"), TEXT("a@example.c\xc3\xb6m"),
};

static const struct view good_names[] = {
    TEXT("a"), TEXT("Team Project"), TEXT("My  Two  Blanks"), TEXT("prod-config"), TEXT("'"), TEXT("\""),
    TEXT("-"), TEXT("--force"), TEXT("a/b"), TEXT("../../etc/passwd"), TEXT("$(reboot)"), TEXT("a;b"),
    TEXT("%s%n"), TEXT("Robert'); DROP TABLE users;--"), TEXT("."), TEXT(".."), TEXT("\\"), TEXT("{}"),
    TEXT("J\xc3\xbcrgen"), TEXT("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"), TEXT("\xf0\x9f\x9a\x80"),
    TEXT("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"), // a sequence with a zero width joiner
    TEXT("e\xcc\x81"), TEXT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"), TEXT("\xd9\x85\xd8\xb1\xd8\xad"),
    TEXT("a\xc2\xa0" "b"), TEXT("\xc2\xa1"), TEXT("\xf4\x8f\xbf\xbd"), TEXT("\xee\x80\x80"), TEXT("~"),
    TEXT("null"), TEXT("true"), TEXT("-1"), TEXT("1e9"), TEXT("=cmd|'/c calc'!A0"), TEXT("a,b\"c"),
};

static const struct view bad_names[] = {
    // blanks at either end
    TEXT(""), TEXT(" "), TEXT("  "), TEXT(" a"), TEXT("a "), TEXT(" a "), TEXT("a  "), TEXT("  a"),
    // control characters of both kinds
    TEXT("\0"), TEXT("a\0"), TEXT("a\0b"), TEXT("\0a"), TEXT("\t"), TEXT("a\tb"), TEXT("a\nb"), TEXT("a\n"),
    TEXT("\na"), TEXT("a\rb"), TEXT("a\x1b[31mb"), TEXT("\x01"), TEXT("\x1f"), TEXT("a\x7f"), TEXT("a\b"),
    TEXT("\xc2\x80"), TEXT("a\xc2\x85" "b"), TEXT("\xc2\x9f"), TEXT("a\xc2\x9b" "31m"),
    // what makes a terminal lie
    TEXT("a\xe2\x80\xa8" "b"), TEXT("a\xe2\x80\xa9" "b"), TEXT("\xe2\x80\xaa"), TEXT("\xe2\x80\xab"),
    TEXT("\xe2\x80\xac"), TEXT("\xe2\x80\xad"), TEXT("a\xe2\x80\xae" "b"), TEXT("\xe2\x81\xa6"),
    TEXT("\xe2\x81\xa7"), TEXT("\xe2\x81\xa8"), TEXT("a\xe2\x81\xa9"), TEXT("\xef\xbb\xbf" "a"),
    TEXT("a\xef\xbf\xbe"), TEXT("\xef\xbf\xbf"),
    // not UTF-8: lone, cut, overlong, surrogates, too high
    TEXT("\x80"), TEXT("a\xbf"), TEXT("\xff"), TEXT("\xfe"), TEXT("\xc3"), TEXT("a\xc3"), TEXT("\xc3("),
    TEXT("\xe2\x82"), TEXT("a\xe2\x28\xa1"), TEXT("\xf0\x9f\x9a"), TEXT("\xc0\x80"), TEXT("\xc1\xbf"),
    TEXT("\xe0\x80\x80"), TEXT("\xe0\x9f\xbf"), TEXT("\xf0\x80\x80\x80"), TEXT("\xf0\x8f\xbf\xbf"),
    TEXT("\xed\xa0\x80"), TEXT("\xed\xbf\xbf"), TEXT("\xf4\x90\x80\x80"), TEXT("\xf5\x80\x80\x80"),
    TEXT("\xf8\x88\x80\x80\x80"), TEXT("caf\xe9"), TEXT("a\xc3\xbc\xc3"),
};
// clang-format on

static void accept_all(const struct view *texts, size_t count, const char *(*rule)(struct view))
{
    for (size_t i = 0; i < count; i++)
        if (rule(texts[i]))
            fail_msg("refused: %.*s (%s)", VIEW_ARG(texts[i]), rule(texts[i]));
}

static void refuse_all(const struct view *texts, size_t count, const char *(*rule)(struct view))
{
    for (size_t i = 0; i < count; i++)
        if (!rule(texts[i]))
            fail_msg("accepted number %zu: %.*s", i, VIEW_ARG(texts[i]));
    assert_non_null(rule((struct view){NULL, 0}));
}

static void accepts_addresses(void **state)
{
    (void)state;
    accept_all(good_addresses, COUNT_OF(good_addresses), rule_email);
}

static void refuses_addresses(void **state)
{
    (void)state;
    refuse_all(bad_addresses, COUNT_OF(bad_addresses), rule_email);
}

static void says_why(void **state)
{
    (void)state;
    assert_string_equal(rule_email(VIEW("")), "it is empty");
    assert_string_equal(rule_email(VIEW("alice")), "it has no @");
    assert_string_equal(rule_email(VIEW("@b.co")), "nothing stands before the @");
    assert_string_equal(rule_email(VIEW("a..b@b.co")),
                        "a dot stands at the beginning, at the end or twice before the @");
    assert_string_equal(rule_email(VIEW("a b@b.co")), "a character before the @ is not allowed");
    assert_string_equal(rule_email(VIEW("a@b")),
                        "the domain after the @ needs at least two parts, as in example.com");
    assert_string_equal(rule_name(VIEW("")), "it is empty");
    assert_string_equal(rule_name(VIEW("a ")), "it begins or ends with a blank");
    assert_string_equal(rule_name(VIEW("a\tb")),
                        "it holds a control character or is not valid UTF-8");
}

// Every byte before the @ and in a label, alone: exactly those of the contract.
static void knows_every_character(void **state)
{
    (void)state;
    char address[] = "a?a@b?b.co";
    const char *more = "!#$%&'*+/=?^_`{|}~-.";
    for (int c = 0; c <= UINT8_MAX; c++) {
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        address[1] = (char)c;
        address[5] = 'x';
        assert_int_equal(!rule_email(view_bytes(address, sizeof address - 1)),
                         letter || (c != '\0' && strchr(more, c)));
        address[1] = 'x';
        address[5] = (char)c;
        assert_int_equal(!rule_email(view_bytes(address, sizeof address - 1)),
                         letter || c == '-' || c == '.');
    }
}

// An address of `size` bytes, `local` of them before the @, with a domain of short labels.
static struct view address_of(size_t size, size_t local)
{
    static char text[600];
    memset(text, 'a', sizeof text);
    text[local] = '@';
    for (size_t i = local + 30; i + 30 < size; i += 30)
        text[i] = '.';
    text[size - 3] = '.';
    return view_bytes(text, size);
}

static void bounds_addresses(void **state)
{
    (void)state;
    for (size_t size = 100; size < 600; size++) {
        assert_int_equal(!rule_email(address_of(size, 1)), size <= LIMIT_EMAIL);
        assert_int_equal(!rule_email(address_of(size, size - 50)), size <= LIMIT_EMAIL);
    }
    assert_int_equal(LIMIT_EMAIL, 254);
    assert_string_equal(rule_email(address_of(255, 64)), "it is longer than 254 bytes");
}

static void bounds_labels(void **state)
{
    (void)state;
    char text[200];
    for (size_t size = 1; size < 100; size++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "a@", 2);
        memcpy(text + 2 + size, ".co", 3);
        assert_int_equal(!rule_email(view_bytes(text, size + 5)), size <= 63);
        memset(text, 'x', sizeof text);
        memcpy(text, "a@b.", 4);
        assert_int_equal(!rule_email(view_bytes(text, size + 4)), size <= 63);
    }
}

static void accepts_names(void **state)
{
    (void)state;
    accept_all(good_names, COUNT_OF(good_names), rule_name);
}

static void refuses_names(void **state)
{
    (void)state;
    refuse_all(bad_names, COUNT_OF(bad_names), rule_name);
}

static void bounds_names(void **state)
{
    (void)state;
    char text[2 * LIMIT_NAME];
    memset(text, 'x', sizeof text);
    assert_int_equal(LIMIT_NAME, 128);
    for (size_t size = 1; size <= sizeof text; size++)
        assert_int_equal(!rule_name(view_bytes(text, size)), size <= LIMIT_NAME);
    // Bytes count, not characters.
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    assert_null(rule_name(view_bytes(text, 128)));
    assert_non_null(rule_name(view_bytes(text, 127)));
    assert_string_equal(rule_name(view_bytes(text, 130)), "it is longer than 128 bytes");
}

static void knows_api_keys(void **state)
{
    (void)state;
    char text[LIMIT_API_KEY + 1];
    memset(text, 'x', sizeof text);
    assert_null(rule_api_key(view_bytes(text, LIMIT_API_KEY)));
    assert_non_null(rule_api_key(view_bytes(text, LIMIT_API_KEY + 1)));
    assert_non_null(rule_api_key(VIEW("")));
    assert_non_null(rule_api_key(VIEW("a b")));
    assert_non_null(rule_api_key(VIEW("key\n")));
    assert_non_null(rule_api_key(VIEW("k\xc3\xa9y")));
    assert_null(rule_api_key(VIEW("TJTWRRt226cfYBvqpLEJ...")));
    assert_true(rule_holds_api_key(VIEW("my smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD!")));
    assert_true(rule_holds_api_key(VIEW("my smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaE!")));
    assert_false(rule_holds_api_key(VIEW("my smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpa!")));
    (void)snprintf(text, sizeof text, "Bad smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD!");
    rule_redact_api_keys(text);
    assert_string_equal(text, "Bad smg_AAECAwQFBgcICQoL...!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_addresses), cmocka_unit_test(refuses_addresses),
        cmocka_unit_test(says_why),          cmocka_unit_test(knows_every_character),
        cmocka_unit_test(bounds_addresses),  cmocka_unit_test(bounds_labels),
        cmocka_unit_test(accepts_names),     cmocka_unit_test(refuses_names),
        cmocka_unit_test(bounds_names),      cmocka_unit_test(knows_api_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
