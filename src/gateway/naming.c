// naming.c: see naming.h.
#include "gateway/naming.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { HASH_DIGITS = 8, SEPARATOR = 2 };

static uint32_t hash_of(const char *prefix, struct view name)
{
    uint64_t hash = text_hash(text_hash(TEXT_HASH, view_of(prefix)), VIEW("__"));
    return (uint32_t)text_hash(hash, name);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Whether it could be the name that another one is given: it ends in `mark` and a hash.
static bool looks_made(struct view name, char mark)
{
    if (name.size <= HASH_DIGITS || name.data[name.size - HASH_DIGITS - 1] != mark)
        return false;
    for (size_t i = name.size - HASH_DIGITS; i < name.size; i++)
        if (!memchr("0123456789abcdef", name.data[i], 16))
            return false;
    return true;
}

static bool is_taken(char (*prefixes)[NAMING_PREFIX], size_t count, const char *prefix)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(prefixes[i], prefix) == 0)
            return true;
    return false;
}

static void make_plain(const char *name, char *ret_plain)
{
    size_t size = 0;
    for (; *name; name++) {
        char c = is_plain(*name) ? *name : '_';
        if (c != '_' || (size > 0 && ret_plain[size - 1] != '_'))
            ret_plain[size++] = c;
    }
    while (size > 0 && ret_plain[size - 1] == '_')
        size--;
    ret_plain[size] = '\0';
}

void naming_prefixes(const struct server_specs *specs, char (*ret_prefixes)[NAMING_PREFIX])
{
    char plain[LIMIT_NAME + 1];
    for (size_t i = 0; i < specs->count; i++) {
        const char *name = specs->list[i]->server_name;
        make_plain(name, plain);
        bool as_it_is = strcmp(plain, name) == 0 && strlen(plain) < NAMING_PREFIX &&
                        !looks_made(view_of(plain), '-');
        (void)snprintf(ret_prefixes[i], NAMING_PREFIX, "%.*s", as_it_is ? NAMING_PREFIX - 1 : 0,
                       plain);
    }
    for (size_t i = 0; i < specs->count; i++) {
        char made[NAMING_PREFIX];
        const char *name = specs->list[i]->server_name;
        uint32_t tag = (uint32_t)text_hash(TEXT_HASH, view_of(name));
        if (ret_prefixes[i][0])
            continue;
        make_plain(name, plain);
        do
            (void)snprintf(made, sizeof made, "%.30s-%08x", plain[0] ? plain : "server", tag++);
        while (is_taken(ret_prefixes, specs->count, made));
        memcpy(ret_prefixes[i], made, sizeof made);
    }
}

struct view naming_expose(const char *prefix, struct view name, char into[NAMING_MAX + 1])
{
    size_t prefix_size = strlen(prefix), size = prefix_size + SEPARATOR + name.size;
    struct view pieces[] = {view_of(prefix), VIEW("__"), name};
    bool cut = size > NAMING_MAX || (size == NAMING_MAX && looks_made(name, '_'));
    size_t most = cut ? NAMING_MAX - HASH_DIGITS - 1 : NAMING_MAX, at = 0;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        size_t part = pieces[i].size < most - at ? pieces[i].size : most - at;
        if (part > 0)
            memcpy(into + at, pieces[i].data, part);
        at += part;
    }
    into[at] = '\0';
    if (cut) {
        (void)snprintf(into + at, NAMING_MAX + 1 - at, "_%08x", hash_of(prefix, name));
        at = NAMING_MAX;
    }
    return (struct view){into, at};
}

int naming_find(char (*prefixes)[NAMING_PREFIX], size_t count, struct view exposed,
                struct view *ret_name, bool *ret_cut)
{
    const char *end = (const char *)memmem(exposed.data, exposed.size, "__", SEPARATOR);
    if (!end)
        return -1;
    struct view prefix = {exposed.data, (size_t)(end - exposed.data)};
    for (size_t i = 0; i < count; i++) {
        if (!view_is(prefix, prefixes[i]))
            continue;
        *ret_name = view_skip(exposed, prefix.size + SEPARATOR);
        *ret_cut = exposed.size == NAMING_MAX;
        return (int)i;
    }
    return -1;
}
