// test_csv.c: the strict reader of comma-separated values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/csv.h"

// Everything read from `text`, written so that it can be compared: a field in [], a row a line, and
// a problem as line:character reason.
static void read_all(struct view text, struct buf *ret_seen)
{
    struct csv csv;
    struct csv_row row;
    struct csv_problem problem;
    enum csv_step step;
    csv_init(&csv, text);
    while ((step = csv_next(&csv, &row, &problem)) != CSV_END) {
        assert_int_not_equal(step, CSV_MEMORY);
        if (step == CSV_BAD)
            buf_add_format(ret_seen, "%zu:%zu %s", problem.line, problem.character, problem.reason);
        for (size_t i = 0; step == CSV_ROW && i < row.count; i++)
            buf_add_format(ret_seen, "[%.*s]", VIEW_ARG(row.fields[i]));
        buf_add_char(ret_seen, '\n');
    }
    assert_int_equal(csv_position(&csv), csv.text.size);
    csv_done(&csv);
    buf_add_char(ret_seen, '\0');
}

static void expect_view(struct view text, const char *wanted)
{
    struct buf seen;
    buf_init(&seen, 1 << 20);
    read_all(text, &seen);
    assert_string_equal(seen.data, wanted);
    buf_done(&seen);
}

static void expect(const char *text, const char *wanted)
{
    expect_view(view_of(text), wanted);
}

static void reads_rows(void **state)
{
    (void)state;
    expect("", "");
    expect("a", "[a]\n");
    expect("a,b\n1,2\n", "[a][b]\n[1][2]\n");
    expect("a,b\r\n1,2\r\n", "[a][b]\n[1][2]\n");
    expect("a,b\n1,2", "[a][b]\n[1][2]\n");
    expect("\xef\xbb\xbf"
           "a\n",
           "[a]\n");
    expect(",\n,\n", "[][]\n[][]\n");
    expect(" a , b \n", "[ a ][ b ]\n");
    expect("a\tb\n", "[a\tb]\n");
    expect("gr\xc3\xbc\xc3\x9f"
           "e\n",
           "[gr\xc3\xbc\xc3\x9f"
           "e]\n");
}

static void reads_quotes(void **state)
{
    (void)state;
    expect("\"a\",\"b\"\n", "[a][b]\n");
    expect("\"\"\n", "[]\n");
    expect("\"a,b\",c\n", "[a,b][c]\n");
    expect("\"a\"\"b\"\n", "[a\"b]\n");
    expect("\"\"\"\"\n", "[\"]\n");
    expect("\"a\nb\",c\r\nd,e\n", "[a\nb][c]\n[d][e]\n");
    expect("\"a\r\nb\"\n", "[a\r\nb]\n");
    expect("\"\",x,\"\"\"\",\"y\"", "[][x][\"][y]\n");
}

static void tells_what_is_wrong_and_where(void **state)
{
    (void)state;
    expect("a,b\n1,x\"y\"\n2,3\n",
           "[a][b]\n2:4 a quote stands inside a field that has none around it\n");
    expect("a\n\"x\"y\n", "[a]\n2:4 something stands between the closing quote and the comma\n");
    expect("a\n\"x\" \n", "[a]\n2:4 something stands between the closing quote and the comma\n");
    expect("a,b\nq,\"x\ny\n", "[a][b]\n2:3 this quote is never closed\n");
    expect("a\n\"", "[a]\n2:1 this quote is never closed\n");
    expect("a\n\"x\"\"", "[a]\n2:1 this quote is never closed\n");
    expect("a\nb\rc\n", "[a]\n2:2 a carriage return stands without a line feed\n");
    expect("a\n\"b\rc\"\n", "[a]\n2:3 a carriage return stands without a line feed\n");
    expect("a\nb\r", "[a]\n2:2 a carriage return stands without a line feed\n");
    expect("a\n\xc3\xbc\xff\n", "[a]\n2:2 this is not valid UTF-8\n");
    expect("a\n\"\n\xc3\xbc\xff\"\n", "[a]\n3:2 this is not valid UTF-8\n");
    expect("a\n\x1b[31m\n", "[a]\n2:1 this is a control character\n");
    expect_view(VIEW("a\nb\0c\n"), "[a]\n2:2 this is a control character\n");
    expect("\xff\xfe"
           "a\n",
           "1:1 this is not valid UTF-8\n");
    expect("a\n\xef\xbb\xbf\xed\xa0\x80\n", "[a]\n2:2 this is not valid UTF-8\n");
}

static void goes_on_behind_a_row_whose_end_is_clear(void **state)
{
    (void)state;
    expect("a,b\n1\n1,2,3\n\n1,2\n",
           "[a][b]\n2:2 the row has fewer fields than the first one\n"
           "3:6 the row has more fields than the first one\n4:1 the line is empty\n[1][2]\n");
}

static void has_a_limit_of_fields(void **state)
{
    char text[2 * CSV_FIELDS + 2];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ',' : 'x';
    struct csv csv;
    struct csv_row row;
    struct csv_problem problem;
    csv_init(&csv, (struct view){text, 2 * CSV_FIELDS - 1});
    assert_int_equal(csv_next(&csv, &row, &problem), CSV_ROW);
    assert_int_equal(row.count, CSV_FIELDS);
    csv_done(&csv);
    csv_init(&csv, (struct view){text, 2 * CSV_FIELDS + 1});
    assert_int_equal(csv_next(&csv, &row, &problem), CSV_BAD);
    assert_int_equal(problem.character, 2 * CSV_FIELDS + 1);
    csv_done(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rows),
        cmocka_unit_test(reads_quotes),
        cmocka_unit_test(tells_what_is_wrong_and_where),
        cmocka_unit_test(goes_on_behind_a_row_whose_end_is_clear),
        cmocka_unit_test(has_a_limit_of_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
