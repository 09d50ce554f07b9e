// test_numbers.c: things found by a number.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "upstream/numbers.h"

enum { ALL = 300 };

static void finds_what_is_there(void **state)
{
    static char things[ALL + 1];
    struct numbers numbers = {0};
    unsigned seed = 1;
    (void)state;
    assert_null(numbers_find(&numbers, 1));
    numbers_remove(&numbers, 1);
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1103515245 + 12345;
        // Neighbours and numbers that meet in the same slot.
        size_t n = 1 + (seed >> 16) % ALL;
        uint64_t key = n % 3 ? n : n << 20;
        if (things[n])
            numbers_remove(&numbers, key);
        else
            assert_true(numbers_add(&numbers, key, &things[n]));
        things[n] = !things[n];
        if (step % 50)
            continue;
        for (size_t i = 1; i <= ALL; i++)
            assert_ptr_equal(numbers_find(&numbers, i % 3 ? i : i << 20),
                             things[i] ? &things[i] : NULL);
    }
    numbers_done(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
