// cli.c: see cli.h. The way of a command: argv.c makes a request, op_run() carries it out, result.c
// shows what came of it, say.c tells what went wrong.
#include "doors/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doors/argv.h"
#include "doors/complete.h"
#include "doors/help.h"
#include "doors/place.h"
#include "doors/program.h"
#include "doors/progress_line.h"
#include "doors/result.h"
#include "doors/say.h"
#include "doors/spell.h"

// What is about to be done, to what: `user delete --email alice@example.com`.
static void tell_command(const struct request *request)
{
    char title[OP_TITLE];
    (void)fputs(op_title(request->op, title), stderr);
    for (size_t i = 0; i < P_COUNT; i++) {
        const struct arg *arg = &request->args.list[i];
        enum param_type type = param_rows[i].type;
        if (arg->given && (type == TYPE_EMAIL || type == TYPE_NAME || type == TYPE_UUID))
            (void)fprintf(stderr, " --%s %.*s", param_rows[i].name, VIEW_ARG(arg->text));
    }
}

// Asks, and reads the answer from standard input, before something is destroyed.
static bool ask(const struct request *request, struct err *err)
{
    char answer[16] = "";
    // Where --confirm is part of the row it is the consent itself.
    if (!request->op->destructive || !request->args.list[P_CONFIRM].given ||
        request->args.list[P_DRY_RUN].given)
        return true;
    if (request->stdin_taken)
        return err_set(err, ERR_USAGE, "stdin_taken",
                       "--confirm reads the answer from standard input, where the key came from");
    tell_command(request);
    (void)fprintf(stderr, ": %s? [y/N] ", request->op->summary);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return err_set(err, ERR_PRECONDITION, "not_confirmed", "Not confirmed; nothing was changed");
}

// The key that the environment holds, for rows that look there.
static bool look_into_environment(struct request *request, struct err *err)
{
    static const char name[] = "ENKRYPT_GATEWAY_KEY";
    const char *value = getenv(name);
    for (size_t i = 0; i < request->op->param_count; i++) {
        const struct op_param *param = &request->op->params[i];
        if (param->need == MAY_ENV && !request->args.list[param->param].given && value && value[0])
            return request_key_from_environment(request, name, err);
    }
    return true;
}

// Whoever writes to a pipe may take its time, and others must not wait for the store meanwhile.
static bool read_input(struct request *request, struct buf *input, struct err *err)
{
    const struct arg *file = &request->args.list[P_INPUT_FILE];
    size_t limit = request->op->input_limit;
    buf_init(input, limit ? limit : LIMIT_INPUT_FILE);
    input->secret = true; // a config's servers have credentials
    if (!request->op->input || !file->given)
        return true;
    if (!file_read(file->text.data, input, NULL, err))
        return false;
    request->args.input = buf_view(input);
    return true;
}

static bool open_result(const struct request *request, struct result *result, struct err *err)
{
    const struct arg *file = &request->args.list[P_OUTPUT_FILE];
    bool to_file = file->given && !view_is(file->text, "-") && !request->op->writes_file;
    const char *plain = request->output_given ? NULL : request->op->plain;
    enum render_format format = request->format;
    if (request->op->lines && !request->output_given)
        format = RENDER_JSONL;
    if (!result_open(result, format, plain, to_file ? file->text.data : NULL, err))
        return false;
    result->draft.is_new = request->op->new_file;
    result_name_columns(result, request->op->fields, request->op->columns);
    return true;
}

// A change that was made and cannot be shown is worth a word of its own.
static enum op_outcome show(const struct request *request, struct result *result,
                            enum op_outcome outcome, struct err *err)
{
    struct err trouble = {0};
    if (result_send(result, &trouble))
        return outcome;
    *err = trouble;
    if (!op_reads(request->op, &request->args) && !request->args.list[P_DRY_RUN].given)
        err_hint(err, "the change itself was made");
    return OP_FAILED;
}

// On success the file's name goes to standard output, since the data went elsewhere.
static bool tell_file(const struct request *request, struct err *err)
{
    struct result result;
    const struct arg *file = &request->args.list[P_OUTPUT_FILE];
    if (!file->given || view_is(file->text, "-") || request->op->writes_file)
        return true;
    bool told = result_open(&result, request->format, NULL, NULL, err);
    if (told) {
        out_begin(result_out(&result), '{');
        field_text(result_out(&result), "output_file", file->text);
        out_end(result_out(&result), '}');
        told = result_send(&result, err);
    }
    result_done(&result);
    return told;
}

static bool check_output_file(const struct request *request, const struct store *store,
                              struct err *err)
{
    const struct arg *file = &request->args.list[P_OUTPUT_FILE];
    return !file->given || store_check_output(store, file->text.data, err);
}

static enum op_outcome run_in_store(const struct request *request, struct result *result,
                                    struct err *err)
{
    struct store *store AUTO(store_free) = NULL;
    struct store_config config;
    char home[LIMIT_PATH];
    struct progress_line line;
    if (!place_store(request, home, &config, err))
        return OP_FAILED;
    config.to_mend = request->op->to_mend;
    if (!store_open(&config, &store, err))
        return OP_FAILED;
    store->progress = progress_line_start(&line, request->op);
    (void)snprintf(store->actor, sizeof store->actor, "uid:%u", (unsigned)getuid());
    if (!check_output_file(request, store, err))
        return OP_FAILED;
    if (!op_reads(request->op, &request->args))
        result_hold(result);
    enum op_outcome outcome = op_run(store, request->op, &request->args, result_out(result), err);
    progress_line_end(&line);
    return outcome == OP_FAILED ? outcome : show(request, result, outcome, err);
}

static bool print(struct buf *buf, struct err *err)
{
    if (buf->failed)
        return err_memory(err);
    if (file_write_all(STDOUT_FILENO, buf_view(buf)))
        return true;
    return err_set(err, ERR_IO, "output_failed", "The text cannot be written to standard output");
}

// A client's file must not be one of the store's. Where no store can be, there is nothing to guard.
static bool check_config_file(const struct request *request, struct err *err)
{
    const struct arg *file = &request->args.list[P_CONFIG_FILE];
    struct store_config config;
    struct err ignored;
    char home[LIMIT_PATH];
    return !file->given || !place_store(request, home, &config, &ignored) ||
           store_check_foreign_file(&config, file->text.data, err);
}

// The option's value or the environment's, a path of it after `scheme` absolute: a client starts us
// elsewhere. NULL when there is none.
static const char *place_from(const char *option, const char *variable, const char *scheme,
                              char into[2 * LIMIT_PATH])
{
    char folder[LIMIT_PATH];
    const char *given = option ? option : getenv(variable);
    size_t size = strlen(scheme);
    if (!given || !given[0])
        return NULL;
    if (strncmp(given, scheme, size) != 0 || given[size] == '/' || !getcwd(folder, sizeof folder))
        return given;
    int length = snprintf(into, 2 * LIMIT_PATH, "%s%s/%s", scheme, folder, given + size);
    return length < 2 * LIMIT_PATH ? into : given;
}

static enum op_outcome run_locally(const struct request *request, struct result *result,
                                   struct err *err)
{
    char program[LIMIT_PATH], home[2 * LIMIT_PATH], url[2 * LIMIT_PATH];
    struct buf text AUTO(buf_done);
    const struct surroundings surroundings = {
        .program = program_own_path(program),
        .home_option = place_from(request->home, "SECURE_MCP_GATEWAY_HOME", "", home),
        .store_option = place_from(request->store_url, "SECURE_MCP_GATEWAY_STORE", "sqlite:", url),
        .home = getenv("HOME"),
        .config_home = getenv("XDG_CONFIG_HOME"),
        .appdata = getenv("APPDATA"),
        .userprofile = getenv("USERPROFILE"),
        .claude_config_dir = getenv("CLAUDE_CONFIG_DIR"),
    };
    buf_init(&text, LIMIT_HELD_OUTPUT);
    text.secret = true;
    if (!check_config_file(request, err))
        return OP_FAILED;
    enum op_outcome outcome =
        op_run_local(request->op, &request->args, &surroundings, &text, result_out(result), err);
    if (outcome == OP_FAILED)
        return outcome;
    if (!request->args.list[P_DRY_RUN].given)
        return show(request, result, outcome, err);
    return print(&text, err) ? outcome : OP_FAILED;
}

static bool run_op(struct request *request, struct err *err)
{
    if (request->op->effect == EFFECT_PROGRAM)
        return program_become("secure-mcp-gatewayd", request->argv, err);
    struct result result = {.draft = {.descriptor = -1}};
    struct buf input AUTO(buf_done) = {0};
    enum op_outcome outcome = OP_FAILED;
    bool local = request->op->effect == EFFECT_LOCAL;
    if (look_into_environment(request, err) && ask(request, err) &&
        read_input(request, &input, err) && open_result(request, &result, err))
        outcome = (local ? run_locally : run_in_store)(request, &result, err);
    result_done(&result);
    return outcome == OP_DONE && tell_file(request, err);
}

static bool unknown_command(const struct request *request, struct err *err)
{
    char shown[SHOWN_WORD];
    const struct op_group *group = help_find_group(request->words[0]);
    const char *word = group ? request->words[1] : request->words[0];
    const char *nearest = group ? spell_verb(group->name, word) : spell_group(word);
    err_set(err, ERR_USAGE, "unknown_command", "Unknown command: %s%s%s", group ? group->name : "",
            group ? " " : "", shown_word(word, shown));
    if (nearest)
        err_hint(err, "did you mean secure-mcp-gateway %s%s%s?", group ? group->name : "",
                 group ? " " : "", nearest);
    return err_hint(err, "secure-mcp-gateway %s%s--help", group ? group->name : "",
                    group ? " " : "");
}

static bool show_help(const struct request *request, struct buf *buf, struct err *err)
{
    if (request->op)
        help_op(buf, request->op);
    else if (request->word_count == 0)
        help_program(buf);
    else if (request->word_count == 1 && help_find_group(request->words[0]))
        help_group(buf, help_find_group(request->words[0]));
    else
        return unknown_command(request, err);
    return print(buf, err);
}

static bool show_builtin_help(struct buf *buf, struct err *err)
{
    buf_add(buf, VIEW("Usage: secure-mcp-gateway completion bash|zsh|fish\n\n"
                      "Print the completion script for a shell.\n\nExamples:\n"
                      "  source <(secure-mcp-gateway completion bash)\n"
                      "  secure-mcp-gateway completion fish | source\n"));
    return print(buf, err);
}

// `help --man`, `help --man user`, `help --markdown`: for those who build and install.
static bool print_documents(const struct request *request, struct buf *buf, struct err *err)
{
    const struct op_group *group = NULL;
    if (request->word_count >= 1 && !(group = help_find_group(request->words[0])))
        return unknown_command(request, err);
    if (request->markdown)
        help_markdown(buf);
    else if (group)
        help_man_group(buf, group);
    else
        help_man_page(buf);
    return print(buf, err);
}

// `help`, `help user`, `help user get`.
static bool help_command(struct request *request, struct buf *buf, struct err *err)
{
    request->word_count--;
    for (size_t i = 0; i < request->word_count; i++)
        request->words[i] = request->words[i + 1];
    if (request->man || request->markdown)
        return print_documents(request, buf, err);
    size_t named;
    request->op = op_of_words(request->words, request->word_count, &named);
    if (request->word_count > 0 && strcmp(request->words[0], "completion") == 0)
        return show_builtin_help(buf, err);
    if (request->word_count > 0 && strcmp(request->words[0], "help") == 0)
        request->word_count = 0;
    return show_help(request, buf, err);
}

static bool completion_command(const struct request *request, struct buf *buf, struct err *err)
{
    const char *script = request->word_count == 2 ? complete_script(request->words[1]) : NULL;
    if (!script) {
        err_set(err, ERR_USAGE, "unknown_shell", "completion needs bash, zsh or fish");
        return err_hint(err, "source <(secure-mcp-gateway completion bash)");
    }
    buf_add(buf, view_of(script));
    return print(buf, err);
}

// The words are what was typed so far: no request of their own, but they may say where the store
// is.
static bool complete_command(int argc, char **argv, struct buf *buf, struct err *err)
{
    struct request request = {0};
    struct store_config config;
    char home[LIMIT_PATH];
    for (int i = 2; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--home") == 0)
            request.home = argv[i + 1];
        else if (strcmp(argv[i], "--store") == 0)
            request.store_url = argv[i + 1];
    }
    if (!place_store(&request, home, &config, err))
        return false;
    config.must_exist = true;
    complete_words(buf, argc - 2, argv + 2, &config);
    return print(buf, err);
}

static bool run_request(struct request *request, struct buf *buf, struct err *err)
{
    const char *first = request->word_count > 0 ? request->words[0] : "";
    if (request->version) {
        buf_add(buf, VIEW("secure-mcp-gateway " SMG_VERSION "\n"));
        return print(buf, err);
    }
    if (request->stray && (strcmp(first, "help") == 0 || strcmp(first, "completion") == 0))
        return request_unknown_option(request, request->stray, err);
    if (strcmp(first, "help") == 0)
        return help_command(request, buf, err);
    if (request->help && strcmp(first, "completion") == 0)
        return show_builtin_help(buf, err);
    if (request->help)
        return show_help(request, buf, err);
    if (strcmp(first, "completion") == 0)
        return completion_command(request, buf, err);
    if (request->op)
        return run_op(request, err);
    if (request->word_count >= 2 || (request->word_count == 1 && !help_find_group(first)))
        return unknown_command(request, err);
    err_set(err, ERR_USAGE, "command_missing", "A command is missing");
    return err_hint(err, "secure-mcp-gateway %s%s--help", first, first[0] ? " " : "");
}

int cli_run(int argc, char **argv)
{
    struct request request = {0};
    struct buf buf AUTO(buf_done);
    struct err err = {0};
    bool done;
    buf_init(&buf, 1 << 20);
    if (!vault_start(&err))
        done = false;
    else if (argc >= 2 && strcmp(argv[1], "__complete") == 0)
        done = complete_command(argc, argv, &buf, &err);
    else
        done = request_read(&request, argc, argv, &err) && run_request(&request, &buf, &err);
    bool as_json =
        request.output_given && (request.format == RENDER_JSON || request.format == RENDER_JSONL);
    if (!done)
        say_error(&err, as_json);
    request_done(&request);
    return done ? 0 : err_exit_status(err.kind);
}
