// man.c: the man pages, see help.h. man(7): a text line must not begin with `.` or `'`, and `-` and
// `\` are escaped so that they can be copied from the page.
#include <string.h>

#include "doors/help.h"

static void add(struct buf *buf, const char *text)
{
    buf_add(buf, view_of(text));
}

static void add_escaped(struct buf *buf, const char *text, size_t size)
{
    if (size > 0 && (text[0] == '.' || text[0] == '\''))
        add(buf, "\\&");
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '-')
            add(buf, "\\-");
        else if (text[i] == '\\')
            add(buf, "\\e");
        else if (text[i] == '\'')
            add(buf, "\\(aq");
        else
            buf_add_char(buf, text[i]);
    }
}

static void add_text(struct buf *buf, const char *text)
{
    add_escaped(buf, text, strlen(text));
}

// `user` becomes `USER`, as titles have it.
static void add_upper(struct buf *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            add(buf, "\\-");
        else
            buf_add_char(buf, *text >= 'a' && *text <= 'z' ? (char)(*text - ('a' - 'A')) : *text);
    }
}

static void add_option(struct buf *buf, const struct help_option *option)
{
    add(buf, ".TP\n\\fB\\-\\-");
    add_text(buf, option->name);
    add(buf, "\\fR");
    if (option->metavar) {
        add(buf, " \\fI");
        add_text(buf, option->metavar);
        add(buf, "\\fR");
    }
    add(buf, "\n");
    add_text(buf, option->help);
    add(buf, "\n");
}

static void add_examples(struct buf *buf, const char *lines)
{
    add(buf, ".PP\n.nf\n");
    while (*lines) {
        size_t size = strcspn(lines, "\n");
        add(buf, "secure\\-mcp\\-gateway ");
        add_escaped(buf, lines, size);
        add(buf, "\n");
        lines += size + (lines[size] == '\n');
    }
    add(buf, ".fi\n");
}

static void add_usage(struct buf *buf, const struct op *op)
{
    struct buf usage AUTO(buf_done);
    buf_init(&usage, 4096);
    help_usage(&usage, op);
    buf->failed = buf->failed || usage.failed;
    add_escaped(buf, usage.data, usage.size);
}

static void add_op(struct buf *buf, const struct op *op)
{
    char title[OP_TITLE];
    struct help_option options[HELP_OPTIONS];
    size_t count = help_options(op, options);
    add(buf, ".SS ");
    add_text(buf, op_title(op, title));
    add(buf, "\n");
    add_usage(buf, op);
    add(buf, ".PP\n");
    add_text(buf, op->summary);
    add(buf, ".\n");
    if (op->notes) {
        add_text(buf, op->notes);
        add(buf, "\n");
    }
    for (size_t i = 0; i < count; i++)
        add_option(buf, &options[i]);
    if (op->example)
        add_examples(buf, op->example);
}

static void add_ops(struct buf *buf, const char *group)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (strcmp(op->group, group) == 0)
            add_op(buf, op);
}

void help_man_group(struct buf *buf, const struct op_group *group)
{
    add(buf, ".TH SECURE\\-MCP\\-GATEWAY\\-");
    add_upper(buf, group->name);
    add(buf, " 1 " SMG_DATE " \"secure\\-mcp\\-gateway " SMG_VERSION "\"\n.SH NAME\n"
             "secure\\-mcp\\-gateway\\-");
    add_text(buf, group->name);
    add(buf, " \\- ");
    add_text(buf, group->summary);
    add(buf, "\n.SH SYNOPSIS\n.B secure\\-mcp\\-gateway ");
    add_text(buf, group->name);
    add(buf, "\n.I command\n.RI [ options ]\n.SH COMMANDS\n"
             "The options that all commands have, the files and the environment are in\n"
             ".BR secure\\-mcp\\-gateway (1).\n");
    add_ops(buf, group->name);
    add(buf, ".SH EXIT STATUS\n0 done, 1 refused or failed, 2 wrong usage.\n"
             ".SH SEE ALSO\n.BR secure\\-mcp\\-gateway (1)\n");
}

static void list_groups(struct buf *buf)
{
    for (size_t i = 0; i < op_group_count; i++) {
        add(buf, ".TP\n.B ");
        add_text(buf, op_groups[i].name);
        add(buf, "\n");
        add_text(buf, op_groups[i].summary);
        add(buf, ": see\n.BR secure\\-mcp\\-gateway\\-");
        add_text(buf, op_groups[i].name);
        add(buf, " (1)\n");
    }
}

static void list_pages(struct buf *buf)
{
    add(buf, ".SH SEE ALSO\n");
    for (size_t i = 0; i < op_group_count; i++) {
        add(buf, ".BR secure\\-mcp\\-gateway\\-");
        add_text(buf, op_groups[i].name);
        add(buf, i + 1 < op_group_count ? " (1),\n" : " (1)\n");
    }
}

void help_man_page(struct buf *buf)
{
    add(buf,
        ".TH SECURE\\-MCP\\-GATEWAY 1 " SMG_DATE " \"secure\\-mcp\\-gateway " SMG_VERSION "\"\n"
        ".SH NAME\nsecure\\-mcp\\-gateway \\- decides who may use which MCP server\n"
        ".SH SYNOPSIS\n.B secure\\-mcp\\-gateway\n.I group command\n.RI [ options ]\n"
        ".SH DESCRIPTION\n"
        "Manages users, projects, configs and API keys in a store that loses nothing.\n"
        "Data goes to standard output, everything else to standard error.\n"
        "Options may stand in any order, as \\fB\\-\\-name value\\fR or\n"
        "\\fB\\-\\-name=value\\fR; a value may begin with a dash.\n"
        ".SH COMMON OPTIONS\n"
        ".TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIformat\\fR\n"
        "json (default), table, csv, yaml or jsonl; with json, errors are JSON too\n"
        ".TP\n\\fB\\-\\-home\\fR \\fIdir\\fR\nthe folder of the store and its key files\n"
        ".TP\n\\fB\\-\\-store\\fR \\fIsqlite:path\\fR\nthe database, when it is not in the home\n"
        ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nhelp on the program, a group or a command\n"
        ".TP\n\\fB\\-V\\fR, \\fB\\-\\-version\\fR\nthe version\n"
        ".SH GROUPS\n");
    list_groups(buf);
    add(buf, ".SH OTHER COMMANDS\n");
    add_ops(buf, "");
    add(buf, ".SS completion bash|zsh|fish\nPrint completions for a shell.\n"
             ".SS help [group [command]]\nShow help.\n"
             ".SH EXIT STATUS\n0 done, 1 refused or failed, 2 wrong usage.\n"
             ".SH ENVIRONMENT\n"
             ".TP\n.B SECURE_MCP_GATEWAY_HOME\nas \\-\\-home\n"
             ".TP\n.B SECURE_MCP_GATEWAY_STORE\nas \\-\\-store\n"
             ".TP\n.B ENKRYPT_GATEWAY_KEY\nthe key that user check\\-api\\-key examines, "
             "and that of the client of serve \\-\\-stdio\n"
             ".TP\n.B NO_COLOR\nno colours\n"
             ".SH FILES\n"
             ".TP\n.I ~/.local/share/secure\\-mcp\\-gateway/store.db\nthe store\n"
             ".TP\n.I index.key\nfinds and trusts API keys; lost, no key works any more\n"
             ".TP\n.I master.key\nshows API keys; lost, no key can be shown any more\n");
    list_pages(buf);
}
