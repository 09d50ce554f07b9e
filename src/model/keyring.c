// keyring.c: see keyring.h.
#include "model/keyring.h"

static bool insert(struct store *store, const struct vault *vault,
                   const uint8_t wrapped[VAULT_WRAPPED], struct err *err)
{
    uint8_t master_id[VAULT_ID];
    vault_master_id(vault, master_id);
    return db_run(store->db, "INSERT INTO keyring(wrapped, master_id, created_at) VALUES(?, ?, ?)",
                  BIND(v_blob(wrapped, VAULT_WRAPPED), v_blob(master_id, sizeof master_id),
                       v_int(store->now)),
                  err);
}

bool keyring_start(struct store *store, struct err *err)
{
    uint8_t wrapped[VAULT_WRAPPED];
    vault_wrap_new_data_key(store->vault, wrapped);
    return insert(store, store->vault, wrapped, err);
}

bool keyring_open(struct store *store, struct vault *vault, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    uint8_t master_id[VAULT_ID];
    vault_master_id(vault, master_id);
    // Where no row is its own, the newest one gives the error that tells so.
    if (!db_query(store->db,
                  "SELECT wrapped FROM keyring ORDER BY master_id = ? DESC, n DESC LIMIT 1",
                  BIND(v_blob(master_id, sizeof master_id)), &stmt, err))
        return false;
    enum step step = stmt_step(stmt, err);
    if (step == STEP_FAILED)
        return false;
    if (step == STEP_END)
        return err_set(err, ERR_INTEGRITY, "store_corrupt", "The store has lost its data key");
    return vault_use_data_key(vault, stmt_blob(stmt, 0), err);
}

bool keyring_add(struct store *store, const struct vault *vault, const struct vault *next,
                 struct err *err)
{
    uint8_t wrapped[VAULT_WRAPPED];
    vault_wrap_data_key(next, vault, wrapped);
    return insert(store, next, wrapped, err);
}

bool keyring_keep_only(struct store *store, const struct vault *vault, struct err *err)
{
    uint8_t master_id[VAULT_ID];
    vault_master_id(vault, master_id);
    return db_run(store->db, "DELETE FROM keyring WHERE master_id <> ?",
                  BIND(v_blob(master_id, sizeof master_id)), err);
}

bool keyring_count(struct store *store, int64_t *ret_rows, struct err *err)
{
    return store_number(store, "SELECT count(*) FROM keyring", BIND_NOTHING, ret_rows, err);
}
