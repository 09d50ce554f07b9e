// table.h: the tables of rows, one a file; table.c lists them.
#pragma once

#include "ops/op.h"

struct op_table {
    const struct op *ops;
    size_t count;
};

extern const struct op_table user_ops;            // op_user.c
extern const struct op_table api_key_ops;         // op_api_key.c
extern const struct op_table access_ops;          // op_access.c
extern const struct op_table project_ops;         // op_project.c
extern const struct op_table member_ops;          // op_member.c
extern const struct op_table config_ops;          // op_config.c
extern const struct op_table system_ops;          // op_system.c
extern const struct op_table system_exchange_ops; // op_system_exchange.c
extern const struct op_table audit_ops;           // op_audit.c
extern const struct op_table serve_ops;           // op_serve.c
extern const struct op_table client_ops;          // op_client.c
extern const struct op_table import_ops;          // op_import.c
extern const struct op_table config_file_ops;     // op_config_file.c
extern const struct op_table server_ops;          // op_server.c
