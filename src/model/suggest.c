// suggest.c: see suggest.h. Each query walks an index from the prefix on, so that it takes the same
// time in a store of any size.
#include "model/suggest.h"

#define FROM_PREFIX(column) " WHERE " column " >= ?1 AND " column " < ?1 || char(1114111)"

bool suggest_query(struct store *store, enum suggestion what, struct view prefix,
                   struct stmt **ret_stmt, struct err *err)
{
    static const char *const queries[] = {
        [SUGGEST_EMAIL] = "SELECT email FROM users WHERE email_key >= lower(?1)"
                          " AND email_key < lower(?1) || char(1114111) ORDER BY email_key LIMIT 50",
        [SUGGEST_PROJECT_NAME] = "SELECT project_name FROM projects" FROM_PREFIX(
            "project_name") " ORDER BY project_name LIMIT 50",
        [SUGGEST_CONFIG_NAME] = "SELECT config_name FROM configs" FROM_PREFIX(
            "config_name") " ORDER BY config_name LIMIT 50",
        [SUGGEST_KEY_ID] =
            "SELECT key_id FROM api_keys" FROM_PREFIX("key_id") " ORDER BY key_id LIMIT 50",
    };
    struct view bound = prefix.data ? prefix : VIEW("");
    return db_query(store->db, queries[what], BIND(v_view(bound)), ret_stmt, err);
}
