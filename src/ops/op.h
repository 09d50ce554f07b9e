// op.h: one thing an administrator can do, described once as a row.
//
// Parser, help, usage, completion and man page are made from the rows (REST will be, too), so an
// operation takes typed arguments, writes its result to a `struct out`, and never prints or exits.
// To add a command: one row in the table of its group (op_user.c, …) and one short function.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/out.h"
#include "model/api_key.h"
#include "model/config.h"
#include "model/project.h"
#include "model/store.h"
#include "model/user.h"
#include "ops/param.h"

enum need {
    MAY,      // optional
    MUST,     // required
    ONE_USER, // at least one of the row's parameters with the same ONE_… is required
    ONE_PROJECT,
    ONE_CONSENT,
    ONE_CONFIG,
    MAY_ENV, // optional; when absent the door looks into ENKRYPT_GATEWAY_KEY
};

// A row's `params` for the usual selections.
#define THE_USER                                                                                   \
    {P_EMAIL, ONE_USER},                                                                           \
    {                                                                                              \
        P_USER_ID, ONE_USER                                                                        \
    }
#define THE_PROJECT                                                                                \
    {P_PROJECT_NAME, ONE_PROJECT},                                                                 \
    {                                                                                              \
        P_PROJECT_ID, ONE_PROJECT                                                                  \
    }
#define THE_CONFIG                                                                                 \
    {P_CONFIG_NAME, ONE_CONFIG},                                                                   \
    {                                                                                              \
        P_CONFIG_ID, ONE_CONFIG                                                                    \
    }
#define A_PROJECT                                                                                  \
    {P_PROJECT_NAME, MAY},                                                                         \
    {                                                                                              \
        P_PROJECT_ID, MAY                                                                          \
    }
#define A_USER                                                                                     \
    {P_EMAIL, MAY},                                                                                \
    {                                                                                              \
        P_USER_ID, MAY                                                                             \
    }

#define A_PAGE                                                                                     \
    {P_LIMIT, MAY},                                                                                \
    {                                                                                              \
        P_AFTER, MAY                                                                               \
    }

struct op_param {
    enum param param;
    enum need need;
};

enum op_effect {
    EFFECT_CHANGE,  // runs inside a write transaction; refusals are audited. Zero: the strict one.
    EFFECT_READ,    // runs inside a read transaction
    EFFECT_WHOLE,   // makes its own transactions and files (model/whole.h); refusals are audited
    EFFECT_LOCAL,   // needs no store: `call->store` is NULL
    EFFECT_PROGRAM, // a program of its own, which reads the row itself; no `run`; not for REST
};

// Where the user and this program live: what the door knows of the environment. NULL: not known.
struct surroundings {
    const char *program;                    // the absolute path of this program
    const char *home_option, *store_option; // --home and --store, or what the environment has
    const char *home, *config_home;         // HOME, XDG_CONFIG_HOME
    const char *appdata, *userprofile;      // APPDATA, USERPROFILE
    const char *claude_config_dir;          // CLAUDE_CONFIG_DIR
};

// The ids of what the arguments named, as far as it was found; for the record of a refusal.
struct op_targets {
    char user_id[UUID_TEXT], project_id[UUID_TEXT], config_id[UUID_TEXT], key_id[UUID_TEXT];
};

// What an operation sees of the call.
struct op_call {
    struct store *store;
    const struct args *args;
    struct out *out;
    const struct surroundings *surroundings; // only for EFFECT_LOCAL
    struct buf *text; // only for EFFECT_LOCAL: takes what a dry run shows, in place of `out`
    bool negative;    // set, with `err` filled, by an operation whose answer is "no" (unhealthy,
                      // broken)
    struct op_targets targets; // filled by call_user and its relatives
};

enum { OP_PARAMS = 40, OP_HELPS = 4, OP_TITLE = 64 };

// What a parameter means to one row, where the general words do not fit.
struct op_help {
    enum param param;
    const char *text;
};

struct op {
    const char *group, *verb; // group "": the command is the verb alone
    const char *summary;      // one line, for lists of commands
    const char *notes;        // a paragraph, for the command's own help; NULL: none
    const char *example;      // lines to paste, without the program's name; NULL: none
    bool (*run)(struct op_call *call, struct err *err);
    enum op_effect effect;
    bool (*reads_only)(const struct args *args); // NULL: `effect` holds for all arguments
    bool destructive;   // offers --dry-run (all is done and then taken back) and --confirm
    bool input;         // the door reads --input-file, to its end and before the store is locked
    size_t input_limit; // bytes of it; 0: LIMIT_INPUT_FILE
    bool to_mend;       // runs on a damaged store, too
    bool writes_file;   // --output-file is its own matter: the result goes to standard output
    bool new_file;      // --output-file is written over no file
    bool lines;         // a file of it is JSON lines unless --output says otherwise
    const char *action; // what the audit calls it; NULL: `group.verb`, with `_` for `-`
    const char *plain;  // the field printed as `field: value` when no --output is given
    // Of rows whose result is a list, how its elements look (render.h, render_name_columns).
    const char *fields, *columns;
    struct op_param params[OP_PARAMS];
    size_t param_count;
    struct op_help helps[OP_HELPS]; // as many as have a text
};

// PARAMS(THE_USER, {P_FORCE, MAY}): the last members of a row.
#define PARAMS(...)                                                                                \
    .params = {__VA_ARGS__},                                                                       \
    .param_count = sizeof((const struct op_param[]){__VA_ARGS__}) / sizeof(struct op_param)

struct op_group {
    const char *name;
    const char *summary;
};

// What comes first on the command line.
extern const struct op_group op_groups[];
extern const size_t op_group_count;

// All rows, in the order of help: the first one (for NULL) or the one after `previous`; NULL at the
// end.
const struct op *op_next(const struct op *previous);

// The row of a command, or NULL.
const struct op *op_find(struct view group, struct view verb);

// The row that the first words of a command line name, or NULL, and how many words those are.
const struct op *op_of_words(const char *const *words, size_t count, size_t *ret_used);

// The command as it is typed: `user create`, or `install`.
const char *op_title(const struct op *op, char ret_title[OP_TITLE]);

// Whether the row offers the parameter, including those that every destructive row has.
bool op_offers(const struct op *op, enum param param);

// What help says of the parameter.
const char *op_param_help(const struct op *op, enum param param);

// Whether it changes nothing when called with these arguments.
bool op_reads(const struct op *op, const struct args *args);

enum op_outcome {
    OP_DONE,
    OP_NEGATIVE, // the result is complete, and bad news: `err` says which
    OP_FAILED,   // nothing was changed, what was written to `out` is void
};

// Checks that what the row requires was given, runs it in its transaction, and commits: when this
// says OP_DONE the change is durable. Refused changes are audited.
MUST_CHECK enum op_outcome op_run(struct store *store, const struct op *op, const struct args *args,
                                  struct out *out, struct err *err);

// The same for a row with EFFECT_LOCAL. The result of a dry run is what it leaves in `text`.
MUST_CHECK enum op_outcome op_run_local(const struct op *op, const struct args *args,
                                        const struct surroundings *surroundings, struct buf *text,
                                        struct out *out, struct err *err);

// For operations: arguments, and the things they name.
bool call_has(const struct op_call *call, enum param param);
struct view call_text(const struct op_call *call, enum param param); // {NULL, 0} when not given
int64_t call_number(const struct op_call *call, enum param param);   // 0 when not given
MUST_CHECK bool call_user(struct op_call *call, struct user *ret_user, struct err *err);
MUST_CHECK bool call_project(struct op_call *call, struct project *ret_project, struct err *err);
MUST_CHECK bool call_config(struct op_call *call, struct config *ret_config, struct err *err);
MUST_CHECK bool call_api_key(struct op_call *call, struct api_key *ret_key, struct err *err);
