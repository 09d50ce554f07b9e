// tells.h: what a test was told, to be compared.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/view.h"

enum { TELLS = 4096 };

// What was told, in words separated by blanks.
struct tells {
    char text[TELLS];
    size_t size;
};

static inline void tell(struct tells *tells, const char *what, struct view detail)
{
    int size = snprintf(tells->text + tells->size, TELLS - tells->size, "%s%s%.*s",
                        tells->size ? " " : "", what, VIEW_ARG(detail));
    tells->size += (size_t)size;
    assert_true(tells->size < TELLS);
}
