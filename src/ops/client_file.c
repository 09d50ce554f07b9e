// client_file.c: see client_file.h.
#include "ops/client_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { BACKUPS_LOOKED_AT = 32, LOCK_PAUSES = 500 };

static bool file_trouble(struct err *err)
{
    err->hint[0] = '\0';
    return err_hint(err, "check the owner and mode of the path, or name another file with "
                         "--config-file");
}

// Where the file is, all links followed; `*ret_found` tells whether it is there.
static bool resolve(const char *path, char ret_path[LIMIT_PATH], bool *ret_found, struct err *err)
{
    struct stat link;
    char *real = realpath(path, NULL);
    if (!real && errno != ENOENT && errno != ENOTDIR)
        return file_error(err, "open", path) || file_trouble(err);
    if (!real && lstat(path, &link) == 0)
        return err_set(err, ERR_PRECONDITION, "dangling_link",
                       "%.900s is a link to a file that does not exist", path);
    int size = snprintf(ret_path, LIMIT_PATH, "%s", real ? real : path);
    *ret_found = real != NULL;
    free(real);
    return size < LIMIT_PATH ||
           err_set(err, ERR_USAGE, "path_too_long", "The path of the client's file is too long");
}

static bool make_folder(const char *path, struct err *err)
{
    char folder[LIMIT_PATH];
    return folder_of(path, folder, err) && (folder_create(folder, err) || file_trouble(err));
}

// Waits a while for others of our kind. Where the file system knows no locks, the comparison before
// the renaming has to do.
static bool lock_folder(struct client_file *file, struct err *err)
{
    static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    char folder[LIMIT_PATH];
    if (!folder_of(file->path, folder, err))
        return false;
    file->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->lock < 0)
        return true; // what is wrong with it shows at once
    for (int i = 0; flock(file->lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return true;
        if (i >= LOCK_PAUSES)
            return err_set(err, ERR_BUSY, "folder_locked",
                           "Another command is changing a file in %.900s", folder);
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static bool read_text(struct client_file *file, const char *path, struct err *err)
{
    if (stat(file->path, &file->status) != 0)
        return file_error(err, "open", path) || file_trouble(err);
    if (!S_ISREG(file->status.st_mode))
        return err_set(err, ERR_USAGE, "not_a_file", "%.900s is not a regular file", path);
    if (!file_read(file->path, &file->text, &file->status, err))
        return file_trouble(err);
    file->exists = true;
    return true;
}

bool client_file_open(struct client_file *file, const char *path, enum client_access access,
                      struct err *err)
{
    char again[LIMIT_PATH];
    bool found;
    buf_init(&file->text, LIMIT_INPUT_FILE);
    file->text.secret = true; // other servers' keys may stand there
    file->exists = false;
    file->lock = -1;
    if (!resolve(path, file->path, &found, err) ||
        (access == CLIENT_MAKES && !found && !make_folder(file->path, err)))
        return false;
    if (access != CLIENT_LOOKS) {
        // Who had the lock may have made the file, or put another in the place of a link.
        if (!lock_folder(file, err) || !resolve(path, again, &found, err))
            return false;
        memcpy(file->path, again, sizeof again);
    }
    return !found || read_text(file, path, err);
}

void client_file_done(struct client_file *file)
{
    if (file->text.maximum > 0) // it was opened
        descriptor_close(&file->lock);
    buf_done(&file->text);
}

// Whether the file has still the bytes that were read: some programs write without changing the
// size, and a clock's tick is long.
static bool has_same_text(const struct client_file *file)
{
    struct buf now AUTO(buf_done);
    struct err ignored;
    buf_init(&now, LIMIT_INPUT_FILE);
    now.secret = true;
    return file_read(file->path, &now, NULL, &ignored) &&
           view_equal(buf_view(&now), buf_view(&file->text));
}

static bool check_unchanged(const struct client_file *file, struct err *err)
{
    struct stat now;
    const struct stat *then = &file->status;
    bool exists = stat(file->path, &now) == 0;
    if (exists == file->exists &&
        (!exists || (now.st_ino == then->st_ino && now.st_size == then->st_size &&
                     now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
                     now.st_mtim.tv_nsec == then->st_mtim.tv_nsec && has_same_text(file))))
        return true;
    err_set(err, ERR_BUSY, "file_changed", "%.900s was changed by another program meanwhile",
            file->path);
    return err_hint(err, "close the client and run the command again");
}

// Nobody's write bit counts even for root, who could write all the same: it is a wish.
static bool check_writable(const struct client_file *file, struct err *err)
{
    if (!file->exists || ((file->status.st_mode & 0222) != 0 && access(file->path, W_OK) == 0))
        return true;
    err_set(err, ERR_PRECONDITION, "file_read_only", "%.900s is read-only", file->path);
    return err_hint(err, "make it writable (chmod u+w), or name another file with --config-file");
}

// Gives a new file the owner and mode of the old one.
static bool dress(const struct client_file *file, int descriptor, bool secret, struct err *err)
{
    mode_t mode = file->status.st_mode & (secret ? 0700 : 0777);
    bool foreign = file->status.st_uid != geteuid() || file->status.st_gid != getegid();
    if (!file->exists)
        return true; // 0600, ours
    if (foreign && fchown(descriptor, file->status.st_uid, file->status.st_gid) != 0)
        return file_error(err, "keep the owner of", file->path) || file_trouble(err);
    return fchmod(descriptor, mode) == 0 || file_error(err, "keep the mode of", file->path) ||
           file_trouble(err);
}

static bool make_backup(const struct client_file *file, char backup[BACKUP_PATH], struct err *err)
{
    char stamp[TIME_TEXT];
    time_stamp(clock_now(), stamp);
    (void)snprintf(backup, BACKUP_PATH, "%s.backup-%s", file->path, stamp);
    int descriptor AUTO(descriptor_close) =
        open(backup, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        (void)file_error(err, "create", backup);
        backup[0] = '\0';
        return file_trouble(err);
    }
    if (!dress(file, descriptor, false, err))
        return false;
    return (file_write_all(descriptor, buf_view(&file->text)) && fsync(descriptor) == 0) ||
           file_error(err, "write", backup) || file_trouble(err);
}

static bool write_new(const struct client_file *file, struct view text, bool secret,
                      struct err *err)
{
    struct file_draft draft;
    if (!file_draft_open(&draft, file->path, err))
        return file_trouble(err);
    bool good = dress(file, draft.descriptor, secret, err);
    if (good && !file_write_all(draft.descriptor, text))
        good = file_error(err, "write", file->path) || file_trouble(err);
    if (good && check_unchanged(file, err))
        return file_draft_commit(&draft, err) || file_trouble(err);
    file_draft_drop(&draft);
    return false;
}

bool client_file_replace(struct client_file *file, struct view text, bool secret, char *ret_backup,
                         struct err *err)
{
    char backup[BACKUP_PATH] = "";
    if (!check_writable(file, err))
        return false;
    bool good = !file->exists || !ret_backup || make_backup(file, backup, err);
    good = good && write_new(file, text, secret, err);
    if (!good && backup[0])
        (void)unlink(backup);
    if (good && ret_backup)
        (void)snprintf(ret_backup, BACKUP_PATH, "%s", backup);
    return good;
}

bool client_file_remove(struct client_file *file, unsigned folders, struct err *err)
{
    char path[LIMIT_PATH];
    if (!check_writable(file, err) || !check_unchanged(file, err))
        return false;
    if (unlink(file->path) != 0)
        return file_error(err, "remove", file->path) || file_trouble(err);
    (void)snprintf(path, sizeof path, "%s", file->path);
    for (; folders > 0; folders--) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            break;
        *slash = '\0';
        if (rmdir(path) != 0)
            break;
    }
    return true;
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static bool look_at(const char *path, bool (*look)(void *context, struct view text), void *context)
{
    struct buf text AUTO(buf_done);
    struct stat status;
    struct err ignored;
    buf_init(&text, LIMIT_INPUT_FILE);
    text.secret = true;
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           file_read(path, &text, NULL, &ignored) && look(context, buf_view(&text));
}

bool client_file_search_backups(const struct client_file *file,
                                bool (*look)(void *context, struct view text), void *context,
                                char ret_path[BACKUP_PATH])
{
    struct dirent **entries = NULL;
    char folder[LIMIT_PATH], prefix[BACKUP_PATH], path[BACKUP_PATH];
    const char *slash = strrchr(file->path, '/');
    const char *name = slash ? slash + 1 : file->path;
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(name - file->path) : 1,
                   slash ? file->path : ".");
    (void)snprintf(prefix, sizeof prefix, "%s.backup-", name);
    int count = scandir(folder, &entries, NULL, newest_first), looked_at = 0;
    bool found = false;
    for (int i = 0; i < count; i++) {
        bool ours = strncmp(entries[i]->d_name, prefix, strlen(prefix)) == 0;
        int size = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (ours && !found && size < (int)sizeof path && looked_at++ < BACKUPS_LOOKED_AT &&
            look_at(path, look, context)) {
            (void)snprintf(ret_path, BACKUP_PATH, "%s", path);
            found = true;
        }
        free(entries[i]);
    }
    free((void *)entries);
    return found;
}
