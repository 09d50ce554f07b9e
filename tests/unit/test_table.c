// test_table.c: the table against a plain array, with numbers that collide.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"

enum { NUMBERS = 512, STEPS = 200000 };

static void keeps_what_it_is_given(void **state)
{
    (void)state;
    struct table table = {0};
    static char things[NUMBERS];
    bool there[NUMBERS] = {false};
    size_t count = 0;
    unsigned random = 1;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245u + 12345u;
        unsigned which = (random >> 16) % NUMBERS;
        uint64_t number = (uint64_t)which << 32 | which; // strides share their low bits
        if (there[which]) {
            assert_ptr_equal(table_find(&table, number), &things[which]);
            table_remove(&table, number);
            count--;
        } else {
            assert_null(table_find(&table, number));
            assert_true(table_add(&table, number, &things[which]));
            count++;
        }
        there[which] = !there[which];
        assert_int_equal(table.count, count);
    }
    size_t at = 0, seen = 0;
    for (char *thing; (thing = (char *)table_next(&table, &at)); seen++)
        assert_true(there[thing - things]);
    assert_int_equal(seen, count);
    table_done(&table);
    assert_null(table_find(&table, 1));
    table_remove(&table, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_what_it_is_given)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
