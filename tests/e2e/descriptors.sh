#!/usr/bin/env bash
# There are fewer descriptors than clients: those who find no place are told so and do not hang,
# and those who have one are served, also by a child that has yet to be started.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=serve.bash
. "$here/serve.bash"

new_key a@example.com p
must smg config add --config-name c
must smg config add-server --config-name c --server-name child --server-command "$tools/bad_upstream" \
    --args --stdio --protocol modern
must smg project assign-config --project-name p --config-name c

cat >few <<END
#!/bin/sh
ulimit -n 200
exec '$SMG' "\$@"
END
chmod +x few
body='{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}'

# status PATH: what a further client gets
status() { curl -s -m 10 -o answer -w '%{http_code}' "$GATEWAY$1"; }
# shellcheck disable=SC2317 # called by await
is_status() { [ "$(status "$1")" = "$2" ]; }

for workers in 1 3; do
    SMG=$T/few gateway_starts "few$workers" --workers $workers
    check 'the log says what the limit became' \
        grep -q '"few_descriptors","limit":"200","connections":"150"' "few$workers.log"
    same 'at first there is place' 200 "$(status /readyz)"
    exec {first}<>"/dev/tcp/127.0.0.1/${GATEWAY##*:}"
    idle=()
    for ((i = 0; i < 300; i++)); do
        exec {one}<>"/dev/tcp/127.0.0.1/${GATEWAY##*:}"
        idle+=("$one")
    done
    check 'then a further client is refused' await 10 is_status /readyz 503
    check 'with a reason' grep -q 'Too many connections' answer
    # Its request is answered, and its child is started.
    printf 'POST /mcp/child HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' \
        "$KEY" ${#body} "$body" >&"$first"
    timeout 20 cat <&"$first" >answer
    check 'who has a place is served by a new child' grep -q 'Echo: hello' answer
    for one in "${idle[@]}" "$first"; do exec {one}>&-; done
    check 'when they have gone there is place again' await 20 is_status /readyz 200
    gateway_ends "few$workers" "$gateway"
done
summary
