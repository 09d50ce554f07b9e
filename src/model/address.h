// address.h: the addresses of MCP servers: what is a URL, and where it leads.
//
// A gateway that connects wherever it is told can be made to speak to what stands behind it: the
// machine itself, its network, the cloud's metadata service. So every address has a reach, and all
// but public ones are refused unless the config allows them. A name can lead anywhere: whoever
// connects must ask again (address_reach) for each address that the name was resolved to.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

struct url {
    bool https;
    bool credentials; // it has `user@` or `user:password@`
    struct view host; // of an IPv6 address without its brackets
    uint16_t port;
    struct view target; // path and query, without the fragment; may be empty
};

// An absolute http or https URL in ASCII without blanks and control characters, at most LIMIT_URL
// bytes. NULL, or the reason as a sentence's end.
MUST_CHECK const char *url_read(struct view text, struct url *ret_url);

enum reach {
    REACH_PUBLIC,
    REACH_NAME, // a name that has to be resolved
    REACH_LOOPBACK,
    REACH_PRIVATE,
    REACH_LINK_LOCAL,
    REACH_METADATA, // a cloud's service that gives out credentials
    REACH_NOWHERE,  // unspecified, multicast, reserved
};

// Where a host leads: an address in any notation that resolvers take (127.1, 0x7f000001, ::1,
// ::ffff:10.0.0.1), or a name.
enum reach address_reach(struct view host);

// `a private address`, …: for a sentence.
const char *reach_text(enum reach reach);
