// gateway_check.h: what the head of a request says besides its framing, and whether a request that
// says so may come in at all. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"
#include "model/settings.h"
#include "wire/http1.h"

// A request that is refused at the door: the answer is a JSON-RPC error without an id.
struct refusal {
    int status, code;
    const char *message;
    const char *fields; // further header lines, each with its line end; NULL: none
};

// The fields a door knows. {NULL, 0}: not sent.
struct asked {
    struct view host, origin, authorization, api_key, gateway_key, project_id, user_id;
    struct view content_type, session_id, version, method, name, last_event_id;
    bool accepts_json, accepts_events; // named in Accept
    bool accepts_all;                  // `*/*` is in Accept
    bool twice;                        // one of the above stands there twice and differently
    struct http_field *parameters;     // Mcp-Param-*, brought together in the head's own array
    size_t parameter_count;
};

// Reads the fields; their order in `head` changes.
void asked_read(struct http_head *head, struct asked *ret_asked);

// The key, from whichever field has it; {NULL, 0}: none. False when there are different ones.
MUST_CHECK bool asked_key(const struct asked *asked, struct view *ret_key);

// Against DNS rebinding and foreign pages: Host and Origin must be loopback or configured; Host may
// also be the address in `--listen`. NULL when they are; `*ret_cors` is then the configured origin
// whose pages may read the answer, or NULL.
const struct refusal *check_origin(const struct settings *settings, const struct asked *asked,
                                   const char **ret_cors);

// Whether what is sent and what is wanted in return fit MCP: 415 and 406. NULL when they do.
const struct refusal *check_content(const struct asked *asked, struct view method);

// Percent-decodes into `into`; {NULL, 0} when it is no proper encoding, does not fit, or is no
// text.
struct view percent_decode(struct view text, char *into, size_t size);
