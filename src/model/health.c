// health.c: see health.h.
#include "model/health.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/api_key.h"
#include "model/audit.h"
#include "model/config.h"
#include "model/rotation.h"
#include "model/server.h"
#include "model/whole.h"
#include "vault/key_file.h"

static void add_finding(void *context, struct view text)
{
    struct buf *findings = (struct buf *)context;
    buf_add_format(findings, "database: %.*s\n", VIEW_ARG(text));
}

// Every key's MAC, which keys are about to expire, and what the MACs add up to.
static bool check_keys(struct store *store, struct health *health, struct key_sum *ret_sum,
                       struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct api_key key;
    int64_t expiring = 0;
    enum step step;
    if (!api_key_query(store, (struct key_scope){0}, &stmt, err))
        return false;
    while ((step = api_key_next(store, stmt, &key, err)) == STEP_ROW) {
        if (key.status == KEY_TAMPERED)
            buf_add_format(&health->issues,
                           "API key %s: its record was changed outside this program\n", key.key_id);
        expiring += key.status == KEY_ACTIVE && key.expires_at &&
                    key.expires_at < store->now + 7 * TIME_DAY;
        if (key.status != KEY_TAMPERED)
            key_sum_add(ret_sum, key.mac, true);
    }
    if (expiring)
        buf_add_format(&health->warnings, "API keys that expire within 7 days: %lld\n",
                       (long long)expiring);
    return step == STEP_END;
}

static bool check_audit(struct store *store, struct health *health, const struct key_sum *sum,
                        struct err *err)
{
    struct audit_report report;
    if (!audit_verify(store, &report, err))
        return false;
    if (report.reason)
        buf_add_format(&health->issues, "audit: the chain is broken at record %lld: %s\n",
                       (long long)report.broken_at, report.reason);
    if (memcmp(sum, &report.keys, sizeof *sum) != 0)
        buf_add_format(&health->issues,
                       "API keys: records were removed, changed, or older ones put back, outside "
                       "this program (once that is settled: system accept-keys)\n");
    return true;
}

// The master key cannot be read or is another store's: showing keys is lost, authentication is not.
static bool check_master_key(struct store *store, struct health *health, struct err *err)
{
    struct err reason = {0};
    if (store_unlock(store, &reason))
        return true;
    buf_add_format(&health->issues, "%s\n", reason.message);
    return reason.kind != ERR_MEMORY || err_memory(err);
}

// How many records of MCP servers cannot be used, and where the first of them is.
struct bad_servers {
    int64_t count;
    char config_name[LIMIT_NAME + 1];
};

static bool is_server_sound(const struct server_state *state)
{
    struct err reason;
    return state->damage.kind == ERR_NONE && server_record_check(state->record, &reason);
}

static bool check_config_servers(struct store *store, const struct config *config,
                                 struct bad_servers *bad, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct server server;
    enum step step;
    if (!server_query(store, config, PAGE_ALL, &stmt, err))
        return false;
    while ((step = server_next(stmt, &server, err)) == STEP_ROW) {
        struct server_state state AUTO(server_state_done);
        server_state_init(&state);
        if (!server_examine(store, config, &server, &state, err))
            return false;
        if (!is_server_sound(&state) && bad->count++ == 0)
            memcpy(bad->config_name, config->config_name, sizeof bad->config_name);
    }
    return step == STEP_END;
}

static bool check_servers(struct store *store, struct health *health, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct bad_servers bad = {0};
    struct config config;
    enum step step;
    if (!config_query(store, PAGE_ALL, &stmt, err))
        return false;
    while ((step = config_next(stmt, &config, err)) == STEP_ROW)
        if (!check_config_servers(store, &config, &bad, err))
            return false;
    if (bad.count > 0)
        buf_add_format(
            &health->issues,
            "MCP servers whose records are damaged, show secrets or were changed outside this "
            "program: %lld, the first in config %s (which: config validate)\n",
            (long long)bad.count, bad.config_name);
    return step == STEP_END;
}

// What others can read of the store's files is an issue: addresses and names are in the clear, and
// keys are sealed only as well as the key files are kept.
static void check_mode(const char *path, bool folder, struct health *health)
{
    struct stat status;
    if (lstat(path, &status) != 0 || S_ISLNK(status.st_mode) || (status.st_mode & 077) == 0)
        return;
    bool writable = (status.st_mode & 022) != 0;
    buf_add_format(writable || !folder ? &health->issues : &health->warnings,
                   "%s can be %s by others (mode %04o)\n", path,
                   writable ? "changed"
                   : folder ? "reached"
                            : "read",
                   (unsigned)status.st_mode & 07777);
}

// The files of a folder: of the home those that are named like ours.
static void check_files(const char *folder, const char *const *prefixes, struct health *health)
{
    char path[2 * LIMIT_PATH];
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        bool ours = !prefixes && entry->d_name[0] != '.';
        for (size_t i = 0; prefixes && prefixes[i]; i++)
            ours = ours || strncmp(entry->d_name, prefixes[i], strlen(prefixes[i])) == 0;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (ours)
            check_mode(path, false, health);
    }
    if (entries)
        (void)closedir(entries);
}

static void check_modes(const struct store *store, struct health *health)
{
    static const char *const ours[] = {"store.db", "master.key.", NULL};
    char backups[LIMIT_PATH + 16];
    (void)snprintf(backups, sizeof backups, "%s/backups", store->home);
    check_mode(store->home, true, health);
    check_mode(backups, true, health);
    if (!view_starts(view_of(store->path), view_of(store->home)))
        check_mode(store->path, false, health);
    check_files(store->home, ours, health);
    check_files(backups, NULL, health);
}

static void add_leftover(void *context, const char *path)
{
    struct buf *warnings = (struct buf *)context;
    buf_add_format(warnings, "%s was left by a command that was cut off and can be removed\n",
                   path);
}

// What operations on the whole store leave when they are cut off. Those under way leave nothing.
static bool check_remains(struct store *store, bool idle, struct health *health, struct err *err)
{
    bool pending;
    if (!idle)
        return true;
    whole_leftovers(store, add_leftover, &health->warnings);
    char draft[LIMIT_PATH + 32];
    (void)snprintf(draft, sizeof draft, "%s/" NEXT_MASTER_KEY_FILE ".new", store->home);
    if (!file_is_missing(draft))
        add_leftover(&health->warnings, draft);
    if (!rotation_is_pending(store, &pending, err))
        return false;
    if (pending)
        buf_add_format(&health->warnings, "an exchange of master.key was cut off: run system "
                                          "rotate-master-key again\n");
    return true;
}

static bool count_rows(struct store *store, struct health *health, struct err *err)
{
    return store_number(store, "SELECT count(*) FROM projects", BIND_NOTHING, &health->projects,
                        err) &&
           store_number(store, "SELECT count(*) FROM users", BIND_NOTHING, &health->users, err) &&
           store_number(store, "SELECT count(*) FROM configs", BIND_NOTHING, &health->configs,
                        err) &&
           store_number(store, "SELECT count(*) FROM api_keys", BIND_NOTHING, &health->api_keys,
                        err) &&
           store_number(store, "SELECT count(disabled_at) FROM api_keys", BIND_NOTHING,
                        &health->disabled_api_keys, err);
}

bool health_check(struct store *store, struct health *ret_health, struct err *err)
{
    struct health health = {0};
    struct key_sum sum = {0};
    buf_init(&health.issues, 1 << 20);
    buf_init(&health.warnings, 1 << 20);
    // From before the transaction's first reading: what it sees of them is then the present.
    int idle AUTO(descriptor_close) = whole_keep_idle(store);
    // First, so that an exchange of master.key in between is not taken for a wrong one.
    bool done =
        check_master_key(store, &health, err) && check_remains(store, idle >= 0, &health, err);
    descriptor_close(&idle); // a backup need not wait for the rest
    done = done && db_check(store->db, add_finding, &health.issues, err) &&
           check_keys(store, &health, &sum, err) && check_servers(store, &health, err) &&
           check_audit(store, &health, &sum, err) && count_rows(store, &health, err);
    check_modes(store, &health);
    if (!done || health.issues.failed || health.warnings.failed) {
        bool memory = done && err_memory(err);
        health_done(&health);
        return memory;
    }
    *ret_health = health;
    return true;
}

bool health_accept_keys(struct store *store, int64_t *ret_api_keys, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct key_sum sum = {0};
    struct api_key key;
    int64_t count = 0;
    enum step step;
    if (!api_key_query(store, (struct key_scope){0}, &stmt, err))
        return false;
    for (; (step = api_key_next(store, stmt, &key, err)) == STEP_ROW; count++) {
        if (!api_key_check_genuine(&key, err))
            return false;
        key_sum_add(&sum, key.mac, true);
    }
    *ret_api_keys = count;
    const struct audit_event event = {.action = "system.accept_keys"};
    return step == STEP_END && audit_set_keys(store, &sum, err) && audit_write(store, &event, err);
}

void health_done(struct health *health)
{
    buf_done(&health->issues);
    buf_done(&health->warnings);
}
