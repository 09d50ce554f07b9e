// access.c: see access.h.
#include "gateway/access.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/lists.h"
#include "os/loop.h"

// What a project's access was read at.
struct project {
    int64_t project_n;
    struct db_version seen;
    int64_t asked_at; // for a key of it; loop time
    struct access *access;
};

// --- access -------------------------------------------------------------------------------------

struct access *access_ref(struct access *access)
{
    access->references++;
    return access;
}

void access_unref(struct access **access)
{
    struct access *gone = TAKE(*access);
    if (!gone || --gone->references > 0)
        return;
    renderings_free(&gone->renderings);
    server_specs_free(&gone->specs);
    free(gone->prefixes);
    free(gone);
}

static bool load(struct store *store, const struct grant *grant, struct access **ret_access,
                 struct err *err)
{
    struct access *access = (struct access *)calloc(1, sizeof *access);
    if (!access)
        return err_memory(err);
    access->references = 1;
    access->project_n = grant->project_n;
    access->config_n = grant->config_n;
    memcpy(access->project_id, grant->project_id, sizeof access->project_id);
    if (grant->config_n != 0 && !server_specs_load(store, grant->config_n, &access->specs, err)) {
        access_unref(&access);
        return false;
    }
    access->prefixes =
        (char(*)[NAMING_PREFIX])calloc(access->specs.count + 1, sizeof *access->prefixes);
    if (!access->prefixes) {
        access_unref(&access);
        return err_memory(err);
    }
    naming_prefixes(&access->specs, access->prefixes);
    *ret_access = access;
    return true;
}

static bool is_current(struct store *store, const struct access *access, const struct grant *grant,
                       bool *ret_current, struct err *err)
{
    uint8_t stamp[SPECS_STAMP] = {0};
    *ret_current = access && access->config_n == grant->config_n;
    if (!*ret_current || grant->config_n == 0)
        return true;
    if (!server_specs_stamp(store, grant->config_n, stamp, err))
        return false;
    *ret_current = memcmp(stamp, access->specs.stamp, sizeof stamp) == 0;
    return true;
}

// --- projects -----------------------------------------------------------------------------------

static struct project *find(const struct projects *projects, int64_t project_n)
{
    return (struct project *)table_find(&projects->by_number, (uint64_t)project_n);
}

static struct project *find_or_add(struct projects *projects, int64_t project_n)
{
    struct project *project = find(projects, project_n);
    if (project)
        return project;
    project = (struct project *)calloc(1, sizeof *project);
    if (project && !table_add(&projects->by_number, (uint64_t)project_n, project)) {
        free(project);
        return NULL;
    }
    if (project)
        project->project_n = project_n;
    return project;
}

static void end_servers(struct projects *projects, struct project *project)
{
    const struct access none = {.project_n = project->project_n};
    projects->changed(projects->context, &none);
    access_unref(&project->access);
}

// A project that is gone leaves its number to another one, and with the same config the servers
// would be taken for the other's, with all that they remember.
static bool is_another(const struct project *project, const struct grant *grant)
{
    return project->access && strcmp(project->access->project_id, grant->project_id) != 0;
}

bool projects_ask(struct projects *projects, struct store *store, const struct grant *grant,
                  struct db_version seen, struct access **ret_access, struct err *err)
{
    struct project *project = find_or_add(projects, grant->project_n);
    bool current;
    if (!project)
        return err_memory(err);
    if (!project->access || !db_version_equal(project->seen, seen)) {
        struct access *fresh = NULL;
        if (is_another(project, grant))
            end_servers(projects, project);
        if (!is_current(store, project->access, grant, &current, err))
            return false;
        if (!current) {
            if (!load(store, grant, &fresh, err))
                return false;
            fresh->number = ++projects->loaded;
            bool changed = project->access != NULL;
            access_unref(&project->access);
            project->access = fresh;
            if (changed)
                projects->changed(projects->context, fresh);
        }
        project->seen = seen;
    }
    project->asked_at = loop_clock();
    *ret_access = project->access;
    return true;
}

struct access *projects_known(const struct projects *projects, int64_t project_n)
{
    const struct project *project = find(projects, project_n);
    return project ? project->access : NULL;
}

void projects_distrust(struct projects *projects)
{
    size_t at = 0;
    for (struct project *project;
         (project = (struct project *)table_next(&projects->by_number, &at));)
        project->seen = (struct db_version){0};
}

void projects_forget_one(struct projects *projects, int64_t now, int64_t idle)
{
    struct project *project = (struct project *)table_next(&projects->by_number, &projects->at);
    if (!project)
        projects->at = 0;
    if (!project || (project->access && project->access->references > 1) ||
        now - project->asked_at < idle)
        return;
    end_servers(projects, project);
    table_remove(&projects->by_number, (uint64_t)project->project_n);
    free(project);
}

void projects_done(struct projects *projects)
{
    size_t at = 0;
    for (struct project *project;
         (project = (struct project *)table_next(&projects->by_number, &at));) {
        access_unref(&project->access);
        free(project);
    }
    table_done(&projects->by_number);
}
