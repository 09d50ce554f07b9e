// suggest.c: see suggest.h. Each query walks an index from the prefix on, so that it takes the same
// time in a store of any size.
#include "model/suggest.h"

#define FROM_PREFIX(column) " WHERE " column " >= ?1 AND " column " < ?1 || char(1114111)"

bool suggest_query(struct store *store, enum suggestion what, struct view prefix,
                   const struct suggest_config *of, struct stmt **ret_stmt, struct err *err)
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
        [SUGGEST_SERVER_NAME] = "SELECT server_name FROM servers" FROM_PREFIX(
            "server_name") " AND config = (SELECT n FROM configs WHERE config_name = ?2 OR "
                           "config_id = lower(?3))"
                           " ORDER BY server_name LIMIT 50",
    };
    struct values values =
        BIND(v_view(prefix.data ? prefix : VIEW("")), v_view(of->name), v_view(of->config_id));
    values.count = what == SUGGEST_SERVER_NAME ? 3 : 1;
    return db_query(store->db, queries[what], values, ret_stmt, err);
}
