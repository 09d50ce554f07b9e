// whole.c: see whole.h.
#include "model/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static const char *const files[WHOLE_FILES] = {
    [WHOLE_LIVE] = "",
    [WHOLE_SNAPSHOT] = ".snapshot",
    [WHOLE_ASIDE] = ".aside",
    [WHOLE_FRESH] = ".new",
};
static const char *const parts[WHOLE_PARTS] = {"", "-journal", "-wal", "-shm"};

void whole_path(const char *database, enum whole_file file, size_t part, char ret_path[WHOLE_PATH])
{
    (void)snprintf(ret_path, WHOLE_PATH, "%s%s%s", database, files[file], parts[part]);
}

void whole_remove(const char *database, enum whole_file file)
{
    char name[WHOLE_PATH];
    for (size_t part = 0; part < WHOLE_PARTS; part++) {
        whole_path(database, file, part, name);
        (void)unlink(name);
    }
}

// Takes the home's lock as a database's is taken: within LIMIT_BUSY_MS.
static bool take_turn(const struct store *store, int lock, struct err *err)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    for (int waited_ms = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; waited_ms += 10) {
        if (errno != EWOULDBLOCK)
            return file_error(err, "lock", store->home);
        if (waited_ms >= LIMIT_BUSY_MS) {
            err_set(err, ERR_BUSY, "store_busy",
                    "The store is busy: another backup, restore, reset or rotation has run for %d "
                    "seconds",
                    LIMIT_BUSY_MS / 1000);
            return err_hint(err, "run the command again when the other one has finished");
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

static void remove_working_files(const struct whole *whole)
{
    whole_remove(whole->database, WHOLE_SNAPSHOT);
    whole_remove(whole->database, WHOLE_ASIDE);
}

bool whole_begin(struct store *store, struct whole *whole, struct err *err)
{
    whole->database = store->path;
    whole_path(store->path, WHOLE_SNAPSHOT, 0, whole->snapshot);
    whole_path(store->path, WHOLE_ASIDE, 0, whole->aside);
    whole->lock = open(store->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (whole->lock < 0)
        return file_error(err, "open", store->home);
    if (!take_turn(store, whole->lock, err)) {
        descriptor_close(&whole->lock); // the working files are another one's
        return false;
    }
    store->now = clock_now(); // it may have waited long
    time_stamp(store->now, whole->stamp);
    remove_working_files(whole);
    return true;
}

void whole_end(struct whole *whole)
{
    if (whole->lock < 0)
        return;
    remove_working_files(whole);
    descriptor_close(&whole->lock);
}

static bool copy_present(struct store *store, struct db *present, struct db *copy, struct err *err)
{
    struct db_copy *pages AUTO(db_copy_free) = NULL;
    return db_copy_begin(present, copy, &pages, err) && db_copy_finish(pages, store->progress, err);
}

// The header of the copy says that it has a log; from here on it has none.
static bool is_one_file(struct db *copy, struct err *err)
{
    return db_script(copy, "PRAGMA journal_mode=DELETE", err);
}

bool whole_copy_store(struct store *store, const char *path, struct db **ret_copy, struct err *err)
{
    struct db *present AUTO(db_close) = NULL;
    struct db *copy AUTO(db_close) = NULL;
    int64_t tables;
    struct store reader = {0};
    if (!db_open(store->path, false, &present, err) || !db_open(path, true, &copy, err) ||
        !db_begin_read(present, err))
        return false;
    // The first reading fixes the moment that is copied.
    reader.db = present;
    if (!store_number(&reader, "SELECT count(*) FROM sqlite_schema", BIND_NOTHING, &tables, err) ||
        !copy_present(store, present, copy, err) || !is_one_file(copy, err))
        return false;
    *ret_copy = TAKE(copy);
    return true;
}

bool whole_record(struct store *store, const struct audit_event *event, struct err *err)
{
    if (!store_begin_change(store, err))
        return false;
    if (audit_write(store, event, err))
        return db_commit(store->db, err);
    db_rollback(store->db);
    return false;
}

int whole_keep_idle(const struct store *store)
{
    int lock = open(store->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) != 0)
        descriptor_close(&lock);
    return lock;
}

void whole_leftovers(const struct store *store, void (*found)(void *context, const char *path),
                     void *context)
{
    char name[WHOLE_PATH];
    for (enum whole_file file = WHOLE_SNAPSHOT; file < WHOLE_FILES; file++) {
        whole_path(store->path, file, 0, name);
        if (access(name, F_OK) == 0)
            found(context, name);
    }
}
