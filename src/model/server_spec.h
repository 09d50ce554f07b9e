// server_spec.h: an MCP server as a gateway needs it: the opened record of server.h, read once into
// plain values.
//
// A spec is immutable and counted: whoever keeps it takes a reference (server_spec_ref). Its memory
// may hold credentials: it is kept out of core dumps and wiped. The count is not atomic: a spec
// belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"
#include "model/address.h"
#include "model/store.h"

#define SERVER_PATH "/usr/local/bin:/usr/bin:/bin"

enum isolation { ISOLATION_PROJECT, ISOLATION_USER, ISOLATION_SESSION };
enum server_protocol { PROTOCOL_AUTO, PROTOCOL_LEGACY, PROTOCOL_MODERN };

struct server_header {
    struct view name, value;
};

struct server_spec {
    unsigned references;
    char server_name[LIMIT_NAME + 1];
    // Of the whole record and its config: changes when anything does. And of what the server is
    // started or reached by: where only that stands, it is the same server, used in another way.
    uint8_t fingerprint[VAULT_DIGEST], identity[VAULT_DIGEST];
    bool http;
    bool broken; // the record cannot be opened or understood: the server is as good as dead

    // Over stdio: NULL-terminated. The environment is `config.env` and nothing else, except that
    // where it has no PATH or HOME, PATH is SERVER_PATH and HOME the gateway's own: without them
    // package runners (npx, uvx) find neither their interpreter nor their cache.
    const char *command;
    const char *const *arguments;
    const char *const *environment; // NAME=value
    enum isolation isolation;       // `config.isolation`: project (default), user, session

    // Over HTTP.
    struct view url_text;
    struct url url;
    const struct server_header *headers;
    size_t header_count;
    bool allow_private_addresses;

    enum server_protocol protocol; // `config.protocol`: auto (default), legacy, modern

    // `config.timeouts`: {connect, first_byte, idle, total} in seconds. Microseconds; 0: the
    // gateway's own.
    int64_t connect_timeout, first_byte_timeout, idle_timeout, total_timeout;

    // Which tools: all when none is listed, else those listed and not {"enabled": false}. Sorted by
    // bytes.
    bool all_tools;
    const struct view *tools;
    size_t tool_count;
};

// Adds a reference and returns `spec`.
struct server_spec *server_spec_ref(struct server_spec *spec);

// Takes one away and leaves NULL; the last one wipes and frees. Accepts NULL.
void server_spec_unref(struct server_spec **spec);

// The one decision about tools: both what a list shows and what a call may reach.
bool server_spec_allows(const struct server_spec *spec, struct view tool);

// The servers of a config, in their order, into an array that the caller frees with
// server_specs_free. A record that cannot be used is in it too, `broken`. `*ret_stamp` tells this
// state of the config apart from any other: when server_specs_stamp gives the same, nothing has to
// be read again.
enum { SPECS_STAMP = 32 };
struct server_specs {
    struct server_spec **list;
    size_t count;
    uint8_t stamp[SPECS_STAMP];
};
// Both are one statement, so the stamp is of what was read. The stamp costs about a microsecond for
// each server, loading opens and parses the records.
MUST_CHECK bool server_specs_load(struct store *store, int64_t config_n,
                                  struct server_specs *ret_specs, struct err *err);
void server_specs_free(struct server_specs *specs);
// The same server when it is one of them, perhaps with other tools that are allowed; borrowed. Else
// NULL.
struct server_spec *server_specs_find(const struct server_specs *specs,
                                      const struct server_spec *spec);
bool server_spec_is(const struct server_spec *a, const struct server_spec *b);
// Whether nothing at all of its record is another.
bool server_spec_stands(const struct server_spec *a, const struct server_spec *b);
MUST_CHECK bool server_specs_stamp(struct store *store, int64_t config_n,
                                   uint8_t ret_stamp[SPECS_STAMP], struct err *err);
