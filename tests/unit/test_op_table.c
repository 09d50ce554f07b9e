// test_op_table.c: the rows of the operations are sound: help, man page, completion and the command
// line are made from them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>
#include <wordexp.h>

#include "doors/argv.h"
#include "file_replace.h"
#include "ops/op.h"

static char folder[] = "/tmp/test_op_table.XXXXXX";
static struct err err;

// The files that examples name.
static const struct {
    const char *name, *content;
} files[] = {
    {"key.txt", "smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD\n"},
    {"env.json", "{}"},
    {"headers.json", "{}"},
    {"policy.json", "{}"},
    {"in.json", "{}"},
    {"out.json", "{}"},
};

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (!file_replace(files[i].name, view_of(files[i].content), &err))
            return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (unlink(files[i].name) != 0)
            return -1;
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

#define FOR_EACH_OP(op) for (const struct op *op = op_next(NULL); op; op = op_next(op))

static const struct op_group *group_of(const struct op *op)
{
    for (size_t i = 0; i < op_group_count; i++)
        if (strcmp(op_groups[i].name, op->group) == 0)
            return &op_groups[i];
    return NULL;
}

static bool is_word(const char *text)
{
    return text && text[0] >= 'a' && text[0] <= 'z' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text);
}

static void check_sentence(const char *text, size_t most)
{
    size_t size = strlen(text);
    assert_true(size > 0 && size <= most);
    assert_true(text[size - 1] != '.' && text[size - 1] != ' ' && text[0] != ' ');
    assert_null(strchr(text, '\n'));
}

static void names_are_unique(void **state)
{
    (void)state;
    size_t count = 0;
    FOR_EACH_OP(op)
    {
        count++;
        // A row without a group is a command of one word.
        assert_true(op->group[0] == '\0' || (is_word(op->group) && group_of(op)));
        assert_true(is_word(op->verb));
        assert_ptr_equal(op_find(view_of(op->group), view_of(op->verb)), op);
        for (const struct op *other = op_next(op); other; other = op_next(other))
            assert_false(strcmp(op->group, other->group) == 0 &&
                         strcmp(op->verb, other->verb) == 0);
    }
    assert_true(count >= 30);
    assert_null(op_find(VIEW("user"), VIEW("")));
    assert_null(op_find(VIEW("user"), VIEW("lis")));
    assert_null(op_find(VIEW("user"), VIEW("list ")));
    assert_null(op_find(VIEW("users"), VIEW("list")));
    assert_null(op_find((struct view){NULL, 0}, (struct view){NULL, 0}));
}

static void groups_have_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < op_group_count; i++) {
        size_t rows = 0;
        check_sentence(op_groups[i].summary, 80);
        FOR_EACH_OP(op)
        rows += strcmp(op->group, op_groups[i].name) == 0;
        assert_true(rows > 0);
    }
}

static void rows_are_described(void **state)
{
    (void)state;
    FOR_EACH_OP(op)
    {
        check_sentence(op->summary, 80);
        assert_true(op->summary[0] >= 'A' && op->summary[0] <= 'Z');
        if (op->notes) // whole sentences
            assert_int_equal(op->notes[strlen(op->notes) - 1], '.');
        assert_int_equal(op->run == NULL, op->effect == EFFECT_PROGRAM);
        assert_non_null(op->example);
    }
}

static size_t count_need(const struct op *op, enum need need)
{
    size_t count = 0;
    for (size_t i = 0; i < op->param_count; i++)
        count += op->params[i].need == need;
    return count;
}

static void params_are_unique(void **state)
{
    (void)state;
    FOR_EACH_OP(op)
    {
        assert_true(op->param_count <= OP_PARAMS);
        for (size_t i = 0; i < op->param_count; i++) {
            assert_true(op->params[i].param < P_COUNT);
            assert_true(op_offers(op, op->params[i].param));
            // These belong to every destructive row and are not listed there.
            assert_true(!op->destructive ||
                        (op->params[i].param != P_DRY_RUN && op->params[i].param != P_CONFIRM));
            for (size_t j = 0; j < i; j++)
                assert_true(op->params[i].param != op->params[j].param);
        }
        // A choice has something to choose from.
        for (enum need need = ONE_USER; need <= ONE_CONFIG; need++)
            assert_true(count_need(op, need) == 0 || count_need(op, need) == 2);
        bool consents = count_need(op, ONE_CONSENT) > 0;
        assert_true(!consents || (op->effect == EFFECT_WHOLE && !op->destructive));
        assert_true(op->effect != EFFECT_READ || !op_offers(op, P_DRY_RUN));
        assert_true(!(op->destructive || consents) || op_offers(op, P_DRY_RUN));
        assert_int_equal(op_offers(op, P_CONFIRM), op->destructive || consents);
    }
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void effects_are_right(void **state)
{
    (void)state;
    static const char *const taking[] = {"delete", "remove", "offboard", "reset"};
    static const char *const making[] = {"create", "add", "copy"};
    static const char *const reading[] = {"list", "search", "verify", "export", "health", "audit"};
    FOR_EACH_OP(op)
    {
        if (op->destructive) {
            assert_true(op->effect == EFFECT_CHANGE || op->effect == EFFECT_WHOLE);
            assert_null(op->reads_only);
            assert_null(op->plain);
        }
        for (size_t i = 0; i < COUNT_OF(taking); i++)
            if (begins_with(op->verb, taking[i]))
                assert_true(op->destructive || count_need(op, ONE_CONSENT) > 0);
        for (size_t i = 0; i < COUNT_OF(reading); i++)
            if (begins_with(op->verb, reading[i]))
                assert_true(op->effect == EFFECT_READ || op->reads_only ||
                            strstr(op->verb, "api-key"));
        if (op->effect == EFFECT_READ)
            assert_null(op->plain);
        bool makes = false;
        for (size_t i = 0; i < COUNT_OF(making); i++)
            makes = makes || strcmp(op->verb, making[i]) == 0;
        assert_int_equal(op->plain != NULL, makes);
        assert_true(!op->lines || op_offers(op, P_OUTPUT_FILE));
    }
}

static bool is_satisfied(const struct op *op, const struct args *args)
{
    for (size_t i = 0; i < op->param_count; i++) {
        enum need need = op->params[i].need;
        bool met = need == MAY || need == MAY_ENV || args->list[op->params[i].param].given;
        for (size_t j = 0; j < op->param_count && need >= ONE_USER && need <= ONE_CONFIG; j++)
            met = met || (op->params[j].need == need && args->list[op->params[j].param].given);
        if (!met)
            return false;
    }
    return true;
}

// Reads the line as a shell would split it.
static void check_example(const struct op *op, const char *line)
{
    wordexp_t words = {.we_offs = 1};
    struct request request;
    char name[] = "secure-mcp-gateway";
    assert_int_equal(wordexp(line, &words, WRDE_DOOFFS | WRDE_NOCMD | WRDE_UNDEF), 0);
    words.we_wordv[0] = name;
    assert_true(words.we_wordc >= (op->group[0] ? 2 : 1));
    char title[OP_TITLE];
    size_t title_size = strlen(op_title(op, title));
    assert_memory_equal(line, title, title_size);
    assert_true(line[title_size] == ' ' || line[title_size] == '\0');
    if (!request_read(&request, (int)words.we_wordc + 1, words.we_wordv, &err))
        fail_msg("%s: %s", line, err.message);
    assert_ptr_equal(request.op, op);
    assert_int_equal(request.word_count, op->group[0] ? 2 : 1);
    if (!is_satisfied(op, &request.args))
        fail_msg("%s: something is missing", line);
    request_done(&request);
    words.we_wordv[0] = NULL;
    wordfree(&words);
}

static void examples_work(void **state)
{
    (void)state;
    FOR_EACH_OP(op)
    {
        char *lines = strdup(op->example), *rest = lines;
        assert_non_null(lines);
        while (rest)
            check_example(op, strsep(&rest, "\n"));
        free(lines);
    }
}

// All that a row offers is used by no other meaning of the same option: offering a selection means
// offering both of its spellings.
static void selections_are_whole(void **state)
{
    (void)state;
    FOR_EACH_OP(op)
    {
        bool makes_user = strcmp(op->verb, "create") == 0;
        bool makes_config = strcmp(op->verb, "add") == 0 || strcmp(op->verb, "import") == 0;
        if (!makes_user) {
            assert_int_equal(op_offers(op, P_EMAIL), op_offers(op, P_USER_ID));
            assert_int_equal(op_offers(op, P_PROJECT_NAME), op_offers(op, P_PROJECT_ID));
        }
        if (!makes_config)
            assert_int_equal(op_offers(op, P_CONFIG_NAME), op_offers(op, P_CONFIG_ID));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique),     cmocka_unit_test(groups_have_rows),
        cmocka_unit_test(rows_are_described),   cmocka_unit_test(params_are_unique),
        cmocka_unit_test(effects_are_right),    cmocka_unit_test(examples_work),
        cmocka_unit_test(selections_are_whole),
    };
    return vault_start(&err) ? cmocka_run_group_tests(tests, set_up, tear_down) : 1;
}
