#!/usr/bin/env bash
# The Python original's file: brought over whole, given back the same, and never half; its keys work whatever they look like.
# shellcheck source-path=SCRIPTDIR
# shellcheck disable=SC2094 # nothing is read and written at once: the names are of homes
. "$(dirname "$0")/lib.sh"

id() { printf '%08d-0000-4000-8000-%012d' "$1" "$2"; } # id KIND NUMBER
time=2025-07-16T17:02:00.406902
# at HOME ARGS...: smg in another home
at() { smg --home "$T/$1" "${@:2}"; }
# holdings HOME: all that an administrator can see but the audit
holdings() {
    local list
    for list in "user list" "project list" "config list" "user list-all-api-keys"; do
        # shellcheck disable=SC2086
        "$SMG" --home "$T/$1" $list -o jsonl
    done
}
records() { "$SMG" --home "$T/$1" audit list -o jsonl | wc -l; }

echo '# A file with everything, and keys of all shapes'
long=$(printf 'L%.0s' {1..512})
cat >shapes.txt <<END
2W8UupCkazk4SsOcSu_1hAbiOgPdv0g-nN9NtfZyg-rvYGat
-begins-with-a-dash-0123456789abcdefghij
--reveal
--home=/nowhere
-
@file-like
\$HOME"'\\;|&<>*?
b3f0e1d2-1c2d-4e5f-8a9b-0c1d2e3f4a5b
k
smg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
$long
END
jq -R -s --arg time $time --arg user "$(id 3 1)" --arg project "$(id 2 1)" --arg config "$(id 1 1)" '{
    common_mcp_gateway_config: {enkrypt_log_level: "INFO", enkrypt_api_key: "canary-common", timeout: 30},
    plugins: {guardrails: {provider: "enkrypt", config: {api_key: "canary-plugin", headers: {Authorization: "canary-header"}}}},
    mcp_configs: {($config): {mcp_config_name: "default config", mcp_config: [
        {server_name: "echo", description: "Echo", config: {command: "sh", args: ["-c", "cat"], env: {TOKEN: "canary-env"}},
         tools: {}, enable_server_info_validation: false,
         tool_guardrails_policy: {enabled: false, policy_name: "P", additional_config: {}, block: []},
         input_guardrails_policy: {enabled: true, policy_name: "P", additional_config: {pii_redaction: true}, block: ["policy_violation"]},
         output_guardrails_policy: {enabled: false, policy_name: "P", additional_config: {relevancy: false}, block: []}},
        {server_name: "far", config: {url: "https://mcp.example.com/mcp", headers: {Authorization: "canary-far"}}, tools: {a: {}}}]}},
    projects: {($project): {project_name: "default project", mcp_config_id: $config, users: [$user], created_at: $time}},
    users: {($user): {email: "Default@example.com", created_at: $time}},
    apikeys: (split("\n") | map(select(. != "")) | to_entries
        | map({key: .value, value: ({project_id: $project, user_id: $user, created_at: $time}
            + if .key % 2 == 1 then {disabled: true, disabled_at: "2025-08-01T00:00:00"} else {} end)}) | from_entries),
    admin_apikey: "canary-admin"}' <shapes.txt >original.json
must smg system import --input-file original.json --dry-run
same 'a dry run says what would be' '[1,1,2,11,0,true]' "$(jq -c '[.users.created,.projects.created,.servers.created,.apikeys.created,.problems,.dry_run]' out)"
same 'and does nothing' '0 0' "$(smg user list && jq length out) $(records home)"
must smg system import --input-file original.json
same 'the import does it' '[1,1,2,11,0,null]' "$(jq -c '[.users.created,.projects.created,.servers.created,.apikeys.created,.problems,.dry_run]' out)"
same 'and says what it did not keep' '["admin_apikey"]' "$(jq -c '[.not_kept[].member]' out)"
same 'ids and times stay' "[[\"$(id 3 1)\",\"Default@example.com\",\"$time\"]]" "$(smg user list && jq -c 'map([.user_id,.email,.created_at])' out)"
n=0
while IFS= read -r key; do
    want=active
    [ $((n % 2)) = 0 ] || want=disabled
    n=$((n + 1))
    # What reads as a source is given on standard input.
    case $key in
    - | @*) printf '%s' "$key" >stdin ;;
    *) printf '%s' "$key" >stdin && smg user get-api-key --api-key "$key" && same "key $n as an argument" "$key $want" "$(jq -r '.api_key + " " + .status' out)" ;;
    esac
    smg user get-api-key --api-key - <stdin
    same "key $n is found, and $want" "$key $want" "$(jq -r '.api_key + " " + .status' out)"
    smg user enable-api-key --api-key - <stdin
    same "key $n can be enabled" active "$(jq -r .status out)"
    smg user disable-api-key --api-key - <stdin
    same "key $n can be disabled" disabled "$(jq -r .status out)"
done <shapes.txt
smg user check-api-key --api-key -begins-with-a-dash-0123456789abcdefghij
same 'and its use is told to be refused' 1 "$rc"
must smg user rotate-api-key --api-key=--reveal
check 'one of them can be exchanged for one of ours' grep -q smg_ out
must smg user delete-api-key --api-key --home=/nowhere

echo '# Safe to run twice, and the store wins'
before=$(holdings home) count=$(records home)
smg system import --input-file original.json
same 'changed and deleted keys: told, with status 1' 1 "$rc"
same 'and nothing is created' 0 "$(jq '[.. | .created? // 0] | add' out)"
same 'the store is as it was' "$before" "$(holdings home)"
same 'but for one record' $((count + 1)) "$(records home)"
at twin system import --input-file original.json
before=$(holdings twin)
must at twin system import --input-file original.json
same 'untouched: all unchanged' '[0,17,0]' "$(jq -c '[.users,.projects,.memberships,.mcp_configs,.servers,.apikeys | [.created,.unchanged,.not_carried_over]] | transpose | map(add)' out)"
same 'and the store is as it was' "$before" "$(holdings twin)"
check 'the store is healthy' "$SMG" --home "$T/twin" system health-check
check 'its audit is whole' "$SMG" --home "$T/twin" audit verify

must at twin system reset --confirm
at twin system import --input-file original.json
same 'after a reset the keys are deleted ones' '[1,0,11]' "$(jq -c --argjson rc "$rc" '[$rc,.apikeys.created,.apikeys.not_carried_over]' out)"
check 'and the way out is told' grep -q -x 'hint: --revive-keys brings back the 11 keys that were deleted from this store' err
must at twin system import --input-file original.json --revive-keys
same 'by which they come back' 11 "$(jq .apikeys.created out)"
same 'as they were' '[6,5]' "$(at twin user list-all-api-keys && jq -c '[(map(select(.status == "active")) | length), (map(select(.status == "disabled")) | length)]' out)"
check 'the store is healthy again' "$SMG" --home "$T/twin" system health-check

echo '# Round trip'
must at twin system export --reveal --output-file first.json
same 'the file is for its owner alone' 600 "$(stat -c %a first.json)"
same 'every key in it is recorded' 11 "$("$SMG" --home "$T/twin" audit list --action api_key.reveal -o jsonl | wc -l)"
at twin system export --reveal --output-file first.json
refused 'an export is never written over' 1
must at third system import --input-file first.json
must at third system export --reveal --output-file second.json
check 'export, import, export: the same' cmp first.json second.json
same 'and what the original had is in it' "$(jq -S -c '[.users,.projects,.common_mcp_gateway_config,.plugins,(.apikeys|keys)]' original.json)" \
    "$(jq -S -c '[.users,.projects,.common_mcp_gateway_config,.plugins,(.apikeys|keys)]' second.json)"
must at third user generate-api-key --email default@example.com --project-name "default project" --show-once --expires-in 90d
must at third user generate-api-key --email default@example.com --project-name "default project" --name laptop --expires-in 90d
must at third system export --reveal --output-file third.json
same 'a key that was shown once is not in it' '[12,1]' "$(jq -c '[(.apikeys|length),(.masked_apikeys|length)]' third.json)"
at fourth system import --input-file third.json
same 'and that is told' '[1,12,1]' "$(jq -c '[.problems,.apikeys.created,.apikeys.not_carried_over]' out)"
# ends HOME: names and ends of the keys of our own
ends() {
    local key
    "$SMG" --home "$T/$1" user list-all-api-keys -o jsonl | jq -r 'select(.api_key | startswith("smg_") and (startswith("smg_AAAA") | not)).key_id' |
        while read -r key; do "$SMG" --home "$T/$1" user get-api-key --api-key "$key" --details | jq -c '[.name,.expires_at]'; done
}
same 'name and end of the other stay' "$(ends third | grep laptop)" "$(ends fourth)"

echo '# Masked'
must at twin system export
check 'no secret is in it' test "$(grep -c -F -e canary out)" = 0
same 'no key either, and none that could be taken for one' '{}' "$(jq -c .apikeys out)"
cp out masked.json
same 'every key is listed' 11 "$(jq '.masked_apikeys | length' masked.json)"
at fifth system import --input-file masked.json
same 'its keys are not imported, and that is told' '[1,0,11]' "$(jq -c --argjson rc "$rc" '[$rc,.apikeys.created,.apikeys.not_carried_over]' out)"
same 'nor are masked secrets taken for real unsaid' true "$(jq '.masked_secrets >= 4' out)"
jq --arg key "$(jq -r '.masked_apikeys[0].api_key' masked.json)" '.apikeys = {($key): (.masked_apikeys[0] | {user_id,project_id})} | del(.masked_apikeys)' masked.json >forged.json
at sixth system import --input-file forged.json
same 'a masked key is no key' '[0,1]' "$(jq -c '[.apikeys.created,.apikeys.not_carried_over]' out)"

echo '# Secrets'
printf '%s\n' canary-common canary-plugin canary-header canary-env canary-far canary-admin 2W8UupCkazk4SsOcSu_1hAbiOgPdv0g-nN9NtfZyg-rvYGat \
    -begins-with-a-dash-0123456789abcdefghij "$long" >canaries
check 'none is in the store' test "$(cat "$T"/home/store.db* "$T"/twin/store.db* | grep -c -a -F -f canaries)" = 0
check 'none was told' test "$(grep -c -F -f canaries stderr.all)" = 0
check 'none is in the audit' test "$("$SMG" --home "$T/twin" audit list -o jsonl | grep -c -F -f canaries)" = 0

echo '# What cannot be'
# whole_or_not TEXT FILE: refused with one error, and nothing of it is there
whole_or_not() {
    rm -rf "$T/hostile"
    at hostile system import --input-file "$2"
    refused "$1" 2
    same "$1: nothing half done" '0' "$(at hostile user list && jq length out)"
}
size=$(stat -c %s original.json)
for ((cut = 0; cut < size - 1; cut += size / 12 + 1)); do
    head -c "$cut" original.json >cut.json
    whole_or_not "cut at $cut" cut.json
done
truncate -s 1G huge.json
started=$EPOCHREALTIME
whole_or_not 'a gigabyte, by its size' huge.json
awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "     with reading the store again, %.3f s\n", b - a }'
head -c 30000000 /dev/zero | sed 's/\x0/0,/g; s/^/{"users":[/; s/$/0]}/' >values.json
whole_or_not 'millions of values' values.json
awk 'BEGIN { printf "{\"users\":{"; for (n = 0; n < 400001; n++) printf "%s\"%d\":0", n ? "," : "", n; printf "}}" }' >things.json
whole_or_not 'too many things' things.json
printf '{"users":%s%s}' "$(printf '[%.0s' {1..10000})" "$(printf ']%.0s' {1..10000})" >deep.json
whole_or_not '10,000 deep' deep.json
printf '{"users":{"u":{"email":"a@example.com"},"u":{"email":"b@example.com"}}}' >twice.json
whole_or_not 'the same id twice' twice.json
printf '{"apikeys":{},"apikeys":{}}' >twice.json
whole_or_not 'the same member twice' twice.json
printf '[]' >wrong.json
whole_or_not 'another file' wrong.json
printf '{"users":{"u":{"email":"a\xff@example.com"}}}' >utf8.json
whole_or_not 'not UTF-8' utf8.json
: >empty.json
whole_or_not 'empty' empty.json
head -c 70000000 /dev/zero | tr '\0' ' ' | smg --home "$T/hostile" system import --input-file - || rc=$?
refused 'a stream of more than 64 MiB' 2
check 'and that is why' grep -q 'holds more than 67108864 bytes' err

echo '# What is told'
cat >odd.json <<END
{"users": {"$(id 3 1)": {"email": "a@example.com"}, "$(id 3 2)": {"email": "A@Example.com"}, "$(id 3 3)": {"email": "no address"}, "plain-id": {"email": "c@example.com", "nick": 1}, "$(id 3 5)": 5},
 "projects": {"$(id 2 1)": {"project_name": "P", "mcp_config_id": "$(id 1 9)", "users": ["$(id 3 1)", "$(id 3 9)", 7, "plain-id"]}, "$(id 2 2)": {"project_name": "P"}},
 "mcp_configs": {"$(id 1 1)": {"mcp_config_name": "C", "mcp_config": [{"server_name": "x"}, 3, {"server_name": "ok", "config": {"command": "sh"}}, {"server_name": "ok", "config": {"command": "ls"}}]}},
 "apikeys": {"key-1": {"user_id": "$(id 3 2)", "project_id": "$(id 2 1)"}, "key-2": {"user_id": "$(id 3 1)", "project_id": "$(id 2 9)"}, "key-3": {"user_id": "plain-id", "project_id": "$(id 2 1)"}, "key-4": 4, "key-5": {}}}
END
at odd system import --input-file odd.json
same 'odd things: the rest is imported, with status 1' '[1,[2,3],[1,1],[2,2],[1,3],[1,4]]' \
    "$(jq -c --argjson rc "$rc" '[$rc, (.users,.projects,.memberships,.servers,.apikeys | [.created,.not_carried_over])]' out)"
check 'the error says so' grep -q -x 'error: [0-9]* things of the file could not be carried over; the rest was imported' err
same 'an id that is no UUID gets one' '[1,"plain-id",true]' "$(jq -c '[.new_ids,.first_new_ids[0].id,(.first_new_ids[0].new_id|test("^[0-9a-f]{8}-[0-9a-f]{4}-8"))]' out)"
same 'and what has no place is kept' '[0,1]' "$(jq -c '[(.not_kept|length),.kept_members.created]' out)"
cp out odd.report
before=$(holdings odd)
at odd system import --input-file odd.json
same 'again: nothing new' "$before" "$(holdings odd)"
check 'the store is healthy' "$SMG" --home "$T/odd" system health-check

echo '# 10,000 users, 10,000 keys, 50 configs'
awk -v USERS=10000 -v PROJECTS=50 -v CONFIGS=50 -f "$here/data/original.awk" >big.json
started=$EPOCHREALTIME
must at big system import --input-file big.json
ended=$EPOCHREALTIME
awk -v a="$started" -v b="$ended" 'BEGIN { printf "     imported in %.2f s\n", b - a }'
same 'all of them' '[10000,10000,10000,50,100,0]' "$(jq -c '[.users.created,.memberships.created,.apikeys.created,.mcp_configs.created,.servers.created,.problems]' out)"
must at big system export --reveal --output-file big-1.json
must at big2 system import --input-file big-1.json
must at big2 system export --reveal --output-file big-2.json
check 'and back' cmp big-1.json big-2.json
summary
