// result.c: see result.h.
#include "doors/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/limits.h"

static struct result *result_of_plain(struct out *out)
{
    return OUTER(out, struct result, plain);
}

static void plain_bracket(struct out *out, char bracket)
{
    (void)out;
    (void)bracket;
}

static void plain_key(struct out *out, struct view key)
{
    struct result *result = result_of_plain(out);
    result->plain_under_way = view_is(key, result->plain_field);
}

static void plain_scalar(struct out *out, const struct out_scalar *value)
{
    struct result *result = result_of_plain(out);
    if (result->plain_under_way && value->type == OUT_TEXT)
        buf_add_format(&result->buf, "%s: %.*s\n", result->plain_field, VIEW_ARG(value->text));
    result->plain_under_way = false;
}

static void plain_finish(struct out *out)
{
    (void)out;
}

static const struct out_methods plain_methods = {
    .begin = plain_bracket,
    .end = plain_bracket,
    .key = plain_key,
    .scalar = plain_scalar,
    .finish = plain_finish,
};

static bool drain(void *context, struct view bytes)
{
    struct result *result = (struct result *)context;
    int descriptor = result->to_file ? result->draft.descriptor : STDOUT_FILENO;
    if (file_write_all(descriptor, bytes))
        return true;
    result->trouble = errno;
    return false;
}

static struct render_style style_of_terminal(bool to_file)
{
    struct winsize size;
    if (to_file || !isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return (struct render_style){0};
    return (struct render_style){.columns = size.ws_col, .bold = !getenv("NO_COLOR")};
}

bool result_open(struct result *result, enum render_format format, const char *plain_field,
                 const char *file, struct err *err)
{
    *result = (struct result){.plain = {&plain_methods},
                              .plain_field = plain_field,
                              .draft = {.descriptor = -1},
                              .to_file = file != NULL};
    struct render_style style = style_of_terminal(file != NULL);
    buf_init(&result->buf, LIMIT_HELD_OUTPUT);
    result->buf.secret = true;
    result->buf.drain = drain;
    result->buf.drain_context = result;
    if (file && !file_draft_open(&result->draft, file, err))
        return false;
    if (plain_field)
        return true;
    result->render = render_new(format, &result->buf, &style);
    return result->render || err_memory(err);
}

void result_name_columns(struct result *result, const char *fields, const char *columns)
{
    if (result->render)
        render_name_columns(result->render, fields, columns);
}

struct out *result_out(struct result *result)
{
    return result->render ? render_out(result->render) : &result->plain;
}

void result_hold(struct result *result)
{
    result->buf.held = true;
}

bool result_send(struct result *result, struct err *err)
{
    out_finish(result_out(result));
    result->buf.held = false;
    if (buf_flush(&result->buf))
        return !result->to_file || file_draft_commit(&result->draft, err);
    if (!result->trouble)
        return err_memory(err);
    return err_set(err, ERR_IO, "output_failed", "The result cannot be written to %s: %s",
                   result->to_file ? result->draft.path : "standard output",
                   strerror(result->trouble));
}

void result_done(struct result *result)
{
    render_free(result->render);
    buf_done(&result->buf);
    file_draft_drop(&result->draft);
}
