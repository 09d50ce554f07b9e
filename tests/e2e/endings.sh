#!/usr/bin/env bash
# The gateway ends: its children have their time for that, as they have when they are idle. Their
# input ends, then SIGTERM comes, then SIGKILL. None is left behind.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=serve.bash
. "$here/serve.bash"

tag=smg-endings-$$-$RANDOM # in the command line of every child

# A server that needs a moment to end: `eof` does it at the end of its input, `term` only at
# SIGTERM, `never` not at all. Its notes are in the file that its second argument names.
cat >server <<'SERVER'
#!/bin/sh
note() { echo "$1" >>"$file"; }
ends() { note "$1"; sleep 0.3; note finished; exit 0; }
how=$1 file=$2
[ "$how" = never ] && trap 'note TERM' TERM
[ "$how" = never ] || trap 'ends TERM' TERM
while read -r line; do
    id=$(printf '%s' "$line" | sed -nE 's/.*"id":([0-9]+).*/\1/p')
    case $line in
    *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
    *'"method":"tools/list"'*) result='{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}' ;;
    *'"method":"tools/call"'*) result='{"content":[]}' ;;
    *) [ -z "$id" ] || printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id"; continue ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
[ "$how" = eof ] && ends EOF
note EOF
while :; do sleep 0.1; done
SERVER
chmod +x server

# --- three projects, so that several workers have children
keys=()
for project in p q r; do
    new_key a@example.com $project
    keys+=("$KEY")
    must smg config add --config-name $project
    for how in eof term; do
        must smg config add-server --config-name $project --server-name $how --server-command "$T/server" \
            --args "$how,$T/$project.$how,$tag" --protocol legacy
    done
    must smg project assign-config --project-name $project --config-name $project
done
must smg config add --config-name s
must smg config add-server --config-name s --server-name never --server-command "$T/server" \
    --args "never,$T/s.never,$tag" --protocol legacy
new_key a@example.com s
must smg project assign-config --project-name s --config-name s
stubborn=$KEY

# post KEY SERVER: a call of 2026-07-28
post() {
    curl -s -m 20 -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
        -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' \
        -H 'Mcp-Method: tools/call' -H 'Mcp-Name: t' \
        -d '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}' \
        "$GATEWAY/mcp/$2"
}
# call KEY SERVER: the same, answered
# shellcheck disable=SC2317 # called by check
call() { post "$@" | grep -q '"content":\[\]'; }
# notes FILE: what the server has noted, in one line
notes() { paste -sd ' ' "$1" 2>&1; }
# shellcheck disable=SC2317 # called by check
nobody_is_left() { ! pgrep -f -- "$tag"; }
ended_well() { # ended_well HOW PROJECT...
    local how=$1 project
    shift
    for project; do
        same "$how: who ends with its input does so" 'EOF finished' "$(notes "$project.eof")"
        same "$how: who waits for SIGTERM gets it" 'EOF TERM finished' "$(notes "$project.term")"
        rm -f "$project".{eof,term}
    done
    check "$how: none is left" nobody_is_left
}

for workers in 1 3; do
    gateway_starts "http$workers" --workers $workers
    for key in "${keys[@]}"; do
        for how in eof term; do
            check "a call to $how" call "$key" $how
        done
    done
    gateway_ends "http$workers" "$gateway"
    ended_well "HTTP, $workers workers" p q r
done

# The time for calls is over, and somebody is still connected: the children have theirs as well.
gateway_starts late --drain 1s
check 'a call' call "${keys[0]}" eof
check 'a call' call "${keys[0]}" term
exec 5<>"/dev/tcp/127.0.0.1/${GATEWAY##*:}"
printf 'POST /mcp HTTP/1.1\r\n' >&5 # its request never comes to an end
gateway_ends late "$gateway"
exec 5>&-
ended_well 'drain time over' p

# Nor is a call left without an answer that has outlived that time, where no child has to end first.
upstream_starts --deaf
new_key a@example.com u
must smg config add --config-name u
must smg config add-server --config-name u --server-name deaf --allow-private-addresses \
    --url "http://127.0.0.1:$PORT/mcp" --protocol modern
must smg project assign-config --project-name u --config-name u
gateway_starts unanswered --drain 1s --metrics-listen 127.0.0.1:0
METRICS=http://127.0.0.1:$(sed -nE '/metrics_listening/s/.*"port":"([0-9]+).*/\1/p' unanswered.log)
# shellcheck disable=SC2317 # called by check
is_asked() { curl -s -m 5 "$METRICS/metrics" | grep -qx 'secure_mcp_gateway_calls_in_flight 1'; }
post "$KEY" deaf >unanswered &
asking=$!
check 'a call is under way' await 20 is_asked
gateway_ends unanswered "$gateway"
wait "$asking"
check 'a call that outlives the drain is answered' grep -q 'is being shut down' unanswered

# Told twice it ends at once, whatever its children do.
for workers in 1 3; do
    gateway_starts "twice$workers" --workers $workers
    check 'a call' call "$stubborn" never
    kill "$gateway"
    await 20 grep -q EOF s.never
    gateway_ends "twice$workers" "$gateway"
    check 'told twice: none is left' nobody_is_left
    rm -f s.never
done
# Told once it waits for such a child until SIGKILL.
gateway_starts once
check 'a call' call "$stubborn" never
gateway_ends once "$gateway"
same 'who does not end has had both' 'EOF TERM' "$(notes s.never)"
check 'and is gone' nobody_is_left

# --- over standard input and output
hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'
asks() { # asks N NAME
    printf '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"%s__t","arguments":{}}}\n' "$1" "$2"
}
talk_starts() { # its process is $gateway, its input descriptor 6
    rm -f in && mkfifo in
    : >answers
    ENKRYPT_GATEWAY_KEY=${keys[0]} "$SMG" serve --stdio <in >answers 2>stdio.log 6>&- &
    gateway=$!
    at_end "end_process $gateway"
    exec 6>in
    { echo "$hello" && asks 2 eof && asks 3 term; } >&6
    await 20 grep -q '"id":2' answers || fail 'no answer of eof'
    await 20 grep -q '"id":3' answers || fail 'no answer of term'
}
talk_starts
exec 6>&-
wait "$gateway"
same 'stdio, end of input: status' 0 $?
ended_well 'stdio, end of input' p
talk_starts
kill "$gateway"
wait "$gateway"
same 'stdio, SIGTERM: status' 0 $?
exec 6>&-
ended_well 'stdio, SIGTERM' p
# As clients do it: both, one after the other.
talk_starts
exec 6>&-
await 20 grep -q EOF p.term
await 20 grep -q finished p.eof
kill "$gateway"
wait "$gateway"
same 'stdio, end of input, then SIGTERM: status' 0 $?
ended_well 'stdio, both' p
summary
