// program.h: the process and the programs that belong together.
//
// The command line, the gateway (secure-mcp-gatewayd) and the holder of its children
// (secure-mcp-gateway-hold) are programs of their own, so that each links only what it needs.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"

// Makes the process safe to hold secrets: first thing in every main.
void program_prepare(void);

// Where this program stands; "" when the system does not tell. Returns `ret_path`.
const char *program_own_path(char ret_path[LIMIT_PATH]);

// The path of one of our programs: beside this one, or in ../libexec/secure-mcp-gateway.
// ERR_IO `program_missing`, which says where it was looked for.
MUST_CHECK bool program_find(const char *name, char ret_path[LIMIT_PATH], struct err *err);

// Becomes that program, with these arguments and the same environment. Returns only to fail.
MUST_CHECK bool program_become(const char *name, char **argv, struct err *err);
