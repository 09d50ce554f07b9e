// man.c: the man page, see help.h. man(7): a text line must not begin with `.` or `'`, and `-` and
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

static void add_param(struct buf *buf, const struct op *op, enum param param)
{
    const struct param_row *row = &param_rows[param];
    add(buf, ".TP\n\\fB\\-\\-");
    add_text(buf, row->name);
    add(buf, "\\fR");
    if (row->metavar) {
        add(buf, " \\fI");
        add_text(buf, row->metavar);
        add(buf, "\\fR");
    }
    add(buf, "\n");
    add_text(buf, op_param_help(op, param));
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

static void add_op(struct buf *buf, const struct op *op)
{
    char title[OP_TITLE];
    add(buf, ".SS ");
    add_text(buf, op_title(op, title));
    add(buf, "\n");
    add_text(buf, op->summary);
    add(buf, ".\n");
    if (op->notes) {
        add_text(buf, op->notes);
        add(buf, "\n");
    }
    for (size_t i = 0; i < op->param_count; i++)
        add_param(buf, op, op->params[i].param);
    if (op->destructive) {
        add_param(buf, op, P_DRY_RUN);
        add_param(buf, op, P_CONFIRM);
    }
    if (op->example)
        add_examples(buf, op->example);
}

void help_man_page(struct buf *buf)
{
    add(buf,
        ".TH SECURE\\-MCP\\-GATEWAY 1 \"2026\\-11\\-23\" \"secure\\-mcp\\-gateway " SMG_VERSION
        "\"\n"
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
        ".TP\n\\fB\\-\\-api\\-key\\-env\\fR \\fIname\\fR\n"
        "wherever \\fB\\-\\-api\\-key\\fR is taken: the key, from this environment variable\n"
        ".SH COMMANDS\n");
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        add_op(buf, op);
    add(buf, ".SS completion bash|zsh|fish\nPrint completions for a shell.\n"
             ".SS help [group [command]]\nShow help.\n"
             ".SH EXIT STATUS\n0 done, 1 refused or failed, 2 wrong usage.\n"
             ".SH ENVIRONMENT\n"
             ".TP\n.B SECURE_MCP_GATEWAY_HOME\nas \\-\\-home\n"
             ".TP\n.B SECURE_MCP_GATEWAY_STORE\nas \\-\\-store\n"
             ".TP\n.B ENKRYPT_GATEWAY_KEY\nthe key that user check\\-api\\-key examines\n"
             ".TP\n.B NO_COLOR\nno colours\n"
             ".SH FILES\n"
             ".TP\n.I ~/.local/share/secure\\-mcp\\-gateway/store.db\nthe store\n"
             ".TP\n.I index.key\nfinds and trusts API keys; lost, no key works any more\n"
             ".TP\n.I master.key\nshows API keys; lost, no key can be shown any more\n");
}
