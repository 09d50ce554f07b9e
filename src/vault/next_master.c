// next_master.c: see next_master.h.
#include "vault/next_master.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "vault/key_file.h"
#include "vault/wrap.h"

enum { PATH_ROOM = LIMIT_PATH + 64 };

static void path_of(const struct vault *vault, const char *name, const char *stamp,
                    char ret_path[PATH_ROOM])
{
    (void)snprintf(ret_path, PATH_ROOM, "%s/%s%s", vault_home(vault), name, stamp);
}

bool next_master_make(const struct vault *vault, struct vault **ret_next, struct err *err)
{
    struct vault *next AUTO(vault_free) = NULL;
    char path[PATH_ROOM];
    path_of(vault, NEXT_MASTER_KEY_FILE, "", path);
    if (!key_file_renew(vault_home(vault), NEXT_MASTER_KEY_FILE, err) ||
        !vault_open(vault_home(vault), false, &next, err) || !vault_unlock_from(next, path, err))
        return false;
    *ret_next = TAKE(next);
    return true;
}

bool next_master_keep_old(const struct vault *vault, const char *stamp, struct err *err)
{
    char path[PATH_ROOM], kept[PATH_ROOM];
    path_of(vault, MASTER_KEY_FILE, "", path);
    path_of(vault, MASTER_KEY_FILE ".previous-", stamp, kept);
    if (link(path, kept) != 0)
        return file_error(err, "create", kept);
    return folder_sync(vault_home(vault), err);
}

bool next_master_install(const struct vault *vault, struct err *err)
{
    char path[PATH_ROOM], next[PATH_ROOM];
    path_of(vault, MASTER_KEY_FILE, "", path);
    path_of(vault, NEXT_MASTER_KEY_FILE, "", next);
    if (rename(next, path) != 0)
        return file_error(err, "replace", path);
    return folder_sync(vault_home(vault), err);
}

void next_master_drop(const struct vault *vault, const char *stamp)
{
    char path[PATH_ROOM];
    path_of(vault, NEXT_MASTER_KEY_FILE, "", path);
    (void)unlink(path);
    path_of(vault, MASTER_KEY_FILE ".previous-", stamp, path);
    (void)unlink(path);
}

bool next_master_is_left(const struct vault *vault)
{
    char path[PATH_ROOM];
    path_of(vault, NEXT_MASTER_KEY_FILE, "", path);
    return access(path, F_OK) == 0;
}
