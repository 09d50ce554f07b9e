// test_backup.c: the header of a backup, and the sealed stream after it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "model/backup_file.h"
#include "vault/stream.h"
#include "vault/vault.h"

static char folder[] = "/tmp/test_backup.XXXXXX";
static struct vault *vault;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || !vault_start(&err) || !vault_open(folder, true, &vault, &err))
        return -1;
    return vault_unlock(vault, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    vault_free(&vault);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char paths[4][200];
    static size_t next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const struct backup_manifest example = {
    .created_at = 1752685320406902,
    .program = "0.1.0",
    .schema_version = 1,
    .users = 2,
    .projects = 3,
    .configs = 4,
    .api_keys = 5,
    .audit_records = 6,
    .audit_broken_at = 0,
    .size = 7,
    .digest = {1, 2, 3},
    .index_id = {4, 5},
    .master_id = {0xab, 0xcd},
};

static void header_round_trip(void **state)
{
    (void)state;
    struct backup_manifest found = {0};
    struct buf text;
    size_t size = 0;
    buf_init(&text, BACKUP_HEADER);
    backup_header_write(&text, &example);
    size_t header = text.size;
    buf_add(&text, VIEW("what follows\n"));
    assert_false(text.failed);
    assert_true(backup_header_read(buf_view(&text), &found, &size, &err));
    assert_int_equal(size, header);
    assert_memory_equal(&found, &example, sizeof found);
    // Every part of it is no header, and says so.
    for (size_t cut = 0; cut < header; cut++) {
        struct view part = {text.data, cut};
        assert_false(backup_header_read(part, &found, &size, &err));
        assert_int_equal(err.kind, ERR_INTEGRITY);
        assert_string_equal(err.code, cut < 26 ? "not_a_backup" : "backup_damaged");
    }
    buf_done(&text);
}

static void header_refuses(void **state)
{
    (void)state;
#define LINE "secure-mcp-gateway backup\n"
#define REST                                                                                       \
    "\"created_at\":\"2025-07-16T17:02:00.406902\",\"program\":\"0\",\"schema_version\":1,"        \
    "\"users\":1,\"projects\":1,\"configs\":1,\"api_keys\":1,\"audit_records\":1,"                 \
    "\"audit_broken_at\":0,\"size\":1,\"digest\":"                                                 \
    "\"0000000000000000000000000000000000000000000000000000000000000000\",\"index_id\":"           \
    "\"00000000000000000000000000000000\",\"master_id\":"
#define ID "\"00000000000000000000000000000000\""
    static const struct {
        const char *text, *code;
    } cases[] = {
        {LINE "{\"format\":1," REST ID "}\n", NULL},
        {LINE "{\"format\":1," REST ID ",\"more\":true}\n", NULL},
        {LINE "{\"format\":2," REST ID "}\n", "backup_from_future"},
        {LINE "{\"format\":2}\n", "backup_from_future"},
        {LINE "{\"format\":0," REST ID "}\n", "backup_damaged"},
        {LINE "{\"format\":1," REST "\"00\"}\n", "backup_damaged"},
        {LINE "{\"format\":1," REST "\"0000000000000000000000000000000g\"}\n", "backup_damaged"},
        {LINE "{\"format\":1," REST "7}\n", "backup_damaged"},
        {LINE "{\"format\":1," REST ID "}", "backup_damaged"},
        {LINE "[]\n", "backup_damaged"},
        {LINE "\n", "backup_damaged"},
        {LINE, "backup_damaged"},
        {"secure-mcp-gateway Backup\n{}\n", "not_a_backup"},
        {"", "not_a_backup"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct backup_manifest found;
        size_t size;
        err = (struct err){0};
        bool read = backup_header_read(view_of(cases[i].text), &found, &size, &err);
        assert_int_equal(read, cases[i].code == NULL);
        if (!read)
            assert_string_equal(err.code, cases[i].code);
    }
}

static void write_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        (void)fputc((int)(i * 7 % 251), file);
    assert_int_equal(fclose(file), 0);
}

static void seal(const char *from, const char *to)
{
    struct backup_manifest manifest = example;
    struct file_draft draft;
    assert_true(file_draft_open(&draft, to, &err));
    assert_true(backup_seal(vault, from, &manifest, &draft, NULL, &err));
    assert_true(file_draft_commit(&draft, &err));
}

static bool unseal(const char *from, const char *to)
{
    struct backup_source source = {.descriptor = -1};
    (void)unlink(to);
    bool done =
        backup_source_open(&source, from, &err) && backup_unseal(vault, &source, to, NULL, &err);
    backup_source_done(&source);
    return done;
}

static void assert_same_file(const char *a, const char *b)
{
    struct buf one, other;
    buf_init(&one, 1 << 22);
    buf_init(&other, 1 << 22);
    assert_true(file_read(a, &one, NULL, &err));
    assert_true(file_read(b, &other, NULL, &err));
    assert_true(view_equal(buf_view(&one), buf_view(&other)));
    buf_done(&one);
    buf_done(&other);
}

// Sizes around the edges of chunks come out as they went in; cut by a byte or longer by one, no.
static void stream_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, STREAM_CHUNK - 1, STREAM_CHUNK, STREAM_CHUNK + 1, 3 * STREAM_CHUNK};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const char *clear = path_of("clear"), *sealed = path_of("sealed"), *out = path_of("out");
        struct stat status;
        write_file(clear, sizes[i]);
        seal(clear, sealed);
        assert_int_equal(stat(sealed, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        assert_true(unseal(sealed, out));
        assert_same_file(clear, out);
        assert_int_equal(truncate(sealed, status.st_size + 1), 0);
        assert_false(unseal(sealed, out));
        assert_string_equal(err.code, "backup_damaged");
        assert_int_equal(truncate(sealed, status.st_size - 1), 0);
        assert_false(unseal(sealed, out));
        assert_string_equal(err.code, "backup_damaged");
    }
}

// Any changed byte after the header is noticed.
static void stream_notices_changes(void **state)
{
    (void)state;
    const char *clear = path_of("clear"), *sealed = path_of("sealed"), *out = path_of("out");
    struct stat status;
    write_file(clear, 500);
    seal(clear, sealed);
    assert_int_equal(stat(sealed, &status), 0);
    int file = open(sealed, O_RDWR);
    assert_true(file >= 0);
    for (off_t at = 0; at < status.st_size; at++) {
        char byte, changed;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        changed = (char)(byte ^ (1 << (at % 8)));
        assert_int_equal(pwrite(file, &changed, 1, at), 1);
        assert_false(unseal(sealed, out));
        assert_int_equal(err.kind, ERR_INTEGRITY);
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    (void)close(file);
    assert_true(unseal(sealed, out));
}

// Chunks of one stream do not fit into another, nor in another order.
static void stream_keeps_order(void **state)
{
    (void)state;
    uint8_t start[STREAM_START], first[4 + STREAM_EXTRA], second[4 + STREAM_EXTRA];
    char clear[4];
    bool last = true;
    struct stream *stream = NULL;
    assert_true(stream_seal_begin(vault, VIEW("context"), start, &stream, &err));
    stream_seal(stream, VIEW("1111"), false, first);
    stream_seal(stream, VIEW("2222"), true, second);
    stream_free(&stream);
    assert_true(stream_open_begin(vault, VIEW("context"), start, &stream, &err));
    assert_false(stream_open(stream, view_bytes(second, sizeof second), clear, &last));
    stream_free(&stream);
    assert_true(stream_open_begin(vault, VIEW("context"), start, &stream, &err));
    assert_true(stream_open(stream, view_bytes(first, sizeof first), clear, &last));
    assert_false(last);
    assert_memory_equal(clear, "1111", 4);
    assert_false(stream_open(stream, view_bytes(first, sizeof first), clear, &last));
    assert_true(stream_open(stream, view_bytes(second, sizeof second), clear, &last));
    assert_true(last);
    stream_free(&stream);
    assert_false(stream_open_begin(vault, VIEW("another context"), start, &stream, &err));
    assert_string_equal(err.code, "wrong_master_key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trip),  cmocka_unit_test(header_refuses),
        cmocka_unit_test(stream_of_any_size), cmocka_unit_test(stream_notices_changes),
        cmocka_unit_test(stream_keeps_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
