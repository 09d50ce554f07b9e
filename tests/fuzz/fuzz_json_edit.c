// fuzz_json_edit.c: what was edited can be read again and holds what was put there, putting it
// there twice changes nothing, and the text is as before when it is taken away.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json_edit.h"

enum { MEMORY = 1 << 20 };

static const struct json_path paths[] = {
    {{{"s", NULL}, {"x", NULL}}, 2},
    {{{"i", NULL}, {"id", "x"}}, 2},
};
static const struct view values[] = {{"{\"k\":[1,{}]}", 12}, {"{\"id\":\"x\",\"k\":[1]}", 18}};

static void must(bool holds)
{
    if (!holds)
        abort();
}

// Whether removing what was added must give back the text.
static bool is_restorable(const struct json_places *places, size_t steps)
{
    if (places->blank || places->reached < steps)
        return false;
    const struct json_shelf *shelf = &places->shelves[steps - 1];
    return shelf->matches == 0 && (shelf->count > 0 || shelf->close == shelf->open + 1);
}

static void check_edit(struct view text, const struct json_path *path, struct view value)
{
    struct json_places places;
    struct buf set, again, back;
    struct err err;
    struct view found;
    buf_init(&set, MEMORY);
    buf_init(&again, MEMORY);
    buf_init(&back, MEMORY);
    if (json_scan(text, path, &places, &err)) {
        must(json_edit_set(text, path, value, &set, &err));
        must(json_edit_find(buf_view(&set), path, &found, &err) && found.data);
        must(json_edit_set(buf_view(&set), path, value, &again, &err));
        must(view_equal(buf_view(&set), buf_view(&again)));
        must(json_edit_remove(buf_view(&set), path, &back, &err));
        must(json_edit_find(buf_view(&back), path, &found, &err) && !found.data);
        must(!is_restorable(&places, path->count) || view_equal(text, buf_view(&back)));
    } else {
        must(!json_edit_set(text, path, value, &set, &err) && set.size == 0);
        must(!json_edit_remove(text, path, &set, &err) && set.size == 0);
    }
    buf_done(&set);
    buf_done(&again);
    buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        check_edit(view_bytes(data, size), &paths[i], values[i]);
    return 0;
}
