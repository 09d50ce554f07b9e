// op_import.c: `user import`: many users, memberships and keys from a CSV file, all or none.
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/csv.h"
#include "model/rules.h"
#include "ops/show.h"
#include "ops/table.h"

enum column { C_EMAIL, C_PROJECT_NAME, C_KEY_NAME, C_EXPIRES_IN, C_GENERATE_KEY, C_COUNT };

static const char *const column_names[C_COUNT] = {
    [C_EMAIL] = "email",           [C_PROJECT_NAME] = "project_name", [C_KEY_NAME] = "key_name",
    [C_EXPIRES_IN] = "expires_in", [C_GENERATE_KEY] = "generate_key",
};

enum {
    PROBLEMS_SHOWN = 20,
    PROBLEM_TEXT = 160, // bytes at most, so that an error has room for those shown
    HINTS_SHOWN = 1800, // bytes of all of them
    TELL_EVERY = 64     // rows
};

// A row of the file, understood.
struct wish {
    size_t line;
    struct view email, project_name, key_name; // {NULL, 0}: none
    int64_t expires_at;                        // 0: never
    bool key;
};

// What a row was about; for finding those that say the same twice.
struct pair {
    int64_t user, project; // row numbers; project 0: none
    int64_t line;
};

struct import {
    struct op_call *call;
    struct clear_key *clear;
    size_t places[C_COUNT]; // of the columns in a row, from 1; 0: not there
    size_t rows;
    struct buf pairs;   // of struct pair
    struct err refusal; // its hints are the problems found so far
    size_t problems, shown;
    bool users_exist, projects_missing;
};

// Notes what is wrong with the file. `column` NULL: with the line as a whole.
static void note(struct import *import, size_t line, const char *column, const char *text)
{
    char place[64] = "";
    if (column)
        (void)snprintf(place, sizeof place, ", %s", column);
    import->problems++;
    if (import->shown == PROBLEMS_SHOWN || strlen(import->refusal.hint) > HINTS_SHOWN)
        return;
    import->shown++;
    err_hint(&import->refusal, "line %zu%s: %.*s", line, place,
             VIEW_ARG(rule_cut(view_of(text), PROBLEM_TEXT)));
}

static bool refuse(struct import *import, struct err *err)
{
    struct err *refusal = &import->refusal;
    size_t more = import->problems - import->shown;
    if (more > 0)
        err_hint(refusal, "and %zu more", more);
    if (import->users_exist)
        err_hint(refusal, "--skip-existing leaves what exists as it is");
    if (import->projects_missing)
        err_hint(refusal, "--create-projects makes the projects that are missing");
    err_set(err, ERR_PRECONDITION, "import_refused",
            "The import is refused and nothing was changed: the file has %zu problem%s",
            import->problems, import->problems == 1 ? "" : "s");
    memcpy(err->hint, refusal->hint, sizeof err->hint);
    return false;
}

static void read_heading(struct import *import, struct view name, size_t place)
{
    char text[PROBLEM_TEXT];
    for (size_t i = 0; i < C_COUNT; i++) {
        if (!view_is(name, column_names[i]))
            continue;
        if (import->places[i] > 0)
            note(import, 1, column_names[i], "the column is there twice");
        import->places[i] = place;
        return;
    }
    (void)snprintf(text, sizeof text,
                   "column %zu has an unknown name, %.*s; the names are email, project_name, "
                   "key_name, expires_in, generate_key, and commas separate them",
                   place, name.size < 20 ? (int)name.size : 20, name.data);
    note(import, 1, NULL, text);
}

static void read_header(struct import *import, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        read_heading(import, row->fields[i], i + 1);
    if (import->places[C_EMAIL] == 0)
        note(import, 1, NULL, "the column email is missing");
}

// The field of a column; {NULL, 0} when it is empty or there is no such column.
static struct view field_of(const struct import *import, const struct csv_row *row,
                            enum column column)
{
    size_t place = import->places[column];
    bool filled = place > 0 && row->fields[place - 1].size > 0;
    return filled ? row->fields[place - 1] : (struct view){NULL, 0};
}

static const char *read_expiry(struct import *import, struct view text, int64_t *ret_expires_at)
{
    int64_t length = 0;
    if (!text.data || view_is(text, "never"))
        return NULL;
    if (!duration_parse(text, &length))
        return "expected a time from now such as 90d or 12h (s, m, h, d, w), or never";
    *ret_expires_at = import->call->store->now + length;
    return NULL;
}

static const char *read_choice(struct view text, bool has_project, bool *ret_key)
{
    *ret_key = has_project && !view_is(text, "no");
    if (text.data && !view_is(text, "yes") && !view_is(text, "no"))
        return "expected yes or no";
    return view_is(text, "yes") && !has_project ? "a key needs a project_name" : NULL;
}

// Why the field cannot be; NULL when it can.
static const char *read_name(struct view text)
{
    if (!text.data)
        return NULL;
    if (rule_holds_api_key(text))
        return "it holds an API key, which does not belong there";
    return rule_name(text);
}

static bool understand(struct import *import, const struct csv_row *row, struct wish *ret_wish)
{
    struct wish wish = {.line = row->line,
                        .email = field_of(import, row, C_EMAIL),
                        .project_name = field_of(import, row, C_PROJECT_NAME),
                        .key_name = field_of(import, row, C_KEY_NAME)};
    struct view expiry = field_of(import, row, C_EXPIRES_IN);
    size_t before = import->problems;
    const char *reasons[C_COUNT] = {
        [C_EMAIL] = rule_holds_api_key(wish.email)
                        ? "it holds an API key, which does not belong there"
                        : rule_email(wish.email),
        [C_PROJECT_NAME] = read_name(wish.project_name),
        [C_KEY_NAME] = read_name(wish.key_name),
        [C_EXPIRES_IN] = read_expiry(import, expiry, &wish.expires_at),
        [C_GENERATE_KEY] = read_choice(field_of(import, row, C_GENERATE_KEY),
                                       wish.project_name.data != NULL, &wish.key),
    };
    if (!wish.key && wish.key_name.data && !reasons[C_KEY_NAME])
        reasons[C_KEY_NAME] = "the row asks for no key that could have a name";
    if (!wish.key && wish.expires_at && !reasons[C_EXPIRES_IN])
        reasons[C_EXPIRES_IN] = "the row asks for no key that could end";
    for (size_t i = 0; i < C_COUNT; i++)
        if (reasons[i])
            note(import, wish.line, column_names[i], reasons[i]);
    *ret_wish = wish;
    return import->problems == before;
}

// Whether something was made by this very import: no other command has the same time.
static bool is_new(const struct import *import, int64_t created_at)
{
    return created_at == import->call->store->now;
}

static bool bring_user(struct import *import, const struct wish *wish, struct user *ret_user,
                       bool *ret_created, struct err *err)
{
    struct store *store = import->call->store;
    const struct view no_id = {NULL, 0};
    *ret_created = false;
    if (user_select(store, wish->email, no_id, ret_user, err)) {
        if (is_new(import, ret_user->created_at) || call_has(import->call, P_SKIP_EXISTING))
            return true;
        import->users_exist = true;
        return err_set(err, ERR_CONFLICT, "user_exists", "User with email already exists: %s",
                       ret_user->email);
    }
    *ret_created = err->kind == ERR_NOT_FOUND;
    return *ret_created && user_create(store, wish->email, ret_user, err);
}

static bool bring_project(struct import *import, const struct wish *wish,
                          struct project *ret_project, struct err *err)
{
    struct store *store = import->call->store;
    const struct view no_id = {NULL, 0};
    *ret_project = (struct project){0};
    if (!wish->project_name.data ||
        project_select(store, wish->project_name, no_id, ret_project, err))
        return true;
    if (err->kind == ERR_NOT_FOUND && call_has(import->call, P_CREATE_PROJECTS))
        return project_create(store, wish->project_name, ret_project, err);
    import->projects_missing = import->projects_missing || err->kind == ERR_NOT_FOUND;
    return false;
}

// Under --skip-existing, a member who has an active key in the project gets no second one.
static bool has_key(struct import *import, const struct user *user, const struct project *project,
                    bool *ret_has, struct err *err)
{
    const struct key_scope scope = {.user = user->n, .project = project->n};
    struct key_counts counts = {0};
    *ret_has = false;
    if (is_new(import, user->created_at))
        return true;
    if (!api_key_count(import->call->store, scope, &counts, err))
        return false;
    *ret_has = counts.active > 0;
    return true;
}

// Makes membership and key. `ret_key->n` is 0 when the row needs none.
static bool bring_key(struct import *import, const struct wish *wish, const struct user *user,
                      const struct project *project, struct api_key *ret_key, struct err *err)
{
    struct store *store = import->call->store;
    const struct key_order order = {
        .user = user, .project = project, .name = wish->key_name, .expires_at = wish->expires_at};
    bool changed, has;
    ret_key->n = 0;
    if (project->n == 0)
        return true;
    if (!project_add_user(store, project, user, &changed, err))
        return false;
    if (!wish->key)
        return true;
    if (!has_key(import, user, project, &has, err))
        return false;
    return has || api_key_generate(store, &order, import->clear, ret_key, err);
}

// One element of the result. What a dry run makes will never be, so that its ids are left out.
static void show_row(const struct import *import, const struct wish *wish, const struct user *user,
                     const struct project *project, const struct api_key *key)
{
    struct out *out = import->call->out;
    const struct view none = {NULL, 0};
    bool dry = call_has(import->call, P_DRY_RUN);
    bool user_stays = !dry || !is_new(import, user->created_at);
    bool project_stays = project->n > 0 && (!dry || !is_new(import, project->created_at));
    bool key_stays = key->n > 0 && !dry;
    out_begin(out, '{');
    field_int(out, "line", (int64_t)wish->line);
    field_string(out, "email", user->email);
    field_text(out, "user_id", user_stays ? view_of(user->user_id) : none);
    field_text(out, "project_name", wish->project_name);
    field_text(out, "project_id", project_stays ? view_of(project->project_id) : none);
    field_text(out, "api_key", key_stays ? clear_key_view(import->clear) : none);
    field_text(out, "key_id", key_stays ? view_of(key->key_id) : none);
}

// Does what a row asks for. Refusals become problems; false only when going on makes no sense.
static bool fulfil(struct import *import, const struct wish *wish, struct err *err)
{
    struct user user;
    struct project project;
    struct api_key key;
    bool created = false;
    if (bring_user(import, wish, &user, &created, err) &&
        bring_project(import, wish, &project, err) &&
        bring_key(import, wish, &user, &project, &key, err)) {
        const struct pair pair = {user.n, project.n, (int64_t)wish->line};
        buf_add(&import->pairs, view_bytes(&pair, sizeof pair));
        show_row(import, wish, &user, &project, &key);
        field_bool(import->call->out, "created", created);
        out_end(import->call->out, '}');
        return true;
    }
    if (!err_is_refusal(err->kind))
        return false;
    note(import, wish->line, NULL, err->message);
    return true;
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = (const struct pair *)left, *b = (const struct pair *)right;
    if (a->user != b->user)
        return a->user < b->user ? -1 : 1;
    if (a->project != b->project)
        return a->project < b->project ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static void find_repetitions(struct import *import)
{
    struct pair *pairs = (struct pair *)(void *)import->pairs.data;
    size_t count = import->pairs.size / sizeof *pairs;
    char text[PROBLEM_TEXT];
    if (count > 0)
        qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 1; i < count; i++) {
        if (pairs[i].user != pairs[i - 1].user || pairs[i].project != pairs[i - 1].project)
            continue;
        (void)snprintf(text, sizeof text, "the user and the project are those of line %lld",
                       (long long)pairs[i - 1].line);
        note(import, (size_t)pairs[i].line, NULL, text);
    }
}

static bool read_row(struct import *import, const struct csv_row *row, struct err *err)
{
    struct wish wish;
    if (import->rows++ == 0) {
        read_header(import, row);
        return true;
    }
    return !understand(import, row, &wish) || fulfil(import, &wish, err);
}

static bool read_rows(struct import *import, struct csv *csv, struct err *err)
{
    const struct args *args = import->call->args;
    struct csv_row row;
    struct csv_problem problem;
    enum csv_step step;
    char column[32];
    while ((step = csv_next(csv, &row, &problem)) != CSV_END) {
        if (step == CSV_MEMORY)
            return err_memory(err);
        if (step == CSV_BAD) {
            (void)snprintf(column, sizeof column, "character %zu", problem.character);
            note(import, problem.line, column, problem.reason);
        } else if (!read_row(import, &row, err)) {
            return false;
        }
        // Without a good header no row can be understood.
        if (import->places[C_EMAIL] == 0 || (import->rows == 1 && import->problems > 0))
            return true;
        if (import->rows > LIMIT_IMPORT_ROWS + 1)
            return err_set(err, ERR_USAGE, "import_too_large",
                           "The file has more than %d rows; import it in parts", LIMIT_IMPORT_ROWS);
        if (import->rows % TELL_EVERY == 0)
            progress_tell(import->call->store->progress, "reading", (int64_t)csv_position(csv),
                          (int64_t)args->input.size);
    }
    if (import->rows == 0 && import->problems == 0)
        note(import, 1, NULL, "the file is empty; its first line must name the columns");
    return true;
}

static bool run_import(struct import *import, struct csv *csv, struct err *err)
{
    out_begin(import->call->out, '[');
    if (!read_rows(import, csv, err))
        return false;
    out_end(import->call->out, ']');
    if (import->pairs.failed)
        return err_memory(err);
    find_repetitions(import);
    return import->problems == 0 || refuse(import, err);
}

static bool user_import(struct op_call *call, struct err *err)
{
    struct clear_key *clear AUTO(clear_key_free) = clear_key_new();
    struct import import = {.call = call, .clear = clear};
    struct csv csv;
    if (!clear)
        return err_memory(err);
    buf_init(&import.pairs, (LIMIT_IMPORT_ROWS + 1) * sizeof(struct pair));
    csv_init(&csv, call->args->input);
    bool done = run_import(&import, &csv, err);
    csv_done(&csv);
    buf_done(&import.pairs);
    return done;
}

static const struct op rows[] = {
    {
        .group = "user",
        .verb = "import",
        .summary = "Create users, memberships and API keys from a CSV file, all or none",
        .notes =
            "The first line names the columns: email, and any of project_name, key_name, "
            "expires_in and generate_key (yes or no; yes when there is a project). A user in "
            "several projects has a line for each. A file with any problem changes nothing, and "
            "up to 20 problems are told at once. With --skip-existing, users, memberships and "
            "active keys that are there already are left as they are. The result has a row for "
            "each line; its api_key is the new key, and created tells that the line made the user.",
        .example = "user import --input-file users.csv --output csv\n"
                   "user import --input-file users.csv --create-projects --dry-run",
        .run = user_import,
        .input = true,
        .fields = "line,email,user_id,project_name,project_id,api_key,key_id,created",
        .columns = "line,email,project_name,api_key,created?",
        PARAMS({P_INPUT_FILE, MUST}, {P_SKIP_EXISTING, MAY}, {P_CREATE_PROJECTS, MAY},
               {P_DRY_RUN, MAY}),
    },
};

const struct op_table import_ops = {rows, COUNT_OF(rows)};
