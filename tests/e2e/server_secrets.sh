#!/bin/bash
# The credentials of MCP servers: canaries in env, headers, oauth and URLs are given, shown masked, misplaced and revealed;
# then the store, its WAL, every error text, the audit and the command lines at work are searched for them.
# label: slow
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

store=$SECURE_MCP_GATEWAY_HOME/store.db
number=0
# A new canary in $SECRET; its first part is in all of them, so that one search finds them all.
canary() {
    number=$((number + 1))
    SECRET="KANARIENVOGEL-$number-$RANDOM"
}
# Plain, in base64 (at the three offsets there are) and in hex.
patterns=(-e KANARIENVOGEL -e S0FOQVJJRU5WT0dFT -e tBTkFSSUVOVk9HRU -e LQU5BUklFTlZPR0VM -e 4b414e415249454e564f47454c)
# clean TEXT PATH...: no canary in the files
clean() {
    if grep -r -a -l -i "${patterns[@]}" "${@:2}" >"$T/check" 2>&1; then
        fail "$1"
        sed 's/^/     /' "$T/check"
    else
        pass "$1"
    fi
}

echo '# A workload'
must smg config add --config-name c
canary
quietly config add-server --config-name c --server-name program --server-command sh --args -c,true --env "{\"TOKEN\":\"$SECRET\"}"
same 'a program is added' 0 "$rc"
first=$SECRET
canary
headers="{\"Authorization\":\"Bearer $SECRET\"}"
canary
oauth="{\"client_id\":\"me\",\"client_secret\":\"$SECRET\",\"nested\":{\"refresh_token\":\"$SECRET\"},\"token_url\":\"https://u:$SECRET@id.example.com/?key=$SECRET\"}"
canary
quietly config add-server --config-name c --server-name web --url "https://u:$SECRET@mcp.example.com/mcp?api_key=$SECRET" --headers "$headers" --oauth "$oauth"
same 'a server over HTTP is added' 0 "$rc"
canary
printf '{"A":"%s"}' "$SECRET" >env.json
quietly config update-server --config-name c --server-name program --env @env.json
same 'env from a file' 0 "$rc"
canary
printf '{"A":"****","B":"%s"}' "$SECRET" >stdin.json
quietly config update-server --config-name c --server-name program --env - <stdin.json
same 'env from standard input' 0 "$rc"
canary
printf '[{"server_name":"imported","config":{"command":"sh","env":{"A":"%s"},"api_key":"%s"},"my_password":"%s"}]' "$SECRET" "$SECRET" "$SECRET" >import.json
quietly config import --input-file import.json --config-name imported
same 'import' 0 "$rc"
quietly config copy --source-config c --target-config d
for format in json jsonl table csv yaml; do
    quietly config get --config-name c -o "$format"
    quietly config list-servers --config-name c -o "$format"
    quietly config get-server --config-name imported --server-name imported -o "$format"
    quietly config validate --config-name c -o "$format"
done
quietly config export --config-name c --output-file quiet/export.json
same 'export' 0 "$rc"
quietly config list
quietly config search --search-term w
quietly config remove --config-name d --dry-run
quietly config remove-all-servers --config-name d
quietly config update-server-guardrails --config-name c --server-name web --policy '{"enabled":true}'
quietly system health-check

echo '# Secrets in wrong places, broken and twice'
for secret in "$first" "$SECRET"; do
    json="{\"A\":\"$secret\"}"
    server=(--config-name c --server-name x)
    quietly config add-server "${server[@]}" --server-command sh --env "$json}"
    quietly config add-server "${server[@]}" --server-command sh --env "$json" --env "$json"
    quietly config add-server "${server[@]}" --server-command sh --env "$json" --env -
    quietly config add-server "${server[@]}" --server-command sh --env "$secret"
    quietly config add-server "${server[@]}" --server-command sh --env "@$secret"
    quietly config add-server "${server[@]}" --server-command sh --env "[\"$secret\"]"
    quietly config add-server "${server[@]}" --server-command sh --env "{\"A\":[\"$secret\"]}"
    quietly config add-server "${server[@]}" --server-command sh --env "{\"A\":\"$secret\\u0000\"}"
    quietly config add-server "${server[@]}" --server-command sh --headers "$json"
    quietly config add-server "${server[@]}" --server-command sh --oauth "\"$secret\""
    quietly config add-server "${server[@]}" --server-command sh --oauth "{\"token_url\":\"$secret\"}"
    quietly config add-server "${server[@]}" --url "https://$secret:$secret@" --headers "$json"
    quietly config add-server "${server[@]}" --url "$secret"
    quietly config add-server "${server[@]}" --url "https://example.com/" --headers "{\"A\":\"$secret\\n\"}"
    quietly config add-server "${server[@]}" --url "https://example.com/" --env "$json"
    quietly config add-server --config-name none --server-name x --server-command sh --env "$json"
    quietly config add-server --config-name c --server-name web --server-command sh --env "$json"
    quietly config get-server --config-name c --server-name web --env "$json"
    quietly config update-server --config-name c --server-name none --env "$json"
    quietly -o json config add-server "${server[@]}" --server-command sh --env "{\"A\":$json"
    printf '[{"server_name":"x","config":{"command":"sh","env":{"A":["%s"]}}}]' "$secret" >bad.json
    quietly config import --input-file bad.json --config-name bad
    printf '[{"server_name":"x","env":%s' "$json" >bad.json
    quietly config import --input-file bad.json --config-name bad
done
check 'they were all refused' test "$("$SMG" config list-servers --config-name c | jq length)" = 2

echo '# Revealing'
must smg config get-server --config-name c --server-name program --reveal
check 'a revealed secret is the one that was given' grep -q "\"B\": \"KANARIENVOGEL" out
check 'also the one that stayed under its mask' grep -q "\"A\": \"KANARIENVOGEL" out
must smg config export --config-name imported --output-file revealed.json --reveal
same 'a revealed export is for the owner only' 600 "$(stat -c %a revealed.json)"
same 'and has all three' 3 "$(grep -c KANARIENVOGEL revealed.json)"
must smg config import --input-file revealed.json --config-name again
must smg config get --config-name again --reveal
same 'and imported again they are there' 3 "$(grep -c KANARIENVOGEL out)"
must smg audit list --action config.reveal_server
same 'each showing of a server is a record' 3 "$(jq length out)"
must smg config get-server --config-name c --server-name web --reveal
grep -q KANARIENVOGEL out || fail 'the search could not find anything'
quietly audit list
quietly audit export --output-file quiet/audit.jsonl

echo '# Without master.key, as a gateway is'
mv "$SECURE_MCP_GATEWAY_HOME/master.key" master.key
must smg config get-server --config-name c --server-name program --reveal
check 'the credentials can be opened' grep -q KANARIENVOGEL out
mv master.key "$SECURE_MCP_GATEWAY_HOME/master.key"

echo '# Rows changed by hand'
sql() { sqlite3 "$store" "$@"; }
cp -r "$SECURE_MCP_GATEWAY_HOME" saved
sql "UPDATE servers SET record = replace(record, 'mcp.example.com', 'evil.example.com') WHERE server_name = 'web'"
smg config validate --config-name c
same 'a record changed for show is noticed' 1 "$rc"
check 'and told' grep -q record_tampered out
smg system health-check
same 'health-check says so' '1 1' "$rc $(jq -r '.issues[]' out | grep -c 'MCP servers .*: 1, the first in config c ')"
sql "UPDATE servers SET sealed = (SELECT s.sealed FROM servers s WHERE s.server_name = 'program') WHERE server_name = 'web'"
smg config validate --config-name c
check "another server's sealed record does not open" grep -q sealed_record_damaged out
sql "UPDATE servers SET sealed = x'' WHERE server_name = 'program'"
smg system health-check
same 'health-check counts the servers that cannot be opened' '1 1' "$rc $(jq -r '.issues[]' out | grep -c 'MCP servers .*: 2, the first in config c ')"
smg config get-server --config-name c --server-name web --reveal
refused 'nor is it shown' 1
rm -rf "$SECURE_MCP_GATEWAY_HOME"
mv saved "$SECURE_MCP_GATEWAY_HOME"
sql "UPDATE servers SET config = (SELECT n FROM configs WHERE config_name = 'again') WHERE server_name = 'web'"
smg config get-server --config-name again --server-name web --reveal
refused 'a server moved to another config does not open' 1
sql "UPDATE servers SET config = (SELECT n FROM configs WHERE config_name = 'c') WHERE server_name = 'web'"
must smg config get-server --config-name c --server-name web --reveal

echo '# A command at work'
mkdir seen
# look TEXT ARGS...: runs the command against a held lock and looks at it from outside
look() {
    local text=$1 pid rc=0
    shift
    hold
    "$SMG" "$@" >seen/out 2>seen/err &
    pid=$!
    sleep 0.5
    tr '\0' ' ' <"/proc/$pid/cmdline" >seen/cmdline
    ps -ww -o args= -p "$pid" >seen/ps
    check "$text: it waits" grep -q config seen/cmdline
    clean "$text: its command line" seen/cmdline seen/ps
    release
    wait "$pid" || rc=$?
    same "$text: then it does its work" 0 "$rc"
    clean "$text: and what it prints" seen/out seen/err
}
canary
look 'env, headers and oauth after a blank' config add-server --config-name c --server-name l1 --server-command sh --env "{\"A\":\"$SECRET\"}" --oauth "{\"client_secret\":\"$SECRET\"}"
look 'after an equals sign' config add-server --config-name c --server-name l2 "--url=https://u:$SECRET@example.com/" "--headers={\"A\":\"$SECRET\"}"
look 'an update' config update-server --config-name c --server-name l1 --env "{\"A\":\"$SECRET\"}"

echo '# The search'
if [ -s "$store-wal" ]; then clean 'nothing in the WAL' "$store-wal"; else skip 'the WAL: there is none'; fi
clean 'nothing in the store' "$SECURE_MCP_GATEWAY_HOME"
clean 'nothing in the error texts' stderr.all
clean "nothing in $((quiet * 2)) outputs that should have none" quiet
must smg audit verify
must smg system health-check
pass 'the store is healthy and the audit chain whole'
summary
