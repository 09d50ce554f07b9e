// json_out.h: the writer of JSON (RFC 8259), the only place where JSON text is made.
//
// Three layouts: JSON_PRETTY (2-space indent, the contract's default), JSON_COMPACT (one line) and
// JSON_LINES (each element of the outermost array alone on a compact line). Text that is not valid
// UTF-8 is written with U+FFFD in place of each bad byte, so the output always parses. Characters
// that make a terminal lie (see text_is_printable) are written as escapes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/out.h"

// Stored JSON of the deepest kind can stand inside a deep result.
enum { JSON_OUT_DEPTH = LIMIT_JSON_DEPTH + 32 };

enum json_layout { JSON_PRETTY, JSON_COMPACT, JSON_LINES };

struct json_out {
    struct out out; // what operations write to
    struct buf *buf;
    enum json_layout layout;
    unsigned depth;
    unsigned
        streaming; // 1 inside the outermost array of JSON_LINES, whose brackets are not written
    bool after_key;
    bool filled[JSON_OUT_DEPTH + 1]; // per depth: has a member already
};

// A writer into `buf`, which must outlive it.
void json_out_init(struct json_out *json, struct buf *buf, enum json_layout layout);

// One JSON string with its quotes.
void json_add_string(struct buf *buf, struct view text);
