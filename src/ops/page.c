// page.c: see page.h.
#include "ops/page.h"

static bool find_last(struct store *store, enum page_by by, struct view id, int64_t *ret_n,
                      struct err *err)
{
    const struct view no_name = {NULL, 0};
    struct user user = {0};
    struct project project = {0};
    struct config config = {0};
    struct api_key key = {0};
    bool found = false;
    switch (by) {
    case PAGE_BY_USER:
        found = user_select(store, no_name, id, &user, err);
        break;
    case PAGE_BY_PROJECT:
        found = project_select(store, no_name, id, &project, err);
        break;
    case PAGE_BY_CONFIG:
        found = config_select(store, no_name, id, &config, err);
        break;
    case PAGE_BY_API_KEY:
        found = api_key_select(store, id, &key, err);
        break;
    }
    *ret_n = user.n + project.n + config.n + key.n; // only one of them was looked for
    return found;
}

bool call_page(struct op_call *call, enum page_by by, struct page *ret_page, struct err *err)
{
    static const char *const names[] = {
        [PAGE_BY_USER] = "a user_id",
        [PAGE_BY_PROJECT] = "a project_id",
        [PAGE_BY_CONFIG] = "an mcp_config_id",
        [PAGE_BY_API_KEY] = "a key_id, or a masked key",
    };
    struct page page = {.limit = call_number(call, P_LIMIT)};
    struct view after = call_text(call, P_AFTER);
    // A row of `user list-api-keys` has no id; its key will do, masked.
    bool masked = by == PAGE_BY_API_KEY && after.data && !api_key_is_named_in_full(after);
    if (after.data && !text_is_uuid(after) && !masked)
        return err_set(err, ERR_USAGE, "invalid_value",
                       "The value of --after is not valid: expected %s", names[by]);
    if (after.data && !find_last(call->store, by, after, &page.after, err))
        return false;
    *ret_page = page;
    return true;
}
