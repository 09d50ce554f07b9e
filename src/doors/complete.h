// complete.h: completion for bash, zsh and fish.
//
// The scripts are a few lines each: they hand the words typed so far to `secure-mcp-gateway
// __complete`, which answers with the candidates, one a line. So the rows decide here, too.
#pragma once

#include "base/buf.h"
#include "model/store.h"

// The script for a shell, or NULL when there is none for it.
const char *complete_script(const char *shell);

// Candidates for the last of `words`. The store is asked for e-mail addresses, names and key ids
// (never keys) when there is one; trouble with it means fewer candidates, not an error.
// A key among the words is wiped.
void complete_words(struct buf *buf, int count, char **words, const struct store_config *config);
