// naming.h: the names of tools and prompts at `/mcp`, where all servers of a config meet:
// `{server}__{name}`, at most NAMING_MAX characters, of letters, digits, `_` and `-` (what AI
// providers accept).
//
// The server's part is its configured name. One with other characters has `_` for them, without two
// of them together or one at the end, so that the first `__` always ends it, and, as a long one
// that is cut and one that ends like that already, a hash of the whole behind: so its name never
// depends on which other servers there are, and never becomes another's when it goes. A whole name
// that would be too long is cut and ends with a hash of it, too; so does one as long as can be that
// looks so already.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "model/server_spec.h"

enum { NAMING_MAX = 64, NAMING_PREFIX = 41 };

// The prefixes of all servers of a config, without the `__`.
void naming_prefixes(const struct server_specs *specs, char (*ret_prefixes)[NAMING_PREFIX]);

// `name` as it goes by at `/mcp`: into `into`.
struct view naming_expose(const char *prefix, struct view name, char into[NAMING_MAX + 1]);

// The number of the prefix that an exposed name begins with: `*ret_name` is the rest. -1 when there
// is none. `*ret_cut` tells that the rest may be only the beginning of the name and a hash: then
// the one of the server's names has to be found that naming_expose makes the same.
int naming_find(char (*prefixes)[NAMING_PREFIX], size_t count, struct view exposed,
                struct view *ret_name, bool *ret_cut);
