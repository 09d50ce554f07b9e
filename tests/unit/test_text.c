// test_text.c: UTF-8, printable text, columns, UUIDs and shell words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

static size_t encode(uint32_t code, char ret_text[4])
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        ret_text[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    ret_text[0] = (char)(marks[length] | code);
    return length;
}

static void knows_every_character(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[4];
        size_t length = encode(code, text);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        struct view character = {text, length};
        if (utf8_length(character) != (surrogate ? 0 : length))
            fail_msg("U+%04X", code);
        if (!surrogate && utf8_code(character) != code)
            fail_msg("U+%04X", code);
        for (size_t cut = 0; cut < length; cut++)
            assert_int_equal(utf8_length((struct view){text, cut}), 0);
    }
}

// Of all first bytes with some continuations, those are valid that encode() makes.
static void knows_nothing_else(void **state)
{
    (void)state;
    static const unsigned char next[] = {0x00, 0x7f, 0x80, 0x8f, 0x90,
                                         0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned i = 0; i < 256 * 1000; i++) {
        char text[4] = {(char)(i / 1000), (char)next[i % 10], (char)next[i / 10 % 10],
                        (char)next[i / 100 % 10]};
        size_t length = utf8_length(view_bytes(text, sizeof text));
        char again[4];
        if (length > 0) {
            assert_int_equal(encode(utf8_code((struct view){text, length}), again), length);
            assert_memory_equal(text, again, length);
        } else {
            assert_true((unsigned char)text[0] >= 0x80);
        }
    }
}

static void tells_printable_text(void **state)
{
    (void)state;
    static const char *const printable[] = {
        "",
        "a",
        " ",
        "~",
        "\xc3\xbc",
        "\xe6\x97\xa5",
        "\xc2\xa0",
        "\xe2\x80\x99",
        "\xf0\x9f\x98\x80",
        "two words",
    };
    static const char *const refused[] = {
        "\xe2\x80\x8f", "\xe2\x80\x8b", "\xc2\xad",     "\xd8\x9c",     "\xe2\x81\xa0",
        "\n",           "a\tb",         "\x1b[31m",     "\x7f",         "\xc2\x80",
        "\xc2\x9b",     "\xc2\x9f",     "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
        "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe",
        "\xef\xbf\xbf", "\xff",         "a\xc3",        "\xed\xa0\x80",
    };
    for (size_t i = 0; i < COUNT_OF(printable); i++)
        assert_true(text_is_printable(view_of(printable[i])));
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(text_is_printable(view_of(refused[i])));
    assert_false(text_is_printable(VIEW("a\0b")));
    assert_true(text_is_printable((struct view){NULL, 0}));
}

static void counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns(VIEW("")), 0);
    assert_int_equal(text_columns(VIEW("abc def")), 7);
    assert_int_equal(text_columns(VIEW("\xc3\xbc\xe2\x82\xac")), 2);
    assert_int_equal(text_columns(VIEW("u\xcc\x88")), 1);                // with a combining mark
    assert_int_equal(text_columns(VIEW("\xe6\x97\xa5\xe6\x9c\xac")), 4); // ideographs
    assert_int_equal(text_columns(VIEW("\xea\xb0\x80\xef\xbc\xa1")), 4); // Hangul, wide Latin
    assert_int_equal(text_columns(VIEW("\xf0\x9f\x98\x80")), 2);         // an emoji
    assert_int_equal(text_columns(VIEW("\xe2\x80\x8b")), 0);             // a blank of no width
    assert_int_equal(text_columns(VIEW("a\xff\xfe"
                                       "b")),
                     4); // bad bytes, one each
}

static void knows_uuids(void **state)
{
    (void)state;
    assert_true(text_is_uuid(VIEW("6469f0c2-8d60-4ffb-8e04-21a2f5b3b0aa")));
    assert_true(text_is_uuid(VIEW("6469F0C2-8D60-4FFB-8E04-21A2F5B3B0AA")));
    assert_true(text_is_uuid(VIEW("00000000-0000-0000-0000-000000000000")));
    static const char *const refused[] = {
        "",
        "6469f0c2-8d60-4ffb-8e04-21a2f5b3b0a",
        "6469f0c2-8d60-4ffb-8e04-21a2f5b3b0aaa",
        "6469f0c28d604ffb8e0421a2f5b3b0aa",
        "6469f0c2-8d60-4ffb-8e0421a2f5b3b0aaa",
        "6469f0c2-8d60-4ffb-8e04-21a2f5b3b0ag",
        "6469f0c2-8d60-4ffb-8e04_21a2f5b3b0aa",
        "{469f0c2-8d60-4ffb-8e04-21a2f5b3b0a}",
        " 469f0c2-8d60-4ffb-8e04-21a2f5b3b0aa",
        "--------8d60-4ffb-8e04-21a2f5b3b0aa-",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(text_is_uuid(view_of(refused[i])));
}

static void lowers_ascii_only(void **state)
{
    (void)state;
    char text[] = "A@Z[`az{09\xc3\x84";
    text_lower(text, sizeof text - 1);
    assert_string_equal(text, "a@z[`az{09\xc3\x84");
}

static void assert_word(const char *text, const char *word)
{
    struct buf buf;
    buf_init(&buf, 1000);
    text_add_shell_word(&buf, view_of(text));
    assert_true(view_is(buf_view(&buf), word));
    buf_done(&buf);
}

static void writes_shell_words(void **state)
{
    (void)state;
    assert_word("", "''");
    assert_word("alice+x@example.com", "alice+x@example.com");
    assert_word("--name=a/b:c,d%e_f-1.2", "--name=a/b:c,d%e_f-1.2");
    assert_word("two words", "'two words'");
    assert_word("$HOME", "'$HOME'");
    assert_word("o'brien", "'o'\\''brien'");
    assert_word("'", "''\\'''");
    assert_word("~root", "'~root'");
    assert_word("a;b", "'a;b'");
    assert_word("\xc3\xbc", "'\xc3\xbc'");
}

// The shell itself reads back what was written.
static void shells_agree(void **state)
{
    (void)state;
    for (int byte = 1; byte < 128; byte++) {
        char text[] = {(char)byte, 'x', (char)byte, '\0'}, read[16] = {0};
        struct buf buf;
        buf_init(&buf, 1000);
        buf_add(&buf, VIEW("printf %s. "));
        text_add_shell_word(&buf, view_of(text));
        buf_add_char(&buf, '\0');
        FILE *pipe = popen(buf.data, "r");
        assert_non_null(pipe);
        size_t size = fread(read, 1, sizeof read, pipe);
        assert_int_equal(pclose(pipe), 0);
        assert_int_equal(size, 4);
        assert_memory_equal(read, text, 3);
        buf_done(&buf);
    }
}

static void copies_what_fits(void **state)
{
    (void)state;
    char array[4] = "zzz";
    assert_false(text_copy(array, sizeof array, VIEW("abcd")));
    assert_string_equal(array, "zzz");
    assert_true(text_copy(array, sizeof array, VIEW("abc")));
    assert_string_equal(array, "abc");
    assert_true(text_copy(array, sizeof array, (struct view){NULL, 0}));
    assert_string_equal(array, "");
    assert_false(text_copy(array, 0, VIEW("")));
}

static void compares_without_case(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char left[] = "xxxxxxxxxxxxxxxxxxx", right[] = "XxxXxxxxXxxxxxxxxxX";
            bool letters = ((a | 0x20) == (b | 0x20)) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
            for (size_t size = 1; size < sizeof left; size++) {
                left[size - 1] = (char)a;
                right[size - 1] = (char)b;
                assert_int_equal(text_same((struct view){left, size}, (struct view){right, size}),
                                 a == b || letters);
                left[size - 1] = right[size - 1] = 'x';
            }
        }
    }
    assert_true(text_same(VIEW(""), (struct view){NULL, 0}));
    assert_false(text_same(VIEW("a"), VIEW("ab")));
    assert_false(text_same(VIEW("content-length"), VIEW("Content-Lengti")));
}

static void writes_numbers(void **state)
{
    char room[NUMBER_TEXT];
    (void)state;
    assert_true(view_is(text_number(0, room), "0"));
    assert_true(view_is(text_number(1234567890, room), "1234567890"));
    assert_true(view_is(text_number(UINT64_MAX, room), "18446744073709551615"));
}

static void views(void **state)
{
    (void)state;
    assert_true(view_equal((struct view){NULL, 0}, VIEW("")));
    assert_false(view_equal(VIEW("a"), VIEW("ab")));
    assert_true(view_is(VIEW("ab"), "ab"));
    assert_true(view_starts(VIEW("abc"), VIEW("ab")) && view_starts(VIEW("abc"), VIEW("")));
    assert_false(view_starts(VIEW("ab"), VIEW("abc")));
    assert_true(view_is(view_skip(VIEW("abc"), 1), "bc"));
    assert_int_equal(view_of(NULL).size, 0);
}

static void finds_marks(void **state)
{
    (void)state;
    assert_int_equal(text_before(VIEW("a/b?c"), "?/"), 1);
    assert_int_equal(text_before(VIEW("abc"), "?/"), 3);
    assert_int_equal(text_before(VIEW("a\0/"), "/"), 2);
    assert_int_equal(text_before((struct view){NULL, 0}, "/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_marks),
        cmocka_unit_test(knows_every_character),
        cmocka_unit_test(knows_nothing_else),
        cmocka_unit_test(tells_printable_text),
        cmocka_unit_test(counts_columns),
        cmocka_unit_test(knows_uuids),
        cmocka_unit_test(lowers_ascii_only),
        cmocka_unit_test(writes_shell_words),
        cmocka_unit_test(shells_agree),
        cmocka_unit_test(copies_what_fits),
        cmocka_unit_test(compares_without_case),
        cmocka_unit_test(writes_numbers),
        cmocka_unit_test(views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
