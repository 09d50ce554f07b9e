// table.c: all operations, in the order of help.
#include "ops/table.h"

const struct op_group op_groups[] = {
    {"user", "users and their API keys"},
    {"project", "projects, their members and the config each uses"},
    {"config", "configs: named sets of MCP servers"},
    {"system", "the store as a whole"},
    {"audit", "the record of every change, refusal and showing of a key"},
};
const size_t op_group_count = COUNT_OF(op_groups);

static const struct op_table *const tables[] = {
    &user_ops,   &api_key_ops,     &access_ops, &import_ops, &project_ops,         &member_ops,
    &config_ops, &config_file_ops, &server_ops, &system_ops, &system_exchange_ops, &audit_ops,
    &serve_ops,  &client_ops,
};

const struct op *op_next(const struct op *previous)
{
    bool found = previous == NULL;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        for (size_t j = 0; j < tables[i]->count; j++) {
            if (found)
                return &tables[i]->ops[j];
            found = &tables[i]->ops[j] == previous;
        }
    }
    return NULL;
}

const struct op *op_find(struct view group, struct view verb)
{
    for (const struct op *op = op_next(NULL); op; op = op_next(op))
        if (view_is(group, op->group) && view_is(verb, op->verb))
            return op;
    return NULL;
}

const struct op *op_of_words(const char *const *words, size_t count, size_t *ret_used)
{
    const struct op *op = count > 0 ? op_find(VIEW(""), view_of(words[0])) : NULL;
    *ret_used = op ? 1 : 2;
    return !op && count >= 2 ? op_find(view_of(words[0]), view_of(words[1])) : op;
}
