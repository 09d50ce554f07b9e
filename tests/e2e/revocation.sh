#!/usr/bin/env bash
# Whoever loses access loses it with the command: two gateways on one store (one of them with two
# workers), a flood of calls by the key and by others, and after the command has returned the next
# request must be refused, streams must end, and calls under way must be cancelled upstream.
#
# SMG_REVOCATION_ROUNDS says how many rounds of disable-api-key (40), SMG_REVOCATION_OTHERS of each
# other way (an eighth). The long run: SMG_REVOCATION_ROUNDS=1000 tests/e2e/revocation.sh
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
# shellcheck source-path=SCRIPTDIR source=serve.bash
. "$here/serve.bash"

rounds=${SMG_REVOCATION_ROUNDS:-40}
few=${SMG_REVOCATION_OTHERS:-$(((rounds + 7) / 8))}
key_ways=(delete-api-key rotate-api-key expiry remove-user delete-user offboard)
project_ways=(tool-removed server-removed unassign-config project-removed)

# --- one project for those who lose their key, and one for each round of the others
{
    echo email,project_name
    for ((i = 0; i < 8; i++)); do echo "good$i@example.com,common"; done
    for ((i = 0; i < rounds; i++)); do echo "disable-api-key.$i@example.com,common"; done
    for way in "${key_ways[@]}"; do
        for ((i = 0; i < few; i++)); do echo "$way.$i@example.com,common"; done
    done
    for way in "${project_ways[@]}"; do
        for ((i = 0; i < few; i++)); do echo "$way.$i@example.com,$way.$i"; done
    done
} >users.csv
must smg user import --input-file users.csv --create-projects --output json
jq -r '(.items? // .)[] | [.email, .project_name, .api_key, .key_id] | @tsv' out >keys.tsv
grep '^good' keys.tsv | cut -f 3 >good.txt

upstream_starts --note "$T/notes"
config() { # config NAME: with the server, and a filter that lets all but `slow` through
    must smg config add --config-name "$1"
    must smg config add-server --config-name "$1" --server-name bad --protocol modern \
        --url "http://127.0.0.1:$PORT/mcp" --allow-private-addresses --tools '["echo","hang"]'
}
config common
must smg project assign-config --project-name common --config-name common
for way in "${project_ways[@]}"; do
    for ((i = 0; i < few; i++)); do
        config "$way.$i"
        must smg project assign-config --project-name "$way.$i" --config-name "$way.$i"
    done
done

# --- the plan: way, key, what the next call must get, command
while IFS=$'\t' read -r email project key id; do
    way=${email%%.*}
    outcome=401
    case $way in
    disable-api-key | delete-api-key | rotate-api-key) command="user $way --api-key $id" ;;
    # The key is over when the command line has returned.
    expiry) command="user update-api-key --api-key $id --expires-in 1s && sleep 1.05" ;;
    remove-user) command="project remove-user --project-name $project --email $email" ;;
    delete-user) command="user delete --email $email --force" ;;
    offboard) command="user offboard --email $email" ;;
    tool-removed)
        command="config update-server --config-name $project --server-name bad --tools '[\"slow\"]'"
        outcome=refused
        ;;
    server-removed)
        command="config remove-server --config-name $project --server-name bad"
        outcome=refused
        ;;
    unassign-config)
        command="project unassign-config --project-name $project"
        outcome=refused
        ;;
    project-removed) command="project remove --project-name $project --force" ;;
    *) continue ;;
    esac
    printf '%s\t%s\t%s\t%s >>%s 2>&1\n' "$way" "$key" "$outcome" \
        "'$SMG' $command" "'$T/commands.log'"
done <keys.tsv | sed "s/ && sleep 1.05\(.*\)/\1 \&\& sleep 1.05/" >plan.tsv
lines=$(wc -l <plan.tsv)
same 'the plan has a line for each round' \
    $((rounds + few * (${#key_ways[@]} + ${#project_ways[@]}))) "$lines"

gateway_starts one
one=$gateway url=$GATEWAY
gateway_starts two --workers 2
two=$gateway

"$tools/revoke" --url "$url/mcp/bad" --url "$GATEWAY/mcp/bad" --good good.txt --plan plan.tsv \
    >table 2>troubles
status=$?
cat table
head -n 20 troubles
same 'nobody is let through after access was taken away' 0 "$status"

# Each call that hung was cancelled upstream, on both gateways, also where the key still lives.
hanging=$(grep -c '^started h-' notes)
check "calls hung when access was taken: $hanging" test "$hanging" -ge "$lines"
# shellcheck disable=SC2317 # called by await
all_cancelled() { [ "$(grep -c '^cancelled h-' "$T/notes")" -ge "$hanging" ]; }
await 5 all_cancelled
same 'and all were cancelled upstream' "$hanging" "$(grep -c '^cancelled h-' notes)"

gateway_ends one "$one"
gateway_ends two "$two"
summary
