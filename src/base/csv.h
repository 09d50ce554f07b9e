// csv.h: comma-separated values read strictly (RFC 4180), row by row.
//
// Lines end in LF or CRLF, the last one perhaps in nothing; a byte order mark at the start is
// passed over. A field in double quotes may hold commas, line ends and doubled quotes. Every row
// has as many fields as the first. Refused, with the place: bytes that are no UTF-8, control
// characters (but the tabulator, and line ends in quotes), a lone CR, a quote inside a field
// without quotes, anything between a closing quote and the next comma, a quote never closed, an
// empty line.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

enum { CSV_FIELDS = 32 };

struct csv {
    struct view text, rest;
    size_t line;      // the number of the line at `rest`, from 1
    size_t line_from; // where in `text` it begins
    size_t width;     // fields of every row; 0: not known yet
    struct buf unquoted;
};

// A row. The fields hold until the next step; an empty field is an empty view with `data` set.
struct csv_row {
    size_t line; // where it begins
    size_t count;
    struct view fields[CSV_FIELDS];
};

// What is wrong and where.
struct csv_problem {
    size_t line, character; // from 1; a character is a UTF-8 one
    const char *reason;     // the end of a sentence
};

// `text` must outlive the reader. Allocates nothing yet. Call csv_done.
void csv_init(struct csv *csv, struct view text);
void csv_done(struct csv *csv);

// CSV_BAD fills `*ret_problem` only. The next step goes on behind the bad row when that row's end
// was clear, and is CSV_END otherwise.
enum csv_step { CSV_ROW, CSV_END, CSV_BAD, CSV_MEMORY };
MUST_CHECK enum csv_step csv_next(struct csv *csv, struct csv_row *ret_row,
                                  struct csv_problem *ret_problem);

// How many bytes have been read.
size_t csv_position(const struct csv *csv);
