// meter.c: see meter.h.
#include "doors/meter.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 1000, PAUSE_MS = 200 };

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(struct progress *progress, int64_t done, int64_t total)
{
    struct meter *meter = (struct meter *)progress; // its first member
    int64_t now = now_ms();
    if (now < meter->due || total <= 0)
        return;
    meter->due = now + PAUSE_MS;
    meter->shown = true;
    (void)fprintf(stderr, "\r%s: %d%%", meter->title, (int)(done * 100 / total));
}

struct progress *meter_start(struct meter *meter, const struct op *op)
{
    *meter = (struct meter){.progress = {tell}, .due = now_ms() + FIRST_MS};
    (void)op_title(op, meter->title);
    return isatty(STDERR_FILENO) ? &meter->progress : NULL;
}

void meter_done(struct meter *meter)
{
    if (meter->shown)
        (void)fputs("\r\033[K", stderr);
    meter->shown = false;
}
