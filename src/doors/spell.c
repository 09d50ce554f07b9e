// spell.c: see spell.h.
#include "doors/spell.h"

#include <string.h>

enum { LONGEST = 40 };

struct search {
    const char *word;
    size_t size;
    const char *best;
    size_t distance; // of the best
};

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// How many letters must be inserted, removed or replaced (Levenshtein).
static size_t distance_between(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_size];
}

static struct search search_for(const char *word, size_t size)
{
    // A third of the letters may be wrong.
    return (struct search){word, size, NULL, size / 3 + 1};
}

static void consider(struct search *search, const char *candidate)
{
    size_t size = strlen(candidate);
    if (size > LONGEST || search->size > LONGEST)
        return;
    size_t distance = distance_between(search->word, search->size, candidate, size);
    if (distance <= search->distance && (!search->best || distance < search->distance)) {
        search->best = candidate;
        search->distance = distance;
    }
}

const char *spell_option(const char *word, const struct op *op)
{
    static const char *const of_program[] = {"home", "store", "output", "help", "version"};
    while (*word == '-')
        word++;
    struct search search = search_for(word, strcspn(word, "="));
    for (size_t i = 0; i < COUNT_OF(of_program); i++)
        consider(&search, of_program[i]);
    for (size_t i = 0; op && i < P_COUNT; i++)
        if (op_offers(op, (enum param)i))
            consider(&search, param_rows[i].name);
    return search.best;
}

const char *spell_group(const char *word)
{
    struct search search = search_for(word, strlen(word));
    for (size_t i = 0; i < op_group_count; i++)
        consider(&search, op_groups[i].name);
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (op->group[0] == '\0')
            consider(&search, op->verb);
    consider(&search, "completion");
    consider(&search, "help");
    return search.best;
}

const char *spell_verb(const char *group, const char *word)
{
    struct search search = search_for(word, strlen(word));
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (strcmp(op->group, group) == 0)
            consider(&search, op->verb);
    return search.best;
}
