// backup_header.c: see backup_header.h.
#include "model/backup_header.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/text.h"

static const struct view magic = {"secure-mcp-gateway backup\n", 26};

// The whole numbers of the manifest and where they are kept.
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"schema_version", offsetof(struct backup_manifest, schema_version)},
    {"users", offsetof(struct backup_manifest, users)},
    {"projects", offsetof(struct backup_manifest, projects)},
    {"configs", offsetof(struct backup_manifest, configs)},
    {"api_keys", offsetof(struct backup_manifest, api_keys)},
    {"audit_records", offsetof(struct backup_manifest, audit_records)},
    {"audit_broken_at", offsetof(struct backup_manifest, audit_broken_at)},
    {"size", offsetof(struct backup_manifest, size)},
};

static int64_t *number_at(struct backup_manifest *manifest, size_t i)
{
    return (int64_t *)(void *)((char *)manifest + numbers[i].offset);
}

void backup_header_write(struct buf *buf, const struct backup_manifest *manifest)
{
    struct json_out json;
    struct backup_manifest copy = *manifest;
    char hex[2 * VAULT_DIGEST + 1];
    buf_add(buf, magic);
    json_out_init(&json, buf, JSON_COMPACT);
    out_begin(&json.out, '{');
    field_int(&json.out, "format", BACKUP_FORMAT);
    field_time(&json.out, "created_at", manifest->created_at);
    field_string(&json.out, "program", manifest->program);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        field_int(&json.out, numbers[i].name, *number_at(&copy, i));
    text_hex(manifest->digest, sizeof manifest->digest, hex);
    field_string(&json.out, "digest", hex);
    text_hex(manifest->index_id, sizeof manifest->index_id, hex);
    field_string(&json.out, "index_id", hex);
    text_hex(manifest->master_id, sizeof manifest->master_id, hex);
    field_string(&json.out, "master_id", hex);
    out_end(&json.out, '}');
    buf_add_char(buf, '\n');
}

static bool damaged(struct err *err)
{
    err_set(err, ERR_INTEGRITY, "backup_damaged", "The backup is damaged");
    return err_hint(err, "use another copy of it; the store was not touched");
}

static bool check_format(const struct json_value *json, struct err *err)
{
    int64_t format;
    if (!json_int(json_member(json, "format"), &format) || format < 1)
        return damaged(err);
    if (format <= BACKUP_FORMAT)
        return true;
    err_set(err, ERR_INTEGRITY, "backup_from_future",
            "The backup was written by a newer version of this program (its format is %lld, this "
            "program knows up to %d)",
            (long long)format, BACKUP_FORMAT);
    return err_hint(err, "install the newer version again; the store was not touched");
}

static bool read_hex(const struct json_value *json, const char *name, uint8_t *ret_bytes,
                     size_t size)
{
    return text_from_hex(json_text(json_member(json, name)), ret_bytes, size);
}

static bool read_members(const struct json_value *json, struct backup_manifest *manifest)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t *number = number_at(manifest, i);
        if (!json_int(json_member(json, numbers[i].name), number) || *number < 0)
            return false;
    }
    return time_parse(json_text(json_member(json, "created_at")), &manifest->created_at) &&
           manifest->created_at > 0 && text_is_printable(json_text(json_member(json, "program"))) &&
           text_copy(manifest->program, sizeof manifest->program,
                     json_text(json_member(json, "program"))) &&
           read_hex(json, "digest", manifest->digest, sizeof manifest->digest) &&
           read_hex(json, "index_id", manifest->index_id, sizeof manifest->index_id) &&
           read_hex(json, "master_id", manifest->master_id, sizeof manifest->master_id);
}

bool backup_header_read(struct view text, struct backup_manifest *ret_manifest, size_t *ret_size,
                        struct err *err)
{
    struct backup_manifest manifest = {0};
    struct arena arena AUTO(arena_done);
    const struct json_value *json;
    struct err reason;
    arena_init(&arena, 1 << 20);
    if (!view_starts(text, magic)) {
        err_set(err, ERR_INTEGRITY, "not_a_backup", "The file is no backup of this program");
        return err_hint(err, "give a file that system backup has written; the store was not "
                             "touched");
    }
    struct view rest = view_skip(text, magic.size);
    const char *end = (const char *)memchr(rest.data, '\n', rest.size);
    if (!end)
        return damaged(err);
    if (!json_parse((struct view){rest.data, (size_t)(end - rest.data)}, &arena, &json, &reason))
        return reason.kind == ERR_MEMORY ? err_memory(err) : damaged(err);
    if (!check_format(json, err))
        return false;
    if (!read_members(json, &manifest))
        return damaged(err);
    *ret_manifest = manifest;
    *ret_size = (size_t)(end + 1 - text.data);
    return true;
}
