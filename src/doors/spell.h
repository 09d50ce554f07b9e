// spell.h: the nearest spelling of what was mistyped.
#pragma once

#include "ops/op.h"

// Each returns a name that is near enough to be meant, or NULL.
const char *spell_option(const char *word, const struct op *op); // `op` NULL: program options
const char *spell_group(const char *word);
const char *spell_verb(const char *group, const char *word);
