// store.c: see store.h.
#include "model/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "db/migrate.h"
#include "model/audit.h"
#include "model/keyring.h"
#include "model/schema.h"
#include "model/server.h"
#include "model/whole.h"
#include "vault/key_file.h"

#define DATABASE_FILE "store.db"

static bool place_error(struct err *err, const char *url)
{
    if (strncmp(url, "postgresql:", 11) == 0 || strncmp(url, "postgres:", 9) == 0)
        return err_set(err, ERR_USAGE, "store_unsupported",
                       "PostgreSQL stores are not supported by this version");
    err_set(err, ERR_USAGE, "store_unsupported", "The store must be given as sqlite:PATH");
    return err_hint(err, "--store sqlite:/var/lib/secure-mcp-gateway/store.db");
}

// Decides where the database is. A relative path gets `./` before it: SQLite takes `:memory:` and
// `file:…` for more than names.
static bool place_database(struct store *store, const struct store_config *config, struct err *err)
{
    static const char scheme[] = "sqlite:";
    const char *path = config->url ? config->url + sizeof scheme - 1 : config->home;
    if (config->url && (strncmp(config->url, scheme, sizeof scheme - 1) != 0 || path[0] == '\0'))
        return place_error(err, config->url);
    int size = snprintf(store->path, sizeof store->path, "%s%s%s", path[0] == '/' ? "" : "./", path,
                        config->url ? "" : "/" DATABASE_FILE);
    // Working names, names of what is kept aside, and SQLite's companions must fit too.
    if (size < 0 || (size_t)size + 64 >= sizeof store->path ||
        !text_copy(store->home, sizeof store->home, view_of(config->home)))
        return err_set(err, ERR_USAGE, "path_too_long", "The path of the store is too long");
    return true;
}

static bool write_identity(struct store *store, struct err *err)
{
    uint8_t index_id[VAULT_ID];
    vault_index_id(store->vault, index_id);
    return db_run(store->db, "INSERT INTO meta(name, value) VALUES('index_id', ?)",
                  BIND(v_blob(index_id, sizeof index_id)), err) &&
           keyring_start(store, err) && audit_start(store, err);
}

// Makes a complete database at `path`.
static bool build_database(struct store *store, const char *path, struct err *err)
{
    bool done = db_open(path, true, &store->db, err) &&
                db_migrate(store->db, true, schema_migrations, schema_migration_count, NULL, err) &&
                store_begin_change(store, err) && write_identity(store, err) &&
                db_commit(store->db, err) && db_script(store->db, "PRAGMA journal_mode=WAL", err);
    db_close(&store->db);
    return done;
}

// Makes the empty file that becomes the database, durable, in place of what a crash left of one.
static bool begin_database(const struct store *store, const char *fresh, const char *folder,
                           struct err *err)
{
    char part[WHOLE_PATH];
    int file AUTO(descriptor_close) =
        open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return file_error(err, "create", fresh);
    for (size_t i = 1; i < WHOLE_PARTS; i++) {
        whole_path(store->path, WHOLE_FRESH, i, part);
        (void)unlink(part);
    }
    return folder_sync(folder, err);
}

// Makes key files and database; the caller holds the home's lock. The file of the database is there
// before the key files are, until it gets its name, and stays when this fails: so key files with
// neither are those of a database that has gone (see check_remains).
static bool create_store(struct store *store, const char *folder, struct err *err)
{
    char fresh[WHOLE_PATH];
    whole_path(store->path, WHOLE_FRESH, 0, fresh);
    if (!begin_database(store, fresh, folder, err) ||
        !vault_open(store->home, true, &store->vault, err) || !vault_unlock(store->vault, err) ||
        !build_database(store, fresh, err))
        return false;
    if (rename(fresh, store->path) != 0)
        return file_error(err, "create", store->path);
    whole_remove(store->path, WHOLE_FRESH);
    return folder_sync(folder, err);
}

// Adds the log's files that are not empty.
static void add_log(const struct store *store, struct buf *names)
{
    static const char *const suffixes[] = {"-wal", "-journal"};
    char name[LIMIT_PATH + 16];
    struct stat status;
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        (void)snprintf(name, sizeof name, "%s%s", store->path, suffixes[i]);
        if (stat(name, &status) == 0 && status.st_size > 0)
            buf_add_format(names, "%s%s", names->size ? ", " : "", name);
    }
}

// Adds the key files, unless they are of a store that is being made, or of the one in the home.
static void add_key_files(const struct store *store, struct buf *names)
{
    static const char *const key_files[] = {INDEX_KEY_FILE, MASTER_KEY_FILE};
    char name[WHOLE_PATH];
    whole_path(store->path, WHOLE_FRESH, 0, name);
    if (!file_is_missing(name))
        return;
    (void)snprintf(name, sizeof name, "%s/" DATABASE_FILE, store->home);
    if (!file_is_missing(name))
        return;
    for (size_t i = 0; i < COUNT_OF(key_files); i++) {
        (void)snprintf(name, sizeof name, "%s/%s", store->home, key_files[i]);
        if (!file_is_missing(name))
            buf_add_format(names, "%s%s", names->size ? ", " : "", name);
    }
}

// What is left of a database that has gone. Its log holds changes that were acknowledged: a new
// database would swallow them or be damaged by them. Beside its key files a new one would pass for
// it, with nothing in it.
static bool check_remains(const struct store *store, struct err *err)
{
    struct buf names AUTO(buf_done);
    buf_init(&names, (size_t)4 * WHOLE_PATH + 16);
    add_log(store, &names);
    add_key_files(store, &names);
    if (names.failed)
        return err_memory(err);
    if (names.size == 0)
        return true;
    err_set(err, ERR_INTEGRITY, "store_incomplete",
            "The database %.300s is missing, but what belongs to it is still there: %.*s",
            store->path, VIEW_ARG(buf_view(&names)));
    err_hint(err, "put the database back where it was, or restore a backup (system restore)");
    err_hint(err, "when it is elsewhere, name it: --store sqlite:PATH");
    return err_hint(err, "to begin anew, move these files away");
}

// Waits for the lock of a folder, unless it is the one that `other` (or -1) holds already.
static bool lock_folder(const char *folder, int other, int *ret_lock, struct err *err)
{
    struct stat status, locked;
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret_lock = lock;
    if (lock < 0 || fstat(lock, &status) != 0)
        return file_error(err, "open", folder);
    // Locking the same folder twice would wait for oneself.
    if (other >= 0 && fstat(other, &locked) != 0)
        return file_error(err, "examine", folder);
    if (other >= 0 && locked.st_dev == status.st_dev && locked.st_ino == status.st_ino)
        return true;
    return flock(lock, LOCK_EX) == 0 || file_error(err, "lock", folder);
}

// One process makes the store, the others wait for it: those of the same home, and those of other
// homes that name the same database.
static bool ensure_store(struct store *store, struct err *err)
{
    char folder[LIMIT_PATH];
    int home_lock AUTO(descriptor_close) = -1, folder_lock AUTO(descriptor_close) = -1;
    if (!file_is_missing(store->path))
        return true;
    if (!folder_create(store->home, err) || !folder_of(store->path, folder, err) ||
        !lock_folder(store->home, -1, &home_lock, err) ||
        !lock_folder(folder, home_lock, &folder_lock, err))
        return false;
    if (!file_is_missing(store->path))
        return true;
    return check_remains(store, err) && create_store(store, folder, err);
}

bool store_check_identity(struct store *store, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    uint8_t index_id[VAULT_ID];
    vault_index_id(store->vault, index_id);
    if (!db_query(store->db, "SELECT value FROM meta WHERE name = 'index_id'", BIND_NOTHING, &stmt,
                  err))
        return false;
    enum step step = stmt_step(stmt, err);
    if (step == STEP_FAILED)
        return false;
    struct view found = step == STEP_ROW ? stmt_blob(stmt, 0) : (struct view){NULL, 0};
    if (view_equal(found, view_bytes(index_id, sizeof index_id)))
        return true;
    err_set(err, ERR_INTEGRITY, "wrong_index_key",
            "The key file %.900s/index.key does not belong to this store", store->home);
    return err_hint(err, "put back the index.key that was kept with the store's backups");
}

// Before the fourth migration less was masked.
static bool work_on_migration(void *context, int64_t from, struct err *err)
{
    struct store *store = (struct store *)context;
    return from >= SCHEMA_MASKS_ALL || from < SCHEMA_HAS_SERVERS ||
           (store_check_identity(store, err) && server_mask_anew(store, err));
}

bool store_migrate(struct store *store, struct err *err)
{
    const struct migration_work work = {work_on_migration, store};
    return db_migrate(store->db, false, schema_migrations, schema_migration_count, &work, err);
}

static bool open_database(struct store *store, struct err *err)
{
    return db_open(store->path, false, &store->db, err) && store_migrate(store, err) &&
           store_check_identity(store, err);
}

void store_hurry(int milliseconds)
{
    db_hurry(milliseconds);
}

// Whether the store is of no use, and whoever opens it comes to mend that.
static bool is_to_mend(const struct store_config *config, const struct err *err)
{
    return config->to_mend && err->kind == ERR_INTEGRITY;
}

bool store_open(const struct store_config *config, struct store **ret_store, struct err *err)
{
    struct store *store AUTO(store_free) = (struct store *)calloc(1, sizeof *store);
    if (!store)
        return err_memory(err);
    store->command = "";
    if (!place_database(store, config, err))
        return false;
    if (config->must_exist && file_is_missing(store->path))
        return err_set(err, ERR_NOT_FOUND, "store_not_found", "There is no store yet");
    store->damaged = !ensure_store(store, err);
    if (store->damaged && !is_to_mend(config, err))
        return false;
    if (!store->vault && !vault_open(store->home, false, &store->vault, err))
        return false;
    store->damaged = store->damaged || !open_database(store, err);
    if (store->damaged && !is_to_mend(config, err))
        return false;
    *ret_store = TAKE(store);
    return true;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

// Whether `path` stands in the folder of `own` under its name, be it there or not.
static bool is_same_name(const char *path, const char *own)
{
    struct err ignored;
    char folder[LIMIT_PATH], own_folder[LIMIT_PATH];
    const char *name = strrchr(path, '/'), *own_name = strrchr(own, '/');
    return strcmp(name ? name + 1 : path, own_name ? own_name + 1 : own) == 0 &&
           folder_of(path, folder, &ignored) && folder_of(own, own_folder, &ignored) &&
           is_same_file(folder, own_folder);
}

static bool is_own(const char *path, const char *own)
{
    return is_same_file(path, own) || is_same_name(path, own);
}

// Whether `path` is one of the database's files, from `first` on.
static bool is_database_file(const struct store *store, const char *path, enum whole_file first)
{
    char own[WHOLE_PATH];
    bool owns = false;
    for (enum whole_file file = first; file < WHOLE_FILES; file++) {
        for (size_t part = 0; part < WHOLE_PARTS; part++) {
            whole_path(store->path, file, part, own);
            owns = owns || is_own(path, own);
        }
    }
    return owns;
}

static bool owns_file(const struct store *store, const char *path)
{
    static const char *const key_files[] = {INDEX_KEY_FILE, MASTER_KEY_FILE, NEXT_MASTER_KEY_FILE};
    char own[WHOLE_PATH];
    bool owns = is_database_file(store, path, WHOLE_LIVE);
    for (size_t i = 0; i < COUNT_OF(key_files); i++) {
        (void)snprintf(own, sizeof own, "%s/%s", store->home, key_files[i]);
        owns = owns || is_own(path, own);
    }
    return owns;
}

// Whether `path` is an existing file of `folder`.
static bool is_file_of(const char *path, const char *folder)
{
    struct err ignored;
    char own[LIMIT_PATH];
    return access(path, F_OK) == 0 && folder_of(path, own, &ignored) && is_same_file(own, folder);
}

// Backups, key files of the past and databases kept aside are in the home, too: nothing that is
// there is written over.
bool store_check_output(const struct store *store, const char *path, struct err *err)
{
    char backups[LIMIT_PATH + 16];
    (void)snprintf(backups, sizeof backups, "%s/backups", store->home);
    if (!owns_file(store, path) && !is_file_of(path, store->home) && !is_file_of(path, backups))
        return true;
    return err_set(err, ERR_USAGE, "output_is_store",
                   "%.900s is part of the store itself and was not written", path);
}

bool store_check_input(const struct store *store, const char *path, struct err *err)
{
    if (!is_database_file(store, path, WHOLE_SNAPSHOT))
        return true;
    err_set(err, ERR_USAGE, "input_is_store",
            "%.900s has the name of a working file, which the command would remove", path);
    return err_hint(err, "give the file another name first");
}

bool store_check_foreign_file(const struct store_config *config, const char *path, struct err *err)
{
    struct store *store AUTO(store_free) = (struct store *)calloc(1, sizeof *store);
    if (!store)
        return err_memory(err);
    return place_database(store, config, err) && store_check_output(store, path, err);
}

void store_free(struct store **store)
{
    if (*store) {
        db_close(&(*store)->db);
        vault_free(&(*store)->vault);
        free(*store);
    }
    *store = NULL;
}

bool store_unlock(struct store *store, struct err *err)
{
    if (vault_has_data_key(store->vault))
        return true;
    return vault_unlock(store->vault, err) && keyring_open(store, store->vault, err);
}

bool store_begin_change(struct store *store, struct err *err)
{
    if (!db_begin_change(store->db, err))
        return false;
    store->now = clock_now(); // it may have waited for its turn
    store->key_change = (struct key_sum){0};
    return true;
}

bool store_number(struct store *store, const char *sql, struct values values, int64_t *ret_number,
                  struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    if (!db_query(store->db, sql, values, &stmt, err))
        return false;
    enum step step = stmt_step(stmt, err);
    if (step == STEP_FAILED)
        return false;
    *ret_number = step == STEP_ROW ? stmt_int(stmt, 0) : 0;
    return true;
}

struct db_version store_version(const struct store *store)
{
    return store->db ? db_version(store->db) : (struct db_version){{0, 0, 0, 1}};
}

bool store_is_in_place(const struct store *store)
{
    return store->db && db_is_in_place(store->db);
}

bool store_reread(struct store *store, struct err *err)
{
    return db_reread(store->db, err);
}

void store_let_go(struct store *store)
{
    db_close(&store->db);
}
