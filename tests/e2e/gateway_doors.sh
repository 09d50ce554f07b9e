#!/bin/bash
# The ways into a running gateway: TLS, a Unix socket, standard input and output, metrics, several workers.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

new_key alice@example.com "Team Project"
keys=("$KEY")
for project in b c d e; do
    new_key alice@example.com "$project"
    keys+=("$KEY")
done
hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'

# begin OPTIONS...: a gateway, when it listens; its log is in $T/log.
begin() {
    : >"$T/log"
    "$SMG" serve "$@" 2>"$T/log" &
    gateway=$!
    at_end "kill $gateway 2>/dev/null"
    for ((i = 0; i < 100; i++)); do
        grep -q '"event":"listening"' "$T/log" && return
        sleep 0.1
    done
    fail "no gateway: $*"
    cat "$T/log"
}
finish() {
    kill "$gateway"
    wait "$gateway"
    check "it ends well ($1)" test $? = 0
}
port_of() { sed -nE "s/.*\"event\":\"$1\".*(\"address\":\"127.0.0.1:|\"port\":\")([0-9]+)\".*/\\2/p" "$T/log"; }
# ask URL CURL-OPTIONS...: initialize; the status is printed.
ask() { curl -s -o "$T/answer" -w '%{http_code}' -H 'Accept: application/json, text/event-stream' -H 'Content-Type: application/json' -d "$hello" "${@:2}" "$1"; }

certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
        -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
}
certificate
begin --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --tls-cert cert.pem --tls-key key.pem --workers 3
url=https://127.0.0.1:$(port_of listening)/mcp
for key in "${keys[@]}" "${keys[@]}"; do
    check 'TLS, several workers' test "$(ask "$url" --cacert cert.pem -H "apikey: $key")" = 200
done
check 'without TLS there is no answer' test "$(ask "http${url#https}" -H "apikey: $KEY")" = 000
sleep 0.3
check 'metrics' test "$(curl -s "http://127.0.0.1:$(port_of metrics_listening)/metrics" |
    sed -n 's/^secure_mcp_gateway_sessions_opened_total //p')" = 10
for counter in calls bytes_in bytes_out; do
    check "metrics count $counter" test "$(curl -s "http://127.0.0.1:$(port_of metrics_listening)/metrics" |
        sed -n "s/^secure_mcp_gateway_${counter}_total //p")" -gt 0
done
# Files that are of no use are named at once, with the reason.
refuses_file() { # refuses_file WORDS OPTION...
    local words=$1
    shift
    check "refused: $*" test "$(timeout 10 "$SMG" serve --listen 127.0.0.1:0 "$@" 2>&1 | head -1)" = "error: Cannot use the $words"
}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.pem 2>/dev/null
refuses_file 'certificate none.pem: No such file or directory' --tls-cert none.pem --tls-key key.pem
refuses_file 'certificate /dev/null: no start line' --tls-cert /dev/null --tls-key key.pem
refuses_file 'private key other.pem: key values mismatch' --tls-cert cert.pem --tls-key other.pem
refuses_file 'authorities none.pem: No such file or directory' --upstream-ca none.pem
# A renewed certificate is taken at SIGHUP; one that is not whole is not, and the log says so.
hang_up() { # hang_up EVENT
    kill -HUP "$gateway"
    for ((i = 0; i < 50; i++)); do
        grep -q "\"event\":\"$1\"" "$T/log" && return
        sleep 0.1
    done
    fail "no event $1 after SIGHUP"
}
cp cert.pem old.pem
certificate
check 'files alone change nothing' test "$(ask "$url" --cacert old.pem -H "apikey: $KEY")" = 200
hang_up certificate_read
check 'the renewed certificate' test "$(ask "$url" --cacert cert.pem -H "apikey: $KEY")" = 200
check 'is the only one' test "$(ask "$url" --cacert old.pem -H "apikey: $KEY")" = 000
cp cert.pem good.pem
head -c 200 good.pem >cert.pem
hang_up certificate_kept
check 'half a certificate is not taken' test "$(ask "$url" --cacert good.pem -H "apikey: $KEY")" = 200
cp good.pem cert.pem
address=127.0.0.1:$(port_of listening)
for more in 1 3; do
    timeout 5 "$SMG" serve --listen "$address" --workers $more 2>second
    check "a second gateway with $more workers is not started" test $? = 1
    check 'and says why' grep -q 'ddress already in use' second
done
check 'the first goes on' test "$(ask "$url" --cacert cert.pem -H "apikey: $KEY")" = 200
finish TLS
begin --listen "$address"
timeout 5 "$SMG" serve --listen "$address" --workers 2 2>second
check 'nor one beside a single worker' grep -q 'ddress already in use' second
check 'an address is free at once' test "$(ask "http://$address/mcp" -H "apikey: $KEY")" = 200
finish 'one worker'

begin --listen "unix:$T/door" --workers 3
for key in "${keys[@]}"; do
    check 'a Unix socket' test "$(ask http://localhost/mcp --unix-socket "$T/door" -H "Authorization: Bearer $key")" = 200
done
check 'it is private' test "$(stat -c %a "$T/door")" = 600
check 'a disabled key' must smg user disable-api-key --api-key "$KEY"
check 'is refused at once' test "$(ask http://localhost/mcp --unix-socket "$T/door" -H "apikey: $KEY")" = 401
finish 'Unix socket'
check 'the socket has gone' test ! -e "$T/door"

echo "$hello" >in
uses() { "$SMG" user get-api-key --api-key "$1" --details | jq .use_count; }
before=$(uses "${keys[0]}")
ENKRYPT_GATEWAY_KEY=${keys[0]} "$SMG" serve --stdio <in >out 2>err
check 'standard input ends' test $? = 0
same 'a message is a use, and nothing else is' 1 $(($(uses "${keys[0]}") - before))
check 'stdio answers' jq -e '.id == 1 and .result.serverInfo.name == "secure-mcp-gateway"' out
{ sleep 0.3 && cat in && sleep 0.5; } | ENKRYPT_GATEWAY_KEY=${keys[0]} "$SMG" serve --stdio 2>gone | true
check 'an answer that nobody took is told' grep -q '"event":"client_gone"' gone
ENKRYPT_GATEWAY_KEY=$KEY "$SMG" serve --stdio <in >out 2>err
check 'stdio: a disabled key' test $? = 1
check 'is told on standard error' grep -q 'not valid' err
check 'no key is in what was said' test "$(cat log err out | grep -c -F -e "$KEY" -e "${keys[0]}")" = 0
summary
