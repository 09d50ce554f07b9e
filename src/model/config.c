// config.c: see config.h.
#include "model/config.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/hint.h"

#define CONFIG_SELECT                                                                              \
    "SELECT n, config_id, config_name, created_at,"                                                \
    " (SELECT count(*) FROM projects WHERE config = configs.n) FROM configs "

static bool find_config(struct store *store, const char *sql, struct view wanted,
                        struct config *ret_config, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(store->db, sql, BIND(v_view(wanted)), &stmt, err))
        return false;
    enum step step = config_next(stmt, ret_config, err);
    if (step != STEP_END)
        return step == STEP_ROW;
    err_set(err, ERR_NOT_FOUND, "config_not_found", "Config not found: %.*s", VIEW_ARG(wanted));
    return hint_command(err, "config list", NULL);
}

bool config_select(struct store *store, struct view name, struct view config_id,
                   struct config *ret_config, struct err *err)
{
    struct config by_name = {0}, by_id = {0};
    char id[UUID_TEXT] = "";
    if (name.data &&
        !find_config(store, CONFIG_SELECT "WHERE config_name = ?", name, &by_name, err))
        return false;
    if (config_id.data && text_copy(id, sizeof id, config_id))
        text_lower(id, config_id.size);
    if (config_id.data &&
        !find_config(store, CONFIG_SELECT "WHERE config_id = ?", view_of(id), &by_id, err))
        return false;
    if (name.data && config_id.data && by_name.n != by_id.n)
        return err_set(err, ERR_USAGE, "selectors_disagree",
                       "--config-name and --config-id name two different configs");
    *ret_config = name.data ? by_name : by_id;
    return true;
}

bool config_add(struct store *store, struct view name, struct config *ret_config, struct err *err)
{
    struct config config = {.created_at = store->now};
    int64_t taken;
    if (!store_number(store, "SELECT n FROM configs WHERE config_name = ?", BIND(v_view(name)),
                      &taken, err))
        return false;
    if (taken) {
        err_set(err, ERR_CONFLICT, "config_exists", "Config with name already exists: %.*s",
                VIEW_ARG(name));
        return hint_command(err, "config get", "--config-name", name, NULL);
    }
    vault_new_uuid(config.config_id);
    if (!text_copy(config.config_name, sizeof config.config_name, name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    if (!db_run(store->db,
                "INSERT INTO configs(config_id, config_name, created_at) VALUES(?, ?, ?)",
                BIND(v_text(config.config_id), v_view(name), v_int(config.created_at)), err))
        return false;
    config.n = db_last_id(store->db);
    const struct audit_event event = {
        .action = "config.add", .config_id = config.config_id, .notes = {{"config_name", name}}};
    *ret_config = config;
    return audit_write(store, &event, err);
}

bool config_remove(struct store *store, const struct config *config, struct err *err)
{
    if (config->projects > 0) {
        err_set(err, ERR_PRECONDITION, "config_in_use", "Config is used by %lld projects: %s",
                (long long)config->projects, config->config_name);
        err_hint(err, "see which ones with: secure-mcp-gateway project list");
        return hint_command(err, "project unassign-config --project-name NAME", NULL);
    }
    if (!db_run(store->db, "DELETE FROM configs WHERE n = ?", BIND(v_int(config->n)), err))
        return false;
    const struct audit_event event = {.action = "config.remove",
                                      .config_id = config->config_id,
                                      .notes = {{"config_name", view_of(config->config_name)}}};
    return audit_write(store, &event, err);
}

bool config_query(struct store *store, struct page page, struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db, CONFIG_SELECT "WHERE n > ? ORDER BY n LIMIT ?",
                    BIND(v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

enum step config_next(struct stmt *stmt, struct config *ret_config, struct err *err)
{
    enum step step = stmt_step(stmt, err);
    struct config config = {0};
    if (step != STEP_ROW)
        return step;
    config.n = stmt_int(stmt, 0);
    config.created_at = stmt_int(stmt, 3);
    config.projects = stmt_int(stmt, 4);
    if (!text_copy(config.config_id, sizeof config.config_id, stmt_text(stmt, 1)) ||
        !text_copy(config.config_name, sizeof config.config_name, stmt_text(stmt, 2))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "A config's record is damaged");
        return STEP_FAILED;
    }
    *ret_config = config;
    return STEP_ROW;
}
