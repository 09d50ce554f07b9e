// key_file.c: see key_file.h.
#include "vault/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

static bool key_path(const char *home, const char *name, char ret_path[LIMIT_PATH], struct err *err)
{
    int size = snprintf(ret_path, LIMIT_PATH, "%s/%s", home, name);
    if (size < 0 || size >= LIMIT_PATH)
        return err_set(err, ERR_USAGE, "path_too_long", "The home's path is too long");
    return true;
}

static bool hint_chmod(const char *path, struct err *err)
{
    struct buf line AUTO(buf_done);
    buf_init(&line, 2 * LIMIT_PATH);
    text_add_shell_word(&line, view_of(path));
    return err_hint(err, "chmod 600 %.*s", VIEW_ARG(buf_view(&line)));
}

static bool check_file(const char *path, const struct stat *status, size_t size, struct err *err)
{
    if (!S_ISREG(status->st_mode) || size != KEY_FILE_SIZE) {
        err_set(err, ERR_INTEGRITY, "key_file_damaged",
                "The key file %.900s is damaged: it must hold exactly %d bytes", path,
                KEY_FILE_SIZE);
        return err_hint(err, "put back the copy of the key file that was kept with the backups");
    }
    if ((status->st_mode & 077) != 0) {
        err_set(err, ERR_INTEGRITY, "key_file_exposed",
                "The key file %.900s can be read by others (mode %04o)", path,
                (unsigned)status->st_mode & 07777);
        return hint_chmod(path, err);
    }
    return true;
}

bool key_file_read_path(const char *path, uint8_t ret_key[KEY_FILE_SIZE], struct err *err)
{
    struct stat status;
    struct buf content AUTO(buf_done);
    buf_init(&content, 4096);
    content.secret = true;
    if (file_is_missing(path)) {
        err_set(err, ERR_INTEGRITY, "key_file_missing", "The key file %.900s is missing", path);
        return err_hint(err, "put back the copy of the key file that was kept with the backups");
    }
    if (!file_read(path, &content, &status, err) || !check_file(path, &status, content.size, err))
        return false;
    memcpy(ret_key, content.data, KEY_FILE_SIZE);
    return true;
}

bool key_file_read(const char *home, const char *name, uint8_t ret_key[KEY_FILE_SIZE],
                   struct err *err)
{
    char path[LIMIT_PATH];
    return key_path(home, name, path, err) && key_file_read_path(path, ret_key, err);
}

// The home's lock keeps others away, so the temporary name is fixed: what a crash left of it is
// written over and not left lying about.
static bool write_durably(const char *home, const char *path, struct view content, struct err *err)
{
    char fresh[LIMIT_PATH + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    int descriptor AUTO(descriptor_close) =
        open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor < 0 || !file_write_all(descriptor, content) || fsync(descriptor) != 0 ||
        rename(fresh, path) != 0)
        return file_error(err, "create", path);
    return folder_sync(home, err);
}

bool key_file_renew(const char *home, const char *name, struct err *err)
{
    char path[LIMIT_PATH];
    uint8_t fresh[KEY_FILE_SIZE];
    if (!key_path(home, name, path, err))
        return false;
    randombytes_buf(fresh, sizeof fresh);
    bool done = write_durably(home, path, view_bytes(fresh, sizeof fresh), err);
    sodium_memzero(fresh, sizeof fresh);
    return done;
}

bool key_file_ensure(const char *home, const char *name, struct err *err)
{
    char path[LIMIT_PATH];
    if (!key_path(home, name, path, err))
        return false;
    return !file_is_missing(path) || key_file_renew(home, name, err);
}
