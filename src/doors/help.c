// help.c: see help.h. The man pages are in man.c, the reference is in markdown.c.
#include "doors/help.h"

#include <string.h>

static void add(struct buf *buf, const char *text)
{
    buf_add(buf, view_of(text));
}

// Each line of a row's example with the program's name before it.
static void add_examples(struct buf *buf, const char *lines)
{
    add(buf, "\nExamples:\n");
    while (*lines) {
        size_t size = strcspn(lines, "\n");
        buf_add_format(buf, "  secure-mcp-gateway %.*s\n", (int)size, lines);
        lines += size + (lines[size] == '\n');
    }
}

static void add_common_options(struct buf *buf)
{
    add(buf, "\nCommon options:\n"
             "  -o, --output FORMAT          json (default), table, csv, yaml or jsonl\n"
             "      --home DIR               the folder of the store and its key files\n"
             "      --store sqlite:PATH      the database, when it is not in the home\n"
             "  -h, --help                   show this help\n"
             "  -V, --version                show the version\n");
}

// The rest of a line about an option, from column 31 on.
static void add_option(struct buf *buf, const struct help_option *option)
{
    const char *metavar = option->metavar ? option->metavar : "";
    size_t width = 6 + 2 + strlen(option->name) + (metavar[0] ? 1 + strlen(metavar) : 0);
    buf_add_format(buf, "      --%s%s%s", option->name, metavar[0] ? " " : "", metavar);
    if (width >= 31)
        buf_add_format(buf, "\n%31s%s\n", "", option->help);
    else
        buf_add_format(buf, "%*s%s\n", (int)(31 - width), "", option->help);
}

static struct help_option option_of(const struct op *op, enum param param, enum need need)
{
    const struct param_row *row = &param_rows[param];
    return (struct help_option){row->name, row->metavar, op_param_help(op, param), need};
}

size_t help_options(const struct op *op, struct help_option ret_options[HELP_OPTIONS])
{
    size_t count = 0;
    for (size_t i = 0; i < op->param_count; i++) {
        ret_options[count++] = option_of(op, op->params[i].param, op->params[i].need);
        if (op->params[i].param == P_API_KEY)
            ret_options[count++] = (struct help_option){
                "api-key-env", "NAME", "the key, from this environment variable", MAY};
    }
    if (op->destructive) {
        ret_options[count++] = option_of(op, P_DRY_RUN, MAY);
        ret_options[count++] = option_of(op, P_CONFIRM, MAY);
    }
    return count;
}

void help_usage(struct buf *buf, const struct op *op)
{
    enum need open = MAY;
    char title[OP_TITLE];
    buf_add_format(buf, "secure-mcp-gateway %s", op_title(op, title));
    if (op->effect == EFFECT_PROGRAM) { // it has dozens, none of them required
        add(buf, " [OPTIONS]\n");
        return;
    }
    for (size_t i = 0; i < op->param_count; i++) {
        const struct op_param *param = &op->params[i];
        const struct param_row *row = &param_rows[param->param];
        bool choice = param->need >= ONE_USER && param->need <= ONE_CONFIG;
        bool more = choice && i + 1 < op->param_count && op->params[i + 1].need == param->need;
        bool optional = param->need == MAY || param->need == MAY_ENV;
        add(buf, choice && open == param->need ? " | " : choice ? " (" : optional ? " [" : " ");
        buf_add_format(buf, "--%s%s%s", row->name, row->metavar ? " " : "",
                       row->metavar ? row->metavar : "");
        add(buf, optional ? "]" : choice && !more ? ")" : "");
        open = more ? param->need : MAY;
    }
    add(buf, op->destructive ? " [--dry-run] [--confirm]\n" : "\n");
}

void help_op(struct buf *buf, const struct op *op)
{
    struct help_option options[HELP_OPTIONS];
    size_t count = help_options(op, options);
    add(buf, "Usage: ");
    help_usage(buf, op);
    buf_add_format(buf, "\n%s.\n", op->summary);
    if (op->notes)
        buf_add_format(buf, "%s\n", op->notes);
    if (count > 0)
        add(buf, "\nOptions:\n");
    for (size_t i = 0; i < count; i++)
        add_option(buf, &options[i]);
    add_common_options(buf);
    if (op->example)
        add_examples(buf, op->example);
}

static void list_ops(struct buf *buf, const char *group)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        bool fits = strlen(op->verb) <= 22;
        if (strcmp(op->group, group) == 0 && fits)
            buf_add_format(buf, "  %-22s %s\n", op->verb, op->summary);
        else if (strcmp(op->group, group) == 0)
            buf_add_format(buf, "  %s\n%25s%s\n", op->verb, "", op->summary);
    }
}

void help_group(struct buf *buf, const struct op_group *group)
{
    buf_add_format(buf, "Usage: secure-mcp-gateway %s COMMAND [OPTIONS]\n\n", group->name);
    buf_add_format(buf, "Commands for %s:\n", group->summary);
    list_ops(buf, group->name);
    buf_add_format(buf, "\nHelp on one of them: secure-mcp-gateway %s COMMAND --help\n",
                   group->name);
}

void help_program(struct buf *buf)
{
    add(buf,
        "secure-mcp-gateway decides who may use which MCP server: users, projects, API keys.\n\n"
        "Usage: secure-mcp-gateway GROUP COMMAND [OPTIONS]\n\nGroups:\n");
    for (size_t i = 0; i < op_group_count; i++)
        buf_add_format(buf, "  %-22s %s\n", op_groups[i].name, op_groups[i].summary);
    add(buf, "\nOther commands:\n");
    list_ops(buf, "");
    add(buf, "  completion SHELL       print completions for bash, zsh or fish\n"
             "  help [GROUP [COMMAND]] show help\n");
    add_common_options(buf);
    add(buf,
        "\nEnvironment:\n"
        "  SECURE_MCP_GATEWAY_HOME    as --home\n"
        "  SECURE_MCP_GATEWAY_STORE   as --store\n"
        "  ENKRYPT_GATEWAY_KEY        the key that `user check-api-key` examines, and that of\n"
        "                             the client of `serve --stdio`\n"
        "  NO_COLOR                   no colours\n"
        "\nExit status: 0 done, 1 refused or failed, 2 wrong usage.\n");
    add_examples(buf, "user create --email alice@example.com\n"
                      "project create --project-name 'Team Project'\n"
                      "project add-user --project-name 'Team Project' --email alice@example.com\n"
                      "user generate-api-key --email alice@example.com "
                      "--project-name 'Team Project'");
}

const struct op_group *help_find_group(const char *name)
{
    for (size_t i = 0; i < op_group_count; i++)
        if (strcmp(op_groups[i].name, name) == 0)
            return &op_groups[i];
    return NULL;
}
