// gateway_serve.c: see gateway_serve.h. So far it only looks at the store.
#include "doors/gateway_serve.h"

int gateway_serve(const struct settings *settings, const struct store_config *config, bool stdio,
                  struct err *err)
{
    struct store *store AUTO(store_free) = NULL;
    (void)settings;
    (void)stdio;
    if (!store_open(config, &store, err))
        return -1;
    (void)err_set(err, ERR_PRECONDITION, "not_built", "The gateway is not part of this build");
    return -1;
}
