// exchange_read.h: the entries of the Python original's file, from JSON to records.
//
//   {common_mcp_gateway_config: {…}, plugins: {…},
//    mcp_configs: {ID: {mcp_config_name, mcp_config: [server, …]}},
//    projects: {ID: {project_name, mcp_config_id, users: [ID, …], created_at}},
//    users: {ID: {email, created_at}},
//    apikeys: {KEY: {project_id, user_id, created_at, disabled, disabled_at, enabled_at}},
//    admin_apikey}
//
// Of our own making, and only there when there is something to say: `name` and `expires_at` of a
// key, and `masked_apikeys`, the keys that the file does not show.
//
// A reader fills its record and returns true, or notes why the entry is not carried over. What an
// entry says besides (exchange_known) is not its business. Views point into the JSON. Nothing here
// touches a store.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/exchange_notes.h"

struct exchange_user {
    char user_id[UUID_TEXT];
    char email[LIMIT_EMAIL + 1];
    int64_t created_at; // 0: the file does not say
};

struct exchange_config {
    char config_id[UUID_TEXT];
    char config_name[LIMIT_NAME + 1];
    const struct json_value *servers; // an array, or NULL
};

struct exchange_project {
    char project_id[UUID_TEXT];
    char project_name[LIMIT_NAME + 1];
    char config_id[UUID_TEXT];      // empty: none
    const struct json_value *users; // an array, or NULL
    int64_t created_at;             // 0: the file does not say
};

struct exchange_key {
    struct view clear;
    char called[64]; // how notes call it: by its place, and masked
    char user_id[UUID_TEXT], project_id[UUID_TEXT];
    char name[LIMIT_NAME + 1]; // empty: none
    int64_t created_at;        // 0: the file does not say
    int64_t expires_at;        // 0: never
    int64_t disabled_at;       // 0: not disabled, or the file does not say when
    bool disabled;
};

// The id under which a thing of the file is in the store: a UUID in lower case; of an id that is
// none, a UUID made of kind and id (RFC 9562, version 8). Memberships use EXCHANGE_USER. False when
// `id` is no text of 1 to LIMIT_NAME bytes.
MUST_CHECK bool exchange_read_id(enum exchange_kind kind, struct view id, char ret_id[UUID_TEXT]);

// The names of the members that a user, config, project or key has in the file; a NULL ends them.
// When an enabled key was disabled before is not of them.
const char *const *exchange_known(enum exchange_kind kind, bool disabled);

MUST_CHECK bool exchange_read_user(struct exchange_notes *notes, const struct json_value *entry,
                                   struct exchange_user *ret_user);
MUST_CHECK bool exchange_read_config(struct exchange_notes *notes, const struct json_value *entry,
                                     struct exchange_config *ret_config);
MUST_CHECK bool exchange_read_project(struct exchange_notes *notes, const struct json_value *entry,
                                      struct exchange_project *ret_project);

// `place` is that of the entry in its section, from 1.
MUST_CHECK bool exchange_read_key(struct exchange_notes *notes, const struct json_value *entry,
                                  size_t place, struct exchange_key *ret_key);

// Whether it is one of the two kept members that every file has.
bool exchange_is_usual(struct view name);

// An element of `masked_apikeys`. `clear` is empty, and it is called by its key_id.
MUST_CHECK bool exchange_read_masked_key(struct exchange_notes *notes,
                                         const struct json_value *entry,
                                         struct exchange_key *ret_key);

// The entries of a section: those of the object, or none, with a note when it is something else.
const struct json_value *exchange_entries(struct exchange_notes *notes, enum exchange_kind kind,
                                          const struct json_value *file);
