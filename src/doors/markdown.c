// markdown.c: the reference docs/cli.md, see help.h.
#include <string.h>

#include "doors/help.h"

static void add(struct buf *buf, const char *text)
{
    buf_add(buf, view_of(text));
}

// In a table a bar would end the cell, and a name in angle brackets would be HTML.
static void add_cell(struct buf *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == '|' || *text == '<' || *text == '*' || *text == '_')
            buf_add_char(buf, '\\');
        buf_add_char(buf, *text);
    }
}

static const char *need_word(enum need need)
{
    static const char *const words[] = {
        [MAY] = "",
        [MUST] = "required",
        [ONE_USER] = "one of these",
        [ONE_PROJECT] = "one of these",
        [ONE_CONSENT] = "one of these",
        [ONE_CONFIG] = "one of these",
        [MAY_ENV] = "",
    };
    return words[need];
}

static void add_option(struct buf *buf, const struct help_option *option)
{
    const char *metavar = option->metavar;
    buf_add_format(buf, "| `--%s%s", option->name, metavar ? " " : "");
    for (; metavar && *metavar; metavar++)
        buf_add_format(buf, *metavar == '|' ? "\\%c" : "%c", *metavar);
    buf_add_format(buf, "` | %s | ", need_word(option->need));
    add_cell(buf, option->help);
    add(buf, " |\n");
}

static void add_options(struct buf *buf, const struct op *op)
{
    struct help_option options[HELP_OPTIONS];
    size_t count = help_options(op, options);
    if (count > 0)
        add(buf, "\n| option | | |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        add_option(buf, &options[i]);
}

static void add_fields(struct buf *buf, const char *fields)
{
    add(buf, "\nA list of: ");
    for (; *fields; fields += fields[0] == ',') {
        size_t size = strcspn(fields, ",");
        buf_add_format(buf, "`%.*s`%s", (int)size, fields, fields[size] ? ", " : ".\n");
        fields += size;
    }
}

static void add_examples(struct buf *buf, const char *lines)
{
    add(buf, "\n```sh\n");
    while (*lines) {
        size_t size = strcspn(lines, "\n");
        buf_add_format(buf, "secure-mcp-gateway %.*s\n", (int)size, lines);
        lines += size + (lines[size] == '\n');
    }
    add(buf, "```\n");
}

static void add_op(struct buf *buf, const struct op *op)
{
    char title[OP_TITLE];
    buf_add_format(buf, "\n### %s\n\n```text\n", op_title(op, title));
    help_usage(buf, op);
    buf_add_format(buf, "```\n\n%s.\n", op->summary);
    if (op->notes)
        buf_add_format(buf, "%s\n", op->notes);
    add_options(buf, op);
    if (op->fields)
        add_fields(buf, op->fields);
    if (op->example)
        add_examples(buf, op->example);
}

static void add_ops(struct buf *buf, const char *group)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (strcmp(op->group, group) == 0)
            add_op(buf, op);
}

void help_markdown(struct buf *buf)
{
    add(buf,
        "# Command reference\n\n"
        "Made by `scripts/make-docs` from the rows of `src/ops/`: do not edit it here.\n\n"
        "Data goes to standard output, everything else to standard error. Exit status: 0 done, "
        "1 refused or failed, 2 wrong\nusage. Options may stand in any order, as `--name value` or "
        "`--name=value`; a value may begin with a dash.\n\n"
        "| common option | |\n| --- | --- |\n"
        "| `-o`, `--output FORMAT` | json (default), table, csv, yaml or jsonl; with json, errors "
        "are JSON too |\n"
        "| `--home DIR` | the folder of the store and its key files |\n"
        "| `--store sqlite:PATH` | the database, when it is not in the home |\n"
        "| `-h`, `--help` | help on the program, a group or a command |\n"
        "| `-V`, `--version` | the version |\n\n"
        "| environment | |\n| --- | --- |\n"
        "| `SECURE_MCP_GATEWAY_HOME` | as `--home` |\n"
        "| `SECURE_MCP_GATEWAY_STORE` | as `--store` |\n"
        "| `ENKRYPT_GATEWAY_KEY` | the key that `user check-api-key` examines, and "
        "that of the client of `serve --stdio` |\n"
        "| `NO_COLOR` | no colours |\n\n"
        "Groups:");
    for (size_t i = 0; i < op_group_count; i++)
        buf_add_format(buf, "%s [%s](#%s)", i > 0 ? "," : "", op_groups[i].name, op_groups[i].name);
    add(buf, ".\n[Other commands](#other-commands).\n");
    for (size_t i = 0; i < op_group_count; i++) {
        buf_add_format(buf, "\n## %s\n\nCommands for %s.\n", op_groups[i].name,
                       op_groups[i].summary);
        add_ops(buf, op_groups[i].name);
    }
    add(buf, "\n## Other commands\n\n`completion bash|zsh|fish` prints completions for a shell, "
             "`help [GROUP [COMMAND]]` shows help.\n");
    add_ops(buf, "");
}
