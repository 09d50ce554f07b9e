// config.c: see config.h.
#include "model/config.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/hint.h"

#define CONFIG_COLUMNS                                                                             \
    "SELECT n, config_id, config_name, created_at,"                                                \
    " (SELECT count(*) FROM projects WHERE config = configs.n),"                                   \
    " (SELECT count(*) FROM servers WHERE config = configs.n) "
#define CONFIG_SELECT CONFIG_COLUMNS "FROM configs "

// `*ret_config` stays as it is when there is none.
static bool find_config(struct store *store, const char *sql, struct view wanted,
                        struct config *ret_config, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    return db_query(store->db, sql, BIND(v_view(wanted)), &stmt, err) &&
           config_next(stmt, ret_config, err) != STEP_FAILED;
}

bool config_select(struct store *store, struct view name, struct view config_id,
                   struct config *ret_config, struct err *err)
{
    struct config by_name = {0}, by_id = {0}; // number 0: not found
    struct view wanted = name.data ? name : config_id;
    char id[UUID_TEXT] = "";
    if (config_id.data && text_copy(id, sizeof id, config_id))
        text_lower(id, config_id.size);
    if ((name.data &&
         !find_config(store, CONFIG_SELECT "WHERE config_name = ?", name, &by_name, err)) ||
        (config_id.data &&
         !find_config(store, CONFIG_SELECT "WHERE config_id = ?", view_of(id), &by_id, err)))
        return false;
    if (name.data && config_id.data && by_name.n != by_id.n)
        return err_set(err, ERR_USAGE, "selectors_disagree",
                       "--config-name and --config-id do not name the same config");
    const struct config *chosen = name.data ? &by_name : &by_id;
    if (chosen->n == 0) {
        err_set(err, ERR_NOT_FOUND, "config_not_found", "Config not found: %.*s", VIEW_ARG(wanted));
        return hint_command(err, "config list", NULL);
    }
    *ret_config = *chosen;
    return true;
}

static bool check_name_free(struct store *store, struct view name, int64_t except, struct err *err)
{
    int64_t holder;
    if (!store_number(store, "SELECT n FROM configs WHERE config_name = ?", BIND(v_view(name)),
                      &holder, err))
        return false;
    if (holder == 0 || holder == except)
        return true;
    err_set(err, ERR_CONFLICT, "config_exists", "Config with name already exists: %.*s",
            VIEW_ARG(name));
    return hint_command(err, "config get", "--config-name", name, NULL);
}

bool config_bring(struct store *store, struct config *config, struct err *err)
{
    struct view name = view_of(config->config_name);
    if (!check_name_free(store, name, 0, err))
        return false;
    if (!db_run(store->db,
                "INSERT INTO configs(config_id, config_name, created_at) VALUES(?, ?, ?)",
                BIND(v_text(config->config_id), v_view(name), v_int(config->created_at)), err))
        return false;
    config->n = db_last_id(store->db);
    const struct audit_event event = {
        .action = "config.add", .config_id = config->config_id, .notes = {{"config_name", name}}};
    return audit_write(store, &event, err);
}

bool config_add(struct store *store, struct view name, struct config *ret_config, struct err *err)
{
    struct config config = {.created_at = store->now};
    vault_new_uuid(config.config_id);
    if (!text_copy(config.config_name, sizeof config.config_name, name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    if (!config_bring(store, &config, err))
        return false;
    *ret_config = config;
    return true;
}

bool config_rename(struct store *store, struct config *config, struct view new_name,
                   struct err *err)
{
    struct config changed = *config;
    if (!check_name_free(store, new_name, config->n, err))
        return false;
    if (!text_copy(changed.config_name, sizeof changed.config_name, new_name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    const struct audit_event event = {
        .action = "config.rename",
        .config_id = config->config_id,
        .notes = {{"config_name", new_name}, {"previous_name", view_of(config->config_name)}}};
    if (!db_run(store->db, "UPDATE configs SET config_name = ? WHERE n = ?",
                BIND(v_view(new_name), v_int(config->n)), err) ||
        !audit_write(store, &event, err))
        return false;
    *config = changed;
    return true;
}

bool config_query(struct store *store, struct page page, struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db, CONFIG_SELECT "WHERE n > ? ORDER BY n LIMIT ?",
                    BIND(v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

bool config_query_term(struct store *store, struct view term, struct page page,
                       struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db,
                    CONFIG_COLUMNS ", instr(lower(config_name), lower(?1)) FROM configs"
                                   " WHERE n > ?2"
                                   " AND (instr(lower(config_name), lower(?1)) OR EXISTS("
                                   "SELECT 1 FROM servers WHERE config = configs.n"
                                   " AND instr(lower(server_name), lower(?1))))"
                                   " ORDER BY n LIMIT ?3",
                    BIND(v_view(term), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

bool config_found_by_name(struct stmt *stmt)
{
    return stmt_int(stmt, 6) > 0;
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
    config.servers = stmt_int(stmt, 5);
    if (!text_copy(config.config_id, sizeof config.config_id, stmt_text(stmt, 1)) ||
        !text_copy(config.config_name, sizeof config.config_name, stmt_text(stmt, 2))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "A config's record is damaged");
        return STEP_FAILED;
    }
    *ret_config = config;
    return STEP_ROW;
}
