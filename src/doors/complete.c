// complete.c: see complete.h.
#include "doors/complete.h"

#include <stdio.h>
#include <string.h>

#include "doors/argv.h"
#include "doors/help.h"
#include "model/rules.h"
#include "model/suggest.h"
#include "ops/op.h"

// `@` must not break words, or addresses could not be completed (npm's script does the same). A
// word may have been begun with a quote, and its end is then written as that quote wants it;
// readline adds the closing one itself, unless the word seems to end in one.
static const char bash_script[] =
    "# bash completion for secure-mcp-gateway\n"
    "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n"
    "_secure_mcp_gateway() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} quote= candidate before words=()\n"
    "    COMPREPLY=()\n"
    "    for before in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "        case $before in\n"
    "        \\'*\\') words+=(\"${before:1:${#before}-2}\") ;;\n"
    "        \\\"*\\\") before=${before:1:${#before}-2} ;;&\n"
    "        *) words+=(\"${before//\\\\/}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    case $word in\n"
    "    [\\\"\\']*) quote=${word:0:1} word=${word:1} ;;\n"
    "    *) word=${word//\\\\/} ;;\n"
    "    esac\n"
    "    while IFS= read -r candidate; do\n"
    "        case $quote in\n"
    "        \\\") candidate=$(sed 's/[\\\\\"$`]/\\\\&/g' <<<\"$candidate\") ;;\n"
    "        \\') candidate=${candidate//\\'/\\'\\\\\\'\\'} ;;\n"
    "        *) printf -v candidate %q \"$candidate\" ;;\n"
    "        esac\n"
    "        [[ $quote && $candidate == *\"$quote\" ]] && candidate+=$quote\n"
    "        COMPREPLY+=(\"$candidate\")\n"
    "    done < <(secure-mcp-gateway __complete \"${words[@]}\" \"$word\" "
    "2>/dev/null)\n"
    "}\n"
    "complete -o default -F _secure_mcp_gateway secure-mcp-gateway\n";

static const char zsh_script[] =
    "#compdef secure-mcp-gateway\n"
    "# zsh completion for secure-mcp-gateway\n"
    "_secure_mcp_gateway() {\n"
    "    local -a candidates\n"
    "    candidates=(${(f)\"$(secure-mcp-gateway __complete \"${(@Q)words[2,CURRENT-1]}\" "
    "\"${(Q)PREFIX}\" 2>/dev/null)\"})\n"
    "    if (( ${#candidates} )); then\n"
    "        compadd -M 'm:{a-zA-Z}={A-Za-z}' -- \"${candidates[@]}\"\n"
    "    else\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "if [ \"${funcstack[1]}\" = \"_secure-mcp-gateway\" ]; then\n"
    "    _secure_mcp_gateway \"$@\"\n"
    "else\n"
    "    compdef _secure_mcp_gateway secure-mcp-gateway\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for secure-mcp-gateway\n"
    "function __secure_mcp_gateway_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -e words[1]\n"
    "    set -l word (commandline -ct | string replace -r '^[\"\\']' '' | string replace -ra "
    "'\\\\\\\\(.)' '$1')\n"
    "    secure-mcp-gateway __complete $words \"$word\" 2>/dev/null\n"
    "end\n"
    "complete -c secure-mcp-gateway -f -a '(__secure_mcp_gateway_complete)'\n"
    "complete -c secure-mcp-gateway -F -n 'string match -qr -- "
    "\"^--([a-z-]+-file|home|tls-cert|tls-key|upstream-ca)\\$\" "
    "(commandline -opc)[-1]'\n";

const char *complete_script(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return bash_script;
    if (strcmp(shell, "zsh") == 0)
        return zsh_script;
    return strcmp(shell, "fish") == 0 ? fish_script : NULL;
}

static bool is_long_option(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0';
}

// What is being completed.
struct typed {
    struct buf *buf;    // for the candidates, one a line
    const char *prefix; // what the candidates must begin with
    const char *lead;   // stands before each of them: `--email=`, or nothing
    char **words;       // what stands on the line before
    int count;
};

static void put(const struct typed *typed, struct view candidate)
{
    buf_add(typed->buf, view_of(typed->lead));
    buf_add(typed->buf, candidate);
    buf_add_char(typed->buf, '\n');
}

static void offer(const struct typed *typed, const char *candidate)
{
    if (view_starts(view_of(candidate), view_of(typed->prefix)))
        put(typed, view_of(candidate));
}

static void offer_verbs(const struct typed *typed, const char *group)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (strcmp(op->group, group) == 0)
            offer(typed, op->verb);
}

static void offer_groups(const struct typed *typed)
{
    for (size_t i = 0; i < op_group_count; i++)
        offer(typed, op_groups[i].name);
    offer_verbs(typed, "");
    offer(typed, "completion");
    offer(typed, "help");
}

static void offer_option(const struct typed *typed, const char *name)
{
    char option[64] = "--";
    if (text_copy(option + 2, sizeof option - 2, view_of(name)))
        offer(typed, option);
}

static void offer_options(const struct typed *typed, const struct op *op)
{
    static const char *const always[] = {"help", "home", "output", "store"};
    struct help_option options[HELP_OPTIONS];
    size_t count = op ? help_options(op, options) : 0;
    for (size_t i = 0; i < count; i++)
        offer_option(typed, options[i].name);
    for (size_t i = 0; i < COUNT_OF(always); i++)
        offer_option(typed, always[i]);
}

// Each of `words`, which end with NUL, up to an empty one.
static void offer_each(const struct typed *typed, const char *words)
{
    for (; *words; words += strlen(words) + 1)
        offer(typed, words);
}

// What was given for an option among the words before; {NULL, 0}: nothing.
static struct view value_before(const struct typed *typed, enum param param)
{
    struct view value = {NULL, 0};
    for (int i = 0; i < typed->count; i++) {
        const char *name = param_rows[param].name, *word = typed->words[i];
        size_t size = strlen(name);
        enum param found;
        if (option_awaits_value(word, &found)) {
            i++;
            if (found == param && i < typed->count)
                value = view_of(typed->words[i]);
        } else if (is_long_option(word) && strncmp(word + 2, name, size) == 0 &&
                   word[2 + size] == '=') {
            value = view_of(word + 2 + size + 1);
        }
    }
    return value;
}

static void offer_stored(const struct typed *typed, enum suggestion what,
                         const struct store_config *config)
{
    struct store *store AUTO(store_free) = NULL;
    struct stmt *stmt AUTO(stmt_free) = NULL;
    const struct suggest_config of = {value_before(typed, P_CONFIG_NAME),
                                      value_before(typed, P_CONFIG_ID)};
    struct err ignored;
    if (!store_open(config, &store, &ignored) ||
        !suggest_query(store, what, view_of(typed->prefix), &of, &stmt, &ignored))
        return;
    while (stmt_step(stmt, &ignored) == STEP_ROW)
        put(typed, stmt_text(stmt, 0));
    stmt_free(&stmt);
}

static void offer_values(const struct typed *typed, enum param param,
                         const struct store_config *config)
{
    switch (param) {
    case P_EMAIL:
        offer_stored(typed, SUGGEST_EMAIL, config);
        break;
    case P_PROJECT_NAME:
        offer_stored(typed, SUGGEST_PROJECT_NAME, config);
        break;
    case P_CONFIG_NAME:
    case P_SOURCE_CONFIG:
        offer_stored(typed, SUGGEST_CONFIG_NAME, config);
        break;
    case P_SERVER_NAME:
        offer_stored(typed, SUGGEST_SERVER_NAME, config);
        break;
    case P_API_KEY:
        offer_stored(typed, SUGGEST_KEY_ID, config);
        break;
    case P_CLIENT:
        offer_each(typed, "claude-desktop\0cursor\0claude-code\0vscode\0");
        break;
    case P_PLATFORM:
        offer_each(typed, "linux\0macos\0windows\0");
        break;
    case P_ISOLATION:
        offer_each(typed, "project\0user\0session\0");
        break;
    case P_PROTOCOL:
        offer_each(typed, "auto\0legacy\0modern\0");
        break;
    case P_ENABLE_SERVER_INFO_VALIDATION:
        offer_each(typed, "true\0false\0");
        break;
    case P_STATUS:
        offer_each(typed, "active\0disabled\0expired\0");
        break;
    default:
        break;
    }
}

static void offer_formats(const struct typed *typed)
{
    static const char *const formats[] = {"json", "table", "csv", "yaml", "jsonl"};
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        offer(typed, formats[i]);
}

// The values of `option`. False when it takes none.
static bool offer_values_of(const struct typed *typed, const char *option,
                            const struct store_config *config)
{
    enum param param;
    if (!option_awaits_value(option, &param))
        return false;
    if (strcmp(option, "--output") == 0 || strcmp(option, "-o") == 0)
        offer_formats(typed);
    else
        offer_values(typed, param, config);
    return true;
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

// Groups, verbs or options, by the words before.
static void offer_words(const struct typed *typed)
{
    const char *plain[REQUEST_WORDS] = {NULL};
    size_t found = plain_words(typed->count, typed->words, plain), named;
    const struct op *op = op_of_words(plain, found, &named);
    if (typed->prefix[0] == '-' || op || (found >= 2 && strcmp(plain[0], "help") != 0))
        offer_options(typed, op);
    else if (found == 2)
        offer_verbs(typed, plain[1]);
    else if (found == 1 && strcmp(plain[0], "completion") == 0)
        buf_add(typed->buf, VIEW("bash\nzsh\nfish\n"));
    else if (found == 1 && strcmp(plain[0], "help") != 0)
        offer_verbs(typed, plain[0]);
    else if (found < 2)
        offer_groups(typed);
}

// A key typed in full must not stay in the title of this process. True when the last word was one.
static bool hide_keys(int count, char **words)
{
    bool last = false;
    for (int i = 0; i < count; i++) {
        last = rule_holds_api_key(view_of(words[i]));
        if (last)
            explicit_bzero(words[i], strlen(words[i]));
    }
    return last;
}

// bash takes `--email=a` for the three words `--email`, `=` and `a`: back to two.
static int join_equals(int count, char **words)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        bool equals = strcmp(words[i], "=") == 0 && kept > 0 && is_long_option(words[kept - 1]);
        if (!equals)
            words[kept++] = words[i];
        else if (i + 1 == count)
            words[kept++] = words[i] + 1; // nothing behind it yet
    }
    return kept;
}

void complete_words(struct buf *buf, int count, char **words, const struct store_config *config)
{
    char option[64];
    if (hide_keys(count, words) || (count = join_equals(count, words)) < 1)
        return;
    char *last = words[count - 1], *equals = strchr(last, '=');
    struct typed typed = {buf, last, "", words, count - 1};
    if (equals && is_long_option(last) &&
        text_copy(option, sizeof option, view_bytes(last, (size_t)(equals - last)))) {
        char lead[sizeof option + 1];
        (void)snprintf(lead, sizeof lead, "%s=", option);
        typed.prefix = equals + 1;
        typed.lead = lead;
        (void)offer_values_of(&typed, option, config);
    } else if (count < 2 || !offer_values_of(&typed, words[count - 2], config)) {
        offer_words(&typed);
    }
}
