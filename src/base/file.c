// file.c: see file.h.
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

bool file_error(struct err *err, const char *what, const char *path)
{
    int number = errno;
    err_set(err, ERR_IO, "file_error", "Cannot %s %.900s: %s", what, path, strerror(number));
    if (number == EACCES || number == EPERM)
        err_hint(err, "check the owner and mode of the path, or choose another place");
    if (number == EROFS)
        err_hint(err, "the file system is read-only; choose another place");
    if (number == ENOSPC || number == EDQUOT)
        err_hint(err, "make room on the disk and run the command again");
    return false;
}

static bool too_large(const char *path, const struct buf *buf, struct err *err)
{
    return err_set(err, ERR_USAGE, "file_too_large", "%.900s holds more than %zu bytes", path,
                   buf->maximum);
}

static bool read_rest(int descriptor, const char *path, struct buf *buf, struct err *err)
{
    char chunk[16 * 1024];
    ssize_t got;
    while ((got = read(descriptor, chunk, sizeof chunk)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(err, "read", path);
        if ((size_t)got > buf->maximum - buf->size)
            break;
        buf_add(buf, view_bytes(chunk, (size_t)got));
        if (buf->failed)
            break;
    }
    explicit_bzero(chunk, sizeof chunk);
    if (buf->failed)
        return err_memory(err);
    return got == 0 || too_large(path, buf, err);
}

void descriptor_close(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
}

bool file_read(const char *path, struct buf *buf, struct stat *ret_status, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return read_rest(STDIN_FILENO, "standard input", buf, err);
    struct stat status;
    int descriptor AUTO(descriptor_close) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        return file_error(err, "open", path);
    if (S_ISREG(status.st_mode) && status.st_size > 0 && (size_t)status.st_size > buf->maximum)
        return too_large(path, buf, err);
    if (!read_rest(descriptor, path, buf, err))
        return false;
    if (ret_status)
        *ret_status = status;
    return true;
}

bool file_write_all(int descriptor, struct view bytes)
{
    while (bytes.size > 0) {
        ssize_t written = write(descriptor, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes = view_skip(bytes, (size_t)written);
    }
    return true;
}

bool folder_sync(const char *path, struct err *err)
{
    int descriptor AUTO(descriptor_close) = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 || fsync(descriptor) != 0)
        return file_error(err, "sync folder", path);
    return true;
}

bool file_is_missing(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

bool folder_of(const char *path, char ret_folder[LIMIT_PATH], struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t size = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (size >= LIMIT_PATH)
        return err_set(err, ERR_USAGE, "path_too_long", "The path is longer than %d bytes",
                       LIMIT_PATH - 1);
    (void)snprintf(ret_folder, LIMIT_PATH, "%.*s", slash ? (int)size : 1, slash ? path : ".");
    return true;
}

bool file_draft_open(struct file_draft *draft, const char *path, struct err *err)
{
    struct stat status;
    draft->descriptor = -1;
    draft->is_new = false;
    if (snprintf(draft->path, sizeof draft->path, "%s", path) >= (int)sizeof draft->path)
        return err_set(err, ERR_USAGE, "path_too_long", "The path is longer than %d bytes",
                       LIMIT_PATH - 1);
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return err_set(err, ERR_USAGE, "not_a_file", "%.900s is not a regular file", path);
    // The name is its own, so that another writer's unfinished file is never renamed into place.
    (void)snprintf(draft->temporary, sizeof draft->temporary, "%s.XXXXXX", path);
    draft->descriptor = mkostemp(draft->temporary, O_CLOEXEC);
    return draft->descriptor >= 0 || file_error(err, "create", path);
}

// Gives the draft its name. Where the file system cannot rename without writing over, a second
// name does it.
static bool take_name(const struct file_draft *draft)
{
    if (!draft->is_new)
        return rename(draft->temporary, draft->path) == 0;
    if (renameat2(AT_FDCWD, draft->temporary, AT_FDCWD, draft->path, RENAME_NOREPLACE) == 0)
        return true;
    if ((errno != EINVAL && errno != ENOSYS) || link(draft->temporary, draft->path) != 0)
        return false;
    (void)unlink(draft->temporary);
    return true;
}

static bool naming_error(struct err *err, const struct file_draft *draft)
{
    if (draft->is_new && errno == EEXIST)
        return err_set(err, ERR_CONFLICT, "file_exists",
                       "%.900s exists already and was not written over", draft->path);
    return file_error(err, "write", draft->path);
}

bool file_draft_commit(struct file_draft *draft, struct err *err)
{
    char folder[LIMIT_PATH];
    if (!folder_of(draft->path, folder, err)) {
        file_draft_drop(draft);
        return false;
    }
    if (fsync(draft->descriptor) != 0 || !take_name(draft)) {
        (void)naming_error(err, draft);
        file_draft_drop(draft);
        return false;
    }
    descriptor_close(&draft->descriptor);
    return folder_sync(folder, err);
}

void file_draft_drop(struct file_draft *draft)
{
    if (draft->descriptor >= 0)
        (void)unlink(draft->temporary);
    descriptor_close(&draft->descriptor);
}

// One folder whose parent is there; its name is durable.
static bool make_folder(const char *path, struct err *err)
{
    char parent[LIMIT_PATH];
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST || file_error(err, "create folder", path);
    return folder_of(path, parent, err) && folder_sync(parent, err);
}

bool folder_create(const char *path, struct err *err)
{
    char partial[LIMIT_PATH];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof partial)
        return err_set(err, ERR_USAGE, "path_too_long", "A folder's path has 1 to %d bytes",
                       LIMIT_PATH - 1);
    if (access(path, F_OK) == 0)
        return true;
    for (size_t i = 1; i < size; i++) {
        if (path[i] != '/' || path[i - 1] == '/')
            continue;
        (void)snprintf(partial, sizeof partial, "%.*s", (int)i, path);
        if (file_is_missing(partial) && !make_folder(partial, err))
            return false;
    }
    return path[size - 1] == '/' || make_folder(path, err);
}
