// complete.c: see complete.h.
#include "doors/complete.h"

#include <string.h>

#include "doors/argv.h"
#include "model/suggest.h"
#include "ops/op.h"

// `@` must not break words, or addresses could not be completed (npm's script does the same).
static const char bash_script[] =
    "# bash completion for secure-mcp-gateway\n"
    "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n"
    "_secure_mcp_gateway() {\n"
    "    local candidate\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r candidate; do\n"
    "        COMPREPLY+=(\"$(printf '%q' \"$candidate\")\")\n"
    "    done < <(secure-mcp-gateway __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -o default -F _secure_mcp_gateway secure-mcp-gateway\n";

static const char zsh_script[] =
    "#compdef secure-mcp-gateway\n"
    "# zsh completion for secure-mcp-gateway\n"
    "_secure_mcp_gateway() {\n"
    "    local -a candidates\n"
    "    candidates=(${(f)\"$(secure-mcp-gateway __complete \"${(@Q)words[2,CURRENT]}\" "
    "2>/dev/null)\"})\n"
    "    (( ${#candidates} )) && compadd -- \"${candidates[@]}\" || _files\n"
    "}\n"
    "if [ \"${funcstack[1]}\" = \"_secure-mcp-gateway\" ]; then\n"
    "    _secure_mcp_gateway \"$@\"\n"
    "else\n"
    "    compdef _secure_mcp_gateway secure-mcp-gateway\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for secure-mcp-gateway\n"
    "complete -c secure-mcp-gateway -f -a "
    "'(secure-mcp-gateway __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'\n";

const char *complete_script(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return bash_script;
    if (strcmp(shell, "zsh") == 0)
        return zsh_script;
    return strcmp(shell, "fish") == 0 ? fish_script : NULL;
}

static void offer(struct buf *buf, const char *prefix, const char *before, const char *candidate)
{
    size_t skip = strlen(before);
    if (strncmp(prefix, before, strlen(prefix) < skip ? strlen(prefix) : skip) != 0)
        return;
    if (strlen(prefix) > skip && strncmp(candidate, prefix + skip, strlen(prefix) - skip) != 0)
        return;
    buf_add_format(buf, "%s%s\n", before, candidate);
}

static void offer_verbs(struct buf *buf, const char *group, const char *prefix)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (strcmp(op->group, group) == 0)
            offer(buf, prefix, "", op->verb);
}

static void offer_groups(struct buf *buf, const char *prefix)
{
    for (size_t i = 0; i < op_group_count; i++)
        offer(buf, prefix, "", op_groups[i].name);
    offer_verbs(buf, "", prefix);
    offer(buf, prefix, "", "completion");
    offer(buf, prefix, "", "help");
}

static void offer_options(struct buf *buf, const struct op *op, const char *prefix)
{
    static const char *const always[] = {"help", "home", "output", "store"};
    for (size_t i = 0; op && i < P_COUNT; i++)
        if (op_offers(op, (enum param)i))
            offer(buf, prefix, "--", param_rows[i].name);
    if (op && op_offers(op, P_API_KEY))
        offer(buf, prefix, "--", "api-key-env");
    for (size_t i = 0; i < COUNT_OF(always); i++)
        offer(buf, prefix, "--", always[i]);
}

// Each of `words`, which end with NUL, up to an empty one.
static void offer_words(struct buf *buf, const char *prefix, const char *words)
{
    for (; *words; words += strlen(words) + 1)
        offer(buf, prefix, "", words);
}

static void offer_stored(struct buf *buf, enum suggestion what, const char *prefix,
                         const struct store_config *config)
{
    struct store *store AUTO(store_free) = NULL;
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct err ignored;
    if (!store_open(config, &store, &ignored) ||
        !suggest_query(store, what, view_of(prefix), &stmt, &ignored))
        return;
    while (stmt_step(stmt, &ignored) == STEP_ROW) {
        buf_add(buf, stmt_text(stmt, 0));
        buf_add_char(buf, '\n');
    }
    stmt_free(&stmt);
}

static void offer_values(struct buf *buf, enum param param, const char *prefix,
                         const struct store_config *config)
{
    switch (param) {
    case P_EMAIL:
        offer_stored(buf, SUGGEST_EMAIL, prefix, config);
        break;
    case P_PROJECT_NAME:
        offer_stored(buf, SUGGEST_PROJECT_NAME, prefix, config);
        break;
    case P_CONFIG_NAME:
        offer_stored(buf, SUGGEST_CONFIG_NAME, prefix, config);
        break;
    case P_API_KEY:
        offer_stored(buf, SUGGEST_KEY_ID, prefix, config);
        break;
    case P_CLIENT:
        offer_words(buf, prefix, "claude-desktop\0cursor\0claude-code\0vscode\0");
        break;
    case P_PLATFORM:
        offer_words(buf, prefix, "linux\0macos\0windows\0");
        break;
    case P_STATUS:
        offer(buf, prefix, "", "active");
        offer(buf, prefix, "", "disabled");
        offer(buf, prefix, "", "expired");
        break;
    default:
        break;
    }
}

static void offer_formats(struct buf *buf, const char *prefix)
{
    static const char *const formats[] = {"json", "table", "csv", "yaml", "jsonl"};
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        offer(buf, prefix, "", formats[i]);
}

// The first words that are no options and no options' values.
static size_t plain_words(int count, char **words, const char *ret_plain[REQUEST_WORDS])
{
    size_t found = 0;
    enum param param;
    for (int i = 0; i < count && found < REQUEST_WORDS; i++) {
        if (option_awaits_value(words[i], &param))
            i++;
        else if (words[i][0] != '-')
            ret_plain[found++] = words[i];
    }
    return found;
}

void complete_words(struct buf *buf, int count, char **words, const struct store_config *config)
{
    const char *plain[REQUEST_WORDS] = {NULL};
    enum param param;
    if (count < 1)
        return;
    const char *prefix = words[count - 1];
    const char *before = count > 1 ? words[count - 2] : "";
    size_t found = plain_words(count - 1, words, plain);
    size_t named;
    const struct op *op = op_of_words(plain, found, &named);
    if (strcmp(before, "--output") == 0 || strcmp(before, "-o") == 0)
        offer_formats(buf, prefix);
    else if (option_awaits_value(before, &param))
        offer_values(buf, param, prefix, config);
    else if (prefix[0] == '-' || op || found >= 2)
        offer_options(buf, op, prefix);
    else if (found == 1 && strcmp(plain[0], "completion") == 0)
        buf_add(buf, VIEW("bash\nzsh\nfish\n"));
    else if (found == 1 && strcmp(plain[0], "help") == 0)
        offer_groups(buf, prefix);
    else if (found == 1)
        offer_verbs(buf, plain[0], prefix);
    else
        offer_groups(buf, prefix);
}
