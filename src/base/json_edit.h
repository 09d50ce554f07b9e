// json_edit.h: changes one member or element of JSON text that people keep by hand, and leaves
// every other byte as it is: comments, blanks, line ends, the byte order mark, the missing final
// newline.
//
// What is added is written as the text itself is written: its indentation, its line ends, on one
// line where its neighbours are. Taking away what was added gives the text as it was before, except
// where an object, an array or the document had to be made or was empty but for blanks and
// comments. What is read and what is refused: json_scan.h; on failure nothing has been made.
#pragma once

#include "base/buf.h"
#include "base/json_scan.h"

// The value at the end of `path`, as it stands in the text; {NULL, 0} when it is not there.
MUST_CHECK bool json_edit_find(struct view text, const struct json_path *path,
                               struct view *ret_value, struct err *err);

// Adds to `buf` the text with `value` (strict JSON) there: in place of what stood there, or after
// the last member or element. Objects and arrays that are missing on the way are made.
MUST_CHECK bool json_edit_set(struct view text, const struct json_path *path, struct view value,
                              struct buf *buf, struct err *err);

// Adds to `buf` the text without what is there; the text as it is, when nothing is.
MUST_CHECK bool json_edit_remove(struct view text, const struct json_path *path, struct buf *buf,
                                 struct err *err);
