// removal.c: see removal.h.
#include "model/removal.h"

#include "model/api_key.h"
#include "model/audit.h"
#include "model/hint.h"
#include "model/kept_of.h"
#include "model/server.h"

// `User has 2 active API keys` and its relatives.
static bool refuse_owner(const char *owner, const struct key_counts *counts, struct err *err)
{
    int64_t others = counts->disabled + counts->expired;
    const char *kind = counts->active     ? "active"
                       : !counts->expired ? "disabled"
                       : counts->disabled ? "disabled or expired"
                                          : "expired";
    return err_set(err, ERR_PRECONDITION, "has_api_keys", "%s has %lld %s API keys", owner,
                   (long long)(counts->active ? counts->active : others), kind);
}

static bool refuse_user_with_keys(struct store *store, const struct user *user, struct err *err)
{
    struct key_counts counts;
    if (!api_key_count(store, (struct key_scope){.user = user->n}, &counts, err))
        return false;
    if (counts.active + counts.disabled + counts.expired == 0)
        return true;
    (void)refuse_owner("User", &counts, err);
    (void)hint_command(err, "user delete-all-api-keys", "--email", view_of(user->email), NULL);
    return hint_command(err, "user delete", "--email", view_of(user->email), "--force", FLAG, NULL);
}

// Takes a user whose keys are gone out of all projects.
static bool forget_memberships(struct store *store, const struct user *user, int64_t *ret_removed,
                               struct err *err)
{
    if (!db_run(store->db, "DELETE FROM members WHERE user = ?", BIND(v_int(user->n)), err))
        return false;
    *ret_removed = db_changes(store->db);
    return true;
}

bool user_delete(struct store *store, const struct user *user, bool force,
                 struct user_removal *ret_removal, struct err *err)
{
    struct user_removal removal = {0};
    const struct key_scope scope = {.user = user->n};
    if (!force && !refuse_user_with_keys(store, user, err))
        return false;
    if (!api_key_delete_all(store, scope, &removal.deleted_api_keys, err) ||
        !forget_memberships(store, user, &removal.removed_from_projects, err) ||
        !kept_of_forget(store, KEPT_OF_USER, user->user_id, err) ||
        !db_run(store->db, "DELETE FROM users WHERE n = ?", BIND(v_int(user->n)), err))
        return false;
    const struct audit_event event = {.action = "user.delete",
                                      .user_id = user->user_id,
                                      .notes = {{"email", view_of(user->email)}}};
    if (!audit_write(store, &event, err))
        return false;
    *ret_removal = removal;
    return true;
}

static bool refuse_project_with_keys(struct store *store, const struct project *project,
                                     struct err *err)
{
    struct key_counts counts;
    if (!api_key_count(store, (struct key_scope){.project = project->n}, &counts, err))
        return false;
    if (counts.active + counts.disabled + counts.expired == 0)
        return true;
    (void)refuse_owner("Project", &counts, err);
    (void)hint_command(err, "project remove-all-users", "--project-name",
                       view_of(project->project_name), NULL);
    return hint_command(err, "project remove", "--project-name", view_of(project->project_name),
                        "--force", FLAG, NULL);
}

bool project_remove(struct store *store, const struct project *project, bool force,
                    int64_t *ret_deleted_api_keys, struct err *err)
{
    const struct key_scope scope = {.project = project->n};
    if (!force && !refuse_project_with_keys(store, project, err))
        return false;
    if (!api_key_delete_all(store, scope, ret_deleted_api_keys, err) ||
        !db_run(store->db, "DELETE FROM members WHERE project = ?", BIND(v_int(project->n)), err) ||
        !kept_of_forget(store, KEPT_OF_PROJECT, project->project_id, err) ||
        !db_run(store->db, "DELETE FROM projects WHERE n = ?", BIND(v_int(project->n)), err))
        return false;
    const struct audit_event event = {.action = "project.remove",
                                      .project_id = project->project_id,
                                      .notes = {{"project_name", view_of(project->project_name)}}};
    return audit_write(store, &event, err);
}

bool project_remove_user(struct store *store, const struct project *project,
                         const struct user *user, bool *ret_changed, int64_t *ret_deleted_api_keys,
                         struct err *err)
{
    const struct key_scope scope = {.user = user->n, .project = project->n};
    *ret_deleted_api_keys = 0;
    if (!project_has_user(store, project, user, ret_changed, err))
        return false;
    if (!*ret_changed)
        return true;
    const struct audit_event event = {.action = "project.remove_user",
                                      .project_id = project->project_id,
                                      .user_id = user->user_id};
    return api_key_delete_all(store, scope, ret_deleted_api_keys, err) &&
           db_run(store->db, "DELETE FROM members WHERE user = ? AND project = ?",
                  BIND(v_int(user->n), v_int(project->n)), err) &&
           audit_write(store, &event, err);
}

// One member of the project, `*ret_found` false when there is none left.
static bool first_member(struct store *store, const struct project *project, bool *ret_found,
                         struct user *ret_user, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!project_query_members(store, project, PAGE_ALL, &stmt, err))
        return false;
    enum step step = user_next(stmt, ret_user, err);
    *ret_found = step == STEP_ROW;
    return step != STEP_FAILED;
}

bool project_remove_all_users(struct store *store, const struct project *project,
                              int64_t *ret_removed, int64_t *ret_deleted_api_keys, struct err *err)
{
    struct user user;
    bool found, changed;
    int64_t removed = 0, deleted = 0, keys;
    if (!first_member(store, project, &found, &user, err))
        return false;
    while (found) {
        if (!project_remove_user(store, project, &user, &changed, &keys, err) ||
            !first_member(store, project, &found, &user, err))
            return false;
        removed++;
        deleted += keys;
    }
    *ret_removed = removed;
    *ret_deleted_api_keys = deleted;
    return true;
}

bool config_remove(struct store *store, const struct config *config, int64_t *ret_deleted_servers,
                   struct err *err)
{
    if (config->projects > 0) {
        err_set(err, ERR_PRECONDITION, "config_in_use", "Config is used by %lld projects: %s",
                (long long)config->projects, config->config_name);
        (void)hint_command(err, "config list-projects", "--config-name",
                           view_of(config->config_name), NULL);
        return hint_command(err, "project unassign-config --project-name NAME", NULL);
    }
    if (!server_remove_all(store, config, ret_deleted_servers, err) ||
        !kept_of_forget(store, KEPT_OF_CONFIG, config->config_id, err) ||
        !db_run(store->db, "DELETE FROM configs WHERE n = ?", BIND(v_int(config->n)), err))
        return false;
    const struct audit_event event = {.action = "config.remove",
                                      .config_id = config->config_id,
                                      .notes = {{"config_name", view_of(config->config_name)}}};
    return audit_write(store, &event, err);
}
