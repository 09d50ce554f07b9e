// json_check.h: whether a text is JSON (RFC 8259), without making a tree of it.
//
// Refused are bad syntax, invalid UTF-8, a byte order mark, two members of one object with the same
// name (after unescaping), nesting deeper than `deepest`, and anything after the value. That is
// what json.h refuses, but for one thing: an escaped half of a surrogate pair (`"\ud83d"`) is
// accepted. It is JSON, and JavaScript writes it when a text was cut inside a character. It is
// plain ASCII and can be passed on; who asks json_raw_text for what it stands for gets nothing.
//
// One pass, no memory for ordinary texts; made for messages that are passed on byte for byte (0.2
// us per 300 bytes, about 1 GB/s inside long texts). What it accepted can be walked with
// json_walk.h.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/json_walk.h"
#include "base/view.h"

enum json_fault {
    JSON_FINE,
    JSON_BAD,       // no JSON
    JSON_DUPLICATE, // two members of one name
    JSON_DEEP,      // nested deeper than it may be
    JSON_NO_MEMORY, // for an object with very many members
};

// `deepest` is at most LIMIT_MESSAGE_DEPTH.
MUST_CHECK enum json_fault json_check(struct view text, unsigned deepest);

// The same, and on the way what json_pick does, in the same pass; with a fault the record
// is not to be used.
MUST_CHECK enum json_fault json_check_pick(struct view text, unsigned deepest,
                                           const struct json_pick *picks, size_t count,
                                           void *record);
