// test_argv.c: how the words of the command line become a request, and what becomes of a key there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "doors/argv.h"
#include "file_replace.h"

#define KEY "smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD"
#define KEY_BEGINNING "smg_AAECAwQFBgcICQoL" // the masked form may be shown
#define KEY_REST "DA0ODxAR"

enum { MOST_WORDS = 16 };

static struct request request;
static struct err err;
static char *words[MOST_WORDS + 1];
static char folder[] = "/tmp/test_argv.XXXXXX";

static void forget(void)
{
    request_done(&request);
    for (size_t i = 0; i < MOST_WORDS; i++) {
        free(words[i]);
        words[i] = NULL;
    }
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    forget();
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") == 0 ? system(command) : -1;
}

// Each word gets memory of just its size, so that a sanitizer sees a step too far.
static bool read_words(const char *const *texts)
{
    int count = 0;
    forget();
    err = (struct err){.kind = ERR_NONE};
    for (; texts[count]; count++) {
        assert_true(count < MOST_WORDS);
        words[count] = strdup(texts[count]);
    }
    bool done = request_read(&request, count, words, &err);
    assert_int_equal(done, err.kind == ERR_NONE);
    return done;
}

#define READ(...) read_words((const char *const[]){"secure-mcp-gateway", __VA_ARGS__, NULL})

static void assert_refused(bool done, enum err_kind kind, const char *code)
{
    assert_false(done);
    assert_int_equal(err.kind, kind);
    assert_string_equal(err.code, code);
    assert_true(err.message[0] != '\0');
}
#define REFUSED(code, ...) assert_refused(READ(__VA_ARGS__), ERR_USAGE, code)
#define MISSING(code, ...) assert_refused(READ(__VA_ARGS__), ERR_NOT_FOUND, code)

static bool has(enum param param, const char *text)
{
    const struct arg *arg = &request.args.list[param];
    return arg->given && view_is(arg->text, text);
}

static bool has_not(enum param param)
{
    const struct arg *arg = &request.args.list[param];
    return !arg->given && !arg->text.data && arg->text.size == 0 && arg->number == 0;
}

static bool is_op(const char *group, const char *verb)
{
    return request.op && request.op == op_find(view_of(group), view_of(verb)) &&
           request.word_count == 2;
}

static void knows_both_spellings(void **state)
{
    (void)state;
    assert_true(READ("user", "get", "--email", "a@b.co"));
    assert_true(is_op("user", "get") && has(P_EMAIL, "a@b.co") && has_not(P_USER_ID));
    assert_true(READ("user", "get", "--email=a@b.co"));
    assert_true(is_op("user", "get") && has(P_EMAIL, "a@b.co"));
    assert_true(READ("user", "get", "--email==@b.co")); // only the first = counts
    assert_true(has(P_EMAIL, "=@b.co"));
    assert_true(READ("user", "get", "--email", "=@b.co"));
    assert_true(has(P_EMAIL, "=@b.co"));
    assert_true(READ("project", "create", "--project-name=a=b=c"));
    assert_true(has(P_PROJECT_NAME, "a=b=c"));
    assert_true(READ("user", "list", "--limit=10", "--after", "x"));
    assert_true(has(P_LIMIT, "10") && request.args.list[P_LIMIT].number == 10);
    assert_true(has(P_AFTER, "x") && !request.output_given && request.format == RENDER_JSON);
}

static void takes_options_anywhere(void **state)
{
    (void)state;
    assert_true(READ("--email", "a@b.co", "user", "delete", "--force"));
    assert_true(is_op("user", "delete") && has(P_EMAIL, "a@b.co") && has(P_FORCE, ""));
    assert_true(READ("--force", "user", "--email=a@b.co", "delete", "-o", "csv"));
    assert_true(is_op("user", "delete") && has(P_EMAIL, "a@b.co") && has(P_FORCE, ""));
    assert_true(request.format == RENDER_CSV && request.output_given);
    assert_true(READ("user", "--home", "/h", "--store=sqlite:/s", "delete", "--dry-run"));
    assert_true(is_op("user", "delete") && has(P_DRY_RUN, "") && has_not(P_FORCE));
    assert_string_equal(request.home, "/h");
    assert_string_equal(request.store_url, "sqlite:/s");
    // The value of an option is no word of the command, whatever it says.
    assert_true(READ("--project-name", "user", "project", "create"));
    assert_true(is_op("project", "create") && has(P_PROJECT_NAME, "user"));
}

static void takes_values_with_dashes(void **state)
{
    (void)state;
    assert_true(READ("user", "delete", "--email", "--force@b.co"));
    assert_true(has(P_EMAIL, "--force@b.co") && has_not(P_FORCE));
    assert_true(READ("project", "create", "--project-name", "--help"));
    assert_true(has(P_PROJECT_NAME, "--help") && !request.help);
    assert_true(READ("project", "create", "--project-name", "-"));
    assert_true(has(P_PROJECT_NAME, "-"));
    assert_true(READ("project", "rename", "--new-name", "--project-name", "--project-name=-o"));
    assert_true(has(P_NEW_NAME, "--project-name") && has(P_PROJECT_NAME, "-o"));
    REFUSED("invalid_value", "user", "list", "--limit", "-1");
    REFUSED("invalid_email", "user", "get", "--email", "-o", "csv"); // the value is -o
    assert_false(request.output_given);
}

static void suggests_what_was_meant(void **state)
{
    (void)state;
    REFUSED("unknown_option", "user", "get", "--emial", "a@b.co");
    assert_string_equal(err.message, "Unknown option --emial");
    assert_string_equal(err.hint, "did you mean --email?\nsecure-mcp-gateway user get --help");
    REFUSED("unknown_option", "user", "get", "--emial=a@b.co");
    assert_non_null(strstr(err.hint, "did you mean --email?"));
    REFUSED("unknown_option", "user", "list", "--outptu", "csv");
    assert_non_null(strstr(err.hint, "did you mean --output?"));
    REFUSED("unknown_option", "user", "get", "-email", "a@b.co");
    assert_non_null(strstr(err.hint, "did you mean --email?"));
    REFUSED("unknown_option", "user", "get", "--quite-something-else");
    assert_string_equal(err.hint, "secure-mcp-gateway user get --help");
    REFUSED("unknown_option", "--wat");
    assert_string_equal(err.hint, "secure-mcp-gateway --help");
    REFUSED("unknown_option", "user", "get", "--");
    REFUSED("unknown_option", "user", "get", "--=");
    REFUSED("unknown_option", "user", "get", "--email-", "a@b.co");
    REFUSED("unknown_option", "user", "get", "--emai", "a@b.co"); // no abbreviations
    // What another command offers is unknown to this one.
    REFUSED("unknown_option", "user", "list", "--email", "a@b.co");
    REFUSED("unknown_option", "user", "get", "--email", "a@b.co", "--dry-run");
    REFUSED("unknown_option", "user", "list", "--api-key-env", "HOME");
}

static void refuses_options_twice(void **state)
{
    (void)state;
    REFUSED("option_twice", "user", "get", "--email", "a@b.co", "--email", "a@b.co");
    assert_string_equal(err.message, "--email is given twice");
    REFUSED("option_twice", "user", "get", "--email=a@b.co", "--email", "c@b.co");
    REFUSED("option_twice", "user", "delete", "--email=a@b.co", "--force", "--force");
    REFUSED("option_twice", "user", "get-api-key", "--api-key", KEY, "--api-key", KEY);
    REFUSED("option_twice", "user", "get-api-key", "--api-key=" KEY, "--api-key=" KEY);
    REFUSED("option_twice", "user", "get-api-key", "--api-key=" KEY, "--api-key=-");
    REFUSED("option_twice", "user", "get-api-key", "--api-key=@x", "--api-key=" KEY);
}

static void misses_values(void **state)
{
    (void)state;
    REFUSED("value_missing", "user", "get", "--email");
    assert_string_equal(err.message, "--email needs a value");
    REFUSED("value_missing", "user", "list", "-o");
    REFUSED("value_missing", "user", "list", "--home");
    REFUSED("value_missing", "user", "get-api-key", "--api-key");
    REFUSED("value_missing", "user", "get-api-key", "--api-key-env");
    // An empty value is a value.
    REFUSED("invalid_email", "user", "get", "--email", "");
    REFUSED("invalid_email", "user", "get", "--email=");
    REFUSED("invalid_value", "user", "list", "--home=");
    REFUSED("invalid_value", "user", "list", "--output=");
    REFUSED("invalid_value", "user", "get-api-key", "--api-key=");
    REFUSED("invalid_value", "user", "get-api-key", "--api-key", "");
}

static void refuses_values_of_flags(void **state)
{
    (void)state;
    REFUSED("unexpected_value", "user", "delete", "--email=a@b.co", "--force=yes");
    REFUSED("unexpected_value", "user", "delete", "--email=a@b.co", "--force=");
    REFUSED("unexpected_value", "user", "delete", "--email=a@b.co", "--dry-run=0");
    REFUSED("unexpected_value", "user", "list", "--help=yes");
    REFUSED("unexpected_value", "--version=2");
    REFUSED("unexpected_argument", "user", "delete", "--email=a@b.co", "--force", "yes");
    assert_string_equal(err.message, "Unexpected argument: yes");
}

static void knows_formats(void **state)
{
    (void)state;
    static const char *const names[] = {
        [RENDER_JSON] = "json", [RENDER_TABLE] = "table", [RENDER_CSV] = "csv",
        [RENDER_YAML] = "yaml", [RENDER_JSONL] = "jsonl",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char joined[20];
        (void)snprintf(joined, sizeof joined, "--output=%s", names[i]);
        assert_true(READ("user", "list", "-o", names[i]));
        assert_true(request.output_given && request.format == (enum render_format)i);
        assert_true(READ(joined, "user", "list"));
        assert_true(request.output_given && request.format == (enum render_format)i);
    }
    REFUSED("invalid_value", "user", "list", "-o", "JSON");
    REFUSED("invalid_value", "user", "list", "-o", "json ");
    REFUSED("invalid_value", "user", "list", "--output", "xml");
    assert_false(request.output_given);
    assert_true(READ("user", "list", "-ojsonl"));
    assert_true(request.output_given && request.format == RENDER_JSONL);
    REFUSED("invalid_value", "user", "list", "-o=json");
    assert_false(request.output_given);
}

// An error that comes first is told in the format asked for later.
static void finds_the_format_after_an_error(void **state)
{
    (void)state;
    REFUSED("unknown_option", "user", "list", "--wat", "--output", "jsonl");
    assert_true(request.output_given && request.format == RENDER_JSONL);
    REFUSED("unexpected_argument", "user", "list", "all", "-o", "json");
    assert_true(request.output_given && request.format == RENDER_JSON);
    REFUSED("invalid_email", "user", "get", "--email", "x", "-o", "table");
    assert_true(request.output_given && request.format == RENDER_TABLE);
    REFUSED("unknown_option", "--wat=1", "-o", "yaml");
    assert_true(request.output_given && request.format == RENDER_YAML);
    // What only looks like it is the value of another option.
    REFUSED("value_missing", "project", "create", "--project-name", "-o", "--home");
    assert_false(request.output_given);
}

static void tells_words_apart(void **state)
{
    (void)state;
    assert_true(read_words((const char *const[]){"secure-mcp-gateway", NULL}));
    assert_true(request.word_count == 0 && !request.op && !request.help);
    assert_true(read_words((const char *const[]){NULL}));
    assert_true(READ("-h"));
    assert_true(request.help && !request.version);
    assert_true(READ("user", "--help"));
    assert_true(request.help && request.word_count == 1 && !request.op);
    assert_true(READ("-V"));
    assert_true(request.version && !request.help);
    assert_true(READ("help", "--man"));
    assert_true(request.man && request.word_count == 1);
    assert_true(READ("help", "user", "get"));
    assert_true(request.word_count == 3 && !request.op);
    assert_true(READ("help", "user", "get", "more", "and", "more"));
    assert_int_equal(request.word_count, REQUEST_WORDS);
    assert_true(READ("users", "list"));
    assert_true(request.word_count == 2 && !request.op);
    // An unknown command is the graver mistake: its options are not looked at.
    assert_true(READ("user", "--email", "list", "gte", "--wat"));
    assert_true(request.word_count == 2 && !request.op);
    assert_string_equal(request.words[1], "gte");
    REFUSED("unexpected_argument", "user", "list", "x");
    REFUSED("unexpected_argument", "user", "list", "-");
    REFUSED("unexpected_argument", "user", "list", "");
}

// Nothing of `secret` is left in the words; the words before the values are.
static void assert_wiped(const char *secret)
{
    for (size_t i = 0; i < MOST_WORDS && words[i]; i++)
        assert_null(strstr(words[i], secret));
}

static void takes_keys_out_of_argv(void **state)
{
    (void)state;
    assert_true(READ("user", "get-api-key", "--api-key", KEY, "--details"));
    assert_true(has(P_API_KEY, KEY) && has(P_DETAILS, ""));
    assert_wiped(KEY_REST);
    for (size_t i = 0; i < strlen(KEY); i++)
        assert_int_equal(words[4][i], '\0');
    assert_non_null(request.key);
    assert_ptr_equal(request.args.list[P_API_KEY].text.data, request.key->text);
    assert_true(view_is(clear_key_view(request.key), KEY));

    assert_true(READ("--api-key=" KEY, "user", "get-api-key"));
    assert_true(has(P_API_KEY, KEY));
    assert_ptr_equal(request.args.list[P_API_KEY].text.data, request.key->text);
    for (size_t i = 0; i < strlen(KEY); i++)
        assert_int_equal(words[1][strlen("--api-key=") + i], '\0');
    assert_memory_equal(words[1], "--api-key=", strlen("--api-key="));

    assert_true(READ("user", "get-api-key", "--api-key", KEY_BEGINNING "..."));
    assert_true(has(P_API_KEY, KEY_BEGINNING "..."));
    request_done(&request);
    assert_null(request.key);
    request_done(&request);
    // What is the value of another option is no option.
    REFUSED("unexpected_argument", "user", "search", "--search-term", "--api-key", "x");
    assert_null(request.key);
    assert_string_equal(words[5], "x");
}

// Whatever else is wrong, keys are wiped first, and the error does not hold them.
static void wipes_keys_of_bad_requests(void **state)
{
    (void)state;
    static const char *const lines[][MOST_WORDS] = {
        {"x", "user", "get-api-key", "--wat", "--api-key", KEY},
        {"x", "user", "get-api-key", "--api-key", KEY, "--wat"},
        {"x", "user", "get-api-key", "--api-key", KEY, "x"},
        {"x", "user", "get-api-key", "x", "--api-key", KEY},
        {"x", "user", "get-api-key", "--api-key=" KEY, "--api-key=" KEY},
        {"x", "user", "get-api-key", "--api-key", KEY, "--api-key", KEY},
        {"x", "user", "get-api-key", "--api-key", KEY, "--api-key", "-"},
        {"x", "user", "get-api-key", "--api-key", "@x", "--api-key", KEY},
        {"x", "user", "get-api-key", "--api-key", KEY, "--api-key-env", "HOME"},
        {"x", "user", "get-api-key", "--api-key-env", "NOTHING", "--api-key", KEY},
        {"x", "user", "get-api-key", "--api-key", KEY " "},
        {"x", "user", "get-api-key", "--api-key", KEY "\n"},
        {"x", "user", "get-api-key", "--api-key", KEY "\xff"},
        {"x", "user", "get-api-key", "--api-key=" KEY, "--output", "xml"},
        {"x", "user", "get-api-key", "--api-key=" KEY, "--details=" KEY_BEGINNING},
        {"x", "user", "list", "--api-key", KEY},
        {"x", "user", "list", "--api-key=" KEY},
        {"x", "user", "--api-key", KEY},
        {"x", "--api-key", KEY, "wat"},
        {"x", "--api-key=" KEY},
        {"x", "user", "get-api-key", "--api-key", KEY, "-o"},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_true(!read_words(lines[i]) || !request.op);
        assert_wiped(KEY_REST);
        assert_null(strstr(err.message, KEY_REST));
        assert_null(strstr(err.hint, KEY_REST));
    }
}

// A key that strayed into another option or stands where a word should be.
static void never_repeats_a_key(void **state)
{
    (void)state;
    static const char *const lines[][MOST_WORDS] = {
        {"x", "user", "get-api-key", KEY},
        {"x", KEY},
        {"x", "user", KEY},
        {"x", "user", "get", "--email", KEY},
        {"x", "user", "get", "--email=" KEY},
        {"x", "user", "get", "--email=" KEY "@b.co"},
        {"x", "user", "get", "--user-id", KEY},
        {"x", "project", "create", "--project-name", KEY},
        {"x", "user", "search", "--search-term", KEY},
        {"x", "user", "list", "--limit", KEY},
        {"x", "user", "list", "--output", KEY},
        {"x", "user", "get-api-key", "--api-kye=" KEY},
        {"x", "user", "get-api-key", "--api-kye", KEY},
        {"x", "user", "get-api-key", "-" KEY},
        {"x", "user", "get-api-key", "--" KEY},
        {"x", "user", "get-api-key", "--details=" KEY},
        {"x", "user", "get-api-key", "--api-key-env", KEY},
        {"x", "audit", "export", "--output-file", KEY},
        {"x", "user", "generate-api-key", "--name", KEY},
        {"x", "user", "generate-api-key", "--expires-in", KEY},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        bool done = read_words(lines[i]);
        assert_true(!done || !request.op); // without a command there is nothing to refuse yet
        assert_null(strstr(err.message, KEY_REST));
        assert_null(strstr(err.hint, KEY_REST));
    }
}

static void bounds_keys(void **state)
{
    (void)state;
    char text[2 * LIMIT_API_KEY];
    for (size_t size = LIMIT_API_KEY - 1; size < sizeof text - 1; size += 1 + size % 7) {
        memset(text, 'k', size);
        text[size] = '\0';
        bool done = READ("user", "get-api-key", "--api-key", text);
        assert_int_equal(done, size <= LIMIT_API_KEY);
        assert_true(!done || request.args.list[P_API_KEY].text.size == size);
        assert_wiped("kk");
    }
}

static void reads_key_files(void **state)
{
    (void)state;
    char large[70000];
    memset(large, 'k', sizeof large);
    assert_true(file_replace("plain", VIEW(KEY), &err));
    assert_true(file_replace("line", VIEW(KEY "\n"), &err));
    assert_true(file_replace("dos", VIEW(KEY "\r\n"), &err));
    assert_true(file_replace("blank", VIEW(KEY " \n"), &err));
    assert_true(file_replace("two", VIEW(KEY "\n" KEY "\n"), &err));
    assert_true(file_replace("empty", VIEW("\n"), &err));
    assert_true(file_replace("large", view_bytes(large, sizeof large), &err));
    assert_true(file_replace("long", view_bytes(large, LIMIT_API_KEY + 1), &err));
    assert_true(READ("user", "get-api-key", "--api-key", "@plain"));
    assert_true(has(P_API_KEY, KEY));
    assert_ptr_equal(request.args.list[P_API_KEY].text.data, request.key->text);
    assert_string_equal(words[4], "@plain"); // where it was is no secret
    assert_true(READ("user", "get-api-key", "--api-key=@line") && has(P_API_KEY, KEY));
    assert_true(READ("user", "get-api-key", "--api-key=@dos") && has(P_API_KEY, KEY));
    REFUSED("invalid_value", "user", "get-api-key", "--api-key=@blank");
    REFUSED("invalid_value", "user", "get-api-key", "--api-key=@two");
    assert_null(strstr(err.message, KEY_REST));
    REFUSED("invalid_value", "user", "get-api-key", "--api-key=@empty");
    REFUSED("invalid_value", "user", "get-api-key", "--api-key=@long");
    REFUSED("file_too_large", "user", "get-api-key", "--api-key=@large");
    assert_false(READ("user", "get-api-key", "--api-key=@nowhere"));
    assert_int_equal(err.kind, ERR_IO);
    assert_false(READ("user", "get-api-key", "--api-key=@"));
    assert_int_equal(err.kind, ERR_IO);
}

static void reads_keys_from_standard_input(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDIN_FILENO);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(ends), 0);
        assert_true(file_write_all(ends[1], VIEW(KEY "\n")));
        descriptor_close(&ends[1]);
        assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
        assert_true(i == 0 ? READ("user", "get-api-key", "--api-key", "-")
                           : READ("user", "get-api-key", "--api-key=-"));
        assert_true(has(P_API_KEY, KEY));
        assert_ptr_equal(request.args.list[P_API_KEY].text.data, request.key->text);
        REFUSED("invalid_value", "user", "get-api-key", "--api-key", "-"); // nothing more comes
        descriptor_close(&ends[0]);
    }
    assert_true(dup2(saved, STDIN_FILENO) >= 0);
    descriptor_close(&saved);
}

static void reads_keys_from_the_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("TEST_KEY", KEY, 1), 0);
    const char *place = getenv("TEST_KEY");
    assert_true(READ("user", "get-api-key", "--api-key-env", "TEST_KEY"));
    assert_true(has(P_API_KEY, KEY));
    assert_ptr_equal(request.args.list[P_API_KEY].text.data, request.key->text);
    for (size_t i = 0; i < strlen(KEY); i++)
        assert_int_equal(place[i], '\0');
    MISSING("environment_missing", "user", "get-api-key", "--api-key-env", "TEST_KEY");
    MISSING("environment_missing", "user", "get-api-key", "--api-key-env=");
    MISSING("environment_missing", "user", "get-api-key", "--api-key-env", "TEST_NOTHING");
    assert_string_equal(err.message, "The environment variable TEST_NOTHING is not set");
    assert_int_equal(setenv("TEST_KEY", KEY " ", 1), 0);
    REFUSED("invalid_value", "user", "get-api-key", "--api-key-env", "TEST_KEY");
    assert_null(strstr(err.message, KEY_REST));
    assert_int_equal(setenv("TEST_KEY", KEY, 1), 0);
    assert_true(READ("user", "check-api-key"));
    assert_null(request.key);
    assert_true(request_key_from_environment(&request, "TEST_KEY", &err) && has(P_API_KEY, KEY));
    assert_int_equal(unsetenv("TEST_KEY"), 0);
}

static void knows_what_awaits_a_value(void **state)
{
    (void)state;
    enum param param = P_COUNT;
    assert_true(option_awaits_value("--email", &param));
    assert_int_equal(param, P_EMAIL);
    assert_true(option_awaits_value("--api-key", &param));
    assert_int_equal(param, P_API_KEY);
    assert_true(option_awaits_value("-o", &param));
    assert_int_equal(param, P_COUNT);
    assert_true(option_awaits_value("--home", &param));
    assert_false(option_awaits_value("--email=", &param));
    assert_false(option_awaits_value("--force", &param));
    assert_false(option_awaits_value("--help", &param));
    assert_false(option_awaits_value("--wat", &param));
    assert_false(option_awaits_value("email", &param));
    assert_false(option_awaits_value("-", &param));
    assert_false(option_awaits_value("", &param));
}

static void shows_words_harmlessly(void **state)
{
    (void)state;
    char shown[SHOWN_WORD], text[200];
    assert_string_equal(shown_word("--wat", shown), "--wat");
    assert_string_equal(shown_word("", shown), "");
    assert_string_equal(shown_word("a\x1b[31m\n\x7f\xc3\xbc", shown), "a?[31m????");
    assert_string_equal(shown_word(KEY, shown), KEY_BEGINNING "...");
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, 'x', size);
        text[size] = '\0';
        assert_true(strlen(shown_word(text, shown)) < SHOWN_WORD);
        assert_true(strlen(shown) <= 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_both_spellings),
        cmocka_unit_test(takes_options_anywhere),
        cmocka_unit_test(takes_values_with_dashes),
        cmocka_unit_test(suggests_what_was_meant),
        cmocka_unit_test(refuses_options_twice),
        cmocka_unit_test(misses_values),
        cmocka_unit_test(refuses_values_of_flags),
        cmocka_unit_test(knows_formats),
        cmocka_unit_test(finds_the_format_after_an_error),
        cmocka_unit_test(tells_words_apart),
        cmocka_unit_test(takes_keys_out_of_argv),
        cmocka_unit_test(wipes_keys_of_bad_requests),
        cmocka_unit_test(never_repeats_a_key),
        cmocka_unit_test(bounds_keys),
        cmocka_unit_test(reads_key_files),
        cmocka_unit_test(reads_keys_from_standard_input),
        cmocka_unit_test(reads_keys_from_the_environment),
        cmocka_unit_test(knows_what_awaits_a_value),
        cmocka_unit_test(shows_words_harmlessly),
    };
    return vault_start(&err) ? cmocka_run_group_tests(tests, set_up, tear_down) : 1;
}
