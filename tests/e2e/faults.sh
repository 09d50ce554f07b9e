#!/usr/bin/env bash
# What goes wrong around the gateway: upstreams that hang, die, lie or flood, children that will not
# end, clients that stop, vanish or drip, and the gateway itself killed. Each time: what the client
# sees, that others are not touched, and that nothing is left behind.
#
# SMG_FAULTS_DRIP: how many clients send a byte a second (300; the long run: 10000).
# SMG_FAULTS_CALLS: calls of each of the clients with the same ids (40).
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=serve.bash
. "$here/serve.bash"

drip=${SMG_FAULTS_DRIP:-300}
calls=${SMG_FAULTS_CALLS:-40}
bad=$tools/bad_upstream
tag=smg-faults-$$-$RANDOM # in the command line of every child

# --- the servers of the project
upstream_starts --note "$T/notes"
http=$PORT
upstream_starts --deaf
deaf=$PORT
server_http() { # server_http NAME PORT [OPTION...]
    must smg config add-server --config-name c --server-name "$1" --allow-private-addresses \
        --url "http://127.0.0.1:$2/mcp" "${@:3}"
}
server_child() { # server_child NAME OPTIONS-WITH-COMMAS [OPTION...]
    must smg config add-server --config-name c --server-name "$1" --server-command "$bad" \
        --args "--stdio,--tag,$tag,--note,$T/notes$2" "${@:3}"
}
new_key a@example.com p
key=$KEY
new_key b@example.com p
printf '%s\n%s\n' "$key" "$KEY" >keys
must smg config add --config-name c
for era in modern legacy; do
    server_http "http-$era" "$http" --protocol "$era"
    server_child "child-$era" '' --protocol "$era"
done
server_http deaf "$deaf" --protocol modern
server_http nobody 1 --protocol modern
server_child stubborn ,--stubborn --protocol legacy
server_child forking ,--fork --protocol legacy
must smg config add-server --config-name c --server-name missing --server-command /does/not/exist
# shellcheck disable=SC2016 # the shell of the server replaces it
must smg config add-server --config-name c --server-name ailing --server-command sh \
    --args '["-c","echo Error: the folder $WHICH is missing >&2; echo $TOKEN >&2; exit 1"]' \
    --env '{"WHICH":"/x","TOKEN":"hidden-token"}'
must smg project assign-config --project-name p --config-name c

run_gateway() {
    gateway_starts "$1" --connect-timeout 1s --first-byte-timeout 1s --idle-timeout 1s \
        --total-timeout 3s --handshake-timeout 3s --restart-first 1s --restart-most 1s \
        --drain 2s "${@:2}"
}

# call SERVER TOOL [ARGUMENTS]: a call of 2026-07-28; the body is in `answer`, the status in $code
call() {
    local arguments=${3:-'{"message":"hello"}'}
    code=$(curl -s -m 15 -o answer -w '%{http_code}' -H "Authorization: Bearer $key" \
        -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
        -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H "Mcp-Name: $2" \
        -d '{"jsonrpc":"2.0","id":"call-7","method":"tools/call","params":{"name":"'"$2"'","arguments":'"$arguments"',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}' \
        "$GATEWAY/mcp/$1") || code=$code,$?
}
# ttl SERVER: how long its list of tools may be kept, in ms
ttl() {
    curl -s -m 15 -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
        -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list' \
        -d '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}' \
        "$GATEWAY/mcp/$1" | jq -r .result.ttlMs
}
# The body as one message, whether it came as JSON or as the last event of a stream.
message() { grep -a -o '{"jsonrpc.*' answer | tail -n 1; }
# shellcheck disable=SC2317 # called by check
works_now() {
    call "$1" echo
    [[ $code == 200 ]] && grep -q 'Echo: hello' answer
}
# works SERVER: soon, since a child that died is started again after a pause, and the machine may be
# busy
# shellcheck disable=SC2317 # called by check
works() { await 6 works_now "$1"; }
# fails TEXT: the last call got a JSON-RPC error with its own id and a sentence
fails() {
    if message | jq -e '.id == "call-7" and (.error.message | length > 5)' >"$T/check" 2>&1; then
        pass "$1: $code $(message | jq -c .error)"
    else
        fail "$1: status $code, body $(head -c 300 answer)"
    fi
}

# --- upstreams
run_gateway first --metrics-listen 127.0.0.1:0
for server in http-modern http-legacy child-modern child-legacy; do
    check "$server: answers" works "$server"
done
same 'a list that lacks a dead server is not to be kept' 0 "$(ttl ailing)"
check 'that of a living one may be' test "$(ttl child-legacy)" -gt 1000
check 'a program that ended at once had a reason' grep -q '"what":"said","detail":"Error: the folder /x is missing"' first.log
check 'its secrets are not told' grep -q '"what":"said","detail":"(a line that has a value of its env' first.log
check 'nowhere' test "$(grep -c hidden-token first.log)" = 0
for server in http-modern http-legacy child-modern child-legacy; do
    tools_here='hang midstream die half stuck notjson wrongid flood'
    [[ $server != *-legacy ]] || tools_here='hang die stuck wrongid' # the rest is the same code
    for tool in $tools_here; do
        call "$server" "$tool"
        fails "$server, $tool"
        # The same server is soon itself again: at once over HTTP, as a child after its pause.
        check "$server: answers after $tool" works "$server"
        [[ $server != http-* ]] || check "and so does a child" works child-modern
        [[ $server != child-* ]] || check "and so does one over HTTP" works http-modern
    done
    [[ $server != *-legacy ]] || continue
    call "$server" huge '{"message":"hello","size":100000000}'
    fails "$server, 100 MB"
    check "$server: answers after 100 MB" works "$server"
    call "$server" dupid
    check "$server, dupid: one answer" test "$(grep -a -c 'Echo: hello' answer)" = 1
    check "$server: answers after dupid" works "$server"
done
call http-modern garbage
fails 'http-modern, garbage'
call child-modern garbage
check 'child-modern, garbage in front of the answer: an answer or an error' \
    eval 'message | jq -e ".id == \"call-7\""'
for status in 302 401 500; do
    call http-modern status "{\"message\":\"m\",\"size\":$status}"
    fails "http-modern, status $status"
done
for server in deaf nobody missing; do
    start=$SECONDS
    call "$server" echo
    fails "$server"
    check "$server: within its time" test $((SECONDS - start)) -le 5
done
check 'the others still answer' works http-modern
check 'the gateway did not keep the 100 MB' test "$(resident "$gateway")" -lt 150000

# --- clients
memory=$(resident "$gateway")
"$tools/bad_client" stall "$GATEWAY/mcp/http-modern" "$key" 16 4 &
staller=$!
sleep 3
check 'clients that do not read: others are served' works http-modern
grown=$(($(resident "$gateway") - memory))
# An answer that is one JSON text is passed on when it is whole: what waits is there once.
# A sanitizer keeps what was freed for a while.
[ "${SMG_SANITIZE:-}" ] ||
    check "clients that do not read: 128 MB waiting take $grown KiB" test "$grown" -lt 140000
wait "$staller"

# One key fills its share and no more, others go on, and memory stays below the bound from the first
# moment: also that of answers which are still being gathered.
first=$gateway at=$GATEWAY first_key=$key
run_gateway unread --max-unread 64M
"$tools/bad_client" stall "$GATEWAY/mcp/http-modern" "$key" 32 4 &
staller=$!
sleep 1
key=$(tail -n 1 keys)
for _ in 1 2 3 4; do
    call http-modern huge '{"message":"hello","size":8000000}'
    check "a key's clients do not read: another key gets 8 MB" test "$(wc -c <answer)" -gt 8000000
done
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$gateway/status")
[ "${SMG_SANITIZE:-}" ] ||
    check "256 MB for 32 of them, 64 MiB allowed: at most $peak KiB were taken" test "$peak" -lt 90000
wait "$staller"
gateway_ends unread "$gateway"
check 'the log names the key whose answers were not read' grep -q '"event":"answer_unread","key_id":"' unread.log
gateway=$first GATEWAY=$at key=$first_key

: >notes
"$tools/bad_client" vanish "$GATEWAY/mcp/http-modern" "$key" 30
"$tools/bad_client" vanish "$GATEWAY/mcp/child-modern" "$key" 30
# shellcheck disable=SC2317 # called by await
all_cancelled() { [[ $(grep -c '^cancelled vanished' notes) == "$(grep -c '^started vanished' notes)" ]]; }
check 'calls of clients that vanished are cancelled upstream' await 5 all_cancelled
check "(there were some: $(grep -c '^started vanished' notes))" grep -q '^started vanished' notes

# Clients that read nothing of large answers vanish in the midst of them: their calls are over in a
# moment. (A client that ends its side may still want its answer, for a second.)
# shellcheck disable=SC2317 # called by check
none_under_way() {
    curl -s -m 5 "$METRICS/metrics" | grep -qx 'secure_mcp_gateway_calls_in_flight 0'
}
METRICS=http://127.0.0.1:$(sed -nE '/metrics_listening/s/.*"port":"([0-9]+).*/\1/p' first.log)
for server in http-modern http-legacy child-modern child-legacy; do
    "$tools/bad_client" stall "$GATEWAY/mcp/$server" "$key" 40 20 &
    staller=$!
    sleep 0.4
    kill -9 "$staller"
    wait "$staller" 2>"$T/check"
    check "$server: no call of clients that vanished goes on" await 3 none_under_way
done

if "$tools/bad_client" drip "$GATEWAY/mcp/http-modern" "$key" "$drip" 5 >dripped 2>&1; then
    pass "$drip clients that send a byte a second; a good one's p50 and p99 before and meanwhile, and how many were left: $(<dripped)"
else
    fail "$drip clients that send a byte a second: $(<dripped)"
fi

# --- ids
if "$tools/mixup" --keys keys --clients 32 --calls "$calls" --seed "$RANDOM" \
    --url "$GATEWAY/mcp/http-modern" --url "$GATEWAY/mcp/http-legacy" \
    --url "$GATEWAY/mcp/child-modern" --url "$GATEWAY/mcp/child-legacy" >mixed 2>&1; then
    pass "32 clients with the same ids see their own answers: $(<mixed)"
else
    fail "32 clients with the same ids: $(tail -n 5 mixed)"
fi

# --- the end of the gateway
# shellcheck disable=SC2317 # called by check
none_left() { ! pgrep -f "$tag" >left; }
check 'a child that ignores SIGTERM answers' works stubborn
check 'a child that leaves a process behind answers' works forking
check 'there are children' pgrep -f "$tag"
kill "$gateway"
wait "$gateway"
same 'SIGTERM ends the gateway' 0 "$?"
check 'and every process below it' await 12 none_left

run_gateway second
check 'a gateway started again serves' works http-modern
for server in child-modern stubborn forking; do check "$server answers again" works "$server"; done
kill -9 "$gateway"
wait "$gateway" 2>"$T/check"
check 'kill -9 of the gateway ends every process below it' await 12 none_left
run_gateway third
check 'after kill -9 it starts again and serves' works child-modern
gateway_ends third "$gateway"
check 'nothing is left' await 12 none_left
summary
