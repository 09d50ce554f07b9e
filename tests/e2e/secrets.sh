#!/bin/bash
# No secret is where it should not be: canary keys are made, used and misused; then the store, its WAL, every error text,
# the audit log, the process list and core dumps are searched for them.
# label: slow
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

store=$SECURE_MCP_GATEWAY_HOME/store.db
keys=$T/keys.txt # every key that was ever shown, a line each
: >"$keys"
canary() { printf '%s\n' "$KEY" >>"$keys"; }
scan() { "$here/scan_secrets" "$keys" -k "$SECURE_MCP_GATEWAY_HOME/index.key" -k "$SECURE_MCP_GATEWAY_HOME/master.key" "$@"; }
# clean TEXT PATH...: no secret in the paths
clean() { check "$1" scan "${@:2}"; }

echo '# A workload'
for user in alice bob; do
    for project in "Team Project" Other; do
        new_key "$user@example.com" "$project"
        canary
    done
done
mapfile -t made <"$keys"
check 'keys are 48 characters' grep -q -x -E 'smg_[A-Za-z0-9_-]{44}' "$keys"
must smg user list-api-keys --email alice@example.com
cp out revealed
must smg user rotate-api-key --api-key "${made[0]}"
KEY=$(jq -r .new_api_key out)
canary
must smg user rotate-api-key --api-key "${made[1]}" --grace 24h
KEY=$(jq -r .new_api_key out)
canary
# Keys that an import makes are shown once, in its output, and never in a rehearsal of it or in a refusal.
cat >import.csv <<'END'
email,project_name,key_name
erin@example.com,Other,first
erin@example.com,Team Project,second
frank@example.com,Other,
END
quietly user import --input-file import.csv --dry-run
same 'a rehearsed import' 0 "$rc"
must smg user import --input-file import.csv -o csv
cp out imported
imported=$(grep -o -E 'smg_[A-Za-z0-9_-]{44}' imported)
same 'an import shows the keys it made' 3 "$(wc -l <<<"$imported")"
for KEY in $imported; do canary; done
quietly user import --input-file import.csv
same 'a second import of the same is refused' 1 "$rc"
quietly user import --input-file import.csv --skip-existing
same 'unless it may skip what exists' 0 "$rc"
must smg user list-all-api-keys --reveal
must smg user get-api-key --api-key "${made[2]}"
mapfile -t made <"$keys"

quietly user get --email alice@example.com
quietly user list
quietly user list-all-api-keys
quietly user list-all-api-keys -o csv
quietly user list-all-api-keys -o table
quietly user disable-api-key --api-key "${made[2]}"
quietly user enable-api-key --api-key "${made[2]}"
quietly user check-api-key --api-key "${made[2]}"
quietly user update-api-key --api-key "${made[2]}" --name laptop
quietly user delete-api-key --api-key "${made[3]}" --dry-run
quietly user delete-api-key --api-key "${made[3]}"
quietly user audit
quietly user search --search-term "${made[2]}"
quietly project list
quietly project get --project-name Other
quietly system health-check
quietly audit list
quietly audit verify
must smg user generate-api-key --email bob@example.com --project-name Other --show-once
KEY=$(jq -r .api_key out)
canary
quietly user list-api-keys --email bob@example.com --project-name Other

echo '# Keys in wrong places'
key=${made[2]}
typo=${key:0:47}$([ "${key:47}" = A ] && echo B || echo A)
KEY=$typo
canary
for word in "$key" "$typo"; do
    quietly "$word"
    quietly user "$word"
    quietly user get "$word"
    quietly user get --email "$word"
    quietly user get --user-id "$word"
    quietly user get --api-kye "$word"
    quietly user get --api-kye="$word"
    quietly user get "--$word"
    quietly user get "-$word"
    quietly user get-api-key "$word"
    quietly user get-api-key --api-key "@$word"
    quietly user get-api-key --api-key-env "$word"
    quietly user get-api-key --api-key "${word}x"
    quietly user get-api-key --api-key "x$word"
    quietly user get-api-key --api-key "Bearer $word"
    quietly user get-api-key --api-key "$word" --output "$word"
    quietly user rotate-api-key --api-key "$word" --grace "$word"
    quietly user create --email "$word@"
    quietly user list --limit "$word"
    quietly user list --after "$word"
    quietly user list-all-api-keys --status "$word"
    quietly user generate-api-key --email alice@example.com --project-name "$word"
    quietly user generate-api-key --email alice@example.com --project-name Other --expires-in "$word"
    quietly project get --project-name "$word"
    quietly project get --project-id "$word"
    quietly config get --config-name "$word"
    quietly audit list --action "$word"
    quietly audit list --since "$word"
    quietly --home "$T/other" --store "$word" user list
    quietly -o json user get --email "$word"
    quietly -o json user "$word"
done
for word in "$key" "$typo" "${key}x"; do
    printf 'email,project_name,key_name\n%s,Other,\n' "$word" >email.csv
    printf 'email,project_name,key_name\n%s@example.com,Other,\n' "$word" >address.csv
    printf 'email,project_name,key_name\ngrace@example.com,%s,\n' "$word" >project.csv
    printf 'email,project_name,key_name\ngrace@example.com,Other,%s\n' "$word" >name.csv
    printf 'email,%s\ngrace@example.com,Other\n' "$word" >column.csv
    printf 'email,project_name\ngrace@example.com,Other,"%s\n' "$word" >open.csv
    for file in email address project name column open; do
        quietly user import --input-file "$file.csv" --create-projects
        [ "$rc" -ne 0 ] || fail "$file.csv was imported: $(shown "$word")"
        rm "$file.csv"
    done
    quietly user import --input-file "$word"
done
printf 'no key here\n%s\n' "$typo" >note.txt
quietly user get-api-key --api-key @note.txt
quietly user get-api-key --api-key "$typo"
same 'a mistyped key finds nothing' 1 "$rc"
quietly audit list
quietly audit export --output-file quiet/audit.json
same 'audit export succeeds' 0 "$rc"
same 'and its file is for the owner only' 600 "$(stat -c %a quiet/audit.json)"
quietly system backup --output-file quiet/backup
if [ "$rc" = 2 ]; then skip 'system backup: not in this program yet'; else same 'backup succeeds' 0 "$rc"; fi

echo '# The search'
check 'the search finds a key that is there' test "$(scan revealed | wc -l)" -gt 0
check 'and those that were imported' test "$(scan imported | grep -c 'imported: key')" = 3
printf '%s' "${made[2]:4}" | tr -- '-_' '+/' | base64 -d >raw
check 'and its raw bytes' test "$(scan raw | wc -l)" -gt 0
cat "$SECURE_MCP_GATEWAY_HOME/index.key" raw >raw2
check 'and the bytes of a key file' test "$(scan raw2 | grep -c 'index.key')" -gt 0
rm raw raw2
clean "$((quiet * 2)) outputs that should have no full key have none" quiet
clean 'no error text has one' stderr.all
for file in "$SECURE_MCP_GATEWAY_HOME"/*; do
    case ${file##*/} in
    index.key | master.key) check "no API key in ${file##*/}" "$here/scan_secrets" "$keys" "$file" ;;
    *) clean "none in ${file##*/}" "$file" ;;
    esac
done
check 'all files of the store are for the owner only' test "$(find "$SECURE_MCP_GATEWAY_HOME" -type f ! -perm 600 | wc -l)" = 0
# In an orderly end the WAL is folded into the database. Kept open by a reader, it stays; then it is searched.
coproc READER { exec sqlite3 -batch "$store"; }
echo "BEGIN; SELECT count(*) FROM api_keys;" >&"${READER[1]}"
read -r -t 10 _ <&"${READER[0]}"
must smg user rotate-api-key --api-key "${made[2]}"
KEY=$(jq -r .new_api_key out)
canary
must smg user disable-api-key --api-key "$KEY"
mapfile -t made <"$keys"
if [ -s "$store-wal" ]; then clean 'none in the WAL while it is in use' "$store-wal" "$store-shm"; else skip 'the WAL: there is none'; fi
echo '.quit' >&"${READER[1]}"
# shellcheck disable=SC2154 # set by coproc
wait "$READER_PID" 2>/dev/null

echo '# A command at work'
# A dump of another process's memory, as its own crash would leave: what is marked as not to be dumped is left out.
gdb_works=
if [ "${SMG_SANITIZE:-}" ]; then
    : # its memory is a sanitizer's, terabytes of it
elif command -v gcore >/dev/null; then
    sleep 30 &
    gcore -o "$T/probe" "$!" >/dev/null 2>&1 && [ -s "$T/probe.$!" ] && gdb_works=1
    kill "$!"
    wait "$!" 2>/dev/null
    rm -f "$T"/probe.*
fi
mkdir dumps
export MARKER=in-the-environment-of-every-command-and-no-secret
# look TEXT PID: what others can see of the process
look() {
    local text=$1 pid=$2
    sleep 0.4
    if ! kill -0 "$pid" 2>/dev/null || [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" = Z ]; then
        fail "$text: the command did not wait"
        return
    fi
    cat "/proc/$pid/cmdline" >"dumps/cmdline.$pid"
    ps -ww -o args= -p "$pid" >"dumps/ps.$pid"
    clean "$text: its command line" "dumps/cmdline.$pid"
    clean "$text: ps" "dumps/ps.$pid"
    if [ "$gdb_works" ]; then
        if gcore -o dumps/core "$pid" >dumps/gcore.log 2>&1; then
            check "$text: the dump has what is no secret" grep -q -a -F "$MARKER" "dumps/core.$pid"
            clean "$text: its memory dump" "dumps/core.$pid"
            rm -f "dumps/core.$pid"
        else
            pass "$text: its memory cannot be dumped"
        fi
    else
        skip "$text: memory dump: no gdb here, or a sanitizer"
    fi
}
ended() {
    rc=0
    wait "$2" || rc=$?
    same "$1: then it does its work" 0 "$rc"
}

key=${made[-1]}
hold
"$SMG" user enable-api-key --api-key "$key" >dumps/out 2>dumps/err &
pid=$!
look 'key as an argument' "$pid"
release
ended 'key as an argument' "$pid"

hold
"$SMG" user disable-api-key --api-key="$key" >dumps/out 2>dumps/err &
pid=$!
look 'key after an equals sign' "$pid"
release
ended 'key after an equals sign' "$pid"

hold
printf '%s\n' "$key" | "$SMG" user enable-api-key --api-key - >dumps/out 2>dumps/err &
pid=$!
look 'key on stdin' "$pid"
release
ended 'key on stdin' "$pid"

hold
printf '%s\n' "$key" >key.txt
"$SMG" user disable-api-key --api-key @key.txt >dumps/out 2>dumps/err &
pid=$!
look 'key in a file' "$pid"
release
ended 'key in a file' "$pid"

hold
THE_KEY=$key "$SMG" user enable-api-key --api-key-env THE_KEY >dumps/out 2>dumps/err &
pid=$!
look 'key in the environment' "$pid"
release
ended 'key in the environment' "$pid"

hold
"$SMG" user rotate-api-key --api-key "$key" >dumps/rotated 2>dumps/err &
pid=$!
look 'rotation' "$pid"
release
ended 'rotation' "$pid"
KEY=$(jq -r .new_api_key dumps/rotated)
canary
rm dumps/rotated

# Keys on their way out: more of them than a pipe takes, to a reader that does not read.
for _ in $(seq 12); do
    must smg user generate-api-key --email bob@example.com --project-name "Team Project"
    KEY=$(jq -r .api_key out)
    canary
done
must smg user list-api-keys --email bob@example.com
size=$(stat -c %s out)
many=$((100000 / (size / 14) + 1))
for _ in $(seq "$many"); do
    "$SMG" user generate-api-key --email bob@example.com --project-name "Team Project" | jq -r .api_key
done >>"$keys"
mkfifo pipe
"$SMG" user list-api-keys --email bob@example.com >pipe 2>dumps/err &
pid=$!
exec 9<pipe
look 'keys on their way to a full pipe' "$pid"
check 'then it prints all of them' test "$(jq length <&9)" -gt "$many"
exec 9<&-
wait "$pid" 2>/dev/null
key=$(tail -n 1 "$keys")

echo '# A crash'
pattern=$(cat /proc/sys/kernel/core_pattern)
case $pattern in
'|'* | */*) skip "the kernel's core dumps: they go elsewhere ($pattern)" ;;
*)
    # A dump of a process that hides nothing, to know that there would be one.
    mkdir cores
    (cd cores && ulimit -c unlimited && exec sleep 30) &
    pid=$!
    sleep 0.2
    kill -ABRT "$pid"
    wait "$pid" 2>/dev/null
    if [ -z "$(ls cores)" ]; then
        skip "the kernel's core dumps: it writes none here"
    else
        rm -f cores/*
        hold
        (cd cores && ulimit -c unlimited && exec "$SMG" user disable-api-key --api-key "$key") >dumps/out 2>dumps/err &
        pid=$!
        sleep 0.4
        kill -ABRT "$pid"
        rc=0
        wait "$pid" 2>/dev/null || rc=$?
        release
        same 'it ends by the signal' 134 "$rc"
        if [ -z "$(ls cores)" ]; then pass 'the kernel writes no core dump of it'; else clean 'its core dump' cores; fi
        clean 'and what it printed' dumps/out dumps/err
    fi
    ;;
esac

echo '# Afterwards'
clean 'nothing in the store' "$store"
clean 'nothing in the error texts' stderr.all
check 'nothing in other places of the working directory' scan quiet dumps
must smg system health-check
must smg audit verify
pass 'the store is healthy and the audit chain whole'
summary
