// fuzz_parameters.c: headers that repeat arguments. The first line is a tool, the rest its
// arguments: what is made of them agrees with them, and holds nothing that could end a header.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_check.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "gateway/parameters.h"

enum { FIELDS = 32, ROOM = 1 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(struct view tool, struct view arguments)
{
    struct buf texts AUTO(buf_done);
    struct http_field fields[FIELDS];
    size_t count = 0;
    buf_init(&texts, ROOM);
    const char *fault;
    bool any = parameters_any(tool, &fault);
    bool none_wanted = parameters_agree(tool, arguments, NULL, 0);
    if (!parameters_make(tool, arguments, &texts, fields, FIELDS, &count))
        return;
    must(count <= FIELDS && (count == 0 || !none_wanted) && (count == 0 || any || fault));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < fields[i].value.size; j++) {
            unsigned char byte = (unsigned char)fields[i].value.data[j];
            must((byte >= ' ' && byte < 0x7f) || byte == '\t');
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    if (!end)
        return 0;
    const struct view tool = view_bytes(data, (size_t)(end - data));
    const struct view arguments = view_bytes(end + 1, size - tool.size - 1);
    if (json_check(tool, LIMIT_JSON_DEPTH) == JSON_FINE &&
        json_check(arguments, LIMIT_JSON_DEPTH) == JSON_FINE)
        check(tool, arguments);
    return 0;
}
