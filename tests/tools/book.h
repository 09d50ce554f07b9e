#pragma once
/*
 * The book of a hammer run: lines of text that say what should be in a store, and the same lines
 * made from what the program lists. Sorted, the two must be equal, line by line:
 *
 *   user EMAIL ID -PROJECT-PROJECT-       key KEY EMAIL PROJECT STATUS
 *
 * The lists are read as JSON lines, one record a line, with no more of a parser than strstr: the
 * names in a hammer's store are its own and contain nothing that JSON would escape.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROJECTS = 4, EMAIL = 64, ID = 40, KEY = 80, EXIT_TROUBLE = 2 };

#define OWNER "owner@example.com" /* has the keys that all writers fight for; in no book */

struct lines {
    char **at;
    size_t count, room;
};

__attribute__((noreturn, format(printf, 1, 2))) static void trouble(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("hammer: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_TROUBLE);
}

/* Copies the first string value of the JSON field `name` in `text`; false when there is none. */
static bool field_get(const char *text, const char *name, char *ret_value, size_t size)
{
    char quoted[48];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = strstr(text, quoted);
    if (!at)
        return false;
    at += strlen(quoted);
    at += strspn(at, ": ");
    size_t length = *at == '"' ? strcspn(at + 1, "\"") : 0;
    if (length == 0 || length >= size)
        return false;
    memcpy(ret_value, at + 1, length);
    ret_value[length] = '\0';
    return true;
}

__attribute__((format(printf, 2, 3))) static void lines_add(struct lines *lines, const char *format,
                                                            ...)
{
    va_list args;
    if (lines->count == lines->room) {
        lines->room = lines->room ? lines->room * 2 : 256;
        lines->at = reallocarray(lines->at, lines->room, sizeof *lines->at);
    }
    va_start(args, format);
    if (!lines->at || vasprintf(&lines->at[lines->count++], format, args) < 0)
        trouble("out of memory");
    va_end(args);
}

static int line_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_add_book(struct lines *lines, FILE *book)
{
    char line[512];
    rewind(book);
    while (fgets(line, sizeof line, book)) {
        line[strcspn(line, "\n")] = '\0';
        lines_add(lines, "%s", line);
    }
}

static void lines_add_users(struct lines *lines, char *text)
{
    char email[EMAIL], id[ID], name[32], projects[128];
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
        if (!field_get(line, "email", email, sizeof email) ||
            !field_get(line, "user_id", id, sizeof id))
            trouble("no user in: %s", line);
        projects[0] = '\0';
        for (unsigned project = 0; project < PROJECTS; project++) {
            snprintf(name, sizeof name, "\"hammer-%u\"", project);
            if (strstr(line, name))
                snprintf(projects + strlen(projects), sizeof projects - strlen(projects),
                         "hammer-%u-", project);
        }
        if (strcmp(email, OWNER) != 0)
            lines_add(lines, "user %s %s -%s", email, id, projects);
    }
}

static void lines_add_keys(struct lines *lines, char *text)
{
    char email[EMAIL], key[KEY], project[32], status[32];
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
        if (!field_get(line, "api_key", key, sizeof key) ||
            !field_get(line, "email", email, sizeof email) ||
            !field_get(line, "project_name", project, sizeof project) ||
            !field_get(line, "status", status, sizeof status))
            trouble("no key in a line of list-all-api-keys");
        lines_add(lines, "key %s %s %s %s", key, email, project, status);
    }
}

static void lines_done(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->at[i]);
    free(lines->at);
}

/* Keys are test keys of a store that is thrown away, so showing them does no harm. */
static unsigned long lines_compare(struct lines *books, struct lines *store)
{
    unsigned long wrong = 0;
    size_t b = 0, s = 0;
    qsort(books->at, books->count, sizeof *books->at, line_compare);
    qsort(store->at, store->count, sizeof *store->at, line_compare);
    while (b < books->count || s < store->count) {
        int order = b == books->count   ? 1
                    : s == store->count ? -1
                                        : strcmp(books->at[b], store->at[s]);
        if (order != 0 && wrong++ < 20)
            fprintf(stderr, "%s: %s\n",
                    order < 0 ? "acknowledged, not in the store" : "not acknowledged",
                    order < 0 ? books->at[b] : store->at[s]);
        b += order <= 0;
        s += order >= 0;
    }
    return wrong;
}
