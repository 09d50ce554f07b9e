// op_system.c: `system …`: the store as a whole.
#include "base/text.h"
#include "model/backup.h"
#include "model/health.h"
#include "model/reset.h"
#include "model/restore.h"
#include "model/rotation.h"
#include "ops/show.h"
#include "ops/table.h"

// One array element for each line.
static size_t show_lines(struct out *out, const char *key, struct view lines)
{
    size_t count = 0;
    field_begin(out, key, '[');
    while (lines.size > 0) {
        const char *end = memchr(lines.data, '\n', lines.size);
        size_t size = end ? (size_t)(end - lines.data) : lines.size;
        out_text(out, (struct view){lines.data, size});
        lines = view_skip(lines, size + (end != NULL));
        count++;
    }
    out_end(out, ']');
    return count;
}

static void show_statistics(struct out *out, const struct health *health)
{
    field_begin(out, "statistics", '{');
    field_int(out, "total_projects", health->projects);
    field_int(out, "total_users", health->users);
    field_int(out, "total_configs", health->configs);
    field_int(out, "total_api_keys", health->api_keys);
    field_int(out, "disabled_api_keys", health->disabled_api_keys);
    out_end(out, '}');
}

static bool system_health_check(struct op_call *call, struct err *err)
{
    struct health health AUTO(health_done) = {0};
    struct out *out = call->out;
    if (!health_check(call->store, &health, err))
        return false;
    call->negative = health.issues.size > 0;
    out_begin(out, '{');
    field_time(out, "timestamp", call->store->now);
    field_string(out, "status", call->negative ? "unhealthy" : "healthy");
    size_t issues = show_lines(out, "issues", buf_view(&health.issues));
    (void)show_lines(out, "warnings", buf_view(&health.warnings));
    show_statistics(out, &health);
    out_end(out, '}');
    if (call->negative)
        err_set(err, ERR_INTEGRITY, "store_unhealthy", "The store is unhealthy: %zu issues",
                issues);
    return true;
}

static bool system_accept_keys(struct op_call *call, struct err *err)
{
    int64_t keys;
    if (!health_accept_keys(call->store, &keys, err))
        return false;
    out_begin(call->out, '{');
    field_int(call->out, "api_keys", keys);
    field_time(call->out, "accepted_at", call->store->now);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static void show_counts(struct out *out, const struct backup_manifest *manifest)
{
    field_int(out, "total_projects", manifest->projects);
    field_int(out, "total_users", manifest->users);
    field_int(out, "total_configs", manifest->configs);
    field_int(out, "total_api_keys", manifest->api_keys);
    field_int(out, "audit_records", manifest->audit_records);
}

static void show_digest(struct out *out, const struct backup_manifest *manifest)
{
    char digest[2 * VAULT_DIGEST + 1];
    text_hex(manifest->digest, sizeof manifest->digest, digest);
    field_string(out, "digest", digest);
}

static bool refuse_stream(const struct op_call *call, enum param param, struct err *err)
{
    return !view_is(call_text(call, param), "-") ||
           err_set(err, ERR_USAGE, "invalid_value", "--%s must name a file",
                   param_rows[param].name);
}

static bool system_backup(struct op_call *call, struct err *err)
{
    struct backup_manifest manifest;
    const char *path = call_text(call, P_OUTPUT_FILE).data;
    if (!refuse_stream(call, P_OUTPUT_FILE, err) ||
        !backup_store(call->store, path, &manifest, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "output_file", path);
    field_time(call->out, "created_at", manifest.created_at);
    show_counts(call->out, &manifest);
    show_digest(call->out, &manifest);
    out_end(call->out, '}');
    return true;
}

static bool system_restore(struct op_call *call, struct err *err)
{
    struct restore_report report;
    const struct restore_request request = {
        .path = call_text(call, P_INPUT_FILE).data,
        .master_key_file = call_text(call, P_MASTER_KEY_FILE).data,
        .dry_run = call_has(call, P_DRY_RUN),
    };
    if (!refuse_stream(call, P_INPUT_FILE, err) || !refuse_stream(call, P_MASTER_KEY_FILE, err) ||
        !restore_store(call->store, &request, &report, err))
        return false;
    out_begin(call->out, '{');
    field_string(call->out, "input_file", request.path);
    field_time(call->out, "backup_created_at", report.manifest.created_at);
    show_counts(call->out, &report.manifest);
    show_digest(call->out, &report.manifest);
    if (!request.dry_run && report.kept_aside)
        field_string(call->out, "kept_aside", report.aside);
    else if (!request.dry_run)
        field_null(call->out, "kept_aside");
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static bool system_reset(struct op_call *call, struct err *err)
{
    struct reset_report report;
    if (!refuse_stream(call, P_OUTPUT_FILE, err) ||
        !store_reset(call->store, call_text(call, P_OUTPUT_FILE).data, call_has(call, P_DRY_RUN),
                     &report, err))
        return false;
    out_begin(call->out, '{');
    field_int(call->out, "deleted_projects", report.backup.projects);
    field_int(call->out, "deleted_users", report.backup.users);
    field_int(call->out, "deleted_configs", report.backup.configs);
    field_int(call->out, "deleted_api_keys", report.backup.api_keys);
    if (!call_has(call, P_DRY_RUN))
        field_string(call->out, "backup_file", report.path);
    show_dry_run(call);
    out_end(call->out, '}');
    return true;
}

static bool system_rotate_master_key(struct op_call *call, struct err *err)
{
    struct rotation_report report;
    if (!master_key_rotate(call->store, &report, err))
        return false;
    out_begin(call->out, '{');
    field_time(call->out, "rotated_at", report.rotated_at);
    field_string(call->out, "previous_master_key", report.previous);
    out_end(call->out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "system",
        .verb = "health-check",
        .summary = "Examine the store, its keys, the audit chain and permissions",
        .notes =
            "Exits with 1 when there are issues; warnings alone do not make a store unhealthy.",
        .example = "system health-check",
        .run = system_health_check,
        .effect = EFFECT_READ,
    },
    {
        .group = "system",
        .verb = "accept-keys",
        .summary = "Accept the API keys as they are now, after outside changes were settled",
        .notes =
            "When health-check says that records of API keys were removed, changed or put back "
            "outside this program: look through list-all-api-keys and the audit, delete what "
            "does not belong, then accept the rest. Refused while a key is tampered.",
        .example = "system accept-keys --dry-run",
        .run = system_accept_keys,
        .destructive = true,
    },
    {
        .group = "system",
        .verb = "backup",
        .summary = "Write a sealed copy of the whole store to a file",
        .notes =
            "The store as it is at one moment, whoever works in it meanwhile. To be of use the "
            "file needs the key files index.key and master.key of the home: keep copies of "
            "them, and not beside the backup.",
        .example = "system backup --output-file monday.smgbackup",
        .run = system_backup,
        .effect = EFFECT_WHOLE,
        .writes_file = true,
        PARAMS({P_OUTPUT_FILE, MUST}),
        .helps = {{P_OUTPUT_FILE, "the file to write (mode 0600)"}},
    },
    {
        .group = "system",
        .verb = "restore",
        .summary = "Put the store back as a backup has it",
        .notes =
            "The backup is verified completely before anything is touched; --dry-run does only "
            "that. What the store was is kept beside it as store.db.before-restore-TIME. "
            "Changes made since the backup are undone: deleted keys work again, newer ones do "
            "not.",
        .example = "system restore --input-file monday.smgbackup --dry-run\n"
                   "system restore --input-file monday.smgbackup",
        .run = system_restore,
        .effect = EFFECT_WHOLE,
        .to_mend = true,
        .destructive = true,
        PARAMS({P_INPUT_FILE, MUST}, {P_MASTER_KEY_FILE, MAY}),
        .helps = {{P_INPUT_FILE, "the backup"}},
    },
    {
        .group = "system",
        .verb = "reset",
        .summary = "Remove all users, projects, configs and API keys",
        .notes =
            "A backup is written first, to --output-file or to the folder backups of the home. "
            "Key files and audit stay. --confirm is the consent: there is no question.",
        .example = "system reset --dry-run\n"
                   "system reset --confirm",
        .run = system_reset,
        .effect = EFFECT_WHOLE,
        .writes_file = true,
        PARAMS({P_CONFIRM, ONE_CONSENT}, {P_DRY_RUN, ONE_CONSENT}, {P_OUTPUT_FILE, MAY}),
        .helps = {{P_CONFIRM, "the consent: without it, or --dry-run, nothing is done"},
                  {P_OUTPUT_FILE, "the file for the backup (mode 0600)"}},
    },
    {
        .group = "system",
        .verb = "rotate-master-key",
        .summary = "Exchange the key file master.key",
        .notes =
            "API keys stay as they are. The old key file stays in the home as "
            "master.key.previous-TIME; it no longer opens the store, but backups made until now "
            "need it (system restore --master-key-file). Move it to where they are safe.",
        .example = "system rotate-master-key",
        .run = system_rotate_master_key,
        .effect = EFFECT_WHOLE,
    },
};

const struct op_table system_ops = {rows, COUNT_OF(rows)};
