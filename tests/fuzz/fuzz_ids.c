// fuzz_ids.c: what clients send to name things: session ids and event ids, exposed names of tools,
// the percent-encoded server of a path. Each has one reading; what is made is read back.
#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "doors/gateway_check.h"
#include "gateway/channel.h"
#include "gateway/naming.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_event_id(struct view text)
{
    char room[EVENT_ID];
    int64_t number;
    uint64_t event;
    if (!channel_read_id(text, &number, &event))
        return;
    must(number >= 0);
    int size = snprintf(room, sizeof room, "%" PRId64 "-%" PRIu64, number, event);
    must(size > 0 && (size_t)size <= text.size); // leading zeros are all that may be missing
    int64_t again;
    uint64_t event_again;
    must(channel_read_id(view_of(room), &again, &event_again));
    must(again == number && event_again == event);
}

// A name leads to at most one server, and what that server is called leads back.
static void check_name(struct view text)
{
    char prefixes[][NAMING_PREFIX] = {"a", "a-b", "files", "x_y"};
    char room[NAMING_MAX + 1];
    struct view rest;
    bool cut;
    int found = naming_find(prefixes, COUNT_OF(prefixes), text, &rest, &cut);
    if (found >= 0 && !cut && text.size <= NAMING_MAX)
        must(view_equal(naming_expose(prefixes[found], rest, room), text));
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        struct view exposed = naming_expose(prefixes[i], text, room);
        must(exposed.size <= NAMING_MAX);
        must(naming_find(prefixes, COUNT_OF(prefixes), exposed, &rest, &cut) == (int)i);
        must(cut || view_equal(rest, text));
    }
}

static void check_path(struct view text)
{
    char room[256];
    struct view decoded = percent_decode(text, room, sizeof room);
    if (!decoded.data)
        return;
    must(decoded.size <= text.size);
    must(!memchr(decoded.data, '\0', decoded.size) && !memchr(decoded.data, '\n', decoded.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); // so that reading past the end is seen
    must(text != NULL);
    memcpy(text, data, size);
    const struct view view = {text, size};
    check_event_id(view);
    check_name(view);
    check_path(view);
    free(text);
    return 0;
}
