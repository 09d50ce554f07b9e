// test_rows.c: every row, and every option of it, is in the help, the man pages, the reference and
// the completion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "doors/complete.h"
#include "doors/help.h"

enum { MEMORY = 1 << 20 };

// The part of `text` from the line `heading` to the next line that begins with `mark`, in a buf of
// the caller's, with an end.
static void section_of(struct buf *text, const char *heading, const char *mark,
                       struct buf *ret_part)
{
    buf_add_char(text, '\0');
    assert_false(text->failed);
    const char *from = strstr(text->data, heading);
    if (!from)
        fail_msg("no section: %s", heading);
    from += strlen(heading);
    const char *to = strstr(from, mark);
    buf_init(ret_part, MEMORY);
    buf_add(ret_part, (struct view){from, to ? (size_t)(to - from) : strlen(from)});
    buf_add_char(ret_part, '\0');
}

// man(7) with its escapes taken out: changes of font, and the backslash of `\-`.
static void unescape(struct buf *page)
{
    size_t size = 0;
    for (size_t i = 0; i < page->size; i++) {
        bool font = i + 2 < page->size && page->data[i] == '\\' && page->data[i + 1] == 'f';
        if (font)
            i += 2;
        else if (page->data[i] != '\\')
            page->data[size++] = page->data[i];
    }
    page->size = size;
}

// Whether `name` stands in `text` as a whole word.
static bool holds_option(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; (at = strstr(at, "--")); at += 2)
        if (strncmp(at + 2, name, size) == 0 &&
            !strchr("abcdefghijklmnopqrstuvwxyz-", at[2 + size]))
            return true;
    return false;
}

static void assert_options(const struct op *op, const char *where, const char *text)
{
    for (size_t i = 0; i < P_COUNT; i++)
        if (op_offers(op, (enum param)i) && !holds_option(text, param_rows[i].name))
            fail_msg("%s %s: --%s is not in the %s", op->group, op->verb, param_rows[i].name,
                     where);
    if (op_offers(op, P_API_KEY) && !holds_option(text, "api-key-env"))
        fail_msg("%s %s: --api-key-env is not in the %s", op->group, op->verb, where);
}

static void every_row_has_help(void **state)
{
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        struct buf help, options;
        buf_init(&help, MEMORY);
        if (op->group[0])
            help_group(&help, help_find_group(op->group));
        else
            help_program(&help);
        buf_add_char(&help, '\0');
        assert_non_null(strstr(help.data, op->summary));
        buf_clear(&help);
        help_op(&help, op);
        if (op->param_count > 0 || op->destructive) {
            section_of(&help, "\nOptions:\n", "\nCommon options:", &options);
            assert_options(op, "help", options.data);
            buf_done(&options);
        }
        buf_done(&help);
    }
}

static void every_row_is_in_a_man_page(void **state)
{
    char heading[80], title[OP_TITLE];
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        struct buf page, part;
        buf_init(&page, MEMORY);
        if (op->group[0])
            help_man_group(&page, help_find_group(op->group));
        else
            help_man_page(&page);
        unescape(&page);
        (void)snprintf(heading, sizeof heading, "\n.SS %s\n", op_title(op, title));
        section_of(&page, heading, "\n.S", &part);
        assert_options(op, "man page", part.data);
        buf_done(&page);
        buf_done(&part);
    }
}

static void every_group_is_in_the_man_page(void **state)
{
    struct buf page, groups;
    (void)state;
    buf_init(&page, MEMORY);
    help_man_page(&page);
    unescape(&page);
    section_of(&page, "\n.SH GROUPS\n", "\n.SH", &groups);
    for (size_t i = 0; i < op_group_count; i++)
        assert_non_null(strstr(groups.data, op_groups[i].summary));
    buf_done(&page);
    buf_done(&groups);
}

static void every_row_is_in_the_reference(void **state)
{
    char heading[80], title[OP_TITLE];
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        struct buf page, part;
        buf_init(&page, MEMORY);
        help_markdown(&page);
        (void)snprintf(heading, sizeof heading, "\n### %s\n", op_title(op, title));
        section_of(&page, heading, "\n##", &part);
        assert_options(op, "reference", part.data);
        buf_done(&page);
        buf_done(&part);
    }
}

// What is offered behind these words, with an end.
static void complete(struct buf *buf, int count, const char *const *typed)
{
    const struct store_config nowhere = {.home = "/nonexistent", .must_exist = true};
    char *words[4];
    for (int i = 0; i < count; i++)
        words[i] = strdup(typed[i]);
    buf_init(buf, MEMORY);
    buf_add_char(buf, '\n');
    complete_words(buf, count, words, &nowhere);
    buf_add_char(buf, '\0');
    for (int i = 0; i < count; i++)
        free(words[i]);
}

static bool has_line(const struct buf *buf, const char *word)
{
    char line[80];
    (void)snprintf(line, sizeof line, "\n%s\n", word);
    return strstr(buf->data, line) != NULL;
}

static void every_row_is_completed(void **state)
{
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        struct buf groups, verbs, options;
        complete(&groups, 1, (const char *const[]){""});
        if (op->group[0]) {
            complete(&verbs, 2, (const char *const[]){op->group, ""});
            complete(&options, 3, (const char *const[]){op->group, op->verb, "--"});
        } else {
            complete(&verbs, 1, (const char *const[]){""});
            complete(&options, 2, (const char *const[]){op->verb, "--"});
        }
        assert_true(!op->group[0] || has_line(&groups, op->group));
        assert_true(has_line(&verbs, op->verb));
        assert_options(op, "completion", options.data);
        buf_done(&groups);
        buf_done(&verbs);
        buf_done(&options);
    }
}

static void examples_are_of_their_row(void **state)
{
    char start[OP_TITLE];
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        size_t size = strlen(op_title(op, start));
        assert_non_null(op->example);
        for (const char *line = op->example; line; line = strchr(line, '\n')) {
            line += line[0] == '\n';
            if (strncmp(line, start, size) != 0)
                fail_msg("an example of %s is of another command: %s", start, line);
        }
    }
}

// Every name in `columns`, up to a colon or a question mark, is in `fields`.
static void columns_are_fields(void **state)
{
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        char fields[512], name[80];
        if (!op->fields)
            continue;
        assert_non_null(op->columns);
        (void)snprintf(fields, sizeof fields, ",%s,", op->fields);
        for (const char *at = op->columns; *at; at += at[0] == ',') {
            size_t size = strcspn(at, ":?,");
            (void)snprintf(name, sizeof name, ",%.*s,", (int)size, at);
            if (!strstr(fields, name))
                fail_msg("%s %s: no field: %s", op->group, op->verb, name);
            at += strcspn(at, ",");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_help),
        cmocka_unit_test(every_row_is_in_a_man_page),
        cmocka_unit_test(every_group_is_in_the_man_page),
        cmocka_unit_test(every_row_is_in_the_reference),
        cmocka_unit_test(every_row_is_completed),
        cmocka_unit_test(examples_are_of_their_row),
        cmocka_unit_test(columns_are_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
