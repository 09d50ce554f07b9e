// argv.h: the words of the command line, as a request.
//
// Options may stand anywhere, as `--name value` or `--name=value`; a value may begin with `-`. The
// row of the command decides which options there are. An API key is copied into guarded memory,
// other values that may hold a secret into undumpable memory, and they are wiped from the process
// title before any option is obeyed.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "doors/render.h"
#include "model/api_key.h"
#include "ops/op.h"

enum { REQUEST_WORDS = 3 };

// The options of the program itself.
enum global {
    G_HOME,
    G_STORE,
    G_OUTPUT,
    G_API_KEY_ENV,
    G_HELP,
    G_VERSION,
    G_MAN,
    G_MARKDOWN,
    G_COUNT
};

struct request {
    const char *words[REQUEST_WORDS]; // what is no option: group, verb, or a built-in and its words
    size_t word_count;
    const struct op *op; // NULL: a built-in, or help
    struct args args;
    struct clear_key *key;        // owns the text of P_API_KEY; NULL when none was given
    struct buf texts[P_COUNT];    // own the texts of other secret parameters, and of files
    const char *home, *store_url; // NULL: not given
    bool output_given, globals_given[G_COUNT]; // the latter only for those that take a value
    enum render_format format;
    bool help, version, man, markdown;
    const char *stray; // an option that no built-in command knows; NULL: there was none
    bool stdin_taken;  // a value was read from standard input
    char **argv;       // what it was made of, with secrets wiped
};

// Makes a request of the arguments. On failure `format` and `output_given` are still set when
// --output could be read, so that the error can be told in that format. Call request_done always.
MUST_CHECK bool request_read(struct request *request, int argc, char **argv, struct err *err);
void request_done(struct request *request);

// The error for an option that is not known here. Returns false.
bool request_unknown_option(const struct request *request, const char *word, struct err *err);

// Takes the key from an environment variable, which is wiped.
MUST_CHECK bool request_key_from_environment(struct request *request, const char *name,
                                             struct err *err);

// Whether `word` is an option whose value is the next word, and which parameter (P_COUNT: none).
bool option_awaits_value(const char *word, enum param *ret_param);

// A word from outside as it may be shown in an error: control characters masked, long ones (which
// could be a key) cut, an option only up to its `=`.
enum { SHOWN_WORD = 64 };
const char *shown_word(const char *word, char ret_shown[SHOWN_WORD]);
