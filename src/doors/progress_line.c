// progress_line.c: see progress_line.h.
#include "doors/progress_line.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static void tell(struct progress *progress, const char *what, int64_t done, int64_t total)
{
    struct progress_line *line = (struct progress_line *)(void *)progress;
    int64_t now = clock_now();
    if (now < line->next)
        return;
    line->next = now + TIME_SECOND / 10;
    line->shown = true;
    (void)fprintf(stderr, "\r\033[K%s %s: %s, %d %%", line->op->group, line->op->verb, what,
                  (int)(100.0 * (double)done / (double)total));
    (void)fflush(stderr);
}

struct progress *progress_line_start(struct progress_line *line, const struct op *op)
{
    *line = (struct progress_line){.progress = {tell}, .op = op, .next = clock_now() + TIME_SECOND};
    return isatty(STDERR_FILENO) ? &line->progress : NULL;
}

void progress_line_end(struct progress_line *line)
{
    if (line->shown)
        (void)fputs("\r\033[K", stderr);
}
