// gateway_main.c: the gateway's program, secure-mcp-gatewayd. `secure-mcp-gateway serve` becomes
// it, with the same arguments, which are read here by the same row.
#include <malloc.h>
#include <string.h>

#include "doors/argv.h"
#include "doors/gateway_options.h"
#include "doors/gateway_serve.h"
#include "doors/place.h"
#include "doors/program.h"
#include "doors/say.h"

static bool is_serve(const struct request *request, struct err *err)
{
    const struct op *op = request->op;
    if (op && op->effect == EFFECT_PROGRAM && strcmp(op->verb, "serve") == 0 && !request->help &&
        !request->version)
        return true;
    err_set(err, ERR_USAGE, "not_a_command", "This program is started by secure-mcp-gateway serve");
    return err_hint(err, "secure-mcp-gateway serve --help");
}

// Its exit status, or -1 with `err` filled.
static int serve(const struct request *request, struct err *err)
{
    struct gateway_options options AUTO(gateway_options_done) = {0};
    struct store_config config;
    char home[LIMIT_PATH];
    if (!is_serve(request, err) || !gateway_options_read(&request->args, &options, err) ||
        !place_store(request, home, &config, err))
        return -1;
    return gateway_serve(&options.settings, &config, options.stdio, err);
}

// Memory of large answers is used again, and not given back after each and faulted in anew page by
// page: that took more than half of the time of answers of 1 MB. What stays at the end of the heap
// is bounded by the first number; larger blocks than the second, of which some wait for slow
// clients and some do not, would leave as much memory unused between them.
static void keep_memory(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    (void)mallopt(M_MMAP_THRESHOLD, 2 * 1024 * 1024);
}

int main(int argc, char **argv)
{
    struct request request = {0};
    struct err err = {0};
    int status = -1;
    program_prepare();
    keep_memory();
    if (vault_start(&err) && request_read(&request, argc, argv, &err))
        status = serve(&request, &err);
    bool as_json =
        request.output_given && (request.format == RENDER_JSON || request.format == RENDER_JSONL);
    if (status < 0) {
        say_error(&err, as_json);
        status = err_exit_status(err.kind);
    }
    request_done(&request);
    return status;
}
