// param.h: everything an operation can be told, and how its text becomes a typed value.
//
// One table for all operations, so that `--email` means the same everywhere. To add a parameter:
// one name in the enum, one row in param.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"

enum param {
    P_EMAIL,
    P_USER_ID,
    P_NEW_EMAIL,
    P_PROJECT_NAME,
    P_PROJECT_ID,
    P_NEW_NAME,
    P_CONFIG_NAME,
    P_CONFIG_ID,
    P_API_KEY,
    P_NAME,
    P_EXPIRES_IN,
    P_SHOW_ONCE,
    P_GRACE,
    P_REVEAL,
    P_DETAILS,
    P_STATUS,
    P_OLDER_THAN,
    P_UNUSED_FOR,
    P_EXPIRING_WITHIN,
    P_SEARCH_TERM,
    P_SINCE,
    P_ACTOR,
    P_ACTION,
    P_TARGET,
    P_LIMIT,
    P_AFTER,
    P_FORCE,
    P_DRY_RUN,
    P_CONFIRM,
    P_OUTPUT_FILE,
    P_INPUT_FILE,
    P_MASTER_KEY_FILE,
    P_CLIENT,
    P_HTTP,
    P_CONFIG_FILE,
    P_PLATFORM,
    P_ALLOW_CLEAR_KEY,
    P_SKIP_EXISTING,
    P_CREATE_PROJECTS,
    P_REVIVE_KEYS,
    P_SOURCE_CONFIG,
    P_TARGET_CONFIG,
    P_SERVER_NAME,
    P_SERVER_COMMAND,
    P_ARGS,
    P_ENV,
    P_URL,
    P_HEADERS,
    P_ALLOW_PRIVATE_ADDRESSES,
    P_ISOLATION,
    P_PROTOCOL,
    P_TOOLS,
    P_DESCRIPTION,
    P_ENABLE_SERVER_INFO_VALIDATION,
    P_INPUT_GUARDRAILS_POLICY,
    P_OUTPUT_GUARDRAILS_POLICY,
    P_TOOL_GUARDRAILS_POLICY,
    P_OAUTH,
    P_POLICY,
    P_POLICY_FILE,
    P_INPUT_POLICY,
    P_INPUT_POLICY_FILE,
    P_OUTPUT_POLICY,
    P_OUTPUT_POLICY_FILE,
    P_LISTEN,
    P_STDIO,
    P_WORKERS,
    P_TLS_CERT,
    P_TLS_KEY,
    P_METRICS_LISTEN,
    P_ALLOW_ORIGIN,
    P_ALLOW_HOST,
    P_UPSTREAM_CA,
    P_MAX_HEAD,
    P_MAX_BODY,
    P_MAX_EVENT,
    P_MAX_LIST,
    P_MAX_UPSTREAM_BODY,
    P_MAX_QUEUE,
    P_MAX_UNREAD,
    P_MAX_DEPTH,
    P_CALLS_PER_KEY,
    P_SESSIONS_PER_KEY,
    P_CONNECTIONS,
    P_PAGES_PER_LIST,
    P_IDLE_SESSION,
    P_KEEP_ALIVE,
    P_IDLE_CONNECTION,
    P_REQUEST_TIMEOUT,
    P_CONNECT_TIMEOUT,
    P_FIRST_BYTE_TIMEOUT,
    P_IDLE_TIMEOUT,
    P_TOTAL_TIMEOUT,
    P_HANDSHAKE_TIMEOUT,
    P_QUESTION_TIMEOUT,
    P_IDLE_CHILD,
    P_RESTART_FIRST,
    P_RESTART_MOST,
    P_LEASE,
    P_DRAIN,
    P_USAGE_PERIOD,
    P_COUNT,
};

enum param_type {
    TYPE_FLAG,      // given or not
    TYPE_TEXT,      // 1 to LIMIT_TERM bytes of UTF-8
    TYPE_EMAIL,     // rule_email
    TYPE_NAME,      // rule_name
    TYPE_UUID,      // any case
    TYPE_KEY,       // a full key, a key_id or a masked form; secret
    TYPE_DURATION,  // number: microseconds
    TYPE_EXPIRY,    // a duration, or `never` (number: 0)
    TYPE_TIME,      // a point in time; number: microseconds since 1970
    TYPE_SWITCH,    // true or false
    TYPE_STATUS,    // active, disabled or expired
    TYPE_NUMBER,    // 1 to LIMIT_PAGE
    TYPE_PATH,      // of a file
    TYPE_COMMAND,   // a program's name or path: one of a file, in UTF-8
    TYPE_JSON,      // a JSON text; the door has read it where `-` or @FILE was given; secret
    TYPE_JSON_FILE, // a file with a JSON text; the door has read it
    TYPE_LIST,      // texts with commas between them, or a JSON list of texts; may be empty; secret
    TYPE_URL,       // url_read; secret
    TYPE_WORDS,     // texts with commas between them, none empty; not secret
    TYPE_LISTEN,    // HOST:PORT, [IPV6]:PORT or unix:PATH
    TYPE_SIZE,      // number: bytes; 1 to LIMIT_SIZE, with K, M or G for powers of 1024
};

struct param_row {
    const char *name;    // without the dashes
    const char *metavar; // how help names the value; NULL for flags
    enum param_type type;
    const char *help;
};

extern const struct param_row param_rows[P_COUNT];

// A value as an operation gets it.
struct arg {
    bool given;
    struct view text; // as it was given
    int64_t number;   // what the text means, for types that mean a number
};

struct args {
    struct arg list[P_COUNT];
    struct view input; // the content of --input-file, for rows with `input`
};

// Whether the value may hold a secret that must not be seen in the process title.
bool param_is_secret(enum param param);

// Whether the value `-` means standard input, and `@FILE` a file.
bool param_has_sources(enum param param);

// Whether the value names a file whose content the door puts in its place.
bool param_is_file(enum param param);

// Checks the name of such a file. ERR_USAGE.
MUST_CHECK bool param_check_file(enum param param, struct view path, struct err *err);

// Checks `text` by the parameter's type and fills `*ret_arg`, which borrows `text`. ERR_USAGE says
// what is wrong; the text of a key is never part of it.
MUST_CHECK bool param_read(enum param param, struct view text, struct arg *ret_arg,
                           struct err *err);
