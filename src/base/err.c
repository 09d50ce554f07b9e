// err.c: see err.h.
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int exit_status;
    bool refusal;
} kinds[] = {
    [ERR_NONE] = {1, false},     [ERR_USAGE] = {2, false},       [ERR_NOT_FOUND] = {1, true},
    [ERR_CONFLICT] = {1, true},  [ERR_PRECONDITION] = {1, true}, [ERR_BUSY] = {1, false},
    [ERR_INTEGRITY] = {1, true}, [ERR_IO] = {1, false},          [ERR_MEMORY] = {1, false},
};

bool err_set(struct err *err, enum err_kind kind, const char *code, const char *format, ...)
{
    va_list args;
    err->kind = kind;
    err->code = code;
    err->hint[0] = '\0';
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool err_hint(struct err *err, const char *format, ...)
{
    va_list args;
    size_t used = strlen(err->hint);
    if (used > 0 && used + 1 < sizeof err->hint)
        err->hint[used++] = '\n';
    va_start(args, format);
    (void)vsnprintf(err->hint + used, sizeof err->hint - used, format, args);
    va_end(args);
    return false;
}

bool err_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out_of_memory", "Out of memory");
}

bool err_is_refusal(enum err_kind kind)
{
    return kinds[kind].refusal;
}

int err_exit_status(enum err_kind kind)
{
    return kinds[kind].exit_status;
}
