// fuzz_server_record.c: whatever JSON comes as the record of a server, what is made of it is stable
// (made again it is the same), and once it is good, its masked form shows no value of env and
// headers and stays as it is when it is masked again.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "model/server_record.h"
#include "model/server_validate.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const struct json_value *read_again(const struct buf *text, struct arena *arena)
{
    const struct json_value *value;
    struct err err;
    must(json_parse_own(buf_view(text), arena, &value, &err));
    return value;
}

static void must_be_masked(const struct json_value *object)
{
    for (const struct json_value *member = json_first(object); member; member = member->next)
        must(view_is(json_text(member), SERVER_MASK));
}

static void mask(const struct json_value *record, struct buf *ret_text)
{
    struct json_out out;
    json_out_init(&out, ret_text, JSON_COMPACT);
    must(server_record_mask(record, &out.out) && !ret_text->failed);
}

static void check_masks(const struct json_value *record, struct arena *arena)
{
    struct buf once, twice;
    buf_init(&once, MEMORY);
    buf_init(&twice, MEMORY);
    mask(record, &once);
    const struct json_value *masked = read_again(&once, arena);
    const struct json_value *config = json_member(masked, "config");
    must_be_masked(json_member(config, "env"));
    must_be_masked(json_member(config, "headers"));
    mask(masked, &twice);
    must(view_equal(buf_view(&once), buf_view(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

static void check_record(const struct json_value *source, struct arena *arena)
{
    const struct server_change nothing = {0};
    struct buf made, again;
    struct err err;
    buf_init(&made, LIMIT_SERVER_RECORD);
    buf_init(&again, LIMIT_SERVER_RECORD);
    if (server_record_build(source, &nothing, &made, &err)) {
        const struct json_value *record = read_again(&made, arena);
        must(server_record_build(record, &nothing, &again, &err));
        must(view_equal(buf_view(&made), buf_view(&again)));
        if (server_record_check(record, &err))
            check_masks(record, arena);
        (void)server_validate(record, STOPS, NULL);
        (void)server_validate(record, WARNS, NULL);
    }
    buf_done(&made);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    if (json_parse(view_bytes(data, size), &arena, &value, &err) && value->type == JSON_OBJECT)
        check_record(value, &arena);
    arena_done(&arena);
    return 0;
}
