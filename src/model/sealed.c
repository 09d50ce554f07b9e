// sealed.c: see sealed.h.
#include "model/sealed.h"

bool sealed_open(struct store *store, struct view sealed, struct view context,
                 struct buf *ret_clear, struct err *err)
{
    char nothing[1];
    size_t size = sealed.size > VAULT_SEAL_EXTRA ? sealed.size - VAULT_SEAL_EXTRA : 0;
    // Room first: the buf's memory is of the secret kind.
    buf_add_blanks(ret_clear, size);
    if (ret_clear->full)
        return err_set(err, ERR_INTEGRITY, "sealed_record_damaged",
                       "A sealed record is damaged: it is larger than any can be");
    if (ret_clear->failed)
        return err_memory(err);
    return vault_unseal_upstream(store->vault, sealed, context,
                                 size > 0 ? ret_clear->data : nothing, err);
}
