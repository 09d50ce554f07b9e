// json_scan.h: finds places in JSON text that people keep by hand, without making a tree of it.
//
// Read are JSON and what editors allow besides: a byte order mark, `//` and `/* */` comments, and a
// comma after the last member or element. Refused: everything else that is no JSON, invalid UTF-8,
// nesting deeper than LIMIT_JSON_DEPTH, text larger than LIMIT_INPUT_FILE, and a name or element
// that stands twice where the path leads. Only json_edit.c should need this; for data from outside
// there is json.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

// One step of a way into a document: into an object, to the member `name`; or, where `value` is
// given, into an array, to the object whose member `name` is this text.
struct json_step {
    const char *name, *value;
};

enum { JSON_STEPS = 3 };

struct json_path {
    struct json_step steps[JSON_STEPS];
    size_t count; // at least 1
};

// A member or an element; offsets into the text.
struct json_item {
    size_t start;      // of the member's name, or of the element
    size_t value, end; // of the value
    size_t comma;      // the comma after it; 0: none
};

// An object or array on the path, and what it has to say about the step.
struct json_shelf {
    size_t open, close; // its brackets
    size_t count;       // of its items
    struct json_item first, last;
    size_t matches;                 // 1: `found` is what the step names; `before` stands before it
    struct json_item found, before; // before.end is 0 when it is the first
};

// The way as far as it exists.
struct json_places {
    bool blank;     // the document is empty: no value at all
    size_t reached; // shelves[0 .. reached - 1] exist; the last one may lack what its step names
    struct json_shelf shelves[JSON_STEPS];
};

// Follows `path` through the whole, checked text. The message on failure tells line and column
// (`Invalid JSON at line 3 column 14: reason`) and never repeats the text, which may hold secrets.
MUST_CHECK bool json_scan(struct view text, const struct json_path *path,
                          struct json_places *ret_places, struct err *err);

// The offset after the blanks and comments from `at` on that end with a line; `at` itself when
// something else stands in that line.
size_t json_scan_line_end(struct view text, size_t at);

// Whether the blanks and comments from `from` to `to` end within a `//` comment.
bool json_scan_in_comment(struct view text, size_t from, size_t to);
