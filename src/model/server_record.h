// server_record.h: the JSON of one MCP server: how it is made, examined and masked.
//
//   {server_name, description, config: {command, args, env, isolation} | {url, headers}, tools:
//   {…},
//    enable_server_info_validation, tool_guardrails_policy, input_guardrails_policy,
//    output_guardrails_policy, oauth_config}
//
// A config may also have protocol and timeouts, see server_spec.h for what they mean; where they
// and isolation are missing nothing is written. A policy is {enabled, policy_name,
// additional_config, block}. What is missing gets an empty value, what is not known here is kept,
// after what is. No message repeats a value of a record.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/out.h"
#include "base/view.h"

// What stands in the place of a secret that is not shown. Given in a change, it means: as it was.
#define SERVER_MASK "****"

enum server_policy { POLICY_TOOL, POLICY_INPUT, POLICY_OUTPUT, POLICY_COUNT };

// What is said of a server; {NULL, 0} or NULL: nothing, so it stays as it was.
struct server_change {
    struct view server_name, description, command, url;
    const struct json_value *args, *env, *headers, *tools, *oauth, *validation;
    const struct json_value *policies[POLICY_COUNT];
    bool allow_private_addresses;
    struct view isolation, protocol;
};

// Writes the whole record that `present` (NULL: there was none; may be any object) becomes by the
// change. A new command or url changes the kind of server. ERR_USAGE when the change does not go
// together, or the record is larger than LIMIT_SERVER_RECORD. `ret_record` is empty and secret.
MUST_CHECK bool server_record_build(const struct json_value *present,
                                    const struct server_change *change, struct buf *ret_record,
                                    struct err *err);

// Whether a whole record is one: names and types, and what no server could work with. ERR_USAGE
// `invalid_server`, `invalid_policy`, `invalid_oauth`, `invalid_tools`, `invalid_url`,
// `invalid_name`. What depends on the machine is server_validate.h's.
MUST_CHECK bool server_record_check(const struct json_value *record, struct err *err);

// Writes the record with SERVER_MASK for every value of `env` and `headers`, wherever they stand;
// for every text and number of `oauth_config` and of members that are not known here, unless its
// name is known to be public (server_public.h); and for credentials and the values of parameters in
// URLs. What is masked already stays as it is. False when memory failed: what was written is then
// void.
MUST_CHECK bool server_record_mask(const struct json_value *record, struct out *out);

// The same for JSON that is no record of a server.
MUST_CHECK bool server_mask_other(const struct json_value *value, struct out *out);

// Whether `given` in a change means: as it was, `present` (or NULL). It is SERVER_MASK, or the URL
// as it is shown.
MUST_CHECK bool server_mask_stands_for(struct view given, const struct json_value *present);

// How many secrets of the record are only their mask: it was made from what was shown masked.
size_t server_record_masked(const struct json_value *record);

// The same of any object, but for the members named in `except`, which a NULL ends.
size_t server_masks(const struct json_value *object, const char *const *except);

// Whether a member of this name has a URL: its name ends so, in any case.
MUST_CHECK bool server_name_is_url(struct view name);

// The member, or NULL when it is missing or null.
const struct json_value *server_member(const struct json_value *object, const char *name);

// The names of the three policies' members.
extern const char *const server_policy_names[POLICY_COUNT];

// The words of `config.isolation` and `config.protocol`, the members of `config.timeouts`: in the
// order of the enums, or of the members, of server_spec.h.
enum { ISOLATION_COUNT = 3, PROTOCOL_COUNT = 3, TIMEOUT_COUNT = 4 };
extern const char *const server_isolation_names[ISOLATION_COUNT];
extern const char *const server_protocol_names[PROTOCOL_COUNT];
extern const char *const server_timeout_names[TIMEOUT_COUNT];
