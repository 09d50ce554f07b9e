// fuzz_json_check.c: the checker accepts what the reader of trees accepts, the walk over what it
// accepted finds the members of the tree, and a walk over any text stays inside of it.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_check.h"
#include "base/json_walk.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

// The name with escapes or without, in memory of exactly its size.
static void check_name(struct view name, struct view meaning)
{
    char *into = (char *)malloc(meaning.size);
    struct view quoted = {name.data - 1, name.size + 2};
    must(view_equal(json_raw_text(quoted, into, meaning.size), meaning));
    if (meaning.size <= JSON_NAME_MAX && !memchr(meaning.data, '\\', meaning.size) &&
        !memchr(meaning.data, '"', meaning.size))
        must(json_name_is(name, meaning));
    free(into);
}

static void check_walk(const struct json_value *value, struct view raw)
{
    struct json_walk walk = json_walk(raw);
    struct view name, member;
    for (const struct json_value *child = json_first(value); child; child = child->next) {
        must(json_walk_next(&walk, &name, &member));
        must(member.data == child->raw.data && member.size == child->raw.size);
        must((name.data != NULL) == (child->key.data != NULL));
        if (name.data)
            check_name(name, child->key);
        check_walk(child, member);
    }
    must(!json_walk_next(&walk, &name, &member));
}

static void walk_over_anything(struct view text)
{
    struct json_walk walk = json_walk(text);
    struct view name, value;
    size_t steps = 0;
    while (json_walk_next(&walk, &name, &value)) {
        must(value.data >= text.data && value.data + value.size <= text.data + text.size);
        must(++steps <= text.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct view text = view_bytes(data, size);
    const struct json_value *value = NULL;
    arena_init(&arena, MEMORY);
    bool accepted = json_parse(text, &arena, &value, &err);
    if (accepted || err.kind != ERR_MEMORY)
        must(accepted == (json_check(text) == JSON_FINE));
    if (accepted)
        check_walk(value, text);
    walk_over_anything(text);
    arena_done(&arena);
    return 0;
}
