// show.h: the parts of results that several operations share.
#pragma once

#include <stdbool.h>

#include "model/server.h"
#include "ops/op.h"

// Members `user_id`, `email`.
void show_user_names(struct out *out, const struct user *user);

// Members `project_id`, `project_name`.
void show_project_names(struct out *out, struct view project_id, struct view project_name);

// Members `mcp_config_id`, `mcp_config_name`.
void show_config_names(struct out *out, const struct config *config);

// Member `projects`: those of a user. `keys`: a member of each that counts his keys in it; NULL:
// none.
MUST_CHECK bool show_projects_of(struct op_call *call, const struct user *user, const char *keys,
                                 struct err *err);

// Member `mcp_config`: `{mcp_config_id, mcp_config_name}` or null.
void show_project_config(struct out *out, const struct config *config);

// Member `api_key`: the key in full when the store can show it (that is audited), else masked.
MUST_CHECK bool show_full_key(struct op_call *call, const struct api_key *key,
                              struct clear_key *clear, struct err *err);

// Under --dry-run, member `api_keys`: the keys of `scope` that would go. Nothing otherwise.
MUST_CHECK bool show_doomed_keys(struct op_call *call, struct key_scope scope, struct err *err);

// Under --dry-run, the member `dry_run: true`. Nothing otherwise.
void show_dry_run(struct op_call *call);

// The member `deleted_at`, null under --dry-run, and then what show_dry_run adds.
void show_deletion(struct op_call *call);

// The record of a server: with --reveal in full (that is audited), else masked.
MUST_CHECK bool show_server(struct op_call *call, const struct config *config,
                            const struct server *server, struct err *err);

// The records of a config's servers, as an array.
MUST_CHECK bool show_servers(struct op_call *call, const struct config *config, struct page page,
                             struct err *err);

// Under --dry-run, member `servers`: the names of those that would go. Nothing otherwise.
MUST_CHECK bool show_doomed_servers(struct op_call *call, const struct config *config,
                                    struct err *err);

// For `reads_only`: without --reveal. Showing secrets is a change, it is written down.
bool shows_no_secrets(const struct args *args);
