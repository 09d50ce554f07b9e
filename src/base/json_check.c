// json_check.c: see json_check.h. Descends recursively, bounded by its depth. A function that
// checks something takes where it begins and returns where it ends, or NULL when it is not right.
#include "base/json_check.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/json_text.h"
#include "base/limits.h"
#include "base/text.h"

enum {
    ORDINARY_NAMES = 128, // of all objects that are open at a time
    FEW_MEMBERS = 32,     // each name is compared with those before it; of more, all at the end
};

struct name {
    const char *data;
    size_t size;
    uint64_t hash;
};

struct check {
    const char *end;
    unsigned depth, deepest;
    enum json_fault fault;         // when not simply JSON_BAD
    struct name *names;            // of the open objects, the innermost last
    size_t count, capacity;        // of `names`
    struct name *more_names;       // the memory of `names` when they are more than ordinary
    char *unescaped, *free_end;    // names that had escapes, and the memory after them
    const struct json_pick *picks; // of the object that is being read
    size_t pick_count;
    void *record;
    struct name ordinary[ORDINARY_NAMES];
};

struct object {
    size_t first;  // of its names
    uint64_t seen; // a bit for each hash
};

static bool fail(struct check *check, enum json_fault fault)
{
    check->fault = fault;
    return false;
}

static const char *skip_some_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

static inline const char *skip_blanks(const char *at, const char *end)
{
    return at < end && (unsigned char)*at <= ' ' ? skip_some_blanks(at, end) : at;
}

// --- names -----------------------------------------------------------------------------------

// Differs for most names. Nothing depends on it but the time of ordinary texts.
static uint64_t hash_name(const char *data, size_t size)
{
    uint64_t head = 0, tail = 0;
    if (size >= 8) {
        memcpy(&head, data, 8);
        memcpy(&tail, data + size - 8, 8);
    } else if (size >= 4) {
        memcpy(&head, data, 4);
        memcpy(&tail, data + size - 4, 4);
    } else if (size > 0) {
        head = (unsigned char)data[0] | (uint64_t)(unsigned char)data[size / 2] << 8;
        tail = (unsigned char)data[size - 1];
    }
    // A product mixes bits upwards only: turned round, what differs in the last bytes is mixed too.
    uint64_t sum =
        (head ^ size) * UINT64_C(0x9e3779b97f4a7c15) + tail * UINT64_C(0xc2b2ae3d27d4eb4f);
    uint64_t hash = __builtin_bswap64(sum) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static int compare_names(const void *left, const void *right)
{
    const struct name *a = (const struct name *)left, *b = (const struct name *)right;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return a->size == 0 ? 0 : memcmp(a->data, b->data, a->size);
}

static bool make_room(struct check *check)
{
    if (check->count < check->capacity)
        return true;
    size_t capacity = check->capacity * 2;
    struct name *names = (struct name *)realloc(check->more_names, capacity * sizeof *names);
    if (!names)
        return false;
    if (!check->more_names)
        memcpy(names, check->ordinary, sizeof check->ordinary);
    check->names = check->more_names = names;
    check->capacity = capacity;
    return true;
}

// All names from here on fit into as many bytes as the text still has, so that the first one with
// escapes takes the memory for all.
static bool unescape_name(struct check *check, struct view *name)
{
    size_t rest = (size_t)(check->end - name->data);
    if (!check->unescaped)
        check->unescaped = check->free_end = (char *)malloc(rest);
    if (!check->unescaped)
        return fail(check, JSON_NO_MEMORY);
    *name = json_unescape_to_compare(*name, check->free_end, name->size);
    check->free_end += name->size;
    return true;
}

static bool add_name(struct check *check, struct object *object, struct view name)
{
    if (!make_room(check))
        return fail(check, JSON_NO_MEMORY);
    struct name *first = check->names + object->first, *last = check->names + check->count++;
    *last = (struct name){name.data, name.size, hash_name(name.data, name.size)};
    uint64_t bit = UINT64_C(1) << (last->hash & 63);
    bool maybe = object->seen & bit;
    object->seen |= bit;
    if (!maybe || last - first >= FEW_MEMBERS)
        return true;
    for (struct name *other = first; other < last; other++)
        if (other->hash == last->hash && compare_names(other, last) == 0)
            return fail(check, JSON_DUPLICATE);
    return true;
}

// Sorting, unlike hashing, cannot be made slow by the choice of names.
static bool sort_names(struct check *check, struct name *names, size_t count)
{
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return fail(check, JSON_DUPLICATE);
    return true;
}

// A table of names by their hashes, given up for sorting when too many of them are in the way of
// each other.
static bool compare_many_names(struct check *check, struct name *names, size_t count)
{
    size_t size = 128, patience = 4 * count;
    while (size < 2 * count)
        size *= 2;
    uint32_t *table = count < UINT32_MAX ? (uint32_t *)calloc(size, sizeof *table) : NULL;
    bool fine = true;
    if (!table)
        return sort_names(check, names, count);
    for (size_t i = 0; i < count && fine && patience > 0; i++) {
        size_t at = names[i].hash & (size - 1);
        for (; table[at] && fine && patience > 0; at = (at + 1) & (size - 1), patience--)
            fine = compare_names(&names[table[at] - 1], &names[i]) != 0;
        table[at] = (uint32_t)i + 1;
    }
    free(table);
    if (!fine)
        return fail(check, JSON_DUPLICATE);
    return patience > 0 || sort_names(check, names, count);
}

static bool end_names(struct check *check, const struct object *object)
{
    struct name *names = check->names + object->first;
    size_t count = check->count - object->first;
    check->count = object->first;
    return count <= FEW_MEMBERS || compare_many_names(check, names, count);
}

// --- texts, numbers, words -------------------------------------------------------------------

// From the backslash on.
static const char *check_escape(const struct check *check, const char *at)
{
    uint32_t code;
    if (check->end - at >= 2 && (at[1] == 'n' || at[1] == '"' || at[1] == '\\'))
        return at + 2;
    return json_take_any_escape(&at, check->end, &code) ? NULL : at;
}

// Characters beyond ASCII, as many as there are.
static const char *check_utf8(const struct check *check, const char *at)
{
    while (at < check->end && (signed char)*at < 0) {
        size_t length = utf8_length((struct view){at, (size_t)(check->end - at)});
        if (length == 0)
            return NULL;
        at += length;
    }
    return at;
}

// The rest of a text that is more than plain ASCII, from where that was seen.
static const char *check_odd_text(const struct check *check, const char *at, bool *ret_escaped)
{
    while (at) {
        at = json_skip_plain(at, check->end);
        if (at == check->end)
            return NULL;
        if (*at == '"')
            return at + 1;
        if (*at == '\\') {
            *ret_escaped = true;
            at = check_escape(check, at);
        } else {
            at = (signed char)*at < 0 ? check_utf8(check, at) : NULL;
        }
    }
    return NULL;
}

// From after the opening quote to after the closing one.
static inline const char *check_text(const struct check *check, const char *at, bool *ret_escaped)
{
    at = json_skip_plain(at, check->end);
    *ret_escaped = false;
    return at < check->end && *at == '"' ? at + 1 : check_odd_text(check, at, ret_escaped);
}

static const char *check_digits(const struct check *check, const char *at)
{
    const char *from = at;
    while (at < check->end && *at >= '0' && *at <= '9')
        at++;
    return at > from ? at : NULL;
}

// Further zeros at the beginning are left over, and nothing can stand after a number but what ends
// it.
static const char *check_number(const struct check *check, const char *at)
{
    const char *end = check->end;
    if (*at == '-')
        at++;
    at = at < end && *at == '0' ? at + 1 : check_digits(check, at);
    if (at && at < end && *at == '.')
        at = check_digits(check, at + 1);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = check_digits(check, at);
    }
    return at;
}

static const char *check_word(const struct check *check, const char *at, struct view word)
{
    struct view rest = {at, (size_t)(check->end - at)};
    return view_starts(rest, word) ? at + word.size : NULL;
}

// --- objects and arrays ----------------------------------------------------------------------

static const char *check_other(struct check *check, const char *at);

// Most values are texts, which need nothing of what check_other has at hand for the others.
static inline const char *check_value(struct check *check, const char *at)
{
    bool escaped;
    if (at == check->end)
        return NULL;
    return *at == '"' ? check_text(check, at + 1, &escaped) : check_other(check, at);
}

// What stands between values; `*ret_last` says that it was the closing bracket.
static inline const char *check_comma(const struct check *check, const char *at, char closing,
                                      bool *ret_last)
{
    at = skip_blanks(at, check->end);
    if (at == check->end || (*at != ',' && *at != closing))
        return NULL;
    *ret_last = *at == closing;
    return *ret_last ? at + 1 : skip_blanks(at + 1, check->end);
}

static const struct json_pick *find_pick(const struct check *check, struct view name)
{
    for (size_t i = 0; i < check->pick_count; i++)
        if (view_equal(check->picks[i].name, name))
            return &check->picks[i];
    return NULL;
}

// A value of which something is wanted, and inside of which its own members may be.
static const char *pick_value(struct check *check, const char *at, struct view name)
{
    const struct json_pick *pick = find_pick(check, name), *picks = check->picks;
    const size_t count = check->pick_count;
    const char *end;
    check->picks = pick ? pick->inside : NULL;
    check->pick_count = pick ? pick->inside_count : 0;
    end = check_value(check, at);
    check->picks = picks;
    check->pick_count = count;
    if (pick && end) {
        struct view value = {at, (size_t)(end - at)};
        memcpy((char *)check->record + pick->offset, &value, sizeof value);
    }
    return end;
}

static const char *check_member(struct check *check, const char *at, struct object *object)
{
    bool escaped;
    if (at == check->end || *at != '"')
        return NULL;
    const char *from = at + 1;
    at = check_text(check, from, &escaped);
    if (!at)
        return NULL;
    struct view name = {from, (size_t)(at - 1 - from)};
    if ((escaped && !unescape_name(check, &name)) || !add_name(check, object, name))
        return NULL;
    at = skip_blanks(at, check->end);
    if (at == check->end || *at != ':')
        return NULL;
    at = skip_blanks(at + 1, check->end);
    return check->pick_count > 0 ? pick_value(check, at, name) : check_value(check, at);
}

// From after the opening bracket on.
static const char *check_object(struct check *check, const char *at)
{
    struct object object = {check->count, 0};
    bool last = false;
    at = skip_blanks(at, check->end);
    if (at < check->end && *at == '}')
        return at + 1;
    while (at && !last) {
        at = check_member(check, at, &object);
        if (at)
            at = check_comma(check, at, '}', &last);
    }
    return at && end_names(check, &object) ? at : NULL;
}

static const char *check_array(struct check *check, const char *at)
{
    bool last = false;
    check->pick_count = 0; // pick_value knows what it was
    at = skip_blanks(at, check->end);
    if (at < check->end && *at == ']')
        return at + 1;
    while (at && !last) {
        at = check_value(check, at);
        if (at)
            at = check_comma(check, at, ']', &last);
    }
    return at;
}

static const char *check_children(struct check *check, const char *at)
{
    if (check->depth == check->deepest && !fail(check, JSON_DEEP))
        return NULL;
    check->depth++;
    at = *at == '{' ? check_object(check, at + 1) : check_array(check, at + 1);
    check->depth--;
    return at;
}

static const char *check_other(struct check *check, const char *at)
{
    switch (*at) {
    case '{':
    case '[':
        return check_children(check, at);
    case 't':
        return check_word(check, at, VIEW("true"));
    case 'f':
        return check_word(check, at, VIEW("false"));
    case 'n':
        return check_word(check, at, VIEW("null"));
    default:
        return check_number(check, at);
    }
}

enum json_fault json_check_pick(struct view text, unsigned deepest, const struct json_pick *picks,
                                size_t count, void *record)
{
    const char *start = text.data ? text.data : "";
    struct check check; // the room for names is not cleared
    check.end = start + text.size;
    check.depth = 0;
    check.deepest = deepest;
    check.fault = JSON_BAD;
    check.names = check.ordinary;
    check.count = 0;
    check.capacity = ORDINARY_NAMES;
    check.more_names = NULL;
    check.unescaped = check.free_end = NULL;
    check.picks = picks;
    check.pick_count = count;
    check.record = record;
    const char *at = check_value(&check, skip_blanks(start, check.end));
    bool fine = at && skip_blanks(at, check.end) == check.end;
    free(check.more_names);
    free(check.unescaped);
    return fine ? JSON_FINE : check.fault;
}

enum json_fault json_check(struct view text, unsigned deepest)
{
    return json_check_pick(text, deepest, NULL, 0, NULL);
}
