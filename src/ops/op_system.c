// op_system.c: `system …`: the store as a whole.
#include "model/health.h"
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
};

const struct op_table system_ops = {rows, COUNT_OF(rows)};
