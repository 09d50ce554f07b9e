// rules.h: what may be an e-mail address and what may be a name (command contract, ground rules).
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/view.h"

// At most 254 bytes; one `@`; before it letters, digits and .!#$%&'*+/=?^_`{|}~- without a leading,
// trailing or double dot; after it at least two labels of letters, digits and inner hyphens (an
// international domain in its `xn--` form). NULL when good, else the reason as a sentence's end.
MUST_CHECK const char *rule_email(struct view email);

// 1 to 128 bytes of UTF-8, no control characters, no blanks at either end. NULL or the reason.
MUST_CHECK const char *rule_name(struct view name);

// What can be an API key at all: 1 to 512 printable ASCII characters without blanks. NULL, or what
// was expected.
MUST_CHECK const char *rule_api_key(struct view key);

// Whether one of our keys stands anywhere in `text`: it is then a secret that has strayed, and must
// be neither stored nor shown.
MUST_CHECK bool rule_holds_api_key(struct view text);

// Masks whatever looks like one of our keys; for text that is about to be shown.
void rule_redact_api_keys(char *text);

// The beginning of such a text, see key_text_cut.
struct view rule_cut(struct view text, size_t most);
