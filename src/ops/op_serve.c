// op_serve.c: `serve`: the row of the gateway. It is a program of its own (doors/gateway_main.c);
// doors/gateway_options.c makes its settings of these parameters.
#include "ops/table.h"

static const struct op rows[] = {
    {
        .group = "",
        .verb = "serve",
        .summary = "Run the gateway: MCP for clients, by their API keys",
        .notes =
            "Clients reach it at http://ADDRESS/mcp, one server alone at /mcp/SERVER. Only this "
            "machine can connect unless --listen says otherwise; then use TLS. SIGTERM lets "
            "calls finish and ends it; SIGHUP has it read --tls-cert and --tls-key again, which a "
            "renewed certificate needs; one that cannot be used changes nothing, as the log says. "
            "The values shown with limits are those that hold unless others are given.",
        .example = "serve\n"
                   "serve --stdio\n"
                   "serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem "
                   "--allow-host mcp.example.com --workers 4\n"
                   "serve --listen unix:/run/mcp/gateway.sock --metrics-listen 127.0.0.1:9090 "
                   "--total-timeout 10m",
        .effect = EFFECT_PROGRAM,
        PARAMS({P_LISTEN, MAY}, {P_STDIO, MAY}, {P_TLS_CERT, MAY}, {P_TLS_KEY, MAY},
               {P_METRICS_LISTEN, MAY}, {P_ALLOW_ORIGIN, MAY}, {P_ALLOW_HOST, MAY},
               {P_UPSTREAM_CA, MAY}, {P_WORKERS, MAY}, {P_MAX_HEAD, MAY}, {P_MAX_BODY, MAY},
               {P_MAX_EVENT, MAY}, {P_MAX_LIST, MAY}, {P_MAX_UPSTREAM_BODY, MAY},
               {P_MAX_QUEUE, MAY}, {P_MAX_UNREAD, MAY}, {P_MAX_DEPTH, MAY}, {P_CALLS_PER_KEY, MAY},
               {P_SESSIONS_PER_KEY, MAY}, {P_CONNECTIONS, MAY}, {P_PAGES_PER_LIST, MAY},
               {P_IDLE_SESSION, MAY}, {P_KEEP_ALIVE, MAY}, {P_IDLE_CONNECTION, MAY},
               {P_REQUEST_TIMEOUT, MAY}, {P_CONNECT_TIMEOUT, MAY}, {P_FIRST_BYTE_TIMEOUT, MAY},
               {P_IDLE_TIMEOUT, MAY}, {P_TOTAL_TIMEOUT, MAY}, {P_HANDSHAKE_TIMEOUT, MAY},
               {P_QUESTION_TIMEOUT, MAY}, {P_IDLE_CHILD, MAY}, {P_RESTART_FIRST, MAY},
               {P_RESTART_MOST, MAY}, {P_LEASE, MAY}, {P_DRAIN, MAY}, {P_USAGE_PERIOD, MAY}),
    },
};

const struct op_table serve_ops = {rows, COUNT_OF(rows)};
