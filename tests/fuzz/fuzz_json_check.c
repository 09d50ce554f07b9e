// fuzz_json_check.c: the checker accepts what the reader of trees accepts, and else only what has
// halves of surrogate pairs; the walk over what it accepted finds the members of the tree, and
// gives only UTF-8; a walk over any text stays inside of it.
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/json_check.h"
#include "base/json_text.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "base/text.h"

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

// What names and texts stand for can be written anywhere.
static void check_texts(struct view raw, char *into, size_t size)
{
    struct json_walk walk = json_walk(raw);
    struct view name, member, text = json_raw_text(raw, into, size);
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_length(view_skip(text, at));
        must(length > 0);
        at += length;
    }
    while (json_walk_next(&walk, &name, &member)) {
        if (name.data)
            check_texts((struct view){name.data - 1, name.size + 2}, into, size);
        check_texts(member, into, size);
    }
}

// The text with each half of a pair as a character of its own, from U+100000 on. False when such
// characters stand in it already: then names that differ could become the same.
static bool replace_halves(struct view text, struct buf *buf)
{
    const char *at = text.data, *end = text.data + text.size;
    while (at < end) {
        const char *from = at;
        uint32_t code = 0;
        if (*at == '\\')
            must(!json_take_any_escape(&at, end, &code));
        else
            at++;
        if (*from == '\xf4' || code >= 0x100000)
            return false;
        if (code >= 0xd800 && code <= 0xdfff)
            buf_add_format(buf, "\\udbc%u\\ud%03x", (code - 0xd800) >> 10,
                           0xc00 | ((code - 0xd800) & 0x3ff));
        else
            buf_add(buf, (struct view){from, (size_t)(at - from)});
    }
    return !buf->failed;
}

// The tree reader refused a text that the checker has accepted.
static void check_halves(struct view text)
{
    struct arena arena;
    struct err err;
    struct buf buf AUTO(buf_done);
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    buf_init(&buf, MEMORY);
    if (replace_halves(text, &buf) && !json_parse(buf_view(&buf), &arena, &value, &err))
        must(err.kind == ERR_MEMORY);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct view text = view_bytes(data, size);
    const struct json_value *value = NULL;
    arena_init(&arena, MEMORY);
    bool accepted = json_parse(text, &arena, &value, &err);
    bool checked = json_check(text, LIMIT_JSON_DEPTH) == JSON_FINE;
    must(accepted <= checked);
    if (accepted)
        check_walk(value, text);
    else if (checked && err.kind != ERR_MEMORY)
        check_halves(text);
    if (checked) {
        char *into = (char *)malloc(size);
        check_texts(text, into, size);
        free(into);
    }
    walk_over_anything(text);
    arena_done(&arena);
    return 0;
}
