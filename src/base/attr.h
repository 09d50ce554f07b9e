// attr.h: the compiler's attributes under names that say what they promise.
// The only header outside os/ that may hold a conditional.
#pragma once

#include <stddef.h>

// The result tells of failure; dropping it does not compile.
#define MUST_CHECK __attribute__((warn_unused_result))

// Arguments from position `args` are checked against the format at `position`.
#define PRINTF_LIKE(position, args) __attribute__((format(printf, position, args)))

// Runs `free_fn(&variable)` when the variable leaves its scope.
#define AUTO(free_fn) __attribute__((cleanup(free_fn)))

// Hands ownership on: yields the pointer and leaves NULL behind.
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) *take_from_ = &(pointer);                                              \
        __typeof__(pointer) taken_ = *take_from_;                                                  \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The struct that this is a member of.
#define OUTER(part, type, member) ((type *)(void *)((char *)(part)-offsetof(type, member)))
