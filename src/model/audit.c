// audit.c: see audit.h.
#include "model/audit.h"

#include <string.h>

#include "base/json_out.h"

#define AUDIT_COLUMNS                                                                              \
    "seq, at, actor, action, command, outcome, user_id, project_id, config_id, key_id, detail, "   \
    "mac"

// The end of the chain.
struct head {
    int64_t seq;               // of the last record; 0: there is none
    uint8_t mac[VAULT_DIGEST]; // of the last record
    struct key_sum keys;
    bool sealed; // the stored seal is the one over all of this
};

static void head_seal(const struct store *store, const struct head *head,
                      uint8_t ret_seal[VAULT_DIGEST])
{
    struct mac state;
    mac_begin(&state, store->vault, MAC_AUDIT_HEAD);
    mac_add_int(&state, head->seq);
    mac_add(&state, view_bytes(head->mac, sizeof head->mac));
    for (size_t i = 0; i < COUNT_OF(head->keys.lanes); i++)
        mac_add_int(&state, (int64_t)head->keys.lanes[i]);
    mac_end(&state, ret_seal);
}

// The hash of a record that follows one with `previous`.
static void record_mac(const struct store *store, const struct audit_record *record,
                       const uint8_t previous[VAULT_DIGEST], uint8_t ret_mac[VAULT_DIGEST])
{
    struct mac state;
    mac_begin(&state, store->vault, MAC_AUDIT_RECORD);
    mac_add(&state, view_bytes(previous, VAULT_DIGEST));
    mac_add_int(&state, record->seq);
    mac_add_int(&state, record->at);
    mac_add(&state, record->actor);
    mac_add(&state, record->action);
    mac_add(&state, record->command);
    mac_add(&state, record->outcome);
    mac_add(&state, record->user_id);
    mac_add(&state, record->project_id);
    mac_add(&state, record->config_id);
    mac_add(&state, record->key_id);
    mac_add(&state, record->detail);
    mac_end(&state, ret_mac);
}

static void copy_mac(struct view blob, uint8_t ret_mac[VAULT_DIGEST])
{
    memset(ret_mac, 0, VAULT_DIGEST);
    if (blob.size == VAULT_DIGEST)
        memcpy(ret_mac, blob.data, VAULT_DIGEST);
}

static bool read_head(struct store *store, struct head *ret_head, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct head head = {0};
    uint8_t stored[VAULT_DIGEST], seal[VAULT_DIGEST];
    if (!db_query(store->db,
                  "SELECT seal, seq, mac, keys FROM (SELECT 1) LEFT JOIN audit_head ON one = 1 "
                  "LEFT JOIN audit ON seq = (SELECT max(seq) FROM audit WHERE seq < 1 << 62)",
                  BIND_NOTHING, &stmt, err) ||
        stmt_step(stmt, err) != STEP_ROW)
        return false;
    copy_mac(stmt_blob(stmt, 0), stored);
    head.seq = stmt_int(stmt, 1);
    copy_mac(stmt_blob(stmt, 2), head.mac);
    struct view keys = stmt_blob(stmt, 3);
    if (keys.size == sizeof head.keys)
        memcpy(&head.keys, keys.data, sizeof head.keys);
    head_seal(store, &head, seal);
    head.sealed = vault_equal(stored, seal, sizeof seal);
    *ret_head = head;
    return true;
}

static bool insert_record(struct store *store, const struct audit_record *record, struct err *err)
{
    return db_run(store->db,
                  "INSERT INTO audit(" AUDIT_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  BIND(v_int(record->seq), v_int(record->at), v_view(record->actor),
                       v_view(record->action), v_view(record->command), v_view(record->outcome),
                       v_view(record->user_id), v_view(record->project_id),
                       v_view(record->config_id), v_view(record->key_id), v_view(record->detail),
                       v_blob(record->mac, VAULT_DIGEST)),
                  err);
}

// Puts `record` after the last one, and moves `head` to it.
static bool append(struct store *store, struct audit_record *record, struct head *head,
                   struct err *err)
{
    record->seq = head->seq + 1;
    record->at = store->now;
    record->actor = view_of(store->actor);
    record->command = view_of(store->command);
    record_mac(store, record, head->mac, record->mac);
    if (!insert_record(store, record, err))
        return false;
    head->seq = record->seq;
    memcpy(head->mac, record->mac, sizeof head->mac);
    return true;
}

static bool write_head(struct store *store, const struct head *head, struct err *err)
{
    uint8_t seal[VAULT_DIGEST];
    head_seal(store, head, seal);
    return db_run(store->db, "INSERT OR REPLACE INTO audit_head(one, keys, seal) VALUES(1, ?, ?)",
                  BIND(v_blob(&head->keys, sizeof head->keys), v_blob(seal, sizeof seal)), err);
}

// The notes as a JSON object; nothing when there are none.
static void write_notes(struct buf *buf, const struct audit_event *event)
{
    struct json_out json;
    json_out_init(&json, buf, JSON_COMPACT);
    for (size_t i = 0; i < AUDIT_NOTES; i++) {
        if (!event->notes[i].text.data)
            continue;
        if (json.depth == 0)
            out_begin(&json.out, '{');
        field_text(&json.out, event->notes[i].name, event->notes[i].text);
    }
    if (json.depth > 0)
        out_end(&json.out, '}');
}

void audit_key_row(struct store *store, const uint8_t mac[VAULT_DIGEST], bool added)
{
    key_sum_add(&store->key_change, mac, added);
}

bool audit_set_keys(struct store *store, const struct key_sum *present, struct err *err)
{
    struct head head;
    if (!read_head(store, &head, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(head.keys.lanes); i++)
        store->key_change.lanes[i] = present->lanes[i] - head.keys.lanes[i];
    return true;
}

// The set of keys as the transaction leaves it.
static void apply_key_change(struct store *store, struct head *head)
{
    for (size_t i = 0; i < COUNT_OF(head->keys.lanes); i++)
        head->keys.lanes[i] += store->key_change.lanes[i];
    store->key_change = (struct key_sum){0};
}

bool audit_write(struct store *store, const struct audit_event *event, struct err *err)
{
    struct buf detail AUTO(buf_done);
    struct head head;
    buf_init(&detail, LIMIT_AUDIT_DETAIL);
    write_notes(&detail, event);
    if (detail.failed)
        return err_memory(err);
    if (!read_head(store, &head, err))
        return false;
    struct audit_record broken = {.action = VIEW("audit.chain_broken"),
                                  .outcome = VIEW("integrity")};
    if (!head.sealed && !append(store, &broken, &head, err))
        return false;
    struct audit_record record = {
        .action = view_of(event->action),
        .outcome = event->refused ? VIEW("refused") : VIEW("done"),
        .user_id = view_of(event->user_id),
        .project_id = view_of(event->project_id),
        .config_id = view_of(event->config_id),
        .key_id = view_of(event->key_id),
        .detail = buf_view(&detail),
    };
    apply_key_change(store, &head);
    return append(store, &record, &head, err) && write_head(store, &head, err);
}

bool audit_start(struct store *store, struct err *err)
{
    const struct head nothing = {0};
    return write_head(store, &nothing, err);
}

bool audit_query(struct store *store, const struct audit_filter *filter, struct stmt **ret_stmt,
                 struct err *err)
{
    return db_query(store->db,
                    "SELECT " AUDIT_COLUMNS " FROM audit WHERE seq > ?1 AND at >= ?2"
                    " AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR action = ?4)"
                    " AND (?5 IS NULL OR ?5 IN (user_id, project_id, config_id, key_id))"
                    " ORDER BY seq LIMIT ?6",
                    BIND(v_int(filter->after ? filter->after : INT64_MIN),
                         v_int(filter->since ? filter->since : INT64_MIN), v_view(filter->actor),
                         v_view(filter->action), v_view(filter->target), v_limit(filter->limit)),
                    ret_stmt, err);
}

enum step audit_next(struct stmt *stmt, struct audit_record *ret_record, struct err *err)
{
    enum step step = stmt_step(stmt, err);
    if (step != STEP_ROW)
        return step;
    *ret_record = (struct audit_record){
        .seq = stmt_int(stmt, 0),
        .at = stmt_int(stmt, 1),
        .actor = stmt_text(stmt, 2),
        .action = stmt_text(stmt, 3),
        .command = stmt_text(stmt, 4),
        .outcome = stmt_text(stmt, 5),
        .user_id = stmt_text(stmt, 6),
        .project_id = stmt_text(stmt, 7),
        .config_id = stmt_text(stmt, 8),
        .key_id = stmt_text(stmt, 9),
        .detail = stmt_text(stmt, 10),
    };
    copy_mac(stmt_blob(stmt, 11), ret_record->mac);
    return step;
}

// Why `record` does not follow the record before it; NULL when it does.
static const char *break_before(const struct store *store, const struct audit_record *record,
                                int64_t previous_seq, const uint8_t previous[VAULT_DIGEST])
{
    uint8_t mac[VAULT_DIGEST];
    if (record->seq != previous_seq + 1)
        return "records before it were removed";
    record_mac(store, record, previous, mac);
    if (!vault_equal(mac, record->mac, sizeof mac))
        return "it was changed, or the one before it was";
    if (view_is(record->action, "audit.chain_broken"))
        return "it reports that records before it were changed or removed";
    return NULL;
}

bool audit_verify(struct store *store, struct audit_report *ret_report, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct audit_report report = {0};
    struct audit_record record;
    const struct audit_filter all = {0};
    struct head head;
    int64_t last = 0;
    enum step step;
    if (!audit_query(store, &all, &stmt, err))
        return false;
    while ((step = audit_next(stmt, &record, err)) == STEP_ROW) {
        const char *reason = break_before(store, &record, last, report.head);
        if (reason && !report.reason) {
            report.reason = reason;
            report.broken_at = record.seq;
        }
        last = record.seq;
        memcpy(report.head, record.mac, sizeof report.head);
        report.records++;
    }
    if (step == STEP_FAILED || !read_head(store, &head, err))
        return false;
    if ((!head.sealed || head.seq != last) && !report.reason) {
        report.reason = "records after it were removed";
        report.broken_at = head.seq;
    }
    report.keys = head.keys;
    *ret_report = report;
    return true;
}
