// fuzz_json.c: the reader of JSON refuses and accepts as jansson does, and what it accepts comes
// out of the writer as a text with the same meaning.
#include "fuzz.h"

#include <stdlib.h>

#include "../jansson_names.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/json_out.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_value(const struct json_value *value, struct buf *buf, enum json_layout layout)
{
    struct json_out out;
    json_out_init(&out, buf, layout);
    json_copy_to_out(value, &out.out);
    out_finish(&out.out);
    must(!buf->failed);
}

// Written in any layout and read again, the value is written compactly as before.
static void check_round_trip(const struct json_value *value, struct arena *arena)
{
    struct buf first, second;
    struct err err;
    buf_init(&first, MEMORY);
    buf_init(&second, MEMORY);
    write_value(value, &first, JSON_COMPACT);
    for (enum json_layout layout = JSON_PRETTY; layout <= JSON_COMPACT; layout++) {
        struct buf text;
        const struct json_value *again;
        buf_init(&text, MEMORY);
        write_value(value, &text, layout);
        must(json_parse(buf_view(&text), arena, &again, &err));
        write_value(again, &second, JSON_COMPACT);
        must(view_equal(buf_view(&first), buf_view(&second)));
        buf_clear(&second);
        buf_done(&text);
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct view text = view_bytes(data, size);
    const struct json_value *value = NULL;
    bool comparable;
    arena_init(&arena, MEMORY);
    bool accepted = json_parse(text, &arena, &value, &err);
    json_t *theirs = jansson_parse(text, &comparable);
    bool too_deep = !accepted && strstr(err.message, "nested too deeply");
    must(!comparable || too_deep || accepted == (theirs != NULL));
    if (accepted)
        check_round_trip(value, &arena);
    json_decref(theirs);
    arena_done(&arena);
    return 0;
}
