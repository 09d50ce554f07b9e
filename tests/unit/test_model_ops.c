// test_model_ops.c: operations run in their transactions: dry runs change nothing, refused changes
// leave one record and nothing else, and no key text is ever written down.
#include "temp_store.h"

#include "base/json_out.h"
#include "doors/argv.h"
#include "model/audit.h"
#include "ops/op.h"

enum { OUTPUT = 1 << 20, MOST_WORDS = 12 };

static struct user alice;
static struct project team;
static struct api_key key;
static char key_text[KEY_TEXT + 1];
static struct buf output;

// Alice has a key in Team, which uses the config prod; Bob has nothing; the config spare is unused.
static enum op_outcome run(const char *line);

static int set_up(void **state)
{
    struct config config, spare;
    bool changed;
    if (make_store(state) != 0)
        return -1;
    alice = new_user("alice@example.com");
    (void)new_user("bob@example.com");
    team = new_project("Team");
    (void)new_project("Empty");
    join(&team, &alice);
    key = new_key(&alice, &team);
    memcpy(key_text, clear_text, sizeof key_text);
    begin();
    WORKS(config_add(store, VIEW("prod"), &config, &err));
    WORKS(config_add(store, VIEW("spare"), &spare, &err));
    WORKS(project_set_config(store, &team, &config, &changed, &err));
    commit();
    buf_init(&output, OUTPUT);
    assert_int_equal(run("config add-server --config-name prod --server-name s --server-command c"),
                     OP_DONE);
    return 0;
}

static int tear_down(void **state)
{
    buf_done(&output);
    return remove_home(state);
}

// Runs a command as the command line would; its words are separated by single blanks.
static enum op_outcome run(const char *line)
{
    char *copy = NULL, *argv[MOST_WORDS] = {NULL};
    struct request request;
    struct json_out json;
    int argc = 0;
    assert_true(asprintf(&copy, "x %s", line) > 0);
    for (char *rest = copy; rest && argc < MOST_WORDS; argc++)
        argv[argc] = strsep(&rest, " ");
    buf_clear(&output);
    err = (struct err){.kind = ERR_NONE};
    if (!request_read(&request, argc, argv, &err))
        fail_msg("%s: %s", line, err.message);
    assert_non_null(request.op);
    json_out_init(&json, &output, JSON_COMPACT);
    enum op_outcome outcome = op_run(store, request.op, &request.args, &json.out, &err);
    request_done(&request);
    free(copy);
    buf_add_char(&output, '\0');
    return outcome;
}

static enum op_outcome run_with(const char *format, const char *text)
{
    char line[1000];
    const char *at = strstr(format, "%s");
    assert_non_null(at);
    (void)snprintf(line, sizeof line, "%.*s%s%s", (int)(at - format), format, text, at + 2);
    return run(line);
}

// Every row of every table, as others see it. Each table's statement has its own place, since
// statements are known by the address of their text.
static char *dump(bool with_audit)
{
    static const char *const tables[] = {"meta",    "keyring", "configs",   "projects",
                                         "users",   "members", "api_keys",  "retired_keys",
                                         "servers", "audit",   "audit_head"};
    static char sql[COUNT_OF(tables)][2000];
    struct db *db = NULL;
    struct buf text;
    buf_init(&text, OUTPUT);
    WORKS(db_open(store->path, false, &db, &err));
    for (size_t i = 0; i < COUNT_OF(tables) - (with_audit ? 0 : 2); i++) {
        struct stmt *stmt = NULL;
        struct buf select;
        buf_init(&select, sizeof sql[i] - 1);
        WORKS(db_query(db, "SELECT name FROM pragma_table_info(?)", BIND(v_text(tables[i])), &stmt,
                       &err));
        buf_add_format(&select, "SELECT '%s'", tables[i]);
        while (stmt_step(stmt, &err) == STEP_ROW)
            buf_add_format(&select, "||','||quote(%.*s)", VIEW_ARG(stmt_text(stmt, 0)));
        buf_add_format(&select, " FROM %s ORDER BY 1", tables[i]);
        stmt_free(&stmt);
        assert_true(text_copy(sql[i], sizeof sql[i], buf_view(&select)));
        WORKS(db_query(db, sql[i], BIND_NOTHING, &stmt, &err));
        while (stmt_step(stmt, &err) == STEP_ROW)
            buf_add_format(&text, "%.*s\n", VIEW_ARG(stmt_text(stmt, 0)));
        stmt_free(&stmt);
        buf_done(&select);
    }
    db_close(&db);
    assert_false(text.failed);
    char *copy = strndup(text.data, text.size);
    buf_done(&text);
    assert_non_null(copy);
    return copy;
}

static void assert_nothing_changed(char *before, bool with_audit, const char *line)
{
    char *after = dump(with_audit);
    if (strcmp(before, after) != 0)
        fail_msg("%s changed\n%sinto\n%s", line, before, after);
    free(before);
    free(after);
}

static int64_t count_records(void)
{
    return number_of("SELECT count(*) FROM audit");
}

static bool output_holds(const char *text)
{
    return output.data && strstr(output.data, text) != NULL;
}

static void the_dump_sees_everything(void **state)
{
    (void)state;
    char *before = dump(true);
    assert_non_null(strstr(before, "alice@example.com"));
    assert_non_null(strstr(before, "api_keys,"));
    assert_non_null(strstr(before, "audit_head,1,"));
    assert_null(strstr(before, key_text));
    script("UPDATE api_keys SET use_count = use_count + 1");
    char *after = dump(true);
    assert_string_not_equal(before, after);
    free(before);
    free(after);
}

// For each row that offers --dry-run in a transaction, a command that would destroy something.
// Those on the whole store are the matter of e2e/whole_store.sh.
static const char *const destructive[] = {
    "user delete --email alice@example.com --force",
    "user offboard --email alice@example.com",
    "user delete-api-key --api-key %s",
    "user delete-all-api-keys --email alice@example.com",
    "project remove --project-name Team --force",
    "project remove-user --project-name Team --email alice@example.com",
    "project remove-all-users --project-name Team",
    "config remove --config-name spare",
    "config remove-server --config-name prod --server-name s",
    "config remove-all-servers --config-name prod",
    "system accept-keys --output json",
};

static void all_dry_runs_are_tested(void **state)
{
    (void)state;
    size_t rows = 0;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        size_t found = 0;
        char words[100];
        int size = snprintf(words, sizeof words, "%s %s ", op->group, op->verb);
        for (size_t i = 0; i < COUNT_OF(destructive); i++)
            found += strncmp(destructive[i], words, (size_t)size) == 0;
        bool rehearsed = op->destructive && op->effect == EFFECT_CHANGE;
        if (rehearsed != (found == 1))
            fail_msg("%s", words);
        rows += rehearsed;
    }
    assert_int_equal(rows, COUNT_OF(destructive));
}

// Whatever a dry run says, before and after it the store is the same, the audit included; the same
// command without --dry-run then does what was said.
static void dry_runs_change_nothing(void **state)
{
    for (size_t i = 0; i < COUNT_OF(destructive); i++) {
        char line[300];
        const char *format = destructive[i];
        (void)snprintf(line, sizeof line, "%.*s%s --dry-run", (int)strcspn(format, "%"), format,
                       strchr(format, '%') ? key_text : "");
        char *before = dump(true);
        if (run(line) != OP_DONE)
            fail_msg("%s: %s", line, err.message);
        assert_true(output_holds("\"dry_run\":true"));
        assert_false(output_holds(key_text));
        assert_nothing_changed(before, true, line);
        line[strlen(line) - strlen(" --dry-run")] = '\0';
        before = dump(false);
        int64_t records = count_records();
        assert_int_equal(run(line), OP_DONE);
        assert_false(output_holds("dry_run"));
        assert_true(count_records() > records);
        char *after = dump(false);
        // Accepting the keys of a sound store leaves nothing but its record.
        if (strncmp(line, "system accept-keys", 18) != 0)
            assert_string_not_equal(before, after);
        free(before);
        free(after);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

// A dry run that would be refused is refused, and is no attempt.
static void refused_dry_runs_leave_no_record(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "user delete --email alice@example.com --dry-run",
        "user delete --email eve@example.com --force --dry-run",
        "project remove --project-name Team --dry-run",
        "config remove --config-name prod --dry-run",
        "user delete-api-key --api-key nonsense --dry-run",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char *before = dump(true);
        assert_int_equal(run(lines[i]), OP_FAILED);
        assert_true(err_is_refusal(err.kind));
        assert_nothing_changed(before, true, lines[i]);
    }
}

static const struct {
    const char *line, *code;
} refused[] = {
    {"user create --email ALICE@example.com", "user_exists"},
    {"user update --email bob@example.com --new-email Alice@example.com", "user_exists"},
    {"user update --email eve@example.com --new-email new@example.com", "user_not_found"},
    {"user delete --email alice@example.com", "has_api_keys"},
    {"user delete --email eve@example.com --force", "user_not_found"},
    {"user offboard --email eve@example.com", "user_not_found"},
    {"user generate-api-key --email bob@example.com --project-name Team", "user_not_in_project"},
    {"user generate-api-key --email bob@example.com --project-name None", "project_not_found"},
    {"user list-api-keys --email eve@example.com", "user_not_found"},
    {"user rotate-api-key --api-key unknown", "api_key_not_found"},
    {"user rotate-api-key --api-key smg_AAAAAAAAAAAAAAAAAAAA...", "api_key_not_found"},
    {"user disable-api-key --api-key smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD",
     "api_key_not_found"},
    {"user enable-api-key --api-key smg_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaE",
     "api_key_mistyped"},
    {"user delete-api-key --api-key 00000000-0000-4000-8000-000000000000", "api_key_not_found"},
    {"user update-api-key --api-key unknown --name x", "api_key_not_found"},
    {"user delete-all-api-keys --email eve@example.com", "user_not_found"},
    {"user rotate-all-api-keys --email eve@example.com", "user_not_found"},
    {"project create --project-name Team", "project_exists"},
    {"project rename --project-name Empty --new-name Team", "project_exists"},
    {"project remove --project-name Team", "has_api_keys"},
    {"project remove --project-name None --force", "project_not_found"},
    {"project add-user --project-name Team --email eve@example.com", "user_not_found"},
    {"project remove-user --project-name None --email bob@example.com", "project_not_found"},
    {"project remove-all-users --project-name None", "project_not_found"},
    {"project assign-config --project-name Team --config-name none", "config_not_found"},
    {"project unassign-config --project-name None", "project_not_found"},
    {"user import --input-file none", "import_refused"}, // no door has read it: it is empty
    {"config add --config-name prod", "config_exists"},
    {"config remove --config-name prod", "config_in_use"},
    {"config copy --source-config prod --target-config spare", "config_exists"},
    {"config rename --config-name prod --new-name spare", "config_exists"},
    {"config add-server --config-name prod --server-name s --server-command c", "server_exists"},
    {"config update-server --config-name prod --server-name t --description d", "server_not_found"},
    {"config remove-server --config-name prod --server-name t", "server_not_found"},
    {"config remove-all-servers --config-name none", "config_not_found"},
    {"config update-server-input-guardrails --config-name none --server-name s --policy {}",
     "config_not_found"},
    {"config update-server-output-guardrails --config-name none --server-name s --policy {}",
     "config_not_found"},
    {"config update-server-guardrails --config-name none --server-name s --input-policy {}",
     "config_not_found"},
};

// The last record tells of this refusal.
static void check_refusal(const char *line, const char *code)
{
    struct stmt *stmt = NULL;
    struct audit_record record;
    char expected[100], words[100];
    const struct audit_filter last = {.after = count_records() - 1};
    WORKS(audit_query(store, &last, &stmt, &err));
    assert_int_equal(audit_next(stmt, &record, &err), STEP_ROW);
    assert_true(view_is(record.outcome, "refused") && view_is(record.actor, "uid:0"));
    const char *verb = strchr(line, ' ') + 1;
    size_t group = (size_t)(verb - line - 1), size = strcspn(verb, " ");
    (void)snprintf(expected, sizeof expected, "%.*s.%.*s", (int)group, line, (int)size, verb);
    for (char *at = expected; (at = strchr(at, '-')) != NULL;)
        *at = '_';
    const struct op *op = op_find(view_bytes(line, group), view_bytes(verb, size));
    assert_true(view_is(record.action, op->action ? op->action : expected));
    (void)snprintf(words, sizeof words, "%.*s", (int)(group + 1 + size), line);
    assert_true(view_is(record.command, words));
    (void)snprintf(expected, sizeof expected, "{\"reason\":\"%s\"", code);
    assert_true(view_starts(record.detail, view_of(expected)));
    assert_null(memmem(record.detail.data, record.detail.size, "unknown", 7));
    assert_null(memmem(record.detail.data, record.detail.size, "smg_", 4));
    stmt_free(&stmt);
}

static void refusals_leave_one_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        char *before = dump(false);
        int64_t records = count_records();
        if (run(refused[i].line) != OP_FAILED)
            fail_msg("not refused: %s", refused[i].line);
        assert_string_equal(err.code, refused[i].code);
        assert_int_equal(count_records(), records + 1);
        check_refusal(refused[i].line, refused[i].code);
        assert_nothing_changed(before, false, refused[i].line);
    }
    struct audit_report report;
    WORKS(audit_verify(store, &report, &err));
    assert_null(report.reason);
}

// What a command did before it was refused is taken back.
static void half_done_changes_are_taken_back(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "user rotate-all-api-keys --email alice@example.com",
        "user rotate-all-api-keys --email alice@example.com --grace 1h",
    };
    (void)new_key(&alice, &team);
    struct api_key last = new_key(&alice, &team);
    script("UPDATE api_keys SET expires_at = 1 WHERE n = %lld", (long long)last.n);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char *before = dump(false);
        int64_t records = count_records();
        assert_int_equal(run(lines[i]), OP_FAILED);
        assert_string_equal(err.code, "key_tampered");
        assert_nothing_changed(before, false, lines[i]);
        assert_int_equal(count_records(), records + 1);
        check_refusal(lines[i], "key_tampered");
    }
}

// Every row that changes something is among the refused ones, so that a new one is tested, too.
static void all_changes_can_be_refused(void **state)
{
    (void)state;
    for (const struct op *op = op_next(NULL); op; op = op_next(op)) {
        size_t found = 0;
        char words[100];
        int size = snprintf(words, sizeof words, "%s %s ", op->group, op->verb);
        for (size_t i = 0; i < COUNT_OF(refused); i++)
            found += strncmp(refused[i].line, words, (size_t)size) == 0;
        // Without parameters there is nothing to ask for that could be refused; and what comes from
        // a file, no door has read here.
        if (op->effect == EFFECT_CHANGE && !op->reads_only && op->param_count > 0 && !op->input &&
            found == 0)
            fail_msg("%s", words);
    }
}

static void mistakes_and_questions_leave_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "user get --email eve@example.com",
        "user list-projects --email eve@example.com",
        "project get --project-name None",
        "config get --config-name none",
        "user check-api-key --api-key unknown",
        "user create",
        "user get",
        "user generate-api-key --email alice@example.com",
        "user update --email alice@example.com",
        "user delete --force",
        "project assign-config --project-name Team",
        "user update-api-key --api-key unknown",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char *before = dump(true);
        if (run(lines[i]) != OP_FAILED)
            fail_msg("not refused: %s", lines[i]);
        assert_nothing_changed(before, true, lines[i]);
    }
    assert_int_equal(run("user list"), OP_DONE);
    assert_int_equal(run("user list-all-api-keys"), OP_DONE);
    assert_int_equal(run("audit verify"), OP_DONE);
    assert_int_equal(run("system health-check"), OP_DONE);
}

static void says_what_is_missing(void **state)
{
    (void)state;
    assert_int_equal(run("user get"), OP_FAILED);
    assert_int_equal(err.kind, ERR_USAGE);
    assert_string_equal(err.message, "user get needs --email or --user-id");
    assert_string_equal(err.hint, "secure-mcp-gateway user get --help");
    assert_int_equal(run("user update --email alice@example.com"), OP_FAILED);
    assert_string_equal(err.message, "user update needs --new-email");
    assert_int_equal(run("project add-user --email alice@example.com"), OP_FAILED);
    assert_string_equal(err.message, "project add-user needs --project-name or --project-id");
}

// Naming a key in full, rightly or wrongly, never leads its text into the store or into an error.
static void key_text_is_never_written(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "user get-api-key --api-key %s",
        "user get-api-key --api-key %s --details",
        "user check-api-key --api-key %s",
        "user disable-api-key --api-key %s",
        "user check-api-key --api-key %s",
        "user disable-api-key --api-key %s",
        "user enable-api-key --api-key %s",
        "user update-api-key --api-key %s --name desk",
        "user delete-api-key --api-key %s --dry-run",
        "user rotate-api-key --api-key %s --grace 1h",
        "user rotate-api-key --api-key %s", // refused: rotated already
        "user delete-api-key --api-key %s",
        "user delete-api-key --api-key %s",
        "user rotate-api-key --api-key %s",
        "user enable-api-key --api-key %s",
        "user get-api-key --api-key %s",
        "user check-api-key --api-key %s",
    };
    char mistyped[KEY_TEXT + 1];
    memcpy(mistyped, key_text, sizeof mistyped);
    mistyped[40] = mistyped[40] == 'A' ? 'B' : 'A';
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        (void)run_with(lines[i], mistyped);
        assert_null(strstr(err.message, mistyped + 20));
        (void)run_with(lines[i], key_text);
        assert_null(strstr(err.message, key_text + 20));
        assert_null(strstr(err.hint, key_text + 20));
    }
    assert_true(count_records() > 20);
    assert_false(is_in_files(key_text));
    assert_false(is_in_files(key_text + 20));
    assert_false(is_in_files(mistyped + 20));
}

// Full keys are shown where the contract says so, and each showing is a record.
static void showings_are_recorded(void **state)
{
    (void)state;
    int64_t records = count_records();
    assert_int_equal(run("user list-api-keys --email alice@example.com"), OP_DONE);
    assert_true(output_holds(key_text));
    assert_int_equal(count_records(), records + 1);
    assert_int_equal(run("user list-all-api-keys"), OP_DONE);
    assert_false(output_holds(key_text));
    assert_true(output_holds(key.masked));
    assert_int_equal(count_records(), records + 1);
    assert_int_equal(run("user list-all-api-keys --reveal"), OP_DONE);
    assert_true(output_holds(key_text));
    assert_int_equal(count_records(), records + 2);
    assert_int_equal(run_with("user get-api-key --api-key %s", key.key_id), OP_DONE);
    assert_true(output_holds(key_text));
    assert_int_equal(count_records(), records + 3);
    assert_int_equal(run_with("user get-api-key --api-key %s", key.masked), OP_DONE);
    assert_true(output_holds(key_text));
    assert_int_equal(count_records(), records + 4);
    // Who names it in full learns nothing.
    assert_int_equal(run_with("user get-api-key --api-key %s", key_text), OP_DONE);
    assert_true(output_holds(key_text));
    assert_int_equal(count_records(), records + 4);
    assert_int_equal(run("user get --email alice@example.com"), OP_DONE);
    assert_false(output_holds(key_text));
    assert_int_equal(run("project export --project-name Team --output-file x"), OP_DONE);
    assert_false(output_holds(key_text));
    assert_int_equal(count_records(), records + 4);
}

static void rotates_all_keys_of_a_user(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        (void)new_key(&alice, &team);
    assert_int_equal(run("user rotate-all-api-keys --email alice@example.com"), OP_DONE);
    assert_false(output_holds(key_text));
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 5);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys WHERE rotated_from IS NULL"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM retired_keys"), 5);
    assert_int_equal(run("user rotate-all-api-keys --email alice@example.com --grace 1h"), OP_DONE);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 10);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys WHERE rotated_to IS NULL"), 5);
    // Those in their grace are left alone.
    assert_int_equal(run("user rotate-all-api-keys --email alice@example.com"), OP_DONE);
    assert_int_equal(number_of("SELECT count(*) FROM api_keys"), 10);
    assert_int_equal(number_of("SELECT count(*) FROM retired_keys"), 10);
}

// The answer "no" is a complete result and an error at once.
static void bad_news_is_negative(void **state)
{
    (void)state;
    script("UPDATE audit SET actor = 'uid:9' WHERE seq = 2");
    assert_int_equal(run("audit verify"), OP_NEGATIVE);
    assert_string_equal(err.code, "audit_broken");
    assert_true(output_holds("\"status\":\"broken\"") && output_holds("\"broken_at\":2"));
    assert_int_equal(run("system health-check"), OP_NEGATIVE);
    assert_string_equal(err.code, "store_unhealthy");
    assert_true(output_holds("\"status\":\"unhealthy\""));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_dump_sees_everything),   CASE(all_dry_runs_are_tested),
        CASE(dry_runs_change_nothing),    CASE(refused_dry_runs_leave_no_record),
        CASE(refusals_leave_one_record),  CASE(half_done_changes_are_taken_back),
        CASE(all_changes_can_be_refused), CASE(mistakes_and_questions_leave_none),
        CASE(says_what_is_missing),       CASE(key_text_is_never_written),
        CASE(showings_are_recorded),      CASE(rotates_all_keys_of_a_user),
        CASE(bad_news_is_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
