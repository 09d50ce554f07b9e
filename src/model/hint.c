// hint.c: see hint.h.
#include "model/hint.h"

#include <stdarg.h>

#include "base/buf.h"
#include "base/text.h"

bool hint_command(struct err *err, const char *words, ...)
{
    struct buf line AUTO(buf_done);
    const char *option;
    va_list args;
    buf_init(&line, 1024);
    buf_add(&line, VIEW("secure-mcp-gateway "));
    buf_add(&line, view_of(words));
    va_start(args, words);
    while ((option = va_arg(args, const char *)) != NULL) {
        struct view value = va_arg(args, struct view);
        buf_add_format(&line, value.data ? " %s " : " %s", option);
        if (value.data)
            text_add_shell_word(&line, value);
    }
    va_end(args);
    return line.failed ? false : err_hint(err, "%.*s", VIEW_ARG(buf_view(&line)));
}
