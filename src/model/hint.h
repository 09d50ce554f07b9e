// hint.h: the command that helps, as a hint of an error; ready to be pasted into a shell.
#pragma once

#include "base/err.h"
#include "base/view.h"

// hint_command(err, "user delete", "--email", email, "--force", FLAG, NULL): the words after the
// program's name; each option's name is followed by a struct view, which is quoted where a shell
// needs it, or by FLAG. Returns false, as err_set does.
#define FLAG ((struct view){NULL, 0})
bool hint_command(struct err *err, const char *words, ...);
