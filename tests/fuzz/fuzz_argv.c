// fuzz_argv.c: any words make a request or an error, never a crash. A key given by --api-key is
// gone from the words, is kept whole, and has no part in what the error says: with another key of
// the same make in its place the error is the same. What --output says is known even after an
// error. An input is the words of a command line, each ended by NUL.
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "doors/argv.h"

static const char environment_key[] = "key-of-the-environment";

enum { MOST_WORDS = 40, MOST_SIZE = 4096 };

struct line {
    char text[MOST_SIZE + 1];
    char *words[MOST_WORDS + 1];
    int count;
};

struct outcome {
    bool done, output_given;
    enum render_format format;
    struct err err;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

// Files are none of this test's business: every @FILE becomes one that is not there.
static void split(struct line *line, const uint8_t *data, size_t size)
{
    static char program[] = "secure-mcp-gateway";
    memcpy(line->text, data, size);
    line->text[size] = '\0';
    line->words[0] = program;
    line->count = 1;
    for (size_t at = 0; at < size && line->count < MOST_WORDS; at += strlen(line->text + at) + 1)
        line->words[line->count++] = line->text + at;
    for (size_t at = 0; at + 1 < size; at++)
        if (line->text[at] == '@' && line->text[at + 1] != '\0')
            line->text[at + 1] = '_';
    line->words[line->count] = NULL;
}

static bool says(const char *word, const char *name, const char **ret_value)
{
    size_t size = strlen(name);
    if (strncmp(word, name, size) != 0 || (word[size] != '\0' && word[size] != '='))
        return false;
    *ret_value = word[size] == '=' ? word + size + 1 : NULL;
    return true;
}

enum meaning { MEANS_NOTHING, MEANS_VALUE, MEANS_KEY, MEANS_FORMAT };

// What the word as an option would take: read from the table of parameters, apart from argv.c.
static enum meaning meaning_of(const char *word, const char **ret_value)
{
    static const char *const more[] = {"--home", "--store", "--api-key-env"};
    char name[64];
    *ret_value = NULL;
    if (strncmp(word, "-o", 2) == 0) {
        *ret_value = word[2] != '\0' ? word + 2 : NULL;
        return MEANS_FORMAT;
    }
    if (says(word, "--output", ret_value))
        return MEANS_FORMAT;
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (says(word, more[i], ret_value))
            return MEANS_VALUE;
    for (int i = 0; i < P_COUNT; i++) {
        (void)snprintf(name, sizeof name, "--%s", param_rows[i].name);
        if (param_rows[i].type != TYPE_FLAG && says(word, name, ret_value))
            return i == P_API_KEY ? MEANS_KEY : MEANS_VALUE;
    }
    return MEANS_NOTHING;
}

// Calls `visit` with the value of each option that has one.
static void visit_values(const struct line *line, void (*visit)(void *, enum meaning, const char *),
                         void *context)
{
    for (int i = 1; i < line->count; i++) {
        const char *value;
        enum meaning meaning = meaning_of(line->words[i], &value);
        if (meaning != MEANS_NOTHING && !value && i + 1 < line->count)
            value = line->words[++i];
        if (meaning != MEANS_NOTHING && value)
            visit(context, meaning, value);
    }
}

static bool is_key(enum meaning meaning, const char *value)
{
    return meaning == MEANS_KEY && value[0] != '@' && strcmp(value, "-") != 0;
}

// Every key that is given; the first is the one that counts.
struct keys {
    char *values[MOST_WORDS];
    size_t count;
    const char *format; // the last good one
};

static void note_value(void *context, enum meaning meaning, const char *value)
{
    static const char *const formats[] = {"json", "table", "csv", "yaml", "jsonl"};
    struct keys *keys = context;
    if (is_key(meaning, value))
        keys->values[keys->count++] = (char *)(uintptr_t)value;
    for (size_t i = 0; i < COUNT_OF(formats) && meaning == MEANS_FORMAT; i++)
        if (strcmp(value, formats[i]) == 0)
            keys->format = value;
}

static struct keys keys_of(const struct line *line)
{
    struct keys keys = {.count = 0};
    visit_values(line, note_value, &keys);
    return keys;
}

static bool is_zero(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != '\0')
            return false;
    return true;
}

static void check_kept(const struct request *request, const char *first, size_t size)
{
    const struct arg *arg = &request->args.list[P_API_KEY];
    must(request->key != NULL);
    if (!arg->given)
        return;
    must(arg->text.data == request->key->text && arg->text.size == size);
    must(memcmp(arg->text.data, first, size) == 0);
}

static struct outcome read_line(struct line *line)
{
    struct outcome outcome = {.done = false};
    struct request request;
    struct keys keys = keys_of(line);
    size_t sizes[MOST_WORDS];
    char *first = keys.count > 0 ? strdup(keys.values[0]) : NULL;
    for (size_t i = 0; i < keys.count; i++)
        sizes[i] = strlen(keys.values[i]);
    outcome.done = request_read(&request, line->count, line->words, &outcome.err);
    for (size_t i = 0; i < keys.count; i++)
        must(is_zero(keys.values[i], sizes[i]));
    if (first && first[0] != '\0')
        check_kept(&request, first, sizes[0]);
    must(!keys.format || request.output_given);
    must(!request.output_given || keys.format);
    must(request.word_count <= REQUEST_WORDS);
    must(!request.op || request.word_count >= (request.op->group[0] ? 2 : 1));
    outcome.output_given = request.output_given;
    outcome.format = request.format;
    free(first);
    request_done(&request);
    return outcome;
}

static void check_error(const struct outcome *outcome)
{
    const struct err *err = &outcome->err;
    if (outcome->done)
        return;
    must(err->kind == ERR_USAGE || err->kind == ERR_NOT_FOUND || err->kind == ERR_IO ||
         err->kind == ERR_MEMORY);
    must(err->code && err->code[0] != '\0' && err->message[0] != '\0');
    must(memchr(err->message, '\0', sizeof err->message));
    must(memchr(err->hint, '\0', sizeof err->hint));
    must(text_is_printable(view_of(err->message)));
}

// What was read from there was wiped there. The text is the same one each time: nothing piles up.
static void fill_environment(void)
{
    static char variable[64];
    (void)snprintf(variable, sizeof variable, "FUZZ_KEY=%s", environment_key);
    (void)putenv(variable);
}

// Another key in the place of each: as long, as plausible, and not to be confused with any text.
static void replace_keys(const struct line *line)
{
    struct keys keys = keys_of(line);
    for (size_t i = 0; i < keys.count; i++)
        for (char *at = keys.values[i]; *at; at++)
            *at = *at > ' ' && *at <= '~' ? '~' : *at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct line given, other; // too large for the stack of some
    static bool started;
    struct err err = {0};
    if (size > MOST_SIZE)
        return 0;
    if (!started) // nobody shall wait for a key to be typed
        must(vault_start(&err) && freopen("/dev/null", "r", stdin) != NULL);
    started = true;
    fill_environment();
    split(&given, data, size);
    split(&other, data, size);
    replace_keys(&other);
    struct outcome first = read_line(&given);
    check_error(&first);
    fill_environment();
    struct outcome second = read_line(&other);
    must(first.done == second.done && first.output_given == second.output_given);
    must(first.format == second.format);
    if (first.done)
        return 0;
    must(first.err.kind == second.err.kind && strcmp(first.err.code, second.err.code) == 0);
    must(strcmp(first.err.message, second.err.message) == 0);
    must(strcmp(first.err.hint, second.err.hint) == 0);
    must(!strstr(first.err.message, environment_key) ||
         memmem(data, size, environment_key, strlen(environment_key)));
    return 0;
}
