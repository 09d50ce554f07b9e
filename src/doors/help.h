// help.h: help, usage, the man pages and the reference, made from the rows.
#pragma once

#include "base/buf.h"
#include "ops/op.h"

void help_program(struct buf *buf);
void help_group(struct buf *buf, const struct op_group *group);
void help_op(struct buf *buf, const struct op *op);

// The command line of an operation, with a line end.
void help_usage(struct buf *buf, const struct op *op);

// An option of a command, as it is told of.
struct help_option {
    const char *name, *metavar, *help; // metavar NULL: a flag
    enum need need;
};

// All options of a command in the order of help; returns how many.
enum { HELP_OPTIONS = OP_PARAMS + 3 };
size_t help_options(const struct op *op, struct help_option ret_options[HELP_OPTIONS]);

// The group of that name, or NULL.
const struct op_group *help_find_group(const char *name);

// secure-mcp-gateway(1) and secure-mcp-gateway-GROUP(1), in man(7) format.
void help_man_page(struct buf *buf);
void help_man_group(struct buf *buf, const struct op_group *group);

// docs/cli.md.
void help_markdown(struct buf *buf);
