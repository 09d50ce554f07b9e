// place.c: see place.h.
#include "doors/place.h"

#include <stdio.h>
#include <stdlib.h>

// Where the home is: --home, else SECURE_MCP_GATEWAY_HOME, else $XDG_DATA_HOME/secure-mcp-gateway,
// else ~/.local/share/secure-mcp-gateway (command contract, ground rules).
static bool find_home(const struct request *request, char ret_home[LIMIT_PATH], struct err *err)
{
    const char *given = request->home ? request->home : getenv("SECURE_MCP_GATEWAY_HOME");
    const char *data = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
    int size;
    if (given && given[0])
        size = snprintf(ret_home, LIMIT_PATH, "%s", given);
    else if (data && data[0] == '/')
        size = snprintf(ret_home, LIMIT_PATH, "%s/secure-mcp-gateway", data);
    else if (user && user[0])
        size = snprintf(ret_home, LIMIT_PATH, "%s/.local/share/secure-mcp-gateway", user);
    else
        return err_set(err, ERR_USAGE, "home_unknown",
                       "Nothing says where the store is: give --home or set HOME");
    if (size < 0 || size >= LIMIT_PATH)
        return err_set(err, ERR_USAGE, "path_too_long", "The path of the home is too long");
    return true;
}

bool place_store(const struct request *request, char home[LIMIT_PATH],
                 struct store_config *ret_config, struct err *err)
{
    const char *url = request->store_url ? request->store_url : getenv("SECURE_MCP_GATEWAY_STORE");
    if (!find_home(request, home, err))
        return false;
    *ret_config = (struct store_config){.home = home, .url = url && url[0] ? url : NULL};
    return true;
}
