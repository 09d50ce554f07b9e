// backup_file.c: see backup_file.h.
#include "model/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vault/stream.h"

// One chunk, clear and sealed.
struct chunk {
    char clear[STREAM_CHUNK];
    uint8_t sealed[STREAM_CHUNK + STREAM_EXTRA];
};

static void chunk_free(struct chunk **chunk)
{
    if (*chunk)
        explicit_bzero((*chunk)->clear, sizeof(*chunk)->clear);
    free(*chunk);
    *chunk = NULL;
}

// Reads until `size` bytes are there or the file ends. False with errno set.
static bool read_up_to(int descriptor, void *memory, size_t size, size_t *ret_size)
{
    size_t filled = 0;
    while (filled < size) {
        ssize_t got = read(descriptor, (char *)memory + filled, size - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        filled += (size_t)got;
    }
    *ret_size = filled;
    return true;
}

static bool open_database(const char *path, int *ret_descriptor, int64_t *ret_size, struct err *err)
{
    struct stat status;
    int descriptor AUTO(descriptor_close) = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        return file_error(err, "open", path);
    *ret_size = status.st_size;
    *ret_descriptor = descriptor;
    descriptor = -1;
    return true;
}

static bool measure(int descriptor, const char *path, struct chunk *chunk,
                    struct backup_manifest *manifest, struct err *err)
{
    struct digest digest;
    size_t size;
    digest_begin(&digest);
    do {
        if (!read_up_to(descriptor, chunk->clear, sizeof chunk->clear, &size))
            return file_error(err, "read", path);
        digest_add(&digest, view_bytes(chunk->clear, size));
    } while (size > 0);
    digest_end(&digest, manifest->digest);
    return lseek(descriptor, 0, SEEK_SET) == 0 || file_error(err, "read", path);
}

// What is being sealed, and where to.
struct sealing {
    int from;
    const char *path; // of `from`
    int64_t size;     // of `from`
    struct stream *stream;
    struct chunk *chunk;
    const struct file_draft *draft;
};

static bool write_chunks(struct sealing *sealing, struct progress *progress, struct err *err)
{
    struct chunk *chunk = sealing->chunk;
    int64_t done = 0;
    size_t size;
    do {
        if (!read_up_to(sealing->from, chunk->clear, sizeof chunk->clear, &size))
            return file_error(err, "read", sealing->path);
        done += (int64_t)size;
        stream_seal(sealing->stream, view_bytes(chunk->clear, size), size < sizeof chunk->clear,
                    chunk->sealed);
        if (!file_write_all(sealing->draft->descriptor,
                            view_bytes(chunk->sealed, size + STREAM_EXTRA)))
            return file_error(err, "write", sealing->draft->path);
        progress_tell(progress, "sealing", done, sealing->size > done ? sealing->size : done + 1);
    } while (size == sizeof chunk->clear);
    return done == sealing->size ||
           err_set(err, ERR_IO, "file_error", "%.900s changed while it was read", sealing->path);
}

bool backup_seal(const struct vault *vault, const char *path, struct backup_manifest *manifest,
                 const struct file_draft *draft, struct progress *progress, struct err *err)
{
    struct chunk *chunk AUTO(chunk_free) = (struct chunk *)malloc(sizeof *chunk);
    struct stream *stream AUTO(stream_free) = NULL;
    struct buf header AUTO(buf_done);
    uint8_t start[STREAM_START];
    int from AUTO(descriptor_close) = -1;
    buf_init(&header, BACKUP_HEADER);
    vault_master_id(vault, manifest->master_id);
    if (!chunk)
        return err_memory(err);
    if (!open_database(path, &from, &manifest->size, err) ||
        !measure(from, path, chunk, manifest, err))
        return false;
    backup_header_write(&header, manifest);
    if (header.failed)
        return err_memory(err);
    if (!stream_seal_begin(vault, buf_view(&header), start, &stream, err))
        return false;
    if (!file_write_all(draft->descriptor, buf_view(&header)) ||
        !file_write_all(draft->descriptor, view_bytes(start, sizeof start)))
        return file_error(err, "write", draft->path);
    struct sealing sealing = {from, path, manifest->size, stream, chunk, draft};
    return write_chunks(&sealing, progress, err);
}

bool backup_source_open(struct backup_source *source, const char *path, struct err *err)
{
    struct stat status;
    size_t size;
    source->path = path;
    source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (source->descriptor < 0 || fstat(source->descriptor, &status) != 0)
        return file_error(err, "open", path);
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_USAGE, "not_a_file", "%.900s is not a regular file", path);
    if (!read_up_to(source->descriptor, source->header, sizeof source->header, &size))
        return file_error(err, "read", path);
    if (!backup_header_read(view_bytes(source->header, size), &source->manifest,
                            &source->header_size, err))
        return false;
    return lseek(source->descriptor, (off_t)source->header_size, SEEK_SET) > 0 ||
           file_error(err, "read", path);
}

void backup_source_done(struct backup_source *source)
{
    descriptor_close(&source->descriptor);
}

static bool damaged(struct err *err)
{
    err_set(err, ERR_INTEGRITY, "backup_damaged",
            "The backup is damaged: it was cut off or changed");
    return err_hint(err, "use another copy of it; the store was not touched");
}

// What is being opened, and where to.
struct opening {
    const struct backup_source *source;
    struct stream *stream;
    struct chunk *chunk;
    int to;
    const char *path; // of `to`
    struct digest digest;
    int64_t size; // so far
};

// Opens one chunk and writes it down. A chunk after the last one is damage.
static bool read_chunk(struct opening *opening, bool *ret_last, struct err *err)
{
    struct chunk *chunk = opening->chunk;
    size_t size;
    if (!read_up_to(opening->source->descriptor, chunk->sealed, sizeof chunk->sealed, &size))
        return file_error(err, "read", opening->source->path);
    if (size < STREAM_EXTRA ||
        !stream_open(opening->stream, view_bytes(chunk->sealed, size), chunk->clear, ret_last))
        return damaged(err);
    struct view clear = view_bytes(chunk->clear, size - STREAM_EXTRA);
    opening->size += (int64_t)clear.size;
    if (opening->size > opening->source->manifest.size)
        return damaged(err);
    digest_add(&opening->digest, clear);
    return file_write_all(opening->to, clear) || file_error(err, "write", opening->path);
}

static bool read_chunks(struct opening *opening, struct progress *progress, struct err *err)
{
    const struct backup_manifest *manifest = &opening->source->manifest;
    uint8_t digest[VAULT_DIGEST];
    size_t after;
    bool last = false;
    digest_begin(&opening->digest);
    while (!last) {
        if (!read_chunk(opening, &last, err))
            return false;
        progress_tell(progress, "opening", opening->size, manifest->size + 1);
    }
    digest_end(&opening->digest, digest);
    if (!read_up_to(opening->source->descriptor, opening->chunk->sealed, 1, &after))
        return file_error(err, "read", opening->source->path);
    if (after > 0 || opening->size != manifest->size ||
        !vault_equal(digest, manifest->digest, sizeof digest))
        return damaged(err);
    return true;
}

// Whether the fingerprint in the header names this vault's master key.
static bool check_master_key(const struct vault *vault, const struct backup_source *source,
                             struct err *err)
{
    uint8_t master_id[VAULT_ID];
    vault_master_id(vault, master_id);
    if (vault_equal(master_id, source->manifest.master_id, sizeof master_id))
        return true;
    err_set(err, ERR_INTEGRITY, "wrong_master_key",
            "The backup was sealed with another master key");
    return err_hint(err, "give the key file that was master.key at that time with "
                         "--master-key-file; the store was not touched");
}

bool backup_unseal(const struct vault *vault, const struct backup_source *source, const char *path,
                   struct progress *progress, struct err *err)
{
    struct chunk *chunk AUTO(chunk_free) = (struct chunk *)malloc(sizeof *chunk);
    struct stream *stream AUTO(stream_free) = NULL;
    uint8_t start[STREAM_START];
    size_t size;
    if (!chunk)
        return err_memory(err);
    if (!check_master_key(vault, source, err))
        return false;
    if (!read_up_to(source->descriptor, start, sizeof start, &size))
        return file_error(err, "read", source->path);
    if (size < sizeof start)
        return damaged(err);
    // The key is the right one, so what cannot be opened was changed.
    if (!stream_open_begin(vault, view_bytes(source->header, source->header_size), start, &stream,
                           err))
        return err->kind == ERR_INTEGRITY ? damaged(err) : false;
    int to AUTO(descriptor_close) =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return file_error(err, "create", path);
    struct opening opening = {
        .source = source, .stream = stream, .chunk = chunk, .to = to, .path = path};
    return read_chunks(&opening, progress, err);
}
