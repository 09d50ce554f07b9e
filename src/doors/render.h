// render.h: a result as text, in the format that `--output` names.
//
// The caller writes the result to render_out(), ends with out_finish() and asks the buf whether it
// failed. Lists are rendered row by row: what was rendered can be drained while the list goes on.
//
// - JSON, JSONL: base/json_out. YAML: block style, texts always in double quotes.
// - CSV (RFC 4180, lines end in LF): the first row's keys are the header; null is empty, an empty
//   text is "", what is nested is compact JSON.
// - Table: a list is a line of headings and one line a row; null is `-`, and what is nested is
// shown
//   by its names. A record is a line a field; what is nested stands indented below its key.
// Tables and CSV replace characters that would steer a terminal by U+FFFD.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/out.h"

enum render_format { RENDER_JSON, RENDER_TABLE, RENDER_CSV, RENDER_YAML, RENDER_JSONL };

// Only tables have one.
struct render_style {
    unsigned columns; // of the terminal, into which lists are cut to fit; 0 = nothing is cut
    bool bold;        // headings are bold
};

struct render;

// A renderer into `buf`, which must outlive it. NULL when out of memory.
MUST_CHECK struct render *render_new(enum render_format format, struct buf *buf,
                                     const struct render_style *style);

// How the elements of a list look, for renderers that care; texts that outlive the renderer, or
// NULL. `fields`: all their members, as `user_id,email`; an empty list in CSV is then a header, not
// nothing. `columns`: those a table shows (not all, perhaps), as
// `email,active_api_keys:active,user_id?`: what follows a colon is the heading, and a question mark
// marks columns at the end that are left out where the terminal is too narrow.
void render_name_columns(struct render *render, const char *fields, const char *columns);

// What to write the result to. Belongs to the renderer.
struct out *render_out(struct render *render);

// Accepts NULL, and a renderer in the middle of a result.
void render_free(struct render *render);
