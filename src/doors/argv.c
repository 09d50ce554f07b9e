// argv.c: see argv.h.
#include "doors/argv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "doors/spell.h"
#include "model/rules.h"

// Options of the program itself. Those with a value have a metavar in help.c.
static const struct {
    const char *name, *letter;
    bool takes_value;
} globals[G_COUNT] = {
    [G_HOME] = {"--home", NULL, true},     [G_STORE] = {"--store", NULL, true},
    [G_OUTPUT] = {"--output", "-o", true}, [G_API_KEY_ENV] = {"--api-key-env", NULL, true},
    [G_HELP] = {"--help", "-h", false},    [G_VERSION] = {"--version", "-V", false},
    [G_MAN] = {"--man", NULL, false},      [G_MARKDOWN] = {"--markdown", NULL, false},
};

// One option as it stands on the command line.
struct option {
    enum global global; // G_COUNT: none of these
    enum param param;   // P_COUNT: none of these
    const char *value;  // after `=`; NULL: none there
};

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0';
}

static bool same_name(const char *word, const char *name, size_t name_size)
{
    return strncmp(word, name, name_size) == 0 &&
           (word[name_size] == '\0' || word[name_size] == '=');
}

static struct option recognise(const char *word)
{
    struct option option = {G_COUNT, P_COUNT, NULL};
    const char *equals = strchr(word, '=');
    for (size_t i = 0; i < G_COUNT; i++)
        if (same_name(word, globals[i].name, strlen(globals[i].name)) ||
            (globals[i].letter && strcmp(word, globals[i].letter) == 0))
            option.global = (enum global)i;
    for (size_t i = 0; i < P_COUNT && word[0] == '-' && word[1] == '-'; i++)
        if (same_name(word + 2, param_rows[i].name, strlen(param_rows[i].name)))
            option.param = (enum param)i;
    if (equals && word[1] == '-')
        option.value = equals + 1;
    if (strncmp(word, "-o", 2) == 0 && word[2] != '\0') {
        option.global = G_OUTPUT; // -ojson, as getopt would have it
        option.value = word + 2;
    }
    return option;
}

static bool takes_value(const struct option *option)
{
    if (option->global != G_COUNT)
        return globals[option->global].takes_value;
    return option->param != P_COUNT && param_rows[option->param].type != TYPE_FLAG;
}

const char *shown_word(const char *word, char ret_shown[SHOWN_WORD])
{
    enum { WHOLE = 30 }; // a longer word could be a key of any shape
    size_t beginning = strncmp(word, "smg_", 4) == 0 ? 20 : 10;
    size_t size = word[0] == '-' ? strcspn(word, "=") : strlen(word);
    bool option = word[0] == '-' && size <= 48;
    size_t shown = option || size <= WHOLE ? size : beginning;
    for (size_t i = 0; i < shown; i++)
        ret_shown[i] = word[i] >= ' ' && word[i] <= '~' ? word[i] : '?';
    (void)snprintf(ret_shown + shown, SHOWN_WORD - shown, "%s", shown < size ? "..." : "");
    return ret_shown;
}

// Keeps a key in guarded memory. One byte too many is kept, so that a key that is too long is
// refused later and not cut.
static bool keep_key(struct request *request, struct view text, struct err *err)
{
    request->key = clear_key_new();
    if (!request->key)
        return err_memory(err);
    request->key->size = text.size <= LIMIT_API_KEY ? text.size : LIMIT_API_KEY + 1;
    if (text.size > 0)
        memcpy(request->key->text, text.data, request->key->size);
    return true;
}

static void keep_text(struct buf *text, struct view value)
{
    buf_init(text, value.size);
    text->secret = true;
    buf_add(text, value);
}

static bool is_source(enum param param, const char *value)
{
    return param_has_sources(param) && (strcmp(value, "-") == 0 || value[0] == '@');
}

// Moves a secret out of the process title. The sources `-` and `@FILE` are none and stay. When it
// is given twice the first one is kept; the second is refused later.
static bool take_secret(struct request *request, enum param param, char *value, struct err *err)
{
    if (is_source(param, value))
        return true;
    if (param == P_API_KEY) {
        if (!request->key && !keep_key(request, view_of(value), err))
            return false;
    } else if (!request->texts[param].data) {
        keep_text(&request->texts[param], view_of(value));
        if (request->texts[param].failed)
            return err_memory(err);
    }
    explicit_bzero(value, strlen(value));
    return true;
}

static bool hide_secrets(struct request *request, int argc, char **argv, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        if (!is_option(argv[i]))
            continue;
        struct option option = recognise(argv[i]);
        char *value = option.value ? argv[i] + (option.value - argv[i]) : NULL;
        if (takes_value(&option) && !value && i + 1 < argc)
            value = argv[++i];
        if (option.param != P_COUNT && param_is_secret(option.param) && value &&
            !take_secret(request, option.param, value, err))
            return false;
    }
    return true;
}

// The words that are neither options nor their values.
static void find_words(struct request *request, int argc, char **argv)
{
    for (int i = 1; i < argc && request->word_count < REQUEST_WORDS; i++) {
        if (!is_option(argv[i])) {
            request->words[request->word_count++] = argv[i];
            continue;
        }
        struct option option = recognise(argv[i]);
        i += takes_value(&option) && !option.value;
    }
}

static bool set_format(struct request *request, const char *value, struct err *err)
{
    static const char *const names[] = {
        [RENDER_JSON] = "json", [RENDER_TABLE] = "table", [RENDER_CSV] = "csv",
        [RENDER_YAML] = "yaml", [RENDER_JSONL] = "jsonl",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            request->format = (enum render_format)i;
            request->output_given = true;
            return true;
        }
    }
    return err_set(err, ERR_USAGE, "invalid_value",
                   "The value of --output is not valid: expected json, table, csv, yaml or jsonl");
}

// The key in the file or on standard input, without the line end.
static bool read_key_source(struct request *request, const char *value, struct err *err)
{
    struct buf content AUTO(buf_done);
    buf_init(&content, 64 * 1024);
    content.secret = true;
    const char *path = strcmp(value, "-") == 0 ? "-" : value + 1;
    request->stdin_taken = request->stdin_taken || strcmp(path, "-") == 0;
    // The path is not told: a key after a stray `@` would be in it.
    if (!file_read(path, &content, NULL, err))
        return err_set(err, err->kind, err->code,
                       "The API key cannot be read from the file of --api-key @FILE: %s",
                       err->kind == ERR_USAGE ? "it is too large" : strerror(errno));
    size_t size = content.size;
    while (size > 0 && (content.data[size - 1] == '\n' || content.data[size - 1] == '\r'))
        size--;
    return keep_key(request, (struct view){content.data, size}, err);
}

static bool set_key(struct request *request, const char *value, struct err *err)
{
    bool source = is_source(P_API_KEY, value);
    if (source && request->key)
        return err_set(err, ERR_USAGE, "option_twice", "--api-key is given twice");
    if (source && !read_key_source(request, value, err))
        return false;
    if (!request->key)
        return err_set(err, ERR_USAGE, "invalid_value", "--api-key is empty");
    return param_read(P_API_KEY, clear_key_view(request->key), &request->args.list[P_API_KEY], err);
}

// The value of another secret parameter: what was taken from the arguments, or a file's content.
static bool set_text(struct request *request, enum param param, const char *value, struct err *err)
{
    struct buf *text = &request->texts[param];
    bool source = is_source(param, value);
    if (source && text->data)
        return err_set(err, ERR_USAGE, "option_twice", "--%s is given twice",
                       param_rows[param].name);
    if (source) {
        buf_init(text, LIMIT_INPUT_FILE);
        text->secret = true;
        request->stdin_taken = request->stdin_taken || value[0] == '-';
        // The path is not told: a secret after a stray `@` would be in it.
        if (!file_read(value[0] == '-' ? "-" : value + 1, text, NULL, err))
            return err_set(err, err->kind, err->code, "The file of --%s cannot be read: %s",
                           param_rows[param].name,
                           err->kind == ERR_USAGE ? "it is too large" : strerror(errno));
    }
    struct view content = text->data ? buf_view(text) : VIEW("");
    return param_read(param, content, &request->args.list[param], err);
}

// The content of the file that the value names, read before the store is locked.
static bool set_file(struct request *request, enum param param, const char *value, struct err *err)
{
    struct buf *text = &request->texts[param];
    buf_init(text, LIMIT_INPUT_FILE);
    request->stdin_taken = request->stdin_taken || strcmp(value, "-") == 0;
    return param_check_file(param, view_of(value), err) && file_read(value, text, NULL, err) &&
           param_read(param, text->data ? buf_view(text) : VIEW(""), &request->args.list[param],
                      err);
}

bool request_key_from_environment(struct request *request, const char *name, struct err *err)
{
    char shown[SHOWN_WORD];
    char *value = getenv(name);
    if (request->key || request->args.list[P_API_KEY].given)
        return err_set(err, ERR_USAGE, "option_twice", "--api-key is given twice");
    if (!value || value[0] == '\0')
        return err_set(err, ERR_NOT_FOUND, "environment_missing",
                       "The environment variable %s is not set", shown_word(name, shown));
    if (!keep_key(request, view_of(value), err))
        return false;
    explicit_bzero(value, strlen(value));
    return param_read(P_API_KEY, clear_key_view(request->key), &request->args.list[P_API_KEY], err);
}

static bool set_global(struct request *request, enum global global, const char *value,
                       struct err *err)
{
    if (global != G_API_KEY_ENV && value && rule_holds_api_key(view_of(value)))
        return err_set(err, ERR_USAGE, "stray_api_key",
                       "The value of %s holds an API key, which does not belong there",
                       globals[global].name);
    switch (global) {
    case G_HOME:
        request->home = value;
        return value[0] != '\0' || err_set(err, ERR_USAGE, "invalid_value", "--home is empty");
    case G_STORE:
        request->store_url = value;
        return true;
    case G_OUTPUT:
        return set_format(request, value, err);
    case G_API_KEY_ENV:
        return request_key_from_environment(request, value, err);
    case G_HELP:
        request->help = true;
        return true;
    case G_VERSION:
        request->version = true;
        return true;
    case G_MARKDOWN:
        request->markdown = true;
        return true;
    default:
        request->man = true;
        return true;
    }
}

bool request_unknown_option(const struct request *request, const char *word, struct err *err)
{
    char shown[SHOWN_WORD], title[OP_TITLE];
    const char *nearest = spell_option(word, request->op);
    err_set(err, ERR_USAGE, "unknown_option", "Unknown option %s", shown_word(word, shown));
    if (nearest)
        err_hint(err, "did you mean --%s?", nearest);
    if (request->op)
        return err_hint(err, "secure-mcp-gateway %s --help", op_title(request->op, title));
    return err_hint(err, "secure-mcp-gateway --help");
}

static bool set_param(struct request *request, enum param param, const char *value, struct err *err)
{
    struct arg *arg = &request->args.list[param];
    if (param == P_API_KEY)
        return set_key(request, value, err);
    if (param_is_file(param))
        return set_file(request, param, value, err);
    if (param_is_secret(param))
        return set_text(request, param, value, err);
    return param_read(param, view_of(value), arg, err);
}

// Whether the option may stand with this command at all.
static bool is_offered(const struct request *request, const struct option *option)
{
    if (option->global == G_API_KEY_ENV)
        return request->op && op_offers(request->op, P_API_KEY);
    if (option->global != G_COUNT)
        return true;
    return option->param != P_COUNT && request->op && op_offers(request->op, option->param);
}

// Nothing can be given twice, so that nobody has to know which of the two would count. (A secret
// that also comes from elsewhere is noticed by whoever takes it.)
static bool refuse_repeated(struct request *request, const struct option *option, struct err *err)
{
    const char *name = option->global != G_COUNT ? globals[option->global].name + 2
                                                 : param_rows[option->param].name;
    bool *given = option->global != G_COUNT ? &request->globals_given[option->global]
                                            : &request->args.list[option->param].given;
    if (*given)
        return err_set(err, ERR_USAGE, "option_twice", "--%s is given twice", name);
    if (option->global != G_COUNT)
        *given = takes_value(option);
    return true;
}

// Reads the option at argv[*at] and moves `*at` to its last word.
static bool read_option(struct request *request, int argc, char **argv, int *at, struct err *err)
{
    struct option option = recognise(argv[*at]);
    const char *value = option.value;
    char shown[SHOWN_WORD];
    // Words that name no command are the graver mistake: told first, by whoever runs the request.
    if (!is_offered(request, &option) && !request->op && request->word_count > 0) {
        request->stray = argv[*at];
        *at += takes_value(&option) && !value;
        return true;
    }
    if (!is_offered(request, &option))
        return request_unknown_option(request, argv[*at], err);
    if (!takes_value(&option) && value)
        return err_set(err, ERR_USAGE, "unexpected_value", "%s takes no value",
                       shown_word(argv[*at], shown));
    if (takes_value(&option) && !value) {
        if (*at + 1 >= argc)
            return err_set(err, ERR_USAGE, "value_missing", "%s needs a value",
                           shown_word(argv[*at], shown));
        value = argv[++*at];
    }
    if (!refuse_repeated(request, &option, err))
        return false;
    if (option.global != G_COUNT)
        return set_global(request, option.global, value, err);
    return set_param(request, option.param, value, err);
}

// So that errors before it are told in the format asked for, too.
static void look_for_format(struct request *request, int argc, char **argv)
{
    struct err ignored;
    for (int i = 1; i < argc; i++) {
        if (!is_option(argv[i]))
            continue;
        struct option option = recognise(argv[i]);
        const char *value = option.value;
        if (takes_value(&option) && !value && i + 1 < argc)
            value = argv[++i];
        if (option.global == G_OUTPUT && value)
            (void)set_format(request, value, &ignored);
    }
}

static bool refuse_extra_word(const struct request *request, const char *word, struct err *err)
{
    char shown[SHOWN_WORD], title[OP_TITLE];
    err_set(err, ERR_USAGE, "unexpected_argument", "Unexpected argument: %s",
            shown_word(word, shown));
    return err_hint(err, "secure-mcp-gateway %s --help", op_title(request->op, title));
}

bool request_read(struct request *request, int argc, char **argv, struct err *err)
{
    *request = (struct request){.argv = argv};
    look_for_format(request, argc, argv);
    if (!hide_secrets(request, argc, argv, err))
        return false;
    find_words(request, argc, argv);
    size_t words = 0, named;
    request->op = op_of_words(request->words, request->word_count, &named);
    for (int i = 1; i < argc; i++) {
        if (!is_option(argv[i]) && request->op && ++words > named)
            return refuse_extra_word(request, argv[i], err);
        if (is_option(argv[i]) && !read_option(request, argc, argv, &i, err))
            return false;
    }
    return true;
}

bool option_awaits_value(const char *word, enum param *ret_param)
{
    if (!is_option(word))
        return false;
    struct option option = recognise(word);
    *ret_param = option.param;
    return takes_value(&option) && !option.value;
}

void request_done(struct request *request)
{
    clear_key_free(&request->key);
    for (size_t i = 0; i < P_COUNT; i++)
        buf_done(&request->texts[i]);
}
