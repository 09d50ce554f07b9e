// test_arena.c: the memory of one call.
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    for (size_t size = 0; size < 3000; size++) {
        unsigned char *memory = (unsigned char *)arena_take(&arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        if (size > 0)
            memset(memory, 0xaa, size);
    }
    arena_done(&arena);
}

static void never_gives_twice(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static unsigned *pieces[COUNT];
    struct arena arena;
    arena_init(&arena, 64 << 20);
    for (unsigned i = 0; i < COUNT; i++) {
        size_t size = sizeof(unsigned) * (1 + i % 97) + (i % 500 == 0 ? 40000 : 0);
        pieces[i] = (unsigned *)arena_take(&arena, size);
        assert_non_null(pieces[i]);
        memset(pieces[i], 0xff, size);
        *pieces[i] = i;
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(*pieces[i], i);
    arena_done(&arena);
}

static void keeps_to_its_maximum(void **state)
{
    (void)state;
    struct arena arena;
    // What is handed out counts rounded up to the alignment.
    arena_init(&arena, 128);
    assert_non_null(arena_take(&arena, 60));
    assert_null(arena_take(&arena, 65));
    assert_non_null(arena_take(&arena, 64));
    assert_null(arena_take(&arena, 1));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take(&arena, SIZE_MAX - 7));
    arena_done(&arena);
    // Given back, it can be used again.
    assert_non_null(arena_take(&arena, 128));
    arena_done(&arena);
}

static void survives_absurd_sizes(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take(&arena, SIZE_MAX - 20));
    assert_null(arena_take(&arena, (size_t)PTRDIFF_MAX + 1));
    assert_non_null(arena_take(&arena, 1));
    arena_done(&arena);
}

static void accepts_zero(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(arena_take(&arena, 1));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(never_gives_twice),
        cmocka_unit_test(keeps_to_its_maximum),
        cmocka_unit_test(survives_absurd_sizes),
        cmocka_unit_test(accepts_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
