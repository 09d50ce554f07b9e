// op_audit.c: `audit …`: reading and checking the record.
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "model/audit.h"
#include "ops/table.h"

enum { DETAIL_MEMORY = 256 * 1024 }; // bytes for reading one record's notes

// The notes are JSON that this program wrote; damaged ones are shown as text, not refused.
static void show_detail(struct out *out, struct view detail)
{
    struct arena arena AUTO(arena_done);
    const struct json_value *value;
    struct err ignored;
    arena_init(&arena, DETAIL_MEMORY);
    out_key(out, "detail");
    if (detail.data && json_parse(detail, &arena, &value, &ignored))
        json_copy_to_out(value, out);
    else
        out_text(out, detail);
}

// The mac goes only into exports: there it lets a copy be compared, in a list it is noise.
static void show_record(struct out *out, const struct audit_record *record, bool with_mac)
{
    char mac[2 * VAULT_DIGEST + 1];
    text_hex(record->mac, sizeof record->mac, mac);
    out_begin(out, '{');
    field_int(out, "seq", record->seq);
    field_time(out, "time", record->at);
    field_text(out, "actor", record->actor);
    field_text(out, "action", record->action);
    field_text(out, "command", record->command);
    field_text(out, "outcome", record->outcome);
    field_text(out, "user_id", record->user_id);
    field_text(out, "project_id", record->project_id);
    field_text(out, "mcp_config_id", record->config_id);
    field_text(out, "key_id", record->key_id);
    show_detail(out, record->detail);
    if (with_mac)
        field_string(out, "mac", mac);
    out_end(out, '}');
}

static bool read_after(struct op_call *call, int64_t *ret_after, struct err *err)
{
    struct view text = call_text(call, P_AFTER);
    int64_t after = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 15)
            return err_set(err, ERR_USAGE, "invalid_value",
                           "The value of --after is not valid: expected a record's seq");
        after = after * 10 + (text.data[i] - '0');
    }
    *ret_after = after;
    return true;
}

static bool audit_list(struct op_call *call, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct audit_record record;
    char target[UUID_TEXT] = "";
    if (call_has(call, P_TARGET) && text_copy(target, sizeof target, call_text(call, P_TARGET)))
        text_lower(target, sizeof target);
    struct audit_filter filter = {
        .since = call_number(call, P_SINCE),
        .limit = call_number(call, P_LIMIT),
        .actor = call_text(call, P_ACTOR),
        .action = call_text(call, P_ACTION),
        .target = target[0] ? view_of(target) : (struct view){NULL, 0},
    };
    enum step step;
    if (!read_after(call, &filter.after, err) || !audit_query(call->store, &filter, &stmt, err))
        return false;
    out_begin(call->out, '[');
    while ((step = audit_next(stmt, &record, err)) == STEP_ROW)
        show_record(call->out, &record, call_has(call, P_OUTPUT_FILE));
    out_end(call->out, ']');
    return step == STEP_END;
}

static bool audit_verify_op(struct op_call *call, struct err *err)
{
    struct audit_report report;
    struct out *out = call->out;
    char head[2 * VAULT_DIGEST + 1];
    if (!audit_verify(call->store, &report, err))
        return false;
    text_hex(report.head, sizeof report.head, head);
    call->negative = report.reason != NULL;
    out_begin(out, '{');
    field_string(out, "status", call->negative ? "broken" : "intact");
    field_int(out, "records", report.records);
    field_string(out, "head", head);
    if (call->negative) {
        field_int(out, "broken_at", report.broken_at);
        field_string(out, "reason", report.reason);
        err_set(err, ERR_INTEGRITY, "audit_broken", "The audit chain is broken at record %lld: %s",
                (long long)report.broken_at, report.reason);
    }
    out_end(out, '}');
    return true;
}

static const struct op rows[] = {
    {
        .group = "audit",
        .verb = "list",
        .summary = "List audit records, oldest first",
        .example = "audit list --since 2025-07-16 --action api_key.rotate\n"
                   "audit list --target 6469a670-1d64-4da5-b2b3-790de21ac726 --output table",
        .run = audit_list,
        .effect = EFFECT_READ,
        .fields =
            "seq,time,actor,action,command,outcome,user_id,project_id,mcp_config_id,key_id,detail",
        .columns = "seq,time,actor,action,outcome,detail",
        PARAMS({P_SINCE, MAY}, {P_ACTOR, MAY}, {P_ACTION, MAY}, {P_TARGET, MAY}, A_PAGE),
    },
    {
        .group = "audit",
        .verb = "verify",
        .summary = "Check the chain of records",
        .notes =
            "Exits with 1 and names the record when the chain is broken. Note the head elsewhere: "
            "a store put back to an older state shows an older head.",
        .example = "audit verify",
        .run = audit_verify_op,
        .effect = EFFECT_READ,
    },
    {
        .group = "audit",
        .verb = "export",
        .summary = "Write audit records to a file, one JSON object a line",
        .example = "audit export --output-file audit.jsonl",
        .run = audit_list,
        .effect = EFFECT_READ,
        .lines = true,
        .fields = "seq,time,actor,action,command,outcome,user_id,project_id,mcp_config_id,key_id,"
                  "detail,mac",
        .columns = "seq,time,actor,action,outcome,detail",
        PARAMS({P_SINCE, MAY}, {P_ACTOR, MAY}, {P_ACTION, MAY}, {P_TARGET, MAY},
               {P_OUTPUT_FILE, MUST}),
    },
};

const struct op_table audit_ops = {rows, COUNT_OF(rows)};
