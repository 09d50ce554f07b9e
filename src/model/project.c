// project.c: see project.h.
#include "model/project.h"

#include <stdio.h>

#include "model/audit.h"
#include "model/hint.h"

#define PROJECT_COLUMNS                                                                            \
    "projects.n, project_id, project_name, projects.created_at, configs.n, config_id, "            \
    "config_name,"
#define PROJECT_TABLES " FROM projects LEFT JOIN configs ON configs.n = projects.config "
#define PROJECT_FIND "SELECT " PROJECT_COLUMNS " 0, 0" PROJECT_TABLES
#define PROJECT_SELECT                                                                             \
    "SELECT " PROJECT_COLUMNS " (SELECT count(*) FROM members WHERE project = projects.n),"        \
    " (SELECT count(*) FROM api_keys WHERE project = projects.n)" PROJECT_TABLES

// `*ret_project` stays as it is when there is none.
static bool find_project(struct store *store, const char *sql, struct view wanted,
                         struct project *ret_project, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    return db_query(store->db, sql, BIND(v_view(wanted)), &stmt, err) &&
           project_next(stmt, ret_project, err) != STEP_FAILED;
}

bool project_select(struct store *store, struct view name, struct view project_id,
                    struct project *ret_project, struct err *err)
{
    struct project by_name = {0}, by_id = {0}; // number 0: not found
    struct view wanted = name.data ? name : project_id;
    char id[UUID_TEXT] = "";
    if (project_id.data && text_copy(id, sizeof id, project_id))
        text_lower(id, project_id.size);
    if ((name.data &&
         !find_project(store, PROJECT_FIND "WHERE project_name = ?", name, &by_name, err)) ||
        (project_id.data &&
         !find_project(store, PROJECT_FIND "WHERE project_id = ?", view_of(id), &by_id, err)))
        return false;
    if (name.data && project_id.data && by_name.n != by_id.n)
        return err_set(err, ERR_USAGE, "selectors_disagree",
                       "--project-name and --project-id do not name the same project");
    const struct project *chosen = name.data ? &by_name : &by_id;
    if (chosen->n == 0) {
        err_set(err, ERR_NOT_FOUND, "project_not_found", "Project not found: %.*s",
                VIEW_ARG(wanted));
        return hint_command(err, "project list", NULL);
    }
    *ret_project = *chosen;
    return true;
}

bool project_count(struct store *store, struct project *project, struct err *err)
{
    return store_number(store, "SELECT count(*) FROM members WHERE project = ?",
                        BIND(v_int(project->n)), &project->users, err) &&
           store_number(store, "SELECT count(*) FROM api_keys WHERE project = ?",
                        BIND(v_int(project->n)), &project->api_keys, err);
}

static bool check_name_free(struct store *store, struct view name, int64_t except, struct err *err)
{
    int64_t holder;
    if (!store_number(store, "SELECT n FROM projects WHERE project_name = ?", BIND(v_view(name)),
                      &holder, err))
        return false;
    if (holder == 0 || holder == except)
        return true;
    err_set(err, ERR_CONFLICT, "project_exists", "Project with name already exists: %.*s",
            VIEW_ARG(name));
    return hint_command(err, "project get", "--project-name", name, NULL);
}

bool project_bring(struct store *store, struct project *project, struct err *err)
{
    struct view name = view_of(project->project_name);
    if (!check_name_free(store, name, 0, err))
        return false;
    if (!db_run(store->db,
                "INSERT INTO projects(project_id, project_name, created_at) VALUES(?, ?, ?)",
                BIND(v_text(project->project_id), v_view(name), v_int(project->created_at)), err))
        return false;
    project->n = db_last_id(store->db);
    const struct audit_event event = {.action = "project.create",
                                      .project_id = project->project_id,
                                      .notes = {{"project_name", name}}};
    return audit_write(store, &event, err);
}

bool project_create(struct store *store, struct view name, struct project *ret_project,
                    struct err *err)
{
    struct project project = {.created_at = store->now};
    vault_new_uuid(project.project_id);
    if (!text_copy(project.project_name, sizeof project.project_name, name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    if (!project_bring(store, &project, err))
        return false;
    *ret_project = project;
    return true;
}

bool project_rename(struct store *store, struct project *project, struct view new_name,
                    struct err *err)
{
    struct project changed = *project;
    if (!check_name_free(store, new_name, project->n, err))
        return false;
    if (!text_copy(changed.project_name, sizeof changed.project_name, new_name))
        return err_set(err, ERR_USAGE, "invalid_name", "The name is too long");
    const struct audit_event event = {
        .action = "project.rename",
        .project_id = project->project_id,
        .notes = {{"project_name", new_name}, {"previous_name", view_of(project->project_name)}}};
    if (!db_run(store->db, "UPDATE projects SET project_name = ? WHERE n = ?",
                BIND(v_view(new_name), v_int(project->n)), err) ||
        !audit_write(store, &event, err))
        return false;
    *project = changed;
    return true;
}

bool project_set_config(struct store *store, struct project *project, const struct config *config,
                        bool *ret_changed, struct err *err)
{
    const struct config none = {0};
    const struct config *target = config ? config : &none;
    *ret_changed = project->config.n != target->n;
    if (!*ret_changed)
        return true;
    const char *touched = config ? config->config_id : project->config.config_id;
    const struct audit_event event = {.action = config ? "project.assign_config"
                                                       : "project.unassign_config",
                                      .project_id = project->project_id,
                                      .config_id = touched};
    if (!db_run(store->db, "UPDATE projects SET config = ? WHERE n = ?",
                BIND(v_time(target->n), v_int(project->n)), err) ||
        !audit_write(store, &event, err))
        return false;
    project->config = *target;
    return true;
}

bool project_has_user(struct store *store, const struct project *project, const struct user *user,
                      bool *ret_member, struct err *err)
{
    int64_t count = 0;
    if (!store_number(store, "SELECT count(*) FROM members WHERE user = ? AND project = ?",
                      BIND(v_int(user->n), v_int(project->n)), &count, err))
        return false;
    *ret_member = count > 0;
    return true;
}

bool project_add_user(struct store *store, const struct project *project, const struct user *user,
                      bool *ret_changed, struct err *err)
{
    bool member;
    if (!project_has_user(store, project, user, &member, err))
        return false;
    *ret_changed = !member;
    if (member)
        return true;
    const struct audit_event event = {
        .action = "project.add_user", .project_id = project->project_id, .user_id = user->user_id};
    return db_run(store->db, "INSERT INTO members(user, project, created_at) VALUES(?, ?, ?)",
                  BIND(v_int(user->n), v_int(project->n), v_int(store->now)), err) &&
           audit_write(store, &event, err);
}

bool project_query(struct store *store, struct view term, struct page page, struct stmt **ret_stmt,
                   struct err *err)
{
    return db_query(store->db,
                    PROJECT_SELECT "WHERE projects.n > ?2"
                                   " AND (?1 IS NULL OR instr(lower(project_name), lower(?1)) > 0)"
                                   " ORDER BY projects.n LIMIT ?3",
                    BIND(v_view(term), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

bool project_query_user(struct store *store, const struct user *user, struct page page,
                        struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db,
                    "SELECT " PROJECT_COLUMNS
                    " 0, (SELECT count(*) FROM api_keys k WHERE k.user = m.user"
                    " AND k.project = m.project) FROM members m"
                    " JOIN projects ON projects.n = m.project"
                    " LEFT JOIN configs ON configs.n = projects.config"
                    " WHERE m.user = ? AND m.project > ? ORDER BY m.project LIMIT ?",
                    BIND(v_int(user->n), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

bool project_query_config(struct store *store, const struct config *config, struct page page,
                          struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db,
                    PROJECT_SELECT
                    "WHERE projects.config = ? AND projects.n > ? ORDER BY projects.n LIMIT ?",
                    BIND(v_int(config->n), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}

enum step project_next(struct stmt *stmt, struct project *ret_project, struct err *err)
{
    enum step step = stmt_step(stmt, err);
    struct project project = {0};
    if (step != STEP_ROW)
        return step;
    project.n = stmt_int(stmt, 0);
    project.created_at = stmt_int(stmt, 3);
    project.config.n = stmt_int(stmt, 4);
    project.users = stmt_int(stmt, 7);
    project.api_keys = stmt_int(stmt, 8);
    struct config *config = &project.config;
    if (!text_copy(project.project_id, sizeof project.project_id, stmt_text(stmt, 1)) ||
        !text_copy(project.project_name, sizeof project.project_name, stmt_text(stmt, 2)) ||
        !text_copy(config->config_id, sizeof config->config_id, stmt_text(stmt, 5)) ||
        !text_copy(config->config_name, sizeof config->config_name, stmt_text(stmt, 6))) {
        (void)err_set(err, ERR_INTEGRITY, "store_corrupt", "A project's record is damaged");
        return STEP_FAILED;
    }
    *ret_project = project;
    return STEP_ROW;
}

bool project_query_members(struct store *store, const struct project *project, struct page page,
                           struct stmt **ret_stmt, struct err *err)
{
    return db_query(store->db,
                    "SELECT users.n, user_id, email, users.created_at FROM members"
                    " JOIN users ON users.n = members.user WHERE members.project = ?"
                    " AND members.user > ? ORDER BY members.user LIMIT ?",
                    BIND(v_int(project->n), v_int(page.after), v_limit(page.limit)), ret_stmt, err);
}
