// out.c: see out.h.
#include "base/out.h"

#include "base/clock.h"

void field_time(struct out *out, const char *key, int64_t time)
{
    char text[TIME_TEXT];
    if (time == 0) {
        field_null(out, key);
        return;
    }
    time_format(time, text);
    field_string(out, key, text);
}
