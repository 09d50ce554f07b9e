#!/usr/bin/env bash
# Requests that never come whole: they end with their key's access, and keep no gateway from ending.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=serve.bash
. "$here/serve.bash"

# begin KEY: most of a request, on a connection of its own, $conn.
begin() {
    exec {conn}<>"/dev/tcp/127.0.0.1/${GATEWAY##*:}"
    printf 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n%s\r\n\r\n{"jsonrpc"' \
        "$1" $'Accept: application/json, text/event-stream\r\nContent-Type: application/json' >&"$conn"
}
# answer_of CONNECTION: the status line of the answer, after which the connection must end.
answer_of() {
    local conn=$1
    timeout 20 cat <&"$conn" >"$T/answer" 2>"$T/check" || echo 'does not end'
    exec {conn}>&-
    head -n 1 "$T/answer" | tr -d '\r'
}
# shellcheck disable=SC2317 # called by await
connections() { curl -s -m 5 "$METRICS/metrics" | sed -n 's/^secure_mcp_gateway_connections //p'; }
# shellcheck disable=SC2317 # called by await
all_have_come() { [ "$(connections)" = "$1" ]; }

for workers in 1 3; do
    keys=()
    for name in disabled expired removed other; do
        new_key "$name@example.com" "$name$workers"
        keys+=("$KEY")
    done
    gateway_starts "of $workers" --workers $workers --request-timeout 60s --drain 60s --metrics-listen 127.0.0.1:0
    METRICS=http://127.0.0.1:$(sed -nE '/metrics_listening/s/.*"port":"([0-9]+)".*/\1/p' "$T/of $workers.log")
    conns=()
    for key in "${keys[@]}"; do
        begin "$key"
        conns+=("$conn")
    done
    check 'all have come' await 10 all_have_come ${#keys[@]}
    must smg user disable-api-key --api-key "${keys[0]}"
    same "a disabled key, $workers workers" 'HTTP/1.1 401 Unauthorized' "$(answer_of "${conns[0]}")"
    must smg user update-api-key --api-key "${keys[1]}" --expires-in 1s
    same "a key that expires, $workers workers" 'HTTP/1.1 401 Unauthorized' "$(answer_of "${conns[1]}")"
    must smg project remove-user --project-name "removed$workers" --email removed@example.com
    same "a user who was removed, $workers workers" 'HTTP/1.1 401 Unauthorized' "$(answer_of "${conns[2]}")"
    kill "$gateway"
    same "the end of the gateway, $workers workers" 'HTTP/1.1 503 Service Unavailable' "$(answer_of "${conns[3]}")"
    wait "$gateway"
    same 'which has ended well' 0 $?
done
summary
